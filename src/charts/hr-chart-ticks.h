/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

#include "hr-chart-types.h"

G_BEGIN_DECLS

double   hr_chart_get_round_step (double             least);
gboolean hr_chart_rects_meet     (const HrChartRect *a,
                                  const HrChartRect *b);
gboolean hr_chart_rect_is_inside (const HrChartRect *rect,
                                  const HrChartRect *place);

G_END_DECLS
