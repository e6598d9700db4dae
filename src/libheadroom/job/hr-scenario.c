/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-scenario.h"

#include <json-glib/json-glib.h>

#include "hr-file-writer.h"
#include "hr-file.h"
#include "hr-scenario-json.h"
#include "hr-scenario-seal.h"

#define SUFFIX ".headroom"

/**
 * HrScenario:
 *
 * A question that can be saved: a model, a job, and the GPUs it shall run on.
 *
 * It is saved as a file of its own, and reports carry it. In its file (`.headroom`, JSON), the model is the id of a
 * model of the catalogue or a path; a relative path is relative to the file. Settings that the file does not name have
 * their defaults. Keys that are not known are errors, so that a misspelt setting does not pass for one that was made.
 *
 * Beside its question a scenario may have configurations that are pinned, to be looked at beside it, each a scenario
 * with a label, and the jobs of the other modes, where it says all that somebody was working on.
 */
struct _HrScenario
{
  GObject parent_instance;

  char *model;
  HrJob *job;
  char *gpu;
  guint n_gpus;

  char *label;
  GPtrArray *pins;
  HrJob *other_jobs[HR_MODE_MULTIMODAL + 1];
};

enum
{
  PROP_0,
  PROP_MODEL,
  PROP_JOB,
  PROP_GPU,
  PROP_N_GPUS,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HrScenario, hr_scenario, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPS];

static void
hr_scenario_finalize (GObject *object)
{
  HrScenario *self = HR_SCENARIO (object);

  g_clear_pointer (&self->model, g_free);
  g_clear_pointer (&self->gpu, g_free);
  g_clear_object (&self->job);
  g_clear_pointer (&self->label, g_free);
  g_clear_pointer (&self->pins, g_ptr_array_unref);
  for (guint i = 0; i < G_N_ELEMENTS (self->other_jobs); i++)
    g_clear_object (&self->other_jobs[i]);

  G_OBJECT_CLASS (hr_scenario_parent_class)->finalize (object);
}

