/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n.h>

#include "headroom-capacity-bar.h"
#include "headroom-columns.h"
#include "headroom-legend-row.h"
#include "headroom-legend.h"
#include "headroom-pie-chart.h"
#include "headroom-test.h"
#include "headroom-timeline-chart.h"
#include "headroom-timeline-view.h"

static HrChartData *
create_data (void)
{
  HrChartData *data = hr_chart_data_new ("Model", "17.2 GiB", "at the peak");

  hr_chart_data_add_part (data, "weights", "Weights", 1420, "14.2 GiB", "82.6 %", 0x2863c5, 0);
  hr_chart_data_add_part (data, "nothing", "Nothing", 0, "0 B", "0 %", 0x123456, 3);
  hr_chart_data_add_part (data, "kv-cache", "KV cache", 200, "2.0 GiB", "11.6 %", 0x0f9d6c, 1);
  hr_chart_data_add_part (data, "framework", "CUDA context", 100, "1.0 GiB", "5.8 %", 0xc04e00, 2);
  hr_chart_data_set_capacity (data, 2400, "24.0 GiB", "6.8 GiB free");

  return data;
}

static void
count_cb (guint *count)
{
  (*count)++;
}

/* Every chart widget has the properties data and selected, and treats them alike. */
static void
test_selection_notifies_once_for_each_change (gconstpointer data)
{
  GType type = *(const GType *) data;
  g_autoptr(HrChartData) chart = create_data ();
  GtkWidget *widget = g_object_ref_sink (g_object_new (type, NULL));
  guint n_data = 0, n_selected = 0;
  int selected;

  g_signal_connect_swapped (widget, "notify::data", G_CALLBACK (count_cb), &n_data);
  g_signal_connect_swapped (widget, "notify::selected", G_CALLBACK (count_cb), &n_selected);

  g_object_set (widget, "selected", 2, NULL);
  g_assert_cmpuint (n_selected, ==, 0);

  g_object_set (widget, "data", chart, NULL);
  g_object_set (widget, "data", chart, NULL);
  g_assert_cmpuint (n_data, ==, 1);
  g_assert_cmpuint (n_selected, ==, 0);

  g_object_set (widget, "selected", 2, NULL);
  g_object_set (widget, "selected", 2, NULL);
  g_assert_cmpuint (n_selected, ==, 1);

  g_object_set (widget, "selected", 17, NULL);
  g_object_get (widget, "selected", &selected, NULL);
  g_assert_cmpint (selected, ==, -1);
  g_assert_cmpuint (n_selected, ==, 2);

  g_object_set (widget, "selected", 3, "data", NULL, NULL);
  g_object_get (widget, "selected", &selected, NULL);
  g_assert_cmpint (selected, ==, -1);
  g_assert_cmpuint (n_data, ==, 2);

  g_assert_finalize_object (widget);
}

static void
test_pie_describes_itself (void)
{
  g_autoptr(HrChartData) data = create_data ();
  g_autofree char *label = hr_chart_data_dup_label (data);
  g_autofree char *parts = hr_chart_data_dup_description (data);
  g_autofree char *selected = g_strdup_printf (_("Selected: %1$s, %2$s. %3$s"), "KV cache", "2.0 GiB", parts);
  GtkWidget *pie = g_object_ref_sink (headroom_pie_chart_new ());

  headroom_chart_set_data (HEADROOM_CHART (pie), data);

  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (pie), GTK_ACCESSIBLE_ROLE_IMG);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (pie), GTK_ACCESSIBLE_PROPERTY_LABEL, label);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (pie), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, parts);

  headroom_chart_set_selected (HEADROOM_CHART (pie), 2);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (pie), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, selected);
  g_assert_true (gtk_widget_get_focusable (pie));

  g_assert_finalize_object (pie);
}

