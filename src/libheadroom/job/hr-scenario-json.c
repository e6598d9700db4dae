/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-scenario-json.h"

#include <glib/gi18n-lib.h>

#include "hr-job-private.h"

#define SCHEMA "headroom-scenario/1"

/* How the home folder begins a path that is not given away. */
#define HOME "~/"

/* What a report is written as that is JSON; it has the scenario as a member. */
#define REPORT_SCHEMA "headroom-estimate/1"

/* Whether something is there that a model may be read from. */
static gboolean
is_there (GFile *file)
{
  return g_file_peek_path (file) != NULL && g_file_query_exists (file, NULL);
}

/* A path in a scenario that was moved together with its model still leads there. */
static char *
resolve_model (const char *model,
               GFile      *scenario)
{
  g_autoptr (GFile) folder = g_file_get_parent (scenario);
  g_autofree char *path = NULL;
  g_autofree char *name = NULL;
  g_autoptr (GFile) file = NULL;

  if (g_str_has_prefix (model, HOME))
    path = g_build_filename (g_get_home_dir (), model + strlen (HOME), NULL);
  else
    path = g_strdup (model);

  if (folder == NULL)
    return g_steal_pointer (&path);

  if (!g_path_is_absolute (path))
    {
      file = g_file_resolve_relative_path (folder, path);
      return is_there (file) ? g_file_get_path (file) : g_steal_pointer (&path);
    }

  /* What was given away together with its model has a path of another place in it. */
  name = g_path_get_basename (path);
  file = g_file_get_child (folder, name);
  if (g_file_test (path, G_FILE_TEST_EXISTS) || !is_there (file))
    return g_steal_pointer (&path);

  return g_file_get_path (file);
}

/*
 * The model as it is written: relative to the file if it lies beside or below it, with ~ for the home folder of who
 * writes it, whose name is nobody else's business.
 */
static char *
relativize_model (const char *model,
                  GFile      *scenario)
{
  g_autoptr (GFile) folder = scenario != NULL ? g_file_get_parent (scenario) : NULL;
  g_autoptr (GFile) home = g_file_new_for_path (g_get_home_dir ());
  g_autofree char *relative = NULL;
  g_autoptr (GFile) file = NULL;

  if (!g_path_is_absolute (model))
    return g_strdup (model);

  file = g_file_new_for_path (model);
  if (folder != NULL)
    relative = g_file_get_relative_path (folder, file);
  if (relative != NULL)
    return g_steal_pointer (&relative);

  relative = g_file_get_relative_path (home, file);

  return relative != NULL ? g_strconcat (HOME, relative, NULL) : g_strdup (model);
}

/* Settings that name a model are written and read as the model of the scenario is. */
static gboolean
names_model (HrJob      *job,
             GParamSpec *setting,
             char      **name)
{
  if (!hr_job_setting_is_model (setting))
    return FALSE;

  *name = hr_job_get_as_string (job, setting->name);
  if (!g_str_equal (*name, G_PARAM_SPEC_STRING (setting)->default_value))
    return TRUE;

  g_clear_pointer (name, g_free);
  return FALSE;
}

static gboolean
check_schema (HrJson  *root,
              GError **error)
{
  HrJson *schema = hr_json_require_member (root, "schema", error);
  const char *name;

  if (schema == NULL || !hr_json_read_string (schema, &name, error))
    return FALSE;

  if (g_str_equal (name, SCHEMA))
    return TRUE;

  hr_json_set_error (schema, HR_ERROR_SCHEMA, "“" SCHEMA "”", error);
  return FALSE;
}

static gboolean
has_schema (HrJson     *root,
            const char *schema)
{
  HrJson *node = hr_json_get_node_type (root) == HR_JSON_OBJECT ? hr_json_get_member (root, "schema") : NULL;
  const char *name;

  return node != NULL && hr_json_read_string (node, &name, NULL) && g_str_equal (name, schema);
}

/* Creates a job from an object of settings, which may be absent. */
static HrJob *
read_settings (HrJson  *settings,
               HrMode   mode,
               GFile   *file,
               GError **error)
{
  g_autoptr (HrJob) job = hr_job_new (mode);

  for (guint i = 0; settings != NULL && i < hr_json_get_length (settings); i++)
    {
      HrJson *node = hr_json_get_element (settings, i);
      g_autofree char *name = NULL;

      if (!hr_job_set_from_json (job, node, error))
        return NULL;

      if (names_model (job, g_object_class_find_property (G_OBJECT_GET_CLASS (job), hr_json_get_key (node)), &name))
        {
          g_autofree char *resolved = resolve_model (name, file);

          g_object_set (job, hr_json_get_key (node), resolved, NULL);
        }
    }

  return g_steal_pointer (&job);
}

