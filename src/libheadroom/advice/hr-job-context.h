/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"

G_BEGIN_DECLS

guint64 hr_estimate_count_media_tokens (HrEstimate *estimate);
guint64 hr_estimate_get_context_tokens (HrEstimate *estimate,
                                        HrJob      *job);

G_END_DECLS
