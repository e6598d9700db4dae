/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-loss.h"

#include "hr-operator.h"
#include "hr-replay-ulysses.h"

/*
 * Cross entropies of Liger-Kernel, whose derivatives are computed in the forward pass: the kernel writes the gradient
 * over the logits (linkedin/Liger-Kernel, src/liger_kernel/ops, as of August 2026).
 */

/* Makes a number for a moment, such as a sum that is read by the host. */
static void
make_number (HrReplay   *replay,
             const char *operation,
             HrElement   element)
{
  hr_replay_drop (replay, hr_op_like (replay, operation, "number", HR_SHAPE (element)));
}

/* torch.equal (grad_output, torch.tensor (1.0)): what was computed in the forward pass is the gradient. */
static void
hand_on_saved (HrReplay     *replay,
               const HrNode *node,
               HrValue      *gradients)
{
  make_number (replay, "full", HR_ELEMENT_FLOAT32);
  hr_replay_reassign_component (replay, node->saved[0], HR_COMPONENT_TEMPORARY);
  gradients[0] = hr_op_view_gradient (replay, node->saved[0], node->inputs[0]);
  if (node->n_inputs > 1 && hr_value_needs_gradient (node->inputs[1]))
    gradients[1] = hr_replay_hold (replay, node->saved[1]);
}

/* cross_entropy_backward of ops/cross_entropy.py, fused_linear_cross_entropy_backward of the other file. */
static void
backward_computed (HrReplay     *replay,
                   const HrNode *node,
                   HrValue       gradient,
                   HrValue      *gradients)
{
  (void) gradient;

  hand_on_saved (replay, node, gradients);
}

/* Checks that labels are in range: (target * target_mask).max (), and likewise the least. */
static void
check_labels (HrReplay   *replay,
              HrValue     rows,
              const char *operation)
{
  HrValue masked;

  rows.element = HR_ELEMENT_INT64;
  masked = hr_op_like (replay, "mul", "target · target_mask", rows);
  make_number (replay, operation, HR_ELEMENT_INT64);
  hr_replay_drop (replay, masked);
  make_number (replay, "lt", HR_ELEMENT_BOOL);
}

/*
 * hr_training_loss_liger:
 * @replay: a tape
 * @logits: the logits in fp32, which the caller holds
 *
 * LigerCrossEntropyFunction of ops/cross_entropy.py, in the place of F.cross_entropy.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_liger (HrReplay *replay,
                        HrValue   logits)
{
  HrValue rows = hr_value_detach (logits);
  HrValue losses, mask, loss;

  replay->sentence = N_("in the loss, while the logits and their copy in fp32 are alive");
  rows.n_symbols--;
  rows.storage = -1;
  losses = hr_op_like (replay, "zeros", "loss_1d", rows);
  rows.element = HR_ELEMENT_BOOL;
  mask = hr_op_like (replay, "ne", "target_mask", rows);
  make_number (replay, "sum", HR_ELEMENT_INT64);
  check_labels (replay, rows, "max");
  check_labels (replay, rows, "min");
  loss = hr_op_like (replay, "sum", "loss", HR_SHAPE (logits.element));
  if (hr_autograd_record (replay, &loss, backward_computed, &logits, 1))
    hr_autograd_save (replay, loss, logits);
  hr_replay_drop (replay, mask);
  hr_replay_drop (replay, losses);

  return loss;
}

/*
 * @weight: the matrix of the output head
 * @input: the hidden states of all tokens
 * @grad_weight: the sum of its gradients so far, or none where it is not trained
 * @cast: the matrix as autocast makes it for the second product, which its cache may hold
 * @last: the logits of the chunk before, which variables still hold
 * @last_input: the hidden states of the chunk before, cast, likewise
 *
 * What is alive from one chunk of tokens to the next.
 */
typedef struct
{
  HrValue weight;
  HrValue input;
  HrValue grad_weight;
  HrValue cast;
  HrValue last;
  HrValue last_input;
} Chunks;

static HrValue
get_chunk (HrValue  x,
           HrSymbol tokens,
           HrSymbol width)
{
  HrValue chunk = HR_SHAPE (x.element, tokens, width);

  return chunk;
}

