/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-pie-layout.h"

#include <math.h>

#include "hr-chart-shares.h"

#define MARGIN 4.0              /* kept free along the edges */
#define MIN_ARC 5.0             /* pixels along the rim that the smallest slice gets */
#define LEADER_START 2.0        /* from the rim to the beginning of a leader line */
#define LEADER_LENGTH 14.0      /* from the rim to the bend of a leader line */
#define LABEL_GAP 5.0           /* from the end of a leader line to its label */
#define LABEL_SPACING 5.0       /* between labels */
#define HOLE 0.62               /* of the radius */
#define MIN_RADIUS 44.0         /* below it, the ring matters more than labels */
#define MIN_RADIUS_SHARE 0.64   /* of the radius without labels that labels must leave */

typedef struct
{
  guint index;
  double angle;
  double middle;
  HrChartSize size;
  double y;
} Label;

static double
slice_get_middle (const HrPieSlice *slice)
{
  double middle = (slice->start + slice->end) / 2;

  /* A full ring has its middle at the bottom, where a label has no place. */
  return slice->end - slice->start > 2 * G_PI - 1e-6 ? 0.0 : middle;
}

static double
get_reach (const HrPieLayout *self)
{
  return self->outer_radius + self->lift + LEADER_LENGTH;
}

static void
set_radius (HrPieLayout *self,
            double       space)
{
  space = MAX (space, 0);
  self->lift = MIN (CLAMP (space * 0.06, 3, 8), space / 4);
  self->outer_radius = space - self->lift;
  self->inner_radius = self->outer_radius * HOLE;
}

static double
get_whole_space (const HrPieLayout *self)
{
  return MIN (self->width, self->height) / 2 - MARGIN;
}

/* The most that the ring and its lift may measure when a label of @label_width stands beside it. */
static double
get_space_beside (const HrPieLayout *self,
                  double             label_width)
{
  return self->width / 2 - MARGIN - label_width - LABEL_GAP - LEADER_LENGTH;
}

static int
compare_angles (gconstpointer a,
                gconstpointer b)
{
  double difference = ((const Label *) b)->angle - ((const Label *) a)->angle;

  return (difference > 0) - (difference < 0);
}

static int
compare_heights (gconstpointer a,
                 gconstpointer b)
{
  double difference = sin (((const Label *) a)->middle) - sin (((const Label *) b)->middle);

  return (difference > 0) - (difference < 0);
}

/* The most that the ring and its lift may measure so that a label of @label_height has room above or below it. */
static double
get_space_below (const HrPieLayout *self,
                 double             label_height)
{
  return self->height / 2 - MARGIN - label_height / 2 - LEADER_LENGTH;
}

/*
 * Shrinks the ring to make room for labels at its sides; those of small slices are left out if they would shrink it too
 * much. Above and below it gives what it can.
 */
static void
fit_radius (HrPieLayout *self,
            GArray      *labels)
{
  double whole = get_whole_space (self);
  double least = MAX (MIN_RADIUS, whole * MIN_RADIUS_SHARE);
  double space = whole;
  guint n_fitting = 0;

  for (; n_fitting < labels->len; n_fitting++)
    {
      const HrChartSize *size = &g_array_index (labels, Label, n_fitting).size;
      double room = MIN (get_space_beside (self, size->width), MAX (least, get_space_below (self, size->height)));

      if (room < least)
        break;

      space = MIN (space, room);
    }

  g_array_set_size (labels, n_fitting);
  set_radius (self, space);
}

/*
 * Gives every label of a side its height: as near to its slice as can be (least squares) without touching the next one.
 * With the heights of the labels above it taken off, each place may only grow downwards, so this is an isotonic
 * regression, solved by pooling neighbours that violate the order.
 */
static gboolean
place_labels (const HrPieLayout *self,
              Label             *labels,
              guint              n_labels)
{
  g_autofree double *offsets = g_new0 (double, n_labels + 1);
  g_autofree double *sums = g_new0 (double, n_labels + 1);
  g_autofree guint *counts = g_new0 (guint, n_labels + 1);
  double reach = get_reach (self);
  double least, most;
  guint n_pools = 0, next = 0;

  if (n_labels == 0)
    return TRUE;

  for (guint i = 1; i < n_labels; i++)
    offsets[i] = offsets[i - 1] + (labels[i - 1].size.height + labels[i].size.height) / 2 + LABEL_SPACING;

  least = MAX (MARGIN + labels[0].size.height / 2, self->center.y - reach);
  most = MIN (self->height - MARGIN - labels[n_labels - 1].size.height / 2, self->center.y + reach);
  most -= offsets[n_labels - 1];
  if (least > most)
    return FALSE;

  for (guint i = 0; i < n_labels; i++)
    {
      sums[n_pools] = self->center.y + reach * sin (labels[i].middle) - offsets[i];
      counts[n_pools] = 1;
      n_pools++;

      while (n_pools > 1 && sums[n_pools - 2] / counts[n_pools - 2] > sums[n_pools - 1] / counts[n_pools - 1])
        {
          sums[n_pools - 2] += sums[n_pools - 1];
          counts[n_pools - 2] += counts[n_pools - 1];
          n_pools--;
        }
    }

  for (guint pool = 0; pool < n_pools; pool++)
    for (guint i = 0; i < counts[pool]; i++, next++)
      labels[next].y = CLAMP (sums[pool] / counts[pool], least, most) + offsets[next];

  return TRUE;
}

