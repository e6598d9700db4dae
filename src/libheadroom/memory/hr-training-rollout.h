/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training.h"

G_BEGIN_DECLS

void hr_training_generate       (const HrTraining *self,
                                 HrReplay         *replay);
void hr_training_read_own       (const HrTraining *self,
                                 HrReplay         *replay);
void hr_training_read_reference (const HrTraining *self,
                                 HrReplay         *replay,
                                 HrValue          *kept);
void hr_training_keep_answers   (const HrTraining *self,
                                 HrReplay         *replay,
                                 HrValue          *hidden);

G_END_DECLS
