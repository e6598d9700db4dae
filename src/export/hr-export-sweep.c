/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-export-sweep.h"

#include <glib/gi18n-lib.h>

#include "hr-export-document.h"
#include "hr-line-picture.h"
#include "hr-sweep-context.h"

static char *
format_bytes (guint64  value,
              gpointer user_data)
{
  return hr_format_bytes (value, GPOINTER_TO_UINT (user_data));
}

static char *
format_position (double   position,
                 gpointer user_data G_GNUC_UNUSED)
{
  return hr_sweep_dup_value_text (position);
}

/* Whether the values grow by factors rather than by steps: then they stand apart as their logarithms do. */
static gboolean
is_geometric (const double *values,
              guint         n_values)
{
  return n_values > 2 && values[0] > 0 &&
         values[2] - values[1] > 1.2 * (values[1] - values[0]) && values[n_values - 1] >= 4 * values[0];
}

/* From where to where a part of the memory goes. */
static char *
dup_range (HrSweep      *sweep,
           guint         line,
           HrUnitSystem  unit_system)
{
  const HrSweepPoint *points = hr_sweep_get_line (sweep, line)->points, *first = NULL, *last = NULL;
  g_autofree char *low = NULL;
  g_autofree char *high = NULL;
  guint n_values;

  hr_sweep_get_values (sweep, &n_values);
  for (guint i = 0; i < n_values; i++)
    {
      if (points[i].state != HR_SWEEP_POINT_KNOWN && points[i].state != HR_SWEEP_POINT_LEAST)
        continue;

      last = &points[i];
      if (first == NULL)
        first = last;
    }
  if (first == NULL)
    return g_strdup (_("no estimate"));

  low = hr_format_bytes (hr_sweep_get_bytes (sweep, first), unit_system);
  high = hr_format_bytes (hr_sweep_get_bytes (sweep, last), unit_system);

  /* Translators: at a line in a chart: sizes, at the first and at the last value of a setting */
  return g_strdup_printf (_("from %1$s to %2$s"), low, high);
}

/* Which values fit on each GPU. */
static char *
dup_fits (HrSweep *sweep,
          guint    line)
{
  GPtrArray *gpus = hr_sweep_get_gpus (sweep);
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < gpus->len; i++)
    {
      HrGpu *gpu = g_ptr_array_index (gpus, i);
      g_autofree char *fit = hr_sweep_dup_fit_text (sweep, line, i);

      /* Translators: at a line in a chart: 1 the name of a GPU, 2 which values fit on it */
      g_ptr_array_add (parts, g_strdup_printf (_("%1$s: %2$s"), hr_gpu_get_name (gpu), fit));
    }
  g_ptr_array_add (parts, NULL);

  /* Translators: between two short statements about different GPUs */
  return g_strjoinv (C_("between statements", "; "), (char **) parts->pdata);
}

/* What there is to say about a line: which values fit or how large a part is, and where its model's context ends. */
static char *
dup_sentence (HrSweep      *sweep,
              guint         line,
              HrUnitSystem  unit_system)
{
  g_autofree char *sentence = hr_sweep_get_component (sweep) == HR_N_COMPONENTS ? dup_fits (sweep, line)
                                                                                : dup_range (sweep, line, unit_system);
  g_autofree char *context = hr_sweep_dup_context (sweep, line);

  if (context == NULL)
    return g_steal_pointer (&sentence);

  return g_strjoin (*sentence != '\0' ? C_("between statements", "; ") : "", sentence, context, NULL);
}

static void
add_line (HrLineData      *data,
          HrSweep         *sweep,
          guint            index,
          HrUnitSystem     unit_system,
          HrPaletteScheme  scheme)
{
  const HrSweepLine *line = hr_sweep_get_line (sweep, index);
  g_autofree char *sentence = dup_sentence (sweep, index, unit_system);
  g_autofree char *id = g_strdup_printf ("%u", index);
  guint n_values;

  hr_sweep_get_values (sweep, &n_values);
  hr_line_data_add_line (data, id, line->label, sentence, hr_palette_get_line_color (index, scheme), index);
  for (guint i = 0; i < n_values; i++)
    {
      const HrSweepPoint *point = &line->points[i];

      if (point->state == HR_SWEEP_POINT_KNOWN || point->state == HR_SWEEP_POINT_LEAST)
        hr_line_data_set_value (data, index, i, hr_sweep_get_bytes (sweep, point));
      else if (point->refusal != NULL)
        hr_line_data_set_gap (data, index, i, point->refusal);
    }
}

