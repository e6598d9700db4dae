/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-chart-text.h"
#include "hr-line-data.h"
#include "hr-line-layout.h"

G_BEGIN_DECLS

/**
 * HrLineChart:
 *
 * A line chart, laid out in a size.
 */
typedef struct _HrLineChart HrLineChart;

HrLineChart        *hr_line_chart_new           (HrLineData         *data,
                                                 PangoContext       *context,
                                                 double              width,
                                                 double              height) G_GNUC_WARN_UNUSED_RESULT;
void                hr_line_chart_free          (HrLineChart        *self);
const HrLineLayout *hr_line_chart_get_layout    (HrLineChart        *self);
void                hr_line_chart_draw          (HrLineChart        *self,
                                                 cairo_t            *cr,
                                                 const HrChartStyle *style);
void                hr_line_chart_draw_emphasis (HrLineChart        *self,
                                                 cairo_t            *cr,
                                                 const HrChartStyle *style,
                                                 int                 line,
                                                 int                 index);
void                hr_line_chart_draw_sample   (cairo_t            *cr,
                                                 const HrChartStyle *style,
                                                 guint32             color,
                                                 guint               look,
                                                 const HrChartRect  *place);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrLineChart, hr_line_chart_free)

G_END_DECLS
