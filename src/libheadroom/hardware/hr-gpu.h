/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>

#include "hr-dtype.h"

G_BEGIN_DECLS

#define HR_TYPE_GPU (hr_gpu_get_type ())

G_DECLARE_FINAL_TYPE (HrGpu, hr_gpu, HR, GPU, GObject)

const char         *hr_gpu_get_id                 (HrGpu       *self);
const char         *hr_gpu_get_name               (HrGpu       *self);
const char         *hr_gpu_get_vendor             (HrGpu       *self);
const char         *hr_gpu_get_architecture       (HrGpu       *self);
const char         *hr_gpu_get_compute_capability (HrGpu       *self);
guint               hr_gpu_get_cuda_capability    (HrGpu       *self);
gboolean            hr_gpu_get_multiprocessors    (HrGpu       *self,
                                                   guint       *count);
const char         *hr_gpu_get_source             (HrGpu       *self);
const char         *hr_gpu_get_checked            (HrGpu       *self);
guint64             hr_gpu_get_memory             (HrGpu       *self);
guint64             hr_gpu_get_usable_memory      (HrGpu       *self);
gboolean            hr_gpu_knows_usable_memory    (HrGpu       *self);
const char         *hr_gpu_get_memory_counter     (HrGpu       *self);
gboolean            hr_gpu_get_bandwidth          (HrGpu       *self,
                                                   guint64     *bytes_per_second);
gboolean            hr_gpu_get_throughput         (HrGpu       *self,
                                                   HrDtype      dtype,
                                                   guint64     *flop_per_second);
const char         *hr_gpu_get_interconnect       (HrGpu       *self,
                                                   guint64     *bytes_per_second);
guint64             hr_gpu_get_peer_bandwidth     (HrGpu       *self);
const char         *hr_gpu_get_bridge             (HrGpu       *self,
                                                   guint64     *bytes_per_second,
                                                   guint       *n_gpus);
gboolean            hr_gpu_get_year               (HrGpu       *self,
                                                   guint       *year);
const char * const *hr_gpu_get_driver_names       (HrGpu       *self);
gboolean            hr_gpu_get_free_memory        (HrGpu       *self,
                                                   guint64     *bytes);
const char         *hr_gpu_get_uuid               (HrGpu       *self);
const char         *hr_gpu_get_driver_version     (HrGpu       *self);
gboolean            hr_gpu_get_unified_memory     (HrGpu       *self);
gboolean            hr_gpu_is_local               (HrGpu       *self);

G_END_DECLS
