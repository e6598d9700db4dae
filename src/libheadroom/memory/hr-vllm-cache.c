/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-vllm-cache.h"

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-serving-cache.h"
#include "hr-serving-compressed.h"
#include "hr-serving-run.h"
#include "hr-vllm-compressed.h"

/*
 * vLLM's cache, by blocks (vllm/v1/core/kv_cache_utils.py, vllm/v1/kv_cache_interface.py; of the engine V0
 * vllm/worker/cache_engine.py).
 */

#define DEFAULT_BLOCK_SIZE 16

/* What the kernels of latent attention read at once: FlashMLA's and those that choose keys (CudaPlatformBase). */
#define LATENT_BLOCK_SIZE 64

/*
 * What an indexer keeps of a token for each element of its key (DeepseekV32IndexerCache: eight bits, and a scale for
 * 128 of them), and what sparse attention keeps of a latent in eight bits: 512 of it, four scales, and 64 in sixteen
 * bits (fp8_ds_mla).
 */
#define INDEX_SCALE_ELEMENTS 128
#define SPARSE_LATENT_BYTES 656

static const HrAttention *
get_attention (const HrServingPlan *self,
               guint                layer)
{
  const HrStack *stack = self->pass->stack;

  return hr_layer_class_get_attention (&stack->layer_classes[stack->layer_class_of[layer]]);
}

static guint64
divide_up (guint64 a,
           guint64 b)
{
  return a / b + (a % b != 0);
}

static gboolean
has_latents (const HrServingPlan *self)
{
  for (guint i = 0; i < self->pass->stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&self->pass->stack->layer_classes[i]);

      if (attention != NULL && attention->latent_size > 0)
        return TRUE;
    }

  return FALSE;
}

static guint64
get_state_bytes (const HrServingPlan *self,
                 const HrLayerClass  *klass)
{
  return hr_serving_cache_get_state_bytes (self, klass, self->n_guessed);
}

/* How many tokens a block has, whatever was asked for: CudaPlatformBase.check_and_update_config. */
static void
resolve_block_size (HrServingPlan *self,
                    guint64        asked)
{
  guint64 multiple = 1;

  if (hr_serving_plan_get_index_topk (self) > 0)
    multiple = LATENT_BLOCK_SIZE;
  else if (has_latents (self))
    {
      if (self->generation == HR_SERVING_HOPPER && !self->profile->is_eager)
        multiple = LATENT_BLOCK_SIZE;
      if (self->generation == HR_SERVING_BLACKWELL)
        multiple = self->profile->latent_block_blackwell;
    }

  self->block_size = asked > 0 ? asked : DEFAULT_BLOCK_SIZE;
  if (self->block_size % multiple != 0)
    self->block_size = multiple;
}

/* What indexers keep of a token in all layers that have one. */
static guint64
get_index_bytes (const HrServingPlan *self)
{
  guint64 bytes = 0;

  for (guint i = 0; i < self->pass->stack->n_layers; i++)
    {
      const HrAttention *attention = get_attention (self, i);

      if (attention != NULL && attention->index_num_heads > 0)
        bytes += attention->index_head_dim + attention->index_head_dim / INDEX_SCALE_ELEMENTS * sizeof (float);
    }

  return bytes;
}

/*
 * How many latents of what has been computed before are expanded at once: those of eight of the longest requests, or
 * four blocks of each request, up to a limit, and a block of each at least (determine_chunked_prefill_workspace_size
 * of vllm/v1/attention/backends/mla/common.py).
 */
static guint64
get_latent_chunk (const HrServingPlan *self)
{
  guint64 blocks = self->max_num_seqs * self->block_size;
  guint64 wanted = MAX (8 * self->max_model_len, 4 * blocks);

  return MAX (MIN (wanted, self->profile->latent_chunk), blocks);
}

/* Whether a layer's blocks are those of layers with a window; up to 0.8 all layers keep all tokens. */
static gboolean
has_window (const HrServingPlan *self,
            const HrAttention   *attention)
{
  return attention->sliding_window > 0 && self->profile->has_windows;
}

/* Layers by what their blocks hold. */
typedef struct
{
  guint n_whole;
  guint n_windows;
  guint n_states;
} Kinds;

