/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-inference-plan.h"

#include "hr-inference-cache.h"
#include "hr-framework.h"
#include "hr-media.h"
#include "hr-message.h"
#include "hr-model-head.h"
#include "hr-model-private.h"
#include "hr-pass.h"

/*
 * hr_inference_plan_warn:
 * @self: a plan
 * @msgid: what was assumed: a message id, as for printf
 * @...: what goes into it
 *
 * Adds a warning.
 */
void
hr_inference_plan_warn (HrInferencePlan *self,
                        const char      *msgid,
                        ...)
{
  va_list arguments;

  va_start (arguments, msgid);
  g_ptr_array_add (self->warnings, hr_message_format (msgid, arguments));
  va_end (arguments);
}

/* transformers takes the dtype of the stored weights, of which a config alone says nothing (_get_dtype). */
static void
assume_dtype (HrInferencePlan *plan)
{
  plan->dtype = hr_job_assume_dtype (plan->model);
  if (plan->dtype == HR_DTYPE_BFLOAT16)
    hr_inference_plan_warn (plan, N_("The config does not state a dtype: bfloat16 is assumed for what is not "
                                     "quantized"));
  else
    hr_inference_plan_warn (plan, N_("Neither the config nor the catalogue says in which dtype the weights are stored, "
                                     "which transformers goes by: float32 is assumed; set the dtype if it is another"));
}

static void
resolve_dtype (HrInferencePlan *plan,
               HrJob           *job)
{
  plan->dtype = hr_job_get_dtype (job);
  if (plan->dtype == HR_DTYPE_AUTO)
    plan->dtype = hr_model_get_dtype (plan->model);
  if (plan->dtype == HR_DTYPE_AUTO)
    assume_dtype (plan);

  switch (plan->dtype)
    {
    case HR_DTYPE_FLOAT64:
      plan->element = HR_ELEMENT_FLOAT64;
      break;

    case HR_DTYPE_FLOAT32:
      plan->element = HR_ELEMENT_FLOAT32;
      break;

    case HR_DTYPE_FLOAT16:
      plan->element = HR_ELEMENT_FLOAT16;
      break;

    case HR_DTYPE_FLOAT8:
    case HR_DTYPE_INT8:
    case HR_DTYPE_INT4:
      /* Translators: the two places are names of dtypes, such as int8 and bfloat16. */
      hr_inference_plan_warn (plan,
                              N_("transformers does not compute in %s: weights are counted as plain %s, all that is "
                                "computed as bfloat16; a quantization also counts its scales"),
                              hr_dtype_get_name (plan->dtype), hr_dtype_get_name (plan->dtype));
      plan->element = HR_ELEMENT_BFLOAT16;
      break;

    case HR_DTYPE_AUTO:
    case HR_DTYPE_BFLOAT16:
    default:
      plan->element = HR_ELEMENT_BFLOAT16;
      break;
    }
}

/* Formats whose matrices no kernel that transformers comes with computes with. */
static gboolean
is_expanded (HrQuantization quantization)
{
  switch ((guint) quantization)
    {
    case HR_QUANTIZATION_MXFP4:
    case HR_QUANTIZATION_NVFP4:
    case HR_QUANTIZATION_W8A8_INT8:
    case HR_QUANTIZATION_W8A16_INT8:
    case HR_QUANTIZATION_W4A16_INT4:
      return TRUE;

    default:
      return FALSE;
    }
}

