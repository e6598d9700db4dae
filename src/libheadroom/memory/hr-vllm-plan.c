/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-vllm-plan.h"

#include <math.h>
#include <string.h>

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-serving-encoder.h"
#include "hr-serving-run.h"
#include "hr-vllm-cache.h"
#include "hr-vllm-profile.h"

/*
 * How vLLM resolves a job: EngineArgs._set_default_args of vllm/engine/arg_utils.py, and
 * SchedulerConfig.__post_init__ of vllm/config.
 */

#define GIB (G_GUINT64_CONSTANT (1) << 30)

/* Which GPUs get larger batches, and what V1 takes by default for a server. */
#define LARGE_MEMORY (70 * GIB)
#define HUGE_MEMORY (160 * GIB)
#define LARGE_BATCHED_TOKENS 8192
#define HUGE_BATCHED_TOKENS 16384
#define LARGE_NUM_SEQS 1024
#define DEFAULT_BATCHED_TOKENS 2048
#define DEFAULT_NUM_SEQS 256

/* The most tokens that a CUDA graph is captured for, and where there are fewer of them. */
#define MOST_CAPTURED 512
#define STEP_LIMIT 256

/* Beyond this length V0 computes prompts by chunks (EngineArgs.create_engine_config). */
#define LONG_CONTEXT (32 * 1024)

/*
 * hr_vllm_plan_has_large_gpu:
 * @gpu: (nullable): a GPU
 *
 * Checks whether vLLM computes large batches on a GPU by default (EngineArgs.get_batch_defaults of vllm/engine).
 *
 * Returns: whether it does
 */
gboolean
hr_vllm_plan_has_large_gpu (HrGpu *gpu)
{
  g_autofree char *name = gpu != NULL ? g_ascii_strdown (hr_gpu_get_name (gpu), -1) : NULL;

  return gpu != NULL && hr_gpu_get_memory (gpu) >= LARGE_MEMORY && strstr (name, "a100") == NULL;
}

static gboolean
has_windows (const HrServingPlan *self)
{
  for (guint i = 0; i < self->pass->stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&self->pass->stack->layer_classes[i]);

      if (attention != NULL && attention->sliding_window > 0)
        return TRUE;
    }

  return FALSE;
}

/*
 * Whether prompts are computed in chunks. Up to 0.11 the engine V1 always does, whatever it is told
 * (EngineArgs._set_default_args_v1 of vllm/engine/arg_utils.py).
 */
static gboolean
computes_chunks (const HrServingPlan *self,
                 HrInferenceJob      *job)
{
  return hr_inference_job_get_chunked_prefill (job) || !self->profile->may_compute_whole;
}

/* The engine V0 computes whole prompts at once, but for those of models with a long context. */
static guint64
get_v0_batched_tokens (const HrServingPlan *self,
                       HrInferenceJob      *job)
{
  if (self->max_model_len > LONG_CONTEXT && !has_windows (self) && computes_chunks (self, job))
    return DEFAULT_BATCHED_TOKENS;

  return MAX (self->max_model_len, DEFAULT_BATCHED_TOKENS);
}

/* The tokens that a server computes at once by default: EngineArgs.get_batch_defaults, of 0.28 for GPUs of 160 GiB. */
static guint64
get_batched_tokens (const HrServingPlan *self,
                    HrGpu               *gpu,
                    gboolean             is_large)
{
  if (self->profile->has_huge_batches && gpu != NULL && hr_gpu_get_memory (gpu) >= HUGE_MEMORY)
    return HUGE_BATCHED_TOKENS;

  return is_large ? LARGE_BATCHED_TOKENS : DEFAULT_BATCHED_TOKENS;
}

