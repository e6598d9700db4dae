/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job-types.h"
#include "hr-trainable.h"

G_BEGIN_DECLS

#define HR_OPTIMIZER_DEFAULT_RANK 128

/**
 * HrOptimizerSettings:
 * @kind: the algorithm
 * @implementation: which of torch's implementations, where there are several
 * @rank: the rank that gradients are projected to, where they are
 * @fp32_embeddings: whether the states of embeddings stay in fp32 where the others have eight bits
 * @is_megatron: whether Megatron-LM steps its parameters, of which the matrices of each expert are some by themselves
 * @n_heads: heads of queries, where an algorithm keeps something for each
 *
 * Which optimizer steps the parameters, and how.
 */
typedef struct
{
  HrOptimizerKind kind;
  HrOptimizerImplementation implementation;
  guint64 rank;
  gboolean fp32_embeddings;
  gboolean is_megatron;
  guint64 n_heads;
} HrOptimizerSettings;

/**
 * HrOptimizer:
 * @settings: which one it is
 * @parameters: (transfer none): what it steps
 * @state_bytes: what it keeps for the parameters
 * @paged_bytes: what it keeps beside that in memory that the driver moves to the host and back
 * @step_bytes: the most that a step makes beside that
 * @fused: (nullable): how a parameter is stepped in the backward pass, where it is
 * @operation: what makes most in the step
 * @variable: what that is
 * @source: where this was read
 *
 * What an optimizer takes.
 */
typedef struct
{
  HrOptimizerSettings settings;
  const HrTrainables *parameters;
  guint64 state_bytes;
  guint64 paged_bytes;
  guint64 step_bytes;
  HrFusedStep fused;
  const char *operation;
  const char *variable;
  const char *source;
} HrOptimizer;

void     hr_optimizer_init     (HrOptimizer               *self,
                                const HrOptimizerSettings *settings,
                                const HrTrainables        *parameters);
void     hr_optimizer_make_states (const HrOptimizer       *self,
                                   HrHeap                  *heap);
void     hr_optimizer_step     (const HrOptimizer         *self,
                                HrHeap                    *heap);
gboolean hr_optimizer_check    (const HrOptimizerSettings *settings,
                                const HrTrainables        *parameters,
                                GError                   **error);

G_END_DECLS
