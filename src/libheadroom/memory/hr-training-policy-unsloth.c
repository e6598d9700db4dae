/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-policy-unsloth.h"

#include "hr-grpo-job.h"
#include "hr-inference-pass.h"
#include "hr-operator.h"
#include "hr-training-packing.h"
#include "hr-training-rollout.h"

/*
 * GRPO of Unsloth: grpo_accumulated_loss and UnslothEfficientGRPO of unsloth_zoo/rl_replacements.py (2026.8.13), and
 * _get_per_token_logps_and_entropies of unsloth/models/rl_replacements.py (2026.8.19), where vLLM writes the answers.
 * All answers of a micro-batch are one row without padding (UNSLOTH_GRPO_SEQ_PACKING), as soon as it has been found
 * once that this comes to the same. The log-probabilities are compiled, a chunk of answers at a time; torch's
 * partitioner keeps the products with the head’s matrix, as it makes none anew (ban_recompute_non_fusible of
 * torch/_functorch/partitioners.py), so that the logits of all answers are there when the backward pass begins.
 */

/* `max (4, seq_len // 4096)` of autotune_batch_and_chunks: chunks of an answer. */
#define MIN_CHUNKS 4
#define CHUNK_TOKENS 4096

/* The loss, the mean length and the mean divergence, and what is logged of each token. */
#define N_NUMBERS 3
#define N_LOGGED 3

/*
 * hr_training_packs_answers:
 * @self: a step
 *
 * Returns: whether Unsloth trains on answers
 */
gboolean
hr_training_packs_answers (const HrTraining *self)
{
  return self->layer_code == HR_LAYER_CODE_UNSLOTH && hr_algorithm_is_policy (self->algorithm);
}

/*
 * hr_training_unsloth_add_answers:
 * @self: a step
 * @replay: a tape
 *
 * Prompts and answers with a mask for each, advantages, how much padding is before prompts, log-probabilities by the
 * policy that has written the answers, by vLLM and by the reference model, and num_items_in_batch.
 */
void
hr_training_unsloth_add_answers (const HrTraining *self,
                                 HrReplay         *replay)
{
  guint64 n = self->generation_steps;
  guint64 prompt = self->pass.prompt - self->n_answers * self->completion;
  guint64 answers = self->n_answers * self->completion;

  hr_replay_add_inputs (replay, 2 * n, prompt * sizeof (gint64));
  hr_replay_add_inputs (replay, 2 * n, answers * sizeof (gint64));
  hr_replay_add_inputs (replay, n, self->n_answers * sizeof (float));
  hr_replay_add_inputs (replay, n, self->n_answers * sizeof (gint64));
  hr_replay_add_inputs (replay, (self->has_reference ? 3 : 2) * n, answers * sizeof (float));
  hr_replay_add_inputs (replay, 1, sizeof (gint64));
}

/*
 * hr_packed_answers_init:
 * @self: (out): variables
 * @replay: a tape, on which the numbers of answers and of their tokens are known
 *
 * Ids without padding before prompts, masks of what is no padding and of what is an answer, the row that is made of
 * them with the position of each token and its place in the batch. The backward pass asks which tokens come before one
 * of an answer.
 */
