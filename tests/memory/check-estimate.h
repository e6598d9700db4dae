/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "hr-estimator.h"

HrModel *   load_llama        (void);
guint64     count_llama       (void);
HrEstimate *estimate_llama    (HrJob   *job,
                               HrGpu   *gpu);
HrEstimate *run_with_timeline (HrModel *model,
                               HrJob   *job);
void        check_device      (HrEstimate *estimate,
                               guint       device);
void        check_estimate    (HrEstimate *estimate);
