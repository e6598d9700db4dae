/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-line-layout.h"

#include <math.h>

#define TOP_ROOM 12.0           /* above the highest point, for its mark */
#define AXIS_GAP 6.0            /* from the labels of an axis to the plot */
#define MARGIN 8.0              /* kept free to the right, and at both ends of the axis for marks */
#define LABEL_GAP 14.0          /* the least distance of the labels of positions */
#define LEVEL_GAP 3.0           /* from a level to its label */
#define NEAR 2.0                /* times the highest value: a level beyond it would leave the lines too low */
#define FAR 4.0                 /* times the highest level: lines beyond it would leave the level too low */
#define REACH 28.0              /* how near a line has to be for the pointer to be at it */

static double
get_highest (const HrLineShape *shape)
{
  guint64 highest = 0;

  for (guint i = 0; i < shape->n_lines * shape->n_positions; i++)
    {
      if (shape->is_there[i])
        highest = MAX (highest, shape->values[i]);
    }

  return (double) highest;
}

/* The lowest value of the line that stands highest, or 0: from there on all lines are seen. */
static double
get_lowest (const HrLineShape *shape)
{
  guint64 lowest = 0;

  for (guint i = 0; i < shape->n_lines; i++)
    {
      guint64 lowest_of_line = G_MAXUINT64;

      for (guint j = i * shape->n_positions; j < (i + 1) * shape->n_positions; j++)
        {
          if (shape->is_there[j])
            lowest_of_line = MIN (lowest_of_line, shape->values[j]);
        }
      if (lowest_of_line != G_MAXUINT64)
        lowest = MAX (lowest, lowest_of_line);
    }

  return (double) lowest;
}

/* The highest level that is near the lines, or 0. */
static double
get_level (const HrLineShape *shape,
           double             highest)
{
  double level = 0;

  for (guint i = 0; i < shape->n_levels; i++)
    {
      if ((double) shape->levels[i] <= highest * NEAR)
        level = MAX (level, (double) shape->levels[i]);
    }

  return level;
}

/**
 * hr_line_scale_init:
 * @self: (out caller-allocates): a scale
 * @shape: what is to be shown
 * @height: the height to fill, in pixels
 *
 * Finds the range of the axis of values and its ticks: few, at round multiples of the unit. Levels that are near are in
 * it; where lines go far beyond all levels, the range ends above these, for it is there that one looks, but not before
 * each line has come into it.
 */
void
hr_line_scale_init (HrChartScale      *self,
                    const HrLineShape *shape,
                    double             height)
{
  double highest, level, room;

  g_return_if_fail (self != NULL && shape != NULL);
  g_return_if_fail (shape->unit > 0);

  highest = get_highest (shape);
  level = get_level (shape, highest);
  self->plot_height = MAX (height - 2 * shape->line_height - 2 * AXIS_GAP - TOP_ROOM, 1);
  room = self->plot_height / MAX (self->plot_height - shape->line_height - LEVEL_GAP, self->plot_height / 2);
  self->top = MAX (MAX (highest, level * room), 1);
  if (level > 0 && highest > level * FAR)
    self->top = MIN (self->top, MAX (level * FAR / 2, get_lowest (shape) * NEAR));

  hr_chart_scale_set_ticks (self, shape->unit);
}

static double
get_position (const HrLineShape *shape,
              double             position)
{
  return shape->is_logarithmic ? log2 (position) : position;
}

/* How far from the left a position is; a single one stands in the middle. */
static double
get_x (const HrLineLayout *self,
       const HrLineShape  *shape,
       double              position)
{
  double first = get_position (shape, shape->positions[0]);
  double extent = get_position (shape, shape->positions[shape->n_positions - 1]) - first;
  double share = extent > 0 ? (get_position (shape, position) - first) / extent : 0.5;

  return self->plot.x + MARGIN + share * MAX (self->plot.width - 2 * MARGIN, 0);
}

/* Whether lengths count in powers of two: then so do their ticks. */
static gboolean
is_binary (const HrLineShape *shape)
{
  for (guint i = 0; i < shape->n_positions; i++)
    {
      if (fmod (shape->positions[i], 64) != 0)
        return FALSE;
    }

  return shape->positions[shape->n_positions - 1] >= 1024;
}

static gboolean
is_whole (const HrLineShape *shape)
{
  for (guint i = 0; i < shape->n_positions; i++)
    {
      if (shape->positions[i] != floor (shape->positions[i]))
        return FALSE;
    }

  return TRUE;
}

static void
add_tick (HrLineLayout      *self,
          const HrLineShape *shape,
          double             position)
{
  self->ticks[self->n_ticks] = position;
  self->tick_x[self->n_ticks++] = get_x (self, shape, position);
}

static void
add_powers_of_two (HrLineLayout      *self,
                   const HrLineShape *shape,
                   guint              most)
{
  int first = (int) ceil (log2 (shape->positions[0]) - 1e-9);
  int last = (int) floor (log2 (shape->positions[shape->n_positions - 1]) + 1e-9);
  int step = MAX ((last - first + (int) most) / (int) most, 1);

  for (int i = first; i <= last; i += step)
    add_tick (self, shape, exp2 (i));
}

