/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-vllm-plan.h"

G_BEGIN_DECLS

gboolean       hr_vllm_run_knows      (const HrStack      *stack);
const HrBlock *hr_vllm_run_find_state (const HrLayerClass *klass);
void           hr_vllm_run_replay     (const HrVllmPlan   *plan,
                                       HrReplay           *replay);

G_END_DECLS
