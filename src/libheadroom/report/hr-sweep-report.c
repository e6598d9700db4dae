/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-sweep-report.h"

#include <glib/gi18n-lib.h>

#include "hr-job-private.h"
#include "hr-labels.h"
#include "hr-report-private.h"
#include "hr-sweep-context.h"

/* Whether a point has figures. */
static gboolean
has_total (const HrSweepPoint *point)
{
  return point->state == HR_SWEEP_POINT_KNOWN;
}

static HrJob *
get_first_job (HrSweep *sweep)
{
  return hr_sweep_get_line (sweep, 0)->job;
}

/**
 * hr_sweep_dup_title: (skip)
 * @sweep: a sweep with a line
 *
 * Says what a sweep shows: the peak, or a part of it.
 *
 * Returns: (transfer full): a title in the user's language
 */
char *
hr_sweep_dup_title (HrSweep *sweep)
{
  g_autofree char *label = NULL;

  g_return_val_if_fail (sweep != NULL, NULL);

  label = hr_sweep_dup_setting_label (get_first_job (sweep), hr_sweep_get_setting (sweep));
  if (hr_sweep_get_component (sweep) != HR_N_COMPONENTS)
    /* Translators: the title of a chart: 1 a part of the memory, such as “KV cache”, 2 the name of a setting */
    return g_strdup_printf (_("%1$s at the peak by setting: %2$s"),
                            hr_component_id_get_label (hr_sweep_get_component (sweep)), label);

  /* Translators: the title of a chart; the place is the name of a setting, such as “Prompt length” */
  return g_strdup_printf (_("Peak memory by setting: %s"), label);
}

/**
 * hr_sweep_dup_context: (skip)
 * @sweep: a sweep
 * @line: the index of a line
 *
 * Says where a sequence has as many tokens as the line's model is made for.
 *
 * Returns: (transfer full) (nullable): words in the user's language, or %NULL where no value of the sweep is so long
 */
char *
hr_sweep_dup_context (HrSweep *sweep,
                      guint    line)
{
  g_autofree char *tokens_text = NULL;
  g_autofree char *value_text = NULL;
  guint64 tokens;
  double value;

  g_return_val_if_fail (sweep != NULL, NULL);

  if (!hr_sweep_find_longest_context (sweep, line, &tokens, &value))
    return NULL;

  tokens_text = hr_format_integer (tokens);
  value_text = hr_sweep_dup_value_text (value);

  /* Translators: 1 how many tokens a model is made for, 2 the value of a setting, such as the length of the prompt */
  return g_strdup_printf (_("the longest context, %1$s tokens, is reached at %2$s"), tokens_text, value_text);
}

/**
 * hr_sweep_dup_file_name: (skip)
 * @sweep: a sweep with a line
 * @extension: an extension without its dot
 *
 * Suggests a name for a file.
 *
 * Returns: (transfer full): a name that is good in every file system
 */
char *
hr_sweep_dup_file_name (HrSweep    *sweep,
                        const char *extension)
{
  g_autofree char *name = NULL;

  g_return_val_if_fail (sweep != NULL, NULL);
  g_return_val_if_fail (extension != NULL, NULL);

  name = hr_model_dup_file_name (hr_sweep_get_line (sweep, 0)->model);

  return g_strdup_printf ("%s-%s.%s", name, hr_sweep_get_setting (sweep), extension);
}

/* What fits on which GPU, and where contexts end; facts are added once there is one. */
static void
add_fact (HrDocument       *document,
          HrDocumentBlock **facts,
          HrSweep          *sweep,
          guint             line,
          const char       *text)
{
  if (*facts == NULL)
    *facts = hr_document_add_facts (document);
  hr_document_block_add_fact (*facts, hr_sweep_get_line (sweep, line)->label, text, HR_DOCUMENT_PLAIN);
}

