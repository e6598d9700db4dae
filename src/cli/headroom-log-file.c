/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-log-file.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <stdio.h>

#define CHUNK_BYTES 65536

/* What comes in, up to one byte more than a log may have, which is then refused as too large. */
static gboolean
read_standard_input (GString  *text,
                     GError  **error)
{
  char chunk[CHUNK_BYTES];
  gsize n_bytes;

  do
    {
      n_bytes = fread (chunk, 1, MIN (sizeof chunk, HR_LOG_MAX_BYTES + 1 - text->len), stdin);
      g_string_append_len (text, chunk, n_bytes);
    }
  while (n_bytes > 0 && text->len <= HR_LOG_MAX_BYTES);

  if (ferror (stdin) == 0)
    return TRUE;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", _("standard input"), g_strerror (errno));

  return FALSE;
}

/* @path is that of a file, or "-". */
HrLog *
headroom_log_file_read (const char  *path,
                        GError     **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GFile) file = NULL;

  if (g_str_equal (path, "-"))
    return read_standard_input (text, error) ? hr_log_new_from_text (text->str, text->len, _("standard input"), error)
                                             : NULL;

  file = g_file_new_for_path (path);

  return hr_log_new_from_file (file, error);
}
