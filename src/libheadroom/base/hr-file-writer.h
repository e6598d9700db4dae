/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

gboolean hr_file_write (GFile       *file,
                        const void  *data,
                        gsize        length,
                        GError     **error);

G_END_DECLS
