/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <math.h>

#include "hr-capacity-bar.h"
#include "hr-chart-axis.h"
#include "hr-chart-data.h"
#include "hr-pie-chart.h"
#include "hr-timeline-chart.h"
#include "surface.h"

#define WHITE 0xffffff
#define BLUE 0x2863c5
#define GREEN 0x0f9d6c
#define ORANGE 0xc04e00

static HrChartData *
create_data (guint64 capacity)
{
  HrChartData *data = hr_chart_data_new ("Memory at the peak", "17.2 GiB", "at the peak");

  hr_chart_data_add_part (data, "weights", "Weights", 1420, "14.2 GiB", "82.6 %", BLUE, 0);
  hr_chart_data_add_part (data, "kv-cache", "KV cache", 200, "2.0 GiB", "11.6 %", GREEN, 1);
  hr_chart_data_add_part (data, "framework", "CUDA context", 100, "1.0 GiB", "5.8 %", ORANGE, 2);
  if (capacity > 0)
    hr_chart_data_set_capacity (data, capacity, "24.0 GiB", "6.8 GiB free");

  return data;
}

static HrChartPoint
get_slice_point (const HrPieLayout *layout,
                 guint              index,
                 double             radius)
{
  double angle = (layout->slices[index].start + layout->slices[index].end) / 2;

  return (HrChartPoint) { layout->center.x + radius * cos (angle), layout->center.y + radius * sin (angle) };
}

static void
test_slices_have_their_colors (void)
{
  const HrChartScheme schemes[] = { HR_CHART_SCHEME_LIGHT, HR_CHART_SCHEME_DARK };

  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      const HrChartStyle *style = hr_chart_style_get (schemes[i]);
      g_autoptr(HrChartData) data = create_data (0);
      PangoContext *context = hr_chart_create_pango_context (NULL, NULL);
      g_autoptr(HrPieChart) pie = hr_pie_chart_new (data, context, 600, 400);
      const HrPieLayout *layout = hr_pie_chart_get_layout (pie);
      cairo_surface_t *surface = create_surface (600, 400, style->background);
      cairo_t *cr = cairo_create (surface);

      hr_pie_chart_draw (pie, cr, style);

      for (guint slice = 0; slice < layout->n_slices; slice++)
        {
          HrChartPoint point = get_slice_point (layout, slice, (layout->inner_radius + layout->outer_radius) / 2);

          g_assert_cmphex (get_pixel (surface, point.x, point.y), ==, hr_chart_data_get_part (data, slice)->color);
        }

      cairo_destroy (cr);
      cairo_surface_destroy (surface);
      g_object_unref (context);
    }
}

static void
test_selected_slice_stands_out (void)
{
  const HrChartStyle *style = hr_chart_style_get (HR_CHART_SCHEME_LIGHT);
  g_autoptr(HrChartData) data = create_data (0);
  PangoContext *context = hr_chart_create_pango_context (NULL, NULL);
  g_autoptr(HrPieChart) pie = hr_pie_chart_new (data, context, 300, 300);
  const HrPieLayout *layout = hr_pie_chart_get_layout (pie);
  HrChartPoint outside = get_slice_point (layout, 1, layout->outer_radius + layout->lift / 2);
  HrChartPoint inside = get_slice_point (layout, 1, layout->outer_radius - 6);
  cairo_surface_t *surface = create_surface (600, 400, WHITE);
  cairo_t *cr = cairo_create (surface);

  hr_pie_chart_draw (pie, cr, style);
  g_assert_cmphex (get_pixel (surface, outside.x, outside.y), ==, WHITE);

  hr_pie_chart_draw_emphasis (pie, cr, style, 1, -1);
  g_assert_cmphex (get_pixel (surface, outside.x, outside.y), ==, GREEN);
  g_assert_cmphex (get_pixel (surface, inside.x, inside.y), ==, GREEN);

  hr_pie_chart_draw_emphasis (pie, cr, style, -1, 1);
  g_assert_cmphex (get_pixel (surface, inside.x, inside.y), !=, GREEN);

  cairo_destroy (cr);
  cairo_surface_destroy (surface);
  g_object_unref (context);
}