/* _input_chunk @ weight.t (): autocast casts both, the matrix each time anew, as it comes as a view. */
static HrValue
compute_logits (HrReplay     *replay,
                const Chunks *chunks,
                HrSymbol      tokens)
{
  HrSymbol width = chunks->input.symbols[chunks->input.n_symbols - 1];
  HrValue weight = hr_op_cast_down (replay, hr_value_detach (chunks->weight));
  HrValue part = hr_op_cast_down (replay, get_chunk (chunks->input, tokens, width));
  HrValue shape = get_chunk (part, tokens, HR_SYMBOL_VOCABULARY);
  HrValue logits = hr_replay_make (replay, "mm", "logits_chunk", HR_COMPONENT_LOGITS, shape);

  hr_replay_drop (replay, part);
  hr_replay_drop (replay, weight);

  return logits;
}

/*
 * torch.addmm (…, out=grad_weight), on GPUs since Ampere with torch from 2.8 on, where logits have 16 bits and the sum
 * has 32; else the product is cast to fp32 and added in place.
 */
static void
add_to_weight (HrReplay *replay,
               Chunks   *chunks,
               HrValue   logits,
               HrSymbol  tokens)
{
  HrSymbol width = chunks->input.symbols[chunks->input.n_symbols - 1];
  HrValue part = get_chunk (chunks->input, tokens, width);
  HrValue shape = chunks->grad_weight;
  HrValue product, copy;

  if (shape.element == HR_ELEMENT_FLOAT32 && hr_element_get_bytes (logits.element) < sizeof (float))
    {
      hr_replay_assign (replay, &chunks->last_input, HR_NO_VALUE);
      if (part.element != logits.element)
        {
          part.element = logits.element;
          chunks->last_input = hr_op_like (replay, "_to_copy", "input_chunk", part);
        }
      return;
    }

  part = hr_op_cast_down (replay, part);
  shape.element = logits.element;
  product = hr_op_like (replay, "mm", "grad_weight", shape);
  hr_replay_drop (replay, part);
  copy = hr_op_cast (replay, product, hr_element_widen (product.element));
  hr_replay_drop (replay, product);
  hr_replay_drop (replay, copy);
}

static void
run_chunk (HrReplay *replay,
           Chunks   *chunks,
           HrSymbol  tokens)
{
  HrSymbol width = chunks->input.symbols[chunks->input.n_symbols - 1];
  gboolean is_trained = chunks->grad_weight.storage >= 0;
  HrValue logits = compute_logits (replay, chunks, tokens);

  /* grad_logits_chunk is bound anew; its transpose still holds the one before, until that is. */
  if (!is_trained)
    hr_replay_assign (replay, &chunks->last, HR_NO_VALUE);
  if (chunks->cast.storage < 0)
    chunks->cast = hr_op_cast_parameter (replay, hr_value_detach (chunks->weight));
  hr_replay_drop (replay, hr_op_like (replay, "mm", "grad_input", get_chunk (logits, tokens, width)));
  hr_replay_assign (replay, &chunks->last, logits);
  if (is_trained)
    add_to_weight (replay, chunks, logits, tokens);
}

/* The first two chunks, and the last, are like all others; of a heap every request matters. */
static void
run_chunks (HrReplay *replay,
            Chunks   *chunks,
            guint64   n_tokens)
{
  guint64 chunk = replay->symbols[HR_SYMBOL_LOSS_CHUNK];
  guint64 n_chunks = (n_tokens + chunk - 1) / chunk;

  replay->symbols[HR_SYMBOL_LAST_LOSS_CHUNK] = n_tokens - (n_chunks - 1) * chunk;
  for (guint64 i = 0; i < n_chunks; i++)
    {
      if (replay->heap == NULL && i == 2 && n_chunks > 3)
        i = n_chunks - 1;
      run_chunk (replay, chunks, i + 1 < n_chunks ? HR_SYMBOL_LOSS_CHUNK : HR_SYMBOL_LAST_LOSS_CHUNK);
    }
}

/* triton.next_power_of_2 */
static guint64
get_next_power_of_2 (guint64 n)
{
  guint64 power = 1;

  while (power < n)
    power *= 2;

  return power;
}

/*
 * Chunks of tokens whose logits take about as much as all hidden states: their number is that of the vocabulary by the
 * width, and their length a power of two.
 */
static void
choose_chunks (HrReplay *replay,
               HrSymbol  width,
               guint64   n_tokens)
{
  guint64 n_chunks = (replay->symbols[HR_SYMBOL_VOCABULARY] + replay->symbols[width] - 1) / replay->symbols[width];

  replay->symbols[HR_SYMBOL_LOSS_CHUNK] = get_next_power_of_2 ((n_tokens + n_chunks - 1) / n_chunks);
}

