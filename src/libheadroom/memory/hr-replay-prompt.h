/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

HrValue hr_replay_prompt (HrReplay *replay);

G_END_DECLS
