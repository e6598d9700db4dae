/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-line-chart.h"

#include <math.h>

#include "hr-chart-axis.h"

#define LINE_WIDTH 2.0
#define MARK 3.5                /* half the size of a mark */
#define MARK_GAP 14.0           /* points nearer than this have a mark only now and then */
#define N_LOOKS 7

struct _HrLineChart
{
  HrLineData *data;
  HrLineLayout *layout;
  HrChartAxis *axis;
  GPtrArray *tick_labels;
  GPtrArray *level_labels;
  GPtrArray *mark_labels;
  PangoLayout *axis_label;
};

static PangoLayout *
create_label (PangoContext *context,
              const char   *text)
{
  return hr_chart_create_label (context, text, PANGO_WEIGHT_NORMAL);
}

/* That of the last position is as wide as any, or that of the first where it has decimals. */
static double
measure_ticks (HrLineChart  *self,
               PangoContext *context)
{
  guint n_positions;
  const double *positions = hr_line_data_get_positions (self->data, &n_positions);
  double width = 0;

  for (guint i = 0; i < n_positions; i += MAX (n_positions - 1, 1))
    {
      g_autofree char *text = hr_line_data_format_position (self->data, positions[i]);
      PangoLayout *label = create_label (context, text);

      width = MAX (width, hr_chart_get_text_size (label).width);
      g_object_unref (label);
    }

  return width;
}

static void
lay_out (HrLineChart  *self,
         PangoContext *context,
         double        width,
         double        height)
{
  guint n_lines = hr_line_data_get_n_lines (self->data), n_levels = hr_line_data_get_n_levels (self->data);
  guint n_marks = hr_line_data_get_n_marks (self->data), n_positions;
  const double *positions = hr_line_data_get_positions (self->data, &n_positions);
  g_autofree guint64 *values = g_new0 (guint64, n_lines * n_positions + 1);
  g_autofree gboolean *is_there = g_new0 (gboolean, n_lines * n_positions + 1);
  g_autofree guint64 *levels = g_new0 (guint64, n_levels + 1);
  g_autofree HrChartSize *sizes = g_new0 (HrChartSize, n_levels + 1);
  g_autofree double *marks = g_new0 (double, n_marks + 1);
  g_autofree HrChartSize *mark_sizes = g_new0 (HrChartSize, n_marks + 1);
  HrLineShape shape = {
    .n_positions = n_positions, .positions = positions,
    .is_logarithmic = hr_line_data_get_logarithmic (self->data), .n_lines = n_lines, .values = values,
    .is_there = is_there, .n_levels = n_levels, .levels = levels, .level_labels = sizes,
    .n_marks = n_marks, .marks = marks, .mark_labels = mark_sizes,
    .unit = hr_line_data_get_unit (self->data), .line_height = hr_chart_get_text_size (self->axis_label).height,
  };
  HrChartScale scale;

  for (guint i = 0; i < n_lines * n_positions; i++)
    is_there[i] = hr_line_data_get_value (self->data, i / n_positions, i % n_positions, &values[i]);
  for (guint i = 0; i < n_levels; i++)
    {
      levels[i] = hr_line_data_get_level (self->data, i)->value;
      sizes[i] = hr_chart_get_text_size (g_ptr_array_index (self->level_labels, i));
    }
  for (guint i = 0; i < n_marks; i++)
    {
      marks[i] = hr_line_data_get_mark (self->data, i)->position;
      mark_sizes[i] = hr_chart_get_text_size (g_ptr_array_index (self->mark_labels, i));
    }

  hr_line_scale_init (&scale, &shape, height);
  self->axis = hr_chart_axis_new (context, &scale, shape.unit, hr_line_data_get_unit_text (self->data));
  self->layout = hr_line_layout_new (&shape, &scale, hr_chart_axis_get_width (self->axis),
                                     measure_ticks (self, context), width);
  for (guint i = 0; i < self->layout->n_ticks; i++)
    {
      g_autofree char *text = hr_line_data_format_position (self->data, self->layout->ticks[i]);

      g_ptr_array_add (self->tick_labels, create_label (context, text));
    }
}

