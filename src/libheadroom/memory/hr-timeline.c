/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-timeline.h"

#include <string.h>

#define USUAL_RUNS 24
#define STRETCH_LENGTH 2        /* positions from the start of a stretch to its end */

/*
 * Stretches that do the same to the level, one after the other. Differences of levels wrap around, as sums with them
 * do.
 */
typedef struct
{
  HrLevel start;
  HrLevel rise;
  HrLevel change;
  HrPhaseId phase;
  int layer;
  int step;
  guint count;
  guint length;
  guint64 steps;
  const char *moment;
} Run;

/**
 * HrTimeline:
 *
 * What the allocator has handed out over the course of a job, as a replay records it: the beginning, the highest moment
 * and the end of each stretch of work, such as a layer. What is repeated is kept once; its points are made when they
 * are asked for.
 */
struct _HrTimeline
{
  GArray *runs;
  HrPhaseId peak_phase;
  int peak_layer;
};

/*
 * hr_timeline_new:
 *
 * Makes a timeline without points.
 *
 * Returns: (transfer full): a timeline
 */
HrTimeline *
hr_timeline_new (void)
{
  HrTimeline *self = g_new (HrTimeline, 1);

  self->runs = g_array_sized_new (FALSE, FALSE, sizeof (Run), USUAL_RUNS);
  self->peak_phase = HR_PHASE_LOAD;
  self->peak_layer = -1;

  return self;
}

void
hr_timeline_free (HrTimeline *self)
{
  g_return_if_fail (self != NULL);

  g_array_unref (self->runs);
  g_free (self);
}

static void
add_level (HrLevel       *level,
           const HrLevel *difference)
{
  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    level->by_component[i] += difference->by_component[i];
  for (guint i = 0; i < HR_N_GROWTHS; i++)
    level->activations[i] += difference->activations[i];
  level->total += difference->total;
}

static HrLevel
subtract_levels (const HrLevel *level,
                 const HrLevel *from)
{
  HrLevel difference;

  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    difference.by_component[i] = level->by_component[i] - from->by_component[i];
  for (guint i = 0; i < HR_N_GROWTHS; i++)
    difference.activations[i] = level->activations[i] - from->activations[i];
  difference.total = level->total - from->total;

  return difference;
}

static gboolean
levels_equal (const HrLevel *a,
              const HrLevel *b)
{
  return a->total == b->total && memcmp (a->by_component, b->by_component, sizeof a->by_component) == 0;
}

static HrLevel
get_start_of (const Run *run,
              guint      repetition)
{
  HrLevel level = run->start;

  for (guint i = 0; i < HR_N_COMPONENTS; i++)
    level.by_component[i] += repetition * run->change.by_component[i];
  for (guint i = 0; i < HR_N_GROWTHS; i++)
    level.activations[i] += repetition * run->change.activations[i];
  level.total += repetition * run->change.total;

  return level;
}

/* Whether @next goes on as @run does, so that they are one. */
static gboolean
continues (const Run *run,
           const Run *next)
{
  HrLevel end;

  if (run->layer < 0 || run->steps > 0 || run->phase != next->phase || run->moment != next->moment ||
      next->layer != run->layer + (int) run->count * next->step || (run->count > 1 && run->step != next->step) ||
      !levels_equal (&run->rise, &next->rise) || !levels_equal (&run->change, &next->change))
    return FALSE;

  end = get_start_of (run, run->count);

  return levels_equal (&end, &next->start);
}

/*
 * hr_timeline_add:
 * @self: a timeline
 * @before: the level before a stretch of work
 * @highest: the highest level within it
 * @after: the level after it
 * @phase: the phase that it is in
 * @layer: the index of the layer, -1 outside of the layers
 * @moment: (nullable): what happens at the highest moment, a message id
 *
 * Records a stretch of work.
 */
void
hr_timeline_add (HrTimeline    *self,
                 const HrLevel *before,
                 const HrLevel *highest,
                 const HrLevel *after,
                 HrPhaseId      phase,
                 int            layer,
                 const char    *moment)
{
  hr_timeline_repeat (self, before, before, highest, after, phase, layer, 1, 1, moment);
}

/*
 * hr_timeline_repeat:
 * @self: a timeline
 * @start: the level now
 * @before: the level before the stretch that is repeated
 * @highest: the highest level within it
 * @after: the level after it
 * @phase: the phase now
 * @layer: the index of the first layer that does the same
 * @step: what leads from the index of a layer to that of the next
 * @count: how many layers do the same
 * @moment: (nullable): what happens at the highest moment, a message id
 *
 * Records that a stretch of work is repeated from another level.
 */
