/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * Jobs that differ from the defaults, for tests that go through all settings.
 */

#include "jobs.h"

static gint
get_other_choice (GParamSpec *setting,
                  gint        value)
{
  const GEnumClass *choices = G_PARAM_SPEC_ENUM (setting)->enum_class;

  for (guint i = 0; i < choices->n_values; i++)
    {
      if (choices->values[i].value != value)
        return choices->values[i].value;
    }

  return value;
}

/*
 * Changes a setting to another value that it takes. Returns FALSE if it takes only one.
 */
gboolean
job_change_setting (HrJob      *job,
                    GParamSpec *setting)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (GValue) before = G_VALUE_INIT;

  g_object_get_property (G_OBJECT (job), setting->name, &value);
  g_object_get_property (G_OBJECT (job), setting->name, &before);

  if (G_VALUE_HOLDS_UINT64 (&value))
    g_value_set_uint64 (&value, g_value_get_uint64 (&value) < G_PARAM_SPEC_UINT64 (setting)->maximum
                                ? g_value_get_uint64 (&value) + 1 : g_value_get_uint64 (&value) - 1);
  else if (G_VALUE_HOLDS_DOUBLE (&value))
    g_value_set_double (&value, g_value_get_double (&value) / 2 + 0.125);
  else if (G_VALUE_HOLDS_BOOLEAN (&value))
    g_value_set_boolean (&value, !g_value_get_boolean (&value));
  else if (G_VALUE_HOLDS_ENUM (&value))
    g_value_set_enum (&value, get_other_choice (setting, g_value_get_enum (&value)));
  else if (hr_job_setting_is_model (setting))
    g_value_set_string (&value, "openai-community/gpt2");
  else
    g_value_set_string (&value, "q_proj,o_proj");

  g_object_set_property (G_OBJECT (job), setting->name, &value);

  return g_param_values_cmp (setting, &before, &value) != 0;
}

/*
 * Creates a job none of whose settings is at its default, but for those that take only one value.
 */
HrJob *
job_new_changed (HrMode mode)
{
  HrJob *job = hr_job_new (mode);
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    job_change_setting (job, settings[i]);

  return job;
}
