/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay-blocks.h"

G_BEGIN_DECLS

/* Tokens of a chunk: the default of torch_chunk_gated_delta_rule. */
#define HR_DELTA_CHUNK 64

/* The chunks that are replayed by themselves: the first and the last, and those beside them. */
#define HR_DELTA_N_STEPS 4

/*
 * HrDeltaRule:
 * @query: queries
 * @key: keys
 * @value: values
 * @beta: how much of a value replaces what the state holds
 * @decay: how much of the state is left
 *
 * What the gated delta rule computes with.
 */
typedef struct
{
  HrValue query;
  HrValue key;
  HrValue value;
  HrValue beta;
  HrValue decay;
} HrDeltaRule;

HrValue hr_replay_delta_chunks (HrReplay          *replay,
                                HrForward         *forward,
                                const HrDeltaRule *variables,
                                HrValue           *state);
HrValue hr_replay_delta_token  (HrReplay          *replay,
                                HrForward         *forward,
                                const HrDeltaRule *variables,
                                HrValue           *state);

G_END_DECLS
