/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

gboolean hr_collective_divides (HrValue     x);
HrValue  hr_collective_linear  (HrReplay   *replay,
                                HrValue     x,
                                const char *name,
                                HrValue     weight,
                                HrValue     bias,
                                HrValue     shape);
void     hr_collective_gather  (HrReplay   *replay,
                                HrValue    *x);
void     hr_collective_scatter (HrReplay   *replay,
                                HrValue    *x);

G_END_DECLS
