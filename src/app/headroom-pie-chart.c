/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-pie-chart.h"

#include <glib/gi18n.h>

#include "headroom-chart-scheme.h"
#include "hr-pie-chart.h"

#define MIN_SIZE 160
#define NATURAL_SIZE 320

/*
 * HeadroomPieChart:
 *
 * A pie whose slices can be picked with the pointer and the keyboard.
 *
 * The pie is drawn once for each size and colour scheme; what is under the pointer or selected is drawn over it.
 *
 * CSS node: piechart. Accessible role: image, with what it shows as its name, and its parts as its description.
 */
struct _HeadroomPieChart
{
  GtkWidget parent_instance;

  HrChartData *data;
  int selected;
  int hovered;

  HrPieChart *pie;
  GskRenderNode *node;
};

enum
{
  PROP_0,
  PROP_DATA,
  PROP_SELECTED,
  PROP_HOVERED,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomPieChart, headroom_pie_chart, GTK_TYPE_WIDGET)

static GParamSpec *properties[N_PROPS];

static void
headroom_pie_chart_clear_node (HeadroomPieChart *self)
{
  g_clear_pointer (&self->node, gsk_render_node_unref);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
headroom_pie_chart_clear_layout (HeadroomPieChart *self)
{
  g_clear_pointer (&self->pie, hr_pie_chart_free);
  headroom_pie_chart_clear_node (self);
}

static HrPieChart *
headroom_pie_chart_get_pie (HeadroomPieChart *self)
{
  int width = gtk_widget_get_width (GTK_WIDGET (self));
  int height = gtk_widget_get_height (GTK_WIDGET (self));

  if (self->pie == NULL && self->data != NULL && width > 0 && height > 0)
    self->pie = hr_pie_chart_new (self->data, gtk_widget_get_pango_context (GTK_WIDGET (self)), width, height);

  return self->pie;
}

static guint
headroom_pie_chart_get_n_parts (HeadroomPieChart *self)
{
  return self->data != NULL ? hr_chart_data_get_n_parts (self->data) : 0;
}

static void
headroom_pie_chart_update_accessible (HeadroomPieChart *self)
{
  g_autofree char *label = NULL;
  g_autofree char *parts = NULL;
  g_autofree char *description = NULL;

  if (self->data == NULL)
    return;

  label = hr_chart_data_dup_label (self->data);
  parts = hr_chart_data_dup_description (self->data);

  if (self->selected >= 0)
    {
      const HrChartPart *part = hr_chart_data_get_part (self->data, self->selected);

      /* Translators: read by screen readers: 1 the name of the selected part of the chart, 2 its size, 3 all parts */
      description = g_strdup_printf (_("Selected: %1$s, %2$s. %3$s"), part->label, part->value_text, parts);
    }
  else
    {
      description = g_steal_pointer (&parts);
    }

  gtk_accessible_update_property (GTK_ACCESSIBLE (self),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description,
                                  -1);
}

static int
headroom_pie_chart_pick (HeadroomPieChart *self,
                         double            x,
                         double            y)
{
  HrPieChart *pie = headroom_pie_chart_get_pie (self);

  return pie != NULL ? hr_pie_layout_pick (hr_pie_chart_get_layout (pie), x, y) : -1;
}

static void
headroom_pie_chart_motion_cb (HeadroomPieChart *self,
                              double            x,
                              double            y)
{
  headroom_pie_chart_set_hovered (self, headroom_pie_chart_pick (self, x, y));
}

static void
headroom_pie_chart_leave_cb (HeadroomPieChart *self)
{
  headroom_pie_chart_set_hovered (self, -1);
}

static void
headroom_pie_chart_pressed_cb (HeadroomPieChart *self,
                               int               n_press,
                               double            x,
                               double            y)
{
  int index = headroom_pie_chart_pick (self, x, y);

  gtk_widget_grab_focus (GTK_WIDGET (self));
  if (index >= 0)
    headroom_pie_chart_set_selected (self, index);
}

/* Finds the next part with a slice, from @index on, in steps of @step. */
static int
headroom_pie_chart_find_slice (HeadroomPieChart *self,
                               int               index,
                               int               step)
{
  int n_parts = headroom_pie_chart_get_n_parts (self);

  for (int i = 0; i < n_parts; i++)
    {
      int candidate = ((index + i * step) % n_parts + n_parts) % n_parts;

      if (hr_chart_data_get_part (self->data, candidate)->value > 0)
        return candidate;
    }

  return -1;
}

static gboolean
headroom_pie_chart_move_cb (GtkWidget *widget,
                            GVariant  *args,
                            gpointer   user_data)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (widget);
  int step = g_variant_get_int32 (args);
  int start = self->selected >= 0 ? self->selected + step : step > 0 ? 0 : -1;
  int index = headroom_pie_chart_find_slice (self, start, step);

  if (index < 0)
    return FALSE;

  headroom_pie_chart_set_selected (self, index);

  return TRUE;
}

