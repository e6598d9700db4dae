/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-vllm-plan.h"

#include <math.h>
#include <string.h>

#include "hr-caching-allocator.h"
#include "hr-inference-cache.h"
#include "hr-matrix-format.h"
#include "hr-message.h"
#include "hr-pass.h"
#include "hr-vllm-run.h"

/*
 * How vLLM resolves a job: EngineArgs._set_default_args of vllm/engine/arg_utils.py, SchedulerConfig.__post_init__ and
 * CacheConfig of vllm/config; the weights as its layers hold them (vllm/model_executor/layers: linear.py,
 * vocab_parallel_embedding.py, rotary_embedding); the cache by blocks (vllm/v1/core/kv_cache_utils.py, of the engine V0
 * vllm/worker/cache_engine.py).
 */

#define GIB (G_GUINT64_CONSTANT (1) << 30)

#define DEFAULT_BLOCK_SIZE 16

/* DEFAULT_VOCAB_PADDING_SIZE of vocab_parallel_embedding.py. */
#define VOCABULARY_PADDING 64

/* Elements that share a scale in bitsandbytes' formats of four bits. */
#define ABSMAX_BLOCK 64

/* Which GPUs get larger batches, and what V1 takes by default for a server. */
#define LARGE_MEMORY (70 * GIB)
#define LARGE_BATCHED_TOKENS 8192
#define LARGE_NUM_SEQS 1024
#define DEFAULT_BATCHED_TOKENS 2048
#define DEFAULT_NUM_SEQS 256

/* Beyond this length V0 computes prompts by chunks (EngineArgs.create_engine_config). */
#define LONG_CONTEXT (32 * 1024)

static guint64
pad (guint64 value,
     guint64 multiple)
{
  return (value + multiple - 1) / multiple * multiple;
}

static guint64
divide_up (guint64 a,
           guint64 b)
{
  return a / b + (a % b != 0);
}

static const HrAttention *
get_attention (const HrVllmPlan *self,
               guint             layer)
{
  const HrStack *stack = self->pass->stack;

  return hr_layer_class_get_attention (&stack->layer_classes[stack->layer_class_of[layer]]);
}

static gboolean
has_large_gpu (const HrVllmPlan *self,
               HrGpu            *gpu)
{
  g_autofree char *name = gpu != NULL ? g_ascii_strdown (hr_gpu_get_name (gpu), -1) : NULL;

  return self->memory >= LARGE_MEMORY && strstr (name, "a100") == NULL;
}

static gboolean
has_windows (const HrVllmPlan *self)
{
  for (guint i = 0; i < self->pass->stack->n_layer_classes; i++)
    {
      if (hr_layer_class_get_attention (&self->pass->stack->layer_classes[i])->sliding_window > 0)
        return TRUE;
    }

  return FALSE;
}

/* The engine V0 computes whole prompts at once, but for those of models with a long context. */
static guint64
get_v0_batched_tokens (const HrVllmPlan *self)
{
  if (self->max_model_len > LONG_CONTEXT && !has_windows (self))
    return DEFAULT_BATCHED_TOKENS;

  return MAX (self->max_model_len, DEFAULT_BATCHED_TOKENS);
}

static void
resolve_sizes (HrVllmPlan     *self,
               HrInferenceJob *job,
               HrGpu          *gpu)
{
  gboolean chunks = self->profile->has_large_batches;
  gboolean is_large = chunks && has_large_gpu (self, gpu);

  self->max_model_len = hr_inference_job_get_max_model_len (job);
  self->max_num_seqs = hr_inference_job_get_max_num_seqs (job);
  self->max_num_batched_tokens = hr_inference_job_get_max_num_batched_tokens (job);
  self->block_size = hr_inference_job_get_block_size (job);

  if (self->max_num_seqs == 0)
    self->max_num_seqs = is_large ? LARGE_NUM_SEQS : DEFAULT_NUM_SEQS;
  if (self->max_num_batched_tokens == 0 && !chunks)
    self->max_num_batched_tokens = get_v0_batched_tokens (self);
  if (self->max_num_batched_tokens == 0)
    self->max_num_batched_tokens = MIN (is_large ? LARGE_BATCHED_TOKENS : DEFAULT_BATCHED_TOKENS,
                                        self->max_num_seqs * self->max_model_len);
  if (self->block_size == 0)
    self->block_size = DEFAULT_BLOCK_SIZE;
}

