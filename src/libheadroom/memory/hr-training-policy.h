/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

HrValue hr_training_score_answers   (HrReplay *replay,
                                     HrValue   logits);
HrValue hr_training_loss_chosen     (HrReplay *replay,
                                     HrValue   logits);
HrValue hr_training_loss_preference (HrReplay *replay,
                                     HrValue   log_probabilities,
                                     HrValue   addend);
HrValue hr_training_loss_policy     (HrReplay *replay,
                                     HrValue   logits);

G_END_DECLS
