/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-file-writer.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
fail (GError     **error,
      const char  *name,
      int          saved_errno)
{
  switch (saved_errno)
    {
    case ENOENT:
    case ENOTDIR:
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   _("“%s” could not be written: its folder does not exist"), name);
      break;

    case EACCES:
    case EPERM:
    case EROFS:
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                   _("“%s” may not be written: permission denied"), name);
      break;

    case EISDIR:
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY,
                   _("“%s”: expected a file to write, found a folder"), name);
      break;

    case ENOSPC:
    case EDQUOT:
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                   _("“%s” could not be written: the disk is full"), name);
      break;

    default:
      /* Translators: a file's name, then what the system says, such as "Input/output error". */
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno), _("“%s” could not be written: %s"),
                   name, g_strerror (saved_errno));
    }

  return FALSE;
}

/* Returns 0, or the errno of what went wrong; closes the descriptor either way. */
static int
write_and_close (int         fd,
                 const char *data,
                 gsize       length)
{
  int saved_errno = 0;

  while (length > 0 && saved_errno == 0)
    {
      gssize n_written = write (fd, data, length);

      if (n_written >= 0)
        {
          data += n_written;
          length -= n_written;
        }
      else if (errno != EINTR)
        saved_errno = errno;
    }

  /* A file that cannot be synchronised (a pipe, a device) says EINVAL or ENOTSUP: then there is nothing to wait for. */
  if (saved_errno == 0 && fsync (fd) != 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS)
    saved_errno = errno;

  if (close (fd) != 0 && saved_errno == 0)
    saved_errno = errno;

  return saved_errno;
}

static int
write_in_place (const char *path,
                const void *data,
                gsize       length)
{
  int fd = g_open (path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);

  return fd < 0 ? errno : write_and_close (fd, data, length);
}

static int
write_and_rename (const char        *path,
                  const struct stat *existing,
                  const void        *data,
                  gsize              length)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *template = g_strdup_printf (".%.200s.XXXXXX", name);
  g_autofree char *temporary = g_build_filename (folder, template, NULL);
  int saved_errno;
  int fd;

  fd = g_mkstemp_full (temporary, O_RDWR | O_CLOEXEC, 0666);
  if (fd < 0)
    return errno;

  if (existing != NULL && fchmod (fd, existing->st_mode & 07777) != 0)
    {
      saved_errno = errno;
      close (fd);
    }
  else
    saved_errno = write_and_close (fd, data, length);

  if (saved_errno == 0 && g_rename (temporary, path) != 0)
    saved_errno = errno;

  if (saved_errno != 0)
    g_unlink (temporary);

  return saved_errno;
}

/*
 * hr_file_write:
 * @file: a file, which may exist
 * @data: (array length=length): what to write
 * @length: the length of @data in bytes
 * @error: return location for an error
 *
 * Writes a file so that nobody ever sees half of it: into a temporary file in the same folder, which is synchronised
 * and then renamed. If anything fails, what was there before is still there, and nothing else. A symbolic link keeps
 * pointing where it points; a pipe or a device is written to as it is.
 *
 * Returns: whether @file was written; if not, @error is a #GIOErrorEnum that names the file
 */
gboolean
hr_file_write (GFile       *file,
               const void  *data,
               gsize        length,
               GError     **error)
{
  g_autofree char *name = NULL;
  g_autofree char *target = NULL;
  const char *path;
  struct stat info;
  int saved_errno;

  g_return_val_if_fail (G_IS_FILE (file), FALSE);
  g_return_val_if_fail (data != NULL || length == 0, FALSE);

  path = g_file_peek_path (file);
  if (path == NULL)
    return g_file_replace_contents (file, data, length, NULL, FALSE, G_FILE_CREATE_NONE, NULL, NULL, error);

  name = g_file_get_parse_name (file);

  if (stat (path, &info) != 0)
    saved_errno = errno != ENOENT ? errno : write_and_rename (path, NULL, data, length);
  else if (S_ISDIR (info.st_mode))
    saved_errno = EISDIR;
  else if (!S_ISREG (info.st_mode))
    saved_errno = write_in_place (path, data, length);
  else if (access (path, W_OK) != 0)
    saved_errno = errno;
  else
    {
      target = realpath (path, NULL);
      saved_errno = target == NULL ? errno : write_and_rename (target, &info, data, length);
    }

  return saved_errno == 0 || fail (error, name, saved_errno);
}