/**
 * hr_line_chart_new:
 * @data: what to show
 * @context: what its texts are measured and drawn with
 * @width: the width to fill, in pixels
 * @height: the height to fill, in pixels
 *
 * Lays a line chart out.
 *
 * Returns: (transfer full): the chart
 */
HrLineChart *
hr_line_chart_new (HrLineData   *data,
                   PangoContext *context,
                   double        width,
                   double        height)
{
  HrLineChart *self;

  g_return_val_if_fail (HR_IS_LINE_DATA (data), NULL);
  g_return_val_if_fail (PANGO_IS_CONTEXT (context), NULL);

  self = g_new0 (HrLineChart, 1);
  self->data = g_object_ref (data);
  self->tick_labels = g_ptr_array_new_with_free_func (g_object_unref);
  self->level_labels = g_ptr_array_new_with_free_func (g_object_unref);
  self->mark_labels = g_ptr_array_new_with_free_func (g_object_unref);
  self->axis_label = create_label (context, hr_line_data_get_axis_title (data));
  for (guint i = 0; i < hr_line_data_get_n_levels (data); i++)
    g_ptr_array_add (self->level_labels, create_label (context, hr_line_data_get_level (data, i)->label));
  for (guint i = 0; i < hr_line_data_get_n_marks (data); i++)
    g_ptr_array_add (self->mark_labels, create_label (context, hr_line_data_get_mark (data, i)->label));
  lay_out (self, context, width, height);

  return self;
}

void
hr_line_chart_free (HrLineChart *self)
{
  g_return_if_fail (self != NULL);

  g_object_unref (self->data);
  hr_chart_axis_free (self->axis);
  g_ptr_array_unref (self->tick_labels);
  g_ptr_array_unref (self->level_labels);
  g_ptr_array_unref (self->mark_labels);
  g_object_unref (self->axis_label);
  hr_line_layout_free (self->layout);
  g_free (self);
}

/**
 * hr_line_chart_get_layout:
 * @self: a line chart
 *
 * Returns: (transfer none): where its parts are, for [method@LineLayout.pick]
 */
const HrLineLayout *
hr_line_chart_get_layout (HrLineChart *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->layout;
}

static void
draw_positions (HrLineChart        *self,
                cairo_t            *cr,
                const HrChartStyle *style)
{
  const HrLineLayout *layout = self->layout;
  const HrChartRect *plot = &layout->plot;
  HrChartSize title = hr_chart_get_text_size (self->axis_label);
  double bottom = plot->y + plot->height;

  for (guint i = 0; i < layout->n_ticks; i++)
    {
      PangoLayout *text = g_ptr_array_index (self->tick_labels, i);
      HrChartSize size = hr_chart_get_text_size (text);
      double x = layout->tick_x[i];

      cairo_move_to (cr, floor (x) + 0.5, bottom);
      cairo_line_to (cr, floor (x) + 0.5, bottom + 4);
      hr_chart_set_text_color (cr, style, TRUE);
      cairo_set_line_width (cr, 1);
      cairo_stroke (cr);
      hr_chart_show_text (cr, text, CLAMP (x - size.width / 2, 0, MAX (plot->x + plot->width - size.width, 0)),
                          bottom + 6);
    }

  hr_chart_set_text_color (cr, style, TRUE);
  hr_chart_show_text (cr, self->axis_label, plot->x + MAX ((plot->width - title.width) / 2, 0),
                      bottom + 8 + title.height);
}

