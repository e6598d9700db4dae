/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-timeline-chart.h"

#include <math.h>

#define LABEL_SCALE 0.85
#define DIM 0.35                /* how far secondary texts fade into the background */
#define MARK_RADIUS 4.0
#define PADDING 3.0             /* around a label that stands on something */

struct _HrTimelineChart
{
  HrTimelineData *data;
  HrTimelineLayout *layout;
  GPtrArray *band_labels;
  GPtrArray *tick_labels;
  PangoLayout *unit_label;
  PangoLayout *peak_label;
  PangoLayout *capacity_label;
};

static HrChartSize
get_size (PangoLayout *layout)
{
  int width, height;

  pango_layout_get_size (layout, &width, &height);

  return (HrChartSize) { ceil ((double) width / PANGO_SCALE), ceil ((double) height / PANGO_SCALE) };
}

static PangoLayout *
create_label (PangoContext *context,
              const char   *text,
              PangoWeight   weight)
{
  return hr_chart_create_layout (context, text, LABEL_SCALE, weight);
}

static void
create_labels (HrTimelineChart *self,
               PangoContext    *context)
{
  g_autofree char *peak = NULL;

  for (guint i = 0; i < hr_timeline_data_get_n_bands (self->data); i++)
    g_ptr_array_add (self->band_labels, create_label (context, hr_timeline_data_get_band (self->data, i)->label,
                                                      PANGO_WEIGHT_NORMAL));

  if (hr_timeline_data_get_n_points (self->data) > 0)
    peak = hr_timeline_data_format (self->data,
                                    hr_timeline_data_get_total (self->data, hr_timeline_data_get_peak (self->data)));
  self->peak_label = create_label (context, peak != NULL ? peak : "", PANGO_WEIGHT_BOLD);
  if (hr_timeline_data_get_unit_text (self->data) != NULL)
    self->unit_label = create_label (context, hr_timeline_data_get_unit_text (self->data), PANGO_WEIGHT_NORMAL);
  if (hr_timeline_data_get_capacity_text (self->data) != NULL)
    self->capacity_label = create_label (context, hr_timeline_data_get_capacity_text (self->data),
                                         PANGO_WEIGHT_NORMAL);
}

/* The ticks depend on the height alone, and how wide their labels are says where the areas begin. */
static double
create_tick_labels (HrTimelineChart       *self,
                    PangoContext          *context,
                    const HrTimelineScale *scale)
{
  double unit = (double) hr_timeline_data_get_unit (self->data);
  double width = self->unit_label != NULL ? get_size (self->unit_label).width : 0;

  for (guint i = 0; i < scale->n_ticks; i++)
    {
      g_autofree char *text = g_strdup_printf ("%.6g", i * scale->step / unit);
      PangoLayout *label = create_label (context, text, PANGO_WEIGHT_NORMAL);

      width = MAX (width, get_size (label).width);
      g_ptr_array_add (self->tick_labels, label);
    }

  return width;
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
    .peak = hr_timeline_data_get_peak (self->data), .peak_label = get_size (self->peak_label),
    .capacity = hr_timeline_data_get_capacity (self->data), .unit = hr_timeline_data_get_unit (self->data),
    .line_height = get_size (self->peak_label).height,
  };
  HrTimelineScale scale;
  double axis_width;

  for (guint i = 0; i < n_points; i++)
    {
      positions[i] = hr_timeline_data_get_position (self->data, i);
      lengths[i] = hr_timeline_data_get_length (self->data, i);
    }
  for (guint i = 0; i < n_bands; i++)
    {
      bands[i] = hr_timeline_data_get_band (self->data, i)->first;
      sizes[i] = get_size (g_ptr_array_index (self->band_labels, i));
    }
  if (self->capacity_label != NULL)
    shape.capacity_label = get_size (self->capacity_label);

  hr_timeline_scale_init (&scale, &shape, height);
  axis_width = create_tick_labels (self, context, &scale);
  self->layout = hr_timeline_layout_new (&shape, &scale, axis_width, width);
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
  self->tick_labels = g_ptr_array_new_with_free_func (g_object_unref);
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
  g_ptr_array_unref (self->tick_labels);
  g_clear_object (&self->unit_label);
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

