/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-select.h"
#include "hr-replay-attention-private.h"

/*
 * Attention by the flash-attn package: transformers/integrations/flash_attention.py and
 * transformers/modeling_flash_attention_utils.py, FlashAttnFunc and FlashAttnVarlenFunc of
 * flash_attn/flash_attn_interface.py, and mha_fwd, mha_varlen_fwd, mha_bwd and mha_varlen_bwd of
 * csrc/flash_attn/flash_api.cpp in Dao-AILab/flash-attention 2, which torch's own flash kernel was taken from.
 */

#define HEAD_MULTIPLE 8
#define VARLEN_GAP 128

typedef struct
{
  HrValue indices;
  HrValue starts;
  HrValue longest;
} Padding;

static const Padding no_padding = { { .storage = -1, .node = HR_NO_NODE, .divisor = 1 },
                                    { .storage = -1, .node = HR_NO_NODE, .divisor = 1 },
                                    { .storage = -1, .node = HR_NO_NODE, .divisor = 1 } };

/*
 * hr_replay_flash_workspace:
 * @replay: a tape
 * @operation: the operator
 * @expanded: the gradient of keys, or of values, of every head of the queries
 *
 * What mha_bwd of flash_api.cpp makes beside the gradients, in torch as in the package: sums of the output's gradient,
 * those of the queries in fp32, those of keys and values for each head of the queries, which are then summed up.
 * %HR_SYMBOL_SEQUENCE_128 is what the kernel makes of the length.
 */
void
hr_replay_flash_workspace (HrReplay   *replay,
                           const char *operation,
                           HrValue     expanded)
{
  guint64 head_dim = replay->symbols[HR_SYMBOL_HEAD];
  gboolean grouped = replay->symbols[HR_SYMBOL_KEY_HEADS] != replay->symbols[HR_SYMBOL_HEADS];
  HrValue sums, accumulated, keys = HR_NO_VALUE, values = HR_NO_VALUE;

  replay->symbols[HR_SYMBOL_HEAD_ROUNDED] = head_dim <= 192 ? (head_dim + 31) / 32 * 32 : 256;
  sums = hr_op_like (replay, operation, "softmax_d",
                     HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE_128));
  accumulated = hr_op_like (replay, operation, "dq_accum",
                            HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE_128,
                                      HR_SYMBOL_HEAD_ROUNDED));
  if (grouped)
    {
      keys = hr_op_like (replay, operation, "dk_expanded", expanded);
      values = hr_op_like (replay, operation, "dv_expanded", expanded);
    }

  hr_replay_drop (replay, values);
  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, accumulated);
  hr_replay_drop (replay, sums);
}

/* Heads are padded to a multiple of 8 elements where a gradient may be asked for; inference does without. */
static gboolean
has_padded_heads (HrReplay *replay)
{
  guint64 head_dim = replay->symbols[HR_SYMBOL_HEAD];

  replay->symbols[HR_SYMBOL_HEAD_8] = (head_dim + HEAD_MULTIPLE - 1) / HEAD_MULTIPLE * HEAD_MULTIPLE;

  return replay->graph != NULL && head_dim % HEAD_MULTIPLE != 0;
}

static HrValue
get_padded_shape (HrValue x)
{
  gboolean is_query = x.symbols[x.n_symbols - 1] == HR_SYMBOL_QUERY;

  return HR_SHAPE (x.element, x.symbols[0], x.symbols[1], is_query ? HR_SYMBOL_HEADS : HR_SYMBOL_KEY_HEADS,
                   HR_SYMBOL_HEAD_8);
}

/* Made by FlashAttnFunc.forward itself, through which autograd does not look. */
static HrValue
pad_heads (HrReplay   *replay,
           const char *name,
           HrValue     x)
{
  return has_padded_heads (replay) ? hr_op_like (replay, "constant_pad_nd", name, get_padded_shape (x))
                                   : hr_replay_hold (replay, x);
}

/* torch.empty_like () of what was kept; what is handed on is a slice of it. */
static HrValue
make_gradient (HrReplay *replay,
               HrValue   input,
               gboolean  padded)
{
  HrValue gradient = hr_value_detach (input);
  HrValue shape = padded ? get_padded_shape (input) : gradient;

  gradient.storage = hr_op_like (replay, "flash_attn_backward", "gradient", shape).storage;
  gradient.is_view = TRUE;

  return gradient;
}

