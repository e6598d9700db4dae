/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-chart.h"

#include "headroom-chart-scheme.h"

/*
 * HeadroomChart:
 *
 * A chart of parts, one of which can be selected, and one hovered: what the kinds of charts have in common.
 *
 * It is laid out once for each size and font, and drawn once for each colour scheme; what is selected and pointed at is
 * drawn over it.
 *
 * Accessible role: image.
 */
typedef struct
{
  gpointer data;
  int selected;
  int hovered;
  gpointer layout;
  GskRenderNode *node;
} HeadroomChartPrivate;

enum
{
  PROP_0,
  PROP_DATA,
  PROP_SELECTED,
  PROP_HOVERED,
  N_PROPS
};

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (HeadroomChart, headroom_chart, GTK_TYPE_WIDGET)

static GParamSpec *properties[N_PROPS];

static void
headroom_chart_clear_node (HeadroomChart *self)
{
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);

  g_clear_pointer (&priv->node, gsk_render_node_unref);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
headroom_chart_clear_layout (HeadroomChart *self)
{
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);

  g_clear_pointer (&priv->layout, HEADROOM_CHART_GET_CLASS (self)->free_layout);
  headroom_chart_clear_node (self);
}

static void
headroom_chart_motion_cb (HeadroomChart *self,
                          double         x,
                          double         y)
{
  HEADROOM_CHART_GET_CLASS (self)->point_at (self, x, y);
}

static void
headroom_chart_leave_cb (HeadroomChart *self)
{
  HEADROOM_CHART_GET_CLASS (self)->leave (self);
}

static void
headroom_chart_pressed_cb (HeadroomChart *self,
                           int            n_press,
                           double         x,
                           double         y)
{
  gtk_widget_grab_focus (GTK_WIDGET (self));
  HEADROOM_CHART_GET_CLASS (self)->press (self, x, y);
}

static void
headroom_chart_point_at (HeadroomChart *self,
                         double         x,
                         double         y)
{
  headroom_chart_set_hovered (self, headroom_chart_pick (self, x, y));
}

static void
headroom_chart_leave (HeadroomChart *self)
{
  headroom_chart_set_hovered (self, -1);
}

static void
headroom_chart_press (HeadroomChart *self,
                      double         x,
                      double         y)
{
  int part = headroom_chart_pick (self, x, y);

  if (part >= 0)
    headroom_chart_set_selected (self, part);
}

static void
headroom_chart_restart (HeadroomChart *self)
{
  headroom_chart_set_hovered (self, -1);
  headroom_chart_set_selected (self, -1);
}

static void
append_drawing (HeadroomChart *self,
                GtkSnapshot   *snapshot,
                void         (*draw) (HeadroomChart *, gpointer, cairo_t *, const HrChartStyle *))
{
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);
  cairo_t *cr = gtk_snapshot_append_cairo (snapshot,
                                           &GRAPHENE_RECT_INIT (0, 0, gtk_widget_get_width (GTK_WIDGET (self)),
                                                                gtk_widget_get_height (GTK_WIDGET (self))));

  draw (self, priv->layout, cr, hr_chart_style_get (headroom_get_chart_scheme ()));
  cairo_destroy (cr);
}

static void
headroom_chart_snapshot (GtkWidget   *widget,
                         GtkSnapshot *snapshot)
{
  HeadroomChart *self = HEADROOM_CHART (widget);
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);

  if (headroom_chart_get_layout (self) == NULL)
    return;

  if (priv->node == NULL)
    {
      GtkSnapshot *base = gtk_snapshot_new ();

      append_drawing (self, base, HEADROOM_CHART_GET_CLASS (self)->draw);
      priv->node = gtk_snapshot_free_to_node (base);
    }

  if (priv->node != NULL)
    gtk_snapshot_append_node (snapshot, priv->node);

  append_drawing (self, snapshot, HEADROOM_CHART_GET_CLASS (self)->draw_emphasis);
}

static void
headroom_chart_size_allocate (GtkWidget *widget,
                              int        width,
                              int        height,
                              int        baseline)
{
  headroom_chart_clear_layout (HEADROOM_CHART (widget));
}

static void
headroom_chart_css_changed (GtkWidget         *widget,
                            GtkCssStyleChange *change)
{
  GTK_WIDGET_CLASS (headroom_chart_parent_class)->css_changed (widget, change);

  headroom_chart_clear_layout (HEADROOM_CHART (widget));
}

