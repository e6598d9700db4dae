/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-session.h"

#include <glib/gi18n.h>
#include <hr-estimator.h>
#include <hr-gpu-catalogue.h>
#include <hr-job-enums.h>
#include <string.h>

#include "headroom-history.h"
#include "headroom-opened.h"

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
  GHashTable *jobs;
  HrGpu *gpu;
  guint n_gpus;

  GHashTable *results;
  char *problem;
  guint update_source;

  HeadroomHistory *history;
  GListStore *pins;
  GListStore *capacities;
  GCancellable *opening;
  guint restoring : 1;
};

/* The latest estimate of a mode, and the settings that it was made for. */
typedef struct
{
  HrEstimate *estimate;
  HrJob *job;
} Result;

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
result_free (gpointer data)
{
  Result *result = data;

  g_object_unref (result->estimate);
  g_object_unref (result->job);
  g_free (result);
}

static Result *
headroom_session_get_result (HeadroomSession *self)
{
  return g_hash_table_lookup (self->results, GINT_TO_POINTER (self->mode));
}

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
  GHashTableIter iter;
  gpointer job;

  if (self->restoring)
    return;

  state = headroom_state_new (self->model, self->file, self->mode, self->gpu, self->n_gpus);
  g_hash_table_iter_init (&iter, self->jobs);
  while (g_hash_table_iter_next (&iter, NULL, &job))
    headroom_state_take_job (state, job, headroom_history_get_current (self->history));

  headroom_history_record (self->history, state, what, g_get_monotonic_time ());
}

