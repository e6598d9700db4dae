/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-capacity-bar.h"

#include "headroom-chart-scheme.h"
#include "hr-capacity-bar.h"

#define MIN_WIDTH 120
#define HEIGHT 20

/*
 * HeadroomCapacityBar:
 *
 * A bar that shows parts against what there is room for. A click picks the part under the pointer; for the keyboard
 * there are the pie and the legend, which show the same parts.
 *
 * CSS node: capacitybar. Accessible role: image, with what it shows as its name, and its parts as its description.
 */
struct _HeadroomCapacityBar
{
  GtkWidget parent_instance;

  HrChartData *data;
  int selected;
  int hovered;

  HrCapacityBar *bar;
};

enum
{
  PROP_0,
  PROP_DATA,
  PROP_SELECTED,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomCapacityBar, headroom_capacity_bar, GTK_TYPE_WIDGET)

static GParamSpec *properties[N_PROPS];

static void
headroom_capacity_bar_clear_layout (HeadroomCapacityBar *self)
{
  g_clear_pointer (&self->bar, hr_capacity_bar_free);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static HrCapacityBar *
headroom_capacity_bar_get_bar (HeadroomCapacityBar *self)
{
  int width = gtk_widget_get_width (GTK_WIDGET (self));
  int height = gtk_widget_get_height (GTK_WIDGET (self));

  if (self->bar == NULL && self->data != NULL && width > 0 && height > 0)
    self->bar = hr_capacity_bar_new (self->data, width, height);

  return self->bar;
}

static int
headroom_capacity_bar_pick (HeadroomCapacityBar *self,
                            double               x,
                            double               y)
{
  HrCapacityBar *bar = headroom_capacity_bar_get_bar (self);

  return bar != NULL ? hr_bar_layout_pick (hr_capacity_bar_get_layout (bar), x, y) : -1;
}

static void
headroom_capacity_bar_set_hovered (HeadroomCapacityBar *self,
                                   int                  hovered)
{
  if (self->hovered == hovered)
    return;

  self->hovered = hovered;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
headroom_capacity_bar_motion_cb (HeadroomCapacityBar *self,
                                 double               x,
                                 double               y)
{
  headroom_capacity_bar_set_hovered (self, headroom_capacity_bar_pick (self, x, y));
}

static void
headroom_capacity_bar_leave_cb (HeadroomCapacityBar *self)
{
  headroom_capacity_bar_set_hovered (self, -1);
}

static void
headroom_capacity_bar_pressed_cb (HeadroomCapacityBar *self,
                                  int                  n_press,
                                  double               x,
                                  double               y)
{
  int index = headroom_capacity_bar_pick (self, x, y);

  if (index >= 0)
    headroom_capacity_bar_set_selected (self, index);
}

static gboolean
headroom_capacity_bar_query_tooltip (GtkWidget  *widget,
                                     int         x,
                                     int         y,
                                     gboolean    keyboard_tooltip,
                                     GtkTooltip *tooltip)
{
  HeadroomCapacityBar *self = HEADROOM_CAPACITY_BAR (widget);
  int index = keyboard_tooltip ? -1 : headroom_capacity_bar_pick (self, x, y);
  const HrChartPart *part;
  g_autofree char *text = NULL;

  if (index < 0)
    return FALSE;

  part = hr_chart_data_get_part (self->data, index);
  text = g_strdup_printf ("%s\n%s", part->label, part->value_text);
  gtk_tooltip_set_text (tooltip, text);

  return TRUE;
}

static void
headroom_capacity_bar_snapshot (GtkWidget   *widget,
                                GtkSnapshot *snapshot)
{
  HeadroomCapacityBar *self = HEADROOM_CAPACITY_BAR (widget);
  const HrChartStyle *style = hr_chart_style_get (headroom_get_chart_scheme ());
  cairo_t *cr;

  if (headroom_capacity_bar_get_bar (self) == NULL)
    return;

  cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, gtk_widget_get_width (widget),
                                                                 gtk_widget_get_height (widget)));
  hr_capacity_bar_draw (self->bar, cr, style);
  hr_capacity_bar_draw_emphasis (self->bar, cr, style, self->selected, self->hovered);
  cairo_destroy (cr);
}

static void
headroom_capacity_bar_size_allocate (GtkWidget *widget,
                                     int        width,
                                     int        height,
                                     int        baseline)
{
  headroom_capacity_bar_clear_layout (HEADROOM_CAPACITY_BAR (widget));
}

static void
headroom_capacity_bar_measure (GtkWidget      *widget,
                               GtkOrientation  orientation,
                               int             for_size,
                               int            *minimum,
                               int            *natural,
                               int            *minimum_baseline,
                               int            *natural_baseline)
{
  *minimum = *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? MIN_WIDTH : HEIGHT;
}

static void
headroom_capacity_bar_dispose (GObject *object)
{
  HeadroomCapacityBar *self = HEADROOM_CAPACITY_BAR (object);

  g_clear_object (&self->data);
  g_clear_pointer (&self->bar, hr_capacity_bar_free);

  G_OBJECT_CLASS (headroom_capacity_bar_parent_class)->dispose (object);
}

