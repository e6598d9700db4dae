/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

#define HR_OPERATOR_CACHE_MAX_VALUES 128

/**
 * HrOperatorCache:
 * @values: what was kept
 * @n_values: how much
 * @n_taken: how much of it has been taken again
 * @n_products: products so far
 * @is_recomputing: whether values are taken, and not kept
 *
 * What operators have made that are not run again when their layer is computed anew.
 */
struct _HrOperatorCache
{
  HrValue values[HR_OPERATOR_CACHE_MAX_VALUES];
  guint n_values;
  guint n_taken;
  guint n_products;
  gboolean is_recomputing;
};

void     hr_operator_cache_begin (HrOperatorCache *self,
                                  gboolean         is_recomputing);
gboolean hr_operator_cache_keeps (HrOperatorCache *self,
                                  const char      *operation);
void     hr_operator_cache_add   (HrOperatorCache *self,
                                  HrReplay        *replay,
                                  HrValue          value);
HrValue  hr_operator_cache_take  (HrOperatorCache *self);
void     hr_operator_cache_clear (HrOperatorCache *self,
                                  HrReplay        *replay);

G_END_DECLS
