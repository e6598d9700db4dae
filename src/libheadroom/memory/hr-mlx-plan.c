/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-mlx-plan.h"

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-mlx-tape.h"

/*
 * How mlx-lm 0.32 resolves a job: generate_step of mlx_lm/generate.py, load_model and quantize_model of
 * mlx_lm/utils.py, make_prompt_cache of mlx_lm/models/cache.py.
 */

/* prefill_step_size of generate_step. */
#define DEFAULT_STEP 2048

/* Classes of mlx_lm/models that leave their caches to make_prompt_cache, the only ones that --max-kv-size is for. */
static const char * const shared_cache_types[] = {
  "Klear", "apertus", "bailing_moe", "bitnet", "cohere", "dbrx", "deepseek", "deepseek_v2", "deepseek_v3", "dots1",
  "ernie4_5", "ernie4_5_moe", "exaone", "gemma", "gemma2", "glm", "glm4", "glm4_moe", "glm4_moe_lite", "glm_moe_dsa",
  "gpt2", "gpt_bigcode", "gpt_neox", "granite", "granitemoe", "helium", "hunyuan", "hunyuan_v1_dense", "internlm2",
  "internlm3", "kimi_k2", "llama4_text", "mimo", "minicpm", "minicpm3", "minimax", "minimax_m2", "mixtral", "nemotron",
  "olmo", "olmo2", "olmoe", "openelm", "phi", "phi3", "phi3small", "phimoe", "plamo", "qwen", "qwen2", "qwen2_moe",
  "qwen2_vl", "qwen2_5_vl", "qwen3", "qwen3_moe", "qwen3_vl", "qwen3_vl_moe", "seed_oss", "smollm3", "solar_open",
  "stablelm", "starcoder2", "telechat3", "youtu_llm", NULL
};

static gboolean
knows_chain (const HrChain *chain)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrBlock *block = &chain->blocks[i];
      gboolean is_known = block->kind == HR_BLOCK_NORM || block->kind == HR_BLOCK_MLP;

      if (block->kind == HR_BLOCK_ATTENTION)
        is_known = !block->attention.is_cross && block->attention.latent_size == 0 &&
                   block->attention.index_num_heads == 0 && !block->attention.reuses_cache;
      if (block->kind == HR_BLOCK_MIXTURE)
        is_known = block->mixture.latent_size == 0;
      if (!is_known)
        return FALSE;
    }

  return TRUE;
}

static gboolean
knows_stack (const HrStack *stack)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrLayerClass *klass = &stack->layer_classes[i];

      if (hr_layer_class_get_attention (klass) == NULL || klass->n_skipped_sublayers > 0)
        return FALSE;
      for (guint j = 0; j < klass->n_sublayers; j++)
        {
          const HrSublayer *sublayer = &klass->sublayers[j];
          gboolean is_known = knows_chain (&sublayer->shared) && knows_chain (&sublayer->after) &&
                              !sublayer->joins_embeddings && !sublayer->routes_input;

          for (guint k = 0; is_known && k < sublayer->n_branches; k++)
            is_known = knows_chain (&sublayer->branches[k]);
          if (!is_known)
            return FALSE;
        }
    }

  return TRUE;
}

static gboolean
check_model (const HrInferencePlan  *pass,
             GError                **error)
{
  if (hr_model_find_stack (pass->model, HR_STACK_DECODER) != NULL &&
      hr_model_find_stack (pass->model, HR_STACK_ENCODER) == NULL && knows_stack (pass->stack))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("engine: expected transformers for “%s”, as it is not known here how mlx-lm computes a "
                           "model other than a decoder whose layers attend and have perceptrons or experts; found mlx"),
                        hr_model_get_name (pass->model));

  return FALSE;
}

/* What transformers and servers on CUDA have. */
static gboolean
check_settings (HrInferenceJob  *job,
                GError         **error)
{
  const char *name = hr_inference_plan_find_foreign (job);

  if (name == NULL)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("engine: expected transformers beside %s, which mlx-lm does not have in this form; "
                           "found mlx"),
                        name);

  return FALSE;
}

static gboolean
check_number (const char  *setting,
              guint64      value,
              const char  *numbers,
              gboolean     is_one,
              GError     **error)
{
  g_autofree char *found = g_strdup_printf ("%" G_GUINT64_FORMAT, value);

  if (is_one)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the name of a setting, numbers that it may be, and a number. */
                        N_("%s: expected one of %s, which MLX has kernels for; found %s"), setting, numbers, found);

  return FALSE;
}

static gboolean
check_numbers (HrInferenceJob  *job,
               GError         **error)
{
  guint64 bits = hr_inference_job_get_kv_bits (job);
  guint64 kv_group = hr_inference_job_get_kv_group_size (job);
  guint64 group = hr_inference_job_get_mlx_group_size (job);

  return check_number ("kv-bits", bits, "0, 2, 3, 4, 6, 8",
                       bits == 0 || bits == 2 || bits == 3 || bits == 4 || bits == 6 || bits == 8, error) &&
         check_number ("kv-group-size", kv_group, "32, 64, 128",
                       kv_group == 32 || kv_group == 64 || kv_group == 128, error) &&
         check_number ("mlx-group-size", group, "0, 32, 64, 128",
                       group == 0 || group == 32 || group == 64 || group == 128, error);
}

