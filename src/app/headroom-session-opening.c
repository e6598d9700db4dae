/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-session-opening.h"

#include <glib/gi18n.h>

#include "headroom-state.h"

/*
 * What a session takes from a file, and from what somebody was working on the last time.
 */

/* Takes what is pinned beside a scenario, but for what is there already. */
static void
take_pins (HeadroomSession *self,
           GPtrArray       *pins,
           GPtrArray       *problems)
{
  GListStore *there = headroom_session_get_pins (self);

  for (guint i = 0; i < pins->len; i++)
    {
      HeadroomPin *pin = g_ptr_array_index (pins, i);
      guint n_pins = g_list_model_get_n_items (G_LIST_MODEL (there));

      if (g_list_store_find_with_equal_func (there, pin, (GEqualFunc) headroom_pin_equal, NULL))
        continue;

      if (n_pins < HR_SCENARIO_MAX_PINS)
        g_list_store_append (there, pin);
      else
        g_ptr_array_add (problems,
                         /* Translators: the name of a configuration */
                         g_strdup_printf (_("There is no room for the pinned configuration “%s”"),
                                          headroom_pin_get_label (pin)));
    }
}

static void
take_scenario (HeadroomSession *self,
               HeadroomOpened  *opened)
{
  headroom_session_take_job (self, hr_scenario_get_job (opened->scenario));
  headroom_session_set_gpu (self, opened->gpu);
  headroom_session_set_n_gpus (self, hr_scenario_get_n_gpus (opened->scenario));
  headroom_session_set_model (self, opened->model, opened->file);
}

/* A command says nothing of the kind of GPU, and may not say how many there are. */
static void
take_command (HeadroomSession *self,
              HeadroomOpened  *opened)
{
  headroom_session_take_job (self, opened->job);
  if (opened->n_gpus > 0)
    headroom_session_set_n_gpus (self, opened->n_gpus);
  if (opened->model != NULL)
    headroom_session_set_model (self, opened->model, opened->file);
}

/*
 * Takes what somebody was working on the last time, in all modes. A GPU that is not told or not known leaves the one
 * that is there.
 */
static void
take_last (HeadroomSession *self,
           HeadroomOpened  *opened)
{
  for (HrMode mode = 0; mode < HEADROOM_N_MODES; mode++)
    {
      HrJob *job = hr_scenario_get_job_of_mode (opened->scenario, mode);

      if (job != NULL)
        headroom_session_set_settings (self, job);
    }

  headroom_session_set_mode (self, hr_job_get_mode (hr_scenario_get_job (opened->scenario)));
  if (opened->gpu != NULL)
    {
      headroom_session_set_gpu (self, opened->gpu);
      headroom_session_set_n_gpus (self, hr_scenario_get_n_gpus (opened->scenario));
    }
  headroom_session_set_model (self, opened->model, opened->file);
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

  headroom_opener_open_async (headroom_session_get_opener (self), self, file, callback, user_data);
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

  headroom_opener_restore_async (headroom_session_get_opener (self), self, scenario, callback, user_data);
}

/*
 * Reads the command that a server is started with, and the model that it names, in a thread. To be finished with
 * headroom_session_open_finish() as well; what of it is not known is left out, and so is a model that cannot be had.
 */
void
headroom_session_read_command_async (HeadroomSession     *self,
                                     const char          *text,
                                     GAsyncReadyCallback  callback,
                                     gpointer             user_data)
{
  g_return_if_fail (HEADROOM_IS_SESSION (self));
  g_return_if_fail (text != NULL);

  headroom_opener_read_command_async (headroom_session_get_opener (self), self, text,
                                      headroom_session_get_model (self), callback, user_data);
}

/* What is restored is where a session begins: there is nothing before it to go back to. */
static void
take_opened (HeadroomSession *self,
             HeadroomOpened  *opened,
             gboolean         is_last)
{
  headroom_session_begin_step (self);

  if (is_last)
    take_last (self, opened);
  else if (opened->scenario != NULL)
    take_scenario (self, opened);
  else if (opened->job != NULL)
    take_command (self, opened);
  else
    headroom_session_set_model (self, opened->model, opened->file);
  take_pins (self, opened->pins, opened->problems);

  if (is_last)
    headroom_session_forget_steps (self);
  headroom_session_end_step (self);
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
  gboolean is_last;

  g_return_val_if_fail (HEADROOM_IS_SESSION (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  opened = headroom_opener_finish (result, &is_last, error);
  if (opened == NULL)
    return FALSE;

  take_opened (self, opened, is_last);

  if (problems != NULL)
    {
      *problems = NULL;
      g_ptr_array_add (opened->problems, NULL);
      if (g_ptr_array_index (opened->problems, 0) != NULL)
        *problems = g_strjoinv ("\n", (char **) opened->problems->pdata);
    }

  return TRUE;
}
