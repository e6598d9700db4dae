/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-chart-picture.h"
#include "hr-document.h"

G_BEGIN_DECLS

gboolean hr_export_document_to_pdf (HrDocument      *document,
                                    HrChartPicture  *picture,
                                    HrChartPicture  *timeline,
                                    GOutputStream   *stream,
                                    GError         **error);

G_END_DECLS
