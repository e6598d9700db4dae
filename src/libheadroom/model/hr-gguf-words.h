/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-json.h"

G_BEGIN_DECLS

/* Words of data/formats/gguf.json, and what they put into a config. */
char       *hr_gguf_words_fill_in     (const char *pattern,
                                       const char *text) G_GNUC_WARN_UNUSED_RESULT;
const char *hr_gguf_words_get_string  (HrJson     *node);
void        hr_gguf_words_set_number  (GHashTable *config,
                                       const char *key,
                                       double      number);
void        hr_gguf_words_set_boolean (GHashTable *config,
                                       const char *key,
                                       gboolean    value);

G_END_DECLS
