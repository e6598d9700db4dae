/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-chart.h"
#include "hr-line-data.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_LINE_CHART (headroom_line_chart_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomLineChart, headroom_line_chart, HEADROOM, LINE_CHART, HeadroomChart)

GtkWidget  *headroom_line_chart_new       (void) G_GNUC_WARN_UNUSED_RESULT;
HrLineData *headroom_line_chart_get_data  (HeadroomLineChart *self);
void        headroom_line_chart_set_data  (HeadroomLineChart *self,
                                           HrLineData        *data);
int         headroom_line_chart_get_point (HeadroomLineChart *self);
void        headroom_line_chart_set_point (HeadroomLineChart *self,
                                           int                point);

G_END_DECLS
