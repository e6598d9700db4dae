/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-plan.h"

G_BEGIN_DECLS

gboolean    hr_megatron_rule_estimate_is_used (const HrTrainingPlan *plan);
HrEstimate *hr_megatron_rule_estimate_new     (const HrTrainingPlan *plan) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
