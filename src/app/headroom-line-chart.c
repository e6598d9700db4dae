/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-line-chart.h"

#include "hr-line-chart.h"

#define HEIGHT 280

/*
 * HeadroomLineChart:
 *
 * Lines, of #HrLineData, along which the pointer and the keyboard can move: the latter from an end on, and up and down
 * from line to line. Where there is other data, what is selected and looked at stays, as far as there is such a line
 * and position.
 *
 * CSS node: linechart. Accessible role: image, with what it shows as its name; its description begins with the point
 * that is looked at.
 */
struct _HeadroomLineChart
{
  HeadroomPointChart parent_instance;

  int visited_line;
};

G_DEFINE_FINAL_TYPE (HeadroomLineChart, headroom_line_chart, HEADROOM_TYPE_POINT_CHART)

static guint
headroom_line_chart_get_n_parts (HeadroomChart *chart)
{
  return hr_line_data_get_n_lines (headroom_chart_get_data (chart));
}

static guint
headroom_line_chart_get_n_points (HeadroomPointChart *chart)
{
  guint n_positions;

  hr_line_data_get_positions (headroom_chart_get_data (HEADROOM_CHART (chart)), &n_positions);

  return n_positions;
}

static gpointer
headroom_line_chart_lay_out (HeadroomChart *chart,
                             int            width,
                             int            height)
{
  PangoContext *context = gtk_widget_get_pango_context (GTK_WIDGET (chart));

  return hr_line_chart_new (headroom_chart_get_data (chart), context, width, height);
}

static void
headroom_line_chart_free_layout (gpointer layout)
{
  hr_line_chart_free (layout);
}

static void
headroom_line_chart_draw (HeadroomChart      *chart,
                          gpointer            layout,
                          cairo_t            *cr,
                          const HrChartStyle *style)
{
  hr_line_chart_draw (layout, cr, style);
}

static void
headroom_line_chart_draw_emphasis (HeadroomChart      *chart,
                                   gpointer            layout,
                                   cairo_t            *cr,
                                   const HrChartStyle *style)
{
  hr_line_chart_draw_emphasis (layout, cr, style, headroom_chart_get_selected (chart),
                               headroom_point_chart_get_point (HEADROOM_POINT_CHART (chart)));
}

static void
headroom_line_chart_describe (HeadroomChart  *chart,
                              char          **label,
                              char          **description)
{
  HrLineData *data = headroom_chart_get_data (chart);

  *label = hr_line_data_dup_label (data);
  *description = hr_line_data_dup_description (data);
}

static char *
headroom_line_chart_dup_emphasis (HeadroomChart *chart)
{
  int line = headroom_chart_get_selected (chart);
  int point = headroom_point_chart_get_point (HEADROOM_POINT_CHART (chart));

  return line >= 0 && point >= 0 ? hr_line_data_dup_point_text (headroom_chart_get_data (chart), line, point) : NULL;
}

static int
headroom_line_chart_pick_point (HeadroomPointChart *chart,
                                gpointer            layout,
                                double              x,
                                double              y,
                                int                *line)
{
  return hr_line_layout_pick (hr_line_chart_get_layout (layout), x, y, line);
}

static void
headroom_line_chart_select_at (HeadroomChart *chart,
                               double         x,
                               double         y)
{
  int line = headroom_chart_pick (chart, x, y);

  if (line >= 0)
    headroom_chart_set_selected (chart, line);
}

static void
headroom_line_chart_point_at (HeadroomChart *chart,
                              double         x,
                              double         y)
{
  headroom_line_chart_select_at (chart, x, y);

  HEADROOM_CHART_CLASS (headroom_line_chart_parent_class)->point_at (chart, x, y);
}

static void
headroom_line_chart_press (HeadroomChart *chart,
                           double         x,
                           double         y)
{
  headroom_line_chart_select_at (chart, x, y);
  HEADROOM_LINE_CHART (chart)->visited_line = headroom_chart_get_selected (chart);

  HEADROOM_CHART_CLASS (headroom_line_chart_parent_class)->press (chart, x, y);
}

