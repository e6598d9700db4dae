/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-model.h"

G_BEGIN_DECLS

gboolean hr_model_writes_text (HrModel *self);

G_END_DECLS
