/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-roofline.h"

#include "hr-message.h"

/*
 * The roofline model (Williams, Waterman, Patterson: Roofline, CACM 52 (4), 2009): what is done takes as long as its
 * operations at the peak or its bytes at the bandwidth, whichever is longer. No program reaches either; how near they
 * come is taken from published measurements (tests/oracle/throughput.json), whose quartiles and median these are.
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
 * What the processor needs to start the kernels of a layer where nothing records them (CUDA graphs, torch.compile):
 * transformers takes that long for a token of each layer, whatever its size, in the measurements of Qwen.
 */
#define LAUNCH_SECONDS 0.0009

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

/* What the processor needs to start the kernels of a layer. */
double
hr_roofline_get_launch (void)
{
  return LAUNCH_SECONDS;
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

static double
longest (const HrComputeTime *time,
         double               compute,
         double               bandwidth,
         double               exchange,
         double               waiting)
{
  return MAX (time->compute / compute, time->memory / bandwidth) + time->interconnect / exchange + waiting;
}

/* What a data sheet states of an interconnect is the sum of both directions; here one is used. */
static double
get_exchange_time (const HrWork *work,
                   HrGpu        *gpu)
{
  guint64 rate = 0;

  hr_gpu_get_interconnect (gpu, &rate);

  return work->n_exchanges > 0 && rate > 0 ? work->exchanged * (double) work->n_exchanges / (rate / 2.0) : 0;
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
  const HrEfficiency *compute = hr_roofline_get_efficiency (HR_BOUND_COMPUTE, work->trains);
  guint64 throughput = 1, bandwidth = 1;

  hr_gpu_get_throughput (gpu, dtype, &throughput);
  hr_gpu_get_bandwidth (gpu, &bandwidth);
  *time = (HrComputeTime) { 0 };
  time->compute = work->executed / (double) throughput;
  time->memory = work->bytes / (double) bandwidth;
  time->interconnect = get_exchange_time (work, gpu);
  time->launch = work->n_layers * LAUNCH_SECONDS;
  time->least = longest (time, 1, 1, 1, 0);
  time->typical = longest (time, compute->typical, memory.typical, interconnect->typical,
                           work->n_layers * latency.typical);
  time->fast = longest (time, compute->fast, memory.fast, interconnect->fast, work->n_layers * latency.fast);
  time->slow = longest (time, compute->slow, memory.slow, interconnect->slow, work->n_layers * latency.slow);
  time->bound = time->compute >= time->memory ? HR_BOUND_COMPUTE : HR_BOUND_MEMORY;
  if (time->interconnect > MAX (time->compute, time->memory))
    time->bound = HR_BOUND_INTERCONNECT;
  time->mfu = time->typical > 0 ? work->needed / (time->typical * throughput) : 0;
}
