/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-sequence.h"
#include "hr-replay-attention-private.h"
#include "hr-replay-blocks.h"

/*
 * F.scaled_dot_product_attention: which kernel torch chooses (aten/src/ATen/native/transformers/cuda/sdp_utils.cpp) and
 * what each of them makes (aten/src/ATen/native/transformers/attention.cpp and cuda/attention.cu).
 */

typedef enum
{
  KERNEL_FLASH,
  KERNEL_EFFICIENT,
  KERNEL_MATH,
} Kernel;

/* Queries, keys and values. */
#define N_MATRICES 3

#define FLASH_MAX_HEAD_DIM 256
#define EFFICIENT_ALIGNMENT_BYTES 16

static gboolean
is_half (HrElement element)
{
  return element == HR_ELEMENT_FLOAT16 || element == HR_ELEMENT_BFLOAT16;
}

/* Heads of the output are as wide as those of the values, where those are not in the cache already. */
static HrValue
get_output_shape (HrValue query,
                  HrValue value)
{
  if (value.n_symbols > 0 && value.symbols[value.n_symbols - 1] == HR_SYMBOL_VALUE)
    query.symbols[query.n_symbols - 1] = HR_SYMBOL_VALUE;

  return query;
}

static Kernel
choose_kernel (HrReplay        *replay,
               const HrForward *forward,
               HrValue          query,
               HrValue          value)
{
  guint64 head_dim = replay->symbols[HR_SYMBOL_HEAD];
  HrValue output = get_output_shape (query, value);
  guint64 n_elements = hr_value_get_elements (query, replay->symbols);
  gboolean same_size = hr_value_get_elements (output, replay->symbols) == n_elements;
  gboolean aligned = head_dim * hr_element_get_bytes (query.element) % EFFICIENT_ALIGNMENT_BYTES == 0;

  if (forward->attention == HR_ATTENTION_IMPLEMENTATION_SDPA_MATH || query.element == HR_ELEMENT_FLOAT64)
    return KERNEL_MATH;

  if (forward->attention == HR_ATTENTION_IMPLEMENTATION_SDPA && is_half (query.element) &&
      forward->mask.storage < 0 && head_dim <= FLASH_MAX_HEAD_DIM && same_size)
    return KERNEL_FLASH;

  return aligned ? KERNEL_EFFICIENT : KERNEL_MATH;
}

static void
set_attention_sizes (HrReplay *replay)
{
  guint64 sequence = replay->symbols[HR_SYMBOL_SEQUENCE];

  replay->symbols[HR_SYMBOL_SEQUENCE_32] = (sequence + 31) / 32 * 32;
  replay->symbols[HR_SYMBOL_SEQUENCE_128] = (sequence + 127) / 128 * 128;
}

/* The shape of a mask whose rows are as long as the kernel wants them. */
static HrValue
pad_rows (HrValue mask)
{
  mask = hr_value_detach (mask);
  mask.storage = -1;
  mask.symbols[mask.n_symbols - 1] = HR_SYMBOL_CONTEXT_PADDED;

  return mask;
}

static HrValue
make_gradient (HrReplay   *replay,
               const char *operation,
               HrValue     like)
{
  HrValue gradient = hr_op_make_gradient (replay, operation, like);

  gradient.is_view = TRUE;

  return gradient;
}

/* _scaled_dot_product_flash_attention_backward_cuda of aten/src/ATen/native/transformers/cuda/attention_backward.cu. */
static void
backward_flash (HrReplay     *replay,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  const char *operation = "_scaled_dot_product_flash_attention_backward";

  for (guint i = 0; i < node->n_inputs; i++)
    gradients[i] = make_gradient (replay, operation, node->inputs[i]);
  set_attention_sizes (replay);
  hr_replay_flash_workspace (replay, operation,
                             HR_SHAPE (gradient.element, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, HR_SYMBOL_QUERY));
}

