/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-chart.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_PIE_CHART (headroom_pie_chart_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomPieChart, headroom_pie_chart, HEADROOM, PIE_CHART, HeadroomChart)

GtkWidget *headroom_pie_chart_new (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
