/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-least-gpus.h"

G_BEGIN_DECLS

GArray *hr_least_trial_list (HrModel             *model,
                             HrJob               *job,
                             GPtrArray           *gpus,
                             guint                max_gpus,
                             const char * const  *fixed,
                             GCancellable        *cancellable,
                             GError             **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
