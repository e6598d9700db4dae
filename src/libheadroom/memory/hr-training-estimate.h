/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate-private.h"
#include "hr-gpu.h"
#include "hr-training-plan.h"

G_BEGIN_DECLS

HrEstimate *hr_training_estimate_new (HrTrainingPlan    *plan,
                                      HrGpu             *gpu,
                                      HrEstimateDetail   detail,
                                      GError           **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
