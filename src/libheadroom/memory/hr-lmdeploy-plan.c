/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-lmdeploy-plan.h"

#include <string.h>

#include "hr-inference-cache.h"
#include "hr-message.h"
#include "hr-serving-before.h"

/*
 * How LMDeploy resolves a job: TurbomindEngineConfig and PytorchEngineConfig of lmdeploy/messages.py. TurboMind's cache
 * takes a share of what cudaMemGetInfo finds free when the weights are there: BlockManager::GetBlockCount of
 * src/turbomind/models/llama/BlockManager.cc up to 0.14 (of all memory in 0.2.0 and 0.2.1), CreateEngine of
 * src/turbomind/turbomind.cc since 0.15. PyTorch's sets logits apart before: ExecutorBase._get_runtime_size of
 * lmdeploy/pytorch/engine/executor/base.py (up to 0.6 _update_cache_config of lmdeploy/pytorch/engine/model_agent.py).
 */

#define MIB (G_GUINT64_CONSTANT (1) << 20)
/* kMaxWorkspaceTokens of src/turbomind/models/llama/unified_attention_layer.h; sums of them are in fp32. */
#define WORKSPACE_TOKENS 4096

/* kBarriersSize and kPartialsSize of src/turbomind/kernels/gemm/gemm.h. */
#define PRODUCT_WORKSPACE (33 * MIB)

/* Tokens of a block (cache_block_seq_len, block_size), and of TurboMind's up to 0.2. */
#define DEFAULT_BLOCK_SIZE 64
#define DEFAULT_BLOCK_SIZE_0_2 128

/* Fewer blocks than these make PyTorch compute fewer tokens at once. */
#define LEAST_BLOCKS 16

static const HrServingProfile turbomind_layers = {
  .is_eager = TRUE, .rotary = HR_SERVING_ROTARY_NONE, .vocabulary_padding = 1, .copies_head = TRUE,
  .widens_zeros = TRUE, .expert_padding = 1,
};

static const HrServingProfile pytorch_layers = {
  .is_eager = TRUE, .sampler = HR_SERVING_SAMPLER_SOFTMAX, .rotary = HR_SERVING_ROTARY_NONE, .vocabulary_padding = 64,
  .counts_segments = TRUE,
};

static const HrBlockSources turbomind_sources = {
  .weights = "lmdeploy: src/turbomind/models/llama/LlamaWeight.cc, LlamaDecoderLayerWeight.cc, LlamaDenseWeight.cc; "
             "lmdeploy/turbomind/deploy/source_model",
  .cache = "lmdeploy: src/turbomind/kernels/attention/block.h: Layout; src/turbomind/models/llama/BlockManager.cc",
  .run = "lmdeploy: src/turbomind/models/llama: unified_decoder.cc, unified_attention_layer.cc, LlamaFfnLayer.cc, "
         "moe_ffn_layer.cc, LlamaBatch.cc",
  .share = "lmdeploy: src/turbomind/models/llama/BlockManager.cc: GetBlockCount; src/turbomind/turbomind.cc",
};

static const HrBlockSources pytorch_sources = {
  .weights = "lmdeploy/pytorch/nn: linear, embedding.py, moe; c10/cuda/CUDACachingAllocator.cpp",
  .cache = "lmdeploy/pytorch/engine/cache_engine.py: CacheEngine.get_cache_block_size",
  .run = "lmdeploy/pytorch/models, lmdeploy/pytorch/engine/logits_process.py",
  .share = "lmdeploy/pytorch/engine/executor/base.py: ExecutorBase.update_configs, _get_runtime_size",
};

/* Whether TurboMind runs a model where nobody says what does. */
static gboolean
knows_model (HrModel *model)
{
  g_autoptr (HrInferenceJob) job = hr_inference_job_new ();
  g_autoptr (HrJob) resolved = hr_job_resolve (HR_JOB (job), model);

  return hr_inference_job_get_lmdeploy_backend (HR_INFERENCE_JOB (resolved)) == HR_LMDEPLOY_BACKEND_TURBOMIND;
}

