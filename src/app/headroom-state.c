/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-state.h"

/*
 * Creates a state without jobs.
 */
HeadroomState *
headroom_state_new (HrModel *model,
                    GFile   *file,
                    HrMode   mode,
                    HrGpu   *gpu,
                    guint    n_gpus)
{
  HeadroomState *self = g_new0 (HeadroomState, 1);

  g_set_object (&self->model, model);
  g_set_object (&self->file, file);
  g_set_object (&self->gpu, gpu);
  self->mode = mode;
  self->n_gpus = n_gpus;

  return self;
}

/*
 * Takes the job of its mode as it is now: a copy, or that of the state @before, if there is one, where it is the same.
 */
void
headroom_state_take_job (HeadroomState       *self,
                         HrJob               *job,
                         const HeadroomState *before)
{
  HrMode mode = hr_job_get_mode (job);
  HrJob *old = before != NULL ? before->jobs[mode] : NULL;

  g_assert (self->jobs[mode] == NULL);

  self->jobs[mode] = old != NULL && hr_job_equal (old, job) ? g_object_ref (old) : hr_job_copy (job);
}

void
headroom_state_free (HeadroomState *self)
{
  g_clear_object (&self->model);
  g_clear_object (&self->file);
  for (guint i = 0; i < G_N_ELEMENTS (self->jobs); i++)
    g_clear_object (&self->jobs[i]);
  g_clear_object (&self->gpu);
  g_free (self);
}

/* A job that is not there yet is the same as one at its defaults: who comes to a mode changes nothing. */
static gboolean
jobs_equal (HrJob *job,
            HrJob *other)
{
  g_autoptr (HrJob) defaults = NULL;

  if (job == other)
    return TRUE;
  if (job != NULL && other != NULL)
    return hr_job_equal (job, other);

  defaults = hr_job_new (hr_job_get_mode (job != NULL ? job : other));

  return hr_job_equal (defaults, job != NULL ? job : other);
}

gboolean
headroom_state_equal (const HeadroomState *self,
                      const HeadroomState *other)
{
  if (self->model != other->model || self->gpu != other->gpu || self->n_gpus != other->n_gpus ||
      self->mode != other->mode)
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (self->jobs); i++)
    {
      if (!jobs_equal (self->jobs[i], other->jobs[i]))
        return FALSE;
    }

  return TRUE;
}
