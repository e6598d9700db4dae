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
 * A pie, of #HrChartData, whose slices can be picked with the pointer and the keyboard.
 *
 * CSS node: piechart. Accessible role: image, with what it shows as its name, and its parts as its description.
 */
struct _HeadroomPieChart
{
  HeadroomChart parent_instance;
};

G_DEFINE_FINAL_TYPE (HeadroomPieChart, headroom_pie_chart, HEADROOM_TYPE_CHART)

static guint
headroom_pie_chart_get_n_parts (HeadroomChart *chart)
{
  return hr_chart_data_get_n_parts (headroom_chart_get_data (chart));
}

static gpointer
headroom_pie_chart_lay_out (HeadroomChart *chart,
                            int            width,
                            int            height)
{
  PangoContext *context = gtk_widget_get_pango_context (GTK_WIDGET (chart));

  return hr_pie_chart_new (headroom_chart_get_data (chart), context, width, height);
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
  hr_pie_chart_draw_emphasis (layout, cr, style, headroom_chart_get_selected (chart),
                              headroom_chart_get_hovered (chart));
}

static int
headroom_pie_chart_pick (HeadroomChart *chart,
                         gpointer       layout,
                         double         x,
                         double         y)
{
  return hr_pie_layout_pick (hr_pie_chart_get_layout (layout), x, y);
}

static void
headroom_pie_chart_describe (HeadroomChart  *chart,
                             char          **label,
                             char          **description)
{
  HrChartData *data = headroom_chart_get_data (chart);
  int selected = headroom_chart_get_selected (chart);
  g_autofree char *parts = hr_chart_data_dup_description (data);

  *label = hr_chart_data_dup_label (data);

  if (selected >= 0)
    {
      const HrChartPart *part = hr_chart_data_get_part (data, selected);

      /* Translators: read by screen readers: 1 the name of the selected part of the chart, 2 its size, 3 all parts */
      *description = g_strdup_printf (_("Selected: %1$s, %2$s. %3$s"), part->label, part->value_text, parts);
    }
  else
    {
      *description = g_steal_pointer (&parts);
    }
}

/* Finds the next part with a slice, from @index on, in steps of @step. */
static int
headroom_pie_chart_find_slice (HeadroomChart *chart,
                               int            index,
                               int            step)
{
  HrChartData *data = headroom_chart_get_data (chart);
  int n_parts = headroom_chart_get_n_parts (chart);

  for (int i = 0; i < n_parts; i++)
    {
      int candidate = ((index + i * step) % n_parts + n_parts) % n_parts;

      if (hr_chart_data_get_part (data, candidate)->value > 0)
        return candidate;
    }

  return -1;
}

static gboolean
headroom_pie_chart_select_slice (HeadroomChart *chart,
                                 int            index,
                                 int            step)
{
  int found = headroom_pie_chart_find_slice (chart, index, step);

  if (found < 0)
    return FALSE;

  headroom_chart_set_selected (chart, found);

  return TRUE;
}

static gboolean
headroom_pie_chart_move_cb (GtkWidget *widget,
                            GVariant  *args,
                            gpointer   user_data)
{
  HeadroomChart *chart = HEADROOM_CHART (widget);
  int step = g_variant_get_int32 (args);
  int selected = headroom_chart_get_selected (chart);

  return headroom_pie_chart_select_slice (chart, selected >= 0 ? selected + step : step > 0 ? 0 : -1, step);
}

static gboolean
headroom_pie_chart_end_cb (GtkWidget *widget,
                           GVariant  *args,
                           gpointer   user_data)
{
  int step = g_variant_get_int32 (args);

  return headroom_pie_chart_select_slice (HEADROOM_CHART (widget), step > 0 ? 0 : -1, step);
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
headroom_pie_chart_class_init (HeadroomPieChartClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  HeadroomChartClass *chart_class = HEADROOM_CHART_CLASS (klass);

  widget_class->measure = headroom_pie_chart_measure;
  widget_class->get_request_mode = headroom_pie_chart_get_request_mode;

  chart_class->data_type = HR_TYPE_CHART_DATA;
  chart_class->get_n_parts = headroom_pie_chart_get_n_parts;
  chart_class->lay_out = headroom_pie_chart_lay_out;
  chart_class->free_layout = headroom_pie_chart_free_layout;
  chart_class->draw = headroom_pie_chart_draw;
  chart_class->draw_emphasis = headroom_pie_chart_draw_emphasis;
  chart_class->pick = headroom_pie_chart_pick;
  chart_class->describe = headroom_pie_chart_describe;

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
