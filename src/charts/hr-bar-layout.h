/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

#include "hr-chart-types.h"

G_BEGIN_DECLS

/**
 * HrBarLayout:
 * @bar: the whole bar
 * @capacity_x: where the capacity ends
 * @is_over: whether the values exceed the capacity
 * @n_segments: how many segments there are
 * @segments: (array length=n_segments): the segments, in the order of the values; one of zero has no width
 * @rest: the headroom that is left, or the overflow beyond the capacity; without a width if there is neither
 *
 * Where the parts of a capacity bar are.
 */
typedef struct
{
  HrChartRect bar;
  double capacity_x;
  gboolean is_over;
  guint n_segments;
  HrChartRect *segments;
  HrChartRect rest;
} HrBarLayout;

HrBarLayout *hr_bar_layout_new  (const guint64     *values,
                                 guint              n_values,
                                 guint64            capacity,
                                 double             width,
                                 double             height) G_GNUC_WARN_UNUSED_RESULT;
void         hr_bar_layout_free (HrBarLayout       *self);
int          hr_bar_layout_pick (const HrBarLayout *self,
                                 double             x,
                                 double             y);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrBarLayout, hr_bar_layout_free)

G_END_DECLS