/* In high contrast a slice is not one flat colour: its pattern shows. */
static void
test_high_contrast_has_patterns (void)
{
  const HrChartScheme schemes[] = { HR_CHART_SCHEME_LIGHT, HR_CHART_SCHEME_HIGH_CONTRAST };

  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      const HrChartStyle *style = hr_chart_style_get (schemes[i]);
      HrChartData *data = hr_chart_data_new ("Title", "1", NULL);
      PangoContext *context = hr_chart_create_pango_context (NULL, NULL);
      cairo_surface_t *surface = create_surface (600, 400, WHITE);
      cairo_t *cr = cairo_create (surface);
      guint n_different = 0;

      hr_chart_data_add_part (data, "all", "All", 1, "1", NULL, BLUE, 3);
      g_autoptr(HrPieChart) pie = hr_pie_chart_new (data, context, 300, 300);
      const HrPieLayout *layout = hr_pie_chart_get_layout (pie);

      hr_pie_chart_draw (pie, cr, style);
      for (double y = -20; y < 20; y++)
        {
          double x = layout->center.x - (layout->inner_radius + layout->outer_radius) / 2;

          n_different += get_pixel (surface, x, layout->center.y + y) != BLUE;
        }

      if (style->high_contrast)
        g_assert_cmpuint (n_different, >=, 4);
      else
        g_assert_cmpuint (n_different, ==, 0);

      cairo_destroy (cr);
      cairo_surface_destroy (surface);
      g_object_unref (context);
      g_object_unref (data);
    }
}

static void
test_empty_pie_is_a_pale_ring (void)
{
  const HrChartStyle *style = hr_chart_style_get (HR_CHART_SCHEME_LIGHT);
  g_autoptr(HrChartData) data = hr_chart_data_new ("Title", "0 B", NULL);
  PangoContext *context = hr_chart_create_pango_context (NULL, NULL);
  g_autoptr(HrPieChart) pie = hr_pie_chart_new (data, context, 300, 300);
  const HrPieLayout *layout = hr_pie_chart_get_layout (pie);
  cairo_surface_t *surface = create_surface (600, 400, WHITE);
  cairo_t *cr = cairo_create (surface);

  hr_pie_chart_draw (pie, cr, style);
  hr_pie_chart_draw_emphasis (pie, cr, style, 0, 0);
  g_assert_cmphex (get_pixel (surface, 150, 150 - (layout->inner_radius + layout->outer_radius) / 2), !=, WHITE);

  cairo_destroy (cr);
  cairo_surface_destroy (surface);
  g_object_unref (context);
}

static void
test_bar_shows_headroom_and_overflow (void)
{
  const HrChartStyle *style = hr_chart_style_get (HR_CHART_SCHEME_LIGHT);
  g_autoptr(HrChartData) fits = create_data (2400);
  g_autoptr(HrChartData) exceeds = create_data (1000);
  g_autoptr(HrCapacityBar) fitting = hr_capacity_bar_new (fits, 600, 24);
  g_autoptr(HrCapacityBar) exceeding = hr_capacity_bar_new (exceeds, 600, 24);
  const HrBarLayout *layout = hr_capacity_bar_get_layout (exceeding);
  cairo_surface_t *surface = create_surface (600, 400, WHITE);
  cairo_t *cr = cairo_create (surface);
  gboolean is_hatched = FALSE;

  hr_capacity_bar_draw (fitting, cr, style);
  g_assert_cmphex (get_pixel (surface, 100, 12), ==, BLUE);
  g_assert_cmphex (get_pixel (surface, 550, 12), ==, hr_chart_mix_colors (WHITE, style->foreground, 0.12));

  hr_capacity_bar_draw (exceeding, cr, style);
  g_assert_cmphex (get_pixel (surface, 100, 12), ==, BLUE);
  for (double x = layout->rest.x + 3; x < layout->rest.x + 20; x++)
    is_hatched |= get_pixel (surface, x, 12) != get_pixel (surface, layout->rest.x + 3, 12);
  g_assert_true (is_hatched);

  cairo_destroy (cr);
  cairo_surface_destroy (surface);
}

