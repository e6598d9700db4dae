/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-loss.h"

#include "hr-operator.h"

/*
 * UnslothFusedLoss of unsloth_zoo/fused_losses/cross_entropy_loss.py (2026.8.13): the logits, the loss and the gradient
 * of the hidden states, a chunk of tokens at a time, in the forward pass. What happens to a chunk is compiled.
 */

/* What is made of a chunk is meant to stay below this (_get_chunk_multiplier), where half of what is free is more. */
#define TARGET_BYTES (4.0 * 1024 * 1024 * 1024)

/* ALIGN_BYTES of torch/_inductor/utils.py */
static guint64
align (guint64 n_bytes)
{
  return (n_bytes + 63) / 64 * 64;
}

/* get_chunk_size: all tokens at once if their logits in fp32 are that small, or a multiple of four chunks. */
static guint64
count_chunks (guint64 n_tokens,
              guint64 vocabulary)
{
  double exact = (double) n_tokens * vocabulary * sizeof (float) / TARGET_BYTES;
  guint64 quarters = exact / 4;

  if (exact <= 1.0 + 1e-9)
    return 1;

  return (quarters + (exact / 4 - quarters > 1e-9)) * 4;
}

/*
 * accumulate_chunk as Inductor plans its memory (the option memory_planning): one piece, with the logits, over which
 * their gradient is written, and beside them three numbers of each row, and later the gradient of the hidden states.
 */
static void
run_chunk (HrReplay *replay,
           HrValue   hidden,
           HrValue   weight,
           guint64   n_tokens)
{
  guint64 element = hr_element_get_bytes (weight.element);
  guint64 width = replay->symbols[hidden.symbols[hidden.n_symbols - 1]];
  guint64 logits = align (element * n_tokens * replay->symbols[HR_SYMBOL_VOCABULARY]);
  guint64 rows = 3 * align (sizeof (float) * n_tokens) + sizeof (float);

  replay->symbols[HR_SYMBOL_LOSS_POOL] = logits + MAX (element * n_tokens * width, rows);
  hr_replay_drop (replay, hr_replay_make (replay, "empty_strided", "pool", HR_COMPONENT_LOGITS,
                                          HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_LOSS_POOL)));
}

/* The first chunk is as large as the others, but for the last; of a heap every request matters. */
static void
run_chunks (HrReplay *replay,
            HrValue   hidden,
            HrValue   weight)
{
  HrValue tokens = hr_value_detach (hidden);
  guint64 n_tokens, chunk;

  tokens.n_symbols--;
  n_tokens = hr_value_get_elements (tokens, replay->symbols);
  chunk = count_chunks (n_tokens, replay->symbols[HR_SYMBOL_VOCABULARY]);
  chunk = (n_tokens + chunk - 1) / chunk;
  run_chunk (replay, hidden, weight, chunk);
  for (guint64 done = chunk; replay->heap != NULL && done < n_tokens; done += chunk)
    run_chunk (replay, hidden, weight, MIN (chunk, n_tokens - done));
}

/* `grad_inputs * scale_factor`, which does not write over what was kept. */
static void
backward_fused (HrReplay     *replay,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  HrValue mean = hr_op_make_gradient (replay, "mean", HR_SHAPE (HR_ELEMENT_FLOAT32));
  HrValue scale = hr_op_make_gradient (replay, "div", HR_SHAPE (HR_ELEMENT_FLOAT32));

  (void) gradient;

  gradients[0] = hr_op_make_gradient (replay, "mul", node->inputs[0]);
  hr_replay_drop (replay, scale);
  hr_replay_drop (replay, mean);
}

/*
 * hr_training_loss_unsloth:
 * @replay: a tape
 * @hidden: the last hidden states, which the caller holds
 * @weight: the matrix of the output head, which is not trained
 * @is_packed: whether rows are of several examples
 *
 * unsloth_fused_ce_loss.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_unsloth (HrReplay *replay,
                          HrValue   hidden,
                          HrValue   weight,
                          gboolean  is_packed)
{
  HrValue rows = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrGraph *graph = replay->graph;
  HrValue masked = HR_NO_VALUE;
  HrValue labels, divisor, grad_inputs, loss;

  replay->sentence = N_("in the loss, while the logits of a chunk of tokens and the gradient of the hidden states are "
                        "alive");
  replay->graph = NULL;
  /* mask_packed_boundary_labels of unsloth/utils/packing.py */
  if (is_packed)
    masked = hr_op_like (replay, "index_fill", "labels", rows);
  labels = hr_op_like (replay, "empty_like", "labels", rows);
  divisor = hr_op_like (replay, "_to_copy", "divisor", HR_SHAPE (HR_ELEMENT_FLOAT32));
  grad_inputs = hr_op_like (replay, "empty_like", "grad_inputs", hr_value_detach (hidden));
  loss = hr_op_like (replay, "zeros", "loss", HR_SHAPE (HR_ELEMENT_FLOAT32));
  run_chunks (replay, hidden, weight);
  replay->graph = graph;
  if (hr_autograd_record (replay, &loss, backward_fused, &hidden, 1))
    hr_autograd_save (replay, loss, grad_inputs);
  hr_replay_drop (replay, grad_inputs);
  hr_replay_drop (replay, divisor);
  hr_replay_drop (replay, labels);
  hr_replay_drop (replay, masked);

  return loss;
}
