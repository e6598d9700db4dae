/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <hr-gpu.h>
#include <hr-job.h>

G_BEGIN_DECLS

/*
 * What a change makes of a job and of the GPUs that it runs on. @gpu may be NULL.
 */
typedef struct
{
  HrJob *job;
  HrGpu *gpu;
  guint n_gpus;
} HeadroomJobChange;

HeadroomJobChange *headroom_job_change_new  (HrJob              *job,
                                             HrGpu              *gpu,
                                             guint               n_gpus,
                                             const char         *text,
                                             GError            **error) G_GNUC_WARN_UNUSED_RESULT;
void               headroom_job_change_free (HeadroomJobChange  *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HeadroomJobChange, headroom_job_change_free)

G_END_DECLS
