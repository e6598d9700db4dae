/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-plan.h"

G_BEGIN_DECLS

/* Variables of coati's trainers that hold logits until those of the next micro-batch take their places. */
typedef enum
{
  HR_COATI_POLICY,
  HR_COATI_POLICY_IN_FP32,
  HR_COATI_OTHER_ANSWERS,            /* of the policy, to other prompts */
  HR_COATI_REFERENCE_OTHER_ANSWERS,
  HR_COATI_REFERENCE,
  HR_N_COATI_VARIABLES,
} HrCoatiVariable;

typedef struct
{
  HrValue before[HR_N_COATI_VARIABLES];  /* what they hold of the micro-batch before */
  HrValue now[HR_N_COATI_VARIABLES];
} HrCoatiVariables;

gboolean hr_training_colossalai_prepare    (HrTrainingPlan       *plan,
                                            GError              **error);
void     hr_training_colossalai_resolve    (HrTrainingPlan       *plan);
void     hr_training_colossalai_add_inputs (const HrTraining     *training,
                                            HrReplay             *replay);

void     hr_coati_variables_init         (HrCoatiVariables       *self,
                                          const HrTraining       *training,
                                          HrReplay               *replay);
void     hr_coati_variables_return       (HrCoatiVariables       *self,
                                          HrReplay               *replay);
void     hr_coati_variables_read_others  (HrCoatiVariables       *self,
                                          const HrTraining       *training,
                                          HrReplay               *replay);
HrValue  hr_coati_variables_compute_loss (HrCoatiVariables       *self,
                                          const HrTraining       *training,
                                          HrReplay               *replay,
                                          HrValue                 logits,
                                          HrValue                 addend);
void     hr_coati_variables_clear        (HrCoatiVariables       *self,
                                          HrReplay               *replay);

G_END_DECLS
