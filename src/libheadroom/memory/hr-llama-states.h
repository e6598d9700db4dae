/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-llama-builder.h"

G_BEGIN_DECLS

gint hr_llama_add_state (HrLlamaBuilder *b,
                         const HrBlock  *block,
                         gint            input);

G_END_DECLS
