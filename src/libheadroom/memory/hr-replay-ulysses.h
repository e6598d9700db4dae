/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay-attention-private.h"

G_BEGIN_DECLS

gboolean          hr_ulysses_is_used   (const HrReplay       *replay);
HrAttentionResult hr_ulysses_attention (HrReplay             *replay,
                                        gboolean              is_package,
                                        HrAttentionVariables *variables);

G_END_DECLS
