/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-timeline-chart.h"

#include "hr-timeline-chart.h"

#define MIN_WIDTH 240
#define NATURAL_WIDTH 640
#define HEIGHT 260

/*
 * HeadroomTimelineChart:
 *
 * Memory over time, along which the pointer and the keyboard can move.
 *
 * The pointer shows what it is over; the keyboard goes on from there: by a point, by a phase with
 * Control, to an end with Home and End, back to the peak with Escape.
 *
 * CSS node: timelinechart. Accessible role: image, with what it shows as its name; its description begins with the
 * point that is looked at.
 */
struct _HeadroomTimelineChart
{
  HeadroomChart parent_instance;

  HrTimelineData *data;
  int point;
  int visited;
};

enum
{
  PROP_0,
  PROP_DATA,
  PROP_POINT,
  N_PROPS
};

enum
{
  PART_ACTIVATED,
  N_SIGNALS
};

G_DEFINE_FINAL_TYPE (HeadroomTimelineChart, headroom_timeline_chart, HEADROOM_TYPE_CHART)

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

static guint
headroom_timeline_chart_get_n_parts (HeadroomChart *chart)
{
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (chart);

  return self->data != NULL ? hr_timeline_data_get_n_parts (self->data) : 0;
}

static gpointer
headroom_timeline_chart_lay_out (HeadroomChart *chart,
                                 int            width,
                                 int            height)
{
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (chart);
  PangoContext *context = gtk_widget_get_pango_context (GTK_WIDGET (self));

  return self->data != NULL ? hr_timeline_chart_new (self->data, context, width, height) : NULL;
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
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (chart);

  hr_timeline_chart_draw_emphasis (layout, cr, style, headroom_chart_get_selected (chart), self->point);
}

static guint
headroom_timeline_chart_get_n_points (HeadroomTimelineChart *self)
{
  return self->data != NULL ? hr_timeline_data_get_n_points (self->data) : 0;
}

static void
headroom_timeline_chart_update_accessible (HeadroomChart *chart)
{
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (chart);
  g_autofree char *label = NULL;
  g_autofree char *phases = NULL;
  g_autofree char *description = NULL;

  if (self->data == NULL)
    return;

  label = hr_timeline_data_dup_label (self->data);
  phases = hr_timeline_data_dup_description (self->data);
  if (self->point >= 0)
    {
      g_autofree char *text = hr_timeline_data_dup_point_text (self->data, self->point);

      description = g_strdup_printf ("%s. %s", text, phases);
    }

  gtk_accessible_update_property (GTK_ACCESSIBLE (chart),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description != NULL ? description : phases,
                                  -1);
}

static int
headroom_timeline_chart_pick (HeadroomTimelineChart *self,
                              double                 x,
                              double                 y,
                              int                   *part)
{
  HrTimelineChart *chart = headroom_chart_get_layout (HEADROOM_CHART (self));

  if (chart == NULL)
    return -1;

  return hr_timeline_layout_pick (hr_timeline_chart_get_layout (chart), x, y, part);
}

static void
headroom_timeline_chart_point_at (HeadroomChart *chart,
                                  double         x,
                                  double         y)
{
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (chart);

  headroom_timeline_chart_set_point (self, headroom_timeline_chart_pick (self, x, y, NULL));
}

/* What the keyboard has come to is shown again. */
static void
headroom_timeline_chart_leave (HeadroomChart *chart)
{
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (chart);

  headroom_timeline_chart_set_point (self, self->visited);
}

static void
headroom_timeline_chart_press (HeadroomChart *chart,
                               double         x,
                               double         y)
{
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (chart);
  int part = -1;

  self->visited = headroom_timeline_chart_pick (self, x, y, &part);
  headroom_timeline_chart_set_point (self, self->visited);
  if (part >= 0)
    g_signal_emit (self, signals[PART_ACTIVATED], 0, (guint) part);
}

