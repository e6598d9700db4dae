/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-serving-plan.h"

G_BEGIN_DECLS

gboolean       hr_serving_run_knows        (const HrStack       *stack);
gboolean       hr_serving_run_has_branches (const HrStack       *stack);
const HrBlock *hr_serving_run_find_state   (const HrLayerClass  *klass);
HrValue        hr_serving_run_row_parallel (const HrServingPlan *plan,
                                            HrReplay            *replay);
void           hr_serving_run_replay       (const HrServingPlan *plan,
                                            HrReplay            *replay);

G_END_DECLS