static double
get_distance_to_segment (HrChartPoint point,
                         HrChartPoint from,
                         HrChartPoint to)
{
  double dx = to.x - from.x, dy = to.y - from.y;
  double length = dx * dx + dy * dy;
  double t = length > 0 ? CLAMP (((point.x - from.x) * dx + (point.y - from.y) * dy) / length, 0, 1) : 0;

  return hypot (from.x + t * dx - point.x, from.y + t * dy - point.y);
}

/*
 * Bends lie on a circle around the ring, and labels outside of it. A leader is a chord within that circle, so it meets
 * no other label. Bends keep the order of their slices, so leaders that stay outside of the circle on which they begin
 * do not cross; one that would cut through it is refused.
 */
static gboolean
place_label (const HrPieLayout *self,
             const Label       *label,
             HrPieSlice        *slice)
{
  double side = cos (label->middle) >= 0 ? 1 : -1;
  double reach = get_reach (self);
  double offset = label->y - self->center.y;
  double nearest = MAX (fabs (offset) - label->size.height / 2, 0);
  double rim = self->outer_radius + LEADER_START;
  double bend = sqrt (MAX (reach * reach - offset * offset, 0));
  double edge = sqrt (MAX (reach * reach - nearest * nearest, 0));

  slice->leader[0] = (HrChartPoint) { self->center.x + rim * cos (label->middle),
                                      self->center.y + rim * sin (label->middle) };
  slice->leader[1] = (HrChartPoint) { self->center.x + side * bend, label->y };
  slice->leader[2] = (HrChartPoint) { self->center.x + side * edge, label->y };
  slice->label.x = slice->leader[2].x + side * LABEL_GAP - (side < 0 ? label->size.width : 0);
  slice->label.y = label->y - label->size.height / 2;
  slice->label.width = label->size.width;
  slice->label.height = label->size.height;

  return get_distance_to_segment (self->center, slice->leader[0], slice->leader[1]) > rim - 1e-6;
}

/* Whether all @labels have room together; if so, their slices know where they are. */
static gboolean
place_side (HrPieLayout *self,
            GArray      *labels)
{
  g_array_sort (labels, compare_heights);
  if (!place_labels (self, (Label *) (void *) labels->data, labels->len))
    return FALSE;

  for (guint i = 0; i < labels->len; i++)
    {
      const Label *label = &g_array_index (labels, Label, i);

      if (!place_label (self, label, &self->slices[label->index]))
        return FALSE;
    }

  return TRUE;
}

/* Adds a label to those of its side, if there is room for all of them. */
static gboolean
add_label (HrPieLayout *self,
           GArray      *side,
           Label        label)
{
  g_autoptr(GArray) trial = g_array_copy (side);

  g_array_append_val (trial, label);
  if (!place_side (self, trial))
    return FALSE;

  g_array_append_val (side, label);

  return TRUE;
}

static void
mark_labels (HrPieLayout *self,
             GArray      *side)
{
  place_side (self, side);

  for (guint i = 0; i < side->len; i++)
    self->slices[g_array_index (side, Label, i).index].has_label = TRUE;
}

static GArray *
collect_labels (HrPieLayout       *self,
                const guint64     *values,
                const HrChartSize *sizes)
{
  GArray *labels = g_array_new (FALSE, FALSE, sizeof (Label));

  for (guint i = 0; sizes != NULL && i < self->n_slices; i++)
    {
      const HrPieSlice *slice = &self->slices[i];
      Label label = { i, slice->end - slice->start, slice_get_middle (slice), sizes[i] };

      if (values[i] > 0)
        g_array_append_val (labels, label);
    }
  g_array_sort (labels, compare_angles);

  return labels;
}

