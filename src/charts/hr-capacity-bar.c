/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-capacity-bar.h"

#include <math.h>

#define RADIUS 6.0              /* of the bar's corners */
#define GAP 1.0                 /* between segments */
#define HATCH_STEP 7.0
#define MARK_WIDTH 2.0          /* of the line at which the capacity ends */

struct _HrCapacityBar
{
  HrChartData *data;
  HrBarLayout *layout;
};

/**
 * hr_capacity_bar_new:
 * @data: what to show, with its capacity
 * @width: the width to fill, in pixels
 * @height: the height to fill, in pixels
 *
 * Lays a capacity bar out.
 *
 * Returns: (transfer full): the bar
 */
HrCapacityBar *
hr_capacity_bar_new (HrChartData *data,
                     double       width,
                     double       height)
{
  g_autofree guint64 *values = NULL;
  HrCapacityBar *self;

  g_return_val_if_fail (HR_IS_CHART_DATA (data), NULL);

  values = hr_chart_data_dup_values (data);
  self = g_new0 (HrCapacityBar, 1);
  self->data = g_object_ref (data);
  self->layout = hr_bar_layout_new (values, hr_chart_data_get_n_parts (data), hr_chart_data_get_capacity (data),
                                    width, height);

  return self;
}

void
hr_capacity_bar_free (HrCapacityBar *self)
{
  g_return_if_fail (self != NULL);

  g_object_unref (self->data);
  hr_bar_layout_free (self->layout);
  g_free (self);
}

/**
 * hr_capacity_bar_get_layout:
 * @self: a capacity bar
 *
 * Returns: (transfer none): where its parts are, for [method@BarLayout.pick]
 */
const HrBarLayout *
hr_capacity_bar_get_layout (HrCapacityBar *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->layout;
}

static void
clip_to_bar (HrCapacityBar *self,
             cairo_t       *cr)
{
  const HrChartRect *bar = &self->layout->bar;

  hr_chart_append_rounded_rect (cr, bar->x, bar->y, bar->width, bar->height, RADIUS);
  cairo_clip (cr);
}

static void
append_segment (HrCapacityBar *self,
                cairo_t       *cr,
                guint          index)
{
  const HrChartRect *segment = &self->layout->segments[index];
  gboolean is_first = segment->x <= self->layout->bar.x;
  double gap = is_first ? 0 : MIN (GAP, segment->width / 3);

  cairo_new_path (cr);
  cairo_rectangle (cr, segment->x + gap, segment->y, segment->width - gap, segment->height);
}

static void
append_hatching (cairo_t           *cr,
                 const HrChartRect *rect)
{
  for (double x = rect->x - rect->height; x < rect->x + rect->width; x += HATCH_STEP)
    {
      cairo_move_to (cr, x, rect->y + rect->height);
      cairo_line_to (cr, x + rect->height, rect->y);
    }
}

/* Headroom is an empty stretch; in high contrast its outline tells where it ends. */
static void
draw_headroom (HrCapacityBar      *self,
               cairo_t            *cr,
               const HrChartStyle *style)
{
  const HrChartRect *bar = &self->layout->bar;

  hr_chart_append_rounded_rect (cr, bar->x, bar->y, bar->width, bar->height, RADIUS);
  hr_chart_set_source_color (cr, hr_chart_mix_colors (style->background, style->foreground,
                                                      style->high_contrast ? 0 : 0.12), 1);
  cairo_fill (cr);
}

static void
draw_outline (HrCapacityBar      *self,
              cairo_t            *cr,
              const HrChartStyle *style)
{
  const HrChartRect *bar = &self->layout->bar;

  hr_chart_append_rounded_rect (cr, bar->x + 0.5, bar->y + 0.5, bar->width - 1, bar->height - 1, RADIUS);
  hr_chart_set_source_color (cr, style->foreground, 1);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);
}

