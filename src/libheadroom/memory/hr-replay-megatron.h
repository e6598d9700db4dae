/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay-blocks.h"

G_BEGIN_DECLS

/* What Megatron-LM's layers are made of; those of transformers are replayed where it is not asked for. */
HrValue           hr_megatron_norm      (HrReplay          *replay,
                                         HrValue            x,
                                         const HrNorm      *norm);
HrAttentionResult hr_megatron_attention (HrReplay          *replay,
                                         const HrForward   *forward,
                                         HrValue            x,
                                         const HrAttention *attention);
HrValue           hr_megatron_mixture   (HrReplay          *replay,
                                         HrValue            x,
                                         const HrMixture   *mixture);
HrValue           hr_megatron_mlp       (HrReplay          *replay,
                                         HrValue            x,
                                         const HrMlp       *mlp);
HrValue           hr_megatron_loss      (HrReplay          *replay,
                                         HrValue            logits,
                                         gboolean           compiles);
gboolean          hr_megatron_knows     (const HrStack     *stack);
gboolean          hr_megatron_runs      (const HrReplay    *replay);

G_END_DECLS