static void
add_facts (HrSweep      *sweep,
           HrUnitSystem  unit_system,
           HrDocument   *document)
{
  GPtrArray *gpus = hr_sweep_get_gpus (sweep);
  HrDocumentBlock *facts = NULL;

  for (guint i = 0; i < hr_sweep_get_n_lines (sweep); i++)
    {
      g_autofree char *context = hr_sweep_dup_context (sweep, i);

      for (guint j = 0; j < gpus->len; j++)
        {
          HrGpu *gpu = g_ptr_array_index (gpus, j);
          g_autofree char *fit = hr_sweep_dup_fit_text (sweep, i, j);
          g_autofree char *memory = hr_format_bytes (hr_gpu_get_memory (gpu), unit_system);
          /* Translators: 1 the name of a GPU, 2 its memory, 3 which values fit, such as “fits up to 16,384” */
          g_autofree char *text = g_strdup_printf (_("%1$s (%2$s): %3$s"), hr_gpu_get_name (gpu), memory, fit);

          add_fact (document, &facts, sweep, i, text);
        }
      if (context != NULL)
        add_fact (document, &facts, sweep, i, context);
    }
}

/* One configuration has room for what is allocated and reserved as well, and for the part that is looked at. */
static void
add_single_table (HrSweep      *sweep,
                  HrUnitSystem  unit_system,
                  HrDocument   *document)
{
  static const gboolean numeric[] = { TRUE, TRUE, TRUE, TRUE, TRUE };
  g_autofree char *label = hr_sweep_dup_setting_label (get_first_job (sweep), hr_sweep_get_setting (sweep));
  HrComponentId component = hr_sweep_get_component (sweep);
  const char *columns[] = { label, _("Allocated"), _("Reserved"), _("Total"),
                            component != HR_N_COMPONENTS ? hr_component_id_get_label (component) : NULL, NULL };
  const HrSweepLine *line = hr_sweep_get_line (sweep, 0);
  HrDocumentBlock *table = hr_document_add_table (document, columns, numeric);
  guint n_values;
  const double *values = hr_sweep_get_values (sweep, &n_values);

  for (guint i = 0; i < n_values; i++)
    {
      const HrSweepPoint *point = &line->points[i];
      const char *nothing = C_("no figure", "—");
      g_autofree char *value = hr_sweep_dup_value_text (values[i]);
      g_autofree char *allocated = hr_format_bytes (point->allocated_bytes, unit_system);
      g_autofree char *reserved = hr_format_bytes (point->reserved_bytes, unit_system);
      g_autofree char *total = hr_format_bytes (point->total_bytes, unit_system);
      g_autofree char *part = hr_format_bytes (hr_sweep_get_bytes (sweep, point), unit_system);
      const char *cells[] = { value, nothing, nothing, nothing, component != HR_N_COMPONENTS ? nothing : NULL, NULL };

      if (has_total (point))
        {
          cells[1] = allocated;
          cells[2] = reserved;
          cells[3] = total;
          if (component != HR_N_COMPONENTS)
            cells[4] = part;
        }
      hr_document_block_add_row (table, cells);
    }
}

static void
add_table (HrSweep      *sweep,
           HrUnitSystem  unit_system,
           HrDocument   *document)
{
  guint n_lines = hr_sweep_get_n_lines (sweep), n_values;
  const double *values = hr_sweep_get_values (sweep, &n_values);
  g_autofree char *label = hr_sweep_dup_setting_label (get_first_job (sweep), hr_sweep_get_setting (sweep));
  const char *columns[HR_SWEEP_MAX_LINES + 2] = { label };
  gboolean numeric[HR_SWEEP_MAX_LINES + 1];
  HrDocumentBlock *table;

  for (guint i = 0; i <= n_lines; i++)
    numeric[i] = TRUE;
  for (guint i = 0; i < n_lines; i++)
    columns[i + 1] = hr_sweep_get_line (sweep, i)->label;

  table = hr_document_add_table (document, columns, numeric);
  for (guint i = 0; i < n_values; i++)
    {
      g_auto (GStrv) cells = g_new0 (char *, n_lines + 2);

      cells[0] = hr_sweep_dup_value_text (values[i]);
      for (guint j = 0; j < n_lines; j++)
        {
          const HrSweepPoint *point = &hr_sweep_get_line (sweep, j)->points[i];

          cells[j + 1] = has_total (point) ? hr_format_bytes (hr_sweep_get_bytes (sweep, point), unit_system)
                                           : g_strdup (C_("no figure", "—"));
        }
      hr_document_block_add_row (table, (const char * const *) cells);
    }
}

