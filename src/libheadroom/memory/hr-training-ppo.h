/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-stack.h"
#include "hr-training.h"

G_BEGIN_DECLS

/**
 * HrCriticPass:
 * @training: a step
 * @replay: a tape
 * @stack: (nullable): the layers of the value model
 * @head: (nullable): the graph of its head
 * @head_input: what goes into the head, a boundary of @head
 * @scores: what comes out of it
 * @ids: the tokens, and padding as zeros
 * @mask: which of them are none
 * @positions: where in its sequence each is
 *
 * What PPOTrainer's forward runs before the policy, PolicyAndValueWrapper.forward of
 * trl/experimental/ppo/ppo_trainer.py, and the variables of both functions.
 */
typedef struct
{
  const HrTraining *training;
  HrReplay *replay;
  HrTrainingStack *stack;
  HrGraph *head;
  HrValue head_input;
  HrValue scores;
  HrValue ids;
  HrValue mask;
  HrValue positions;
} HrCriticPass;

/**
 * HrRolloutState:
 * @logits: the scores of all answers of a rollout, which a variable of the trainer holds until the next one's are there
 * @probabilities: those of the answers of the last micro-batch, for its log
 * @small_bytes: what the trainer knows of each token of each answer
 *
 * What PPOTrainer.train holds beside its models from one part of a step to the next.
 */
typedef struct
{
  HrValue logits;
  HrValue probabilities;
  guint64 small_bytes;
} HrRolloutState;

void hr_critic_pass_init            (HrCriticPass     *self,
                                     const HrTraining *training,
                                     HrReplay         *replay);
void hr_critic_pass_run_forward     (HrCriticPass     *self,
                                     gboolean          caches);
void hr_critic_pass_drop_output     (HrCriticPass     *self);
void hr_critic_pass_drop_variables  (HrCriticPass     *self);
void hr_critic_pass_run_backward    (HrCriticPass     *self,
                                     HrValue           gradient);
void hr_critic_pass_clear           (HrCriticPass     *self);

void hr_rollout_state_init          (HrRolloutState   *self,
                                     const HrTraining *training,
                                     HrReplay         *replay);
void hr_rollout_state_collect       (HrRolloutState   *self,
                                     const HrTraining *training,
                                     HrReplay         *replay);
void hr_rollout_state_end_step      (HrRolloutState   *self,
                                     HrReplay         *replay);

G_END_DECLS
