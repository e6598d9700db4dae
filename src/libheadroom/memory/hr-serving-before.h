/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gpu.h"
#include "hr-serving-profile.h"

G_BEGIN_DECLS

const HrServingMeasured *hr_serving_before_get        (HrGpu                   *gpu,
                                                       gboolean                 has_ranks);
HrServingMeasured        hr_serving_before_of_usable  (const HrServingMeasured *measured,
                                                       HrGpu                   *gpu);

G_END_DECLS
