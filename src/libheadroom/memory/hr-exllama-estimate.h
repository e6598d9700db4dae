/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate-private.h"
#include "hr-inference-job.h"

G_BEGIN_DECLS

HrEstimate *hr_exllama_estimate_new (HrModel           *model,
                                     HrInferenceJob    *job,
                                     HrGpu             *gpu,
                                     guint              n_gpus,
                                     HrEstimateDetail   detail,
                                     GError           **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