void
hr_packed_answers_init (HrPackedAnswers *self,
                        HrReplay        *replay)
{
  guint64 n_rows = replay->symbols[HR_SYMBOL_ANSWERS];
  guint64 n_tokens = replay->symbols[HR_SYMBOL_SEQUENCE];
  guint64 n_answers = n_rows * replay->symbols[HR_SYMBOL_COMPLETION];
  guint64 tokens = hr_ledger_round (n_tokens * sizeof (gint64));
  guint64 flags = hr_ledger_round (n_tokens);
  guint64 picked = hr_ledger_round (n_tokens - 1);

  replay->symbols[HR_SYMBOL_KEPT] =
    3 * hr_ledger_round (n_rows * sizeof (gint64)) + 3 * tokens + hr_ledger_round (n_rows * sizeof (gint32)) +
    hr_ledger_round (n_answers * sizeof (gint64)) +
    2 * flags + hr_ledger_round (2 * n_tokens * sizeof (gint64)) + picked +
    hr_ledger_round (n_answers * sizeof (float));
  self->variables = hr_op_like (replay, "gather", "packed_answers", HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
  replay->symbols[HR_SYMBOL_KEPT] = picked;
  self->kept = hr_op_like (replay, "bitwise_and", "packed_answers", HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
}

/*
 * hr_packed_answers_clear:
 * @self: variables
 * @replay: a tape
 *
 * Lets go of what the backward pass has needed.
 */
void
hr_packed_answers_clear (HrPackedAnswers *self,
                         HrReplay        *replay)
{
  hr_replay_assign (replay, &self->variables, HR_NO_VALUE);
  hr_replay_assign (replay, &self->kept, HR_NO_VALUE);
}

/* Tokens of a chunk of torch.chunk, and of the last, which may be shorter. */
typedef struct
{
  guint64 size;
  guint64 last;
  guint64 n_before;
} Chunks;

static Chunks
cut (HrReplay *replay)
{
  guint64 n_rows = replay->symbols[HR_SYMBOL_ANSWERS];
  guint64 length = replay->symbols[HR_SYMBOL_SEQUENCE] / n_rows;
  guint64 n_tokens = n_rows * replay->symbols[HR_SYMBOL_COMPLETION];
  guint64 n = n_rows * MAX (MIN_CHUNKS, length / CHUNK_TOKENS);
  Chunks chunks = { .size = (n_tokens + n - 1) / n };

  chunks.n_before = (n_tokens - 1) / chunks.size;
  chunks.last = n_tokens - chunks.n_before * chunks.size;

  return chunks;
}

static HrValue
get_bytes (void)
{
  return HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT);
}

/* What is kept of @n chunks of @size tokens: logits, and the sum of each token. */
static HrValue
make_chunks (HrReplay *replay,
             HrElement element,
             guint64   n,
             guint64   size)
{
  guint64 logits = hr_ledger_round (size * replay->symbols[HR_SYMBOL_VOCABULARY] * hr_element_get_bytes (element));

  replay->symbols[HR_SYMBOL_KEPT] = n * (logits + hr_ledger_round (size * sizeof (float)));

  return hr_replay_make (replay, "mm", "chunk_logits", HR_COMPONENT_LOGITS, get_bytes ());
}

static HrValue
get_answers (HrElement element)
{
  return HR_SHAPE (element, HR_SYMBOL_ANSWERS, HR_SYMBOL_COMPLETION);
}

/* What gather’s derivative adds into: zeros in fp32, as large as the logits of a chunk. */
static void
make_zeros (HrReplay *replay,
            guint64   size)
{
  replay->symbols[HR_SYMBOL_KEPT] = size * replay->symbols[HR_SYMBOL_VOCABULARY] * sizeof (float);
  hr_replay_drop (replay, hr_op_make_gradient (replay, "new_zeros", get_bytes ()));
}

/* What is saved of the log-probabilities. */
enum
{
  SAVED_IDS,
  SAVED_LAST,
  SAVED_BEFORE,
};

/*
 * The last chunk comes first: its gradient is written over its logits, and goes when a product with it has been written
 * into the gradient of the hidden states.
 */
static void
backward_log_probabilities (HrReplay     *replay,
                            const HrNode *node,
                            HrValue       gradient,
                            HrValue      *gradients)
{
  Chunks chunks = cut (replay);

  (void) gradient;

  make_zeros (replay, chunks.last);
  gradients[0] = hr_op_make_gradient (replay, "empty_strided", node->inputs[0]);
  hr_autograd_let_go (replay, node, node->saved[SAVED_LAST]);
  if (chunks.n_before > 0)
    make_zeros (replay, chunks.size);
}

/*
 * chunked_hidden_states_selective_log_softmax, as Inductor has it: of each chunk the logits and the sum of each token
 * stay, and beside the last the greatest of each. Without gradients all chunks use the same memory.
 */
static HrValue
compute_log_probabilities (HrReplay *replay,
                           HrValue   hidden)
{
  Chunks chunks = cut (replay);
  guint64 n_before = replay->graph != NULL ? chunks.n_before : 0;
  HrValue ids = hr_op_like (replay, "index", "_pack_tid", get_answers (HR_ELEMENT_INT64));
  HrValue result = hr_op_like (replay, "concat", "all_per_token_logps", get_answers (HR_ELEMENT_FLOAT32));
  HrValue before = n_before > 0 ? make_chunks (replay, hidden.element, n_before, chunks.size) : HR_NO_VALUE;
  HrValue last = make_chunks (replay, hidden.element, 1, replay->graph != NULL ? chunks.last : chunks.size);
  HrValue greatest;

  replay->symbols[HR_SYMBOL_KEPT] = chunks.last * sizeof (float);
  greatest = hr_op_like (replay, "amax", "amax", get_bytes ());
  hr_replay_drop (replay, greatest);
  if (hr_autograd_record (replay, &result, backward_log_probabilities, &hidden, 1))
    {
      hr_autograd_save (replay, result, ids);
      hr_autograd_save (replay, result, last);
      hr_autograd_save (replay, result, before);
    }
  hr_replay_drop (replay, last);
  hr_replay_drop (replay, before);
  hr_replay_drop (replay, ids);

  return result;
}

/* IndexBackward of torch: zeros for all tokens but the last. */
static void
backward_pick (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  (void) gradient;

  gradients[0] = hr_op_make_gradient (replay, "new_zeros", node->inputs[0]);
}

/* `_pack_hidden[0, :-1, :][_pack_ctgt]`: the tokens that come before one of an answer. */
static HrValue
pick_answers (HrReplay *replay,
              HrValue   hidden)
{
  HrSymbol width = hidden.symbols[hidden.n_symbols - 1];
  HrValue row, earlier, picked;

  replay->symbols[HR_SYMBOL_EARLIER] = replay->symbols[HR_SYMBOL_SEQUENCE] - 1;
  row = hr_op_slice (replay, hidden, HR_SHAPE (hidden.element, HR_SYMBOL_SEQUENCE, width));
  earlier = hr_op_slice (replay, row, HR_SHAPE (hidden.element, HR_SYMBOL_EARLIER, width));
  hr_replay_drop (replay, row);
  picked = hr_op_like (replay, "index", "_pack_h",
                       HR_SHAPE (hidden.element, HR_SYMBOL_ANSWERS, HR_SYMBOL_COMPLETION, width));
  hr_autograd_record (replay, &picked, backward_pick, &earlier, 1);
  hr_replay_drop (replay, earlier);

  return picked;
}

/* `torch.zeros (…).index_put ((_pack_tgt,), _pack_sel)`, of which the answers are a part. */
static HrValue
put_back (HrReplay *replay,
          HrValue  *log_probabilities)
{
  HrValue places = hr_op_like (replay, "index", "_pack_tgt", get_answers (HR_ELEMENT_INT64));
  HrValue rows = hr_op_like (replay, "index_put", "_pack_result", HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE));
  HrValue answers;

  if (hr_op_record (replay, &rows, HR_GRADIENT_LIKE_INPUT, "index", log_probabilities, 1))
    hr_autograd_save (replay, rows, places);
  answers = hr_op_slice (replay, rows, get_answers (HR_ELEMENT_FLOAT32));
  hr_replay_assign (replay, log_probabilities, HR_NO_VALUE);
  hr_replay_drop (replay, rows);
  hr_replay_drop (replay, places);

  return answers;
}