/* Whether a line before this one has its mark at the same place. */
static gboolean
is_marked (HrSweep *sweep,
           guint    line,
           double   value)
{
  for (guint i = 0; i < line; i++)
    {
      double other;

      if (hr_sweep_find_longest_context (sweep, i, NULL, &other) && other == value)
        return TRUE;
    }

  return FALSE;
}

/* Where models have all the tokens that they are made for. */
static void
add_marks (HrLineData *data,
           HrSweep    *sweep)
{
  for (guint i = 0; i < hr_sweep_get_n_lines (sweep); i++)
    {
      g_autofree char *number = NULL;
      g_autofree char *label = NULL;
      guint64 tokens;
      double value;

      if (!hr_sweep_find_longest_context (sweep, i, &tokens, &value) || is_marked (sweep, i, value))
        continue;

      number = hr_format_integer (tokens);
      /* Translators: at a line in a chart: how many tokens a model is made for */
      label = g_strdup_printf (_("Longest context: %s tokens"), number);
      hr_line_data_add_mark (data, value, label);
    }
}

/* Activations of a configuration that stands alone are drawn apart by how they grow with the length of sequences. */
static gboolean
shows_growth (HrSweep *sweep)
{
  guint n_values;

  hr_sweep_get_values (sweep, &n_values);
  if (hr_sweep_get_n_lines (sweep) > 1 || hr_sweep_get_component (sweep) != HR_COMPONENT_ACTIVATIONS)
    return FALSE;

  for (guint i = 0; i < n_values; i++)
    {
      if (hr_sweep_get_line (sweep, 0)->points[i].knows_growth)
        return TRUE;
    }

  return FALSE;
}

static void
add_growth (HrLineData      *data,
            HrSweep         *sweep,
            HrPaletteScheme  scheme)
{
  const HrSweepPoint *points = hr_sweep_get_line (sweep, 0)->points;
  guint linear, square, n_values;

  if (!shows_growth (sweep))
    return;

  linear = hr_line_data_add_line (data, "linear", _("Of these, as the length of sequences"),
                                  _("inputs of matrices, norms and activation functions"),
                                  hr_palette_get_line_color (1, scheme), 1);
  square = hr_line_data_add_line (data, "square", _("Of these, as its square"),
                                  _("scores and masks of attention, where a kernel keeps them"),
                                  hr_palette_get_line_color (2, scheme), 2);
  hr_sweep_get_values (sweep, &n_values);
  for (guint i = 0; i < n_values; i++)
    {
      if (!points[i].knows_growth)
        continue;

      hr_line_data_set_value (data, linear, i, points[i].linear_bytes);
      hr_line_data_set_value (data, square, i, points[i].square_bytes);
    }
}

static guint64
get_highest (HrSweep *sweep)
{
  GPtrArray *gpus = hr_sweep_get_gpus (sweep);
  guint64 highest = 0;
  guint n_values;

  hr_sweep_get_values (sweep, &n_values);
  for (guint i = 0; i < hr_sweep_get_n_lines (sweep); i++)
    {
      for (guint j = 0; j < n_values; j++)
        highest = MAX (highest, hr_sweep_get_bytes (sweep, &hr_sweep_get_line (sweep, i)->points[j]));
    }
  for (guint i = 0; i < gpus->len; i++)
    {
      guint64 memory = hr_gpu_get_usable_memory (g_ptr_array_index (gpus, i));

      /* Where lines go far beyond, the axis ends near what there is room for. */
      if (highest > 4 * memory && i == 0)
        highest = 4 * memory;
    }

  return highest;
}

/**
 * hr_export_create_sweep_data:
 * @sweep: a sweep with a line
 * @unit_system: the units to write sizes in
 * @scheme: what the chart stands on
 *
 * Prepares what the chart of a sweep shows. While what the allocator keeps is not known yet of some points, a note says
 * so, and they stand where they are at least.
 *
 * Returns: (transfer full): the data
 */
