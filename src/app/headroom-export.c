/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-export.h"

/* A report on its way into a file. */
typedef struct
{
  HrReport *report;
  HrExportFormat format;
  GFile *file;
} Export;

static void
export_free (Export *export)
{
  g_clear_object (&export->report);
  g_clear_object (&export->file);
  g_free (export);
}

static void
export_thread (GTask        *task,
               gpointer      source_object,
               gpointer      task_data,
               GCancellable *cancellable)
{
  Export *export = task_data;
  GError *error = NULL;

  if (hr_export_to_file (export->report, export->format, HR_EXPORT_CHART_USUAL, export->file, &error))
    g_task_return_pointer (task, g_object_ref (export->file), g_object_unref);
  else
    g_task_return_error (task, error);
}

/*
 * Writes @report into @file, in a thread: fonts for a PDF may take a while to load. @callback gets @source_object,
 * which lives until then.
 */
void
headroom_export_async (HrReport            *report,
                       HrExportFormat       format,
                       GFile               *file,
                       gpointer             source_object,
                       GAsyncReadyCallback  callback,
                       gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;
  Export *export;

  g_return_if_fail (HR_IS_REPORT (report));
  g_return_if_fail (G_IS_FILE (file));

  export = g_new0 (Export, 1);
  export->report = g_object_ref (report);
  export->format = format;
  export->file = g_object_ref (file);

  task = g_task_new (source_object, NULL, callback, user_data);
  g_task_set_source_tag (task, headroom_export_async);
  g_task_set_task_data (task, export, (GDestroyNotify) export_free);
  g_task_run_in_thread (task, export_thread);
}

/*
 * Gets the file that was written, or NULL with @error set.
 */
GFile *
headroom_export_finish (GAsyncResult  *result,
                        GError       **error)
{
  g_return_val_if_fail (G_IS_TASK (result), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
