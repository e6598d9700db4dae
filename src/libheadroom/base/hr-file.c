/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-file.h"

#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hr-error.h"

static void
set_error_from_errno (GError    **error,
                      const char *name,
                      int         saved_errno)
{
  switch (saved_errno)
    {
    case ENOENT:
    case ENOTDIR:
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("“%s” does not exist"), name);
      break;

    case EACCES:
    case EPERM:
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, _("“%s” may not be read: permission denied"), name);
      break;

    default:
      /* Translators: a file's name, then what the system says, such as "Input/output error". */
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno), _("“%s” could not be read: %s"),
                   name, g_strerror (saved_errno));
    }
}

static void
set_error_too_large (GError    **error,
                     const char *name,
                     guint64     size,
                     guint64     max_bytes)
{
  g_autofree char *limit = g_format_size_full (max_bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *found = g_format_size_full (size, G_FORMAT_SIZE_IEC_UNITS);

  /* Translators: a file's name, the most that is read (such as "16.0 MiB"), the file's size. */
  g_set_error (error, HR_ERROR, HR_ERROR_TOO_LARGE, _("“%s”: expected a file of at most %s, found one of %s"),
               name, limit, found);
}

/* Opening a FIFO or a device can block or do something, so nothing but a regular file is opened. */
static gboolean
check_regular (const struct stat *info,
               const char        *name,
               guint64            max_bytes,
               GError           **error)
{
  if (S_ISDIR (info->st_mode))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY, _("“%s”: expected a file, found a folder"), name);
      return FALSE;
    }
  if (!S_ISREG (info->st_mode))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
                   _("“%s”: expected a file, found a pipe, a socket or a device"), name);
      return FALSE;
    }
  if ((guint64) info->st_size > max_bytes)
    {
      set_error_too_large (error, name, info->st_size, max_bytes);
      return FALSE;
    }

  return TRUE;
}

static GBytes *
read_descriptor (int         fd,
                 const char *name,
                 gsize       size,
                 gsize       max_bytes,
                 GError    **error)
{
  g_autoptr (GByteArray) data = g_byte_array_sized_new (size + 1);
  guint8 buffer[16384];

  /* Files of /proc say that their size is 0, and any file may grow: read to the end, and watch the limit. */
  for (;;)
    {
      gssize n_read = read (fd, buffer, sizeof buffer);

      if (n_read < 0 && errno == EINTR)
        continue;
      if (n_read < 0)
        {
          set_error_from_errno (error, name, errno);
          return NULL;
        }
      if (n_read == 0)
        return g_byte_array_free_to_bytes (g_steal_pointer (&data));
      if (data->len + (gsize) n_read > max_bytes)
        {
          set_error_too_large (error, name, data->len + (guint64) n_read, max_bytes);
          return NULL;
        }
      g_byte_array_append (data, buffer, n_read);
    }
}

/*
 * hr_file_open_native:
 * @path: the path of a file
 * @name: what to call it in messages
 * @max_bytes: the most that it may hold
 * @size: (out): what it holds
 * @error: return location for an error
 *
 * Opens a regular file for reading; never blocks on a pipe or a device.
 *
 * Returns: a file descriptor, or -1 with @error set
 */
int
hr_file_open_native (const char  *path,
                     const char  *name,
                     guint64      max_bytes,
                     guint64     *size,
                     GError     **error)
{
  struct stat info;
  int fd;

  if (stat (path, &info) != 0)
    {
      set_error_from_errno (error, name, errno);
      return -1;
    }
  if (!check_regular (&info, name, max_bytes, error))
    return -1;

  fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
  if (fd < 0)
    {
      set_error_from_errno (error, name, errno);
      return -1;
    }

  /* Once more: the name may stand for another file by now. */
  if (fstat (fd, &info) != 0)
    set_error_from_errno (error, name, errno);
  else if (check_regular (&info, name, max_bytes, error))
    {
      *size = info.st_size;
      return fd;
    }

  close (fd);

  return -1;
}