static void
warn_of_quantization (HrInferencePlan *plan)
{
  const char *name = hr_quantization_get_name (plan->quantization);

  if (hr_quantization_is_gguf (plan->quantization))
    /* Translators: the places are a format such as q4_k_m and a dtype such as bfloat16. */
    hr_inference_plan_warn (plan,
                            N_("transformers expands %s weights to %s when it loads them: they are counted as their "
                               "file holds them, which is what llama.cpp computes with"),
                            name, hr_dtype_get_name (plan->dtype));
  else if (hr_weight_storage_leaves_all (&plan->storage))
    /* Translators: the places are a format such as awq-int4 and a dtype such as bfloat16. */
    hr_inference_plan_warn (plan, N_("There is nothing in this model that %s is for: its weights are counted in %s"),
                            name, hr_dtype_get_name (plan->dtype));
  else if (hr_weight_storage_leaves_experts (&plan->storage))
    /* Translators: the places are a dtype such as bfloat16 and a format such as bnb-nf4. */
    hr_inference_plan_warn (plan,
                            N_("transformers keeps the experts of a layer in one tensor: they stay in %s, and only "
                               "what is around them is stored in %s"),
                            hr_dtype_get_name (plan->dtype), name);
  else if (plan->quantization != HR_QUANTIZATION_NONE && hr_model_has_experts (plan->model))
    /* Translators: the places are a format such as mxfp4 and a dtype such as bfloat16. */
    hr_inference_plan_warn (plan,
                            N_("Experts in %s are computed by kernels whose working memory is not known: it is "
                               "counted as that of experts in %s"),
                            name, hr_dtype_get_name (plan->dtype));
  else if (is_expanded (plan->quantization))
    /* Translators: the place is a format such as mxfp4. */
    hr_inference_plan_warn (plan,
                            N_("Matrices in %s are assumed to be expanded one at a time, as they are where no kernel "
                               "computes in the format"),
                            name);
}

static gboolean
runs_on (HrJob    *job,
         HrEngine  engine)
{
  return HR_IS_INFERENCE_JOB (job) && hr_inference_job_get_engine (HR_INFERENCE_JOB (job)) == engine;
}

/* Formats that a program alone computes with. */
static gboolean
check_engine (const HrInferencePlan  *plan,
              HrJob                  *job,
              GError                **error)
{
  gboolean is_exl3 = plan->quantization == HR_QUANTIZATION_EXL3;

  if ((!is_exl3 || runs_on (job, HR_ENGINE_EXLLAMA)) &&
      (!hr_quantization_is_mlx (plan->quantization) || runs_on (job, HR_ENGINE_MLX)))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are a format, a program, and what the setting engine calls it. */
                        N_("quantization: expected a format other than %s, which %s alone computes with, or the "
                           "engine %s"),
                        hr_quantization_get_name (plan->quantization), is_exl3 ? "ExLlamaV3" : "MLX",
                        is_exl3 ? "exllama" : "mlx");

  return FALSE;
}

/*
 * hr_inference_plan_find_foreign:
 * @job: a job of an engine that runs in one process, without torch
 *
 * Finds a setting that only engines built on torch have a use for.
 *
 * Returns: (transfer none) (nullable): its name, or %NULL where all are as by default
 */
const char *
hr_inference_plan_find_foreign (HrInferenceJob *job)
{
  static const char * const foreign[] = {
    "beams", "tensor-parallel", "pipeline-parallel", "context-parallel", "expert-parallel", "data-parallel", NULL
  };

  return hr_job_find_changed (HR_JOB (job), foreign);
}

static gboolean
resolve_quantization (HrInferencePlan  *plan,
                      HrJob            *job,
                      GError          **error)
{
  const char *unknown = hr_model_get_unknown_quantization (plan->model);
  g_autoptr (HrGgufTypes) types = NULL;

  plan->quantization = hr_job_get_quantization (job);
  if (plan->quantization == HR_QUANTIZATION_AUTO && unknown != NULL)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the name of a model, and a method of quantization such as vptq. */
                            N_("quantization: expected a format that is known, or none for weights that are expanded "
                               "when they are loaded, as “%s” was quantized with “%s”, which is not known in this "
                               "form; found auto"),
                            hr_model_get_name (plan->model), unknown);
      return FALSE;
    }

  if (plan->quantization == HR_QUANTIZATION_AUTO)
    {
      g_autoptr (HrJob) resolved = hr_job_resolve (job, plan->model);

      plan->quantization = hr_job_get_quantization (resolved);
    }

  if (!check_engine (plan, job, error))
    return FALSE;

  if (HR_IS_INFERENCE_JOB (job) && hr_inference_job_runs_llama (HR_INFERENCE_JOB (job)) &&
      !hr_gguf_types_read (hr_inference_job_get_tensor_types (HR_INFERENCE_JOB (job)), &types, error))
    return FALSE;

  hr_weight_storage_init (&plan->storage, plan->model, plan->dtype, plan->quantization, types);
  warn_of_quantization (plan);

  return TRUE;
}

static gboolean
has_states (const HrStack *stack)
{
  HrBlockState state;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      if (hr_layer_class_get_state (&stack->layer_classes[i], &state))
        return TRUE;
    }

  return FALSE;
}

