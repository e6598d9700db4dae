/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job-types.h"
#include "hr-replay.h"

G_BEGIN_DECLS

HrValue hr_training_get_entropy_chunk (HrElement     element,
                                       guint64       n_tokens);
void    hr_training_compute_entropy   (HrReplay     *replay,
                                       HrValue       shape);
void    hr_training_log_metrics       (HrReplay     *replay,
                                       HrValue       logits,
                                       HrTrlRelease  release);

G_END_DECLS
