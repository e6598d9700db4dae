/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-printed-arguments.h"

#include <string.h>

/*
 * Arguments as programs of Python print them when they start: those of a call, `Namespace(model='m', port=8000)`, or a
 * dictionary, `{'model': 'm', 'port': 8000}`.
 */

#define BLANKS " \t\n\r,"

static gboolean
is_quote (char c)
{
  return c == '\'' || c == '"';
}

/* Takes a string in quotes, and moves behind it. */
static char *
take_quoted (const char **text)
{
  GString *string = g_string_new (NULL);
  char quote = *(*text)++;

  for (; **text != '\0' && **text != quote; (*text)++)
    {
      if (**text == '\\' && (*text)[1] != '\0')
        (*text)++;
      g_string_append_c (string, **text);
    }
  if (**text == quote)
    (*text)++;

  return g_string_free (string, FALSE);
}

/* Takes what is left of a value as it is, with lists and calls within it. */
static char *
take_bare (const char **text)
{
  const char *start = *text;
  guint depth = 0;

  for (; **text != '\0'; (*text)++)
    {
      if (strchr ("([{", **text) != NULL)
        depth++;
      else if (strchr (")]}", **text) != NULL && depth-- == 0)
        break;
      else if (depth == 0 && (**text == ',' || **text == '\n'))
        break;
    }

  return g_strstrip (g_strndup (start, *text - start));
}

static char *
take_value (const char **text)
{
  *text += strspn (*text, " ");

  return is_quote (**text) ? take_quoted (text) : take_bare (text);
}

static char *
take_name (const char **text)
{
  const char *start = *text;

  if (is_quote (**text))
    return take_quoted (text);

  while (g_ascii_isalnum (**text) || **text == '_')
    (*text)++;

  return g_strndup (start, *text - start);
}

/* What is true is said by its name, and what is not set is not said. */
static void
add_argument (GPtrArray *words,
              char      *name,
              char      *value)
{
  g_autofree char *own_name = name;
  g_autofree char *own_value = value;

  if (g_str_equal (value, "None") || g_str_equal (value, "False"))
    return;

  g_ptr_array_add (words, g_strdup_printf ("--%s", name));
  if (!g_str_equal (value, "True"))
    g_ptr_array_add (words, g_steal_pointer (&own_value));
}

/*
 * hr_printed_arguments_parse:
 * @text: what is printed, behind the bracket that opens it
 *
 * Reads arguments, up to the bracket that closes them, or as far as they can be read.
 *
 * Returns: (transfer full) (array zero-terminated=1): words as on a command line
 */
char **
hr_printed_arguments_parse (const char *text)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_null_terminated (8, g_free, TRUE);

  for (text += strspn (text, BLANKS); *text != '\0'; text += strspn (text, BLANKS))
    {
      g_autofree char *name = take_name (&text);

      text += strspn (text, " ");
      if (*name == '\0' || (*text != '=' && *text != ':'))
        break;
      text++;
      add_argument (words, g_steal_pointer (&name), take_value (&text));
    }

  return (char **) g_ptr_array_free (g_steal_pointer (&words), FALSE);
}