static void
draw_overflow (HrCapacityBar      *self,
               cairo_t            *cr,
               const HrChartStyle *style)
{
  const HrChartRect *rest = &self->layout->rest;

  cairo_save (cr);
  cairo_rectangle (cr, rest->x, rest->y, rest->width, rest->height);
  cairo_clip (cr);
  hr_chart_set_source_color (cr, style->background, 0.55);
  cairo_paint (cr);
  append_hatching (cr, rest);
  hr_chart_set_source_color (cr, style->foreground, style->high_contrast ? 1 : 0.65);
  cairo_set_line_width (cr, 2);
  cairo_stroke (cr);
  cairo_restore (cr);

  cairo_rectangle (cr, rest->x - MARK_WIDTH / 2, rest->y, MARK_WIDTH, rest->height);
  hr_chart_set_source_color (cr, style->foreground, 1);
  cairo_fill (cr);
}

/* Where the values may end as well: hatched from the least to the most, over what is there and what is left. */
static void
draw_range (HrCapacityBar      *self,
            cairo_t            *cr,
            const HrChartStyle *style)
{
  double whole = MAX (hr_chart_data_get_capacity (self->data), hr_chart_data_get_total (self->data));
  HrChartRect range = self->layout->bar;
  guint64 low, high;

  if (!hr_chart_data_get_range (self->data, &low, &high) || whole <= 0)
    return;

  range.x += range.width * MIN (low / whole, 1);
  range.width = self->layout->bar.width * MIN (high / whole, 1) - (range.x - self->layout->bar.x);
  cairo_save (cr);
  cairo_rectangle (cr, range.x, range.y, range.width, range.height);
  cairo_clip (cr);
  append_hatching (cr, &range);
  hr_chart_set_source_color (cr, style->foreground, style->high_contrast ? 1 : 0.65);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);
  cairo_restore (cr);
}

/**
 * hr_capacity_bar_draw:
 * @self: a capacity bar
 * @cr: what to draw on
 * @style: the colours of everything but the segments
 *
 * Draws the bar without any emphasis: headroom as an empty stretch, what goes beyond the capacity hatched, and so with
 * finer lines the range in which the values may end.
 */
void
hr_capacity_bar_draw (HrCapacityBar      *self,
                      cairo_t            *cr,
                      const HrChartStyle *style)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (cr != NULL && style != NULL);

  cairo_save (cr);
  draw_headroom (self, cr, style);

  cairo_save (cr);
  clip_to_bar (self, cr);
  for (guint i = 0; i < self->layout->n_segments; i++)
    {
      const HrChartPart *part = hr_chart_data_get_part (self->data, i);

      if (self->layout->segments[i].width <= 0)
        continue;

      append_segment (self, cr, i);
      hr_chart_fill_part (cr, style, part->color, part->pattern);
    }
  if (self->layout->is_over)
    draw_overflow (self, cr, style);
  else
    draw_range (self, cr, style);
  cairo_restore (cr);

  if (style->high_contrast)
    draw_outline (self, cr, style);
  cairo_restore (cr);
}

/**
 * hr_capacity_bar_draw_emphasis:
 * @self: a capacity bar
 * @cr: what to draw on
 * @style: the colours of everything but the segments
 * @selected: the index of the selected segment, or -1
 * @hovered: the index of the segment under the pointer, or -1
 *
 * Marks the selected segment with a frame and the hovered one with a brighter colour, over what
 * [method@CapacityBar.draw] drew.
 */
void
hr_capacity_bar_draw_emphasis (HrCapacityBar      *self,
                               cairo_t            *cr,
                               const HrChartStyle *style,
                               int                 selected,
                               int                 hovered)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (cr != NULL && style != NULL);

  cairo_save (cr);
  clip_to_bar (self, cr);

  if (hovered >= 0 && (guint) hovered < self->layout->n_segments)
    {
      append_segment (self, cr, hovered);
      cairo_set_source_rgba (cr, 1, 1, 1, 0.25);
      cairo_fill (cr);
    }

  if (selected >= 0 && (guint) selected < self->layout->n_segments && self->layout->segments[selected].width > 0)
    {
      const HrChartRect *segment = &self->layout->segments[selected];
      double line = MIN (2, segment->width / 2);

      cairo_rectangle (cr, segment->x, segment->y + segment->height - line, segment->width, line);
      hr_chart_set_source_color (cr, style->foreground, 1);
      cairo_fill (cr);
    }

  cairo_restore (cr);
}