/* Each reason once for the values in a row that it holds for. */
static void
add_refusals (HrSweep    *sweep,
              HrDocument *document)
{
  guint n_values;
  const double *values = hr_sweep_get_values (sweep, &n_values);
  HrDocumentBlock *list = NULL;

  for (guint i = 0; i < hr_sweep_get_n_lines (sweep); i++)
    {
      const HrSweepLine *line = hr_sweep_get_line (sweep, i);

      for (guint j = 0; j < n_values; j++)
        {
          const char *reason = line->points[j].refusal;
          g_autofree char *value = hr_sweep_dup_value_text (values[j]);
          g_autofree char *text = NULL;

          if (reason == NULL || (j > 0 && g_strcmp0 (reason, line->points[j - 1].refusal) == 0))
            continue;

          if (list == NULL)
            {
              hr_document_add_text (document, HR_DOCUMENT_HEADING, _("Without an Estimate"));
              list = hr_document_add_list (document);
            }
          /* Translators: 1 the name of a configuration, 2 a value of a setting, 3 a sentence that says why */
          text = g_strdup_printf (_("%1$s, %2$s: %3$s"), line->label, value, reason);
          hr_document_block_add_item (list, text);
        }
    }
}

/**
 * hr_sweep_create_document: (skip)
 * @sweep: a sweep that is done, with a line
 * @unit_system: the units to write sizes in
 *
 * Puts a sweep into words.
 *
 * Returns: (transfer full): a document
 */
HrDocument *
hr_sweep_create_document (HrSweep      *sweep,
                          HrUnitSystem  unit_system)
{
  g_autoptr (HrDocument) document = hr_document_new ();
  g_autofree char *title = NULL;

  g_return_val_if_fail (sweep != NULL, NULL);

  title = hr_sweep_dup_title (sweep);
  hr_document_add_text (document, HR_DOCUMENT_TITLE, title);
  if (hr_sweep_get_n_lines (sweep) == 1)
    hr_document_add_text (document, HR_DOCUMENT_SUBTITLE, hr_sweep_get_line (sweep, 0)->label);
  add_facts (sweep, unit_system, document);
  hr_document_add_chart (document);
  if (hr_sweep_get_n_lines (sweep) == 1)
    add_single_table (sweep, unit_system, document);
  else
    add_table (sweep, unit_system, document);
  add_refusals (sweep, document);

  return g_steal_pointer (&document);
}

/**
 * hr_sweep_to_text: (skip)
 * @sweep: a sweep that is done, with a line
 * @unit_system: the units to write sizes in
 * @style: what the text is for
 *
 * Writes a sweep as text in columns.
 *
 * Returns: (transfer full): the text
 */
char *
hr_sweep_to_text (HrSweep           *sweep,
                  HrUnitSystem       unit_system,
                  HrReportTextStyle  style)
{
  g_autoptr (HrDocument) document = hr_sweep_create_document (sweep, unit_system);

  return hr_document_to_text (document, style);
}

/**
 * hr_sweep_to_markdown: (skip)
 * @sweep: a sweep that is done, with a line
 * @unit_system: the units to write sizes in
 *
 * Writes a sweep as GitHub-flavoured Markdown.
 *
 * Returns: (transfer full): the text
 */
char *
hr_sweep_to_markdown (HrSweep      *sweep,
                      HrUnitSystem  unit_system)
{
  g_autoptr (HrDocument) document = hr_sweep_create_document (sweep, unit_system);

  return hr_document_to_markdown (document);
}

