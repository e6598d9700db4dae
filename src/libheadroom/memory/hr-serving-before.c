/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-serving-before.h"

/*
 * What is gone of a GPU's memory before a process with PyTorch loads a model, whatever its engine is: as SGLang logs it
 * (“Load weight begin. avail mem” of sglang/srt/model_executor/model_runner.py). What the driver keeps for itself is
 * part of it where only all of the memory is known.
 */

/* A hundredth of a GiB, which logs have two digits of. */
#define HUNDREDTHS(n_) ((n_) * (G_GUINT64_CONSTANT (1) << 30) / 100)

static const HrServingMeasured alone = {
  HUNDREDTHS (35), HUNDREDTHS (52), HUNDREDTHS (60),
  "measured: the memory that CUDA tells less SGLang's “Load weight begin. avail mem”, 0.35 to 0.60 GiB, median 0.52, "
  "in 3 logs",
};
static const HrServingMeasured of_ranks = {
  HUNDREDTHS (38), HUNDREDTHS (142), HUNDREDTHS (245),
  "measured: the memory that CUDA tells less SGLang's “Load weight begin. avail mem”, 0.38 and 2.45 GiB, in 2 logs of "
  "8 ranks",
};
static const HrServingMeasured alone_of_all = {
  HUNDREDTHS (83), HUNDREDTHS (103), HUNDREDTHS (120),
  "measured: nvidia-smi's memory less SGLang's “Load weight begin. avail mem”, 0.83 to 1.20 GiB, median 1.03, in 3 "
  "logs",
};
static const HrServingMeasured of_ranks_of_all = {
  HUNDREDTHS (84), HUNDREDTHS (188), HUNDREDTHS (292),
  "measured: nvidia-smi's memory less SGLang's “Load weight begin. avail mem”, 0.84 and 2.92 GiB, in 2 logs of 8 ranks",
};

/*
 * hr_serving_before_get:
 * @gpu: (nullable): a GPU
 * @has_ranks: whether several ranks share the model
 *
 * Gets what is gone of the usable memory of a GPU before the model is loaded.
 *
 * Returns: (transfer none): what was measured
 */
const HrServingMeasured *
hr_serving_before_get (HrGpu    *gpu,
                       gboolean  has_ranks)
{
  if (gpu != NULL && hr_gpu_knows_usable_memory (gpu))
    return has_ranks ? &of_ranks : &alone;

  return has_ranks ? &of_ranks_of_all : &alone_of_all;
}

/*
 * hr_serving_before_of_usable:
 * @measured: what was measured to be gone of all that nvidia-smi tells
 * @gpu: (nullable): a GPU
 *
 * Leaves out what the driver keeps for itself, where that is known.
 *
 * Returns: what is gone of the usable memory
 */
HrServingMeasured
hr_serving_before_of_usable (const HrServingMeasured *measured,
                             HrGpu                   *gpu)
{
  guint64 kept = gpu != NULL && g_str_equal (hr_gpu_get_memory_counter (gpu), "nvml")
                   ? hr_gpu_get_memory (gpu) - hr_gpu_get_usable_memory (gpu) : 0;
  HrServingMeasured usable = *measured;

  usable.least_bytes -= MIN (usable.least_bytes, kept);
  usable.median_bytes -= MIN (usable.median_bytes, kept);
  usable.most_bytes -= MIN (usable.most_bytes, kept);

  return usable;
}
