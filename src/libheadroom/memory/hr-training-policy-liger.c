/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-policy.h"

#include "hr-operator-select.h"

/*
 * LigerFusedLinearGRPOLoss of liger_kernel/chunked_loss/grpo_loss.py (git ead96b61), as GRPOTrainer.compute_liger_loss
 * of trl/trainer/grpo_trainer.py calls it: an answer at a time, the log-probabilities of its tokens from parts of the
 * vocabulary, and in the forward pass the gradients of the hidden states and of the head's matrix, whether or not that
 * is trained (LigerFusedLinearPPOBase.forward of fused_linear_ppo.py).
 */

/* _SELECTIVE_LOGPROB_SEQ_CHUNK_SIZE and _SELECTIVE_LOGPROB_VOCAB_CHUNK_SIZE */
#define CHUNK_TOKENS G_GUINT64_CONSTANT (2048)
#define CHUNK_VOCABULARY G_GUINT64_CONSTANT (4096)

#define N_NUMBERS 5

/* chunk_max, max_new, rescale, sum_exp, target_logit */
#define N_ROWS_OF_NUMBERS 5

/* The variables of the loop over parts of the vocabulary, which hold those of one part until the next are there. */
typedef struct
{
  HrReplay *replay;
  HrSymbol width;
  HrElement hidden;
  HrElement weight;
  HrValue logits;
  HrValue exponentials;
  HrValue gradients;
} Parts;

static HrValue
get_part (HrElement element)
{
  return HR_SHAPE (element, HR_SYMBOL_LOSS_CHUNK, HR_SYMBOL_VOCABULARY_CHUNK);
}

static HrValue
make_part (Parts      *parts,
           const char *operation,
           const char *name)
{
  return hr_op_like (parts->replay, operation, name, get_part (HR_ELEMENT_FLOAT32));
}

/* (hidden_chunk @ weight_chunk.to (hidden.dtype).t ()).float () */
static void
compute_logits (Parts *parts)
{
  HrReplay *replay = parts->replay;
  HrElement element = replay->autocast != HR_ELEMENT_NONE ? replay->autocast : parts->hidden;
  HrValue rows = HR_SHAPE (element, HR_SYMBOL_LOSS_CHUNK, parts->width);
  HrValue columns = HR_SHAPE (element, HR_SYMBOL_VOCABULARY_CHUNK, parts->width);
  HrValue input = element != parts->hidden ? hr_op_like (replay, "_to_copy", "hidden_chunk", rows) : HR_NO_VALUE;
  HrValue matrix = element != parts->weight ? hr_op_like (replay, "_to_copy", "weight_chunk", columns) : HR_NO_VALUE;
  HrValue product = hr_op_like (replay, "mm", "logits_chunk", get_part (element));

  hr_replay_drop (replay, matrix);
  hr_replay_drop (replay, input);
  hr_replay_assign (replay, &parts->logits, hr_op_cast (replay, product, HR_ELEMENT_FLOAT32));
  hr_replay_drop (replay, product);
}

/* torch.exp (logits_chunk - …) */
static void
compute_exponentials (Parts *parts)
{
  HrValue difference = make_part (parts, "sub", "logits_chunk");

  hr_replay_assign (parts->replay, &parts->exponentials, make_part (parts, "exp", "probs"));
  hr_replay_drop (parts->replay, difference);
}

/*
 * grad_logits @ weight_chunk.float (), and likewise of the hidden states: autocast is on in this backward pass, which
 * runs within the forward pass (GraphTask of torch/csrc/autograd/graph_task.h takes the state of the thread over).
 */
static void
multiply_in_fp32 (Parts     *parts,
                  HrElement  element,
                  HrValue    factor,
                  HrValue    product)
{
  HrReplay *replay = parts->replay;
  HrValue wide = element != HR_ELEMENT_FLOAT32 ? hr_op_like (replay, "_to_copy", "float ()", factor) : HR_NO_VALUE;
  HrValue narrow[2] = { HR_NO_VALUE, HR_NO_VALUE };

  if (replay->autocast != HR_ELEMENT_NONE)
    {
      narrow[0] = hr_op_like (replay, "_to_copy", "grad_logits", get_part (replay->autocast));
      factor.element = product.element = replay->autocast;
      narrow[1] = hr_op_like (replay, "_to_copy", "weight_chunk", factor);
    }
  hr_replay_drop (replay, hr_op_like (replay, "mm", "grad_logits @ …", product));
  hr_replay_drop (replay, narrow[1]);
  hr_replay_drop (replay, narrow[0]);
  hr_replay_drop (replay, wide);
}

