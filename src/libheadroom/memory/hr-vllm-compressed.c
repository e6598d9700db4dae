/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-vllm-compressed.h"

#include "hr-message.h"
#include "hr-serving-compressed.h"

/*
 * The blocks of DeepSeek-V4's cache (vllm/v1/core/kv_cache_utils.py: group_and_unify_kv_cache_specs,
 * _get_kv_cache_groups_uniform_groups, _get_kv_cache_config_deepseek_v4, and _get_packed_kv_cache_layout of 0.28;
 * vllm/models/deepseek_v4: attention.py, compressor.py; vllm/v1/attention/backends/mla/sparse_swa.py). All groups of
 * layers draw blocks from one pool: layers that see what is compressed keep all of it, in one group; windows, and what
 * compressors still need of the tokens that have gone, have blocks of a few tokens, in groups of their own.
 */

/* Tokens of a block of all that is compressed (get_preferred_block_size), of a window, and of the compressors. */
#define BLOCK_TOKENS 256
#define WINDOW_TOKENS 64
#define SPARSE_STATE_TOKENS 4
#define HEAVY_STATE_TOKENS 8

/* Rates that its compressors know. */
#define SPARSE_RATE 4
#define HEAVY_RATE 128

/*
 * What is kept of a token in eight bits (fp8_ds_mla): 448 elements, 64 more in sixteen bits, and eight scales. What
 * pages are padded to.
 */
#define TOKEN_BYTES 584
#define PAGE_ALIGNMENT 576

/* Elements of an indexer's key that share a scale. */
#define INDEX_SCALE_ELEMENTS 128

static guint64
divide_up (guint64 a,
           guint64 b)
{
  return a / b + (a % b != 0);
}

static guint64
pad (guint64 bytes)
{
  return divide_up (bytes, PAGE_ALIGNMENT) * PAGE_ALIGNMENT;
}

/* Layers by what they keep. */
typedef struct
{
  guint n_layers;
  guint n_sparse;
  guint n_heavy;
} Kinds;

static Kinds
count_kinds (const HrStack *stack)
{
  Kinds kinds = { .n_layers = stack->n_layers };

  for (guint i = 0; i < stack->n_layers; i++)
    {
      guint64 rate = hr_serving_compressed_get (&stack->layer_classes[stack->layer_class_of[i]])->rate;

      kinds.n_sparse += rate == SPARSE_RATE;
      kinds.n_heavy += rate == HEAVY_RATE;
    }

  return kinds;
}

/* What a page of one layer takes: of what is compressed by either rate, of its indexer's keys, of compressors. */
typedef struct
{
  guint64 sparse;
  guint64 index;
  guint64 heavy;
  guint64 window;
  guint64 sparse_state;
  guint64 index_state;
  guint64 heavy_state;
} Pages;

static Pages
size_pages (const HrStack *stack)
{
  Pages pages = { .window = pad (WINDOW_TOKENS * TOKEN_BYTES) };

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrCompressedAttention *attention = hr_serving_compressed_get (&stack->layer_classes[i]);
      guint64 key = attention->index_head_dim + attention->index_head_dim / INDEX_SCALE_ELEMENTS * sizeof (float);
      guint64 token = attention->rate > 0 ? pad (BLOCK_TOKENS / attention->rate * TOKEN_BYTES) : 0;

      if (attention->rate == HEAVY_RATE)
        {
          pages.heavy = token;
          pages.heavy_state = pad (HEAVY_STATE_TOKENS * 2 * attention->head_dim * sizeof (float));
        }
      if (attention->rate == SPARSE_RATE)
        {
          pages.sparse = token;
          pages.index = pad (BLOCK_TOKENS / attention->rate * key);
          pages.sparse_state = pad (SPARSE_STATE_TOKENS * 4 * attention->head_dim * sizeof (float));
          pages.index_state = pad (SPARSE_STATE_TOKENS * 4 * attention->index_head_dim * sizeof (float));
        }
    }

  return pages;
}

/* _approximate_gcd: the number, no less than the first, to multiples of which all are rounded up with least loss. */
static guint
find_tuples (const guint *counts,
             guint        n_counts)
{
  guint most = 0, best = 0, best_loss = G_MAXUINT;

  for (guint i = 0; i < n_counts; i++)
    most = MAX (most, counts[i]);
  for (guint d = MAX (counts[0], 1); d <= most; d++)
    {
      guint loss = 0;

      for (guint i = 0; i < n_counts; i++)
        loss += (d - counts[i] % d) % d;
      if (loss <= best_loss)
        {
          best_loss = loss;
          best = d;
        }
    }

  return MAX (best, 1);
}

