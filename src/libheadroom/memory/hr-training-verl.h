/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-plan.h"

G_BEGIN_DECLS

/* The tokens of a micro-batch that are no padding, in one row. */
typedef struct
{
  HrValue indices;
  HrValue ids;
  HrValue positions;
  HrValue labels;
} HrUnpadded;

void     hr_unpadded_init                (HrUnpadded        *self,
                                          HrReplay          *replay);
void     hr_unpadded_clear               (HrUnpadded        *self,
                                          HrReplay          *replay);

gboolean hr_training_verl_prepare        (HrTrainingPlan    *plan,
                                          GError           **error);
gboolean hr_training_verl_shard          (HrTrainingPlan    *plan,
                                          GError           **error);
void     hr_training_verl_add_inputs     (const HrTraining  *training,
                                          HrReplay          *replay);
void     hr_training_verl_hand_over      (const HrTraining  *training,
                                          HrReplay          *replay);
void     hr_training_verl_read           (const HrTraining  *training,
                                          HrReplay          *replay,
                                          HrPhaseId          phase);
HrValue  hr_training_verl_loss           (const HrTraining  *training,
                                          HrReplay          *replay,
                                          HrUnpadded        *rows,
                                          HrValue            logits);
void     hr_training_verl_end_step       (const HrTraining  *training,
                                          HrReplay          *replay);

G_END_DECLS
