/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-block-plan.h"

G_BEGIN_DECLS

gboolean hr_trtllm_plan_init (HrBlockPlan            *self,
                              HrInferencePlan        *pass,
                              HrModel                *whole,
                              HrInferenceJob         *job,
                              HrGpu                  *gpu,
                              const HrServingLayout  *layout,
                              GError                **error);

G_END_DECLS
