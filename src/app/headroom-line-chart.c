/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-line-chart.h"

#include "hr-line-chart.h"

#define MIN_WIDTH 240
#define NATURAL_WIDTH 640
#define HEIGHT 280

/*
 * HeadroomLineChart:
 *
 * Lines, along which the pointer and the keyboard can move: left and right from value to value, up and down from line
 * to line, to an end with Home and End, away with Escape.
 *
 * CSS node: linechart. Accessible role: image, with what it shows as its name; its description begins with the point
 * that is looked at.
 */
struct _HeadroomLineChart
{
  HeadroomChart parent_instance;

  HrLineData *data;
  int point;
};

enum
{
  PROP_0,
  PROP_POINT,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomLineChart, headroom_line_chart, HEADROOM_TYPE_CHART)

static GParamSpec *properties[N_PROPS];

static guint
headroom_line_chart_get_n_parts (HeadroomChart *chart)
{
  HeadroomLineChart *self = HEADROOM_LINE_CHART (chart);

  return self->data != NULL ? hr_line_data_get_n_lines (self->data) : 0;
}

static guint
headroom_line_chart_get_n_points (HeadroomLineChart *self)
{
  guint n_positions = 0;

  if (self->data != NULL)
    hr_line_data_get_positions (self->data, &n_positions);

  return n_positions;
}

static gpointer
headroom_line_chart_lay_out (HeadroomChart *chart,
                             int            width,
                             int            height)
{
  HeadroomLineChart *self = HEADROOM_LINE_CHART (chart);
  PangoContext *context = gtk_widget_get_pango_context (GTK_WIDGET (self));

  return self->data != NULL ? hr_line_chart_new (self->data, context, width, height) : NULL;
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
                               HEADROOM_LINE_CHART (chart)->point);
}

static void
headroom_line_chart_update_accessible (HeadroomChart *chart)
{
  HeadroomLineChart *self = HEADROOM_LINE_CHART (chart);
  int line = headroom_chart_get_selected (chart);
  g_autofree char *label = NULL;
  g_autofree char *lines = NULL;
  g_autofree char *description = NULL;

  if (self->data == NULL)
    return;

  label = hr_line_data_dup_label (self->data);
  lines = hr_line_data_dup_description (self->data);
  if (self->point >= 0 && line >= 0)
    {
      g_autofree char *text = hr_line_data_dup_point_text (self->data, line, self->point);

      description = g_strdup_printf ("%s. %s", text, lines);
    }

  gtk_accessible_update_property (GTK_ACCESSIBLE (chart),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description != NULL ? description : lines,
                                  -1);
}

static void
headroom_line_chart_point_at (HeadroomChart *chart,
                              double         x,
                              double         y)
{
  HeadroomLineChart *self = HEADROOM_LINE_CHART (chart);
  HrLineChart *layout = headroom_chart_get_layout (chart);
  int line = -1, point = -1;

  if (layout != NULL)
    point = hr_line_layout_pick (hr_line_chart_get_layout (layout), x, y, &line);
  if (line >= 0)
    headroom_chart_set_selected (chart, line);
  headroom_line_chart_set_point (self, point);
}

static void
headroom_line_chart_leave (HeadroomChart *chart)
{
  headroom_line_chart_set_point (HEADROOM_LINE_CHART (chart), -1);
}

static gboolean
headroom_line_chart_visit (HeadroomLineChart *self,
                           int                line,
                           int                point)
{
  int n_lines = (int) headroom_line_chart_get_n_parts (HEADROOM_CHART (self));
  int n_points = (int) headroom_line_chart_get_n_points (self);

  if (n_lines == 0 || n_points == 0)
    return FALSE;

  headroom_chart_set_selected (HEADROOM_CHART (self), CLAMP (line, 0, n_lines - 1));
  headroom_line_chart_set_point (self, CLAMP (point, 0, n_points - 1));

  return TRUE;
}

static gboolean
headroom_line_chart_move_cb (GtkWidget *widget,
                             GVariant  *args,
                             gpointer   user_data)
{
  HeadroomLineChart *self = HEADROOM_LINE_CHART (widget);
  int step = g_variant_get_int32 (args);
  int start = self->point >= 0 ? self->point + step : step > 0 ? 0 : G_MAXINT;

  return headroom_line_chart_visit (self, headroom_chart_get_selected (HEADROOM_CHART (self)), start);
}

static gboolean
headroom_line_chart_move_line_cb (GtkWidget *widget,
                                  GVariant  *args,
                                  gpointer   user_data)
{
  HeadroomLineChart *self = HEADROOM_LINE_CHART (widget);
  int line = headroom_chart_get_selected (HEADROOM_CHART (self));

  return headroom_line_chart_visit (self, line + g_variant_get_int32 (args), MAX (self->point, 0));
}

static gboolean
headroom_line_chart_end_cb (GtkWidget *widget,
                            GVariant  *args,
                            gpointer   user_data)
{
  HeadroomLineChart *self = HEADROOM_LINE_CHART (widget);

  return headroom_line_chart_visit (self, headroom_chart_get_selected (HEADROOM_CHART (self)),
                                    g_variant_get_int32 (args) > 0 ? G_MAXINT : 0);
}

