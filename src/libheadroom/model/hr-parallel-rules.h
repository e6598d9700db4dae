/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-json.h"
#include "hr-tensor.h"

G_BEGIN_DECLS

/**
 * HrParallelStyle:
 * @HR_PARALLEL_WHOLE: every rank has all of it
 * @HR_PARALLEL_COLUMNS: each has some of the last dimension but one of a matrix, and of its bias (`colwise`,
 *   `packed_colwise`)
 * @HR_PARALLEL_COLUMNS_GATHERED: likewise, and what it makes is put together on each (`colwise_gather_output`)
 * @HR_PARALLEL_ROWS: each has some of the last dimension, and the whole bias; what it makes is added up (`rowwise`,
 *   `packed_rowwise`)
 * @HR_PARALLEL_ROWS_SPLIT: likewise, and its input, which is there whole, is divided (`rowwise_split_input`)
 * @HR_PARALLEL_EXPERTS: each has some of the experts (`grouped_gemm`)
 *
 * What ranks have of a module, as transformers divides it (transformers/integrations/tensor_parallel.py).
 */
typedef enum
{
  HR_PARALLEL_WHOLE,
  HR_PARALLEL_COLUMNS,
  HR_PARALLEL_COLUMNS_GATHERED,
  HR_PARALLEL_ROWS,
  HR_PARALLEL_ROWS_SPLIT,
  HR_PARALLEL_EXPERTS,
} HrParallelStyle;

/*
 * Which modules are divided, and how: a section of an architecture file.
 */
typedef struct _HrParallelRules HrParallelRules;

gboolean         hr_parallel_rules_check  (HrJson                *section,
                                           GError               **error);
HrParallelRules *hr_parallel_rules_new    (HrJson                *section) G_GNUC_WARN_UNUSED_RESULT;
void             hr_parallel_rules_free   (HrParallelRules       *self);
HrParallelStyle  hr_parallel_rules_find   (const HrParallelRules *self,
                                           const HrTensor        *tensor);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrParallelRules, hr_parallel_rules_free)

G_END_DECLS
