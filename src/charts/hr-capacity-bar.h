/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-bar-layout.h"
#include "hr-chart-data.h"
#include "hr-chart-style.h"

G_BEGIN_DECLS

/**
 * HrCapacityBar:
 *
 * A bar that shows parts against what there is room for, of one size.
 */
typedef struct _HrCapacityBar HrCapacityBar;

HrCapacityBar     *hr_capacity_bar_new           (HrChartData        *data,
                                                  double              width,
                                                  double              height) G_GNUC_WARN_UNUSED_RESULT;
void               hr_capacity_bar_free          (HrCapacityBar      *self);
const HrBarLayout *hr_capacity_bar_get_layout    (HrCapacityBar      *self);
void               hr_capacity_bar_draw          (HrCapacityBar      *self,
                                                  cairo_t            *cr,
                                                  const HrChartStyle *style);
void               hr_capacity_bar_draw_emphasis (HrCapacityBar      *self,
                                                  cairo_t            *cr,
                                                  const HrChartStyle *style,
                                                  int                 selected,
                                                  int                 hovered);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrCapacityBar, hr_capacity_bar_free)

G_END_DECLS
