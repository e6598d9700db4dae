/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-architecture-file.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "hr-architecture.h"
#include "hr-error.h"
#include "hr-file-writer.h"
#include "hr-file.h"

#define SUFFIX ".json"

/* The user's own architecture files: where they are, and how one gets there. */

/**
 * hr_architecture_file_probe: (skip)
 * @file: a file
 *
 * Tells whether a file means to be an architecture file and not a model's config: by its members, with or without
 * faults in them.
 *
 * Returns: whether it does
 */
gboolean
hr_architecture_file_probe (GFile *file)
{
  static const char * const sections[] = { "extends", "stacks", "hyper-parameters", "values", "layer-values", NULL };
  g_autoptr (HrJson) root = NULL;

  g_return_val_if_fail (G_IS_FILE (file), FALSE);

  root = hr_json_new_from_file (file, HR_JSON_TOLERANT, NULL);
  if (root == NULL || !hr_json_check_type (root, HR_JSON_OBJECT, NULL) ||
      hr_json_get_member (root, "model-type") == NULL || hr_json_get_member (root, "model_type") != NULL)
    return FALSE;

  for (guint i = 0; sections[i] != NULL; i++)
    {
      if (hr_json_get_member (root, sections[i]) != NULL)
        return TRUE;
    }

  return FALSE;
}

static gboolean
check_model_type (HrJson      *root,
                  const char **model_type,
                  GError     **error)
{
  *model_type = NULL;
  if (!hr_json_get_string (root, "model-type", model_type, error))
    return FALSE;
  if (*model_type != NULL && hr_architecture_is_file_name (*model_type))
    return TRUE;

  hr_json_set_error (hr_json_get_member (root, "model-type"), HR_ERROR_VALUE,
                     _("a model type of letters, digits, dots, hyphens and underscores"), error);

  return FALSE;
}

/**
 * hr_architecture_file_check: (skip)
 * @file: an architecture file
 * @error: return location for an error
 *
 * Checks an architecture file as far as it goes without a config: its members, and the files that it extends.
 *
 * Returns: (transfer full): the model type that it is for, or %NULL with @error set, which names file, place and
 *   expectation
 */
char *
hr_architecture_file_check (GFile   *file,
                            GError **error)
{
  g_autoptr (HrArchitecture) architecture = NULL;
  g_autoptr (HrJson) root = NULL;
  const char *model_type;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  root = hr_json_new_from_file (file, HR_JSON_STRICT, error);
  if (root == NULL || !hr_json_check_type (root, HR_JSON_OBJECT, error))
    return NULL;

  architecture = hr_architecture_new_from_json (g_steal_pointer (&root), error);
  if (architecture == NULL || !check_model_type (hr_architecture_get_file (architecture, 0), &model_type, error))
    return NULL;

  return g_strdup (model_type);
}

/**
 * hr_architecture_file_get: (skip)
 * @model_type: a model type
 *
 * Gets where the user's own architecture file of a model type is, or would be.
 *
 * Returns: (transfer full): the file
 */
GFile *
hr_architecture_file_get (const char *model_type)
{
  g_autofree char *folder = hr_architecture_dup_user_folder ();
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;

  g_return_val_if_fail (model_type != NULL, NULL);

  name = g_strconcat (model_type, SUFFIX, NULL);
  path = g_build_filename (folder, name, NULL);

  return g_file_new_for_path (path);
}

/**
 * hr_architecture_file_install: (skip)
 * @file: an architecture file
 * @error: return location for an error
 *
 * Copies an architecture file into the user's data folder, where it is found from then on, before those that Headroom
 * brings. One that is there for the same model type is replaced.
 *
 * Returns: (transfer full): the copy, or %NULL with @error set
 */
GFile *
hr_architecture_file_install (GFile   *file,
                              GError **error)
{
  g_autofree char *model_type = hr_architecture_file_check (file, error);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GFile) folder = NULL;
  g_autoptr (GFile) copy = NULL;
  g_autoptr (GError) local_error = NULL;

  bytes = model_type != NULL ? hr_file_load (file, HR_JSON_MAX_BYTES, error) : NULL;
  if (bytes == NULL)
    return NULL;

  copy = hr_architecture_file_get (model_type);
  folder = g_file_get_parent (copy);
  if (!g_file_make_directory_with_parents (folder, NULL, &local_error) &&
      !g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_EXISTS))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }

  if (!hr_file_write (copy, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), error))
    return NULL;

  return g_steal_pointer (&copy);
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(const char * const *) a, *(const char * const *) b);
}

/**
 * hr_architecture_file_list: (skip)
 *
 * Lists the model types for which the user has an architecture file of their own.
 *
 * Returns: (transfer full): the model types, in the order of the alphabet
 */
char **
hr_architecture_file_list (void)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = hr_architecture_dup_user_folder ();
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      if (g_str_has_suffix (name, SUFFIX))
        g_ptr_array_add (names, g_strndup (name, strlen (name) - strlen (SUFFIX)));
    }
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);

  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

/**
 * hr_architecture_file_remove: (skip)
 * @model_type: a model type
 * @error: return location for an error
 *
 * Removes the user's own architecture file of a model type; what Headroom brings for it holds again.
 *
 * Returns: whether the file was removed
 */
gboolean
hr_architecture_file_remove (const char  *model_type,
                             GError     **error)
{
  g_autoptr (GFile) file = NULL;

  g_return_val_if_fail (model_type != NULL, FALSE);

  file = hr_architecture_file_get (model_type);

  return g_file_delete (file, NULL, error);
}
