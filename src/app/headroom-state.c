/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-state.h"

HeadroomState *
headroom_state_new (HrModel *model,
                    GFile   *file,
                    HrJob   *job,
                    HrGpu   *gpu,
                    guint    n_gpus)
{
  HeadroomState *self = g_new0 (HeadroomState, 1);

  g_set_object (&self->model, model);
  g_set_object (&self->file, file);
  g_set_object (&self->gpu, gpu);
  self->job = hr_job_copy (job);
  self->n_gpus = n_gpus;

  return self;
}

void
headroom_state_free (HeadroomState *self)
{
  g_clear_object (&self->model);
  g_clear_object (&self->file);
  g_clear_object (&self->job);
  g_clear_object (&self->gpu);
  g_free (self);
}

gboolean
headroom_state_equal (const HeadroomState *self,
                      const HeadroomState *other)
{
  return self->model == other->model &&
         self->gpu == other->gpu &&
         self->n_gpus == other->n_gpus &&
         hr_job_equal (self->job, other->job);
}
