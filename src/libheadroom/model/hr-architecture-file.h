/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

gboolean   hr_architecture_file_probe     (GFile       *file);
char      *hr_architecture_file_check     (GFile       *file,
                                           GError     **error) G_GNUC_WARN_UNUSED_RESULT;
GFile     *hr_architecture_file_install   (GFile       *file,
                                           GError     **error) G_GNUC_WARN_UNUSED_RESULT;
char     **hr_architecture_file_list      (void) G_GNUC_WARN_UNUSED_RESULT;
GFile     *hr_architecture_file_get       (const char  *model_type) G_GNUC_WARN_UNUSED_RESULT;
gboolean   hr_architecture_file_remove    (const char  *model_type,
                                           GError     **error);

G_END_DECLS
