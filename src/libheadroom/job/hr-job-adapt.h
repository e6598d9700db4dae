/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"

G_BEGIN_DECLS

void      hr_job_give        (HrJob      *self,
                              const char *name);
void      hr_job_vary        (HrJob      *self,
                              const char *name);
void      hr_job_copy_given  (HrJob      *self,
                              HrJob      *copy);
void      hr_job_adapt       (HrJob      *self,
                              HrModel    *model);
HrJob    *hr_job_dup_adapted (HrJob      *self,
                              HrModel    *model) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
