/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-bar-layout.h"
#include "hr-chart-shares.h"

#define EPSILON 1e-6
#define MAX_SEGMENTS 16

static void
check_bar (const HrBarLayout *layout,
           const guint64     *values,
           guint64            capacity,
           double             width)
{
  double x = 0, total = 0;

  for (guint i = 0; i < layout->n_segments; i++)
    {
      g_assert_cmpfloat_with_epsilon (layout->segments[i].x, x, EPSILON);
      g_assert_cmpint (layout->segments[i].width > 0, ==, values[i] > 0);
      x += layout->segments[i].width;
      total += values[i];
    }

  g_assert_cmpfloat (x, <=, width + EPSILON);
  g_assert_cmpint (layout->is_over, ==, capacity > 0 && total > capacity);
  g_assert_cmpfloat (layout->capacity_x, <=, width + EPSILON);

  if (layout->is_over)
    {
      g_assert_cmpfloat_with_epsilon (x, width, EPSILON);
      g_assert_cmpfloat (layout->rest.width, >, 0);
      g_assert_cmpfloat_with_epsilon (layout->rest.x, layout->capacity_x, EPSILON);
    }
  else if (capacity > 0)
    {
      g_assert_cmpfloat_with_epsilon (layout->rest.x, x, EPSILON);
      g_assert_cmpint (layout->rest.width > EPSILON, ==, total < capacity);
    }
  else
    {
      g_assert_cmpfloat (layout->rest.width, ==, 0);
    }

  g_assert_cmpfloat_with_epsilon (layout->is_over || capacity == 0 ? width : layout->rest.x + layout->rest.width,
                                  width, EPSILON);
}

static void
test_any_bar (void)
{
  for (guint round = 0; round < 20000; round++)
    {
      guint64 values[MAX_SEGMENTS] = { 0 };
      guint n = g_test_rand_int_range (0, MAX_SEGMENTS + 1);
      guint64 capacity = g_test_rand_bit () ? g_test_rand_int_range (0, 3000000) : 0, total = 0;
      double width = g_test_rand_int_range (160, 901);

      for (guint i = 0; i < n; i++)
        {
          values[i] = g_test_rand_bit () ? g_test_rand_int_range (0, 1000000) : g_test_rand_int_range (0, 3);
          total += values[i];
        }

      if (total > 0 && round % 10 == 0)
        capacity = total + g_test_rand_int_range (-1, 2);

      g_autoptr(HrBarLayout) layout = hr_bar_layout_new (values, n, capacity, width, 24);

      if (total > 0 || capacity > 0)
        check_bar (layout, values, capacity, width);
    }
}

static void
test_lengths_are_proportional (void)
{
  const guint64 values[] = { 12, 6 };
  g_autoptr(HrBarLayout) fits = hr_bar_layout_new (values, 2, 24, 240, 20);
  g_autoptr(HrBarLayout) exceeds = hr_bar_layout_new (values, 2, 12, 240, 20);

  g_assert_cmpfloat_with_epsilon (fits->segments[0].width, 120, EPSILON);
  g_assert_cmpfloat_with_epsilon (fits->segments[1].width, 60, EPSILON);
  g_assert_cmpfloat_with_epsilon (fits->rest.width, 60, EPSILON);
  g_assert_cmpfloat_with_epsilon (exceeds->capacity_x, 160, EPSILON);
  g_assert_cmpfloat_with_epsilon (exceeds->rest.width, 80, EPSILON);
}

static void
test_point_picks_the_segment_under_it (void)
{
  const guint64 values[] = { 12, 0, 6 };
  g_autoptr(HrBarLayout) layout = hr_bar_layout_new (values, 3, 24, 240, 20);

  g_assert_cmpint (hr_bar_layout_pick (layout, 1, 10), ==, 0);
  g_assert_cmpint (hr_bar_layout_pick (layout, 130, 10), ==, 2);
  g_assert_cmpint (hr_bar_layout_pick (layout, 200, 10), ==, -1);
  g_assert_cmpint (hr_bar_layout_pick (layout, 10, 30), ==, -1);
}

static void
test_shares_of_what_nothing_needs_are_proportional (void)
{
  const guint64 values[] = { 1, 2, 7 };
  double shares[3];

  hr_chart_shares (values, 3, 100, 5, shares);

  g_assert_cmpfloat_with_epsilon (shares[0], 10, EPSILON);
  g_assert_cmpfloat_with_epsilon (shares[1], 20, EPSILON);
  g_assert_cmpfloat_with_epsilon (shares[2], 70, EPSILON);
}

static void
test_raising_one_value_may_raise_the_next (void)
{
  /* 100 − 10 = 90 for 9.95 + 90 leaves the second below its minimum, though it was above it before. */
  const guint64 values[] = { 1, 1010, 8989 };
  double shares[3];

  hr_chart_shares (values, 3, 100, 10, shares);

  g_assert_cmpfloat_with_epsilon (shares[0], 10, EPSILON);
  g_assert_cmpfloat_with_epsilon (shares[1], 10, EPSILON);
  g_assert_cmpfloat_with_epsilon (shares[2], 80, EPSILON);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/charts/bar/any_bar_shows_every_segment_and_the_rest", test_any_bar);
  g_test_add_func ("/charts/bar/lengths_are_proportional", test_lengths_are_proportional);
  g_test_add_func ("/charts/bar/a_point_picks_the_segment_under_it", test_point_picks_the_segment_under_it);
  g_test_add_func ("/charts/shares/shares_are_proportional_where_all_are_large_enough",
                   test_shares_of_what_nothing_needs_are_proportional);
  g_test_add_func ("/charts/shares/raising_one_value_may_raise_the_next", test_raising_one_value_may_raise_the_next);

  return g_test_run ();
}
