/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"
#include "hr-tensor.h"

G_BEGIN_DECLS

void hr_replay_adapter (HrReplay *replay,
                        HrValue   x,
                        HrModule  module,
                        HrValue  *result);

G_END_DECLS
