/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

#define HR_TORCHTITAN_MASK_BLOCK 128

HrValue hr_torchtitan_attend_context (HrReplay *replay,
                                      HrValue   query,
                                      HrValue   key,
                                      HrValue   value);
guint64 hr_torchtitan_get_mask_bytes (guint64   n_tokens,
                                      guint64   n_ranks);

G_END_DECLS