static void
set_text_color (cairo_t            *cr,
                const HrChartStyle *style,
                gboolean            secondary)
{
  double fade = secondary && !style->high_contrast ? DIM : 0;

  hr_chart_set_source_color (cr, hr_chart_mix_colors (style->foreground, style->background, fade), 1);
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
          set_text_color (cr, style, i != peak);
          hr_chart_show_text (cr, text, band->label.x, band->label.y);
        }
    }
}

static void
draw_axis (HrTimelineChart    *self,
           cairo_t            *cr,
           const HrChartStyle *style)
{
  const HrTimelineLayout *layout = self->layout;
  const HrChartRect *plot = &layout->plot;
  double right = plot->x - 6;

  for (guint i = 0; i < self->tick_labels->len; i++)
    {
      PangoLayout *text = g_ptr_array_index (self->tick_labels, i);
      HrChartSize size = get_size (text);
      double y = hr_timeline_layout_get_y (layout, i * layout->scale.step);

      cairo_move_to (cr, plot->x, floor (y) + 0.5);
      cairo_line_to (cr, plot->x + plot->width, floor (y) + 0.5);
      hr_chart_set_source_color (cr, style->foreground, style->high_contrast ? 0.5 : 0.15);
      cairo_set_line_width (cr, 1);
      cairo_stroke (cr);

      /* The lowest label does not reach beyond the areas' lower edge, where there may be nothing to draw on. */
      set_text_color (cr, style, TRUE);
      hr_chart_show_text (cr, text, right - size.width,
                          MIN (y - size.height / 2, plot->y + plot->height - size.height + 3));
    }

  if (self->unit_label != NULL)
    {
      set_text_color (cr, style, TRUE);
      hr_chart_show_text (cr, self->unit_label, right - get_size (self->unit_label).width, 4);
    }
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

/* A label that stands on areas or on a line has a ground of its own. */
static void
draw_on_ground (cairo_t            *cr,
                const HrChartStyle *style,
                PangoLayout        *text,
                const HrChartRect  *place)
{
  hr_chart_append_rounded_rect (cr, place->x - PADDING, place->y, place->width + 2 * PADDING, place->height, 4);
  hr_chart_set_source_color (cr, style->background, 0.85);
  cairo_fill (cr);
  set_text_color (cr, style, FALSE);
  hr_chart_show_text (cr, text, place->x, place->y);
}

static void
draw_capacity (HrTimelineChart    *self,
               cairo_t            *cr,
               const HrChartStyle *style)
{
  const HrTimelineLayout *layout = self->layout;

  if (!layout->scale.has_capacity)
    return;

  cairo_save (cr);
  cairo_move_to (cr, layout->plot.x, layout->capacity_y);
  cairo_line_to (cr, layout->plot.x + layout->plot.width, layout->capacity_y);
  hr_chart_set_source_color (cr, style->foreground, 1);
  cairo_set_line_width (cr, 1.5);
  cairo_set_dash (cr, (const double[]) { 6, 4 }, 2, 0);
  cairo_stroke (cr);
  cairo_restore (cr);

  if (layout->has_capacity_label)
    draw_on_ground (cr, style, self->capacity_label, &layout->capacity_label);
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
      draw_on_ground (cr, style, self->peak_label, &self->layout->peak_label);
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

      cairo_move_to (cr, x, layout->plot.y);
      cairo_line_to (cr, x, layout->plot.y + layout->plot.height);
      hr_chart_set_source_color (cr, style->foreground, 0.8);
      cairo_set_line_width (cr, 1);
      cairo_stroke (cr);
      draw_mark (cr, style, x, get_edge (layout, point, layout->n_parts));
    }
  cairo_restore (cr);
}
