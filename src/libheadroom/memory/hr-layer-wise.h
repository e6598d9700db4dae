/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-optimizer.h"

G_BEGIN_DECLS

HrTrainables *hr_layer_wise_list (const HrOptimizerSettings *settings,
                                  const HrTrainables        *parameters,
                                  guint64                    n_ranks,
                                  guint64                    n_expert_ranks,
                                  guint64                   *n_padding);

G_END_DECLS
