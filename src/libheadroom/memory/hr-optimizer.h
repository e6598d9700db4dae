/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-trainable.h"

G_BEGIN_DECLS

typedef enum
{
  HR_OPTIMIZER_ADAMW,
  HR_OPTIMIZER_SGD,
  HR_OPTIMIZER_SGD_MOMENTUM,
} HrOptimizerKind;

/* Which of torch's implementations steps the parameters. */
typedef enum
{
  HR_OPTIMIZER_FOREACH,
  HR_OPTIMIZER_FOR_LOOP,
  HR_OPTIMIZER_FUSED,
} HrOptimizerImplementation;

/**
 * HrOptimizer:
 * @state_bytes: what it keeps for the parameters
 * @step_bytes: the most that a step makes beside that
 *
 * What an optimizer takes.
 */
typedef struct
{
  guint64 state_bytes;
  guint64 step_bytes;
} HrOptimizer;

void hr_optimizer_init (HrOptimizer               *self,
                        const HrTrainables        *parameters,
                        HrOptimizerKind            kind,
                        HrOptimizerImplementation  implementation);

G_END_DECLS
