/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training.h"

G_BEGIN_DECLS

guint64 hr_training_count_brought (const HrTraining *self);
void    hr_training_make_received (const HrTraining *self,
                                   HrReplay         *replay);
void    hr_training_run_pipeline  (const HrTraining *self,
                                   HrReplay         *replay,
                                   HrTrainingLevels *levels);

G_END_DECLS
