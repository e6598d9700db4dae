/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"
#include "hr-job-types.h"
#include "hr-model.h"

G_BEGIN_DECLS

gboolean   hr_sharing_trains   (HrJob              *job);
HrTrainingFramework hr_sharing_get_framework (HrJob *job);
void       hr_sharing_reset    (HrJob              *job,
                                const char * const *fixed);
GPtrArray *hr_sharing_list     (HrJob              *job,
                                guint               n_gpus) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray *hr_sharing_list_all (HrJob              *job,
                                HrModel            *model,
                                guint               n_gpus,
                                const char * const *fixed) G_GNUC_WARN_UNUSED_RESULT;
char      *hr_sharing_complete_change (HrJob      *job,
                                       const char *change) G_GNUC_WARN_UNUSED_RESULT;
char      *hr_sharing_dup_shares (const char       *change) G_GNUC_WARN_UNUSED_RESULT;
char      *hr_sharing_dup_text (const char         *change) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
