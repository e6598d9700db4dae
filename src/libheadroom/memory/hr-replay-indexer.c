/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-blocks.h"

/*
 * Sparse attention as transformers computes it: an indexer scores every key for each query, and those that are not
 * among the best are hidden by a mask (DeepseekV32Indexer and DeepseekV32Attention in modeling_deepseek_v32.py,
 * GlmMoeDsaAttention in modeling_glm_moe_dsa.py).
 */

static const HrNorm key_norm = { .kind = HR_NORM_LAYER, .has_weight = TRUE, .has_bias = TRUE };

static HrValue
get_part (HrValue  x,
          HrSymbol features)
{
  x.symbols[x.n_symbols - 1] = features;

  return x;
}

/* DynamicIndexedLayer.update_indexer in cache_utils.py: joined to what was kept, and kept. */
static void
update_index_keys (HrReplay  *replay,
                   HrForward *forward,
                   HrValue   *key)
{
  HrValue keys;

  if (!forward->use_cache)
    return;

  hr_replay_reassign_component (replay, forward->old_index_keys, HR_COMPONENT_TEMPORARY);
  keys = hr_replay_make (replay, "cat", "indexer keys", HR_COMPONENT_KV_CACHE,
                         HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, HR_SYMBOL_INDEX_HEAD));
  hr_replay_assign (replay, &forward->old_index_keys, hr_replay_hold (replay, keys));
  hr_replay_assign (replay, key, keys);
}

/* The scores of each head, in fp32; torch.matmul spreads the one key over the queries of a batch, which copies it. */
static HrValue
score_keys (HrReplay *replay,
            HrValue   query,
            HrValue   key)
{
  HrElement element = hr_element_widen (replay->dtype);
  HrValue shape = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_INDEX_HEADS, HR_SYMBOL_CONTEXT);
  HrValue query32 = hr_op_cast (replay, query, element);
  HrValue key32 = hr_op_cast (replay, key, element);
  HrValue spread = HR_NO_VALUE;
  HrValue scores;

  if (replay->symbols[HR_SYMBOL_BATCH] > 1 && replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
    spread = hr_op_like (replay, "clone", "k", HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE,
                                                         HR_SYMBOL_INDEX_HEAD, HR_SYMBOL_CONTEXT));
  scores = hr_op_like (replay, "bmm", "scores", shape);
  hr_replay_drop (replay, spread);
  hr_replay_drop (replay, key32);
  hr_replay_drop (replay, query32);
  hr_replay_assign (replay, &scores, hr_op_like (replay, "mul", "scores", shape));
  hr_replay_assign (replay, &scores, hr_op_like (replay, "relu", "scores", shape));

  return scores;
}

/* The scores of all heads together, those of later tokens hidden, and which are the highest. */
static HrValue
choose (HrReplay        *replay,
        const HrForward *forward,
        HrValue          x,
        HrValue          scores)
{
  HrElement element = hr_element_widen (replay->dtype);
  HrValue shape = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue chosen = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_SELECTED);
  HrValue projected = hr_op_linear (replay, x, HR_MODULE_INDEX_WEIGHTS, "weights", HR_SYMBOL_INDEX_HEADS, 1, FALSE);
  HrValue weights = hr_op_cast (replay, projected, element);
  HrValue positions = HR_NO_VALUE, later = HR_NO_VALUE;
  HrValue sums, values, indices, result;

  hr_replay_drop (replay, projected);
  hr_replay_assign (replay, &weights, hr_op_like (replay, "mul", "weights", weights));
  sums = hr_op_like (replay, "bmm", "index_scores", shape);
  if (forward->mask.storage < 0)
    {
      positions = hr_op_like (replay, "arange", "key_positions", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_CONTEXT));
      later = hr_op_like (replay, "gt", "causal", HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT));
    }
  hr_replay_assign (replay, &sums, hr_op_like (replay, "masked_fill", "index_scores", shape));

  values = hr_op_like (replay, "topk", "topk.values", chosen);
  chosen.element = HR_ELEMENT_INT64;
  indices = hr_op_like (replay, "topk", "topk.indices", chosen);
  hr_replay_drop (replay, values);
  result = hr_op_cast (replay, indices, HR_ELEMENT_INT32);
  hr_replay_rename (replay, result, "topk_indices");
  hr_replay_drop (replay, indices);
  hr_replay_drop (replay, later);
  hr_replay_drop (replay, positions);
  hr_replay_drop (replay, sums);
  hr_replay_drop (replay, weights);

  return result;
}

