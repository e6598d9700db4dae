/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-timeline-layout.h"

#include <math.h>

#define STRIP_PADDING 4.0       /* above and below the labels of the bands */
#define BAND_PADDING 6.0        /* left and right of them */
#define AXIS_GAP 6.0            /* from the labels of the axis to the areas */
#define MARGIN 4.0              /* kept free below the areas and to their right */
#define MIN_BAND 8.0            /* the least width of a band */
#define MAX_COST 0.5            /* of the width: what bands may take from others to have room for their labels */
#define NEAR 1.5                /* times what is held: a capacity beyond it would leave the areas too low */
#define MARK_RADIUS 4.0         /* of the mark at the peak */
#define LABEL_GAP 5.0           /* from a mark or a line to its label */

static double
get_strip_height (const HrTimelineShape *shape)
{
  return shape->line_height + 2 * STRIP_PADDING;
}

static double
get_total (const HrTimelineShape *shape,
           guint                  point)
{
  double total = 0;

  for (guint i = 0; i < shape->n_parts; i++)
    total += (double) shape->values[point * shape->n_parts + i];

  return total;
}

static double
get_highest (const HrTimelineShape *shape)
{
  return shape->n_points > 0 ? get_total (shape, shape->peak) : 0;
}

static gboolean
has_near_capacity (const HrTimelineShape *shape)
{
  return shape->capacity > 0 && shape->capacity <= get_highest (shape) * NEAR;
}

/* The value at the upper edge so that there are @room pixels above @value. */
static double
get_top (double value,
         double height,
         double room)
{
  return value * height / MAX (height - room, height / 2);
}

/**
 * hr_timeline_scale_init:
 * @self: (out caller-allocates): a scale
 * @shape: what is to be shown
 * @height: the height to fill, in pixels
 *
 * Finds the range of the axis and its ticks: few, at round multiples of the unit. There is room for the peak and its
 * label, and for the capacity where that is near.
 */
void
hr_timeline_scale_init (HrChartScale          *self,
                        const HrTimelineShape *shape,
                        double                 height)
{
  g_return_if_fail (self != NULL && shape != NULL);
  g_return_if_fail (shape->unit > 0);

  self->plot_height = MAX (height - get_strip_height (shape) - MARGIN, 1);
  self->top = get_top (MAX (get_highest (shape), 1), self->plot_height,
                       MARK_RADIUS + LABEL_GAP + shape->peak_label.height);
  if (has_near_capacity (shape))
    self->top = MAX (self->top, get_top ((double) shape->capacity, self->plot_height,
                                         LABEL_GAP + shape->capacity_label.height));

  hr_chart_scale_set_ticks (self, shape->unit);
}

/*
 * Gives @extent out in proportion to the lengths, but to each its minimum. The minima together are not more than
 * @extent.
 */
static void
share_width (const double *lengths,
             const double *minima,
             guint         n,
             double        extent,
             double       *widths)
{
  g_autofree gboolean *is_fixed = g_new0 (gboolean, n + 1);
  double length = 0, rest = extent;
  gboolean changed = TRUE;

  for (guint i = 0; i < n; i++)
    length += lengths[i];

  while (changed)
    {
      changed = FALSE;

      for (guint i = 0; i < n; i++)
        {
          if (is_fixed[i] || (length > 0 && lengths[i] / length * rest >= minima[i]))
            continue;

          is_fixed[i] = TRUE;
          length -= lengths[i];
          rest -= minima[i];
          changed = TRUE;
        }
    }

  for (guint i = 0; i < n; i++)
    widths[i] = is_fixed[i] ? minima[i] : lengths[i] / length * rest;

  /* Where every band has its minimum, the last one takes what is left over. */
  if (n > 0 && length <= 0)
    widths[n - 1] += rest;
}

static double
get_band_length (const HrTimelineShape *shape,
                 guint                  band)
{
  guint next = band + 1 < shape->n_bands ? shape->bands[band + 1] : shape->n_points - 1;

  return shape->positions[next] - shape->positions[shape->bands[band]];
}

