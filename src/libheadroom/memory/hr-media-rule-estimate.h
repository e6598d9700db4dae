/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"
#include "hr-inference-plan.h"
#include "hr-multimodal-job.h"

G_BEGIN_DECLS

guint64     hr_media_rule_estimate_list_tokens (GArray                *media,
                                                GArray                *items);
HrEstimate *hr_media_rule_estimate_new         (const HrInferencePlan *plan,
                                                GArray                *media) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
