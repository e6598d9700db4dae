/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-plan.h"

G_BEGIN_DECLS

gboolean hr_training_check_job       (HrTrainingJob           *job,
                                      GError                 **error);
gboolean hr_training_knows_value     (const char              *property,
                                      const char              *value);
gboolean hr_training_check_model     (const HrInferencePlan   *pass,
                                      HrTrainingJob           *job,
                                      GError                 **error);
gboolean hr_training_check_layers    (const HrTrainingPlan    *plan,
                                      GError                 **error);
gboolean hr_training_check_gradients (const HrTrainingPlan    *plan,
                                      const HrTrainables      *parameters,
                                      const HrTrainingLevels  *levels,
                                      GError                 **error);

G_END_DECLS
