/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-serving-plan.h"

G_BEGIN_DECLS

gboolean hr_serving_cache_get_element_bytes  (const HrServingPlan  *self,
                                              HrInferenceJob       *job,
                                              guint                *bytes,
                                              GError              **error);
guint64  hr_serving_cache_get_token_elements (const HrServingPlan  *self,
                                              const HrAttention    *attention);

G_END_DECLS