static gboolean
check_gpu (HrGpu   *gpu,
           guint    n_devices,
           GError **error)
{
  g_autofree char *number = g_strdup_printf ("%u", n_devices);

  if (gpu != NULL && !hr_gpu_get_unified_memory (gpu))
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the place is the name of a GPU. */
                            N_("engine: expected transformers on %s, as MLX is estimated on the unified memory of "
                               "Apple's machines alone; found mlx"),
                            hr_gpu_get_name (gpu));
      return FALSE;
    }
  if (n_devices == 1)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("gpus: expected 1, as it is not known here how MLX divides a model among machines; found "
                           "%s"),
                        number);

  return FALSE;
}

static gboolean
check_format (const HrInferencePlan  *pass,
              GError                **error)
{
  if (pass->dtype != HR_DTYPE_FLOAT16 && pass->dtype != HR_DTYPE_BFLOAT16 && pass->dtype != HR_DTYPE_FLOAT32)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("dtype: expected float16, bfloat16 or float32, which MLX computes in; found %s"),
                            hr_dtype_get_name (pass->dtype));
      return FALSE;
    }
  if (pass->quantization == HR_QUANTIZATION_NONE || hr_quantization_is_mlx (pass->quantization))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("quantization: expected none or a format of MLX such as mlx-int4, which mlx_lm.convert "
                           "makes; found %s"),
                        hr_quantization_get_name (pass->quantization));

  return FALSE;
}

/* Groups of another size, where the model is quantized as the job says and not as its checkpoint is. */
static gboolean
resolve_groups (HrInferencePlan  *pass,
                guint64           group_size,
                GError          **error)
{
  HrQuantizer *quantizer = pass->storage.quantizer;
  HrQuantizerRule *rule;

  if (group_size == 0 || pass->quantization == HR_QUANTIZATION_NONE)
    return TRUE;

  rule = quantizer != NULL ? &g_array_index (quantizer->rules, HrQuantizerRule, 0) : NULL;
  if (rule != NULL && rule->format.has_zeros)
    {
      rule->format.group_size = group_size;
      quantizer->whole_group = group_size;
      return TRUE;
    }

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("mlx-group-size: expected 0 beside %s, whose groups have one size in MLX, or a model that "
                           "is quantized already"),
                        hr_quantization_get_name (pass->quantization));

  return FALSE;
}

static void
resolve_windows (HrMlxPlan *self)
{
  const HrStack *stack = self->pass->stack;
  gboolean has_whole = FALSE, has_window = FALSE;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[i]);

      has_window = has_window || attention->sliding_window > 0;
      has_whole = has_whole || attention->sliding_window == 0;
    }
  self->has_windows = has_window && has_whole;
}

static void
resolve_largest_cache (HrMlxPlan      *self,
                       HrInferenceJob *job)
{
  self->max_kv_size = hr_inference_job_get_max_kv_size (job);
  if (self->max_kv_size == 0 ||
      (g_strv_contains (shared_cache_types, hr_model_get_model_type (self->pass->model)) && !self->has_windows))
    return;

  self->max_kv_size = 0;
  hr_inference_plan_warn (self->pass, N_("max-kv-size makes no difference: mlx-lm’s class for this model makes "
                                         "caches of its own, which keep all tokens but for those behind sliding "
                                         "windows"));
}

static void
init_pass (HrInferencePlan *pass,
           HrInferenceJob  *job)
{
  pass->job = job;
  pass->inference.beams = 1;
  pass->inference.batch = hr_inference_job_get_batch_size (job);
  pass->inference.prompt = hr_inference_job_get_prompt_length (job);
  pass->inference.output = hr_inference_job_get_output_length (job);
  pass->inference.use_cache = TRUE;
}

/*
 * hr_mlx_plan_init:
 * @self: (out): a plan
 * @pass: a plan of the model, which has to live as long
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @n_devices: how many of them
 * @error: return location for an error
 *
 * Resolves a job for mlx-lm.
 *
 * Returns: whether it can do it
 */
