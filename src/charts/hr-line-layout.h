/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

#include "hr-chart-ticks.h"

G_BEGIN_DECLS

/**
 * HrLineShape:
 * @n_positions: how many positions there are
 * @positions: (array length=n_positions): the positions, in ascending order
 * @is_logarithmic: whether they stand apart as their logarithms do
 * @n_lines: how many lines there are
 * @values: (array): the values of the first line, then those of the next, and so on
 * @is_there: (array): for each value whether there is one
 * @n_levels: how many levels there are
 * @levels: (array length=n_levels): how high they are
 * @level_labels: (array length=n_levels): the sizes of their labels
 * @n_marks: how many marks there are
 * @marks: (array length=n_marks): the positions that they are at
 * @mark_labels: (array length=n_marks): the sizes of their labels
 * @unit: what the axis of values counts in
 * @line_height: the height of a label of the axes
 *
 * What a line chart has to show.
 */
typedef struct
{
  guint n_positions;
  const double *positions;
  gboolean is_logarithmic;
  guint n_lines;
  const guint64 *values;
  const gboolean *is_there;
  guint n_levels;
  const guint64 *levels;
  const HrChartSize *level_labels;
  guint n_marks;
  const double *marks;
  const HrChartSize *mark_labels;
  guint64 unit;
  double line_height;
} HrLineShape;

/**
 * HrLineLevelPlace:
 * @is_shown: whether it is low enough to be shown
 * @y: where it is
 * @has_label: whether there is room for its label
 * @label: the place of the label, if there is room for it
 *
 * Where a level is.
 */
typedef struct
{
  gboolean is_shown;
  double y;
  gboolean has_label;
  HrChartRect label;
} HrLineLevelPlace;

/**
 * HrLineMarkPlace:
 * @is_shown: whether it is among the lines' positions
 * @x: where it is
 * @has_label: whether there is room for its label
 * @label: the place of the label, if there is room for it
 *
 * Where a mark is.
 */
typedef struct
{
  gboolean is_shown;
  double x;
  gboolean has_label;
  HrChartRect label;
} HrLineMarkPlace;

/**
 * HrLineLayout:
 * @scale: how values become heights
 * @plot: the lines' place
 * @n_positions: how many positions there are
 * @x: (array length=n_positions): where they are
 * @n_lines: how many lines there are
 * @y: (array): the heights of the points of the first line, then those of the next; NAN where there is none
 * @n_levels: how many levels there are
 * @levels: (array length=n_levels): where they are
 * @n_marks: how many marks there are
 * @marks: (array length=n_marks): where they are
 * @n_ticks: how many ticks the axis of positions has
 * @ticks: (array length=n_ticks): the positions that they are at
 * @tick_x: (array length=n_ticks): where that is
 *
 * Where the parts of a line chart are. A line that is higher than the plot leaves it at its upper edge.
 */
typedef struct
{
  HrChartScale scale;
  HrChartRect plot;
  guint n_positions;
  double *x;
  guint n_lines;
  double *y;
  guint n_levels;
  HrLineLevelPlace *levels;
  guint n_marks;
  HrLineMarkPlace *marks;
  guint n_ticks;
  double *ticks;
  double *tick_x;
} HrLineLayout;

void          hr_line_scale_init   (HrChartScale       *self,
                                    const HrLineShape  *shape,
                                    double              height);
HrLineLayout *hr_line_layout_new   (const HrLineShape  *shape,
                                    const HrChartScale *scale,
                                    double              axis_width,
                                    double              tick_width,
                                    double              width) G_GNUC_WARN_UNUSED_RESULT;
void          hr_line_layout_free  (HrLineLayout       *self);
double        hr_line_layout_get_y (const HrLineLayout *self,
                                    double              value);
int           hr_line_layout_pick  (const HrLineLayout *self,
                                    double              x,
                                    double              y,
                                    int                *line);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrLineLayout, hr_line_layout_free)

G_END_DECLS
