/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-ulysses.h"

#include "hr-operator.h"

/*
 * UlyssesSPAttentionHF of deepspeed/runtime/sequence_parallel/ulysses_sp.py, which stands between the attention modules
 * of transformers and torch's kernel (sdpa_attention_forward of transformers/integrations/sdpa_attention.py), or that
 * of the flash-attn package (flash_attention_forward of flash_attention.py): each rank has some tokens of all heads,
 * and exchanges them for all tokens of some heads. What a rank has of queries is as large before as after; of keys and
 * values it has one head at the least.
 */

/* Queries, keys and values. */
#define N_MATRICES 3

/*
 * hr_ulysses_is_used:
 * @replay: a tape
 *
 * Returns: whether ranks of DeepSpeed share each sequence
 */
gboolean
hr_ulysses_is_used (const HrReplay *replay)
{
  return replay->context_exchange > 1 && replay->layer_code == HR_LAYER_CODE_TRANSFORMERS;
}

/* How many of the heads of queries a rank attends with. */
static guint64
count_heads (const HrReplay *replay)
{
  return replay->symbols[HR_SYMBOL_HEADS] / replay->context_exchange;
}

/* How many ranks have the same head of keys and values: those are repeated before they are sent. */
static guint64
count_repeats (const HrReplay *replay)
{
  return MAX (1, replay->context_exchange / replay->symbols[HR_SYMBOL_KEY_HEADS]);
}

static guint64
count_key_heads (const HrReplay *replay)
{
  return MAX (1, replay->symbols[HR_SYMBOL_KEY_HEADS] / replay->context_exchange);
}

/* One head of one sequence lies in memory alike, whether heads come first or tokens. */
static gboolean
is_one_row (const HrReplay *replay,
            guint64         n_heads)
{
  return replay->symbols[HR_SYMBOL_BATCH] == 1 && n_heads == 1;
}

/*
 * _DimZeroAllToAll.backward calls forward with what is no single piece: empty_like (…).contiguous () is a copy, and so
 * is what is sent.
 */
static HrValue
send_back (HrReplay *replay,
           HrValue   gradient,
           gboolean  is_piece)
{
  const char *operation = "all_to_all_single";
  HrValue received = hr_op_like_detached (replay, operation, "grad_output", gradient);

  if (is_piece)
    return received;

  hr_replay_assign (replay, &received, hr_op_like_detached (replay, "clone", "grad_output", gradient));
  hr_replay_drop (replay, hr_op_like_detached (replay, "clone", "grad_output.contiguous()", gradient));

  return received;
}

static void
copy_gradient (HrReplay *replay,
               HrValue  *gradient)
{
  hr_replay_assign (replay, gradient, hr_op_like_detached (replay, "clone", "gradient", *gradient));
}

/*
 * Of the gradient that comes back heads are put side by side, which is a copy where a rank has several; copies of a
 * head are summed up, and tokens come first again, which is a copy where they do not yet.
 */
static void
backward_exchange (HrReplay     *replay,
                   const HrNode *node,
                   HrValue       gradient,
                   HrValue      *gradients)
{
  HrValue input = node->inputs[0];
  gboolean is_query = input.symbols[input.n_symbols - 1] == HR_SYMBOL_QUERY;
  guint64 n_heads = is_query ? count_heads (replay) : count_key_heads (replay);
  gboolean is_repeated = !is_query && count_repeats (replay) > 1;
  HrValue result;

  input.element = gradient.element;
  result = send_back (replay, gradient, is_one_row (replay, n_heads));
  hr_autograd_let_go (replay, node, gradient);
  if (n_heads > 1)
    copy_gradient (replay, &result);
  if (is_repeated)
    hr_replay_assign (replay, &result, hr_op_like_detached (replay, "sum", "gradient", input));
  if (replay->symbols[HR_SYMBOL_BATCH] > 1 || (n_heads == 1 && !is_repeated))
    copy_gradient (replay, &result);

  gradients[0] = hr_op_view_gradient (replay, result, input);
  gradients[0].is_view = FALSE;
  hr_replay_drop (replay, result);
}

/* combine_sequence: what is sent are copies, rank by rank. */
static HrValue
exchange (HrReplay   *replay,
          const char *name,
          HrValue     x,
          guint64     n_repeats)
{
  HrValue shape = hr_value_detach (x);
  HrValue repeated = HR_NO_VALUE;
  HrValue sent, received;

  shape.heads_first = FALSE;
  shape.count *= n_repeats;
  if (n_repeats > 1)
    repeated = hr_op_like_detached (replay, "repeat_interleave", name, shape);
  sent = hr_op_like_detached (replay, "clone", name, shape);
  hr_replay_drop (replay, repeated);
  received = hr_op_like_detached (replay, "all_to_all_single", name, shape);
  hr_replay_drop (replay, sent);

  return received;
}