/* The parts that some point has. */
static guint
list_components (HrSweep       *sweep,
                 HrComponentId *components)
{
  guint n_components = 0, n_values;

  hr_sweep_get_values (sweep, &n_values);
  for (HrComponentId id = 0; id < HR_N_COMPONENTS; id++)
    {
      gboolean is_there = FALSE;

      for (guint i = 0; i < hr_sweep_get_n_lines (sweep) * n_values; i++)
        is_there |= hr_sweep_get_line (sweep, i / n_values)->points[i % n_values].component_bytes[id] > 0;
      if (is_there)
        components[n_components++] = id;
    }

  return n_components;
}

static void
append_fits (GString            *string,
             const HrSweepPoint *point,
             HrGpu              *gpu)
{
  g_string_append_c (string, ',');
  if (has_total (point) && gpu != NULL)
    hr_csv_append_field (string, point->total_bytes <= hr_gpu_get_usable_memory (gpu) ? "true" : "false");
}

static void
append_value (GString *string,
              double   value)
{
  g_autofree char *text = hr_sweep_format_value (value);

  g_string_append (string, text);
}

/* What a line has to say of each GPU: its memory, and where it is crossed. */
static void
append_crossings (GString *string,
                  HrSweep *sweep,
                  guint    line)
{
  GPtrArray *gpus = hr_sweep_get_gpus (sweep);

  for (guint i = 0; i < gpus->len; i++)
    {
      double value;
      HrSweepFit fit = hr_sweep_find_fit (sweep, line, i, &value);

      g_string_append_printf (string, ",%" G_GUINT64_FORMAT ",", hr_gpu_get_memory (g_ptr_array_index (gpus, i)));
      if (fit == HR_SWEEP_FIT_UP_TO || fit == HR_SWEEP_FIT_ALWAYS)
        append_value (string, value);
      g_string_append_c (string, ',');
      if (fit == HR_SWEEP_FIT_FROM)
        append_value (string, value);
    }
}

/* Numbers without separators; a point without an estimate has none, and says why. */
static void
append_point (GString             *string,
              HrSweep             *sweep,
              guint                index,
              double               value,
              const HrSweepPoint  *point,
              const HrComponentId *components,
              guint                n_components)
{
  const HrSweepLine *line = hr_sweep_get_line (sweep, index);

  hr_csv_append_field (string, line->label);
  g_string_append_c (string, ',');
  hr_csv_append_field (string, hr_model_get_name (line->model));
  g_string_append_c (string, ',');
  hr_csv_append_field (string, hr_mode_get_name (hr_job_get_mode (line->job)));
  g_string_append_c (string, ',');
  hr_csv_append_field (string, hr_sweep_get_setting (sweep));
  g_string_append_c (string, ',');
  append_value (string, value);
  g_string_append_c (string, ',');
  if (has_total (point))
    g_string_append_printf (string, "%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",",
                            point->allocated_bytes, point->reserved_bytes, point->total_bytes);
  else
    g_string_append (string, ",,,");
  hr_csv_append_field (string, line->gpu != NULL ? hr_gpu_get_name (line->gpu) : NULL);
  append_fits (string, point, line->gpu);
  g_string_append_c (string, ',');
  hr_csv_append_field (string, point->refusal);
  for (guint i = 0; i < n_components; i++)
    {
      g_string_append_c (string, ',');
      if (has_total (point))
        g_string_append_printf (string, "%" G_GUINT64_FORMAT, point->component_bytes[components[i]]);
    }
  append_crossings (string, sweep, index);
  g_string_append (string, "\r\n");
}

/**
 * hr_sweep_to_csv: (skip)
 * @sweep: a sweep that is done
 *
 * Writes a sweep as comma-separated values, one row for each configuration and value, in UTF-8: the total, its parts,
 * and for each GPU that lines are held against its memory and the value up to which, or from which on, the
 * configuration fits.
 *
 * Returns: (transfer full): the table
 */
