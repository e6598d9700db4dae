/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-pie-chart.h"

#include <glib/gi18n.h>

#include "hr-pie-chart.h"

#define MIN_SIZE 160
#define NATURAL_SIZE 320

/*
 * HeadroomPieChart:
 *
 * A pie whose slices can be picked with the pointer and the keyboard.
 *
 * CSS node: piechart. Accessible role: image, with what it shows as its name, and its parts as its description.
 */
struct _HeadroomPieChart
{
  HeadroomChart parent_instance;

  HrChartData *data;
  int hovered;
};

enum
{
  PROP_0,
  PROP_DATA,
  PROP_HOVERED,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomPieChart, headroom_pie_chart, HEADROOM_TYPE_CHART)

static GParamSpec *properties[N_PROPS];

static guint
headroom_pie_chart_get_n_parts (HeadroomChart *chart)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (chart);

  return self->data != NULL ? hr_chart_data_get_n_parts (self->data) : 0;
}

static gpointer
headroom_pie_chart_lay_out (HeadroomChart *chart,
                            int            width,
                            int            height)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (chart);
  PangoContext *context = gtk_widget_get_pango_context (GTK_WIDGET (self));

  return self->data != NULL ? hr_pie_chart_new (self->data, context, width, height) : NULL;
}

static void
headroom_pie_chart_free_layout (gpointer layout)
{
  hr_pie_chart_free (layout);
}

static void
headroom_pie_chart_draw (HeadroomChart      *chart,
                         gpointer            layout,
                         cairo_t            *cr,
                         const HrChartStyle *style)
{
  hr_pie_chart_draw (layout, cr, style);
}

static void
headroom_pie_chart_draw_emphasis (HeadroomChart      *chart,
                                  gpointer            layout,
                                  cairo_t            *cr,
                                  const HrChartStyle *style)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (chart);

  hr_pie_chart_draw_emphasis (layout, cr, style, headroom_chart_get_selected (chart), self->hovered);
}

static void
headroom_pie_chart_update_accessible (HeadroomChart *chart)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (chart);
  int selected = headroom_chart_get_selected (chart);
  g_autofree char *label = NULL;
  g_autofree char *parts = NULL;
  g_autofree char *description = NULL;

  if (self->data == NULL)
    return;

  label = hr_chart_data_dup_label (self->data);
  parts = hr_chart_data_dup_description (self->data);

  if (selected >= 0)
    {
      const HrChartPart *part = hr_chart_data_get_part (self->data, selected);

      /* Translators: read by screen readers: 1 the name of the selected part of the chart, 2 its size, 3 all parts */
      description = g_strdup_printf (_("Selected: %1$s, %2$s. %3$s"), part->label, part->value_text, parts);
    }
  else
    {
      description = g_steal_pointer (&parts);
    }

  gtk_accessible_update_property (GTK_ACCESSIBLE (chart),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description,
                                  -1);
}

static int
headroom_pie_chart_pick (HeadroomPieChart *self,
                         double            x,
                         double            y)
{
  HrPieChart *pie = headroom_chart_get_layout (HEADROOM_CHART (self));

  return pie != NULL ? hr_pie_layout_pick (hr_pie_chart_get_layout (pie), x, y) : -1;
}

static void
headroom_pie_chart_point_at (HeadroomChart *chart,
                             double         x,
                             double         y)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (chart);

  headroom_pie_chart_set_hovered (self, headroom_pie_chart_pick (self, x, y));
}

static void
headroom_pie_chart_leave (HeadroomChart *chart)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (chart);

  headroom_pie_chart_set_hovered (self, -1);
}

static void
headroom_pie_chart_press (HeadroomChart *chart,
                          double         x,
                          double         y)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (chart);
  int index = headroom_pie_chart_pick (self, x, y);

  if (index >= 0)
    headroom_chart_set_selected (chart, index);
}

/* Finds the next part with a slice, from @index on, in steps of @step. */
static int
headroom_pie_chart_find_slice (HeadroomPieChart *self,
                               int               index,
                               int               step)
{
  int n_parts = headroom_pie_chart_get_n_parts (HEADROOM_CHART (self));

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
  int selected = headroom_chart_get_selected (HEADROOM_CHART (self));
  int start = selected >= 0 ? selected + step : step > 0 ? 0 : -1;
  int index = headroom_pie_chart_find_slice (self, start, step);

  if (index < 0)
    return FALSE;

  headroom_chart_set_selected (HEADROOM_CHART (self), index);

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

  headroom_chart_set_selected (HEADROOM_CHART (self), index);

  return TRUE;
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
headroom_pie_chart_dispose (GObject *object)
{
  HeadroomPieChart *self = HEADROOM_PIE_CHART (object);

  g_clear_object (&self->data);

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

    case PROP_HOVERED:
      headroom_pie_chart_set_hovered (self, g_value_get_int (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_pie_chart_class_init (HeadroomPieChartClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  HeadroomChartClass *chart_class = HEADROOM_CHART_CLASS (klass);

  object_class->dispose = headroom_pie_chart_dispose;
  object_class->get_property = headroom_pie_chart_get_property;
  object_class->set_property = headroom_pie_chart_set_property;

  widget_class->measure = headroom_pie_chart_measure;
  widget_class->get_request_mode = headroom_pie_chart_get_request_mode;

  chart_class->get_n_parts = headroom_pie_chart_get_n_parts;
  chart_class->lay_out = headroom_pie_chart_lay_out;
  chart_class->free_layout = headroom_pie_chart_free_layout;
  chart_class->draw = headroom_pie_chart_draw;
  chart_class->draw_emphasis = headroom_pie_chart_draw_emphasis;
  chart_class->point_at = headroom_pie_chart_point_at;
  chart_class->leave = headroom_pie_chart_leave;
  chart_class->press = headroom_pie_chart_press;
  chart_class->update_accessible = headroom_pie_chart_update_accessible;

  /*
   * HeadroomPieChart:data:
   *
   * What to show.
   */
  properties[PROP_DATA] =
    g_param_spec_object ("data", NULL, NULL, HR_TYPE_CHART_DATA,
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

  headroom_chart_class_add_keys (chart_class, GDK_KEY_Right, 0, headroom_pie_chart_move_cb, 1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Down, 0, headroom_pie_chart_move_cb, 1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Left, 0, headroom_pie_chart_move_cb, -1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Up, 0, headroom_pie_chart_move_cb, -1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_Home, 0, headroom_pie_chart_end_cb, 1);
  headroom_chart_class_add_keys (chart_class, GDK_KEY_End, 0, headroom_pie_chart_end_cb, -1);

  gtk_widget_class_set_css_name (widget_class, "piechart");
}

static void
headroom_pie_chart_init (HeadroomPieChart *self)
{
  self->hovered = -1;

  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
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
  headroom_pie_chart_set_hovered (self, -1);
  headroom_chart_restart (HEADROOM_CHART (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DATA]);
  g_object_thaw_notify (G_OBJECT (self));
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

  if (hovered < 0 || (guint) hovered >= headroom_pie_chart_get_n_parts (HEADROOM_CHART (self)))
    hovered = -1;

  if (self->hovered == hovered)
    return;

  self->hovered = hovered;
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_HOVERED]);
}
