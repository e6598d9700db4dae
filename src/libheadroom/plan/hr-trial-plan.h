/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-plan-choice.h"

G_BEGIN_DECLS

/**
 * HrTrialPlan:
 *
 * All layouts of a job whose memory is estimated, one by one.
 */
typedef struct _HrTrialPlan HrTrialPlan;

HrTrialPlan *hr_trial_plan_new         (HrModel             *model,
                                        HrJob               *job,
                                        const HrCluster     *cluster,
                                        guint64              n_sequences,
                                        const char * const  *fixed) G_GNUC_WARN_UNUSED_RESULT;
void         hr_trial_plan_free        (HrTrialPlan         *self);
guint64      hr_trial_plan_get_n_tokens (const HrTrialPlan  *self);
guint        hr_trial_plan_get_n       (const HrTrialPlan   *self);
gboolean     hr_trial_plan_look        (HrTrialPlan         *self,
                                        guint                index,
                                        gboolean             has_times,
                                        HrPlanChoice        *choice,
                                        GError             **error);
HrJob       *hr_trial_plan_create_job  (const HrTrialPlan   *self,
                                        const HrPlanChoice  *choice) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrTrialPlan, hr_trial_plan_free)

G_END_DECLS
