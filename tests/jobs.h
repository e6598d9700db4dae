/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "hr-job.h"

HrJob   *job_new_changed        (HrMode      mode) G_GNUC_WARN_UNUSED_RESULT;
gboolean job_change_setting     (HrJob      *job,
                                 GParamSpec *setting);