/* fused_linear_cross_entropy_forward, from the gradients that it fills to their end. */
static HrValue
run_fused_linear (HrReplay *replay,
                  HrValue   hidden,
                  HrValue   weight,
                  HrValue  *grad_input,
                  HrValue  *grad_weight)
{
  HrSymbol width = hidden.symbols[hidden.n_symbols - 1];
  HrValue rows = hr_value_detach (hidden);
  Chunks chunks = { .weight = weight, .input = rows, .cast = HR_NO_VALUE, .last = HR_NO_VALUE,
                    .last_input = HR_NO_VALUE };
  HrValue losses, mask, loss;
  guint64 n_tokens;

  rows.n_symbols--;
  rows.storage = -1;
  n_tokens = hr_value_get_elements (rows, replay->symbols);
  choose_chunks (replay, width, n_tokens);

  *grad_input = hr_op_like (replay, "zeros_like", "grad_input", hr_value_detach (hidden));
  *grad_weight = hr_value_needs_gradient (weight)
                   ? hr_replay_make (replay, "zeros_like", "grad_weight", HR_COMPONENT_GRADIENTS,
                                     hr_value_detach (weight))
                   : HR_NO_VALUE;
  chunks.grad_weight = *grad_weight;
  rows.element = HR_ELEMENT_FLOAT32;
  losses = hr_op_like (replay, "zeros", "loss_1d", rows);
  rows.element = HR_ELEMENT_BOOL;
  mask = hr_op_like (replay, "ne", "target_mask", rows);
  make_number (replay, "sum", HR_ELEMENT_INT64);
  run_chunks (replay, &chunks, n_tokens);
  loss = hr_op_like (replay, "sum", "loss", HR_SHAPE (HR_ELEMENT_FLOAT32));
  hr_replay_drop (replay, chunks.last_input);
  hr_replay_drop (replay, chunks.last);
  hr_op_drop_cast (replay, weight, chunks.cast, FALSE);
  hr_replay_drop (replay, mask);
  hr_replay_drop (replay, losses);

  return loss;
}

/* Labels that are padded by one, and a copy of all but the first, or a view of them. */
static void
shift_labels (HrReplay *replay,
              HrValue  *labels)
{
  labels[0] = labels[1] = HR_NO_VALUE;
  if (hr_ulysses_is_used (replay))
    return;

  replay->symbols[HR_SYMBOL_LABELS] = replay->symbols[HR_SYMBOL_SEQUENCE] + 1;
  labels[0] = hr_op_like (replay, "constant_pad_nd", "labels",
                          HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_LABELS));
  labels[1] = replay->symbols[HR_SYMBOL_BATCH] == 1
                ? HR_NO_VALUE
                : hr_op_like (replay, "clone", "shift_labels",
                              HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
}

/*
 * hr_training_loss_fused_linear:
 * @replay: a tape
 * @hidden: the last hidden states, which the caller holds
 * @weight: the matrix of the output head
 *
 * LigerFusedLinearCrossEntropyFunction of ops/fused_linear_cross_entropy.py, and LigerForCausalLMLoss of
 * transformers/model/loss_utils.py, which calls it: a chunk of tokens at a time the logits, the loss, and the gradients
 * of the hidden states and of the matrix, which wait for the backward pass.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_fused_linear (HrReplay *replay,
                               HrValue   hidden,
                               HrValue   weight)
{
  const HrValue inputs[] = { hidden, weight };
  HrGraph *graph = replay->graph;
  HrValue labels[2];
  HrValue grad_input, grad_weight, loss;

  replay->sentence = N_("in the loss, while the logits of two chunks of tokens and the gradients of the output head "
                        "are alive");
  shift_labels (replay, labels);
  replay->graph = NULL;
  loss = run_fused_linear (replay, hidden, weight, &grad_input, &grad_weight);
  replay->graph = graph;
  if (hr_autograd_record (replay, &loss, backward_computed, inputs, G_N_ELEMENTS (inputs)))
    {
      hr_autograd_save (replay, loss, grad_input);
      hr_autograd_save (replay, loss, grad_weight);
    }
  hr_replay_drop (replay, grad_weight);
  hr_replay_drop (replay, grad_input);
  hr_replay_drop (replay, labels[1]);
  hr_replay_drop (replay, labels[0]);

  return loss;
}
