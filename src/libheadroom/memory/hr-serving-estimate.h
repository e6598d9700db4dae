/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate-private.h"
#include "hr-serving-plan.h"

G_BEGIN_DECLS

char *hr_serving_dup_number   (guint64              number) G_GNUC_WARN_UNUSED_RESULT;
char *hr_serving_dup_size     (guint64              bytes) G_GNUC_WARN_UNUSED_RESULT;
void  hr_serving_tell_waiting (HrInferencePlan     *pass,
                               guint64              requests,
                               guint64              room);
void  hr_serving_tell_host    (HrInferencePlan     *pass,
                               guint64              bytes);
void  hr_serving_add_weights  (HrEstimate          *estimate,
                               const HrServingPlan *plan,
                               const HrWeights     *weights,
                               guint64              bytes,
                               const char          *source);
void  hr_serving_add_run      (HrEstimate          *estimate,
                               const HrMoment      *peak,
                               HrEstimateDetail     detail,
                               const char          *source);
void  hr_serving_end          (HrEstimate          *estimate,
                               const HrMoment      *peak,
                               guint64              loaded,
                               guint64              total);

G_END_DECLS