static void
test_text_scales_to_the_ring (void)
{
  const guint sizes[] = { 160, 240, 900 };
  const HrChartStyle *style = hr_chart_style_get (HR_CHART_SCHEME_LIGHT);
  g_autoptr(HrChartData) data = create_data (0);
  PangoContext *context = hr_chart_create_pango_context (NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr(HrPieChart) pie = hr_pie_chart_new (data, context, sizes[i], sizes[i]);
      const HrPieLayout *layout = hr_pie_chart_get_layout (pie);
      cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, sizes[i], sizes[i]);
      cairo_t *cr = cairo_create (surface);
      guint n_inked = 0;

      hr_chart_set_source_color (cr, WHITE, 1);
      cairo_paint (cr);
      hr_pie_chart_draw (pie, cr, style);

      /* There is ink in the hole, and none in the strip between the text and the ring. */
      for (double x = -layout->inner_radius + 3; x < layout->inner_radius - 3; x++)
        {
          gboolean inked = FALSE;

          for (double y = -6; y < 6; y++)
            inked |= get_pixel (surface, layout->center.x + x, layout->center.y + y) != WHITE;
          n_inked += inked;
          if (fabs (x) > layout->inner_radius * 0.9)
            g_assert_false (inked);
        }
      g_assert_cmpuint (n_inked, >, 10);

      cairo_destroy (cr);
      cairo_surface_destroy (surface);
    }

  g_object_unref (context);
}

static void
test_description_lists_the_parts (void)
{
  g_autoptr(HrChartData) data = create_data (2400);
  g_autofree char *label = hr_chart_data_dup_label (data);
  g_autofree char *description = hr_chart_data_dup_description (data);

  g_assert_cmpstr (label, ==, "Memory at the peak: 17.2 GiB, room for 24.0 GiB");
  g_assert_cmpstr (description, ==,
                   "Weights: 14.2 GiB, 82.6 %; KV cache: 2.0 GiB, 11.6 %; CUDA context: 1.0 GiB, 5.8 %; 6.8 GiB free");
}

static cairo_surface_t *
draw_bar (gboolean has_range)
{
  g_autoptr (HrChartData) data = create_data (2400);
  g_autoptr (HrCapacityBar) bar = NULL;
  cairo_surface_t *surface = create_surface (600, 24, WHITE);
  cairo_t *cr = cairo_create (surface);

  if (has_range)
    hr_chart_data_set_range (data, 1600, 2000);
  bar = hr_capacity_bar_new (data, 600, 24);
  hr_capacity_bar_draw (bar, cr, hr_chart_style_get (HR_CHART_SCHEME_LIGHT));
  cairo_destroy (cr);

  return surface;
}

/* Where the sum may end as well is hatched, over the segments and over what is left; nowhere else. */
static void
test_bar_hatches_where_the_sum_may_end (void)
{
  cairo_surface_t *plain = draw_bar (FALSE), *hatched = draw_bar (TRUE);
  guint n_changed = 0;

  for (guint i = 0; i < 600 * 24; i++)
    {
      if (get_pixel (plain, i % 600, i / 600) == get_pixel (hatched, i % 600, i / 600))
        continue;

      n_changed++;
      g_assert_cmpuint (i % 600, >=, 399);
      g_assert_cmpuint (i % 600, <=, 501);
    }
  g_assert_cmpuint (n_changed, >, 200);

  cairo_surface_destroy (plain);
  cairo_surface_destroy (hatched);
}

