/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

#include "hr-chart-ticks.h"

G_BEGIN_DECLS

/**
 * HrTimelineShape:
 * @n_parts: how many parts lie on top of each other
 * @n_points: how many points of time there are
 * @values: (array): the values of the parts at the first point, then those at the next, and so on
 * @positions: (array length=n_points): when the points are, in ascending order
 * @lengths: (array length=n_points): how long they last, half of it before and half of it after their position
 * @n_bands: how many bands the time is divided into
 * @bands: (array length=n_bands): the index of the first point of each, in ascending order, beginning with 0
 * @band_labels: (array length=n_bands): the sizes of their labels
 * @peak: the index of the highest point
 * @peak_label: the size of its label
 * @capacity: how much there is room for, in the unit of the values; 0 if it is not known
 * @capacity_label: the size of its label
 * @unit: what the axis counts in
 * @line_height: the height of a label of the axis
 *
 * What a timeline has to show.
 */
typedef struct
{
  guint n_parts;
  guint n_points;
  const guint64 *values;
  const double *positions;
  const double *lengths;
  guint n_bands;
  const guint *bands;
  const HrChartSize *band_labels;
  guint peak;
  HrChartSize peak_label;
  guint64 capacity;
  HrChartSize capacity_label;
  guint64 unit;
  double line_height;
} HrTimelineShape;

/**
 * HrTimelineBandPlace:
 * @x: where it begins
 * @width: how wide it is
 * @has_label: whether there is room for its label
 * @label: the place of the label, if there is room for it
 *
 * Where a band is.
 */
typedef struct
{
  double x;
  double width;
  gboolean has_label;
  HrChartRect label;
} HrTimelineBandPlace;

/**
 * HrTimelineLayout:
 * @scale: how values become heights
 * @plot: the areas' place
 * @n_bands: how many bands there are
 * @bands: (array length=n_bands): where they are
 * @n_parts: how many parts there are
 * @n_points: how many points there are
 * @x: (array): for each point where it begins and where it ends
 * @y: (array): for each point the heights between which the parts lie, from the lower edge of the first to the upper
 *   edge of the last, which makes one more than there are parts
 * @peak: where the peak is
 * @peak_label: the place of its label
 * @has_capacity: whether the capacity is near enough to be shown
 * @capacity_y: where the capacity is
 * @has_capacity_label: whether there is room for its label
 * @capacity_label: the place of the label
 *
 * Where the parts of a timeline are.
 */
typedef struct
{
  HrChartScale scale;
  HrChartRect plot;
  guint n_bands;
  HrTimelineBandPlace *bands;
  guint n_parts;
  guint n_points;
  double *x;
  double *y;
  HrChartPoint peak;
  HrChartRect peak_label;
  gboolean has_capacity;
  double capacity_y;
  gboolean has_capacity_label;
  HrChartRect capacity_label;
} HrTimelineLayout;

void              hr_timeline_scale_init     (HrChartScale           *self,
                                              const HrTimelineShape  *shape,
                                              double                  height);
HrTimelineLayout *hr_timeline_layout_new     (const HrTimelineShape  *shape,
                                              const HrChartScale     *scale,
                                              double                  axis_width,
                                              double                  width) G_GNUC_WARN_UNUSED_RESULT;
void              hr_timeline_layout_free    (HrTimelineLayout       *self);
double            hr_timeline_layout_get_x   (const HrTimelineLayout *self,
                                              guint                   point);
double            hr_timeline_layout_get_y   (const HrTimelineLayout *self,
                                              double                  value);
int               hr_timeline_layout_pick    (const HrTimelineLayout *self,
                                              double                  x,
                                              double                  y,
                                              int                    *part);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrTimelineLayout, hr_timeline_layout_free)

G_END_DECLS
