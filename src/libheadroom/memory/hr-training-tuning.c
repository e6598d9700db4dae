/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-tuning.h"

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-sharding-stacks.h"
#include "hr-model-private.h"
#include "hr-training-check.h"
#include "hr-training-zero.h"

/* What FastLlamaModel.get_peft_model of unsloth/models/llama.py takes where nothing is said. */
#define UNSLOTH_TARGETS "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj"

/* The modules that get an adapter, as names with commas between them; NULL where nobody has said which. */
static char *
dup_targets (HrInferencePlan *pass,
             HrFineTuningJob *job)
{
  const char *targets = hr_fine_tuning_job_get_lora_targets (job);
  const HrAdapterRules *rules = _hr_model_get_adapter_rules (pass->model);
  char **defaults = hr_fine_tuning_job_get_fine_tuning_method (job) == HR_FINE_TUNING_METHOD_ADALORA ? rules->adalora
                                                                                                     : rules->lora;

  if (targets != NULL && !g_str_equal (targets, "auto"))
    return g_strdup (targets);
  if (hr_training_job_get_framework (HR_TRAINING_JOB (job)) == HR_TRAINING_FRAMEWORK_UNSLOTH)
    return g_strdup (UNSLOTH_TARGETS);

  return defaults != NULL ? g_strjoinv (",", defaults) : NULL;
}

/* PEFT asks for names where it has none (_prepare_adapter_config of peft/tuners/tuners_utils.py). */
static HrAdapter *
create_adapter (HrInferencePlan *pass,
                HrFineTuningJob *job)
{
  g_autofree char *targets = dup_targets (pass, job);
  HrAdapter *adapter = hr_adapter_new_lora (hr_fine_tuning_job_get_lora_rank (job),
                                            targets != NULL ? targets : "all-linear");

  if (targets == NULL)
    {
      hr_adapter_leave_others (adapter);
      hr_inference_plan_warn (pass, N_("PEFT names no targets for models of this type: every linear layer is assumed "
                                       "to get an adapter, but for experts and what has the names of their matrices, "
                                       "routers and what PEFT refuses"));
    }

  return adapter;
}

/* From 0.26 on, SFTTrainer.__init__ of trl/trainer/sft_trainer.py holds adapters beside quantized matrices so. */
static gboolean
are_in_bfloat16 (const HrInferencePlan *pass,
                 HrTrainingJob         *job)
{
  return hr_training_job_get_framework (job) == HR_TRAINING_FRAMEWORK_TRL &&
         pass->quantization != HR_QUANTIZATION_NONE &&
         hr_training_job_get_trl_release (job) >= HR_TRL_RELEASE_0_26;
}

/* The type that a framework gives adapters of PEFT's default. */
static HrElement
get_adapter_element (const HrInferencePlan *pass,
                     HrTrainingJob         *job)
{
  if (are_in_bfloat16 (pass, job))
    return HR_ELEMENT_BFLOAT16;
  return hr_element_widen (pass->element);
}

/*
 * PEFT makes adapters like the matrix that they are added to, and then holds those of 16 bits in fp32
 * (autocast_adapter_dtype of peft/tuners/tuners_utils.py).
 */
static gboolean
resolve_element (const HrInferencePlan  *pass,
                 HrFineTuningJob        *job,
                 HrElement              *element,
                 GError                **error)
{
  HrDtype dtype = hr_fine_tuning_job_get_adapter_dtype (job);

  if (hr_training_zero_casts_module (HR_TRAINING_JOB (job)))
    {
      *element = pass->element;
      return TRUE;
    }

  switch (dtype)
    {
    case HR_DTYPE_AUTO:
      *element = get_adapter_element (pass, HR_TRAINING_JOB (job));
      return TRUE;

    case HR_DTYPE_FLOAT64:
      *element = HR_ELEMENT_FLOAT64;
      return TRUE;

    case HR_DTYPE_FLOAT32:
      *element = HR_ELEMENT_FLOAT32;
      return TRUE;

    case HR_DTYPE_FLOAT16:
      *element = HR_ELEMENT_FLOAT16;
      return TRUE;

    case HR_DTYPE_BFLOAT16:
      *element = HR_ELEMENT_BFLOAT16;
      return TRUE;

    case HR_DTYPE_FLOAT8:
    case HR_DTYPE_INT8:
    case HR_DTYPE_INT4:
    default:
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("adapter-dtype: expected auto, float64, float32, float16 or bfloat16, in which "
                               "parameters can be trained; found %s"),
                            hr_dtype_get_name (dtype));
      return FALSE;
    }
}

