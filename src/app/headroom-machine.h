/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "hr-calibration.h"

G_BEGIN_DECLS

HrCalibration *headroom_machine_get_calibration (GError **error);
gboolean       headroom_machine_save            (GError **error);

G_END_DECLS