static guint
find_band (const HrTimelineShape *shape,
           guint                  point)
{
  guint band = 0;

  while (band + 1 < shape->n_bands && shape->bands[band + 1] <= point)
    band++;

  return band;
}

/* By how much a band is wider than its share so that its label has room. */
static double
get_cost (const HrTimelineLayout *self,
          double                  length,
          double                  whole,
          double                  minimum)
{
  double natural = whole > 0 ? length / whole * self->plot.width : 0;

  return MAX (minimum - natural, 0);
}

/*
 * The label that costs most is given up first, of those that cost the same the widest, and that of the phase of the
 * peak last of all.
 */
static int
find_label_to_drop (const HrTimelineLayout *self,
                    const double           *costs,
                    const double           *minima,
                    guint                   peak_band)
{
  int found = -1;

  for (guint i = 0; i < self->n_bands; i++)
    {
      if (self->bands[i].has_label && i != peak_band &&
          (found < 0 || costs[i] > costs[found] || (costs[i] == costs[found] && minima[i] > minima[found])))
        found = i;
    }

  if (found < 0 && self->bands[peak_band].has_label)
    found = peak_band;

  return found;
}

static void
layout_bands (HrTimelineLayout      *self,
              const HrTimelineShape *shape)
{
  g_autofree double *lengths = g_new0 (double, self->n_bands + 1);
  g_autofree double *minima = g_new0 (double, self->n_bands + 1);
  g_autofree double *costs = g_new0 (double, self->n_bands + 1);
  g_autofree double *widths = g_new0 (double, self->n_bands + 1);
  double least = MIN (MIN_BAND, self->plot.width / self->n_bands);
  double whole = 0, sum = 0, cost = 0, x = self->plot.x;
  int dropped;

  for (guint i = 0; i < self->n_bands; i++)
    {
      lengths[i] = get_band_length (shape, i);
      whole += lengths[i];
    }

  for (guint i = 0; i < self->n_bands; i++)
    {
      minima[i] = MAX (shape->band_labels[i].width + 2 * BAND_PADDING, least);
      costs[i] = get_cost (self, lengths[i], whole, minima[i]);
      self->bands[i].has_label = shape->band_labels[i].width > 0;
      sum += minima[i];
      cost += costs[i];
    }

  while ((sum > self->plot.width || cost > self->plot.width * MAX_COST) &&
         (dropped = find_label_to_drop (self, costs, minima, find_band (shape, shape->peak))) >= 0)
    {
      self->bands[dropped].has_label = FALSE;
      sum += least - minima[dropped];
      cost -= costs[dropped];
      minima[dropped] = least;
    }

  share_width (lengths, minima, self->n_bands, self->plot.width, widths);

  for (guint i = 0; i < self->n_bands; i++)
    {
      HrTimelineBandPlace *band = &self->bands[i];
      HrChartSize size = shape->band_labels[i];

      band->x = x;
      band->width = widths[i];
      if (band->has_label)
        band->label = (HrChartRect) { x + (widths[i] - size.width) / 2, STRIP_PADDING, size.width, size.height };
      x += widths[i];
    }
}

static double
get_x (const HrTimelineLayout *self,
       const HrTimelineShape  *shape,
       guint                   band,
       double                  position)
{
  double length = get_band_length (shape, band);
  double offset = position - shape->positions[shape->bands[band]];

  return self->bands[band].x + (length > 0 ? CLAMP (offset / length, 0, 1) * self->bands[band].width : 0);
}

