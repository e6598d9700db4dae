/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-float8.h"
#include "hr-inference-plan.h"
#include "hr-layout.h"
#include "hr-media.h"
#include "hr-training-job.h"
#include "hr-training.h"
#include "hr-tuning.h"

G_BEGIN_DECLS

/**
 * HrTrainingPlan:
 * @pass: the forward pass: the model, what it is loaded in, what was assumed
 * @job: what is to be done, with the precision recipe spelled out
 * @model: (transfer none): the model, of which @pass may have what one rank has
 * @part: (nullable): what the rank has of it, if that is not all
 * @layout: how it is divided among GPUs
 * @stage: the stage of the pipeline that is planned
 * @training: what is to be replayed, but for what depends on the device
 * @tuning: (nullable): what a method of fine-tuning does to the model
 * @float8: (nullable): which linear layers cast the factors of their products to fp8, and how
 * @all: (nullable): the parameters of the model, where all are trained
 * @parameters: (transfer none): what is trained
 * @reached: those of @parameters that get a gradient
 * @masters: (nullable): the copies in fp32 that the optimizer works on
 * @group: (nullable): what is stepped at once of what the optimizer has states for, if that is not all
 * @most_kept: (nullable): for how many gradients ranks have room (hr-reduction)
 * @flat: (nullable): the parameters of a group as one, where the optimizer knows them so
 * @critic: the value model that is trained beside the model, where there is one
 * @reward: the model that scores answers, likewise
 * @critic_tuning: (nullable): what a method of fine-tuning does to the value model
 * @with_critic: (nullable): @parameters, where those of two models are trained
 * @rollout_media: (nullable): the images of all prompts that are answered at once, where the trainer does so itself
 * @quantized_element: what quantized matrices are multiplied in
 * @autocast: what torch.autocast computes products in, or %HR_ELEMENT_NONE without it
 * @implementation: which of torch's implementations of the optimizer is used
 *
 * A job of training in which everything that was left to the model or to the framework is filled in.
 */
typedef struct
{
  HrInferencePlan pass;
  HrTrainingJob *job;
  HrModel *model;
  HrModel *part;
  HrLayout layout;
  guint stage;
  HrTraining training;
  HrTuning *tuning;
  HrFloat8 *float8;
  HrTrainables *all;
  const HrTrainables *parameters;
  HrTrainables *reached;
  HrTrainables *masters;
  HrTrainables *group;
  guint64 *most_kept;
  HrTrainables *flat;
  HrInferencePlan critic;
  HrInferencePlan reward;
  HrTuning *critic_tuning;
  HrTrainables *with_critic;
  HrMedia *rollout_media;
  HrElement quantized_element;
  HrElement autocast;
  HrOptimizerImplementation implementation;
} HrTrainingPlan;

gboolean hr_training_plan_init  (HrTrainingPlan  *self,
                                 HrModel         *model,
                                 HrTrainingJob   *job,
                                 guint            n_gpus,
                                 guint            stage,
                                 HrMedia         *media,
                                 GError         **error);
HrReach  hr_training_plan_get_reach (const HrTrainingPlan *self);
void     hr_training_plan_take_weights (HrTrainingPlan     *self,
                                       HrWeights            *weights);
void     hr_training_plan_init_replay (const HrTrainingPlan *self,
                                       HrReplay             *replay);
void     hr_training_plan_clear (HrTrainingPlan  *self);
void     hr_training_plan_free  (HrTrainingPlan  *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrTrainingPlan, hr_training_plan_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrTrainingPlan, hr_training_plan_free)

G_END_DECLS
