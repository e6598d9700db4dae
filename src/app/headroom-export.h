/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <hr-export.h>
#include <hr-report.h>

G_BEGIN_DECLS

void   headroom_export_async  (HrReport             *report,
                               HrExportFormat        format,
                               GFile                *file,
                               gpointer              source_object,
                               GAsyncReadyCallback   callback,
                               gpointer              user_data);
GFile *headroom_export_finish (GAsyncResult         *result,
                               GError              **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
