/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean   hr_modelfile_is_ollama (const char  *text);
GPtrArray *hr_modelfile_split     (const char  *text,
                                   char       **model);

G_END_DECLS
