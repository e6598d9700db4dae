/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-policy.h"

#include "hr-operator-select.h"
#include "hr-training-log.h"
#include "hr-training-loss.h"

/*
 * The losses of TRL's trainers that compare answers, from the logits to a number. They are computed from the
 * log-probability of each token of an answer, outside of the model's function and of autocast.
 */

static HrValue
get_row (HrValue logits)
{
  return HR_SHAPE (logits.element, HR_SYMBOL_COMPLETION, HR_SYMBOL_VOCABULARY);
}

/*
 * Each sequence makes the gradient of what it has gathered, and that of its log-softmax, which takes the place of what
 * was kept for it. They are stacked where all are there.
 */
static void
backward_rows_of_log_softmax (HrReplay     *replay,
                              const HrNode *node,
                              HrValue       gradient,
                              HrValue      *gradients)
{
  HrValue zeros = hr_op_make_gradient (replay, "new_zeros", get_row (node->inputs[0]));
  HrValue row = hr_op_make_gradient (replay, "_log_softmax_backward_data", get_row (node->inputs[0]));

  hr_replay_drop (replay, row);
  hr_replay_drop (replay, zeros);
  gradients[0] = hr_op_make_gradient (replay, "stack", node->inputs[0]);
}

/* exp (logits - logsumexp) · gradient for each sequence, then stacked. */
static void
backward_rows_of_logsumexp (HrReplay     *replay,
                            const HrNode *node,
                            HrValue       gradient,
                            HrValue      *gradients)
{
  HrValue rows = hr_op_make_gradient (replay, "mul", node->inputs[0]);
  HrValue difference = hr_op_make_gradient (replay, "sub", get_row (node->inputs[0]));
  HrValue exponential = hr_op_make_gradient (replay, "exp", get_row (node->inputs[0]));

  hr_replay_drop (replay, exponential);
  hr_replay_drop (replay, difference);
  gradients[0] = hr_op_make_gradient (replay, "stack", node->inputs[0]);
  hr_replay_drop (replay, rows);
}

static HrValue
get_tokens (HrElement element)
{
  return HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_COMPLETION);
}

/* Those of all sequences are kept; without gradients only of the one before, until that of the next is there. */
static HrValue
get_log_softmax (HrReplay *replay,
                 HrValue   logits)
{
  HrValue row = get_row (logits);

  if (hr_value_needs_gradient (logits))
    return logits;

  row.count = MIN (2, replay->symbols[HR_SYMBOL_BATCH]);

  return row;
}

/*
 * selective_log_softmax in trl/trainer/utils.py. In 16 bits the log-softmax of each sequence is kept; in fp32 the
 * logits themselves and their logsumexp.
 */
static HrValue
compute_log_probabilities (HrReplay *replay,
                           HrValue   logits)
{
  HrValue ids = get_tokens (HR_ELEMENT_INT64);
  HrValue result, all, selected;

  if (hr_element_get_bytes (logits.element) < sizeof (float))
    {
      all = hr_op_like (replay, "_log_softmax", "log_softmax(logits)", get_log_softmax (replay, logits));
      selected = hr_op_like (replay, "gather", "row_per_token_logps", get_tokens (logits.element));
      result = hr_op_like (replay, "stack", "per_token_logps", get_tokens (logits.element));
      if (hr_autograd_record (replay, &result, backward_rows_of_log_softmax, &logits, 1))
        hr_autograd_save (replay, result, all);
      hr_replay_drop (replay, selected);
      hr_replay_drop (replay, all);
      return result;
    }

  selected = hr_op_gather (replay, "selected_logits", logits, ids);
  all = hr_op_like (replay, "stack", "logsumexp_values", get_tokens (logits.element));
  if (hr_autograd_record (replay, &all, backward_rows_of_logsumexp, &logits, 1))
    {
      hr_autograd_save (replay, all, logits);
      hr_autograd_save (replay, all, all);
    }
  result = hr_op_binary (replay, HR_BINARY_SUB, "per_token_logps", selected, all);
  hr_replay_drop (replay, all);
  hr_replay_drop (replay, selected);

  return result;
}