static Kinds
count_kinds (const HrServingPlan *self)
{
  const HrStack *stack = self->pass->stack;
  Kinds kinds = { 0 };

  for (guint i = 0; i < stack->n_layers; i++)
    {
      const HrAttention *attention = get_attention (self, i);

      if (get_state_bytes (self, &stack->layer_classes[stack->layer_class_of[i]]) > 0)
        kinds.n_states++;
      if (attention == NULL || attention->reuses_cache)
        continue;
      if (has_window (self, attention))
        kinds.n_windows++;
      else
        kinds.n_whole++;
    }

  kinds.n_whole += self->draft_kind == HR_DRAFT_NONE ? self->n_guessed > 0 : self->draft_layers;

  return kinds;
}

/*
 * Layers whose blocks are alike are in groups, all of the same number of layers, whose blocks are of the same pool
 * (_get_kv_cache_groups_uniform_page_size); up to 0.8 all layers with a window keep all tokens.
 */
static void
resolve_groups (HrServingPlan *self)
{
  Kinds kinds = count_kinds (self);
  const guint counts[] = { kinds.n_whole, kinds.n_windows, kinds.n_states };
  guint least = G_MAXUINT, most = 0;

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      if (counts[i] > 0)
        least = MIN (least, counts[i]);
      most = MAX (most, counts[i]);
    }

  self->group_layers = most * 4 < least * 5 ? most : least;
  self->n_groups = 0;
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    self->n_groups += divide_up (counts[i], self->group_layers);
}

/*
 * A block of keys and values is made as large as the state of a sequence, in steps that kernels read at once, and the
 * state is padded to it (HybridAttentionMambaModelConfig.verify_and_update_config).
 */
static void
widen_blocks (HrServingPlan *self,
              guint64        token_bytes)
{
  const HrStack *stack = self->pass->stack;
  guint64 state = 0, tokens;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    state = MAX (state, get_state_bytes (self, &stack->layer_classes[i]));
  tokens = divide_up (state, DEFAULT_BLOCK_SIZE * token_bytes) * DEFAULT_BLOCK_SIZE;
  self->block_size = MAX (self->block_size, tokens);
}

static gboolean
refuse_sizes (const HrServingPlan  *self,
              GError              **error)
{
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("“%s”: expected keys and values of one size, or some that are so many times as large as the "
                           "others in layers with a window or in those without, as it is not known here how vLLM puts "
                           "others into blocks; found others"),
                        hr_model_get_name (self->pass->model));

  return FALSE;
}

/*
 * What a layer keeps of a token, in elements, the most of them. Layers that keep less, be it those with a window or
 * the others, have so many times as many tokens in a block (unify_kv_cache_spec_page_size).
 */
static gboolean
resolve_elements (HrServingPlan  *self,
                  guint64        *elements,
                  GError        **error)
{
  guint64 whole = 0, window = 0;

  for (guint i = 0; i < self->pass->stack->n_layers; i++)
    {
      const HrAttention *attention = get_attention (self, i);
      guint64 *kind;
      guint64 own;

      if (attention == NULL || attention->reuses_cache)
        continue;
      kind = has_window (self, attention) ? &window : &whole;
      own = hr_serving_cache_get_token_elements (self, attention);
      if (*kind > 0 && own != *kind)
        return refuse_sizes (self, error);
      *kind = own;
    }

  *elements = MAX (whole, window);
  self->whole_times = whole > 0 ? *elements / whole : 1;
  self->window_times = window > 0 ? *elements / window : 1;
  if ((whole > 0 && *elements % whole != 0) || (window > 0 && *elements % window != 0))
    return refuse_sizes (self, error);
  if (self->draft_layers == 0 || self->draft_elements == whole)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("draft-model: expected one that keeps as much of a token in each layer as the model, as "
                           "it is not known here how vLLM puts others into blocks; found another"));

  return FALSE;
}

/*
 * hr_vllm_cache_resolve:
 * @self: a plan, of which the sizes of batches are known
 * @whole: the model, of which @self may have a part
 * @job: a job
 * @error: return location for an error
 *
 * Works out the blocks of the cache and the groups of layers that share a table of them.
 *
 * Returns: whether vLLM has such a cache
 */