static void
run_backward (HrReplay     *replay,
              const HrNode *node,
              HrValue       gradient,
              HrValue      *gradients)
{
  gboolean padded = has_padded_heads (replay);
  HrValue expanded = HR_SHAPE (gradient.element, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, HR_SYMBOL_QUERY);
  HrValue widened;

  for (guint i = 0; i < node->n_inputs; i++)
    gradients[i] = make_gradient (replay, node->inputs[i], padded);

  widened = pad_heads (replay, "dout", gradient);
  hr_replay_flash_workspace (replay, "flash_attn_backward", padded ? get_padded_shape (expanded) : expanded);
  hr_replay_drop (replay, widened);
}

static void
backward_dense (HrReplay     *replay,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  replay->symbols[HR_SYMBOL_SEQUENCE_128] = (replay->symbols[HR_SYMBOL_SEQUENCE] + 127) / 128 * 128;
  run_backward (replay, node, gradient, gradients);
}

/*
 * Sequences lie 128 tokens apart in what is added up: (total_q + 128 · batch_size) of them. In a row that is packed
 * there are as many as there are examples.
 */
static void
backward_varlen (HrReplay     *replay,
                 const HrNode *node,
                 HrValue       gradient,
                 HrValue      *gradients)
{
  guint64 n_examples = replay->symbols[HR_SYMBOL_EXAMPLE_STARTS];
  guint64 n_sequences = n_examples > 0 ? n_examples - 1 : 1;

  replay->symbols[HR_SYMBOL_SEQUENCE_128] = replay->symbols[HR_SYMBOL_SEQUENCE] + n_sequences * VARLEN_GAP;
  run_backward (replay, node, gradient, gradients);
}

/*
 * FlashAttnFunc keeps queries, keys and values as the kernel reads them, the output, the logarithms of the sums, and
 * two numbers for dropout, which are made without it too; FlashAttnVarlenFunc also where the sequences start, and the
 * longest. The output is laid out as the queries are (torch::empty_like ()).
 */
static HrValue
run_kernel (HrReplay      *replay,
            const HrValue *inputs,
            const Padding *padding)
{
  static const char *const names[] = { "query", "key", "value" };
  gboolean is_varlen = padding->starts.storage >= 0;
  HrValue state_shape = HR_SHAPE (HR_ELEMENT_INT64);
  HrValue output = hr_value_detach (inputs[0]);
  HrValue read[3];
  HrValue sums, state = HR_NO_VALUE;

  for (guint i = 0; i < G_N_ELEMENTS (read); i++)
    read[i] = pad_heads (replay, names[i], inputs[i]);
  output.storage = hr_op_like (replay, "flash_attn", "attn_output", hr_value_detach (read[0])).storage;
  sums = hr_op_like (replay, "flash_attn", "softmax_lse",
                     HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE));
  state_shape.count = 2;
  if (replay->graph != NULL)
    state = hr_op_like (replay, "flash_attn", "rng_state", state_shape);

  if (hr_autograd_record (replay, &output, is_varlen ? backward_varlen : backward_dense, inputs, G_N_ELEMENTS (read)))
    {
      for (guint i = 0; i < G_N_ELEMENTS (read); i++)
        hr_autograd_save (replay, output, read[i]);
      hr_autograd_save (replay, output, output);
      hr_autograd_save (replay, output, sums);
      hr_autograd_save (replay, output, state);
      hr_autograd_save (replay, output, padding->starts);
      hr_autograd_save (replay, output, padding->longest);
    }
  hr_replay_drop (replay, state);
  hr_replay_drop (replay, sums);
  for (guint i = 0; i < G_N_ELEMENTS (read); i++)
    hr_replay_drop (replay, read[i]);

  return output;
}