/* entropy_from_logits in trl/trainer/utils.py, without gradients: a part of a longer row of each sequence is copied. */
static HrValue
compute_entropies (HrReplay *replay,
                   HrValue   logits)
{
  HrGraph *graph = replay->graph;
  guint64 n_tokens = replay->symbols[HR_SYMBOL_BATCH] * replay->symbols[HR_SYMBOL_COMPLETION];
  HrValue flat, entropies;

  replay->graph = NULL;
  flat = replay->symbols[HR_SYMBOL_BATCH] > 1 ? hr_op_like (replay, "clone", "flat_logits", logits)
                                              : hr_replay_hold (replay, logits);
  hr_training_compute_entropy (replay, hr_training_get_entropy_chunk (logits.element, n_tokens));
  entropies = hr_op_like (replay, "cat", "entropies", get_tokens (logits.element));
  hr_replay_drop (replay, flat);
  replay->graph = graph;

  return entropies;
}

/*
 * CopySlices of torch/csrc/autograd/functions/tensor.cpp: the gradient of the whole is copied, the part of it that was
 * changed in place is copied once more and divided, and goes back into the whole.
 */
static void
backward_divide_part (HrReplay     *replay,
                      const HrNode *node,
                      HrValue       gradient,
                      HrValue      *gradients)
{
  HrValue part = node->inputs[1];
  HrValue copy, quotient;

  part.element = gradient.element;
  gradients[0] = hr_op_make_gradient (replay, "new_empty_strided", gradient);
  copy = hr_op_make_gradient (replay, "clone", part);
  quotient = hr_op_make_gradient (replay, "div", part);
  hr_replay_drop (replay, copy);
  hr_replay_drop (replay, quotient);
}

static HrValue
get_answers (HrValue logits)
{
  return HR_SHAPE (logits.element, HR_SYMBOL_BATCH, HR_SYMBOL_COMPLETION, HR_SYMBOL_VOCABULARY);
}

/* The part of the logits that answers are read from, divided in place. */
static HrValue
divide_part (HrReplay *replay,
             HrValue   logits)
{
  const HrValue inputs[] = { logits, get_answers (logits) };
  HrValue divided = hr_replay_hold (replay, logits);
  HrValue part;

  hr_autograd_record (replay, &divided, backward_divide_part, inputs, G_N_ELEMENTS (inputs));
  part = hr_op_slice (replay, divided, get_answers (logits));
  hr_replay_drop (replay, divided);

  return part;
}

/* `logits[:, :-1].div_ (temperature)`: the last token of a sequence has no next one. */
static HrValue
divide_by_temperature (HrReplay *replay,
                       HrValue   logits)
{
  HrValue rest = divide_part (replay, logits);
  HrValue part = hr_op_slice (replay, rest, get_answers (logits));

  hr_replay_drop (replay, rest);

  return part;
}

static HrValue
reduce (HrReplay *replay,
        HrValue   losses)
{
  HrValue sums = HR_SHAPE (losses.element, HR_SYMBOL_BATCH);
  HrValue loss, sum;

  sum = hr_op_like (replay, "sum", "loss", sums);
  hr_op_record (replay, &sum, HR_GRADIENT_HELD, NULL, &losses, 1);
  loss = hr_op_like (replay, "mean", "loss", HR_SHAPE (losses.element));
  hr_op_record (replay, &loss, HR_GRADIENT_LIKE_INPUT, "div", &sum, 1);
  hr_replay_drop (replay, sum);

  return loss;
}

/*
 * hr_training_loss_clipped:
 * @replay: a tape
 * @log_probabilities: those of the tokens of the answers, which the caller holds
 *
 * The ratio to the probabilities of the policy that answered, clipped and not, each times the advantage.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_clipped (HrReplay *replay,
                          HrValue   log_probabilities)
{
  HrValue advantages = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH);
  HrValue mask = get_tokens (HR_ELEMENT_INT64);
  HrValue shape = get_tokens (HR_ELEMENT_FLOAT32);
  HrValue log_ratio, ratio, clipped, first, second, least, masked, loss;

  log_ratio = hr_op_binary (replay, HR_BINARY_SUB, "log_ratio", log_probabilities,
                            hr_value_detach (log_probabilities));
  ratio = hr_op_unary (replay, HR_UNARY_EXP, "coef_1", log_ratio);
  clipped = hr_op_unary (replay, HR_UNARY_CLAMP, "coef_2", ratio);
  first = hr_op_binary_as (replay, HR_BINARY_MUL, "per_token_loss1", ratio, advantages, shape);
  second = hr_op_binary_as (replay, HR_BINARY_MUL, "per_token_loss2", clipped, advantages, shape);
  least = hr_op_binary (replay, HR_BINARY_MIN, "per_token_loss", first, second);
  hr_replay_assign (replay, &least, hr_op_unary (replay, HR_UNARY_NEG, "per_token_loss", least));
  masked = hr_op_binary_as (replay, HR_BINARY_MUL, "per_token_loss * mask", least, mask, shape);
  loss = reduce (replay, masked);
  hr_replay_drop (replay, masked);
  hr_replay_drop (replay, least);
  hr_replay_drop (replay, second);
  hr_replay_drop (replay, first);
  hr_replay_drop (replay, clipped);
  hr_replay_drop (replay, ratio);
  hr_replay_drop (replay, log_ratio);

  return loss;
}

/* The values that were foreseen, compared with what came: the larger of two squares. */
static HrValue
compute_value_loss (HrReplay *replay,
                    HrValue   values)
{
  HrValue taken = hr_op_slice (replay, values, get_tokens (values.element));
  HrValue squares = hr_op_unary (replay, HR_UNARY_POW, "vf_losses1", taken);
  HrValue loss = reduce (replay, squares);

  hr_replay_drop (replay, squares);
  hr_replay_drop (replay, taken);

  return loss;
}

