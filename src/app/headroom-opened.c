/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-opened.h"

#include <glib/gi18n.h>
#include <hr-command-line.h>
#include <hr-error.h>
#include <hr-gpu-catalogue.h>

#include "headroom-pin.h"

static HeadroomOpened *
headroom_opened_new (void)
{
  HeadroomOpened *self = g_new0 (HeadroomOpened, 1);

  self->pins = g_ptr_array_new_with_free_func (g_object_unref);
  self->problems = g_ptr_array_new_with_free_func (g_free);

  return self;
}

static gboolean
headroom_opened_read_model (HeadroomOpened  *self,
                            GFile           *file,
                            const char      *id,
                            GError         **error)
{
  g_autoptr (HrModel) model = file != NULL ? hr_model_new_from_file (file, error) : hr_model_new_from_id (id, error);

  if (model == NULL || !hr_model_check_can_be_estimated (model, error))
    return FALSE;

  self->model = g_steal_pointer (&model);
  g_set_object (&self->file, file);

  return TRUE;
}

static gboolean
headroom_opened_read_model_of_scenario (HeadroomOpened  *self,
                                        GError         **error)
{
  const char *name = hr_scenario_get_model (self->scenario);
  g_autoptr (GFile) file = g_path_is_absolute (name) ? g_file_new_for_path (name) : NULL;

  return headroom_opened_read_model (self, file, name, error);
}

static gboolean
headroom_opened_find_gpu (HeadroomOpened  *self,
                          GError         **error)
{
  const char *name = hr_scenario_get_gpu (self->scenario);

  if (name != NULL)
    self->gpu = hr_gpu_catalogue_lookup (name, error);

  return name == NULL || self->gpu != NULL;
}

static void
headroom_opened_read_pin (HeadroomOpened *self,
                          HrScenario     *scenario)
{
  const char *label = hr_scenario_get_label (scenario);
  g_autoptr (GError) error = NULL;
  HeadroomPin *pin;

  /* What is pinned is mostly of the model that is open. */
  if (self->model != NULL && g_str_equal (hr_scenario_get_model (scenario), hr_scenario_get_model (self->scenario)))
    pin = headroom_pin_new_with_model (label, scenario, self->model, &error);
  else
    pin = headroom_pin_new_from_scenario (label, scenario, &error);

  if (pin != NULL)
    g_ptr_array_add (self->pins, pin);
  else
    /* Translators: 1 the name of a configuration, 2 why it could not be had */
    g_ptr_array_add (self->problems, g_strdup_printf (_("Pinned configuration “%1$s”: %2$s"), label, error->message));
}

static void
headroom_opened_read_pins (HeadroomOpened *self)
{
  for (guint i = 0; i < hr_scenario_get_n_pins (self->scenario); i++)
    headroom_opened_read_pin (self, hr_scenario_get_pin (self->scenario, i));
}

/*
 * Reads a file: a model, or a scenario whose model and GPU have to be there. It may take a while.
 */
HeadroomOpened *
headroom_opened_new_from_file (GFile   *file,
                               GError **error)
{
  g_autoptr (HeadroomOpened) self = headroom_opened_new ();

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  if (!hr_scenario_probe (file))
    return headroom_opened_read_model (self, file, NULL, error) ? g_steal_pointer (&self) : NULL;

  self->scenario = hr_scenario_new_from_file (file, error);
  if (self->scenario == NULL
      || !headroom_opened_find_gpu (self, error)
      || !headroom_opened_read_model_of_scenario (self, error))
    return NULL;

  headroom_opened_read_pins (self);

  return g_steal_pointer (&self);
}

/*
 * Reads what a scenario names, as far as it can be had. It may take a while.
 */
HeadroomOpened *
headroom_opened_new_from_scenario (HrScenario *scenario)
{
  HeadroomOpened *self;
  g_autoptr (GError) model_error = NULL;
  g_autoptr (GError) gpu_error = NULL;

  g_return_val_if_fail (HR_IS_SCENARIO (scenario), NULL);

  self = headroom_opened_new ();
  self->scenario = g_object_ref (scenario);

  if (!headroom_opened_read_model_of_scenario (self, &model_error))
    g_ptr_array_add (self->problems, g_strdup (model_error->message));
  if (!headroom_opened_find_gpu (self, &gpu_error))
    g_ptr_array_add (self->problems, g_strdup (gpu_error->message));
  headroom_opened_read_pins (self);

  return self;
}

static gboolean
headroom_opened_find_model (HeadroomOpened  *self,
                            const char      *name,
                            GError         **error)
{
  g_autoptr (GFile) file = g_file_test (name, G_FILE_TEST_EXISTS) ? g_file_new_for_path (name) : NULL;

  return headroom_opened_read_model (self, file, name, error);
}

static void
headroom_opened_tell_unread (HeadroomOpened      *self,
                             const HrCommandLine *command)
{
  const char * const *unread = hr_command_line_get_unread (command);

  for (guint i = 0; unread[i] != NULL; i++)
    g_ptr_array_add (self->problems, g_strdup (unread[i]));
}

/*
 * Reads the command that a server is started with. It may take a while. The job is that of @model, which is the one
 * that is open if any is, where the command names none that can be had.
 */
HeadroomOpened *
headroom_opened_new_from_command (const char *text,
                                  HrModel    *model,
                                  GError    **error)
{
  g_autoptr (HeadroomOpened) self = headroom_opened_new ();
  g_autoptr (HrCommandLine) command = hr_command_line_new (text, error);
  g_autoptr (GError) model_error = NULL;
  const char *name = command != NULL ? hr_command_line_get_model (command) : NULL;

  if (command == NULL)
    return NULL;

  if (name != NULL && !headroom_opened_find_model (self, name, &model_error))
    g_ptr_array_add (self->problems, g_strdup (model_error->message));
  if (self->model == NULL && model == NULL)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_NOT_A_MODEL, "%s",
                   model_error != NULL ? model_error->message : _("the command: expected a model, found none"));
      return NULL;
    }

  self->job = hr_command_line_create_job (command, self->model != NULL ? self->model : model, &self->n_gpus, error);
  if (self->job == NULL)
    return NULL;

  headroom_opened_tell_unread (self, command);

  return g_steal_pointer (&self);
}

void
headroom_opened_free (HeadroomOpened *self)
{
  g_clear_object (&self->scenario);
  g_clear_object (&self->model);
  g_clear_object (&self->file);
  g_clear_object (&self->gpu);
  g_clear_object (&self->job);
  g_ptr_array_unref (self->pins);
  g_ptr_array_unref (self->problems);
  g_free (self);
}