/* The modules that are trained whole, which have to be there. */
static gboolean
set_saved (const HrInferencePlan  *pass,
           HrFineTuningJob        *job,
           HrAdapter              *adapter,
           GError                **error)
{
  const char *missing;

  hr_adapter_set_saved (adapter, hr_fine_tuning_job_get_modules_to_save (job));
  missing = hr_adapter_find_missing (adapter, pass->model);
  if (missing == NULL)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a model and what a setting says. */
                        N_("modules-to-save: expected names of modules in “%s”; found %s"),
                        hr_model_get_name (pass->model), missing);

  return FALSE;
}

/* What is added to the parameters of experts cannot leave any of their input out (ParamWrapper.__init__). */
static gboolean
check_dropout (const HrInferencePlan  *pass,
               const HrTuning         *tuning,
               GError                **error)
{
  if (!hr_tuning_has_parameters (tuning) || !hr_tuning_has_dropout (tuning))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("lora-dropout: expected 0, as PEFT adapts the experts of “%s” without it; found more"),
                        hr_model_get_name (pass->model));

  return FALSE;
}

/* Whether PEFT has a config of its own for the method, and not that of LoRA. */
static gboolean
is_other_method (HrTunedBy by)
{
  return by == HR_TUNED_BY_VERA || by == HR_TUNED_BY_ADALORA || by == HR_TUNED_BY_LOHA || by == HR_TUNED_BY_LOKR;
}

/* What rsLoRA, LoRA+ and PiSSA change of LoRA, the scale, the rates and the first values, takes no memory. */
static HrTuning *
resolve_lora (HrInferencePlan  *pass,
              HrFineTuningJob  *job,
              HrTunedBy         by,
              HrElement         element,
              GError          **error)
{
  g_autoptr (HrAdapter) adapter = create_adapter (pass, job);
  g_autoptr (HrTuning) tuning = NULL;

  if (!set_saved (pass, job, adapter, error))
    return NULL;

  if (is_other_method (by))
    hr_adapter_set_other_method (adapter);
  if (by == HR_TUNED_BY_LOKR)
    tuning = hr_tuning_new_for_kronecker (adapter, hr_fine_tuning_job_get_lokr_factor (job),
                                          hr_fine_tuning_job_get_lokr_decompose_both (job), pass->model,
                                          pass->element, element, error);
  else
    tuning = hr_tuning_new_for_adapter (adapter, by, pass->model, pass->element, element, error);
  if (tuning == NULL)
    {
      g_prefix_error (error, "lora-targets: ");
      return NULL;
    }

  hr_tuning_set_dropout (tuning, hr_fine_tuning_job_get_lora_dropout (job) > 0);
  if (!check_dropout (pass, tuning, error))
    return NULL;

  return g_steal_pointer (&tuning);
}

/* The rank that AdaLoRA begins with; how it is taken from modules that need less changes no size. */
static HrTuning *
resolve_adalora (HrInferencePlan  *pass,
                 HrFineTuningJob  *job,
                 HrElement         element,
                 GError          **error)
{
  HrTuning *tuning = resolve_lora (pass, job, HR_TUNED_BY_ADALORA, element, error);

  if (tuning == NULL)
    return NULL;

  hr_tuning_hold_importance (tuning);
  hr_inference_plan_warn (pass, N_("AdaLoRA: lora-rank is the rank that it begins with (init_r), and the loop is "
                                   "assumed to let it allocate ranks (update_and_allocate), which holds three more "
                                   "numbers for each that is trained"));

  return tuning;
}

/* Names with commas between them: those of a setting, or what PEFT has where that says `auto`. */
static char *
dup_names (const char  *names,
           char       **defaults)
{
  if (!g_str_equal (names, "auto"))
    return g_strdup (names);

  return defaults != NULL ? g_strjoinv (",", defaults) : g_strdup ("");
}

