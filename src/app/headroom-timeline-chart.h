/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-point-chart.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_TIMELINE_CHART (headroom_timeline_chart_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomTimelineChart, headroom_timeline_chart, HEADROOM, TIMELINE_CHART, HeadroomPointChart)

GtkWidget *headroom_timeline_chart_new (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
