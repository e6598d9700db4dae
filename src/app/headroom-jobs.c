/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-jobs.h"

/*
 * HeadroomJobs:
 *
 * The job of each mode, made when somebody first comes to the mode. It stays the same object from then on, so that rows
 * can be bound to it. The signal "changed" has the name of a setting that has been changed.
 */
struct _HeadroomJobs
{
  GObject parent_instance;

  HrJob *jobs[HEADROOM_N_MODES];
};

enum
{
  CHANGED,
  N_SIGNALS
};

G_DEFINE_FINAL_TYPE (HeadroomJobs, headroom_jobs, G_TYPE_OBJECT)

static guint signals[N_SIGNALS];

static void
headroom_jobs_notify_cb (HeadroomJobs *self,
                         GParamSpec   *pspec,
                         HrJob        *job)
{
  g_assert (HEADROOM_IS_JOBS (self));
  g_assert (HR_IS_JOB (job));

  g_signal_emit (self, signals[CHANGED], 0, pspec->name);
}

static void
copy_settings (HrJob *from,
               HrJob *to)
{
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (from, &n_settings);

  for (guint i = 0; i < n_settings; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_object_get_property (G_OBJECT (from), settings[i]->name, &value);
      g_object_set_property (G_OBJECT (to), settings[i]->name, &value);
    }
}

static void
headroom_jobs_dispose (GObject *object)
{
  HeadroomJobs *self = HEADROOM_JOBS (object);

  for (guint i = 0; i < G_N_ELEMENTS (self->jobs); i++)
    g_clear_object (&self->jobs[i]);

  G_OBJECT_CLASS (headroom_jobs_parent_class)->dispose (object);
}

static void
headroom_jobs_class_init (HeadroomJobsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = headroom_jobs_dispose;

  signals[CHANGED] =
    g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                  1, G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
headroom_jobs_init (HeadroomJobs *self)
{
}

HeadroomJobs *
headroom_jobs_new (void)
{
  return g_object_new (HEADROOM_TYPE_JOBS, NULL);
}

/*
 * Gets the job of @mode, which is made at its defaults if there was none.
 */
HrJob *
headroom_jobs_get (HeadroomJobs *self,
                   HrMode        mode)
{
  g_return_val_if_fail (HEADROOM_IS_JOBS (self), NULL);
  g_return_val_if_fail (mode < HEADROOM_N_MODES, NULL);

  if (self->jobs[mode] == NULL)
    {
      self->jobs[mode] = hr_job_new (mode);
      g_signal_connect_object (self->jobs[mode], "notify", G_CALLBACK (headroom_jobs_notify_cb), self,
                               G_CONNECT_SWAPPED);
    }

  return self->jobs[mode];
}

/*
 * Gets the job of @mode, or NULL if nobody has come to that mode.
 */
HrJob *
headroom_jobs_peek (HeadroomJobs *self,
                    HrMode        mode)
{
  g_return_val_if_fail (HEADROOM_IS_JOBS (self), NULL);
  g_return_val_if_fail (mode < HEADROOM_N_MODES, NULL);

  return self->jobs[mode];
}

/*
 * Sets the settings of the job of one mode to those of @settings, which is of that mode.
 */
void
headroom_jobs_set (HeadroomJobs *self,
                   HrJob        *settings)
{
  g_return_if_fail (HEADROOM_IS_JOBS (self));
  g_return_if_fail (HR_IS_JOB (settings));

  copy_settings (settings, headroom_jobs_get (self, hr_job_get_mode (settings)));
}

/*
 * Writes the jobs into @state, which has none yet. @before is the state that it follows, or NULL.
 */
void
headroom_jobs_save_to (HeadroomJobs        *self,
                       HeadroomState       *state,
                       const HeadroomState *before)
{
  g_return_if_fail (HEADROOM_IS_JOBS (self));
  g_return_if_fail (state != NULL);

  for (guint i = 0; i < G_N_ELEMENTS (self->jobs); i++)
    {
      if (self->jobs[i] != NULL)
        headroom_state_take_job (state, self->jobs[i], before);
    }
}

/*
 * Sets all jobs to what they were in @state. A mode that nobody had come to has its defaults.
 */
void
headroom_jobs_restore (HeadroomJobs        *self,
                       const HeadroomState *state)
{
  g_return_if_fail (HEADROOM_IS_JOBS (self));
  g_return_if_fail (state != NULL);

  for (HrMode mode = 0; mode < HEADROOM_N_MODES; mode++)
    {
      g_autoptr (HrJob) settings = state->jobs[mode] != NULL ? g_object_ref (state->jobs[mode]) : hr_job_new (mode);

      if (self->jobs[mode] != NULL)
        copy_settings (settings, self->jobs[mode]);
    }
}
