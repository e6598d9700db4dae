/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-gpu-items.h"

#include <glib/gi18n.h>
#include <hr-gpu-catalogue.h>

#include "headroom-picker-item.h"

static HeadroomPickerItem *
create_item (HrGpu        *gpu,
             HrUnitSystem  unit_system)
{
  g_autofree char *memory = hr_format_bytes (hr_gpu_get_memory (gpu), unit_system);
  g_autofree char *subtitle = NULL;
  guint year;

  if (hr_gpu_is_local (gpu))
    subtitle = g_strdup (_("This machine"));
  else if (hr_gpu_get_year (gpu, &year))
    subtitle = g_strdup_printf ("%s · %u", hr_gpu_get_vendor (gpu), year);
  else
    subtitle = g_strdup (hr_gpu_get_vendor (gpu));

  return headroom_picker_item_new (hr_gpu_is_local (gpu) ? "computer-symbolic" : NULL,
                                   hr_gpu_get_name (gpu), subtitle, memory, G_OBJECT (gpu));
}

/*
 * headroom_gpu_items_append:
 * @items: (element-type HeadroomPickerItem): what a picker shows
 * @gpus: (element-type HrGpu): GPUs
 * @text: what was typed
 * @unit_system: the units to write sizes in
 *
 * Adds those GPUs that match what was typed.
 */
void
headroom_gpu_items_append (GListStore   *items,
                           GListModel   *gpus,
                           const char   *text,
                           HrUnitSystem  unit_system)
{
  g_return_if_fail (G_IS_LIST_STORE (items));
  g_return_if_fail (G_IS_LIST_MODEL (gpus));
  g_return_if_fail (text != NULL);

  for (guint i = 0; i < g_list_model_get_n_items (gpus); i++)
    {
      g_autoptr (HrGpu) gpu = g_list_model_get_item (gpus, i);

      if (hr_gpu_matches (gpu, text))
        {
          g_autoptr (HeadroomPickerItem) item = create_item (gpu, unit_system);

          g_list_store_append (items, item);
        }
    }
}