static HrTuning *
resolve_ia3 (HrInferencePlan  *pass,
             HrFineTuningJob  *job,
             HrElement         element,
             GError          **error)
{
  const HrAdapterRules *rules = _hr_model_get_adapter_rules (pass->model);
  g_autofree char *targets = dup_names (hr_fine_tuning_job_get_ia3_targets (job), rules->ia3);
  g_autofree char *feedforward = dup_names (hr_fine_tuning_job_get_ia3_feedforward (job), rules->ia3_feedforward);
  g_autoptr (HrAdapter) adapter = NULL;
  HrTuning *tuning;

  if (targets[0] == '\0')
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the place is the name of a model. */
                            N_("ia3-targets: expected names of modules, as PEFT knows none for “%s”; found auto"),
                            hr_model_get_name (pass->model));
      return NULL;
    }

  adapter = hr_adapter_new_lora (1, targets);
  hr_adapter_set_other_method (adapter);
  if (!set_saved (pass, job, adapter, error))
    return NULL;

  tuning = hr_tuning_new_for_ia3 (adapter, feedforward, pass->model, pass->element, element, error);
  if (tuning == NULL)
    g_prefix_error (error, "ia3-targets: ");

  return tuning;
}

static HrTuning *
resolve_biases (HrInferencePlan  *pass,
                GError          **error)
{
  g_autoptr (HrTuning) tuning = hr_tuning_new_for_biases (pass->model, pass->element);

  if (hr_trainables_get_n_items (hr_tuning_get_trainables (tuning)) > 0)
    return g_steal_pointer (&tuning);

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("fine-tuning-method: expected a method that finds something to train in “%s”, which has no "
                           "biases; found bitfit"),
                        hr_model_get_name (pass->model));

  return NULL;
}

/* Methods that are known for models without an encoder: PEFT and others treat a model with one in ways of their own. */
static gboolean
check_decoder (const HrInferencePlan  *pass,
               const char             *method,
               GError                **error)
{
  if (pass->stack->role == HR_STACK_DECODER && hr_model_find_stack (pass->model, HR_STACK_ENCODER) == NULL)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a model and that of a method. */
                        N_("fine-tuning-method: “%s” has an encoder, for which this method is not replayed; found %s"),
                        hr_model_get_name (pass->model), method);

  return FALSE;
}

/* Virtual tokens are embeddings as wide as the layers, put before what tokens come to. */
static HrTuning *
resolve_prompt (HrInferencePlan  *pass,
                HrFineTuningJob  *job,
                HrPromptKind      kind,
                HrElement         element,
                GError          **error)
{
  const HrChain *embeddings = &pass->stack->embeddings;
  gboolean is_narrow = FALSE;

  if (!check_decoder (pass, kind == HR_PROMPT_ENCODED ? "p-tuning" : "prompt", error))
    return NULL;

  for (guint i = 0; i < embeddings->n_blocks; i++)
    is_narrow |= embeddings->blocks[i].kind == HR_BLOCK_LINEAR;
  if (!is_narrow)
    return hr_tuning_new_for_prompt (pass->model, element, kind, hr_fine_tuning_job_get_virtual_tokens (job));

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("fine-tuning-method: “%s” has embeddings that are narrower than its layers, for which "
                           "virtual tokens cannot be replayed"),
                        hr_model_get_name (pass->model));

  return NULL;
}

/*
 * Whether PEFT makes keys and values of the shape that a layer caches: as many heads as num_key_value_heads of the
 * config says, or as there are queries' where it says nothing (_prepare_prompt_learning_config in peft/utils/other.py).
 */
static gboolean
has_read_heads (HrModel           *model,
                const HrAttention *attention)
{
  return attention->num_key_value_heads == attention->num_attention_heads ||
         !_hr_model_get_adapter_rules (model)->unread_heads;
}

/* Attention that joins new keys to all that its cache holds, and sees them all. */
static gboolean
is_attention_prefixed (HrModel           *model,
                       const HrAttention *attention)
{
  return attention->path == HR_ATTENTION_INTERFACE && attention->sliding_window == 0 && attention->latent_size == 0 &&
         !attention->is_cross && !attention->reuses_cache &&
         attention->cached_heads == attention->num_key_value_heads && has_read_heads (model, attention);
}