/* A line that the pointer has come to stays selected, unless there is one that the keyboard has come to. */
static void
headroom_line_chart_leave (HeadroomChart *chart)
{
  HEADROOM_CHART_CLASS (headroom_line_chart_parent_class)->leave (chart);

  if (headroom_point_chart_get_point (HEADROOM_POINT_CHART (chart)) >= 0)
    headroom_chart_set_selected (chart, HEADROOM_LINE_CHART (chart)->visited_line);
}

static void
headroom_line_chart_restart (HeadroomChart *chart)
{
  HeadroomPointChart *self = HEADROOM_POINT_CHART (chart);

  headroom_chart_set_selected (chart, headroom_chart_get_selected (chart));
  headroom_point_chart_set_point (self, headroom_point_chart_get_point (self));
}

static int
headroom_line_chart_get_start (HeadroomPointChart *chart,
                               int                 step)
{
  return step > 0 ? 0 : G_MAXINT;
}

/* There is a line to be on. */
static void
headroom_line_chart_visit (HeadroomPointChart *chart,
                           int                 point)
{
  HeadroomLineChart *self = HEADROOM_LINE_CHART (chart);

  self->visited_line = MAX (headroom_chart_get_selected (HEADROOM_CHART (self)), 0);
  headroom_chart_set_selected (HEADROOM_CHART (self), self->visited_line);

  HEADROOM_POINT_CHART_CLASS (headroom_line_chart_parent_class)->visit (chart, point);
}

static void
headroom_line_chart_forget (HeadroomPointChart *chart)
{
  HEADROOM_POINT_CHART_CLASS (headroom_line_chart_parent_class)->forget (chart);

  headroom_chart_set_selected (HEADROOM_CHART (chart), -1);
}

static gboolean
headroom_line_chart_move_line_cb (GtkWidget *widget,
                                  GVariant  *args,
                                  gpointer   user_data)
{
  HeadroomChart *chart = HEADROOM_CHART (widget);
  int n_lines = headroom_chart_get_n_parts (chart);
  int line = headroom_chart_get_selected (chart) + g_variant_get_int32 (args);

  if (headroom_point_chart_get_n_points (HEADROOM_POINT_CHART (chart)) == 0)
    return FALSE;

  headroom_chart_set_selected (chart, CLAMP (line, 0, n_lines - 1));
  headroom_point_chart_visit (HEADROOM_POINT_CHART (chart),
                              MAX (headroom_point_chart_get_point (HEADROOM_POINT_CHART (chart)), 0));

  return TRUE;
}

static void
headroom_line_chart_class_init (HeadroomLineChartClass *klass)
{
  HeadroomChartClass *chart_class = HEADROOM_CHART_CLASS (klass);
  HeadroomPointChartClass *point_chart_class = HEADROOM_POINT_CHART_CLASS (klass);

  chart_class->data_type = HR_TYPE_LINE_DATA;
  chart_class->get_n_parts = headroom_line_chart_get_n_parts;
  chart_class->lay_out = headroom_line_chart_lay_out;
  chart_class->free_layout = headroom_line_chart_free_layout;
  chart_class->draw = headroom_line_chart_draw;
  chart_class->draw_emphasis = headroom_line_chart_draw_emphasis;
  chart_class->point_at = headroom_line_chart_point_at;
  chart_class->leave = headroom_line_chart_leave;
  chart_class->press = headroom_line_chart_press;
  chart_class->restart = headroom_line_chart_restart;
  chart_class->describe = headroom_line_chart_describe;
  chart_class->dup_emphasis = headroom_line_chart_dup_emphasis;

  point_chart_class->height = HEIGHT;
  point_chart_class->get_n_points = headroom_line_chart_get_n_points;
  point_chart_class->pick_point = headroom_line_chart_pick_point;
  point_chart_class->get_start = headroom_line_chart_get_start;
  point_chart_class->visit = headroom_line_chart_visit;
  point_chart_class->forget = headroom_line_chart_forget;

  headroom_chart_class_add_keys (chart_class, GDK_KEY_Down, 0, headroom_line_chart_move_line_cb, 1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Up, 0, headroom_line_chart_move_line_cb, -1);

  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "linechart");
}

static void
headroom_line_chart_init (HeadroomLineChart *self)
{
  self->visited_line = -1;
}

GtkWidget *
headroom_line_chart_new (void)
{
  return g_object_new (HEADROOM_TYPE_LINE_CHART, NULL);
}
