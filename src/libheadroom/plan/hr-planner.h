/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"
#include "hr-layout-time.h"
#include "hr-model.h"

G_BEGIN_DECLS

/* How many layouts are kept: the fastest that fit, and what takes least of the others. */
#define HR_PLANNER_MAX_CHOICES 1000

/**
 * HrPlanCheck: (skip)
 * @HR_PLAN_CHECK_PENDING: it has not been estimated
 * @HR_PLAN_CHECK_EXACT: the estimator has replayed it
 * @HR_PLAN_CHECK_FORMULA: it is not replayed, so that its formulas stand
 *
 * What is known of a layout beside what formulas say.
 */
typedef enum
{
  HR_PLAN_CHECK_PENDING,
  HR_PLAN_CHECK_EXACT,
  HR_PLAN_CHECK_FORMULA,
} HrPlanCheck;

/**
 * HrPlanChoice: (skip)
 * @step: the layout
 * @division: what its stages have
 * @stage: the stage that takes most
 * @formula_bytes: what a rank of it holds at its peak, as formulas have it, with what the driver takes
 * @check: what more is known
 * @exact_bytes: what the estimator says, where it does
 * @has_time: whether @time is known
 * @time: how long a step takes
 *
 * A layout.
 */
typedef struct
{
  HrLayoutStep step;
  const HrDivision *division;
  guint stage;
  guint64 formula_bytes;
  HrPlanCheck check;
  guint64 exact_bytes;
  gboolean has_time;
  HrLayoutTime time;
} HrPlanChoice;

/**
 * HrPlanner: (skip)
 *
 * A search of all layouts of a job of training on some GPUs.
 */
typedef struct _HrPlanner HrPlanner;

gboolean            hr_planner_check_job      (HrJob               *job,
                                               GError             **error);
HrPlanner          *hr_planner_new            (HrModel             *model,
                                               HrJob               *job,
                                               const HrCluster     *cluster,
                                               guint64              n_sequences,
                                               const char * const  *fixed,
                                               GError             **error) G_GNUC_WARN_UNUSED_RESULT;
void                hr_planner_free           (HrPlanner           *self);
gboolean            hr_planner_step           (HrPlanner           *self);
gboolean            hr_planner_run            (HrPlanner           *self,
                                               GCancellable        *cancellable);
double              hr_planner_get_progress   (const HrPlanner     *self);
gboolean            hr_planner_is_done        (const HrPlanner     *self);
HrModel            *hr_planner_get_model      (const HrPlanner     *self);
HrJob              *hr_planner_get_job        (const HrPlanner     *self);
const HrCluster    *hr_planner_get_cluster    (const HrPlanner     *self);
guint64             hr_planner_get_n_sequences (const HrPlanner    *self);
guint64             hr_planner_get_n_tokens   (const HrPlanner     *self);
guint64             hr_planner_get_n_layouts  (const HrPlanner     *self);
guint64             hr_planner_get_n_fitting  (const HrPlanner     *self);
guint64             hr_planner_get_least_bytes (const HrPlanner    *self);
guint               hr_planner_get_n_choices  (const HrPlanner     *self);
guint               hr_planner_get_n_listed   (const HrPlanner     *self);
const HrPlanChoice *hr_planner_get_choice     (const HrPlanner     *self,
                                               guint                index);
guint64             hr_plan_choice_get_bytes  (const HrPlanChoice  *self);
const char         *hr_planner_get_missing    (const HrPlanner     *self);
void                hr_planner_check          (HrPlanner           *self,
                                               guint                n_choices);
HrJob              *hr_planner_create_job     (const HrPlanner     *self,
                                               const HrPlanChoice  *choice) G_GNUC_WARN_UNUSED_RESULT;
char               *hr_plan_choice_dup_change (const HrPlanChoice  *self) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrPlanner, hr_planner_free)

G_END_DECLS
