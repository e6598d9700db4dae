/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-calibration.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "hr-error.h"
#include "hr-file-writer.h"
#include "hr-json.h"

/* The version of the file. */
#define SCHEMA "headroom-calibration/1"

/**
 * HrCalibration:
 *
 * What a machine has shown: by how much programs took more than was estimated, one figure for each program on each kind
 * of GPU. Drivers, libraries and displays differ from machine to machine, and no code says by how much.
 */
struct _HrCalibration
{
  GObject parent_instance;

  GPtrArray *rows;
};

G_DEFINE_FINAL_TYPE (HrCalibration, hr_calibration, G_TYPE_OBJECT)

static void
row_free (gpointer data)
{
  HrCalibrationRow *self = data;

  g_free (self->program);
  g_free (self->gpu);
  g_free (self->origin);
  g_free (self->date);
  g_free (self);
}

static void
hr_calibration_finalize (GObject *object)
{
  HrCalibration *self = HR_CALIBRATION (object);

  g_ptr_array_unref (self->rows);

  G_OBJECT_CLASS (hr_calibration_parent_class)->finalize (object);
}

static void
hr_calibration_class_init (HrCalibrationClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hr_calibration_finalize;
}

static void
hr_calibration_init (HrCalibration *self)
{
  self->rows = g_ptr_array_new_with_free_func (row_free);
}

static gboolean
find_index (HrCalibration *self,
            const char    *program,
            const char    *gpu,
            guint         *index)
{
  for (*index = 0; *index < self->rows->len; (*index)++)
    {
      const HrCalibrationRow *row = g_ptr_array_index (self->rows, *index);

      if (g_str_equal (row->program, program) && g_str_equal (row->gpu, gpu))
        return TRUE;
    }

  return FALSE;
}

static void
add_row (HrCalibration *self,
         const char    *program,
         const char    *gpu,
         gint64         difference,
         const char    *origin,
         const char    *date)
{
  HrCalibrationRow *row = g_new (HrCalibrationRow, 1);

  hr_calibration_forget (self, program, gpu);
  *row = (HrCalibrationRow) { g_strdup (program), g_strdup (gpu), difference, g_strdup (origin), g_strdup (date) };
  g_ptr_array_add (self->rows, row);
}

static gboolean
read_row (HrCalibration  *self,
          HrJson         *node,
          GError        **error)
{
  const char *program, *gpu, *origin, *date;
  HrJson *difference;
  gint64 bytes;

  if (!hr_json_check_type (node, HR_JSON_OBJECT, error)
      || !hr_json_require_text (node, "program", &program, error)
      || !hr_json_require_text (node, "gpu", &gpu, error)
      || !hr_json_require_text (node, "origin", &origin, error)
      || !hr_json_require_text (node, "date", &date, error))
    return FALSE;

  difference = hr_json_require_member (node, "difference-bytes", error);
  if (difference == NULL || !hr_json_read_int (difference, &bytes, error))
    return FALSE;

  add_row (self, program, gpu, bytes, origin, date);

  return TRUE;
}

static gboolean
read_rows (HrCalibration  *self,
           HrJson         *root,
           GError        **error)
{
  HrJson *rows = NULL;
  const char *schema;

  if (!hr_json_check_type (root, HR_JSON_OBJECT, error) || !hr_json_require_text (root, "schema", &schema, error))
    return FALSE;

  if (!g_str_equal (schema, SCHEMA))
    {
      hr_json_set_error (hr_json_get_member (root, "schema"), HR_ERROR_SCHEMA, "“" SCHEMA "”", error);
      return FALSE;
    }

  if (!hr_json_get_array (root, "rows", &rows, error))
    return FALSE;

  for (guint i = 0; rows != NULL && i < hr_json_get_length (rows); i++)
    {
      if (!read_row (self, hr_json_get_element (rows, i), error))
        return FALSE;
    }

  return TRUE;
}

/**
 * hr_calibration_new_from_file:
 * @file: where it is kept
 * @error: return location for an error
 *
 * Reads what is known of a machine: nothing, where there is no such file yet.
 *
 * Returns: (transfer full): a calibration, or %NULL with @error set, which names the place
 */
