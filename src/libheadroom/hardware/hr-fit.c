/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-fit.h"

/**
 * hr_fit_init:
 * @self: (out caller-allocates): what to fill in
 * @gpu: a GPU
 * @n_gpus: how many of it there are
 * @device_bytes: (array length=n_devices): the peak of each device of an estimate, in bytes
 * @n_devices: the number of devices, at least 1
 * @n_ranks: how many GPUs they stand for
 *
 * Compares the peaks of an estimate with the usable memory of GPUs. A peak of exactly that much fits.
 */
void
hr_fit_init (HrFit         *self,
             HrGpu         *gpu,
             guint          n_gpus,
             const guint64 *device_bytes,
             guint          n_devices,
             guint64        n_ranks)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (HR_IS_GPU (gpu));
  g_return_if_fail (device_bytes != NULL && n_devices > 0);

  *self = (HrFit) { .memory_bytes = hr_gpu_get_usable_memory (gpu) };

  for (guint i = 0; i < n_devices; i++)
    self->peak_bytes = MAX (self->peak_bytes, device_bytes[i]);

  if (self->peak_bytes > self->memory_bytes)
    self->missing_bytes = self->peak_bytes - self->memory_bytes;
  if (n_ranks > n_gpus)
    self->missing_gpus = n_ranks - n_gpus;

  self->fits = self->missing_bytes == 0 && self->missing_gpus == 0;
  if (self->fits)
    self->free_bytes = self->memory_bytes - self->peak_bytes;
}
