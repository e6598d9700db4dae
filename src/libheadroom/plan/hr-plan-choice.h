/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"
#include "hr-layout-time.h"
#include "hr-serving-time.h"

G_BEGIN_DECLS

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
 * @change: (nullable): the settings that make the job one of this layout, each as `name=value` with blanks between,
 *   where layouts of the job are estimated; %NULL where they are added up by formulas
 * @index: which of the layouts that are estimated it is
 * @division: (nullable): what its stages have, where its memory is added up
 * @stage: the stage that takes most
 * @formula_bytes: what a rank of it holds at its peak, as formulas have it, with what the driver takes
 * @check: what more is known
 * @exact_bytes: what the estimator says, where it does
 * @has_time: whether @time is known
 * @time: how long a step takes, or all that is answered at once
 * @answers: whether it answers requests, so that @serving says how fast
 * @serving: what it gives to those who ask
 *
 * A layout.
 */
typedef struct
{
  HrLayoutStep step;
  const char *change;
  guint index;
  const HrDivision *division;
  guint stage;
  guint64 formula_bytes;
  HrPlanCheck check;
  guint64 exact_bytes;
  gboolean has_time;
  HrLayoutTime time;
  gboolean answers;
  HrServingFigures serving;
} HrPlanChoice;

void     hr_layout_step_init_from_job (HrLayoutStep       *self,
                                       HrJob              *job,
                                       guint               n_gpus);
guint64  hr_plan_choice_get_bytes     (const HrPlanChoice *self);
char    *hr_plan_choice_dup_change    (const HrPlanChoice *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
