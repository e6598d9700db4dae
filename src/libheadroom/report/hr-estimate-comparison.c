/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-estimate-comparison.h"

#include <glib/gi18n-lib.h>

#include "hr-labels.h"
#include "hr-report-private.h"

/* Two estimates side by side: what they were made for, as far as that differs, and their figures with differences. */

static void
find_component (HrEstimate       *estimate,
                HrComponentId     id,
                guint             side,
                HrEstimateFigure *figure)
{
  HrComponent *component = hr_estimate_find_component (estimate, id);

  figure->is_there[side] = component != NULL;
  figure->bytes[side] = component != NULL ? hr_component_get_bytes (component) : 0;
}

static void
find_phase (HrEstimate       *estimate,
            HrPhaseId         id,
            guint             side,
            HrEstimateFigure *figure)
{
  guint n_phases;
  const HrPhase *phases = hr_estimate_get_phases (estimate, &n_phases);

  for (guint i = 0; i < n_phases; i++)
    {
      if (phases[i].id != id)
        continue;
      figure->is_there[side] = TRUE;
      figure->bytes[side] = phases[i].peak_bytes;
    }
}

static void
append_figure (GArray                 *figures,
               const HrEstimateFigure *figure)
{
  if (figure->is_there[0] || figure->is_there[1])
    g_array_append_val (figures, *figure);
}

/**
 * hr_estimate_compare: (skip)
 * @first: an estimate
 * @second: another one
 *
 * Sets the parts of two peaks side by side, then the totals that they add up to, then the peaks of the phases.
 *
 * Returns: (transfer full) (element-type HrEstimateFigure): the figures that one of them has
 */
GArray *
hr_estimate_compare (HrEstimate *first,
                     HrEstimate *second)
{
  HrEstimate *estimates[] = { first, second };
  GArray *figures = g_array_new (FALSE, FALSE, sizeof (HrEstimateFigure));
  HrEstimateFigure total = { "total", "total", _("Total"), { TRUE, TRUE }, { 0, 0 } };

  g_return_val_if_fail (HR_IS_ESTIMATE (first), figures);
  g_return_val_if_fail (HR_IS_ESTIMATE (second), figures);

  for (HrComponentId id = 0; id < HR_N_COMPONENTS; id++)
    {
      HrEstimateFigure figure = { "component", hr_component_id_get_name (id), hr_component_id_get_label (id),
                                  { FALSE, FALSE }, { 0, 0 } };

      for (guint side = 0; side < 2; side++)
        find_component (estimates[side], id, side, &figure);
      append_figure (figures, &figure);
    }

  for (guint side = 0; side < 2; side++)
    total.bytes[side] = hr_estimate_get_total_bytes (estimates[side]);
  append_figure (figures, &total);

  for (HrPhaseId id = 0; id < HR_N_PHASES; id++)
    {
      HrEstimateFigure figure = { "phase", hr_phase_id_get_name (id), hr_phase_id_get_label (id), { FALSE, FALSE },
                                  { 0, 0 } };

      for (guint side = 0; side < 2; side++)
        find_phase (estimates[side], id, side, &figure);
      append_figure (figures, &figure);
    }

  return figures;
}

static void
difference_free (gpointer data)
{
  HrSettingDifference *self = data;

  g_free (self->name);
  g_free (self->label);
  g_free (self->values[0]);
  g_free (self->values[1]);
  g_free (self->texts[0]);
  g_free (self->texts[1]);
  g_free (self);
}

/* Takes @first and @second, and adds what differs; a person calls the values the same until something else is said. */
static HrSettingDifference *
append_difference (GPtrArray  *differences,
                   const char *name,
                   const char *label,
                   char       *first,
                   char       *second)
{
  HrSettingDifference *difference = g_new0 (HrSettingDifference, 1);

  difference->name = g_strdup (name);
  difference->label = g_strdup (label);
  difference->values[0] = first;
  difference->values[1] = second;
  difference->texts[0] = g_strdup (first);
  difference->texts[1] = g_strdup (second);
  if (g_strcmp0 (first, second) != 0)
    {
      g_ptr_array_add (differences, difference);
      return difference;
    }

  difference_free (difference);
  return NULL;
}

