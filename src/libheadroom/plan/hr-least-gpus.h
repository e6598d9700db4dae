/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gpu.h"
#include "hr-job.h"
#include "hr-layout-parts.h"
#include "hr-model.h"

G_BEGIN_DECLS

/**
 * HrLeastGpus: (skip)
 * @gpu: a kind of GPU
 * @n_gpus: how many of them are enough, or 0 if @max_gpus are not
 * @is_exact: whether @bytes are those of an estimate; formulas have them otherwise
 * @step: the layout on them that takes least, as formulas have it
 * @change: (nullable): the settings by which they share the job, as an estimate has it, each as `name=value` with
 *   blanks between; %NULL for those that the job has
 * @bytes: what the fullest of them holds at its peak
 *
 * The fewest GPUs of a kind that a job fits on.
 */
typedef struct
{
  HrGpu *gpu;
  guint64 n_gpus;
  gboolean is_exact;
  HrLayoutStep step;
  char *change;
  guint64 bytes;
} HrLeastGpus;

GArray *hr_least_gpus_new  (void) G_GNUC_WARN_UNUSED_RESULT;

char   *hr_least_gpus_dup_change (const HrLeastGpus *self,
                                  HrJob             *job) G_GNUC_WARN_UNUSED_RESULT;

GArray *hr_least_gpus_list (HrModel             *model,
                            HrJob               *job,
                            GPtrArray           *gpus,
                            guint64              n_sequences,
                            guint                max_gpus,
                            const char * const  *fixed,
                            GCancellable        *cancellable,
                            GError             **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