static void
headroom_session_job_notify_cb (HeadroomSession *self,
                                GParamSpec      *pspec,
                                HrJob           *job)
{
  g_assert (HEADROOM_IS_SESSION (self));
  g_assert (HR_IS_JOB (job));

  headroom_session_record (self, pspec->name);
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

/* A mode that nobody had come to has its defaults. */
static void
headroom_session_restore_jobs (HeadroomSession     *self,
                               const HeadroomState *state)
{
  for (HrMode mode = 0; mode < HEADROOM_N_MODES; mode++)
    {
      HrJob *job = g_hash_table_lookup (self->jobs, GINT_TO_POINTER (mode));
      g_autoptr (HrJob) settings = state->jobs[mode] != NULL ? g_object_ref (state->jobs[mode]) : hr_job_new (mode);

      if (job != NULL)
        copy_settings (settings, job);
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
  headroom_session_restore_jobs (self, state);
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
  g_cancellable_cancel (self->opening);
  g_clear_object (&self->opening);
  g_clear_object (&self->model);
  g_clear_object (&self->file);
  g_clear_pointer (&self->jobs, g_hash_table_unref);
  g_clear_object (&self->gpu);
  g_clear_pointer (&self->results, g_hash_table_unref);
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
  self->jobs = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
  self->results = g_hash_table_new_full (NULL, NULL, NULL, result_free);
  self->history = headroom_history_new ();
  self->pins = g_list_store_new (HEADROOM_TYPE_PIN);
  self->capacities = g_list_store_new (HR_TYPE_GPU);

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

static gboolean
is_of_other_mode (gpointer key,
                  gpointer value,
                  gpointer user_data)
{
  return GPOINTER_TO_INT (key) != GPOINTER_TO_INT (user_data);
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
  g_hash_table_foreach_remove (self->results, is_of_other_mode, GINT_TO_POINTER (self->mode));
  if (model == NULL)
    {
      g_hash_table_remove_all (self->results);
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

  g_cancellable_cancel (self->opening);
  headroom_session_set_model (self, model, NULL);

  return TRUE;
}

/* Takes the mode and the settings of a job. */
static void
headroom_session_take_job (HeadroomSession *self,
                           HrJob           *job)
{
  HrMode mode = hr_job_get_mode (job);

  headroom_session_set_mode (self, mode);
  copy_settings (job, headroom_session_get_job_of_mode (self, mode));
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

  g_cancellable_cancel (self->opening);
  self->restoring = TRUE;
  headroom_session_take_job (self, job);
  headroom_session_set_model (self, model, NULL);
  self->restoring = FALSE;
  headroom_session_record (self, NULL);

  return TRUE;
}

/* What a change makes of the job and of the GPUs. */
typedef struct
{
  HrJob *job;
  HrGpu *gpu;
  guint n_gpus;
} Change;

static void
change_clear (Change *self)
{
  g_clear_object (&self->job);
  g_clear_object (&self->gpu);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Change, change_clear)

static gboolean
change_take_part (Change      *self,
                  const char  *part,
                  GError     **error)
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
 * Makes a change to the job of the current mode and to the GPUs: settings with their values, as
 * hr_job_set_all_from_string() takes them, and gpu=ID and gpus=NUMBER as on the command line. It is one step to undo.
 * What cannot be set leaves everything as it is.
 */
gboolean
headroom_session_change_job (HeadroomSession  *self,
                             const char       *change,
                             GError          **error)
{
  g_auto (GStrv) parts = NULL;
  g_auto (Change) changed = { 0 };

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), FALSE);
  g_return_val_if_fail (change != NULL, FALSE);

  changed.job = hr_job_copy (headroom_session_get_job (self));
  g_set_object (&changed.gpu, self->gpu);
  changed.n_gpus = self->n_gpus;
  parts = g_strsplit (change, " ", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (!change_take_part (&changed, parts[i], error))
        return FALSE;
    }

  self->restoring = TRUE;
  headroom_session_take_job (self, changed.job);
  headroom_session_set_gpu (self, changed.gpu);
  headroom_session_set_n_gpus (self, changed.n_gpus);
  self->restoring = FALSE;
  headroom_session_record (self, NULL);

  return TRUE;
}

/* Takes what is pinned beside a scenario, but for what is there already. */
static void
headroom_session_take_pins (HeadroomSession *self,
                            GPtrArray       *pins,
                            GPtrArray       *problems)
{
  for (guint i = 0; i < pins->len; i++)
    {
      HeadroomPin *pin = g_ptr_array_index (pins, i);
      guint n_pins = g_list_model_get_n_items (G_LIST_MODEL (self->pins));

      if (g_list_store_find_with_equal_func (self->pins, pin, (GEqualFunc) headroom_pin_equal, NULL))
        continue;

      if (n_pins < HR_SCENARIO_MAX_PINS)
        g_list_store_append (self->pins, pin);
      else
        g_ptr_array_add (problems,
                         /* Translators: the name of a configuration */
                         g_strdup_printf (_("There is no room for the pinned configuration “%s”"),
                                          headroom_pin_get_label (pin)));
    }
}

static void
headroom_session_take_scenario (HeadroomSession *self,
                                HeadroomOpened  *opened)
{
  headroom_session_take_job (self, hr_scenario_get_job (opened->scenario));
  headroom_session_set_gpu (self, opened->gpu);
  headroom_session_set_n_gpus (self, hr_scenario_get_n_gpus (opened->scenario));
  headroom_session_set_model (self, opened->model, opened->file);
}

/*
 * Takes what somebody was working on the last time, in all modes. A GPU that is not told or not known leaves the one
 * that is there.
 */
static void
headroom_session_take_last (HeadroomSession *self,
                            HeadroomOpened  *opened)
{
  for (HrMode mode = 0; mode < HEADROOM_N_MODES; mode++)
    {
      HrJob *job = hr_scenario_get_job_of_mode (opened->scenario, mode);

      if (job != NULL)
        copy_settings (job, headroom_session_get_job_of_mode (self, mode));
    }

  headroom_session_set_mode (self, hr_job_get_mode (hr_scenario_get_job (opened->scenario)));
  if (opened->gpu != NULL)
    {
      headroom_session_set_gpu (self, opened->gpu);
      headroom_session_set_n_gpus (self, hr_scenario_get_n_gpus (opened->scenario));
    }
  headroom_session_set_model (self, opened->model, opened->file);
}

static void
open_thread (GTask        *task,
             gpointer      source_object,
             gpointer      task_data,
             GCancellable *cancellable)
{
  GError *error = NULL;
  HeadroomOpened *opened = headroom_opened_new_from_file (task_data, &error);

  if (opened != NULL)
    g_task_return_pointer (task, opened, (GDestroyNotify) headroom_opened_free);
  else
    g_task_return_error (task, error);
}

static void
restore_thread (GTask        *task,
                gpointer      source_object,
                gpointer      task_data,
                GCancellable *cancellable)
{
  g_task_return_pointer (task, headroom_opened_new_from_scenario (task_data), (GDestroyNotify) headroom_opened_free);
}

/* An open that is under way when another begins is cancelled. */
static void
headroom_session_read_async (HeadroomSession     *self,
                             GTaskThreadFunc      thread,
                             gpointer             what,
                             gpointer             source_tag,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_autoptr (GTask) task = NULL;

  g_cancellable_cancel (self->opening);
  g_clear_object (&self->opening);
  self->opening = g_cancellable_new ();

  task = g_task_new (self, self->opening, callback, user_data);
  g_task_set_source_tag (task, source_tag);
  g_task_set_task_data (task, g_object_ref (what), g_object_unref);
  g_task_run_in_thread (task, thread);
}

/*
 * Reads a model or a scenario from @file in a thread: it may lie on a slow disk or on the network.
 *
 * An open that is under way when another begins is cancelled.
 */
void
headroom_session_open_async (HeadroomSession     *self,
                             GFile               *file,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));
  g_return_if_fail (G_IS_FILE (file));

  headroom_session_read_async (self, open_thread, file, headroom_session_open_async, callback, user_data);
}

