/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-export-anatomy.h"

#include <glib/gi18n-lib.h>

#include "hr-export-document.h"
#include "hr-file-writer.h"
#include "hr-labels.h"
#include "hr-pie-picture.h"

static const struct
{
  const char *name;
  const char *suffix;
} formats[] = {
  [HR_ANATOMY_FORMAT_HTML] = { "html", "anatomy.html" },
  [HR_ANATOMY_FORMAT_MARKDOWN] = { "markdown", "anatomy.md" },
  [HR_ANATOMY_FORMAT_CSV] = { "csv", "anatomy.csv" },
  [HR_ANATOMY_FORMAT_TENSORS] = { "tensors", "tensors.csv" },
  [HR_ANATOMY_FORMAT_JSON] = { "json", "anatomy.json" },
};

G_STATIC_ASSERT (G_N_ELEMENTS (formats) == HR_N_ANATOMY_FORMATS);

/**
 * hr_anatomy_format_from_name:
 * @name: a name, such as `tensors`
 * @format: (out): the format
 *
 * Finds the format of a name.
 *
 * Returns: whether there is one
 */
gboolean
hr_anatomy_format_from_name (const char      *name,
                             HrAnatomyFormat *format)
{
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (format != NULL, FALSE);

  for (guint i = 0; i < HR_N_ANATOMY_FORMATS; i++)
    {
      if (g_str_equal (formats[i].name, name))
        {
          *format = i;
          return TRUE;
        }
    }

  return FALSE;
}

/**
 * hr_anatomy_format_get_file_suffix:
 * @format: a format
 *
 * Gets what the names of files of a format end with, for hr_anatomy_dup_file_name().
 *
 * Returns: (transfer none): the suffix
 */
const char *
hr_anatomy_format_get_file_suffix (HrAnatomyFormat format)
{
  g_return_val_if_fail ((guint) format < HR_N_ANATOMY_FORMATS, NULL);

  return formats[format].suffix;
}

static guint64
get_value (HrAnatomy        *anatomy,
           HrAnatomyMeasure  measure,
           HrPart            part)
{
  switch (measure)
    {
    case HR_ANATOMY_MEASURE_ACTIVE:
      return hr_anatomy_get_n_active_of_part (anatomy, part);

    case HR_ANATOMY_MEASURE_BYTES:
      return hr_anatomy_get_n_bytes_of_part (anatomy, part);

    case HR_ANATOMY_MEASURE_PARAMETERS:
    case HR_N_ANATOMY_MEASURES:
    default:
      return hr_model_get_n_parameters_of_part (hr_anatomy_get_model (anatomy), part);
    }
}

static guint64
get_total (HrAnatomy        *anatomy,
           HrAnatomyMeasure  measure)
{
  switch (measure)
    {
    case HR_ANATOMY_MEASURE_ACTIVE:
      return hr_model_get_n_active_parameters (hr_anatomy_get_model (anatomy));

    case HR_ANATOMY_MEASURE_BYTES:
      return hr_anatomy_get_n_bytes (anatomy);

    case HR_ANATOMY_MEASURE_PARAMETERS:
    case HR_N_ANATOMY_MEASURES:
    default:
      return hr_model_get_n_parameters (hr_anatomy_get_model (anatomy));
    }
}

static const char *
get_caption (HrAnatomyMeasure measure)
{
  switch (measure)
    {
    case HR_ANATOMY_MEASURE_ACTIVE:
      /* Translators: under a number in the middle of a chart: the parameters that a token passes. */
      return _("active parameters");

    case HR_ANATOMY_MEASURE_BYTES:
      /* Translators: under a size in the middle of a chart. */
      return _("of weights");

    case HR_ANATOMY_MEASURE_PARAMETERS:
    case HR_N_ANATOMY_MEASURES:
    default:
      /* Translators: under a number in the middle of a chart. */
      return _("parameters");
    }
}

/**
 * hr_export_create_anatomy_chart_data:
 * @anatomy: an anatomy
 * @measure: what to show of its parts
 * @unit_system: the units to write sizes in
 * @scheme: what the chart stands on
 *
 * Prepares what a picture of the parts of a model shows: every part that has parameters.
 *
 * Returns: (transfer full): the data
 */