/* Bytes of an element of keys and values. */
static gboolean
resolve_cache_dtype (HrVllmPlan      *self,
                     HrInferenceJob  *job,
                     guint           *bytes,
                     GError         **error)
{
  HrDtype dtype = hr_inference_job_get_kv_cache_dtype (job);

  if (dtype == HR_DTYPE_AUTO)
    dtype = self->pass->dtype;
  *bytes = hr_dtype_get_bits (dtype) / 8;
  if (dtype == self->pass->dtype || dtype == HR_DTYPE_FLOAT8)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are names of dtypes, such as bfloat16. */
                        N_("kv-cache-dtype: expected auto, float8 or the model's own dtype %s, which are what vLLM "
                           "offers; found %s"),
                        hr_dtype_get_name (self->pass->dtype), hr_dtype_get_name (dtype));

  return FALSE;
}

/* Elements of a token's keys and values; of latent attention there is one row for both. */
static guint64
get_token_elements (const HrAttention *attention)
{
  guint64 value_dim = attention->value_head_dim > 0 ? attention->value_head_dim : attention->head_dim;

  if (attention->latent_size > 0)
    return attention->latent_size + attention->rotary_dim;

  return attention->num_key_value_heads * (attention->head_dim + value_dim);
}

static gboolean
reuses_cache (const HrAttention *attention)
{
  return attention->reuses_cache;
}

/*
 * Layers with a window and layers without one are in groups of their own, all of the same number of layers, whose
 * blocks are of the same pool (_get_kv_cache_groups_uniform_page_size); up to 0.8 all layers keep all tokens.
 */
static void
resolve_groups (HrVllmPlan *self)
{
  guint n_whole = 0, n_windows = 0, least, most;

  for (guint i = 0; i < self->pass->stack->n_layers; i++)
    {
      const HrAttention *attention = get_attention (self, i);

      if (reuses_cache (attention))
        continue;
      if (attention->sliding_window > 0 && self->profile->has_windows)
        n_windows++;
      else
        n_whole++;
    }

  least = MIN (n_whole, n_windows);
  most = MAX (n_whole, n_windows);
  self->group_layers = least == 0 || most * 4 < least * 5 ? most : least;
  self->n_groups = divide_up (n_whole, self->group_layers) + divide_up (n_windows, self->group_layers);
}

static gboolean
resolve_cache (HrVllmPlan      *self,
               HrInferenceJob  *job,
               GError         **error)
{
  guint64 elements = 0;
  guint bytes;

  if (!resolve_cache_dtype (self, job, &bytes, error))
    return FALSE;

  for (guint i = 0; i < self->pass->stack->n_layers; i++)
    {
      const HrAttention *attention = get_attention (self, i);
      guint64 own = get_token_elements (attention);

      if (reuses_cache (attention))
        continue;
      if (elements > 0 && own != elements)
        {
          hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                                /* Translators: the place is the name of a model. */
                                N_("“%s”: expected keys and values of one size in all layers, as it is not known here "
                                   "how vLLM puts others into blocks; found several"),
                                hr_model_get_name (self->pass->model));
          return FALSE;
        }
      elements = own;
    }

  self->layer_block_bytes = elements * bytes * self->block_size;
  resolve_groups (self);

  return TRUE;
}

static gboolean
check_model (const HrVllmPlan  *self,
             GError           **error)
{
  if (self->pass->stack->role == HR_STACK_DECODER && self->pass->inference.encoder == NULL &&
      hr_vllm_run_knows (self->pass->stack))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("engine: expected transformers, as it is not known here how vLLM computes the layers of "
                           "“%s”; found vllm"),
                        hr_model_get_name (self->pass->model));

  return FALSE;
}