static void
test_label_without_capacity_names_the_total (void)
{
  g_autoptr(HrChartData) data = create_data (0);
  g_autofree char *label = hr_chart_data_dup_label (data);

  g_assert_cmpstr (label, ==, "Memory at the peak: 17.2 GiB");
  g_assert_cmpuint (hr_chart_data_get_total (data), ==, 1720);
  g_assert_cmpint (hr_chart_data_find_part (data, "kv-cache"), ==, 1);
  g_assert_cmpint (hr_chart_data_find_part (data, "nothing"), ==, -1);
  g_assert_cmpint (hr_chart_data_find_part (data, NULL), ==, -1);
}

static char *
format_value (guint64  value,
              gpointer user_data)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT " GiB", value);
}

static char *
describe_point (guint    point,
                gpointer user_data)
{
  return g_strdup_printf ("Moment %u", point);
}

/* Two phases: 10 all the time, and 2 to 8 on top of it. */
static HrTimelineData *
create_timeline (void)
{
  static const guint64 values[][2] = { { 10, 2 }, { 10, 8 }, { 10, 2 }, { 10, 2 }, { 10, 2 } };
  HrTimelineData *data = hr_timeline_data_new ("Memory over time", format_value, describe_point, NULL, NULL);

  hr_timeline_data_set_unit (data, 1, "GiB");
  hr_timeline_data_add_part (data, "weights", "Weights", BLUE, 0);
  hr_timeline_data_add_part (data, "activations", "Activations", ORANGE, 1);
  hr_timeline_data_begin_band (data, "Forward");
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      if (i == 3)
        hr_timeline_data_begin_band (data, "Backward");
      hr_timeline_data_add_point (data, i, i == 1 ? 1 : 0, values[i]);
    }
  hr_timeline_data_set_peak (data, 1, "The peak is reached in the phase “Forward”.");
  hr_timeline_data_set_capacity (data, 20, "RTX: 20 GiB");

  return data;
}

static void
test_areas_have_their_colors (void)
{
  const HrChartScheme schemes[] = { HR_CHART_SCHEME_LIGHT, HR_CHART_SCHEME_DARK };

  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      const HrChartStyle *style = hr_chart_style_get (schemes[i]);
      g_autoptr (HrTimelineData) data = create_timeline ();
      PangoContext *context = hr_chart_create_pango_context (NULL, NULL);
      g_autoptr (HrTimelineChart) chart = hr_timeline_chart_new (data, context, 600, 300);
      const HrTimelineLayout *layout = hr_timeline_chart_get_layout (chart);
      double x = hr_timeline_layout_get_x (layout, 1), y = hr_timeline_layout_get_y (layout, 5);
      cairo_surface_t *surface = create_surface (600, 400, style->background);
      cairo_t *cr = cairo_create (surface);

      hr_timeline_chart_draw (chart, cr, style);
      g_assert_cmphex (get_pixel (surface, x, y), ==, BLUE);
      g_assert_cmphex (get_pixel (surface, x, hr_timeline_layout_get_y (layout, 14)), ==, ORANGE);
      g_assert_cmphex (get_pixel (surface, hr_timeline_layout_get_x (layout, 4), hr_timeline_layout_get_y (layout, 15)),
                       !=, ORANGE);

      /* The selected area has an outline; a line stands where the time is looked at. */
      hr_timeline_chart_draw_emphasis (chart, cr, style, 1, -1);
      g_assert_cmphex (get_pixel (surface, x, hr_timeline_layout_get_y (layout, 10)), !=, BLUE);
      g_assert_cmphex (get_pixel (surface, x, hr_timeline_layout_get_y (layout, 10)), !=, ORANGE);
      g_assert_cmphex (get_pixel (surface, x, hr_timeline_layout_get_y (layout, 14)), ==, ORANGE);
      hr_timeline_chart_draw_emphasis (chart, cr, style, -1, 1);
      g_assert_cmphex (get_pixel (surface, x, hr_timeline_layout_get_y (layout, 14)), !=, ORANGE);

      cairo_destroy (cr);
      cairo_surface_destroy (surface);
      g_object_unref (context);
    }
}

