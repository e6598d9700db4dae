/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-point-chart.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_LINE_CHART (headroom_line_chart_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomLineChart, headroom_line_chart, HEADROOM, LINE_CHART, HeadroomPointChart)

GtkWidget *headroom_line_chart_new (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
