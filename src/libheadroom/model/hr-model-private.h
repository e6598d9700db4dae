/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-adapter-rules.h"
#include "hr-model.h"
#include "hr-processor.h"
#include "hr-quantizer.h"

G_BEGIN_DECLS

const HrAdapterRules *_hr_model_get_adapter_rules (HrModel     *self);
const HrProcessor    *_hr_model_get_processor     (HrModel     *self);
const HrQuantizer    *_hr_model_get_quantizer     (HrModel     *self);
void                  _hr_model_apply             (HrModel     *self,
                                                   HrQuantizer *quantizer);

G_END_DECLS