static void
test_keys_walk_around_the_pie (void)
{
  const struct
  {
    guint keyval;
    int selected;
  } steps[] = {
    { GDK_KEY_Right, 0 },
    { GDK_KEY_Right, 2 },         /* nothing has no slice */
    { GDK_KEY_Down, 3 },
    { GDK_KEY_Right, 0 },
    { GDK_KEY_Left, 3 },
    { GDK_KEY_Up, 2 },
    { GDK_KEY_Home, 0 },
    { GDK_KEY_End, 3 },
    { GDK_KEY_KP_Left, 2 },
  };
  g_autoptr(HrChartData) data = create_data ();
  GtkWidget *pie = g_object_ref_sink (headroom_pie_chart_new ());

  g_assert_false (headroom_test_press (pie, GDK_KEY_Right, 0));
  headroom_chart_set_data (HEADROOM_CHART (pie), data);

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_assert_true (headroom_test_press (pie, steps[i].keyval, 0));
      g_assert_cmpint (headroom_chart_get_selected (HEADROOM_CHART (pie)), ==, steps[i].selected);
    }

  g_assert_finalize_object (pie);
}

static void
test_legend_has_a_row_for_each_part (void)
{
  g_autoptr(HrChartData) data = create_data ();
  GtkWidget *legend = g_object_ref_sink (headroom_legend_new ());
  GtkListBox *list = GTK_LIST_BOX (adw_bin_get_child (ADW_BIN (legend)));
  g_autofree char *name = g_strdup_printf (_("%1$s, %2$s, %3$s"), "KV cache", "2.0 GiB", "11.6 %");

  headroom_legend_set_data (HEADROOM_LEGEND (legend), data);

  g_assert_nonnull (gtk_list_box_get_row_at_index (list, 3));
  g_assert_null (gtk_list_box_get_row_at_index (list, 4));
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_ROLE_LIST);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (gtk_list_box_get_row_at_index (list, 2)),
                                       GTK_ACCESSIBLE_PROPERTY_LABEL, name);

  gtk_list_box_select_row (list, gtk_list_box_get_row_at_index (list, 2));
  g_assert_cmpint (headroom_legend_get_selected (HEADROOM_LEGEND (legend)), ==, 2);

  headroom_legend_set_selected (HEADROOM_LEGEND (legend), 0);
  g_assert_true (gtk_list_box_row_is_selected (gtk_list_box_get_row_at_index (list, 0)));
  g_assert_false (gtk_list_box_row_is_selected (gtk_list_box_get_row_at_index (list, 2)));

  headroom_legend_set_hovered (HEADROOM_LEGEND (legend), 3);
  g_assert_true (gtk_widget_has_css_class (GTK_WIDGET (gtk_list_box_get_row_at_index (list, 3)), "hovered"));
  headroom_legend_set_hovered (HEADROOM_LEGEND (legend), -1);
  g_assert_false (gtk_widget_has_css_class (GTK_WIDGET (gtk_list_box_get_row_at_index (list, 3)), "hovered"));

  g_assert_finalize_object (legend);
}

static void
test_columns_stack_where_they_have_no_room (void)
{
  GtkWidget *columns = g_object_ref_sink (headroom_columns_new ());
  int minimum, natural;

  g_object_set (columns, "column-width", 200, "spacing", 10, NULL);
  for (guint i = 0; i < 3; i++)
    {
      GtkWidget *child = gtk_label_new (NULL);

      gtk_widget_set_size_request (child, 100, 40);
      /* A hidden child has no column. */
      gtk_widget_set_visible (child, i < 2);
      headroom_columns_append (HEADROOM_COLUMNS (columns), child);
    }

  gtk_widget_measure (columns, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, &natural, NULL, NULL);
  g_assert_cmpint (minimum, ==, 100);
  g_assert_cmpint (natural, ==, 210);

  gtk_widget_measure (columns, GTK_ORIENTATION_VERTICAL, 409, &minimum, NULL, NULL, NULL);
  g_assert_cmpint (minimum, ==, 90);
  gtk_widget_measure (columns, GTK_ORIENTATION_VERTICAL, 410, &minimum, NULL, NULL, NULL);
  g_assert_cmpint (minimum, ==, 40);

  g_assert_finalize_object (columns);
}

