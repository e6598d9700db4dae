/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-chart-ticks.h"

#include <math.h>

#define TICK_GAP 44.0           /* the least distance of ticks */
#define MAX_TICKS 6

/**
 * hr_chart_get_round_step:
 * @least: a number above 0
 *
 * Returns: the least of 1, 2 and 5 times a power of ten that is not less than @least
 */
double
hr_chart_get_round_step (double least)
{
  double power = pow (10, floor (log10 (least)));
  double factor = least / power;

  if (factor <= 1 + 1e-9)
    return power;
  if (factor <= 2 + 1e-9)
    return 2 * power;
  if (factor <= 5 + 1e-9)
    return 5 * power;

  return 10 * power;
}

/**
 * hr_chart_scale_set_ticks:
 * @self: a scale with a height and a top
 * @unit: what its axis counts in
 *
 * Chooses the ticks: few, at round multiples of the unit.
 */
void
hr_chart_scale_set_ticks (HrChartScale *self,
                          guint64       unit)
{
  double least;

  g_return_if_fail (self != NULL);
  g_return_if_fail (unit > 0);

  least = MAX (self->top * TICK_GAP / self->plot_height, self->top / (MAX_TICKS - 1));
  self->step = hr_chart_get_round_step (least / (double) unit) * (double) unit;
  self->n_ticks = (guint) floor (self->top / self->step + 1e-9) + 1;
}

/**
 * hr_chart_scale_get_y:
 * @self: a scale
 * @plot: the place of what is shown
 * @value: a value
 *
 * Returns: how far from the top @value is
 */
double
hr_chart_scale_get_y (const HrChartScale *self,
                      const HrChartRect  *plot,
                      double              value)
{
  g_return_val_if_fail (self != NULL && plot != NULL, 0);

  return plot->y + plot->height * (1 - value / self->top);
}

/**
 * hr_chart_rects_meet:
 * @a: a place
 * @b: another one
 *
 * Returns: whether they have something in common
 */
gboolean
hr_chart_rects_meet (const HrChartRect *a,
                     const HrChartRect *b)
{
  return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height && b->y < a->y + a->height;
}

/**
 * hr_chart_rect_is_inside:
 * @rect: a place
 * @place: another one
 *
 * Returns: whether all of @rect lies in @place
 */
gboolean
hr_chart_rect_is_inside (const HrChartRect *rect,
                         const HrChartRect *place)
{
  return rect->x >= place->x - 1e-6 && rect->y >= place->y - 1e-6 &&
         rect->x + rect->width <= place->x + place->width + 1e-6 &&
         rect->y + rect->height <= place->y + place->height + 1e-6;
}
