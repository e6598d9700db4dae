/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-export.h"

#include <glib/gi18n-lib.h>

#include "hr-error.h"
#include "hr-export-document.h"
#include "hr-export-scenario.h"
#include "hr-export-timeline.h"
#include "hr-file-writer.h"
#include "hr-labels.h"
#include "hr-pie-picture.h"
#include "hr-timeline-picture.h"

static const struct
{
  const char *name;
  const char *extension;
  const char *mime_type;
  const char *label;
  gboolean is_binary;
} formats[] = {
  [HR_EXPORT_FORMAT_TEXT] = { "text", "txt", "text/plain", N_("Text"), FALSE },
  [HR_EXPORT_FORMAT_JSON] = { "json", "json", "application/json", "JSON", FALSE },
  /* Translators: a kind of file: comma-separated values */
  [HR_EXPORT_FORMAT_CSV] = { "csv", "csv", "text/csv", N_("CSV table"), FALSE },
  [HR_EXPORT_FORMAT_MARKDOWN] = { "markdown", "md", "text/markdown", "Markdown", FALSE },
  [HR_EXPORT_FORMAT_HTML] = { "html", "html", "text/html", N_("HTML page"), FALSE },
  [HR_EXPORT_FORMAT_PDF] = { "pdf", "pdf", "application/pdf", N_("PDF document"), TRUE },
  [HR_EXPORT_FORMAT_SVG] = { "svg", "svg", "image/svg+xml", N_("Chart as SVG"), FALSE },
  [HR_EXPORT_FORMAT_PNG] = { "png", "png", "image/png", N_("Chart as PNG"), TRUE },
};

G_STATIC_ASSERT (G_N_ELEMENTS (formats) == HR_N_EXPORT_FORMATS);

static const struct
{
  const char *extension;
  HrExportFormat format;
} other_extensions[] = {
  { "markdown", HR_EXPORT_FORMAT_MARKDOWN },
  { "htm", HR_EXPORT_FORMAT_HTML },
  { "text", HR_EXPORT_FORMAT_TEXT },
};

/**
 * hr_export_format_get_name:
 * @format: a format
 *
 * Gets what the command line calls a format.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_export_format_get_name (HrExportFormat format)
{
  g_return_val_if_fail ((guint) format < HR_N_EXPORT_FORMATS, NULL);

  return formats[format].name;
}

/**
 * hr_export_format_get_extension:
 * @format: a format
 *
 * Gets the usual extension of files of a format, without its dot.
 *
 * Returns: (transfer none): the extension
 */
const char *
hr_export_format_get_extension (HrExportFormat format)
{
  g_return_val_if_fail ((guint) format < HR_N_EXPORT_FORMATS, NULL);

  return formats[format].extension;
}

/**
 * hr_export_format_get_mime_type:
 * @format: a format
 *
 * Gets the MIME type of a format.
 *
 * Returns: (transfer none): the type
 */
const char *
hr_export_format_get_mime_type (HrExportFormat format)
{
  g_return_val_if_fail ((guint) format < HR_N_EXPORT_FORMATS, NULL);

  return formats[format].mime_type;
}

/**
 * hr_export_format_get_label:
 * @format: a format
 *
 * Gets what a person calls a format.
 *
 * Returns: (transfer none): the name in the user's language
 */
const char *
hr_export_format_get_label (HrExportFormat format)
{
  g_return_val_if_fail ((guint) format < HR_N_EXPORT_FORMATS, NULL);

  return _(formats[format].label);
}

/**
 * hr_export_format_is_binary:
 * @format: a format
 *
 * Checks whether files of a format are no text, and have no place in a terminal.
 *
 * Returns: whether the format is binary
 */
gboolean
hr_export_format_is_binary (HrExportFormat format)
{
  g_return_val_if_fail ((guint) format < HR_N_EXPORT_FORMATS, FALSE);

  return formats[format].is_binary;
}