static void
hr_scenario_get_property (GObject    *object,
                          guint       prop_id,
                          GValue     *value,
                          GParamSpec *pspec)
{
  HrScenario *self = HR_SCENARIO (object);

  switch (prop_id)
    {
    case PROP_MODEL:
      g_value_set_string (value, self->model);
      break;

    case PROP_JOB:
      g_value_set_object (value, self->job);
      break;

    case PROP_GPU:
      g_value_set_string (value, self->gpu);
      break;

    case PROP_N_GPUS:
      g_value_set_uint (value, self->n_gpus);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
hr_scenario_class_init (HrScenarioClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = hr_scenario_finalize;
  object_class->get_property = hr_scenario_get_property;

  /**
   * HrScenario:model:
   *
   * The id of a model of the catalogue, or an absolute path.
   */
  properties[PROP_MODEL] =
    g_param_spec_string ("model", NULL, NULL,
                         NULL,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrScenario:job:
   *
   * What to do with the model.
   */
  properties[PROP_JOB] =
    g_param_spec_object ("job", NULL, NULL,
                         HR_TYPE_JOB,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrScenario:gpu:
   *
   * The name of the GPU, or %NULL if none is chosen.
   */
  properties[PROP_GPU] =
    g_param_spec_string ("gpu", NULL, NULL,
                         NULL,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * HrScenario:n-gpus:
   *
   * How many GPUs there are.
   */
  properties[PROP_N_GPUS] =
    g_param_spec_uint ("n-gpus", NULL, NULL,
                       1, HR_SCENARIO_MAX_GPUS, 1,
                       G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
hr_scenario_init (HrScenario *self)
{
  self->n_gpus = 1;
  self->pins = g_ptr_array_new_with_free_func (g_object_unref);
}

/**
 * hr_scenario_new:
 * @model: the id of a model of the catalogue, or an absolute path
 * @job: what to do with the model
 *
 * Creates a scenario without GPUs.
 *
 * Returns: (transfer full): a new scenario
 */
HrScenario *
hr_scenario_new (const char *model,
                 HrJob      *job)
{
  HrScenario *self;

  g_return_val_if_fail (model != NULL, NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);

  self = g_object_new (HR_TYPE_SCENARIO, NULL);
  self->model = g_strdup (model);
  self->job = hr_job_copy (job);

  return self;
}

/* A file that is JSON begins with a brace, and one that is named as a scenario ought to. */
static gboolean
is_json (GFile  *file,
         GBytes *bytes)
{
  g_autofree char *name = g_file_get_basename (file);
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);
  gsize i = 0;

  while (i < length && g_ascii_isspace (data[i]))
    i++;

  return (i < length && data[i] == '{') || g_str_has_suffix (name, SUFFIX);
}

/**
 * hr_scenario_probe:
 * @file: a file
 *
 * Checks whether a file is meant to hold a scenario: one of its own, or a report. It need not be a good one.
 *
 * Returns: whether it is to be read as a scenario, and as nothing else
 */
gboolean
hr_scenario_probe (GFile *file)
{
  static const char * const suffixes[] = { SUFFIX, ".html", ".htm", ".md", ".markdown", ".svg", ".pdf", ".png" };
  g_autofree char *name = NULL;
  g_autofree char *lower = NULL;
  g_autoptr (HrJson) root = NULL;

  g_return_val_if_fail (G_IS_FILE (file), FALSE);

  name = g_file_get_basename (file);
  lower = g_ascii_strdown (name, -1);
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      if (g_str_has_suffix (lower, suffixes[i]))
        return TRUE;
    }

  /* A config is JSON as well. */
  if (!g_str_has_suffix (lower, ".json"))
    return FALSE;

  root = hr_json_new_from_file (file, HR_JSON_STRICT, NULL);

  return root != NULL && hr_scenario_json_probe (root);
}

/**
 * hr_scenario_new_from_file:
 * @file: a scenario file, or a report with a scenario in it
 * @error: return location for a #GError
 *
 * Reads a scenario.
 *
 * Fails with a #GIOErrorEnum if the file cannot be read, and with %HR_ERROR if it is no scenario or holds a key or a
 * value that is not allowed; the message names the file, the place, what was expected and what was found.
 *
 * Returns: (transfer full): the scenario
 */
HrScenario *
hr_scenario_new_from_file (GFile   *file,
                           GError **error)
{
  g_autoptr (HrJson) root = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *origin = NULL;
  g_autofree char *text = NULL;

  g_return_val_if_fail (G_IS_FILE (file), NULL);

  bytes = hr_file_load (file, HR_JSON_MAX_BYTES, error);
  if (bytes == NULL)
    return NULL;

  origin = g_file_get_parse_name (file);
  if (is_json (file, bytes))
    root = hr_json_new_from_data (g_bytes_get_data (bytes, NULL), (gssize) g_bytes_get_size (bytes), origin,
                                  HR_JSON_STRICT, error);
  else if ((text = hr_scenario_unseal (bytes, origin, error)) != NULL)
    root = hr_json_new_from_data (text, -1, origin, HR_JSON_STRICT, error);

  return root != NULL ? hr_scenario_json_read (root, file, error) : NULL;
}

static char *
dup_json (HrScenario *self,
          GFile      *file)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  hr_scenario_json_build (self, file, builder);
  root = json_builder_get_root (builder);

  return json_to_string (root, TRUE);
}

/**
 * hr_scenario_to_json:
 * @self: a scenario
 *
 * Writes a scenario as JSON, as its file has it, for a place that is not known yet: paths are absolute, or begin with
 * `~` for the home folder of who writes it.
 *
 * Returns: (transfer full): the JSON
 */
char *
hr_scenario_to_json (HrScenario *self)
{
  g_return_val_if_fail (HR_IS_SCENARIO (self), NULL);

  return dup_json (self, NULL);
}

/**
 * hr_scenario_save:
 * @self: a scenario
 * @file: where to save it; what is there is replaced
 * @error: return location for a #GError
 *
 * Writes a scenario with all its settings, so that it means the same when a default changes. The file is written as a
 * whole or not at all.
 *
 * Returns: whether it was saved; if not, @error is a #GIOErrorEnum
 */
gboolean
hr_scenario_save (HrScenario  *self,
                  GFile       *file,
                  GError     **error)
{
  g_autofree char *json = NULL;
  g_autofree char *text = NULL;

  g_return_val_if_fail (HR_IS_SCENARIO (self), FALSE);
  g_return_val_if_fail (G_IS_FILE (file), FALSE);

  json = dup_json (self, file);
  text = g_strconcat (json, "\n", NULL);

  return hr_file_write (file, text, strlen (text), error);
}

static void
append_word (GString    *line,
             const char *option,
             const char *value)
{
  /* A value such as `-1`, or a word that a shell reads in a way of its own, is quoted. */
  gboolean is_plain = *value != '\0' && strspn (value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                       "0123456789-_./,:@+") == strlen (value);
  g_autofree char *quoted = is_plain ? g_strdup (value) : g_shell_quote (value);

  if (option != NULL)
    g_string_append_printf (line, " --%s=%s", option, quoted);
  else
    g_string_append_printf (line, " %s", quoted);
}

/**
 * hr_scenario_dup_command_line:
 * @self: a scenario
 *
 * Writes the command that estimates the same in a terminal: the model, the GPUs, and those settings that are not at
 * their defaults.
 *
 * Returns: (transfer full): the command
 */
char *
hr_scenario_dup_command_line (HrScenario *self)
{
  g_autoptr (HrJob) defaults = NULL;
  g_autofree GParamSpec **settings = NULL;
  GString *line = g_string_new ("headroom-cli estimate");
  HrMode mode;
  guint n_settings;

  g_return_val_if_fail (HR_IS_SCENARIO (self), NULL);

  mode = hr_job_get_mode (self->job);
  defaults = hr_job_new (mode);
  append_word (line, NULL, self->model);
  if (mode != HR_MODE_INFERENCE)
    append_word (line, "mode", hr_mode_get_name (mode));
  settings = hr_job_list_settings (self->job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *value = hr_job_get_as_string (self->job, settings[i]->name);
      g_autofree char *default_value = hr_job_get_as_string (defaults, settings[i]->name);

      if (!g_str_equal (value, default_value))
        append_word (line, settings[i]->name, value);
    }
  if (self->gpu != NULL)
    append_word (line, "gpu", self->gpu);
  if (self->gpu != NULL && self->n_gpus > 1)
    {
      g_autofree char *number = g_strdup_printf ("%u", self->n_gpus);

      append_word (line, "gpus", number);
    }

  return g_string_free (line, FALSE);
}

/**
 * hr_scenario_get_model:
 * @self: a scenario
 *
 * Gets the model: the id of a model of the catalogue, or a path, which is absolute if a file was there.
 *
 * Returns: (transfer none): the model
 */
const char *
hr_scenario_get_model (HrScenario *self)
{
  g_return_val_if_fail (HR_IS_SCENARIO (self), NULL);

  return self->model;
}

/**
 * hr_scenario_get_job:
 * @self: a scenario
 *
 * Gets what to do with the model. Changes of the job are changes of the scenario.
 *
 * Returns: (transfer none): the job
 */
HrJob *
hr_scenario_get_job (HrScenario *self)
{
  g_return_val_if_fail (HR_IS_SCENARIO (self), NULL);

  return self->job;
}

/**
 * hr_scenario_get_gpu:
 * @self: a scenario
 *
 * Gets the name of the GPU.
 *
 * Returns: (transfer none) (nullable): the name, or %NULL if none is chosen
 */
const char *
hr_scenario_get_gpu (HrScenario *self)
{
  g_return_val_if_fail (HR_IS_SCENARIO (self), NULL);

  return self->gpu;
}

/**
 * hr_scenario_get_n_gpus:
 * @self: a scenario
 *
 * Gets how many GPUs there are.
 *
 * Returns: the number
 */
guint
hr_scenario_get_n_gpus (HrScenario *self)
{
  g_return_val_if_fail (HR_IS_SCENARIO (self), 1);

  return self->n_gpus;
}

/**
 * hr_scenario_set_gpu:
 * @self: a scenario
 * @gpu: (nullable): the name of a GPU, or %NULL for none
 * @n_gpus: how many there are
 *
 * Sets the GPUs.
 */
void
hr_scenario_set_gpu (HrScenario *self,
                     const char *gpu,
                     guint       n_gpus)
{
  g_return_if_fail (HR_IS_SCENARIO (self));
  g_return_if_fail (n_gpus >= 1 && n_gpus <= HR_SCENARIO_MAX_GPUS);

  if (g_strcmp0 (self->gpu, gpu) != 0)
    {
      g_free (self->gpu);
      self->gpu = g_strdup (gpu);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_GPU]);
    }

  if (self->n_gpus != n_gpus)
    {
      self->n_gpus = n_gpus;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_GPUS]);
    }
}