static void
headroom_timeline_chart_visit (HeadroomTimelineChart *self,
                               int                    point)
{
  self->visited = CLAMP (point, 0, (int) headroom_timeline_chart_get_n_points (self) - 1);
  headroom_timeline_chart_set_point (self, self->visited);
}

/* Where the keyboard goes on from: what is looked at, or the peak. */
static int
headroom_timeline_chart_get_start (HeadroomTimelineChart *self)
{
  return self->point >= 0 ? self->point : (int) hr_timeline_data_get_peak (self->data);
}

static gboolean
headroom_timeline_chart_move_cb (GtkWidget *widget,
                                 GVariant  *args,
                                 gpointer   user_data)
{
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (widget);

  if (headroom_timeline_chart_get_n_points (self) == 0)
    return FALSE;

  headroom_timeline_chart_visit (self, headroom_timeline_chart_get_start (self) + g_variant_get_int32 (args));

  return TRUE;
}

/* To the highest point of the phase before or after. */
static gboolean
headroom_timeline_chart_move_phase_cb (GtkWidget *widget,
                                       GVariant  *args,
                                       gpointer   user_data)
{
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (widget);
  int index;
  const HrTimelineBand *band;
  guint highest;

  if (headroom_timeline_chart_get_n_points (self) == 0)
    return FALSE;

  index = (int) hr_timeline_data_find_band (self->data, headroom_timeline_chart_get_start (self)) +
          g_variant_get_int32 (args);
  band = hr_timeline_data_get_band (self->data, CLAMP (index, 0, (int) hr_timeline_data_get_n_bands (self->data) - 1));
  highest = band->first;
  for (guint i = band->first; i < band->first + band->n_points; i++)
    if (hr_timeline_data_get_total (self->data, i) > hr_timeline_data_get_total (self->data, highest))
      highest = i;
  headroom_timeline_chart_visit (self, highest);

  return TRUE;
}

static gboolean
headroom_timeline_chart_end_cb (GtkWidget *widget,
                                GVariant  *args,
                                gpointer   user_data)
{
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (widget);
  guint n_points = headroom_timeline_chart_get_n_points (self);

  if (n_points == 0)
    return FALSE;

  headroom_timeline_chart_visit (self, g_variant_get_int32 (args) > 0 ? n_points - 1 : 0);

  return TRUE;
}

static gboolean
headroom_timeline_chart_forget_cb (GtkWidget *widget,
                                   GVariant  *args,
                                   gpointer   user_data)
{
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (widget);

  if (self->visited < 0)
    return FALSE;

  self->visited = -1;
  headroom_timeline_chart_set_point (self, -1);

  return TRUE;
}