/* _efficient_attention_backward of aten/src/ATen/native/transformers/cuda/attention_backward.cu. */
static void
backward_efficient (HrReplay     *replay,
                    const HrNode *node,
                    HrValue       gradient,
                    HrValue      *gradients)
{
  const char *operation = "_scaled_dot_product_efficient_attention_backward";
  HrValue delta, accumulated = HR_NO_VALUE;
  HrValue shape = gradient;

  set_attention_sizes (replay);
  for (guint i = 0; i < N_MATRICES; i++)
    gradients[i] = make_gradient (replay, operation, node->inputs[i]);
  /* The kernel wants rows that are a multiple of 16 long for it as well. */
  if (node->n_inputs > N_MATRICES)
    gradients[N_MATRICES] = hr_op_make_gradient (replay, operation, pad_rows (node->inputs[N_MATRICES]));

  delta = hr_op_like (replay, operation, "delta",
                      HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE));
  if (is_half (gradient.element))
    {
      shape.storage = -1;
      shape.element = HR_ELEMENT_FLOAT32;
      accumulated = hr_op_like (replay, operation, "dq_accum", shape);
    }
  hr_replay_drop (replay, accumulated);
  hr_replay_drop (replay, delta);
}

static HrValue
make_random_state (HrReplay   *replay,
                   const char *operation)
{
  return hr_op_like (replay, operation, "philox state", HR_SHAPE (HR_ELEMENT_INT64));
}

/* Both kernels keep their inputs, their output, and what else they made. */
static void
record_kernel (HrReplay      *replay,
               HrValue       *output,
               HrBackward     backward,
               HrValue        query,
               HrValue        key,
               HrValue        value,
               const HrValue *others)
{
  /* The first of the others is the mask, which may be trained. */
  const HrValue inputs[] = { query, key, value, others[0] };

  if (!hr_autograd_record (replay, output, backward, inputs,
                           hr_value_needs_gradient (others[0]) ? G_N_ELEMENTS (inputs) : N_MATRICES))
    return;

  for (guint i = 0; i < N_MATRICES; i++)
    hr_autograd_save (replay, *output, inputs[i]);
  hr_autograd_save (replay, *output, *output);
  for (guint i = 0; i < 4; i++)
    hr_autograd_save (replay, *output, others[i]);
}

/* The output has the query's layout in memory (at::empty_like). */
static HrValue
replay_flash (HrReplay *replay,
              HrValue   query,
              HrValue   key,
              HrValue   value)
{
  const char *operation = "_scaled_dot_product_flash_attention";
  HrValue output = hr_op_like (replay, operation, "attn_output", get_output_shape (query, value));
  HrValue sums = hr_op_like (replay, operation, "logsumexp",
                             HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE));
  HrValue seed = make_random_state (replay, operation);
  HrValue offset = make_random_state (replay, operation);

  record_kernel (replay, &output, backward_flash, query, key, value,
                 (HrValue[]) { HR_NO_VALUE, sums, seed, offset });
  hr_replay_drop (replay, offset);
  hr_replay_drop (replay, seed);
  hr_replay_drop (replay, sums);

  return output;
}

/*
 * A boolean mask becomes one to be added, by one choice between 0 and -inf (convert_boolean_attn_mask). An additive one
 * is taken as it is.
 */
static HrValue
convert_mask (HrReplay  *replay,
              HrValue    mask,
              HrElement  element)
{
  HrValue shape;

  if (mask.storage < 0 || mask.element != HR_ELEMENT_BOOL)
    return hr_replay_hold (replay, mask);

  shape = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);

  return hr_op_like (replay, "where", "attn_mask", shape);
}

/* The kernel wants rows of the mask that are a multiple of 16 long (pad_bias). */
static HrValue
pad_mask (HrReplay *replay,
          HrValue   mask)
{
  HrValue padded, rows;

  if (mask.storage < 0 || replay->symbols[HR_SYMBOL_CONTEXT] == replay->symbols[HR_SYMBOL_CONTEXT_PADDED])
    return hr_replay_hold (replay, mask);

  padded = hr_op_resize (replay, "constant_pad_nd", "attn_mask", mask, pad_rows (mask));
  rows = hr_op_slice (replay, padded, hr_value_detach (mask));
  hr_replay_drop (replay, padded);

  return rows;
}

