/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "hr-estimator.h"

HrModel *   load_llama        (void);
HrEstimate *run_with_timeline (HrModel *model,
                               HrJob   *job);
void        check_device      (HrEstimate *estimate,
                               guint       device);
void        check_estimate    (HrEstimate *estimate);
