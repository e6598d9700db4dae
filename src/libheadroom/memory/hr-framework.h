/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gpu.h"
#include "hr-replay.h"

G_BEGIN_DECLS

/*
 * get_cublas_workspace_size_bytes of transformer_engine/pytorch/cpp_extensions/gemm.py, which makes one for all
 * products of a device: from Hopper on, and before it.
 */
#define HR_ENGINE_WORKSPACE_BYTES_HOPPER (G_GUINT64_CONSTANT (32 * 1024 * 1024 + 1024))
#define HR_ENGINE_WORKSPACE_BYTES        (G_GUINT64_CONSTANT (4 * 1024 * 1024))

/**
 * HrFramework:
 * @context_bytes: the driver's context and the kernels that are loaded into it
 * @backward_bytes: what a backward pass adds to it
 * @workspace_bytes: the workspace of the matrix library
 * @engine_bytes: the workspace that Transformer Engine's products have of their own, 0 where it is not used
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
  guint64 engine_bytes;
  gboolean measured;
  const char *source;
} HrFramework;

gboolean hr_framework_init_for_gpu (HrFramework *self,
                                    HrGpu       *gpu);
void     hr_framework_add_engine   (HrFramework *self,
                                    HrGpu       *gpu,
                                    gboolean     groups_products);
gboolean hr_framework_has_flash    (HrGpu       *gpu);
gboolean hr_framework_has_fp8      (HrGpu       *gpu);
gboolean hr_framework_is_alike     (HrGpu       *gpu,
                                    HrGpu       *other);

/* Tensors of one size. */
typedef struct
{
  guint64 bytes;
  guint64 count;
} HrAllocation;

guint64  hr_allocator_get_waste    (const HrAllocation *allocations,
                                    guint               n_allocations);

G_END_DECLS