/* _get_unpad_data; as many tokens as there may be, none of them padding. Inference counts without. */
static Padding
find_padding (HrReplay *replay)
{
  Padding result = no_padding;
  HrValue lengths;

  if (replay->graph == NULL)
    return result;

  replay->symbols[HR_SYMBOL_STARTS] = replay->symbols[HR_SYMBOL_BATCH] + 1;
  lengths = hr_op_like (replay, "sum", "seqlens_in_batch", HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_BATCH));
  result.indices = hr_op_like (replay, "nonzero", "indices",
                               HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT));
  result.longest = hr_op_like (replay, "max", "max_seqlen_in_batch", HR_SHAPE (HR_ELEMENT_INT32));
  result.starts = hr_op_like (replay, "constant_pad_nd", "cu_seqlens",
                              HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_STARTS));
  hr_replay_drop (replay, lengths);

  return result;
}

/* prepare_fa_kwargs_from_position_ids: where the position is 0, an example begins. */
static Padding
find_examples (HrReplay *replay,
               guint64   n_examples)
{
  Padding result = no_padding;
  HrValue positions, starts;

  replay->symbols[HR_SYMBOL_EXAMPLE_STARTS] = n_examples + 1;
  positions = hr_op_like (replay, "nonzero", "indices_q", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_EXAMPLE_STARTS));
  starts = hr_op_like (replay, "_to_copy", "indices_q", HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_EXAMPLE_STARTS));
  result.starts = hr_op_like (replay, "cat", "cu_seq_lens_q", HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_EXAMPLE_STARTS));
  hr_replay_drop (replay, starts);
  hr_replay_drop (replay, positions);
  result.longest = hr_op_like (replay, "max", "max_length_q", HR_SHAPE (HR_ELEMENT_INT32));

  return result;
}

/*
 * `.contiguous ()` of a row, which copies heads that come first in memory, and what is part of a larger tensor (the
 * values of models whose queries, keys and values are made by one matrix).
 */
static void
make_contiguous (HrReplay *replay,
                 HrValue  *x)
{
  guint64 bytes = hr_value_get_elements (*x, replay->symbols) * hr_element_get_bytes (x->element);
  HrValue shape = *x;

  if (!x->heads_first && hr_replay_get_bytes (replay, *x) == hr_ledger_round (bytes))
    return;

  shape.heads_first = FALSE;
  hr_replay_assign (replay, x, hr_op_copy (replay, "contiguous", *x, shape));
}

static void
drop_padding (HrReplay      *replay,
              const Padding *padding)
{
  hr_replay_drop (replay, padding->starts);
  hr_replay_drop (replay, padding->longest);
  hr_replay_drop (replay, padding->indices);
}

/* _index_first_axis: batch and tokens become one dimension, which copies where heads lie between them. */
static void
pack (HrReplay      *replay,
      const Padding *padding,
      HrValue       *x,
      const char    *name,
      HrValue        shape)
{
  gboolean joined = replay->symbols[HR_SYMBOL_BATCH] == 1;
  HrValue rows = joined ? hr_replay_hold (replay, *x) : hr_op_contiguous (replay, *x);

  shape.heads_first = FALSE;
  hr_replay_assign (replay, x, hr_op_take (replay, name, rows, padding->indices, shape));
  hr_replay_drop (replay, rows);
}

/* Of what the cache holds in inference nothing but its size is known. */
static HrValue
get_packed_shape (HrReplay *replay,
                  HrValue   x)
{
  return replay->graph != NULL
           ? x
           : HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, HR_SYMBOL_CACHED);
}

/* IndexPutFirstAxis of flash_attn/bert_padding.py. */
static HrValue
unpack (HrReplay      *replay,
        const Padding *padding,
        HrValue        x)
{
  HrValue result = hr_op_like (replay, "index_put", "attn_output", hr_value_detach (x));

  if (hr_op_record (replay, &result, HR_GRADIENT_LIKE_INPUT, "index", &x, 1))
    hr_autograd_save (replay, result, padding->indices);

  return result;
}

/* get_target_dtype: what keys and values are cast to with queries of fp32. */
static HrElement
get_element (HrReplay *replay,
             HrValue   query)
{
  if (replay->graph == NULL || query.element != HR_ELEMENT_FLOAT32)
    return HR_ELEMENT_NONE;

  if (replay->autocast != HR_ELEMENT_NONE)
    return replay->autocast;

  return replay->quantization != HR_QUANTIZATION_NONE ? replay->quantized_dtype : replay->dtype;
}

