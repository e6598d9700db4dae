/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-block.h"
#include "hr-parallel-rules.h"

G_BEGIN_DECLS

/**
 * HrParallelPlan:
 * @rules: which modules are divided, and how
 * @n_ranks: among how many ranks
 * @rank: one of them
 * @styles: what there is of each block’s modules, by the paths of the blocks
 *
 * How the modules of a model are divided among ranks that compute each layer together.
 */
typedef struct
{
  const HrParallelRules *rules;
  guint64 n_ranks;
  guint64 rank;
  GHashTable *styles;
} HrParallelPlan;

HrParallelPlan  *hr_parallel_plan_new           (const HrParallelRules *rules,
                                                 guint64                n_ranks,
                                                 guint64                rank,
                                                 const GPtrArray       *tensors) G_GNUC_WARN_UNUSED_RESULT;
void             hr_parallel_plan_free          (HrParallelPlan        *self);
HrParallelStyle  hr_parallel_plan_find          (const HrParallelPlan  *self,
                                                 const char            *block,
                                                 HrModule               module);
gboolean         hr_parallel_plan_divide_block  (const HrParallelPlan  *self,
                                                 const char            *name,
                                                 HrBlock               *block,
                                                 GError               **error);
void             hr_parallel_plan_divide_tensor (const HrParallelPlan  *self,
                                                 const HrTensor        *whole,
                                                 HrTensor              *tensor);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrParallelPlan, hr_parallel_plan_free)

G_END_DECLS
