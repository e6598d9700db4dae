/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay-blocks.h"
#include "hr-tuning.h"

G_BEGIN_DECLS

/*
 * How many elements of hidden states are not worth moving to the host (MINIMUM_SIZE of
 * initialize_unsloth_gradient_checkpointing in unsloth_zoo/gradient_checkpointing.py, for types of 16 bits), which is
 * also what the buffers for those that come back have at first (INITIAL_GPU_BUFFER_SIZE).
 */
#define HR_UNSLOTH_MIN_OFFLOADED (1024 * 1024)

/* How many elements of a matrix of four bits have a scale. */
#define HR_UNSLOTH_BLOCK 64

gboolean          hr_unsloth_knows            (const char        *model_type);
char *            hr_unsloth_dup_model_types  (void);
guint64           hr_unsloth_get_table_bytes  (const HrStack     *stack,
                                               guint64            max_positions,
                                               guint64            longest,
                                               guint64            element_bytes);
guint64           hr_unsloth_get_largest      (const HrStack     *stack,
                                               const HrTuning    *tuning);
HrValue           hr_unsloth_norm             (HrReplay          *replay,
                                               HrValue            x);
HrAttentionResult hr_unsloth_attention        (HrReplay          *replay,
                                               HrForward         *forward,
                                               HrValue            x,
                                               const HrAttention *attention);
HrValue           hr_unsloth_mlp              (HrReplay          *replay,
                                               HrValue           *x,
                                               const HrMlp       *mlp);

G_END_DECLS