static gboolean
resolve_cache (HrInferencePlan  *plan,
               HrInferenceJob   *job,
               GError          **error)
{
  HrDtype dtype = hr_inference_job_get_kv_cache_dtype (job);

  if (dtype == HR_DTYPE_AUTO || dtype == plan->dtype || !plan->inference.use_cache ||
      hr_inference_job_runs_llama (job))
    return TRUE;
  if (plan->inference.encoder != NULL)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("kv-cache-dtype: expected auto, as transformers does not quantize the caches of an "
                               "encoder and a decoder; found %s"),
                            hr_dtype_get_name (dtype));
      return FALSE;
    }

  if ((dtype == HR_DTYPE_INT8 || dtype == HR_DTYPE_INT4) &&
      has_states (plan->stack))
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("kv-cache-dtype: expected auto, as transformers keeps the states of this model in its "
                               "own dtype; found %s"),
                            hr_dtype_get_name (dtype));
      return FALSE;
    }
  if (dtype == HR_DTYPE_INT8 || dtype == HR_DTYPE_INT4)
    {
      plan->inference.cache_bits = hr_dtype_get_bits (dtype);
      return TRUE;
    }

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("kv-cache-dtype: expected auto, int8, int4 or the model's own dtype %s, which are what "
                           "transformers offers; found %s"),
                        hr_dtype_get_name (plan->dtype), hr_dtype_get_name (dtype));

  return FALSE;
}

static gboolean
has_sinks (const HrStack *stack)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[i]);

      if (attention != NULL && attention->has_sinks)
        return TRUE;
    }

  return FALSE;
}

/* torch's kernels know no sinks; transformers computes such a model in operations of its own. */
static void
adapt_to_sinks (HrInferencePlan *plan)
{
  HrAttentionImplementation *attention = &plan->inference.attention;

  if (!has_sinks (plan->stack) || *attention == HR_ATTENTION_IMPLEMENTATION_EAGER ||
      *attention == HR_ATTENTION_IMPLEMENTATION_FLASH)
    return;

  *attention = HR_ATTENTION_IMPLEMENTATION_EAGER;
  hr_inference_plan_warn (plan, N_("The attention of this model has sinks, which torch’s kernels do not know: it is "
                                   "computed as eager, as transformers does"));
}

/* T5 computes its attention in operations of its own. */
static void
adapt_to_own_code (HrInferencePlan *plan)
{
  const HrAttention *attention = hr_layer_class_get_attention (&plan->stack->layer_classes[0]);
  HrAttentionImplementation *chosen = &plan->inference.attention;

  if (attention == NULL || !hr_attention_is_relative (attention) || *chosen == HR_ATTENTION_IMPLEMENTATION_EAGER)
    return;

  *chosen = HR_ATTENTION_IMPLEMENTATION_EAGER;
  hr_inference_plan_warn (plan,
                          N_("The attention of this model adds biases to its scores, which torch’s kernels are not "
                             "used for: it is computed as eager, as transformers does"));
}

/*
 * hr_inference_plan_resolve_attention:
 * @plan: a plan
 * @job: a job of any mode
 * @cast: what queries of fp32 are cast to, or %HR_ELEMENT_NONE
 * @error: return location for an error
 *
 * Resolves how the attention is computed, when it is known what is read.
 *
 * Returns: whether the framework can do it
 */
gboolean
hr_inference_plan_resolve_attention (HrInferencePlan  *plan,
                                     HrJob            *job,
                                     HrElement         cast,
                                     GError          **error)
{
  HrElement element = plan->element == HR_ELEMENT_FLOAT32 && cast != HR_ELEMENT_NONE ? cast : plan->element;

  plan->inference.attention = hr_job_get_attention (job);
  plan->inference.mask = hr_job_get_attention_mask (job);
  if (plan->inference.features > 0)
    plan->inference.mask = HR_ATTENTION_MASK_NONE;
  adapt_to_sinks (plan);
  adapt_to_own_code (plan);

  if (plan->inference.attention == HR_ATTENTION_IMPLEMENTATION_FLASH &&
      (element == HR_ELEMENT_FLOAT32 || element == HR_ELEMENT_FLOAT64))
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("attention: flash, which is the flash-attn package, computes in float16 and "
                               "bfloat16 only; found dtype %s"),
                            hr_dtype_get_name (plan->dtype));
      return FALSE;
    }

  return TRUE;
}

