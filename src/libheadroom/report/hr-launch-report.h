/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-launch.h"

G_BEGIN_DECLS

char *hr_launch_to_text (const HrLaunch *launch,
                         HrJob          *job) G_GNUC_WARN_UNUSED_RESULT;
char *hr_launch_to_json (const HrLaunch *launch) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