static void
layout_points (HrTimelineLayout      *self,
               const HrTimelineShape *shape)
{
  guint band = 0;

  for (guint i = 0; i < self->n_points; i++)
    {
      double *y = &self->y[i * (self->n_parts + 1)];
      double value = 0;

      while (band + 1 < shape->n_bands && shape->bands[band + 1] <= i)
        band++;

      self->x[2 * i] = get_x (self, shape, band, shape->positions[i] - shape->lengths[i] / 2);
      self->x[2 * i + 1] = get_x (self, shape, band, shape->positions[i] + shape->lengths[i] / 2);
      y[0] = hr_timeline_layout_get_y (self, 0);
      for (guint j = 0; j < self->n_parts; j++)
        {
          value += (double) shape->values[i * self->n_parts + j];
          y[j + 1] = hr_timeline_layout_get_y (self, value);
        }
    }
}

static void
place_peak (HrTimelineLayout      *self,
            const HrTimelineShape *shape)
{
  HrChartSize size = shape->peak_label;
  double right = MAX (self->plot.x + self->plot.width - size.width, self->plot.x);

  self->peak.x = hr_timeline_layout_get_x (self, shape->peak);
  self->peak.y = self->y[shape->peak * (self->n_parts + 1) + self->n_parts];
  self->peak_label = (HrChartRect) {
    CLAMP (self->peak.x - size.width / 2, self->plot.x, right),
    self->peak.y - MARK_RADIUS - LABEL_GAP - size.height, size.width, size.height,
  };
}

/* The label stands at an end of the line, above or below it, wherever it meets neither the peak nor its label. */
static void
place_capacity_label (HrTimelineLayout      *self,
                      const HrTimelineShape *shape)
{
  HrChartSize size = shape->capacity_label;
  HrChartRect mark = { self->peak.x - MARK_RADIUS, self->peak.y - MARK_RADIUS, 2 * MARK_RADIUS, 2 * MARK_RADIUS };
  double left = self->plot.x + LABEL_GAP;
  double right = self->plot.x + self->plot.width - LABEL_GAP - size.width;
  double above = self->capacity_y - size.height - LABEL_GAP / 2;
  double below = self->capacity_y + LABEL_GAP / 2;
  const HrChartPoint corners[] = { { right, above }, { left, above }, { right, below }, { left, below } };

  for (guint i = 0; size.width > 0 && i < G_N_ELEMENTS (corners) && !self->has_capacity_label; i++)
    {
      HrChartRect label = { corners[i].x, corners[i].y, size.width, size.height };

      if (!hr_chart_rect_is_inside (&label, &self->plot) || hr_chart_rects_meet (&label, &self->peak_label) ||
          hr_chart_rects_meet (&label, &mark))
        continue;

      self->capacity_label = label;
      self->has_capacity_label = TRUE;
    }
}

/**
 * hr_timeline_layout_new:
 * @shape: what is to be shown
 * @scale: how values become heights
 * @axis_width: the width of the labels of the axis
 * @width: the width to fill, in pixels
 *
 * Lays a timeline out: labels of the bands in a strip at the top, the axis at the left, areas in the rest.
 *
 * Bands are as wide as they last, but wide enough for their labels as far as that is possible; labels that would cost
 * too much are left out. Labels overlap nothing but areas.
 *
 * Returns: (transfer full): where everything is
 */
HrTimelineLayout *
hr_timeline_layout_new (const HrTimelineShape *shape,
                        const HrChartScale    *scale,
                        double                 axis_width,
                        double                 width)
{
  HrTimelineLayout *self;
  double left = axis_width + AXIS_GAP;

  g_return_val_if_fail (shape != NULL && scale != NULL, NULL);

  self = g_new0 (HrTimelineLayout, 1);
  self->scale = *scale;
  self->plot = (HrChartRect) { left, get_strip_height (shape), MAX (width - left - MARGIN, 1), scale->plot_height };
  self->n_bands = shape->n_points > 0 ? shape->n_bands : 0;
  self->n_parts = shape->n_parts;
  self->n_points = shape->n_points;
  self->bands = g_new0 (HrTimelineBandPlace, self->n_bands + 1);
  self->x = g_new0 (double, 2 * self->n_points + 1);
  self->y = g_new0 (double, self->n_points * (self->n_parts + 1) + 1);
  self->has_capacity = has_near_capacity (shape);
  self->capacity_y = hr_timeline_layout_get_y (self, (double) shape->capacity);
  if (self->n_bands == 0)
    return self;

  layout_bands (self, shape);
  layout_points (self, shape);
  place_peak (self, shape);
  if (self->has_capacity)
    place_capacity_label (self, shape);

  return self;
}

