/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-rollout-engine.h"

#include "hr-estimate-private.h"
#include "hr-grpo-job.h"
#include "hr-message.h"
#include "hr-weights.h"

/*
 * vLLM beside a trainer, on one device. What it takes is what it is told: its worker asks for a share of the device's
 * memory (requested_memory of vllm/v1/worker/gpu_worker.py), and what the weights, a trial run and what is beside the
 * allocator leave of that becomes the cache. In sleep mode weights and cache are in a pool of their own
 * (vllm/device_allocator/cumem.py), all of which goes when it sleeps: level 1 keeps the weights on the host.
 */

#define SOURCE_ENGINE \
  "vllm/v1/worker/gpu_worker.py (Worker.init_device, determine_available_memory), vllm/device_allocator/cumem.py " \
  "(CuMemAllocator.sleep); trl/generation/vllm_generation.py"

/* vLLM loads what the config says, and nothing wider than 16 bits (_resolve_auto_dtype of vllm/config). */
#define ENGINE_ELEMENT_BYTES 2

/*
 * convert_vllm_to_huggingface of unsloth_zoo/vllm_utils.py: the trainer’s matrices are vLLM’s own, which stay on the
 * device when it sleeps (sleep in patch_vllm_enable_sleep_mode).
 */
static gboolean
shares_weights (const HrTrainingPlan *plan)
{
  return plan->training.layer_code == HR_LAYER_CODE_UNSLOTH;
}

static guint64
get_shared_bytes (const HrTrainingPlan *plan)
{
  HrWeights weights;

  hr_weights_init_model (&weights, &plan->pass.storage);

  return weights.bytes - weights.buffer_bytes;
}

/* What its copy of the weights takes at least. */
static guint64
get_weight_bytes (const HrTrainingPlan *plan)
{
  HrModel *model = plan->pass.model;
  guint64 n = hr_model_get_n_parameters (model);

  if (shares_weights (plan))
    return get_shared_bytes (plan);

  /* A quantized model is loaded quantized (bitsandbytes). */
  if (plan->pass.quantization != HR_QUANTIZATION_NONE)
    return n / 2;

  return n * ENGINE_ELEMENT_BYTES;
}

static gboolean
check_share (const HrTrainingPlan  *plan,
             guint64                memory,
             GError               **error)
{
  guint64 weights = get_weight_bytes (plan);
  g_autofree char *least = NULL;
  g_autofree char *found = NULL;

  if (weights < plan->training.engine_bytes)
    return TRUE;

  least = g_strdup_printf ("%.2f", (double) weights / memory);
  found = hr_job_get_as_string (HR_JOB (plan->job), "gpu-memory-utilization");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("gpu-memory-utilization: expected more than %s, as vLLM’s copy of the weights alone takes "
                           "that share of the GPU’s memory; found %s"),
                        least, found);

  return FALSE;
}

static void
warn_of_engine (HrTrainingPlan *plan)
{
  hr_inference_plan_warn (&plan->pass,
                          N_("vLLM is counted with the share of the memory that it is given: how much of that is its "
                             "cache shows only when it starts, and what its CUDA graphs take beside that is not "
                             "known"));
  if (!plan->training.engine_sleeps)
    hr_inference_plan_warn (&plan->pass,
                            N_("vLLM stays awake while the trainer works: what of its share it had for a trial run "
                               "goes back to the allocator that both use, so that the trainer may find that much "
                               "more"));
}

static void
share_weights (HrTrainingPlan *plan)
{
  HrTraining *training = &plan->training;

  training->engine_bytes -= MIN (training->engine_bytes, get_shared_bytes (plan));
  training->engine_weight_bytes = 0;
  hr_inference_plan_warn (&plan->pass,
                          N_("vLLM and the trainer read the same weights in Unsloth: of vLLM’s share only the rest is "
                             "counted beside them, and it is given up where vLLM sleeps (UNSLOTH_VLLM_STANDBY)"));
}

/*
 * hr_rollout_engine_resolve:
 * @plan: a plan
 * @gpu: (nullable): the GPU
 * @error: return location for an error
 *
 * Finds out what an engine on the same device takes.
 *
 * Returns: whether it can work there, or none does
 */
gboolean
hr_rollout_engine_resolve (HrTrainingPlan  *plan,
                           HrGpu           *gpu,
                           GError         **error)
{
  guint64 memory = gpu != NULL ? hr_gpu_get_usable_memory (gpu) : 0;

  if (plan->training.rollout != HR_ROLLOUT_VLLM_COLOCATED)
    return TRUE;

  if (memory == 0)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("rollout: expected a GPU to be chosen, as vLLM on the same GPU takes a share of its "
                               "memory; found none"));
      return FALSE;
    }

  plan->training.engine_bytes =
    hr_ledger_round (hr_grpo_job_get_gpu_memory_utilization (HR_GRPO_JOB (plan->job)) * memory);
  plan->training.engine_weight_bytes = get_weight_bytes (plan);
  if (!check_share (plan, memory, error))
    return FALSE;

  if (shares_weights (plan))
    share_weights (plan);
  warn_of_engine (plan);

  return TRUE;
}

/*
 * hr_rollout_engine_add_component:
 * @plan: a plan
 * @estimate: an estimate
 * @gpu: the GPU
 * @bytes: what the engine takes
 *
 * Adds the part of the peak that an engine takes.
 */
void
hr_rollout_engine_add_component (const HrTrainingPlan *plan,
                                 HrEstimate           *estimate,
                                 HrGpu                *gpu,
                                 guint64               bytes)
{
  g_autofree char *share = hr_job_get_as_string (HR_JOB (plan->job), "gpu-memory-utilization");
  g_autofree char *substitution = g_strdup_printf ("%s·%" G_GUINT64_FORMAT, share, hr_gpu_get_usable_memory (gpu));
  g_autofree char *rest = g_strdup_printf ("%s − %" G_GUINT64_FORMAT, substitution, get_shared_bytes (plan));

  if (shares_weights (plan))
    _hr_estimate_add_component (estimate, 0, HR_COMPONENT_ROLLOUT_ENGINE, bytes, "u·M − W", rest, SOURCE_ENGINE);
  else
    _hr_estimate_add_component (estimate, 0, HR_COMPONENT_ROLLOUT_ENGINE, bytes, "u·M", substitution, SOURCE_ENGINE);
}
