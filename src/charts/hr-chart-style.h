/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <cairo.h>
#include <glib.h>

G_BEGIN_DECLS

/**
 * HrChartScheme:
 * @HR_CHART_SCHEME_LIGHT: dark on light, as on paper
 * @HR_CHART_SCHEME_DARK: light on dark
 * @HR_CHART_SCHEME_HIGH_CONTRAST: black on white, patterns besides colours
 * @HR_CHART_SCHEME_HIGH_CONTRAST_DARK: white on black, patterns besides colours
 *
 * What a chart is drawn for.
 */
typedef enum
{
  HR_CHART_SCHEME_LIGHT,
  HR_CHART_SCHEME_DARK,
  HR_CHART_SCHEME_HIGH_CONTRAST,
  HR_CHART_SCHEME_HIGH_CONTRAST_DARK,
} HrChartScheme;

/**
 * HrChartStyle:
 * @foreground: the colour of texts, as 0xRRGGBB
 * @background: the colour of what the chart stands on, as 0xRRGGBB; the chart itself does not paint it
 * @high_contrast: whether parts have patterns and outlines besides colours
 *
 * The colours of a chart that are not those of its parts.
 */
typedef struct
{
  guint32 foreground;
  guint32 background;
  gboolean high_contrast;
} HrChartStyle;

const HrChartStyle *hr_chart_style_get           (HrChartScheme       scheme);
void                hr_chart_set_source_color    (cairo_t            *cr,
                                                  guint32             color,
                                                  double              alpha);
guint32             hr_chart_mix_colors          (guint32             a,
                                                  guint32             b,
                                                  double              amount);
void                hr_chart_fill_part           (cairo_t            *cr,
                                                  const HrChartStyle *style,
                                                  guint32             color,
                                                  guint               pattern);
void                hr_chart_append_rounded_rect (cairo_t            *cr,
                                                  double              x,
                                                  double              y,
                                                  double              width,
                                                  double              height,
                                                  double              radius);

G_END_DECLS
