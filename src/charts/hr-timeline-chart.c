/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-timeline-chart.h"

#include <math.h>

#include "hr-chart-axis.h"

#define MARK_RADIUS 4.0
#define UNIT_TOP 4.0            /* above the name of the unit */

struct _HrTimelineChart
{
  HrTimelineData *data;
  HrTimelineLayout *layout;
  GPtrArray *band_labels;
  HrChartAxis *axis;
  PangoLayout *peak_label;
  PangoLayout *capacity_label;
};

static void
create_labels (HrTimelineChart *self,
               PangoContext    *context)
{
  g_autofree char *peak = NULL;

  for (guint i = 0; i < hr_timeline_data_get_n_bands (self->data); i++)
    {
      const HrTimelineBand *band = hr_timeline_data_get_band (self->data, i);

      g_ptr_array_add (self->band_labels, hr_chart_create_label (context, band->label, PANGO_WEIGHT_NORMAL));
    }

  if (hr_timeline_data_get_n_points (self->data) > 0)
    peak = hr_timeline_data_format (self->data,
                                    hr_timeline_data_get_total (self->data, hr_timeline_data_get_peak (self->data)));
  self->peak_label = hr_chart_create_label (context, peak != NULL ? peak : "", PANGO_WEIGHT_BOLD);
  if (hr_timeline_data_get_capacity_text (self->data) != NULL)
    self->capacity_label = hr_chart_create_label (context, hr_timeline_data_get_capacity_text (self->data),
                                         PANGO_WEIGHT_NORMAL);
}

static void
lay_out (HrTimelineChart *self,
         PangoContext    *context,
         double           width,
         double           height)
{
  guint n_points = hr_timeline_data_get_n_points (self->data);
  guint n_bands = hr_timeline_data_get_n_bands (self->data);
  g_autofree double *positions = g_new0 (double, n_points + 1);
  g_autofree double *lengths = g_new0 (double, n_points + 1);
  g_autofree guint *bands = g_new0 (guint, n_bands + 1);
  g_autofree HrChartSize *sizes = g_new0 (HrChartSize, n_bands + 1);
  HrTimelineShape shape = {
    .n_parts = hr_timeline_data_get_n_parts (self->data), .n_points = n_points,
    .values = n_points > 0 ? hr_timeline_data_get_values (self->data, 0) : NULL, .positions = positions,
    .lengths = lengths,
    .n_bands = n_bands, .bands = bands, .band_labels = sizes,
    .peak = hr_timeline_data_get_peak (self->data), .peak_label = hr_chart_get_text_size (self->peak_label),
    .capacity = hr_timeline_data_get_capacity (self->data), .unit = hr_timeline_data_get_unit (self->data),
    .line_height = hr_chart_get_text_size (self->peak_label).height,
  };
  HrChartScale scale;

  for (guint i = 0; i < n_points; i++)
    {
      positions[i] = hr_timeline_data_get_position (self->data, i);
      lengths[i] = hr_timeline_data_get_length (self->data, i);
    }
  for (guint i = 0; i < n_bands; i++)
    {
      bands[i] = hr_timeline_data_get_band (self->data, i)->first;
      sizes[i] = hr_chart_get_text_size (g_ptr_array_index (self->band_labels, i));
    }
  if (self->capacity_label != NULL)
    shape.capacity_label = hr_chart_get_text_size (self->capacity_label);

  hr_timeline_scale_init (&scale, &shape, height);
  self->axis = hr_chart_axis_new (context, &scale, shape.unit, hr_timeline_data_get_unit_text (self->data));
  self->layout = hr_timeline_layout_new (&shape, &scale, hr_chart_axis_get_width (self->axis), width);
}

/**
 * hr_timeline_chart_new:
 * @data: what to show
 * @context: what its texts are measured and drawn with
 * @width: the width to fill, in pixels
 * @height: the height to fill, in pixels
 *
 * Lays a timeline out.
 *
 * Returns: (transfer full): the chart
 */
