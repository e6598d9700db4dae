/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-scenario-seal.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-error.h"

/*
 * A scenario that travels in a file of another kind: a word that stands for it with letters, digits and a few signs
 * that mean nothing in a comment of HTML, Markdown or PDF, in the metadata of SVG, or in a chunk of PNG. A checksum
 * tells whether it has come whole. Lines may have been broken within it, and begin with the sign of a comment of PDF.
 */

#define BEGINNING "headroom-scenario{"
#define END '}'
#define SEPARATOR ":"

/* The length of the checksum in hexadecimal digits. */
#define N_DIGITS 16

static char *
dup_checksum (const void *data,
              gsize       length)
{
  g_autofree char *whole = g_compute_checksum_for_data (G_CHECKSUM_SHA256, data, length);

  return g_strndup (whole, N_DIGITS);
}

/* What comes after the beginning, or NULL; data may have zero bytes in it. */
static const char *
find_beginning (const char *data,
                gsize       length)
{
  gsize size = strlen (BEGINNING);
  const char *end = data + length;
  const char *at = data;

  while ((at = memchr (at, *BEGINNING, end - at)) != NULL)
    {
      if ((gsize) (end - at) < size)
        return NULL;
      if (memcmp (at, BEGINNING, size) == 0)
        return at + size;
      at++;
    }

  return NULL;
}

/*
 * hr_scenario_seal:
 * @text: a scenario as JSON
 *
 * Puts a scenario into a word.
 *
 * Returns: (transfer full): the word
 */
char *
hr_scenario_seal (const char *text)
{
  g_autofree char *checksum = dup_checksum (text, strlen (text));
  g_autofree char *base64 = g_base64_encode ((const guchar *) text, strlen (text));

  return g_strdup_printf (BEGINNING "%s" SEPARATOR "%s%c", checksum, base64, END);
}

/*
 * hr_scenario_seal_is_in:
 * @bytes: the contents of a file
 *
 * Checks whether a scenario begins somewhere in a file.
 *
 * Returns: whether one does
 */
gboolean
hr_scenario_seal_is_in (GBytes *bytes)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);

  return length > 0 && find_beginning (data, length) != NULL;
}

/*
 * hr_scenario_unseal:
 * @bytes: the contents of a file
 * @origin: the name of the file, for errors
 * @error: return location for a #GError
 *
 * Takes a scenario out of a file.
 *
 * Returns: (transfer full): the scenario as JSON
 */
char *
hr_scenario_unseal (GBytes      *bytes,
                    const char  *origin,
                    GError     **error)
{
  gsize length, n_decoded = 0;
  const char *data = g_bytes_get_data (bytes, &length);
  const char *beginning = length > 0 ? find_beginning (data, length) : NULL;
  const char *end = beginning != NULL ? memchr (beginning, END, data + length - beginning) : NULL;
  g_autoptr (GString) word = g_string_new (NULL);
  g_autofree guchar *decoded = NULL;
  g_autofree char *checksum = NULL;

  if (beginning == NULL)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_SCHEMA,
                   _("“%s”: expected a scenario, or a report that has one in it; found none"), origin);
      return NULL;
    }

  for (const char *at = beginning; end != NULL && at < end; at++)
    {
      if (*at != '%' && !g_ascii_isspace (*at))
        g_string_append_c (word, *at);
    }

  if (word->len > N_DIGITS && word->str[N_DIGITS] == *SEPARATOR)
    {
      decoded = g_base64_decode (word->str + N_DIGITS + 1, &n_decoded);
      checksum = dup_checksum (decoded, n_decoded);
    }

  if (checksum == NULL || strncmp (checksum, word->str, N_DIGITS) != 0)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_SYNTAX,
                   _("“%s”: expected a whole scenario in the report, found one that is cut off or damaged"), origin);
      return NULL;
    }

  return g_strndup ((const char *) decoded, n_decoded);
}
