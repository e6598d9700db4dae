/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-pass.h"

G_BEGIN_DECLS

/* Whether the matrix of the output head goes into a loss, and its module is not called. */
static inline gboolean
hr_loss_implementation_reads_head (HrLossImplementation self)
{
  return self == HR_LOSS_IMPLEMENTATION_LIGER_FUSED_LINEAR_CROSS_ENTROPY ||
         self == HR_LOSS_IMPLEMENTATION_CUT_CROSS_ENTROPY || self == HR_LOSS_IMPLEMENTATION_CHUNKED_NLL ||
         self == HR_LOSS_IMPLEMENTATION_UNSLOTH_FUSED;
}

void    hr_training_upcast_outputs (HrReplay *replay,
                                    HrValue  *logits,
                                    HrValue  *returned,
                                    guint     n_returned);
void    hr_training_upcast_logits      (HrReplay *replay,
                                        HrValue  *logits);
HrValue hr_training_loss_causal        (HrReplay *replay,
                                        HrValue   logits,
                                        gboolean  shifts_logits,
                                        gboolean  in_fp32,
                                        gboolean  in_place);
HrValue hr_training_loss_masked        (HrReplay *replay,
                                        HrValue   logits);
HrValue hr_training_loss_compiled (HrReplay *replay,
                                   HrValue   logits);
HrValue hr_training_loss_last_token    (HrReplay *replay,
                                        HrValue   logits);
HrValue hr_training_loss_span          (HrReplay *replay,
                                        HrValue   logits);
HrValue hr_training_loss_cross_entropy (HrReplay *replay,
                                        HrValue   logits,
                                        gboolean  in_fp32);
HrValue hr_training_loss_nll           (HrReplay *replay,
                                        HrValue   probabilities,
                                        HrValue   labels);
HrValue hr_training_loss_chunked       (HrReplay *replay,
                                        HrValue   hidden,
                                        HrValue   weight,
                                        gboolean  softcap,
                                        HrValue  *beside);
HrValue hr_training_loss_cut           (HrReplay *replay,
                                        HrValue   hidden,
                                        HrValue   weight,
                                        gboolean  softcap);
HrValue hr_training_loss_unsloth       (HrReplay *replay,
                                        HrValue   hidden,
                                        HrValue   weight,
                                        gboolean  is_packed);
HrValue hr_training_loss_liger         (HrReplay *replay,
                                        HrValue   logits);
HrValue hr_training_loss_fused_linear  (HrReplay *replay,
                                        HrValue   hidden,
                                        HrValue   weight);

G_END_DECLS
