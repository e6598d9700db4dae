/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-inference-plan.h"

G_BEGIN_DECLS

/**
 * HrMlxPlan:
 * @pass: the model and how it is stored
 * @element_bytes: of an element of what is computed
 * @batch: sequences that are generated together
 * @prompt: tokens of each prompt
 * @output: tokens that are generated for each
 * @step: tokens of a prompt that are computed at once
 * @kv_bits: bits of an element of the KV cache; 0: those of @element_bytes
 * @kv_group_size: its elements that share a scale
 * @kv_start: tokens before it is quantized
 * @max_kv_size: tokens that it keeps at the most; 0: all
 * @n_kept: caches of earlier requests that are kept
 * @is_large: whether the chip is one called Max or Ultra
 * @has_accelerators: whether its GPU has neural accelerators (M5)
 * @has_windows: whether some layers alone have sliding windows, for which mlx-lm has caches of their own
 *
 * A job of mlx-lm in which everything that was left to it is filled in.
 */
typedef struct
{
  HrInferencePlan *pass;
  guint64 element_bytes;
  guint64 batch;
  guint64 prompt;
  guint64 output;
  guint64 step;
  guint64 kv_bits;
  guint64 kv_group_size;
  guint64 kv_start;
  guint64 max_kv_size;
  guint64 n_kept;
  gboolean is_large;
  gboolean has_accelerators;
  gboolean has_windows;
} HrMlxPlan;

gboolean hr_mlx_plan_init                (HrMlxPlan        *self,
                                          HrInferencePlan  *pass,
                                          HrInferenceJob   *job,
                                          HrGpu            *gpu,
                                          guint             n_devices,
                                          GError          **error);
guint64  hr_mlx_plan_get_weights         (const HrMlxPlan  *self,
                                          guint64          *elements);
guint64  hr_mlx_plan_get_matrix_elements (const HrMlxPlan  *self,
                                          guint64           out_features,
                                          guint64           in_features);
guint64  hr_mlx_plan_get_cache_bytes     (const HrMlxPlan  *self,
                                          guint64           width,
                                          guint64           tokens,
                                          gboolean          is_quantized);
guint64  hr_mlx_plan_get_window          (const HrMlxPlan  *self,
                                          const HrAttention *attention);

G_END_DECLS