static gboolean
chain_has_block (const HrChain *chain,
                 HrBlockKind    kind)
{
  return hr_chain_find_block (chain, kind) != NULL;
}

static gboolean
chain_has_loop (const HrChain *chain,
                HrBlockKind    kind)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].kind == kind && chain->blocks[i].mixture.path == HR_EXPERTS_LOOP)
        return TRUE;
    }

  return FALSE;
}

/* Whether any chain of any layer is as asked. */
static gboolean
any_chain (const HrStack *stack,
           gboolean     (*check) (const HrChain *chain,
                                  HrBlockKind    kind),
           HrBlockKind    kind)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrLayerClass *klass = &stack->layer_classes[i];

      for (guint j = 0; j < klass->n_sublayers; j++)
        {
          for (guint k = 0; k < klass->sublayers[j].n_branches; k++)
            {
              if (check (&klass->sublayers[j].branches[k], kind))
                return TRUE;
            }
        }
    }

  return FALSE;
}

/* Packages with kernels come on their own; transformers does without, but takes more. */
static void
warn_of_kernels (HrInferencePlan *plan)
{
  if (any_chain (plan->stack, chain_has_loop, HR_BLOCK_MIXTURE))
    hr_inference_plan_warn (plan,
                            N_("The code of this model goes through its experts one by one: it is assumed that every "
                               "expert is chosen by as many tokens as any other"));
  if (any_chain (plan->stack, chain_has_block, HR_BLOCK_GATED_DELTA))
    hr_inference_plan_warn (plan,
                            N_("The linear-attention layers are assumed to run in transformers’ own code, as they do "
                               "without the packages flash-linear-attention and causal-conv1d; "
                               "with these, prompts and steps of training take far less"));
  if (any_chain (plan->stack, chain_has_block, HR_BLOCK_MAMBA) ||
      any_chain (plan->stack, chain_has_block, HR_BLOCK_MAMBA2))
    hr_inference_plan_warn (plan,
                            N_("The state-space layers are assumed to run in transformers’ own code, as they do "
                               "without the packages mamba-ssm and causal-conv1d; "
                               "with these, prompts and steps of training take far less"));
}

static void
resolve_outliers (HrInferencePlan *self,
                  HrJob           *job)
{
  self->splits_outliers = hr_job_get_int8_outliers (job);
  if (self->quantization == HR_QUANTIZATION_BNB_INT8 && self->splits_outliers)
    hr_inference_plan_warn (self, N_("LLM.int8() multiplies features of large values in 16 bits: which there are "
                                     "depends on the text, seven of each input are counted"));
}

static const HrBlock *
find_convolution (const HrChain *chain)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].kind == HR_BLOCK_CONVOLUTION)
        return &chain->blocks[i];
    }

  return NULL;
}

static gboolean
has_known_layers (const HrStack *stack)
{
  for (guint i = 0; stack != NULL && i < stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[i]);

      if (attention != NULL && attention->path == HR_ATTENTION_UNKNOWN)
        return FALSE;
    }

  return TRUE;
}

/* Whether a model that is otherwise counted alone is known as an engine runs it, and the job is one of that engine. */
static gboolean
is_served (HrModel *model,
           HrJob   *job)
{
  const char * const *engines = _hr_model_get_engines (model);
  g_autofree char *engine = NULL;

  if (engines == NULL || !HR_IS_INFERENCE_JOB (job))
    return FALSE;

  engine = hr_job_get_as_string (job, "engine");

  return g_strv_contains (engines, engine);
}

/* What to say of a model of which only engines are known. */
static void
set_counted_error (HrInferencePlan  *plan,
                   GError          **error)
{
  const char * const *engines = _hr_model_get_engines (plan->model);
  g_autofree char *joined = NULL;

  if (engines == NULL)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the place is the name of a model. */
                            N_("“%s”: how its layers are computed is not known well enough to estimate their memory; "
                               "its parameters are counted"),
                            hr_model_get_name (plan->model));
      return;
    }

  joined = g_strjoinv (", ", (char **) engines);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a model and names of engines. */
                        N_("“%s”: expected inference with one of these engines, as what others take of such layers is "
                           "not known: %s"),
                        hr_model_get_name (plan->model), joined);
}

