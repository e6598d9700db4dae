/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay-blocks.h"

G_BEGIN_DECLS

HrAttentionResult hr_torchtitan_attention (HrReplay          *replay,
                                           const HrForward   *forward,
                                           HrValue            x,
                                           const HrAttention *attention);
guint64           hr_torchtitan_get_buffer_bytes (const HrStack *stack,
                                                  guint64        n_tokens);
gboolean          hr_torchtitan_knows     (const HrStack     *stack);

G_END_DECLS
