/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-ppo.h"

#include "hr-inference-pass.h"
#include "hr-operator.h"
#include "hr-training-policy.h"
#include "hr-training-rollout.h"

/*
 * PPOTrainer.train of trl/experimental/ppo/ppo_trainer.py (git f2cd5771), line by line where it takes memory: prompts
 * are answered, answers are read by the reference model, by the value model and by the reward model; then the policy
 * and the value model are trained on them. All models return the hidden states of all layers (output_hidden_states).
 */

static HrElement
get_element (const HrTraining  *training,
             const HrInference *pass)
{
  if (pass->stack == training->pass.stack)
    return training->element;

  return pass->stack == training->critic->stack ? training->critic_element : training->reward_element;
}

/* Which model's parameters are on their way, and what is done to them. Those beside the policy are not quantized. */
static void
choose_model (const HrTraining  *training,
              HrReplay          *replay,
              const HrInference *pass,
              const HrTuning    *tuning)
{
  gboolean is_policy = pass->stack == training->pass.stack;

  hr_pass_set_model_symbols (pass, replay);
  replay->dtype = replay->parameter_dtype = get_element (training, pass);
  replay->quantization = is_policy ? training->quantization : HR_QUANTIZATION_NONE;
  replay->upcast = is_policy ? training->upcast : HR_UPCAST_NONE;
  replay->tuning = tuning;
  hr_tuning_choose_trained (tuning, replay, -1);
  hr_tuning_set_symbols (tuning, replay);
}

/*
 * hr_critic_pass_init:
 * @self: (out): what runs before the policy
 * @training: a step
 * @replay: a tape
 *
 * Begins a micro-batch: PPOTrainer's forward () finds padding and positions.
 */
void
hr_critic_pass_init (HrCriticPass     *self,
                     const HrTraining *training,
                     HrReplay         *replay)
{
  HrValue tokens = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);

  *self = (HrCriticPass) {
    .training = training, .replay = replay, .head_input = HR_NO_VALUE, .scores = HR_NO_VALUE, .ids = HR_NO_VALUE,
    .mask = HR_NO_VALUE, .positions = HR_NO_VALUE,
  };
  if (training->critic == NULL)
    return;

  replay->symbols[HR_SYMBOL_BATCH] = training->pass.batch;
  replay->symbols[HR_SYMBOL_SEQUENCE] = training->pass.prompt;
  self->mask = hr_op_like (replay, "ne", "attention_mask",
                           HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  self->positions = hr_op_like (replay, "sub", "position_ids", tokens);
  self->ids = hr_op_like (replay, "masked_fill", "input_ids", tokens);
}

static void
run_head_forward (HrCriticPass *self)
{
  const HrTraining *training = self->training;
  HrReplay *replay = self->replay;
  HrPass *variables = &self->stack->variables;

  self->head = replay->graph = hr_graph_new ();
  replay->trains_weights |= training->trains_critic_head;
  replay->trains_biases |= training->trains_critic_head;
  self->head_input = variables->hidden =
    hr_training_enter_graph (replay, variables->hidden, hr_value_needs_gradient (variables->hidden));
  self->scores = hr_pass_run_scores (&self->stack->pass, replay, variables);
  replay->graph = NULL;
}

/*
 * hr_critic_pass_run_forward:
 * @self: what runs before the policy
 * @caches: whether layers are given a cache of keys and values
 *
 * The layers of the value model, and its head over all tokens.
 */
void
hr_critic_pass_run_forward (HrCriticPass *self,
                            gboolean      caches)
{
  const HrTraining *training = self->training;
  HrReplay *replay = self->replay;
  HrKeptLayers *kept_layers = g_steal_pointer (&replay->kept_layers);
  gboolean inputs_need_gradients = replay->inputs_need_gradients;
  HrInference pass = *training->critic;

  choose_model (training, replay, &pass, training->critic_tuning);
  /* No hook lets gradients flow through layers that are frozen. */
  replay->inputs_need_gradients &= training->critic_tuning == NULL ||
                                   hr_tuning_get_added_bytes (training->critic_tuning) > 0;
  pass.use_cache = caches;
  pass.source = HR_NO_VALUE;
  pass.decoder_ids = self->ids;
  pass.has_positions = TRUE;
  pass.positions = self->positions;
  pass.returns_layers = TRUE;
  self->stack = g_new (HrTrainingStack, 1);
  hr_training_stack_init (self->stack, &pass, training->critic_tuning, replay, training->checkpointing, caches);
  hr_training_stack_run_forward (self->stack);
  run_head_forward (self);
  replay->inputs_need_gradients = inputs_need_gradients;
  replay->kept_layers = kept_layers;
  choose_model (training, replay, &training->pass, training->tuning);
}