static GBytes *
load_native (const char *path,
             const char *name,
             gsize       max_bytes,
             GError    **error)
{
  GBytes *bytes;
  guint64 size;
  int fd = hr_file_open_native (path, name, max_bytes, &size, error);

  if (fd < 0)
    return NULL;

  bytes = read_descriptor (fd, name, size, max_bytes, error);
  close (fd);

  return bytes;
}

static GBytes *
load_remote (GFile      *file,
             const char *name,
             gsize       max_bytes,
             GError    **error)
{
  g_autoptr (GFileInfo) info = NULL;
  g_autoptr (GFileInputStream) stream = NULL;
  g_autoptr (GByteArray) data = g_byte_array_new ();
  guint8 buffer[16384];
  gsize n_read;

  info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_TYPE "," G_FILE_ATTRIBUTE_STANDARD_SIZE,
                            G_FILE_QUERY_INFO_NONE, NULL, error);
  if (info == NULL)
    return NULL;

  if (g_file_info_get_file_type (info) == G_FILE_TYPE_DIRECTORY)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY, _("“%s”: expected a file, found a folder"), name);
      return NULL;
    }
  if (g_file_info_get_size (info) > 0 && (guint64) g_file_info_get_size (info) > max_bytes)
    {
      set_error_too_large (error, name, g_file_info_get_size (info), max_bytes);
      return NULL;
    }

  stream = g_file_read (file, NULL, error);
  if (stream == NULL)
    return NULL;

  do
    {
      if (!g_input_stream_read_all (G_INPUT_STREAM (stream), buffer, sizeof buffer, &n_read, NULL, error))
        return NULL;
      if (data->len + n_read > max_bytes)
        {
          set_error_too_large (error, name, data->len + n_read, max_bytes);
          return NULL;
        }
      g_byte_array_append (data, buffer, n_read);
    }
  while (n_read == sizeof buffer);

  return g_byte_array_free_to_bytes (g_steal_pointer (&data));
}

/**
 * hr_file_load:
 * @file: a file
 * @max_bytes: the most that is read
 * @error: return location for an error
 *
 * Reads a whole regular file. It never blocks on a pipe or a device, and a file that is larger than @max_bytes
 * is refused before it is read.
 *
 * Returns: (transfer full) (nullable): the content, or %NULL with @error set to a #GIOErrorEnum or
 *   %HR_ERROR_TOO_LARGE
 */
GBytes *
hr_file_load (GFile   *file,
              gsize    max_bytes,
              GError **error)
{
  g_autofree char *name = NULL;
  const char *path;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  name = g_file_get_parse_name (file);
  path = g_file_peek_path (file);

  return path != NULL ? load_native (path, name, max_bytes, error) : load_remote (file, name, max_bytes, error);
}

/*
 * hr_file_is_folder:
 * @file: a file
 *
 * Returns: whether it is there and a folder, or a link to one
 */
gboolean
hr_file_is_folder (GFile *file)
{
  return g_file_query_file_type (file, G_FILE_QUERY_INFO_NONE, NULL) == G_FILE_TYPE_DIRECTORY;
}

static int
compare_strings (gconstpointer a,
                 gconstpointer b)
{
  return strcmp (*(const char * const *) a, *(const char * const *) b);
}

/*
 * hr_file_list_resources:
 * @folder: a folder of the library's own data
 *
 * Gets the paths of the files in it, in the order of the alphabet. That there are none is a fault of the build.
 */
char **
hr_file_list_resources (const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = g_resources_enumerate_children (folder, G_RESOURCE_LOOKUP_FLAGS_NONE, &error);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_null_terminated (0, g_free, TRUE);

  if (names == NULL)
    g_error ("%s", error->message);

  for (guint i = 0; names[i] != NULL; i++)
    g_ptr_array_add (paths, g_build_path ("/", folder, names[i], NULL));
  g_ptr_array_sort (paths, compare_strings);

  return (char **) g_ptr_array_free (g_steal_pointer (&paths), FALSE);
}