/*
 * Reads what @scenario names, which somebody was working on the last time, in a thread. To be finished with
 * headroom_session_open_finish() as well; what cannot be had any more is left out.
 */
void
headroom_session_restore_async (HeadroomSession     *self,
                                HrScenario          *scenario,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));
  g_return_if_fail (HR_IS_SCENARIO (scenario));

  headroom_session_read_async (self, restore_thread, scenario, headroom_session_restore_async, callback, user_data);
}

/* What is restored is where a session begins: there is nothing before it to go back to. */
static void
headroom_session_take_opened (HeadroomSession *self,
                              HeadroomOpened  *opened,
                              gboolean         is_last)
{
  self->restoring = TRUE;

  if (is_last)
    headroom_session_take_last (self, opened);
  else if (opened->scenario != NULL)
    headroom_session_take_scenario (self, opened);
  else
    headroom_session_set_model (self, opened->model, opened->file);
  headroom_session_take_pins (self, opened->pins, opened->problems);

  self->restoring = FALSE;
  if (is_last)
    headroom_history_clear (self->history);
  headroom_session_record (self, NULL);
}

/*
 * Takes what was read. If that is nothing, everything stays as it is.
 *
 * @problems: (out) (optional) (nullable): sentences about what had to be left out, a line each, or NULL if nothing had
 */
gboolean
headroom_session_open_finish (HeadroomSession  *self,
                              GAsyncResult     *result,
                              char            **problems,
                              GError          **error)
{
  g_autoptr (HeadroomOpened) opened = NULL;

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  opened = g_task_propagate_pointer (G_TASK (result), error);
  if (opened == NULL)
    return FALSE;

  headroom_session_take_opened (self, opened,
                                g_task_get_source_tag (G_TASK (result)) == headroom_session_restore_async);

  if (problems != NULL)
    {
      *problems = NULL;
      g_ptr_array_add (opened->problems, NULL);
      if (g_ptr_array_index (opened->problems, 0) != NULL)
        *problems = g_strjoinv ("\n", (char **) opened->problems->pdata);
    }

  return TRUE;
}

/*
 * Creates a configuration of what is set now, called @label, to be looked at beside others. There has to be a model.
 */
HeadroomPin *
headroom_session_create_pin (HeadroomSession *self,
                             const char      *label)
{
  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);
  g_return_val_if_fail (self->model != NULL, NULL);

  return headroom_pin_new (label, self->model, self->file, headroom_session_get_job (self), self->gpu, self->n_gpus);
}

static HrScenario *
headroom_session_create_scenario_of (HeadroomSession *self,
                                     HrJob           *job)
{
  g_autoptr (HeadroomPin) pin = headroom_pin_new ("", self->model, self->file, job, self->gpu, self->n_gpus);

  return headroom_pin_create_scenario (pin);
}

/*
 * Creates a report of the estimate, which does not change with what is set later, and carries the scenario that it is
 * about. There has to be an estimate.
 */