char *
hr_sweep_to_csv (HrSweep *sweep)
{
  HrComponentId components[HR_N_COMPONENTS];
  GString *string;
  const double *values;
  guint n_components, n_values;
  GPtrArray *gpus;

  g_return_val_if_fail (sweep != NULL, NULL);

  values = hr_sweep_get_values (sweep, &n_values);
  n_components = list_components (sweep, components);
  gpus = hr_sweep_get_gpus (sweep);
  string = g_string_new ("configuration,model,mode,setting,value,allocated-bytes,reserved-bytes,total-bytes,gpu,fits,"
                         "refused");
  for (guint i = 0; i < n_components; i++)
    g_string_append_printf (string, ",%s-bytes", hr_component_id_get_name (components[i]));
  for (guint i = 0; i < gpus->len; i++)
    {
      const char *id = hr_gpu_get_id (g_ptr_array_index (gpus, i));

      g_string_append_printf (string, ",%s-memory-bytes,%s-fits-up-to,%s-fits-from", id, id, id);
    }
  g_string_append (string, "\r\n");
  for (guint i = 0; i < hr_sweep_get_n_lines (sweep); i++)
    {
      for (guint j = 0; j < n_values; j++)
        append_point (string, sweep, i, values[j], &hr_sweep_get_line (sweep, i)->points[j], components, n_components);
    }

  return g_string_free (string, FALSE);
}

static void
build_number (JsonBuilder *builder,
              const char  *name,
              double       value)
{
  json_builder_set_member_name (builder, name);
  if (value == (double) (gint64) value)
    json_builder_add_int_value (builder, (gint64) value);
  else
    json_builder_add_double_value (builder, value);
}

static void
build_components (JsonBuilder        *builder,
                  const HrSweepPoint *point)
{
  json_builder_set_member_name (builder, "components");
  json_builder_begin_object (builder);
  for (HrComponentId id = 0; id < HR_N_COMPONENTS; id++)
    {
      if (point->component_bytes[id] > 0)
        hr_json_build_integer (builder, hr_component_id_get_name (id), point->component_bytes[id]);
    }
  json_builder_end_object (builder);
}

static void
build_point (JsonBuilder        *builder,
             const HrSweepLine  *line,
             double              value,
             const HrSweepPoint *point)
{
  json_builder_begin_object (builder);
  build_number (builder, "value", value);
  if (has_total (point))
    {
      hr_json_build_integer (builder, "total-bytes", point->total_bytes);
      hr_json_build_integer (builder, "allocated-bytes", point->allocated_bytes);
      hr_json_build_integer (builder, "reserved-bytes", point->reserved_bytes);
      build_components (builder, point);
    }
  if (point->knows_growth)
    {
      hr_json_build_integer (builder, "activations-linear-bytes", point->linear_bytes);
      hr_json_build_integer (builder, "activations-square-bytes", point->square_bytes);
    }
  if (has_total (point) && line->gpu != NULL)
    {
      json_builder_set_member_name (builder, "fits");
      json_builder_add_boolean_value (builder, point->total_bytes <= hr_gpu_get_usable_memory (line->gpu));
    }
  if (point->refusal != NULL)
    hr_json_build_string (builder, "refused", point->refusal);
  json_builder_end_object (builder);
}

static void
build_fit (JsonBuilder *builder,
           HrSweep     *sweep,
           guint        line,
           guint        gpu)
{
  g_autofree char *text = hr_sweep_dup_fit_text (sweep, line, gpu);
  double value;
  HrSweepFit fit = hr_sweep_find_fit (sweep, line, gpu, &value);

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "gpu", hr_gpu_get_name (g_ptr_array_index (hr_sweep_get_gpus (sweep), gpu)));
  if (fit == HR_SWEEP_FIT_UP_TO || fit == HR_SWEEP_FIT_ALWAYS)
    build_number (builder, "up-to", value);
  else if (fit == HR_SWEEP_FIT_FROM)
    build_number (builder, "from", value);
  hr_json_build_string (builder, "text", text);
  json_builder_end_object (builder);
}

