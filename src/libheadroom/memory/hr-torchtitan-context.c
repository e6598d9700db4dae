/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-torchtitan-context.h"

#include "hr-autograd.h"
#include "hr-operator.h"

/*
 * Context parallelism of torchtitan (commit b5bcd76c): keys and values of all tokens are gathered for the attention
 * (set_gqa_inner_attention_local_map of torchtitan/models/common/decoder_sharding.py), which is FlexAttention, as
 * Decoder.Config.update_from_config of torchtitan/models/common/decoder.py refuses any other. Nothing goes round.
 */

/* Queries, keys and values. */
#define N_MATRICES 3

/* _AllGatherShard of spmd_types/_collectives.py, whose derivative adds up what the ranks have and scatters it. */
static HrValue
gather (HrReplay *replay,
        HrValue   x)
{
  HrValue shape = hr_value_detach (x);
  HrValue all;

  shape.count *= replay->context_ring;
  all = hr_op_like (replay, "all_gather", "gathered", shape);
  hr_op_record (replay, &all, HR_GRADIENT_LIKE_INPUT, "reduce_scatter", &x, 1);

  return all;
}

static HrValue
make_sums (HrReplay   *replay,
           const char *operation,
           const char *name)
{
  return hr_op_like (replay, operation, name,
                     HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE));
}

/*
 * flex_attention_backward of torch/_inductor/kernel/flex/flex_attention.py: the output times its gradient is summed up
 * by one kernel, and heads that share keys and values add to the same gradients.
 */
static void
backward_flex (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  HrValue delta = make_sums (replay, node->operation, "delta");

  for (guint i = 0; i < node->n_inputs; i++)
    {
      HrValue shape = node->inputs[i];

      shape.element = gradient.element;
      gradients[i] = hr_op_make_gradient (replay, node->operation, shape);
      gradients[i].is_view = TRUE;
    }
  hr_replay_drop (replay, delta);
}

/* flex_attention of the same file: the output is laid out as the queries are, no one asks for the largest scores. */
static HrValue
run_flex (HrReplay *replay,
          HrValue   query,
          HrValue   key,
          HrValue   value)
{
  const HrValue inputs[] = { query, key, value };
  HrValue sums = make_sums (replay, "flex_attention", "logsumexp");
  HrValue largest = make_sums (replay, "flex_attention", "max_scores");
  HrValue output = hr_op_like (replay, "flex_attention", "out", hr_value_detach (query));

  if (hr_autograd_record (replay, &output, backward_flex, inputs, N_MATRICES))
    {
      for (guint i = 0; i < N_MATRICES; i++)
        hr_autograd_save (replay, output, inputs[i]);
      hr_autograd_save (replay, output, output);
      hr_autograd_save (replay, output, sums);
    }
  hr_replay_drop (replay, largest);
  hr_replay_drop (replay, sums);

  return output;
}

/*
 * hr_torchtitan_attend_context:
 * @replay: a tape
 * @query: queries of the tokens that the rank has
 * @key: their keys
 * @value: their values
 *
 * Attends to all tokens of a sequence that ranks share.
 *
 * Returns: what the rank's tokens get
 */
HrValue
hr_torchtitan_attend_context (HrReplay *replay,
                              HrValue   query,
                              HrValue   key,
                              HrValue   value)
{
  HrValue keys = gather (replay, key);
  HrValue values = gather (replay, value);
  HrValue output = run_flex (replay, query, keys, values);

  hr_replay_drop (replay, values);
  hr_replay_drop (replay, keys);

  return output;
}

/*
 * hr_torchtitan_get_mask_bytes:
 * @n_tokens: how many tokens a micro-batch has
 * @n_ranks: how many ranks share them
 *
 * What a rank holds of the mask of a micro-batch: which blocks of keys each block of its queries sees, in part or
 * whole, and the other way round (BlockMask of torch/nn/attention/flex_attention.py), in what order tokens are dealt
 * out (_create_cp_block_mask of torch/distributed/tensor/experimental/_context_parallel/_attention.py), and where
 * documents begin (get_efficient_causal_mask_mod_for_packed_document of torchtitan/models/common/attention.py).
 *
 * Returns: how many bytes
 */
guint64
hr_torchtitan_get_mask_bytes (guint64 n_tokens,
                              guint64 n_ranks)
{
  guint64 n_columns = n_tokens / HR_TORCHTITAN_MASK_BLOCK;
  guint64 n_rows = n_columns / n_ranks;
  guint64 n_starts = (n_tokens / HR_TORCHTITAN_MASK_BLOCK + 1) * HR_TORCHTITAN_MASK_BLOCK;

  return 4 * hr_ledger_round (n_rows * n_columns * sizeof (gint32)) +
         2 * (hr_ledger_round (n_rows * sizeof (gint32)) + hr_ledger_round (n_columns * sizeof (gint32))) +
         hr_ledger_round (n_tokens * sizeof (gint64)) + hr_ledger_round (n_starts * sizeof (gint32)) +
         hr_ledger_round (n_tokens * sizeof (gint32));
}
