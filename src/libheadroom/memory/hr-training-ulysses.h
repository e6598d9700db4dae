/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-training-plan.h"

G_BEGIN_DECLS

gboolean hr_training_ulysses_resolve (HrTrainingPlan  *plan,
                                      GError         **error);

G_END_DECLS
