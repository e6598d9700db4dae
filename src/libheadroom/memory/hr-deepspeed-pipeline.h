/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training.h"

G_BEGIN_DECLS

guint64 hr_deepspeed_pipeline_count_slots  (const HrTraining *training);
void    hr_deepspeed_pipeline_make_buffers (const HrTraining *training,
                                            HrReplay         *replay);
gint64  hr_deepspeed_pipeline_get_held     (const HrTraining *training,
                                            const HrReplay   *replay,
                                            gboolean          is_forward);
guint64 hr_deepspeed_pipeline_get_left     (const HrTraining *training);
void    hr_deepspeed_pipeline_reduce       (const HrTraining *training,
                                            HrReplay         *replay);

G_END_DECLS
