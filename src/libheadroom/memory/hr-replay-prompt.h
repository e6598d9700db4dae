/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-block.h"
#include "hr-replay.h"

G_BEGIN_DECLS

HrValue hr_replay_prompt          (HrReplay          *replay);
HrValue hr_replay_prefix          (HrReplay          *replay,
                                   const HrAttention *attention,
                                   guint              n_layers);
HrValue hr_replay_prefix_gradient (HrReplay          *replay,
                                   const guint64     *bytes,
                                   guint              n_layers);
HrValue hr_replay_prefix_of_layer (HrReplay          *replay,
                                   const char        *name);

G_END_DECLS
