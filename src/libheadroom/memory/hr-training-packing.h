/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-plan.h"

G_BEGIN_DECLS

void     hr_training_pack            (HrInference     *pass,
                                      guint64          n_tokens,
                                      guint64          n_examples);
gboolean hr_training_packing_check_model (const HrTrainingPlan  *plan,
                                          GError               **error);
gboolean hr_training_packing_resolve (HrTrainingPlan  *plan,
                                      GError         **error);
void     hr_training_packing_warn    (HrTrainingPlan  *plan);

G_END_DECLS
