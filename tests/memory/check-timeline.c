/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "check-timeline.h"

#include "hr-timeline.h"

/* What the allocator has handed out at the peak. */
static guint64
get_allocated (HrEstimate *result)
{
  GListModel *components = hr_estimate_get_components (result);
  guint64 bytes = 0;

  for (guint i = 0; i < g_list_model_get_n_items (components); i++)
    {
      g_autoptr (HrComponent) component = g_list_model_get_item (components, i);
      HrComponentId id = hr_component_get_id (component);

      if (id != HR_COMPONENT_FRAMEWORK && id != HR_COMPONENT_FRAGMENTATION)
        bytes += hr_component_get_bytes (component);
    }

  return bytes;
}

/*
 * Each point is the sum of its parts, time goes on, and the highest points, of all and of each phase, are what the
 * estimate states.
 */
void
check_timeline (HrEstimate *result)
{
  const HrTimeline *timeline = hr_estimate_get_timeline (result);
  guint64 beside = hr_estimate_get_total_bytes (result) - get_allocated (result);
  guint64 peaks[HR_N_PHASES] = { 0 };
  guint n_phases, n_points, peak;
  const HrPhase *phases = hr_estimate_get_phases (result, &n_phases);
  g_autofree HrTimelinePoint *points = hr_timeline_dup_points (timeline, &n_points);

  for (guint i = 0; i < n_points; i++)
    {
      guint64 sum = 0;

      for (guint j = 0; j < HR_N_COMPONENTS; j++)
        sum += points[i].level.by_component[j];
      g_assert_cmpuint (sum, ==, points[i].level.total);
      g_assert_true (i == 0 || points[i].position >= points[i - 1].position);
      peaks[points[i].phase] = MAX (peaks[points[i].phase], points[i].level.total);
    }

  peak = hr_timeline_find_peak (timeline, points, n_points);
  g_assert_cmpuint (points[peak].level.total, ==, get_allocated (result));
  g_assert_cmpint (points[peak].phase, ==, hr_estimate_get_peak_phase (result));
  g_assert_cmpstr (points[peak].moment, ==, hr_estimate_get_peak_moment (result));
  for (guint i = 0; i < n_phases; i++)
    g_assert_cmpuint (peaks[phases[i].id] + beside, ==, phases[i].peak_bytes);
}
