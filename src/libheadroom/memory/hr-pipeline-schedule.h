/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HrPipelineSchedule:
 * @HR_PIPELINE_SCHEDULE_GPIPE: all forward passes, then all backward passes
 * @HR_PIPELINE_SCHEDULE_1F1B: backward passes as soon as they can be, in turns with forward passes
 * @HR_PIPELINE_SCHEDULE_INTERLEAVED: the same, with several parts of the layers on each rank
 * @HR_PIPELINE_SCHEDULE_ZERO_BUBBLE: gradients of weights are computed behind those of inputs, where ranks would wait
 *   (ZB1P)
 * @HR_PIPELINE_SCHEDULE_ZBV: the same with two parts on each rank, of which the second ones come in the opposite order
 *
 * In which order the ranks of a pipeline run micro-batches (torch/distributed/pipelining/schedules.py).
 */
typedef enum
{
  HR_PIPELINE_SCHEDULE_GPIPE,
  HR_PIPELINE_SCHEDULE_1F1B,
  HR_PIPELINE_SCHEDULE_INTERLEAVED,
  HR_PIPELINE_SCHEDULE_ZERO_BUBBLE,
  HR_PIPELINE_SCHEDULE_ZBV,
  HR_N_PIPELINE_SCHEDULES,
} HrPipelineSchedule;

/**
 * HrPipelineLoad:
 * @n_kept: how many times what a part keeps of a micro-batch is there at once, at the most
 * @n_waiting: of how many of these the gradients of inputs are there, and those of weights are not
 * @n_first: how many of them are of the rank’s first part
 *
 * What a rank keeps for backward passes at the moment when it is most.
 */
typedef struct
{
  guint64 n_kept;
  guint64 n_waiting;
  guint64 n_first;
} HrPipelineLoad;

gboolean hr_pipeline_schedule_is_known (HrPipelineSchedule  schedule,
                                        guint64             n_ranks,
                                        guint64             n_parts,
                                        guint64             n_micro_batches);
void     hr_pipeline_schedule_count    (HrPipelineSchedule  schedule,
                                        guint64             n_ranks,
                                        guint64             n_parts,
                                        guint64             n_micro_batches,
                                        guint64             rank,
                                        HrPipelineLoad     *load);

G_END_DECLS
