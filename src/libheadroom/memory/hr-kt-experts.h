/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-inference-job.h"
#include "hr-serving-layout.h"
#include "hr-serving-plan.h"

G_BEGIN_DECLS

gboolean hr_kt_experts_check          (const HrServingPlan    *plan,
                                       HrModel                *whole,
                                       HrInferenceJob         *job,
                                       const HrServingLayout  *layout,
                                       GError                **error);
guint64  hr_kt_experts_get_host_bytes (const HrServingPlan    *plan,
                                       HrModel                *whole,
                                       HrKtMethod              method);

G_END_DECLS