static void
set_dashes (cairo_t *cr,
            guint    look)
{
  static const struct
  {
    double lengths[4];
    int n;
  } dashes[N_LOOKS] = {
    { { 0 }, 0 },
    { { 8, 4 }, 2 },
    { { 2, 3 }, 2 },
    { { 9, 3, 2, 3 }, 4 },
    { { 14, 4 }, 2 },
    { { 5, 2 }, 2 },
    { { 1, 4, 6, 4 }, 4 },
  };

  cairo_set_dash (cr, dashes[look % N_LOOKS].lengths, dashes[look % N_LOOKS].n, 0);
}

static void
append_polygon (cairo_t            *cr,
                const HrChartPoint *points,
                guint               n_points,
                double              x,
                double              y,
                double              size)
{
  cairo_new_sub_path (cr);
  for (guint i = 0; i < n_points; i++)
    cairo_line_to (cr, x + points[i].x * size, y + points[i].y * size);
  cairo_close_path (cr);
}

/* A mark of its own for each look, so that lines are told apart without their colours. */
static void
append_mark (cairo_t *cr,
             guint    look,
             double   x,
             double   y,
             double   size)
{
  static const HrChartPoint square[] = { { -1, -1 }, { 1, -1 }, { 1, 1 }, { -1, 1 } };
  static const HrChartPoint diamond[] = { { 0, -1.35 }, { 1.35, 0 }, { 0, 1.35 }, { -1.35, 0 } };
  static const HrChartPoint up[] = { { 0, -1.3 }, { 1.25, 1 }, { -1.25, 1 } };
  static const HrChartPoint down[] = { { 0, 1.3 }, { 1.25, -1 }, { -1.25, -1 } };
  static const HrChartPoint plus[] = {
    { -0.45, -1.3 }, { 0.45, -1.3 }, { 0.45, -0.45 }, { 1.3, -0.45 }, { 1.3, 0.45 }, { 0.45, 0.45 }, { 0.45, 1.3 },
    { -0.45, 1.3 }, { -0.45, 0.45 }, { -1.3, 0.45 }, { -1.3, -0.45 }, { -0.45, -0.45 },
  };
  static const HrChartPoint right[] = { { 1.3, 0 }, { -1, 1.25 }, { -1, -1.25 } };

  switch (look % N_LOOKS)
    {
    case 1:
      append_polygon (cr, square, G_N_ELEMENTS (square), x, y, size);
      break;

    case 2:
      append_polygon (cr, up, G_N_ELEMENTS (up), x, y, size);
      break;

    case 3:
      append_polygon (cr, diamond, G_N_ELEMENTS (diamond), x, y, size);
      break;

    case 4:
      append_polygon (cr, down, G_N_ELEMENTS (down), x, y, size);
      break;

    case 5:
      append_polygon (cr, plus, G_N_ELEMENTS (plus), x, y, size);
      break;

    case 6:
      append_polygon (cr, right, G_N_ELEMENTS (right), x, y, size);
      break;

    default:
      cairo_new_sub_path (cr);
      cairo_arc (cr, x, y, size * 1.1, 0, 2 * G_PI);
    }
}

static double
get_y (const HrLineLayout *layout,
       guint               line,
       guint               index)
{
  return layout->y[line * layout->n_positions + index];
}

static void
stroke_line (const HrLineLayout *layout,
             cairo_t            *cr,
             guint               line,
             guint               look,
             double              width)
{
  gboolean is_broken = TRUE;

  cairo_new_path (cr);
  for (guint i = 0; i < layout->n_positions; i++)
    {
      double y = get_y (layout, line, i);

      if (isnan (y))
        is_broken = TRUE;
      else if (is_broken)
        cairo_move_to (cr, layout->x[i], y);
      else
        cairo_line_to (cr, layout->x[i], y);
      is_broken = isnan (y);
    }
  set_dashes (cr, look);
  cairo_set_line_width (cr, width);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke (cr);
  cairo_set_dash (cr, NULL, 0, 0);
}

