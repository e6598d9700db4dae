/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-attention-private.h"

/*
 * The attention of T5 (transformers/models/t5/modeling_t5.py, T5Attention), which is computed in operations of its own
 * whatever was asked for: a bias for each distance between two tokens is added to the scores of each head. The first
 * layer makes it, the others are handed it; in UMT5 (modeling_umt5.py, UMT5Attention) each makes its own.
 */

/* Distances that are small have a bucket each, longer ones share one with others like them, by their logarithm. */
static HrValue
make_large_buckets (HrReplay *replay)
{
  HrValue integers = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE, HR_SYMBOL_TARGET);
  HrValue reals = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE, HR_SYMBOL_TARGET);
  HrValue large = hr_op_like (replay, "_to_copy", "relative_position.float()", reals);
  HrValue limit;

  hr_replay_assign (replay, &large, hr_op_like (replay, "div", "relative_position/max_exact", reals));
  hr_replay_assign (replay, &large, hr_op_like (replay, "log", "log(…)", reals));
  hr_replay_assign (replay, &large, hr_op_like (replay, "div", "log(…)/log(…)", reals));
  hr_replay_assign (replay, &large, hr_op_like (replay, "mul", "log(…)/log(…)·(…)", reals));
  hr_replay_assign (replay, &large, hr_op_like (replay, "_to_copy", "relative_position_if_large", integers));
  hr_replay_assign (replay, &large, hr_op_like (replay, "add", "relative_position_if_large", integers));
  limit = hr_op_like (replay, "full_like", "num_buckets − 1", integers);
  hr_replay_assign (replay, &large, hr_op_like (replay, "minimum", "relative_position_if_large", integers));
  hr_replay_drop (replay, limit);

  return large;
}

/* T5Attention._relative_position_bucket */
static HrValue
make_buckets (HrReplay *replay,
              gboolean  bidirectional)
{
  HrValue integers = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE, HR_SYMBOL_TARGET);
  HrValue truths = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_SEQUENCE, HR_SYMBOL_TARGET);
  HrValue buckets = HR_NO_VALUE;
  HrValue distance, other, is_small, large;

  if (bidirectional)
    {
      other = hr_op_like (replay, "gt", "relative_position > 0", truths);
      hr_replay_assign (replay, &other, hr_op_like (replay, "_to_copy", "relative_position > 0", integers));
      hr_replay_assign (replay, &other, hr_op_like (replay, "mul", "(…)·num_buckets", integers));
      buckets = hr_op_like (replay, "add", "relative_buckets", integers);
      hr_replay_drop (replay, other);
      distance = hr_op_like (replay, "abs", "relative_position", integers);
    }
  else
    {
      other = hr_op_like (replay, "zeros_like", "zeros", integers);
      distance = hr_op_like (replay, "minimum", "min(relative_position, 0)", integers);
      hr_replay_drop (replay, other);
      hr_replay_assign (replay, &distance, hr_op_like (replay, "neg", "relative_position", integers));
    }

  is_small = hr_op_like (replay, "lt", "is_small", truths);
  large = make_large_buckets (replay);
  other = hr_op_like (replay, "where", "relative_buckets", integers);

  /* A tensor is added to in place, the number 0 is not. */
  if (bidirectional)
    hr_replay_drop (replay, other);
  else
    {
      buckets = hr_op_like (replay, "add", "relative_buckets", integers);
      hr_replay_drop (replay, other);
    }
  hr_replay_drop (replay, large);
  hr_replay_drop (replay, is_small);
  hr_replay_drop (replay, distance);

  return buckets;
}

/* T5Attention.compute_bias */
static HrValue
compute_bias (HrReplay          *replay,
              const HrAttention *attention,
              gboolean           bidirectional)
{
  HrValue rows = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE);
  HrValue start = hr_op_like (replay, "arange", "context_position", rows);
  HrValue context = hr_op_like (replay, "add", "context_position", rows);
  HrValue memory, relative, buckets, values, table;

  replay->sentence = N_("in the attention, while the biases of positions are looked up");
  hr_replay_drop (replay, start);
  memory = hr_op_like (replay, "arange", "memory_position", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_TARGET));
  relative = hr_op_like (replay, "sub", "relative_position",
                         HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE, HR_SYMBOL_TARGET));
  buckets = make_buckets (replay, bidirectional);
  replay->symbols[HR_SYMBOL_BUCKETS] = attention->relative_buckets;
  table = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BUCKETS, HR_SYMBOL_HEADS));
  values = hr_op_embedding (replay, "position_bias", buckets, table,
                            HR_SHAPE (replay->dtype, HR_SYMBOL_SEQUENCE, HR_SYMBOL_TARGET, HR_SYMBOL_HEADS));
  hr_replay_drop (replay, buckets);
  hr_replay_drop (replay, relative);
  hr_replay_drop (replay, memory);
  hr_replay_drop (replay, context);

  return values;
}

/*
 * Zeros, where the attention has no biases of its own. Under checkpointing they want a gradient (T5Attention.forward),
 * though nothing is trained by it.
 */