static gboolean
resolve_stack (HrInferencePlan  *plan,
               HrJob            *job,
               GError          **error)
{
  const HrStack *encoder = hr_model_find_stack (plan->model, HR_STACK_ENCODER);
  const HrStack *decoder = hr_model_find_stack (plan->model, HR_STACK_DECODER);

  if ((hr_model_is_counted_only (plan->model) && !is_served (plan->model, job)) ||
      !has_known_layers (encoder) || !has_known_layers (decoder) ||
      (encoder != NULL && decoder != NULL && !hr_model_writes_text (plan->model)))
    {
      set_counted_error (plan, error);
      return FALSE;
    }

  plan->stack = decoder != NULL ? decoder : encoder;
  plan->inference.encoder = decoder != NULL ? encoder : NULL;
  if (plan->stack != NULL && plan->stack->n_layers > 0 && plan->stack->n_layer_classes > 0 &&
      hr_model_get_head (plan->model) != NULL)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("“%s”: expected a decoder with layers and an output head, found none; its memory "
                           "cannot be estimated"),
                        hr_model_get_name (plan->model));

  return FALSE;
}

/* CTRLModel adds sines that are no buffer and stay in fp32: what comes of it is too wide for narrower matrices. */
static gboolean
check_dtype (HrInferencePlan  *plan,
             GError          **error)
{
  const HrAttention *attention = hr_layer_class_get_attention (&plan->stack->layer_classes[0]);

  if (attention == NULL || attention->path != HR_ATTENTION_CTRL || hr_dtype_get_bits (plan->dtype) >= 32)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the name of a model, and a dtype such as bfloat16. */
                        N_("dtype: expected float32, as the positions that transformers adds in “%s” stay in it; "
                           "found %s"),
                        hr_model_get_name (plan->model), hr_dtype_get_name (plan->dtype));

  return FALSE;
}

/* A tuple is joined by the model's own code; in beam search all of it is copied before the old one goes. */
static gboolean
check_tuple (HrInferencePlan  *plan,
             GError          **error)
{
  if (!plan->stack->keeps_past || (plan->inference.cache_bits == 0 && plan->inference.beams == 1))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the name of a model. */
                        N_("“%s”: expected neither beams nor a quantized cache, as its own code keeps the cache; its "
                           "memory with them is not known"),
                        hr_model_get_name (plan->model));

  return FALSE;
}

/* BaichuanModel.get_alibi_mask makes the biases of all pairs anew with each token beyond those that it has them for. */
static gboolean
check_positions (HrInferencePlan  *plan,
                 GError          **error)
{
  const HrAttention *attention = hr_layer_class_get_attention (&plan->stack->layer_classes[0]);
  guint64 found = plan->inference.prompt + plan->inference.output;
  g_autofree char *expected_text = NULL;
  g_autofree char *found_text = NULL;

  if (attention == NULL || attention->path != HR_ATTENTION_BAICHUAN || found <= attention->table_positions)
    return TRUE;

  expected_text = g_strdup_printf ("%" G_GUINT64_FORMAT, attention->table_positions);
  found_text = g_strdup_printf ("%" G_GUINT64_FORMAT, found);
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: a number of tokens, the name of a model, and a number of tokens. */
                        N_("prompt-length and output-length: expected at most %s tokens together, for whose positions "
                           "“%s” has biases; found %s"),
                        expected_text, hr_model_get_name (plan->model), found_text);

  return FALSE;
}

/*
 * hr_inference_plan_resolve_source:
 * @self: a plan of a model with an encoder and a decoder
 * @tokens: tokens that the encoder reads of a sequence
 * @setting: the name of the setting that says so
 *
 * Resolves what the encoder makes of its input: as many positions as tokens, or as many as a sound always has.
 */
