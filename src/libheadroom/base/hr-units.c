/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-units.h"

#include <glib/gi18n-lib.h>
#include <langinfo.h>
#include <math.h>
#include <string.h>

#include "hr-error.h"

/* Keeps a number and its unit on one line. */
#define NO_BREAK_SPACE "\u00a0"
#define MINUS_SIGN "\u2212"

static const char * const binary_units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
static const char * const decimal_units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };

/* Two decimals below ten and one above; the test is on what will be shown, so that 9.996 becomes "10.0". */
static guint
get_decimals (double value)
{
  return round (value * 100) < 1000 ? 2 : 1;
}

static double
find_unit (guint64       bytes,
           HrUnitSystem  system,
           guint        *unit)
{
  double base = system == HR_UNIT_SYSTEM_BINARY ? 1024 : 1000;
  double value = bytes;

  *unit = 0;
  while (*unit + 1 < G_N_ELEMENTS (binary_units) && (*unit == 0 ? value >= base : round (value * 10) >= base * 10))
    {
      value /= base;
      ++*unit;
    }

  return value;
}

/**
 * hr_get_byte_unit:
 * @bytes: a size in bytes
 * @system: the units to use
 * @name: (out) (transfer none): what the unit is called, such as `GiB`
 *
 * Gets the unit that a size is shown in, for an axis that has sizes up to it.
 *
 * Returns: the bytes of the unit
 */
guint64
hr_get_byte_unit (guint64        bytes,
                  HrUnitSystem   system,
                  const char   **name)
{
  guint64 size = 1;
  guint unit;

  g_return_val_if_fail (name != NULL, 1);

  find_unit (bytes, system, &unit);
  for (guint i = 0; i < unit; i++)
    size *= system == HR_UNIT_SYSTEM_BINARY ? 1024 : 1000;
  *name = system == HR_UNIT_SYSTEM_BINARY ? binary_units[unit] : decimal_units[unit];

  return size;
}

/**
 * hr_format_bytes:
 * @bytes: a size in bytes
 * @system: the units to use
 *
 * Puts a size into words with its true unit, such as "14.2 GiB", with the decimal point of the locale.
 *
 * Returns: (transfer full): the text
 */
char *
hr_format_bytes (guint64      bytes,
                 HrUnitSystem system)
{
  const char * const *units = system == HR_UNIT_SYSTEM_BINARY ? binary_units : decimal_units;
  guint unit;
  double value = find_unit (bytes, system, &unit);

  if (unit == 0)
    return g_strdup_printf ("%" G_GUINT64_FORMAT NO_BREAK_SPACE "%s", bytes, units[unit]);

  return g_strdup_printf ("%.*f" NO_BREAK_SPACE "%s", get_decimals (value), value, units[unit]);
}

/**
 * hr_format_bytes_difference:
 * @bytes: a difference of sizes in bytes
 * @system: the units to use
 *
 * Puts a difference into words with its sign, such as "−21.4 GiB" or "+512 B"; no difference has no sign.
 *
 * Returns: (transfer full): the text
 */
char *
hr_format_bytes_difference (gint64       bytes,
                            HrUnitSystem system)
{
  guint64 magnitude = bytes < 0 ? (guint64) 0 - (guint64) bytes : (guint64) bytes;
  g_autofree char *text = hr_format_bytes (magnitude, system);
  const char *sign = bytes < 0 ? MINUS_SIGN : "+";

  return g_strconcat (bytes == 0 ? "" : sign, text, NULL);
}

/**
 * hr_format_bytes_in_full:
 * @bytes: a size in bytes
 *
 * Puts a size into words to the byte and in both kinds of units, such as "1,024 bytes = 1.00 KiB = 1.02 kB".
 *
 * Returns: (transfer full): the text
 */
char *
hr_format_bytes_in_full (guint64 bytes)
{
  g_autofree char *exact = hr_format_integer (bytes);
  g_autofree char *binary = hr_format_bytes (bytes, HR_UNIT_SYSTEM_BINARY);
  g_autofree char *decimal = hr_format_bytes (bytes, HR_UNIT_SYSTEM_DECIMAL);

  /* Translators: a size in three ways: 1 the number of bytes, 2 in GiB or MiB, 3 in GB or MB */
  return g_strdup_printf (_("%1$s bytes = %2$s = %3$s"), exact, binary, decimal);
}

/**
 * hr_parse_bytes:
 * @text: a size as people write it: a number with or without a unit, such as "23.4 GiB", "24000MiB" or "25125558681"
 * @bytes: (out): the size
 * @error: return location for a #GError
 *
 * Reads a size. Without a unit it is in bytes; capitals make no difference.
 *
 * Returns: whether it is one
 */
gboolean
hr_parse_bytes (const char  *text,
                guint64     *bytes,
                GError     **error)
{
  char *end = NULL;
  double number, factor = 0;

  g_return_val_if_fail (text != NULL, FALSE);
  g_return_val_if_fail (bytes != NULL, FALSE);

  number = g_ascii_strtod (text, &end);
  while (g_ascii_isspace (*end) || g_str_has_prefix (end, NO_BREAK_SPACE))
    end += g_ascii_isspace (*end) ? 1 : strlen (NO_BREAK_SPACE);
  if (*end == '\0')
    factor = 1;
  for (guint i = 0; i < G_N_ELEMENTS (binary_units); i++)
    {
      if (g_ascii_strcasecmp (end, binary_units[i]) == 0)
        factor = pow (1024, i);
      else if (g_ascii_strcasecmp (end, decimal_units[i]) == 0)
        factor = pow (1000, i);
    }
  if (end == text || factor == 0 || !(number > 0) || number * factor < 1 || number * factor > G_MAXINT64)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("expected a size, such as 23.4GiB, found “%s”"), text);
      return FALSE;
    }

  *bytes = number * factor + 0.5;

  return TRUE;
}

