/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-autograd.h"

G_BEGIN_DECLS

void     hr_fusion_join  (HrReplay      *replay,
                          HrValue        result);
void     hr_fusion_trace (HrReplay      *replay,
                          HrValue        result,
                          const HrValue *inputs,
                          guint          n_inputs);
gboolean hr_fusion_keep  (HrReplay      *replay,
                          HrNode        *node,
                          HrValue        saved);

G_END_DECLS