/* `rearrange (x, "sl bs hc_l hs -> bs hc_l sl hs").contiguous ()` */
static void
put_heads_first (HrReplay   *replay,
                 const char *name,
                 HrValue     x,
                 guint64     n_heads,
                 HrValue    *received)
{
  HrValue shape = *received;

  shape.heads_first = n_heads > 1;
  if (!is_one_row (replay, n_heads))
    hr_replay_assign (replay, received, hr_op_like_detached (replay, "clone", name, shape));
  hr_autograd_record (replay, received, backward_exchange, &x, 1);
}

static void
set_attention_sizes (HrReplay *replay)
{
  guint64 length = replay->symbols[HR_SYMBOL_SEQUENCE] * replay->context_exchange;
  guint64 head_dim = replay->symbols[HR_SYMBOL_HEAD];

  replay->symbols[HR_SYMBOL_SEQUENCE_128] = (length + 127) / 128 * 128;
  replay->symbols[HR_SYMBOL_HEAD_ROUNDED] = head_dim <= 192 ? (head_dim + 31) / 32 * 32 : 256;
}

/* mha_bwd of flash_api.cpp, for all tokens and the heads that the rank has. */
static void
make_workspace (HrReplay  *replay,
                HrElement  element)
{
  const char *operation = "_flash_attention_backward";
  HrValue accumulated = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE_128,
                                  HR_SYMBOL_HEAD_ROUNDED);
  HrValue sums = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE_128);
  HrValue expanded = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_QUERY);
  HrValue keys = HR_NO_VALUE, values = HR_NO_VALUE;

  set_attention_sizes (replay);
  accumulated.divisor = sums.divisor = replay->context_exchange;
  sums = hr_op_like (replay, operation, "softmax_d", sums);
  accumulated = hr_op_like (replay, operation, "dq_accum", accumulated);
  if (count_key_heads (replay) != count_heads (replay))
    {
      keys = hr_op_like (replay, operation, "dk_expanded", expanded);
      values = hr_op_like (replay, operation, "dv_expanded", expanded);
    }
  hr_replay_drop (replay, values);
  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, accumulated);
  hr_replay_drop (replay, sums);
}

/* mha_bwd, in torch as in the package. */
static void
backward_package (HrReplay     *replay,
                  const HrNode *node,
                  HrValue       gradient,
                  HrValue      *gradients)
{
  for (guint i = 0; i < N_MATRICES; i++)
    {
      gradients[i] = hr_op_make_gradient (replay, "_flash_attention_backward", node->inputs[i]);
      gradients[i].is_view = TRUE;
    }
  make_workspace (replay, gradient.element);
}

/*
 * _flash_attention_backward of aten/src/ATen/native/transformers/cuda/attention_backward.cu copies the output and its
 * gradient where tokens do not come first in memory.
 */
static void
backward_kernel (HrReplay     *replay,
                 const HrNode *node,
                 HrValue       gradient,
                 HrValue      *gradients)
{
  HrValue incoming = HR_NO_VALUE, output = HR_NO_VALUE;

  if (replay->symbols[HR_SYMBOL_BATCH] > 1)
    incoming = hr_op_like_detached (replay, "clone", "grad_out.contiguous()", gradient);
  if (count_heads (replay) > 1)
    output = hr_op_like_detached (replay, "clone", "out.contiguous()", gradient);
  backward_package (replay, node, gradient, gradients);
  hr_replay_drop (replay, output);
  hr_replay_drop (replay, incoming);
}

/* A flash kernel, of all tokens and the heads that the rank has. */
static HrValue
run_kernel (HrReplay      *replay,
            gboolean       is_package,
            const HrValue *parts)
{
  const char *operation = is_package ? "flash_attn" : "_scaled_dot_product_flash_attention";
  HrValue output = hr_op_like_detached (replay, operation, "attn_output", parts[0]);
  HrValue sums = hr_op_like (replay, operation, "logsumexp",
                             HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE));
  HrValue seed = hr_op_like (replay, operation, "philox state", HR_SHAPE (HR_ELEMENT_INT64));
  HrValue offset = is_package ? HR_NO_VALUE
                              : hr_op_like (replay, operation, "philox state", HR_SHAPE (HR_ELEMENT_INT64));

  if (hr_autograd_record (replay, &output, is_package ? backward_package : backward_kernel, parts, N_MATRICES))
    {
      for (guint i = 0; i < N_MATRICES; i++)
        hr_autograd_save (replay, output, parts[i]);
      hr_autograd_save (replay, output, output);
      hr_autograd_save (replay, output, sums);
      hr_autograd_save (replay, output, seed);
      hr_autograd_save (replay, output, offset);
    }
  hr_replay_drop (replay, offset);
  hr_replay_drop (replay, seed);
  hr_replay_drop (replay, sums);

  return output;
}