static void
call_value (HrSettingDifference *difference,
            guint                side,
            char                *text)
{
  g_free (difference->texts[side]);
  difference->texts[side] = text;
}

static GParamSpec *
find_setting (HrJob      *job,
              const char *name)
{
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      if (g_str_equal (settings[i]->name, name))
        return settings[i];
    }

  return NULL;
}

/* Those of @job; of settings that both jobs have, once. */
static void
append_settings (GPtrArray *differences,
                 HrJob     *job,
                 HrJob     *other,
                 gboolean   is_second)
{
  g_autofree GParamSpec **settings = NULL;
  guint n_settings;

  settings = hr_job_list_settings (job, &n_settings);
  for (guint i = 0; i < n_settings; i++)
    {
      gboolean is_shared = find_setting (other, settings[i]->name) != NULL;
      g_autofree char *mine = hr_job_get_as_string (job, settings[i]->name);
      g_autofree char *theirs = is_shared ? hr_job_get_as_string (other, settings[i]->name) : NULL;
      HrSettingDifference *difference;

      if (is_second && is_shared)
        continue;
      difference = append_difference (differences, settings[i]->name, hr_setting_get_label (settings[i]),
                                      g_strdup (is_second ? theirs : mine), g_strdup (is_second ? mine : theirs));
      if (difference == NULL)
        continue;

      call_value (difference, is_second ? 1 : 0, hr_report_describe_setting (job, settings[i]));
      if (is_shared)
        call_value (difference, is_second ? 0 : 1,
                    hr_report_describe_setting (other, find_setting (other, settings[i]->name)));
    }
}

static char *
dup_gpu_name (HrReport *report)
{
  return g_strdup (hr_report_get_gpu (report) != NULL ? hr_gpu_get_name (hr_report_get_gpu (report)) : NULL);
}

/**
 * hr_report_compare_settings: (skip)
 * @first: a report
 * @second: another one
 *
 * Lists in what two reports differ: model, mode, settings and GPUs.
 *
 * Returns: (transfer full) (element-type HrSettingDifference): what differs; there may be nothing
 */
GPtrArray *
hr_report_compare_settings (HrReport *first,
                            HrReport *second)
{
  GPtrArray *differences = g_ptr_array_new_with_free_func (difference_free);
  HrSettingDifference *mode;
  HrJob *jobs[2];

  g_return_val_if_fail (HR_IS_REPORT (first), differences);
  g_return_val_if_fail (HR_IS_REPORT (second), differences);

  jobs[0] = hr_report_get_job (first);
  jobs[1] = hr_report_get_job (second);
  append_difference (differences, "model", _("Model"), g_strdup (hr_model_get_name (hr_report_get_model (first))),
                     g_strdup (hr_model_get_name (hr_report_get_model (second))));
  mode = append_difference (differences, "mode", _("Mode"), g_strdup (hr_mode_get_name (hr_job_get_mode (jobs[0]))),
                            g_strdup (hr_mode_get_name (hr_job_get_mode (jobs[1]))));
  for (guint side = 0; mode != NULL && side < 2; side++)
    call_value (mode, side, g_strdup (hr_mode_get_label (hr_job_get_mode (jobs[side]))));
  append_settings (differences, jobs[0], jobs[1], FALSE);
  append_settings (differences, jobs[1], jobs[0], TRUE);
  append_difference (differences, "gpu", _("GPU"), dup_gpu_name (first), dup_gpu_name (second));
  append_difference (differences, "gpus", _("Number of GPUs"), g_strdup_printf ("%u", hr_report_get_n_gpus (first)),
                     g_strdup_printf ("%u", hr_report_get_n_gpus (second)));

  return differences;
}

