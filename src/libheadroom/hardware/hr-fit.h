/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-gpu.h"

G_BEGIN_DECLS

/**
 * HrFit:
 * @fits: whether every rank's part fits on a GPU of its own
 * @memory_bytes: the usable memory of one GPU
 * @peak_bytes: what the fullest device needs
 * @free_bytes: what the fullest GPU has left; 0 where it does not fit
 * @missing_bytes: what one GPU lacks for the fullest device; 0 where it is large enough
 * @missing_gpus: how many GPUs are lacking; 0 where there is one for each rank
 *
 * How an estimate compares with the memory that there is.
 */
typedef struct
{
  gboolean fits;
  guint64 memory_bytes;
  guint64 peak_bytes;
  guint64 free_bytes;
  guint64 missing_bytes;
  guint64 missing_gpus;
} HrFit;

void hr_fit_init (HrFit         *self,
                  HrGpu         *gpu,
                  guint          n_gpus,
                  const guint64 *device_bytes,
                  guint          n_devices,
                  guint64        n_ranks);

G_END_DECLS