/**
 * hr_export_format_has_charts:
 * @format: a format
 *
 * Checks whether files of a format have pictures in them.
 *
 * Returns: whether the format has charts
 */
gboolean
hr_export_format_has_charts (HrExportFormat format)
{
  g_return_val_if_fail ((guint) format < HR_N_EXPORT_FORMATS, FALSE);

  return format == HR_EXPORT_FORMAT_HTML || format == HR_EXPORT_FORMAT_PDF || format == HR_EXPORT_FORMAT_SVG ||
         format == HR_EXPORT_FORMAT_PNG;
}

/**
 * hr_export_chart_from_name:
 * @name: a name: `pie` or `timeline`
 * @chart: (out): the chart
 *
 * Finds the chart of a name.
 *
 * Returns: whether there is one
 */
gboolean
hr_export_chart_from_name (const char    *name,
                           HrExportChart *chart)
{
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (chart != NULL, FALSE);

  if (g_str_equal (name, "pie"))
    *chart = HR_EXPORT_CHART_PIE;
  else if (g_str_equal (name, "timeline"))
    *chart = HR_EXPORT_CHART_TIMELINE;
  else
    return FALSE;

  return TRUE;
}

/**
 * hr_export_format_from_name:
 * @name: a name, such as `markdown`
 * @format: (out): the format
 *
 * Finds the format of a name.
 *
 * Returns: whether there is one
 */
gboolean
hr_export_format_from_name (const char     *name,
                            HrExportFormat *format)
{
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (format != NULL, FALSE);

  for (guint i = 0; i < HR_N_EXPORT_FORMATS; i++)
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
 * hr_export_format_from_file:
 * @file: a file, which need not exist
 * @format: (out): the format
 *
 * Finds the format that the extension of a file's name stands for.
 *
 * Returns: whether there is one
 */
gboolean
hr_export_format_from_file (GFile          *file,
                            HrExportFormat *format)
{
  g_autofree char *name = NULL;
  const char *dot;

  g_return_val_if_fail (G_IS_FILE (file), FALSE);
  g_return_val_if_fail (format != NULL, FALSE);

  name = g_file_get_basename (file);
  dot = name == NULL ? NULL : strrchr (name, '.');
  if (dot == NULL)
    return FALSE;

  for (guint i = 0; i < HR_N_EXPORT_FORMATS; i++)
    {
      if (g_ascii_strcasecmp (formats[i].extension, dot + 1) == 0)
        {
          *format = i;
          return TRUE;
        }
    }

  for (guint i = 0; i < G_N_ELEMENTS (other_extensions); i++)
    {
      if (g_ascii_strcasecmp (other_extensions[i].extension, dot + 1) == 0)
        {
          *format = other_extensions[i].format;
          return TRUE;
        }
    }

  return FALSE;
}

/* What is reserved is known to lie in a range; all else that the total has is added to both ends. */
static void
add_range (HrChartData *data,
           HrEstimate  *estimate)
{
  guint64 total, reserved, low, high;

  if (hr_estimate_get_n_devices (estimate) > 1 || !hr_estimate_knows_reserved (estimate) ||
      !hr_estimate_get_reserved_range (estimate, &low, &high))
    return;

  total = hr_estimate_get_total_bytes (estimate);
  reserved = hr_estimate_get_reserved_bytes (estimate);
  if (reserved <= total && low <= reserved && high >= reserved)
    hr_chart_data_set_range (data, total - (reserved - low), total + (high - reserved));
}

static void
add_capacity (HrChartData *data,
              HrReport    *report)
{
  HrUnitSystem units = hr_report_get_unit_system (report);
  guint64 memory = hr_gpu_get_usable_memory (hr_report_get_gpu (report));
  g_autofree char *memory_text = hr_format_bytes (memory, units);
  g_autofree char *verdict = hr_report_dup_verdict (report);

  hr_chart_data_set_capacity (data, memory, memory_text, verdict);
  add_range (data, hr_report_get_estimate (report));
}

static HrChartData *
create_chart_data (HrReport        *report,
                   guint            device,
                   const char      *title,
                   HrPaletteScheme  scheme)
{
  HrEstimate *estimate = hr_report_get_estimate (report);
  GListModel *components = hr_estimate_get_device_components (estimate, device);
  HrUnitSystem units = hr_report_get_unit_system (report);
  guint64 total = hr_estimate_get_device_bytes (estimate, device);
  g_autofree char *total_text = hr_format_bytes (total, units);
  HrChartData *data;

  /* Translators: a word or two in the middle of the pie, under the size of the whole */
  data = hr_chart_data_new (title, total_text, _("at the peak"));

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      HrComponentId id = hr_component_get_id (component);
      g_autofree char *size = hr_format_bytes (hr_component_get_bytes (component), units);
      g_autofree char *share = hr_format_percentage (hr_component_get_bytes (component), total);

      hr_chart_data_add_part (data, hr_component_id_get_name (id), hr_component_id_get_label (id),
                              hr_component_get_bytes (component), size, share,
                              hr_palette_get_color (id, scheme), id);
    }

  if (hr_report_get_gpu (report) != NULL)
    add_capacity (data, report);

  return data;
}

