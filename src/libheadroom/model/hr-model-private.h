/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-adapter-rules.h"
#include "hr-facts.h"
#include "hr-model.h"
#include "hr-processor.h"
#include "hr-quantizer.h"
#include "hr-shard.h"

G_BEGIN_DECLS

/* By what transformers divides a model among ranks that compute each layer together. */
typedef enum
{
  HR_MODEL_DIVISION_TENSOR,
  HR_MODEL_DIVISION_EXPERT,
  HR_N_MODEL_DIVISIONS,
} HrModelDivision;

const HrAdapterRules *_hr_model_get_adapter_rules (HrModel     *self);
const HrProcessor    *_hr_model_get_processor     (HrModel     *self);
const HrQuantizer    *_hr_model_get_quantizer     (HrModel     *self);
void                  _hr_model_apply             (HrModel     *self,
                                                   HrQuantizer *quantizer);
const HrParallelRules *_hr_model_get_rules        (HrModel         *self,
                                                   HrModelDivision  division);
const char * const   *_hr_model_get_engines       (HrModel     *self);
HrFacts              *_hr_model_get_facts         (HrModel     *self);
const HrParallelPlan *_hr_model_get_plan          (HrModel     *self);
HrModel              *_hr_model_new_share         (HrModel          *self,
                                                   HrModelDivision   division,
                                                   guint64           n_ranks,
                                                   guint64           rank,
                                                   GError          **error) G_GNUC_WARN_UNUSED_RESULT;
HrModel              *_hr_model_new_shard         (HrModel        *self,
                                                   const HrShard  *shard,
                                                   GError        **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
