/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gpu-detect.h"
#include "hr-gpu-usage.h"

G_BEGIN_DECLS

/*
 * HrGpuProbe:
 * @nvml: the library of NVIDIA's driver
 * @nvidia_smi: the program to ask where the library cannot be loaded
 * @sysfs: where the kernel shows its devices
 * @timeout_ms: how long a program may take
 *
 * Whom to ask for the GPUs of a machine.
 */
typedef struct
{
  const char *nvml;
  const char *nvidia_smi;
  const char *sysfs;
  guint timeout_ms;
} HrGpuProbe;

/* What a driver says of a device. Strings may be %NULL; a size is 0 where the driver does not tell. */
typedef struct
{
  const char *vendor;
  const char *name;
  const char *pci_id;
  const char *uuid;
  const char *driver_version;
  const char *counter;
  const char *origin;
  guint64 memory;
  guint64 usable_memory;
  gboolean has_free_memory;
  guint64 free_memory;
} HrGpuReport;

extern const HrGpuProbe _hr_gpu_default_probe;

GListModel *_hr_gpu_detect_with   (const HrGpuProbe   *probe,
                                   GCancellable       *cancellable,
                                   GError            **error) G_GNUC_WARN_UNUSED_RESULT;
void        _hr_gpu_detect_add    (GListStore         *gpus,
                                   const HrGpuReport  *report);

/* Each adds what it finds to @gpus, and returns whether whom it asked answered. */
gboolean    _hr_nvml_detect       (const char         *library,
                                   GListStore         *gpus);
gboolean    _hr_nvidia_smi_detect (const char         *program,
                                   guint               timeout_ms,
                                   GCancellable       *cancellable,
                                   GListStore         *gpus);
gboolean    _hr_sysfs_detect      (const char         *root,
                                   GListStore         *gpus);

GPtrArray  *_hr_gpu_usage_read_with   (const HrGpuProbe  *probe,
                                       HrGpu             *gpu,
                                       GCancellable      *cancellable,
                                       GError           **error) G_GNUC_WARN_UNUSED_RESULT;
void        _hr_gpu_usage_add_process (HrGpuUsage        *self,
                                       guint64            pid,
                                       const char        *name,
                                       guint64            bytes);

/* Each adds the programs that use the GPU, and returns whether whom it asked answered. */
gboolean    _hr_nvml_add_processes       (const char         *library,
                                          HrGpuUsage         *usage);
gboolean    _hr_nvidia_smi_add_processes (const char         *program,
                                          guint               timeout_ms,
                                          GCancellable       *cancellable,
                                          HrGpuUsage         *usage);

G_END_DECLS
