/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-component.h"
#include "hr-scenario.h"
#include "hr-sweep-edge.h"
#include "hr-sweep-values.h"

G_BEGIN_DECLS

/**
 * HR_SWEEP_MAX_LINES:
 *
 * As many configurations as a sweep sets side by side: those that are pinned, and the one that is being worked on.
 */
#define HR_SWEEP_MAX_LINES (HR_SCENARIO_MAX_PINS + 1)

/**
 * HrSweepPointState: (skip)
 * @HR_SWEEP_POINT_PENDING: nothing is known yet
 * @HR_SWEEP_POINT_LEAST: what is allocated is known, and what the driver holds; not what the allocator keeps beside it
 * @HR_SWEEP_POINT_KNOWN: the total is known
 * @HR_SWEEP_POINT_REFUSED: there is no estimate for this value
 *
 * What is known of a point of a sweep.
 */
typedef enum
{
  HR_SWEEP_POINT_PENDING,
  HR_SWEEP_POINT_LEAST,
  HR_SWEEP_POINT_KNOWN,
  HR_SWEEP_POINT_REFUSED,
} HrSweepPointState;

/**
 * HrSweepPoint: (skip)
 * @state: what is known
 * @allocated_bytes: what the allocator of the fullest GPU hands out at the peak
 * @reserved_bytes: what it has taken from the driver, where that is known
 * @total_bytes: the peak of the fullest GPU, or the least that it can be while that is not known
 * @context_tokens: the tokens whose positions the model has to know at a time, 0 where there is no estimate
 * @knows_growth: whether it is known how its activations grow with the length of sequences
 * @linear_bytes: those of them that grow as the length does
 * @square_bytes: those that grow as its square does
 * @component_bytes: its parts; what the allocator keeps beside what it hands out is one of them when that is known
 * @refusal: (nullable): why there is no estimate
 *
 * A configuration at a value of the setting.
 */
typedef struct
{
  HrSweepPointState state;
  guint64 allocated_bytes;
  guint64 reserved_bytes;
  guint64 total_bytes;
  guint64 context_tokens;
  gboolean knows_growth;
  guint64 linear_bytes;
  guint64 square_bytes;
  guint64 component_bytes[HR_N_COMPONENTS];
  char *refusal;
} HrSweepPoint;

typedef struct _HrSweepCrossing HrSweepCrossing;

/**
 * HrSweepLine: (skip)
 * @label: what a person calls the configuration
 * @model: its model
 * @job: its job; the setting that is swept over has the value that it had
 * @probe: (skip): a copy of it that takes the values
 * @gpu: (nullable): the GPU that it is for
 * @n_gpus: how many of them
 * @points: (array): a point for each value of the sweep
 * @crossings: (skip): where it crosses the memory of each GPU of the sweep, from when that is looked for
 *
 * A configuration over all values.
 */
typedef struct
{
  char *label;
  HrModel *model;
  HrJob *job;
  HrJob *probe;
  HrGpu *gpu;
  guint n_gpus;
  HrSweepPoint *points;
  HrSweepCrossing *crossings;
} HrSweepLine;

typedef struct _HrSweep HrSweep;

HrSweep            *hr_sweep_new            (const char    *setting,
                                             const double  *values,
                                             guint          n_values) G_GNUC_WARN_UNUSED_RESULT;
void                hr_sweep_free           (HrSweep       *self);
guint               hr_sweep_add_line       (HrSweep       *self,
                                             const char    *label,
                                             HrModel       *model,
                                             HrJob         *job,
                                             HrGpu         *gpu,
                                             guint          n_gpus);
void                hr_sweep_add_gpu        (HrSweep       *self,
                                             HrGpu         *gpu);
void                hr_sweep_set_component  (HrSweep       *self,
                                             HrComponentId  component);
HrComponentId       hr_sweep_get_component  (HrSweep       *self);
GPtrArray          *hr_sweep_get_gpus       (HrSweep       *self);
void                hr_sweep_take_known     (HrSweep       *self,
                                             HrSweep       *other);
const char         *hr_sweep_get_setting    (HrSweep       *self);
const double       *hr_sweep_get_values     (HrSweep       *self,
                                             guint         *n_values);
guint               hr_sweep_get_n_lines    (HrSweep       *self);
const HrSweepLine  *hr_sweep_get_line       (HrSweep       *self,
                                             guint          line);
gboolean            hr_sweep_step           (HrSweep       *self);
void                hr_sweep_run            (HrSweep       *self);
gboolean            hr_sweep_has_all_least  (HrSweep       *self);
gboolean            hr_sweep_is_done        (HrSweep       *self);
guint64             hr_sweep_get_bytes      (HrSweep            *self,
                                             const HrSweepPoint *point);
HrSweepFit          hr_sweep_find_fit       (HrSweep       *self,
                                             guint          line,
                                             guint          gpu,
                                             double        *value);
char               *hr_sweep_dup_fit_text   (HrSweep       *self,
                                             guint          line,
                                             guint          gpu) G_GNUC_WARN_UNUSED_RESULT;
char               *hr_sweep_dup_value_text (double         value) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrSweep, hr_sweep_free)

G_END_DECLS