static guint
get_mark_step (const HrLineLayout *layout)
{
  double gap = layout->n_positions > 1
                 ? (layout->x[layout->n_positions - 1] - layout->x[0]) / (layout->n_positions - 1) : MARK_GAP;

  return (guint) MAX (ceil (MARK_GAP / MAX (gap, 0.1)), 1);
}

/* Where there is no value, a cross stands at the lower edge. */
static void
draw_gap (cairo_t *cr,
          double   x,
          double   y)
{
  cairo_move_to (cr, x - MARK, y - MARK);
  cairo_line_to (cr, x + MARK, y + MARK);
  cairo_move_to (cr, x - MARK, y + MARK);
  cairo_line_to (cr, x + MARK, y - MARK);
  cairo_set_line_width (cr, 1.5);
  cairo_stroke (cr);
}

static void
draw_marks (HrLineChart        *self,
            cairo_t            *cr,
            const HrChartStyle *style,
            guint               line)
{
  const HrLineLayout *layout = self->layout;
  const HrLine *shown = hr_line_data_get_line (self->data, line);
  double bottom = layout->plot.y + layout->plot.height;
  guint step = get_mark_step (layout);

  for (guint i = 0; i < layout->n_positions; i += step)
    {
      double y = get_y (layout, line, i);

      hr_chart_set_source_color (cr, shown->color, 1);
      if (isnan (y))
        {
          if (hr_line_data_get_gap (self->data, line, i) != NULL)
            draw_gap (cr, layout->x[i], bottom - MARK - 1 - 2 * MARK * line);
          continue;
        }

      append_mark (cr, shown->look, layout->x[i], y, MARK);
      cairo_fill_preserve (cr);
      hr_chart_set_source_color (cr, style->background, 1);
      cairo_set_line_width (cr, 1);
      cairo_stroke (cr);
    }
}

/* From the upper edge on down: what is higher leaves the plot there. */
static void
clip_to_plot (cairo_t           *cr,
              const HrChartRect *plot)
{
  cairo_rectangle (cr, plot->x, plot->y - MARK - 2, plot->width, plot->height + 2 * (MARK + 2));
  cairo_clip (cr);
}

static void
draw_lines (HrLineChart        *self,
            cairo_t            *cr,
            const HrChartStyle *style)
{
  cairo_save (cr);
  clip_to_plot (cr, &self->layout->plot);
  for (guint i = self->layout->n_lines; i-- > 0;)
    {
      const HrLine *line = hr_line_data_get_line (self->data, i);

      hr_chart_set_source_color (cr, line->color, 1);
      stroke_line (self->layout, cr, i, line->look, LINE_WIDTH);
      draw_marks (self, cr, style, i);
    }
  cairo_restore (cr);
}

static void
draw_levels (HrLineChart        *self,
             cairo_t            *cr,
             const HrChartStyle *style)
{
  const HrLineLayout *layout = self->layout;

  for (guint i = 0; i < layout->n_levels; i++)
    {
      if (layout->levels[i].is_shown)
        hr_chart_draw_level (cr, style, &layout->plot, layout->levels[i].y);
    }
}

static void
draw_marks_across (HrLineChart        *self,
                   cairo_t            *cr,
                   const HrChartStyle *style)
{
  const HrLineLayout *layout = self->layout;

  for (guint i = 0; i < layout->n_marks; i++)
    {
      if (layout->marks[i].is_shown)
        hr_chart_draw_mark (cr, style, &layout->plot, layout->marks[i].x);
    }
}

static void
draw_labels (HrLineChart        *self,
             cairo_t            *cr,
             const HrChartStyle *style)
{
  for (guint i = 0; i < self->layout->n_levels; i++)
    {
      const HrLineLevelPlace *level = &self->layout->levels[i];

      if (level->has_label)
        hr_chart_show_text_on_ground (cr, style, g_ptr_array_index (self->level_labels, i), &level->label);
    }
  for (guint i = 0; i < self->layout->n_marks; i++)
    {
      const HrLineMarkPlace *mark = &self->layout->marks[i];

      if (mark->has_label)
        hr_chart_show_text_on_ground (cr, style, g_ptr_array_index (self->mark_labels, i), &mark->label);
    }
}