static gboolean
is_chain_prefixed (HrModel           *model,
                   const HrChain     *chain,
                   const HrAttention *first,
                   guint             *n_attentions)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrBlock *block = &chain->blocks[i];
      const HrAttention *attention = &block->attention;

      if (block->kind == HR_BLOCK_NORM || block->kind == HR_BLOCK_MLP)
        continue;
      if (block->kind != HR_BLOCK_ATTENTION || !is_attention_prefixed (model, attention) ||
          attention->cached_heads != first->cached_heads || attention->head_dim != first->head_dim)
        return FALSE;
      (*n_attentions)++;
    }

  return TRUE;
}

/* Whether all layers have one attention, of one shape, and no blocks whose replay beside a prefix is unchecked. */
static gboolean
is_stack_prefixed (HrModel       *model,
                   const HrStack *stack)
{
  const HrAttention *first = hr_layer_class_get_attention (&stack->layer_classes[0]);

  for (guint i = 0; first != NULL && i < stack->n_layer_classes; i++)
    {
      const HrLayerClass *klass = &stack->layer_classes[i];
      guint n_attentions = 0;

      for (guint j = 0; j < klass->n_sublayers; j++)
        {
          for (guint k = 0; k < klass->sublayers[j].n_branches; k++)
            {
              if (!is_chain_prefixed (model, &klass->sublayers[j].branches[k], first, &n_attentions))
                return FALSE;
            }
        }
      if (n_attentions != 1)
        return FALSE;
    }

  return first != NULL;
}

/* PeftModel.add_adapter in peft/peft_model.py raises ValueError where layers are computed anew without their cache. */
static HrTuning *
resolve_prefix (HrInferencePlan  *pass,
                HrFineTuningJob  *job,
                HrElement         element,
                GError          **error)
{
  if (!check_decoder (pass, "prefix", error))
    return NULL;

  if (hr_training_job_get_gradient_checkpointing (HR_TRAINING_JOB (job)) != HR_GRADIENT_CHECKPOINTING_NONE)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("gradient-checkpointing: expected none, as PEFT does not do prefix tuning with it; "
                               "found full"));
      return NULL;
    }
  if (is_stack_prefixed (pass->model, pass->stack))
    return hr_tuning_new_for_prefix (pass->model, element, hr_fine_tuning_job_get_virtual_tokens (job));

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("fine-tuning-method: expected a model whose layers all have full attention of one shape and "
                           "a dense MLP, as prefix tuning is not replayed in other layers; “%s” has others"),
                        hr_model_get_name (pass->model));

  return NULL;
}

/* One attention and one perceptron, which the library finds by the names of their projections. */
static gboolean
has_projections (const HrLayerClass *klass)
{
  guint n_attentions = 0, n_perceptrons = 0;

  for (guint i = 0; i < klass->n_sublayers; i++)
    {
      for (guint j = 0; j < klass->sublayers[i].n_branches; j++)
        {
          const HrChain *chain = &klass->sublayers[i].branches[j];

          for (guint k = 0; k < chain->n_blocks; k++)
            {
              n_attentions += chain->blocks[k].kind == HR_BLOCK_ATTENTION;
              n_perceptrons += chain->blocks[k].kind == HR_BLOCK_MLP;
              if (chain->blocks[k].kind != HR_BLOCK_ATTENTION && chain->blocks[k].kind != HR_BLOCK_MLP &&
                  chain->blocks[k].kind != HR_BLOCK_NORM)
                return FALSE;
            }
        }
    }

  return n_attentions == 1 && n_perceptrons == 1;
}

/* The library makes adapters in fp32 and casts nothing in its layers: without autocast they have to be as the model. */
static gboolean
check_bottleneck_element (HrInferencePlan  *pass,
                          HrFineTuningJob  *job,
                          HrElement        *element,
                          GError          **error)
{
  g_autofree char *found = hr_job_get_as_string (HR_JOB (job), "adapter-dtype");

  if (hr_training_job_get_autocast (HR_TRAINING_JOB (job)) != HR_AUTOCAST_NONE || *element == pass->element)
    return TRUE;

  if (hr_fine_tuning_job_get_adapter_dtype (job) == HR_DTYPE_AUTO)
    {
      *element = pass->element;
      hr_inference_plan_warn (pass, N_("AdapterHub’s library makes adapters in fp32: without autocast they are assumed "
                                       "to be cast to what the model is in (adapter_to)"));
      return TRUE;
    }

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("adapter-dtype: expected that of the model, %s, as AdapterHub’s library casts nothing in "
                           "its layers without autocast; found %s"),
                        hr_dtype_get_name (pass->dtype), found);

  return FALSE;
}

