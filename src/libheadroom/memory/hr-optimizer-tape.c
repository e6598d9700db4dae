/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-optimizer-private.h"

/*
 * hr_tape_take:
 * @self: a tape
 * @bytes: a size
 *
 * Makes a tensor.
 *
 * Returns: what the allocator gives for it
 */
guint64
hr_tape_take (HrOptimizerTape *self,
              guint64          bytes)
{
  bytes = hr_ledger_round (bytes);
  self->live += bytes;
  self->peak = MAX (self->peak, self->live);

  return bytes;
}

/*
 * hr_tape_give:
 * @self: a tape
 * @bytes: what hr_tape_take() returned
 *
 * Lets a tensor go.
 */
void
hr_tape_give (HrOptimizerTape *self,
              guint64          bytes)
{
  self->live -= bytes;
}

/*
 * hr_tape_assign:
 * @self: a tape
 * @variable: a variable
 * @bytes: what hr_tape_take() returned for the tensor that it is bound to, or 0 for one that is held elsewhere
 *
 * Binds a variable, which lets go of what it held.
 */
void
hr_tape_assign (HrOptimizerTape *self,
                guint            variable,
                guint64          bytes)
{
  g_return_if_fail (variable < HR_TAPE_MAX_VARIABLES);

  self->live -= self->variables[variable];
  self->variables[variable] = bytes;
}

/*
 * hr_tape_clear:
 * @self: a tape
 *
 * The end of the function: all its variables go.
 */
void
hr_tape_clear (HrOptimizerTape *self)
{
  for (guint i = 0; i < HR_TAPE_MAX_VARIABLES; i++)
    hr_tape_assign (self, i, 0);
}

static void
step_rows (HrOptimizerTape    *self,
           const HrTrainables *parameters,
           guint               first,
           guint               end,
           HrOptimizerFilter   filter,
           gboolean            chosen,
           HrOptimizerStep     step)
{
  for (guint i = first; i < end; i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);

      if (filter == NULL || filter (self->settings, parameter) == chosen)
        step (self, parameter);
    }
}

/*
 * hr_tape_run:
 * @self: a tape
 * @parameters: what is trained
 * @filter: (nullable): which of them
 * @chosen: what @filter says of them
 * @step: what is done with each
 *
 * Steps parameters one after the other. Rows that stand for the parameters of several layers come by in turns; after
 * the second layer nothing new is to be seen.
 */
void
hr_tape_run (HrOptimizerTape    *self,
             const HrTrainables *parameters,
             HrOptimizerFilter   filter,
             gboolean            chosen,
             HrOptimizerStep     step)
{
  guint n = hr_trainables_get_n_items (parameters);
  guint end;

  for (guint i = 0; i < n; i = end)
    {
      gboolean repeats = hr_trainables_get_item (parameters, i)->copies > 1;

      for (end = i + 1; end < n && (hr_trainables_get_item (parameters, end)->copies > 1) == repeats; end++)
        ;
      step_rows (self, parameters, i, end, filter, chosen, step);
      if (repeats)
        step_rows (self, parameters, i, end, filter, chosen, step);
    }
}

/* What a tensor of the shape of a parameter takes. */
guint64
hr_trainable_get_bytes_as (const HrTrainable *self,
                           guint              size)
{
  return hr_ledger_round (self->n_elements * size);
}

gboolean
hr_trainable_is_matrix (const HrTrainable *self)
{
  return self->n_dimensions >= 2;
}

/* The size of the last dimension. */
guint64
hr_trainable_get_n_columns (const HrTrainable *self)
{
  return self->n_dimensions > 0 ? self->shape[self->n_dimensions - 1] : 1;
}

/* The product of all others. */
guint64
hr_trainable_get_n_rows (const HrTrainable *self)
{
  return self->n_elements / MAX (hr_trainable_get_n_columns (self), 1);
}
