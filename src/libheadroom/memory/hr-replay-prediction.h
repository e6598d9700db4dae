/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-pass.h"

G_BEGIN_DECLS

void hr_replay_predictions     (const HrInference *self,
                                HrReplay          *replay,
                                HrPass            *pass);
void hr_replay_prediction_loss (HrReplay          *replay,
                                HrPass            *pass,
                                HrValue            loss);

G_END_DECLS
