/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job-types.h"
#include "hr-trainable.h"

G_BEGIN_DECLS

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
