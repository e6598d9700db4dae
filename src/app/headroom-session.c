/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-session.h"

#include <hr-estimator.h>
#include <hr-job-enums.h>

#include "headroom-history.h"
#include "headroom-job-change.h"
#include "headroom-jobs.h"
#include "headroom-opener.h"
#include "headroom-results.h"

/*
 * HeadroomSession:
 *
 * What a window is about: a model, the job of each mode, the GPUs, and the estimate that follows from them.
 *
 * It knows no widget. The window binds to it, and may be built anew (in another language) without losing anything.
 * Every change asks for a new estimate, which is made once for all changes of a turn of the main loop. An estimate that
 * cannot be made leaves the one before of its mode in place, and says why in the property "problem".
 */
struct _HeadroomSession
{
  GObject parent_instance;

  HrModel *model;
  GFile *file;
  HrMode mode;
  HrMode shown_mode;
  HeadroomJobs *jobs;
  HrGpu *gpu;
  guint n_gpus;

  HeadroomResults *results;
  char *problem;
  guint update_source;

  HeadroomHistory *history;
  GListStore *pins;
  GListStore *capacities;
  HeadroomOpener *opener;
  guint restoring : 1;
};

enum
{
  PROP_0,
  PROP_MODEL,
  PROP_MODE,
  PROP_JOB,
  PROP_GPU,
  PROP_N_GPUS,
  PROP_ESTIMATE,
  PROP_PROBLEM,
  PROP_CAN_UNDO,
  PROP_CAN_REDO,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomSession, headroom_session, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static void
headroom_session_set_problem (HeadroomSession *self,
                              const char      *problem)
{
  if (g_strcmp0 (self->problem, problem) == 0)
    return;

  g_free (self->problem);
  self->problem = g_strdup (problem);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROBLEM]);
}

static gboolean
headroom_session_update_cb (gpointer user_data)
{
  HeadroomSession *self = HEADROOM_SESSION (user_data);

  self->update_source = 0;
  headroom_session_update (self);

  return G_SOURCE_REMOVE;
}

static void
headroom_session_queue_update (HeadroomSession *self)
{
  /* Ahead of GTK's resizing and drawing, so that the frame which shows a setting shows its estimate too. */
  if (self->update_source == 0)
    self->update_source = g_idle_add_full (G_PRIORITY_HIGH_IDLE, headroom_session_update_cb, self, NULL);
}

static void
headroom_session_record (HeadroomSession *self,
                         const char      *what)
{
  HeadroomState *state;

  if (self->restoring)
    return;

  state = headroom_state_new (self->model, self->file, self->mode, self->gpu, self->n_gpus);
  headroom_jobs_save_to (self->jobs, state, headroom_history_get_current (self->history));

  headroom_history_record (self->history, state, what, g_get_monotonic_time ());
}

static void
headroom_session_job_changed_cb (HeadroomSession *self,
                                 const char      *setting)
{
  g_assert (HEADROOM_IS_SESSION (self));

  headroom_session_record (self, setting);
  headroom_session_queue_update (self);
}

static void
headroom_session_history_notify_cb (HeadroomSession *self,
                                    GParamSpec      *pspec)
{
  g_assert (HEADROOM_IS_SESSION (self));

  g_object_notify (G_OBJECT (self), pspec->name);
}

/* What is pinned is of the model that is open, whose file only the session knows. */
static void
headroom_session_pins_changed_cb (HeadroomSession *self,
                                  guint            position,
                                  guint            n_removed,
                                  guint            n_added)
{
  for (guint i = position; i < position + n_added; i++)
    {
      g_autoptr (HeadroomPin) pin = g_list_model_get_item (G_LIST_MODEL (self->pins), i);

      if (headroom_pin_get_model (pin) == self->model)
        headroom_pin_set_file (pin, self->file);
    }
}

static void
headroom_session_restore (HeadroomSession     *self,
                          const HeadroomState *state)
{
  if (state == NULL)
    return;

  self->restoring = TRUE;

  headroom_session_set_mode (self, state->mode);
  headroom_jobs_restore (self->jobs, state);
  headroom_session_set_gpu (self, state->gpu);
  headroom_session_set_n_gpus (self, state->n_gpus);
  headroom_session_set_model (self, state->model, state->file);

  self->restoring = FALSE;
}

static void
headroom_session_dispose (GObject *object)
{
  HeadroomSession *self = HEADROOM_SESSION (object);

  g_clear_handle_id (&self->update_source, g_source_remove);
  g_clear_object (&self->opener);
  g_clear_object (&self->model);
  g_clear_object (&self->file);
  g_clear_object (&self->jobs);
  g_clear_object (&self->gpu);
  g_clear_pointer (&self->results, headroom_results_free);
  g_clear_object (&self->history);
  g_clear_object (&self->pins);
  g_clear_object (&self->capacities);
  g_clear_pointer (&self->problem, g_free);

  G_OBJECT_CLASS (headroom_session_parent_class)->dispose (object);
}

