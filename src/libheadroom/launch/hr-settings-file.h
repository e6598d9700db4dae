/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

GPtrArray *hr_settings_file_read (const char *file,
                                  const char *script,
                                  const char *prefix);

G_END_DECLS
