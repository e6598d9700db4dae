/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job-types.h"
#include "hr-replay-blocks.h"

G_BEGIN_DECLS

/**
 * HrLiger:
 * @model_type: a type of models
 * @has_kernels: whether all kernels that its layers get are known
 * @new_gradients: whether norms make a new gradient, and do not write over the one that comes
 * @loss: the loss that is taken unless another is asked for
 * @leaves_head_norms: whether norms of queries and keys stay those of transformers
 *
 * What Liger-Kernel does to the models of a type.
 */
struct _HrLiger
{
  const char *model_type;
  gboolean has_kernels;
  gboolean new_gradients;
  HrLossImplementation loss;
  gboolean leaves_head_norms;
};

const HrLiger *hr_liger_find   (const char              *model_type);
const HrLiger *hr_liger_get_of_instance (const HrLiger  *self);
char          *hr_liger_dup_model_types (gboolean has_kernels) G_GNUC_WARN_UNUSED_RESULT;

HrValue        hr_liger_norm   (HrReplay                *replay,
                                HrValue                  x,
                                HrValue                  weight);
HrValue        hr_liger_gate   (HrReplay                *replay,
                                HrValue                  gate,
                                HrValue                  up);
void           hr_liger_rotate (HrReplay                *replay,
                                const HrForward         *forward,
                                HrValue                 *query,
                                HrValue                 *key);

G_END_DECLS
