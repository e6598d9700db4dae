/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gpu.h"
#include "hr-replay.h"

G_BEGIN_DECLS

/**
 * HrFramework:
 * @context_bytes: the driver's context and the kernels that are loaded into it
 * @backward_bytes: what a backward pass adds to it
 * @workspace_bytes: the workspace of the matrix library
 * @measured: whether the context was measured on this generation of GPUs
 * @source: where the figures come from
 *
 * What a process holds on a device before it holds anything of the model's.
 */
typedef struct
{
  guint64 context_bytes;
  guint64 backward_bytes;
  guint64 workspace_bytes;
  gboolean measured;
  const char *source;
} HrFramework;

gboolean hr_framework_init_for_gpu (HrFramework *self,
                                    HrGpu       *gpu);
gboolean hr_framework_has_flash    (HrGpu       *gpu);
gboolean hr_framework_has_fp8      (HrGpu       *gpu);

/* Tensors of one size. */
typedef struct
{
  guint64 bytes;
  guint64 count;
} HrAllocation;

guint64  hr_allocator_get_waste    (const HrAllocation *allocations,
                                    guint               n_allocations);

G_END_DECLS
