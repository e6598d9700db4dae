/* SPDX-License-Identifier: GPL-3.0-or-later */

#include <math.h>

#include "hr-pie-layout.h"

#define EPSILON 1e-6
#define MAX_SLICES 16

static gboolean
rects_overlap (const HrChartRect *a,
               const HrChartRect *b)
{
  return a->x + a->width > b->x + EPSILON && b->x + b->width > a->x + EPSILON &&
         a->y + a->height > b->y + EPSILON && b->y + b->height > a->y + EPSILON;
}

static double
get_distance_to_rect (HrChartPoint       point,
                      const HrChartRect *rect)
{
  double dx = MAX (MAX (rect->x - point.x, point.x - rect->x - rect->width), 0);
  double dy = MAX (MAX (rect->y - point.y, point.y - rect->y - rect->height), 0);

  return hypot (dx, dy);
}

static double
cross (HrChartPoint a,
       HrChartPoint b,
       HrChartPoint c)
{
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

static gboolean
lines_cross (const HrChartPoint *a,
             const HrChartPoint *b)
{
  return cross (a[0], a[1], b[0]) * cross (a[0], a[1], b[1]) < -EPSILON &&
         cross (b[0], b[1], a[0]) * cross (b[0], b[1], a[1]) < -EPSILON;
}

static gboolean
line_meets_rect (const HrChartPoint *line,
                 const HrChartRect  *rect)
{
  for (guint i = 0; i <= 50; i++)
    {
      double x = line[0].x + (line[1].x - line[0].x) * i / 50;
      double y = line[0].y + (line[1].y - line[0].y) * i / 50;

      if (x > rect->x + EPSILON && x < rect->x + rect->width - EPSILON &&
          y > rect->y + EPSILON && y < rect->y + rect->height - EPSILON)
        return TRUE;
    }

  return FALSE;
}

static void
check_ring (const HrPieLayout *layout,
            const guint64     *values)
{
  double radius = layout->outer_radius + layout->lift, sum = 0, previous = -G_PI / 2;
  gboolean any = FALSE;

  g_assert_cmpfloat (layout->inner_radius, >, 0);
  g_assert_cmpfloat (layout->outer_radius, >, layout->inner_radius);
  g_assert_cmpfloat (layout->center.x - radius, >=, 0);
  g_assert_cmpfloat (layout->center.y - radius, >=, 0);
  g_assert_cmpfloat (layout->center.x + radius, <=, layout->width);
  g_assert_cmpfloat (layout->center.y + radius, <=, layout->height);

  for (guint i = 0; i < layout->n_slices; i++)
    {
      double angle = layout->slices[i].end - layout->slices[i].start;

      if (values[i] == 0)
        {
          g_assert_cmpfloat_with_epsilon (angle, 0, EPSILON);
          continue;
        }

      g_assert_cmpfloat_with_epsilon (layout->slices[i].start, previous, EPSILON);
      previous = layout->slices[i].end;
      sum += angle;
      any = TRUE;

      /* Every slice can be seen: three pixels of the rim at least, or an equal part of it. */
      g_assert_cmpfloat (angle * layout->outer_radius, >=,
                         MIN (3, 2 * G_PI * layout->outer_radius / layout->n_slices - EPSILON));

      /* More is never shown as less. */
      for (guint j = 0; j < layout->n_slices; j++)
        if (values[j] >= values[i])
          g_assert_cmpfloat (layout->slices[j].end - layout->slices[j].start, >=, angle - EPSILON);
    }

  if (any)
    g_assert_cmpfloat_with_epsilon (sum, 2 * G_PI, EPSILON);
}

static void
check_labels (const HrPieLayout *layout,
              const guint64     *values,
              const HrChartSize *sizes)
{
  double ring = layout->outer_radius + layout->lift;
  guint n_labels = 0, n_shown = 0;

  for (guint i = 0; i < layout->n_slices; i++)
    {
      n_shown += values[i] > 0;
      n_labels += layout->slices[i].has_label;

      /* What has no label is smaller than all that have one. */
      for (guint j = 0; j < layout->n_slices; j++)
        if (layout->slices[i].has_label && !layout->slices[j].has_label)
          g_assert_cmpfloat (layout->slices[j].end - layout->slices[j].start, <=,
                             layout->slices[i].end - layout->slices[i].start + EPSILON);
    }

  if (n_labels > 0)
    g_assert_cmpuint (n_labels, >=, MIN (n_shown, 2));

  for (guint i = 0; i < layout->n_slices; i++)
    {
      const HrPieSlice *slice = &layout->slices[i];

      if (!slice->has_label)
        continue;

      g_assert_cmpfloat (slice->label.width, ==, sizes[i].width);
      g_assert_cmpfloat (slice->label.height, ==, sizes[i].height);
      g_assert_cmpfloat (slice->label.x, >=, 0);
      g_assert_cmpfloat (slice->label.y, >=, 0);
      g_assert_cmpfloat (slice->label.x + slice->label.width, <=, layout->width);
      g_assert_cmpfloat (slice->label.y + slice->label.height, <=, layout->height);
      g_assert_cmpfloat (get_distance_to_rect (layout->center, &slice->label), >, ring);

      for (guint j = 0; j < layout->n_slices; j++)
        {
          const HrPieSlice *other = &layout->slices[j];

          if (j == i || !other->has_label)
            continue;

          g_assert_false (rects_overlap (&slice->label, &other->label));
          g_assert_false (line_meets_rect (&slice->leader[0], &other->label));
          g_assert_false (line_meets_rect (&slice->leader[1], &other->label));
          g_assert_false (lines_cross (&slice->leader[0], &other->leader[0]));
        }

      /* The leader stays outside of the ring. */
      for (guint j = 0; j <= 50; j++)
        {
          double x = slice->leader[0].x + (slice->leader[1].x - slice->leader[0].x) * j / 50;
          double y = slice->leader[0].y + (slice->leader[1].y - slice->leader[0].y) * j / 50;

          g_assert_cmpfloat (hypot (x - layout->center.x, y - layout->center.y), >, layout->outer_radius);
        }
    }
}

static guint64
random_value (void)
{
  switch (g_test_rand_int_range (0, 6))
    {
    case 0:
      return 0;

    case 1:
      return 1;

    case 2:
      return G_GUINT64_CONSTANT (1) << g_test_rand_int_range (0, 48);

    default:
      return g_test_rand_int_range (1, 1000000);
    }
}

static void
test_any_pie_of_any_size (void)
{
  guint n_labels = 0, n_slices = 0;

  for (guint round = 0; round < 20000; round++)
    {
      guint64 values[MAX_SLICES] = { 0 };
      HrChartSize sizes[MAX_SLICES] = { { 0 } };
      guint n = g_test_rand_int_range (0, MAX_SLICES + 1);
      double width = g_test_rand_int_range (160, 901);
      double height = g_test_rand_int_range (160, 901);

      for (guint i = 0; i < n; i++)
        {
          values[i] = random_value ();
          sizes[i].width = g_test_rand_int_range (20, 180);
          sizes[i].height = g_test_rand_int_range (14, 44);
        }

      g_autoptr(HrPieLayout) layout = hr_pie_layout_new (values, sizes, n, width, height);

      check_ring (layout, values);
      check_labels (layout, values, sizes);

      for (guint i = 0; i < n; i++)
        {
          n_labels += layout->slices[i].has_label;
          n_slices += values[i] > 0;
        }
    }

  /* Leaving every label out would pass all of the above. */
  g_assert_cmpuint (n_labels, >, n_slices / 8);
}

static void
test_large_pie_has_every_label (void)
{
  const guint64 values[] = { 8000, 3000, 2500, 2000, 1500, 1200 };
  HrChartSize sizes[G_N_ELEMENTS (values)];

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    sizes[i] = (HrChartSize) { 90, 32 };

  g_autoptr(HrPieLayout) layout = hr_pie_layout_new (values, sizes, G_N_ELEMENTS (values), 640, 360);

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    g_assert_true (layout->slices[i].has_label);
}

static void
test_small_pie_has_no_labels (void)
{
  const guint64 values[] = { 3, 2, 1 };
  const HrChartSize sizes[] = { { 90, 32 }, { 90, 32 }, { 90, 32 } };
  g_autoptr(HrPieLayout) layout = hr_pie_layout_new (values, sizes, 3, 160, 160);

  for (guint i = 0; i < 3; i++)
    g_assert_false (layout->slices[i].has_label);

  g_assert_cmpfloat (layout->outer_radius, >, 66);
}

static void
test_labels_do_not_change_angles (void)
{
  const guint64 values[] = { 100000, 3, 2, 1 };
  const HrChartSize sizes[] = { { 90, 32 }, { 90, 32 }, { 90, 32 }, { 90, 32 } };
  g_autoptr(HrPieLayout) with = hr_pie_layout_new (values, sizes, 4, 500, 300);
  g_autoptr(HrPieLayout) without = hr_pie_layout_new (values, NULL, 4, 500, 300);

  for (guint i = 0; i < 4; i++)
    g_assert_cmpfloat_with_epsilon (with->slices[i].end, without->slices[i].end, EPSILON);
}

static void
test_single_slice_is_a_full_ring_with_a_label (void)
{
  const guint64 values[] = { 42 };
  const HrChartSize sizes[] = { { 90, 32 } };
  g_autoptr(HrPieLayout) layout = hr_pie_layout_new (values, sizes, 1, 500, 300);

  g_assert_cmpfloat_with_epsilon (layout->slices[0].end - layout->slices[0].start, 2 * G_PI, EPSILON);
  g_assert_true (layout->slices[0].has_label);
  g_assert_cmpint (hr_pie_layout_pick (layout, 250 - layout->outer_radius + 2, 150), ==, 0);
  g_assert_cmpint (hr_pie_layout_pick (layout, 250, 150 + layout->outer_radius - 2), ==, 0);
}

static void
test_point_picks_the_slice_under_it (void)
{
  const guint64 values[] = { 50, 0, 25, 25 };
  g_autoptr(HrPieLayout) layout = hr_pie_layout_new (values, NULL, 4, 400, 400);
  double middle = (layout->inner_radius + layout->outer_radius) / 2;

  g_assert_cmpint (hr_pie_layout_pick (layout, 200 + middle, 200), ==, 0);
  g_assert_cmpint (hr_pie_layout_pick (layout, 200 - middle * M_SQRT1_2, 200 + middle * M_SQRT1_2), ==, 2);
  g_assert_cmpint (hr_pie_layout_pick (layout, 200 - middle * M_SQRT1_2, 200 - middle * M_SQRT1_2), ==, 3);
  g_assert_cmpint (hr_pie_layout_pick (layout, 200, 200), ==, -1);
  g_assert_cmpint (hr_pie_layout_pick (layout, 1, 1), ==, -1);
}

static void
test_point_picks_the_slice_of_the_label_under_it (void)
{
  const guint64 values[] = { 50, 25, 25 };
  const HrChartSize sizes[] = { { 60, 30 }, { 60, 30 }, { 60, 30 } };
  g_autoptr(HrPieLayout) layout = hr_pie_layout_new (values, sizes, 3, 500, 300);

  for (guint i = 0; i < 3; i++)
    {
      const HrChartRect *label = &layout->slices[i].label;

      g_assert_true (layout->slices[i].has_label);
      g_assert_cmpint (hr_pie_layout_pick (layout, label->x + label->width / 2, label->y + label->height / 2), ==, i);
    }
}

static void
test_no_values_make_no_slices (void)
{
  const guint64 zeros[] = { 0, 0 };
  g_autoptr(HrPieLayout) none = hr_pie_layout_new (NULL, NULL, 0, 300, 300);
  g_autoptr(HrPieLayout) zero = hr_pie_layout_new (zeros, NULL, 2, 300, 300);

  g_assert_cmpint (hr_pie_layout_pick (none, 150, 20), ==, -1);
  g_assert_cmpint (hr_pie_layout_pick (zero, 150, 20), ==, -1);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/charts/pie/any_pie_of_any_size_keeps_its_parts_apart_and_inside", test_any_pie_of_any_size);
  g_test_add_func ("/charts/pie/a_large_pie_has_every_label", test_large_pie_has_every_label);
  g_test_add_func ("/charts/pie/a_small_pie_has_no_labels", test_small_pie_has_no_labels);
  g_test_add_func ("/charts/pie/labels_do_not_change_angles", test_labels_do_not_change_angles);
  g_test_add_func ("/charts/pie/a_single_slice_is_a_full_ring_with_a_label",
                   test_single_slice_is_a_full_ring_with_a_label);
  g_test_add_func ("/charts/pie/a_point_picks_the_slice_under_it", test_point_picks_the_slice_under_it);
  g_test_add_func ("/charts/pie/a_point_picks_the_slice_of_the_label_under_it",
                   test_point_picks_the_slice_of_the_label_under_it);
  g_test_add_func ("/charts/pie/no_values_make_no_slices", test_no_values_make_no_slices);

  return g_test_run ();
}
