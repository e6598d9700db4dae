/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-pie-chart.h"

#include <math.h>

#define GAP 2.0                 /* between slices */
#define CORNER 1.5              /* the radius of a slice's corners */
#define MIN_TOTAL_SCALE 0.75    /* a smaller total in the middle could not be read */
#define MAX_TOTAL_SCALE 2.2
#define CAPTION_SCALE 0.9
#define VALUE_SCALE 0.9

struct _HrPieChart
{
  HrChartData *data;
  PangoContext *context;
  HrPieLayout *layout;
  GPtrArray *names;
  GPtrArray *values;
};

/**
 * hr_pie_chart_new:
 * @data: what to show
 * @context: what its texts are measured and drawn with
 * @width: the width to fill, in pixels
 * @height: the height to fill, in pixels
 *
 * Lays a pie out.
 *
 * Returns: (transfer full): the pie
 */
HrPieChart *
hr_pie_chart_new (HrChartData  *data,
                  PangoContext *context,
                  double        width,
                  double        height)
{
  g_autofree HrChartSize *sizes = NULL;
  g_autofree guint64 *values = NULL;
  HrPieChart *self;
  guint n_parts;

  g_return_val_if_fail (HR_IS_CHART_DATA (data), NULL);
  g_return_val_if_fail (PANGO_IS_CONTEXT (context), NULL);

  self = g_new0 (HrPieChart, 1);
  self->data = g_object_ref (data);
  self->context = g_object_ref (context);
  self->names = g_ptr_array_new_with_free_func (g_object_unref);
  self->values = g_ptr_array_new_with_free_func (g_object_unref);

  n_parts = hr_chart_data_get_n_parts (data);
  sizes = g_new0 (HrChartSize, n_parts + 1);
  for (guint i = 0; i < n_parts; i++)
    {
      const HrChartPart *part = hr_chart_data_get_part (data, i);
      PangoLayout *name = hr_chart_create_layout (context, part->label, 1, PANGO_WEIGHT_NORMAL);
      PangoLayout *value = hr_chart_create_layout (context, part->value_text, VALUE_SCALE, PANGO_WEIGHT_NORMAL);

      sizes[i].width = MAX (hr_chart_get_text_size (name).width, hr_chart_get_text_size (value).width);
      sizes[i].height = hr_chart_get_text_size (name).height + hr_chart_get_text_size (value).height;
      g_ptr_array_add (self->names, name);
      g_ptr_array_add (self->values, value);
    }

  values = hr_chart_data_dup_values (data);
  self->layout = hr_pie_layout_new (values, sizes, n_parts, width, height);

  return self;
}

void
hr_pie_chart_free (HrPieChart *self)
{
  g_return_if_fail (self != NULL);

  g_object_unref (self->data);
  g_object_unref (self->context);
  g_ptr_array_unref (self->names);
  g_ptr_array_unref (self->values);
  hr_pie_layout_free (self->layout);
  g_free (self);
}

/**
 * hr_pie_chart_get_layout:
 * @self: a pie
 *
 * Returns: (transfer none): where its parts are, for [method@PieLayout.pick]
 */
const HrPieLayout *
hr_pie_chart_get_layout (HrPieChart *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->layout;
}

/* The angle that @inset pixels take at @radius, without using a narrow slice up. */
static double
get_inset_angle (const HrPieSlice *slice,
                 double            inset,
                 double            radius)
{
  return MIN (asin (MIN (inset / radius, 1)), (slice->end - slice->start) * 0.3);
}

