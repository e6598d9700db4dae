/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-gpu-detect-private.h"

#include <string.h>

#include "hr-gpu-catalogue.h"
#include "hr-gpu-private.h"

/* Below this a device is a display controller with a share of the main memory: nothing to run a model on. */
#define MIN_MEMORY (G_GUINT64_CONSTANT (1) << 30)

#define TIMEOUT_MS 5000

const HrGpuProbe _hr_gpu_default_probe = {
  .nvml = "libnvidia-ml.so.1",
  .nvidia_smi = "nvidia-smi",
  .sysfs = "/sys",
  .timeout_ms = TIMEOUT_MS,
};

static HrGpu *
identify (const HrGpuReport *report)
{
  HrGpu *row = NULL;

  if (report->name != NULL)
    row = hr_gpu_catalogue_identify (report->name, report->memory);
  if (row == NULL && report->pci_id != NULL)
    row = hr_gpu_catalogue_identify (report->pci_id, report->memory);

  return row;
}

/* The vendor stands beside the name wherever both are shown. */
static const char *
skip_vendor (const char *name,
             const char *vendor)
{
  gsize length = strlen (vendor);

  return g_str_has_prefix (name, vendor) && name[length] == ' ' ? name + length + 1 : name;
}

static void
set_string (char       **target,
            const char  *value)
{
  g_free (*target);
  *target = g_strdup (value);
}

void
_hr_gpu_detect_add (GListStore        *gpus,
                    const HrGpuReport *report)
{
  g_autoptr (HrGpu) row = identify (report);
  g_autoptr (HrGpuFacts) facts = row != NULL ? _hr_gpu_facts_copy (_hr_gpu_get_facts (row)) : _hr_gpu_facts_new ();
  g_autoptr (HrGpu) gpu = NULL;

  /* A device that shares the main memory may not tell how much it is; then the catalogue's figure stands. */
  if (report->memory > 0)
    {
      if (report->usable_memory > 0 || report->memory != facts->memory)
        facts->usable_memory = report->usable_memory;
      facts->memory = report->memory;
      set_string (&facts->memory_counter, report->counter);
    }
  if (facts->memory < MIN_MEMORY)
    return;

  if (row == NULL)
    {
      set_string (&facts->vendor, report->vendor);
      set_string (&facts->name, report->name != NULL ? skip_vendor (report->name, report->vendor) : report->pci_id);
      set_string (&facts->source, report->origin);
    }
  else
    {
      g_autofree char *source = g_strdup_printf ("%s; %s", report->origin, facts->source);

      set_string (&facts->source, source);
    }

  set_string (&facts->uuid, report->uuid);
  set_string (&facts->driver_version, report->driver_version);
  facts->is_local = TRUE;
  facts->has_free_memory = report->has_free_memory;
  facts->free_memory = report->free_memory;

  gpu = _hr_gpu_new_take (g_steal_pointer (&facts));
  g_list_store_append (gpus, gpu);
}

GListModel *
_hr_gpu_detect_with (const HrGpuProbe  *probe,
                     GCancellable      *cancellable,
                     GError           **error)
{
  g_autoptr (GListStore) gpus = g_list_store_new (HR_TYPE_GPU);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  if (!_hr_nvml_detect (probe->nvml, gpus))
    _hr_nvidia_smi_detect (probe->nvidia_smi, probe->timeout_ms, cancellable, gpus);
  _hr_sysfs_detect (probe->sysfs, gpus);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  return G_LIST_MODEL (g_steal_pointer (&gpus));
}

/**
 * hr_gpu_detect:
 * @cancellable: (nullable): a way to stop it
 * @error: return location for an error
 *
 * Finds the GPUs of this machine: NVIDIA's through the library of the driver or else `nvidia-smi`, AMD's and Intel's
 * through sysfs. Each is matched to a row of the catalogue, from which it has what drivers do not tell, such as the
 * bandwidth. That there are none, or that the files of the driver may not be read, is not an error.
 *
 * It may take seconds where a driver is slow; where that matters, use [func@gpu_detect_async].
 *
 * Returns: (transfer full): a list of [class@Gpu], which may be empty, or %NULL with %G_IO_ERROR_CANCELLED
 */
GListModel *
hr_gpu_detect (GCancellable  *cancellable,
               GError       **error)
{
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return _hr_gpu_detect_with (&_hr_gpu_default_probe, cancellable, error);
}

static void
detect_in_thread (GTask        *task,
                  gpointer      source_object,
                  gpointer      task_data,
                  GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  GListModel *gpus = _hr_gpu_detect_with (&_hr_gpu_default_probe, cancellable, &error);

  if (gpus != NULL)
    g_task_return_pointer (task, gpus, g_object_unref);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * hr_gpu_detect_async:
 * @cancellable: (nullable): a way to stop it
 * @callback: (scope async): what to call when it is done
 * @user_data: data for @callback
 *
 * Does in another thread what [func@gpu_detect] does.
 */
void
hr_gpu_detect_async (GCancellable        *cancellable,
                     GAsyncReadyCallback  callback,
                     gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, hr_gpu_detect_async);
  g_task_set_return_on_cancel (task, TRUE);
  g_task_run_in_thread (task, detect_in_thread);
}

/**
 * hr_gpu_detect_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Gets what [func@gpu_detect_async] found.
 *
 * Returns: (transfer full): a list of [class@Gpu], which may be empty, or %NULL with %G_IO_ERROR_CANCELLED
 */
GListModel *
hr_gpu_detect_finish (GAsyncResult  *result,
                      GError       **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, hr_gpu_detect_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