/* Formats whose tensors vLLM's kernels read as a checkpoint has them, or in another order. */
static gboolean
knows_format (HrQuantization quantization)
{
  switch ((guint) quantization)
    {
    case HR_QUANTIZATION_NONE:
    case HR_QUANTIZATION_GPTQ_INT8:
    case HR_QUANTIZATION_GPTQ_INT4:
    case HR_QUANTIZATION_AWQ_INT4:
    case HR_QUANTIZATION_FP8:
    case HR_QUANTIZATION_FP8_CHANNEL:
    case HR_QUANTIZATION_FP8_TENSOR:
    case HR_QUANTIZATION_W8A8_INT8:
    case HR_QUANTIZATION_W8A16_INT8:
    case HR_QUANTIZATION_W4A16_INT4:
    case HR_QUANTIZATION_BNB_NF4:
    case HR_QUANTIZATION_BNB_NF4_DQ:
    case HR_QUANTIZATION_BNB_FP4:
    case HR_QUANTIZATION_BNB_FP4_DQ:
      return TRUE;

    default:
      return hr_quantization_is_gguf (quantization);
    }
}

/* How the layers of a model that is stored in another format are laid out in memory depends on its kernels. */
static gboolean
check_quantization (const HrVllmPlan  *self,
                    GError           **error)
{
  if (knows_format (self->pass->quantization))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("quantization: expected none, gptq-int4, gptq-int8, awq-int4, a format in eight bits, "
                           "bnb-nf4, bnb-fp4 or a file type of llama.cpp beside vLLM, as it is not known here how it "
                           "lays out the weights of others; found %s"),
                        hr_quantization_get_name (self->pass->quantization));

  return FALSE;
}

static gboolean
check_settings (HrInferenceJob  *job,
                GError         **error)
{
  static const char * const foreign[] = {
    "beams", "context-parallel",
  };

  for (guint i = 0; i < G_N_ELEMENTS (foreign); i++)
    {
      GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), foreign[i]);
      g_auto (GValue) value = G_VALUE_INIT;

      g_object_get_property (G_OBJECT (job), foreign[i], &value);
      if (g_param_value_defaults (setting, &value))
        continue;

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("engine: expected transformers beside %s, which is not known here of vLLM; found vllm"),
                            foreign[i]);
      return FALSE;
    }

  return TRUE;
}

static guint64
get_vocabulary (HrModel *model)
{
  const HrBlock *head = hr_chain_find_block (hr_model_get_head (model), HR_BLOCK_HEAD);

  return head != NULL ? head->head.vocab_size : 0;
}

/*
 * hr_vllm_plan_init:
 * @self: (out): a plan
 * @pass: a plan of the model, or of what a rank has of it, which @self does not own
 * @whole: the model
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @error: return location for an error
 *
 * Resolves a job for vLLM.
 *
 * Returns: whether it can do it
 */
gboolean
hr_vllm_plan_init (HrVllmPlan       *self,
                   HrInferencePlan  *pass,
                   HrModel          *whole,
                   HrInferenceJob   *job,
                   HrGpu            *gpu,
                   GError          **error)
{
  g_autoptr (HrJob) resolved = hr_job_resolve (HR_JOB (job), whole);
  HrFramework framework = { 0 };

  *self = (HrVllmPlan) {
    .pass = pass,
    .profile = hr_vllm_profile_get (hr_inference_job_get_vllm_release (job)),
    .memory = gpu != NULL ? hr_gpu_get_memory (gpu) : 0,
    .n_tensor = 1,
    .n_ranks = 1,
    .vocabulary = get_vocabulary (whole),
    .has_sampler = TRUE,
  };
  self->eager = hr_inference_job_get_enforce_eager (job) || self->profile->is_eager;
  self->requested = ceil (hr_inference_job_get_gpu_memory_utilization (job) * self->memory);
  if (gpu != NULL && hr_framework_init_for_gpu (&framework, gpu))
    self->workspace_bytes = framework.workspace_bytes;

  if (!check_model (self, error) || !check_settings (job, error) || !check_quantization (self, error))
    return FALSE;

  resolve_sizes (self, HR_INFERENCE_JOB (resolved), gpu);

  return resolve_cache (self, job, error);
}

