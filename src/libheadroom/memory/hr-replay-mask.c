/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-blocks.h"

/*
 * Attention masks as transformers/masking_utils.py makes them: the conditions are evaluated over the indices of
 * queries and keys, one after the other, and joined with `&`.
 */

static HrValue
make_square (HrReplay   *replay,
             const char *operation)
{
  return hr_op_like (replay, operation, "attention_mask",
                     HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT));
}

/* and_masks (): a scalar true, joined with each condition in turn. */
static HrValue
join_conditions (HrReplay *replay,
                 gboolean  sliding)
{
  HrValue result, condition;

  condition = make_square (replay, "le");
  if (!sliding)
    return condition;

  result = hr_op_like (replay, "new_ones", "attention_mask", HR_SHAPE (HR_ELEMENT_BOOL));
  hr_replay_assign (replay, &result, make_square (replay, "bitwise_and"));
  hr_replay_assign (replay, &condition, HR_NO_VALUE);
  condition = make_square (replay, "le");
  hr_replay_assign (replay, &result, make_square (replay, "bitwise_and"));
  hr_replay_drop (replay, condition);

  return result;
}

/* Chunks begin at the first token of each sequence, so that the mask is one for each (chunked_overlay ()). */
static HrValue
join_chunks (HrReplay *replay)
{
  HrValue each = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue result = hr_op_like (replay, "new_ones", "attention_mask", HR_SHAPE (HR_ELEMENT_BOOL));
  HrValue queries = hr_op_like (replay, "floor_divide", "(q_idx − left_padding) // chunk_size",
                                HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  HrValue keys = hr_op_like (replay, "floor_divide", "(kv_idx − left_padding) // chunk_size",
                             HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT));
  HrValue condition = hr_op_like (replay, "eq", "attention_mask", each);

  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, queries);
  hr_replay_assign (replay, &result, hr_op_like (replay, "bitwise_and", "attention_mask", each));
  hr_replay_assign (replay, &condition, HR_NO_VALUE);
  condition = make_square (replay, "le");
  hr_replay_assign (replay, &result, hr_op_like (replay, "bitwise_and", "attention_mask", each));
  hr_replay_drop (replay, condition);

  return result;
}

/*
 * or_masks (): a scalar false, joined with what the rest allows, then with what is of one picture
 * (blockwise_overlay ()).
 */
static HrValue
join_blocks (HrReplay *replay,
             gboolean  sliding)
{
  HrValue each = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue result = hr_op_like (replay, "new_zeros", "attention_mask", HR_SHAPE (HR_ELEMENT_BOOL));
  HrValue condition = join_conditions (replay, sliding);
  HrValue queries, keys, same, inside;

  hr_replay_assign (replay, &result, make_square (replay, "bitwise_or"));
  hr_replay_drop (replay, condition);
  queries = hr_op_like (replay, "index", "q_group", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  keys = hr_op_like (replay, "index", "kv_group", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT));
  same = hr_op_like (replay, "eq", "attention_mask", each);
  inside = hr_op_like (replay, "ge", "q_group >= 0", HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  condition = hr_op_like (replay, "bitwise_and", "attention_mask", each);
  hr_replay_drop (replay, inside);
  hr_replay_drop (replay, same);
  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, queries);
  hr_replay_assign (replay, &result, hr_op_like (replay, "bitwise_or", "attention_mask", each));
  hr_replay_drop (replay, condition);

  return result;
}

/*
 * and_masks (): a scalar true, joined with what the rest allows, then with what is of one example
 * (packed_sequence_mask_function ()).
 */
static HrValue
join_examples (HrReplay *replay,
               HrValue   inner)
{
  HrValue each = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue result = make_square (replay, "bitwise_and");
  HrValue queries, keys, same;

  hr_replay_drop (replay, inner);
  queries = hr_op_like (replay, "index", "packed_sequence_mask",
                        HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  keys = hr_op_like (replay, "index", "packed_sequence_mask",
                     HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT));
  same = hr_op_like (replay, "eq", "attention_mask", each);
  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, queries);
  hr_replay_assign (replay, &result, hr_op_like (replay, "bitwise_and", "attention_mask", each));
  hr_replay_drop (replay, same);

  return result;
}

