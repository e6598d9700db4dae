/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-search-private.h"

#include <string.h>

/* Full-width letters become plain ones and case is dropped, so that what an input method leaves behind matches too. */
char *
hr_search_fold (const char *text)
{
  g_autofree char *normal = NULL;

  /* Nearly all names are plain, and then this is much faster. */
  if (g_str_is_ascii (text))
    return g_ascii_strdown (text, -1);

  normal = g_utf8_normalize (text, -1, G_NORMALIZE_ALL_COMPOSE);

  return normal != NULL ? g_utf8_casefold (normal, -1) : g_ascii_strdown (text, -1);
}

/* A dot is part of a word only between digits: `2.5`. */
static gboolean
is_word_character (const char *start,
                   const char *position)
{
  if (*position == '.')
    return position > start && g_ascii_isdigit (position[-1]) && g_ascii_isdigit (position[1]);

  return g_unichar_isalnum (g_utf8_get_char (position));
}

/* Splits folded text where something else than a letter or a digit stands. */
char **
hr_search_split (const char *text)
{
  g_autofree char *folded = hr_search_fold (text);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  const char *word = NULL;

  for (const char *p = folded; ; p = g_utf8_next_char (p))
    {
      gboolean inside = *p != '\0' && is_word_character (folded, p);

      if (inside && word == NULL)
        word = p;

      if (!inside && word != NULL)
        {
          g_autofree char *copy = g_strndup (word, p - word);

          g_strv_builder_add (builder, copy);
          word = NULL;
        }

      if (*p == '\0')
        return g_strv_builder_end (builder);
    }
}

/* The words without what stands between them: `RTX 4090`, `rtx-4090` and `RTX4090` are the same. */
char *
hr_search_squeeze (const char *text)
{
  g_auto (GStrv) words = hr_search_split (text);

  return g_strjoinv (NULL, words);
}

/* Whether @run is one of @words or several neighbours of them written together; the last one may be cut short. */
gboolean
hr_search_words_contain (const char * const *words,
                         const char         *run,
                         gboolean            unfinished)
{
  for (guint i = 0; words[i] != NULL; i++)
    {
      const char *rest = run;
      guint j = i;

      while (words[j] != NULL && *rest != '\0' && g_str_has_prefix (rest, words[j]))
        rest += strlen (words[j++]);

      if (*rest == '\0' || (unfinished && words[j] != NULL && g_str_has_prefix (words[j], rest)))
        return TRUE;
    }

  return FALSE;
}

/* How many characters must be added, dropped, replaced or swapped with their neighbour to make @b of @a. */
guint
hr_search_edit_distance (const char *a,
                         const char *b)
{
  gsize n_a = strlen (a);
  gsize n_b = strlen (b);
  gsize width = n_b + 1;
  g_autofree guint *rows = g_new0 (guint, 3 * width);
  guint *older = rows;
  guint *old = rows + width;
  guint *row = rows + 2 * width;

  for (gsize j = 0; j <= n_b; j++)
    old[j] = j;

  for (gsize i = 1; i <= n_a; i++)
    {
      guint *oldest = older;

      row[0] = i;
      for (gsize j = 1; j <= n_b; j++)
        {
          row[j] = MIN (MIN (old[j], row[j - 1]) + 1, old[j - 1] + (a[i - 1] != b[j - 1]));
          if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
            row[j] = MIN (row[j], older[j - 2] + 1);
        }

      older = old;
      old = row;
      row = oldest;
    }

  return old[n_b];
}

/* Reads a word such as `7b` or `80gb`; @unit is what follows the number, which may be nothing. */
gboolean
hr_search_parse_number (const char  *word,
                        double      *number,
                        const char **unit)
{
  char *end;

  if (!g_ascii_isdigit (*word))
    return FALSE;

  *number = g_ascii_strtod (word, &end);
  *unit = end;

  return TRUE;
}
