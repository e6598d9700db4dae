/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-exllama-plan.h"

#include "hr-exl3-allocation.h"
#include "hr-inference-cache.h"
#include "hr-ledger.h"
#include "hr-message.h"
#include "hr-model-private.h"

/*
 * How ExLlamaV3 and TabbyAPI resolve a job: backends/exllamav3/model.py of TabbyAPI, exllamav3/cache, exllamav3/modules
 * and exllamav3/architecture of ExLlamaV3 1.4.1.
 */

/* PAGE_SIZE of exllamav3/constants.py. */
#define PAGE 256

/* chunk_size of TabbyAPI, max_chunk_size of Model.load. */
#define DEFAULT_CHUNK 2048

/* Elements of the cache that share a scale (CacheLayer_quant). */
#define CACHE_GROUP 32

/* Elements of a head that the kernels for quantized caches have room for. */
#define MOST_READ 512

#define FULL_BITS 16
#define MIB (G_GUINT64_CONSTANT (1) << 20)

static const HrExllamaProfile profiles[] = {
  [HR_EXLLAMA_RELEASE_1_4] = {
    .most_products = 144, .slice = 32768, .least_fused = 1024, .adds_in_norm = TRUE, .reads_quantized = TRUE,
    .tries_cache = TRUE, .has_moe_kernel = TRUE,
  },
  [HR_EXLLAMA_RELEASE_0_0_3] = { .most_products = 32, .is_narrow = TRUE },
};

/*
 * Classes of exllamav3/architecture whose layers have a cache of pages and one of the attentions of modules/attn.py:
 * out_dtype and interm_dtype of their modules.
 */
static const HrExllamaClass classes[] = {
  { "afmoe", HR_EXLLAMA_INNER_PLACE },
  { "cohere", HR_EXLLAMA_INNER_FLOAT },
  { "cohere2", HR_EXLLAMA_INNER_FLOAT },
  { "dots1", HR_EXLLAMA_INNER_PLACE },
  { "ernie4_5", HR_EXLLAMA_INNER_PLACE },
  { "ernie4_5_moe", HR_EXLLAMA_INNER_PLACE },
  { "exaone4", HR_EXLLAMA_INNER_PLACE, .has_narrow_attention = TRUE },
  { "gemma2", HR_EXLLAMA_INNER_APART, .has_narrow_attention = TRUE, .has_narrow_perceptron = TRUE,
    .is_wide_before = TRUE },
  { "gemma3", HR_EXLLAMA_INNER_APART, .has_narrow_attention = TRUE, .has_narrow_perceptron = TRUE,
    .is_wide_before = TRUE },
  { "gemma3_text", HR_EXLLAMA_INNER_APART, .has_narrow_attention = TRUE, .has_narrow_perceptron = TRUE,
    .is_wide_before = TRUE },
  { "glm4", HR_EXLLAMA_INNER_PLACE, .is_wide_before = TRUE },
  { "glm4_moe", HR_EXLLAMA_INNER_PLACE },
  { "hy_v3", HR_EXLLAMA_INNER_PLACE },
  { "llama", HR_EXLLAMA_INNER_FLOAT },
  { "mimo", HR_EXLLAMA_INNER_FLOAT },
  { "minimax_m2", HR_EXLLAMA_INNER_PLACE },
  { "ministral3", HR_EXLLAMA_INNER_APART },
  { "mistral", HR_EXLLAMA_INNER_FLOAT },
  { "mistral3", HR_EXLLAMA_INNER_APART },
  { "mixtral", HR_EXLLAMA_INNER_PLACE, .is_wide_before = TRUE },
  { "nemotron-nas", HR_EXLLAMA_INNER_APART, .has_narrow_attention = TRUE, .has_narrow_perceptron = TRUE },
  { "olmo3", HR_EXLLAMA_INNER_PLACE },
  { "phi3", HR_EXLLAMA_INNER_APART },
  { "qwen2", HR_EXLLAMA_INNER_FLOAT },
  { "qwen2_5_vl", HR_EXLLAMA_INNER_FLOAT },
  { "qwen3", HR_EXLLAMA_INNER_PLACE, .is_wide_before = TRUE },
  { "qwen3_moe", HR_EXLLAMA_INNER_PLACE, .is_wide_before = TRUE },
  { "qwen3_vl", HR_EXLLAMA_INNER_PLACE },
  { "qwen3_vl_moe", HR_EXLLAMA_INNER_PLACE },
  { "seed_oss", HR_EXLLAMA_INNER_FLOAT },
  { "smollm3", HR_EXLLAMA_INNER_PLACE },
  { "solar_open", HR_EXLLAMA_INNER_PLACE },
};

