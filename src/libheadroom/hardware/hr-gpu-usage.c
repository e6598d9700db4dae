/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-gpu-usage.h"

#include <glib/gi18n-lib.h>

#include "hr-error.h"
#include "hr-gpu-detect-private.h"

static void
process_free (gpointer data)
{
  HrGpuProcess *self = data;

  g_free (self->name);
  g_free (self);
}

/**
 * hr_gpu_usage_free: (skip)
 * @self: (transfer full): a usage
 *
 * Frees a usage.
 */
void
hr_gpu_usage_free (HrGpuUsage *self)
{
  g_return_if_fail (self != NULL);

  g_ptr_array_unref (self->processes);
  g_free (self->uuid);
  g_free (self);
}

/* Notes a program; one that draws and computes is told twice. */
void
_hr_gpu_usage_add_process (HrGpuUsage *self,
                           guint64     pid,
                           const char *name,
                           guint64     bytes)
{
  HrGpuProcess *process;

  for (guint i = 0; i < self->processes->len; i++)
    {
      process = g_ptr_array_index (self->processes, i);
      if (process->pid == pid)
        {
          process->bytes = MAX (process->bytes, bytes);
          return;
        }
    }

  process = g_new (HrGpuProcess, 1);
  *process = (HrGpuProcess) { .pid = pid, .name = g_path_get_basename (name), .bytes = bytes };
  g_ptr_array_add (self->processes, process);
}

static gint
compare_processes (gconstpointer a,
                   gconstpointer b)
{
  const HrGpuProcess *one = *(HrGpuProcess * const *) a;
  const HrGpuProcess *other = *(HrGpuProcess * const *) b;

  return one->bytes < other->bytes ? 1 : one->bytes > other->bytes ? -1 : 0;
}

static gint
compare_usages (gconstpointer a,
                gconstpointer b)
{
  const HrGpuUsage *one = *(HrGpuUsage * const *) a;
  const HrGpuUsage *other = *(HrGpuUsage * const *) b;

  return one->free_bytes < other->free_bytes ? 1 : one->free_bytes > other->free_bytes ? -1 : 0;
}

static gboolean
is_alike (HrGpu *gpu,
          HrGpu *other)
{
  const char *id = hr_gpu_get_id (gpu);

  return id != NULL ? g_strcmp0 (id, hr_gpu_get_id (other)) == 0
                    : g_strcmp0 (hr_gpu_get_name (gpu), hr_gpu_get_name (other)) == 0;
}

static void
add_usage (const HrGpuProbe *probe,
           HrGpu            *gpu,
           GCancellable     *cancellable,
           GPtrArray        *usages)
{
  HrGpuUsage *usage;
  guint64 free_bytes;

  if (!hr_gpu_get_free_memory (gpu, &free_bytes))
    return;

  usage = g_new (HrGpuUsage, 1);
  *usage = (HrGpuUsage) {
    .uuid = g_strdup (hr_gpu_get_uuid (gpu)), .memory_bytes = hr_gpu_get_memory (gpu), .free_bytes = free_bytes,
    .processes = g_ptr_array_new_with_free_func (process_free),
  };
  if (usage->uuid != NULL && g_strcmp0 (hr_gpu_get_vendor (gpu), "NVIDIA") == 0 &&
      !_hr_nvml_add_processes (probe->nvml, usage))
    _hr_nvidia_smi_add_processes (probe->nvidia_smi, probe->timeout_ms, cancellable, usage);
  g_ptr_array_sort (usage->processes, compare_processes);
  g_ptr_array_add (usages, usage);
}

GPtrArray *
_hr_gpu_usage_read_with (const HrGpuProbe  *probe,
                         HrGpu             *gpu,
                         GCancellable      *cancellable,
                         GError           **error)
{
  g_autoptr (GListModel) gpus = _hr_gpu_detect_with (probe, cancellable, error);
  g_autoptr (GPtrArray) usages = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_gpu_usage_free);

  if (gpus == NULL)
    return NULL;

  for (guint i = 0; i < g_list_model_get_n_items (gpus); i++)
    {
      g_autoptr (HrGpu) other = g_list_model_get_item (gpus, i);

      if (is_alike (gpu, other))
        add_usage (probe, other, cancellable, usages);
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  g_ptr_array_sort (usages, compare_usages);
  if (usages->len > 0)
    return g_steal_pointer (&usages);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               /* Translators: %s is the name of a GPU */
               _("The driver does not tell what of the memory of %s is free"), hr_gpu_get_name (gpu));

  return NULL;
}

/**
 * hr_gpu_usage_read: (skip)
 * @gpu: a GPU, of this machine or of the catalogue
 * @cancellable: (nullable): a way to stop it
 * @error: return location for an error
 *
 * Asks the driver what is in use of the GPUs of this machine that are like @gpu. It may take seconds where a driver is
 * slow; where that matters, use hr_gpu_usage_read_async().
 *
 * Returns: (transfer full) (element-type HrGpuUsage): a usage for each, the one with most free memory first, or %NULL
 *   with %G_IO_ERROR_CANCELLED, or with %G_IO_ERROR_NOT_FOUND if there is none of which the driver tells
 */
GPtrArray *
hr_gpu_usage_read (HrGpu         *gpu,
                   GCancellable  *cancellable,
                   GError       **error)
{
  g_return_val_if_fail (HR_IS_GPU (gpu), NULL);

  return _hr_gpu_usage_read_with (&_hr_gpu_default_probe, gpu, cancellable, error);
}

static void
read_in_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  GError *error = NULL;
  GPtrArray *usages = hr_gpu_usage_read (task_data, cancellable, &error);

  if (usages != NULL)
    g_task_return_pointer (task, usages, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

/**
 * hr_gpu_usage_read_async: (skip)
 * @gpu: a GPU, of this machine or of the catalogue
 * @cancellable: (nullable): a way to stop it
 * @callback: what to call when it is done
 * @user_data: data for @callback
 *
 * Does in another thread what hr_gpu_usage_read() does.
 */
void
hr_gpu_usage_read_async (HrGpu               *gpu,
                         GCancellable        *cancellable,
                         GAsyncReadyCallback  callback,
                         gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (HR_IS_GPU (gpu));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, hr_gpu_usage_read_async);
  g_task_set_task_data (task, g_object_ref (gpu), g_object_unref);
  g_task_set_return_on_cancel (task, TRUE);
  g_task_run_in_thread (task, read_in_thread);
}

/**
 * hr_gpu_usage_read_finish: (skip)
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets what hr_gpu_usage_read_async() found.
 *
 * Returns: (transfer full) (element-type HrGpuUsage): as that of hr_gpu_usage_read()
 */
GPtrArray *
hr_gpu_usage_read_finish (GAsyncResult  *result,
                          GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, hr_gpu_usage_read_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
