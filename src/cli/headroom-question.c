/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-question.h"

#include <string.h>

#include <glib/gi18n.h>

#include "headroom-standard-input.h"

/* What of a command was not taken is said, so that nobody relies on it. */
static void
tell_unread (HrCommandLine *command)
{
  const char * const *unread = hr_command_line_get_unread (command);
  g_autofree char *list = g_strjoinv (C_("between names in a list", ", "), (char **) unread);

  if (unread[0] != NULL)
    /* Translators: options of a command, with their values */
    g_printerr (_("Not read from the command: %s\n"), list);
}

static HrCommandLine *
read_command (const char  *text,
              GError     **error)
{
  g_autoptr (GString) input = NULL;

  if (!g_str_equal (text, "-"))
    return hr_command_line_new (text, error);

  input = headroom_standard_input_read (HR_LOG_MAX_BYTES, error);

  return input != NULL ? hr_command_line_new (input->str, error) : NULL;
}

/* What a command starts, as a scenario; @word names the model in its place. */
static HrScenario *
create_scenario_of_command (const char  *text,
                            const char  *word,
                            GError     **error)
{
  g_autoptr (HrCommandLine) command = read_command (text, error);
  const char *name = word != NULL || command == NULL ? word : hr_command_line_get_model (command);
  g_autoptr (HrModel) model = NULL;
  g_autoptr (HrJob) job = NULL;
  HrScenario *scenario;
  guint n_gpus;

  if (command == NULL)
    return NULL;
  if (name == NULL)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
                   _("“%s”: expected a model in the command, or before it; found none"), "--command");
      return NULL;
    }

  model = hr_model_new_from_name (name, error);
  job = model != NULL ? hr_command_line_create_job (command, model, &n_gpus, error) : NULL;
  if (job == NULL)
    return NULL;

  tell_unread (command);
  scenario = hr_scenario_new (name, job);
  hr_scenario_set_gpu (scenario, NULL, MAX (n_gpus, 1));

  return scenario;
}

/*
 * Whether a word is a name of Ollama's library: no id of a model has a colon as qwen3:8b does; of Ollama's other names
 * only those are meant that are no model here.
 */
static gboolean
is_name_of_ollama (HeadroomArguments *arguments,
                   const char        *word)
{
  g_autoptr (HrModelEntry) entry = NULL;

  if (word == NULL || strchr (word, '/') != NULL || g_file_test (word, G_FILE_TEST_EXISTS))
    return FALSE;
  if (strchr (word, ':') != NULL)
    return TRUE;

  entry = hr_model_catalogue_lookup (word, NULL);

  return entry == NULL && g_strcmp0 (headroom_arguments_get (arguments, "engine"), "ollama") == 0;
}

static gboolean
read_scenario (HeadroomArguments  *arguments,
               const char         *word,
               HrScenario        **scenario,
               GError            **error)
{
  const char *path = headroom_arguments_get (arguments, "scenario");
  g_autoptr (GFile) file = NULL;

  *scenario = NULL;
  if (headroom_arguments_has (arguments, "command"))
    {
      *scenario = create_scenario_of_command (headroom_arguments_get (arguments, "command"), word, error);
      return *scenario != NULL;
    }

  if (path == NULL && word == NULL)
    return TRUE;
  if (path == NULL && is_name_of_ollama (arguments, word))
    {
      g_autofree char *command = g_strconcat ("ollama run ", word, NULL);

      *scenario = create_scenario_of_command (command, NULL, error);
      return *scenario != NULL;
    }

  file = g_file_new_for_path (path != NULL ? path : word);
  if (path == NULL && !hr_scenario_probe (file))
    return TRUE;

  *scenario = hr_scenario_new_from_file (file, error);

  return *scenario != NULL;
}

static gboolean
read_model (HeadroomQuestion   *self,
            HeadroomArguments  *arguments,
            const char         *verb,
            const char         *word,
            HrScenario         *scenario,
            GError            **error)
{
  if (word != NULL && (scenario == NULL || headroom_arguments_has (arguments, "scenario")))
    self->name = g_strdup (word);
  else if (scenario != NULL)
    self->name = g_strdup (hr_scenario_get_model (scenario));

  if (self->name != NULL)
    return TRUE;

  g_set_error (error, HR_ERROR, HR_ERROR_VALUE,
               _("“%s”: expected the path or the id of a model, found none; see “headroom-cli %s --help”"),
               verb, verb);
  return FALSE;
}