/* The stretch of a step in which a loss outside of the model is computed. */
void
hr_training_loss_begin (HrReplay  *replay,
                        HrStretch *stretch)
{
  hr_replay_begin (replay, stretch, "loss", -1);
  replay->component = HR_COMPONENT_LOGITS;
}

void
hr_training_loss_end (HrReplay *replay)
{
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_replay_end (replay);
}

/*
 * hr_training_loss_policy:
 * @replay: a tape
 * @logits: (transfer full): the logits of the answers' tokens and of the one before
 *
 * GRPOTrainer._compute_loss of trl/trainer/grpo_trainer.py: log-probabilities and entropies of the answers, the ratio
 * to those of the policy that answered, which is the same in the first step of an iteration, clipped.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_policy (HrReplay *replay,
                         HrValue   logits)
{
  HrStretch stretch;
  HrValue part, log_probabilities, entropies, loss;

  hr_training_loss_begin (replay, &stretch);
  replay->sentence = N_("in the loss, while the entropies of the answers are computed from a copy of their logits");
  part = divide_by_temperature (replay, logits);
  log_probabilities = compute_log_probabilities (replay, part);
  entropies = compute_entropies (replay, part);
  hr_replay_drop (replay, part);
  hr_replay_drop (replay, logits);
  loss = hr_training_loss_clipped (replay, log_probabilities);
  hr_replay_drop (replay, entropies);
  hr_replay_drop (replay, log_probabilities);
  hr_training_loss_end (replay);

  return loss;
}

/*
 * hr_training_loss_proximal:
 * @replay: a tape
 * @logits: the logits of all tokens, which the caller holds
 * @values: what the value model foresees at each of them, which the caller holds
 *
 * PPOTrainer.train of trl/experimental/ppo/ppo_trainer.py: the ratio of the log-probabilities of the answers to those
 * of the policy that wrote them, clipped, and how far the values are off.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_proximal (HrReplay *replay,
                           HrValue   logits,
                           HrValue   values)
{
  HrStretch stretch;
  HrValue part, log_probabilities, value_loss, loss;

  hr_training_loss_begin (replay, &stretch);
  replay->sentence = N_("in the loss, while the logits of the answers and their log-softmax are alive");
  part = divide_part (replay, logits);
  log_probabilities = compute_log_probabilities (replay, part);
  hr_replay_drop (replay, part);
  value_loss = compute_value_loss (replay, values);
  loss = hr_training_loss_clipped (replay, log_probabilities);
  hr_replay_drop (replay, log_probabilities);
  hr_replay_assign (replay, &loss, hr_op_binary (replay, HR_BINARY_ADD, "loss", loss, value_loss));
  hr_replay_drop (replay, value_loss);
  hr_training_loss_end (replay);

  return loss;
}

/*
 * hr_training_log_proximal:
 * @replay: a tape
 * @logits: the logits of all tokens, which the caller holds
 *
 * What PPOTrainer.train computes of the logits for its log, when the optimizer has stepped: probabilities, and the
 * entropy, which a product of the two is summed up for.
 *
 * Returns: the probabilities, which a variable holds
 */
HrValue
hr_training_log_proximal (HrReplay *replay,
                          HrValue   logits)
{
  HrStretch stretch;
  HrValue probabilities, product;

  hr_training_loss_begin (replay, &stretch);
  replay->sentence = N_("after the optimizer’s step, while the entropy of the answers is computed for the log");
  probabilities = hr_op_like (replay, "_softmax", "prob_dist", get_answers (logits));
  product = hr_op_like (replay, "mul", "prob_dist * logits", get_answers (logits));
  hr_replay_drop (replay, product);
  hr_training_loss_end (replay);

  return probabilities;
}