HrLineData *
hr_export_create_sweep_data (HrSweep         *sweep,
                             HrUnitSystem     unit_system,
                             HrPaletteScheme  scheme)
{
  g_autofree char *title = NULL;
  g_autofree char *axis_title = NULL;
  const double *values;
  const char *unit_name;
  guint64 unit;
  guint n_values;
  GPtrArray *gpus;
  HrLineData *data;

  g_return_val_if_fail (sweep != NULL, NULL);

  title = hr_sweep_dup_title (sweep);
  axis_title = hr_sweep_dup_setting_label (hr_sweep_get_line (sweep, 0)->job, hr_sweep_get_setting (sweep));
  data = hr_line_data_new (title, axis_title, format_bytes, format_position, GUINT_TO_POINTER (unit_system), NULL);
  gpus = hr_sweep_get_gpus (sweep);
  unit = hr_get_byte_unit (get_highest (sweep), unit_system, &unit_name);
  hr_line_data_set_unit (data, unit, unit_name);
  values = hr_sweep_get_values (sweep, &n_values);
  hr_line_data_set_logarithmic (data, is_geometric (values, n_values));
  for (guint i = 0; i < n_values; i++)
    hr_line_data_add_position (data, values[i]);
  for (guint i = 0; i < hr_sweep_get_n_lines (sweep); i++)
    add_line (data, sweep, i, unit_system, scheme);
  add_growth (data, sweep, scheme);
  /* A part of the peak alone says nothing of what fits, and the memory of a GPU would cut its line off. */
  for (guint i = 0; i < gpus->len && hr_sweep_get_component (sweep) == HR_N_COMPONENTS; i++)
    {
      HrGpu *gpu = g_ptr_array_index (gpus, i);
      g_autofree char *memory = hr_format_bytes (hr_gpu_get_usable_memory (gpu), unit_system);
      g_autofree char *label = g_strdup_printf (_("%1$s: %2$s"), hr_gpu_get_name (gpu), memory);

      hr_line_data_add_level (data, hr_gpu_get_usable_memory (gpu), label);
    }
  add_marks (data, sweep);
  if (!hr_sweep_is_done (sweep))
    hr_line_data_set_note (data, _("What the allocator keeps beside what it hands out is still being added."));

  return data;
}

/**
 * hr_export_sweep_to_bytes:
 * @sweep: a sweep that is done, with a line
 * @unit_system: the units to write sizes in
 * @format: what to write it as
 * @error: return location for a #GError
 *
 * Writes a sweep into memory, in the user's language.
 *
 * Returns: (transfer full): the contents of a file, or %NULL with @error set
 */
GBytes *
hr_export_sweep_to_bytes (HrSweep         *sweep,
                          HrUnitSystem     unit_system,
                          HrExportFormat   format,
                          GError         **error)
{
  g_autoptr (HrLineData) data = NULL;
  g_autoptr (HrChartPicture) picture = NULL;
  g_autoptr (HrDocument) document = NULL;

  g_return_val_if_fail (sweep != NULL, NULL);

  switch (format)
    {
    case HR_EXPORT_FORMAT_TEXT:
      return hr_export_take_text (hr_sweep_to_text (sweep, unit_system, HR_REPORT_TEXT_STYLE_PLAIN));

    case HR_EXPORT_FORMAT_JSON:
      return hr_export_take_text (hr_sweep_to_json (sweep));

    case HR_EXPORT_FORMAT_CSV:
      return hr_export_take_text (hr_sweep_to_csv (sweep));

    case HR_EXPORT_FORMAT_MARKDOWN:
      return hr_export_take_text (hr_sweep_to_markdown (sweep, unit_system));

    case HR_EXPORT_FORMAT_HTML:
    case HR_EXPORT_FORMAT_PDF:
    case HR_EXPORT_FORMAT_SVG:
    case HR_EXPORT_FORMAT_PNG:
      data = hr_export_create_sweep_data (sweep, unit_system, HR_PALETTE_SCHEME_LIGHT);
      picture = hr_line_picture_new (data, HR_CHART_SCHEME_LIGHT, NULL, C_("HTML language tag", "en"));
      document = hr_sweep_create_document (sweep, unit_system);

      return hr_export_document_to_bytes (document, format, picture, NULL, error);

    case HR_N_EXPORT_FORMATS:
    default:
      g_return_val_if_reached (NULL);
    }
}
