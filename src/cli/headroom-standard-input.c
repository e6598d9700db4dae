/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-standard-input.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <stdio.h>

#define CHUNK_BYTES 65536

/* Reads what comes in, up to one byte more than @max_bytes, which whoever takes it then refuses as too large. */
GString *
headroom_standard_input_read (gsize    max_bytes,
                              GError **error)
{
  GString *text = g_string_new (NULL);
  char chunk[CHUNK_BYTES];
  gsize n_bytes;

  do
    {
      n_bytes = fread (chunk, 1, MIN (sizeof chunk, max_bytes + 1 - text->len), stdin);
      g_string_append_len (text, chunk, n_bytes);
    }
  while (n_bytes > 0 && text->len <= max_bytes);

  if (ferror (stdin) == 0)
    return text;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", _("standard input"), g_strerror (errno));
  g_string_free (text, TRUE);

  return NULL;
}
