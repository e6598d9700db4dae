/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-sweep.h"

G_BEGIN_DECLS

gboolean hr_sweep_find_longest_context (HrSweep *self,
                                        guint    line,
                                        guint64 *tokens,
                                        double  *value);

G_END_DECLS
