/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-formula-text.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-formula-symbols.h"
#include "hr-units.h"

/* Formulas are written with middle dots and without spaces around them, and their numbers in digits alone. */
#define DOT "·"
#define TIMES " × "

static gboolean
is_part_of_name (char c)
{
  return c == '_' || g_ascii_isalnum (c);
}

static gsize
get_name_length (const char *text)
{
  gsize length = 0;

  while (is_part_of_name (text[length]))
    length++;

  return length;
}

static gboolean
is_number (const char *text,
           gsize       length)
{
  return strspn (text, "0123456789") >= length;
}

/*
 * Digits behind a decimal point stay as they are, and so do those of a number that is too large to be read, and groups
 * of a number that has been written in groups, which may begin with zeros.
 */
static void
append_number (GString    *string,
               const char *digits,
               gsize       length)
{
  gboolean is_fraction = string->len > 0 && string->str[string->len - 1] == '.';
  gboolean is_group = length > 1 && *digits == '0';
  g_autofree char *text = g_strndup (digits, length);
  g_autofree char *grouped = NULL;
  guint64 number;

  if (!is_fraction && !is_group && g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &number, NULL))
    grouped = hr_format_integer (number);

  g_string_append (string, grouped != NULL ? grouped : text);
}

/* A symbol of two letters has the second one below the line; names from programs keep their underscores. */
static void
append_name (GString    *string,
             const char *name,
             gsize       length,
             gboolean    is_markup)
{
  const char *underscore = memchr (name, '_', length);
  g_autofree char *symbol = g_strndup (name, length);

  if (is_markup && underscore != NULL && hr_formula_find_symbol (symbol, NULL))
    g_string_append_printf (string, "%.*s<sub>%s</sub>", (int) (underscore - name), name,
                            symbol + (underscore - name) + 1);
  else
    g_string_append (string, symbol);
}

static char *
write_formula (const char *formula,
               gboolean    is_markup)
{
  g_autoptr (GString) string = g_string_new (NULL);

  for (const char *p = formula; *p != '\0';)
    {
      gsize length = get_name_length (p);

      if (length > 0)
        {
          if (is_number (p, length))
            append_number (string, p, length);
          else
            append_name (string, p, length, is_markup);
          p += length;
        }
      else if (g_str_has_prefix (p, DOT))
        {
          g_string_append (string, TIMES);
          p += strlen (DOT);
        }
      else
        {
          const char *next = g_utf8_next_char (p);
          g_autofree char *escaped = g_markup_escape_text (p, next - p);

          g_string_append_len (string, is_markup ? escaped : p, is_markup ? (gssize) strlen (escaped) : next - p);
          p = next;
        }
    }

  return g_string_free (g_steal_pointer (&string), FALSE);
}

/**
 * hr_formula_to_text:
 * @formula: a formula of a component, in symbols or in numbers, such as `2·L·B·C·k·e`
 *
 * Writes a formula as it is read: with signs of multiplication, and with the digits of its numbers in groups.
 *
 * Returns: (transfer full): the text
 */
char *
hr_formula_to_text (const char *formula)
{
  g_return_val_if_fail (formula != NULL, NULL);

  return write_formula (formula, FALSE);
}

/**
 * hr_formula_to_markup:
 * @formula: a formula of a component, in symbols or in numbers
 *
 * Writes a formula as hr_formula_to_text() does, escaped, and with `<sub>` around what stands below the line, which
 * HTML and Pango have in common.
 *
 * Returns: (transfer full): the markup
 */
char *
hr_formula_to_markup (const char *formula)
{
  g_return_val_if_fail (formula != NULL, NULL);

  return write_formula (formula, TRUE);
}

/**
 * hr_formula_describe_symbol:
 * @symbol: a symbol of formulas
 * @description: what it stands for, in the user's language
 *
 * Writes a symbol beside what it means, for alone it says nothing.
 *
 * Returns: (transfer full): the markup
 */
char *
hr_formula_describe_symbol (const char *symbol,
                            const char *description)
{
  g_autofree char *markup = NULL;
  g_autofree char *escaped = NULL;

  g_return_val_if_fail (symbol != NULL, NULL);
  g_return_val_if_fail (description != NULL, NULL);

  markup = hr_formula_to_markup (symbol);
  escaped = g_markup_escape_text (description, -1);

  /* Translators: 1 a symbol, 2 what it stands for */
  return g_strdup_printf (_("<b>%1$s</b>: %2$s"), markup, escaped);
}