/* How many groups there are of layers with a window, which are more than any others: of the model, not of a stage. */
static guint
count_window_groups (const HrServingPlan *self,
                     HrModel             *whole)
{
  Kinds kinds = count_kinds (hr_model_find_stack (whole, HR_STACK_DECODER));
  guint n_windows = kinds.n_layers + (self->n_guessed > 0);
  const guint counts[] = { MAX (kinds.n_sparse, kinds.n_heavy), n_windows, kinds.n_sparse, kinds.n_heavy };

  return divide_up (n_windows, find_tuples (counts, G_N_ELEMENTS (counts)));
}

/* From 0.28 on batches that are scheduled while others are computed hold their blocks (max_in_flight_tokens). */
static void
set_windows (HrServingPlan  *self,
             HrModel        *whole,
             HrInferenceJob *job)
{
  self->in_flight = self->max_num_batched_tokens;
  if (self->profile->compressed_cache == HR_SERVING_COMPRESSED_PACKED)
    self->in_flight *= hr_job_get_pipeline_parallel (HR_JOB (job)) + 1;
  self->n_groups = 1 + count_window_groups (self, whole) + 2;
}

/*
 * Up to 0.27 a block has a place for as many pages of each size as any group has, and pages of compressors are padded
 * to those that are next in size; whether a request of the longest context fits is asked of blocks that have as many
 * pages of each size as of any.
 */
static void
set_bucketed (HrServingPlan *self,
              const Kinds   *kinds,
              const Pages   *pages)
{
  guint n_windows = divide_up (kinds->n_layers + (self->n_guessed > 0), self->n_groups - 3);
  guint n_first = MAX (MAX (kinds->n_sparse, n_windows), kinds->n_heavy);

  self->layer_block_bytes = pages->sparse * n_first + pages->index * kinds->n_sparse + pages->heavy * kinds->n_heavy;
  self->admission_block_bytes = (pages->sparse + pages->index + pages->heavy) * n_first;
  self->whole_page_bytes = (pages->sparse + pages->index) * kinds->n_sparse + pages->heavy * kinds->n_heavy;
  self->window_page_bytes = pages->sparse * (kinds->n_layers + (self->n_guessed > 0));
  self->sparse_page_bytes = (pages->sparse + pages->index) * kinds->n_sparse;
  self->heavy_page_bytes = pages->sparse * kinds->n_heavy;
}

/* From 0.28 on pages of a group lie side by side, and a block is as large as the largest group. */
static void
set_packed (HrServingPlan *self,
            const Kinds   *kinds,
            const Pages   *pages)
{
  guint n_windows = divide_up (kinds->n_layers + (self->n_guessed > 0), self->n_groups - 3);
  guint64 whole = (pages->sparse + pages->index) * kinds->n_sparse + pages->heavy * kinds->n_heavy;
  guint64 sparse = (pages->sparse_state + pages->index_state) * kinds->n_sparse;

  self->layer_block_bytes = MAX (MAX (whole, pages->window * n_windows),
                                 MAX (sparse, pages->heavy_state * kinds->n_heavy));
  self->admission_block_bytes = self->layer_block_bytes;
}

static gboolean
check_rates (const HrServingPlan  *self,
             GError              **error)
{
  const HrStack *stack = self->pass->stack;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      guint64 rate = hr_serving_compressed_get (&stack->layer_classes[i])->rate;
      g_autofree char *found = NULL;

      if (rate == 0 || rate == SPARSE_RATE || rate == HEAVY_RATE)
        continue;

      found = g_strdup_printf ("%" G_GUINT64_FORMAT, rate);
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the places are the name of a model and a number. */
                            N_("“%s”: expected layers whose compressors make one of 4 or of 128 tokens, which are "
                               "those that vLLM has; found %s"),
                            hr_model_get_name (self->pass->model), found);
      return FALSE;
    }

  return TRUE;
}