static gboolean
headroom_pie_chart_end_cb (GtkWidget *widget,
                           GVariant  *args,
                           gpointer   user_data)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (widget);
  int step = g_variant_get_int32 (args);
  int index = headroom_pie_chart_find_slice (self, step > 0 ? 0 : -1, step);

  if (index < 0)
    return FALSE;

  headroom_pie_chart_set_selected (self, index);

  return TRUE;
}

static void
append_emphasis (HeadroomPieChart   *self,
                 GtkSnapshot        *snapshot,
                 const HrChartStyle *style)
{
  cairo_t *cr;

  if (self->selected < 0 && self->hovered < 0)
    return;

  cr = gtk_snapshot_append_cairo (snapshot,
                                  &GRAPHENE_RECT_INIT (0, 0, gtk_widget_get_width (GTK_WIDGET (self)),
                                                       gtk_widget_get_height (GTK_WIDGET (self))));
  hr_pie_chart_draw_emphasis (self->pie, cr, style, self->selected, self->hovered);
  cairo_destroy (cr);
}

static void
headroom_pie_chart_snapshot (GtkWidget   *widget,
                             GtkSnapshot *snapshot)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (widget);
  const HrChartStyle *style = hr_chart_style_get (headroom_get_chart_scheme ());

  if (headroom_pie_chart_get_pie (self) == NULL)
    return;

  if (self->node == NULL)
    {
      GtkSnapshot *base = gtk_snapshot_new ();
      cairo_t *cr = gtk_snapshot_append_cairo (base, &GRAPHENE_RECT_INIT (0, 0, gtk_widget_get_width (widget),
                                                                         gtk_widget_get_height (widget)));

      hr_pie_chart_draw (self->pie, cr, style);
      cairo_destroy (cr);
      self->node = gtk_snapshot_free_to_node (base);
    }

  if (self->node != NULL)
    gtk_snapshot_append_node (snapshot, self->node);

  append_emphasis (self, snapshot, style);
}

static void
headroom_pie_chart_size_allocate (GtkWidget *widget,
                                  int        width,
                                  int        height,
                                  int        baseline)
{
  headroom_pie_chart_clear_layout (HEADROOM_PIE_CHART (widget));
}

static void
headroom_pie_chart_measure (GtkWidget      *widget,
                            GtkOrientation  orientation,
                            int             for_size,
                            int            *minimum,
                            int            *natural,
                            int            *minimum_baseline,
                            int            *natural_baseline)
{
  *minimum = MIN_SIZE;
  *natural = NATURAL_SIZE;

  /* As high as it is wide, until that is high enough. */
  if (orientation == GTK_ORIENTATION_VERTICAL && for_size >= 0)
    *minimum = *natural = CLAMP (for_size, MIN_SIZE, NATURAL_SIZE);
}