/*
 * hr_replay_choose_keys:
 * @replay: a tape
 * @forward: the pass
 * @x: the input of the attention, which the caller holds, as it does the latent of the queries
 * @attention: the block
 *
 * The indexer of an attention.
 *
 * Returns: which keys each query attends to
 */
HrValue
hr_replay_choose_keys (HrReplay          *replay,
                       HrForward         *forward,
                       HrValue            x,
                       const HrAttention *attention)
{
  HrValue query, key, projected, query_part, key_part, whole_query, whole_key, scores, result;

  replay->sentence = N_("in the indexer of the attention, while every key is scored");
  query = hr_op_linear (replay, x, HR_MODULE_INDEX_QUERY, "q", HR_SYMBOL_INDEX, 1, FALSE);
  projected = hr_op_linear (replay, x, HR_MODULE_INDEX_KEY, "wk(x)", HR_SYMBOL_INDEX_HEAD, 1, FALSE);
  key = hr_replay_norm (replay, projected, &key_norm);
  hr_replay_drop (replay, projected);
  query_part = hr_replay_rotate (replay, get_part (query, HR_SYMBOL_INDEX_ROTARY), forward->cos, forward->sin,
                                 "q_rot");
  key_part = hr_replay_rotate (replay, get_part (key, HR_SYMBOL_ROTARY), forward->cos, forward->sin, "k_rot");
  whole_query = hr_op_like (replay, "cat", "q", query);
  whole_key = hr_op_like (replay, "cat", "k", key);
  update_index_keys (replay, forward, &whole_key);
  scores = score_keys (replay, whole_query, whole_key);
  result = choose (replay, forward, x, scores);

  hr_replay_drop (replay, scores);
  hr_replay_drop (replay, whole_key);
  hr_replay_drop (replay, whole_query);
  hr_replay_drop (replay, key_part);
  hr_replay_drop (replay, query_part);
  hr_replay_drop (replay, key);
  hr_replay_drop (replay, query);

  return result;
}

/*
 * hr_replay_chosen_mask:
 * @replay: a tape
 * @forward: the pass, with the mask of all layers
 * @locals: (out): two values, for what other variables of the attention hold
 *
 * A mask that hides the keys that are not chosen.
 *
 * Returns: the mask
 */
HrValue
hr_replay_chosen_mask (HrReplay        *replay,
                       const HrForward *forward,
                       HrValue         *locals)
{
  HrValue shape = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue mask = HR_NO_VALUE;
  HrValue ones, indices, hidden, later;

  replay->sentence = N_("in the attention, while the keys that are not chosen are hidden");
  ones = hr_op_like (replay, "new_ones", "index_mask", shape);
  indices = hr_op_like (replay, "_to_copy", "topk_indices.long()",
                        HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_SELECTED));
  hidden = hr_op_like (replay, "scatter", "index_mask", shape);
  hr_replay_drop (replay, indices);
  hr_replay_drop (replay, ones);
  locals[1] = HR_NO_VALUE;
  if (forward->mask.storage >= 0)
    {
      shape.element = forward->mask.element;
    }
  else
    {
      locals[1] = hr_op_like (replay, "arange", "key_positions", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_CONTEXT));
      later = hr_op_like (replay, "gt", "key_positions > position_ids",
                          HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT));
      hr_replay_assign (replay, &hidden, hr_op_like (replay, "bitwise_or", "index_mask", shape));
      hr_replay_drop (replay, later);
      shape.element = replay->dtype;
      mask = hr_op_like (replay, "new_zeros", "attention_mask", shape);
    }
  hr_replay_assign (replay, &mask, hr_op_like (replay, "masked_fill", "attention_mask", shape));
  locals[0] = hidden;

  return mask;
}
