/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-anatomy-table.h"
#include "hr-log.h"
#include "hr-report.h"

G_BEGIN_DECLS

HrAnatomyTable *hr_log_create_table    (HrLog             *log) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_log_dup_title       (HrLog             *log) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_log_to_text         (HrLog             *log,
                                        HrUnitSystem       unit_system,
                                        HrReportTextStyle  style) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_log_to_json         (HrLog             *log) G_GNUC_WARN_UNUSED_RESULT;
HrAnatomyTable *hr_report_create_log   (HrReport          *self,
                                        HrLog             *log) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
