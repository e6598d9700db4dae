/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-estimate.h"
#include "hr-framework.h"
#include "hr-inference-plan.h"
#include "hr-weights.h"

G_BEGIN_DECLS

void    hr_estimate_add_weights       (HrEstimate            *self,
                                       guint                  index,
                                       HrComponentId          id,
                                       const HrWeightStorage *storage,
                                       const HrWeights       *weights,
                                       guint64                bytes);
void    hr_estimate_add_from_tape     (HrEstimate            *self,
                                       guint                  index,
                                       HrModel               *model,
                                       const HrMoment        *moment,
                                       HrComponentId          id,
                                       guint64                bytes);
char   *hr_estimate_dup_source        (HrModel               *model,
                                       HrComponentId          id) G_GNUC_WARN_UNUSED_RESULT;
guint64 hr_estimate_add_framework     (HrEstimate            *self,
                                       guint                  index,
                                       const HrFramework     *framework);
guint64 hr_estimate_add_fragmentation (HrEstimate            *self,
                                       guint                  index,
                                       guint64                waste);
void    hr_estimate_add_phases        (HrEstimate            *self,
                                       const HrLedger        *ledger,
                                       guint64                beside);
void    hr_estimate_add_warnings      (HrEstimate            *self,
                                       const HrInferencePlan *plan);
void    hr_estimate_set_too_large     (GError               **error,
                                       HrModel               *model);

G_END_DECLS
