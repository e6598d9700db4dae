/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-capacity-bar.h"

#include "hr-capacity-bar.h"

#define MIN_WIDTH 120
#define HEIGHT 20

/*
 * HeadroomCapacityBar:
 *
 * A bar, of #HrChartData with a capacity, that shows parts against what there is room for. A click picks the part under
 * the pointer; for the keyboard there are the pie and the legend, which show the same parts.
 *
 * CSS node: capacitybar. Accessible role: image, with what it shows as its name, and its parts as its description.
 */
struct _HeadroomCapacityBar
{
  HeadroomChart parent_instance;
};

G_DEFINE_FINAL_TYPE (HeadroomCapacityBar, headroom_capacity_bar, HEADROOM_TYPE_CHART)

static guint
headroom_capacity_bar_get_n_parts (HeadroomChart *chart)
{
  return hr_chart_data_get_n_parts (headroom_chart_get_data (chart));
}

static gpointer
headroom_capacity_bar_lay_out (HeadroomChart *chart,
                               int            width,
                               int            height)
{
  return hr_capacity_bar_new (headroom_chart_get_data (chart), width, height);
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
  hr_capacity_bar_draw_emphasis (layout, cr, style, headroom_chart_get_selected (chart),
                                 headroom_chart_get_hovered (chart));
}

static int
headroom_capacity_bar_pick (HeadroomChart *chart,
                            gpointer       layout,
                            double         x,
                            double         y)
{
  return hr_bar_layout_pick (hr_capacity_bar_get_layout (layout), x, y);
}

static void
headroom_capacity_bar_describe (HeadroomChart  *chart,
                                char          **label,
                                char          **description)
{
  HrChartData *data = headroom_chart_get_data (chart);

  *label = hr_chart_data_dup_label (data);
  *description = hr_chart_data_dup_description (data);
}

static gboolean
headroom_capacity_bar_query_tooltip (GtkWidget  *widget,
                                     int         x,
                                     int         y,
                                     gboolean    keyboard_tooltip,
                                     GtkTooltip *tooltip)
{
  HeadroomChart *chart = HEADROOM_CHART (widget);
  int index = keyboard_tooltip ? -1 : headroom_chart_pick (chart, x, y);
  const HrChartPart *part;
  g_autofree char *text = NULL;

  if (index < 0)
    return FALSE;

  part = hr_chart_data_get_part (headroom_chart_get_data (chart), index);
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
headroom_capacity_bar_class_init (HeadroomCapacityBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  HeadroomChartClass *chart_class = HEADROOM_CHART_CLASS (klass);

  widget_class->measure = headroom_capacity_bar_measure;
  widget_class->query_tooltip = headroom_capacity_bar_query_tooltip;

  chart_class->data_type = HR_TYPE_CHART_DATA;
  chart_class->get_n_parts = headroom_capacity_bar_get_n_parts;
  chart_class->lay_out = headroom_capacity_bar_lay_out;
  chart_class->free_layout = headroom_capacity_bar_free_layout;
  chart_class->draw = headroom_capacity_bar_draw;
  chart_class->draw_emphasis = headroom_capacity_bar_draw_emphasis;
  chart_class->pick = headroom_capacity_bar_pick;
  chart_class->describe = headroom_capacity_bar_describe;

  gtk_widget_class_set_css_name (widget_class, "capacitybar");
}

static void
headroom_capacity_bar_init (HeadroomCapacityBar *self)
{
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
