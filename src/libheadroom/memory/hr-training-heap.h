/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"
#include "hr-training-plan.h"

G_BEGIN_DECLS

/*
 * Of the cases in tests/oracle/training-measured.json, which were measured on an H100, one in twenty has less reserved
 * than this many thousandths below what the replay says, and one in twenty more than that many above.
 */
#define HR_TRAINING_HEAP_BELOW 18
#define HR_TRAINING_HEAP_ABOVE 22

/* The same of a rank among several, in tests/oracle/sharded-measured.json. */
#define HR_TRAINING_HEAP_BELOW_OF_RANK 24
#define HR_TRAINING_HEAP_ABOVE_OF_RANK 97

/**
 * HrTrainingHeap:
 * @reserved_bytes: what the allocator has taken from the driver, workspaces included
 * @peak_bytes: the most that it was asked for at a time, likewise
 *
 * What comes of the first steps on a heap.
 */
typedef struct
{
  guint64 reserved_bytes;
  guint64 peak_bytes;
} HrTrainingHeap;

gboolean hr_training_heap_can_run (const HrTrainingPlan *plan);
void hr_training_heap_init (HrTrainingHeap       *self,
                            const HrTrainingPlan *plan,
                            guint64               workspace_bytes,
                            gboolean              has_workspaces);
void hr_training_heap_attach (HrEstimate           *estimate,
                              HrTrainingPlan       *plan,
                              HrGpu                *gpu);

G_END_DECLS
