/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"
#include "hr-inference-plan.h"

G_BEGIN_DECLS

HrEstimate *hr_rule_estimate_new             (const HrInferencePlan *plan) G_GNUC_WARN_UNUSED_RESULT;
HrEstimate *hr_rule_estimate_divide          (HrEstimate            *self,
                                              HrJob                 *job,
                                              guint64                n_ranks) G_GNUC_WARN_UNUSED_RESULT;
double      hr_rule_estimate_get_parameters  (HrModel               *model);
guint64     hr_rule_estimate_get_hidden_size (const HrStack         *stack);
guint64     hr_rule_estimate_add             (HrEstimate            *estimate,
                                              HrComponentId          id,
                                              double                 bytes,
                                              const char            *formula,
                                              char                  *substitution,
                                              const char            *source);
void        hr_rule_estimate_explain         (HrEstimate            *estimate,
                                              const char            *msgid,
                                              ...) G_GNUC_PRINTF (2, 3);
guint64     hr_rule_estimate_add_share       (HrEstimate            *estimate,
                                              HrComponent           *part,
                                              const char            *name,
                                              guint64                divisor,
                                              const char            *note);
void        hr_rule_estimate_doubt           (HrEstimate            *estimate,
                                              const char            *fault);
void        hr_rule_estimate_doubt_cache     (HrEstimate            *estimate,
                                              const HrInferencePlan *plan);
guint64     hr_rule_estimate_add_weights     (HrEstimate            *estimate,
                                              const HrInferencePlan *plan,
                                              double                *weights);

G_END_DECLS