static gboolean
check_cache (const HrServingPlan  *self,
             HrInferenceJob       *job,
             GError              **error)
{
  HrDtype dtype = hr_inference_job_get_kv_cache_dtype (job);

  if (self->profile->compressed_cache == HR_SERVING_COMPRESSED_NONE)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the place is the name of a model. */
                            N_("vllm-release: expected 0.20 or a later one, which are those that have “%s”; found an "
                               "earlier one"),
                            hr_model_get_name (self->pass->model));
      return FALSE;
    }
  if (dtype == HR_DTYPE_FLOAT8)
    return TRUE;
  if (dtype == HR_DTYPE_AUTO || dtype == self->pass->dtype)
    {
      hr_inference_plan_warn (self->pass,
                              N_("vLLM keeps what it compresses in eight bits, and asks for --kv-cache-dtype fp8, with "
                                 "which it is counted"));
      return TRUE;
    }

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a model and a dtype. */
                        N_("kv-cache-dtype: expected float8, in which vLLM’s kernels for “%s” keep the cache; "
                           "found %s"),
                        hr_model_get_name (self->pass->model), hr_dtype_get_name (dtype));

  return FALSE;
}

/*
 * hr_vllm_compressed_resolve:
 * @self: a plan, of which the sizes of batches are known, of a model whose attention is compressed
 * @whole: the model, of which @self may have a part
 * @job: a job
 * @error: return location for an error
 *
 * Works out the blocks of the cache and the groups of layers that share a table of them.
 *
 * Returns: whether vLLM has such a cache
 */
gboolean
hr_vllm_compressed_resolve (HrServingPlan   *self,
                            HrModel         *whole,
                            HrInferenceJob  *job,
                            GError         **error)
{
  Kinds kinds = count_kinds (self->pass->stack);
  Pages pages = size_pages (self->pass->stack);

  if (!check_rates (self, error) || !check_cache (self, job, error))
    return FALSE;

  self->block_size = BLOCK_TOKENS;
  self->group_layers = 1;
  set_windows (self, whole, job);
  if (self->profile->compressed_cache == HR_SERVING_COMPRESSED_PACKED)
    set_packed (self, &kinds, &pages);
  else
    set_bucketed (self, &kinds, &pages);

  return TRUE;
}

/* SlidingWindowSpec.max_admission_blocks_per_request. */
static guint64
count_windowed (const HrServingPlan *self,
                guint64              tokens,
                guint64              window,
                guint64              block_tokens)
{
  return divide_up (MIN (window - 1 + self->in_flight, tokens), block_tokens) + 1;
}

/*
 * hr_vllm_compressed_count_blocks:
 * @self: a plan
 * @tokens: the tokens of a request
 *
 * Counts the blocks that a request takes at the most, of all groups.
 *
 * Returns: how many
 */
guint64
hr_vllm_compressed_count_blocks (const HrServingPlan *self,
                                 guint64              tokens)
{
  guint64 window = hr_serving_compressed_find (self)->sliding_window;

  return divide_up (tokens, BLOCK_TOKENS) +
         (self->n_groups - 3) * count_windowed (self, tokens, window, WINDOW_TOKENS) +
         count_windowed (self, tokens, 2 * SPARSE_RATE, SPARSE_STATE_TOKENS) +
         count_windowed (self, tokens, HEAVY_RATE, HEAVY_STATE_TOKENS);
}

/*
 * hr_vllm_compressed_count_told:
 * @self: a plan
 * @tokens: the tokens of a request
 *
 * Counts the blocks of a request as vLLM's log does where it says how many requests there is room for: up to 0.27 by
 * their bytes, in blocks of the first group (get_max_concurrency_for_kv_cache_config).
 *
 * Returns: how many
 */
guint64
hr_vllm_compressed_count_told (const HrServingPlan *self,
                               guint64              tokens)
{
  guint64 window = hr_serving_compressed_find (self)->sliding_window;
  guint64 bytes;

  if (self->profile->compressed_cache == HR_SERVING_COMPRESSED_PACKED)
    return hr_vllm_compressed_count_blocks (self, tokens);

  bytes = divide_up (tokens, BLOCK_TOKENS) * self->whole_page_bytes +
          count_windowed (self, tokens, window, WINDOW_TOKENS) * self->window_page_bytes +
          count_windowed (self, tokens, 2 * SPARSE_RATE, SPARSE_STATE_TOKENS) * self->sparse_page_bytes +
          count_windowed (self, tokens, HEAVY_RATE, HEAVY_STATE_TOKENS) * self->heavy_page_bytes;

  return divide_up (bytes, MAX (self->whole_page_bytes, 1));
}