static gboolean
headroom_line_chart_forget_cb (GtkWidget *widget,
                               GVariant  *args,
                               gpointer   user_data)
{
  HeadroomLineChart *self = HEADROOM_LINE_CHART (widget);

  if (self->point < 0)
    return FALSE;

  headroom_line_chart_set_point (self, -1);
  headroom_chart_set_selected (HEADROOM_CHART (self), -1);

  return TRUE;
}

static void
headroom_line_chart_measure (GtkWidget      *widget,
                             GtkOrientation  orientation,
                             int             for_size,
                             int            *minimum,
                             int            *natural,
                             int            *minimum_baseline,
                             int            *natural_baseline)
{
  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? MIN_WIDTH : HEIGHT;
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? NATURAL_WIDTH : HEIGHT;
}

static void
headroom_line_chart_dispose (GObject *object)
{
  HeadroomLineChart *self = HEADROOM_LINE_CHART (object);

  g_clear_object (&self->data);

  G_OBJECT_CLASS (headroom_line_chart_parent_class)->dispose (object);
}

static void
headroom_line_chart_get_property (GObject    *object,
                                  guint       prop_id,
                                  GValue     *value,
                                  GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_POINT:
      g_value_set_int (value, HEADROOM_LINE_CHART (object)->point);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_line_chart_set_property (GObject      *object,
                                  guint         prop_id,
                                  const GValue *value,
                                  GParamSpec   *pspec)
{
  switch (prop_id)
    {
    case PROP_POINT:
      headroom_line_chart_set_point (HEADROOM_LINE_CHART (object), g_value_get_int (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_line_chart_class_init (HeadroomLineChartClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  HeadroomChartClass *chart_class = HEADROOM_CHART_CLASS (klass);

  object_class->dispose = headroom_line_chart_dispose;
  object_class->get_property = headroom_line_chart_get_property;
  object_class->set_property = headroom_line_chart_set_property;

  widget_class->measure = headroom_line_chart_measure;

  chart_class->get_n_parts = headroom_line_chart_get_n_parts;
  chart_class->lay_out = headroom_line_chart_lay_out;
  chart_class->free_layout = headroom_line_chart_free_layout;
  chart_class->draw = headroom_line_chart_draw;
  chart_class->draw_emphasis = headroom_line_chart_draw_emphasis;
  chart_class->point_at = headroom_line_chart_point_at;
  chart_class->leave = headroom_line_chart_leave;
  chart_class->press = headroom_line_chart_point_at;
  chart_class->update_accessible = headroom_line_chart_update_accessible;

  /*
   * HeadroomLineChart:point:
   *
   * The index of the position that is looked at, or -1.
   */
  properties[PROP_POINT] =
    g_param_spec_int ("point", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  headroom_chart_class_add_keys (chart_class, GDK_KEY_Right, 0, headroom_line_chart_move_cb, 1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Left, 0, headroom_line_chart_move_cb, -1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Down, 0, headroom_line_chart_move_line_cb, 1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Up, 0, headroom_line_chart_move_line_cb, -1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Home, 0, headroom_line_chart_end_cb, -1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_End, 0, headroom_line_chart_end_cb, 1);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Escape, 0, headroom_line_chart_forget_cb, NULL);

  gtk_widget_class_set_css_name (widget_class, "linechart");
}

static void
headroom_line_chart_init (HeadroomLineChart *self)
{
  self->point = -1;

  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
}

GtkWidget *
headroom_line_chart_new (void)
{
  return g_object_new (HEADROOM_TYPE_LINE_CHART, NULL);
}

HrLineData *
headroom_line_chart_get_data (HeadroomLineChart *self)
{
  g_return_val_if_fail (HEADROOM_IS_LINE_CHART (self), NULL);

  return self->data;
}

/*
 * headroom_line_chart_set_data:
 * @self: a line chart
 * @data: (nullable): what to show
 *
 * Shows something else; what is selected and looked at stays, as far as there is such a line and position.
 */
void
headroom_line_chart_set_data (HeadroomLineChart *self,
                              HrLineData        *data)
{
  int line, point;

  g_return_if_fail (HEADROOM_IS_LINE_CHART (self));
  g_return_if_fail (data == NULL || HR_IS_LINE_DATA (data));

  line = headroom_chart_get_selected (HEADROOM_CHART (self));
  point = self->point;
  if (!g_set_object (&self->data, data))
    return;

  headroom_chart_restart (HEADROOM_CHART (self));
  headroom_chart_set_selected (HEADROOM_CHART (self), line);
  headroom_line_chart_set_point (self, point);
}

int
headroom_line_chart_get_point (HeadroomLineChart *self)
{
  g_return_val_if_fail (HEADROOM_IS_LINE_CHART (self), -1);

  return self->point;
}

/*
 * headroom_line_chart_set_point:
 * @self: a line chart
 * @point: the index of a position; one that there is not, such as -1, stands for none
 */
void
headroom_line_chart_set_point (HeadroomLineChart *self,
                               int                point)
{
  g_return_if_fail (HEADROOM_IS_LINE_CHART (self));

  if (point < 0 || (guint) point >= headroom_line_chart_get_n_points (self))
    point = -1;

  if (self->point == point)
    return;

  self->point = point;
  headroom_chart_update_accessible (HEADROOM_CHART (self));
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_POINT]);
}
