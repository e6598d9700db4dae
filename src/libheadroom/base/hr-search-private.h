/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How names are compared with what people type, for all catalogues alike. */

char     *hr_search_fold           (const char         *text) G_GNUC_WARN_UNUSED_RESULT;
char    **hr_search_split          (const char         *text) G_GNUC_WARN_UNUSED_RESULT;
char     *hr_search_squeeze        (const char         *text) G_GNUC_WARN_UNUSED_RESULT;
gboolean  hr_search_words_contain  (const char * const *words,
                                    const char         *run,
                                    gboolean            unfinished);
guint     hr_search_edit_distance  (const char         *a,
                                    const char         *b);
gboolean  hr_search_parse_number   (const char         *word,
                                    double             *number,
                                    const char        **unit);

G_END_DECLS
