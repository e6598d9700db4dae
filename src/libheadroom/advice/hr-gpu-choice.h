/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimator.h"
#include "hr-gpu-price.h"
#include "hr-units.h"

G_BEGIN_DECLS

/**
 * HrGpuChoice: (skip)
 * @gpu: a GPU of the catalogue
 * @n_gpus: the least number of them in which the job fits, of those that machines have
 * @free_bytes: what the fullest of them has left then
 * @price: (nullable): the lowest price of one of them, if one is known
 * @change: (nullable): settings by which they share the job, each as `name=value`, with blanks between; %NULL for those
 *   that it has
 * @sharing: (nullable): the same in short, such as “TP 4”
 *
 * GPUs that would do.
 */
typedef struct
{
  HrGpu *gpu;
  guint n_gpus;
  guint64 free_bytes;
  const HrGpuPrice *price;
  char *change;
  char *sharing;
} HrGpuChoice;

char *hr_gpu_choice_dup_title  (const HrGpuChoice *self) G_GNUC_WARN_UNUSED_RESULT;
char *hr_gpu_choice_dup_price  (const HrGpuChoice *self) G_GNUC_WARN_UNUSED_RESULT;
char *hr_gpu_choice_dup_reason (const HrGpuChoice *self,
                                HrUnitSystem       units) G_GNUC_WARN_UNUSED_RESULT;
char *hr_gpu_choice_dup_change (const HrGpuChoice *self) G_GNUC_WARN_UNUSED_RESULT;

/**
 * HrGpuSearch: (skip)
 *
 * A search for GPUs that would do, an estimate at a time, so that a window can go on meanwhile.
 */
typedef struct _HrGpuSearch HrGpuSearch;

HrGpuSearch *hr_gpu_search_new         (HrEstimate  *estimate,
                                        HrJob       *job,
                                        HrGpu       *gpu,
                                        guint        n_gpus) G_GNUC_WARN_UNUSED_RESULT;
void         hr_gpu_search_free        (HrGpuSearch *self);
gboolean     hr_gpu_search_step        (HrGpuSearch *self);
GPtrArray   *hr_gpu_search_get_choices (HrGpuSearch *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrGpuSearch, hr_gpu_search_free)

GPtrArray *hr_gpu_choice_list (HrEstimate *estimate,
                               HrJob      *job,
                               HrGpu      *gpu,
                               guint       n_gpus) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray *hr_gpu_choice_pick (GPtrArray  *choices) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