HrChartData *
hr_export_create_anatomy_chart_data (HrAnatomy        *anatomy,
                                     HrAnatomyMeasure  measure,
                                     HrUnitSystem      unit_system,
                                     HrPaletteScheme   scheme)
{
  gboolean is_bytes = measure == HR_ANATOMY_MEASURE_BYTES;
  g_autofree char *total_text = NULL;
  HrChartData *data;
  HrModel *model;
  guint64 total;

  g_return_val_if_fail (HR_IS_ANATOMY (anatomy), NULL);

  model = hr_anatomy_get_model (anatomy);
  total = get_total (anatomy, measure);
  total_text = is_bytes ? hr_format_bytes (total, unit_system) : hr_format_count (total);
  data = hr_chart_data_new (hr_model_get_name (model), total_text, get_caption (measure));

  for (HrPart part = 0; part < HR_N_PARTS; part++)
    {
      guint64 value = get_value (anatomy, measure, part);
      g_autofree char *text = is_bytes ? hr_format_bytes (value, unit_system) : hr_format_count (value);
      g_autofree char *share = hr_format_percentage (value, total);

      if (hr_model_get_n_parameters_of_part (model, part) > 0)
        hr_chart_data_add_part (data, hr_part_get_id (part), hr_part_get_label (part), value, text, share,
                                hr_palette_get_part_color (part, scheme), part);
    }

  return data;
}

static GBytes *
export_html (HrAnatomy     *anatomy,
             HrAnatomy     *other,
             gboolean       with_tensors,
             HrUnitSystem   unit_system,
             GError       **error)
{
  g_autoptr (HrChartData) data = hr_export_create_anatomy_chart_data (anatomy, HR_ANATOMY_MEASURE_PARAMETERS,
                                                                      unit_system, HR_PALETTE_SCHEME_LIGHT);
  g_autoptr (HrChartPicture) picture = hr_pie_picture_new (data, HR_CHART_SCHEME_LIGHT, NULL,
                                                             C_("HTML language tag", "en"));
  g_autofree char *svg = hr_export_picture_to_svg (picture, error);

  return svg != NULL ? hr_export_take_text (hr_anatomy_to_html (anatomy, other, with_tensors, unit_system, svg)) : NULL;
}

/**
 * hr_export_anatomy_to_bytes:
 * @anatomy: an anatomy
 * @other: (nullable): what to set beside it
 * @format: what to write it as
 * @with_tensors: whether a report lists every tensor
 * @unit_system: the units to write sizes in
 * @error: return location for a #GError
 *
 * Writes an anatomy into memory, in the user's language.
 *
 * Returns: (transfer full): the contents of a file, or %NULL with @error set
 */
GBytes *
hr_export_anatomy_to_bytes (HrAnatomy        *anatomy,
                            HrAnatomy        *other,
                            HrAnatomyFormat   format,
                            gboolean          with_tensors,
                            HrUnitSystem      unit_system,
                            GError          **error)
{
  g_return_val_if_fail (HR_IS_ANATOMY (anatomy), NULL);
  g_return_val_if_fail (other == NULL || HR_IS_ANATOMY (other), NULL);

  switch (format)
    {
    case HR_ANATOMY_FORMAT_HTML:
      return export_html (anatomy, other, with_tensors, unit_system, error);

    case HR_ANATOMY_FORMAT_MARKDOWN:
      return hr_export_take_text (hr_anatomy_to_markdown (anatomy, other, with_tensors, unit_system));

    case HR_ANATOMY_FORMAT_CSV:
      return hr_export_take_text (hr_anatomy_to_csv (anatomy, other));

    case HR_ANATOMY_FORMAT_TENSORS:
      return hr_export_take_text (hr_anatomy_tensors_to_csv (anatomy));

    case HR_ANATOMY_FORMAT_JSON:
      return hr_export_take_text (hr_anatomy_to_json (anatomy, other));

    case HR_N_ANATOMY_FORMATS:
    default:
      g_return_val_if_reached (NULL);
    }
}

/**
 * hr_export_anatomy_to_file:
 * @anatomy: an anatomy
 * @other: (nullable): what to set beside it
 * @format: what to write it as
 * @unit_system: the units to write sizes in
 * @file: where to write it; what is there is replaced
 * @error: return location for a #GError
 *
 * Writes an anatomy into a file, as a whole or not at all.
 *
 * Returns: whether the file was written; if not, @error is a #GIOErrorEnum that names it
 */
gboolean
hr_export_anatomy_to_file (HrAnatomy        *anatomy,
                           HrAnatomy        *other,
                           HrAnatomyFormat   format,
                           HrUnitSystem      unit_system,
                           GFile            *file,
                           GError          **error)
{
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (G_IS_FILE (file), FALSE);

  bytes = hr_export_anatomy_to_bytes (anatomy, other, format, FALSE, unit_system, error);
  if (bytes == NULL)
    return FALSE;

  return hr_file_write (file, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), error);
}
