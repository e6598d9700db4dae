/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-plan.h"

G_BEGIN_DECLS

gboolean hr_training_openrlhf_prepare   (HrTrainingPlan    *plan,
                                         GError           **error);
HrTrainables *hr_training_openrlhf_list_flat (const HrTrainables *parameters);
void     hr_training_openrlhf_resolve   (HrTrainingPlan    *plan);
void     hr_training_openrlhf_add_inputs (const HrTraining *training,
                                          HrReplay        *replay);
void     hr_training_openrlhf_hand_over (const HrTraining  *training,
                                         HrReplay          *replay);
void     hr_training_openrlhf_read      (const HrTraining  *training,
                                         HrReplay          *replay,
                                         HrPhaseId          phase);
HrValue  hr_training_openrlhf_loss      (HrReplay          *replay,
                                         HrValue           *logits,
                                         HrValue            labels);

G_END_DECLS
