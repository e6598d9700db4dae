/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-roofline.h"

#include "hr-message.h"

/*
 * The roofline model (Williams, Waterman, Patterson: Roofline, CACM 52 (4), 2009): what is done takes as long as its
 * operations at the peak or its bytes at the bandwidth, whichever is longer. No program reaches either; how near they
 * come is taken from published measurements (data/speeds/published.json), whose quartiles and median these are.
 */
static const HrEfficiency inference_compute = { 0.65, 0.85, 0.6 };
static const HrEfficiency training_compute = { 0.45, 0.6, 0.4 };
static const HrEfficiency memory = { 0.85, 0.95, 0.8 };

/*
 * What each layer of a token takes however little it has to do, as its kernels wait for each other; from the same
 * measurements.
 */
static const HrEfficiency latency = { 0.00012, 0.0001, 0.00013 };

/*
 * Where each operator is a kernel of its own, products are alone with their time. What of the peak they reach is from
 * the same measurements, and so is what the processor needs to start a kernel; under autograd it takes longer.
 */
static const HrEfficiency inference_products = { 0.63, 0.65, 0.5 };
static const HrEfficiency training_products = { 0.5, 0.57, 0.41 };

#define INFERENCE_LAUNCH_SECONDS 0.000021
#define TRAINING_LAUNCH_SECONDS 0.000036

/* How near to its peak an exchange between GPUs comes is in none of the measurements: that of the memory is taken. */
static const HrEfficiency *const interconnect = &memory;

/*
 * hr_roofline_get_efficiency:
 * @bound: what limits
 * @trains: whether it is training
 *
 * Returns: (transfer none): how much of it programs get
 */
const HrEfficiency *
hr_roofline_get_efficiency (HrBound  bound,
                            gboolean trains)
{
  switch (bound)
    {
    case HR_BOUND_MEMORY:
      return &memory;

    case HR_BOUND_INTERCONNECT:
      return interconnect;

    case HR_BOUND_LAUNCH:
    case HR_BOUND_COMPUTE:
    default:
      return trains ? &training_compute : &inference_compute;
    }
}

/* What each layer takes at least. */
const HrEfficiency *
hr_roofline_get_latency (void)
{
  return &latency;
}

/* How much of the peak products reach where each operator is a kernel of its own. */
const HrEfficiency *
hr_roofline_get_products (gboolean trains)
{
  return trains ? &training_products : &inference_products;
}

/* What the processor needs to start a kernel. */
double
hr_roofline_get_launch (gboolean trains)
{
  return trains ? TRAINING_LAUNCH_SECONDS : INFERENCE_LAUNCH_SECONDS;
}

/*
 * hr_roofline_check:
 * @gpu: a GPU
 * @dtype: what is multiplied
 * @error: return location for an error
 *
 * Checks whether enough is known of a GPU.
 *
 * Returns: whether it is
 */
gboolean
hr_roofline_check (HrGpu    *gpu,
                   HrDtype   dtype,
                   GError  **error)
{
  guint64 value;

  if (!hr_gpu_get_throughput (gpu, dtype, &value))
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          /* Translators: the name of a GPU, and a dtype such as bfloat16 */
                          N_("It is not known how fast %s multiplies matrices of %s, so that no time can be given"),
                          hr_gpu_get_name (gpu), hr_dtype_get_name (dtype));
  else if (!hr_gpu_get_bandwidth (gpu, &value))
    hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                          /* Translators: the name of a GPU */
                          N_("The memory bandwidth of %s is not known, so that no time can be given"),
                          hr_gpu_get_name (gpu));
  else
    return TRUE;

  return FALSE;
}

/* Products take as long as they compute or read; what is done between them comes on top, and so does waiting. */
static double
add_up (const HrComputeTime *time,
        double               compute,
        double               bandwidth,
        double               exchange,
        double               waiting)
{
  return MAX (time->compute / compute, (time->memory - time->streaming) / bandwidth) +
         time->streaming / bandwidth + time->interconnect / exchange + waiting;
}

/* Data sheets state the sum of both directions of an interconnect; here one is used, from one GPU to another. */
static double
get_exchange_time (const HrWork *work,
                   HrGpu        *gpu)
{
  guint64 rate = 0, peer = hr_gpu_get_peer_bandwidth (gpu);

  hr_gpu_get_interconnect (gpu, &rate);
  if (peer > 0)
    rate = MIN (rate, peer);

  return work->n_exchanges > 0 && rate > 0 ? work->exchanged * (double) work->n_exchanges / (rate / 2.0) : 0;
}

/* What has to start each kernel by itself is no faster than the processor. */
static void
wait_for_processor (HrComputeTime *time)
{
  time->typical = time->launch;
  time->fast = MAX (time->fast, time->launch);
  time->slow = MAX (time->slow, time->launch);
  time->bound = HR_BOUND_LAUNCH;
}

/*
 * hr_roofline_init_time:
 * @time: (out): how long it takes
 * @work: what is done
 * @gpu: a GPU of which nothing is missing
 * @dtype: what is multiplied
 *
 * Estimates how long something takes.
 */
void
hr_roofline_init_time (HrComputeTime *time,
                       const HrWork  *work,
                       HrGpu         *gpu,
                       HrDtype        dtype)
{
  const HrEfficiency *compute = work->n_kernels > 0 ? hr_roofline_get_products (work->trains)
                                                    : hr_roofline_get_efficiency (HR_BOUND_COMPUTE, work->trains);
  guint64 throughput = 1, bandwidth = 1;

  hr_gpu_get_throughput (gpu, dtype, &throughput);
  hr_gpu_get_bandwidth (gpu, &bandwidth);
  *time = (HrComputeTime) { 0 };
  time->compute = work->executed / (double) throughput;
  time->streaming = work->streamed / (double) bandwidth;
  time->memory = work->bytes / (double) bandwidth + time->streaming;
  time->interconnect = get_exchange_time (work, gpu);
  time->launch = work->n_kernels * hr_roofline_get_launch (work->trains);
  time->least = add_up (time, 1, 1, 1, 0);
  time->typical = add_up (time, compute->typical, memory.typical, interconnect->typical,
                          work->n_layers * latency.typical);
  time->fast = add_up (time, compute->fast, memory.fast, interconnect->fast,
                       work->n_layers * latency.fast);
  time->slow = add_up (time, compute->slow, memory.slow, interconnect->slow,
                       work->n_layers * latency.slow);
  time->bound = time->compute >= time->memory ? HR_BOUND_COMPUTE : HR_BOUND_MEMORY;
  if (time->interconnect > MAX (time->compute, time->memory))
    time->bound = HR_BOUND_INTERCONNECT;
  if (time->launch > time->typical)
    wait_for_processor (time);
  time->mfu = time->typical > 0 ? work->needed / (time->typical * throughput) : 0;
}