HrTimelineChart *
hr_timeline_chart_new (HrTimelineData *data,
                       PangoContext   *context,
                       double          width,
                       double          height)
{
  HrTimelineChart *self;

  g_return_val_if_fail (HR_IS_TIMELINE_DATA (data), NULL);
  g_return_val_if_fail (PANGO_IS_CONTEXT (context), NULL);

  self = g_new0 (HrTimelineChart, 1);
  self->data = g_object_ref (data);
  self->band_labels = g_ptr_array_new_with_free_func (g_object_unref);
  create_labels (self, context);
  lay_out (self, context, width, height);

  return self;
}

void
hr_timeline_chart_free (HrTimelineChart *self)
{
  g_return_if_fail (self != NULL);

  g_object_unref (self->data);
  g_ptr_array_unref (self->band_labels);
  hr_chart_axis_free (self->axis);
  g_clear_object (&self->peak_label);
  g_clear_object (&self->capacity_label);
  hr_timeline_layout_free (self->layout);
  g_free (self);
}

/**
 * hr_timeline_chart_get_layout:
 * @self: a timeline
 *
 * Returns: (transfer none): where its parts are, for [method@TimelineLayout.pick]
 */
const HrTimelineLayout *
hr_timeline_chart_get_layout (HrTimelineChart *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->layout;
}

static double
get_edge (const HrTimelineLayout *layout,
          guint                   point,
          guint                   edge)
{
  return layout->y[point * (layout->n_parts + 1) + edge];
}

static void
append_area (cairo_t                *cr,
             const HrTimelineLayout *layout,
             guint                   part)
{
  cairo_new_path (cr);
  for (guint i = 0; i < layout->n_points; i++)
    {
      cairo_line_to (cr, layout->x[2 * i], get_edge (layout, i, part + 1));
      cairo_line_to (cr, layout->x[2 * i + 1], get_edge (layout, i, part + 1));
    }
  for (guint i = layout->n_points; i-- > 0;)
    {
      cairo_line_to (cr, layout->x[2 * i + 1], get_edge (layout, i, part));
      cairo_line_to (cr, layout->x[2 * i], get_edge (layout, i, part));
    }
  cairo_close_path (cr);
}

static gboolean
is_shown (const HrTimelineLayout *layout,
          guint                   part)
{
  for (guint i = 0; i < layout->n_points; i++)
    {
      if (get_edge (layout, i, part) > get_edge (layout, i, part + 1))
        return TRUE;
    }

  return FALSE;
}

/* Every other band is a little darker, so that bands without a label can be told apart as well. */
static void
draw_bands (HrTimelineChart    *self,
            cairo_t            *cr,
            const HrChartStyle *style)
{
  const HrTimelineLayout *layout = self->layout;
  guint peak = hr_timeline_data_get_n_points (self->data) > 0
                 ? hr_timeline_data_find_band (self->data, hr_timeline_data_get_peak (self->data)) : 0;

  for (guint i = 0; i < layout->n_bands; i++)
    {
      const HrTimelineBandPlace *band = &layout->bands[i];
      PangoLayout *text = g_ptr_array_index (self->band_labels, i);

      if (i % 2 == 0)
        {
          cairo_rectangle (cr, band->x, 0, band->width, layout->plot.y + layout->plot.height);
          hr_chart_set_source_color (cr, hr_chart_mix_colors (style->background, style->foreground,
                                                              style->high_contrast ? 0.1 : 0.05), 1);
          cairo_fill (cr);
        }
      if (band->has_label)
        {
          hr_chart_set_text_color (cr, style, i != peak);
          hr_chart_show_text (cr, text, band->label.x, band->label.y);
        }
    }
}

/* The lowest value does not reach beyond the areas' lower edge, where there may be nothing to draw on. */
static void
draw_axis (HrTimelineChart    *self,
           cairo_t            *cr,
           const HrChartStyle *style)
{
  const HrChartRect *plot = &self->layout->plot;

  hr_chart_axis_draw (self->axis, cr, style, plot, UNIT_TOP, plot->y + plot->height + 3);
}

static void
draw_areas (HrTimelineChart    *self,
            cairo_t            *cr,
            const HrChartStyle *style)
{
  for (guint i = 0; i < self->layout->n_parts; i++)
    {
      const HrTimelinePart *part = hr_timeline_data_get_part (self->data, i);

      if (!is_shown (self->layout, i))
        continue;

      append_area (cr, self->layout, i);
      hr_chart_fill_part (cr, style, part->color, part->pattern);
    }
}

