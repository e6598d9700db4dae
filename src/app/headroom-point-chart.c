/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-point-chart.h"

#define MIN_WIDTH 240
#define NATURAL_WIDTH 640

/*
 * HeadroomPointChart:
 *
 * A chart with points in a row, one of which is looked at: what charts over time and over a setting have in common.
 *
 * The pointer shows what it is over; the keyboard goes on from there: by a point with Left and Right, to an end with
 * Home and End, away with Escape. When the pointer leaves, what the keyboard had come to is shown again.
 */
typedef struct
{
  int point;
  int visited;
} HeadroomPointChartPrivate;

enum
{
  PROP_0,
  PROP_POINT,
  N_PROPS
};

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (HeadroomPointChart, headroom_point_chart, HEADROOM_TYPE_CHART)

static GParamSpec *properties[N_PROPS];

static int
headroom_point_chart_pick (HeadroomChart *chart,
                           gpointer       layout,
                           double         x,
                           double         y)
{
  int part = -1;

  HEADROOM_POINT_CHART_GET_CLASS (chart)->pick_point (HEADROOM_POINT_CHART (chart), layout, x, y, &part);

  return part;
}

static int
headroom_point_chart_pick_point (HeadroomPointChart *self,
                                 double              x,
                                 double              y)
{
  gpointer layout = headroom_chart_get_layout (HEADROOM_CHART (self));

  return layout != NULL ? HEADROOM_POINT_CHART_GET_CLASS (self)->pick_point (self, layout, x, y, NULL) : -1;
}

static void
headroom_point_chart_point_at (HeadroomChart *chart,
                               double         x,
                               double         y)
{
  HeadroomPointChart *self = HEADROOM_POINT_CHART (chart);

  headroom_point_chart_set_point (self, headroom_point_chart_pick_point (self, x, y));
}

/* What the keyboard has come to is shown again. */
static void
headroom_point_chart_leave (HeadroomChart *chart)
{
  HeadroomPointChart *self = HEADROOM_POINT_CHART (chart);
  HeadroomPointChartPrivate *priv = headroom_point_chart_get_instance_private (self);

  headroom_point_chart_set_point (self, priv->visited);
}

static void
headroom_point_chart_press (HeadroomChart *chart,
                            double         x,
                            double         y)
{
  HeadroomPointChart *self = HEADROOM_POINT_CHART (chart);
  HeadroomPointChartPrivate *priv = headroom_point_chart_get_instance_private (self);

  priv->visited = headroom_point_chart_pick_point (self, x, y);
  headroom_point_chart_set_point (self, priv->visited);
}

static void
headroom_point_chart_restart (HeadroomChart *chart)
{
  HeadroomPointChart *self = HEADROOM_POINT_CHART (chart);
  HeadroomPointChartPrivate *priv = headroom_point_chart_get_instance_private (self);

  priv->visited = -1;
  headroom_point_chart_set_point (self, -1);

  HEADROOM_CHART_CLASS (headroom_point_chart_parent_class)->restart (chart);
}

static void
headroom_point_chart_real_visit (HeadroomPointChart *self,
                                 int                 point)
{
  HeadroomPointChartPrivate *priv = headroom_point_chart_get_instance_private (self);

  priv->visited = point;
  headroom_point_chart_set_point (self, point);
}

static void
headroom_point_chart_forget (HeadroomPointChart *self)
{
  HeadroomPointChartPrivate *priv = headroom_point_chart_get_instance_private (self);

  priv->visited = -1;
  headroom_point_chart_set_point (self, -1);
}

static gboolean
headroom_point_chart_move_cb (GtkWidget *widget,
                              GVariant  *args,
                              gpointer   user_data)
{
  HeadroomPointChart *self = HEADROOM_POINT_CHART (widget);
  HeadroomPointChartPrivate *priv = headroom_point_chart_get_instance_private (self);
  int step = g_variant_get_int32 (args);

  if (headroom_point_chart_get_n_points (self) == 0)
    return FALSE;

  headroom_point_chart_visit (self, priv->point >= 0 ? priv->point + step
                                                     : HEADROOM_POINT_CHART_GET_CLASS (self)->get_start (self, step));

  return TRUE;
}

static gboolean
headroom_point_chart_end_cb (GtkWidget *widget,
                             GVariant  *args,
                             gpointer   user_data)
{
  HeadroomPointChart *self = HEADROOM_POINT_CHART (widget);

  if (headroom_point_chart_get_n_points (self) == 0)
    return FALSE;

  headroom_point_chart_visit (self, g_variant_get_int32 (args) > 0 ? G_MAXINT : 0);

  return TRUE;
}