static gboolean
resolve_backend (HrBlockPlan     *self,
                 HrModel         *whole,
                 HrInferenceJob  *job,
                 GError         **error)
{
  HrLmdeployBackend backend = hr_inference_job_get_lmdeploy_backend (job);

  self->runs_turbomind = backend == HR_LMDEPLOY_BACKEND_TURBOMIND ||
                         (backend == HR_LMDEPLOY_BACKEND_AUTO && knows_model (whole));
  if (!self->runs_turbomind || knows_model (whole))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("lmdeploy-backend: expected auto or pytorch, as TurboMind is not known to run “%s”; found "
                           "turbomind"),
                        hr_model_get_name (whole));

  return FALSE;
}

/* --model-format of TurboMind, and what the layers of lmdeploy/pytorch/nn/linear read. */
static gboolean
knows_format (const HrBlockPlan *self)
{
  switch ((guint) self->layers.pass->quantization)
    {
    case HR_QUANTIZATION_NONE:
    case HR_QUANTIZATION_AWQ_INT4:
    case HR_QUANTIZATION_FP8:
      return TRUE;

    case HR_QUANTIZATION_GPTQ_INT4:
    case HR_QUANTIZATION_MXFP4:
      return self->runs_turbomind;

    case HR_QUANTIZATION_W8A8_INT8:
      return !self->runs_turbomind;

    default:
      return FALSE;
    }
}

static gboolean
check_format (const HrBlockPlan  *self,
              GError            **error)
{
  if (knows_format (self))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        self->runs_turbomind
                          ? N_("quantization: expected none, awq-int4, gptq-int4, fp8 or mxfp4 beside TurboMind; found "
                               "%s")
                          : N_("quantization: expected none, awq-int4, fp8 or w8a8-int8 beside LMDeploy’s PyTorch "
                               "backend; found %s"),
                        hr_quantization_get_name (self->layers.pass->quantization));

  return FALSE;
}

/* get_max_batch_size of lmdeploy/utils.py, since 0.6. */
static guint64
get_batch_size (HrGpu             *gpu,
                HrLmdeployRelease  release)
{
  static const struct
  {
    const char *name;
    guint64 size;
  } sizes[] = {
    { "a100", 384 }, { "a800", 384 }, { "h100", 1024 }, { "h800", 1024 }, { "l20y", 1024 }, { "h200", 1024 },
  };
  g_autofree char *name = gpu != NULL ? g_ascii_strdown (hr_gpu_get_name (gpu), -1) : NULL;

  for (guint i = 0; name != NULL && release <= HR_LMDEPLOY_RELEASE_0_6 && i < G_N_ELEMENTS (sizes); i++)
    {
      if (strstr (name, sizes[i].name) != NULL)
        return sizes[i].size;
    }

  return 128;
}

/* QuantPolicy: TurboMind has no cache in eight-bit floats. */
static gboolean
check_cache (const HrBlockPlan  *self,
             HrInferenceJob     *job,
             GError            **error)
{
  HrDtype dtype = hr_inference_job_get_kv_cache_dtype (job);

  if (!self->runs_turbomind || dtype != HR_DTYPE_FLOAT8)
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        N_("kv-cache-dtype: expected auto, int8, int4 or the model’s own dtype beside TurboMind; found "
                           "%s"),
                        hr_dtype_get_name (dtype));

  return FALSE;
}

static void
resolve_sizes (HrBlockPlan           *self,
               HrInferenceJob        *job,
               HrInferenceJob        *resolved,
               HrGpu                 *gpu,
               const HrServingLayout *layout)
{
  HrLmdeployRelease release = hr_inference_job_get_lmdeploy_release (job);
  HrServingPlan *layers = &self->layers;

  layers->max_model_len = hr_inference_job_get_max_model_len (resolved);
  layers->max_num_seqs = hr_inference_job_get_max_num_seqs (job);
  if (layers->max_num_seqs == 0)
    layers->max_num_seqs = get_batch_size (gpu, release);
  layers->max_num_batched_tokens = hr_inference_job_get_max_num_batched_tokens (job);
  if (layers->max_num_batched_tokens == 0)
    layers->max_num_batched_tokens = self->runs_turbomind || release == HR_LMDEPLOY_RELEASE_0_13 ? 8192 : 4096;
  layers->block_size = hr_inference_job_get_block_size (job);
  if (layers->block_size == 0)
    layers->block_size = self->runs_turbomind && release == HR_LMDEPLOY_RELEASE_0_2 ? DEFAULT_BLOCK_SIZE_0_2
                                                                                     : DEFAULT_BLOCK_SIZE;
}