static const HrExllamaClass *
find_class (const char *model_type)
{
  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    {
      if (g_strcmp0 (classes[i].model_type, model_type) == 0)
        return &classes[i];
    }

  return NULL;
}

/* A layer may be without attention or without a perceptron (DeciLM). */
static gboolean
knows_chain (const HrChain *chain)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrBlock *block = &chain->blocks[i];
      gboolean is_known = block->kind == HR_BLOCK_NORM || block->kind == HR_BLOCK_MLP || block->kind == HR_BLOCK_LINEAR;

      if (block->kind == HR_BLOCK_ATTENTION)
        is_known = !block->attention.is_cross && block->attention.latent_size == 0 && !block->attention.reuses_cache;
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

      if (klass->n_skipped_sublayers > 0)
        return FALSE;
      for (guint j = 0; j < klass->n_sublayers; j++)
        {
          const HrSublayer *sublayer = &klass->sublayers[j];
          gboolean is_known = knows_chain (&sublayer->shared) && knows_chain (&sublayer->after);

          for (guint k = 0; is_known && k < sublayer->n_branches; k++)
            is_known = knows_chain (&sublayer->branches[k]);
          if (!is_known)
            return FALSE;
        }
    }

  return TRUE;
}

static gboolean
check_model (HrExllamaPlan  *self,
             GError        **error)
{
  HrModel *model = self->pass->model;

  self->klass = find_class (hr_model_get_model_type (model));
  /* A model that is put together from a size is like Llama. */
  if (self->klass == NULL && hr_model_get_model_type (model) == NULL)
    self->klass = find_class ("llama");
  if (self->klass != NULL && knows_stack (self->pass->stack))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("engine: expected transformers for “%s”, as it is not known here how ExLlamaV3 computes a "
                           "model of this type, or it has no class for it; found exllama"),
                        hr_model_get_name (model));

  return FALSE;
}

static gboolean
check_settings (HrInferenceJob  *job,
                GError         **error)
{
  const char *name = hr_inference_plan_find_foreign (job);

  if (name == NULL)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("engine: expected transformers beside %s, of which it is not known here what ExLlamaV3 "
                           "takes with it; found exllama"),
                        name);

  return FALSE;
}

/* create_cache of TabbyAPI takes what it does not know for FP16; CacheLayer_quant has kernels for 2 to 8 bits. */
static gboolean
resolve_cache_mode (HrExllamaPlan  *self,
                    const char     *mode,
                    GError        **error)
{
  static const struct
  {
    const char *mode;
    guint bits;
  } names[] = { { "FP16", FULL_BITS }, { "Q8", 8 }, { "Q6", 6 }, { "Q4", 4 } };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (g_ascii_strcasecmp (names[i].mode, mode) != 0)
        continue;
      self->key_bits = self->value_bits = names[i].bits;
      return TRUE;
    }

  if (g_regex_match_simple ("^[2-8]\\s*,\\s*[2-8]$", mode, 0, 0))
    {
      self->key_bits = g_ascii_digit_value (mode[0]);
      self->value_bits = g_ascii_digit_value (mode[strlen (mode) - 1]);
      return TRUE;
    }

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("cache-mode: expected FP16, Q8, Q6, Q4 or two numbers from 2 to 8 with a comma between "
                           "them, such as 8,8; found “%s”"),
                        mode);

  return FALSE;
}

/* Ampere or later (hardware_supports_exllamav3 of TabbyAPI). */
static gboolean
check_gpu (HrGpu   *gpu,
           GError **error)
{
  if (gpu == NULL || (g_strcmp0 (hr_gpu_get_vendor (gpu), "NVIDIA") == 0 &&
                      (hr_gpu_get_cuda_capability (gpu) == 0 || hr_gpu_get_cuda_capability (gpu) >= 80)))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a GPU. */
                        N_("engine: expected a GPU of NVIDIA, of the Ampere generation or later, for ExLlamaV3; found "
                           "%s"),
                        hr_gpu_get_name (gpu));

  return FALSE;
}

static gboolean
is_exl3 (const HrExllamaPlan *self)
{
  return self->pass->quantization == HR_QUANTIZATION_EXL3;
}

