/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job-types.h"

G_BEGIN_DECLS

/**
 * HrTrainingProfile: (skip)
 * @implementation: which implementation of AdamW is taken
 * @fp32_outputs: whether what the model returns is cast to fp32 under autocast
 * @clips_gradients: whether the norm of all gradients is limited
 * @passes_mask: whether the mask of the batch is passed on, of a batch without padding as well
 * @fp32_embeddings: whether embeddings have states of fp32 beside those of eight bits
 * @logs_metrics: whether the logits are used for more than the loss, as the release of TRL says
 * @recipe: how parameters of 16 bits are trained, where a job says nothing else of it
 * @holds_fp32: whether parameters are held in fp32 where nothing else is said
 * @flattens_gradients: whether gradients of 16 bits become one piece in fp32 in the step
 * @name: what to call it
 * @source: where it is done
 *
 * What a framework does beside a plain loop in PyTorch, where no setting says otherwise.
 */
typedef struct
{
  HrOptimizerImplementation implementation;
  gboolean fp32_outputs;
  gboolean clips_gradients;
  gboolean passes_mask;
  gboolean fp32_embeddings;
  gboolean logs_metrics;
  HrPrecisionRecipe recipe;
  gboolean holds_fp32;
  gboolean flattens_gradients;
  const char *name;
  const char *source;
} HrTrainingProfile;

const HrTrainingProfile   *hr_training_profile_get                (HrTrainingFramework        framework);
HrOptimizerImplementation  hr_training_profile_get_implementation (const HrTrainingProfile   *self,
                                                                   HrOptimizerKind            optimizer,
                                                                   HrOptimizerImplementation  setting);

G_END_DECLS