void
hr_inference_plan_resolve_source (HrInferencePlan *self,
                                  guint64          tokens,
                                  const char      *setting)
{
  HrInference *inference = &self->inference;
  const HrAttention *cross = hr_layer_class_get_cross_attention (&self->stack->layer_classes[0]);
  const HrBlock *sound = find_convolution (&inference->encoder->embeddings);
  guint64 positions = cross != NULL ? cross->source_positions : 0;
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, positions);

  inference->source_length = positions > 0 ? positions : tokens;
  if (positions == 0)
    return;

  /* The last convolution halves the frames. */
  inference->features = 2 * positions * (sound != NULL ? sound->convolution.in_channels : 1);
  hr_inference_plan_warn (self,
                          /* Translators: a number, and the name of a setting, such as prompt-length */
                          N_("The encoder of this model reads sounds of one length, which make %s positions, "
                             "whatever the %s"),
                          text, setting);
}

/* An encoder reads the prompt, and the decoder behind it begins with one token. */
static void
resolve_source (HrInferencePlan *plan)
{
  HrInference *inference = &plan->inference;

  if (hr_model_find_stack (plan->model, HR_STACK_ENCODER) == NULL)
    return;
  if (inference->encoder == NULL)
    {
      inference->beams = 1;
      inference->output = 0;
      inference->use_cache = FALSE;
      inference->batch = hr_inference_job_get_batch_size (plan->job);
      hr_inference_plan_warn (plan, N_("An encoder reads its input once: output-length, beams, use-cache and "
                                       "logits-to-keep make no difference"));
      return;
    }

  hr_inference_plan_resolve_source (plan, inference->prompt, "prompt-length");
  inference->prompt = 1;
}

/*
 * hr_inference_plan_init_pass:
 * @self: (out): a plan
 * @model: a model, which has to live as long as the plan
 * @job: a job of any mode
 * @error: return location for an error
 *
 * Resolves what all modes have in common. The plan is to be cleared in either case.
 *
 * Returns: whether the framework can do it
 */
gboolean
hr_inference_plan_init_pass (HrInferencePlan  *self,
                             HrModel          *model,
                             HrJob            *job,
                             GError          **error)
{
  *self = (HrInferencePlan) { .model = model, .warnings = g_ptr_array_new_with_free_func (g_free) };
  if (!resolve_stack (self, job, error))
    return FALSE;

  resolve_dtype (self, job);
  if (!check_dtype (self, error) || !resolve_quantization (self, job, error))
    return FALSE;

  warn_of_kernels (self);
  resolve_outliers (self, job);
  self->inference.stack = self->stack;
  self->inference.head = hr_model_get_head (model);
  self->inference.beams = 1;

  return TRUE;
}

/* Layers whose window the cache of transformers does not know, where the text is longer. */
static void
warn_of_cache (HrInferencePlan *plan,
               HrInferenceJob  *job)
{
  const HrInference *inference = &plan->inference;

  if (!inference->use_cache || inference->cache_bits > 0 || hr_inference_job_get_engine (job) != HR_ENGINE_TRANSFORMERS)
    return;

  for (guint i = 0; i < plan->stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&plan->stack->layer_classes[i]);

      if (attention == NULL || !attention->cached_whole || attention->sliding_window == 0 ||
          attention->sliding_window >= inference->prompt + inference->output)
        continue;

      hr_inference_plan_warn (plan, N_("The dynamic cache of transformers 5.12 keeps the keys and values of every "
                                       "token of this model, though most of its layers see a window alone: where no "
                                       "layers share keys and values, it does not learn the types of the layers. "
                                       "Engines that keep the window alone need less."));
      return;
    }
}

/*
 * hr_inference_plan_init:
 * @self: (out): a plan
 * @model: a model, which has to live as long as the plan
 * @job: a job
 * @error: return location for an error
 *
 * Resolves a job. The plan is to be cleared in either case.
 *
 * Returns: whether the framework can do it
 */
gboolean
hr_inference_plan_init (HrInferencePlan  *self,
                        HrModel          *model,
                        HrInferenceJob   *job,
                        GError          **error)
{
  guint64 beams = hr_inference_job_get_beams (job);
  HrInference *inference = &self->inference;

  if (!hr_inference_plan_init_pass (self, model, HR_JOB (job), error))
    return FALSE;

  self->job = job;
  inference->beams = beams;
  inference->batch = hr_inference_job_get_batch_size (job) * beams;
  inference->prompt = hr_inference_job_get_prompt_length (job);
  inference->output = hr_model_writes_text (model) ? hr_inference_job_get_output_length (job) : 0;
  inference->use_cache = hr_inference_job_get_use_cache (job);
  inference->all_logits = hr_inference_job_get_logits_to_keep (job) == HR_LOGITS_TO_KEEP_ALL;
  resolve_source (self);

  if (!hr_inference_plan_resolve_attention (self, HR_JOB (job), HR_ELEMENT_NONE, error) ||
      !resolve_cache (self, job, error))
    return FALSE;

  warn_of_cache (self, job);

  return check_tuple (self, error) && check_positions (self, error);
}

