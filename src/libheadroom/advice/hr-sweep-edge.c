/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-sweep-edge.h"

#include <math.h>

/* The least step of a setting that is no whole number. */
#define FRACTION 0.01

/* A number of tokens or sequences may have to be a multiple of a power of two, up to this one. */
#define MAX_ALIGN 128

/*
 * Where the values of a sweep stop fitting, between those that have been estimated. The value that is told has been
 * estimated and fits, and the next one that can be estimated does not: memory grows nearly in proportion, so that a few
 * estimates are enough.
 */

static double
get_unit (gboolean is_whole)
{
  return is_whole ? 1 : FRACTION;
}

static gint64
count_steps (double   value,
             gboolean is_whole)
{
  return (gint64) round (value / get_unit (is_whole));
}

/* As all values are, what fits and what does not are told apart by the first and the last of either. */
static HrSweepFit
find_fit (guint64        memory,
          const guint64 *totals,
          guint          n_values,
          guint         *good,
          guint         *bad)
{
  guint n_known = 0, n_fitting = 0, n_changes = 0, before = 0;
  gboolean begins = FALSE, fitted = FALSE;

  for (guint i = 0; i < n_values; i++)
    {
      gboolean fits = totals[i] <= memory;

      if (totals[i] == 0)
        continue;

      if (n_known == 0)
        begins = fits;
      else if (fits != fitted)
        {
          n_changes++;
          *good = fits ? i : before;
          *bad = fits ? before : i;
        }
      if (n_changes == 0 || (fits && n_changes > 1))
        *good = i;
      fitted = fits;
      before = i;
      n_known++;
      n_fitting += fits ? 1 : 0;
    }

  if (n_known == 0)
    return HR_SWEEP_FIT_UNKNOWN;
  if (n_fitting == n_known)
    return HR_SWEEP_FIT_ALWAYS;
  if (n_fitting == 0)
    return HR_SWEEP_FIT_NEVER;
  if (n_changes > 1)
    return HR_SWEEP_FIT_SOME;

  return begins ? HR_SWEEP_FIT_UP_TO : HR_SWEEP_FIT_FROM;
}

/**
 * hr_sweep_edge_init: (skip)
 * @self: (out caller-allocates): an edge
 * @gpu: a GPU
 * @is_whole: whether values are whole numbers
 * @values: (array length=n_values): the values of a sweep, in order
 * @totals: (array length=n_values): what each takes on @gpu, 0 where there is no estimate
 * @n_values: how many there are
 *
 * Finds between which values a line crosses the memory of a GPU.
 */
void
hr_sweep_edge_init (HrSweepEdge   *self,
                    HrGpu         *gpu,
                    gboolean       is_whole,
                    const double  *values,
                    const guint64 *totals,
                    guint          n_values)
{
  guint64 memory = hr_gpu_get_usable_memory (gpu);
  guint good = 0, bad = 0;

  *self = (HrSweepEdge) { .gpu = g_object_ref (gpu), .align = 1 };
  self->fit = find_fit (memory, totals, n_values, &good, &bad);
  self->value = values[good];
  self->is_done = self->fit != HR_SWEEP_FIT_UP_TO && self->fit != HR_SWEEP_FIT_FROM;
  if (self->is_done)
    return;

  self->good = count_steps (values[good], is_whole);
  self->bad = count_steps (values[bad], is_whole);
  self->free_bytes = memory - totals[good];
  self->missing_bytes = totals[bad] - memory;
}

/* The next value to look at; none where those between are no multiples of what they have to be. */
static gboolean
pick (HrSweepEdge *self,
      gint64      *number)
{
  gint64 low = MIN (self->good, self->bad), high = MAX (self->good, self->bad), way;
  double share = self->halves ? 0.5 : (double) self->free_bytes / (self->free_bytes + self->missing_bytes);

  if (high - low < 2)
    return FALSE;

  self->halves = !self->halves;
  way = CLAMP ((gint64) (share * (high - low)), 1, high - low - 1);
  *number = self->good < self->bad ? low + way : high - way;
  *number -= *number % self->align;
  if (*number <= low)
    *number += self->align;

  return *number < high;
}

/**
 * hr_sweep_edge_step: (skip)
 * @self: an edge
 * @is_whole: whether values are whole numbers
 * @find_total: makes an estimate
 * @user_data: what it is given
 *
 * Makes one more estimate between the values of the sweep.
 *
 * Returns: whether there is more to look at
 */
gboolean
hr_sweep_edge_step (HrSweepEdge      *self,
                    gboolean          is_whole,
                    HrSweepTotalFunc  find_total,
                    gpointer          user_data)
{
  guint64 memory = hr_gpu_get_usable_memory (self->gpu), total = 0;
  gint64 number = 0;

  if (!self->is_done && !pick (self, &number))
    self->is_done = TRUE;
  if (self->is_done)
    return FALSE;

  if (!find_total (number * get_unit (is_whole), self->gpu, &total, user_data))
    {
      self->align *= 2;
      self->is_done = self->align > MAX_ALIGN;
    }
  else if (total <= memory)
    {
      self->good = number;
      self->value = number * get_unit (is_whole);
      self->free_bytes = memory - total;
    }
  else
    {
      self->bad = number;
      self->missing_bytes = total - memory;
    }

  return !self->is_done;
}

void
hr_sweep_edge_clear (HrSweepEdge *self)
{
  g_clear_object (&self->gpu);
}