/* Labels are given to the largest slices, as many as there is room for; one of several alone would not be worth it. */
static void
layout_labels (HrPieLayout       *self,
               const guint64     *values,
               const HrChartSize *sizes)
{
  g_autoptr(GArray) labels = collect_labels (self, values, sizes);
  g_autoptr(GArray) left = g_array_new (FALSE, FALSE, sizeof (Label));
  g_autoptr(GArray) right = g_array_new (FALSE, FALSE, sizeof (Label));
  guint n_least = MIN (labels->len, 2);

  fit_radius (self, labels);

  for (guint i = 0; i < labels->len; i++)
    {
      Label label = g_array_index (labels, Label, i);

      if (!add_label (self, cos (label.middle) >= 0 ? right : left, label))
        break;
    }

  if (left->len + right->len < n_least)
    {
      set_radius (self, get_whole_space (self));
      return;
    }

  mark_labels (self, left);
  mark_labels (self, right);
}

static void
layout_slices (HrPieLayout   *self,
               const guint64 *values)
{
  g_autofree double *shares = g_new0 (double, self->n_slices + 1);
  double space = MAX (get_whole_space (self), 1);
  double angle = -G_PI / 2;

  /* The minimum follows the space, not the radius, so that the angles do not depend on the labels. */
  hr_chart_shares (values, self->n_slices, 2 * G_PI, MIN_ARC / (space * MIN_RADIUS_SHARE), shares);

  for (guint i = 0; i < self->n_slices; i++)
    {
      self->slices[i].start = angle;
      angle += shares[i];
      self->slices[i].end = angle;
    }

  /* Close the ring exactly, whatever the additions lost. */
  for (guint i = self->n_slices; angle > 0 && i-- > 0;)
    {
      self->slices[i].end = 1.5 * G_PI;
      if (shares[i] > 0)
        break;

      self->slices[i].start = 1.5 * G_PI;
    }
}

/**
 * hr_pie_layout_new:
 * @values: (array length=n_values): what the slices stand for, in one unit
 * @labels: (nullable) (array length=n_values): the sizes of their labels
 * @n_values: how many slices there are
 * @width: the width to fill, in pixels
 * @height: the height to fill, in pixels
 *
 * Lays a ring out in the middle of the given space, with labels at its sides.
 *
 * Slices follow each other clockwise from the top; how small ones stay visible is told at [func@chart_shares].
 * Labels stay inside and overlap neither each other nor the ring nor a leader line. Those that have no room, or would
 * take more than about a third of the radius, drop out: a slice has a label only if every larger one has.
 *
 * Returns: (transfer full): where everything is
 */
HrPieLayout *
hr_pie_layout_new (const guint64     *values,
                   const HrChartSize *labels,
                   guint              n_values,
                   double             width,
                   double             height)
{
  HrPieLayout *self;

  g_return_val_if_fail (values != NULL || n_values == 0, NULL);

  self = g_new0 (HrPieLayout, 1);
  self->width = width;
  self->height = height;
  self->center = (HrChartPoint) { width / 2, height / 2 };
  self->n_slices = n_values;
  self->slices = g_new0 (HrPieSlice, n_values + 1);

  layout_slices (self, values);
  layout_labels (self, values, labels);

  return self;
}

void
hr_pie_layout_free (HrPieLayout *self)
{
  g_return_if_fail (self != NULL);

  g_free (self->slices);
  g_free (self);
}

static gboolean
rect_contains (const HrChartRect *rect,
               double             x,
               double             y)
{
  return x >= rect->x && x < rect->x + rect->width && y >= rect->y && y < rect->y + rect->height;
}

/**
 * hr_pie_layout_pick:
 * @self: a layout
 * @x: pixels from the left
 * @y: pixels from the top
 *
 * Finds the slice at a point: on the ring or on the label.
 *
 * Returns: the index of the slice, or -1
 */
int
hr_pie_layout_pick (const HrPieLayout *self,
                    double             x,
                    double             y)
{
  double dx, dy, radius, angle;

  g_return_val_if_fail (self != NULL, -1);

  for (guint i = 0; i < self->n_slices; i++)
    if (self->slices[i].has_label && rect_contains (&self->slices[i].label, x, y))
      return i;

  dx = x - self->center.x;
  dy = y - self->center.y;
  radius = hypot (dx, dy);
  if (radius < self->inner_radius || radius > self->outer_radius + self->lift)
    return -1;

  angle = atan2 (dy, dx);
  if (angle < -G_PI / 2)
    angle += 2 * G_PI;

  for (guint i = 0; i < self->n_slices; i++)
    if (angle >= self->slices[i].start && angle < self->slices[i].end)
      return i;

  return -1;
}
