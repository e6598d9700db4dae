/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"
#include "hr-training-plan.h"

G_BEGIN_DECLS

HrEstimate *hr_training_rule_estimate_new (const HrTrainingPlan *plan) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
