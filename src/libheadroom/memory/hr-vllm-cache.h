/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-serving-plan.h"

G_BEGIN_DECLS

gboolean hr_vllm_cache_resolve         (HrServingPlan        *self,
                                        HrModel              *whole,
                                        HrInferenceJob       *job,
                                        GError              **error);
guint64  hr_vllm_cache_get_block_bytes (const HrServingPlan  *self);
guint64  hr_vllm_cache_count_blocks    (const HrServingPlan  *self,
                                        guint64               tokens);
guint64  hr_vllm_cache_count_told      (const HrServingPlan  *self,
                                        guint64               tokens);
guint64  hr_vllm_cache_get_needed      (const HrServingPlan  *self,
                                        guint64               tokens);

G_END_DECLS