/* UnslothEfficientGRPO.backward: what was saved. */
static void
backward_efficient (HrReplay     *replay,
                    const HrNode *node,
                    HrValue       gradient,
                    HrValue      *gradients)
{
  (void) gradient;

  gradients[0] = hr_replay_hold (replay, node->saved[0]);
}

/* UnslothEfficientGRPO.forward: the loss, the gradient of the log-probabilities, and what is logged of each token. */
static HrValue
compute_loss (HrReplay *replay,
              HrValue   log_probabilities)
{
  HrGraph *graph = replay->graph;
  HrValue logged = get_answers (HR_ELEMENT_FLOAT32);
  HrValue copy = get_answers (HR_ELEMENT_FLOAT32);
  HrValue gradient, numbers, loss;

  replay->graph = NULL;
  gradient = hr_op_like (replay, "empty_like", "grad_inputs", get_answers (HR_ELEMENT_FLOAT32));
  loss = hr_op_like (replay, "zeros", "accumulated_loss", HR_SHAPE (HR_ELEMENT_FLOAT32));
  replay->symbols[HR_SYMBOL_KEPT] = (N_NUMBERS - 1) * hr_ledger_round (sizeof (float));
  numbers = hr_op_like (replay, "zeros", "accumulated_mean_kl", get_bytes ());
  logged.count = N_LOGGED;
  logged = hr_op_like (replay, "empty_strided", "accumulated_coef_1", logged);
  copy = hr_op_like (replay, "cat", "accumulated_coef_1", copy);
  hr_replay_drop (replay, copy);
  replay->graph = graph;
  if (hr_autograd_record (replay, &loss, backward_efficient, &log_probabilities, 1))
    hr_autograd_save (replay, loss, gradient);
  hr_replay_drop (replay, logged);
  hr_replay_drop (replay, numbers);
  hr_replay_drop (replay, gradient);

  return loss;
}