static void
headroom_session_get_property (GObject    *object,
                               guint       prop_id,
                               GValue     *value,
                               GParamSpec *pspec)
{
  HeadroomSession *self = HEADROOM_SESSION (object);

  switch (prop_id)
    {
    case PROP_MODEL:
      g_value_set_object (value, self->model);
      break;

    case PROP_MODE:
      g_value_set_enum (value, self->mode);
      break;

    case PROP_JOB:
      g_value_set_object (value, headroom_session_get_job (self));
      break;

    case PROP_GPU:
      g_value_set_object (value, self->gpu);
      break;

    case PROP_N_GPUS:
      g_value_set_uint (value, self->n_gpus);
      break;

    case PROP_ESTIMATE:
      g_value_set_object (value, headroom_session_get_estimate (self));
      break;

    case PROP_PROBLEM:
      g_value_set_string (value, self->problem);
      break;

    case PROP_CAN_UNDO:
      g_value_set_boolean (value, headroom_session_get_can_undo (self));
      break;

    case PROP_CAN_REDO:
      g_value_set_boolean (value, headroom_session_get_can_redo (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_session_set_property (GObject      *object,
                               guint         prop_id,
                               const GValue *value,
                               GParamSpec   *pspec)
{
  HeadroomSession *self = HEADROOM_SESSION (object);

  switch (prop_id)
    {
    case PROP_MODE:
      headroom_session_set_mode (self, g_value_get_enum (value));
      break;

    case PROP_GPU:
      headroom_session_set_gpu (self, g_value_get_object (value));
      break;

    case PROP_N_GPUS:
      headroom_session_set_n_gpus (self, g_value_get_uint (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_session_class_init (HeadroomSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = headroom_session_dispose;
  object_class->get_property = headroom_session_get_property;
  object_class->set_property = headroom_session_set_property;

  properties[PROP_MODEL] =
    g_param_spec_object ("model", NULL, NULL, HR_TYPE_MODEL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_MODE] =
    g_param_spec_enum ("mode", NULL, NULL, HR_TYPE_MODE, HR_MODE_INFERENCE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_JOB] =
    g_param_spec_object ("job", NULL, NULL, HR_TYPE_JOB, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_GPU] =
    g_param_spec_object ("gpu", NULL, NULL, HR_TYPE_GPU,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_N_GPUS] =
    g_param_spec_uint ("n-gpus", NULL, NULL, 1, G_MAXUINT, 1,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_ESTIMATE] =
    g_param_spec_object ("estimate", NULL, NULL, HR_TYPE_ESTIMATE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_PROBLEM] =
    g_param_spec_string ("problem", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_CAN_UNDO] =
    g_param_spec_boolean ("can-undo", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_CAN_REDO] =
    g_param_spec_boolean ("can-redo", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
headroom_session_init (HeadroomSession *self)
{
  self->mode = HR_MODE_INFERENCE;
  self->n_gpus = 1;
  self->jobs = headroom_jobs_new ();
  self->results = headroom_results_new ();
  self->opener = headroom_opener_new ();
  self->history = headroom_history_new ();
  self->pins = g_list_store_new (HEADROOM_TYPE_PIN);
  self->capacities = g_list_store_new (HR_TYPE_GPU);

  g_signal_connect_object (self->jobs, "changed", G_CALLBACK (headroom_session_job_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->history, "notify", G_CALLBACK (headroom_session_history_notify_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->pins, "items-changed", G_CALLBACK (headroom_session_pins_changed_cb), self,
                           G_CONNECT_SWAPPED);
  headroom_session_record (self, NULL);
}

HeadroomSession *
headroom_session_new (void)
{
  return g_object_new (HEADROOM_TYPE_SESSION, NULL);
}

HrModel *
headroom_session_get_model (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  return self->model;
}

/*
 * Gets the file that the model was read from, or NULL for a model of the catalogue.
 */
GFile *
headroom_session_get_file (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  return self->file;
}

void
headroom_session_set_model (HeadroomSession *self,
                            HrModel         *model,
                            GFile           *file)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));

  g_set_object (&self->file, file);
  if (!g_set_object (&self->model, model))
    return;

  /* What was estimated in other modes was another model. */
  headroom_results_keep_only (self->results, self->mode);
  if (model == NULL)
    {
      headroom_results_clear (self->results);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ESTIMATE]);
    }

  headroom_session_record (self, NULL);
  headroom_session_queue_update (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MODEL]);
}

/*
 * Takes the model @id of the catalogue. If it cannot be had, everything stays as it is.
 */
gboolean
headroom_session_choose_model (HeadroomSession  *self,
                               const char       *id,
                               GError          **error)
{
  g_autoptr (HrModel) model = NULL;

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), FALSE);
  g_return_val_if_fail (id != NULL, FALSE);

  model = hr_model_new_from_id (id, error);
  if (model == NULL)
    return FALSE;

  headroom_opener_cancel (self->opener);
  headroom_session_set_model (self, model, NULL);

  return TRUE;
}

/*
 * Sets the mode and its settings to those of @job.
 */
void
headroom_session_take_job (HeadroomSession *self,
                           HrJob           *job)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));
  g_return_if_fail (HR_IS_JOB (job));

  headroom_session_set_mode (self, hr_job_get_mode (job));
  headroom_jobs_set (self->jobs, job);
}

/*
 * Takes the model @id of the catalogue, and the mode and the settings of @job: one step to undo. If the model cannot be
 * had, everything stays as it is.
 */
gboolean
headroom_session_choose_job (HeadroomSession  *self,
                             const char       *id,
                             HrJob            *job,
                             GError          **error)
{
  g_autoptr (HrModel) model = NULL;

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), FALSE);
  g_return_val_if_fail (id != NULL, FALSE);
  g_return_val_if_fail (HR_IS_JOB (job), FALSE);

  model = hr_model_new_from_id (id, error);
  if (model == NULL)
    return FALSE;

  headroom_opener_cancel (self->opener);
  headroom_session_begin_step (self);
  headroom_session_take_job (self, job);
  headroom_session_set_model (self, model, NULL);
  headroom_session_end_step (self);

  return TRUE;
}

