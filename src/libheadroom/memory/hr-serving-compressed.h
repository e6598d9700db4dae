/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-serving-plan.h"

G_BEGIN_DECLS

const HrCompressedAttention *hr_serving_compressed_get          (const HrLayerClass  *klass);
gboolean                     hr_serving_compressed_is_all       (const HrStack       *stack);
const HrCompressedAttention *hr_serving_compressed_find         (const HrServingPlan *plan);
guint64                      hr_serving_compressed_get_workspace (const HrServingPlan *plan);
guint64                      hr_serving_compressed_get_rotary   (const HrServingPlan *plan);
void                         hr_serving_compressed_replay_layer (const HrServingPlan *plan,
                                                                 HrReplay            *replay,
                                                                 const HrLayerClass  *klass);

G_END_DECLS