/**
 * hr_export_create_chart_data:
 * @report: a report
 * @scheme: what the chart stands on
 *
 * Prepares what the pie of a report shows.
 *
 * Returns: (transfer full): the data
 */
HrChartData *
hr_export_create_chart_data (HrReport        *report,
                             HrPaletteScheme  scheme)
{
  g_return_val_if_fail (HR_IS_REPORT (report), NULL);

  return create_chart_data (report, hr_estimate_get_worst_device (hr_report_get_estimate (report)),
                            hr_model_get_name (hr_report_get_model (report)), scheme);
}

/**
 * hr_export_create_device_chart_data:
 * @report: a report
 * @device: the index of a device of its estimate
 * @scheme: what the chart stands on
 *
 * Prepares what the pie or the bar of one of several devices shows. Without a GPU there is as much room as the device
 * that takes most needs, so that bars can be compared.
 *
 * Returns: (transfer full): the data
 */
HrChartData *
hr_export_create_device_chart_data (HrReport        *report,
                                    guint            device,
                                    HrPaletteScheme  scheme)
{
  g_autofree char *name = NULL;
  HrEstimate *estimate;
  HrChartData *data;

  g_return_val_if_fail (HR_IS_REPORT (report), NULL);

  estimate = hr_report_get_estimate (report);
  name = hr_report_dup_device_name (report, device);
  data = create_chart_data (report, device, name, scheme);
  if (hr_report_get_gpu (report) == NULL && hr_estimate_get_n_devices (estimate) > 1)
    hr_chart_data_set_capacity (data, hr_estimate_get_total_bytes (estimate), NULL, NULL);

  return data;
}

/* On its own the chart says what it is about; in a report its heading does. */
static HrChartPicture *
create_pie (HrReport *report,
            gboolean  in_report)
{
  const char *title = in_report ? _("Peak memory") : hr_model_get_name (hr_report_get_model (report));
  guint worst = hr_estimate_get_worst_device (hr_report_get_estimate (report));
  g_autoptr (HrChartData) data = create_chart_data (report, worst, title, HR_PALETTE_SCHEME_LIGHT);

  return hr_pie_picture_new (data, HR_CHART_SCHEME_LIGHT, NULL, C_("HTML language tag", "en"));
}

static HrChartPicture *
create_timeline (HrReport *report,
                 gboolean  in_report)
{
  const char *title = in_report ? _("Memory over time") : hr_model_get_name (hr_report_get_model (report));
  g_autoptr (HrTimelineData) data = hr_export_create_timeline_data (report, title, HR_PALETTE_SCHEME_LIGHT);

  if (data == NULL)
    return NULL;

  return hr_timeline_picture_new (data, HR_CHART_SCHEME_LIGHT, NULL, C_("HTML language tag", "en"));
}

