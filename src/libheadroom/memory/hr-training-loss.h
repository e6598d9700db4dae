/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-pass.h"

G_BEGIN_DECLS

void    hr_training_upcast_logits      (HrReplay *replay,
                                        HrValue  *logits);
HrValue hr_training_loss_causal        (HrReplay *replay,
                                        HrValue   logits,
                                        gboolean  shifts_logits,
                                        gboolean  in_fp32,
                                        gboolean  in_place);
HrValue hr_training_loss_cross_entropy (HrReplay *replay,
                                        HrValue   logits,
                                        gboolean  in_fp32);
HrValue hr_training_loss_liger         (HrReplay *replay,
                                        HrValue   logits);
HrValue hr_training_loss_fused_linear  (HrReplay *replay,
                                        HrValue   hidden,
                                        HrValue   weight);

G_END_DECLS
