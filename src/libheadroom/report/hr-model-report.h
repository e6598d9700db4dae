/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-model.h"
#include "hr-report.h"
#include "hr-units.h"

G_BEGIN_DECLS

char *hr_model_to_text (HrModel           *self,
                        gboolean           with_tensors,
                        HrUnitSystem       unit_system,
                        HrReportTextStyle  style) G_GNUC_WARN_UNUSED_RESULT;
char *hr_model_to_json (HrModel           *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