/*
 * Makes a change to the job of the current mode and to the GPUs, in the words of headroom_job_change_new(). It is one
 * step to undo. What cannot be set leaves everything as it is.
 */
gboolean
headroom_session_change_job (HeadroomSession  *self,
                             const char       *change,
                             GError          **error)
{
  g_autoptr (HeadroomJobChange) changed = NULL;

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), FALSE);
  g_return_val_if_fail (change != NULL, FALSE);

  changed = headroom_job_change_new (headroom_session_get_job (self), self->gpu, self->n_gpus, change, error);
  if (changed == NULL)
    return FALSE;

  headroom_session_begin_step (self);
  headroom_session_take_job (self, changed->job);
  headroom_session_set_gpu (self, changed->gpu);
  headroom_session_set_n_gpus (self, changed->n_gpus);
  headroom_session_end_step (self);

  return TRUE;
}

/*
 * Gets what reads files for the session.
 */
HeadroomOpener *
headroom_session_get_opener (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  return self->opener;
}

/*
 * Reads the model again, for its warnings are in the language that it was read in. One that has gone meanwhile stays.
 */
void
headroom_session_reload_model (HeadroomSession *self)
{
  g_autoptr (HrModel) model = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (HEADROOM_IS_SESSION (self));

  if (self->model == NULL)
    return;

  if (self->file != NULL)
    model = hr_model_new_from_file (self->file, &error);
  else
    model = hr_model_new_from_id (hr_model_get_name (self->model), &error);

  if (model == NULL || !hr_model_check_can_be_estimated (model, &error))
    {
      g_debug ("The model could not be read again: %s", error->message);
      return;
    }

  headroom_history_replace_model (self->history, self->model, model);

  self->restoring = TRUE;
  headroom_session_set_model (self, model, self->file);
  self->restoring = FALSE;
}

HrMode
headroom_session_get_mode (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), HR_MODE_INFERENCE);

  return self->mode;
}

void
headroom_session_set_mode (HeadroomSession *self,
                           HrMode           mode)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));

  if (self->mode == mode)
    return;

  self->mode = mode;
  headroom_session_record (self, NULL);
  headroom_session_queue_update (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MODE]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_JOB]);
}

/*
 * Gets the configurations that are pinned, to be looked at beside others. Undoing and redoing leave them alone.
 */
GListStore *
headroom_session_get_pins (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  return self->pins;
}

/*
 * Gets the GPUs whose memory is shown in charts beside that of the one that is chosen.
 */
GListStore *
headroom_session_get_capacities (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  return self->capacities;
}

HrJob *
headroom_session_get_job (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  return headroom_session_get_job_of_mode (self, self->mode);
}

/*
 * Gets the job of a mode. It stays the same object as long as the session lives, so that rows can be bound to it.
 */
HrJob *
headroom_session_get_job_of_mode (HeadroomSession *self,
                                  HrMode           mode)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  return headroom_jobs_get (self->jobs, mode);
}

/*
 * Gets the job of a mode, or NULL if nobody has come to it.
 */
HrJob *
headroom_session_peek_job_of_mode (HeadroomSession *self,
                                   HrMode           mode)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  return headroom_jobs_peek (self->jobs, mode);
}

/*
 * Sets the settings of the mode of @settings, whichever is shown.
 */