HrCalibration *
hr_calibration_new_from_file (GFile   *file,
                              GError **error)
{
  g_autoptr (HrCalibration) self = g_object_new (HR_TYPE_CALIBRATION, NULL);
  g_autoptr (GError) local_error = NULL;
  HrJson *root;
  gboolean is_read;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  root = hr_json_new_from_file (file, HR_JSON_STRICT, &local_error);
  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return g_steal_pointer (&self);
  if (root == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }

  is_read = read_rows (self, root, error);
  hr_json_free (root);

  return is_read ? g_steal_pointer (&self) : NULL;
}

/**
 * hr_calibration_find:
 * @self: a calibration
 * @program: an engine or a framework, as settings name it
 * @gpu: the id of a GPU
 *
 * Looks up what is known of a program on a kind of GPU.
 *
 * Returns: (transfer none) (nullable): the row, or %NULL
 */
const HrCalibrationRow *
hr_calibration_find (HrCalibration *self,
                     const char    *program,
                     const char    *gpu)
{
  guint index;

  g_return_val_if_fail (HR_IS_CALIBRATION (self), NULL);
  g_return_val_if_fail (program != NULL && gpu != NULL, NULL);

  return find_index (self, program, gpu, &index) ? g_ptr_array_index (self->rows, index) : NULL;
}

/**
 * hr_calibration_keep:
 * @self: a calibration
 * @program: an engine or a framework, as settings name it
 * @gpu: the id of a GPU
 * @difference: how many bytes more than estimated it took, or fewer
 * @origin: where that is known from
 *
 * Takes down what was found today; it takes the place of what was known before of that program on that kind of GPU.
 */
void
hr_calibration_keep (HrCalibration *self,
                     const char    *program,
                     const char    *gpu,
                     gint64         difference,
                     const char    *origin)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *date = g_date_time_format (now, "%Y-%m-%d");

  g_return_if_fail (HR_IS_CALIBRATION (self));
  g_return_if_fail (program != NULL && gpu != NULL && origin != NULL);

  add_row (self, program, gpu, difference, origin, date);
}

/**
 * hr_calibration_forget:
 * @self: a calibration
 * @program: an engine or a framework, as settings name it
 * @gpu: the id of a GPU
 *
 * Forgets what is known of a program on a kind of GPU.
 *
 * Returns: whether there was anything
 */
gboolean
hr_calibration_forget (HrCalibration *self,
                       const char    *program,
                       const char    *gpu)
{
  guint index;

  g_return_val_if_fail (HR_IS_CALIBRATION (self), FALSE);
  g_return_val_if_fail (program != NULL && gpu != NULL, FALSE);

  if (!find_index (self, program, gpu, &index))
    return FALSE;

  g_ptr_array_remove_index (self->rows, index);

  return TRUE;
}

static void
build_text (JsonBuilder *builder,
            const char  *name,
            const char  *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static char *
create_text (HrCalibration *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  build_text (builder, "schema", SCHEMA);
  json_builder_set_member_name (builder, "rows");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->rows->len; i++)
    {
      const HrCalibrationRow *row = g_ptr_array_index (self->rows, i);

      json_builder_begin_object (builder);
      build_text (builder, "program", row->program);
      build_text (builder, "gpu", row->gpu);
      json_builder_set_member_name (builder, "difference-bytes");
      json_builder_add_int_value (builder, row->difference);
      build_text (builder, "origin", row->origin);
      build_text (builder, "date", row->date);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  json_generator_set_root (generator, root);
  json_generator_set_pretty (generator, TRUE);

  return json_generator_to_data (generator, NULL);
}

/**
 * hr_calibration_save:
 * @self: a calibration
 * @file: where to keep it
 * @error: return location for an error
 *
 * Writes what is known of a machine, to a temporary file that takes the place of @file; folders that are missing are
 * made.
 *
 * Returns: whether it was written
 */
gboolean
hr_calibration_save (HrCalibration  *self,
                     GFile          *file,
                     GError        **error)
{
  g_autoptr (GFile) folder = NULL;
  g_autofree char *text = NULL;

  g_return_val_if_fail (HR_IS_CALIBRATION (self), FALSE);
  g_return_val_if_fail (G_IS_FILE (file), FALSE);

  /* Where the folder cannot be made, the file cannot be written, which says so. */
  folder = g_file_get_parent (file);
  if (folder != NULL)
    g_file_make_directory_with_parents (folder, NULL, NULL);
  text = create_text (self);

  return hr_file_write (file, text, strlen (text), error);
}
