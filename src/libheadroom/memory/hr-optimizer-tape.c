/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-optimizer-private.h"

static void
take (HrOptimizerTape *self,
      guint64          bytes,
      guint64          handle)
{
  self->live += bytes;
  self->peak = MAX (self->peak, self->live);
  if (self->heap != NULL && bytes > 0)
    {
      HrTapeBlock block = { bytes, handle, hr_heap_take (self->heap, bytes) };

      g_array_append_val (self->blocks, block);
    }
}

static HrTapeBlock *
get_block (HrOptimizerTape *self,
           guint            index)
{
  return &g_array_index (self->blocks, HrTapeBlock, index);
}

/*
 * Tensors of a size are taken for each other: that which was made last goes first. Where none has the size, it is that
 * of several.
 */
static void
give_blocks (HrOptimizerTape *self,
             guint64          bytes)
{
  guint last = self->blocks->len;
  guint64 found = 0;
  guint first;

  while (last > 0 && get_block (self, last - 1)->handle != bytes)
    last--;
  if (last > 0)
    {
      for (first = last - 1; first > 0 && get_block (self, first - 1)->handle == 0; first--)
        ;
    }
  else
    {
      last = first = self->blocks->len;
      while (first > 0 && found < bytes)
        found += get_block (self, --first)->bytes;
    }

  for (guint i = first; i < last; i++)
    hr_heap_give (self->heap, get_block (self, i)->block);
  g_array_remove_range (self->blocks, first, last - first);
}

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
  take (self, bytes, bytes);

  return bytes;
}

/*
 * hr_tape_take_list:
 * @self: a tape
 * @bytes: the size of each
 * @count: how many
 * @list: what the list takes so far that they are added to
 *
 * Makes tensors that are let go of together.
 *
 * Returns: what the allocator has given for the whole list
 */
guint64
hr_tape_take_list (HrOptimizerTape *self,
                   guint64          bytes,
                   guint64          count,
                   guint64          list)
{
  guint64 total;

  bytes = hr_ledger_round (bytes);
  total = list + count * bytes;
  if (self->heap == NULL)
    {
      self->live += count * bytes;
      self->peak = MAX (self->peak, self->live);
      return total;
    }

  /* The tensors of a list follow each other; the last has the size of all. */
  if (list > 0)
    get_block (self, self->blocks->len - 1)->handle = 0;
  for (guint64 i = 0; i < count; i++)
    take (self, bytes, i + 1 == count ? total : 0);

  return total;
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
  if (self->heap != NULL && bytes > 0)
    give_blocks (self, bytes);
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

  hr_tape_give (self, self->variables[variable]);
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
