/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-chart.h"
#include "hr-timeline-data.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_TIMELINE_CHART (headroom_timeline_chart_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomTimelineChart, headroom_timeline_chart, HEADROOM, TIMELINE_CHART, HeadroomChart)

GtkWidget      *headroom_timeline_chart_new          (void) G_GNUC_WARN_UNUSED_RESULT;
HrTimelineData *headroom_timeline_chart_get_data     (HeadroomTimelineChart *self);
void            headroom_timeline_chart_set_data     (HeadroomTimelineChart *self,
                                                      HrTimelineData        *data);
int             headroom_timeline_chart_get_point    (HeadroomTimelineChart *self);
void            headroom_timeline_chart_set_point    (HeadroomTimelineChart *self,
                                                      int                    point);

G_END_DECLS