/* Inference counts as if tokens came first in memory, whatever made the heads. */
static void
take_inputs (HrReplay                   *replay,
             const HrAttentionVariables *variables,
             HrValue                    *inputs)
{
  const HrValue held[] = { variables->query, variables->key, variables->value };
  HrElement element = get_element (replay, variables->query);

  for (guint i = 0; i < G_N_ELEMENTS (held); i++)
    {
      inputs[i] = element != HR_ELEMENT_NONE ? hr_op_cast (replay, held[i], element)
                                             : hr_replay_hold (replay, held[i]);
      if (replay->graph == NULL)
        inputs[i].heads_first = FALSE;
    }
}

/* The package wants heads of one size: values are padded before, and the output is cut after (DeepSeek). */
static gboolean
is_value_narrower (HrReplay *replay,
                   HrValue   value)
{
  return value.n_symbols > 0 && value.symbols[value.n_symbols - 1] == HR_SYMBOL_VALUE &&
         replay->symbols[HR_SYMBOL_VALUE] < replay->symbols[HR_SYMBOL_QUERY];
}

static HrValue
widen (HrReplay *replay,
       HrValue   value,
       HrValue   key)
{
  HrValue result = hr_op_like (replay, "constant_pad_nd", "value_states", hr_value_detach (key));

  /* constant_pad_nd (grad, −pad) */
  hr_op_record (replay, &result, HR_GRADIENT_LIKE_INPUT, "clone", &value, 1);

  return result;
}

/* `attn_output.reshape (…).contiguous ()`, behind the slice of heads that were padded. */
static void
join_heads (HrReplay *replay,
            HrValue  *output,
            gboolean  widened,
            gboolean  padded)
{
  HrValue shape = hr_value_detach (*output);
  HrValue slice;

  if (!widened && !padded)
    {
      if (replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
        hr_replay_assign (replay, output, hr_op_contiguous (replay, *output));
      return;
    }

  if (widened)
    shape.symbols[shape.n_symbols - 1] = HR_SYMBOL_VALUE;
  slice = widened ? hr_op_slice (replay, *output, shape) : hr_replay_hold (replay, *output);
  shape.heads_first = FALSE;
  hr_replay_assign (replay, output, hr_op_copy (replay, "attn_output", slice, shape));
  hr_replay_drop (replay, slice);
}

/*
 * hr_replay_flash_package:
 * @replay: a tape
 * @forward: the pass
 * @variables: queries, keys and values; values may be padded
 *
 * The attention of the flash-attn package: heads are transposed back; with padding, queries, keys and values are packed
 * before, and the output is unpacked after.
 *
 * Returns: the output
 */
HrValue
hr_replay_flash_package (HrReplay             *replay,
                         const HrForward      *forward,
                         HrAttentionVariables *variables)
{
  gboolean packed = forward->mask.storage >= 0;
  gboolean has_examples = forward->examples > 0;
  gboolean widened = is_value_narrower (replay, variables->value);
  Padding padding = no_padding;
  HrValue inputs[3];
  HrValue output;

  replay->sentence = N_("in the attention, in its kernel");
  if (widened)
    hr_replay_assign (replay, &variables->value, widen (replay, variables->value, variables->key));
  take_inputs (replay, variables, inputs);
  if (packed)
    {
      padding = find_padding (replay);
      pack (replay, &padding, &inputs[1], "key", get_packed_shape (replay, inputs[1]));
      pack (replay, &padding, &inputs[2], "value", get_packed_shape (replay, inputs[2]));
      pack (replay, &padding, &inputs[0], "query", inputs[0]);
    }
  if (has_examples)
    {
      for (guint i = 0; i < G_N_ELEMENTS (inputs); i++)
        make_contiguous (replay, &inputs[i]);
      padding = find_examples (replay, forward->examples);
    }

  output = run_kernel (replay, inputs, &padding);
  if (packed)
    hr_replay_assign (replay, &output, unpack (replay, &padding, output));

  drop_padding (replay, &padding);
  for (guint i = 0; i < G_N_ELEMENTS (inputs); i++)
    hr_replay_drop (replay, inputs[i]);
  join_heads (replay, &output, widened, has_padded_heads (replay) && !packed);

  return output;
}
