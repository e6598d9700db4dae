/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

void    hr_torchtitan_gather (HrReplay *replay,
                              HrValue  *x);
void    hr_torchtitan_reduce (HrReplay *replay,
                              HrValue  *x);
HrValue hr_torchtitan_embed  (HrReplay *replay,
                              HrValue   table,
                              HrValue   shape);
HrValue hr_torchtitan_loss   (HrReplay *replay,
                              HrValue   logits);

G_END_DECLS
