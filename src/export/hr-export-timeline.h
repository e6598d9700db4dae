/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-palette.h"
#include "hr-report.h"
#include "hr-timeline-data.h"

G_BEGIN_DECLS

HrTimelineData *hr_export_create_timeline_data (HrReport        *report,
                                                const char      *title,
                                                HrPaletteScheme  scheme) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