void
headroom_session_set_settings (HeadroomSession *self,
                               HrJob           *settings)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));

  headroom_jobs_set (self->jobs, settings);
}

/*
 * Puts every setting of the mode back to its default, as one step.
 */
void
headroom_session_reset_job (HeadroomSession *self)
{
  g_autoptr (HrJob) defaults = NULL;

  g_return_if_fail (HEADROOM_IS_SESSION (self));

  defaults = hr_job_new (self->mode);

  headroom_session_begin_step (self);
  headroom_jobs_set (self->jobs, defaults);
  headroom_session_end_step (self);
}

HrGpu *
headroom_session_get_gpu (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  return self->gpu;
}

/*
 * Sets the kind of GPU that the estimate is held against, or NULL for none.
 */
void
headroom_session_set_gpu (HeadroomSession *self,
                          HrGpu           *gpu)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));
  g_return_if_fail (gpu == NULL || HR_IS_GPU (gpu));

  if (!g_set_object (&self->gpu, gpu))
    return;

  headroom_session_record (self, NULL);
  headroom_session_queue_update (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_GPU]);
}

guint
headroom_session_get_n_gpus (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), 1);

  return self->n_gpus;
}

void
headroom_session_set_n_gpus (HeadroomSession *self,
                             guint            n_gpus)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));
  g_return_if_fail (n_gpus > 0);

  if (self->n_gpus == n_gpus)
    return;

  self->n_gpus = n_gpus;
  headroom_session_record (self, properties[PROP_N_GPUS]->name);
  headroom_session_queue_update (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_GPUS]);
}

/*
 * Sets the GPUs as they were remembered or found: not a step that can be undone.
 */
void
headroom_session_remember_gpus (HeadroomSession *self,
                                HrGpu           *gpu,
                                guint            n_gpus)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));

  headroom_session_begin_step (self);
  headroom_session_set_gpu (self, gpu);
  headroom_session_set_n_gpus (self, n_gpus);
  headroom_session_forget_steps (self);
  headroom_session_end_step (self);
}

/*
 * Gets the latest estimate of the mode that could be made, or NULL if there was none yet.
 */
HrEstimate *
headroom_session_get_estimate (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  return headroom_results_get_estimate (self->results, self->mode);
}

/*
 * Gets the settings that the latest estimate of the mode was made for, or NULL if there was none yet.
 */
HrJob *
headroom_session_get_estimated_job (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  return headroom_results_get_job (self->results, self->mode);
}

/*
 * Gets why no estimate can be made for what is set now, or NULL if it could.
 */
const char *
headroom_session_get_problem (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  return self->problem;
}

/*
 * Makes the estimate now. It is made by itself before the next frame; this is for those who cannot wait.
 */
void
headroom_session_update (HeadroomSession *self)
{
  g_autoptr (HrEstimate) estimate = NULL;
  g_autoptr (GError) error = NULL;
  HrJob *job;

  g_return_if_fail (HEADROOM_IS_SESSION (self));

  g_clear_handle_id (&self->update_source, g_source_remove);

  if (self->model == NULL)
    return;

  job = headroom_session_get_job (self);
  if (hr_job_load_models (job, &error))
    estimate = hr_estimator_run_with_timeline (self->model, job, self->gpu, self->n_gpus, &error);
  headroom_session_set_problem (self, error != NULL ? error->message : NULL);

  if (estimate != NULL)
    headroom_results_take (self->results, g_steal_pointer (&estimate), job);

  /* Another mode shows its own estimate, even where it is not a new one. */
  if (error == NULL || self->shown_mode != self->mode)
    {
      self->shown_mode = self->mode;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ESTIMATE]);
    }
}

/*
 * Begins a change that has several parts: up to headroom_session_end_step() they are one step to undo.
 */
void
headroom_session_begin_step (HeadroomSession *self)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));
  g_return_if_fail (!self->restoring);

  self->restoring = TRUE;
}

void
headroom_session_end_step (HeadroomSession *self)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));
  g_return_if_fail (self->restoring);

  self->restoring = FALSE;
  headroom_session_record (self, NULL);
}

/*
 * Makes the step that has been begun the one where a session begins: there is nothing before it to go back to.
 */
void
headroom_session_forget_steps (HeadroomSession *self)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));
  g_return_if_fail (self->restoring);

  headroom_history_clear (self->history);
}

gboolean
headroom_session_get_can_undo (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), FALSE);

  return headroom_history_can_undo (self->history);
}

gboolean
headroom_session_get_can_redo (HeadroomSession *self)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), FALSE);

  return headroom_history_can_redo (self->history);
}

void
headroom_session_undo (HeadroomSession *self)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));

  headroom_session_restore (self, headroom_history_undo (self->history));
}

void
headroom_session_redo (HeadroomSession *self)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));

  headroom_session_restore (self, headroom_history_redo (self->history));
}