static void
draw_separators (HrTimelineChart    *self,
                 cairo_t            *cr,
                 const HrChartStyle *style)
{
  const HrTimelineLayout *layout = self->layout;

  for (guint i = 1; i < layout->n_bands; i++)
    {
      cairo_move_to (cr, layout->bands[i].x, layout->plot.y);
      cairo_line_to (cr, layout->bands[i].x, layout->plot.y + layout->plot.height);
    }
  hr_chart_set_source_color (cr, style->high_contrast ? style->foreground : style->background, 0.6);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);
}

static void
draw_capacity (HrTimelineChart    *self,
               cairo_t            *cr,
               const HrChartStyle *style)
{
  const HrTimelineLayout *layout = self->layout;

  if (!layout->has_capacity)
    return;

  hr_chart_draw_level (cr, style, &layout->plot, layout->capacity_y);
  if (layout->has_capacity_label)
    hr_chart_show_text_on_ground (cr, style, self->capacity_label, &layout->capacity_label);
}

static void
draw_mark (cairo_t            *cr,
           const HrChartStyle *style,
           double              x,
           double              y)
{
  cairo_new_sub_path (cr);
  cairo_arc (cr, x, y, MARK_RADIUS, 0, 2 * G_PI);
  hr_chart_set_source_color (cr, style->foreground, 1);
  cairo_fill_preserve (cr);
  hr_chart_set_source_color (cr, style->background, 1);
  cairo_set_line_width (cr, 1.5);
  cairo_stroke (cr);
}

/**
 * hr_timeline_chart_draw:
 * @self: a timeline
 * @cr: what to draw on
 * @style: the colours of everything but the areas
 *
 * Draws bands, axis, areas, capacity and peak, without any emphasis.
 */
void
hr_timeline_chart_draw (HrTimelineChart    *self,
                        cairo_t            *cr,
                        const HrChartStyle *style)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (cr != NULL && style != NULL);

  cairo_save (cr);
  draw_bands (self, cr, style);
  draw_axis (self, cr, style);
  draw_areas (self, cr, style);
  draw_separators (self, cr, style);
  draw_capacity (self, cr, style);
  if (self->layout->n_points > 0)
    {
      hr_chart_show_text_on_ground (cr, style, self->peak_label, &self->layout->peak_label);
      draw_mark (cr, style, self->layout->peak.x, self->layout->peak.y);
    }
  cairo_restore (cr);
}

/* Where it begins and ends, in the colour of texts. */
static void
draw_selection (HrTimelineChart    *self,
                cairo_t            *cr,
                const HrChartStyle *style,
                guint               selected)
{
  const HrChartRect *plot = &self->layout->plot;

  cairo_save (cr);
  cairo_rectangle (cr, plot->x, plot->y, plot->width, plot->height + 1);
  cairo_clip (cr);
  append_area (cr, self->layout, selected);
  hr_chart_set_source_color (cr, style->foreground, 1);
  cairo_set_line_width (cr, style->high_contrast ? 3 : 1.5);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke (cr);
  cairo_restore (cr);
}

/**
 * hr_timeline_chart_draw_emphasis:
 * @self: a timeline
 * @cr: what to draw on
 * @style: the colours of everything but the areas
 * @selected: the index of the selected part, or -1
 * @point: the index of the point that is looked at, or -1
 *
 * Outlines the selected area, and marks a point, over what [method@TimelineChart.draw] drew.
 */
void
hr_timeline_chart_draw_emphasis (HrTimelineChart    *self,
                                 cairo_t            *cr,
                                 const HrChartStyle *style,
                                 int                 selected,
                                 int                 point)
{
  const HrTimelineLayout *layout;

  g_return_if_fail (self != NULL);
  g_return_if_fail (cr != NULL && style != NULL);

  layout = self->layout;
  cairo_save (cr);
  if (selected >= 0 && (guint) selected < layout->n_parts && is_shown (layout, selected))
    draw_selection (self, cr, style, selected);

  if (point >= 0 && (guint) point < layout->n_points)
    {
      double x = hr_timeline_layout_get_x (layout, point);

      hr_chart_draw_guide (cr, style, &layout->plot, x, 0.8);
      draw_mark (cr, style, x, get_edge (layout, point, layout->n_parts));
    }
  cairo_restore (cr);
}
