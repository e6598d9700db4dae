/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

gboolean hr_context_is_divided (const HrReplay *replay);
HrValue  hr_context_attention  (HrReplay       *replay,
                                const HrValue  *parts);

G_END_DECLS
