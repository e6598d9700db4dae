/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-ledger.h"

G_BEGIN_DECLS

/**
 * HrTimelinePointKind:
 * @HR_TIMELINE_POINT_START: a stretch of work begins
 * @HR_TIMELINE_POINT_HIGHEST: the highest moment within it
 * @HR_TIMELINE_POINT_END: it ends
 *
 * What a point of a timeline stands for.
 */
typedef enum
{
  HR_TIMELINE_POINT_START,
  HR_TIMELINE_POINT_HIGHEST,
  HR_TIMELINE_POINT_END,
} HrTimelinePointKind;

/**
 * HrTimelinePoint:
 * @level: what the allocator has handed out
 * @kind: what the point stands for
 * @phase: the phase that it is in
 * @layer: the index of the layer that runs, -1 outside of the layers
 * @steps: how many steps of the decoding pass from the start to the end; 0 for a stretch that is a part of one
 * @position: when it is: stretches that work are equally long
 * @moment: (nullable): what happens at the highest moment, a message id to be translated
 *
 * A moment of a job. Two points can have the same position: what is between them is let go of at once.
 */
typedef struct
{
  HrLevel level;
  HrTimelinePointKind kind;
  HrPhaseId phase;
  int layer;
  guint64 steps;
  guint position;
  const char *moment;
} HrTimelinePoint;

HrTimeline      *hr_timeline_new        (void) G_GNUC_WARN_UNUSED_RESULT;
void             hr_timeline_free       (HrTimeline       *self);
void             hr_timeline_add        (HrTimeline       *self,
                                         const HrLevel    *before,
                                         const HrLevel    *highest,
                                         const HrLevel    *after,
                                         HrPhaseId         phase,
                                         int               layer,
                                         const char       *moment);
void             hr_timeline_repeat     (HrTimeline       *self,
                                         const HrLevel    *start,
                                         const HrLevel    *before,
                                         const HrLevel    *highest,
                                         const HrLevel    *after,
                                         HrPhaseId         phase,
                                         int               layer,
                                         int               step,
                                         guint             count,
                                         const char       *moment);
void             hr_timeline_skip       (HrTimeline       *self,
                                         const HrLevel    *before,
                                         const HrLevel    *after,
                                         HrPhaseId         phase,
                                         guint64           steps,
                                         guint             stretches);
void             hr_timeline_set_peak   (HrTimeline       *self,
                                         HrPhaseId         phase,
                                         int               layer);
HrTimelinePoint *hr_timeline_dup_points (const HrTimeline *self,
                                         guint            *n_points) G_GNUC_WARN_UNUSED_RESULT;
guint            hr_timeline_find_peak  (const HrTimeline      *self,
                                         const HrTimelinePoint *points,
                                         guint                  n_points);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrTimeline, hr_timeline_free)

G_END_DECLS
