/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-serving-plan.h"

G_BEGIN_DECLS

gboolean hr_serving_cache_get_element_bytes  (const HrServingPlan  *self,
                                              HrInferenceJob       *job,
                                              guint                *bytes,
                                              GError              **error);
gboolean hr_serving_cache_resolve_state_dtype (HrServingPlan       *self,
                                               HrInferenceJob      *job,
                                               GError             **error);
guint64  hr_serving_cache_get_token_elements (const HrServingPlan  *self,
                                              const HrAttention    *attention);
guint64  hr_serving_cache_get_state_bytes    (const HrServingPlan  *self,
                                              const HrLayerClass   *klass,
                                              guint64               guessed);

G_END_DECLS
