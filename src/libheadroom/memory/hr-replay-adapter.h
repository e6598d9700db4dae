/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"
#include "hr-tensor.h"

G_BEGIN_DECLS

HrValue hr_replay_adapter_input (HrReplay *replay,
                                 HrValue   x,
                                 HrModule  module);
void    hr_replay_adapter (HrReplay *replay,
                           HrValue   x,
                           HrModule  module,
                           gboolean  has_bias,
                           HrValue  *result);

G_END_DECLS