/*
 * hr_vllm_plan_set_rank:
 * @self: a plan of what a rank has of a model
 * @layout: how the model is divided
 * @rank: the rank
 *
 * Says which part of a model it is.
 */
void
hr_vllm_plan_set_rank (HrVllmPlan            *self,
                       const HrServingLayout *layout,
                       const HrServingRank   *rank)
{
  self->is_part = TRUE;
  self->n_tensor = layout->tensor;
  self->n_ranks = layout->n_ranks;
  self->has_sampler = rank->stage + 1 == layout->pipeline;
}

/* Which of vLLM's layers a module is a part of: QKVParallelLinear, MergedColumnParallelLinear, FusedMoE. */
static HrModule
get_fused_module (HrModule module)
{
  switch ((guint) module)
    {
    case HR_MODULE_QUERY:
    case HR_MODULE_KEY:
    case HR_MODULE_VALUE:
    case HR_MODULE_KEY_VALUE:
      return HR_MODULE_QUERY_KEY_VALUE;

    case HR_MODULE_GATE:
    case HR_MODULE_UP:
      return HR_MODULE_GATE_UP;

    case HR_MODULE_EXPERT_GATE:
    case HR_MODULE_EXPERT_UP:
      return HR_MODULE_EXPERT_GATE_UP;

    default:
      return module;
    }
}

static gboolean
is_fused_with (const HrTensor *a,
               const HrTensor *b)
{
  return a->block == b->block && a->role == b->role && get_fused_module (a->module) == get_fused_module (b->module) &&
         get_fused_module (a->module) != HR_MODULE_SELF;
}

static gint
find_layer (const HrTensor *tensor,
            guint           layer)
{
  for (guint i = 0; i < tensor->n_layers; i++)
    {
      if (tensor->layers[i] == layer)
        return i;
    }

  return -1;
}

/* What the tensors of a row take that are of a layer: those of all its experts are one. */
static guint64
get_row_bytes (const HrVllmPlan *self,
               guint             index,
               guint             copy)
{
  const HrWeightStorage *storage = &self->pass->storage;
  guint64 n_items = hr_tensor_get_copies_of_layer (hr_model_get_tensor (self->pass->model, index));
  guint64 bytes;

  hr_weight_storage_get_bytes (storage, index, copy * n_items, &bytes);

  return n_items * bytes;
}

/* Rows of a layer that are one, and what comes of them. */
typedef struct
{
  guint64 bytes;
  guint64 rows;
  guint64 widest;    /* the most that one of @rows takes */
  guint64 pieces[HR_MATRIX_MAX_PIECES];
  guint n_pieces;
} Fused;

/*
 * What a kernel does without: Marlin has no zeros and no order of symmetric matrices (process_weights_after_loading of
 * gptq_marlin.py); nested absmax of bitsandbytes are expanded when they are loaded (bitsandbytes_loader.py).
 */
static void
add_pieces (const HrVllmPlan    *self,
            const HrTensor      *tensor,
            const HrMatrixPiece *pieces,
            guint                n_pieces,
            Fused               *fused)
{
  HrQuantization quantization = self->pass->quantization;
  gboolean is_nested = quantization == HR_QUANTIZATION_BNB_NF4_DQ || quantization == HR_QUANTIZATION_BNB_FP4_DQ;
  gboolean is_gptq = quantization == HR_QUANTIZATION_GPTQ_INT4 || quantization == HR_QUANTIZATION_GPTQ_INT8;
  guint64 n_items = hr_tensor_get_copies_of_layer (tensor);

  fused->n_pieces = MAX (fused->n_pieces, is_nested ? 2 : n_pieces);
  if (is_nested)
    {
      fused->pieces[0] += n_items * tensor->n_elements / 2;
      fused->pieces[1] += n_items * tensor->n_elements / ABSMAX_BLOCK * sizeof (float);
      return;
    }

  for (guint i = 0; i < n_pieces; i++)
    {
      if (!is_gptq || (!g_str_equal (pieces[i].suffix, ".qzeros") && !g_str_equal (pieces[i].suffix, ".g_idx")))
        fused->pieces[i] += n_items * pieces[i].n_bytes;
    }
}

