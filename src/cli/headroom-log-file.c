/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-log-file.h"

#include <glib/gi18n.h>

#include "headroom-standard-input.h"

/* @path is that of a file, or "-". */
HrLog *
headroom_log_file_read (const char  *path,
                        GError     **error)
{
  g_autoptr (GString) text = NULL;
  g_autoptr (GFile) file = NULL;

  if (g_str_equal (path, "-"))
    {
      text = headroom_standard_input_read (HR_LOG_MAX_BYTES, error);
      return text != NULL ? hr_log_new_from_text (text->str, text->len, _("standard input"), error) : NULL;
    }

  file = g_file_new_for_path (path);

  return hr_log_new_from_file (file, error);
}
