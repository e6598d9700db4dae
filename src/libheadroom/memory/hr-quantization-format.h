/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

gboolean hr_quantization_format_needs_16_bits (HrQuantization quantization);
HrValue  hr_quantization_format_expand        (HrReplay      *replay,
                                               HrValue        weight);
HrValue  hr_quantization_format_replay_linear (HrReplay      *replay,
                                               HrValue        x,
                                               const char    *name,
                                               HrValue        out,
                                               gboolean       has_bias);

G_END_DECLS
