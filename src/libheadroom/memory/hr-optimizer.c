/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-optimizer.h"

/* The count of steps, a scalar of fp32 on the device where the fused kernel reads it (torch/optim/adamw.py). */
#define STEP_BYTES sizeof (float)

/* torch/optim/adam.py: two moments; torch/optim/sgd.py: one, if there is momentum. Each is made like its parameter. */
static guint
get_n_states (HrOptimizerKind kind)
{
  switch ((guint) kind)
    {
    case HR_OPTIMIZER_KIND_ADAMW:
      return 2;

    case HR_OPTIMIZER_KIND_SGD_MOMENTUM:
      return 1;

    case HR_OPTIMIZER_KIND_SGD:
    default:
      return 0;
    }
}

/*
 * hr_optimizer_init:
 * @self: (out): an optimizer
 * @parameters: what is trained
 * @kind: the algorithm
 * @implementation: which of torch's implementations
 *
 * Counts what an optimizer keeps and makes. AdamW divides by the root of its second moment, which is made of all
 * parameters at once (foreach), of one after the other (for-loop: the root and the quotient), or in the kernel (fused).
 */
void
hr_optimizer_init (HrOptimizer               *self,
                   const HrTrainables        *parameters,
                   HrOptimizerKind            kind,
                   HrOptimizerImplementation  implementation)
{
  guint n_states = get_n_states (kind);
  guint64 largest = 0;

  *self = (HrOptimizer) { 0 };
  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);
      guint64 bytes = hr_trainable_get_bytes (parameter);

      largest = MAX (largest, bytes);
      self->state_bytes += parameter->copies * n_states * bytes;
      if (kind == HR_OPTIMIZER_KIND_ADAMW && implementation == HR_OPTIMIZER_IMPLEMENTATION_FUSED)
        self->state_bytes += parameter->copies * hr_ledger_round (STEP_BYTES);
      if (kind == HR_OPTIMIZER_KIND_ADAMW && implementation == HR_OPTIMIZER_IMPLEMENTATION_FOREACH)
        self->step_bytes += parameter->copies * bytes;
    }

  if (kind == HR_OPTIMIZER_KIND_ADAMW && implementation == HR_OPTIMIZER_IMPLEMENTATION_FOR_LOOP)
    self->step_bytes = 2 * largest;
}