/*
 * hr_training_score_answers:
 * @replay: a tape
 * @logits: logits, which the caller holds
 *
 * Returns: the log-probabilities of the answers' tokens, each but for the first
 */
HrValue
hr_training_score_answers (HrReplay *replay,
                           HrValue   logits)
{
  HrStretch stretch;
  HrValue part, log_probabilities;

  hr_training_loss_begin (replay, &stretch);
  replay->sentence = N_("in the loss, while the logits of the answers and their log-softmax are alive");
  part = hr_op_slice (replay, logits, get_answers (logits));
  log_probabilities = compute_log_probabilities (replay, part);
  hr_replay_drop (replay, part);
  hr_training_loss_end (replay);

  return log_probabilities;
}

/*
 * hr_training_take_answers:
 * @replay: a tape
 * @logits: logits of all tokens, which the caller holds
 *
 * OnlineDPOTrainer._forward of trl/experimental/online_dpo/online_dpo_trainer.py: the log-softmax of all answers at
 * once, of which those of the tokens are taken (torch.take_along_dim).
 *
 * Returns: the log-probabilities of the answers' tokens
 */
HrValue
hr_training_take_answers (HrReplay *replay,
                          HrValue   logits)
{
  HrStretch stretch;
  HrValue part, all, indices, taken;

  hr_training_loss_begin (replay, &stretch);
  replay->sentence = N_("in the loss, while the logits of the answers and their log-softmax are alive");
  part = hr_op_slice (replay, logits, get_answers (logits));
  all = hr_op_log_softmax (replay, part);
  indices = hr_op_like (replay, "remainder", "indices", get_tokens (HR_ELEMENT_INT64));
  taken = hr_op_gather (replay, "logprobs", all, indices);
  hr_replay_drop (replay, indices);
  hr_replay_drop (replay, all);
  hr_replay_drop (replay, part);
  hr_training_loss_end (replay);

  return taken;
}

/*
 * hr_training_loss_chosen:
 * @replay: a tape
 * @logits: the logits of chosen and of rejected answers, which the caller holds
 *
 * ORPOTrainer.concatenated_forward of trl/experimental/orpo/orpo_trainer.py: the cross entropy of the chosen ones, of
 * whose logits all but the last are made contiguous.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_chosen (HrReplay *replay,
                         HrValue   logits)
{
  HrValue chosen = HR_SHAPE (logits.element, HR_SYMBOL_PAIRS, HR_SYMBOL_SEQUENCE, HR_SYMBOL_VOCABULARY);
  HrValue shape = HR_SHAPE (logits.element, HR_SYMBOL_PAIRS, HR_SYMBOL_COMPLETION, HR_SYMBOL_VOCABULARY);
  HrStretch stretch;
  HrValue half, shifted, loss;

  replay->symbols[HR_SYMBOL_PAIRS] = replay->symbols[HR_SYMBOL_BATCH] / 2;
  hr_training_loss_begin (replay, &stretch);
  half = hr_op_slice (replay, logits, chosen);
  shifted = hr_op_slice (replay, half, shape);
  if (replay->symbols[HR_SYMBOL_PAIRS] > 1)
    hr_replay_assign (replay, &shifted, hr_op_copy (replay, "logits", shifted, shape));
  hr_replay_drop (replay, half);
  hr_training_loss_end (replay);
  loss = hr_training_loss_cross_entropy (replay, shifted, FALSE);
  hr_replay_drop (replay, shifted);

  return loss;
}

/*
 * hr_training_loss_preference:
 * @replay: a tape
 * @log_probabilities: (transfer full): those of the tokens of the answers
 * @addend: (transfer full): a loss that is added, or none
 *
 * DPOTrainer._compute_loss of trl/trainer/dpo_trainer.py, but for what it logs: the sums of the log-probabilities of
 * both answers, compared with those of the reference model. KTO (trl/trainer/kto_trainer.py), ORPO and SimPO
 * (trl/experimental/cpo/cpo_trainer.py) make theirs of the same sums.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_preference (HrReplay *replay,
                             HrValue   log_probabilities,
                             HrValue   addend)
{
  HrStretch stretch;
  HrValue loss;

  hr_training_loss_begin (replay, &stretch);
  loss = reduce (replay, log_probabilities);
  hr_replay_drop (replay, log_probabilities);
  if (addend.storage >= 0)
    hr_replay_assign (replay, &loss, hr_op_binary (replay, HR_BINARY_ADD, "loss", addend, loss));
  hr_replay_drop (replay, addend);
  hr_training_loss_end (replay);

  return loss;
}

/* `half_logits[mask.bool ()].mean (-1).sum ()`: at most all of the tokens are those of an answer. */
static void
average_logits (HrReplay   *replay,
                HrElement   element,
                const char *name)
{
  HrValue taken = hr_op_like (replay, "index", name,
                              HR_SHAPE (element, HR_SYMBOL_PAIRS, HR_SYMBOL_COMPLETION, HR_SYMBOL_VOCABULARY));
  HrValue means = hr_op_like (replay, "mean", name, HR_SHAPE (element, HR_SYMBOL_PAIRS, HR_SYMBOL_COMPLETION));

  hr_replay_drop (replay, taken);
  hr_replay_drop (replay, means);
}