void
hr_timeline_repeat (HrTimeline    *self,
                    const HrLevel *start,
                    const HrLevel *before,
                    const HrLevel *highest,
                    const HrLevel *after,
                    HrPhaseId      phase,
                    int            layer,
                    int            step,
                    guint          count,
                    const char    *moment)
{
  Run run = {
    .start = *start, .rise = subtract_levels (highest, before), .change = subtract_levels (after, before),
    .phase = phase, .layer = layer, .step = step, .count = count, .length = 1, .moment = moment,
  };

  if (self->runs->len > 0)
    {
      Run *last = &g_array_index (self->runs, Run, self->runs->len - 1);

      if (continues (last, &run))
        {
          last->step = step;
          last->count += count;
          return;
        }
    }

  g_array_append_val (self->runs, run);
}

/*
 * hr_timeline_skip:
 * @self: a timeline
 * @before: the level now
 * @after: the level at the end
 * @phase: the phase now
 * @steps: how many steps of the decoding are passed over
 * @stretches: how many stretches of work they are shown as long as
 *
 * Records steps that are not replayed, from one to the next of which the level changes by the same.
 */
void
hr_timeline_skip (HrTimeline    *self,
                  const HrLevel *before,
                  const HrLevel *after,
                  HrPhaseId      phase,
                  guint64        steps,
                  guint          stretches)
{
  Run run = {
    .start = *before, .change = subtract_levels (after, before), .phase = phase, .layer = -1, .count = 1,
    .length = MAX (stretches, 1), .steps = steps,
  };

  g_array_append_val (self->runs, run);
}

/*
 * hr_timeline_set_peak:
 * @self: a timeline
 * @phase: the phase of the highest moment of all
 * @layer: the layer of the highest moment of all, -1 outside of the layers
 *
 * Says where the replay has found the peak, for the same level may be reached in several layers.
 */
void
hr_timeline_set_peak (HrTimeline *self,
                      HrPhaseId   phase,
                      int         layer)
{
  self->peak_phase = phase;
  self->peak_layer = layer;
}

/* The start is left out where the stretch before has ended at the same level. */
static void
append_point (GArray                *points,
              const HrTimelinePoint *point)
{
  if (point->kind == HR_TIMELINE_POINT_START && points->len > 0)
    {
      const HrTimelinePoint *last = &g_array_index (points, HrTimelinePoint, points->len - 1);

      if (last->phase == point->phase && levels_equal (&last->level, &point->level))
        return;
    }

  g_array_append_val (points, *point);
}

static void
append_stretch (GArray    *points,
                const Run *run,
                guint      repetition,
                guint     *position)
{
  guint length = STRETCH_LENGTH * run->length;
  HrTimelinePoint point = {
    .level = get_start_of (run, repetition), .kind = HR_TIMELINE_POINT_START, .phase = run->phase,
    .layer = run->layer + (int) repetition * run->step, .position = *position,
  };
  HrLevel start = point.level;

  append_point (points, &point);

  if (run->steps == 0)
    {
      add_level (&point.level, &run->rise);
      point.kind = HR_TIMELINE_POINT_HIGHEST;
      point.position = *position + length / 2;
      point.moment = run->moment;
      append_point (points, &point);
    }

  point.level = start;
  add_level (&point.level, &run->change);
  point.kind = HR_TIMELINE_POINT_END;
  point.steps = run->steps;
  point.position = *position + length;
  point.moment = NULL;
  append_point (points, &point);
  *position += length;
}

/**
 * hr_timeline_dup_points: (skip)
 * @self: a timeline
 * @n_points: (out): how many points there are
 *
 * Gets the points in the order of time. Their levels leave out what the framework holds beside the allocator, and what
 * the allocator holds beside what it hands out.
 *
 * Returns: (transfer full) (array length=n_points): the points
 */
HrTimelinePoint *
hr_timeline_dup_points (const HrTimeline *self,
                        guint            *n_points)
{
  GArray *points;
  guint position = 0;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (n_points != NULL, NULL);

  points = g_array_new (FALSE, FALSE, sizeof (HrTimelinePoint));
  for (guint i = 0; i < self->runs->len; i++)
    {
      const Run *run = &g_array_index (self->runs, Run, i);

      for (guint j = 0; j < run->count; j++)
        append_stretch (points, run, j, &position);
    }

  *n_points = points->len;

  return (HrTimelinePoint *) (void *) g_array_free (points, FALSE);
}

/**
 * hr_timeline_find_peak: (skip)
 * @self: a timeline
 * @points: (array length=n_points): its points
 * @n_points: how many points there are
 *
 * Finds the point of the peak.
 *
 * Returns: the index of the point, 0 if there are none
 */
guint
hr_timeline_find_peak (const HrTimeline      *self,
                       const HrTimelinePoint *points,
                       guint                  n_points)
{
  guint peak = 0;

  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (points != NULL || n_points == 0, 0);

  for (guint i = 1; i < n_points; i++)
    {
      const HrTimelinePoint *point = &points[i];
      gboolean is_named = point->phase == self->peak_phase && point->layer == self->peak_layer;

      if (point->level.total > points[peak].level.total)
        peak = i;
      else if (is_named && point->level.total == points[peak].level.total &&
               (points[peak].phase != self->peak_phase || points[peak].layer != self->peak_layer))
        peak = i;
    }

  return peak;
}
