/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-report-private.h"

#include <string.h>

#include "hr-labels.h"

/*
 * One table for spreadsheets and scripts: a row is one figure, `section` and `id` say which. Values are plain numbers
 * without separators, in the unit that the row names.
 */
static const char * const columns[] = {
  "section", "id", "label", "value", "unit", "formula", "substitution", "source", NULL,
};

/*
 * Appends a field (RFC 4180). A spreadsheet takes a text that begins like a formula for one, and a name in a file could
 * be one that does something: an apostrophe keeps it a text.
 */
void
hr_csv_append_field (GString    *string,
                     const char *text)
{
  if (text == NULL)
    return;

  g_string_append_c (string, '"');
  if (*text != '\0' && strchr ("=+-@\t\r", *text) != NULL)
    g_string_append_c (string, '\'');
  for (const char *p = text; *p != '\0'; p++)
    {
      if (*p == '"')
        g_string_append_c (string, '"');
      g_string_append_c (string, *p);
    }
  g_string_append_c (string, '"');
}

static void
append_texts (GString    *string,
              const char *section,
              const char *id,
              const char *label,
              const char *value)
{
  hr_csv_append_field (string, section);
  g_string_append_c (string, ',');
  hr_csv_append_field (string, id);
  g_string_append_c (string, ',');
  hr_csv_append_field (string, label);
  g_string_append_c (string, ',');
  hr_csv_append_field (string, value);
  g_string_append (string, ",,,,\r\n");
}

static void
append_number (GString     *string,
               const char  *section,
               const char  *id,
               const char  *label,
               gint64       value,
               const char  *unit,
               HrComponent *component)
{
  hr_csv_append_field (string, section);
  g_string_append_c (string, ',');
  hr_csv_append_field (string, id);
  g_string_append_c (string, ',');
  hr_csv_append_field (string, label);
  g_string_append_printf (string, ",%" G_GINT64_FORMAT ",", value);
  hr_csv_append_field (string, unit);
  g_string_append_c (string, ',');
  hr_csv_append_field (string, component == NULL ? NULL : hr_text_translate (hr_component_get_formula (component)));
  g_string_append_c (string, ',');
  hr_csv_append_field (string, component == NULL ? NULL : hr_component_get_substitution (component));
  g_string_append_c (string, ',');
  hr_csv_append_field (string, component == NULL ? NULL : hr_text_translate (hr_component_get_source (component)));
  g_string_append (string, "\r\n");
}

static void
append_components (GString    *string,
                   const char *section,
                   HrEstimate *estimate)
{
  GListModel *components = hr_estimate_get_components (estimate);

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      HrComponentId id = hr_component_get_id (component);

      append_number (string, section, hr_component_id_get_name (id), hr_component_id_get_label (id),
                     hr_component_get_bytes (component), "bytes", component);
    }

  append_number (string, section, "total", NULL, hr_estimate_get_total_bytes (estimate), "bytes", NULL);
}

static void
append_phases (GString    *string,
               HrEstimate *estimate)
{
  const HrPhase *phases;
  guint n_phases;

  phases = hr_estimate_get_phases (estimate, &n_phases);
  for (guint i = 0; i < n_phases; i++)
    append_number (string, "phase", hr_phase_id_get_name (phases[i].id), hr_phase_id_get_label (phases[i].id),
                   phases[i].peak_bytes, "bytes", NULL);
}

/* Of several devices the parts of each. */
static void
append_device_parts (GString    *string,
                     const char *index,
                     GListModel *components)
{
  g_autofree char *section = g_strconcat ("device ", index, NULL);

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      HrComponentId id = hr_component_get_id (component);

      append_number (string, section, hr_component_id_get_name (id), hr_component_id_get_label (id),
                     hr_component_get_bytes (component), "bytes", NULL);
    }
}

static void
append_devices (GString    *string,
                HrEstimate *estimate)
{
  for (guint i = 0; i < hr_estimate_get_n_devices (estimate); i++)
    {
      g_autofree char *index = g_strdup_printf ("%u", i);

      append_number (string, "device", index, NULL, hr_estimate_get_device_bytes (estimate, i), "bytes", NULL);
      append_device_parts (string, index, hr_estimate_get_device_components (estimate, i));
    }
}

static void
append_gpu (GString  *string,
            HrReport *report)
{
  HrGpu *gpu = hr_report_get_gpu (report);

  if (gpu == NULL)
    return;

  append_texts (string, "gpu", "name", NULL, hr_gpu_get_name (gpu));
  append_number (string, "gpu", "memory", NULL, hr_gpu_get_memory (gpu), "bytes", NULL);
  append_number (string, "gpu", "count", NULL, hr_report_get_n_gpus (report), NULL, NULL);
  append_texts (string, "gpu", "fits", NULL, hr_report_get_fits (report) ? "true" : "false");
  append_number (string, "gpu", "free", NULL, hr_report_get_free_bytes (report), "bytes", NULL);
  append_number (string, "gpu", "missing", NULL, hr_report_get_missing_bytes (report), "bytes", NULL);
}

static void
append_model (GString *string,
              HrModel *model)
{
  append_texts (string, "model", "name", NULL, hr_model_get_name (model));
  append_texts (string, "model", "model-type", NULL, hr_model_get_model_type (model));
  append_texts (string, "model", "architecture", NULL, hr_model_get_architecture (model));
  append_number (string, "model", "parameters", NULL, hr_model_get_n_parameters (model), NULL, NULL);

  for (HrPart part = 0; part < HR_N_PARTS; part++)
    append_number (string, "parameters", hr_part_get_id (part), hr_part_get_label (part),
                   hr_model_get_n_parameters_of_part (model, part), NULL, NULL);
}

static void
append_settings (GString *string,
                 HrJob   *job)
{
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      g_autofree char *value = hr_job_get_as_string (job, settings[i]->name);

      append_texts (string, "setting", settings[i]->name, hr_setting_get_label (settings[i]), value);
    }
}

/**
 * hr_report_to_csv:
 * @self: a report
 *
 * Writes the report as comma-separated values, one row for each figure, in UTF-8.
 *
 * Returns: (transfer full): the table
 */
char *
hr_report_to_csv (HrReport *self)
{
  g_autofree char *header = NULL;
  g_autofree char *date = NULL;
  g_auto (GStrv) warnings = NULL;
  HrEstimate *estimate;
  GString *string;

  g_return_val_if_fail (HR_IS_REPORT (self), NULL);

  estimate = hr_report_get_estimate (self);
  header = g_strjoinv (",", (char **) columns);
  string = g_string_new (header);
  g_string_append (string, "\r\n");

  append_components (string, "component", estimate);
  append_phases (string, estimate);
  append_devices (string, estimate);
  append_gpu (string, self);
  if (hr_estimate_get_rule_of_thumb (estimate) != NULL)
    append_components (string, "rule-of-thumb", hr_estimate_get_rule_of_thumb (estimate));
  append_model (string, hr_report_get_model (self));
  append_texts (string, "setting", "mode", NULL, hr_mode_get_name (hr_estimate_get_mode (estimate)));
  append_settings (string, hr_report_get_job (self));

  warnings = hr_report_dup_warnings (self);
  for (guint i = 0; warnings[i] != NULL; i++)
    append_texts (string, "warning", NULL, NULL, warnings[i]);

  date = g_date_time_format_iso8601 (hr_report_get_date (self));
  append_texts (string, "generator", "version", NULL, "Headroom " PACKAGE_VERSION);
  append_texts (string, "generator", "date", NULL, date);

  return g_string_free (string, FALSE);
}
