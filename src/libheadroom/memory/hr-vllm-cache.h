/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-vllm-plan.h"

G_BEGIN_DECLS

gboolean hr_vllm_cache_resolve            (HrVllmPlan         *self,
                                           HrInferenceJob     *job,
                                           GError            **error);
gboolean hr_vllm_cache_get_element_bytes  (const HrVllmPlan   *self,
                                           HrInferenceJob     *job,
                                           guint              *bytes,
                                           GError            **error);
guint64  hr_vllm_cache_get_token_elements (const HrVllmPlan   *self,
                                           const HrAttention  *attention);
guint64  hr_vllm_cache_get_block_bytes    (const HrVllmPlan   *self);
guint64  hr_vllm_cache_count_blocks       (const HrVllmPlan   *self,
                                           guint64             tokens);

G_END_DECLS
