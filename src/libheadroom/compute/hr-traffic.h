/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-compute.h"
#include "hr-flop-pass.h"
#include "hr-inference-plan.h"
#include "hr-training-plan.h"

G_BEGIN_DECLS

void hr_traffic_init_pass     (HrTraffic             *self,
                               const HrInferencePlan *plan,
                               const HrFlopPass      *pass,
                               const HrFlops         *total);
void hr_traffic_add           (HrTraffic             *self,
                               const HrTraffic       *other,
                               guint64                times);
void hr_traffic_add_kernels   (HrTraffic             *self,
                               const HrKernels       *kernels);
void hr_traffic_repeat_weights (HrTraffic            *self,
                                guint64               times);
void hr_traffic_init_training (HrTraffic             *self,
                               const HrTrainingPlan  *plan,
                               const HrFlopPass      *pass,
                               const HrFlops         *total);

G_END_DECLS
