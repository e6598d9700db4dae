/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-chart-text.h"
#include "hr-timeline-data.h"
#include "hr-timeline-layout.h"

G_BEGIN_DECLS

/**
 * HrTimelineChart:
 *
 * Memory over time, as areas that lie on top of each other, of one size.
 */
typedef struct _HrTimelineChart HrTimelineChart;

HrTimelineChart        *hr_timeline_chart_new           (HrTimelineData     *data,
                                                         PangoContext       *context,
                                                         double              width,
                                                         double              height) G_GNUC_WARN_UNUSED_RESULT;
void                    hr_timeline_chart_free          (HrTimelineChart    *self);
const HrTimelineLayout *hr_timeline_chart_get_layout    (HrTimelineChart    *self);
void                    hr_timeline_chart_draw          (HrTimelineChart    *self,
                                                         cairo_t            *cr,
                                                         const HrChartStyle *style);
void                    hr_timeline_chart_draw_emphasis (HrTimelineChart    *self,
                                                         cairo_t            *cr,
                                                         const HrChartStyle *style,
                                                         int                 selected,
                                                         int                 point);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrTimelineChart, hr_timeline_chart_free)

G_END_DECLS
