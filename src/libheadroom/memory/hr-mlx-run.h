/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-mlx-plan.h"

G_BEGIN_DECLS

/**
 * HrMlxMoment:
 * @peak: the most that was allocated, weights and kept caches left out
 * @cache: what the KV cache takes afterwards
 *
 * What a phase takes.
 */
typedef struct
{
  guint64 peak;
  guint64 cache;
} HrMlxMoment;

void hr_mlx_run (const HrMlxPlan *plan,
                 HrMlxMoment     *prefill,
                 HrMlxMoment     *decode);

G_END_DECLS
