/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-timeline.h"

static HrLevel
make_level (guint64 weights,
            guint64 activations)
{
  HrLevel level = { 0 };

  level.by_component[HR_COMPONENT_WEIGHTS] = weights;
  level.by_component[HR_COMPONENT_ACTIVATIONS] = activations;
  level.total = weights + activations;

  return level;
}

static void
check_point (const HrTimelinePoint *point,
             HrTimelinePointKind    kind,
             int                    layer,
             guint                  position,
             guint64                activations)
{
  g_assert_cmpint (point->kind, ==, kind);
  g_assert_cmpint (point->layer, ==, layer);
  g_assert_cmpuint (point->position, ==, position);
  g_assert_cmpuint (point->level.by_component[HR_COMPONENT_WEIGHTS], ==, 100);
  g_assert_cmpuint (point->level.by_component[HR_COMPONENT_ACTIVATIONS], ==, activations);
  g_assert_cmpuint (point->level.total, ==, 100 + activations);
}

static void
test_empty (void)
{
  g_autoptr (HrTimeline) timeline = hr_timeline_new ();
  guint n_points;
  g_autofree HrTimelinePoint *points = hr_timeline_dup_points (timeline, &n_points);

  g_assert_cmpuint (n_points, ==, 0);
  g_assert_cmpuint (hr_timeline_find_peak (timeline, points, n_points), ==, 0);
}

/* Three layers upwards: each keeps 10 and is 30 higher for a moment. */
static void
test_repeat (void)
{
  g_autoptr (HrTimeline) timeline = hr_timeline_new ();
  HrLevel before = make_level (100, 0), highest = make_level (100, 40), after = make_level (100, 10);
  g_autofree HrTimelinePoint *points = NULL;
  guint n_points;

  hr_timeline_add (timeline, &before, &highest, &after, HR_PHASE_FORWARD, 0, "a layer");
  hr_timeline_repeat (timeline, &after, &before, &highest, &after, HR_PHASE_FORWARD, 1, 1, 2, "a layer");
  points = hr_timeline_dup_points (timeline, &n_points);

  g_assert_cmpuint (n_points, ==, 7);
  check_point (&points[0], HR_TIMELINE_POINT_START, 0, 0, 0);
  check_point (&points[1], HR_TIMELINE_POINT_HIGHEST, 0, 1, 40);
  check_point (&points[2], HR_TIMELINE_POINT_END, 0, 2, 10);
  check_point (&points[3], HR_TIMELINE_POINT_HIGHEST, 1, 3, 50);
  check_point (&points[4], HR_TIMELINE_POINT_END, 1, 4, 20);
  check_point (&points[5], HR_TIMELINE_POINT_HIGHEST, 2, 5, 60);
  check_point (&points[6], HR_TIMELINE_POINT_END, 2, 6, 30);
  g_assert_cmpstr (points[5].moment, ==, "a layer");
  g_assert_null (points[6].moment);
  g_assert_cmpuint (hr_timeline_find_peak (timeline, points, n_points), ==, 5);
}

/* On the way back each layer lets go of 10, one at a time, and the first of them is the highest. */
static void
test_way_back (void)
{
  g_autoptr (HrTimeline) timeline = hr_timeline_new ();
  HrLevel before = make_level (100, 30), highest = make_level (100, 70), after = make_level (100, 20);
  HrLevel level = after;
  g_autofree HrTimelinePoint *points = NULL;
  guint n_points;

  hr_timeline_add (timeline, &before, &highest, &after, HR_PHASE_BACKWARD, 2, NULL);
  for (int i = 1; i >= 0; i--)
    {
      hr_timeline_repeat (timeline, &level, &before, &highest, &after, HR_PHASE_BACKWARD, i, -1, 1, NULL);
      level = make_level (100, level.by_component[HR_COMPONENT_ACTIVATIONS] - 10);
    }
  points = hr_timeline_dup_points (timeline, &n_points);

  g_assert_cmpuint (n_points, ==, 7);
  check_point (&points[1], HR_TIMELINE_POINT_HIGHEST, 2, 1, 70);
  check_point (&points[3], HR_TIMELINE_POINT_HIGHEST, 1, 3, 60);
  check_point (&points[5], HR_TIMELINE_POINT_HIGHEST, 0, 5, 50);
  check_point (&points[6], HR_TIMELINE_POINT_END, 0, 6, 0);
  g_assert_cmpuint (hr_timeline_find_peak (timeline, points, n_points), ==, 1);
}