gboolean
hr_mlx_plan_init (HrMlxPlan        *self,
                  HrInferencePlan  *pass,
                  HrInferenceJob   *job,
                  HrGpu            *gpu,
                  guint             n_devices,
                  GError          **error)
{
  guint64 step = hr_inference_job_get_max_num_batched_tokens (job);
  const char *name = gpu != NULL ? hr_gpu_get_name (gpu) : "";
  g_autofree char *bits = g_strdup_printf ("%" G_GUINT64_FORMAT, hr_inference_job_get_kv_bits (job));

  if (!check_gpu (gpu, n_devices, error) || !check_model (pass, error) || !check_settings (job, error) ||
      !check_numbers (job, error) || !check_format (pass, error) ||
      !resolve_groups (pass, hr_inference_job_get_mlx_group_size (job), error))
    return FALSE;

  g_ptr_array_set_size (pass->warnings, 0);
  init_pass (pass, job);
  *self = (HrMlxPlan) {
    .pass = pass,
    .element_bytes = hr_dtype_get_bits (pass->dtype) / 8,
    .batch = pass->inference.batch,
    .prompt = pass->inference.prompt,
    .output = pass->inference.output,
    .step = step > 0 ? step : DEFAULT_STEP,
    .kv_bits = hr_inference_job_get_kv_bits (job),
    .kv_group_size = hr_inference_job_get_kv_group_size (job),
    .kv_start = hr_inference_job_get_quantized_kv_start (job),
    .n_kept = hr_inference_job_get_prompt_cache_size (job),
    .is_large = strstr (name, "Max") != NULL || strstr (name, "Ultra") != NULL,
    .has_accelerators = strstr (name, "M5") != NULL,
  };
  resolve_windows (self);
  resolve_largest_cache (self, job);
  if (self->kv_bits == 0 || (self->max_kv_size == 0 && !self->has_windows))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("kv-bits: expected 0 beside caches of a limited size, which mlx-lm does not quantize; "
                           "found %s"),
                        bits);

  return FALSE;
}

/* Experts of a layer are one array for each matrix (SwitchLinear of mlx_lm/models/switch_layers.py). */
static guint64
get_tensor_bytes (const HrMlxPlan *self,
                  guint            index,
                  const HrTensor  *tensor,
                  guint            copy)
{
  const HrWeightStorage *storage = &self->pass->storage;
  guint64 n_items = hr_tensor_get_copies_of_layer (tensor);
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint n_pieces = hr_weight_storage_list_pieces (storage, index, copy, pieces);
  guint64 n_matrices, out_features, in_features, bytes = 0;

  if (n_pieces == 0)
    return hr_mlx_round (n_items * hr_dtype_get_bytes (storage->dtype, tensor->n_elements));

  hr_tensor_get_matrix (tensor, &n_matrices, &out_features, &in_features);
  for (guint i = 0; i < n_pieces; i++)
    bytes += hr_mlx_round (n_items * n_matrices * pieces[i].n_bytes);

  return bytes;
}

/*
 * hr_mlx_plan_get_weights:
 * @self: a plan
 * @elements: (out): how many elements the weights have
 *
 * Gets what the weights take. Of models that see and hear mlx-lm loads the text model alone (sanitize).
 *
 * Returns: bytes
 */
guint64
hr_mlx_plan_get_weights (const HrMlxPlan *self,
                         guint64         *elements)
{
  HrModel *model = self->pass->model;
  guint64 bytes = 0;

  *elements = 0;
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      guint64 n_items = hr_tensor_get_copies_of_layer (tensor);

      if (tensor->tied_to != NULL || !hr_part_is_text (tensor->part))
        continue;
      for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy += n_items)
        {
          bytes += get_tensor_bytes (self, i, tensor, copy);
          *elements += n_items * tensor->n_elements;
        }
    }

  return bytes;
}

/*
 * hr_mlx_plan_get_matrix_elements:
 * @self: a plan
 * @out_features: rows of a matrix
 * @in_features: its columns
 *
 * Gets how many elements the arrays have that stand for a matrix: words, scales and biases where it is quantized.
 *
 * Returns: elements
 */
guint64
hr_mlx_plan_get_matrix_elements (const HrMlxPlan *self,
                                 guint64          out_features,
                                 guint64          in_features)
{
  const HrMatrixFormat *format = hr_weight_storage_get_format (&self->pass->storage);
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint64 elements = 0;
  guint n_pieces;

  if (format == NULL)
    return out_features * in_features;

  n_pieces = hr_matrix_format_list_pieces (format, self->pass->dtype, out_features, in_features, pieces);
  for (guint i = 0; i < n_pieces; i++)
    elements += pieces[i].shape[0] * pieces[i].shape[1];

  return elements;
}

/*
 * hr_mlx_plan_get_cache_bytes:
 * @self: a plan
 * @width: elements of keys, or of values, that a token has
 * @tokens: how many tokens there is room for
 * @is_quantized: whether they are quantized
 *
 * Gets what keys, or values, of a layer take (KVCache, QuantizedKVCache of mlx_lm/models/cache.py).
 *
 * Returns: bytes
 */
guint64
hr_mlx_plan_get_cache_bytes (const HrMlxPlan *self,
                             guint64          width,
                             guint64          tokens,
                             gboolean         is_quantized)
{
  guint64 n = self->batch * tokens;
  guint64 groups = n * (width / self->kv_group_size);

  if (!is_quantized)
    return hr_mlx_round (n * width * self->element_bytes);

  return hr_mlx_round (n * width * self->kv_bits / 8) + 2 * hr_mlx_round (groups * self->element_bytes);
}

/*
 * hr_mlx_plan_get_window:
 * @self: a plan
 * @attention: the attention of a layer
 *
 * Gets how many tokens its cache keeps at the most.
 *
 * Returns: tokens; 0 for all
 */
guint64
hr_mlx_plan_get_window (const HrMlxPlan   *self,
                        const HrAttention *attention)
{
  return self->has_windows ? attention->sliding_window : self->max_kv_size;
}
