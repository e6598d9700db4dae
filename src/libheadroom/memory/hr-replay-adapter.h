/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"
#include "hr-tuning.h"

G_BEGIN_DECLS

HrValue hr_replay_adapter_weight    (HrReplay            *replay,
                                     const HrTunedModule *tuned,
                                     HrValue              shape);
HrValue hr_replay_adapter_bias      (HrReplay            *replay,
                                     const HrTunedModule *tuned,
                                     HrValue              shape);
HrValue hr_replay_adapter_input     (HrReplay            *replay,
                                     const HrTunedModule *tuned,
                                     HrValue              x);
void    hr_replay_adapter           (HrReplay            *replay,
                                     const HrTunedModule *tuned,
                                     HrValue              x,
                                     gboolean             has_bias,
                                     gboolean             is_quantized,
                                     HrValue             *result);
void    hr_replay_adapter_embedding (HrReplay            *replay,
                                     const HrTunedModule *tuned,
                                     HrValue              ids,
                                     gboolean             is_scaled,
                                     HrValue             *result);

G_END_DECLS
