/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-output.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "hr-error.h"
#include "hr-file-writer.h"

gboolean
headroom_output_is_terminal (void)
{
  return isatty (STDOUT_FILENO) == 1;
}

/* Bars and colours are for people: only on a terminal, and colours only where they are wanted (no-color.org). */
HrReportTextStyle
headroom_output_get_style (void)
{
  const char *no_color = g_getenv ("NO_COLOR");
  const char *term = g_getenv ("TERM");

  if (!headroom_output_is_terminal ())
    return HR_REPORT_TEXT_STYLE_PLAIN;

  if ((no_color != NULL && *no_color != '\0') || g_strcmp0 (term, "dumb") == 0)
    return HR_REPORT_TEXT_STYLE_BARS;

  return HR_REPORT_TEXT_STYLE_COLORS;
}

static int
write_all (int         fd,
           const char *data,
           gsize       length)
{
  while (length > 0)
    {
      gssize n_written = write (fd, data, length);

      if (n_written < 0 && errno == EINTR)
        continue;
      if (n_written < 0)
        return errno;

      data += n_written;
      length -= n_written;
    }

  return 0;
}

/*
 * Writes to the standard output as it is, in UTF-8 whatever the locale; a reader that went away is
 * %G_IO_ERROR_BROKEN_PIPE.
 */
gboolean
headroom_output_write (const void  *data,
                       gsize        length,
                       GError     **error)
{
  int saved_errno = write_all (STDOUT_FILENO, data, length);

  if (saved_errno == 0)
    return TRUE;

  /* Translators: what the system says, such as "No space left on device" */
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
               _("the standard output could not be written: %s"), g_strerror (saved_errno));
  return FALSE;
}

gboolean
headroom_output_print (const char  *text,
                       GError     **error)
{
  return headroom_output_write (text, strlen (text), error);
}

/* One line, whatever is in the message. */
void
headroom_output_print_error (const GError *error)
{
  g_autofree char *message = g_utf8_make_valid (error->message, -1);
  g_autofree char *line = NULL;

  for (char *p = message; *p != '\0'; p++)
    {
      if ((guchar) *p < 0x20 || *p == 0x7f)
        *p = ' ';
    }

  line = g_strdup_printf ("headroom-cli: %s\n", message);
  write_all (STDERR_FILENO, line, strlen (line));
}

static char *
list_formats (guint formats)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (HrExportFormat format = 0; format < HR_N_EXPORT_FORMATS; format++)
    {
      if ((formats & 1u << format) != 0)
        g_string_append_printf (names, "%s%s", names->len == 0 ? "" : ", ", hr_export_format_get_name (format));
    }

  return g_string_free (g_steal_pointer (&names), FALSE);
}

/*
 * Reads the options that say where the answer goes, and as what: one of the @formats, a mask of bits. @file is NULL for
 * the standard output.
 */
gboolean
headroom_output_read (HeadroomArguments  *arguments,
                      guint               formats,
                      HrExportFormat     *format,
                      GFile             **file,
                      GError            **error)
{
  const char *name = headroom_arguments_get (arguments, "format");
  const char *path = headroom_arguments_get (arguments, "output");
  g_autofree char *names = list_formats (formats);

  *format = HR_EXPORT_FORMAT_TEXT;
  if (path != NULL && !g_str_equal (path, "-"))
    *file = g_file_new_for_path (path);

  if (name != NULL)
    {
      if (!hr_export_format_from_name (name, format) || (formats & 1u << *format) == 0)
        {
          g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected one of %s, found “%s”"),
                       "--format", names, name);
          return FALSE;
        }
    }
  else if (*file != NULL && (!hr_export_format_from_file (*file, format) || (formats & 1u << *format) == 0))
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                   _("“%s”: expected a file name with the extension of a format, or “--format” with one of %s; "
                     "found “%s”"),
                   "--output", names, path);
      return FALSE;
    }

  if (*file == NULL && hr_export_format_is_binary (*format) && headroom_output_is_terminal ())
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                   _("“--format %s”: expected “--output FILE”, as this is no text for a terminal"),
                   hr_export_format_get_name (*format));
      return FALSE;
    }

  return TRUE;
}

/* Writes to a file, or to the standard output where there is none. */
gboolean
headroom_output_put (const void  *data,
                     gsize        length,
                     GFile       *file,
                     GError     **error)
{
  return file != NULL ? hr_file_write (file, data, length, error) : headroom_output_write (data, length, error);
}
