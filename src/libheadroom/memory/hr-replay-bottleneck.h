/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

void hr_replay_bottleneck (HrReplay *replay,
                           HrValue  *x);

G_END_DECLS