static void
compute_gradients (Parts *parts)
{
  HrValue rows = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_LOSS_CHUNK, parts->width);
  HrValue columns = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_VOCABULARY_CHUNK, parts->width);

  hr_replay_assign (parts->replay, &parts->gradients, make_part (parts, "mul", "grad_logits"));
  multiply_in_fp32 (parts, parts->weight, columns, rows);
  multiply_in_fp32 (parts, parts->hidden, rows, columns);
}

/* Parts of the vocabulary, and parts of an answer; of these the first two do as the others do. */
static void
run_parts (Parts    *parts,
           gboolean  is_backward)
{
  HrReplay *replay = parts->replay;
  guint64 vocabulary = replay->symbols[HR_SYMBOL_VOCABULARY];
  guint64 n_parts = (vocabulary + CHUNK_VOCABULARY - 1) / CHUNK_VOCABULARY;

  for (guint64 i = 0; i < n_parts; i++)
    {
      if (replay->heap == NULL && i == 2)
        break;
      replay->symbols[HR_SYMBOL_VOCABULARY_CHUNK] = MIN (CHUNK_VOCABULARY, vocabulary - i * CHUNK_VOCABULARY);
      compute_logits (parts);
      compute_exponentials (parts);
      if (is_backward)
        compute_gradients (parts);
    }
  hr_replay_assign (replay, &parts->gradients, HR_NO_VALUE);
  hr_replay_assign (replay, &parts->exponentials, HR_NO_VALUE);
  hr_replay_assign (replay, &parts->logits, HR_NO_VALUE);
}

/*
 * A part of an answer, with numbers of each token of it: the forward pass has the largest logit so far and that of this
 * part, what sums are multiplied by, the sum, and the logit of the target, beside which token that is.
 */
static void
run_part_of_answer (Parts    *parts,
                    gboolean  is_backward)
{
  HrReplay *replay = parts->replay;
  HrValue indices = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_LOSS_CHUNK);
  HrValue numbers = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_LOSS_CHUNK);
  HrValue rows[] = {
    hr_op_like (replay, "arange", "row_idx", indices),
    hr_op_like (replay, "clamp", "local_idx", indices),
    hr_op_like (replay, "bitwise_and", "in_chunk", HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_LOSS_CHUNK)),
    HR_NO_VALUE,
  };

  numbers.count = N_ROWS_OF_NUMBERS;
  if (!is_backward)
    rows[3] = hr_op_like (replay, "maximum", "max_new", numbers);
  run_parts (parts, is_backward);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    hr_replay_drop (replay, rows[i]);
}

static void
run_answer_parts (Parts    *parts,
                  gboolean  is_backward)
{
  HrReplay *replay = parts->replay;
  guint64 n_tokens = replay->symbols[HR_SYMBOL_COMPLETION];
  HrValue gradient = HR_NO_VALUE;

  if (is_backward)
    gradient = hr_op_like (replay, "mul", "grad_logprobs", HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_COMPLETION));
  for (guint64 i = 0; i < n_tokens; i += CHUNK_TOKENS)
    {
      if (replay->heap == NULL && i > 0)
        break;
      replay->symbols[HR_SYMBOL_LOSS_CHUNK] = MIN (CHUNK_TOKENS, n_tokens - i);
      run_part_of_answer (parts, is_backward);
    }
  hr_replay_drop (replay, gradient);
}

/*
 * _selective_logprob_forward and _selective_logprob_backward: both gradients are made in fp32, and cast when they are
 * there; that of the matrix is added to the others' and goes.
 *
 * Returns: the gradient of the hidden states, which a list holds
 */
static HrValue
run_answer (Parts   *parts,
            HrValue  weight)
{
  HrReplay *replay = parts->replay;
  HrValue rows = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_COMPLETION, parts->width);
  HrValue numbers = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_COMPLETION);
  HrValue log_probabilities = hr_op_like (replay, "empty", "logprobs", numbers);
  HrValue log_z = hr_op_like (replay, "empty", "log_z", numbers);
  HrValue matrix = hr_value_detach (weight);
  HrValue of_hidden, of_weight, result;

  run_answer_parts (parts, FALSE);
  matrix.storage = -1;
  matrix.element = HR_ELEMENT_FLOAT32;
  of_hidden = hr_op_like (replay, "zeros", "grad_hidden", rows);
  of_weight = hr_op_like (replay, "zeros", "grad_weight", matrix);
  run_answer_parts (parts, TRUE);
  result = hr_op_cast (replay, of_hidden, parts->hidden);
  hr_replay_drop (replay, hr_op_cast (replay, of_weight, parts->weight));
  hr_replay_drop (replay, of_weight);
  hr_replay_drop (replay, of_hidden);
  hr_replay_drop (replay, log_z);
  hr_replay_drop (replay, log_probabilities);

  return result;
}

