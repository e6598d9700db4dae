/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-serving-plan.h"

G_BEGIN_DECLS

void hr_turbomind_run_replay (const HrServingPlan *plan,
                              HrReplay            *replay);

G_END_DECLS
