/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-compute-private.h"

#include "hr-weights.h"

/*
 * Where nothing fuses them, each operator of the framework's code is a kernel. The replay of a job's memory knows what
 * each of them makes, and so what it reads and writes.
 */

static void
add (HrKernels       *sum,
     const HrKernels *kernels,
     guint64          times)
{
  sum->n_kernels += times * kernels->n_kernels;
  sum->bytes += times * kernels->bytes;
}

/*
 * _hr_compute_count_training:
 * @plan: what is trained, and how
 * @times: how many micro-batches a step has
 *
 * Counts the kernels of a step of training but for the optimizer's, all micro-batches alike.
 *
 * Returns: what is run; nothing where kernels are fused, or are those of another code than that of transformers
 */
HrKernels
_hr_compute_count_training (HrTrainingPlan *plan,
                            guint64         times)
{
  g_autoptr (HrReplay) replay = NULL;
  HrKernels phases[HR_N_PHASES] = { 0 };
  HrKernels sum = { 0 };
  HrTraining training;
  HrWeights weights;

  if (plan->training.compiles || plan->training.layer_code != HR_LAYER_CODE_TRANSFORMERS ||
      plan->training.algorithm == HR_ALGORITHM_PPO)
    return sum;

  replay = g_new (HrReplay, 1);
  hr_training_plan_take_weights (plan, &weights);
  hr_training_plan_init_replay (plan, replay);
  replay->kernels = phases;
  training = plan->training;
  training.accumulation_steps = training.n_in_flight = 1;
  hr_training_replay (&training, replay, NULL);
  for (HrPhaseId phase = HR_PHASE_FORWARD; phase < HR_PHASE_OPTIMIZER; phase++)
    add (&sum, &phases[phase], times);

  return sum;
}

/*
 * _hr_compute_count_generation:
 * @plan: how the model is held
 * @inference: what is read and written
 * @prompt: (out): the kernels that read the prompt
 * @token: (out): those that make one token of each sequence
 *
 * Counts the kernels of a generation with transformers' own code.
 */
void
_hr_compute_count_generation (const HrInferencePlan *plan,
                              const HrInference     *inference,
                              HrKernels             *prompt,
                              HrKernels             *token)
{
  g_autoptr (HrReplay) replay = g_new (HrReplay, 1);
  HrKernels phases[HR_N_PHASES] = { 0 };
  HrInference once = *inference;

  once.output = MIN (once.output, 1);
  hr_inference_plan_init_replay (plan, replay);
  replay->kernels = phases;
  hr_inference_replay (&once, replay, NULL);
  *prompt = phases[HR_PHASE_PREFILL];
  add (prompt, &phases[HR_PHASE_HEAD], 1);
  *token = phases[HR_PHASE_DECODE];
}
