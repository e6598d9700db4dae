/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-chart-axis.h"

#include <math.h>

#define LABEL_GAP 6.0           /* from a label to the plot */

struct _HrChartAxis
{
  HrChartScale scale;
  PangoLayout *unit_label;
  GPtrArray *labels;
  double width;
};

/**
 * hr_chart_axis_new:
 * @context: what its texts are measured and drawn with
 * @scale: how values become heights
 * @unit: what the axis counts in
 * @unit_text: (nullable): the name of the unit
 *
 * Writes the values at the ticks, which depend on the height of the plot alone; how wide they are says where it begins.
 *
 * Returns: (transfer full): the axis
 */
HrChartAxis *
hr_chart_axis_new (PangoContext       *context,
                   const HrChartScale *scale,
                   guint64             unit,
                   const char         *unit_text)
{
  HrChartAxis *self;

  g_return_val_if_fail (PANGO_IS_CONTEXT (context), NULL);
  g_return_val_if_fail (scale != NULL && unit > 0, NULL);

  self = g_new0 (HrChartAxis, 1);
  self->scale = *scale;
  self->labels = g_ptr_array_new_with_free_func (g_object_unref);
  if (unit_text != NULL)
    {
      self->unit_label = hr_chart_create_label (context, unit_text, PANGO_WEIGHT_NORMAL);
      self->width = hr_chart_get_text_size (self->unit_label).width;
    }

  for (guint i = 0; i < scale->n_ticks; i++)
    {
      g_autofree char *text = g_strdup_printf ("%.6g", i * scale->step / (double) unit);
      PangoLayout *label = hr_chart_create_label (context, text, PANGO_WEIGHT_NORMAL);

      self->width = MAX (self->width, hr_chart_get_text_size (label).width);
      g_ptr_array_add (self->labels, label);
    }

  return self;
}

void
hr_chart_axis_free (HrChartAxis *self)
{
  g_return_if_fail (self != NULL);

  g_clear_object (&self->unit_label);
  g_ptr_array_unref (self->labels);
  g_free (self);
}

/**
 * hr_chart_axis_get_width:
 * @self: an axis
 *
 * Returns: the width of its widest label
 */
double
hr_chart_axis_get_width (HrChartAxis *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->width;
}

static void
draw_line (cairo_t            *cr,
           const HrChartStyle *style,
           const HrChartRect  *plot,
           double              y)
{
  cairo_move_to (cr, plot->x, floor (y) + 0.5);
  cairo_line_to (cr, plot->x + plot->width, floor (y) + 0.5);
  hr_chart_set_source_color (cr, style->foreground, style->high_contrast ? 0.5 : 0.15);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);
}

/**
 * hr_chart_axis_draw:
 * @self: an axis
 * @cr: what to draw on
 * @style: the colours of the chart
 * @plot: the place of what is shown
 * @top: where the name of the unit stands, above all values
 * @bottom: how far down values may reach
 *
 * Draws the unit, the values, and a line across the plot for each of them.
 */
void
hr_chart_axis_draw (HrChartAxis        *self,
                    cairo_t            *cr,
                    const HrChartStyle *style,
                    const HrChartRect  *plot,
                    double              top,
                    double              bottom)
{
  double right, least = 0;

  g_return_if_fail (self != NULL);
  g_return_if_fail (cr != NULL && style != NULL && plot != NULL);

  right = plot->x - LABEL_GAP;
  if (self->unit_label != NULL)
    {
      HrChartSize size = hr_chart_get_text_size (self->unit_label);

      hr_chart_set_text_color (cr, style, TRUE);
      hr_chart_show_text (cr, self->unit_label, right - size.width, top);
      least = top + size.height;
    }

  for (guint i = 0; i < self->labels->len; i++)
    {
      PangoLayout *label = g_ptr_array_index (self->labels, i);
      HrChartSize size = hr_chart_get_text_size (label);
      double y = hr_chart_scale_get_y (&self->scale, plot, i * self->scale.step);

      draw_line (cr, style, plot, y);
      if (y - size.height / 2 < least)
        continue;
      hr_chart_set_text_color (cr, style, TRUE);
      hr_chart_show_text (cr, label, right - size.width, MIN (y - size.height / 2, bottom - size.height));
    }
}

/**
 * hr_chart_draw_level:
 * @cr: what to draw on
 * @style: the colours of the chart
 * @plot: the place of what is shown
 * @y: how far from the top the level is
 *
 * Draws a line across the plot for what there is room for.
 */
void
hr_chart_draw_level (cairo_t            *cr,
                     const HrChartStyle *style,
                     const HrChartRect  *plot,
                     double              y)
{
  cairo_save (cr);
  cairo_move_to (cr, plot->x, y);
  cairo_line_to (cr, plot->x + plot->width, y);
  hr_chart_set_source_color (cr, style->foreground, 1);
  cairo_set_line_width (cr, 1.5);
  cairo_set_dash (cr, (const double[]) { 6, 4 }, 2, 0);
  cairo_stroke (cr);
  cairo_restore (cr);
}

/**
 * hr_chart_draw_mark:
 * @cr: what to draw on
 * @style: the colours of the chart
 * @plot: the place of what is shown
 * @x: how far from the left the mark is
 *
 * Draws a dotted line from top to bottom of the plot, for a position that says something by itself.
 */
void
hr_chart_draw_mark (cairo_t            *cr,
                    const HrChartStyle *style,
                    const HrChartRect  *plot,
                    double              x)
{
  cairo_save (cr);
  cairo_move_to (cr, x, plot->y);
  cairo_line_to (cr, x, plot->y + plot->height);
  hr_chart_set_source_color (cr, style->foreground, 1);
  cairo_set_line_width (cr, 1.5);
  cairo_set_dash (cr, (const double[]) { 2, 3 }, 2, 0);
  cairo_stroke (cr);
  cairo_restore (cr);
}

/**
 * hr_chart_draw_guide:
 * @cr: what to draw on
 * @style: the colours of the chart
 * @plot: the place of what is shown
 * @x: how far from the left it is
 * @alpha: how opaque it is, from 0 to 1
 *
 * Draws a line from top to bottom of the plot, for the point that is looked at.
 */
void
hr_chart_draw_guide (cairo_t            *cr,
                     const HrChartStyle *style,
                     const HrChartRect  *plot,
                     double              x,
                     double              alpha)
{
  cairo_move_to (cr, x, plot->y);
  cairo_line_to (cr, x, plot->y + plot->height);
  hr_chart_set_source_color (cr, style->foreground, alpha);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);
}
