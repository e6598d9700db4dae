/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-training-actor.h"

#include "hr-operator.h"
#include "hr-training-check.h"
#include "hr-training-openrlhf.h"
#include "hr-training-rollout.h"

/*
 * Frameworks whose actor is one part among others that come and go: it hands its parameters to an engine, reads the
 * answers itself and has them read by the reference model, and is trained on them micro-batch by micro-batch.
 */

/* What all of them have, or what is known of them. */
static const char * const common[][HR_TRAINING_MAX_VALUES] = {
  { "gradient-dtype", "same" },
  { "fine-tuning-method", "full" },
  { "attention", "flash", "sdpa" },
  { "loss-implementation", "auto" },
  { "quantization", "auto", "none" },
  { "algorithm", "grpo", "dr-grpo", "dapo", "rloo" },
};

static const struct
{
  HrTrainingFramework framework;
  const char *name;
  gboolean (*prepare) (HrTrainingPlan  *plan,
                       GError         **error);
  void (*add_inputs) (const HrTraining *training,
                      HrReplay         *replay);
  void (*hand_over) (const HrTraining *training,
                     HrReplay         *replay);
  void (*read) (const HrTraining *training,
                HrReplay         *replay,
                HrPhaseId         phase);
} actors[] = {
  [HR_POLICY_CODE_VERL] = {
    HR_TRAINING_FRAMEWORK_VERL, "verl", hr_training_verl_prepare, hr_training_verl_add_inputs,
    hr_training_verl_hand_over, hr_training_verl_read,
  },
  [HR_POLICY_CODE_OPENRLHF] = {
    HR_TRAINING_FRAMEWORK_OPENRLHF, "OpenRLHF", hr_training_openrlhf_prepare, hr_training_openrlhf_add_inputs,
    hr_training_openrlhf_hand_over, hr_training_openrlhf_read,
  },
};

/*
 * hr_training_actor_prepare:
 * @plan: a plan, of which nothing is resolved yet but its job
 * @error: return location for an error
 *
 * Sets what a framework with an actor decides itself.
 *
 * Returns: whether the settings are such as are known, or the job is for another framework
 */
gboolean
hr_training_actor_prepare (HrTrainingPlan  *plan,
                           GError         **error)
{
  HrTrainingFramework framework = hr_training_job_get_framework (plan->job);

  for (guint i = HR_POLICY_CODE_VERL; i < G_N_ELEMENTS (actors); i++)
    {
      if (actors[i].framework != framework)
        continue;

      plan->training.policy_code = i;

      return hr_training_check_answers (plan, actors[i].name, error) &&
             hr_training_check_values (plan, actors[i].name, common, G_N_ELEMENTS (common), error) &&
             actors[i].prepare (plan, error);
    }

  return TRUE;
}

/*
 * hr_training_actor_add_inputs:
 * @training: a step of an actor
 * @replay: a tape
 *
 * Brings a micro-batch of answers to the device.
 */
void
hr_training_actor_add_inputs (const HrTraining *training,
                              HrReplay         *replay)
{
  actors[training->policy_code].add_inputs (training, replay);
}

/*
 * hr_training_actor_get_answers:
 * @training: a step of an actor
 * @replay: a tape
 *
 * Has prompts answered, and answers read, without gradients.
 */
void
hr_training_actor_get_answers (const HrTraining *training,
                               HrReplay         *replay)
{
  actors[training->policy_code].hand_over (training, replay);
  hr_training_generate (training, replay);
  actors[training->policy_code].read (training, replay, HR_PHASE_OLD_POLICY);
  if (training->has_reference)
    actors[training->policy_code].read (training, replay, HR_PHASE_REFERENCE);
}

/*
 * hr_training_actor_end_step:
 * @training: a step
 * @replay: a tape
 *
 * Lets go of what variables of an actor hold until a step ends, if it is one.
 */
void
hr_training_actor_end_step (const HrTraining *training,
                            HrReplay         *replay)
{
  if (training->policy_code == HR_POLICY_CODE_VERL)
    hr_training_verl_end_step (training, replay);
}

/*
 * hr_actor_batch_init:
 * @self: (out): what is made of a micro-batch
 * @training: a step of an actor
 * @replay: a tape
 *
 * Makes what the actor reads and compares with, beside the tokens as they have come.
 */
void
hr_actor_batch_init (HrActorBatch     *self,
                     const HrTraining *training,
                     HrReplay         *replay)
{
  HrValue ids = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);

  self->labels = self->positions = HR_NO_VALUE;
  replay->symbols[HR_SYMBOL_SEQUENCE] = training->pass.prompt;
  if (training->policy_code == HR_POLICY_CODE_VERL)
    {
      hr_unpadded_init (&self->rows, replay);
      return;
    }

  self->labels = hr_op_like (replay, "roll", "rolled_sequences", ids);
  self->positions = hr_op_like (replay, "sub", "position_ids", ids);
}

/*
 * hr_actor_batch_compute_loss:
 * @self: what has been made of a micro-batch
 * @training: a step of an actor
 * @replay: a tape
 * @logits: (inout): the logits of all tokens
 *
 * Returns: the loss
 */
HrValue
hr_actor_batch_compute_loss (HrActorBatch     *self,
                             const HrTraining *training,
                             HrReplay         *replay,
                             HrValue          *logits)
{
  HrValue loss;

  if (training->policy_code == HR_POLICY_CODE_VERL)
    return hr_training_verl_loss (training, replay, &self->rows, *logits);

  loss = hr_training_openrlhf_loss (replay, logits, self->labels);
  hr_replay_drop (replay, self->positions);
  self->positions = HR_NO_VALUE;

  return loss;
}

/*
 * hr_actor_batch_clear:
 * @self: what has been made of a micro-batch
 * @training: a step of an actor
 * @replay: a tape
 *
 * Lets go of it, where gradients are there.
 */
void
hr_actor_batch_clear (HrActorBatch     *self,
                      const HrTraining *training,
                      HrReplay         *replay)
{
  if (training->policy_code == HR_POLICY_CODE_VERL)
    hr_unpadded_clear (&self->rows, replay);
  hr_replay_drop (replay, self->labels);
}