static HrTuning *
resolve_bottlenecks (HrInferencePlan  *pass,
                     HrFineTuningJob  *job,
                     HrElement         element,
                     GError          **error)
{
  gboolean is_known = hr_model_get_n_stacks (pass->model) == 1;

  if (!check_decoder (pass, "houlsby", error) || !check_bottleneck_element (pass, job, &element, error))
    return NULL;

  for (guint i = 0; i < pass->stack->n_layer_classes; i++)
    is_known &= has_projections (&pass->stack->layer_classes[i]);
  if (is_known)
    return hr_tuning_new_for_bottlenecks (pass->model, element, hr_fine_tuning_job_get_reduction_factor (job));

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("fine-tuning-method: expected a model whose layers all have one attention and one dense "
                           "MLP, behind which bottleneck adapters are put; “%s” has others"),
                        hr_model_get_name (pass->model));

  return NULL;
}

/* Whether a model sees or hears. */
static gboolean
has_towers (HrModel *model)
{
  return hr_model_find_stack (model, HR_STACK_VISION) != NULL || hr_model_find_stack (model, HR_STACK_AUDIO) != NULL;
}

static gboolean
is_flat (HrFineTuningJob *job)
{
  return hr_training_job_get_fsdp (HR_TRAINING_JOB (job)) != HR_FSDP_NONE &&
         hr_training_job_get_fsdp_version (HR_TRAINING_JOB (job)) == HR_FSDP_VERSION_1;
}

/* FlatParamHandle._validate_tensors_to_flatten of torch/distributed/fsdp/_flat_param.py */
static gboolean
check_flat_parts (HrFineTuningJob  *job,
                  GError          **error)
{
  g_autofree char *parts = hr_job_get_as_string (HR_JOB (job), "frozen-parts");

  if (!is_flat (job) || hr_training_job_get_fsdp_use_orig_params (HR_TRAINING_JOB (job)))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_VALUE,
                        /* Translators: the place is a value of the setting frozen-parts, such as towers */
                        N_("fsdp-use-orig-params: expected true beside frozen-parts %s, as parameters of which some "
                           "are frozen make no flat one without it; found false"), parts);

  return FALSE;
}

/* What shards parameters of which some are frozen, or has functions of its own for those that are not, is not known. */
static gboolean
check_parts (HrFineTuningJob  *job,
             GError          **error)
{
  static const char * const values[][HR_TRAINING_MAX_VALUES] = {
    { "framework", "pytorch", "transformers", "trl", "deepspeed", "colossalai" },
    { "zero-hpz-partition-size", "1" },
  };
  g_autofree char *parts = hr_job_get_as_string (HR_JOB (job), "frozen-parts");

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autofree char *found = hr_job_get_as_string (HR_JOB (job), values[i][0]);

      if (g_strv_contains (&values[i][1], found))
        continue;

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: a setting, its value, and one of the setting frozen-parts, such as towers */
                            N_("frozen-parts: expected none beside %s %s, as what is made of frozen parts there is not "
                               "known; found %s"),
                            values[i][0], found, parts);
      return FALSE;
    }

  return check_flat_parts (job, error);
}