static void
test_timeline_is_described (void)
{
  g_autoptr (HrTimelineData) data = create_timeline ();
  g_autofree char *label = hr_timeline_data_dup_label (data);
  g_autofree char *description = hr_timeline_data_dup_description (data);
  g_autofree char *point = hr_timeline_data_dup_point_text (data, 2);

  g_assert_cmpstr (label, ==, "Memory over time: 18 GiB at the peak");
  g_assert_cmpstr (description, ==, "Forward: 18 GiB; Backward: 12 GiB; The peak is reached in the phase “Forward”.; "
                                    "RTX: 20 GiB");
  g_assert_cmpstr (point, ==, "Moment 2: 12 GiB; Weights: 10 GiB; Activations: 2 GiB");
  g_assert_cmpuint (hr_timeline_data_find_band (data, 2), ==, 0);
  g_assert_cmpuint (hr_timeline_data_find_band (data, 3), ==, 1);
}

/* Whether the highest value is written, whose middle is at the lower edge of the name of the unit. */
static gboolean
is_highest_value_shown (const char *unit_text)
{
  const HrChartScale scale = { .plot_height = 200, .top = 10, .step = 5, .n_ticks = 3 };
  PangoContext *context = hr_chart_create_pango_context (NULL, NULL);
  PangoLayout *label = hr_chart_create_label (context, "10", PANGO_WEIGHT_NORMAL);
  double height = hr_chart_get_text_size (label).height;
  const HrChartRect plot = { 100, height, 300, 200 };
  HrChartAxis *axis = hr_chart_axis_new (context, &scale, 1, unit_text);
  cairo_surface_t *surface = create_surface (600, 400, WHITE);
  cairo_t *cr = cairo_create (surface);
  gboolean is_shown = FALSE;

  hr_chart_axis_draw (axis, cr, hr_chart_style_get (HR_CHART_SCHEME_LIGHT), &plot, 0, G_MAXDOUBLE);
  for (double y = height; y < 1.5 * height; y++)
    for (double x = 0; x < plot.x - 1; x++)
      is_shown = is_shown || get_pixel (surface, x, y) != WHITE;

  cairo_destroy (cr);
  cairo_surface_destroy (surface);
  hr_chart_axis_free (axis);
  g_object_unref (label);
  g_object_unref (context);

  return is_shown;
}

static void
test_no_value_stands_on_the_unit (void)
{
  g_assert_true (is_highest_value_shown (NULL));
  g_assert_false (is_highest_value_shown ("GiB"));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/charts/drawing/slices_have_their_colors", test_slices_have_their_colors);
  g_test_add_func ("/charts/drawing/the_selected_slice_stands_out", test_selected_slice_stands_out);
  g_test_add_func ("/charts/drawing/high_contrast_has_patterns", test_high_contrast_has_patterns);
  g_test_add_func ("/charts/drawing/an_empty_pie_is_a_pale_ring", test_empty_pie_is_a_pale_ring);
  g_test_add_func ("/charts/drawing/a_bar_shows_headroom_and_overflow", test_bar_shows_headroom_and_overflow);
  g_test_add_func ("/charts/drawing/a_bar_hatches_where_the_sum_may_end", test_bar_hatches_where_the_sum_may_end);
  g_test_add_func ("/charts/drawing/the_total_stays_inside_the_ring", test_text_scales_to_the_ring);
  g_test_add_func ("/charts/drawing/areas_of_a_timeline_have_their_colors", test_areas_have_their_colors);
  g_test_add_func ("/charts/drawing/no_value_stands_on_the_unit", test_no_value_stands_on_the_unit);
  g_test_add_func ("/charts/data/a_timeline_is_described", test_timeline_is_described);
  g_test_add_func ("/charts/data/the_description_lists_the_parts", test_description_lists_the_parts);
  g_test_add_func ("/charts/data/the_label_without_a_capacity_names_the_total",
                   test_label_without_capacity_names_the_total);

  return g_test_run ();
}
