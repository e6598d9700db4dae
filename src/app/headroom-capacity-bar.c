/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-capacity-bar.h"

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
  HeadroomChart parent_instance;

  HrChartData *data;
  int hovered;
};

enum
{
  PROP_0,
  PROP_DATA,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HeadroomCapacityBar, headroom_capacity_bar, HEADROOM_TYPE_CHART)

static GParamSpec *properties[N_PROPS];

static guint
headroom_capacity_bar_get_n_parts (HeadroomChart *chart)
{
  HeadroomCapacityBar *self = HEADROOM_CAPACITY_BAR (chart);

  return self->data != NULL ? hr_chart_data_get_n_parts (self->data) : 0;
}

static gpointer
headroom_capacity_bar_lay_out (HeadroomChart *chart,
                               int            width,
                               int            height)
{
  HeadroomCapacityBar *self = HEADROOM_CAPACITY_BAR (chart);

  return self->data != NULL ? hr_capacity_bar_new (self->data, width, height) : NULL;
}

static void
headroom_capacity_bar_free_layout (gpointer layout)
{
  hr_capacity_bar_free (layout);
}

static void
headroom_capacity_bar_draw (HeadroomChart      *chart,
                            gpointer            layout,
                            cairo_t            *cr,
                            const HrChartStyle *style)
{
  hr_capacity_bar_draw (layout, cr, style);
}

static void
headroom_capacity_bar_draw_emphasis (HeadroomChart      *chart,
                                     gpointer            layout,
                                     cairo_t            *cr,
                                     const HrChartStyle *style)
{
  HeadroomCapacityBar *self = HEADROOM_CAPACITY_BAR (chart);

  hr_capacity_bar_draw_emphasis (layout, cr, style, headroom_chart_get_selected (chart), self->hovered);
}

static int
headroom_capacity_bar_pick (HeadroomCapacityBar *self,
                            double               x,
                            double               y)
{
  HrCapacityBar *bar = headroom_chart_get_layout (HEADROOM_CHART (self));

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
headroom_capacity_bar_point_at (HeadroomChart *chart,
                                double         x,
                                double         y)
{
  HeadroomCapacityBar *self = HEADROOM_CAPACITY_BAR (chart);

  headroom_capacity_bar_set_hovered (self, headroom_capacity_bar_pick (self, x, y));
}

static void
headroom_capacity_bar_leave (HeadroomChart *chart)
{
  HeadroomCapacityBar *self = HEADROOM_CAPACITY_BAR (chart);

  headroom_capacity_bar_set_hovered (self, -1);
}

static void
headroom_capacity_bar_press (HeadroomChart *chart,
                             double         x,
                             double         y)
{
  HeadroomCapacityBar *self = HEADROOM_CAPACITY_BAR (chart);
  int index = headroom_capacity_bar_pick (self, x, y);

  if (index >= 0)
    headroom_chart_set_selected (chart, index);
}

static void
headroom_capacity_bar_update_accessible (HeadroomChart *chart)
{
  HeadroomCapacityBar *self = HEADROOM_CAPACITY_BAR (chart);
  g_autofree char *label = NULL;
  g_autofree char *description = NULL;

  if (self->data == NULL)
    return;

  label = hr_chart_data_dup_label (self->data);
  description = hr_chart_data_dup_description (self->data);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description,
                                  -1);
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

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
headroom_capacity_bar_class_init (HeadroomCapacityBarClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  HeadroomChartClass *chart_class = HEADROOM_CHART_CLASS (klass);

  object_class->dispose = headroom_capacity_bar_dispose;
  object_class->get_property = headroom_capacity_bar_get_property;
  object_class->set_property = headroom_capacity_bar_set_property;

  widget_class->measure = headroom_capacity_bar_measure;
  widget_class->query_tooltip = headroom_capacity_bar_query_tooltip;

  chart_class->get_n_parts = headroom_capacity_bar_get_n_parts;
  chart_class->lay_out = headroom_capacity_bar_lay_out;
  chart_class->free_layout = headroom_capacity_bar_free_layout;
  chart_class->draw = headroom_capacity_bar_draw;
  chart_class->draw_emphasis = headroom_capacity_bar_draw_emphasis;
  chart_class->point_at = headroom_capacity_bar_point_at;
  chart_class->leave = headroom_capacity_bar_leave;
  chart_class->press = headroom_capacity_bar_press;
  chart_class->update_accessible = headroom_capacity_bar_update_accessible;

  /*
   * HeadroomCapacityBar:data:
   *
   * What to show, with its capacity.
   */
  properties[PROP_DATA] =
    g_param_spec_object ("data", NULL, NULL, HR_TYPE_CHART_DATA,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_css_name (widget_class, "capacitybar");
}

static void
headroom_capacity_bar_init (HeadroomCapacityBar *self)
{
  self->hovered = -1;

  gtk_widget_set_has_tooltip (GTK_WIDGET (self), TRUE);
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
  headroom_chart_restart (HEADROOM_CHART (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DATA]);
}

