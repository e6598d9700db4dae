/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-chart-data.h"
#include "hr-chart-text.h"
#include "hr-pie-layout.h"

G_BEGIN_DECLS

/**
 * HrPieChart:
 *
 * A pie, as a ring with the total in the middle, of one size.
 */
typedef struct _HrPieChart HrPieChart;

HrPieChart        *hr_pie_chart_new           (HrChartData        *data,
                                               PangoContext       *context,
                                               double              width,
                                               double              height) G_GNUC_WARN_UNUSED_RESULT;
void               hr_pie_chart_free          (HrPieChart         *self);
const HrPieLayout *hr_pie_chart_get_layout    (HrPieChart         *self);
void               hr_pie_chart_draw          (HrPieChart         *self,
                                               cairo_t            *cr,
                                               const HrChartStyle *style);
void               hr_pie_chart_draw_emphasis (HrPieChart         *self,
                                               cairo_t            *cr,
                                               const HrChartStyle *style,
                                               int                 selected,
                                               int                 hovered);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrPieChart, hr_pie_chart_free)

G_END_DECLS
