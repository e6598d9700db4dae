/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-file-reader.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "hr-error.h"
#include "hr-file.h"

struct _HrFileReader
{
  char *name;
  guint64 size;
  int fd;                 /* -1 unless the file is a local one */
  GInputStream *stream;   /* for any other file */
  GBytes *bytes;          /* for bytes in memory */
};

static HrFileReader *
hr_file_reader_new_remote (GFile   *file,
                           GError **error)
{
  g_autoptr (HrFileReader) self = g_new0 (HrFileReader, 1);
  g_autoptr (GFileInputStream) stream = NULL;
  g_autoptr (GFileInfo) info = NULL;

  self->fd = -1;
  self->name = g_file_get_parse_name (file);

  info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_TYPE "," G_FILE_ATTRIBUTE_STANDARD_SIZE,
                            G_FILE_QUERY_INFO_NONE, NULL, error);
  if (info == NULL)
    return NULL;
  if (g_file_info_get_file_type (info) == G_FILE_TYPE_DIRECTORY)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY, _("“%s”: expected a file, found a folder"), self->name);
      return NULL;
    }

  stream = g_file_read (file, NULL, error);
  if (stream == NULL)
    return NULL;
  if (!g_seekable_can_seek (G_SEEKABLE (stream)))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   _("“%s”: expected a file that can be read in any order, found a stream"), self->name);
      return NULL;
    }

  self->size = MAX (g_file_info_get_size (info), 0);
  self->stream = G_INPUT_STREAM (g_steal_pointer (&stream));

  return g_steal_pointer (&self);
}

/*
 * hr_file_reader_new:
 * @file: a file
 * @error: return location for an error
 *
 * Opens a regular file of any size. It never blocks on a pipe or a device.
 *
 * Returns: (transfer full) (nullable): the reader, or %NULL with @error set to a #GIOErrorEnum
 */
HrFileReader *
hr_file_reader_new (GFile   *file,
                    GError **error)
{
  g_autoptr (HrFileReader) self = NULL;
  const char *path;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  path = g_file_peek_path (file);
  if (path == NULL)
    return hr_file_reader_new_remote (file, error);

  self = g_new0 (HrFileReader, 1);
  self->name = g_file_get_parse_name (file);
  self->fd = hr_file_open_native (path, self->name, G_MAXUINT64, &self->size, error);

  return self->fd >= 0 ? g_steal_pointer (&self) : NULL;
}

/*
 * hr_file_reader_new_for_bytes:
 * @bytes: what a file would hold
 * @name: what to call it in messages
 *
 * Makes a reader of what is in memory.
 */
HrFileReader *
hr_file_reader_new_for_bytes (GBytes     *bytes,
                              const char *name)
{
  HrFileReader *self;

  g_return_val_if_fail (bytes != NULL, NULL);
  g_return_val_if_fail (name != NULL, NULL);

  self = g_new0 (HrFileReader, 1);
  self->name = g_strdup (name);
  self->fd = -1;
  self->bytes = g_bytes_ref (bytes);
  self->size = g_bytes_get_size (bytes);

  return self;
}

void
hr_file_reader_free (HrFileReader *self)
{
  g_return_if_fail (self != NULL);

  if (self->fd >= 0)
    close (self->fd);
  g_clear_object (&self->stream);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self->name);
  g_free (self);
}

const char *
hr_file_reader_get_name (HrFileReader *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->name;
}

guint64
hr_file_reader_get_size (HrFileReader *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->size;
}

static gboolean
read_native (HrFileReader *self,
             guint64       offset,
             guint8       *buffer,
             gsize         length,
             gsize        *n_read,
             GError      **error)
{
  *n_read = 0;
  while (*n_read < length)
    {
      gssize count = pread (self->fd, buffer + *n_read, length - *n_read, offset + *n_read);

      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0)
        {
          int saved_errno = errno;

          g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno), _("“%s” could not be read: %s"),
                       self->name, g_strerror (saved_errno));
          return FALSE;
        }
      if (count == 0)
        break;
      *n_read += count;
    }

  return TRUE;
}

/*
 * hr_file_reader_read:
 * @self: a reader
 * @offset: where to begin, in bytes
 * @buffer: where the bytes go
 * @length: how many to read
 * @error: return location for an error
 *
 * Reads a piece of the file; that it ends before is an error.
 *
 * Returns: whether all of it was read; otherwise @error is a #GIOErrorEnum or %HR_ERROR_SYNTAX
 */
gboolean
hr_file_reader_read (HrFileReader  *self,
                     guint64        offset,
                     gpointer       buffer,
                     gsize          length,
                     GError       **error)
{
  g_autofree char *place = NULL;
  g_autofree char *expected = NULL;
  gsize n_read = 0;

  g_return_val_if_fail (self != NULL, FALSE);

  if (offset <= self->size && length <= self->size - offset)
    {
      if (self->fd >= 0)
        {
          if (!read_native (self, offset, buffer, length, &n_read, error))
            return FALSE;
        }
      else if (self->stream != NULL)
        {
          if (!g_seekable_seek (G_SEEKABLE (self->stream), offset, G_SEEK_SET, NULL, error) ||
              !g_input_stream_read_all (self->stream, buffer, length, &n_read, NULL, error))
            return FALSE;
        }
      else if (length > 0)
        {
          memcpy (buffer, (const guint8 *) g_bytes_get_data (self->bytes, NULL) + offset, length);
          n_read = length;
        }
      if (n_read == length)
        return TRUE;
    }

  place = g_strdup_printf ("%" G_GUINT64_FORMAT, offset);
  expected = g_strdup_printf ("%" G_GSIZE_FORMAT, length);
  /* Translators: a file's name, a position in it, a number of bytes. */
  g_set_error (error, HR_ERROR, HR_ERROR_SYNTAX, _("“%s”, byte %s: expected %s more bytes, found the end of the file"),
               self->name, place, expected);

  return FALSE;
}
