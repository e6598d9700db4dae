/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gpu.h"

G_BEGIN_DECLS

/**
 * HrGpuPrice: (skip)
 * @gpu: the identifier of a GPU
 * @per_hour: what an hour of one of them costs
 * @currency: in which currency, by its code, such as `USD`
 * @provider: who rents it
 * @source: where the price is stated
 * @checked: on which day, `YYYY-MM-DD`
 *
 * What it costs to rent a GPU, on demand.
 */
typedef struct
{
  const char *gpu;
  double per_hour;
  const char *currency;
  const char *provider;
  const char *source;
  const char *checked;
} HrGpuPrice;

const HrGpuPrice *hr_gpu_price_list      (guint            *n_prices);
const HrGpuPrice *hr_gpu_find_price      (HrGpu            *gpu);
char             *hr_gpu_price_dup_text  (const HrGpuPrice *self,
                                          guint             n_gpus) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
