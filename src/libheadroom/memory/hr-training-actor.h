/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-plan.h"
#include "hr-training-verl.h"

G_BEGIN_DECLS

/* What an actor makes of the tokens of a micro-batch, beside them. */
typedef struct
{
  HrUnpadded rows;
  HrValue labels;
  HrValue positions;
} HrActorBatch;

gboolean hr_training_actor_prepare     (HrTrainingPlan   *plan,
                                        GError          **error);
void     hr_training_actor_add_inputs  (const HrTraining *training,
                                        HrReplay         *replay);
void     hr_training_actor_get_answers (const HrTraining *training,
                                        HrReplay         *replay);
void     hr_training_actor_end_step    (const HrTraining *training,
                                        HrReplay         *replay);

void     hr_actor_batch_init           (HrActorBatch     *self,
                                        const HrTraining *training,
                                        HrReplay         *replay);
HrValue  hr_actor_batch_compute_loss   (HrActorBatch     *self,
                                        const HrTraining *training,
                                        HrReplay         *replay,
                                        HrValue          *logits);
void     hr_actor_batch_clear          (HrActorBatch     *self,
                                        const HrTraining *training,
                                        HrReplay         *replay);

G_END_DECLS