static void
add_settings (HrDocument *document,
              HrReport   *first,
              HrReport   *second)
{
  static const gboolean numeric[] = { FALSE, FALSE, FALSE };
  const char *columns[] = { _("Setting"), _("First"), _("Second"), NULL };
  g_autoptr (GPtrArray) differences = hr_report_compare_settings (first, second);
  HrDocumentBlock *table;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, _("What Differs"));
  if (differences->len == 0)
    {
      hr_document_add_text (document, HR_DOCUMENT_PARAGRAPH, _("Model, settings and GPUs are the same."));
      return;
    }

  table = hr_document_add_table (document, columns, numeric);
  for (guint i = 0; i < differences->len; i++)
    {
      const HrSettingDifference *item = g_ptr_array_index (differences, i);
      const char *nothing = C_("no figure", "—");
      const char *cells[] = { item->label, item->texts[0] != NULL ? item->texts[0] : nothing,
                              item->texts[1] != NULL ? item->texts[1] : nothing, NULL };

      hr_document_block_add_row (table, cells);
    }
}

static void
add_figures (HrDocument   *document,
             GArray       *figures,
             gboolean      is_phases,
             HrUnitSystem  units)
{
  static const gboolean numeric[] = { FALSE, TRUE, TRUE, TRUE };
  const char *columns[] = { is_phases ? _("Phase") : _("Component"), _("First"), _("Second"), _("Difference"), NULL };
  HrDocumentBlock *table;

  hr_document_add_text (document, HR_DOCUMENT_HEADING, is_phases ? _("Phases") : _("Components"));
  table = hr_document_add_table (document, columns, numeric);
  for (guint i = 0; i < figures->len; i++)
    {
      const HrEstimateFigure *figure = &g_array_index (figures, HrEstimateFigure, i);
      g_autofree char *first = hr_format_bytes (figure->bytes[0], units);
      g_autofree char *second = hr_format_bytes (figure->bytes[1], units);
      g_autofree char *difference = hr_format_bytes_difference ((gint64) (figure->bytes[1] - figure->bytes[0]), units);
      const char *nothing = C_("no figure", "—");
      const char *cells[] = { figure->label, figure->is_there[0] ? first : nothing,
                              figure->is_there[1] ? second : nothing, difference, NULL };

      if (g_str_equal (figure->section, "phase") == is_phases)
        hr_document_block_add_row (table, cells)->is_total = g_str_equal (figure->section, "total");
    }
}

/**
 * hr_report_create_comparison: (skip)
 * @first: a report
 * @second: another one
 *
 * Says what differs between two estimates, in the user's language.
 *
 * Returns: (transfer full): the document
 */
HrDocument *
hr_report_create_comparison (HrReport *first,
                             HrReport *second)
{
  HrDocument *document = hr_document_new ();
  g_autoptr (GArray) figures = hr_estimate_compare (hr_report_get_estimate (first), hr_report_get_estimate (second));
  HrUnitSystem units = hr_report_get_unit_system (first);

  hr_document_add_text (document, HR_DOCUMENT_TITLE, _("Two Estimates Side by Side"));
  add_settings (document, first, second);
  add_figures (document, figures, FALSE, units);
  add_figures (document, figures, TRUE, units);

  return document;
}

/**
 * hr_report_comparison_to_text: (skip)
 * @first: a report
 * @second: another one
 * @style: what the text is for
 *
 * Writes two estimates side by side as text in columns.
 *
 * Returns: (transfer full): the text
 */
char *
hr_report_comparison_to_text (HrReport          *first,
                              HrReport          *second,
                              HrReportTextStyle  style)
{
  g_autoptr (HrDocument) document = hr_report_create_comparison (first, second);

  return hr_document_to_text (document, style);
}

/**
 * hr_report_comparison_to_markdown: (skip)
 * @first: a report
 * @second: another one
 *
 * Writes two estimates side by side as GitHub-flavoured Markdown.
 *
 * Returns: (transfer full): the text
 */
char *
hr_report_comparison_to_markdown (HrReport *first,
                                  HrReport *second)
{
  g_autoptr (HrDocument) document = hr_report_create_comparison (first, second);

  return hr_document_to_markdown (document);
}

static void
append_number (GString  *string,
               gboolean  is_there,
               gint64    number)
{
  if (is_there)
    g_string_append_printf (string, ",%" G_GINT64_FORMAT, number);
  else
    g_string_append_c (string, ',');
}

