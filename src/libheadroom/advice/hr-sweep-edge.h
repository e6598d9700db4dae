/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gpu.h"
#include "hr-job.h"
#include "hr-model.h"

G_BEGIN_DECLS

/**
 * HrSweepFit: (skip)
 * @HR_SWEEP_FIT_UNKNOWN: no value has an estimate
 * @HR_SWEEP_FIT_ALWAYS: every value that has an estimate fits
 * @HR_SWEEP_FIT_NEVER: none does
 * @HR_SWEEP_FIT_UP_TO: those up to a value do
 * @HR_SWEEP_FIT_FROM: those from a value on do
 * @HR_SWEEP_FIT_SOME: some do, in no order
 *
 * Where a line is below a size.
 */
typedef enum
{
  HR_SWEEP_FIT_UNKNOWN,
  HR_SWEEP_FIT_ALWAYS,
  HR_SWEEP_FIT_NEVER,
  HR_SWEEP_FIT_UP_TO,
  HR_SWEEP_FIT_FROM,
  HR_SWEEP_FIT_SOME,
} HrSweepFit;

/*
 * HrSweepEdge:
 * @gpu: the GPU whose memory a line is held against
 * @fit: where the line is below that
 * @value: the last value that fits, or the first one where those from it on do
 * @is_done: whether that has been looked for between the values of the sweep
 * @good: the number of @value, counted in the least steps of the setting
 * @bad: the number of the nearest value that is known not to fit
 * @free_bytes: what is left at @good
 * @missing_bytes: what is lacking at @bad
 * @align: numbers have to be multiples of it
 * @halves: whether half the way is gone next
 *
 * Where a line of a sweep crosses the memory of a GPU.
 */
typedef struct
{
  HrGpu *gpu;
  HrSweepFit fit;
  double value;
  gboolean is_done;
  gint64 good;
  gint64 bad;
  guint64 free_bytes;
  guint64 missing_bytes;
  gint64 align;
  gboolean halves;
} HrSweepEdge;

/*
 * HrSweepTotalFunc:
 * @value: a value of the setting
 * @gpu: the GPU that the estimate is for
 * @total_bytes: (out): the peak of the fullest GPU
 * @user_data: what was passed to hr_sweep_edge_step()
 *
 * Returns: whether there is an estimate
 */
typedef gboolean (*HrSweepTotalFunc) (double    value,
                                      HrGpu    *gpu,
                                      guint64  *total_bytes,
                                      gpointer  user_data);

void     hr_sweep_edge_init  (HrSweepEdge        *self,
                              HrGpu              *gpu,
                              gboolean            is_whole,
                              const double       *values,
                              const guint64      *totals,
                              guint               n_values);
gboolean hr_sweep_edge_step  (HrSweepEdge        *self,
                              gboolean            is_whole,
                              HrSweepTotalFunc    find_total,
                              gpointer            user_data);
void     hr_sweep_edge_clear (HrSweepEdge        *self);

G_END_DECLS
