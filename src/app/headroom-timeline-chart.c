/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-timeline-chart.h"

#include "hr-timeline-chart.h"

#define HEIGHT 260

/*
 * HeadroomTimelineChart:
 *
 * Memory over time, of #HrTimelineData, along which the pointer and the keyboard can move: the latter from the peak on,
 * and with Control by a phase.
 *
 * CSS node: timelinechart. Accessible role: image, with what it shows as its name; its description begins with the
 * point that is looked at.
 */
struct _HeadroomTimelineChart
{
  HeadroomPointChart parent_instance;
};

enum
{
  PART_ACTIVATED,
  N_SIGNALS
};

G_DEFINE_FINAL_TYPE (HeadroomTimelineChart, headroom_timeline_chart, HEADROOM_TYPE_POINT_CHART)

static guint signals[N_SIGNALS];

static guint
headroom_timeline_chart_get_n_parts (HeadroomChart *chart)
{
  return hr_timeline_data_get_n_parts (headroom_chart_get_data (chart));
}

static guint
headroom_timeline_chart_get_n_points (HeadroomPointChart *chart)
{
  return hr_timeline_data_get_n_points (headroom_chart_get_data (HEADROOM_CHART (chart)));
}

static gpointer
headroom_timeline_chart_lay_out (HeadroomChart *chart,
                                 int            width,
                                 int            height)
{
  PangoContext *context = gtk_widget_get_pango_context (GTK_WIDGET (chart));

  return hr_timeline_chart_new (headroom_chart_get_data (chart), context, width, height);
}

static void
headroom_timeline_chart_free_layout (gpointer layout)
{
  hr_timeline_chart_free (layout);
}

static void
headroom_timeline_chart_draw (HeadroomChart      *chart,
                              gpointer            layout,
                              cairo_t            *cr,
                              const HrChartStyle *style)
{
  hr_timeline_chart_draw (layout, cr, style);
}

static void
headroom_timeline_chart_draw_emphasis (HeadroomChart      *chart,
                                       gpointer            layout,
                                       cairo_t            *cr,
                                       const HrChartStyle *style)
{
  hr_timeline_chart_draw_emphasis (layout, cr, style, headroom_chart_get_selected (chart),
                                   headroom_point_chart_get_point (HEADROOM_POINT_CHART (chart)));
}

static void
headroom_timeline_chart_describe (HeadroomChart  *chart,
                                  char          **label,
                                  char          **description)
{
  HrTimelineData *data = headroom_chart_get_data (chart);

  *label = hr_timeline_data_dup_label (data);
  *description = hr_timeline_data_dup_description (data);
}

static char *
headroom_timeline_chart_dup_emphasis (HeadroomChart *chart)
{
  int point = headroom_point_chart_get_point (HEADROOM_POINT_CHART (chart));

  return point >= 0 ? hr_timeline_data_dup_point_text (headroom_chart_get_data (chart), point) : NULL;
}

static int
headroom_timeline_chart_pick_point (HeadroomPointChart *chart,
                                    gpointer            layout,
                                    double              x,
                                    double              y,
                                    int                *part)
{
  return hr_timeline_layout_pick (hr_timeline_chart_get_layout (layout), x, y, part);
}

static void
headroom_timeline_chart_press (HeadroomChart *chart,
                               double         x,
                               double         y)
{
  int part = headroom_chart_pick (chart, x, y);

  HEADROOM_CHART_CLASS (headroom_timeline_chart_parent_class)->press (chart, x, y);

  if (part >= 0)
    g_signal_emit (chart, signals[PART_ACTIVATED], 0, (guint) part);
}

/* From the peak. */
static int
headroom_timeline_chart_get_start (HeadroomPointChart *chart,
                                   int                 step)
{
  return (int) hr_timeline_data_get_peak (headroom_chart_get_data (HEADROOM_CHART (chart))) + step;
}

/* To the highest point of the phase before or after. */
static gboolean
headroom_timeline_chart_move_phase_cb (GtkWidget *widget,
                                       GVariant  *args,
                                       gpointer   user_data)
{
  HeadroomPointChart *self = HEADROOM_POINT_CHART (widget);
  HrTimelineData *data = headroom_chart_get_data (HEADROOM_CHART (self));
  int start = headroom_point_chart_get_point (self), index;
  const HrTimelineBand *band;
  guint highest;

  if (headroom_point_chart_get_n_points (self) == 0)
    return FALSE;

  if (start < 0)
    start = headroom_timeline_chart_get_start (self, 0);
  index = (int) hr_timeline_data_find_band (data, start) + g_variant_get_int32 (args);
  band = hr_timeline_data_get_band (data, CLAMP (index, 0, (int) hr_timeline_data_get_n_bands (data) - 1));
  highest = band->first;
  for (guint i = band->first; i < band->first + band->n_points; i++)
    if (hr_timeline_data_get_total (data, i) > hr_timeline_data_get_total (data, highest))
      highest = i;
  headroom_point_chart_visit (self, highest);

  return TRUE;
}

static void
headroom_timeline_chart_class_init (HeadroomTimelineChartClass *klass)
{
  HeadroomChartClass *chart_class = HEADROOM_CHART_CLASS (klass);
  HeadroomPointChartClass *point_chart_class = HEADROOM_POINT_CHART_CLASS (klass);

  chart_class->data_type = HR_TYPE_TIMELINE_DATA;
  chart_class->get_n_parts = headroom_timeline_chart_get_n_parts;
  chart_class->lay_out = headroom_timeline_chart_lay_out;
  chart_class->free_layout = headroom_timeline_chart_free_layout;
  chart_class->draw = headroom_timeline_chart_draw;
  chart_class->draw_emphasis = headroom_timeline_chart_draw_emphasis;
  chart_class->press = headroom_timeline_chart_press;
  chart_class->describe = headroom_timeline_chart_describe;
  chart_class->dup_emphasis = headroom_timeline_chart_dup_emphasis;

  point_chart_class->height = HEIGHT;
  point_chart_class->get_n_points = headroom_timeline_chart_get_n_points;
  point_chart_class->pick_point = headroom_timeline_chart_pick_point;
  point_chart_class->get_start = headroom_timeline_chart_get_start;

  /*
   * HeadroomTimelineChart::part-activated:
   * @self: a timeline
   * @part: the index of a part
   *
   * The area of a part was clicked.
   */
  signals[PART_ACTIVATED] =
    g_signal_new ("part-activated", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                  G_TYPE_UINT);

  headroom_chart_class_add_keys (chart_class, GDK_KEY_Right, GDK_CONTROL_MASK, headroom_timeline_chart_move_phase_cb,
                                 1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Left, GDK_CONTROL_MASK, headroom_timeline_chart_move_phase_cb,
                                 -1);

  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "timelinechart");
}

static void
headroom_timeline_chart_init (HeadroomTimelineChart *self)
{
}

/*
 * headroom_timeline_chart_new:
 *
 * Makes a timeline that shows nothing yet.
 */
GtkWidget *
headroom_timeline_chart_new (void)
{
  return g_object_new (HEADROOM_TYPE_TIMELINE_CHART, NULL);
}
