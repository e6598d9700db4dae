/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"
#include "hr-training-plan.h"

G_BEGIN_DECLS

typedef void (*HrPartFunc) (const HrTrainingPlan *plan,
                            const HrTrainable    *parameter,
                            gpointer              user_data);

void     hr_training_zero_foreach_parameter (const HrTrainingPlan *plan,
                                             HrPartFunc            func,
                                             gpointer              user_data);
gboolean hr_training_zero_is_used (const HrTrainingPlan  *plan);
gboolean hr_training_zero_casts_inputs (const HrTrainingPlan *plan);
gboolean hr_training_zero_prepare (HrTrainingJob         *job,
                                   HrModel               *model,
                                   GError               **error);
gboolean hr_training_zero_is_bf16_optimizer (const HrTrainingPlan *plan);
gboolean hr_training_zero_check   (const HrTrainingPlan  *plan,
                                   GError               **error);
gboolean hr_training_zero_casts_module (HrTrainingJob    *job);
gboolean hr_training_zero_divides_parameters (const HrTrainingPlan *plan);
HrTrainables *hr_training_zero_list_parts (const HrTrainingPlan *plan);
gboolean hr_training_zero_resolve (HrTrainingPlan        *plan,
                                   GError               **error);
gboolean hr_training_zero_check_modules   (const HrTrainingPlan  *plan,
                                           const HrReplay        *replay,
                                           GError               **error);
guint64  hr_training_zero_get_bytes       (const HrTrainingPlan  *plan);
guint64  hr_training_zero_get_reference_bytes (const HrTrainingPlan *plan);
void     hr_training_zero_add_component   (const HrTrainingPlan  *plan,
                                           HrEstimate            *estimate,
                                           HrComponentId          id,
                                           guint64                bytes,
                                           guint64                buffer_bytes);

G_END_DECLS
