/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-report.h"

G_BEGIN_DECLS

char *hr_help_to_text (const char         *query,
                       HrReportTextStyle   style,
                       GError            **error) G_GNUC_WARN_UNUSED_RESULT;
char *hr_help_to_json (const char         *query,
                       GError            **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