/*
 * hr_critic_pass_drop_output:
 * @self: what ran before the policy
 *
 * Lets go of what the layers of the value model returned, when the policy has run.
 */
void
hr_critic_pass_drop_output (HrCriticPass *self)
{
  hr_replay_assign (self->replay, &self->stack->variables.outputs, HR_NO_VALUE);
  hr_training_stack_drop_returned (self->stack);
  hr_training_stack_drop_cache (self->stack);
}

/*
 * hr_critic_pass_drop_variables:
 * @self: what ran before the policy
 *
 * Ends PPOTrainer's forward ().
 */
void
hr_critic_pass_drop_variables (HrCriticPass *self)
{
  hr_replay_assign (self->replay, &self->ids, HR_NO_VALUE);
  hr_replay_assign (self->replay, &self->positions, HR_NO_VALUE);
  hr_replay_assign (self->replay, &self->mask, HR_NO_VALUE);
}

/*
 * hr_critic_pass_run_backward:
 * @self: what ran before the policy
 * @gradient: (transfer full): the gradient of the values
 *
 * The value model is differentiated when the policy has been, as it ran before that.
 */
void
hr_critic_pass_run_backward (HrCriticPass *self,
                             HrValue       gradient)
{
  const HrTraining *training = self->training;
  HrReplay *replay = self->replay;
  gboolean has_gradients = replay->has_gradients;
  gboolean has_input = hr_value_needs_gradient (self->head_input);
  HrValue no_table = HR_NO_VALUE;
  HrStretch stretch;

  choose_model (training, replay, &self->stack->pass, training->critic_tuning);
  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the backward pass of the value model’s head");
  hr_graph_deliver (self->head, replay, self->scores, gradient);
  hr_graph_run_backward (self->head, replay);
  gradient = has_input ? hr_graph_take_gradient (self->head, self->head_input) : HR_NO_VALUE;
  hr_graph_clear (self->head, replay);
  hr_replay_end (replay);

  /* The layers of the policy have gradients already. */
  replay->has_gradients |= training->critic_shares;
  if (has_input)
    hr_training_stack_run_backward (self->stack, gradient, &no_table, FALSE);
  hr_training_stack_drop_held (self->stack);
  replay->has_gradients = has_gradients;
  choose_model (training, replay, &training->pass, training->tuning);
}

/*
 * hr_critic_pass_clear:
 * @self: what ran before the policy
 *
 * Ends a micro-batch.
 */
void
hr_critic_pass_clear (HrCriticPass *self)
{
  if (self->stack == NULL)
    return;

  hr_training_stack_clear (self->stack);
  g_clear_pointer (&self->stack, g_free);
  hr_graph_clear (self->head, self->replay);
  g_clear_pointer (&self->head, hr_graph_free);
}

/* How many answers a rollout has. */
static guint64
count_answers (const HrTraining *training)
{
  return training->pass.batch * training->accumulation_steps;
}

static guint64
count_chunks (const HrTraining *training)
{
  return (count_answers (training) + training->rollout_batch - 1) / training->rollout_batch;
}

static guint64
get_chunk (const HrTraining *training)
{
  return MIN (training->rollout_batch, count_answers (training));
}

/* The scores of answers, of all in one tensor or of those that are there in a list. */
static HrValue
make_logits (HrReplay   *replay,
             const char *operation,
             HrSymbol    symbol,
             guint64     n_answers)
{
  replay->symbols[symbol] = n_answers;

  return hr_replay_make (replay, operation, "logitss", HR_COMPONENT_LOGITS,
                         HR_SHAPE (HR_ELEMENT_FLOAT32, symbol, HR_SYMBOL_COMPLETION, HR_SYMBOL_VOCABULARY));
}

/* Numbers of the log, for each micro-batch of each epoch (approxkl_stats and its like). */
#define N_STATISTICS 7

/*
 * What is left of a step for the next one: variables bind the answers behind their prompts, of all and of the last
 * chunk, and a list of the advantages of each token.
 */
static guint64
count_left_bytes (const HrTraining *training)
{
  guint64 n = count_answers (training);
  guint64 statistics = training->n_epochs * training->n_mini_batches * training->accumulation_steps * sizeof (float);

  return hr_ledger_round (n * training->pass.prompt * sizeof (gint64)) +
         hr_ledger_round (get_chunk (training) * training->pass.prompt * sizeof (gint64)) +
         training->completion * hr_ledger_round (n * sizeof (float)) + N_STATISTICS * hr_ledger_round (statistics);
}

