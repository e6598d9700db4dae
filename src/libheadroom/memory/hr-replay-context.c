/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-context.h"

#include "hr-autograd.h"
#include "hr-operator.h"

/*
 * The attention of Transformer Engine where the tokens of a sequence are divided among ranks, with the kernel of the
 * flash-attn package (transformer_engine/pytorch/attention/dot_product_attention: FlashAttention of backends.py, and
 * AttnFuncWithCPAndKVP2P and AttnFuncWithCPAndQKVOA2A of context_parallel.py). Keys and values go round in a ring, or
 * tokens are exchanged for heads, or both. What the last rank takes is replayed: to it no tile of the mask is a half.
 */

/* Queries, keys and values. */
#define N_MATRICES 3

/*
 * hr_context_is_divided:
 * @replay: a tape
 *
 * Returns: whether ranks share each sequence
 */
gboolean
hr_context_is_divided (const HrReplay *replay)
{
  return replay->context_ring * replay->context_exchange > 1;
}

/* flash_attn_a2a_communicate: before the attention a copy by heads is sent, and what comes is put in order. */
static void
exchange_before (HrReplay      *replay,
                 const HrValue *x,
                 guint          n,
                 HrValue       *results)
{
  HrValue sent[N_MATRICES];

  for (guint i = 0; i < n + 2; i++)
    {
      if (i > 0 && i < n + 1)
        results[i - 1] = hr_op_like_detached (replay, "all_to_all_single", "a2a_outputs", sent[i - 1]);
      if (i > 1)
        hr_replay_assign (replay, &results[i - 2],
                          hr_op_like_detached (replay, "index_select", "a2a_outputs", results[i - 2]));
      if (i < n)
        sent[i] = hr_op_like_detached (replay, "clone", "a2a_inputs", x[i]);
    }
  for (guint i = 0; i < n; i++)
    hr_replay_drop (replay, sent[i]);
}

/* After it what is put in order is sent, and what comes is laid out by tokens. */
static void
exchange_after (HrReplay      *replay,
                const HrValue *x,
                guint          n,
                HrValue       *results)
{
  HrValue sent[N_MATRICES];

  for (guint i = 0; i < n + 2; i++)
    {
      if (i > 0 && i < n + 1)
        results[i - 1] = hr_op_like_detached (replay, "all_to_all_single", "a2a_outputs", sent[i - 1]);
      if (i < n)
        sent[i] = hr_op_like_detached (replay, "index_select", "a2a_inputs", x[i]);
      if (i > 1)
        hr_replay_assign (replay, &results[i - 2],
                          hr_op_like_detached (replay, "clone", "a2a_outputs", results[i - 2]));
    }
  for (guint i = 0; i < n; i++)
    hr_replay_drop (replay, sent[i]);
}

static HrValue
get_sums_shape (void)
{
  return HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE);
}

/* What the kernel of the flash-attn package makes for a while: rows are those of all tokens that it sees. */
static void
make_workspace (HrReplay  *replay,
                HrElement  element)
{
  const char *operation = "_flash_attn_backward";
  guint64 n_tokens = replay->symbols[HR_SYMBOL_SEQUENCE] * replay->context_exchange;
  guint64 head_dim = replay->symbols[HR_SYMBOL_HEAD];
  HrValue accumulated = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE_128,
                                  HR_SYMBOL_HEAD_ROUNDED);
  HrValue sums = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE_128);
  HrValue expanded = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_QUERY);
  HrValue keys = HR_NO_VALUE, values = HR_NO_VALUE;

  replay->symbols[HR_SYMBOL_SEQUENCE_128] = (n_tokens + 127) / 128 * 128;
  replay->symbols[HR_SYMBOL_HEAD_ROUNDED] = head_dim <= 192 ? (head_dim + 31) / 32 * 32 : 256;
  accumulated.divisor = sums.divisor = replay->context_exchange;
  sums = hr_op_like (replay, operation, "softmax_d", sums);
  accumulated = hr_op_like (replay, operation, "dq_accum", accumulated);
  if (replay->symbols[HR_SYMBOL_KEY_HEADS] != replay->symbols[HR_SYMBOL_HEADS])
    {
      keys = hr_op_like (replay, operation, "dk_expanded", expanded);
      values = hr_op_like (replay, operation, "dv_expanded", expanded);
    }
  hr_replay_drop (replay, values);
  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, accumulated);
  hr_replay_drop (replay, sums);
}