static void
headroom_capacity_bar_get_property (GObject    *object,
                                    guint       prop_id,
                                    GValue     *value,
                                    GParamSpec *pspec)
{
  HeadroomCapacityBar *self = HEADROOM_CAPACITY_BAR (object);

  switch (prop_id)
    {
    case PROP_DATA:
      g_value_set_object (value, self->data);
      break;

    case PROP_SELECTED:
      g_value_set_int (value, self->selected);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_capacity_bar_set_property (GObject      *object,
                                    guint         prop_id,
                                    const GValue *value,
                                    GParamSpec   *pspec)
{
  HeadroomCapacityBar *self = HEADROOM_CAPACITY_BAR (object);

  switch (prop_id)
    {
    case PROP_DATA:
      headroom_capacity_bar_set_data (self, g_value_get_object (value));
      break;

    case PROP_SELECTED:
      headroom_capacity_bar_set_selected (self, g_value_get_int (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_capacity_bar_class_init (HeadroomCapacityBarClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_capacity_bar_dispose;
  object_class->get_property = headroom_capacity_bar_get_property;
  object_class->set_property = headroom_capacity_bar_set_property;

  widget_class->snapshot = headroom_capacity_bar_snapshot;
  widget_class->size_allocate = headroom_capacity_bar_size_allocate;
  widget_class->measure = headroom_capacity_bar_measure;
  widget_class->query_tooltip = headroom_capacity_bar_query_tooltip;

  /*
   * HeadroomCapacityBar:data:
   *
   * What to show, with its capacity.
   */
  properties[PROP_DATA] =
    g_param_spec_object ("data", NULL, NULL, HR_TYPE_CHART_DATA,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomCapacityBar:selected:
   *
   * The index of the selected part, or -1.
   */
  properties[PROP_SELECTED] =
    g_param_spec_int ("selected", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_css_name (widget_class, "capacitybar");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
headroom_capacity_bar_init (HeadroomCapacityBar *self)
{
  AdwStyleManager *manager = adw_style_manager_get_default ();
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkGesture *click = gtk_gesture_click_new ();

  self->selected = -1;
  self->hovered = -1;

  gtk_widget_set_has_tooltip (GTK_WIDGET (self), TRUE);

  g_signal_connect_swapped (motion, "enter", G_CALLBACK (headroom_capacity_bar_motion_cb), self);
  g_signal_connect_swapped (motion, "motion", G_CALLBACK (headroom_capacity_bar_motion_cb), self);
  g_signal_connect_swapped (motion, "leave", G_CALLBACK (headroom_capacity_bar_leave_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), motion);

  g_signal_connect_swapped (click, "pressed", G_CALLBACK (headroom_capacity_bar_pressed_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));

  g_signal_connect_object (manager, "notify::dark", G_CALLBACK (gtk_widget_queue_draw), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (manager, "notify::high-contrast", G_CALLBACK (gtk_widget_queue_draw), self,
                           G_CONNECT_SWAPPED);
}

/*
 * headroom_capacity_bar_new:
 *
 * Makes a bar that shows nothing yet.
 */
GtkWidget *
headroom_capacity_bar_new (void)
{
  return g_object_new (HEADROOM_TYPE_CAPACITY_BAR, NULL);
}

HrChartData *
headroom_capacity_bar_get_data (HeadroomCapacityBar *self)
{
  g_return_val_if_fail (HEADROOM_IS_CAPACITY_BAR (self), NULL);

  return self->data;
}

/*
 * headroom_capacity_bar_set_data:
 * @self: a bar
 * @data: (nullable): what to show
 *
 * Shows something else; nothing is selected any more.
 */
void
headroom_capacity_bar_set_data (HeadroomCapacityBar *self,
                                HrChartData         *data)
{
  g_return_if_fail (HEADROOM_IS_CAPACITY_BAR (self));
  g_return_if_fail (data == NULL || HR_IS_CHART_DATA (data));

  if (!g_set_object (&self->data, data))
    return;

  self->hovered = -1;
  headroom_capacity_bar_set_selected (self, -1);
  headroom_capacity_bar_clear_layout (self);

  if (data != NULL)
    {
      g_autofree char *label = hr_chart_data_dup_label (data);
      g_autofree char *description = hr_chart_data_dup_description (data);

      gtk_accessible_update_property (GTK_ACCESSIBLE (self),
                                      GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                      GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description,
                                      -1);
    }

  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DATA]);
}

int
headroom_capacity_bar_get_selected (HeadroomCapacityBar *self)
{
  g_return_val_if_fail (HEADROOM_IS_CAPACITY_BAR (self), -1);

  return self->selected;
}

/*
 * headroom_capacity_bar_set_selected:
 * @self: a bar
 * @selected: the index of a part; one that there is not, such as -1, selects none
 */
void
headroom_capacity_bar_set_selected (HeadroomCapacityBar *self,
                                    int                  selected)
{
  g_return_if_fail (HEADROOM_IS_CAPACITY_BAR (self));

  if (self->data == NULL || selected < 0 || (guint) selected >= hr_chart_data_get_n_parts (self->data))
    selected = -1;

  if (self->selected == selected)
    return;

  self->selected = selected;
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}