void
hr_timeline_layout_free (HrTimelineLayout *self)
{
  g_return_if_fail (self != NULL);

  g_free (self->bands);
  g_free (self->x);
  g_free (self->y);
  g_free (self);
}

/**
 * hr_timeline_layout_get_y:
 * @self: a layout
 * @value: a value
 *
 * Returns: how far from the top @value is
 */
double
hr_timeline_layout_get_y (const HrTimelineLayout *self,
                          double                  value)
{
  g_return_val_if_fail (self != NULL, 0);

  return hr_chart_scale_get_y (&self->scale, &self->plot, value);
}

/**
 * hr_timeline_layout_get_x:
 * @self: a layout
 * @point: the index of a point
 *
 * Returns: how far from the left the middle of a point is
 */
double
hr_timeline_layout_get_x (const HrTimelineLayout *self,
                          guint                   point)
{
  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (point < self->n_points, 0);

  return (self->x[2 * point] + self->x[2 * point + 1]) / 2;
}

static double
get_distance (const HrTimelineLayout *self,
              guint                   point,
              double                  x)
{
  return MAX (MAX (self->x[2 * point] - x, x - self->x[2 * point + 1]), 0);
}

/* The point that is nearest in time; of points at the same time the highest. */
static guint
find_point (const HrTimelineLayout *self,
            double                  x)
{
  guint nearest = 0;

  for (guint i = 1; i < self->n_points; i++)
    {
      double distance = get_distance (self, i, x), least = get_distance (self, nearest, x);
      gboolean is_higher = self->y[i * (self->n_parts + 1) + self->n_parts] <
                           self->y[nearest * (self->n_parts + 1) + self->n_parts];

      if (distance < least - 1e-9 || (distance < least + 1e-9 && is_higher))
        nearest = i;
    }

  return nearest;
}

/* How far from the top the edge @edge between parts is at @x. */
static double
get_edge (const HrTimelineLayout *self,
          guint                   edge,
          double                  x)
{
  guint stride = self->n_parts + 1;
  guint n = 2 * self->n_points, i = 0;
  double t;

  while (i + 1 < n && self->x[i + 1] <= x)
    i++;
  if (i + 1 >= n || x <= self->x[i])
    return self->y[i / 2 * stride + edge];

  t = (x - self->x[i]) / (self->x[i + 1] - self->x[i]);

  return (1 - t) * self->y[i / 2 * stride + edge] + t * self->y[(i + 1) / 2 * stride + edge];
}

/**
 * hr_timeline_layout_pick:
 * @self: a layout
 * @x: pixels from the left
 * @y: pixels from the top
 * @part: (out) (optional): the index of the part whose area is there, or -1
 *
 * Finds the point of time at a point of the chart.
 *
 * Returns: the index of the point, or -1 outside of the areas' place
 */
int
hr_timeline_layout_pick (const HrTimelineLayout *self,
                         double                  x,
                         double                  y,
                         int                    *part)
{
  g_return_val_if_fail (self != NULL, -1);

  if (part != NULL)
    *part = -1;
  if (self->n_points == 0 || x < self->plot.x || x > self->plot.x + self->plot.width || y < 0 ||
      y > self->plot.y + self->plot.height)
    return -1;

  for (guint i = 0; part != NULL && i < self->n_parts; i++)
    if (y < get_edge (self, i, x) && y >= get_edge (self, i + 1, x))
      *part = i;

  return find_point (self, x);
}