gboolean
hr_vllm_cache_resolve (HrServingPlan   *self,
                       HrModel         *whole,
                       HrInferenceJob  *job,
                       GError         **error)
{
  guint64 elements = 0;
  guint bytes;

  if (hr_serving_compressed_find (self) != NULL)
    return hr_vllm_compressed_resolve (self, whole, job, error);

  resolve_block_size (self, hr_inference_job_get_block_size (job));
  if (!hr_serving_cache_get_element_bytes (self, job, &bytes, error) ||
      !hr_serving_cache_resolve_state_dtype (self, job, error) || !resolve_elements (self, &elements, error))
    return FALSE;

  widen_blocks (self, elements * bytes);
  self->layer_block_bytes = elements * bytes * self->block_size;
  if (hr_serving_plan_get_index_topk (self) > 0 && bytes == 1)
    self->layer_block_bytes = SPARSE_LATENT_BYTES * self->block_size;
  self->index_block_bytes = get_index_bytes (self) * self->block_size;
  if (has_latents (self) && hr_serving_plan_get_index_topk (self) == 0 && self->profile->latent_chunk > 0)
    {
      self->latent_chunk = get_latent_chunk (self);
      self->latent_bytes = elements * hr_element_get_bytes (self->pass->element);
    }
  resolve_groups (self);

  return TRUE;
}

/*
 * hr_vllm_cache_get_block_bytes:
 * @self: a plan
 *
 * Gets what a block takes in all layers of a group.
 *
 * Returns: the size in bytes
 */
guint64
hr_vllm_cache_get_block_bytes (const HrServingPlan *self)
{
  return self->layer_block_bytes * self->group_layers + self->index_block_bytes;
}

/*
 * hr_vllm_cache_count_blocks:
 * @self: a plan
 * @tokens: the tokens of a request
 *
 * Counts the blocks that a request takes at the most; a window needs those that it sees and those that are computed at
 * once (SlidingWindowSpec.max_memory_usage_bytes), and a state one, or two where prefixes are kept (MambaSpec).
 *
 * Returns: how many blocks
 */
guint64
hr_vllm_cache_count_blocks (const HrServingPlan *self,
                            guint64              tokens)
{
  Kinds kinds = count_kinds (self);
  guint64 seen = 0;

  if (hr_serving_compressed_find (self) != NULL)
    return hr_vllm_compressed_count_blocks (self, tokens);

  for (guint i = 0; i < self->pass->stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&self->pass->stack->layer_classes[i]);

      if (attention != NULL)
        seen = MAX (seen, attention->sliding_window);
    }

  seen = MIN (seen - MIN (seen, 1) + self->max_num_batched_tokens, tokens);

  return divide_up (kinds.n_whole, self->group_layers) * divide_up (tokens, self->block_size * self->whole_times) +
         divide_up (kinds.n_windows, self->group_layers) *
           (divide_up (seen, self->block_size * self->window_times) + 1) +
         divide_up (kinds.n_states, self->group_layers) *
           (self->profile->state_blocks + self->n_guessed);
}

/*
 * hr_vllm_cache_count_told:
 * @self: a plan
 * @tokens: the tokens of a request
 *
 * Counts the blocks of a request as vLLM does where it writes into its log how many requests there is room for.
 *
 * Returns: how many blocks
 */
guint64
hr_vllm_cache_count_told (const HrServingPlan *self,
                          guint64              tokens)
{
  return hr_serving_compressed_find (self) != NULL ? hr_vllm_compressed_count_told (self, tokens)
                                                   : hr_vllm_cache_count_blocks (self, tokens);
}

/*
 * hr_vllm_cache_get_needed:
 * @self: a plan
 * @tokens: the tokens of a request
 *
 * Gets what there has to be for the cache before vLLM starts with requests of this length
 * (_max_memory_usage_bytes_from_groups).
 *
 * Returns: the size in bytes
 */
guint64
hr_vllm_cache_get_needed (const HrServingPlan *self,
                          guint64              tokens)
{
  guint64 block = self->admission_block_bytes > 0 ? self->admission_block_bytes : hr_vllm_cache_get_block_bytes (self);

  return hr_vllm_cache_count_blocks (self, tokens) * block;
}