static GdkTexture *
render (GtkWidget *widget,
        int        width,
        int        height)
{
  GtkWidget *window = gtk_window_new ();
  g_autoptr(GdkPaintable) paintable = NULL;
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  GskRenderer *renderer = gsk_cairo_renderer_new ();
  GskRenderNode *node;
  GdkTexture *texture;

  gtk_window_set_child (GTK_WINDOW (window), widget);
  gtk_window_set_default_size (GTK_WINDOW (window), width, height);
  gtk_widget_show (window);
  HEADROOM_TEST_WAIT_FOR (gtk_widget_get_width (widget) > 0);

  paintable = gtk_widget_paintable_new (widget);
  gdk_paintable_snapshot (paintable, snapshot, gdk_paintable_get_intrinsic_width (paintable),
                          gdk_paintable_get_intrinsic_height (paintable));
  node = gtk_snapshot_free_to_node (snapshot);
  g_assert_nonnull (node);

  gsk_renderer_realize (renderer, NULL, NULL);
  texture = gsk_renderer_render_texture (renderer, node, NULL);
  gsk_renderer_unrealize (renderer);
  g_object_unref (renderer);
  gsk_render_node_unref (node);
  gtk_window_destroy (GTK_WINDOW (window));

  return texture;
}

static guint
count_pixels (GdkTexture *texture,
              guint32     color)
{
  int width = gdk_texture_get_width (texture), height = gdk_texture_get_height (texture);
  g_autofree guint32 *pixels = g_new0 (guint32, (gsize) width * height);
  guint count = 0;

  gdk_texture_download (texture, (guchar *) pixels, 4 * width);
  for (int i = 0; i < width * height; i++)
    count += (pixels[i] & 0xffffff) == color && pixels[i] >> 24 == 0xff;

  return count;
}

static void
test_widgets_draw_the_colors_of_their_parts (gconstpointer data)
{
  g_autoptr(HrChartData) chart = create_data ();
  g_autoptr(GdkTexture) texture = NULL;
  GtkWidget *widget = g_object_new (*(const GType *) data, "data", chart, "selected", 2, NULL);

  texture = render (widget, 300, 300);
  g_assert_cmpuint (count_pixels (texture, 0x2863c5), >, 100);
  g_assert_cmpuint (count_pixels (texture, 0x0f9d6c), >, 20);
  g_assert_cmpuint (count_pixels (texture, 0xc04e00), >, 20);
  g_assert_cmpuint (count_pixels (texture, 0x123456), ==, 0);
}

static char *
format_value (guint64  value,
              gpointer user_data)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT, value);
}

static char *
describe_point (guint    point,
                gpointer user_data)
{
  return g_strdup_printf ("Moment %u", point);
}

static HrTimelineData *
create_timeline (void)
{
  static const guint64 values[][2] = { { 10, 0 }, { 10, 8 }, { 10, 2 }, { 10, 3 }, { 10, 0 } };
  HrTimelineData *data = hr_timeline_data_new ("Memory over time", format_value, describe_point, NULL, NULL);

  hr_timeline_data_add_part (data, "weights", "Weights", 0x2863c5, 0);
  hr_timeline_data_add_part (data, "activations", "Activations", 0xc04e00, 1);
  hr_timeline_data_begin_band (data, "Forward");
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      if (i == 2)
        hr_timeline_data_begin_band (data, "Backward");
      hr_timeline_data_add_point (data, i, 0, values[i]);
    }
  hr_timeline_data_set_peak (data, 1, NULL);

  return data;
}