static void
add_multiples (HrLineLayout      *self,
               const HrLineShape *shape,
               guint              most)
{
  double from = shape->positions[0], to = shape->positions[shape->n_positions - 1];
  double least = MAX ((to - from) / most, is_whole (shape) ? 1 : 1e-9);
  double step = is_binary (shape) ? exp2 (ceil (log2 (least) - 1e-9)) : hr_chart_get_round_step (least);

  for (double tick = ceil (from / step - 1e-9) * step; tick <= to + step * 1e-9 && self->n_ticks <= most; tick += step)
    add_tick (self, shape, tick);
}

/* As many as there is room for; where there is no round position, the ends stand for themselves. */
static void
layout_ticks (HrLineLayout      *self,
              const HrLineShape *shape,
              double             tick_width)
{
  guint most = (guint) CLAMP (self->plot.width / (tick_width + LABEL_GAP), 1, 24);

  self->ticks = g_new0 (double, most + 3);
  self->tick_x = g_new0 (double, most + 3);
  if (shape->is_logarithmic)
    add_powers_of_two (self, shape, most);
  else
    add_multiples (self, shape, most);

  if (self->n_ticks < 2)
    {
      self->n_ticks = 0;
      add_tick (self, shape, shape->positions[0]);
      if (shape->n_positions > 1 && most > 1)
        add_tick (self, shape, shape->positions[shape->n_positions - 1]);
    }
}

static void
layout_points (HrLineLayout      *self,
               const HrLineShape *shape)
{
  for (guint i = 0; i < self->n_positions; i++)
    self->x[i] = get_x (self, shape, shape->positions[i]);

  for (guint i = 0; i < self->n_lines * self->n_positions; i++)
    self->y[i] = shape->is_there[i] ? hr_line_layout_get_y (self, (double) shape->values[i]) : NAN;
}

/* Whether the stretch of a line between two positions, or its end, goes through a rectangle. */
static gboolean
stretch_meets (const HrLineLayout *self,
               const double       *y,
               guint               position,
               const HrChartRect  *rect)
{
  guint next = MIN (position + 1, self->n_positions - 1);
  double first = self->x[position], width = self->x[next] - first;
  double left = MAX (first, rect->x), right = MIN (self->x[next], rect->x + rect->width);
  double slope = width > 0 ? (y[next] - y[position]) / width : 0;
  double one = y[position] + (left - first) * slope, other = y[position] + (right - first) * slope;

  return left <= right && MIN (one, other) <= rect->y + rect->height && MAX (one, other) >= rect->y;
}

static gboolean
meets_line (const HrLineLayout *self,
            const HrChartRect  *rect)
{
  for (guint i = 0; i < self->n_lines; i++)
    {
      for (guint j = 0; j < self->n_positions; j++)
        {
          if (stretch_meets (self, &self->y[i * self->n_positions], j, rect))
            return TRUE;
        }
    }

  return FALSE;
}

static gboolean
meets_label (const HrLineLayout *self,
             const HrChartRect  *rect)
{
  for (guint i = 0; i < self->n_levels; i++)
    {
      if (self->levels[i].has_label && hr_chart_rects_meet (rect, &self->levels[i].label))
        return TRUE;
    }
  for (guint i = 0; i < self->n_marks; i++)
    {
      if (self->marks[i].has_label && hr_chart_rects_meet (rect, &self->marks[i].label))
        return TRUE;
    }

  return FALSE;
}

/* The first of some corners where a label stands on no line, or at least on no other label. */
static gboolean
place_label (const HrLineLayout *self,
             const HrChartPoint *corners,
             guint               n_corners,
             HrChartSize         size,
             HrChartRect        *place)
{
  for (guint round = 0; round < 2 && size.width > 0; round++)
    {
      for (guint i = 0; i < n_corners; i++)
        {
          HrChartRect label = { corners[i].x, corners[i].y, size.width, size.height };

          if (!hr_chart_rect_is_inside (&label, &self->plot) || meets_label (self, &label) ||
              (round == 0 && meets_line (self, &label)))
            continue;

          *place = label;
          return TRUE;
        }
    }

  return FALSE;
}

/* At an end of its level, above or below it. */
static void
place_level_label (HrLineLayout     *self,
                   HrLineLevelPlace *level,
                   HrChartSize       size)
{
  double left = self->plot.x + MARGIN, right = self->plot.x + self->plot.width - MARGIN - size.width;
  double above = level->y - size.height - LEVEL_GAP, below = level->y + LEVEL_GAP;
  const HrChartPoint corners[] = { { left, above }, { right, above }, { left, below }, { right, below } };

  level->has_label = place_label (self, corners, G_N_ELEMENTS (corners), size, &level->label);
}