/* Variables of the loss: ratios, values and what is made of both, clipped and not. */
#define N_LOSS_VARIABLES 10

/* Both losses, their sum, how many values are clipped, and what the means are divided by. */
#define N_LOSS_NUMBERS 6

/* Where each answer ends, the place after that, its score, whether it ends at all, and both indices of the score. */
#define N_ANSWER_VARIABLES 6

/*
 * What is known of each token of each answer: twice which it is, and where it stands, two log-probabilities, a value,
 * two masks, what it is rewarded with, its advantage, of which the last is bound to two variables; and what of this a
 * micro-batch has of its own, with its losses.
 */
static guint64
count_small_bytes (const HrTraining *training,
                   const HrReplay   *replay)
{
  guint64 element = hr_element_get_bytes (replay->dtype);
  guint64 n = count_answers (training);
  guint64 all = n * training->completion;
  guint64 batch = training->pass.batch * training->completion;

  return N_LOSS_NUMBERS * hr_ledger_round (sizeof (float)) +
         N_ANSWER_VARIABLES * hr_ledger_round (n * sizeof (gint64)) + 2 * hr_ledger_round (n * sizeof (float)) +
         3 * hr_ledger_round (all * sizeof (gint64)) + 2 * hr_ledger_round (all * element) +
         2 * hr_ledger_round (all) + 7 * hr_ledger_round (all * sizeof (float)) +
         hr_ledger_round (training->pass.batch * training->pass.prompt * sizeof (gint64)) +
         hr_ledger_round (batch * sizeof (gint64)) + (4 + N_LOSS_VARIABLES) * hr_ledger_round (batch * sizeof (float));
}

/*
 * hr_rollout_state_init:
 * @self: (out): what a trainer holds
 * @training: a step
 * @replay: a tape
 *
 * What is left of the step before; on a heap nothing is left of one yet.
 */
void
hr_rollout_state_init (HrRolloutState   *self,
                       const HrTraining *training,
                       HrReplay         *replay)
{
  *self = (HrRolloutState) { .logits = HR_NO_VALUE, .probabilities = HR_NO_VALUE };
  if (training->algorithm == HR_ALGORITHM_PPO)
    hr_ledger_add (&replay->ledger, HR_COMPONENT_INPUTS, count_left_bytes (training));
  if (training->algorithm == HR_ALGORITHM_PPO && replay->heap == NULL)
    self->logits = make_logits (replay, "full", HR_SYMBOL_ROLLOUT, count_chunks (training) * get_chunk (training));
}

/*
 * A chunk of prompts is answered while the scores of those before are kept in a list. Autocast is about the function
 * that is trained alone: whatever else models do is computed in what they are held in.
 */
static HrValue
answer_chunk (const HrTraining *training,
              HrReplay         *replay,
              guint64           n_before,
              guint64           n)
{
  HrValue before = n_before > 0 ? make_logits (replay, "stack", HR_SYMBOL_ANSWERED, n_before) : HR_NO_VALUE;
  HrElement autocast = replay->autocast;
  HrValue scores;

  replay->autocast = HR_ELEMENT_NONE;
  hr_training_write_answers (training, replay, n, &scores);
  replay->autocast = autocast;
  hr_replay_drop (replay, scores);

  return before;
}

/*
 * batch_generation: chunk after chunk, and all of them in one tensor. The one of the step before goes when this is
 * there.
 */
static void
answer (HrRolloutState   *self,
        const HrTraining *training,
        HrReplay         *replay)
{
  guint64 n_answers = count_answers (training);
  guint64 chunk = get_chunk (training);
  guint64 n_chunks = count_chunks (training);
  guint64 rest = n_answers - (n_chunks - 1) * chunk;
  HrValue list;
  HrStretch stretch;

  /* The last whole chunk comes while most is kept, unless a smaller one comes behind it. */
  if (rest < chunk)
    hr_replay_drop (replay, answer_chunk (training, replay, (n_chunks - 2) * chunk, chunk));
  hr_replay_drop (replay, answer_chunk (training, replay, (n_chunks - 1) * chunk, rest));
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_GENERATION);
  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("while the scores of all answers are put into one tensor");
  list = make_logits (replay, "stack", HR_SYMBOL_ANSWERED, n_answers);
  hr_replay_assign (replay, &self->logits, make_logits (replay, "full", HR_SYMBOL_ROLLOUT, n_chunks * chunk));
  hr_replay_drop (replay, list);
  hr_replay_end (replay);
}

