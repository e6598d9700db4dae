/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"
#include "hr-model.h"
#include "hr-plan-choice.h"

G_BEGIN_DECLS

/* How many layouts are kept: the fastest that fit, and what takes least of the others. */
#define HR_PLANNER_MAX_CHOICES 1000

/**
 * HrPlanner: (skip)
 *
 * A search of all layouts of a job on some GPUs.
 */
typedef struct _HrPlanner HrPlanner;

gboolean            hr_planner_uses_formulas  (HrJob               *job);
guint64             hr_planner_count_sequences (HrJob              *job,
                                                guint               n_gpus);
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
gboolean            hr_planner_answers        (const HrPlanner     *self);
HrModel            *hr_planner_get_model      (const HrPlanner     *self);
HrJob              *hr_planner_get_job        (const HrPlanner     *self);
const HrCluster    *hr_planner_get_cluster    (const HrPlanner     *self);
guint64             hr_planner_get_n_sequences (const HrPlanner    *self);
guint64             hr_planner_get_n_tokens   (const HrPlanner     *self);
guint64             hr_planner_get_n_layouts  (const HrPlanner     *self);
guint64             hr_planner_get_n_fitting  (const HrPlanner     *self);
guint64             hr_planner_get_n_refused  (const HrPlanner     *self);
const char         *hr_planner_get_refusal    (const HrPlanner     *self);
guint64             hr_planner_get_least_bytes (const HrPlanner    *self);
guint               hr_planner_get_n_choices  (const HrPlanner     *self);
guint               hr_planner_get_n_listed   (const HrPlanner     *self);
const HrPlanChoice *hr_planner_get_choice     (const HrPlanner     *self,
                                               guint                index);
const char         *hr_planner_get_missing    (const HrPlanner     *self);
void                hr_planner_check          (HrPlanner           *self,
                                               guint                n_choices);
HrJob              *hr_planner_create_job     (const HrPlanner     *self,
                                               const HrPlanChoice  *choice) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrPlanner, hr_planner_free)

G_END_DECLS
