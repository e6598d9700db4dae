/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"
#include "hr-gpu.h"
#include "hr-training-plan.h"

G_BEGIN_DECLS

gboolean hr_rollout_engine_resolve       (HrTrainingPlan       *plan,
                                          HrGpu                *gpu,
                                          GError              **error);
void     hr_rollout_engine_add_component (const HrTrainingPlan *plan,
                                          HrEstimate           *estimate,
                                          HrGpu                *gpu,
                                          guint64               bytes);

G_END_DECLS