static void
headroom_chart_dispose (GObject *object)
{
  HeadroomChart *self = HEADROOM_CHART (object);
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);

  g_clear_pointer (&priv->layout, HEADROOM_CHART_GET_CLASS (self)->free_layout);
  g_clear_pointer (&priv->node, gsk_render_node_unref);
  g_clear_object (&priv->data);

  G_OBJECT_CLASS (headroom_chart_parent_class)->dispose (object);
}

static void
headroom_chart_get_property (GObject    *object,
                             guint       prop_id,
                             GValue     *value,
                             GParamSpec *pspec)
{
  HeadroomChart *self = HEADROOM_CHART (object);

  switch (prop_id)
    {
    case PROP_DATA:
      g_value_set_object (value, headroom_chart_get_data (self));
      break;

    case PROP_SELECTED:
      g_value_set_int (value, headroom_chart_get_selected (self));
      break;

    case PROP_HOVERED:
      g_value_set_int (value, headroom_chart_get_hovered (self));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_chart_set_property (GObject      *object,
                             guint         prop_id,
                             const GValue *value,
                             GParamSpec   *pspec)
{
  HeadroomChart *self = HEADROOM_CHART (object);

  switch (prop_id)
    {
    case PROP_DATA:
      headroom_chart_set_data (self, g_value_get_object (value));
      break;

    case PROP_SELECTED:
      headroom_chart_set_selected (self, g_value_get_int (value));
      break;

    case PROP_HOVERED:
      headroom_chart_set_hovered (self, g_value_get_int (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_chart_class_init (HeadroomChartClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_chart_dispose;
  object_class->get_property = headroom_chart_get_property;
  object_class->set_property = headroom_chart_set_property;

  widget_class->snapshot = headroom_chart_snapshot;
  widget_class->size_allocate = headroom_chart_size_allocate;
  widget_class->css_changed = headroom_chart_css_changed;

  klass->point_at = headroom_chart_point_at;
  klass->leave = headroom_chart_leave;
  klass->press = headroom_chart_press;
  klass->restart = headroom_chart_restart;

  /*
   * HeadroomChart:data:
   *
   * What to show, of the type that the kind of chart shows.
   */
  properties[PROP_DATA] =
    g_param_spec_object ("data", NULL, NULL, G_TYPE_OBJECT,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomChart:selected:
   *
   * The index of the selected part, or -1.
   */
  properties[PROP_SELECTED] =
    g_param_spec_int ("selected", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomChart:hovered:
   *
   * The index of the part under the pointer, here or in a legend, or -1.
   */
  properties[PROP_HOVERED] =
    g_param_spec_int ("hovered", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
headroom_chart_init (HeadroomChart *self)
{
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkGesture *click = gtk_gesture_click_new ();

  priv->selected = -1;
  priv->hovered = -1;

  g_signal_connect_swapped (motion, "enter", G_CALLBACK (headroom_chart_motion_cb), self);
  g_signal_connect_swapped (motion, "motion", G_CALLBACK (headroom_chart_motion_cb), self);
  g_signal_connect_swapped (motion, "leave", G_CALLBACK (headroom_chart_leave_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), motion);

  g_signal_connect_swapped (click, "pressed", G_CALLBACK (headroom_chart_pressed_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));

  headroom_watch_chart_scheme (self, G_CALLBACK (headroom_chart_clear_node));
}

/*
 * headroom_chart_class_add_keys:
 * @klass: a kind of chart
 * @keyval: a key that moves: an arrow, Home, End, Page_Up or Page_Down
 * @modifiers: what is held with it
 * @callback: what it does
 * @step: what @callback gets
 *
 * Binds a key and its twin on the keypad.
 */
void
headroom_chart_class_add_keys (HeadroomChartClass *klass,
                               guint               keyval,
                               GdkModifierType     modifiers,
                               GtkShortcutFunc     callback,
                               int                 step)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  g_return_if_fail (keyval >= GDK_KEY_Home && keyval <= GDK_KEY_End);

  gtk_widget_class_add_binding (widget_class, keyval, modifiers, callback, "i", step);
  /* Keys of the keypad have the order of their twins. */
  gtk_widget_class_add_binding (widget_class, keyval - GDK_KEY_Home + GDK_KEY_KP_Home, modifiers, callback, "i", step);
}

/*
 * headroom_chart_get_layout:
 * @self: a chart
 *
 * Gets what the kind's function lay_out made for the size and the data of now.
 *
 * Returns: (nullable): the layout, or NULL if there is no data or no room
 */
gpointer
headroom_chart_get_layout (HeadroomChart *self)
{
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);
  int width = gtk_widget_get_width (GTK_WIDGET (self));
  int height = gtk_widget_get_height (GTK_WIDGET (self));

  if (priv->layout == NULL && priv->data != NULL && width > 0 && height > 0)
    priv->layout = HEADROOM_CHART_GET_CLASS (self)->lay_out (self, width, height);

  return priv->layout;
}

/*
 * headroom_chart_pick:
 * @self: a chart
 * @x: pixels from the left
 * @y: pixels from the top
 *
 * Returns: the index of the part that is there, or -1
 */
int
headroom_chart_pick (HeadroomChart *self,
                     double         x,
                     double         y)
{
  gpointer layout;

  g_return_val_if_fail (HEADROOM_IS_CHART (self), -1);

  layout = headroom_chart_get_layout (self);

  return layout != NULL ? HEADROOM_CHART_GET_CLASS (self)->pick (self, layout, x, y) : -1;
}

/*
 * headroom_chart_update_accessible:
 * @self: a chart
 *
 * Says anew what is shown, and what is in it, after what is looked at.
 */
void
headroom_chart_update_accessible (HeadroomChart *self)
{
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);
  HeadroomChartClass *klass;
  g_autofree char *label = NULL;
  g_autofree char *description = NULL;
  g_autofree char *emphasis = NULL;
  g_autofree char *both = NULL;

  g_return_if_fail (HEADROOM_IS_CHART (self));

  if (priv->data == NULL)
    return;

  klass = HEADROOM_CHART_GET_CLASS (self);
  klass->describe (self, &label, &description);
  if (klass->dup_emphasis != NULL)
    emphasis = klass->dup_emphasis (self);
  if (emphasis != NULL)
    both = g_strdup_printf ("%s. %s", emphasis, description);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, both != NULL ? both : description,
                                  -1);
}

gpointer
headroom_chart_get_data (HeadroomChart *self)
{
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);

  g_return_val_if_fail (HEADROOM_IS_CHART (self), NULL);

  return priv->data;
}

/*
 * headroom_chart_set_data:
 * @self: a chart
 * @data: (type GObject) (nullable): what to show, of the type that the kind of chart shows
 *
 * Shows something else, and begins anew.
 */
void
headroom_chart_set_data (HeadroomChart *self,
                         gpointer       data)
{
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);

  g_return_if_fail (HEADROOM_IS_CHART (self));
  g_return_if_fail (data == NULL || G_TYPE_CHECK_INSTANCE_TYPE (data, HEADROOM_CHART_GET_CLASS (self)->data_type));

  if (!g_set_object (&priv->data, data))
    return;

  g_object_freeze_notify (G_OBJECT (self));
  HEADROOM_CHART_GET_CLASS (self)->restart (self);
  headroom_chart_clear_layout (self);
  headroom_chart_update_accessible (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DATA]);
  g_object_thaw_notify (G_OBJECT (self));
}

guint
headroom_chart_get_n_parts (HeadroomChart *self)
{
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);

  g_return_val_if_fail (HEADROOM_IS_CHART (self), 0);

  return priv->data != NULL ? HEADROOM_CHART_GET_CLASS (self)->get_n_parts (self) : 0;
}

int
headroom_chart_get_selected (HeadroomChart *self)
{
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);

  g_return_val_if_fail (HEADROOM_IS_CHART (self), -1);

  return priv->selected;
}

/*
 * headroom_chart_set_selected:
 * @self: a chart
 * @selected: the index of a part; one that there is not, such as -1, selects none
 */
void
headroom_chart_set_selected (HeadroomChart *self,
                             int            selected)
{
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);

  g_return_if_fail (HEADROOM_IS_CHART (self));

  if (selected < 0 || (guint) selected >= headroom_chart_get_n_parts (self))
    selected = -1;

  if (priv->selected == selected)
    return;

  priv->selected = selected;
  headroom_chart_update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}

int
headroom_chart_get_hovered (HeadroomChart *self)
{
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);

  g_return_val_if_fail (HEADROOM_IS_CHART (self), -1);

  return priv->hovered;
}

/*
 * headroom_chart_set_hovered:
 * @self: a chart
 * @hovered: the index of a part; one that there is not, such as -1, marks none
 */
void
headroom_chart_set_hovered (HeadroomChart *self,
                            int            hovered)
{
  HeadroomChartPrivate *priv = headroom_chart_get_instance_private (self);

  g_return_if_fail (HEADROOM_IS_CHART (self));

  if (hovered < 0 || (guint) hovered >= headroom_chart_get_n_parts (self))
    hovered = -1;

  if (priv->hovered == hovered)
    return;

  priv->hovered = hovered;
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_HOVERED]);
}