/* One call of the kernel's derivative: gradients of queries, keys and values. */
static void
run_backward_tile (HrReplay      *replay,
                   const HrValue *like,
                   HrValue       *tile)
{
  for (guint i = 0; i < N_MATRICES; i++)
    tile[i] = hr_op_like_detached (replay, "_flash_attn_backward", "gradient", like[i]);
  make_workspace (replay, like[0].element);
}

static void
drop_all (HrReplay      *replay,
          const HrValue *values,
          guint          n)
{
  for (guint i = 0; i < n; i++)
    hr_replay_drop (replay, values[i]);
}

/*
 * Keys and values and their gradients go round in two buffers, each of which holds both; those of the last step are
 * returned as views of one of the two. The gradients of a tile are there until those of the next one are.
 */
static void
backward_ring (HrReplay      *replay,
               const HrValue *like,
               HrValue       *results)
{
  HrValue tiles[2][N_MATRICES];
  HrValue buffers[2][2];

  results[0] = hr_op_like_detached (replay, "empty_like", "dq_buffer", like[0]);
  for (guint i = 0; i < 2; i++)
    {
      for (guint j = 0; j < 2; j++)
        {
          HrValue both = like[1 + j];

          both.count *= 2;
          buffers[i][j] = hr_op_like_detached (replay, "empty", "p2p_comm_buffers", both);
        }
    }

  for (guint i = 0; i < replay->context_ring; i++)
    {
      run_backward_tile (replay, like, tiles[i % 2]);
      if (i > 0)
        drop_all (replay, tiles[(i - 1) % 2], N_MATRICES);
    }
  drop_all (replay, tiles[(replay->context_ring - 1) % 2], N_MATRICES);
  drop_all (replay, buffers[0], 2);
  results[1] = buffers[1][0];
  results[2] = buffers[1][1];
}

static void
backward_context (HrReplay     *replay,
                  const HrNode *node,
                  HrValue       gradient,
                  HrValue      *gradients)
{
  HrValue like[N_MATRICES], results[N_MATRICES];
  HrValue output = HR_NO_VALUE;

  for (guint i = 0; i < N_MATRICES; i++)
    {
      like[i] = node->inputs[i];
      like[i].element = gradient.element;
    }
  if (replay->context_exchange > 1)
    exchange_before (replay, &gradient, 1, &output);
  if (replay->context_ring > 1)
    backward_ring (replay, like, results);
  else
    run_backward_tile (replay, like, results);
  if (replay->context_exchange > 1)
    {
      exchange_after (replay, results, N_MATRICES, gradients);
      drop_all (replay, results, N_MATRICES);
    }
  else
    {
      for (guint i = 0; i < N_MATRICES; i++)
        {
          gradients[i] = hr_op_view_gradient (replay, results[i], like[i]);
          hr_replay_drop (replay, results[i]);
        }
    }
  for (guint i = 0; i < N_MATRICES; i++)
    gradients[i].is_view = TRUE;
  hr_replay_drop (replay, output);
}

/* What the function keeps for its derivative. */
typedef struct
{
  HrValue parts[N_MATRICES];
  HrValue output;
  HrValue sums;
  HrValue seed;
} Kept;

/*
 * The buffer of each step stays until the last is done, and so do its output and its sums; they are corrected by the
 * sums of all steps and added up. Of the buffers the last is kept.
 */
static void
run_ring (HrReplay *replay,
          Kept     *kept)
{
  guint n = replay->context_ring;
  g_autofree HrValue *buffers = g_new (HrValue, 2 * n);
  g_autofree HrValue *outputs = g_new (HrValue, n);
  g_autofree HrValue *sums = g_new (HrValue, n);

  for (guint i = 0; i < 2; i++)
    buffers[i] = hr_op_like_detached (replay, "cat", "p2p_comm_buffers", kept->parts[1 + i]);
  for (guint i = 0; i < n; i++)
    {
      for (guint j = 0; j < 2 && i + 1 < n; j++)
        buffers[2 * (i + 1) + j] = hr_op_like_detached (replay, "empty_like", "p2p_comm_buffers", buffers[j]);
      outputs[i] = hr_op_like_detached (replay, "_flash_attn_forward", "out_per_step", kept->output);
      sums[i] = hr_op_like (replay, "_flash_attn_forward", "softmax_lse_per_step", get_sums_shape ());
      if (i == 0)
        kept->sums = hr_op_like_detached (replay, "clone", "softmax_lse", sums[0]);
    }
  kept->output = hr_op_like_detached (replay, "flash_attn_fwd_out_correction", "out", kept->output);
  drop_all (replay, sums, n);
  drop_all (replay, outputs, n);
  drop_all (replay, buffers, 2 * (n - 1));
  for (guint i = 0; i < 2; i++)
    hr_replay_assign (replay, &kept->parts[1 + i], buffers[2 * (n - 1) + i]);
}

