/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-plan.h"

G_BEGIN_DECLS

gboolean hr_training_images_check   (const HrTrainingPlan  *self,
                                     const HrMedia         *media,
                                     GError               **error);
gboolean hr_training_images_resolve (HrTrainingPlan        *self,
                                     GError               **error);
gboolean hr_training_images_check_leaf (const HrTrainingPlan *self,
                                        GError              **error);
HrValue  hr_training_images_make    (const HrInference     *pass,
                                     HrReplay              *replay,
                                     guint64                count,
                                     guint                  divisor);

G_END_DECLS