static void
backward_partition (HrReplay     *replay,
                    const HrNode *node,
                    HrValue       gradient,
                    HrValue      *gradients)
{
  HrValue received = send_back (replay, gradient, FALSE);

  gradients[0] = hr_op_view_gradient (replay, received, node->inputs[0]);
  hr_replay_drop (replay, received);
}

/*
 * _partition_global_sequence: what is sent is a copy of several sequences, where the reshape before it has not put
 * their tokens first already.
 */
static HrValue
partition (HrReplay *replay,
           HrValue   context,
           gboolean  is_ordered)
{
  gboolean is_copied = replay->symbols[HR_SYMBOL_BATCH] > 1 && !is_ordered;
  HrValue sent = is_copied ? hr_op_like_detached (replay, "clone", "input", context) : hr_replay_hold (replay, context);
  HrValue output = hr_op_like_detached (replay, "all_to_all_single", "output", context);

  hr_replay_assign (replay, &output, hr_op_like_detached (replay, "clone", "output", context));
  hr_replay_drop (replay, sent);

  return output;
}

/* The positions of all ranks' tokens, one by one and in one piece. */
static GArray *
gather_positions (HrReplay *replay)
{
  GArray *positions = g_array_new (FALSE, FALSE, sizeof (HrValue));
  HrValue shape = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);

  for (guint i = 0; i < replay->context_exchange + 1; i++)
    {
      HrValue value;

      shape.count = i < replay->context_exchange ? 1 : replay->context_exchange;
      value = hr_op_like (replay, i < replay->context_exchange ? "empty_like" : "cat", "position_ids", shape);
      g_array_append_val (positions, value);
    }

  return positions;
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
 * hr_ulysses_attention:
 * @replay: a tape, whose tokens are those that the rank has of each sequence
 * @is_package: whether the flash-attn package has the kernel
 * @variables: the queries, keys and values of an attention module
 *
 * The attention of the tokens of all ranks, with the heads of one. A mask is left out (uattn_wrapper).
 *
 * Returns: what comes of it, for the tokens of the rank
 */
HrAttentionResult
hr_ulysses_attention (HrReplay             *replay,
                      gboolean              is_package,
                      HrAttentionVariables *variables)
{
  const HrValue inputs[] = { variables->query, variables->key, variables->value };
  static const char * const names[] = { "query_layer", "key_layer", "value_layer" };
  const guint64 n_heads[] = { count_heads (replay), count_key_heads (replay), count_key_heads (replay) };
  g_autoptr (GArray) positions = gather_positions (replay);
  HrAttentionResult result = HR_NO_ATTENTION_RESULT;
  HrValue parts[N_MATRICES];
  HrValue output, context, recorded;

  replay->sentence = N_("in the attention, where ranks that share a sequence exchange its tokens for heads");
  for (guint i = 0; i < N_MATRICES; i++)
    parts[i] = exchange (replay, names[i], inputs[i], i > 0 ? count_repeats (replay) : 1);
  for (guint i = 0; i < N_MATRICES; i++)
    put_heads_first (replay, names[i], inputs[i], n_heads[i], &parts[i]);

  output = run_kernel (replay, is_package, parts);
  /* The function of torch's kernel puts tokens first, or the reshape behind that of the package. */
  context = hr_op_contiguous (replay, output);
  hr_replay_drop (replay, output);
  recorded = partition (replay, context, is_package && n_heads[0] > 1);
  hr_replay_drop (replay, context);
  drop_all (replay, parts, N_MATRICES);
  drop_all (replay, (HrValue *) positions->data, positions->len);
  if (replay->symbols[HR_SYMBOL_BATCH] > 1)
    hr_replay_assign (replay, &recorded, hr_op_like_detached (replay, "clone", "attn_output", recorded));
  recorded.heads_first = FALSE;
  hr_autograd_record (replay, &recorded, backward_partition, &context, 1);
  replay->sentence = N_("in the attention");
  result.output = recorded;

  return result;
}