/* All of a model is trained, or all but some of its parts. */
static gboolean
resolve_parts (HrInferencePlan  *pass,
               HrFineTuningJob  *job,
               HrTuning        **tuning,
               GError          **error)
{
  HrFrozenParts parts = hr_fine_tuning_job_get_frozen_parts (job);

  if (parts == HR_FROZEN_PARTS_NONE || !has_towers (pass->model))
    return TRUE;
  if (!check_parts (job, error))
    return FALSE;

  *tuning = hr_tuning_new_for_parts (pass->model, pass->element, parts);
  /* Views of a flat parameter need a gradient where any of its parameters does (_use_unsharded_views). */
  if (is_flat (job))
    hr_tuning_differentiate_root (*tuning, hr_sharding_is_layered, pass->model);
  if (hr_trainables_get_n_items (hr_tuning_get_trainables (*tuning)) > 0)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("frozen-parts: expected a choice that leaves something to train in “%s”, which has no "
                           "projectors of its own; found all-but-projectors"),
                        hr_model_get_name (pass->model));

  return FALSE;
}

/*
 * hr_training_tuning_resolve:
 * @pass: the plan of the forward pass
 * @job: a job
 * @tuning: (out) (nullable): what its method does to the model, or %NULL if all of it is trained
 * @error: return location for an error
 *
 * Resolves which parameters a job trains.
 *
 * Returns: whether the method can be followed on this model
 */
gboolean
hr_training_tuning_resolve (HrInferencePlan  *pass,
                            HrFineTuningJob  *job,
                            HrTuning        **tuning,
                            GError          **error)
{
  HrFineTuningMethod method = hr_fine_tuning_job_get_fine_tuning_method (job);
  HrElement element;

  *tuning = NULL;
  if (method == HR_FINE_TUNING_METHOD_FULL)
    return resolve_parts (pass, job, tuning, error);
  if (!resolve_element (pass, job, &element, error))
    return FALSE;

  switch (method)
    {
    case HR_FINE_TUNING_METHOD_FREEZE:
      if (!check_decoder (pass, "freeze", error))
        return FALSE;
      *tuning = hr_tuning_new_for_layers (pass->model, pass->element, hr_fine_tuning_job_get_trained_layers (job));
      break;

    case HR_FINE_TUNING_METHOD_LORA:
    case HR_FINE_TUNING_METHOD_QLORA:
    case HR_FINE_TUNING_METHOD_RSLORA:
    case HR_FINE_TUNING_METHOD_LORA_PLUS:
    case HR_FINE_TUNING_METHOD_PISSA:
      *tuning = resolve_lora (pass, job, HR_TUNED_BY_LORA, element, error);
      break;

    case HR_FINE_TUNING_METHOD_LORA_FA:
      *tuning = resolve_lora (pass, job, HR_TUNED_BY_LORA_FA, element, error);
      break;

    case HR_FINE_TUNING_METHOD_VERA:
      *tuning = resolve_lora (pass, job, HR_TUNED_BY_VERA, element, error);
      break;

    case HR_FINE_TUNING_METHOD_ADALORA:
      *tuning = resolve_adalora (pass, job, element, error);
      break;

    case HR_FINE_TUNING_METHOD_LOHA:
      *tuning = resolve_lora (pass, job, HR_TUNED_BY_LOHA, element, error);
      break;

    case HR_FINE_TUNING_METHOD_LOKR:
      *tuning = resolve_lora (pass, job, HR_TUNED_BY_LOKR, element, error);
      break;

    case HR_FINE_TUNING_METHOD_DORA:
      *tuning = resolve_lora (pass, job, HR_TUNED_BY_DORA, element, error);
      break;

    case HR_FINE_TUNING_METHOD_IA3:
      *tuning = resolve_ia3 (pass, job, element, error);
      break;

    case HR_FINE_TUNING_METHOD_PREFIX:
      *tuning = resolve_prefix (pass, job, element, error);
      break;

    case HR_FINE_TUNING_METHOD_BITFIT:
      *tuning = resolve_biases (pass, error);
      break;

    case HR_FINE_TUNING_METHOD_PROMPT:
      *tuning = resolve_prompt (pass, job, HR_PROMPT_EMBEDDED, element, error);
      break;

    case HR_FINE_TUNING_METHOD_P_TUNING:
      *tuning = resolve_prompt (pass, job, HR_PROMPT_ENCODED, element, error);
      break;

    case HR_FINE_TUNING_METHOD_HOULSBY:
      *tuning = resolve_bottlenecks (pass, job, element, error);
      break;

    case HR_FINE_TUNING_METHOD_FULL:
    default:
      g_return_val_if_reached (FALSE);
    }

  return *tuning != NULL;
}