static gboolean
check_format (const HrExllamaPlan  *self,
              GError              **error)
{
  if (is_exl3 (self) || self->pass->quantization == HR_QUANTIZATION_NONE)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("quantization: expected exl3 or none beside ExLlamaV3; found %s"),
                        hr_quantization_get_name (self->pass->quantization));

  return FALSE;
}

/* Other bits than the checkpoint has, or than convert.py takes by itself. */
static gboolean
resolve_bits (HrExllamaPlan   *self,
              HrInferenceJob  *job,
              GError         **error)
{
  HrQuantizer *quantizer = self->pass->storage.quantizer;
  double bits = hr_inference_job_get_bits_per_weight (job);
  guint64 head_bits = hr_inference_job_get_head_bits (job);
  g_autofree char *found = g_strdup_printf ("%g", bits);
  g_autofree char *found_head = g_strdup_printf ("%" G_GUINT64_FORMAT, head_bits);

  if (bits > 0 && bits < 1)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("bits-per-weight: expected 0, or 1 to 8; found %s"), found);
      return FALSE;
    }
  if (head_bits > HR_EXL3_MAX_BITS && head_bits != FULL_BITS)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("head-bits: expected 0 to 8, or 16 for a head that stays as it is; found %s"),
                            found_head);
      return FALSE;
    }
  if ((bits == 0 && head_bits == 0) || !is_exl3 (self))
    return TRUE;
  if (quantizer == NULL)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("bits-per-weight, head-bits: expected 0 beside “%s”, which is quantized already"),
                            hr_model_get_name (self->pass->model));
      return FALSE;
    }

  quantizer->bits_per_weight = bits > 0 ? bits : quantizer->bits_per_weight;
  quantizer->head_bits = head_bits > 0 ? head_bits : quantizer->head_bits;
  _hr_model_apply (self->pass->model, quantizer);

  return TRUE;
}

static guint64
round_up (guint64 tokens)
{
  return (tokens + PAGE - 1) / PAGE * PAGE;
}

/* cache_size, or what is taken for it: max_seq_len, and where that is not said either, what the requests have. */
static void
resolve_cache (HrExllamaPlan  *self,
               HrInferenceJob *job)
{
  guint64 total = hr_inference_job_get_max_total_tokens (job);
  guint64 length = hr_inference_job_get_max_model_len (job);

  self->request_tokens = round_up (hr_inference_job_get_prompt_length (job) +
                                   hr_inference_job_get_output_length (job));
  self->requests = hr_inference_job_get_batch_size (job);
  if (hr_inference_job_get_max_num_seqs (job) > 0)
    self->requests = MIN (self->requests, hr_inference_job_get_max_num_seqs (job));
  if (total == 0)
    total = length > 0 ? length : self->requests * self->request_tokens;
  self->cache_tokens = round_up (total);
}

static gboolean
check_length (const HrExllamaPlan  *self,
              GError              **error)
{
  g_autofree char *expected = g_strdup_printf ("%" G_GUINT64_FORMAT, self->request_tokens);
  g_autofree char *found = g_strdup_printf ("%" G_GUINT64_FORMAT, self->cache_tokens);

  if (self->request_tokens <= self->cache_tokens)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("max-total-tokens: expected at least the tokens of prompt and output in whole pages, %s; "
                           "found %s"),
                        expected, found);

  return FALSE;
}

static void
resolve_sizes (HrExllamaPlan  *self,
               HrInferenceJob *job,
               HrGpu          *gpu)
{
  guint64 chunk = hr_inference_job_get_max_num_batched_tokens (job);

  self->chunk = round_up (MAX (chunk > 0 ? chunk : DEFAULT_CHUNK, PAGE));
  self->n_cpu_layers = hr_inference_job_get_n_cpu_moe (job);
  self->reserve = hr_inference_job_get_autosplit_reserve (job) * MIB;
  if (gpu != NULL)
    hr_gpu_get_multiprocessors (gpu, &self->multiprocessors);
}

/*
 * hr_exllama_plan_init:
 * @self: (out): a plan
 * @pass: a plan of the model, which has to live as long
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @error: return location for an error
 *
 * Resolves a job for ExLlamaV3, as TabbyAPI runs it.
 *
 * Returns: whether it can do it
 */