HrReport *
headroom_session_create_report (HeadroomSession *self,
                                HrUnitSystem     unit_system)
{
  const Result *result;
  HrReport *report;

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  result = headroom_session_get_result (self);
  g_return_val_if_fail (result != NULL, NULL);

  report = hr_report_new (result->estimate, result->job, self->gpu, self->n_gpus, unit_system);
  /* An estimate that is still that of the model before has a file that is not known any more. */
  if (hr_report_get_model (report) == self->model)
    {
      g_autoptr (HrScenario) scenario = headroom_session_create_scenario_of (self, result->job);

      hr_report_set_scenario (report, scenario);
    }

  return report;
}

/*
 * Creates a scenario of what is set now, and of what is pinned. There has to be a model.
 */
HrScenario *
headroom_session_create_scenario (HeadroomSession *self)
{
  HrScenario *scenario;

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);
  g_return_val_if_fail (self->model != NULL, NULL);

  scenario = headroom_session_create_scenario_of (self, headroom_session_get_job (self));
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->pins)); i++)
    {
      g_autoptr (HeadroomPin) pin = g_list_model_get_item (G_LIST_MODEL (self->pins), i);
      g_autoptr (HrScenario) pinned = headroom_pin_create_scenario (pin);

      hr_scenario_add_pin (scenario, headroom_pin_get_label (pin), pinned);
    }

  return scenario;
}

/*
 * Creates a scenario of all that somebody is working on: with what is set in the other modes. There has to be a model.
 */
HrScenario *
headroom_session_create_whole_scenario (HeadroomSession *self)
{
  HrScenario *scenario;
  GHashTableIter iter;
  gpointer job;

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);
  g_return_val_if_fail (self->model != NULL, NULL);

  scenario = headroom_session_create_scenario (self);
  g_hash_table_iter_init (&iter, self->jobs);
  while (g_hash_table_iter_next (&iter, NULL, &job))
    {
      if (hr_job_get_mode (job) != self->mode)
        hr_scenario_add_job (scenario, job);
    }

  return scenario;
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
  HrJob *job;

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  job = g_hash_table_lookup (self->jobs, GINT_TO_POINTER (mode));
  if (job == NULL)
    {
      job = hr_job_new (mode);
      g_hash_table_insert (self->jobs, GINT_TO_POINTER (mode), job);
      g_signal_connect_object (job, "notify", G_CALLBACK (headroom_session_job_notify_cb), self, G_CONNECT_SWAPPED);
    }

  return job;
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

  self->restoring = TRUE;
  copy_settings (defaults, headroom_session_get_job (self));
  self->restoring = FALSE;
  headroom_session_record (self, NULL);
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

  self->restoring = TRUE;
  headroom_session_set_gpu (self, gpu);
  headroom_session_set_n_gpus (self, n_gpus);
  self->restoring = FALSE;

  headroom_history_clear (self->history);
  headroom_session_record (self, NULL);
}

/*
 * Gets the latest estimate of the mode that could be made, or NULL if there was none yet.
 */
HrEstimate *
headroom_session_get_estimate (HeadroomSession *self)
{
  const Result *result;

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), NULL);

  result = headroom_session_get_result (self);

  return result != NULL ? result->estimate : NULL;
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
  Result *result;

  g_return_if_fail (HEADROOM_IS_SESSION (self));

  g_clear_handle_id (&self->update_source, g_source_remove);

  if (self->model == NULL)
    return;

  job = headroom_session_get_job (self);
  if (hr_job_load_models (job, &error))
    estimate = hr_estimator_run_with_timeline (self->model, job, self->gpu, self->n_gpus, &error);
  headroom_session_set_problem (self, error != NULL ? error->message : NULL);

  if (estimate != NULL)
    {
      result = g_new0 (Result, 1);
      result->estimate = g_steal_pointer (&estimate);
      result->job = hr_job_copy (job);
      g_hash_table_replace (self->results, GINT_TO_POINTER (self->mode), result);
    }

  /* Another mode shows its own estimate, even where it is not a new one. */
  if (error == NULL || self->shown_mode != self->mode)
    {
      self->shown_mode = self->mode;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ESTIMATE]);
    }
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
