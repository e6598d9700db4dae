/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"
#include "hr-medium.h"

G_BEGIN_DECLS

#define HR_TYPE_MULTIMODAL_JOB (hr_multimodal_job_get_type ())

G_DECLARE_FINAL_TYPE (HrMultimodalJob, hr_multimodal_job, HR, MULTIMODAL_JOB, HrJob)

HrMultimodalJob  *hr_multimodal_job_new             (void) G_GNUC_WARN_UNUSED_RESULT;
HrMultimodalTask  hr_multimodal_job_get_task        (HrMultimodalJob  *self);
guint64           hr_multimodal_job_get_text_tokens (HrMultimodalJob  *self);
GArray           *hr_multimodal_job_list_media      (HrMultimodalJob  *self,
                                                     GError          **error) G_GNUC_WARN_UNUSED_RESULT;
HrJob            *hr_multimodal_job_dup_task_job    (HrMultimodalJob  *self,
                                                     guint64           tokens) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
