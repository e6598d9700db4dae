/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-trtllm-plan.h"

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-serving-before.h"

/*
 * How TensorRT-LLM's PyTorch backend (since 1.0) resolves a job: tensorrt_llm/commands/serve.py and
 * tensorrt_llm/llmapi/llm_args.py. As many tokens of prompts as are computed at once go through the model, in requests
 * as long as there may be; of what that leaves of the memory, weights and what is outside PyTorch's allocator included,
 * the cache takes a share (KvCacheCreator.configure_kv_cache_capacity and _cal_max_memory of
 * tensorrt_llm/_torch/pyexecutor/_util.py), of which the last block is whole (KVCacheManager of resource_manager.py).
 */

#define HUNDREDTHS(n_) ((n_) * (G_GUINT64_CONSTANT (1) << 30) / 100)

/* BuildConfig and LlmArgs: max_batch_size, max_num_tokens, tokens_per_block. */
#define DEFAULT_BATCH_SIZE 2048
#define DEFAULT_NUM_TOKENS 8192
#define DEFAULT_BLOCK_SIZE 32

static const HrServingMeasured before_ranks = {
  HUNDREDTHS (85), HUNDREDTHS (107), HUNDREDTHS (128),
  "measured: nvidia-smi's memory less what is free before the model is created, 0.85 and 1.28 GiB, in 2 logs of "
  "8 ranks",
};

/*
 * RopeParams.create_rope_const_params of tensorrt_llm/_torch/attention_backend/interface.py makes tables in fp32;
 * experts in MXFP4 are padded for CUTLASS (weight_alignment of tensorrt_llm/_torch/modules/fused_moe/quantization.py).
 */
static const HrServingProfile layers = {
  .tries_run = TRUE, .is_eager = TRUE, .sampler = HR_SERVING_SAMPLER_SOFTMAX, .rotary = HR_SERVING_ROTARY_FLOAT32,
  .vocabulary_padding = 1, .expert_padding = 128,
};

static const HrBlockSources sources = {
  .weights = "tensorrt_llm/_torch/modules: linear.py, embedding.py, fused_moe; "
             "tensorrt_llm/_torch/attention_backend/interface.py; c10/cuda/CUDACachingAllocator.cpp",
  .cache = "tensorrt_llm/_torch/pyexecutor/resource_manager.py: KVCacheManager.get_cache_size_per_token",
  .run = "tensorrt_llm/_torch/models, tensorrt_llm/_torch/modules, tensorrt_llm/_torch/pyexecutor/sampler.py",
  .share = "tensorrt_llm/_torch/pyexecutor/_util.py: KvCacheCreator._cal_max_memory",
};

/* Formats of tensorrt_llm/_torch/modules/linear.py that checkpoints have. */
static gboolean
check_format (const HrBlockPlan  *self,
              GError            **error)
{
  switch ((guint) self->layers.pass->quantization)
    {
    case HR_QUANTIZATION_NONE:
    case HR_QUANTIZATION_FP8:
    case HR_QUANTIZATION_FP8_TENSOR:
    case HR_QUANTIZATION_FP8_CHANNEL:
    case HR_QUANTIZATION_NVFP4:
    case HR_QUANTIZATION_MXFP4:
      return TRUE;

    default:
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("quantization: expected none, a format in eight-bit floats, nvfp4 or mxfp4 beside "
                               "TensorRT-LLM; found %s"),
                            hr_quantization_get_name (self->layers.pass->quantization));
      return FALSE;
    }
}

static void
resolve_sizes (HrBlockPlan    *self,
               HrInferenceJob *job,
               HrInferenceJob *resolved)
{
  HrServingPlan *plan = &self->layers;

  plan->max_model_len = hr_inference_job_get_max_model_len (resolved);
  plan->max_num_seqs = hr_inference_job_get_max_num_seqs (job);
  if (plan->max_num_seqs == 0)
    plan->max_num_seqs = DEFAULT_BATCH_SIZE;
  plan->max_num_batched_tokens = hr_inference_job_get_max_num_batched_tokens (job);
  if (plan->max_num_batched_tokens == 0)
    plan->max_num_batched_tokens = DEFAULT_NUM_TOKENS;
  plan->block_size = hr_inference_job_get_block_size (job);
  if (plan->block_size == 0)
    plan->block_size = DEFAULT_BLOCK_SIZE;
  self->run_requests = (plan->max_num_batched_tokens + plan->max_model_len - 1) / plan->max_model_len;
}

/*
 * hr_trtllm_plan_init:
 * @self: (out): a plan
 * @pass: a plan of the model, or of what a rank has of it, which @self does not own
 * @whole: the model
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @layout: how ranks share the model
 * @error: return location for an error
 *
 * Resolves a job for TensorRT-LLM.
 *
 * Returns: whether it can do it
 */
gboolean
hr_trtllm_plan_init (HrBlockPlan            *self,
                     HrInferencePlan        *pass,
                     HrModel                *whole,
                     HrInferenceJob         *job,
                     HrGpu                  *gpu,
                     const HrServingLayout  *layout,
                     GError                **error)
{
  g_autoptr (HrJob) resolved = hr_job_resolve (HR_JOB (job), whole);

  *self = (HrBlockPlan) {
    .fraction = hr_inference_job_get_free_gpu_memory_fraction (job),
    .before = layout->n_ranks > 1 ? hr_serving_before_of_usable (&before_ranks, gpu)
                                  : *hr_serving_before_get (gpu, FALSE),
    .tries_run = TRUE,
    .max_tokens = hr_inference_job_get_max_total_tokens (job),
    .rounds_up = TRUE,
    .share_setting = "free-gpu-memory-fraction",
    .no_margin = N_("No margin is told within which nineteen of twenty starts stay, as only nine starts of "
                    "TensorRT-LLM were logged, and what its CUDA graphs take is in none of them."),
    .refusal = "Executor creation failed due to insufficient GPU memory.",
    .sources = sources,
  };
  hr_serving_plan_init (&self->layers, pass, whole, gpu, &layers);
  self->layers.engine = "tensorrt-llm";
  self->layers.program = "TensorRT-LLM";
  self->layers.eager = TRUE;
  if (!hr_serving_plan_check (&self->layers, job, error) || !check_format (self, error) ||
      !hr_block_plan_check_layers (self, error))
    return FALSE;

  resolve_sizes (self, job, HR_INFERENCE_JOB (resolved));

  return hr_block_plan_resolve_cache (self, job, error);
}