/* What is let go of between two stretches goes at once. */
static void
test_drop (void)
{
  g_autoptr (HrTimeline) timeline = hr_timeline_new ();
  HrLevel low = make_level (100, 0), high = make_level (100, 50);
  g_autofree HrTimelinePoint *points = NULL;
  guint n_points;

  hr_timeline_add (timeline, &low, &high, &high, HR_PHASE_LOSS, -1, NULL);
  hr_timeline_add (timeline, &low, &low, &low, HR_PHASE_OPTIMIZER, -1, NULL);
  points = hr_timeline_dup_points (timeline, &n_points);

  g_assert_cmpuint (n_points, ==, 6);
  check_point (&points[2], HR_TIMELINE_POINT_END, -1, 2, 50);
  check_point (&points[3], HR_TIMELINE_POINT_START, -1, 2, 0);
  g_assert_cmpint (points[3].phase, ==, HR_PHASE_OPTIMIZER);
}

static void
test_skip (void)
{
  g_autoptr (HrTimeline) timeline = hr_timeline_new ();
  HrLevel before = make_level (100, 10), after = make_level (100, 90);
  g_autofree HrTimelinePoint *points = NULL;
  guint n_points;

  hr_timeline_skip (timeline, &before, &after, HR_PHASE_DECODE, 80, 6);
  points = hr_timeline_dup_points (timeline, &n_points);

  g_assert_cmpuint (n_points, ==, 2);
  check_point (&points[0], HR_TIMELINE_POINT_START, -1, 0, 10);
  check_point (&points[1], HR_TIMELINE_POINT_END, -1, 12, 90);
  g_assert_cmpuint (points[0].steps, ==, 0);
  g_assert_cmpuint (points[1].steps, ==, 80);
}

/* Where several layers are equally high, the one that the replay names is the peak. */
static void
test_named_peak (void)
{
  g_autoptr (HrTimeline) timeline = hr_timeline_new ();
  HrLevel low = make_level (100, 0), high = make_level (100, 50);
  g_autofree HrTimelinePoint *points = NULL;
  guint n_points;

  hr_timeline_add (timeline, &low, &high, &low, HR_PHASE_PREFILL, 0, NULL);
  hr_timeline_repeat (timeline, &low, &low, &high, &low, HR_PHASE_PREFILL, 1, 1, 3, NULL);
  points = hr_timeline_dup_points (timeline, &n_points);

  g_assert_cmpuint (hr_timeline_find_peak (timeline, points, n_points), ==, 1);
  hr_timeline_set_peak (timeline, HR_PHASE_PREFILL, 3);
  g_assert_cmpint (points[hr_timeline_find_peak (timeline, points, n_points)].layer, ==, 3);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/memory/timeline/one_without_stretches_has_no_points", test_empty);
  g_test_add_func ("/memory/timeline/a_stretch_that_is_repeated_goes_on_from_the_level", test_repeat);
  g_test_add_func ("/memory/timeline/the_way_back_counts_layers_down", test_way_back);
  g_test_add_func ("/memory/timeline/what_goes_between_stretches_goes_at_once", test_drop);
  g_test_add_func ("/memory/timeline/steps_that_are_passed_over_are_counted", test_skip);
  g_test_add_func ("/memory/timeline/the_peak_is_where_the_replay_has_found_it", test_named_peak);

  return g_test_run ();
}
