/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-serving-plan.h"

G_BEGIN_DECLS

guint64 hr_serving_weights_get_bytes (const HrServingPlan *self,
                                      HrWeights           *weights);
guint64 hr_serving_weights_get_host_bytes (const HrServingPlan *self,
                                           guint64             *of_layer);
guint64 hr_serving_weights_get_expert_bytes (const HrServingPlan *self);

guint64 hr_serving_weights_get_eagle_bytes (const HrServingPlan *self,
                                            HrDraftKind          kind,
                                            guint64              hidden,
                                            guint64              words);

G_END_DECLS
