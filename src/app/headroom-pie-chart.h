/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-chart.h"
#include "hr-chart-data.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_PIE_CHART (headroom_pie_chart_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomPieChart, headroom_pie_chart, HEADROOM, PIE_CHART, HeadroomChart)

GtkWidget   *headroom_pie_chart_new          (void) G_GNUC_WARN_UNUSED_RESULT;
HrChartData *headroom_pie_chart_get_data     (HeadroomPieChart *self);
void         headroom_pie_chart_set_data     (HeadroomPieChart *self,
                                              HrChartData      *data);
int          headroom_pie_chart_get_hovered  (HeadroomPieChart *self);
void         headroom_pie_chart_set_hovered  (HeadroomPieChart *self,
                                              int               hovered);

G_END_DECLS