static void
build_line (JsonBuilder *builder,
            HrSweep     *sweep,
            guint        index)
{
  const HrSweepLine *line = hr_sweep_get_line (sweep, index);
  guint64 tokens;
  guint n_values;
  const double *values = hr_sweep_get_values (sweep, &n_values);
  double end;

  json_builder_begin_object (builder);
  hr_json_build_string (builder, "label", line->label);
  hr_json_build_string (builder, "model", hr_model_get_name (line->model));
  hr_json_build_string (builder, "mode", hr_mode_get_name (hr_job_get_mode (line->job)));
  json_builder_set_member_name (builder, "settings");
  hr_job_build_json (line->job, builder);
  hr_json_build_string (builder, "gpu", line->gpu != NULL ? hr_gpu_get_name (line->gpu) : NULL);
  hr_json_build_integer (builder, "gpus", line->n_gpus);
  json_builder_set_member_name (builder, "points");
  json_builder_begin_array (builder);
  for (guint i = 0; i < n_values; i++)
    build_point (builder, line, values[i], &line->points[i]);
  json_builder_end_array (builder);
  if (hr_sweep_find_longest_context (sweep, index, &tokens, &end))
    {
      json_builder_set_member_name (builder, "longest-context");
      json_builder_begin_object (builder);
      hr_json_build_integer (builder, "tokens", tokens);
      build_number (builder, "value", end);
      json_builder_end_object (builder);
    }
  json_builder_set_member_name (builder, "fits");
  json_builder_begin_array (builder);
  for (guint i = 0; i < hr_sweep_get_gpus (sweep)->len; i++)
    build_fit (builder, sweep, index, i);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
build_capacities (JsonBuilder *builder,
                  GPtrArray   *gpus)
{
  json_builder_set_member_name (builder, "capacities");
  json_builder_begin_array (builder);
  for (guint i = 0; i < gpus->len; i++)
    {
      HrGpu *gpu = g_ptr_array_index (gpus, i);

      json_builder_begin_object (builder);
      hr_json_build_string (builder, "id", hr_gpu_get_id (gpu));
      hr_json_build_string (builder, "name", hr_gpu_get_name (gpu));
      hr_json_build_integer (builder, "memory-bytes", hr_gpu_get_memory (gpu));
      if (hr_gpu_knows_usable_memory (gpu))
        hr_json_build_integer (builder, "usable-memory-bytes", hr_gpu_get_usable_memory (gpu));
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

/**
 * hr_sweep_to_json: (skip)
 * @sweep: a sweep that is done, with a line
 *
 * Writes a sweep as JSON with the schema `headroom-sweep/1`. A point without an estimate has no figures, and says why.
 *
 * Returns: (transfer full): the JSON
 */
char *
hr_sweep_to_json (HrSweep *sweep)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *label = NULL;

  g_return_val_if_fail (sweep != NULL, NULL);

  label = hr_sweep_dup_setting_label (get_first_job (sweep), hr_sweep_get_setting (sweep));
  json_builder_begin_object (builder);
  hr_json_build_string (builder, "schema", "headroom-sweep/1");
  hr_json_build_string (builder, "setting", hr_sweep_get_setting (sweep));
  hr_json_build_string (builder, "label", label);
  if (hr_sweep_get_component (sweep) != HR_N_COMPONENTS)
    hr_json_build_string (builder, "component", hr_component_id_get_name (hr_sweep_get_component (sweep)));
  build_capacities (builder, hr_sweep_get_gpus (sweep));
  json_builder_set_member_name (builder, "lines");
  json_builder_begin_array (builder);
  for (guint i = 0; i < hr_sweep_get_n_lines (sweep); i++)
    build_line (builder, sweep, i);
  json_builder_end_array (builder);
  json_builder_end_object (builder);

  return hr_json_builder_to_text (builder);
}
