/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-chart-data.h"
#include "hr-palette.h"
#include "hr-report.h"

G_BEGIN_DECLS

/**
 * HrExportFormat:
 * @HR_EXPORT_FORMAT_TEXT: text in columns
 * @HR_EXPORT_FORMAT_JSON: `headroom-estimate/1`
 * @HR_EXPORT_FORMAT_CSV: a table with a row for each figure
 * @HR_EXPORT_FORMAT_MARKDOWN: GitHub-flavoured Markdown
 * @HR_EXPORT_FORMAT_HTML: one file with the chart in it
 * @HR_EXPORT_FORMAT_PDF: pages
 * @HR_EXPORT_FORMAT_SVG: the chart alone
 * @HR_EXPORT_FORMAT_PNG: the chart alone, in pixels
 *
 * What a report can be written as.
 */
typedef enum
{
  HR_EXPORT_FORMAT_TEXT,
  HR_EXPORT_FORMAT_JSON,
  HR_EXPORT_FORMAT_CSV,
  HR_EXPORT_FORMAT_MARKDOWN,
  HR_EXPORT_FORMAT_HTML,
  HR_EXPORT_FORMAT_PDF,
  HR_EXPORT_FORMAT_SVG,
  HR_EXPORT_FORMAT_PNG,
  HR_N_EXPORT_FORMATS, /*< skip >*/
} HrExportFormat;

/**
 * HrExportChart:
 * @HR_EXPORT_CHART_USUAL: every chart in a report; the parts of the peak where the picture is the file
 * @HR_EXPORT_CHART_PIE: the parts of the peak
 * @HR_EXPORT_CHART_TIMELINE: the memory over time
 *
 * Which chart a file shows.
 */
typedef enum
{
  HR_EXPORT_CHART_USUAL,
  HR_EXPORT_CHART_PIE,
  HR_EXPORT_CHART_TIMELINE,
} HrExportChart;

const char  *hr_export_format_get_name      (HrExportFormat   format);
const char  *hr_export_format_get_extension (HrExportFormat   format);
const char  *hr_export_format_get_mime_type (HrExportFormat   format);
const char  *hr_export_format_get_label     (HrExportFormat   format);
gboolean     hr_export_format_is_binary     (HrExportFormat   format);
gboolean     hr_export_format_has_charts    (HrExportFormat   format);
gboolean     hr_export_chart_from_name      (const char      *name,
                                             HrExportChart   *chart);
gboolean     hr_export_format_from_name     (const char      *name,
                                             HrExportFormat  *format);
gboolean     hr_export_format_from_file     (GFile           *file,
                                             HrExportFormat  *format);

HrChartData *hr_export_create_chart_data    (HrReport        *report,
                                             HrPaletteScheme  scheme) G_GNUC_WARN_UNUSED_RESULT;
HrChartData *hr_export_create_device_chart_data (HrReport        *report,
                                                 guint            device,
                                                 HrPaletteScheme  scheme) G_GNUC_WARN_UNUSED_RESULT;
GBytes      *hr_export_to_bytes             (HrReport        *report,
                                             HrExportFormat   format,
                                             HrExportChart    chart,
                                             GError         **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean     hr_export_to_file              (HrReport        *report,
                                             HrExportFormat   format,
                                             HrExportChart    chart,
                                             GFile           *file,
                                             GError         **error);

G_END_DECLS
