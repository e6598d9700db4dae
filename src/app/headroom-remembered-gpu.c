/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-remembered-gpu.h"

#include <hr-gpu-catalogue.h>

#include "headroom-settings.h"

/* The card that estimates are held against until one is chosen, on a machine without a GPU. */
#define FALLBACK_GPU "rtx-4090"

static guint
count_alike (GListModel *gpus,
             HrGpu      *like)
{
  guint n_alike = 0;

  for (guint i = 0; i < g_list_model_get_n_items (gpus); i++)
    {
      g_autoptr (HrGpu) gpu = g_list_model_get_item (gpus, i);

      if (g_strcmp0 (hr_gpu_get_name (gpu), hr_gpu_get_name (like)) == 0)
        n_alike++;
    }

  return n_alike;
}

/*
 * Finds the GPU to begin with: what was chosen the last time, by @settings; else what this machine has; else a card
 * that many people have.
 *
 * @n_gpus: (out): how many of them
 *
 * Returns: the GPU, or NULL where none is wanted or the one that was chosen is not known any more
 */
HrGpu *
headroom_remembered_gpu_find (GSettings  *settings,
                              GListModel *local_gpus,
                              guint      *n_gpus)
{
  g_autofree char *id = g_settings_get_string (settings, "gpu");
  HrGpu *gpu = NULL;

  *n_gpus = g_settings_get_uint (settings, "gpu-count");

  if (*id == '\0')
    gpu = g_list_model_get_item (local_gpus, 0);

  if (gpu != NULL)
    *n_gpus = count_alike (local_gpus, gpu);
  else if (g_strcmp0 (id, HEADROOM_SETTINGS_NO_GPU) != 0)
    gpu = hr_gpu_catalogue_lookup (*id != '\0' ? id : FALLBACK_GPU, NULL);

  return gpu;
}
