/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

GBytes *hr_file_load           (GFile       *file,
                                gsize        max_bytes,
                                GError     **error) G_GNUC_WARN_UNUSED_RESULT;
int     hr_file_open_native    (const char  *path,
                                const char  *name,
                                guint64      max_bytes,
                                guint64     *size,
                                GError     **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean hr_file_is_folder     (GFile       *file);
char  **hr_file_list_resources (const char  *folder) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