static GBytes *
export_with_charts (HrReport        *report,
                    HrExportFormat   format,
                    HrExportChart    chart,
                    GError         **error)
{
  gboolean is_report = format == HR_EXPORT_FORMAT_HTML || format == HR_EXPORT_FORMAT_PDF;
  g_autoptr (HrChartPicture) pie = NULL;
  g_autoptr (HrChartPicture) timeline = NULL;
  g_autoptr (HrDocument) document = NULL;

  if (chart != HR_EXPORT_CHART_TIMELINE)
    pie = create_pie (report, is_report);
  if (chart == HR_EXPORT_CHART_TIMELINE || (chart == HR_EXPORT_CHART_USUAL && is_report))
    timeline = create_timeline (report, is_report);

  if (chart == HR_EXPORT_CHART_TIMELINE && timeline == NULL)
    {
      g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
                   /* Translators: the word in quotes is a name on the command line. */
                   _("The chart “%s” needs an exact estimate: the rule of thumb knows no moments"), "timeline");
      return NULL;
    }

  document = hr_report_create_document (report);

  return hr_export_document_to_bytes (document, format, pie, timeline, error);
}

static GBytes *
export_report (HrReport        *report,
               HrExportFormat   format,
               HrExportChart    chart,
               GError         **error)
{
  switch (format)
    {
    case HR_EXPORT_FORMAT_TEXT:
      return hr_export_take_text (hr_report_to_text (report, HR_REPORT_TEXT_STYLE_PLAIN));

    case HR_EXPORT_FORMAT_JSON:
      return hr_export_take_text (hr_report_to_json (report));

    case HR_EXPORT_FORMAT_CSV:
      return hr_export_take_text (hr_report_to_csv (report));

    case HR_EXPORT_FORMAT_MARKDOWN:
      return hr_export_take_text (hr_report_to_markdown (report));

    case HR_EXPORT_FORMAT_HTML:
    case HR_EXPORT_FORMAT_PDF:
    case HR_EXPORT_FORMAT_SVG:
    case HR_EXPORT_FORMAT_PNG:
      return export_with_charts (report, format, chart, error);

    case HR_N_EXPORT_FORMATS:
    default:
      g_return_val_if_reached (NULL);
    }
}

/**
 * hr_export_to_bytes:
 * @report: a report
 * @format: what to write it as
 * @chart: which chart to show, if the format has any
 * @error: return location for a #GError
 *
 * Writes a report into memory, in the user's language, with the scenario that it carries if the format has a place for
 * it.
 *
 * Returns: (transfer full): the contents of a file, or %NULL with @error set
 */
GBytes *
hr_export_to_bytes (HrReport        *report,
                    HrExportFormat   format,
                    HrExportChart    chart,
                    GError         **error)
{
  g_autoptr (GBytes) contents = NULL;

  g_return_val_if_fail (HR_IS_REPORT (report), NULL);

  contents = export_report (report, format, chart, error);
  if (contents == NULL || hr_report_get_scenario (report) == NULL)
    return g_steal_pointer (&contents);

  return hr_export_add_scenario (contents, format, hr_report_get_scenario (report));
}

/**
 * hr_export_to_file:
 * @report: a report
 * @format: what to write it as
 * @chart: which chart to show, if the format has any
 * @file: where to write it; what is there is replaced
 * @error: return location for a #GError
 *
 * Writes a report into a file, as a whole or not at all.
 *
 * Returns: whether the file was written; if not, @error is a #GIOErrorEnum that names it
 */
gboolean
hr_export_to_file (HrReport        *report,
                   HrExportFormat   format,
                   HrExportChart    chart,
                   GFile           *file,
                   GError         **error)
{
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (HR_IS_REPORT (report), FALSE);
  g_return_val_if_fail (G_IS_FILE (file), FALSE);

  bytes = hr_export_to_bytes (report, format, chart, error);
  if (bytes == NULL)
    return FALSE;

  return hr_file_write (file, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), error);
}