/* A model reads answers, as PPOTrainer's forward () and get_reward () call it: positions come with the tokens. */
static HrInference
begin_reading (const HrTraining  *training,
               HrReplay          *replay,
               const HrInference *read,
               HrCriticPass      *variables)
{
  HrInference pass = hr_training_init_reading (read, replay);
  HrValue tokens = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);

  pass.batch = get_chunk (training);
  hr_pass_set_model_symbols (&pass, replay);
  replay->symbols[HR_SYMBOL_SEQUENCE] = pass.prompt;
  *variables = (HrCriticPass) { .replay = replay };
  variables->mask = hr_op_like (replay, "ne", "attention_mask",
                                HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  variables->positions = hr_op_like (replay, "sub", "position_ids", tokens);
  variables->ids = hr_op_like (replay, "masked_fill", "input_ids", tokens);
  pass.has_positions = TRUE;
  pass.positions = variables->positions;
  pass.returns_layers = TRUE;

  return pass;
}

static void
read_by_reference (const HrTraining *training,
                   HrReplay         *replay)
{
  HrTapeSettings before;
  HrCriticPass beside;
  HrInference pass;
  HrPass variables;
  HrValue logits, last;

  if (!training->has_reference)
    return;

  before = hr_training_enter_inference (replay);
  replay->tuning = NULL;
  replay->autocast = HR_ELEMENT_NONE;
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_REFERENCE);
  pass = begin_reading (training, replay, &training->pass, &beside);
  pass.use_cache = !hr_checkpointing_recomputes_layers (&training->checkpointing) ||
                   training->reference_bytes > 0;
  hr_inference_run_layers (&pass, replay, 0, pass.prompt, &variables);
  last = hr_replay_hold (replay, variables.hidden);
  logits = hr_pass_run_head (&pass, replay, &variables, TRUE);
  hr_critic_pass_drop_variables (&beside);
  hr_replay_drop (replay, hr_training_score_answers (replay, logits));
  hr_replay_drop (replay, logits);
  hr_replay_drop (replay, last);
  hr_inference_drop_layers (&pass, replay);
  hr_replay_remove (replay, HR_COMPONENT_KV_CACHE, replay->ledger.live.by_component[HR_COMPONENT_KV_CACHE]);
  hr_training_leave_inference (training, replay, &before);
}

/* get_reward of trl/experimental/utils.py: a number for each token. */
static void
read_by_scorer (const HrTraining  *training,
                HrReplay          *replay,
                const HrInference *scorer,
                const HrTuning    *tuning,
                HrPhaseId          phase)
{
  HrTapeSettings before;
  HrCriticPass beside;
  HrInference pass;
  HrPass variables;

  if (scorer == NULL)
    return;

  before = hr_training_enter_inference (replay);
  choose_model (training, replay, scorer, tuning);
  replay->autocast = HR_ELEMENT_NONE;
  hr_ledger_enter_phase (&replay->ledger, phase);
  pass = begin_reading (training, replay, scorer, &beside);
  hr_inference_run_layers (&pass, replay, 0, pass.prompt, &variables);
  hr_pass_begin_head (&pass, replay, &variables, TRUE);
  hr_replay_drop (replay, hr_pass_run_scores (&pass, replay, &variables));
  hr_replay_assign (replay, &variables.outputs, HR_NO_VALUE);
  hr_inference_drop_layers (&pass, replay);
  hr_critic_pass_drop_variables (&beside);
  hr_training_leave_inference (training, replay, &before);
  choose_model (training, replay, &training->pass, training->tuning);
}

/*
 * hr_rollout_state_collect:
 * @self: what a trainer holds
 * @training: a step
 * @replay: a tape
 *
 * Prompts are answered, and answers read, without gradients.
 */
void
hr_rollout_state_collect (HrRolloutState   *self,
                          const HrTraining *training,
                          HrReplay         *replay)
{
  answer (self, training, replay);
  read_by_reference (training, replay);
  read_by_scorer (training, replay, training->critic, training->critic_tuning, HR_PHASE_VALUE);
  read_by_scorer (training, replay, training->reward, NULL, HR_PHASE_REWARD);
  hr_pass_set_model_symbols (&training->pass, replay);
  self->small_bytes = count_small_bytes (training, replay);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_INPUTS, self->small_bytes);
}

/*
 * hr_rollout_state_end_step:
 * @self: what a trainer holds
 * @replay: a tape
 *
 * Lets go of all but the scores of the answers, of which a variable of PPOTrainer.train is forgotten.
 */
void
hr_rollout_state_end_step (HrRolloutState *self,
                           HrReplay       *replay)
{
  hr_replay_assign (replay, &self->probabilities, HR_NO_VALUE);
  hr_ledger_remove (&replay->ledger, HR_COMPONENT_INPUTS, self->small_bytes);
  self->small_bytes = 0;
}
