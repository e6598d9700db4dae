/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-compute.h"
#include "hr-flop-pass.h"
#include "hr-training-plan.h"

G_BEGIN_DECLS

struct _HrCompute
{
  HrComputePhase phases[HR_N_COMPUTE_PHASES];
  guint n_phases;
  guint64 n_sequences;
  HrModel *model;
  HrGpu *gpu;
  guint n_gpus;
  guint64 n_senders;  /* of a rank that shares each layer: HrFlopPass; 0: it is no such rank */
  HrDtype dtype;
  char *missing;
};

HrComputePhase *_hr_compute_add_phase     (HrCompute            *self,
                                           HrComputePhaseId      id,
                                           const HrFlopPass     *pass,
                                           guint64               times);
void            _hr_compute_estimate_time (HrCompute            *self,
                                           HrComputePhase       *phase);
void            _hr_compute_add_before    (HrCompute            *self,
                                           HrTrainingPlan       *plan);
guint64         _hr_compute_count_logits  (const HrTrainingPlan *plan);
HrKernels       _hr_compute_count_training (HrTrainingPlan      *plan,
                                            guint64              times);
void            _hr_compute_count_generation (const HrInferencePlan *plan,
                                              const HrInference   *inference,
                                              HrKernels           *prompt,
                                              HrKernels           *token);
void            _hr_compute_add_critic    (HrCompute            *self,
                                           HrTrainingPlan       *plan);

G_END_DECLS