static HrJob *
read_job (HrJson  *root,
          GFile   *file,
          GError **error)
{
  HrJson *mode_node = hr_json_get_member (root, "mode");
  HrJson *settings = NULL;
  HrMode mode = HR_MODE_INFERENCE;

  if (mode_node != NULL && !hr_job_read_mode (mode_node, &mode, error))
    return NULL;

  if (!hr_json_get_object (root, "settings", &settings, error))
    return NULL;

  return read_settings (settings, mode, file, error);
}

/* What a scenario and a configuration that is pinned have in common. */
static HrScenario *
read_question (HrJson  *root,
               GFile   *file,
               GError **error)
{
  HrJson *model_node = hr_json_require_member (root, "model", error);
  g_autoptr (HrJob) job = NULL;
  g_autofree char *resolved = NULL;
  HrScenario *self;
  const char *model;
  const char *gpu = NULL;
  guint64 n_gpus = 1;

  if (model_node == NULL
      || !hr_json_read_string (model_node, &model, error)
      || !hr_json_get_string (root, "gpu", &gpu, error)
      || !hr_json_get_uint (root, "gpus", 1, HR_SCENARIO_MAX_GPUS, &n_gpus, error))
    return NULL;

  job = read_job (root, file, error);
  if (job == NULL)
    return NULL;

  resolved = resolve_model (model, file);
  self = hr_scenario_new (resolved, job);
  hr_scenario_set_gpu (self, gpu, n_gpus);

  return self;
}

static gboolean
read_pin (HrScenario  *self,
          HrJson      *node,
          GFile       *file,
          GError     **error)
{
  static const char * const keys[] = { "label", "model", "mode", "settings", "gpu", "gpus", NULL };
  g_autoptr (HrScenario) pin = NULL;
  HrJson *label_node;
  const char *label;

  if (!hr_json_check_type (node, HR_JSON_OBJECT, error) || !hr_json_check_members (node, keys, error))
    return FALSE;

  label_node = hr_json_require_member (node, "label", error);
  if (label_node == NULL || !hr_json_read_string (label_node, &label, error))
    return FALSE;

  pin = read_question (node, file, error);
  if (pin == NULL)
    return FALSE;

  hr_scenario_add_pin (self, label, pin);
  return TRUE;
}

