/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

#include "hr-chart-types.h"

G_BEGIN_DECLS

/**
 * HrPieSlice:
 * @start: where it begins, in radians clockwise from three o'clock, as cairo counts
 * @end: where it ends; equal to @start for a value of zero
 * @has_label: whether there is room for its label
 * @label: the place of the label, if there is room for it
 * @leader: the line from the slice to its label: begin, bend, end
 *
 * A slice of a pie.
 */
typedef struct
{
  double start;
  double end;
  gboolean has_label;
  HrChartRect label;
  HrChartPoint leader[3];
} HrPieSlice;

/**
 * HrPieLayout:
 * @width: the width of the whole
 * @height: the height of the whole
 * @center: the middle of the ring
 * @inner_radius: the radius of the hole
 * @outer_radius: the radius of the ring
 * @lift: by how much an emphasized slice stands out
 * @n_slices: how many slices there are
 * @slices: (array length=n_slices): the slices, in the order of the values
 *
 * Where the parts of a pie are.
 */
typedef struct
{
  double width;
  double height;
  HrChartPoint center;
  double inner_radius;
  double outer_radius;
  double lift;
  guint n_slices;
  HrPieSlice *slices;
} HrPieLayout;

HrPieLayout *hr_pie_layout_new  (const guint64     *values,
                                 const HrChartSize *labels,
                                 guint              n_values,
                                 double             width,
                                 double             height) G_GNUC_WARN_UNUSED_RESULT;
void         hr_pie_layout_free (HrPieLayout       *self);
int          hr_pie_layout_pick (const HrPieLayout *self,
                                 double             x,
                                 double             y);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrPieLayout, hr_pie_layout_free)

G_END_DECLS