/* should_compute_logsumexp of aten/src/ATen/native/transformers/attention.cpp */
static gboolean
needs_sums (HrReplay *replay,
            HrValue   query,
            HrValue   key,
            HrValue   value)
{
  return replay->graph != NULL && !replay->graph->holds_nothing &&
         (hr_value_needs_gradient (query) || hr_value_needs_gradient (key) || hr_value_needs_gradient (value));
}

static HrValue
replay_efficient (HrReplay        *replay,
                  const HrForward *forward,
                  HrValue          query,
                  HrValue          key,
                  HrValue          value)
{
  const char *operation = "_scaled_dot_product_efficient_attention";
  HrValue mask = convert_mask (replay, forward->mask, query.element);
  HrValue padded = pad_mask (replay, mask);
  HrValue shape = get_output_shape (query, value);
  HrValue sums = HR_NO_VALUE;
  HrValue output, seed, offset;

  /* attn_mask.value () = preprocess_mask (attn_mask.value (), …) of attention.cpp: the padded one takes its place. */
  hr_replay_drop (replay, mask);
  shape.heads_first = FALSE;
  output = hr_op_like (replay, operation, "attn_output", shape);
  set_attention_sizes (replay);
  if (needs_sums (replay, query, key, value))
    sums = hr_op_like (replay, operation, "logsumexp",
                       HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE_32));
  seed = make_random_state (replay, operation);
  offset = make_random_state (replay, operation);
  record_kernel (replay, &output, backward_efficient, query, key, value, (HrValue[]) { padded, sums, seed, offset });
  hr_replay_drop (replay, offset);
  hr_replay_drop (replay, seed);
  hr_replay_drop (replay, sums);
  hr_replay_drop (replay, padded);

  return output;
}

/* Causal: ones, their lower triangle, made additive. */
static HrValue
make_causal_mask (HrReplay        *replay,
                  const HrForward *forward,
                  HrElement        element)
{
  HrValue square = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue mask, converted;

  if (replay->symbols[HR_SYMBOL_SEQUENCE] == 1 || forward->bidirectional)
    return HR_NO_VALUE;

  mask = hr_op_like (replay, "ones", "attn_mask", square);
  hr_replay_assign (replay, &mask, hr_op_like (replay, "tril", "attn_mask", square));
  square.element = element;
  converted = hr_op_like (replay, "where", "attn_mask", square);
  hr_replay_drop (replay, mask);

  return converted;
}

/* pre_process_group_query_attention_input: repeat_interleave, a copy, where heads share keys. */
static HrValue
repeat_heads (HrReplay        *replay,
              const HrForward *forward,
              HrValue          x)
{
  HrValue shape = HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, HR_SYMBOL_QUERY);

  if (forward->broadcasts_heads || x.symbols[2] == HR_SYMBOL_QUERY ||
      replay->symbols[HR_SYMBOL_QUERY] == replay->symbols[HR_SYMBOL_CACHED])
    return hr_replay_hold (replay, x);

  shape.heads_first = TRUE;

  return hr_op_copy (replay, "repeated", x, shape);
}

/* torch.matmul joins batch and heads, which copies what one stride cannot step through: a head that is broadcast. */
static HrValue
broadcast_head (HrReplay *replay,
                HrValue   x)
{
  HrValue shape = HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, HR_SYMBOL_QUERY);

  if (replay->symbols[HR_SYMBOL_BATCH] == 1 || replay->symbols[x.symbols[2]] == replay->symbols[HR_SYMBOL_QUERY])
    return hr_replay_hold (replay, x);

  shape.heads_first = TRUE;

  return hr_op_copy (replay, "broadcast", x, shape);
}

/* The rows that are -inf throughout become zeros: softmax, a comparison, rows, a choice in place (_safe_softmax). */
static HrValue
replay_safe_softmax (HrReplay *replay,
                     HrValue   scores)
{
  HrValue weights = hr_op_softmax (replay, "attn", scores, scores.element);
  HrValue mask = scores;
  HrValue masked, rows;

  mask.element = HR_ELEMENT_BOOL;
  masked = hr_op_like (replay, "isneginf", "attn == −inf", mask);
  rows = hr_op_like (replay, "all", "attn == −inf",
                     HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE));
  hr_replay_drop (replay, rows);
  hr_replay_drop (replay, masked);

  return weights;
}

