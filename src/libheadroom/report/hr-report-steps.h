/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-anatomy-table.h"
#include "hr-report.h"

G_BEGIN_DECLS

HrAnatomyTable *hr_report_get_steps      (HrReport      *self,
                                          HrComponentId  id);
char           *hr_report_dup_steps_note (HrReport      *self,
                                          HrComponentId  id) G_GNUC_WARN_UNUSED_RESULT;

char           *hr_report_dup_growth     (HrReport      *self,
                                          HrComponentId  id) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_report_dup_static     (HrReport      *self) G_GNUC_WARN_UNUSED_RESULT;
char           *hr_report_dup_trained    (HrReport      *self) G_GNUC_WARN_UNUSED_RESULT;
HrAnatomyTable *hr_report_create_measured (HrReport     *self,
                                           guint64       measured) G_GNUC_WARN_UNUSED_RESULT;
HrAnatomyTable *hr_report_create_checkpointing (HrReport *self) G_GNUC_WARN_UNUSED_RESULT;
gboolean        hr_report_has_zero       (HrReport      *self);
HrAnatomyTable *hr_report_create_zero    (HrReport      *self) G_GNUC_WARN_UNUSED_RESULT;
HrAnatomyTable *hr_report_create_pipeline (HrReport     *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
