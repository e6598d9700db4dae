/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-ggml-pool.h"

G_BEGIN_DECLS

/* As many as llama.cpp knows of (GGML_SCHED_MAX_BACKENDS). */
#define HR_GGML_MAX_PLACES 16

/* As many tokens are computed on a GPU whose weights the host holds (GGML_OP_OFFLOAD_MIN_BATCH's default). */
#define HR_GGML_MIN_OFFLOAD 32

/**
 * HrGgmlBackend:
 * @HR_GGML_BACKEND_CUDA: ggml-cuda, which is HIP's as well
 * @HR_GGML_BACKEND_VULKAN: ggml-vulkan, whose logs the tests have
 *
 * What GPUs compute with, as far as it tells what is reserved.
 */
typedef enum
{
  HR_GGML_BACKEND_CUDA,
  HR_GGML_BACKEND_VULKAN,
} HrGgmlBackend;

/**
 * HrGgmlSchedule:
 * @backend: what the GPUs compute with
 * @n_devices: how many GPUs there are; the host's place is behind theirs
 * @offloads: whether a GPU computes with matrices that the host holds, where there are many tokens
 * @n_copies: how many copies of each input there are, so that devices work on several batches at once
 * @kernels: what their kernels do, which are CUDA's
 *
 * Who computes what of a graph.
 */
typedef struct
{
  HrGgmlBackend backend;
  guint n_devices;
  gboolean offloads;
  guint n_copies;
  HrGgmlKernels kernels;
} HrGgmlSchedule;

gboolean hr_ggml_backend_has_scan        (HrGgmlBackend self,
                                          guint64       state_size,
                                          guint64       head_dim,
                                          guint64       n_heads);
gboolean hr_ggml_backend_has_convolution (HrGgmlBackend self,
                                          guint64       n_channels);

void hr_ggml_schedule_place   (const HrGgmlSchedule *self,
                               HrGgmlGraph          *graph,
                               gint                 *places);
gboolean hr_ggml_schedule_measure (const HrGgmlSchedule *self,
                               HrGgmlGraph          *graph,
                               guint64              *bytes);
void hr_ggml_schedule_measure_pools (const HrGgmlSchedule *self,
                                     HrGgmlGraph          *graph,
                                     guint64              *bytes);

G_END_DECLS
