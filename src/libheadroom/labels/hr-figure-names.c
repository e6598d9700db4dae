/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-figure-names.h"

#include "hr-inference-job.h"

static const HrFigureNames torch_names = {
  TRUE, "torch.cuda.max_memory_allocated()", "torch.cuda.max_memory_reserved()", FALSE,
};

/* src/llama-model.cpp (load_tensors), src/llama-kv-cache.cpp and src/llama-context.cpp write them for each device. */
static const HrFigureNames llama_names = {
  FALSE, "model buffer size + KV buffer size + compute buffer size", NULL, FALSE,
};

/* mlx_lm/generate.py prints it as "Peak memory". */
static const HrFigureNames mlx_names = {
  FALSE, "mx.get_peak_memory()", NULL, TRUE,
};

/*
 * hr_job_get_figure_names: (skip)
 * @job: a job
 *
 * Gets what the program that runs a job calls the figures that somebody may read off it. They are not translated, for
 * the program does not translate them either.
 *
 * Returns: (transfer none): the names
 */
const HrFigureNames *
hr_job_get_figure_names (HrJob *job)
{
  g_return_val_if_fail (HR_IS_JOB (job), &torch_names);

  if (HR_IS_INFERENCE_JOB (job) && hr_inference_job_runs_llama (HR_INFERENCE_JOB (job)))
    return &llama_names;
  if (HR_IS_INFERENCE_JOB (job) && hr_inference_job_get_engine (HR_INFERENCE_JOB (job)) == HR_ENGINE_MLX)
    return &mlx_names;

  return &torch_names;
}
