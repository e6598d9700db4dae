/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-chart-picture.h"
#include "hr-document.h"
#include "hr-export.h"

G_BEGIN_DECLS

GBytes *hr_export_take_text         (char            *text) G_GNUC_WARN_UNUSED_RESULT;
char   *hr_export_picture_to_svg    (HrChartPicture  *picture,
                                     GError         **error) G_GNUC_WARN_UNUSED_RESULT;
GBytes *hr_export_document_to_bytes (HrDocument      *document,
                                     HrExportFormat   format,
                                     HrChartPicture  *picture,
                                     HrChartPicture  *timeline,
                                     GError         **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
