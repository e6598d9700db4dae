/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-plan.h"

G_BEGIN_DECLS

/* A setting, as many values as are known of it, and the end of the list. */
#define HR_TRAINING_MAX_VALUES 16

gboolean hr_training_check_job       (HrTrainingJob           *job,
                                      GError                 **error);
gboolean hr_training_knows_value     (const char              *property,
                                      const char              *value);
gboolean hr_training_check_model      (const HrTrainingPlan  *plan,
                                       GError               **error);
gboolean hr_training_check_layers    (const HrTrainingPlan    *plan,
                                      GError                 **error);
gboolean hr_training_check_gradients (const HrTrainingPlan    *plan,
                                      const HrTrainables      *parameters,
                                      const HrTrainingLevels  *levels,
                                      GError                 **error);

gboolean hr_training_check_values  (const HrTrainingPlan  *plan,
                                    const char            *framework,
                                    const char * const     values[][HR_TRAINING_MAX_VALUES],
                                    guint                  n_settings,
                                    GError               **error);
gboolean hr_training_check_answers (const HrTrainingPlan  *plan,
                                    const char            *framework,
                                    GError               **error);

G_END_DECLS
