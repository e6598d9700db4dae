/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-compute.h"
#include "hr-dtype.h"

G_BEGIN_DECLS

/**
 * HrEfficiency:
 * @typical: the share of the peak that is typically reached
 * @fast: the share that is reached where all goes well
 * @slow: the share that is often reached where it does not
 *
 * How much of what a data sheet says programs get, as published measurements have it; of a latency, seconds.
 */
typedef struct
{
  double typical;
  double fast;
  double slow;
} HrEfficiency;

/**
 * HrWork:
 * @executed: operations that the GPU has to do
 * @needed: operations that the model needs: without what is computed twice
 * @bytes: what is moved
 * @streamed: what of that kernels move that multiply no matrices, one after the other with those that do
 * @exchanged: what is exchanged between GPUs
 * @n_exchanges: how many times that is
 * @n_kernels: kernels that the processor starts one by one; 0 where they are recorded, fused or not counted
 * @n_layers: layers that run one after the other; 0 where it is not known how long one takes at least
 * @trains: whether it is training
 *
 * What is to be done.
 */
typedef struct
{
  guint64 executed;
  guint64 needed;
  guint64 bytes;
  guint64 streamed;
  guint64 exchanged;
  guint n_exchanges;
  guint64 n_kernels;
  guint64 n_layers;
  gboolean trains;
} HrWork;

gboolean            hr_roofline_check          (HrGpu         *gpu,
                                                HrDtype        dtype,
                                                GError       **error);
void                hr_roofline_init_time      (HrComputeTime *time,
                                                const HrWork  *work,
                                                HrGpu         *gpu,
                                                HrDtype        dtype);
const HrEfficiency *hr_roofline_get_efficiency (HrBound        bound,
                                                gboolean       trains);
const HrEfficiency *hr_roofline_get_latency    (void);
const HrEfficiency *hr_roofline_get_products   (gboolean       trains);
double              hr_roofline_get_launch     (gboolean       trains);

G_END_DECLS
