/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char    **hr_shell_words_split       (const char  *text,
                                      GError     **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean  hr_shell_words_end_command (const char  *word);
char     *hr_shell_words_dup_name    (const char  *path) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
