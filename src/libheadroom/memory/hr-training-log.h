/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job-types.h"
#include "hr-replay.h"

G_BEGIN_DECLS

void hr_training_log_metrics (HrReplay     *replay,
                              HrValue       logits,
                              HrTrlRelease  release);

G_END_DECLS
