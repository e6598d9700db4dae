/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-optimizer.h"
#include "hr-reduction.h"

G_BEGIN_DECLS

void    hr_low_level_zero_init  (HrReduction        *self,
                                 guint64             n_ranks,
                                 gboolean            is_offloaded);
void    hr_low_level_zero_note  (HrReduction        *self,
                                 guint64             n_elements);
void    hr_low_level_zero_take  (HrReplay           *replay,
                                 HrValue             gradient);
void    hr_low_level_zero_empty (HrReplay           *replay);
HrValue hr_low_level_zero_widen (const HrReduction  *self,
                                 const HrTrainables *masters,
                                 HrReplay           *replay);
void    hr_low_level_zero_gather (const HrReduction *self,
                                  HrReplay          *replay,
                                  HrValue            wide);

G_END_DECLS