static HrValue
make_zeros (HrReplay *replay,
            HrSymbol  columns)
{
  HrValue zeros = hr_op_like (replay, "zeros", "position_bias",
                              HR_SHAPE (replay->dtype, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE, columns));

  return replay->recomputes ? hr_autograd_boundary (replay, zeros) : zeros;
}

/* The bias, to which the mask is added. */
static HrValue
make_bias (HrReplay          *replay,
           HrForward         *forward,
           const HrAttention *attention)
{
  HrValue mask = attention->is_cross ? forward->source_mask : forward->mask;
  HrSymbol columns = attention->is_cross ? HR_SYMBOL_SOURCE : HR_SYMBOL_TARGET;
  HrValue bias;

  if (attention->relative_buckets > 0)
    bias = compute_bias (replay, attention, forward->bidirectional);
  else
    bias = make_zeros (replay, columns);

  if (mask.storage >= 0)
    {
      HrValue shape = mask.symbols[0] == HR_SYMBOL_BATCH
                        ? HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE, columns)
                        : HR_SHAPE (replay->dtype, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE, columns);

      hr_replay_assign (replay, &bias,
                        hr_op_binary_as (replay, HR_BINARY_ADD, "position_bias", bias, mask, shape));
    }

  return bias;
}

static void
get_keys (HrReplay          *replay,
          HrForward         *forward,
          HrValue            x,
          const HrAttention *attention,
          HrValue           *key,
          HrValue           *value)
{
  HrValue source = attention->is_cross ? forward->source : x;

  if (attention->is_cross && forward->use_cache && !forward->first)
    {
      *key = hr_replay_hold (replay, forward->cross_keys);
      *value = hr_replay_hold (replay, forward->cross_values);
      return;
    }

  *key = hr_op_linear (replay, source, HR_MODULE_KEY, "key_states", HR_SYMBOL_KEY, 1, FALSE);
  *value = hr_op_linear (replay, source, HR_MODULE_VALUE, "value_states", HR_SYMBOL_KEY, 1, FALSE);
  if (attention->is_cross)
    hr_replay_cache_source (replay, forward, key, value);
  else
    hr_replay_cache_update (replay, forward, key, value, FALSE);
}

/* softmax (scores.float ()).type_as (scores) */
static HrValue
weigh (HrReplay *replay,
       HrValue   scores)
{
  HrElement element = hr_element_widen (scores.element);
  HrValue cast = hr_op_cast (replay, scores, element);
  HrValue softmax = hr_op_softmax (replay, "softmax(scores)", cast, element);
  HrValue weights;

  hr_replay_drop (replay, cast);
  weights = hr_op_cast (replay, softmax, scores.element);
  hr_replay_rename (replay, weights, "attn_weights");
  hr_replay_drop (replay, softmax);

  return weights;
}

/*
 * hr_replay_relative:
 * @replay: a tape
 * @forward: the pass
 * @x: the input, which the caller holds
 * @attention: the block
 *
 * A module of attention with biases by distance, with its projections and its cache.
 *
 * Returns: what the module returns
 */
HrAttentionResult
hr_replay_relative (HrReplay          *replay,
                    HrForward         *forward,
                    HrValue            x,
                    const HrAttention *attention)
{
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  HrValue own = HR_NO_VALUE;
  HrValue *shared = attention->is_cross ? &forward->source_bias : &forward->position_bias;
  HrValue *bias = attention->path == HR_ATTENTION_UMT5 ? &own : shared;
  HrValue query = hr_op_linear (replay, x, HR_MODULE_QUERY, "query_states", HR_SYMBOL_QUERY, 1, FALSE);
  HrValue output_shape = query;
  HrValue key, value, scores, weights;

  get_keys (replay, forward, x, attention, &key, &value);
  scores = hr_attention_multiply (replay, query, key, "scores", hr_attention_get_scores_shape (replay));
  if (bias->storage < 0)
    *bias = make_bias (replay, forward, attention);

  hr_op_add_to (replay, &scores, *bias);

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  weights = weigh (replay, scores);
  hr_op_dropout (replay, &weights, attention->has_dropout);
  output_shape.heads_first = TRUE;
  result.output = hr_attention_multiply (replay, weights, value, "attn_output", output_shape);
  if (replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
    hr_replay_assign (replay, &result.output, hr_op_contiguous (replay, result.output));

  replay->sentence = N_("in the attention, in its output projection");
  hr_replay_assign (replay, &result.output,
                    hr_op_linear (replay, result.output, HR_MODULE_OUTPUT, "o(…)", HR_SYMBOL_HIDDEN, 1, FALSE));
  /* UMT5Attention.forward returns them, and its block has a variable for them. */
  if (attention->path == HR_ATTENTION_UMT5)
    result.weights = hr_replay_hold (replay, weights);
  hr_replay_drop (replay, own);
  hr_replay_drop (replay, weights);
  hr_replay_drop (replay, scores);
  hr_replay_drop (replay, value);
  hr_replay_drop (replay, key);
  hr_replay_drop (replay, query);
  hr_op_dropout (replay, &result.output, attention->has_output_dropout);

  return result;
}