/*
 * Sums of parts of attention are there before TurboMind looks at what is free (UnifiedAttentionLayer), tokens of all
 * requests and their logits come when the cache is there: five tables up to 0.11 (LlamaBatch::AllocateBuffer), one
 * since then (Generation of src/turbomind/generation/generation.cc). As many tokens more go through the layers as there
 * may be requests (max_forward_token_num).
 */
static void
resolve_turbomind (HrBlockPlan    *self,
                   HrInferenceJob *job)
{
  HrServingPlan *layers = &self->layers;
  HrLmdeployRelease release = hr_inference_job_get_lmdeploy_release (job);
  const HrAttention *attention = hr_layer_class_get_attention (&layers->pass->stack->layer_classes[0]);
  guint64 tables = release <= HR_LMDEPLOY_RELEASE_0_12 ? 1 : 5;

  self->takes_of_all = release == HR_LMDEPLOY_RELEASE_0_2;
  self->cuts_context = TRUE;
  self->sources = turbomind_sources;
  self->refusal = "No enough blocks.";
  self->fixed_bytes = PRODUCT_WORKSPACE + WORKSPACE_TOKENS * sizeof (float) * attention->num_attention_heads *
                                          (attention->head_dim + 3);
  self->late_bytes = layers->max_num_seqs * (tables * layers->max_model_len * sizeof (gint32) +
                                             layers->vocabulary * sizeof (float));
  layers->max_num_batched_tokens += layers->max_num_seqs;
}

/* What logits take: in sixteen bits, in fp32 as well up to 0.9.1, and of two tokens of each request since then. */
static void
resolve_pytorch (HrBlockPlan    *self,
                 HrInferenceJob *job)
{
  gboolean is_old = hr_inference_job_get_lmdeploy_release (job) >= HR_LMDEPLOY_RELEASE_0_6;

  self->sources = pytorch_sources;
  self->refusal = "No enough gpu memory for kv cache.";
  self->runtime_bytes = self->layers.vocabulary * (is_old ? 7 : 2);
  self->runtime_tokens = is_old ? 0 : 2 * self->layers.max_num_seqs;
  self->least_blocks = LEAST_BLOCKS;
}

/*
 * hr_lmdeploy_plan_init:
 * @self: (out): a plan
 * @pass: a plan of the model, or of what a rank has of it, which @self does not own
 * @whole: the model
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @layout: how ranks share the model
 * @error: return location for an error
 *
 * Resolves a job for LMDeploy.
 *
 * Returns: whether it can do it
 */
gboolean
hr_lmdeploy_plan_init (HrBlockPlan            *self,
                       HrInferencePlan        *pass,
                       HrModel                *whole,
                       HrInferenceJob         *job,
                       HrGpu                  *gpu,
                       const HrServingLayout  *layout,
                       GError                **error)
{
  g_autoptr (HrJob) resolved = hr_job_resolve (HR_JOB (job), whole);

  *self = (HrBlockPlan) {
    .fraction = hr_inference_job_get_cache_max_entry_count (job),
    .before = *hr_serving_before_get (gpu, layout->n_ranks > 1),
    .has_integer_cache = TRUE,
    .share_setting = "cache-max-entry-count",
    .no_margin = N_("No margin is told within which nineteen of twenty starts stay, as only three starts of LMDeploy "
                    "were logged, and what its CUDA graphs take is in none of them."),
  };
  if (!resolve_backend (self, whole, job, error))
    return FALSE;

  hr_serving_plan_init (&self->layers, pass, whole, gpu,
                        self->runs_turbomind ? &turbomind_layers : &pytorch_layers);
  self->layers.engine = "lmdeploy";
  self->layers.program = "LMDeploy";
  self->layers.eager = TRUE;
  if (!hr_serving_plan_check (&self->layers, job, error) || !check_format (self, error) ||
      !check_cache (self, job, error) || !hr_block_plan_check_layers (self, error))
    return FALSE;

  resolve_sizes (self, job, HR_INFERENCE_JOB (resolved), gpu, layout);
  if (self->runs_turbomind)
    resolve_turbomind (self, job);
  else
    resolve_pytorch (self, job);

  return hr_block_plan_resolve_cache (self, job, error);
}
