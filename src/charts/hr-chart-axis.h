/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-chart-text.h"
#include "hr-chart-ticks.h"

G_BEGIN_DECLS

/**
 * HrChartAxis:
 *
 * The axis of values to the left of a plot, with lines across the plot.
 */
typedef struct _HrChartAxis HrChartAxis;

HrChartAxis *hr_chart_axis_new       (PangoContext       *context,
                                      const HrChartScale *scale,
                                      guint64             unit,
                                      const char         *unit_text) G_GNUC_WARN_UNUSED_RESULT;
void         hr_chart_axis_free      (HrChartAxis        *self);
double       hr_chart_axis_get_width (HrChartAxis        *self);
void         hr_chart_axis_draw      (HrChartAxis        *self,
                                      cairo_t            *cr,
                                      const HrChartStyle *style,
                                      const HrChartRect  *plot,
                                      double              top,
                                      double              bottom);
void         hr_chart_draw_level     (cairo_t            *cr,
                                      const HrChartStyle *style,
                                      const HrChartRect  *plot,
                                      double              y);
void         hr_chart_draw_mark      (cairo_t            *cr,
                                      const HrChartStyle *style,
                                      const HrChartRect  *plot,
                                      double              x);
void         hr_chart_draw_guide     (cairo_t            *cr,
                                      const HrChartStyle *style,
                                      const HrChartRect  *plot,
                                      double              x,
                                      double              alpha);

G_END_DECLS
