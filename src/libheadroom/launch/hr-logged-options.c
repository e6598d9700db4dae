/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-logged-options.h"

#include <string.h>

/*
 * Options as a program tells them in the lines of its log, one by one, as llama.cpp does: "pattern" is a regular
 * expression whose group is the value of "option", "words" what stands for a value by itself (an option without one,
 * or a word for a type of quantization), "absent" what counts where no line says it. The last line counts, as a program
 * that tries what fits says everything more than once. A line with neither is a mark that its program writes.
 */

/* The last thing that a pattern's group matches, or %NULL. */
static char *
find_last (const char  *pattern,
           const char  *text,
           GError     **error)
{
  g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_MULTILINE | G_REGEX_OPTIMIZE, G_REGEX_MATCH_DEFAULT, error);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *found = NULL;

  if (regex == NULL)
    return NULL;

  for (g_regex_match (regex, text, G_REGEX_MATCH_DEFAULT, &match); g_match_info_matches (match);
       g_match_info_next (match, NULL))
    {
      g_free (found);
      found = g_match_info_fetch (match, 1);
    }

  return found != NULL ? g_strstrip (g_steal_pointer (&found)) : NULL;
}

/* What stands for a value, or the value itself where the line has no words. */
static gboolean
get_word (HrJson      *line,
          const char  *value,
          const char **word,
          gboolean    *is_alone,
          GError     **error)
{
  HrJson *words = NULL;

  *word = NULL;
  *is_alone = FALSE;
  if (!hr_json_get_object (line, "words", &words, error))
    return FALSE;
  if (words == NULL)
    {
      *word = value;
      return TRUE;
    }

  *is_alone = TRUE;

  return hr_json_get_member (words, value) == NULL || hr_json_get_string (words, value, word, error);
}

static gboolean
take_line (HrJson      *line,
           const char  *text,
           GPtrArray   *words,
           char       **quantization,
           gboolean    *is_there,
           GError     **error)
{
  const char *pattern, *option = NULL, *absent = NULL, *word;
  g_autofree char *value = NULL;
  g_autoptr (GError) own_error = NULL;
  gboolean is_alone;

  if (!hr_json_require_text (line, "pattern", &pattern, error) ||
      !hr_json_get_string (line, "option", &option, error) || !hr_json_get_string (line, "absent", &absent, error))
    return FALSE;

  value = find_last (pattern, text, &own_error);
  if (own_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&own_error));
      return FALSE;
    }
  *is_there = value != NULL;
  value = value != NULL ? g_steal_pointer (&value) : g_strdup (absent);
  if (value == NULL || (option == NULL && hr_json_get_member (line, "words") == NULL))
    return TRUE;
  if (!get_word (line, value, &word, &is_alone, error))
    return FALSE;

  if (word != NULL && option == NULL && *quantization == NULL && !g_str_has_prefix (word, "-"))
    {
      *quantization = g_strdup (word);
      return TRUE;
    }
  if (option != NULL)
    g_ptr_array_add (words, g_strdup (option));
  if (word != NULL)
    g_ptr_array_add (words, g_strdup (word));

  return TRUE;
}

/*
 * hr_logged_options_parse:
 * @lines: what lines say, of which the first has to be there for the text to be a log of the program
 * @text: a text
 * @words: (out) (transfer full) (array zero-terminated=1) (nullable): words as on a command line, or %NULL if the text
 *   is no such log
 * @quantization: (inout): how the model is quantized, where it is not known and a line says it
 * @error: return location for an error
 *
 * Reads options out of a log.
 *
 * Returns: whether @lines could be read
 */
gboolean
hr_logged_options_parse (HrJson      *lines,
                         const char  *text,
                         char      ***words,
                         char       **quantization,
                         GError     **error)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new_null_terminated (16, g_free, TRUE);

  *words = NULL;
  if (!g_utf8_validate (text, -1, NULL))
    return TRUE;

  for (guint i = 0; i < hr_json_get_length (lines); i++)
    {
      gboolean is_there = FALSE;

      if (!take_line (hr_json_get_element (lines, i), text, found, quantization, &is_there, error))
        return FALSE;
      if (i == 0 && !is_there)
        return TRUE;
    }

  *words = (char **) g_ptr_array_free (g_steal_pointer (&found), FALSE);

  return TRUE;
}
