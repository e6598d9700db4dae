/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-gpu-usage-text.h"

#include <glib/gi18n-lib.h>

/* So many programs are named; what the others have is little. */
#define MAX_PROCESSES 4

/* The fullest of the GPUs that are taken, which are those with most free memory. */
static const HrGpuUsage *
get_fullest (GPtrArray *usages,
             guint      n_gpus)
{
  return g_ptr_array_index (usages, CLAMP (n_gpus, 1, usages->len) - 1);
}

/**
 * hr_gpu_usage_get_verdict: (skip)
 * @usages: (element-type HrGpuUsage): what is in use of the GPUs that there are, at least one, the most free first
 * @n_gpus: how many the job is for
 * @bytes: what it takes of the fullest
 *
 * Holds what a job takes against what is free now.
 *
 * Returns: whether it fits
 */
HrGpuUsageVerdict
hr_gpu_usage_get_verdict (GPtrArray *usages,
                          guint      n_gpus,
                          guint64    bytes)
{
  const HrGpuUsage *usage = get_fullest (usages, n_gpus);

  if (n_gpus > usages->len || bytes > usage->memory_bytes)
    return HR_GPU_USAGE_NEVER_FITS;

  return bytes <= usage->free_bytes ? HR_GPU_USAGE_FITS : HR_GPU_USAGE_FITS_WHEN_FREED;
}

/**
 * hr_gpu_usage_dup_verdict: (skip)
 * @usages: (element-type HrGpuUsage): what is in use of the GPUs that there are, at least one, the most free first
 * @n_gpus: how many the job is for
 * @bytes: what it takes of the fullest
 * @unit_system: the units
 *
 * Says in words whether a job fits into what is free now.
 *
 * Returns: (transfer full): a sentence, with no full stop
 */
char *
hr_gpu_usage_dup_verdict (GPtrArray    *usages,
                          guint         n_gpus,
                          guint64       bytes,
                          HrUnitSystem  unit_system)
{
  const HrGpuUsage *usage = get_fullest (usages, n_gpus);
  g_autofree char *free_text = hr_format_bytes (usage->free_bytes, unit_system);
  g_autofree char *memory = hr_format_bytes (usage->memory_bytes, unit_system);
  g_autofree char *rest = NULL;

  if (n_gpus > usages->len)
    /* Translators: two numbers of GPUs */
    return g_strdup_printf (_("On this machine now: the job is for %u GPUs, and this machine has %u of them"), n_gpus,
                            usages->len);

  switch (hr_gpu_usage_get_verdict (usages, n_gpus, bytes))
    {
    case HR_GPU_USAGE_FITS:
      rest = hr_format_bytes (usage->free_bytes - bytes, unit_system);
      /* Translators: three sizes */
      return g_strdup_printf (_("On this machine now: fits, %1$s of %2$s are free, and %3$s would be left"), free_text,
                              memory, rest);

    case HR_GPU_USAGE_FITS_WHEN_FREED:
      rest = hr_format_bytes (bytes - usage->free_bytes, unit_system);
      /* Translators: three sizes */
      return g_strdup_printf (_("On this machine now: %1$s of %2$s are free, and it fits when %3$s more are freed"),
                              free_text, memory, rest);

    case HR_GPU_USAGE_NEVER_FITS:
    default:
      /* Translators: two sizes */
      return g_strdup_printf (_("On this machine now: %1$s of %2$s are free"), free_text, memory);
    }
}

/**
 * hr_gpu_usage_dup_processes: (skip)
 * @usages: (element-type HrGpuUsage): what is in use of the GPUs that there are, at least one, the most free first
 * @n_gpus: how many the job is for
 * @unit_system: the units
 *
 * Names the programs that use the fullest of the GPUs that the job would take, with what each has.
 *
 * Returns: (transfer full) (nullable): a sentence, with no full stop, or %NULL if none is known
 */
char *
hr_gpu_usage_dup_processes (GPtrArray    *usages,
                            guint         n_gpus,
                            HrUnitSystem  unit_system)
{
  const HrGpuUsage *usage = get_fullest (usages, n_gpus);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *used = hr_format_bytes (usage->memory_bytes - MIN (usage->free_bytes, usage->memory_bytes),
                                           unit_system);
  g_autofree char *list = NULL;

  for (guint i = 0; i < MIN (usage->processes->len, MAX_PROCESSES); i++)
    {
      const HrGpuProcess *process = g_ptr_array_index (usage->processes, i);
      g_autofree char *size = hr_format_bytes (process->bytes, unit_system);

      g_ptr_array_add (names, process->bytes > 0 ? g_strdup_printf ("%s %s", process->name, size)
                                                 : g_strdup (process->name));
    }
  if (names->len == 0)
    return NULL;

  g_ptr_array_add (names, NULL);
  list = g_strjoinv (C_("between names in a list", ", "), (char **) names->pdata);

  /* Translators: 1 a size, 2 a list of programs, each with a size */
  return g_strdup_printf (_("%1$s are in use, by %2$s"), used, list);
}