static void
resolve_sizes (HrServingPlan  *self,
               HrInferenceJob *job,
               HrGpu          *gpu)
{
  gboolean chunks = self->profile->has_large_batches;
  gboolean is_large = chunks && hr_vllm_plan_has_large_gpu (gpu);

  self->max_loras = hr_inference_job_get_max_loras (job);
  self->max_lora_rank = hr_inference_job_get_max_lora_rank (job);
  self->max_model_len = hr_inference_job_get_max_model_len (job);
  self->max_num_seqs = hr_inference_job_get_max_num_seqs (job);
  self->max_num_batched_tokens = hr_inference_job_get_max_num_batched_tokens (job);

  if (self->max_num_seqs == 0)
    self->max_num_seqs = is_large ? LARGE_NUM_SEQS : DEFAULT_NUM_SEQS;
  if (self->max_num_batched_tokens == 0 && !chunks)
    self->max_num_batched_tokens = get_v0_batched_tokens (self, job);
  if (self->max_num_batched_tokens == 0)
    {
      guint64 n_tokens = get_batched_tokens (self, gpu, is_large);

      if (!computes_chunks (self, job))
        n_tokens = MAX (n_tokens, self->max_model_len);
      self->max_num_batched_tokens = MIN (n_tokens, self->max_num_seqs * self->max_model_len);
    }
}

/* Whole prompts have to be among the tokens that are computed at once (SchedulerConfig.verify_max_model_len). */
static gboolean
check_prompts (const HrServingPlan  *self,
               HrInferenceJob       *job,
               GError              **error)
{
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;

  if (computes_chunks (self, job) || self->max_num_batched_tokens >= self->max_model_len)
    return TRUE;

  expected = g_strdup_printf ("%" G_GUINT64_FORMAT, self->max_model_len);
  found = g_strdup_printf ("%" G_GUINT64_FORMAT, self->max_num_batched_tokens);
  hr_message_set_error (error, HR_ERROR_VALUE,
                        N_("max-num-batched-tokens: expected at least max-model-len, %s, as prompts are not computed "
                           "in chunks; found %s"), expected, found);

  return FALSE;
}

/*
 * hr_vllm_plan_has_states:
 * @self: a plan
 *
 * Checks whether a model has layers that keep a state of a sequence, whatever its length.
 *
 * Returns: whether it has
 */
gboolean
hr_vllm_plan_has_states (const HrServingPlan *self)
{
  for (guint i = 0; i < self->pass->stack->n_layer_classes; i++)
    {
      if (hr_serving_run_find_state (&self->pass->stack->layer_classes[i]) != NULL)
        return TRUE;
    }

  return FALSE;
}

/* States are in blocks of the cache, and indexers choose tokens, in newer releases alone. */
static gboolean
check_release (const HrServingPlan  *self,
               GError              **error)
{
  if (self->profile->state_blocks > 0 ||
      (!hr_vllm_plan_has_states (self) && hr_serving_plan_get_index_topk (self) == 0))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("vllm-release: expected 0.11 or a later one, as it is not known here how those before run "
                           "“%s”; found an earlier one"),
                        hr_model_get_name (self->pass->model));

  return FALSE;
}

/* Formats whose parameters keep their names when kernels have put them in order (replace_parameter). */
static gboolean
stays_offloaded (HrQuantization quantization)
{
  switch ((guint) quantization)
    {
    case HR_QUANTIZATION_GPTQ_INT8:
    case HR_QUANTIZATION_GPTQ_INT4:
    case HR_QUANTIZATION_AWQ_INT4:
    case HR_QUANTIZATION_FP8:
    case HR_QUANTIZATION_FP8_CHANNEL:
    case HR_QUANTIZATION_FP8_TENSOR:
    case HR_QUANTIZATION_W8A8_INT8:
    case HR_QUANTIZATION_W8A16_INT8:
    case HR_QUANTIZATION_W4A16_INT4:
      return TRUE;

    default:
      return FALSE;
    }
}

/*
 * What stays on the host is known of weights in sixteen bits, and of checkpoints whose parameters go back there where
 * kernels have put them in another order (device_loading_context of vllm/model_executor/model_loader/utils.py), which
 * the first releases of the engine V1 do not see to.
 */
