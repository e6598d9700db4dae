/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-cli.h"

#include <glib/gi18n.h>
#include <string.h>

#include "headroom-log-file.h"
#include "headroom-output.h"
#include "hr-log-report.h"

#define FORMATS (1u << HR_EXPORT_FORMAT_TEXT | 1u << HR_EXPORT_FORMAT_JSON)

static const char * const own_options[] = { "format", "output", "units", NULL };

HeadroomStatus
headroom_cli_log (HeadroomArguments  *arguments,
                  GError            **error)
{
  HrExportFormat format = HR_EXPORT_FORMAT_TEXT;
  HrUnitSystem units = HR_UNIT_SYSTEM_BINARY;
  g_autoptr (GFile) output = NULL;
  g_autoptr (HrLog) log = NULL;
  g_autofree char *text = NULL;

  if (!headroom_arguments_check (arguments, own_options, 1, error)
      || !headroom_output_read (arguments, FORMATS, &format, &output, error)
      || !headroom_cli_read_units (arguments, &units, error))
    return HEADROOM_STATUS_FAILED;

  if (arguments->words->len == 0)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected a file, or “-” for the standard input"), "log");
      return HEADROOM_STATUS_FAILED;
    }

  log = headroom_log_file_read (g_ptr_array_index (arguments->words, 0), error);
  if (log == NULL)
    return HEADROOM_STATUS_FAILED;

  text = format == HR_EXPORT_FORMAT_JSON ? hr_log_to_json (log)
                                         : hr_log_to_text (log, units, headroom_output_get_style ());

  return headroom_output_put (text, strlen (text), output, error) ? HEADROOM_STATUS_FITS : HEADROOM_STATUS_FAILED;
}