static gboolean
read_pins (HrScenario  *self,
           HrJson      *root,
           GFile       *file,
           GError     **error)
{
  HrJson *pins = NULL;

  if (!hr_json_get_array (root, "pins", &pins, error))
    return FALSE;
  if (pins == NULL)
    return TRUE;

  if (hr_json_get_length (pins) > HR_SCENARIO_MAX_PINS)
    {
      g_autofree char *expected = NULL;

      /* Translators: what a list takes, as in "expected at most 6 configurations" */
      expected = g_strdup_printf (_("at most %d configurations"), HR_SCENARIO_MAX_PINS);
      hr_json_set_error (pins, HR_ERROR_VALUE, expected, error);
      return FALSE;
    }

  for (guint i = 0; i < hr_json_get_length (pins); i++)
    {
      if (!read_pin (self, hr_json_get_element (pins, i), file, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
read_other_modes (HrScenario  *self,
                  HrJson      *root,
                  GFile       *file,
                  GError     **error)
{
  HrJson *modes = NULL;

  if (!hr_json_get_object (root, "other-modes", &modes, error))
    return FALSE;

  for (guint i = 0; modes != NULL && i < hr_json_get_length (modes); i++)
    {
      HrJson *settings = hr_json_get_element (modes, i);
      g_autoptr (HrJob) job = NULL;
      HrMode mode;

      if (!hr_mode_from_name (hr_json_get_key (settings), &mode, error))
        {
          g_prefix_error (error, _("“%s”: "), hr_json_get_origin (settings));
          return FALSE;
        }
      if (!hr_json_check_type (settings, HR_JSON_OBJECT, error))
        return FALSE;

      job = read_settings (settings, mode, file, error);
      if (job == NULL)
        return FALSE;
      if (mode != hr_job_get_mode (hr_scenario_get_job (self)))
        hr_scenario_add_job (self, job);
    }

  return TRUE;
}

/* Whether JSON is meant to be a scenario, or a report that may hold one. */
gboolean
hr_scenario_json_probe (HrJson *root)
{
  return has_schema (root, SCHEMA) || has_schema (root, REPORT_SCHEMA);
}

/*
 * Reads a scenario from JSON: that of a scenario, or of a report that holds one. @file is where it stands, for paths
 * that are relative.
 */
HrScenario *
hr_scenario_json_read (HrJson  *root,
                       GFile   *file,
                       GError **error)
{
  static const char * const keys[] = { "schema", "model", "mode", "settings", "gpu", "gpus", "pins", "other-modes",
                                       NULL };
  g_autoptr (HrScenario) self = NULL;

  if (has_schema (root, REPORT_SCHEMA))
    root = hr_json_require_member (root, "scenario", error);

  if (root == NULL
      || !hr_json_check_type (root, HR_JSON_OBJECT, error)
      || !check_schema (root, error)
      || !hr_json_check_members (root, keys, error))
    return NULL;

  self = read_question (root, file, error);
  if (self == NULL
      || !read_pins (self, root, file, error)
      || !read_other_modes (self, root, file, error))
    return NULL;

  return g_steal_pointer (&self);
}

static void
add_setting (JsonBuilder *builder,
             HrJob       *job,
             GParamSpec  *setting,
             GFile       *file)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autofree char *name = NULL;

  g_object_get_property (G_OBJECT (job), setting->name, &value);

  json_builder_set_member_name (builder, setting->name);

  if (G_VALUE_HOLDS_UINT64 (&value))
    json_builder_add_int_value (builder, g_value_get_uint64 (&value));
  else if (G_VALUE_HOLDS_DOUBLE (&value))
    json_builder_add_double_value (builder, g_value_get_double (&value));
  else if (G_VALUE_HOLDS_BOOLEAN (&value))
    json_builder_add_boolean_value (builder, g_value_get_boolean (&value));
  else if (names_model (job, setting, &name))
    {
      g_autofree char *written = relativize_model (name, file);

      json_builder_add_string_value (builder, written);
    }
  else
    {
      g_autofree char *text = hr_job_get_as_string (job, setting->name);

      json_builder_add_string_value (builder, text);
    }
}

static void
add_settings (JsonBuilder *builder,
              HrJob       *job,
              GFile       *file)
{
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  json_builder_begin_object (builder);

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    add_setting (builder, job, settings[i], file);

  json_builder_end_object (builder);
}

/* Adds the settings of a job as an object; the same keys and values in a scenario and in a report. */
void
hr_job_build_json (HrJob       *self,
                   JsonBuilder *builder)
{
  add_settings (builder, self, NULL);
}

/* Adds the members that a scenario and a configuration that is pinned have in common. */
static void
add_question (JsonBuilder *builder,
              HrScenario  *self,
              GFile       *file)
{
  g_autofree char *model = relativize_model (hr_scenario_get_model (self), file);

  json_builder_set_member_name (builder, "model");
  json_builder_add_string_value (builder, model);
  json_builder_set_member_name (builder, "mode");
  json_builder_add_string_value (builder, hr_mode_get_name (hr_job_get_mode (hr_scenario_get_job (self))));
  json_builder_set_member_name (builder, "settings");
  add_settings (builder, hr_scenario_get_job (self), file);
  if (hr_scenario_get_gpu (self) != NULL)
    {
      json_builder_set_member_name (builder, "gpu");
      json_builder_add_string_value (builder, hr_scenario_get_gpu (self));
    }
  json_builder_set_member_name (builder, "gpus");
  json_builder_add_int_value (builder, hr_scenario_get_n_gpus (self));
}

static void
add_pins (JsonBuilder *builder,
          HrScenario  *self,
          GFile       *file)
{
  if (hr_scenario_get_n_pins (self) == 0)
    return;

  json_builder_set_member_name (builder, "pins");
  json_builder_begin_array (builder);
  for (guint i = 0; i < hr_scenario_get_n_pins (self); i++)
    {
      HrScenario *pin = hr_scenario_get_pin (self, i);

      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "label");
      json_builder_add_string_value (builder, hr_scenario_get_label (pin));
      add_question (builder, pin, file);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
add_other_modes (JsonBuilder *builder,
                 HrScenario  *self,
                 GFile       *file)
{
  HrMode own = hr_job_get_mode (hr_scenario_get_job (self));
  gboolean is_open = FALSE;

  for (HrMode mode = HR_MODE_INFERENCE; mode <= HR_MODE_MULTIMODAL; mode++)
    {
      HrJob *job = mode != own ? hr_scenario_get_job_of_mode (self, mode) : NULL;

      if (job == NULL)
        continue;

      if (!is_open)
        {
          json_builder_set_member_name (builder, "other-modes");
          json_builder_begin_object (builder);
          is_open = TRUE;
        }
      json_builder_set_member_name (builder, hr_mode_get_name (mode));
      add_settings (builder, job, file);
    }

  if (is_open)
    json_builder_end_object (builder);
}

/*
 * Adds a scenario as an object. @file is where it will stand, to which paths are relative, or NULL where that is not
 * known.
 */
void
hr_scenario_json_build (HrScenario  *self,
                        GFile       *file,
                        JsonBuilder *builder)
{
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "schema");
  json_builder_add_string_value (builder, SCHEMA);
  add_question (builder, self, file);
  add_pins (builder, self, file);
  add_other_modes (builder, self, file);
  json_builder_end_object (builder);
}
