/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-model.h"
#include "hr-training-job.h"

G_BEGIN_DECLS

HrPrecisionRecipe hr_precision_recipe_find  (HrTrainingJob  *job,
                                             HrModel        *model);
gboolean          hr_precision_recipe_apply (HrTrainingJob  *job,
                                             HrModel        *model,
                                             GError        **error);

G_END_DECLS
