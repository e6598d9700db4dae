/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-gpu.h"

G_BEGIN_DECLS

/**
 * HrGpuProcess: (skip)
 * @pid: its number
 * @name: what it is called
 * @bytes: the memory that it has of the GPU; 0 if the driver does not tell
 *
 * A program that uses a GPU.
 */
typedef struct
{
  guint64 pid;
  char *name;
  guint64 bytes;
} HrGpuProcess;

/**
 * HrGpuUsage: (skip)
 * @uuid: (nullable): which GPU
 * @memory_bytes: the memory that it has
 * @free_bytes: what of it is free
 * @processes: (element-type HrGpuProcess): the programs that use it, the largest first; empty where the driver names
 *   none
 *
 * What is in use of a GPU of this machine now.
 */
typedef struct
{
  char *uuid;
  guint64 memory_bytes;
  guint64 free_bytes;
  GPtrArray *processes;
} HrGpuUsage;

void       hr_gpu_usage_free        (HrGpuUsage           *self);
GPtrArray *hr_gpu_usage_read        (HrGpu                *gpu,
                                     GCancellable         *cancellable,
                                     GError              **error) G_GNUC_WARN_UNUSED_RESULT;
void       hr_gpu_usage_read_async  (HrGpu                *gpu,
                                     GCancellable         *cancellable,
                                     GAsyncReadyCallback   callback,
                                     gpointer              user_data);
GPtrArray *hr_gpu_usage_read_finish (GAsyncResult         *result,
                                     GError              **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrGpuUsage, hr_gpu_usage_free)

G_END_DECLS