/**
 * hr_line_chart_draw:
 * @self: a line chart
 * @cr: what to draw on
 * @style: the colours of everything but the lines
 *
 * Draws axes, levels, marks and lines, without any emphasis.
 */
void
hr_line_chart_draw (HrLineChart        *self,
                    cairo_t            *cr,
                    const HrChartStyle *style)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (cr != NULL && style != NULL);

  cairo_save (cr);
  hr_chart_axis_draw (self->axis, cr, style, &self->layout->plot, 0, G_MAXDOUBLE);
  draw_positions (self, cr, style);
  draw_levels (self, cr, style);
  draw_marks_across (self, cr, style);
  draw_lines (self, cr, style);
  draw_labels (self, cr, style);
  cairo_restore (cr);
}

/**
 * hr_line_chart_draw_emphasis:
 * @self: a line chart
 * @cr: what to draw on
 * @style: the colours of everything but the lines
 * @line: the index of the selected line, or -1
 * @index: the index of the position that is looked at, or -1
 *
 * Draws a line thicker, and marks a position, over what [method@LineChart.draw] drew.
 */
void
hr_line_chart_draw_emphasis (HrLineChart        *self,
                             cairo_t            *cr,
                             const HrChartStyle *style,
                             int                 line,
                             int                 index)
{
  const HrLineLayout *layout;

  g_return_if_fail (self != NULL);
  g_return_if_fail (cr != NULL && style != NULL);

  layout = self->layout;
  if (index >= 0 && (guint) index < layout->n_positions)
    {
      cairo_save (cr);
      hr_chart_draw_guide (cr, style, &layout->plot, layout->x[index], 0.6);
      cairo_restore (cr);
    }

  if (line >= 0 && (guint) line < layout->n_lines)
    {
      const HrLine *shown = hr_line_data_get_line (self->data, line);
      double y;

      cairo_save (cr);
      clip_to_plot (cr, &layout->plot);
      hr_chart_set_source_color (cr, shown->color, 1);
      stroke_line (layout, cr, line, shown->look, 2 * LINE_WIDTH);
      draw_marks (self, cr, style, line);
      y = index >= 0 && (guint) index < layout->n_positions ? get_y (layout, line, index) : NAN;
      if (!isnan (y))
        {
          append_mark (cr, shown->look, layout->x[index], y, 1.8 * MARK);
          hr_chart_set_source_color (cr, style->foreground, 1);
          cairo_fill (cr);
        }
      cairo_restore (cr);
    }
}

/**
 * hr_line_chart_draw_sample:
 * @cr: what to draw on
 * @style: the colours of everything but the lines
 * @color: the colour of a line
 * @look: its look
 * @place: where to draw
 *
 * Draws a piece of a line, for a legend.
 */
void
hr_line_chart_draw_sample (cairo_t            *cr,
                           const HrChartStyle *style,
                           guint32             color,
                           guint               look,
                           const HrChartRect  *place)
{
  double y;

  g_return_if_fail (cr != NULL && style != NULL);
  g_return_if_fail (place != NULL);

  y = place->y + place->height / 2;
  cairo_save (cr);
  hr_chart_set_source_color (cr, color, 1);
  cairo_move_to (cr, place->x, y);
  cairo_line_to (cr, place->x + place->width, y);
  set_dashes (cr, look);
  cairo_set_line_width (cr, LINE_WIDTH);
  cairo_stroke (cr);
  append_mark (cr, look, place->x + place->width / 2, y, MARK);
  cairo_fill_preserve (cr);
  hr_chart_set_source_color (cr, style->background, 1);
  cairo_set_dash (cr, NULL, 0, 0);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);
  cairo_restore (cr);
}
