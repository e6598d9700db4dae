/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-report.h"

G_BEGIN_DECLS

gboolean hr_report_calibrate            (HrReport       *self,
                                         HrLog          *log,
                                         guint64         measured,
                                         HrCalibration  *calibration,
                                         GError        **error);
gboolean hr_report_forget_calibration   (HrReport       *self,
                                         HrCalibration  *calibration);
const HrCalibrationRow *hr_report_find_calibration (HrReport *self);

gboolean hr_report_get_calibrated_bytes (HrReport       *self,
                                         guint64        *bytes);
char    *hr_report_dup_calibrated       (HrReport       *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