/**
 * hr_scenario_get_label:
 * @self: a scenario
 *
 * Gets what a configuration that is pinned is called.
 *
 * Returns: (transfer none) (nullable): the label, or %NULL for a scenario that is not one of the pins of another
 */
const char *
hr_scenario_get_label (HrScenario *self)
{
  g_return_val_if_fail (HR_IS_SCENARIO (self), NULL);

  return self->label;
}

/**
 * hr_scenario_add_pin:
 * @self: a scenario with less than %HR_SCENARIO_MAX_PINS pins
 * @label: what the configuration is called
 * @pin: a configuration, which has no pins and no other jobs of its own
 *
 * Adds a configuration that is to be looked at beside the scenario; it gets the label.
 */
void
hr_scenario_add_pin (HrScenario *self,
                     const char *label,
                     HrScenario *pin)
{
  g_return_if_fail (HR_IS_SCENARIO (self));
  g_return_if_fail (label != NULL);
  g_return_if_fail (HR_IS_SCENARIO (pin) && pin != self);
  g_return_if_fail (self->pins->len < HR_SCENARIO_MAX_PINS);

  g_free (pin->label);
  pin->label = g_strdup (label);
  g_ptr_array_add (self->pins, g_object_ref (pin));
}

/**
 * hr_scenario_get_n_pins:
 * @self: a scenario
 *
 * Gets how many configurations are pinned.
 *
 * Returns: the number, from 0 to %HR_SCENARIO_MAX_PINS
 */
