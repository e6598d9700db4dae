/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-vllm-plan.h"

G_BEGIN_DECLS

guint64 hr_vllm_weights_get_bytes (const HrVllmPlan *self,
                                   HrWeights        *weights);

G_END_DECLS
