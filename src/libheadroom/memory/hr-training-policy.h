/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-pass.h"

G_BEGIN_DECLS

HrValue hr_training_score_answers   (HrReplay *replay,
                                     HrValue   logits);
HrValue hr_training_take_answers    (HrReplay *replay,
                                     HrValue   logits);
HrValue hr_training_loss_chosen     (HrReplay *replay,
                                     HrValue   logits);
HrValue hr_training_loss_preference (HrReplay *replay,
                                     HrValue   log_probabilities,
                                     HrValue   addend);
void    hr_training_log_preference  (HrReplay *replay,
                                     HrValue   logits,
                                     gboolean  has_reference);
void    hr_training_log_unpaired    (HrReplay *replay,
                                     HrValue   logits,
                                     gboolean  has_reference);
void    hr_training_loss_begin      (HrReplay  *replay,
                                     HrStretch *stretch);
void    hr_training_loss_end        (HrReplay  *replay);
HrValue hr_training_loss_clipped    (HrReplay *replay,
                                     HrValue   log_probabilities);
HrValue hr_training_loss_policy     (HrReplay *replay,
                                     HrValue   logits);
HrValue hr_training_loss_liger_policy (HrReplay *replay,
                                       HrValue   hidden,
                                       HrValue   weight,
                                       guint64   n_micro_batches);
HrValue hr_training_loss_proximal   (HrReplay *replay,
                                     HrValue   logits,
                                     HrValue   values);
HrValue hr_training_log_proximal    (HrReplay *replay,
                                     HrValue   logits);
HrValue hr_training_score_sequences (const HrInference *pass,
                                     HrReplay          *replay,
                                     HrPass            *variables);
HrValue hr_training_loss_reward     (HrReplay          *replay,
                                     HrValue            scores);

G_END_DECLS