/**
 * hr_report_comparison_to_csv: (skip)
 * @first: a report
 * @second: another one
 *
 * Writes two estimates side by side as comma-separated values, in UTF-8: settings that differ, and bytes.
 *
 * Returns: (transfer full): the table
 */
char *
hr_report_comparison_to_csv (HrReport *first,
                             HrReport *second)
{
  g_autoptr (GPtrArray) differences = hr_report_compare_settings (first, second);
  g_autoptr (GArray) figures = hr_estimate_compare (hr_report_get_estimate (first), hr_report_get_estimate (second));
  GString *string = g_string_new ("section,id,label,first,second,difference\r\n");

  for (guint i = 0; i < differences->len; i++)
    {
      const HrSettingDifference *item = g_ptr_array_index (differences, i);
      const char *fields[] = { "setting", item->name, item->label, item->values[0], item->values[1] };

      for (guint j = 0; j < G_N_ELEMENTS (fields); j++)
        {
          hr_csv_append_field (string, fields[j]);
          g_string_append_c (string, ',');
        }
      g_string_append (string, "\r\n");
    }

  for (guint i = 0; i < figures->len; i++)
    {
      const HrEstimateFigure *figure = &g_array_index (figures, HrEstimateFigure, i);

      hr_csv_append_field (string, figure->section);
      g_string_append_c (string, ',');
      hr_csv_append_field (string, figure->id);
      g_string_append_c (string, ',');
      hr_csv_append_field (string, figure->label);
      append_number (string, figure->is_there[0], (gint64) figure->bytes[0]);
      append_number (string, figure->is_there[1], (gint64) figure->bytes[1]);
      append_number (string, TRUE, (gint64) (figure->bytes[1] - figure->bytes[0]));
      g_string_append (string, "\r\n");
    }

  return g_string_free (string, FALSE);
}

static void
build_figures (JsonBuilder *builder,
               const char  *name,
               const char  *section,
               GArray      *figures)
{
  static const char * const sides[] = { "first-bytes", "second-bytes" };

  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < figures->len; i++)
    {
      const HrEstimateFigure *figure = &g_array_index (figures, HrEstimateFigure, i);

      if (!g_str_equal (figure->section, section))
        continue;
      json_builder_begin_object (builder);
      hr_json_build_string (builder, "id", figure->id);
      hr_json_build_string (builder, "label", figure->label);
      for (guint side = 0; side < 2; side++)
        {
          if (figure->is_there[side])
            hr_json_build_integer (builder, sides[side], (gint64) figure->bytes[side]);
        }
      hr_json_build_integer (builder, "difference-bytes", (gint64) (figure->bytes[1] - figure->bytes[0]));
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

/**
 * hr_report_comparison_to_json: (skip)
 * @first: a report
 * @second: another one
 *
 * Writes two estimates side by side as JSON with the schema `headroom-comparison/1`. A figure that an estimate has not
 * is absent.
 *
 * Returns: (transfer full): the JSON
 */
char *
hr_report_comparison_to_json (HrReport *first,
                              HrReport *second)
{
  g_autoptr (GPtrArray) differences = hr_report_compare_settings (first, second);
  g_autoptr (GArray) figures = hr_estimate_compare (hr_report_get_estimate (first), hr_report_get_estimate (second));
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "schema", "headroom-comparison/1");
  json_builder_set_member_name (builder, "settings");
  json_builder_begin_array (builder);
  for (guint i = 0; i < differences->len; i++)
    {
      const HrSettingDifference *item = g_ptr_array_index (differences, i);

      json_builder_begin_object (builder);
      hr_json_build_string (builder, "setting", item->name);
      hr_json_build_string (builder, "first", item->values[0]);
      hr_json_build_string (builder, "second", item->values[1]);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  build_figures (builder, "components", "component", figures);
  build_figures (builder, "totals", "total", figures);
  build_figures (builder, "phases", "phase", figures);
  json_builder_end_object (builder);

  return hr_json_builder_to_text (builder);
}
