/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job-types.h"

G_BEGIN_DECLS

/**
 * HrPipelineActionKind:
 * @HR_PIPELINE_ACTION_FORWARD: a forward pass
 * @HR_PIPELINE_ACTION_BACKWARD: a backward pass
 * @HR_PIPELINE_ACTION_INPUTS: the gradients of inputs alone
 * @HR_PIPELINE_ACTION_WEIGHTS: those of weights, for which what the forward pass has left stays until then
 * @HR_PIPELINE_ACTION_GATHER: parameters are gathered from other ranks
 * @HR_PIPELINE_ACTION_AWAIT: what was gathered is copied to where it is used
 * @HR_PIPELINE_ACTION_LET_GO: parameters that are whole go
 * @HR_PIPELINE_ACTION_REDUCE: parameters go, and gradients are reduced
 *
 * What a rank of a pipeline computes at a time.
 */
typedef enum
{
  HR_PIPELINE_ACTION_FORWARD,
  HR_PIPELINE_ACTION_BACKWARD,
  HR_PIPELINE_ACTION_INPUTS,
  HR_PIPELINE_ACTION_WEIGHTS,
  HR_PIPELINE_ACTION_GATHER,
  HR_PIPELINE_ACTION_AWAIT,
  HR_PIPELINE_ACTION_LET_GO,
  HR_PIPELINE_ACTION_REDUCE,
  HR_N_PIPELINE_ACTIONS,
} HrPipelineActionKind;

/**
 * HrPipelineAction:
 * @kind: what is computed
 * @part: by which part of the rank’s layers
 * @micro_batch: of which micro-batch; 0 for what is done for all of them
 *
 * An action of a rank.
 */
typedef struct
{
  HrPipelineActionKind kind;
  guint part;
  guint micro_batch;
} HrPipelineAction;

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
gboolean hr_pipeline_schedule_splits    (HrPipelineSchedule schedule);
gboolean hr_pipeline_schedule_goes_back (HrPipelineSchedule schedule);
GArray * hr_pipeline_schedule_list     (HrPipelineSchedule  schedule,
                                        guint64             n_ranks,
                                        guint64             n_parts,
                                        guint64             n_micro_batches,
                                        guint64             rank) G_GNUC_WARN_UNUSED_RESULT;
guint64  hr_pipeline_schedule_deal_layers (guint64          n_layers,
                                           guint64          n_stages,
                                           guint64          stage,
                                           guint64          first_weight,
                                           guint64          last_weight);
GArray * hr_pipeline_schedule_shard    (HrPipelineSchedule  schedule,
                                        guint64             n_parts,
                                        guint64             n_micro_batches,
                                        const GArray       *actions) G_GNUC_WARN_UNUSED_RESULT;
void     hr_pipeline_schedule_count    (HrPipelineSchedule  schedule,
                                        guint64             n_ranks,
                                        guint64             n_parts,
                                        guint64             n_micro_batches,
                                        guint64             rank,
                                        HrPipelineLoad     *load);

G_END_DECLS
