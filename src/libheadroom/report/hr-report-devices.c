/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-report-private.h"

#include <glib/gi18n-lib.h>

#include "hr-labels.h"

/* What each GPU of a job has, in words. GPUs that have the same are told once. */

static guint64
count_alike (HrEstimate *estimate)
{
  return hr_estimate_get_n_ranks (estimate) / hr_estimate_get_n_devices (estimate);
}

/* The stages of a pipeline are on GPUs that follow each other; what is spread over devices is there in each copy. */
static char *
dup_numbers (HrEstimate *estimate,
             guint       device)
{
  guint64 n_alike = count_alike (estimate);
  g_autofree char *first = g_strdup_printf ("%" G_GUINT64_FORMAT, device * n_alike);
  g_autofree char *last = g_strdup_printf ("%" G_GUINT64_FORMAT, device * n_alike + n_alike - 1);
  g_autofree char *copies = g_strdup_printf ("%" G_GUINT64_FORMAT, n_alike);
  g_autofree char *number = g_strdup_printf ("%u", device);

  if (n_alike == 1)
    /* Translators: a GPU of several, by its number */
    return g_strdup_printf (_("GPU %s"), number);
  if (hr_estimate_get_n_devices (estimate) == 1 || hr_estimate_get_n_stages (estimate) > 0)
    /* Translators: GPUs that have the same, by the first and the last of their numbers */
    return g_strdup_printf (_("GPUs %1$s–%2$s"), first, last);

  /* Translators: 1 the number of a GPU, 2 how many copies of the model there are */
  return g_strdup_printf (_("GPU %1$s of each of %2$s copies"), number, copies);
}

/**
 * hr_report_dup_device_name:
 * @self: a report
 * @device: the index of a device of its estimate
 *
 * Says which GPUs a device stands for, and which stage of a pipeline they have.
 *
 * Returns: (transfer full): words in the user's language
 */
char *
hr_report_dup_device_name (HrReport *self,
                           guint     device)
{
  HrEstimate *estimate;
  g_autofree char *numbers = NULL;
  guint n_stages;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  estimate = hr_report_get_estimate (self);
  g_return_val_if_fail (device < hr_estimate_get_n_devices (estimate), NULL);

  numbers = dup_numbers (estimate, device);
  n_stages = hr_estimate_get_n_stages (estimate);
  if (n_stages == 0)
    return g_steal_pointer (&numbers);

  /* Translators: 1 some GPUs, such as “GPUs 0–7”, 2 the number of a stage of a pipeline, 3 how many stages there are */
  return g_strdup_printf (_("%1$s, stage %2$u of %3$u"), numbers, device + 1, n_stages);
}

/**
 * hr_report_dup_device_parts:
 * @self: a report
 * @device: the index of a device of its estimate
 *
 * Lists what is on a device at its peak, the largest first as the estimate has it.
 *
 * Returns: (transfer full): words in the user's language
 */
char *
hr_report_dup_device_parts (HrReport *self,
                            guint     device)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  GListModel *components;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  components = hr_estimate_get_device_components (hr_report_get_estimate (self), device);
  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      const char *label = hr_component_id_get_label (hr_component_get_id (component));
      g_autofree char *size = hr_format_bytes (hr_component_get_bytes (component), hr_report_get_unit_system (self));

      /* Translators: 1 a part of the memory, such as “Weights”, 2 its size */
      g_ptr_array_add (parts, g_strdup_printf (_("%1$s %2$s"), label, size));
    }
  g_ptr_array_add (parts, NULL);

  return g_strjoinv (C_("between names in a list", ", "), (char **) parts->pdata);
}
