/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-inference-job.h"
#include "hr-serving-plan.h"

G_BEGIN_DECLS

gboolean hr_serving_draft_resolve (HrServingPlan   *self,
                                   HrInferenceJob  *job,
                                   GError         **error);

G_END_DECLS
