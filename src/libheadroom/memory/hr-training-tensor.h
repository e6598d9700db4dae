/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-plan.h"

G_BEGIN_DECLS

gboolean hr_training_tensor_is_used (const HrTrainingPlan  *plan);
gboolean hr_training_tensor_check   (const HrTrainingPlan  *plan,
                                     GError               **error);
void     hr_training_tensor_warn    (HrTrainingPlan        *plan);

G_END_DECLS