/*
 * hr_training_loss_unsloth_policy:
 * @replay: a tape
 * @hidden: the last hidden states of all tokens, which the caller holds
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_unsloth_policy (HrReplay *replay,
                                 HrValue   hidden)
{
  HrValue picked, log_probabilities, answers, loss;

  replay->sentence = N_("in the loss, while the logits of all answers are kept, a chunk of tokens after the other");
  picked = pick_answers (replay, hidden);
  log_probabilities = compute_log_probabilities (replay, picked);
  answers = put_back (replay, &log_probabilities);
  loss = compute_loss (replay, answers);
  hr_replay_drop (replay, answers);
  hr_replay_drop (replay, picked);

  return loss;
}

/*
 * hr_training_unsloth_read:
 * @self: a step
 * @replay: a tape
 * @tuning: (nullable): what the policy has beside the model, or %NULL for the reference model
 * @phase: the phase, which says who reads
 *
 * The log-probabilities of all answers that have come, without gradients, in one row (batch_size, where
 * autotune_batch_and_chunks finds all of them to fit).
 */
void
hr_training_unsloth_read (const HrTraining *self,
                          HrReplay         *replay,
                          const HrTuning   *tuning,
                          HrPhaseId         phase)
{
  HrInference pass = hr_training_init_reading (&self->pass, replay);
  HrTapeSettings before = hr_training_enter_inference (replay);
  HrValue picked, log_probabilities, places;
  HrPackedAnswers answers;
  HrStretch stretch;
  HrPass variables;

  hr_training_pack (&pass, self->pass.prompt * self->generation_steps, self->pass.examples * self->generation_steps);
  replay->tuning = tuning;
  replay->switched_off = before.tuning;
  replay->keeps_casts = before.autocast != HR_ELEMENT_NONE;
  replay->symbols[HR_SYMBOL_ANSWERS] = pass.examples;
  replay->symbols[HR_SYMBOL_SEQUENCE] = replay->symbols[HR_SYMBOL_TEXT] = pass.prompt;
  hr_ledger_enter_phase (&replay->ledger, phase);
  hr_packed_answers_init (&answers, replay);
  places = hr_op_like (replay, "_to_copy", "position_ids", HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_TEXT));
  hr_inference_run_layers (&pass, replay, 0, pass.prompt, &variables);
  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->sentence = N_("while the log-probabilities of all answers are computed, a chunk of tokens after the other");
  picked = pick_answers (replay, variables.hidden);
  log_probabilities = compute_log_probabilities (replay, picked);
  hr_replay_drop (replay, put_back (replay, &log_probabilities));
  hr_replay_drop (replay, picked);
  hr_replay_end (replay);
  hr_replay_assign (replay, &variables.hidden, HR_NO_VALUE);
  hr_inference_end_pass (&pass, replay, &variables);
  hr_replay_drop_casts (replay);
  hr_replay_drop (replay, places);
  hr_packed_answers_clear (&answers, replay);
  hr_training_leave_inference (self, replay, &before);
  replay->switched_off = NULL;
  replay->symbols[HR_SYMBOL_ANSWERS] = self->n_answers;
  replay->symbols[HR_SYMBOL_SEQUENCE] = replay->symbols[HR_SYMBOL_TEXT] = self->pass.prompt;
}
