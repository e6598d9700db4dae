/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-gpu.h"

G_BEGIN_DECLS

GListModel *hr_gpu_catalogue_get_default (void);
HrGpu      *hr_gpu_catalogue_lookup      (const char  *name,
                                          GError     **error) G_GNUC_WARN_UNUSED_RESULT;
HrGpu      *hr_gpu_catalogue_identify    (const char  *driver_name,
                                          guint64      memory) G_GNUC_WARN_UNUSED_RESULT;
gboolean    hr_gpu_matches               (HrGpu       *self,
                                          const char  *text);

G_END_DECLS
