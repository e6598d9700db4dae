/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay-blocks.h"

G_BEGIN_DECLS

#define HR_ATTENTION_MAX_LOCALS 12

/*
 * HrAttentionVariables:
 * @query: the queries
 * @key: the keys
 * @value: the values
 * @gate: what the output is multiplied by, or none
 * @locals: what other variables hold until the function returns
 * @n_locals: the length of @locals
 *
 * The variables of an attention module's function.
 */
typedef struct
{
  HrValue query;
  HrValue key;
  HrValue value;
  HrValue gate;
  HrValue locals[HR_ATTENTION_MAX_LOCALS];
  guint n_locals;
} HrAttentionVariables;

void              hr_attention_keep_local        (HrAttentionVariables *variables,
                                                  HrValue               value);
HrValue           hr_attention_repeat_kv         (HrReplay             *replay,
                                                  HrValue               x,
                                                  const char           *name);
HrValue           hr_attention_flatten_batch     (HrReplay             *replay,
                                                  HrValue               x,
                                                  const char           *name);
HrValue           hr_attention_get_scores_shape  (HrReplay             *replay);
HrValue           hr_attention_multiply          (HrReplay             *replay,
                                                  HrValue               a,
                                                  HrValue               b,
                                                  const char           *name,
                                                  HrValue               shape);
HrValue           hr_attention_softmax           (HrReplay             *replay,
                                                  HrValue               scores);

void              hr_attention_rotate_in_fp32    (HrReplay             *replay,
                                                  const HrForward      *forward,
                                                  HrAttentionVariables *variables);
void              hr_attention_drop_variables    (HrReplay             *replay,
                                                  HrAttentionVariables *variables);

void              hr_replay_rotate_by_table      (HrReplay             *replay,
                                                  const HrForward      *forward,
                                                  HrAttentionVariables *variables,
                                                  const HrAttention    *attention);
void              hr_replay_split_codegen        (HrReplay             *replay,
                                                  HrAttentionVariables *variables);
HrAttentionResult hr_replay_attention_mpt        (HrReplay             *replay,
                                                  HrForward            *forward,
                                                  HrAttentionVariables *variables,
                                                  const HrAttention    *attention);
HrAttentionResult hr_replay_attention_gpt_j      (HrReplay             *replay,
                                                  HrForward            *forward,
                                                  HrAttentionVariables *variables,
                                                  const HrAttention    *attention);
HrAttentionResult hr_replay_attention_mvp        (HrReplay             *replay,
                                                  HrForward            *forward,
                                                  HrAttentionVariables *variables,
                                                  const HrAttention    *attention);
HrAttentionResult hr_replay_attention_xglm       (HrReplay             *replay,
                                                  HrForward            *forward,
                                                  HrAttentionVariables *variables,
                                                  const HrAttention    *attention);
HrValue           hr_replay_flash_package        (HrReplay             *replay,
                                                  const HrForward      *forward,
                                                  HrAttentionVariables *variables);
HrAttentionResult hr_replay_attention_baichuan   (HrReplay             *replay,
                                                  HrAttentionVariables *variables);
HrAttentionResult hr_replay_attention_ctrl       (HrReplay             *replay,
                                                  HrAttentionVariables *variables);

G_END_DECLS