static void
append_slice (cairo_t           *cr,
              const HrPieLayout *layout,
              const HrPieSlice  *slice,
              double             lift,
              double             inset)
{
  double outer = layout->outer_radius + lift - inset;
  double inner = layout->inner_radius - lift / 2 + inset;
  double outer_angle = get_inset_angle (slice, inset + GAP / 2, outer);
  double inner_angle = get_inset_angle (slice, inset + GAP / 2, inner);

  cairo_new_path (cr);
  if (slice->end - slice->start > 2 * G_PI - 1e-6)
    {
      cairo_arc (cr, layout->center.x, layout->center.y, outer, 0, 2 * G_PI);
      cairo_new_sub_path (cr);
      cairo_arc_negative (cr, layout->center.x, layout->center.y, inner, 2 * G_PI, 0);
      return;
    }

  cairo_arc (cr, layout->center.x, layout->center.y, outer,
             slice->start + outer_angle, slice->end - outer_angle);
  cairo_arc_negative (cr, layout->center.x, layout->center.y, inner,
                      slice->end - inner_angle, slice->start + inner_angle);
  cairo_close_path (cr);
}

static void
fill_slice (HrPieChart         *self,
            cairo_t            *cr,
            const HrChartStyle *style,
            guint               index,
            double              lift)
{
  const HrChartPart *part = hr_chart_data_get_part (self->data, index);
  const HrPieSlice *slice = &self->layout->slices[index];

  if (style->high_contrast)
    {
      append_slice (cr, self->layout, slice, lift, 0);
      hr_chart_fill_part (cr, style, part->color, part->pattern);
      return;
    }

  /* A line with round joins around a smaller slice rounds its corners. */
  append_slice (cr, self->layout, slice, lift, CORNER);
  hr_chart_set_source_color (cr, part->color, 1);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_width (cr, 2 * CORNER);
  cairo_fill_preserve (cr);
  cairo_stroke (cr);
}

static void
draw_label (HrPieChart         *self,
            cairo_t            *cr,
            const HrChartStyle *style,
            guint               index)
{
  const HrPieSlice *slice = &self->layout->slices[index];
  const HrChartPart *part = hr_chart_data_get_part (self->data, index);
  PangoLayout *texts[] = { g_ptr_array_index (self->names, index), g_ptr_array_index (self->values, index) };
  gboolean is_left = slice->label.x < self->layout->center.x;
  double y = slice->label.y;

  cairo_move_to (cr, slice->leader[0].x, slice->leader[0].y);
  cairo_line_to (cr, slice->leader[1].x, slice->leader[1].y);
  cairo_line_to (cr, slice->leader[2].x, slice->leader[2].y);
  hr_chart_set_source_color (cr, style->high_contrast ? style->foreground : part->color, 1);
  cairo_set_line_width (cr, 1);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke (cr);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      HrChartSize size = hr_chart_get_text_size (texts[i]);

      cairo_move_to (cr, is_left ? slice->label.x + slice->label.width - size.width : slice->label.x, y);
      hr_chart_set_text_color (cr, style, i > 0);
      pango_cairo_show_layout (cr, texts[i]);
      y += size.height;
    }
}

static void
draw_centered (cairo_t     *cr,
               PangoLayout *text,
               double       x,
               double       y)
{
  cairo_move_to (cr, x - hr_chart_get_text_size (text).width / 2, y);
  pango_cairo_show_layout (cr, text);
}