guint
hr_scenario_get_n_pins (HrScenario *self)
{
  g_return_val_if_fail (HR_IS_SCENARIO (self), 0);

  return self->pins->len;
}

/**
 * hr_scenario_get_pin:
 * @self: a scenario
 * @index: the place of a configuration that is pinned, from 0
 *
 * Gets a configuration that is pinned.
 *
 * Returns: (transfer none): the configuration, which has a label
 */
HrScenario *
hr_scenario_get_pin (HrScenario *self,
                     guint       index)
{
  g_return_val_if_fail (HR_IS_SCENARIO (self), NULL);
  g_return_val_if_fail (index < self->pins->len, NULL);

  return g_ptr_array_index (self->pins, index);
}

/**
 * hr_scenario_add_job:
 * @self: a scenario
 * @job: a job of another mode than the one that the scenario is about
 *
 * Adds what was set in another mode, in place of what there is of that mode.
 */
void
hr_scenario_add_job (HrScenario *self,
                     HrJob      *job)
{
  HrMode mode;

  g_return_if_fail (HR_IS_SCENARIO (self));
  g_return_if_fail (HR_IS_JOB (job));

  mode = hr_job_get_mode (job);
  g_return_if_fail (mode != hr_job_get_mode (self->job));

  g_clear_object (&self->other_jobs[mode]);
  self->other_jobs[mode] = hr_job_copy (job);
}

/**
 * hr_scenario_get_job_of_mode:
 * @self: a scenario
 * @mode: a mode
 *
 * Gets what was set in a mode.
 *
 * Returns: (transfer none) (nullable): the job, or %NULL if the scenario says nothing of that mode
 */
HrJob *
hr_scenario_get_job_of_mode (HrScenario *self,
                             HrMode      mode)
{
  g_return_val_if_fail (HR_IS_SCENARIO (self), NULL);
  g_return_val_if_fail (mode <= HR_MODE_MULTIMODAL, NULL);

  return mode == hr_job_get_mode (self->job) ? self->job : self->other_jobs[mode];
}