/**
 * hr_format_integer:
 * @number: a whole number
 *
 * Writes a whole number exactly, with its digits in groups of three, such as "7,615,616,512".
 *
 * The separator is the locale's; a locale that has none gets a comma, or a thin space where the comma is the decimal
 * point.
 *
 * Returns: (transfer full): the text
 */
char *
hr_format_integer (guint64 number)
{
  g_autofree char *digits = g_strdup_printf ("%" G_GUINT64_FORMAT, number);
  g_autoptr (GString) text = g_string_new (NULL);
  const char *separator = nl_langinfo (THOUSEP);
  gsize n_digits = strlen (digits);

  if (*separator == '\0' || !g_utf8_validate (separator, -1, NULL))
    separator = g_str_equal (nl_langinfo (RADIXCHAR), ".") ? "," : "\u202f";

  for (gsize i = 0; i < n_digits; i++)
    {
      if (i > 0 && (n_digits - i) % 3 == 0)
        g_string_append (text, separator);
      g_string_append_c (text, digits[i]);
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/**
 * hr_format_count:
 * @count: a number of parameters or tokens
 *
 * Puts a count into the short form that model names use: "7.62 B" for billions, "494 M" for millions.
 *
 * Returns: (transfer full): the text
 */
char *
hr_format_count (guint64 count)
{
  static const char * const suffixes[] = { "", "K", "M", "B", "T" };
  double value = count;
  guint suffix = 0;
  guint decimals;

  while (suffix + 1 < G_N_ELEMENTS (suffixes) && (suffix == 0 ? value >= 1000 : round (value) >= 1000))
    {
      value /= 1000;
      suffix++;
    }

  if (suffix == 0)
    return g_strdup_printf ("%" G_GUINT64_FORMAT, count);

  decimals = round (value * 10) >= 1000 ? 0 : get_decimals (value);
  return g_strdup_printf ("%.*f" NO_BREAK_SPACE "%s", decimals, value, suffixes[suffix]);
}

/**
 * hr_format_percentage:
 * @part: a part
 * @whole: what it is a part of
 *
 * Writes a share in percent; a part that is there but would round to nothing is "<0.1 %".
 *
 * Returns: (transfer full): the text
 */
char *
hr_format_percentage (guint64 part,
                      guint64 whole)
{
  double percentage = whole == 0 ? 0 : 100.0 * part / whole;
  g_autofree char *number = NULL;

  if (part > 0 && percentage < 0.05)
    number = g_strdup_printf ("<%.1f", 0.1);
  else if (part < whole && percentage >= 99.95)
    number = g_strdup_printf (">%.1f", 99.9);
  else
    number = g_strdup_printf ("%.1f", percentage);

  /* Translators: a share in percent; %s is the number. Keep the no-break space if your language sets one there. */
  return g_strdup_printf (_("%s\u00a0%%"), number);
}

/**
 * hr_format_operations:
 * @operations: a number of floating point operations
 *
 * Puts a number of operations into words, such as "15.0 GFLOP", in powers of 1000.
 *
 * Returns: (transfer full): the text
 */
char *
hr_format_operations (double operations)
{
  static const char * const units[] = { "FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP" };
  guint unit = 0;

  for (; unit + 1 < G_N_ELEMENTS (units) && operations >= 999.5; unit++)
    operations /= 1000;

  return g_strdup_printf ("%.*f" NO_BREAK_SPACE "%s", unit == 0 ? 0 : get_decimals (operations), operations,
                          units[unit]);
}

/**
 * hr_format_operations_in_full:
 * @operations: a number of floating point operations
 *
 * Puts a number of operations into words exactly and in powers of 1000, such as "2,048 operations = 2.05 kFLOP".
 *
 * Returns: (transfer full): the text
 */
char *
hr_format_operations_in_full (guint64 operations)
{
  g_autofree char *exact = hr_format_integer (operations);
  g_autofree char *rounded = hr_format_operations (operations);

  /* Translators: a number of operations in two ways: 1 exactly, 2 such as “2.05 kFLOP” */
  return g_strdup_printf (_("%1$s operations = %2$s"), exact, rounded);
}

/**
 * hr_format_seconds:
 * @seconds: a time in seconds
 *
 * Puts a time into words, such as "12.3 ms" or "2.5 min".
 *
 * Returns: (transfer full): the text
 */
char *
hr_format_seconds (double seconds)
{
  static const struct
  {
    double least;
    double unit;
    const char *name;
  } units[] = {
    /* Translators: the unit of hours */
    { 3600, 3600, N_("h") },
    /* Translators: the unit of minutes */
    { 60, 60, N_("min") },
    /* Translators: the unit of seconds */
    { 0.9995, 1, N_("s") },
    { 0.0009995, 0.001, N_("ms") },
    { 0, 0.000001, N_("µs") },
  };
  g_autofree char *number = NULL;
  guint i = 0;
  double value;

  while (seconds < units[i].least)
    i++;
  value = seconds / units[i].unit;

  number = g_strdup_printf ("%.*f", get_decimals (value), value);

  return g_strconcat (number, NO_BREAK_SPACE, _(units[i].name), NULL);
}
