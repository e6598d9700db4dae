/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-gguf-words.h"

#include <math.h>
#include <string.h>

/* "llama.block_count" of "{}.block_count" */
char *
hr_gguf_words_fill_in (const char *pattern,
                       const char *text)
{
  const char *place = strstr (pattern, "{}");

  if (place == NULL)
    return g_strdup (pattern);

  return g_strdup_printf ("%.*s%s%s", (int) (place - pattern), pattern, text, place + 2);
}

const char *
hr_gguf_words_get_string (HrJson *node)
{
  const char *text = NULL;

  return hr_json_read_string (node, &text, NULL) ? text : NULL;
}

void
hr_gguf_words_set_number (GHashTable *config,
                          const char *key,
                          double      number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (floor (number) == number && fabs (number) < 9007199254740992.0)
    g_snprintf (text, sizeof text, "%.0f", number);
  else
    g_ascii_dtostr (text, sizeof text, number);
  g_hash_table_insert (config, g_strdup (key), g_strdup (text));
}

void
hr_gguf_words_set_boolean (GHashTable *config,
                           const char *key,
                           gboolean    value)
{
  g_hash_table_insert (config, g_strdup (key), g_strdup (value ? "true" : "false"));
}