/* Whether it is known how a tower runs with an implementation of attention. */
static gboolean
runs_with (const HrTower             *tower,
           HrAttentionImplementation  attention)
{
  switch (tower->stack->tower)
    {
    case HR_TOWER_VIT:
    case HR_TOWER_UNFOLDED:
      return TRUE;

    case HR_TOWER_PIXTRAL:
    case HR_TOWER_PADDED:
    case HR_TOWER_CROPS:
    case HR_TOWER_SLICES:
    case HR_TOWER_ROWS:
    case HR_TOWER_CONFORMER:
    case HR_TOWER_TILES:
    case HR_TOWER_AGAIN:
    case HR_TOWER_RESAMPLER:
      return attention != HR_ATTENTION_IMPLEMENTATION_FLASH;

    case HR_TOWER_WHISPER:
      return attention != HR_ATTENTION_IMPLEMENTATION_FLASH || !tower->is_padded ||
             tower->projector->projector == HR_PROJECTOR_VOXTRAL;

    case HR_TOWER_QWEN_VL:
    case HR_TOWER_CHUNKED:
    case HR_TOWER_UNKNOWN:
    default:
      return attention == HR_ATTENTION_IMPLEMENTATION_SDPA || attention == HR_ATTENTION_IMPLEMENTATION_SDPA_EFFICIENT;
    }
}

/*
 * hr_inference_plan_take_media:
 * @self: a plan
 * @media: images, sounds and videos
 * @error: return location for an error
 *
 * Has images, sounds and videos seen and heard before the text is read.
 *
 * Returns: whether it is known how
 */
gboolean
hr_inference_plan_take_media (HrInferencePlan  *self,
                              HrMedia          *media,
                              GError          **error)
{
  HrInference *inference = &self->inference;
  gboolean is_known = TRUE;
  const HrStack *projector;

  if (!hr_media_add_towers (media, self->model, inference->batch, error))
    return FALSE;

  self->media = hr_media_ref (media);
  inference->has_type_ids = media->has_type_ids;
  if (media->towers->len == 0)
    return TRUE;

  inference->towers = media->towers;
  if (hr_pass_crosses (inference))
    inference->source_length = g_array_index (media->towers, HrTower, 0).seen / inference->batch;
  for (guint i = 0; i < media->towers->len; i++)
    {
      projector = g_array_index (media->towers, HrTower, i).projector;
      inference->has_block_mask |= projector != NULL && projector->has_block_mask;
      is_known &= runs_with (&g_array_index (media->towers, HrTower, i), inference->attention);
    }
  if (is_known)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("attention: expected sdpa or sdpa-efficient, as towers are not replayed with others"));

  return FALSE;
}

/*
 * hr_inference_plan_quantize:
 * @self: a plan
 * @quantization: a format, or none
 *
 * Has the matrices of linear layers stored in another format.
 */
void
hr_inference_plan_quantize (HrInferencePlan *self,
                            HrQuantization   quantization)
{
  self->quantization = quantization;
  hr_weight_storage_clear (&self->storage);
  hr_weight_storage_init (&self->storage, self->model, self->dtype, self->quantization, NULL);
}

/*
 * hr_inference_plan_expand_weights:
 * @self: a plan
 *
 * Has the weights expanded when they are loaded, as if they were not quantized.
 */
void
hr_inference_plan_expand_weights (HrInferencePlan *self)
{
  hr_inference_plan_quantize (self, HR_QUANTIZATION_NONE);
}

/*
 * hr_inference_plan_clear:
 * @self: a plan
 *
 * Frees what a plan holds.
 */
void
hr_inference_plan_clear (HrInferencePlan *self)
{
  g_clear_pointer (&self->warnings, g_ptr_array_unref);
  hr_weight_storage_clear (&self->storage);
  g_clear_pointer (&self->media, hr_media_unref);
  if (self->whole != NULL)
    g_clear_object (&self->model);
}

