/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay-blocks.h"
#include "hr-trainable.h"

G_BEGIN_DECLS

HrAttentionResult hr_torchtitan_attention (HrReplay          *replay,
                                           const HrForward   *forward,
                                           HrValue            x,
                                           const HrAttention *attention);
HrValue           hr_torchtitan_mlp       (HrReplay          *replay,
                                           HrValue            x,
                                           const HrMlp       *mlp);
guint64           hr_torchtitan_get_buffer_bytes (const HrStack *stack,
                                                  guint64        n_tokens);
HrTrainables     *hr_torchtitan_list_parameters (HrModel   *model,
                                                 HrElement  element);
guint64           hr_torchtitan_count_alike (const HrTrainables *parameters);
gboolean          hr_torchtitan_knows     (const HrStack     *stack);

G_END_DECLS