gboolean
hr_exllama_plan_init (HrExllamaPlan    *self,
                      HrInferencePlan  *pass,
                      HrInferenceJob   *job,
                      HrGpu            *gpu,
                      GError          **error)
{
  *self = (HrExllamaPlan) { .pass = pass, .profile = &profiles[hr_inference_job_get_exllama_release (job)] };
  if (!check_gpu (gpu, error) || !check_model (self, error) || !check_settings (job, error) ||
      !resolve_cache_mode (self, hr_inference_job_get_cache_mode (job), error) || !check_format (self, error) ||
      !resolve_bits (self, job, error))
    return FALSE;

  g_ptr_array_set_size (pass->warnings, 0);
  pass->job = job;
  pass->inference.beams = 1;
  pass->inference.batch = hr_inference_job_get_batch_size (job);
  pass->inference.prompt = hr_inference_job_get_prompt_length (job);
  pass->inference.output = hr_inference_job_get_output_length (job);
  pass->inference.use_cache = TRUE;
  resolve_cache (self, job);
  resolve_sizes (self, job, gpu);

  return check_length (self, error);
}

static guint64
get_quantized_bytes (const HrMatrixFormat *format,
                     const HrTensor       *tensor)
{
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint64 out_features, in_features, bytes = 0;
  guint64 n_matrices = hr_exl3_split (tensor, &out_features, &in_features);
  guint n_pieces = hr_matrix_format_list_pieces (format, HR_DTYPE_FLOAT16, out_features, in_features, pieces);

  for (guint i = 0; i < n_pieces; i++)
    bytes += n_matrices * hr_ledger_round (pieces[i].n_bytes);

  return bytes;
}

/*
 * What a tensor takes: quantized, or in fp16, whatever the checkpoint has it in (float2half of the loader). The gate of
 * a mixture is kept the other way round as well, for single tokens (routing_std, routing_dots).
 */
static guint64
get_tensor_bytes (const HrExllamaPlan *self,
                  guint                index,
                  guint                copy)
{
  const HrWeightStorage *storage = &self->pass->storage;
  const HrTensor *tensor = hr_model_get_tensor (self->pass->model, index);
  const HrQuantizer *quantizer = hr_weight_storage_get_quantizer (storage);
  const HrMatrixFormat *format = quantizer != NULL ? hr_quantizer_get_format (quantizer, tensor, index, copy) : NULL;
  guint64 bytes = hr_ledger_round (2 * tensor->n_elements);
  const char *type = NULL;
  guint64 stored;

  if (storage->is_as_read && hr_model_get_stored (self->pass->model, index, copy, &type, NULL, &stored) &&
      format != NULL)
    return stored;
  if (format != NULL)
    return get_quantized_bytes (format, tensor);

  return tensor->role == HR_TENSOR_ROLE_ROUTER && tensor->n_dimensions > 1 ? 2 * bytes : bytes;
}

static gboolean
is_expert (const HrTensor *tensor)
{
  return tensor->n_experts > 0 && (tensor->role == HR_TENSOR_ROLE_EXPERT || tensor->role == HR_TENSOR_ROLE_LINEAR);
}

static void
add_layers (const HrExllamaPlan *self,
            guint                index,
            HrExllamaWeights    *weights)
{
  const HrTensor *tensor = hr_model_get_tensor (self->pass->model, index);
  guint64 n_items = hr_tensor_get_copies_of_layer (tensor);

  for (guint i = 0; i < tensor->n_layers; i++)
    {
      guint layer = tensor->layers[i];
      guint64 bytes = n_items * get_tensor_bytes (self, index, i * n_items);

      if (layer >= self->pass->stack->n_layers)
        continue;
      if (is_expert (tensor) && hr_exllama_plan_is_on_host (self, layer))
        weights->host_layers[layer] += bytes;
      else
        {
          weights->layers[layer] += bytes;
          weights->elements += n_items * tensor->n_elements;
        }
    }
}

/*
 * hr_exllama_plan_add_weights:
 * @self: a plan
 * @weights: (out): what the weights take; to be cleared
 *
 * Sizes the weights. Tables of tokens stay on the host (prefer_cpu of exllamav3/modules/embedding.py), so that a head
 * that is tied to one is there a second time; towers are loaded when they are asked for.
 */
void
hr_exllama_plan_add_weights (const HrExllamaPlan *self,
                             HrExllamaWeights    *weights)
{
  HrModel *model = self->pass->model;
  const HrStack *stack = self->pass->stack;

  *weights = (HrExllamaWeights) { g_new0 (guint64, stack->n_layers), g_new0 (guint64, stack->n_layers), 0, 0, 0 };
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      gboolean is_head = tensor->stack == HR_TENSOR_NO_STACK;

      if (!hr_part_is_text (tensor->part) ||
          (!is_head && hr_model_get_stack (model, tensor->stack) != stack))
        continue;
      if (tensor->n_layers > 0)
        add_layers (self, i, weights);
      else if (tensor->role == HR_TENSOR_ROLE_EMBEDDING)
        weights->embedding += 2 * tensor->n_elements;
      else
        {
          weights->head += get_tensor_bytes (self, i, 0);
          weights->elements += tensor->n_elements;
        }
    }
}