/* _scaled_dot_product_attention_math: a mask is additive in the type of the query, in fp32 where it is made here. */
static HrValue
replay_math (HrReplay        *replay,
             const HrForward *forward,
             HrValue          query,
             HrValue          key,
             HrValue          value)
{
  HrElement element = is_half (query.element) ? HR_ELEMENT_FLOAT32 : query.element;
  HrValue mask = convert_mask (replay, forward->mask, query.element);
  HrValue query_acc = hr_op_cast (replay, query, element);
  HrValue key_acc = hr_op_cast (replay, key, element);
  HrValue value_acc = hr_op_cast (replay, value, element);
  HrValue scaled = hr_op_unary (replay, HR_UNARY_MUL, "query·√scale", query_acc);
  HrValue causal = forward->mask.storage < 0 ? make_causal_mask (replay, forward, element) : HR_NO_VALUE;
  HrValue keys = repeat_heads (replay, forward, key_acc);
  HrValue values = repeat_heads (replay, forward, value_acc);
  HrValue scaled_keys = hr_op_unary (replay, HR_UNARY_MUL, "key·√scale", keys);
  HrValue shape = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue scores, output, result, weights, joined;

  replay->sentence = N_("in the attention, while the scores of every head are turned into weights");
  shape.heads_first = TRUE;
  joined = broadcast_head (replay, scaled_keys);
  scores = hr_attention_multiply (replay, scaled, joined, "attn", shape);
  hr_replay_drop (replay, joined);
  hr_replay_drop (replay, scaled_keys);
  hr_replay_assign (replay, &scores, replay_safe_softmax (replay, scores));
  hr_op_dropout (replay, &scores, forward->drops_weights);
  weights = hr_op_cast (replay, scores, query.element);
  shape = get_output_shape (query, value);
  shape.element = element;
  shape.heads_first = TRUE;
  joined = broadcast_head (replay, values);
  output = hr_attention_multiply (replay, scores, joined, "attn_output", shape);
  hr_replay_drop (replay, joined);
  result = hr_op_cast (replay, output, query.element);

  hr_replay_drop (replay, weights);
  hr_replay_drop (replay, output);
  hr_replay_drop (replay, scores);
  hr_replay_drop (replay, values);
  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, causal);
  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, value_acc);
  hr_replay_drop (replay, key_acc);
  hr_replay_drop (replay, query_acc);
  hr_replay_drop (replay, mask);

  return result;
}

static HrValue
run_kernel (HrReplay        *replay,
            const HrForward *forward,
            HrValue          query,
            HrValue          key,
            HrValue          value)
{
  switch (choose_kernel (replay, forward, query, value))
    {
    case KERNEL_FLASH:
      return replay_flash (replay, query, key, value);

    case KERNEL_EFFICIENT:
      return replay_efficient (replay, forward, query, key, value);

    case KERNEL_MATH:
    default:
      return replay_math (replay, forward, query, key, value);
    }
}

/*
 * hr_replay_sdpa:
 * @replay: a tape
 * @forward: the pass, with the mask
 * @query: queries
 * @key: keys
 * @value: values
 *
 * F.scaled_dot_product_attention. What it is composed of runs without autocast, which has cast its inputs
 * (lower_precision_fp of aten/src/ATen/autocast_mode.h).
 *
 * Returns: the output
 */
HrValue
hr_replay_sdpa (HrReplay        *replay,
                const HrForward *forward,
                HrValue          query,
                HrValue          key,
                HrValue          value)
{
  HrValue v = hr_op_cast_down (replay, value);
  HrValue k = hr_op_cast_down (replay, key);
  HrValue q = hr_op_cast_down (replay, query);
  HrElement autocast = replay->autocast;
  HrForward masked = *forward;
  HrValue output;

  replay->sentence = N_("in the attention, in its kernel");
  masked.mask = hr_op_cast_down (replay, forward->mask);
  replay->autocast = HR_ELEMENT_NONE;
  output = run_kernel (replay, &masked, q, k, v);
  replay->autocast = autocast;
  hr_replay_drop (replay, masked.mask);
  hr_replay_drop (replay, v);
  hr_replay_drop (replay, k);
  hr_replay_drop (replay, q);

  return output;
}
