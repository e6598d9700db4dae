/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"
#include "hr-medium.h"

G_BEGIN_DECLS

#define HR_TYPE_MULTIMODAL_JOB (hr_multimodal_job_get_type ())

G_DECLARE_FINAL_TYPE (HrMultimodalJob, hr_multimodal_job, HR, MULTIMODAL_JOB, HrJob)

HrMultimodalJob  *hr_multimodal_job_new      (void) G_GNUC_WARN_UNUSED_RESULT;
HrMultimodalTask  hr_multimodal_job_get_task (HrMultimodalJob *self);

G_END_DECLS
