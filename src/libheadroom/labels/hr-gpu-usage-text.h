/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gpu-usage.h"
#include "hr-units.h"

G_BEGIN_DECLS

/**
 * HrGpuUsageVerdict: (skip)
 * @HR_GPU_USAGE_FITS: what is free is enough
 * @HR_GPU_USAGE_FITS_WHEN_FREED: it is once others have given back what they have
 * @HR_GPU_USAGE_NEVER_FITS: it is not even then
 *
 * Whether a job fits into what is free now.
 */
typedef enum
{
  HR_GPU_USAGE_FITS,
  HR_GPU_USAGE_FITS_WHEN_FREED,
  HR_GPU_USAGE_NEVER_FITS,
} HrGpuUsageVerdict;

HrGpuUsageVerdict hr_gpu_usage_get_verdict   (GPtrArray    *usages,
                                              guint         n_gpus,
                                              guint64       bytes);
char             *hr_gpu_usage_dup_verdict   (GPtrArray    *usages,
                                              guint         n_gpus,
                                              guint64       bytes,
                                              HrUnitSystem  unit_system) G_GNUC_WARN_UNUSED_RESULT;
char             *hr_gpu_usage_dup_processes (GPtrArray    *usages,
                                              guint         n_gpus,
                                              HrUnitSystem  unit_system) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
