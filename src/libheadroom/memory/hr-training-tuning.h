/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-fine-tuning-job.h"
#include "hr-inference-plan.h"
#include "hr-tuning.h"

G_BEGIN_DECLS

gboolean hr_training_tuning_resolve (HrInferencePlan  *pass,
                                     HrFineTuningJob  *job,
                                     HrTuning        **tuning,
                                     GError          **error);

G_END_DECLS