/* The eager attention adds the mask to its scores; the kernels take it as it is. */
static void
make_additive (HrReplay *replay,
               HrValue  *mask,
               gboolean  additive)
{
  if (additive)
    hr_replay_assign (replay, mask,
                      hr_op_like (replay, "where", "attention_mask",
                                  HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT)));
}

static HrValue
join_padding (HrReplay *replay,
              HrValue   inner)
{
  HrValue result = make_square (replay, "bitwise_and");
  HrValue padding;

  hr_replay_drop (replay, inner);
  padding = hr_op_like (replay, "index", "padding_mask",
                        HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT));
  hr_replay_assign (replay, &result,
                    hr_op_like (replay, "bitwise_and", "attention_mask",
                                HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT)));
  hr_replay_drop (replay, padding);

  return result;
}

/*
 * hr_replay_padding_mask:
 * @replay: a tape
 * @additive: whether the mask is to be added to scores (eager), not a boolean one (sdpa)
 *
 * Makes the mask of a batch with padding, in which every token sees every other (create_bidirectional_mask).
 *
 * Returns: the mask
 */
HrValue
hr_replay_padding_mask (HrReplay *replay,
                        gboolean  additive)
{
  HrValue integers = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE);
  HrValue truths = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_SEQUENCE);
  HrValue queries = hr_op_like (replay, "arange", "q_idx", integers);
  HrValue keys = hr_op_like (replay, "arange", "kv_idx", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_CONTEXT));
  HrValue condition = hr_op_like (replay, "ge", "attention_mask", truths);
  HrValue result = hr_op_like (replay, "bitwise_and", "attention_mask", truths);

  hr_replay_drop (replay, condition);
  result = join_padding (replay, result);
  make_additive (replay, &result, additive);
  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, queries);

  return result;
}

/*
 * hr_replay_window_mask:
 * @replay: a tape
 * @padded: whether the batch has padding
 * @additive: whether the mask is to be added to scores (eager), not a boolean one (sdpa)
 *
 * Makes a mask in which every token sees those near it (create_bidirectional_sliding_window_mask).
 *
 * Returns: the mask
 */
HrValue
hr_replay_window_mask (HrReplay *replay,
                       gboolean  padded,
                       gboolean  additive)
{
  HrValue integers = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue queries = hr_op_like (replay, "arange", "q_idx", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE));
  HrValue keys = hr_op_like (replay, "arange", "kv_idx", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_CONTEXT));
  HrValue distance = hr_op_like (replay, "sub", "q_idx − kv_idx", integers);
  HrValue result, condition;

  hr_replay_assign (replay, &distance, hr_op_like (replay, "abs", "|q_idx − kv_idx|", integers));
  condition = make_square (replay, "le");
  hr_replay_drop (replay, distance);
  result = make_square (replay, "bitwise_and");
  hr_replay_drop (replay, condition);
  if (padded)
    result = join_padding (replay, result);
  make_additive (replay, &result, additive);
  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, queries);

  return result;
}

/*
 * hr_replay_mask:
 * @replay: a tape
 * @sliding: whether queries see a window only
 * @chunked: whether the window is a chunk
 * @padded: whether the batch has padding
 * @has_blocks: whether tokens of a picture see each other
 * @has_examples: whether tokens of an example see none of the others of their row
 * @additive: whether the mask is to be added to scores (eager), not a boolean one (sdpa)
 *
 * Makes an attention mask for all layers of a kind.
 *
 * Returns: the mask
 */
HrValue
hr_replay_mask (HrReplay *replay,
                gboolean  sliding,
                gboolean  chunked,
                gboolean  padded,
                gboolean  has_blocks,
                gboolean  has_examples,
                gboolean  additive)
{
  HrValue queries = hr_op_like (replay, "arange", "q_idx", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE));
  HrValue keys = hr_op_like (replay, "arange", "kv_idx", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_CONTEXT));
  HrValue mask = has_blocks ? join_blocks (replay, sliding)
                 : sliding && chunked ? join_chunks (replay) : join_conditions (replay, sliding);

  if (has_examples)
    mask = join_examples (replay, mask);
  if (padded)
    mask = join_padding (replay, mask);

  make_additive (replay, &mask, additive);
  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, queries);

  return mask;
}
