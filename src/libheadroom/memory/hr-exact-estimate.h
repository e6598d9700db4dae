/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate-private.h"
#include "hr-gpu.h"
#include "hr-inference-plan.h"

G_BEGIN_DECLS

HrEstimate *hr_exact_estimate_new (HrInferencePlan   *plan,
                                   HrGpu             *gpu,
                                   guint              n_gpus,
                                   HrEstimateDetail   detail,
                                   guint64           *least_bytes,
                                   GError           **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