static gboolean
headroom_point_chart_forget_cb (GtkWidget *widget,
                                GVariant  *args,
                                gpointer   user_data)
{
  HeadroomPointChart *self = HEADROOM_POINT_CHART (widget);
  HeadroomPointChartPrivate *priv = headroom_point_chart_get_instance_private (self);

  if (priv->visited < 0)
    return FALSE;

  HEADROOM_POINT_CHART_GET_CLASS (self)->forget (self);

  return TRUE;
}

static void
headroom_point_chart_measure (GtkWidget      *widget,
                              GtkOrientation  orientation,
                              int             for_size,
                              int            *minimum,
                              int            *natural,
                              int            *minimum_baseline,
                              int            *natural_baseline)
{
  int height = HEADROOM_POINT_CHART_GET_CLASS (widget)->height;

  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? MIN_WIDTH : height;
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? NATURAL_WIDTH : height;
}

static void
headroom_point_chart_get_property (GObject    *object,
                                   guint       prop_id,
                                   GValue     *value,
                                   GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_POINT:
      g_value_set_int (value, headroom_point_chart_get_point (HEADROOM_POINT_CHART (object)));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_point_chart_set_property (GObject      *object,
                                   guint         prop_id,
                                   const GValue *value,
                                   GParamSpec   *pspec)
{
  switch (prop_id)
    {
    case PROP_POINT:
      headroom_point_chart_set_point (HEADROOM_POINT_CHART (object), g_value_get_int (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_point_chart_class_init (HeadroomPointChartClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  HeadroomChartClass *chart_class = HEADROOM_CHART_CLASS (klass);

  object_class->get_property = headroom_point_chart_get_property;
  object_class->set_property = headroom_point_chart_set_property;

  widget_class->measure = headroom_point_chart_measure;

  chart_class->pick = headroom_point_chart_pick;
  chart_class->point_at = headroom_point_chart_point_at;
  chart_class->leave = headroom_point_chart_leave;
  chart_class->press = headroom_point_chart_press;
  chart_class->restart = headroom_point_chart_restart;

  klass->visit = headroom_point_chart_real_visit;
  klass->forget = headroom_point_chart_forget;

  /*
   * HeadroomPointChart:point:
   *
   * The index of the point that is looked at, or -1.
   */
  properties[PROP_POINT] =
    g_param_spec_int ("point", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  headroom_chart_class_add_keys (chart_class, GDK_KEY_Right, 0, headroom_point_chart_move_cb, 1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Left, 0, headroom_point_chart_move_cb, -1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Home, 0, headroom_point_chart_end_cb, -1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_End, 0, headroom_point_chart_end_cb, 1);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Escape, 0, headroom_point_chart_forget_cb, NULL);
}

static void
headroom_point_chart_init (HeadroomPointChart *self)
{
  HeadroomPointChartPrivate *priv = headroom_point_chart_get_instance_private (self);

  priv->point = -1;
  priv->visited = -1;

  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
}

guint
headroom_point_chart_get_n_points (HeadroomPointChart *self)
{
  g_return_val_if_fail (HEADROOM_IS_POINT_CHART (self), 0);

  if (headroom_chart_get_data (HEADROOM_CHART (self)) == NULL)
    return 0;

  return HEADROOM_POINT_CHART_GET_CLASS (self)->get_n_points (self);
}

/*
 * headroom_point_chart_visit:
 * @self: a chart with points
 * @point: the index of a point; beyond an end means that end
 *
 * Goes to a point as the keyboard does.
 */
void
headroom_point_chart_visit (HeadroomPointChart *self,
                            int                 point)
{
  int n_points;

  g_return_if_fail (HEADROOM_IS_POINT_CHART (self));

  n_points = headroom_point_chart_get_n_points (self);
  g_return_if_fail (n_points > 0);

  HEADROOM_POINT_CHART_GET_CLASS (self)->visit (self, CLAMP (point, 0, n_points - 1));
}

int
headroom_point_chart_get_point (HeadroomPointChart *self)
{
  HeadroomPointChartPrivate *priv = headroom_point_chart_get_instance_private (self);

  g_return_val_if_fail (HEADROOM_IS_POINT_CHART (self), -1);

  return priv->point;
}

/*
 * headroom_point_chart_set_point:
 * @self: a chart with points
 * @point: the index of a point; one that there is not, such as -1, stands for none
 */
void
headroom_point_chart_set_point (HeadroomPointChart *self,
                                int                 point)
{
  HeadroomPointChartPrivate *priv = headroom_point_chart_get_instance_private (self);

  g_return_if_fail (HEADROOM_IS_POINT_CHART (self));

  if (point < 0 || (guint) point >= headroom_point_chart_get_n_points (self))
    point = -1;

  if (priv->point == point)
    return;

  priv->point = point;
  headroom_chart_update_accessible (HEADROOM_CHART (self));
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_POINT]);
}
