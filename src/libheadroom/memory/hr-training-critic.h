/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-plan.h"

G_BEGIN_DECLS

gboolean hr_training_critic_resolve     (HrTrainingPlan        *plan,
                                         GError               **error);
void     hr_training_critic_finish      (HrTrainingPlan        *plan);
void     hr_training_critic_measure     (HrTrainingPlan        *plan);
void     hr_training_critic_add_all     (const HrTrainingPlan  *plan,
                                         HrTrainables          *parameters);
void     hr_training_critic_load        (const HrTrainingPlan  *plan,
                                         HrHeap                *heap);
void     hr_training_critic_add_component (const HrTrainingPlan *plan,
                                           HrEstimate           *estimate,
                                           HrComponentId         id,
                                           guint64               bytes);

G_END_DECLS
