/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-grpo-job.h"

G_BEGIN_DECLS

char *hr_grpo_job_dup_refusal (HrGrpoJob *self,
                               guint64    n_ranks) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