/* Of DPOTrainer._compute_loss: logps, ref_logps, both logratios, delta_score, what logsigmoid reads, its result. */
#define NUMBERS_OF_A_PAIR 7

/*
 * Of KTOTrainer._compute_loss, with a number for each answer at most: the sums of the log-probabilities by both models,
 * also for answers to other prompts, and of good and of bad answers; which these are, and how many; the divergence;
 * ratios, what sigmoid has made of them, losses and rewards of both; all losses.
 */
#define VECTORS_OF_NUMBERS 22

/*
 * Variables that live until the function ends: the log-probabilities by both models, the mask by which they are set to
 * 0, which autograd keeps, and the numbers that the loss is made of.
 */
static void
hold_numbers (HrReplay *replay,
              HrElement element,
              gboolean  has_reference,
              HrValue   numbers,
              HrValue   held[3])
{
  HrValue tokens = get_tokens (element);

  tokens.count = has_reference ? 2 : 1;
  held[0] = hr_op_like (replay, "sub", "per_token_logps", tokens);
  held[1] = hr_op_like (replay, "eq", "shift_completion_mask == 0", get_tokens (HR_ELEMENT_BOOL));
  held[2] = hr_op_like (replay, "sub", "logratios", numbers);
}

/*
 * hr_training_log_preference:
 * @replay: a tape
 * @logits: the logits of chosen and of rejected answers, which the caller holds
 * @has_reference: whether the reference model has read them as well
 *
 * What DPOTrainer._compute_loss of trl/trainer/dpo_trainer.py makes of the logits for its log, after the loss: the
 * entropy of each token, the mean of the logits of both answers, and what those of the chosen ones predict. Rewards are
 * a number for each sequence.
 */
void
hr_training_log_preference (HrReplay *replay,
                            HrValue   logits,
                            gboolean  has_reference)
{
  HrValue numbers = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_PAIRS);
  HrStretch stretch;
  HrValue part, entropies, held[3];

  replay->symbols[HR_SYMBOL_PAIRS] = replay->symbols[HR_SYMBOL_BATCH] / 2;
  numbers.count = NUMBERS_OF_A_PAIR;
  hr_training_loss_begin (replay, &stretch);
  replay->sentence = N_("after the loss, while the entropy of the logits, and what they predict, is computed for the "
                        "log");
  hold_numbers (replay, logits.element, has_reference, numbers, held);
  part = hr_op_slice (replay, hr_value_detach (logits), get_answers (logits));
  entropies = compute_entropies (replay, part);
  average_logits (replay, logits.element, "chosen_logits");
  average_logits (replay, logits.element, "rejected_logits");
  hr_replay_drop (replay, hr_op_like (replay, "argmax", "predictions",
                                      HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_PAIRS, HR_SYMBOL_COMPLETION)));
  for (guint i = 0; i < G_N_ELEMENTS (held); i++)
    hr_replay_drop (replay, held[i]);
  hr_replay_drop (replay, entropies);
  hr_replay_drop (replay, part);
  hr_training_loss_end (replay);
}

/*
 * hr_training_log_unpaired:
 * @replay: a tape
 * @logits: the logits of all answers, which the caller holds
 * @has_reference: whether the reference model has read them as well
 *
 * What KTOTrainer._compute_loss of trl/trainer/kto_trainer.py makes of the logits for its log, after the loss: the
 * entropy of each token, and the mean of the logits of good and of bad answers, each of which are copied. As many are
 * taken to be good as bad.
 */
