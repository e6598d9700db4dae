/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-advice.h"
#include "hr-fit.h"

G_BEGIN_DECLS

void      _hr_advice_free            (gpointer    data);
char     *_hr_advice_describe_change (HrJob      *job,
                                      HrJob      *changed) G_GNUC_WARN_UNUSED_RESULT;
gboolean  _hr_advice_make_change     (HrJob      *job,
                                      const char *change);
gboolean  _hr_advice_starts          (HrEstimate *estimate,
                                      HrJob      *job);
void      _hr_advice_compare         (HrEstimate *estimate,
                                      HrGpu      *gpu,
                                      HrFit      *fit);
void      _hr_advice_keep_layers     (HrJob      *job);
void      _hr_advice_add_media       (GPtrArray  *advice,
                                      HrEstimate *estimate,
                                      HrJob      *job,
                                      HrGpu      *gpu,
                                      guint       n_gpus);

G_END_DECLS