/* At an end of its mark or in the middle, left or right of it: lines rise to the right, so that the left is empty. */
static void
place_mark_label (HrLineLayout    *self,
                  HrLineMarkPlace *mark,
                  HrChartSize      size)
{
  double left = mark->x - LEVEL_GAP - size.width, right = mark->x + LEVEL_GAP;
  double top = self->plot.y + LEVEL_GAP, bottom = self->plot.y + self->plot.height - LEVEL_GAP - size.height;
  double middle = (top + bottom) / 2;
  const HrChartPoint corners[] = {
    { left, top }, { right, top }, { left, bottom }, { right, bottom }, { left, middle }, { right, middle },
  };

  mark->has_label = place_label (self, corners, G_N_ELEMENTS (corners), size, &mark->label);
}

static void
layout_levels (HrLineLayout      *self,
               const HrLineShape *shape)
{
  for (guint i = 0; i < self->n_levels; i++)
    {
      HrLineLevelPlace *level = &self->levels[i];

      level->y = hr_line_layout_get_y (self, (double) shape->levels[i]);
      level->is_shown = (double) shape->levels[i] <= self->scale.top;
      if (level->is_shown)
        place_level_label (self, level, shape->level_labels[i]);
    }
}

static void
layout_marks (HrLineLayout      *self,
              const HrLineShape *shape)
{
  for (guint i = 0; i < self->n_marks; i++)
    {
      HrLineMarkPlace *mark = &self->marks[i];

      mark->is_shown = shape->marks[i] >= shape->positions[0] &&
                       shape->marks[i] <= shape->positions[shape->n_positions - 1];
      if (!mark->is_shown)
        continue;

      mark->x = get_x (self, shape, shape->marks[i]);
      place_mark_label (self, mark, shape->mark_labels[i]);
    }
}

/**
 * hr_line_layout_new:
 * @shape: what is to be shown
 * @scale: how values become heights
 * @axis_width: the width of the labels of the axis of values
 * @tick_width: the width of the widest label of the axis of positions
 * @width: the width to fill, in pixels
 *
 * Lays a line chart out: values at the left, positions and what they are below, lines, levels and marks in the rest.
 *
 * Returns: (transfer full): where everything is
 */
HrLineLayout *
hr_line_layout_new (const HrLineShape  *shape,
                    const HrChartScale *scale,
                    double              axis_width,
                    double              tick_width,
                    double              width)
{
  HrLineLayout *self;
  double left = axis_width + AXIS_GAP;

  g_return_val_if_fail (shape != NULL && scale != NULL, NULL);

  self = g_new0 (HrLineLayout, 1);
  self->scale = *scale;
  self->plot = (HrChartRect) { left, TOP_ROOM, MAX (width - left, 1), scale->plot_height };
  self->n_positions = shape->n_positions;
  self->n_lines = shape->n_lines;
  self->n_levels = shape->n_levels;
  self->x = g_new0 (double, self->n_positions + 1);
  self->y = g_new0 (double, self->n_lines * self->n_positions + 1);
  self->levels = g_new0 (HrLineLevelPlace, self->n_levels + 1);
  self->n_marks = shape->n_marks;
  self->marks = g_new0 (HrLineMarkPlace, self->n_marks + 1);
  if (self->n_positions == 0)
    return self;

  layout_points (self, shape);
  layout_ticks (self, shape, tick_width);
  layout_levels (self, shape);
  layout_marks (self, shape);

  return self;
}

void
hr_line_layout_free (HrLineLayout *self)
{
  g_return_if_fail (self != NULL);

  g_free (self->x);
  g_free (self->y);
  g_free (self->levels);
  g_free (self->marks);
  g_free (self->ticks);
  g_free (self->tick_x);
  g_free (self);
}

/**
 * hr_line_layout_get_y:
 * @self: a layout
 * @value: a value
 *
 * Returns: how far from the top @value is
 */
double
hr_line_layout_get_y (const HrLineLayout *self,
                      double              value)
{
  g_return_val_if_fail (self != NULL, 0);

  return hr_chart_scale_get_y (&self->scale, &self->plot, value);
}

/**
 * hr_line_layout_pick:
 * @self: a layout
 * @x: pixels from the left
 * @y: pixels from the top
 * @line: (out) (optional): the index of the line that is nearest there, or -1 if none is near
 *
 * Finds the position at a point of the chart.
 *
 * Returns: the index of the position, or -1 outside of the lines' place
 */
int
hr_line_layout_pick (const HrLineLayout *self,
                     double              x,
                     double              y,
                     int                *line)
{
  double least = REACH;
  guint nearest = 0;

  g_return_val_if_fail (self != NULL, -1);

  if (line != NULL)
    *line = -1;
  if (self->n_positions == 0 || x < self->plot.x || x > self->plot.x + self->plot.width || y < 0 ||
      y > self->plot.y + self->plot.height)
    return -1;

  for (guint i = 1; i < self->n_positions; i++)
    {
      if (fabs (self->x[i] - x) < fabs (self->x[nearest] - x))
        nearest = i;
    }

  for (guint i = 0; line != NULL && i < self->n_lines; i++)
    {
      double height = self->y[i * self->n_positions + nearest];
      double distance = fabs (MAX (height, self->plot.y) - y);

      if (!isnan (height) && distance < least)
        {
          least = distance;
          *line = i;
        }
    }

  return nearest;
}
