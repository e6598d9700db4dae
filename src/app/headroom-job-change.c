/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-job-change.h"

#include <hr-gpu-catalogue.h>
#include <string.h>

static gboolean
headroom_job_change_take_part (HeadroomJobChange  *self,
                               const char         *part,
                               GError            **error)
{
  guint64 n_gpus;

  if (g_str_has_prefix (part, "gpu="))
    {
      g_clear_object (&self->gpu);
      self->gpu = hr_gpu_catalogue_lookup (part + strlen ("gpu="), error);
      return self->gpu != NULL;
    }
  if (!g_str_has_prefix (part, "gpus="))
    return hr_job_set_all_from_string (self->job, part, error);

  if (!g_ascii_string_to_unsigned (part + strlen ("gpus="), 10, 1, G_MAXUINT, &n_gpus, error))
    return FALSE;
  self->n_gpus = n_gpus;

  return TRUE;
}

/*
 * Creates what @text makes of a copy of @job and of @n_gpus of @gpu: settings with their values, as
 * hr_job_set_all_from_string() takes them, and gpu=ID and gpus=NUMBER as on the command line.
 *
 * Returns: the change, or NULL with @error set where something of it cannot be set
 */
HeadroomJobChange *
headroom_job_change_new (HrJob       *job,
                         HrGpu       *gpu,
                         guint        n_gpus,
                         const char  *text,
                         GError     **error)
{
  g_autoptr (HeadroomJobChange) self = g_new0 (HeadroomJobChange, 1);
  g_auto (GStrv) parts = g_strsplit (text, " ", -1);

  self->job = hr_job_copy (job);
  g_set_object (&self->gpu, gpu);
  self->n_gpus = n_gpus;

  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (!headroom_job_change_take_part (self, parts[i], error))
        return NULL;
    }

  return g_steal_pointer (&self);
}

void
headroom_job_change_free (HeadroomJobChange *self)
{
  g_clear_object (&self->job);
  g_clear_object (&self->gpu);
  g_free (self);
}
