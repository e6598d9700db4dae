/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-ggml-graph.h"

G_BEGIN_DECLS

/**
 * HrGgmlKernels:
 * @has_tiles: whether quantized matrices are multiplied as they are, however many columns there are
 * @has_copies: whether flash attention's copies of keys and values in sixteen bits are in the pool
 * @has_wide_parts: whether what it keeps of results that blocks share takes eight times what is needed
 * @capability: the compute capability of the GPUs, times ten, 0 where it is not known
 * @n_multiprocessors: how many multiprocessors each has, 0 where it is not known
 *
 * What kernels for CUDA do by the GPU and by the release, as far as their pool tells.
 */
typedef struct
{
  gboolean has_tiles;
  gboolean has_copies;
  gboolean has_wide_parts;
  guint capability;
  guint n_multiprocessors;
} HrGgmlKernels;

guint64 hr_ggml_pool_get_bytes (const HrGgmlGraph   *graph,
                                gint                 node,
                                const HrGgmlKernels *kernels);

G_END_DECLS