static void
headroom_timeline_chart_measure (GtkWidget      *widget,
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
headroom_timeline_chart_dispose (GObject *object)
{
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (object);

  g_clear_object (&self->data);

  G_OBJECT_CLASS (headroom_timeline_chart_parent_class)->dispose (object);
}

static void
headroom_timeline_chart_get_property (GObject    *object,
                                      guint       prop_id,
                                      GValue     *value,
                                      GParamSpec *pspec)
{
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (object);

  switch (prop_id)
    {
    case PROP_DATA:
      g_value_set_object (value, self->data);
      break;

    case PROP_POINT:
      g_value_set_int (value, self->point);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_timeline_chart_set_property (GObject      *object,
                                      guint         prop_id,
                                      const GValue *value,
                                      GParamSpec   *pspec)
{
  HeadroomTimelineChart *self = HEADROOM_TIMELINE_CHART (object);

  switch (prop_id)
    {
    case PROP_DATA:
      headroom_timeline_chart_set_data (self, g_value_get_object (value));
      break;

    case PROP_POINT:
      headroom_timeline_chart_set_point (self, g_value_get_int (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_timeline_chart_class_init (HeadroomTimelineChartClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  HeadroomChartClass *chart_class = HEADROOM_CHART_CLASS (klass);

  object_class->dispose = headroom_timeline_chart_dispose;
  object_class->get_property = headroom_timeline_chart_get_property;
  object_class->set_property = headroom_timeline_chart_set_property;

  widget_class->measure = headroom_timeline_chart_measure;

  chart_class->get_n_parts = headroom_timeline_chart_get_n_parts;
  chart_class->lay_out = headroom_timeline_chart_lay_out;
  chart_class->free_layout = headroom_timeline_chart_free_layout;
  chart_class->draw = headroom_timeline_chart_draw;
  chart_class->draw_emphasis = headroom_timeline_chart_draw_emphasis;
  chart_class->point_at = headroom_timeline_chart_point_at;
  chart_class->leave = headroom_timeline_chart_leave;
  chart_class->press = headroom_timeline_chart_press;
  chart_class->update_accessible = headroom_timeline_chart_update_accessible;

  /*
   * HeadroomTimelineChart:data:
   *
   * What to show.
   */
  properties[PROP_DATA] =
    g_param_spec_object ("data", NULL, NULL, HR_TYPE_TIMELINE_DATA,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomTimelineChart:point:
   *
   * The index of the point that is looked at, or -1.
   */
  properties[PROP_POINT] =
    g_param_spec_int ("point", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

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

  headroom_chart_class_add_keys (chart_class, GDK_KEY_Right, 0, headroom_timeline_chart_move_cb, 1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Left, 0, headroom_timeline_chart_move_cb, -1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Right, GDK_CONTROL_MASK, headroom_timeline_chart_move_phase_cb,
                                 1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Left, GDK_CONTROL_MASK, headroom_timeline_chart_move_phase_cb,
                                 -1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Home, 0, headroom_timeline_chart_end_cb, -1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_End, 0, headroom_timeline_chart_end_cb, 1);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Escape, 0, headroom_timeline_chart_forget_cb, NULL);

  gtk_widget_class_set_css_name (widget_class, "timelinechart");
}

static void
headroom_timeline_chart_init (HeadroomTimelineChart *self)
{
  self->point = -1;
  self->visited = -1;

  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
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

HrTimelineData *
headroom_timeline_chart_get_data (HeadroomTimelineChart *self)
{
  g_return_val_if_fail (HEADROOM_IS_TIMELINE_CHART (self), NULL);

  return self->data;
}

/*
 * headroom_timeline_chart_set_data:
 * @self: a timeline
 * @data: (nullable): what to show
 *
 * Shows something else; nothing is selected and looked at any more.
 */
void
headroom_timeline_chart_set_data (HeadroomTimelineChart *self,
                                  HrTimelineData        *data)
{
  g_return_if_fail (HEADROOM_IS_TIMELINE_CHART (self));
  g_return_if_fail (data == NULL || HR_IS_TIMELINE_DATA (data));

  if (!g_set_object (&self->data, data))
    return;

  g_object_freeze_notify (G_OBJECT (self));
  self->visited = -1;
  headroom_timeline_chart_set_point (self, -1);
  headroom_chart_restart (HEADROOM_CHART (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DATA]);
  g_object_thaw_notify (G_OBJECT (self));
}

int
headroom_timeline_chart_get_point (HeadroomTimelineChart *self)
{
  g_return_val_if_fail (HEADROOM_IS_TIMELINE_CHART (self), -1);

  return self->point;
}

/*
 * headroom_timeline_chart_set_point:
 * @self: a timeline
 * @point: the index of a point; one that there is not, such as -1, stands for none
 */
void
headroom_timeline_chart_set_point (HeadroomTimelineChart *self,
                                   int                    point)
{
  g_return_if_fail (HEADROOM_IS_TIMELINE_CHART (self));

  if (point < 0 || (guint) point >= headroom_timeline_chart_get_n_points (self))
    point = -1;

  if (self->point == point)
    return;

  self->point = point;
  headroom_chart_update_accessible (HEADROOM_CHART (self));
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_POINT]);
}
