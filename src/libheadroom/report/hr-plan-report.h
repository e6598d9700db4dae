/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-document.h"
#include "hr-least-gpus.h"
#include "hr-planner.h"

G_BEGIN_DECLS

/**
 * HrPlanReport: (skip)
 * @model: the model
 * @job: the job whose layouts are planned
 * @n_sequences: sequences of a step
 * @planner: (nullable): a search of layouts on some GPUs
 * @n_choices: how many of its layouts are told
 * @least: (nullable) (element-type HrLeastGpus): the fewest GPUs of each kind
 * @max_gpus: how many GPUs there may be at the most for @least
 *
 * What a report on layouts is about.
 */
typedef struct
{
  HrModel *model;
  HrJob *job;
  guint64 n_sequences;
  HrPlanner *planner;
  guint n_choices;
  GArray *least;
  guint max_gpus;
} HrPlanReport;

/**
 * HrPlanFigure: (skip)
 *
 * What a layout of a job that answers requests gives to those who ask.
 */
typedef enum
{
  HR_PLAN_FIGURE_RATE,
  HR_PLAN_FIGURE_TOKEN,
  HR_PLAN_FIGURE_PROMPT,
  HR_PLAN_FIGURE_RUNNING,
  HR_PLAN_FIGURE_AT_ONCE,
  HR_PLAN_FIGURE_CACHE,
  HR_N_PLAN_FIGURES,
} HrPlanFigure;

const char *hr_plan_figure_get_label       (HrPlanFigure         figure);
double      hr_plan_get_figure             (const HrPlanChoice  *choice,
                                            HrPlanFigure         figure);
char       *hr_plan_dup_figure             (const HrPlanChoice  *choice,
                                            HrPlanFigure         figure) G_GNUC_WARN_UNUSED_RESULT;
const char *hr_plan_get_shares_label       (void);
char       *hr_plan_dup_shares             (const HrPlanChoice  *choice) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_plan_dup_expert_sharers     (const HrPlanChoice  *choice) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_plan_dup_refusal            (const HrPlanner     *planner) G_GNUC_WARN_UNUSED_RESULT;
const char *hr_plan_get_sequences_label    (HrJob               *job);
char       *hr_plan_dup_verdict            (const HrPlanner     *planner) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_plan_dup_layout             (const HrLayoutStep  *step) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_plan_dup_sharers            (const HrLayoutStep  *step) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_plan_dup_stages             (const HrLayoutStep  *step) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_plan_dup_least_layout       (const HrLeastGpus   *least) G_GNUC_WARN_UNUSED_RESULT;
const char *hr_plan_get_least_remark       (HrJob               *job);
const char *hr_plan_get_checkpointing_label (const HrPlanChoice *choice);
const char *hr_plan_check_get_label        (HrPlanCheck          check);
const char *hr_plan_get_remark             (HrJob               *job);
HrDocument *hr_plan_report_create_document (const HrPlanReport  *self,
                                            HrUnitSystem         unit_system) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_plan_report_to_json         (const HrPlanReport  *self) G_GNUC_WARN_UNUSED_RESULT;
char       *hr_plan_report_to_csv          (const HrPlanReport  *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