static void
add_row (const HrVllmPlan *self,
         guint             index,
         guint             copy,
         Fused            *fused)
{
  const HrTensor *tensor = hr_model_get_tensor (self->pass->model, index);
  guint64 rows = tensor->n_dimensions > 1 ? tensor->shape[0] : 1;
  guint64 bytes = get_row_bytes (self, index, copy);
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint n_pieces = hr_weight_storage_list_pieces (&self->pass->storage, index,
                                                  copy * hr_tensor_get_copies_of_layer (tensor), pieces);

  fused->bytes += bytes;
  fused->rows += rows;
  fused->widest = MAX (fused->widest, bytes / rows);
  if (n_pieces > 0)
    add_pieces (self, tensor, pieces, n_pieces, fused);
}

/*
 * Each of the tensors that stand for a matrix is an allocation of its own; rows of a file of llama.cpp are padded to
 * the widest type among them (GGUFLinearMethod._create_padded_weight_param).
 */
static void
allocate (const HrVllmPlan   *self,
          const Fused        *fused,
          HrCachingAllocator *allocator)
{
  for (guint i = 0; i < fused->n_pieces; i++)
    {
      if (fused->pieces[i] > 0)
        hr_caching_allocator_allocate (allocator, fused->pieces[i]);
    }
  if (fused->n_pieces > 0)
    return;

  hr_caching_allocator_allocate (allocator, hr_quantization_is_gguf (self->pass->quantization)
                                              ? fused->rows * fused->widest : fused->bytes);
}

/* Whether another row of the layer comes before it that it is one with. */
static gboolean
is_counted (const HrVllmPlan *self,
            guint             index,
            guint             layer)
{
  const HrTensor *tensor = hr_model_get_tensor (self->pass->model, index);

  for (guint i = 0; i < index; i++)
    {
      const HrTensor *other = hr_model_get_tensor (self->pass->model, i);

      if (is_fused_with (other, tensor) && find_layer (other, layer) >= 0)
        return TRUE;
    }

  return FALSE;
}

static void
load_layer (const HrVllmPlan   *self,
            HrCachingAllocator *allocator,
            guint               stack,
            guint               layer)
{
  HrModel *model = self->pass->model;
  guint n_tensors = hr_model_get_n_tensors (model);

  for (guint i = 0; i < n_tensors; i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      gint copy = find_layer (tensor, layer);
      Fused fused = { 0 };

      if (tensor->stack != stack || tensor->tied_to != NULL || copy < 0 || is_counted (self, i, layer))
        continue;
      add_row (self, i, copy, &fused);
      for (guint j = i + 1; j < n_tensors; j++)
        {
          const HrTensor *other = hr_model_get_tensor (model, j);
          gint other_copy = find_layer (other, layer);

          if (is_fused_with (tensor, other) && other_copy >= 0)
            add_row (self, j, other_copy, &fused);
        }
      allocate (self, &fused, allocator);
    }
}

static void
load_outer (const HrVllmPlan   *self,
            HrCachingAllocator *allocator,
            guint               index)
{
  const HrTensor *tensor = hr_model_get_tensor (self->pass->model, index);
  guint64 bytes = get_row_bytes (self, index, 0);

  if (!self->is_part && (tensor->role == HR_TENSOR_ROLE_EMBEDDING || tensor->role == HR_TENSOR_ROLE_OUTPUT))
    bytes = bytes / tensor->shape[0] * pad (tensor->shape[0], VOCABULARY_PADDING);
  hr_caching_allocator_allocate (allocator, bytes);
}