void
hr_training_log_unpaired (HrReplay *replay,
                          HrValue   logits,
                          gboolean  has_reference)
{
  const char *names[] = { "chosen_logits", "rejected_logits" };
  guint64 batch = replay->symbols[HR_SYMBOL_BATCH];
  const guint64 counts[] = { batch - batch / 2, batch / 2 };
  HrValue half = HR_SHAPE (logits.element, HR_SYMBOL_PAIRS, HR_SYMBOL_COMPLETION, HR_SYMBOL_VOCABULARY);
  HrValue masks = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_PAIRS, HR_SYMBOL_COMPLETION);
  HrValue numbers = HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT);
  HrStretch stretch;
  HrValue part, entropies, held[3], copies[2], taken[2];

  replay->symbols[HR_SYMBOL_KEPT] = VECTORS_OF_NUMBERS * hr_ledger_round (batch * sizeof (float));
  hr_training_loss_begin (replay, &stretch);
  replay->sentence = N_("after the loss, while the means of the logits of good and of bad answers are computed for the "
                        "log");
  hold_numbers (replay, logits.element, has_reference, numbers, held);
  part = hr_op_slice (replay, hr_value_detach (logits), get_answers (logits));
  entropies = compute_entropies (replay, part);
  for (guint i = 0; i < G_N_ELEMENTS (copies); i++)
    {
      replay->symbols[HR_SYMBOL_PAIRS] = counts[i];
      copies[i] = hr_op_like (replay, "index_select", names[i], half);
      taken[i] = hr_op_like (replay, "index_select", "mask", masks);
    }
  for (guint i = 0; i < G_N_ELEMENTS (copies); i++)
    {
      replay->symbols[HR_SYMBOL_PAIRS] = counts[i];
      average_logits (replay, logits.element, names[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (copies); i++)
    {
      hr_replay_drop (replay, taken[i]);
      hr_replay_drop (replay, copies[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (held); i++)
    hr_replay_drop (replay, held[i]);
  hr_replay_drop (replay, entropies);
  hr_replay_drop (replay, part);
  hr_training_loss_end (replay);
}

/* logits[torch.arange (batch_size), last_non_pad_token]: the derivative puts what comes into zeros. */
static HrValue
take_last (HrReplay *replay,
           HrValue   scores)
{
  HrValue shape = HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrValue mask = hr_op_like (replay, "_to_copy", "non_pad_mask", shape);
  HrValue indices = hr_op_like (replay, "arange", "token_indices", HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_SEQUENCE));
  HrValue pooled;

  hr_replay_drop (replay, hr_op_like (replay, "mul", "token_indices * non_pad_mask", shape));
  pooled = hr_op_like (replay, "index", "pooled_logits",
                       HR_SHAPE (scores.element, HR_SYMBOL_BATCH, HR_SYMBOL_CLASSES));
  hr_op_record (replay, &pooled, HR_GRADIENT_LIKE_INPUT, "index_put", &scores, 1);
  hr_replay_drop (replay, indices);
  hr_replay_drop (replay, mask);

  return pooled;
}

/*
 * hr_training_score_sequences:
 * @pass: a pass
 * @replay: a tape
 * @variables: those of the model's function
 *
 * GenericForSequenceClassification.forward of transformers/modeling_layers.py: every token is scored, the last one of
 * each sequence counts.
 *
 * Returns: a number for each sequence
 */
HrValue
hr_training_score_sequences (const HrInference *pass,
                             HrReplay          *replay,
                             HrPass            *variables)
{
  HrValue scores = hr_pass_run_scores (pass, replay, variables);
  HrStretch stretch;

  if (scores.n_symbols < 3)
    return scores;

  hr_training_loss_begin (replay, &stretch);
  hr_replay_assign (replay, &scores, take_last (replay, scores));
  hr_training_loss_end (replay);

  return scores;
}

/*
 * hr_training_loss_reward:
 * @replay: a tape
 * @scores: (transfer full): those of chosen and of rejected answers
 *
 * RewardTrainer.compute_loss of trl/trainer/reward_trainer.py: -logsigmoid (chosen - rejected), but for its statistics,
 * a number each.
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_reward (HrReplay *replay,
                         HrValue   scores)
{
  HrStretch stretch;
  HrValue loss;

  hr_training_loss_begin (replay, &stretch);
  loss = reduce (replay, scores);
  hr_replay_drop (replay, scores);
  hr_training_loss_end (replay);

  return loss;
}