void
hr_inference_plan_free (HrInferencePlan *self)
{
  hr_inference_plan_clear (self);
  g_free (self);
}

/*
 * hr_inference_plan_get_linear_quantization:
 * @self: a plan
 *
 * Gets how the linear layers are stored, which MXFP4 leaves as they are in a mixture of experts.
 *
 * Returns: the format
 */
HrQuantization
hr_inference_plan_get_linear_quantization (const HrInferencePlan *self)
{
  if (hr_quantization_is_gguf (self->quantization) ||
      (self->quantization == HR_QUANTIZATION_MXFP4 && hr_model_has_experts (self->model)))
    return HR_QUANTIZATION_NONE;

  return self->quantization;
}

/*
 * hr_inference_plan_init_replay:
 * @self: a plan
 * @replay: (out): a tape
 *
 * Begins a replay of the pass.
 */
void
hr_inference_plan_init_replay (const HrInferencePlan *self,
                               HrReplay              *replay)
{
  hr_replay_init (replay, self->element, hr_inference_plan_get_linear_quantization (self));
  replay->splits_outliers = self->splits_outliers;
  replay->plan = _hr_model_get_plan (self->model);
}

/*
 * hr_inference_plan_adapt_to_gpu:
 * @self: a plan
 * @gpu: (nullable): the GPU to run on
 * @error: return location for an error
 *
 * Torch's dispatcher takes another kernel on a GPU that flash attention has none for; the package fails. Weights in a
 * format that the GPU does not compute with are expanded.
 *
 * Returns: whether the GPU can do it
 */
gboolean
hr_inference_plan_adapt_to_gpu (HrInferencePlan  *self,
                                HrGpu            *gpu,
                                GError          **error)
{
  if ((self->quantization == HR_QUANTIZATION_FP8 || self->quantization == HR_QUANTIZATION_MXFP8) &&
      !hr_framework_has_fp8 (gpu))
    {
      /* Translators: the places are the name of a GPU, a format such as fp8 and a dtype such as bfloat16. */
      hr_inference_plan_warn (self, N_("%s does not compute with eight-bit floats: transformers expands %s weights to "
                                       "%s when it loads them"),
                              hr_gpu_get_name (gpu), hr_quantization_get_name (self->quantization),
                              hr_dtype_get_name (self->dtype));
      hr_inference_plan_expand_weights (self);
    }
  if (hr_framework_has_flash (gpu))
    return TRUE;

  if (self->inference.attention == HR_ATTENTION_IMPLEMENTATION_SDPA)
    self->inference.attention = HR_ATTENTION_IMPLEMENTATION_SDPA_EFFICIENT;
  if (self->inference.attention != HR_ATTENTION_IMPLEMENTATION_FLASH)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a GPU. */
                        N_("attention: flash, which is the flash-attn package, needs an NVIDIA GPU of the Ampere "
                           "generation or later; found %s"),
                        hr_gpu_get_name (gpu));

  return FALSE;
}

/*
 * hr_inference_plan_find_framework:
 * @self: a plan
 * @gpu: (nullable): the GPU to run on
 * @framework: (out): what the driver and the libraries hold on it
 *
 * Finds what a process holds on a GPU before it holds anything of the model's, and warns of what is not known.
 *
 * Returns: whether it is known
 */
gboolean
hr_inference_plan_find_framework (HrInferencePlan *self,
                                  HrGpu           *gpu,
                                  HrFramework     *framework)
{
  if (gpu == NULL)
    {
      hr_inference_plan_warn (self, N_("No GPU is named: what its driver and libraries take for themselves, the CUDA "
                                       "context, is not counted"));
      return FALSE;
    }

  if (!hr_framework_init_for_gpu (framework, gpu))
    {
      /* Translators: the place is the name of a GPU. */
      hr_inference_plan_warn (self, N_("What the runtime itself holds on %s is not known, and not counted"),
                              hr_gpu_get_name (gpu));
      return FALSE;
    }

  if (!framework->measured)
    {
      /* Translators: the place is the name of a GPU. */
      hr_inference_plan_warn (self, N_("The CUDA context of %s is taken to be as large as on an A100"),
                              hr_gpu_get_name (gpu));
    }

  return TRUE;
}