void
hr_exllama_weights_clear (HrExllamaWeights *self)
{
  g_clear_pointer (&self->layers, g_free);
  g_clear_pointer (&self->host_layers, g_free);
}

/*
 * hr_exllama_plan_get_cache_bytes:
 * @self: a plan
 * @attention: the attention of a layer
 * @tokens: how many tokens there is room for
 *
 * Gets what the cache of a layer takes (CacheLayer_fp16, CacheLayer_quant of exllamav3/cache): keys and values, and
 * where they are quantized a scale of each 32 elements. Sliding windows make no difference here.
 *
 * Returns: bytes
 */
guint64
hr_exllama_plan_get_cache_bytes (const HrExllamaPlan *self,
                                 const HrAttention   *attention,
                                 guint64              tokens)
{
  guint64 width = attention->num_key_value_heads * attention->head_dim;
  guint64 groups = tokens * (width / CACHE_GROUP);

  if (!hr_exllama_plan_is_quantized (self))
    return 2 * hr_ledger_round (2 * tokens * width);

  return hr_ledger_round (groups * self->key_bits * sizeof (guint32)) +
         hr_ledger_round (groups * self->value_bits * sizeof (guint32)) + 2 * hr_ledger_round (groups * 2);
}

/*
 * hr_exllama_plan_get_staged_bytes:
 * @self: a plan
 * @attention: the attention of a layer
 * @tokens: how many tokens the cache has room for
 *
 * Gets what a quantized cache of a layer takes as it is expanded for prompts: all of it, in fp16
 * (paged_attn_triton_prefill of exllamav3/modules/attention_fn/triton_paged.py, CacheLayer_quant.get_kv). All layers
 * that are alike share it.
 *
 * Returns: bytes
 */
guint64
hr_exllama_plan_get_staged_bytes (const HrExllamaPlan *self,
                                  const HrAttention   *attention,
                                  guint64              tokens)
{
  if (!hr_exllama_plan_is_quantized (self) || !hr_exllama_plan_reads_quantized (self, attention))
    return 0;

  return 2 * hr_ledger_round (2 * tokens * attention->num_key_value_heads * attention->head_dim);
}

/*
 * hr_exllama_plan_reads_quantized:
 * @self: a plan
 * @attention: the attention of a layer
 *
 * Tells whether the attention has a kernel that reads a quantized cache (attn_dispatch of
 * exllamav3/modules/attention_fn/dispatch.py), for heads of up to 512 elements, a power of two.
 *
 * Returns: whether it has
 */
gboolean
hr_exllama_plan_reads_quantized (const HrExllamaPlan *self,
                                 const HrAttention   *attention)
{
  guint64 size = attention->head_dim;

  return self->profile->reads_quantized && size <= MOST_READ && (size & (size - 1)) == 0;
}

/*
 * hr_exllama_plan_is_quantized:
 * @self: a plan
 *
 * Returns: whether the cache is quantized
 */
gboolean
hr_exllama_plan_is_quantized (const HrExllamaPlan *self)
{
  return self->key_bits < FULL_BITS;
}

/*
 * hr_exllama_plan_is_on_host:
 * @self: a plan
 * @layer: a layer
 *
 * Tells whether the host has the experts of a layer: so many of the first layers that have experts
 * (BlockSparseMLP.load of exllamav3/modules/block_sparse_mlp.py).
 *
 * Returns: whether it has
 */
gboolean
hr_exllama_plan_is_on_host (const HrExllamaPlan *self,
                            guint                layer)
{
  const HrStack *stack = self->pass->stack;
  guint64 n = 0;

  for (guint i = 0; i <= layer; i++)
    n += hr_layer_class_find_block (&stack->layer_classes[stack->layer_class_of[i]], HR_BLOCK_MIXTURE) != NULL;

  return n <= self->n_cpu_layers && hr_layer_class_find_block (&stack->layer_classes[stack->layer_class_of[layer]],
                                                              HR_BLOCK_MIXTURE) != NULL;
}