static GtkSizeRequestMode
headroom_pie_chart_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
headroom_pie_chart_css_changed (GtkWidget         *widget,
                                GtkCssStyleChange *change)
{
  GTK_WIDGET_CLASS (headroom_pie_chart_parent_class)->css_changed (widget, change);

  headroom_pie_chart_clear_layout (HEADROOM_PIE_CHART (widget));
}

static void
headroom_pie_chart_dispose (GObject *object)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (object);

  g_clear_object (&self->data);
  g_clear_pointer (&self->pie, hr_pie_chart_free);
  g_clear_pointer (&self->node, gsk_render_node_unref);

  G_OBJECT_CLASS (headroom_pie_chart_parent_class)->dispose (object);
}

static void
headroom_pie_chart_get_property (GObject    *object,
                                 guint       prop_id,
                                 GValue     *value,
                                 GParamSpec *pspec)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (object);

  switch (prop_id)
    {
    case PROP_DATA:
      g_value_set_object (value, self->data);
      break;

    case PROP_SELECTED:
      g_value_set_int (value, self->selected);
      break;

    case PROP_HOVERED:
      g_value_set_int (value, self->hovered);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_pie_chart_set_property (GObject      *object,
                                 guint         prop_id,
                                 const GValue *value,
                                 GParamSpec   *pspec)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (object);

  switch (prop_id)
    {
    case PROP_DATA:
      headroom_pie_chart_set_data (self, g_value_get_object (value));
      break;

    case PROP_SELECTED:
      headroom_pie_chart_set_selected (self, g_value_get_int (value));
      break;

    case PROP_HOVERED:
      headroom_pie_chart_set_hovered (self, g_value_get_int (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
add_keys (GtkWidgetClass *widget_class,
          guint           keyval,
          guint           keypad_keyval,
          GtkShortcutFunc callback,
          int             step)
{
  gtk_widget_class_add_binding (widget_class, keyval, 0, callback, "i", step);
  gtk_widget_class_add_binding (widget_class, keypad_keyval, 0, callback, "i", step);
}

static void
headroom_pie_chart_class_init (HeadroomPieChartClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = headroom_pie_chart_dispose;
  object_class->get_property = headroom_pie_chart_get_property;
  object_class->set_property = headroom_pie_chart_set_property;

  widget_class->snapshot = headroom_pie_chart_snapshot;
  widget_class->size_allocate = headroom_pie_chart_size_allocate;
  widget_class->measure = headroom_pie_chart_measure;
  widget_class->get_request_mode = headroom_pie_chart_get_request_mode;
  widget_class->css_changed = headroom_pie_chart_css_changed;

  /*
   * HeadroomPieChart:data:
   *
   * What to show.
   */
  properties[PROP_DATA] =
    g_param_spec_object ("data", NULL, NULL, HR_TYPE_CHART_DATA,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomPieChart:selected:
   *
   * The index of the selected part, or -1.
   */
  properties[PROP_SELECTED] =
    g_param_spec_int ("selected", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /*
   * HeadroomPieChart:hovered:
   *
   * The index of the part under the pointer, here or in a legend, or -1.
   */
  properties[PROP_HOVERED] =
    g_param_spec_int ("hovered", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  add_keys (widget_class, GDK_KEY_Right, GDK_KEY_KP_Right, headroom_pie_chart_move_cb, 1);
  add_keys (widget_class, GDK_KEY_Down, GDK_KEY_KP_Down, headroom_pie_chart_move_cb, 1);
  add_keys (widget_class, GDK_KEY_Left, GDK_KEY_KP_Left, headroom_pie_chart_move_cb, -1);
  add_keys (widget_class, GDK_KEY_Up, GDK_KEY_KP_Up, headroom_pie_chart_move_cb, -1);
  add_keys (widget_class, GDK_KEY_Home, GDK_KEY_KP_Home, headroom_pie_chart_end_cb, 1);
  add_keys (widget_class, GDK_KEY_End, GDK_KEY_KP_End, headroom_pie_chart_end_cb, -1);

  gtk_widget_class_set_css_name (widget_class, "piechart");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
headroom_pie_chart_init (HeadroomPieChart *self)
{
  AdwStyleManager *manager = adw_style_manager_get_default ();
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkGesture *click = gtk_gesture_click_new ();

  self->selected = -1;
  self->hovered = -1;

  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);

  g_signal_connect_swapped (motion, "enter", G_CALLBACK (headroom_pie_chart_motion_cb), self);
  g_signal_connect_swapped (motion, "motion", G_CALLBACK (headroom_pie_chart_motion_cb), self);
  g_signal_connect_swapped (motion, "leave", G_CALLBACK (headroom_pie_chart_leave_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), motion);

  g_signal_connect_swapped (click, "pressed", G_CALLBACK (headroom_pie_chart_pressed_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));

  g_signal_connect_object (manager, "notify::dark", G_CALLBACK (headroom_pie_chart_clear_node), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (manager, "notify::high-contrast", G_CALLBACK (headroom_pie_chart_clear_node), self,
                           G_CONNECT_SWAPPED);
}

/*
 * headroom_pie_chart_new:
 *
 * Makes a pie that shows nothing yet.
 */
GtkWidget *
headroom_pie_chart_new (void)
{
  return g_object_new (HEADROOM_TYPE_PIE_CHART, NULL);
}

HrChartData *
headroom_pie_chart_get_data (HeadroomPieChart *self)
{
  g_return_val_if_fail (HEADROOM_IS_PIE_CHART (self), NULL);

  return self->data;
}

/*
 * headroom_pie_chart_set_data:
 * @self: a pie
 * @data: (nullable): what to show
 *
 * Shows something else; nothing is selected any more.
 */
void
headroom_pie_chart_set_data (HeadroomPieChart *self,
                             HrChartData      *data)
{
  g_return_if_fail (HEADROOM_IS_PIE_CHART (self));
  g_return_if_fail (data == NULL || HR_IS_CHART_DATA (data));

  if (!g_set_object (&self->data, data))
    return;

  g_object_freeze_notify (G_OBJECT (self));
  headroom_pie_chart_set_selected (self, -1);
  headroom_pie_chart_set_hovered (self, -1);
  headroom_pie_chart_clear_layout (self);
  headroom_pie_chart_update_accessible (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DATA]);
  g_object_thaw_notify (G_OBJECT (self));
}

int
headroom_pie_chart_get_selected (HeadroomPieChart *self)
{
  g_return_val_if_fail (HEADROOM_IS_PIE_CHART (self), -1);

  return self->selected;
}

/*
 * headroom_pie_chart_set_selected:
 * @self: a pie
 * @selected: the index of a part; one that there is not, such as -1, selects none
 */
void
headroom_pie_chart_set_selected (HeadroomPieChart *self,
                                 int               selected)
{
  g_return_if_fail (HEADROOM_IS_PIE_CHART (self));

  if (selected < 0 || (guint) selected >= headroom_pie_chart_get_n_parts (self))
    selected = -1;

  if (self->selected == selected)
    return;

  self->selected = selected;
  headroom_pie_chart_update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED]);
}

int
headroom_pie_chart_get_hovered (HeadroomPieChart *self)
{
  g_return_val_if_fail (HEADROOM_IS_PIE_CHART (self), -1);

  return self->hovered;
}

/*
 * headroom_pie_chart_set_hovered:
 * @self: a pie
 * @hovered: the index of a part; one that there is not, such as -1, marks none
 */
void
headroom_pie_chart_set_hovered (HeadroomPieChart *self,
                                int               hovered)
{
  g_return_if_fail (HEADROOM_IS_PIE_CHART (self));

  if (hovered < 0 || (guint) hovered >= headroom_pie_chart_get_n_parts (self))
    hovered = -1;

  if (self->hovered == hovered)
    return;

  self->hovered = hovered;
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_HOVERED]);
}
