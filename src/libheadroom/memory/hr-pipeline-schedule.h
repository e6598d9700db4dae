/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job-types.h"

G_BEGIN_DECLS

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
