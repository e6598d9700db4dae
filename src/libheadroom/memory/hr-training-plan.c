/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-training-plan.h"

#include "hr-training-check.h"
#include "hr-training-tuning.h"

/* torch's foreach kernels step parameters on a GPU (_default_to_fused_or_foreach in torch/optim/optimizer.py). */
static void
resolve_optimizer (HrTrainingPlan *self)
{
  self->implementation = hr_training_job_get_optimizer_implementation (self->job);
  if (self->implementation == HR_OPTIMIZER_IMPLEMENTATION_AUTO)
    self->implementation = HR_OPTIMIZER_IMPLEMENTATION_FOREACH;

  hr_optimizer_init (&self->training.optimizer, self->parameters, hr_training_job_get_optimizer (self->job),
                     self->implementation);
}

static HrElement
get_autocast (HrAutocast autocast)
{
  switch (autocast)
    {
    case HR_AUTOCAST_BFLOAT16:
      return HR_ELEMENT_BFLOAT16;

    case HR_AUTOCAST_FLOAT16:
      return HR_ELEMENT_FLOAT16;

    case HR_AUTOCAST_NONE:
    default:
      return HR_ELEMENT_NONE;
    }
}

/* transformers switches the cache off while it trains, and every position has a loss. */
static gboolean
resolve_pass (HrTrainingPlan  *self,
              GError         **error)
{
  HrInference *inference = &self->pass.inference;

  inference->batch = hr_training_job_get_micro_batch_size (self->job);
  inference->prompt = hr_training_job_get_sequence_length (self->job);
  inference->all_logits = TRUE;

  return hr_inference_plan_resolve_attention (&self->pass, HR_JOB (self->job), error);
}

static gboolean
resolve_parameters (HrTrainingPlan  *self,
                    GError         **error)
{
  if (HR_IS_FINE_TUNING_JOB (self->job) &&
      !hr_training_tuning_resolve (&self->pass, HR_FINE_TUNING_JOB (self->job), &self->tuning, error))
    return FALSE;

  if (self->tuning == NULL)
    self->all = hr_trainables_new_for_model (self->pass.model, self->pass.element);
  self->parameters = self->tuning != NULL ? hr_tuning_get_trainables (self->tuning) : self->all;
  self->training.tuning = self->tuning;

  return TRUE;
}

/*
 * hr_training_plan_init:
 * @self: (out): a plan
 * @model: a model, which has to live as long as the plan
 * @job: a job, likewise
 * @error: return location for an error
 *
 * Resolves a job. The plan is to be cleared in either case.
 *
 * Returns: whether the framework can do it, as far as the replay knows
 */
gboolean
hr_training_plan_init (HrTrainingPlan  *self,
                       HrModel         *model,
                       HrTrainingJob   *job,
                       GError         **error)
{
  *self = (HrTrainingPlan) { .job = job };
  if (!hr_training_check_job (job, error) ||
      !hr_inference_plan_init_pass (&self->pass, model, HR_JOB (job), error) ||
      !hr_training_check_model (&self->pass, error) || !resolve_pass (self, error) ||
      !hr_training_check_layers (self, error) || !resolve_parameters (self, error))
    return FALSE;

  self->autocast = get_autocast (hr_training_job_get_autocast (job));
  resolve_optimizer (self);
  self->training.checkpointing =
    hr_training_job_get_gradient_checkpointing (job) == HR_GRADIENT_CHECKPOINTING_FULL;
  self->training.fp32_outputs = hr_training_job_get_fp32_outputs (job);
  self->training.keep_outputs = hr_training_job_get_keep_outputs (job);
  self->training.accumulation_steps = hr_training_job_get_gradient_accumulation_steps (job);

  return TRUE;
}

/*
 * hr_training_plan_clear:
 * @self: a plan
 *
 * Frees what a plan holds.
 */
void
hr_training_plan_clear (HrTrainingPlan *self)
{
  g_clear_pointer (&self->tuning, hr_tuning_free);
  g_clear_pointer (&self->all, hr_trainables_free);
  hr_inference_plan_clear (&self->pass);
}