static gboolean
check_offload (const HrServingPlan  *self,
               HrModel              *whole,
               HrInferenceJob       *job,
               GError              **error)
{
  HrQuantization quantization = self->pass->quantization;
  gboolean is_stored = quantization == hr_model_get_quantization (whole);
  g_autofree char *found = NULL;

  if (self->offload_bytes == 0 || (quantization == HR_QUANTIZATION_NONE && is_stored) ||
      (self->profile->keeps_offloaded && is_stored && stays_offloaded (quantization)))
    return TRUE;

  found = hr_job_get_as_string (HR_JOB (job), "cpu-offload-gb");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are a format of weights and a number. */
                        N_("cpu-offload-gb: expected 0, as it is not known here what of weights in %s this release of "
                           "vLLM has back on the GPU when its kernels have put them in order; found %s"),
                        hr_quantization_get_name (quantization), found);

  return FALSE;
}

/*
 * hr_vllm_plan_init:
 * @self: (out): a plan
 * @pass: a plan of the model, or of what a rank has of it, which @self does not own
 * @whole: the model
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @error: return location for an error
 *
 * Resolves a job for vLLM.
 *
 * Returns: whether it can do it
 */
gboolean
hr_vllm_plan_init (HrServingPlan    *self,
                   HrInferencePlan  *pass,
                   HrModel          *whole,
                   HrInferenceJob   *job,
                   HrGpu            *gpu,
                   GError          **error)
{
  g_autoptr (HrJob) resolved = hr_job_resolve (HR_JOB (job), whole);

  hr_serving_plan_init (self, pass, whole, gpu, hr_vllm_profile_get (hr_inference_job_get_vllm_release (job)));
  self->eager = hr_inference_job_get_enforce_eager (job) || self->profile->is_eager;
  self->requested = ceil (hr_inference_job_get_gpu_memory_utilization (job) * self->memory);
  self->pool_bytes = round (hr_inference_job_get_kv_cache_memory (job) * GIB);
  self->pool_blocks = hr_inference_job_get_num_gpu_blocks_override (job);
  self->graph_limit = hr_inference_job_get_cuda_graph_max_bs (job);
  self->offload_bytes = hr_inference_job_get_cpu_offload_gb (job) * GIB;
  if (!hr_serving_plan_check (self, job, error) || !check_release (self, error) ||
      !check_offload (self, whole, job, error) ||
      !hr_serving_plan_resolve_guessing (self, job, self->profile->state_blocks > 0, error))
    return FALSE;

  resolve_sizes (self, HR_INFERENCE_JOB (resolved), gpu);

  return check_prompts (self, job, error) && hr_serving_encoder_resolve (self, whole, job, error) &&
         hr_vllm_cache_resolve (self, whole, job, error);
}

/*
 * hr_vllm_plan_count_graphs:
 * @self: a plan
 *
 * Counts the CUDA graphs that are captured: for 1, 2 and 4 tokens, multiples of eight and, since 0.12 beyond 256, of
 * sixteen up to 512 (VllmConfig._set_cudagraph_sizes of vllm/config), of what is before, between and after the layers'
 * attention (splitting_ops of vllm/config/compilation.py).
 *
 * Returns: how many there are; 1 where what all take together was measured
 */
guint64
hr_vllm_plan_count_graphs (const HrServingPlan *self)
{
  const HrServingProfile *profile = self->profile;
  guint64 most = MIN (self->graph_limit > 0 ? self->graph_limit : MOST_CAPTURED, self->max_num_batched_tokens);
  guint64 n_sizes;

  if (profile->graph_step == 0)
    return 1;

  if (profile->graphs_by_batch && self->graph_limit == 0)
    most = MIN (most, 2 * self->max_num_seqs);
  n_sizes = MIN (most, 2) + (most >= 4) + MIN (most, STEP_LIMIT) / 8;
  if (most > STEP_LIMIT)
    n_sizes += (most - STEP_LIMIT) / profile->graph_step;

  return n_sizes * (self->pass->stack->n_layers + 1);
}