static void
run_once (HrReplay *replay,
          Kept     *kept)
{
  kept->output = hr_op_like_detached (replay, "_flash_attn_forward", "out", kept->output);
  kept->sums = hr_op_like (replay, "_flash_attn_forward", "softmax_lse", get_sums_shape ());
}

/* Runs the function on its inputs. */
static HrValue
run_function (HrReplay      *replay,
              const HrValue *inputs)
{
  HrValue returned;
  Kept kept = { .output = inputs[0] };

  kept.output.symbols[kept.output.n_symbols - 1] =
    inputs[2].symbols[inputs[2].n_symbols - 1] == HR_SYMBOL_VALUE ? HR_SYMBOL_VALUE : HR_SYMBOL_QUERY;
  if (replay->context_exchange > 1)
    exchange_before (replay, inputs, N_MATRICES, kept.parts);
  for (guint i = 0; i < N_MATRICES && replay->context_exchange == 1; i++)
    kept.parts[i] = hr_replay_hold (replay, inputs[i]);
  if (replay->context_ring > 1)
    run_ring (replay, &kept);
  else
    run_once (replay, &kept);
  kept.seed = hr_op_like (replay, "_flash_attn_forward", "rng_state", HR_SHAPE (HR_ELEMENT_INT64));
  if (replay->context_exchange > 1)
    exchange_after (replay, &kept.output, 1, &returned);
  else
    returned = hr_replay_hold (replay, kept.output);

  if (hr_autograd_record (replay, &returned, backward_context, inputs, N_MATRICES))
    {
      for (guint i = 0; i < N_MATRICES; i++)
        hr_autograd_save (replay, returned, kept.parts[i]);
      hr_autograd_save (replay, returned, kept.output);
      hr_autograd_save (replay, returned, kept.sums);
      hr_autograd_save (replay, returned, kept.seed);
    }
  hr_replay_drop (replay, kept.seed);
  hr_replay_drop (replay, kept.sums);
  hr_replay_drop (replay, kept.output);
  drop_all (replay, kept.parts, N_MATRICES);

  return returned;
}

/* `x.transpose (0, 1).contiguous ()`: no copy of a tensor of its own with one sequence. */
static HrValue
turn (HrReplay   *replay,
      const char *name,
      HrValue     x)
{
  guint64 bytes = hr_value_get_elements (x, replay->symbols) * hr_element_get_bytes (x.element);
  HrValue shape = x;

  if (replay->symbols[HR_SYMBOL_BATCH] == 1 && hr_replay_get_bytes (replay, x) == bytes)
    return hr_replay_hold (replay, x);

  shape.storage = -1;
  shape.node = HR_NO_NODE;
  shape.is_view = FALSE;

  return hr_op_copy (replay, name, x, shape);
}

/*
 * hr_context_attention:
 * @replay: a tape, whose tokens are those that the rank has of each sequence
 * @parts: (array fixed-size=3): queries, keys and values, which the caller holds
 *
 * The attention to all tokens of each sequence.
 *
 * Returns: what comes out of it, for the tokens of the rank
 */
HrValue
hr_context_attention (HrReplay      *replay,
                      const HrValue *parts)
{
  const char *names[] = { "query_layer", "key_layer", "value_layer" };
  HrValue inputs[N_MATRICES];
  HrValue output;

  replay->sentence = N_("in the attention, where ranks that share a sequence exchange its keys and values");
  for (guint i = 0; i < N_MATRICES; i++)
    inputs[i] = turn (replay, names[i], parts[i]);
  output = run_function (replay, inputs);
  drop_all (replay, inputs, N_MATRICES);
  hr_replay_assign (replay, &output, turn (replay, "output", output));
  replay->sentence = N_("in the attention");

  return output;
}
