/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"
#include "hr-gpu.h"
#include "hr-job.h"

G_BEGIN_DECLS

/**
 * HrAdvice: (skip)
 * @change: the settings to change, each as a setting=value, with blanks between
 * @saves_bytes: by how much the peak falls, as another estimate has it
 * @text: what to do, in the user’s language
 * @cost: (nullable): what one pays for it, in the user’s language
 *
 * A change to a job that saves memory.
 */
typedef struct
{
  char *change;
  guint64 saves_bytes;
  char *text;
  char *cost;
} HrAdvice;

/**
 * HrAdviceSearch: (skip)
 *
 * A search for advice, a change at a time, so that a window can go on meanwhile.
 */
typedef struct _HrAdviceSearch HrAdviceSearch;

HrAdviceSearch *hr_advice_search_new        (HrEstimate     *estimate,
                                             HrJob          *job,
                                             HrGpu          *gpu,
                                             guint           n_gpus) G_GNUC_WARN_UNUSED_RESULT;
void            hr_advice_search_free       (HrAdviceSearch *self);
gboolean        hr_advice_search_step       (HrAdviceSearch *self);
GPtrArray      *hr_advice_search_get_advice (HrAdviceSearch *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrAdviceSearch, hr_advice_search_free)

GPtrArray *hr_advice_list (HrEstimate *estimate,
                           HrJob      *job,
                           HrGpu      *gpu,
                           guint       n_gpus) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
