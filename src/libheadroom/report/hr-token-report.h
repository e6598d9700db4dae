/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-model.h"
#include "hr-report.h"

G_BEGIN_DECLS

char *hr_token_report_to_text (HrModel            *model,
                               const char         *inputs,
                               HrReportTextStyle   style,
                               GError            **error) G_GNUC_WARN_UNUSED_RESULT;
char *hr_token_report_to_json (HrModel            *model,
                               const char         *inputs,
                               GError            **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
