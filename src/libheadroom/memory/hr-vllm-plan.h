/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-serving-plan.h"

G_BEGIN_DECLS

gboolean hr_vllm_plan_init          (HrServingPlan    *self,
                                     HrInferencePlan  *pass,
                                     HrModel          *whole,
                                     HrInferenceJob   *job,
                                     HrGpu            *gpu,
                                     GError          **error);
gboolean hr_vllm_plan_has_large_gpu (HrGpu            *gpu);
gboolean hr_vllm_plan_has_states    (const HrServingPlan *self);
guint64  hr_vllm_plan_count_graphs  (const HrServingPlan *self);

G_END_DECLS