/* Sines and cosines of all positions, one table for all layers that rotate alike (get_rope). */
static guint64
get_rotary_bytes (const HrVllmPlan *self)
{
  const HrStack *stack = self->pass->stack;
  guint64 positions, sizes[2] = { 0, 0 };

  if (!hr_model_get_hyper_parameter (self->pass->model, "max_position_embeddings", &positions))
    positions = self->max_model_len;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[i]);

      sizes[attention->own_rotary && attention->sliding_window > 0] = attention->rotary_dim;
    }

  return positions * (sizes[0] + sizes[1]) * hr_element_get_bytes (self->pass->element);
}

/*
 * hr_vllm_plan_get_weight_bytes:
 * @self: a plan
 * @weights: (out): the same as transformers counts it, and what is beside it
 *
 * Finds out what PyTorch's allocator hands out for the weights: matrices that read the same are one, tables of the
 * vocabulary are padded, and a block that would leave less than a MiB of a segment is handed out as a whole.
 *
 * Returns: the size in bytes
 */
guint64
hr_vllm_plan_get_weight_bytes (const HrVllmPlan *self,
                               HrWeights        *weights)
{
  g_autoptr (HrCachingAllocator) allocator = hr_caching_allocator_new ();
  HrModel *model = self->pass->model;
  guint n_tensors = hr_model_get_n_tensors (model);
  guint64 rotary = get_rotary_bytes (self);

  hr_weights_init_model (weights, &self->pass->storage);
  weights->buffer_bytes = rotary;

  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      for (guint j = 0; j < n_tensors; j++)
        {
          const HrTensor *tensor = hr_model_get_tensor (model, j);

          if (tensor->stack == i && tensor->tied_to == NULL && tensor->n_layers == 0)
            load_outer (self, allocator, j);
        }
      for (guint j = 0; j < hr_model_get_stack (model, i)->n_layers; j++)
        {
          load_layer (self, allocator, i, j);
          if (j == 0 && hr_model_get_stack (model, i) == self->pass->stack && rotary > 0)
            hr_caching_allocator_allocate (allocator, rotary);
        }
    }
  for (guint j = 0; j < n_tensors; j++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, j);

      if (tensor->stack == HR_TENSOR_NO_STACK && tensor->tied_to == NULL)
        load_outer (self, allocator, j);
    }

  return hr_caching_allocator_get_allocated (allocator);
}

/*
 * hr_vllm_plan_get_block_bytes:
 * @self: a plan
 *
 * Gets what a block takes in all layers of a group.
 *
 * Returns: the size in bytes
 */
guint64
hr_vllm_plan_get_block_bytes (const HrVllmPlan *self)
{
  return self->layer_block_bytes * self->group_layers;
}

/*
 * hr_vllm_plan_count_blocks:
 * @self: a plan
 * @tokens: the tokens of a request
 *
 * Counts the blocks that a request takes at the most; a window needs those that it sees and those that are computed at
 * once (SlidingWindowSpec.max_memory_usage_bytes).
 *
 * Returns: how many blocks
 */
guint64
hr_vllm_plan_count_blocks (const HrVllmPlan *self,
                           guint64           tokens)
{
  guint64 whole = 0, windows = 0, seen = 0;

  for (guint i = 0; i < self->pass->stack->n_layers; i++)
    {
      const HrAttention *attention = get_attention (self, i);

      if (reuses_cache (attention))
        continue;
      if (attention->sliding_window == 0 || !self->profile->has_windows)
        whole++;
      else
        windows++;
      seen = MAX (seen, attention->sliding_window);
    }

  seen = MIN (seen - MIN (seen, 1) + self->max_num_batched_tokens, tokens);

  return divide_up (whole, self->group_layers) * divide_up (tokens, self->block_size) +
         divide_up (windows, self->group_layers) * (divide_up (seen, self->block_size) + 1);
}
