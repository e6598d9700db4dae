/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

HrValue hr_replay_engine_linear (HrReplay   *replay,
                                 HrValue     x,
                                 const char *name,
                                 HrValue     weight,
                                 HrValue     bias,
                                 HrValue     out);

G_END_DECLS
