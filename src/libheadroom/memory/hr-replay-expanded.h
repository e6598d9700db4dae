/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

HrValue hr_replay_expanded_gptq (HrReplay   *replay,
                                 HrValue     x,
                                 const char *name,
                                 HrValue     weight,
                                 HrValue     out);
HrValue hr_replay_expanded_awq  (HrReplay   *replay,
                                 HrValue     x,
                                 const char *name,
                                 HrValue     weight,
                                 HrValue     out,
                                 gboolean    has_bias);

G_END_DECLS
