/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-document.h"
#include "hr-sweep.h"

G_BEGIN_DECLS

HrDocument *hr_sweep_create_document (HrSweep            *sweep,
                                      HrUnitSystem        unit_system) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_sweep_dup_title       (HrSweep            *sweep) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_sweep_dup_context     (HrSweep            *sweep,
                                      guint               line) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_sweep_dup_file_name   (HrSweep            *sweep,
                                      const char         *extension) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_sweep_to_text         (HrSweep            *sweep,
                                      HrUnitSystem        unit_system,
                                      HrReportTextStyle   style) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_sweep_to_markdown     (HrSweep            *sweep,
                                      HrUnitSystem        unit_system) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_sweep_to_csv          (HrSweep            *sweep) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_sweep_to_json         (HrSweep            *sweep) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