/* The total fills the hole as far as is pleasant; what would be too small to read is left to the legend. */
static void
draw_total (HrPieChart         *self,
            cairo_t            *cr,
            const HrChartStyle *style)
{
  const char *caption_text = hr_chart_data_get_caption (self->data);
  const char *total_text = hr_chart_data_get_total_text (self->data);
  HrChartPoint center = self->layout->center;
  double room = 2 * self->layout->inner_radius * 0.8;
  g_autoptr(PangoLayout) plain = hr_chart_create_layout (self->context, total_text, 1, PANGO_WEIGHT_BOLD);
  double scale = MIN (room / MAX (hr_chart_get_text_size (plain).width, 1), MAX_TOTAL_SCALE);
  g_autoptr(PangoLayout) total = hr_chart_create_layout (self->context, total_text, scale, PANGO_WEIGHT_BOLD);
  g_autoptr(PangoLayout) caption = NULL;
  double height = hr_chart_get_text_size (total).height;

  if (scale < MIN_TOTAL_SCALE)
    return;

  if (caption_text != NULL)
    {
      double half;

      caption = hr_chart_create_layout (self->context, caption_text, CAPTION_SCALE, PANGO_WEIGHT_NORMAL);
      half = height / 2 + hr_chart_get_text_size (caption).height;
      if (hypot (hr_chart_get_text_size (caption).width / 2, half) > self->layout->inner_radius * 0.95)
        g_clear_object (&caption);
    }

  if (caption != NULL)
    height += hr_chart_get_text_size (caption).height;

  hr_chart_set_source_color (cr, style->foreground, 1);
  draw_centered (cr, total, center.x, center.y - height / 2);

  if (caption != NULL)
    {
      hr_chart_set_text_color (cr, style, TRUE);
      draw_centered (cr, caption, center.x, center.y + height / 2 - hr_chart_get_text_size (caption).height);
    }
}

static void
draw_empty_ring (HrPieChart         *self,
                 cairo_t            *cr,
                 const HrChartStyle *style)
{
  HrPieSlice whole = { .start = 0, .end = 2 * G_PI };

  append_slice (cr, self->layout, &whole, 0, 0);
  hr_chart_set_source_color (cr, hr_chart_mix_colors (style->background, style->foreground, 0.12), 1);
  cairo_fill (cr);
}

/**
 * hr_pie_chart_draw:
 * @self: a pie
 * @cr: what to draw on
 * @style: the colours of everything but the slices
 *
 * Draws the ring, the labels and the total, without any emphasis.
 */
void
hr_pie_chart_draw (HrPieChart         *self,
                   cairo_t            *cr,
                   const HrChartStyle *style)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (cr != NULL && style != NULL);

  cairo_save (cr);
  if (hr_chart_data_get_total (self->data) == 0)
    draw_empty_ring (self, cr, style);

  for (guint i = 0; i < self->layout->n_slices; i++)
    {
      if (self->layout->slices[i].end > self->layout->slices[i].start)
        fill_slice (self, cr, style, i, 0);
      if (self->layout->slices[i].has_label)
        draw_label (self, cr, style, i);
    }

  draw_total (self, cr, style);
  cairo_restore (cr);
}

static gboolean
is_shown (HrPieChart *self,
          int         index)
{
  return index >= 0 && (guint) index < self->layout->n_slices &&
         self->layout->slices[index].end > self->layout->slices[index].start;
}

/**
 * hr_pie_chart_draw_emphasis:
 * @self: a pie
 * @cr: what to draw on
 * @style: the colours of everything but the slices
 * @selected: the index of the selected slice, or -1
 * @hovered: the index of the slice under the pointer, or -1
 *
 * Draws the selected slice larger and the hovered one brighter, over what [method@PieChart.draw] drew.
 */
void
hr_pie_chart_draw_emphasis (HrPieChart         *self,
                            cairo_t            *cr,
                            const HrChartStyle *style,
                            int                 selected,
                            int                 hovered)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (cr != NULL && style != NULL);

  cairo_save (cr);

  if (is_shown (self, selected))
    {
      fill_slice (self, cr, style, selected, self->layout->lift);

      if (style->high_contrast)
        {
          append_slice (cr, self->layout, &self->layout->slices[selected], self->layout->lift, 0);
          hr_chart_set_source_color (cr, style->foreground, 1);
          cairo_set_line_width (cr, 3);
          cairo_stroke (cr);
        }
    }

  if (is_shown (self, hovered))
    {
      append_slice (cr, self->layout, &self->layout->slices[hovered],
                    hovered == selected ? self->layout->lift : 0, 0);
      cairo_set_source_rgba (cr, 1, 1, 1, 0.25);
      cairo_fill (cr);
    }

  cairo_restore (cr);
}
