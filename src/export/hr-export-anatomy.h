/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-anatomy.h"
#include "hr-chart-data.h"
#include "hr-palette.h"

G_BEGIN_DECLS

/**
 * HrAnatomyFormat:
 * @HR_ANATOMY_FORMAT_HTML: one file with a picture of the parts in it
 * @HR_ANATOMY_FORMAT_MARKDOWN: GitHub-flavoured Markdown
 * @HR_ANATOMY_FORMAT_CSV: the tables, with a row for each figure
 * @HR_ANATOMY_FORMAT_TENSORS: the list of tensors as CSV
 * @HR_ANATOMY_FORMAT_JSON: `headroom-model/1`
 *
 * What an anatomy can be written as.
 */
typedef enum
{
  HR_ANATOMY_FORMAT_HTML,
  HR_ANATOMY_FORMAT_MARKDOWN,
  HR_ANATOMY_FORMAT_CSV,
  HR_ANATOMY_FORMAT_TENSORS,
  HR_ANATOMY_FORMAT_JSON,
  HR_N_ANATOMY_FORMATS, /*< skip >*/
} HrAnatomyFormat;

/**
 * HrAnatomyMeasure:
 * @HR_ANATOMY_MEASURE_PARAMETERS: all parameters
 * @HR_ANATOMY_MEASURE_ACTIVE: those that a token passes
 * @HR_ANATOMY_MEASURE_BYTES: what they take
 *
 * What a picture of the parts shows of them.
 */
typedef enum
{
  HR_ANATOMY_MEASURE_PARAMETERS,
  HR_ANATOMY_MEASURE_ACTIVE,
  HR_ANATOMY_MEASURE_BYTES,
  HR_N_ANATOMY_MEASURES,
} HrAnatomyMeasure;

gboolean     hr_anatomy_format_from_name         (const char        *name,
                                                  HrAnatomyFormat   *format);
const char  *hr_anatomy_format_get_file_suffix   (HrAnatomyFormat    format);
HrChartData *hr_export_create_anatomy_chart_data (HrAnatomy         *anatomy,
                                                  HrAnatomyMeasure   measure,
                                                  HrUnitSystem       unit_system,
                                                  HrPaletteScheme    scheme) G_GNUC_WARN_UNUSED_RESULT;
GBytes      *hr_export_anatomy_to_bytes          (HrAnatomy         *anatomy,
                                                  HrAnatomy         *other,
                                                  HrAnatomyFormat    format,
                                                  gboolean           with_tensors,
                                                  HrUnitSystem       unit_system,
                                                  GError           **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean     hr_export_anatomy_to_file           (HrAnatomy         *anatomy,
                                                  HrAnatomy         *other,
                                                  HrAnatomyFormat    format,
                                                  HrUnitSystem       unit_system,
                                                  GFile             *file,
                                                  GError           **error);

G_END_DECLS