/* What the scenario says of another mode, or else the settings that its mode and the other one have in common. */
static HrJob *
create_job (HrMode      mode,
            HrScenario *scenario)
{
  HrJob *job;
  HrJob *old;
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  if (scenario == NULL)
    return hr_job_new (mode);

  if (hr_scenario_get_job_of_mode (scenario, mode) != NULL)
    return g_object_ref (hr_scenario_get_job_of_mode (scenario, mode));

  old = hr_scenario_get_job (scenario);
  job = hr_job_new (mode);
  settings = hr_job_list_settings (old, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *value = hr_job_get_as_string (old, settings[i]->name);

      hr_job_set_from_string (job, settings[i]->name, value, NULL);
    }

  return job;
}

static gboolean
read_job (HeadroomQuestion    *self,
          HeadroomArguments   *arguments,
          HrScenario          *scenario,
          const char * const  *own_options,
          GError             **error)
{
  const char *mode_name = headroom_arguments_get (arguments, "mode");
  HrMode mode = scenario != NULL ? hr_job_get_mode (hr_scenario_get_job (scenario)) : HR_MODE_INFERENCE;

  if (mode_name != NULL && !hr_mode_from_name (mode_name, &mode, error))
    return FALSE;

  self->job = create_job (mode, scenario);

  return headroom_arguments_set_job (arguments, self->job, own_options, error);
}

static gboolean
read_gpus (HeadroomQuestion   *self,
           HeadroomArguments  *arguments,
           HrScenario         *scenario,
           GError            **error)
{
  const char *name = headroom_arguments_get (arguments, "gpu");
  const char *number = headroom_arguments_get (arguments, "gpus");
  guint64 n_gpus = scenario != NULL ? hr_scenario_get_n_gpus (scenario) : 1;

  if (name == NULL && scenario != NULL)
    name = hr_scenario_get_gpu (scenario);

  if (number != NULL && !g_ascii_string_to_unsigned (number, 10, 1, HR_SCENARIO_MAX_GPUS, &n_gpus, NULL))
    {
      g_set_error (error, HR_ERROR, HR_ERROR_VALUE, _("“%s”: expected a whole number from 1 to %d, found “%s”"),
                   "--gpus", HR_SCENARIO_MAX_GPUS, number);
      return FALSE;
    }

  self->n_gpus = n_gpus;
  if (name == NULL)
    return TRUE;

  self->gpu = hr_gpu_catalogue_lookup (name, error);
  if (self->gpu == NULL)
    g_prefix_error (error, "--gpu: ");

  return self->gpu != NULL;
}

/*
 * Reads what is asked about from the options and from a word, which may be that of a scenario.
 *
 * @own_options are those of the verb that are no settings of a job; @verb is named where there is no model.
 */
gboolean
headroom_question_read (HeadroomQuestion    *self,
                        HeadroomArguments   *arguments,
                        const char          *verb,
                        const char          *word,
                        const char * const  *own_options,
                        GError             **error)
{
  g_autoptr (HrScenario) scenario = NULL;

  return read_scenario (arguments, word, &scenario, error)
         && read_model (self, arguments, verb, word, scenario, error)
         && read_job (self, arguments, scenario, own_options, error)
         && read_gpus (self, arguments, scenario, error);
}

/* Reads the model, and those that the settings of the job name. */
gboolean
headroom_question_load (HeadroomQuestion  *self,
                        GError           **error)
{
  self->model = hr_model_new_from_name (self->name, error);

  return self->model != NULL && hr_job_load_models (self->job, error);
}

/* Creates a scenario of what is asked about. */
HrScenario *
headroom_question_create_scenario (HeadroomQuestion *self)
{
  gboolean is_path = g_file_test (self->name, G_FILE_TEST_EXISTS);
  g_autofree char *model = is_path ? g_canonicalize_filename (self->name, NULL) : g_strdup (self->name);
  HrScenario *scenario = hr_scenario_new (model, self->job);

  if (self->gpu != NULL)
    hr_scenario_set_gpu (scenario, hr_gpu_get_id (self->gpu), self->n_gpus);

  return scenario;
}

void
headroom_question_clear (HeadroomQuestion *self)
{
  g_clear_pointer (&self->name, g_free);
  g_clear_object (&self->model);
  g_clear_object (&self->job);
  g_clear_object (&self->gpu);
}
