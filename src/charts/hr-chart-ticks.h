/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

#include "hr-chart-types.h"

G_BEGIN_DECLS

/**
 * HrChartScale:
 * @plot_height: the height of the plot, which what is shown stands in
 * @top: the value at its upper edge
 * @step: from one tick to the next
 * @n_ticks: how many ticks there are, that at 0 included
 *
 * How values become heights.
 */
typedef struct
{
  double plot_height;
  double top;
  double step;
  guint n_ticks;
} HrChartScale;

void     hr_chart_scale_set_ticks (HrChartScale       *self,
                                   guint64             unit);
double   hr_chart_scale_get_y     (const HrChartScale *self,
                                   const HrChartRect  *plot,
                                   double              value);
double   hr_chart_get_round_step  (double              least);
gboolean hr_chart_rects_meet      (const HrChartRect  *a,
                                   const HrChartRect  *b);
gboolean hr_chart_rect_is_inside  (const HrChartRect  *rect,
                                   const HrChartRect  *place);

G_END_DECLS
