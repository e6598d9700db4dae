/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-bar-layout.h"

#include "hr-chart-shares.h"

#define MIN_SEGMENT 3.0         /* the least width of a value other than zero */
#define MIN_REST 4.0            /* the least width of headroom or overflow other than zero */

static double
get_used_width (double  total,
                double  capacity,
                double  width)
{
  /* Values that fill the capacity to the byte fill the bar; ones that leave a byte show that they do. */
  if (capacity <= 0 || total >= capacity)
    return width;

  return total > 0 ? MIN (width * total / capacity, width - MIN (MIN_REST, width / 2)) : 0;
}

static double
get_capacity_x (double total,
                double capacity,
                double width)
{
  if (capacity <= 0 || total <= capacity)
    return width;

  return MIN (width * capacity / total, width - MIN (MIN_REST, width / 2));
}

/**
 * hr_bar_layout_new:
 * @values: (array length=n_values): what the segments stand for, in one unit
 * @n_values: how many segments there are
 * @capacity: what the values are measured against, in the same unit; 0 if it is not known
 * @width: the width to fill, in pixels
 * @height: the height to fill, in pixels
 *
 * Lays out a bar that is as long as the capacity, or as the sum of the values if that is more.
 *
 * How small segments stay visible is told at [func@chart_shares]. However small headroom or overflow is, it shows.
 *
 * Returns: (transfer full): where everything is
 */
HrBarLayout *
hr_bar_layout_new (const guint64 *values,
                   guint          n_values,
                   guint64        capacity,
                   double         width,
                   double         height)
{
  g_autofree double *shares = g_new0 (double, n_values + 1);
  HrBarLayout *self;
  double total = 0, used, x = 0;

  g_return_val_if_fail (values != NULL || n_values == 0, NULL);

  for (guint i = 0; i < n_values; i++)
    total += (double) values[i];

  self = g_new0 (HrBarLayout, 1);
  self->bar = (HrChartRect) { 0, 0, width, height };
  self->n_segments = n_values;
  self->segments = g_new0 (HrChartRect, n_values + 1);
  self->is_over = capacity > 0 && total > (double) capacity;
  self->capacity_x = get_capacity_x (total, (double) capacity, width);

  used = get_used_width (total, (double) capacity, width);
  hr_chart_shares (values, n_values, used, MIN_SEGMENT, shares);

  for (guint i = 0; i < n_values; i++)
    {
      self->segments[i] = (HrChartRect) { x, 0, shares[i], height };
      x += shares[i];
    }

  if (self->is_over)
    self->rest = (HrChartRect) { self->capacity_x, 0, width - self->capacity_x, height };
  else if (capacity > 0)
    self->rest = (HrChartRect) { used, 0, width - used, height };

  return self;
}

void
hr_bar_layout_free (HrBarLayout *self)
{
  g_return_if_fail (self != NULL);

  g_free (self->segments);
  g_free (self);
}

/**
 * hr_bar_layout_pick:
 * @self: a layout
 * @x: pixels from the left
 * @y: pixels from the top
 *
 * Finds the segment at a point.
 *
 * Returns: the index of the segment, or -1
 */
int
hr_bar_layout_pick (const HrBarLayout *self,
                    double             x,
                    double             y)
{
  g_return_val_if_fail (self != NULL, -1);

  if (y < self->bar.y || y >= self->bar.y + self->bar.height)
    return -1;

  for (guint i = 0; i < self->n_segments; i++)
    if (x >= self->segments[i].x && x < self->segments[i].x + self->segments[i].width)
      return i;

  return -1;
}
