/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"
#include "hr-gpu.h"
#include "hr-job.h"
#include "hr-model.h"

G_BEGIN_DECLS

HrEstimate *hr_estimator_run (HrModel  *model,
                              HrJob    *job,
                              HrGpu    *gpu,
                              guint     n_gpus,
                              GError  **error) G_GNUC_WARN_UNUSED_RESULT;
HrEstimate *hr_estimator_run_for_sizes (HrModel  *model,
                                        HrJob    *job,
                                        HrGpu    *gpu,
                                        guint     n_gpus,
                                        GError  **error) G_GNUC_WARN_UNUSED_RESULT;
HrEstimate *hr_estimator_run_with_timeline (HrModel  *model,
                                            HrJob    *job,
                                            HrGpu    *gpu,
                                            guint     n_gpus,
                                            GError  **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean    hr_estimator_knows_choice      (HrJob      *job,
                                            GParamSpec *setting,
                                            int         choice);
gboolean    hr_estimator_compare_gpus      (HrJob      *job,
                                            HrGpu      *gpu,
                                            HrGpu      *other,
                                            guint       n_gpus,
                                            gint64     *difference);

G_END_DECLS