/* Those of the answers before are in a list while the last is worked on; of a heap every request matters. */
static HrValue
run_answers (Parts   *parts,
             HrValue  weight)
{
  HrReplay *replay = parts->replay;
  guint64 n = replay->symbols[HR_SYMBOL_BATCH];
  g_autofree HrValue *list = g_new (HrValue, n);
  guint64 n_replayed = replay->heap != NULL ? n : 1;
  HrValue before = HR_NO_VALUE, joined;

  if (n_replayed < n)
    {
      HrValue rows = HR_SHAPE (parts->hidden, HR_SYMBOL_COMPLETION, parts->width);

      replay->symbols[HR_SYMBOL_KEPT] = (n - 1) * hr_ledger_round (hr_value_get_elements (rows, replay->symbols) *
                                                                   hr_element_get_bytes (parts->hidden));
      before = hr_op_like (replay, "_to_copy", "grad_inputs", HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
    }
  for (guint64 i = 0; i < n_replayed; i++)
    list[i] = run_answer (parts, weight);
  joined = hr_op_like (replay, "cat", "grad_input",
                       HR_SHAPE (parts->hidden, HR_SYMBOL_BATCH, HR_SYMBOL_COMPLETION, parts->width));
  for (guint64 i = 0; i < n_replayed; i++)
    hr_replay_drop (replay, list[i]);
  hr_replay_drop (replay, before);

  return joined;
}

/* LigerFusedLinearPPOBase.backward: what was saved is handed on, of one micro-batch of several multiplied. */
static void
backward_computed (HrReplay     *replay,
                   const HrNode *node,
                   HrValue       gradient,
                   HrValue      *gradients)
{
  (void) gradient;

  for (guint i = 0; i < node->n_inputs; i++)
    {
      HrValue shape = node->saved[i];

      shape.storage = -1;
      hr_replay_reassign_component (replay, node->saved[i], HR_COMPONENT_TEMPORARY);
      gradients[i] = replay->symbols[HR_SYMBOL_MICRO_BATCHES] > 1 ? hr_op_make_gradient (replay, "mul", shape)
                                                                  : hr_replay_hold (replay, node->saved[i]);
    }
  if (hr_value_needs_gradient (node->inputs[1]))
    return;

  hr_replay_drop (replay, gradients[1]);
  gradients[1] = HR_NO_VALUE;
}

/*
 * hr_training_loss_liger_policy:
 * @replay: a tape
 * @hidden: the last hidden states of all tokens, which the caller holds
 * @weight: the matrix of the output head
 * @n_micro_batches: how many micro-batches the loss is divided by
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_liger_policy (HrReplay *replay,
                               HrValue   hidden,
                               HrValue   weight,
                               guint64   n_micro_batches)
{
  HrSymbol width = hidden.symbols[hidden.n_symbols - 1];
  HrGraph *graph = replay->graph;
  Parts parts = {
    .replay = replay, .width = width, .hidden = hidden.element, .weight = weight.element, .logits = HR_NO_VALUE,
    .exponentials = HR_NO_VALUE, .gradients = HR_NO_VALUE,
  };
  HrValue earlier, answers, grad_input, grad_weight, loss, numbers;

  replay->sentence = N_("in the loss, while the gradient of the head’s matrix in fp32 and logits of a part of the "
                        "vocabulary are alive");
  replay->symbols[HR_SYMBOL_MICRO_BATCHES] = n_micro_batches;
  replay->symbols[HR_SYMBOL_EARLIER] = replay->symbols[HR_SYMBOL_SEQUENCE] - 1;
  earlier = hr_op_slice (replay, hidden, HR_SHAPE (hidden.element, HR_SYMBOL_BATCH, HR_SYMBOL_EARLIER, width));
  answers = hr_op_slice (replay, earlier, HR_SHAPE (hidden.element, HR_SYMBOL_BATCH, HR_SYMBOL_COMPLETION, width));
  hr_replay_drop (replay, earlier);
  replay->graph = NULL;
  grad_weight = hr_op_like (replay, "zeros_like", "grad_weight", hr_value_detach (weight));
  /* The loss and how much is clipped, of an answer and of all, and the gradient that a backward pass begins with. */
  replay->symbols[HR_SYMBOL_KEPT] = N_NUMBERS * hr_ledger_round (sizeof (float));
  numbers = hr_op_like (replay, "zeros", "loss_acc", HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
  grad_input = run_answers (&parts, weight);
  hr_replay_drop (replay, numbers);
  loss = hr_op_like (replay, "zeros", "loss", HR_SHAPE (HR_ELEMENT_FLOAT32));
  replay->graph = graph;
  if (hr_autograd_record (replay, &loss, backward_computed, (HrValue[]) { answers, weight }, 2))
    {
      hr_autograd_save (replay, loss, grad_input);
      hr_autograd_save (replay, loss, grad_weight);
    }
  hr_replay_drop (replay, grad_input);
  hr_replay_drop (replay, grad_weight);
  hr_replay_drop (replay, answers);

  return loss;
}
