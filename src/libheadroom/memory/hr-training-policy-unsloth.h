/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training.h"

G_BEGIN_DECLS

/*
 * What grpo_accumulated_loss has beside what the model reads: variables that go with it, and what the backward pass
 * holds.
 */
typedef struct
{
  HrValue variables;
  HrValue kept;
} HrPackedAnswers;

gboolean hr_training_packs_answers       (const HrTraining      *self);
void     hr_training_unsloth_add_answers (const HrTraining      *self,
                                          HrReplay              *replay);
void     hr_packed_answers_init          (HrPackedAnswers       *self,
                                          HrReplay              *replay);
void     hr_packed_answers_clear         (HrPackedAnswers       *self,
                                          HrReplay              *replay);
HrValue  hr_training_loss_unsloth_policy (HrReplay              *replay,
                                          HrValue                hidden);
void     hr_training_unsloth_read        (const HrTraining      *self,
                                          HrReplay              *replay,
                                          const HrTuning        *tuning,
                                          HrPhaseId              phase);

G_END_DECLS