static void
test_keys_move_along_the_time (void)
{
  const struct
  {
    guint keyval;
    GdkModifierType modifiers;
    int point;
  } steps[] = {
    { GDK_KEY_Right, 0, 2 },
    { GDK_KEY_Left, 0, 1 },
    { GDK_KEY_Right, GDK_CONTROL_MASK, 3 },     /* the highest of the phase */
    { GDK_KEY_Right, GDK_CONTROL_MASK, 3 },
    { GDK_KEY_Left, GDK_CONTROL_MASK, 1 },
    { GDK_KEY_End, 0, 4 },
    { GDK_KEY_Right, 0, 4 },
    { GDK_KEY_Home, 0, 0 },
    { GDK_KEY_KP_Left, 0, 0 },
    { GDK_KEY_Escape, 0, -1 },
  };
  g_autoptr (HrTimelineData) data = create_timeline ();
  GtkWidget *chart = g_object_ref_sink (headroom_timeline_chart_new ());

  g_assert_false (headroom_test_press (chart, GDK_KEY_Right, 0));
  headroom_chart_set_data (HEADROOM_CHART (chart), data);

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_assert_true (headroom_test_press (chart, steps[i].keyval, steps[i].modifiers));
      g_assert_cmpint (headroom_point_chart_get_point (HEADROOM_POINT_CHART (chart)), ==, steps[i].point);
    }

  g_assert_false (headroom_test_press (chart, GDK_KEY_Escape, 0));
  g_assert_finalize_object (chart);
}

static void
test_timeline_says_what_it_shows (void)
{
  g_autoptr (HrTimelineData) data = create_timeline ();
  g_autofree char *label = hr_timeline_data_dup_label (data);
  g_autofree char *phases = hr_timeline_data_dup_description (data);
  g_autofree char *point = hr_timeline_data_dup_point_text (data, 3);
  g_autofree char *both = g_strdup_printf ("%s. %s", point, phases);
  GtkWidget *view = g_object_ref_sink (headroom_timeline_view_new ());
  GtkWidget *chart = headroom_test_find (view, HEADROOM_TYPE_TIMELINE_CHART, NULL);

  headroom_timeline_view_show (HEADROOM_TIMELINE_VIEW (view), data);
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (chart), GTK_ACCESSIBLE_ROLE_IMG);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (chart), GTK_ACCESSIBLE_PROPERTY_LABEL, label);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (chart), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, phases);
  g_assert_nonnull (headroom_test_find_label (view, "18"));

  headroom_point_chart_set_point (HEADROOM_POINT_CHART (chart), 3);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (chart), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, both);
  g_assert_nonnull (headroom_test_find_label (view, "Moment 3"));
  g_assert_nonnull (headroom_test_find_label (view, "13"));
  g_assert_null (headroom_test_find_label (view, "18"));

  headroom_timeline_view_select (HEADROOM_TIMELINE_VIEW (view), "activations");
  g_assert_cmpint (headroom_chart_get_selected (HEADROOM_CHART (chart)), ==, 1);
  headroom_timeline_view_show (HEADROOM_TIMELINE_VIEW (view), NULL);
  g_assert_false (gtk_widget_get_visible (view));

  g_assert_finalize_object (view);
}

int
main (int   argc,
      char *argv[])
{
  static GType types[3];

  if (!headroom_test_init_display (&argc, &argv))
    return 0;

  types[0] = HEADROOM_TYPE_PIE_CHART;
  types[1] = HEADROOM_TYPE_CAPACITY_BAR;
  types[2] = HEADROOM_TYPE_LEGEND;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree char *path = g_strdup_printf ("/app/charts/%s/a_selection_notifies_once_for_each_change",
                                               g_type_name (types[i]));

      g_test_add_data_func (path, &types[i], test_selection_notifies_once_for_each_change);
    }

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *path = g_strdup_printf ("/app/charts/%s/it_draws_the_colors_of_its_parts",
                                               g_type_name (types[i]));

      g_test_add_data_func (path, &types[i], test_widgets_draw_the_colors_of_their_parts);
    }

  g_test_add_func ("/app/charts/the_pie_describes_itself", test_pie_describes_itself);
  g_test_add_func ("/app/charts/keys_walk_around_the_pie", test_keys_walk_around_the_pie);
  g_test_add_func ("/app/charts/keys_move_along_the_time", test_keys_move_along_the_time);
  g_test_add_func ("/app/charts/the_timeline_says_what_it_shows", test_timeline_says_what_it_shows);
  g_test_add_func ("/app/charts/the_legend_has_a_row_for_each_part", test_legend_has_a_row_for_each_part);
  g_test_add_func ("/app/charts/columns_stack_where_they_have_no_room", test_columns_stack_where_they_have_no_room);

  return g_test_run ();
}
