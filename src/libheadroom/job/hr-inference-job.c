/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-inference-job.h"

#include <glib/gi18n-lib.h>

#include "hr-base-enums.h"
#include "hr-job-enums.h"
#include "hr-job-private.h"
#include "hr-projector-family.h"

/**
 * HrInferenceJob:
 *
 * Generating text with a model.
 *
 * The defaults are one conversation: a single sequence, a prompt of 2048 tokens (four or five pages of English, or a
 * chat with some context) and an answer of 512 tokens (a page). People who need more know it, and every figure of the
 * result shows what the lengths cost. The upper ends of the ranges are beyond anything published: ten million tokens is
 * the longest context that a model claims.
 */
struct _HrInferenceJob
{
  HrJob parent_instance;

  HrEngine engine;
  guint64 batch_size;
  guint64 prompt_length;
  guint64 output_length;
  guint64 beams;
  gboolean use_cache;
  HrLogitsToKeep logits_to_keep;
  HrDtype kv_cache_dtype;
  HrDtype state_dtype;
  guint64 max_model_len;
  guint64 max_num_seqs;
  guint64 max_num_batched_tokens;
  guint64 gpu_layers;
  guint64 n_cpu_moe;
  guint64 n_cpu_ffn;
  char *override_tensor;
  char *tensor_types;
  gboolean op_offload;
  gboolean fit;
  guint64 fit_target;
  guint64 gpu_overhead;
  gboolean sched_spread;
  guint64 fit_ctx;
  HrSplitMode split_mode;
  char *tensor_split;
  HrFlashAttention flash_attention;
  HrLlamaCacheType cache_type_k;
  HrLlamaCacheType cache_type_v;
  gboolean kv_unified;
  gboolean kv_offload;
  gboolean swa_full;
  char *draft_model;
  HrQuantization draft_quantization;
  guint64 draft_gpu_layers;
  HrLlamaCacheType draft_cache_type_k;
  HrLlamaCacheType draft_cache_type_v;
  guint64 draft_batched_tokens;
  HrProjectorFile mmproj;
  gboolean mmproj_offload;
  guint64 image_max_tokens;
  HrLlamaRelease llama_release;
  double gpu_memory_utilization;
  guint64 block_size;
  guint64 max_loras;
  guint64 max_lora_rank;
  guint64 num_speculative_tokens;
  guint64 speculative_eagle_topk;
  guint64 speculative_num_draft_tokens;
  gboolean enforce_eager;
  HrVllmRelease vllm_release;
  double mem_fraction_static;
  double kv_cache_memory;
  guint64 num_gpu_blocks_override;
  guint64 max_total_tokens;
  guint64 cuda_graph_max_bs;
  gboolean dp_attention;
  gboolean ngram_speculation;
  gboolean language_model_only;
  gboolean skip_mm_profiling;
  gboolean mm_encoder_data_parallel;
  gboolean chunked_prefill;
  double cpu_offload_gb;
  guint64 max_mamba_cache_size;
  guint64 mm_max_pixels;
  HrSglangRelease sglang_release;
  HrKtMethod kt_method;
  guint64 kt_num_gpu_experts;
  guint64 kt_gpu_prefill_token_threshold;
  double cache_max_entry_count;
  HrLmdeployBackend lmdeploy_backend;
  HrLmdeployRelease lmdeploy_release;
  double free_gpu_memory_fraction;
  guint64 mlx_group_size;
  guint64 kv_bits;
  guint64 kv_group_size;
  guint64 quantized_kv_start;
  guint64 max_kv_size;
  guint64 prompt_cache_size;
  double bits_per_weight;
  guint64 head_bits;
  char *cache_mode;
  guint64 autosplit_reserve;
  HrExllamaRelease exllama_release;
};

enum
{
  PROP_0,
  PROP_ENGINE,
  PROP_BATCH_SIZE,
  PROP_PROMPT_LENGTH,
  PROP_OUTPUT_LENGTH,
  PROP_BEAMS,
  PROP_USE_CACHE,
  PROP_LOGITS_TO_KEEP,
  PROP_KV_CACHE_DTYPE,
  PROP_STATE_DTYPE,
  PROP_MAX_MODEL_LEN,
  PROP_MAX_NUM_SEQS,
  PROP_MAX_NUM_BATCHED_TOKENS,
  PROP_GPU_LAYERS,
  PROP_N_CPU_MOE,
  PROP_N_CPU_FFN,
  PROP_OVERRIDE_TENSOR,
  PROP_TENSOR_TYPES,
  PROP_OP_OFFLOAD,
  PROP_FIT,
  PROP_FIT_TARGET,
  PROP_FIT_CTX,
  PROP_GPU_OVERHEAD,
  PROP_SCHED_SPREAD,
  PROP_SPLIT_MODE,
  PROP_TENSOR_SPLIT,
  PROP_FLASH_ATTENTION,
  PROP_CACHE_TYPE_K,
  PROP_CACHE_TYPE_V,
  PROP_KV_UNIFIED,
  PROP_KV_OFFLOAD,
  PROP_SWA_FULL,
  PROP_DRAFT_MODEL,
  PROP_DRAFT_QUANTIZATION,
  PROP_DRAFT_GPU_LAYERS,
  PROP_DRAFT_CACHE_TYPE_K,
  PROP_DRAFT_CACHE_TYPE_V,
  PROP_DRAFT_BATCHED_TOKENS,
  PROP_MMPROJ,
  PROP_MMPROJ_OFFLOAD,
  PROP_IMAGE_MAX_TOKENS,
  PROP_LLAMA_RELEASE,
  PROP_GPU_MEMORY_UTILIZATION,
  PROP_BLOCK_SIZE,
  PROP_MAX_LORAS,
  PROP_MAX_LORA_RANK,
  PROP_NUM_SPECULATIVE_TOKENS,
  PROP_SPECULATIVE_EAGLE_TOPK,
  PROP_SPECULATIVE_NUM_DRAFT_TOKENS,
  PROP_ENFORCE_EAGER,
  PROP_VLLM_RELEASE,
  PROP_MEM_FRACTION_STATIC,
  PROP_KV_CACHE_MEMORY,
  PROP_NUM_GPU_BLOCKS_OVERRIDE,
  PROP_MAX_TOTAL_TOKENS,
  PROP_CUDA_GRAPH_MAX_BS,
  PROP_DP_ATTENTION,
  PROP_NGRAM_SPECULATION,
  PROP_LANGUAGE_MODEL_ONLY,
  PROP_SKIP_MM_PROFILING,
  PROP_MM_ENCODER_DATA_PARALLEL,
  PROP_CHUNKED_PREFILL,
  PROP_CPU_OFFLOAD_GB,
  PROP_MAX_MAMBA_CACHE_SIZE,
  PROP_MM_MAX_PIXELS,
  PROP_SGLANG_RELEASE,
  PROP_KT_METHOD,
  PROP_KT_NUM_GPU_EXPERTS,
  PROP_KT_GPU_PREFILL_TOKEN_THRESHOLD,
  PROP_CACHE_MAX_ENTRY_COUNT,
  PROP_LMDEPLOY_BACKEND,
  PROP_LMDEPLOY_RELEASE,
  PROP_FREE_GPU_MEMORY_FRACTION,
  PROP_MLX_GROUP_SIZE,
  PROP_KV_BITS,
  PROP_KV_GROUP_SIZE,
  PROP_QUANTIZED_KV_START,
  PROP_MAX_KV_SIZE,
  PROP_PROMPT_CACHE_SIZE,
  PROP_BITS_PER_WEIGHT,
  PROP_HEAD_BITS,
  PROP_CACHE_MODE,
  PROP_AUTOSPLIT_RESERVE,
  PROP_EXLLAMA_RELEASE,
  N_PROPS
};

G_DEFINE_FINAL_TYPE (HrInferenceJob, hr_inference_job, HR_TYPE_JOB)

static GParamSpec *properties[N_PROPS];

static void
hr_inference_job_get_property (GObject    *object,
                               guint       prop_id,
                               GValue     *value,
                               GParamSpec *pspec)
{
  HrInferenceJob *self = HR_INFERENCE_JOB (object);

  switch (prop_id)
    {
    case PROP_ENGINE:
      g_value_set_enum (value, self->engine);
      break;

    case PROP_BATCH_SIZE:
      g_value_set_uint64 (value, self->batch_size);
      break;

    case PROP_PROMPT_LENGTH:
      g_value_set_uint64 (value, self->prompt_length);
      break;

    case PROP_OUTPUT_LENGTH:
      g_value_set_uint64 (value, self->output_length);
      break;

    case PROP_BEAMS:
      g_value_set_uint64 (value, self->beams);
      break;

    case PROP_USE_CACHE:
      g_value_set_boolean (value, self->use_cache);
      break;

    case PROP_LOGITS_TO_KEEP:
      g_value_set_enum (value, self->logits_to_keep);
      break;

    case PROP_KV_CACHE_DTYPE:
      g_value_set_enum (value, self->kv_cache_dtype);
      break;

    case PROP_STATE_DTYPE:
      g_value_set_enum (value, self->state_dtype);
      break;

    case PROP_MAX_MODEL_LEN:
      g_value_set_uint64 (value, self->max_model_len);
      break;

    case PROP_MAX_NUM_SEQS:
      g_value_set_uint64 (value, self->max_num_seqs);
      break;

    case PROP_MAX_NUM_BATCHED_TOKENS:
      g_value_set_uint64 (value, self->max_num_batched_tokens);
      break;

    case PROP_GPU_LAYERS:
      g_value_set_uint64 (value, self->gpu_layers);
      break;

    case PROP_N_CPU_MOE:
      g_value_set_uint64 (value, self->n_cpu_moe);
      break;

    case PROP_N_CPU_FFN:
      g_value_set_uint64 (value, self->n_cpu_ffn);
      break;

    case PROP_OVERRIDE_TENSOR:
      g_value_set_string (value, self->override_tensor);
      break;

    case PROP_TENSOR_TYPES:
      g_value_set_string (value, self->tensor_types);
      break;

    case PROP_OP_OFFLOAD:
      g_value_set_boolean (value, self->op_offload);
      break;

    case PROP_FIT:
      g_value_set_boolean (value, self->fit);
      break;

    case PROP_FIT_TARGET:
      g_value_set_uint64 (value, self->fit_target);
      break;

    case PROP_GPU_OVERHEAD:
      g_value_set_uint64 (value, self->gpu_overhead);
      break;

    case PROP_SCHED_SPREAD:
      g_value_set_boolean (value, self->sched_spread);
      break;

    case PROP_FIT_CTX:
      g_value_set_uint64 (value, self->fit_ctx);
      break;

    case PROP_SPLIT_MODE:
      g_value_set_enum (value, self->split_mode);
      break;

    case PROP_TENSOR_SPLIT:
      g_value_set_string (value, self->tensor_split);
      break;

    case PROP_FLASH_ATTENTION:
      g_value_set_enum (value, self->flash_attention);
      break;

    case PROP_CACHE_TYPE_K:
      g_value_set_enum (value, self->cache_type_k);
      break;

    case PROP_CACHE_TYPE_V:
      g_value_set_enum (value, self->cache_type_v);
      break;

    case PROP_KV_UNIFIED:
      g_value_set_boolean (value, self->kv_unified);
      break;

    case PROP_KV_OFFLOAD:
      g_value_set_boolean (value, self->kv_offload);
      break;

    case PROP_SWA_FULL:
      g_value_set_boolean (value, self->swa_full);
      break;

    case PROP_DRAFT_MODEL:
      g_value_set_string (value, self->draft_model);
      break;

    case PROP_DRAFT_QUANTIZATION:
      g_value_set_enum (value, self->draft_quantization);
      break;

    case PROP_DRAFT_GPU_LAYERS:
      g_value_set_uint64 (value, self->draft_gpu_layers);
      break;

    case PROP_DRAFT_CACHE_TYPE_K:
      g_value_set_enum (value, self->draft_cache_type_k);
      break;

    case PROP_DRAFT_CACHE_TYPE_V:
      g_value_set_enum (value, self->draft_cache_type_v);
      break;

    case PROP_DRAFT_BATCHED_TOKENS:
      g_value_set_uint64 (value, self->draft_batched_tokens);
      break;

    case PROP_MMPROJ:
      g_value_set_enum (value, self->mmproj);
      break;

    case PROP_MMPROJ_OFFLOAD:
      g_value_set_boolean (value, self->mmproj_offload);
      break;

    case PROP_IMAGE_MAX_TOKENS:
      g_value_set_uint64 (value, self->image_max_tokens);
      break;

    case PROP_LLAMA_RELEASE:
      g_value_set_enum (value, self->llama_release);
      break;

    case PROP_GPU_MEMORY_UTILIZATION:
      g_value_set_double (value, self->gpu_memory_utilization);
      break;

    case PROP_BLOCK_SIZE:
      g_value_set_uint64 (value, self->block_size);
      break;

    case PROP_MAX_LORAS:
      g_value_set_uint64 (value, self->max_loras);
      break;

    case PROP_MAX_LORA_RANK:
      g_value_set_uint64 (value, self->max_lora_rank);
      break;

    case PROP_NUM_SPECULATIVE_TOKENS:
      g_value_set_uint64 (value, self->num_speculative_tokens);
      break;

    case PROP_SPECULATIVE_EAGLE_TOPK:
      g_value_set_uint64 (value, self->speculative_eagle_topk);
      break;

    case PROP_SPECULATIVE_NUM_DRAFT_TOKENS:
      g_value_set_uint64 (value, self->speculative_num_draft_tokens);
      break;

    case PROP_ENFORCE_EAGER:
      g_value_set_boolean (value, self->enforce_eager);
      break;

    case PROP_VLLM_RELEASE:
      g_value_set_enum (value, self->vllm_release);
      break;

    case PROP_MEM_FRACTION_STATIC:
      g_value_set_double (value, self->mem_fraction_static);
      break;

    case PROP_KV_CACHE_MEMORY:
      g_value_set_double (value, self->kv_cache_memory);
      break;

    case PROP_NUM_GPU_BLOCKS_OVERRIDE:
      g_value_set_uint64 (value, self->num_gpu_blocks_override);
      break;

    case PROP_MAX_TOTAL_TOKENS:
      g_value_set_uint64 (value, self->max_total_tokens);
      break;

    case PROP_CUDA_GRAPH_MAX_BS:
      g_value_set_uint64 (value, self->cuda_graph_max_bs);
      break;

    case PROP_DP_ATTENTION:
      g_value_set_boolean (value, self->dp_attention);
      break;

    case PROP_NGRAM_SPECULATION:
      g_value_set_boolean (value, self->ngram_speculation);
      break;

    case PROP_LANGUAGE_MODEL_ONLY:
      g_value_set_boolean (value, self->language_model_only);
      break;

    case PROP_SKIP_MM_PROFILING:
      g_value_set_boolean (value, self->skip_mm_profiling);
      break;

    case PROP_MM_ENCODER_DATA_PARALLEL:
      g_value_set_boolean (value, self->mm_encoder_data_parallel);
      break;

    case PROP_CHUNKED_PREFILL:
      g_value_set_boolean (value, self->chunked_prefill);
      break;

    case PROP_CPU_OFFLOAD_GB:
      g_value_set_double (value, self->cpu_offload_gb);
      break;

    case PROP_MAX_MAMBA_CACHE_SIZE:
      g_value_set_uint64 (value, self->max_mamba_cache_size);
      break;

    case PROP_MM_MAX_PIXELS:
      g_value_set_uint64 (value, self->mm_max_pixels);
      break;

    case PROP_SGLANG_RELEASE:
      g_value_set_enum (value, self->sglang_release);
      break;

    case PROP_KT_METHOD:
      g_value_set_enum (value, self->kt_method);
      break;

    case PROP_KT_NUM_GPU_EXPERTS:
      g_value_set_uint64 (value, self->kt_num_gpu_experts);
      break;

    case PROP_KT_GPU_PREFILL_TOKEN_THRESHOLD:
      g_value_set_uint64 (value, self->kt_gpu_prefill_token_threshold);
      break;

    case PROP_CACHE_MAX_ENTRY_COUNT:
      g_value_set_double (value, self->cache_max_entry_count);
      break;

    case PROP_LMDEPLOY_BACKEND:
      g_value_set_enum (value, self->lmdeploy_backend);
      break;

    case PROP_LMDEPLOY_RELEASE:
      g_value_set_enum (value, self->lmdeploy_release);
      break;

    case PROP_FREE_GPU_MEMORY_FRACTION:
      g_value_set_double (value, self->free_gpu_memory_fraction);
      break;

    case PROP_MLX_GROUP_SIZE:
      g_value_set_uint64 (value, self->mlx_group_size);
      break;

    case PROP_KV_BITS:
      g_value_set_uint64 (value, self->kv_bits);
      break;

    case PROP_KV_GROUP_SIZE:
      g_value_set_uint64 (value, self->kv_group_size);
      break;

    case PROP_QUANTIZED_KV_START:
      g_value_set_uint64 (value, self->quantized_kv_start);
      break;

    case PROP_MAX_KV_SIZE:
      g_value_set_uint64 (value, self->max_kv_size);
      break;

    case PROP_PROMPT_CACHE_SIZE:
      g_value_set_uint64 (value, self->prompt_cache_size);
      break;

    case PROP_BITS_PER_WEIGHT:
      g_value_set_double (value, self->bits_per_weight);
      break;

    case PROP_HEAD_BITS:
      g_value_set_uint64 (value, self->head_bits);
      break;

    case PROP_CACHE_MODE:
      g_value_set_string (value, self->cache_mode);
      break;

    case PROP_AUTOSPLIT_RESERVE:
      g_value_set_uint64 (value, self->autosplit_reserve);
      break;

    case PROP_EXLLAMA_RELEASE:
      g_value_set_enum (value, self->exllama_release);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
hr_inference_job_set_property (GObject      *object,
                               guint         prop_id,
                               const GValue *value,
                               GParamSpec   *pspec)
{
  HrInferenceJob *self = HR_INFERENCE_JOB (object);
  g_auto (GValue) old_value = G_VALUE_INIT;

  g_value_init (&old_value, G_PARAM_SPEC_VALUE_TYPE (pspec));
  hr_inference_job_get_property (object, prop_id, &old_value, pspec);
  if (g_param_values_cmp (pspec, &old_value, value) == 0)
    return;

  switch (prop_id)
    {
    case PROP_ENGINE:
      self->engine = g_value_get_enum (value);
      break;

    case PROP_BATCH_SIZE:
      self->batch_size = g_value_get_uint64 (value);
      break;

    case PROP_PROMPT_LENGTH:
      self->prompt_length = g_value_get_uint64 (value);
      break;

    case PROP_OUTPUT_LENGTH:
      self->output_length = g_value_get_uint64 (value);
      break;

    case PROP_BEAMS:
      self->beams = g_value_get_uint64 (value);
      break;

    case PROP_USE_CACHE:
      self->use_cache = g_value_get_boolean (value);
      break;

    case PROP_LOGITS_TO_KEEP:
      self->logits_to_keep = g_value_get_enum (value);
      break;

    case PROP_KV_CACHE_DTYPE:
      self->kv_cache_dtype = g_value_get_enum (value);
      break;

    case PROP_STATE_DTYPE:
      self->state_dtype = g_value_get_enum (value);
      break;

    case PROP_MAX_MODEL_LEN:
      self->max_model_len = g_value_get_uint64 (value);
      break;

    case PROP_MAX_NUM_SEQS:
      self->max_num_seqs = g_value_get_uint64 (value);
      break;

    case PROP_MAX_NUM_BATCHED_TOKENS:
      self->max_num_batched_tokens = g_value_get_uint64 (value);
      break;

    case PROP_GPU_LAYERS:
      self->gpu_layers = g_value_get_uint64 (value);
      break;

    case PROP_N_CPU_MOE:
      self->n_cpu_moe = g_value_get_uint64 (value);
      break;

    case PROP_N_CPU_FFN:
      self->n_cpu_ffn = g_value_get_uint64 (value);
      break;

    case PROP_OVERRIDE_TENSOR:
      hr_job_set_text (&self->override_tensor, value, pspec);
      break;

    case PROP_TENSOR_TYPES:
      hr_job_set_text (&self->tensor_types, value, pspec);
      break;

    case PROP_OP_OFFLOAD:
      self->op_offload = g_value_get_boolean (value);
      break;

    case PROP_FIT:
      self->fit = g_value_get_boolean (value);
      break;

    case PROP_FIT_TARGET:
      self->fit_target = g_value_get_uint64 (value);
      break;

    case PROP_GPU_OVERHEAD:
      self->gpu_overhead = g_value_get_uint64 (value);
      break;

    case PROP_SCHED_SPREAD:
      self->sched_spread = g_value_get_boolean (value);
      break;

    case PROP_FIT_CTX:
      self->fit_ctx = g_value_get_uint64 (value);
      break;

    case PROP_SPLIT_MODE:
      self->split_mode = g_value_get_enum (value);
      break;

    case PROP_TENSOR_SPLIT:
      hr_job_set_text (&self->tensor_split, value, pspec);
      break;

    case PROP_FLASH_ATTENTION:
      self->flash_attention = g_value_get_enum (value);
      break;

    case PROP_CACHE_TYPE_K:
      self->cache_type_k = g_value_get_enum (value);
      break;

    case PROP_CACHE_TYPE_V:
      self->cache_type_v = g_value_get_enum (value);
      break;

    case PROP_KV_UNIFIED:
      self->kv_unified = g_value_get_boolean (value);
      break;

    case PROP_KV_OFFLOAD:
      self->kv_offload = g_value_get_boolean (value);
      break;

    case PROP_SWA_FULL:
      self->swa_full = g_value_get_boolean (value);
      break;

    case PROP_DRAFT_MODEL:
      hr_job_set_text (&self->draft_model, value, pspec);
      break;

    case PROP_DRAFT_QUANTIZATION:
      self->draft_quantization = g_value_get_enum (value);
      break;

    case PROP_DRAFT_GPU_LAYERS:
      self->draft_gpu_layers = g_value_get_uint64 (value);
      break;

    case PROP_DRAFT_CACHE_TYPE_K:
      self->draft_cache_type_k = g_value_get_enum (value);
      break;

    case PROP_DRAFT_CACHE_TYPE_V:
      self->draft_cache_type_v = g_value_get_enum (value);
      break;

    case PROP_DRAFT_BATCHED_TOKENS:
      self->draft_batched_tokens = g_value_get_uint64 (value);
      break;

    case PROP_MMPROJ:
      self->mmproj = g_value_get_enum (value);
      break;

    case PROP_MMPROJ_OFFLOAD:
      self->mmproj_offload = g_value_get_boolean (value);
      break;

    case PROP_IMAGE_MAX_TOKENS:
      self->image_max_tokens = g_value_get_uint64 (value);
      break;

    case PROP_LLAMA_RELEASE:
      self->llama_release = g_value_get_enum (value);
      break;

    case PROP_GPU_MEMORY_UTILIZATION:
      self->gpu_memory_utilization = g_value_get_double (value);
      break;

    case PROP_BLOCK_SIZE:
      self->block_size = g_value_get_uint64 (value);
      break;

    case PROP_MAX_LORAS:
      self->max_loras = g_value_get_uint64 (value);
      break;

    case PROP_MAX_LORA_RANK:
      self->max_lora_rank = g_value_get_uint64 (value);
      break;

    case PROP_NUM_SPECULATIVE_TOKENS:
      self->num_speculative_tokens = g_value_get_uint64 (value);
      break;

    case PROP_SPECULATIVE_EAGLE_TOPK:
      self->speculative_eagle_topk = g_value_get_uint64 (value);
      break;

    case PROP_SPECULATIVE_NUM_DRAFT_TOKENS:
      self->speculative_num_draft_tokens = g_value_get_uint64 (value);
      break;

    case PROP_ENFORCE_EAGER:
      self->enforce_eager = g_value_get_boolean (value);
      break;

    case PROP_VLLM_RELEASE:
      self->vllm_release = g_value_get_enum (value);
      break;

    case PROP_MEM_FRACTION_STATIC:
      self->mem_fraction_static = g_value_get_double (value);
      break;

    case PROP_KV_CACHE_MEMORY:
      self->kv_cache_memory = g_value_get_double (value);
      break;

    case PROP_NUM_GPU_BLOCKS_OVERRIDE:
      self->num_gpu_blocks_override = g_value_get_uint64 (value);
      break;

    case PROP_MAX_TOTAL_TOKENS:
      self->max_total_tokens = g_value_get_uint64 (value);
      break;

    case PROP_CUDA_GRAPH_MAX_BS:
      self->cuda_graph_max_bs = g_value_get_uint64 (value);
      break;

    case PROP_DP_ATTENTION:
      self->dp_attention = g_value_get_boolean (value);
      break;

    case PROP_NGRAM_SPECULATION:
      self->ngram_speculation = g_value_get_boolean (value);
      break;

    case PROP_LANGUAGE_MODEL_ONLY:
      self->language_model_only = g_value_get_boolean (value);
      break;

    case PROP_SKIP_MM_PROFILING:
      self->skip_mm_profiling = g_value_get_boolean (value);
      break;

    case PROP_MM_ENCODER_DATA_PARALLEL:
      self->mm_encoder_data_parallel = g_value_get_boolean (value);
      break;

    case PROP_CHUNKED_PREFILL:
      self->chunked_prefill = g_value_get_boolean (value);
      break;

    case PROP_CPU_OFFLOAD_GB:
      self->cpu_offload_gb = g_value_get_double (value);
      break;

    case PROP_MAX_MAMBA_CACHE_SIZE:
      self->max_mamba_cache_size = g_value_get_uint64 (value);
      break;

    case PROP_MM_MAX_PIXELS:
      self->mm_max_pixels = g_value_get_uint64 (value);
      break;

    case PROP_SGLANG_RELEASE:
      self->sglang_release = g_value_get_enum (value);
      break;

    case PROP_KT_METHOD:
      self->kt_method = g_value_get_enum (value);
      break;

    case PROP_KT_NUM_GPU_EXPERTS:
      self->kt_num_gpu_experts = g_value_get_uint64 (value);
      break;

    case PROP_KT_GPU_PREFILL_TOKEN_THRESHOLD:
      self->kt_gpu_prefill_token_threshold = g_value_get_uint64 (value);
      break;

    case PROP_CACHE_MAX_ENTRY_COUNT:
      self->cache_max_entry_count = g_value_get_double (value);
      break;

    case PROP_LMDEPLOY_BACKEND:
      self->lmdeploy_backend = g_value_get_enum (value);
      break;

    case PROP_LMDEPLOY_RELEASE:
      self->lmdeploy_release = g_value_get_enum (value);
      break;

    case PROP_FREE_GPU_MEMORY_FRACTION:
      self->free_gpu_memory_fraction = g_value_get_double (value);
      break;

    case PROP_MLX_GROUP_SIZE:
      self->mlx_group_size = g_value_get_uint64 (value);
      break;

    case PROP_KV_BITS:
      self->kv_bits = g_value_get_uint64 (value);
      break;

    case PROP_KV_GROUP_SIZE:
      self->kv_group_size = g_value_get_uint64 (value);
      break;

    case PROP_QUANTIZED_KV_START:
      self->quantized_kv_start = g_value_get_uint64 (value);
      break;

    case PROP_MAX_KV_SIZE:
      self->max_kv_size = g_value_get_uint64 (value);
      break;

    case PROP_PROMPT_CACHE_SIZE:
      self->prompt_cache_size = g_value_get_uint64 (value);
      break;

    case PROP_BITS_PER_WEIGHT:
      self->bits_per_weight = g_value_get_double (value);
      break;

    case PROP_HEAD_BITS:
      self->head_bits = g_value_get_uint64 (value);
      break;

    case PROP_CACHE_MODE:
      g_free (self->cache_mode);
      self->cache_mode = g_value_dup_string (value);
      break;

    case PROP_AUTOSPLIT_RESERVE:
      self->autosplit_reserve = g_value_get_uint64 (value);
      break;

    case PROP_EXLLAMA_RELEASE:
      self->exllama_release = g_value_get_enum (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }

  g_object_notify_by_pspec (object, pspec);
}

/* Whether CUDA has flash attention for heads of these sizes (ggml_cuda_get_best_fattn_kernel at b11669). */
static gboolean
has_kernel (const HrAttention *a)
{
  static const guint64 dims[] = { 40, 64, 72, 80, 96, 112, 128, 256 };
  guint64 value_dim = a->value_head_dim > 0 ? a->value_head_dim : a->head_dim;
  guint64 group = a->num_attention_heads / MAX (a->num_key_value_heads, 1);

  if (a->latent_size > 0)
    return a->latent_size == 512 && a->rotary_dim == 64 && a->num_attention_heads % 2 == 0;
  if (a->head_dim == 192)
    return value_dim == 128 && group % 8 == 0;
  if (a->head_dim == 512)
    return value_dim == 512 && group % 2 == 0;

  for (guint i = 0; i < G_N_ELEMENTS (dims); i++)
    {
      if (a->head_dim == dims[i])
        return value_dim == dims[i];
    }

  return FALSE;
}

static gboolean
lacks_kernel (const HrBlock *block)
{
  return block->kind == HR_BLOCK_ATTENTION && !has_kernel (&block->attention);
}

/* Whether states are asked for in fp32. */
static gboolean
has_fp32_state (const HrBlock *block)
{
  return (block->kind == HR_BLOCK_MAMBA2 && block->mamba2.fp32_state) ||
         (block->kind == HR_BLOCK_GATED_DELTA && block->gated_delta.fp32_state);
}

typedef gboolean (*BlockFunc) (const HrBlock *block);

static gboolean
chain_has_any (const HrChain *chain,
               BlockFunc      is_one)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (is_one (&chain->blocks[i]))
        return TRUE;
    }

  return FALSE;
}

/* Whether a block of the layers that answer is one of a kind. */
static gboolean
model_has_any (HrModel   *model,
               BlockFunc  is_one)
{
  const HrStack *stack = hr_model_find_stack (model, HR_STACK_DECODER);

  for (guint i = 0; stack != NULL && i < stack->n_layer_classes; i++)
    {
      const HrLayerClass *layer_class = &stack->layer_classes[i];

      for (guint j = 0; j < layer_class->n_sublayers; j++)
        {
          for (guint k = 0; k < layer_class->sublayers[j].n_branches; k++)
            {
              if (chain_has_any (&layer_class->sublayers[j].branches[k], is_one))
                return TRUE;
            }
        }
    }

  return FALSE;
}

/* llama_context_default_params. */
#define LLAMA_UBATCH 512

/*
 * What Ollama tells llama-server (startLlamaServer of llm/llama_server.go): one type for keys and values, and nothing
 * of what is left here as llama-server has it.
 */
static void
resolve_ollama (HrInferenceJob *self)
{
  self->cache_type_v = self->cache_type_k;
  self->n_cpu_moe = 0;
  self->n_cpu_ffn = 0;
  g_free (self->override_tensor);
  self->override_tensor = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_OVERRIDE_TENSOR])->default_value);
  self->op_offload = TRUE;
  self->split_mode = HR_SPLIT_MODE_LAYER;
  g_free (self->tensor_split);
  self->tensor_split = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_TENSOR_SPLIT])->default_value);
  self->kv_unified = FALSE;
  self->kv_offload = TRUE;
  self->swa_full = FALSE;
  self->llama_release = HR_LLAMA_RELEASE_B11669;
}

/* Whether llama.cpp takes flash attention where it is left to it. */
static gboolean
chooses_flash (HrInferenceJob *self,
               HrModel        *model)
{
  return self->llama_release != HR_LLAMA_RELEASE_B4500 && self->cache_type_k == self->cache_type_v &&
         !model_has_any (model, lacks_kernel);
}

/* Whether convert_hf_to_gguf.py expands a checkpoint in a format (ModelBase.dequant_model: fp8, gptq, packed). */
static gboolean
is_expanded_for_llama (HrQuantization stored)
{
  static const HrQuantization expanded[] = {
    HR_QUANTIZATION_FP8, HR_QUANTIZATION_FP8_CHANNEL, HR_QUANTIZATION_FP8_TENSOR, HR_QUANTIZATION_GPTQ_INT8,
    HR_QUANTIZATION_GPTQ_INT4, HR_QUANTIZATION_GPTQ_INT3, HR_QUANTIZATION_GPTQ_INT2, HR_QUANTIZATION_W4A16_INT4,
    HR_QUANTIZATION_W8A16_INT8, HR_QUANTIZATION_W8A8_INT8,
  };

  for (guint i = 0; i < G_N_ELEMENTS (expanded); i++)
    {
      if (expanded[i] == stored)
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_inference_job_get_llama_file:
 * @stored: the format of a checkpoint
 *
 * Gets what llama.cpp’s converter makes of a checkpoint that is quantized itself: experts in MXFP4 stay as they are
 * (conversion of GptOssForCausalLM), other formats are expanded.
 *
 * Returns: the type of the file, none where the checkpoint is expanded, or @stored where it is not converted
 */
HrQuantization
hr_inference_job_get_llama_file (HrQuantization stored)
{
  if (stored == HR_QUANTIZATION_MXFP4)
    return HR_QUANTIZATION_MXFP4_MOE;

  return is_expanded_for_llama (stored) ? HR_QUANTIZATION_NONE : stored;
}

/* What somebody has set is taken as it is. */
static void
resolve_file (HrInferenceJob *self,
              HrModel        *model)
{
  if (hr_inference_job_runs_llama (self) && hr_job_get_quantization (HR_JOB (self)) == HR_QUANTIZATION_AUTO)
    g_object_set (self, "quantization", hr_inference_job_get_llama_file (hr_model_get_quantization (model)), NULL);
}

/* llama.cpp keeps 16-bit floats, whatever the model is in, and has room for what the batch needs. */
static void
resolve_llama (HrInferenceJob *self,
               HrModel        *model)
{
  HrLlamaCacheType type = HR_LLAMA_CACHE_TYPE_F16;

  if (hr_inference_job_runs_llama (self) && self->kv_cache_dtype == HR_DTYPE_AUTO)
    self->kv_cache_dtype = HR_DTYPE_FLOAT16;
  if (self->kv_cache_dtype == HR_DTYPE_FLOAT32)
    type = HR_LLAMA_CACHE_TYPE_F32;
  if (self->kv_cache_dtype == HR_DTYPE_BFLOAT16)
    type = HR_LLAMA_CACHE_TYPE_BF16;

  self->cache_type_k = self->cache_type_k == HR_LLAMA_CACHE_TYPE_AUTO ? type : self->cache_type_k;
  self->cache_type_v = self->cache_type_v == HR_LLAMA_CACHE_TYPE_AUTO ? type : self->cache_type_v;
  if (self->engine == HR_ENGINE_OLLAMA)
    resolve_ollama (self);
  if (self->flash_attention == HR_FLASH_ATTENTION_AUTO)
    self->flash_attention = chooses_flash (self, model) ? HR_FLASH_ATTENTION_ON : HR_FLASH_ATTENTION_OFF;
  self->mmproj = hr_projector_family_choose_file (model, self);
  if (self->engine != HR_ENGINE_LLAMA_CPP)
    return;

  if (self->max_num_batched_tokens == 0)
    self->max_num_batched_tokens = LLAMA_UBATCH;
  self->max_num_seqs = self->max_num_seqs == 0 ? self->batch_size : self->max_num_seqs;
  if (self->max_model_len == 0 && !hr_inference_job_leaves_context (self))
    self->max_model_len = self->prompt_length + self->output_length;
}

/* common_params_speculative: 16-bit floats, whatever the model's own caches are; the file type is the draft model's. */
static void
resolve_draft (HrInferenceJob *self)
{
  HrModel *draft = hr_job_get_model (HR_JOB (self), "draft-model");
  HrQuantization stored = draft != NULL ? hr_model_get_quantization (draft) : HR_QUANTIZATION_AUTO;

  if (hr_inference_job_runs_llama (self))
    stored = hr_inference_job_get_llama_file (stored);
  if (self->draft_quantization == HR_QUANTIZATION_AUTO)
    self->draft_quantization = stored != HR_QUANTIZATION_AUTO ? stored : HR_QUANTIZATION_NONE;
  if (self->draft_cache_type_k == HR_LLAMA_CACHE_TYPE_AUTO)
    self->draft_cache_type_k = HR_LLAMA_CACHE_TYPE_F16;
  if (self->draft_cache_type_v == HR_LLAMA_CACHE_TYPE_AUTO)
    self->draft_cache_type_v = HR_LLAMA_CACHE_TYPE_F16;
}

/*
 * _get_and_verify_max_len of vllm/config/model.py; ModelConfig of sglang/srt/configs/model_config.py;
 * _get_and_verify_max_len of lmdeploy/utils.py; infer_max_seq_len of tensorrt_llm/_torch/models/modeling_utils.py.
 */
static void
resolve_context (HrInferenceJob *self,
                 HrModel        *model)
{
  guint64 longest;

  if (!hr_inference_job_runs_server (self) || self->max_model_len > 0)
    return;

  if (hr_model_get_hyper_parameter (model, "max_position_embeddings", &longest) && longest > 0)
    self->max_model_len = longest;
  else
    self->max_model_len = self->prompt_length + self->output_length;
}

/* Models that TurboMind has a class for (SUPPORTED_ARCHS of lmdeploy/turbomind/supported_models.py). */
static void
resolve_lmdeploy (HrInferenceJob *self,
                  HrModel        *model)
{
  static const char * const types[] = {
    "llama", "mistral", "mixtral", "internlm", "internlm2", "internlm3", "qwen", "qwen2", "qwen2_moe", "qwen3",
    "qwen3_moe", "qwen2_vl", "qwen2_5_vl", "internvl", "internvl_chat", "gpt_oss", "baichuan", "chatglm", "llava", NULL,
  };
  const char *type = hr_model_get_model_type (model);

  if (self->lmdeploy_backend == HR_LMDEPLOY_BACKEND_AUTO)
    self->lmdeploy_backend = type != NULL && g_strv_contains (types, type) ? HR_LMDEPLOY_BACKEND_TURBOMIND
                                                                           : HR_LMDEPLOY_BACKEND_PYTORCH;
}

/* chunk_size of TabbyAPI, max_chunk_size of ExLlamaV3's Generator. */
#define EXLLAMA_CHUNK 2048

/*
 * hr_inference_job_converts_model:
 * @self: a job
 * @model: a model
 *
 * Checks whether a model is converted for ExLlamaV3: a number of bits says so, where nothing says that it is not.
 *
 * Returns: whether it is
 */
gboolean
hr_inference_job_converts_model (HrInferenceJob *self,
                                 HrModel        *model)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->engine == HR_ENGINE_EXLLAMA && self->bits_per_weight > 0 &&
         hr_job_get_quantization (HR_JOB (self)) == HR_QUANTIZATION_AUTO &&
         hr_model_get_quantization (model) <= HR_QUANTIZATION_NONE;
}

static void
resolve_exllama (HrInferenceJob *self,
                 HrModel        *model)
{
  if (self->engine == HR_ENGINE_EXLLAMA && self->max_num_batched_tokens == 0)
    self->max_num_batched_tokens = EXLLAMA_CHUNK;
  if (hr_inference_job_converts_model (self, model))
    g_object_set (self, "quantization", HR_QUANTIZATION_EXL3, NULL);
}

/* transformers' cache holds the keys and values as the layers compute them. */
static void
hr_inference_job_resolve (HrJob   *job,
                          HrModel *model)
{
  HrInferenceJob *self = HR_INFERENCE_JOB (job);

  resolve_exllama (self, model);
  resolve_file (self, model);
  HR_JOB_CLASS (hr_inference_job_parent_class)->resolve (job, model);
  resolve_llama (self, model);
  resolve_draft (self);
  resolve_context (self, model);
  resolve_lmdeploy (self, model);
  if (self->kv_cache_dtype == HR_DTYPE_AUTO)
    self->kv_cache_dtype = hr_job_get_dtype (job);
  self->state_dtype = hr_inference_job_get_engine_state_dtype (self);
  if (self->state_dtype == HR_DTYPE_AUTO)
    self->state_dtype = model_has_any (model, has_fp32_state) ? HR_DTYPE_FLOAT32 : hr_job_get_dtype (job);
}

static void
hr_inference_job_finalize (GObject *object)
{
  HrInferenceJob *self = HR_INFERENCE_JOB (object);

  g_free (self->cache_mode);
  g_free (self->tensor_split);
  g_free (self->draft_model);
  g_free (self->override_tensor);
  g_free (self->tensor_types);

  G_OBJECT_CLASS (hr_inference_job_parent_class)->finalize (object);
}

/* Numbers of which 0 stands for what the program takes by itself. */
static const guint left_open[] = {
  PROP_MAX_MODEL_LEN, PROP_MAX_NUM_SEQS, PROP_MAX_NUM_BATCHED_TOKENS, PROP_DRAFT_BATCHED_TOKENS, PROP_BLOCK_SIZE,
  PROP_SPECULATIVE_NUM_DRAFT_TOKENS, PROP_MEM_FRACTION_STATIC, PROP_KV_CACHE_MEMORY, PROP_NUM_GPU_BLOCKS_OVERRIDE,
  PROP_MAX_TOTAL_TOKENS, PROP_CUDA_GRAPH_MAX_BS, PROP_MAX_MAMBA_CACHE_SIZE, PROP_MM_MAX_PIXELS, PROP_IMAGE_MAX_TOKENS,
  PROP_MLX_GROUP_SIZE, PROP_BITS_PER_WEIGHT, PROP_HEAD_BITS,
};

static void
hr_inference_job_class_init (HrInferenceJobClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = hr_inference_job_finalize;
  object_class->get_property = hr_inference_job_get_property;
  object_class->set_property = hr_inference_job_set_property;

  HR_JOB_CLASS (klass)->mode = HR_MODE_INFERENCE;
  HR_JOB_CLASS (klass)->resolve = hr_inference_job_resolve;

  /**
   * HrInferenceJob:engine:
   *
   * The program that runs the model.
   */
  properties[PROP_ENGINE] =
    g_param_spec_enum ("engine",
                       N_("Engine"),
                       N_("The program that runs the model"),
                       HR_TYPE_ENGINE, HR_ENGINE_TRANSFORMERS,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:batch-size:
   *
   * How many sequences are generated at the same time.
   */
  properties[PROP_BATCH_SIZE] =
    g_param_spec_uint64 ("batch-size",
                         N_("Batch size"),
                         N_("How many sequences are generated at the same time"),
                         1, 65536, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:prompt-length:
   *
   * How many tokens each prompt has.
   */
  properties[PROP_PROMPT_LENGTH] =
    g_param_spec_uint64 ("prompt-length",
                         N_("Prompt length"),
                         N_("Tokens of each prompt"),
                         1, 16777216, 2048,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:output-length:
   *
   * How many tokens are generated for each prompt; 0 stops after the prompt is read.
   */
  properties[PROP_OUTPUT_LENGTH] =
    g_param_spec_uint64 ("output-length",
                         N_("Output length"),
                         N_("Tokens generated for each prompt; the cache grows by as many"),
                         0, 16777216, 512,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:beams:
   *
   * How many sequences beam search keeps for each prompt; 1 means no beam search.
   */
  properties[PROP_BEAMS] =
    g_param_spec_uint64 ("beams",
                         N_("Beams"),
                         N_("Sequences that beam search keeps for each prompt; 1 is greedy search or sampling"),
                         1, 1024, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:use-cache:
   *
   * Whether the keys and values of earlier tokens are kept.
   */
  properties[PROP_USE_CACHE] =
    g_param_spec_boolean ("use-cache",
                          N_("KV cache"),
                          N_("Keep the keys and values of earlier tokens; without it every step reads the whole "
                             "sequence again"),
                          TRUE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:logits-to-keep:
   *
   * The positions of the prompt that logits are computed for.
   */
  properties[PROP_LOGITS_TO_KEEP] =
    g_param_spec_enum ("logits-to-keep",
                       N_("Logits to keep"),
                       N_("Positions of the prompt that logits are computed for; generate() asks for the last one"),
                       HR_TYPE_LOGITS_TO_KEEP, HR_LOGITS_TO_KEEP_LAST,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:kv-cache-dtype:
   *
   * What keys and values are kept in.
   */
  properties[PROP_KV_CACHE_DTYPE] =
    g_param_spec_enum ("kv-cache-dtype",
                       N_("KV-cache data type"),
                       N_("What keys and values are kept in; “auto” is what the model computes in"),
                       HR_TYPE_DTYPE, HR_DTYPE_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:state-dtype:
   *
   * What the states of state spaces and gated delta networks are kept in.
   */
  properties[PROP_STATE_DTYPE] =
    g_param_spec_enum ("state-dtype",
                       N_("State data type"),
                       N_("What state spaces and gated delta networks keep of each sequence; “auto” is what the model "
                          "asks for, or what it computes in (vLLM’s mamba-ssm-cache-dtype), and with SGLang float32 "
                          "(mamba-ssm-dtype)"),
                       HR_TYPE_DTYPE, HR_DTYPE_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:max-model-len:
   *
   * How many tokens each sequence has room for; 0 is as many as prompt and output have, or, with vLLM, as many as the
   * model is made for, or what Ollama takes by the memory of the GPUs.
   */
  properties[PROP_MAX_MODEL_LEN] =
    g_param_spec_uint64 ("max-model-len",
                         N_("Context length"),
                         N_("Tokens that each sequence has room for; 0 is the prompt and the output together, what "
                            "the model is made for with servers such as vLLM, with Ollama (num_ctx) what it takes by "
                            "the GPUs’ memory, and where llama.cpp fits by itself what the model is made for, or as "
                            "much of it as fits. llama.cpp is told as many for all sequences together (-c)"),
                         0, 16777216, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:max-num-seqs:
   *
   * How many sequences there is room for at once; 0 is as many as the batch has, or what vLLM takes by itself.
   */
  properties[PROP_MAX_NUM_SEQS] =
    g_param_spec_uint64 ("max-num-seqs",
                         N_("Parallel sequences"),
                         N_("Sequences that the server has room for at once. llama.cpp calls them slots (-np); 0 is "
                            "the batch size there, 1 with Ollama (OLLAMA_NUM_PARALLEL), and otherwise what the program "
                            "takes by itself on the GPU: 256 or 1024 for vLLM, 128 to 1024 for LMDeploy, 2048 for "
                            "TensorRT-LLM"),
                         0, 65536, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:max-num-batched-tokens:
   *
   * How many tokens of prompts go through the layers together; 0 is what the program takes by itself.
   */
  properties[PROP_MAX_NUM_BATCHED_TOKENS] =
    g_param_spec_uint64 ("max-num-batched-tokens",
                         N_("Tokens computed at once"),
                         N_("How many tokens of prompts go through the layers together; llama.cpp calls it the "
                            "physical batch size (-ub), Ollama num_batch. 0 is what the program takes by itself: 512 "
                            "for llama.cpp, 512 to 2048 for Ollama, 2048 or 8192 for vLLM, 4096 or 8192 for LMDeploy, "
                            "8192 for TensorRT-LLM, 2048 for MLX and for ExLlamaV3 (chunk_size)"),
                         0, 1048576, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:gpu-layers:
   *
   * How many layers are on GPUs, the head being one of them; more than there are puts all of them there. Ollama finds
   * out by itself how many fit where this is as it is by default.
   */
  properties[PROP_GPU_LAYERS] =
    g_param_spec_uint64 ("gpu-layers",
                         N_("Layers on the GPU"),
                         N_("How many layers GPUs hold (-ngl, num_gpu), the head being one of them; the others stay on "
                            "the host. 999 leaves it to Ollama, which takes as many as fit"),
                         0, 9999, 999,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:n-cpu-moe:
   *
   * Of how many layers, counted from the first, the host keeps the experts.
   */
  properties[PROP_N_CPU_MOE] =
    g_param_spec_uint64 ("n-cpu-moe",
                         N_("Experts on the host"),
                         N_("Of how many layers, counted from the first, the host keeps the experts"),
                         0, 9999, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:n-cpu-ffn:
   *
   * Of how many layers, counted from the first, the host keeps the matrices of the perceptron.
   */
  properties[PROP_N_CPU_FFN] =
    g_param_spec_uint64 ("n-cpu-ffn",
                         N_("Perceptrons on the host"),
                         N_("Of how many layers, counted from the first, the host keeps the matrices of the "
                            "perceptron (--n-cpu-ffn); those of experts are another setting"),
                         0, 9999, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:override-tensor:
   *
   * Where single tensors are: patterns of their names in the file, each with `=` and a place behind, and commas
   * between them.
   */
  properties[PROP_OVERRIDE_TENSOR] =
    g_param_spec_string ("override-tensor",
                         N_("Places of tensors"),
                         N_("Where llama.cpp puts tensors whose names in the file a pattern matches (-ot), the first "
                            "one that does: CPU or a GPU such as CUDA0, as in "
                            "blk\\.[0-9]\\.ffn_.*_exps=CUDA0,exps=CPU; “none” leaves all with their layer"),
                         "none",
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:tensor-types:
   *
   * Types of single tensors in the file, whatever its file type says: patterns of their names, each with `=` and a type
   * of ggml behind, and commas between them.
   */
  properties[PROP_TENSOR_TYPES] =
    g_param_spec_string ("tensor-types",
                         N_("Types of tensors"),
                         N_("Types that tensors of the file have whose names a pattern matches, the first one that "
                            "does, where they are not those of its file type (--tensor-type of llama-quantize), as in "
                            "attn_v=f16,^output\\.=q6_K; “none” leaves all to the file type"),
                         "none",
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:op-offload:
   *
   * Whether GPUs compute long prompts with matrices that the host keeps.
   */
  properties[PROP_OP_OFFLOAD] =
    g_param_spec_boolean ("op-offload",
                          N_("Prompts of the host on the GPU"),
                          N_("Let the GPU compute prompts of 32 tokens and more with matrices that the host keeps, "
                             "which are copied there one by one (--no-op-offload forbids it)"),
                          TRUE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:fit:
   *
   * Whether llama.cpp finds out by itself which context and how many layers fit on the GPU that is named, where this is
   * not said.
   */
  properties[PROP_FIT] =
    g_param_spec_boolean ("fit",
                          N_("Fit to the GPU"),
                          N_("Leave it to llama.cpp how long the context is, where it is left at 0, and how many "
                             "layers the GPU holds, where their number is left at 999 and the shares are even: as "
                             "much as leaves a GiB free (--fit)"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:fit-target:
   *
   * What llama.cpp leaves free of each GPU where it fits by itself, in MiB.
   */
  properties[PROP_FIT_TARGET] =
    g_param_spec_uint64 ("fit-target",
                         N_("Left free by the fit"),
                         N_("MiB that llama.cpp leaves free of each GPU where it fits the model by itself "
                            "(--fit-target)"),
                         0, 1048576, 1024,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:fit-ctx:
   *
   * The shortest context that llama.cpp chooses where it fits by itself, in tokens.
   */
  properties[PROP_FIT_CTX] =
    g_param_spec_uint64 ("fit-ctx",
                         N_("Least context of the fit"),
                         N_("Tokens that llama.cpp leaves of the context where it fits the model by itself, before it "
                            "takes layers off the GPU (--fit-ctx)"),
                         1, 16777216, 4096,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:gpu-overhead:
   *
   * What Ollama does not count of each GPU where it chooses the context by itself, in MiB.
   */
  properties[PROP_GPU_OVERHEAD] =
    g_param_spec_uint64 ("gpu-overhead",
                         N_("Memory Ollama does not count"),
                         N_("MiB of each GPU that Ollama does not count where it chooses the context by the memory "
                            "(OLLAMA_GPU_OVERHEAD); since 0.30 this no longer keeps anything free"),
                         0, 1048576, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:sched-spread:
   *
   * Whether Ollama takes all GPUs for a model that one would hold.
   */
  properties[PROP_SCHED_SPREAD] =
    g_param_spec_boolean ("sched-spread",
                          N_("Spread over all GPUs"),
                          N_("Have Ollama take all GPUs for a model that it thinks one would hold "
                             "(OLLAMA_SCHED_SPREAD)"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:split-mode:
   *
   * How llama.cpp divides the model among several GPUs.
   */
  properties[PROP_SPLIT_MODE] =
    g_param_spec_enum ("split-mode",
                       N_("Division among GPUs"),
                       N_("How llama.cpp divides the model among several GPUs: whole layers with their keys and "
                          "values, or not at all, so that one of them is used (-sm)"),
                       HR_TYPE_SPLIT_MODE, HR_SPLIT_MODE_LAYER,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:tensor-split:
   *
   * Which part of the layers each GPU has: numbers with commas between them, or `even` where all have as many.
   */
  properties[PROP_TENSOR_SPLIT] =
    g_param_spec_string ("tensor-split",
                         N_("Shares of the GPUs"),
                         N_("Which part of the layers each GPU has (-ts): proportions with commas between them, such "
                            "as 3,1, or “even”, as llama.cpp has it where GPUs have as much memory free"),
                         "even",
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:flash-attention:
   *
   * Whether the attention is computed without keeping its scores.
   */
  properties[PROP_FLASH_ATTENTION] =
    g_param_spec_enum ("flash-attention",
                       N_("Flash attention"),
                       N_("Compute the attention without keeping its scores; “auto” is so where the GPU has it for "
                          "the heads of the model"),
                       HR_TYPE_FLASH_ATTENTION, HR_FLASH_ATTENTION_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:cache-type-k:
   *
   * What llama.cpp keeps keys in.
   */
  properties[PROP_CACHE_TYPE_K] =
    g_param_spec_enum ("cache-type-k",
                       N_("Type of keys"),
                       N_("What keys are kept in, and values as well with Ollama (OLLAMA_KV_CACHE_TYPE); “auto” is the "
                          "data type of the KV cache, or f16"),
                       HR_TYPE_LLAMA_CACHE_TYPE, HR_LLAMA_CACHE_TYPE_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:cache-type-v:
   *
   * What llama.cpp keeps values in.
   */
  properties[PROP_CACHE_TYPE_V] =
    g_param_spec_enum ("cache-type-v",
                       N_("Type of values"),
                       N_("What values are kept in; quantized types need flash attention, which CUDA has for keys and "
                          "values of one type"),
                       HR_TYPE_LLAMA_CACHE_TYPE, HR_LLAMA_CACHE_TYPE_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:kv-unified:
   *
   * Whether all sequences share one KV cache.
   */
  properties[PROP_KV_UNIFIED] =
    g_param_spec_boolean ("kv-unified",
                          N_("One cache for all"),
                          N_("All sequences share one KV cache, instead of having equal parts of it"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:kv-offload:
   *
   * Whether keys and values are where their layers are, not on the host.
   */
  properties[PROP_KV_OFFLOAD] =
    g_param_spec_boolean ("kv-offload",
                          N_("KV cache on the GPU"),
                          N_("Keys and values are where their layers are; otherwise the host keeps them"),
                          TRUE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:swa-full:
   *
   * Whether layers with a sliding window keep all tokens.
   */
  properties[PROP_SWA_FULL] =
    g_param_spec_boolean ("swa-full",
                          N_("Whole cache for windows"),
                          N_("Layers with a sliding window keep all tokens, so that a prompt can be taken up again at "
                             "any place"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:draft-model:
   *
   * Which model guesses tokens ahead, by its path or its id, or `none`.
   */
  properties[PROP_DRAFT_MODEL] =
    g_param_spec_string ("draft-model",
                         N_("Draft model"),
                         N_("The path or the id of a smaller model that guesses tokens ahead (-md), which has a "
                            "context and buffers of its own, or “none”"),
                         "none",
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:draft-quantization:
   *
   * The format that the weights of the draft model are quantized in.
   */
  properties[PROP_DRAFT_QUANTIZATION] =
    g_param_spec_enum ("draft-quantization",
                       N_("Quantization of the draft model"),
                       N_("The file type of the draft model; “auto” takes what its file or its configuration states"),
                       HR_TYPE_QUANTIZATION, HR_QUANTIZATION_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:draft-gpu-layers:
   *
   * How many layers of the draft model GPUs hold, the head being one of them.
   */
  properties[PROP_DRAFT_GPU_LAYERS] =
    g_param_spec_uint64 ("draft-gpu-layers",
                         N_("Layers of the draft model on the GPU"),
                         N_("How many layers of the draft model GPUs hold (-ngld), the head being one of them"),
                         0, 9999, 999,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:draft-cache-type-k:
   *
   * What keys of the draft model are kept in.
   */
  properties[PROP_DRAFT_CACHE_TYPE_K] =
    g_param_spec_enum ("draft-cache-type-k",
                       N_("Type of the draft model’s keys"),
                       N_("What keys of the draft model are kept in (-ctkd); “auto” is f16"),
                       HR_TYPE_LLAMA_CACHE_TYPE, HR_LLAMA_CACHE_TYPE_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:draft-cache-type-v:
   *
   * What values of the draft model are kept in.
   */
  properties[PROP_DRAFT_CACHE_TYPE_V] =
    g_param_spec_enum ("draft-cache-type-v",
                       N_("Type of the draft model’s values"),
                       N_("What values of the draft model are kept in (-ctvd); “auto” is f16"),
                       HR_TYPE_LLAMA_CACHE_TYPE, HR_LLAMA_CACHE_TYPE_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:draft-batched-tokens:
   *
   * How many tokens of prompts go through the draft model together; 0 is as many as through the model.
   */
  properties[PROP_DRAFT_BATCHED_TOKENS] =
    g_param_spec_uint64 ("draft-batched-tokens",
                         N_("Tokens the draft model computes at once"),
                         N_("How many tokens of prompts go through the draft model together (--spec-draft-n-ubatch); "
                            "0 is as many as through the model"),
                         0, 1048576, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:mmproj:
   *
   * The file of the multimodal projector that llama.cpp loads beside the model. %HR_PROJECTOR_FILE_AUTO stands for the
   * one that llama-server -hf finds beside a model that sees, whose matrices have 16 bits in most repositories; models
   * that do not see have none.
   */
  properties[PROP_MMPROJ] =
    g_param_spec_enum ("mmproj",
                       N_("Projector"),
                       N_("The file with the tower and the projector that llama.cpp loads beside a model that sees "
                          "(--mmproj), by the type of its matrices; auto stands for the one of 16 bits that "
                          "llama-server -hf loads by itself, none for --no-mmproj"),
                       HR_TYPE_PROJECTOR_FILE, HR_PROJECTOR_FILE_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:mmproj-offload:
   *
   * Whether a GPU holds and computes the projector.
   */
  properties[PROP_MMPROJ_OFFLOAD] =
    g_param_spec_boolean ("mmproj-offload",
                          N_("Projector on the GPU"),
                          N_("Whether the first GPU holds and computes the projector, or else the host "
                             "(--no-mmproj-offload)"),
                          TRUE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:image-max-tokens:
   *
   * How many tokens a picture can become at the most; 0 leaves it to llama.cpp.
   */
  properties[PROP_IMAGE_MAX_TOKENS] =
    g_param_spec_uint64 ("image-max-tokens",
                         N_("Tokens of a picture"),
                         N_("How many tokens the largest picture becomes, where a tower takes pictures of any size "
                            "(--image-max-tokens); 0 stands for the most that llama.cpp makes of one"),
                         0, 65536, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:llama-release:
   *
   * The release of llama.cpp, as far as what it reserves changed between them.
   */
  properties[PROP_LLAMA_RELEASE] =
    g_param_spec_enum ("llama-release",
                       N_("Release of llama.cpp"),
                       N_("Releases reserve other compute buffers, and put other layers on the GPU; b4500 stands for "
                          "those from May 2024 to spring 2025, b7522 for those up to December 2025, b9272 for those "
                          "up to May 2026, and for later programs other than the server, which have room for the "
                          "logits of all tokens, b10488 for those from June to September 2026"),
                       HR_TYPE_LLAMA_RELEASE, HR_LLAMA_RELEASE_B11669,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:gpu-memory-utilization:
   *
   * The share of the memory of a GPU that vLLM takes for the weights, what it computes with, and the cache.
   */
  properties[PROP_GPU_MEMORY_UTILIZATION] =
    g_param_spec_double ("gpu-memory-utilization",
                         N_("vLLM’s share of the memory"),
                         N_("The share of the GPU’s memory that vLLM takes for its weights, its work and its KV "
                            "cache, which gets what the others leave; 0.92 (0.9 up to release 0.20), or 0.3 "
                            "beside a trainer"),
                         0.01, 1, 0.92,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:block-size:
   *
   * How many tokens a block of the cache has; 0 is what the program takes by itself.
   */
  properties[PROP_BLOCK_SIZE] =
    g_param_spec_uint64 ("block-size",
                         N_("Tokens of a block"),
                         N_("How many tokens a block of the KV cache has; 0 is what the program takes by itself: 16 "
                            "for vLLM, or what its kernels and the states of a model need, 64 for LMDeploy, 32 for "
                            "TensorRT-LLM"),
                         0, 4096, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:max-loras:
   *
   * How many adapters requests may use at once, each of which has room on the GPU from the start; 0: none.
   */
  properties[PROP_MAX_LORAS] =
    g_param_spec_uint64 ("max-loras",
                         N_("LoRA adapters at once"),
                         N_("For how many LoRA adapters there is room on the GPU, whether they are loaded or not; 0 "
                            "serves the model alone"),
                         0, 1024, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:max-lora-rank:
   *
   * The highest rank that an adapter may have.
   */
  properties[PROP_MAX_LORA_RANK] =
    g_param_spec_uint64 ("max-lora-rank",
                         N_("Highest rank of adapters"),
                         N_("The highest rank that a LoRA adapter may have; each of them has room for it"),
                         1, 512, 16,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:num-speculative-tokens:
   *
   * How many tokens are guessed ahead, by the draft model, or with a layer that the model was trained with for that
   * (MTP); 0: none.
   */
  properties[PROP_NUM_SPECULATIVE_TOKENS] =
    g_param_spec_uint64 ("num-speculative-tokens",
                         N_("Tokens guessed ahead"),
                         N_("How many tokens are guessed ahead, by the draft model, or with the layer that the model "
                            "was trained with for that (MTP); 0 does without"),
                         0, 64, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:speculative-eagle-topk:
   *
   * How many guesses go on from each step.
   */
  properties[PROP_SPECULATIVE_EAGLE_TOPK] =
    g_param_spec_uint64 ("speculative-eagle-topk",
                         N_("Guesses that go on"),
                         N_("How many guesses go on from each step (--speculative-eagle-topk); each has room in the KV "
                            "cache"),
                         1, 64, 1,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:speculative-num-draft-tokens:
   *
   * How many of the guesses of a request are checked at once; 0: one more than there are steps.
   */
  properties[PROP_SPECULATIVE_NUM_DRAFT_TOKENS] =
    g_param_spec_uint64 ("speculative-num-draft-tokens",
                         N_("Guesses checked at once"),
                         N_("How many of the guesses of a request are checked at once "
                            "(--speculative-num-draft-tokens); 0 is one more than tokens are guessed ahead"),
                         0, 1024, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:enforce-eager:
   *
   * Whether the model runs operator by operator, without torch.compile and CUDA graphs.
   */
  properties[PROP_ENFORCE_EAGER] =
    g_param_spec_boolean ("enforce-eager",
                          N_("Without CUDA graphs"),
                          N_("Run the model operator by operator, without torch.compile and CUDA graphs, which are "
                             "faster and take memory of their own"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:vllm-release:
   *
   * The release of vLLM, as far as what it takes changed between them.
   */
  properties[PROP_VLLM_RELEASE] =
    g_param_spec_enum ("vllm-release",
                       N_("Release of vLLM"),
                       N_("Releases find out in other ways what is left for the KV cache; 0.28 stands for those since "
                          "0.23, 0.22 for those since 0.21, 0.20 for those since 0.17, 0.11 for those since 0.9, 0.7 "
                          "for the engine V0"),
                       HR_TYPE_VLLM_RELEASE, HR_VLLM_RELEASE_0_28,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:mem-fraction-static:
   *
   * The share of the memory that SGLang takes for the weights and the cache; 0 is what it takes by itself.
   */
  properties[PROP_MEM_FRACTION_STATIC] =
    g_param_spec_double ("mem-fraction-static",
                         N_("SGLang’s share of the memory"),
                         N_("The share of the memory that is free before the model is loaded which SGLang takes for "
                            "its weights and its KV cache; 0 is what it takes by itself"),
                         0, 0.99, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:kv-cache-memory:
   *
   * What vLLM sets apart of each GPU for its cache (--kv-cache-memory-bytes), in GiB; 0 is what its share leaves.
   */
  properties[PROP_KV_CACHE_MEMORY] =
    g_param_spec_double ("kv-cache-memory",
                         N_("KV cache memory"),
                         N_("What vLLM sets apart of each GPU for its KV cache, in GiB, whatever its share of the "
                            "memory is; 0 is what that share leaves"),
                         0, 4096, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:num-gpu-blocks-override:
   *
   * How many blocks vLLM's cache has, whatever there is room for; 0 is as many as there is room for.
   */
  properties[PROP_NUM_GPU_BLOCKS_OVERRIDE] =
    g_param_spec_uint64 ("num-gpu-blocks-override",
                         N_("Blocks of the KV cache"),
                         N_("How many blocks the KV cache of vLLM has, whatever there is room for; 0 is as many as "
                            "there is room for"),
                         0, G_GUINT64_CONSTANT (1) << 31, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:max-total-tokens:
   *
   * How many tokens the cache of SGLang has room for at the most; 0 is as many as its share of the memory has.
   */
  properties[PROP_MAX_TOTAL_TOKENS] =
    g_param_spec_uint64 ("max-total-tokens",
                         N_("Most tokens in the KV cache"),
                         N_("How many tokens the KV cache has room for at the most; 0 is as many as the program’s "
                            "share of the memory has room for, and with ExLlamaV3 (cache_size) as many as the requests "
                            "have"),
                         0, G_GUINT64_CONSTANT (1) << 31, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:cuda-graph-max-bs:
   *
   * The largest batch that SGLang captures a CUDA graph of, and vLLM of as many tokens; 0 is what they take by
   * themselves.
   */
  properties[PROP_CUDA_GRAPH_MAX_BS] =
    g_param_spec_uint64 ("cuda-graph-max-bs",
                         N_("Largest CUDA graph"),
                         N_("The largest batch that a CUDA graph is captured of; 0 is what the program takes by "
                            "itself, up to 512"),
                         0, 65536, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:dp-attention:
   *
   * Whether the copies that SGLang makes of the attention share the experts.
   */
  properties[PROP_DP_ATTENTION] =
    g_param_spec_boolean ("dp-attention",
                          N_("Copies of the attention alone"),
                          N_("Data parallelism makes copies of the attention, and all ranks share the experts; "
                             "otherwise each copy is whole"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:ngram-speculation:
   *
   * Whether vLLM guesses tokens ahead by what the text has had before.
   */
  properties[PROP_NGRAM_SPECULATION] =
    g_param_spec_boolean ("ngram-speculation",
                          N_("Guesses by n-grams"),
                          N_("Tokens are guessed ahead by what followed the last ones earlier in the text, which takes "
                             "no weights"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:language-model-only:
   *
   * Whether vLLM leaves the towers of a model that sees or hears away.
   */
  properties[PROP_LANGUAGE_MODEL_ONLY] =
    g_param_spec_boolean ("language-model-only",
                          N_("Text alone"),
                          N_("Towers that see and hear are neither loaded nor tried, as the server takes text alone"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:skip-mm-profiling:
   *
   * Whether vLLM leaves the encoder out of its trial run.
   */
  properties[PROP_SKIP_MM_PROFILING] =
    g_param_spec_boolean ("skip-mm-profiling",
                          N_("No trial of the encoder"),
                          N_("vLLM does not try what its largest images take, so that the KV cache gets the memory "
                             "that they may need later"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:mm-encoder-data-parallel:
   *
   * Whether each rank of vLLM has the whole of a tower, and some of the images (--mm-encoder-tp-mode data).
   */
  properties[PROP_MM_ENCODER_DATA_PARALLEL] =
    g_param_spec_boolean ("mm-encoder-data-parallel",
                          N_("Whole towers"),
                          N_("Each GPU has the whole of a tower that sees and looks at some of the images, where "
                             "several of them share each layer of the language model"),
                          FALSE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:chunked-prefill:
   *
   * Whether vLLM computes long prompts in chunks (--no-enable-chunked-prefill where it does not).
   */
  properties[PROP_CHUNKED_PREFILL] =
    g_param_spec_boolean ("chunked-prefill",
                          N_("Prompts in chunks"),
                          N_("Long prompts are computed in chunks, beside the tokens of other requests; otherwise as "
                             "many tokens are computed at once as the longest request has"),
                          TRUE,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:cpu-offload-gb:
   *
   * How much of the weights of each GPU vLLM leaves in the memory of the host, in GiB (--cpu-offload-gb).
   */
  properties[PROP_CPU_OFFLOAD_GB] =
    g_param_spec_double ("cpu-offload-gb",
                         N_("Weights on the host"),
                         N_("How much of the weights of each GPU stays in the memory of the host, in GiB, matrix by "
                            "matrix from the first layer on; the GPU reads it over the bus for every token"),
                         0, 4096, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:max-mamba-cache-size:
   *
   * How many states SGLang's pool has room for; 0 is what it takes by itself.
   */
  properties[PROP_MAX_MAMBA_CACHE_SIZE] =
    g_param_spec_uint64 ("max-mamba-cache-size",
                         N_("States in the pool"),
                         N_("For how many states of sequences SGLang's pool has room, of models with layers that "
                            "keep a state; 0 is as many as its share of the memory has room for"),
                         0, G_MAXUINT32, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:mm-max-pixels:
   *
   * The pixels of an image that the processor keeps at the most; 0 is what the model's own has.
   */
  properties[PROP_MM_MAX_PIXELS] =
    g_param_spec_uint64 ("mm-max-pixels",
                         N_("Most pixels of an image"),
                         N_("The pixels that the processor keeps of an image, where it takes images of any size; 0 is "
                            "what the model's own keeps"),
                         0, G_MAXUINT32, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:kt-method:
   *
   * The format in which the host keeps the experts where SGLang runs with kt-kernel of KTransformers.
   */
  properties[PROP_KT_METHOD] =
    g_param_spec_enum ("kt-method",
                       N_("Experts kept by the host"),
                       N_("The format in which KTransformers (kt-kernel) keeps the experts in the memory of the host, "
                          "and computes there those that the GPU has not (--kt-method): amxint4 and amxint8 are "
                          "converted, the others as in the checkpoint; none leaves all experts to the GPU"),
                       HR_TYPE_KT_METHOD, HR_KT_METHOD_NONE,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:kt-num-gpu-experts:
   *
   * How many experts of each layer the GPU has where the host keeps experts.
   */
  properties[PROP_KT_NUM_GPU_EXPERTS] =
    g_param_spec_uint64 ("kt-num-gpu-experts",
                         N_("Experts on the GPU"),
                         N_("How many experts of each layer are on the GPU as well where KTransformers keeps experts "
                            "on the host (--kt-num-gpu-experts)"),
                         0, 65536, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:kt-gpu-prefill-token-threshold:
   *
   * From how many tokens on the GPU computes a layer whole, for which its experts are copied to it; 0: it never does.
   */
  properties[PROP_KT_GPU_PREFILL_TOKEN_THRESHOLD] =
    g_param_spec_uint64 ("kt-gpu-prefill-token-threshold",
                         N_("Tokens for whole layers"),
                         N_("From how many tokens on KTransformers copies all experts of a layer to the GPU and "
                            "computes prompts there (--kt-gpu-prefill-token-threshold); 0: never"),
                         0, G_MAXINT32, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:sglang-release:
   *
   * The release of SGLang, as far as what it takes changed between them.
   */
  properties[PROP_SGLANG_RELEASE] =
    g_param_spec_enum ("sglang-release",
                       N_("Release of SGLang"),
                       N_("Releases leave other shares of the memory free by themselves; 0.5.8 stands for those since "
                          "0.5.4, 0.5 for those since 0.4.8, 0.4.6 for those since 0.4.5"),
                       HR_TYPE_SGLANG_RELEASE, HR_SGLANG_RELEASE_0_5_8,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:cache-max-entry-count:
   *
   * The share of what the weights leave that LMDeploy's cache takes.
   */
  properties[PROP_CACHE_MAX_ENTRY_COUNT] =
    g_param_spec_double ("cache-max-entry-count",
                         N_("LMDeploy’s share of the memory"),
                         N_("The share of the memory that is free when the weights are loaded which LMDeploy takes for "
                            "its KV cache; with 0.2.0 and 0.2.1 TurboMind takes it of all memory"),
                         0.01, 0.99, 0.8,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:lmdeploy-backend:
   *
   * What runs the layers for LMDeploy.
   */
  properties[PROP_LMDEPLOY_BACKEND] =
    g_param_spec_enum ("lmdeploy-backend",
                       N_("Backend of LMDeploy"),
                       N_("What runs the layers; “auto” is TurboMind where it knows the model, otherwise PyTorch"),
                       HR_TYPE_LMDEPLOY_BACKEND, HR_LMDEPLOY_BACKEND_AUTO,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:lmdeploy-release:
   *
   * The release of LMDeploy, as far as what it takes changed between them.
   */
  properties[PROP_LMDEPLOY_RELEASE] =
    g_param_spec_enum ("lmdeploy-release",
                       N_("Release of LMDeploy"),
                       N_("Releases set other sizes apart; 0.13 stands for those since then, 0.9.2 for those up to "
                          "0.11, 0.6 for those up to 0.9.1, 0.3 for those since 0.2.2, 0.2 for 0.2.0 and 0.2.1"),
                       HR_TYPE_LMDEPLOY_RELEASE, HR_LMDEPLOY_RELEASE_0_13,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:free-gpu-memory-fraction:
   *
   * The share of what weights and the trial run leave that TensorRT-LLM's cache takes.
   */
  properties[PROP_FREE_GPU_MEMORY_FRACTION] =
    g_param_spec_double ("free-gpu-memory-fraction",
                         N_("TensorRT-LLM’s share of the memory"),
                         N_("The share of the memory which the weights and the trial run leave free that TensorRT-LLM "
                            "takes for its KV cache"),
                         0.01, 1, 0.9,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:mlx-group-size:
   *
   * Elements of a row that share a scale where a model is quantized for MLX; 0 is what it was converted with, or
   * what mlx_lm.convert takes by itself.
   */
  properties[PROP_MLX_GROUP_SIZE] =
    g_param_spec_uint64 ("mlx-group-size",
                         N_("Group size of MLX"),
                         N_("Elements of a row that share a scale in a model that is quantized for MLX "
                            "(--q-group-size): 32, 64 or 128; 0 is what the model was converted with, or 64"),
                         0, 65536, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:kv-bits:
   *
   * Bits of an element of the KV cache of MLX; 0 keeps keys and values as they are computed.
   */
  properties[PROP_KV_BITS] =
    g_param_spec_uint64 ("kv-bits",
                         N_("Bits of the KV cache"),
                         N_("Bits of an element of the KV cache of MLX (--kv-bits): 2, 3, 4, 6 or 8; 0 keeps it as "
                            "the model computes"),
                         0, 8, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:kv-group-size:
   *
   * Elements of MLX's KV cache that share a scale, where it is quantized.
   */
  properties[PROP_KV_GROUP_SIZE] =
    g_param_spec_uint64 ("kv-group-size",
                         N_("Group size of the KV cache"),
                         N_("Elements of a quantized KV cache that share a scale: 32, 64 or 128"),
                         32, 128, 64,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:quantized-kv-start:
   *
   * How many tokens there are before MLX quantizes its KV cache.
   */
  properties[PROP_QUANTIZED_KV_START] =
    g_param_spec_uint64 ("quantized-kv-start",
                         N_("Tokens before the KV cache is quantized"),
                         N_("From this token on MLX quantizes the KV cache, all of it at once "
                            "(--quantized-kv-start)"),
                         0, 16777216, 5000,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:max-kv-size:
   *
   * How many tokens MLX's KV cache keeps at the most; 0 is all of them.
   */
  properties[PROP_MAX_KV_SIZE] =
    g_param_spec_uint64 ("max-kv-size",
                         N_("Largest KV cache"),
                         N_("Tokens that the KV cache of MLX keeps at the most, the first four and the last ones "
                            "(--max-kv-size); 0 keeps all. Models that make their own caches do not take it"),
                         0, 16777216, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:prompt-cache-size:
   *
   * KV caches of earlier requests that mlx_lm.server keeps.
   */
  properties[PROP_PROMPT_CACHE_SIZE] =
    g_param_spec_uint64 ("prompt-cache-size",
                         N_("Kept prompts"),
                         N_("KV caches of earlier requests that mlx_lm.server keeps beside the one that runs "
                            "(--prompt-cache-size), each as long as this one; mlx_lm.generate keeps none"),
                         0, 1024, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:bits-per-weight:
   *
   * Bits of an element of the matrices that ExLlamaV3 quantizes, on the average; 0 is what the model was converted
   * with.
   */
  properties[PROP_BITS_PER_WEIGHT] =
    g_param_spec_double ("bits-per-weight",
                         N_("Bits per weight"),
                         N_("Bits of an element on the average in a model that is converted to EXL3 (convert.py -b): 1 "
                            "to 8, such as 3.5; 0 is what the model was converted with, or 4"),
                         0, 8, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:head-bits:
   *
   * Bits of an element of the head of a model that ExLlamaV3 quantizes; 0 is what the model was converted with.
   */
  properties[PROP_HEAD_BITS] =
    g_param_spec_uint64 ("head-bits",
                         N_("Bits of the head"),
                         N_("Bits of an element of the head, which is not among the average, in a model that is "
                            "converted to EXL3 (convert.py -hb): 1 to 8, or 16; 0 is what the model was converted "
                            "with, or 6"),
                         0, 16, 0,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:cache-mode:
   *
   * What the KV cache of ExLlamaV3 keeps: `FP16`, or the bits of an element of keys and of values with a comma between.
   */
  properties[PROP_CACHE_MODE] =
    g_param_spec_string ("cache-mode",
                         N_("KV cache of ExLlamaV3"),
                         N_("What the KV cache of ExLlamaV3 keeps (cache_mode): FP16, or the bits of an element of "
                            "keys and of values, 2 to 8 each, such as 8,8 or 5,4; Q8, Q6 and Q4 stand for two alike"),
                         "FP16",
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:autosplit-reserve:
   *
   * MiB that ExLlamaV3 leaves free of the first GPU when it loads a model.
   */
  properties[PROP_AUTOSPLIT_RESERVE] =
    g_param_spec_uint64 ("autosplit-reserve",
                         N_("Left free on the first GPU"),
                         N_("MiB that ExLlamaV3 leaves free of the first GPU when it loads a model "
                            "(autosplit_reserve); of every other GPU it leaves 512"),
                         0, 1048576, 96,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * HrInferenceJob:exllama-release:
   *
   * The release of ExLlamaV3, as far as what it takes changed between them.
   */
  properties[PROP_EXLLAMA_RELEASE] =
    g_param_spec_enum ("exllama-release",
                       N_("Release of ExLlamaV3"),
                       N_("1.4 stands for those since 1.0, whose layers add in place and whose attention reads a "
                          "quantized cache; 0.0.3 for those up to 0.0.4, which expand it for each layer"),
                       HR_TYPE_EXLLAMA_RELEASE, HR_EXLLAMA_RELEASE_1_4,
                       G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  hr_job_mark_setting (properties[PROP_ENGINE], 50, FALSE);
  hr_job_mark_setting (properties[PROP_BATCH_SIZE], 300, FALSE);
  hr_job_mark_setting (properties[PROP_PROMPT_LENGTH], 400, FALSE);
  hr_job_mark_setting (properties[PROP_OUTPUT_LENGTH], 500, FALSE);
  hr_job_mark_setting (properties[PROP_BEAMS], 620, TRUE);
  hr_job_mark_setting (properties[PROP_USE_CACHE], 640, TRUE);
  hr_job_mark_setting (properties[PROP_LOGITS_TO_KEEP], 660, TRUE);
  hr_job_mark_setting (properties[PROP_KV_CACHE_DTYPE], 600, FALSE);
  hr_job_mark_setting (properties[PROP_STATE_DTYPE], 605, TRUE);
  hr_job_mark_setting (properties[PROP_MAX_MODEL_LEN], 510, FALSE);
  hr_job_mark_setting (properties[PROP_MAX_NUM_SEQS], 310, FALSE);
  hr_job_mark_setting (properties[PROP_MAX_NUM_BATCHED_TOKENS], 520, TRUE);
  hr_job_mark_setting (properties[PROP_GPU_LAYERS], 610, FALSE);
  hr_job_mark_setting (properties[PROP_N_CPU_MOE], 612, TRUE);
  hr_job_mark_setting (properties[PROP_N_CPU_FFN], 613, TRUE);
  hr_job_mark_setting (properties[PROP_OVERRIDE_TENSOR], 615, TRUE);
  hr_job_mark_patterns (properties[PROP_OVERRIDE_TENSOR]);
  hr_job_mark_setting (properties[PROP_TENSOR_TYPES], 150, TRUE);
  hr_job_mark_patterns (properties[PROP_TENSOR_TYPES]);
  hr_job_mark_setting (properties[PROP_OP_OFFLOAD], 649, TRUE);
  hr_job_mark_setting (properties[PROP_FIT], 611, TRUE);
  hr_job_mark_setting (properties[PROP_FIT_TARGET], 611, TRUE);
  hr_job_mark_setting (properties[PROP_FIT_CTX], 611, TRUE);
  hr_job_mark_setting (properties[PROP_GPU_OVERHEAD], 511, TRUE);
  hr_job_mark_setting (properties[PROP_SCHED_SPREAD], 614, TRUE);
  hr_job_mark_setting (properties[PROP_SPLIT_MODE], 614, TRUE);
  hr_job_mark_setting (properties[PROP_TENSOR_SPLIT], 616, TRUE);
  hr_job_mark_setting (properties[PROP_FLASH_ATTENTION], 705, FALSE);
  hr_job_mark_setting (properties[PROP_CACHE_TYPE_K], 602, FALSE);
  hr_job_mark_setting (properties[PROP_CACHE_TYPE_V], 604, FALSE);
  hr_job_mark_setting (properties[PROP_KV_UNIFIED], 645, TRUE);
  hr_job_mark_setting (properties[PROP_KV_OFFLOAD], 646, TRUE);
  hr_job_mark_setting (properties[PROP_SWA_FULL], 647, TRUE);
  hr_job_mark_setting (properties[PROP_DRAFT_MODEL], 672, TRUE);
  hr_job_mark_model (properties[PROP_DRAFT_MODEL]);
  hr_job_mark_setting (properties[PROP_DRAFT_QUANTIZATION], 673, TRUE);
  hr_job_mark_setting (properties[PROP_DRAFT_GPU_LAYERS], 674, TRUE);
  hr_job_mark_setting (properties[PROP_DRAFT_CACHE_TYPE_K], 675, TRUE);
  hr_job_mark_setting (properties[PROP_DRAFT_CACHE_TYPE_V], 676, TRUE);
  hr_job_mark_setting (properties[PROP_DRAFT_BATCHED_TOKENS], 677, TRUE);
  hr_job_mark_setting (properties[PROP_MMPROJ], 662, TRUE);
  hr_job_mark_setting (properties[PROP_MMPROJ_OFFLOAD], 663, TRUE);
  hr_job_mark_setting (properties[PROP_IMAGE_MAX_TOKENS], 664, TRUE);
  hr_job_mark_setting (properties[PROP_LLAMA_RELEASE], 648, TRUE);
  hr_job_mark_setting (properties[PROP_GPU_MEMORY_UTILIZATION], 606, FALSE);
  hr_job_mark_setting (properties[PROP_BLOCK_SIZE], 650, TRUE);
  hr_job_mark_setting (properties[PROP_MAX_LORAS], 654, TRUE);
  hr_job_mark_setting (properties[PROP_MAX_LORA_RANK], 656, TRUE);
  hr_job_mark_setting (properties[PROP_NUM_SPECULATIVE_TOKENS], 658, TRUE);
  hr_job_mark_setting (properties[PROP_SPECULATIVE_EAGLE_TOPK], 660, TRUE);
  hr_job_mark_setting (properties[PROP_SPECULATIVE_NUM_DRAFT_TOKENS], 661, TRUE);
  hr_job_mark_setting (properties[PROP_ENFORCE_EAGER], 710, FALSE);
  hr_job_mark_setting (properties[PROP_VLLM_RELEASE], 652, TRUE);
  hr_job_mark_setting (properties[PROP_MEM_FRACTION_STATIC], 607, FALSE);
  hr_job_mark_setting (properties[PROP_KV_CACHE_MEMORY], 649, TRUE);
  hr_job_mark_setting (properties[PROP_NUM_GPU_BLOCKS_OVERRIDE], 651, TRUE);
  hr_job_mark_setting (properties[PROP_MAX_TOTAL_TOKENS], 653, TRUE);
  hr_job_mark_setting (properties[PROP_CUDA_GRAPH_MAX_BS], 711, TRUE);
  hr_job_mark_setting (properties[PROP_DP_ATTENTION], 654, TRUE);
  hr_job_mark_setting (properties[PROP_NGRAM_SPECULATION], 659, TRUE);
  hr_job_mark_setting (properties[PROP_LANGUAGE_MODEL_ONLY], 656, TRUE);
  hr_job_mark_setting (properties[PROP_SKIP_MM_PROFILING], 657, TRUE);
  hr_job_mark_setting (properties[PROP_MM_ENCODER_DATA_PARALLEL], 657, TRUE);
  hr_job_mark_setting (properties[PROP_CHUNKED_PREFILL], 648, TRUE);
  hr_job_mark_setting (properties[PROP_CPU_OFFLOAD_GB], 610, FALSE);
  hr_job_mark_setting (properties[PROP_MAX_MAMBA_CACHE_SIZE], 653, TRUE);
  hr_job_mark_setting (properties[PROP_MM_MAX_PIXELS], 658, TRUE);
  hr_job_mark_setting (properties[PROP_SGLANG_RELEASE], 655, TRUE);
  hr_job_mark_setting (properties[PROP_KT_METHOD], 612, FALSE);
  hr_job_mark_setting (properties[PROP_KT_NUM_GPU_EXPERTS], 613, FALSE);
  hr_job_mark_setting (properties[PROP_KT_GPU_PREFILL_TOKEN_THRESHOLD], 614, TRUE);
  hr_job_mark_setting (properties[PROP_CACHE_MAX_ENTRY_COUNT], 608, FALSE);
  hr_job_mark_setting (properties[PROP_LMDEPLOY_BACKEND], 657, TRUE);
  hr_job_mark_setting (properties[PROP_LMDEPLOY_RELEASE], 659, TRUE);
  hr_job_mark_setting (properties[PROP_FREE_GPU_MEMORY_FRACTION], 609, FALSE);
  hr_job_mark_setting (properties[PROP_MLX_GROUP_SIZE], 608, TRUE);
  hr_job_mark_setting (properties[PROP_KV_BITS], 603, FALSE);
  hr_job_mark_setting (properties[PROP_KV_GROUP_SIZE], 605, TRUE);
  hr_job_mark_setting (properties[PROP_QUANTIZED_KV_START], 605, TRUE);
  hr_job_mark_setting (properties[PROP_MAX_KV_SIZE], 606, TRUE);
  hr_job_mark_setting (properties[PROP_PROMPT_CACHE_SIZE], 607, TRUE);
  hr_job_mark_setting (properties[PROP_BITS_PER_WEIGHT], 606, FALSE);
  hr_job_mark_setting (properties[PROP_HEAD_BITS], 607, TRUE);
  hr_job_mark_setting (properties[PROP_CACHE_MODE], 603, FALSE);
  hr_job_mark_setting (properties[PROP_AUTOSPLIT_RESERVE], 609, TRUE);
  hr_job_mark_setting (properties[PROP_EXLLAMA_RELEASE], 659, TRUE);

  for (guint i = 0; i < G_N_ELEMENTS (left_open); i++)
    hr_job_mark_left_open (properties[left_open[i]]);
}

static void
hr_inference_job_init (HrInferenceJob *self)
{
  self->batch_size = G_PARAM_SPEC_UINT64 (properties[PROP_BATCH_SIZE])->default_value;
  self->prompt_length = G_PARAM_SPEC_UINT64 (properties[PROP_PROMPT_LENGTH])->default_value;
  self->output_length = G_PARAM_SPEC_UINT64 (properties[PROP_OUTPUT_LENGTH])->default_value;
  self->beams = G_PARAM_SPEC_UINT64 (properties[PROP_BEAMS])->default_value;
  self->use_cache = G_PARAM_SPEC_BOOLEAN (properties[PROP_USE_CACHE])->default_value;
  self->gpu_layers = G_PARAM_SPEC_UINT64 (properties[PROP_GPU_LAYERS])->default_value;
  self->cache_mode = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_CACHE_MODE])->default_value);
  self->tensor_split = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_TENSOR_SPLIT])->default_value);
  self->kv_offload = G_PARAM_SPEC_BOOLEAN (properties[PROP_KV_OFFLOAD])->default_value;
  self->override_tensor = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_OVERRIDE_TENSOR])->default_value);
  self->tensor_types = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_TENSOR_TYPES])->default_value);
  self->op_offload = G_PARAM_SPEC_BOOLEAN (properties[PROP_OP_OFFLOAD])->default_value;
  self->mmproj_offload = G_PARAM_SPEC_BOOLEAN (properties[PROP_MMPROJ_OFFLOAD])->default_value;
  self->draft_model = g_strdup (G_PARAM_SPEC_STRING (properties[PROP_DRAFT_MODEL])->default_value);
  self->draft_gpu_layers = G_PARAM_SPEC_UINT64 (properties[PROP_DRAFT_GPU_LAYERS])->default_value;
  self->gpu_memory_utilization = G_PARAM_SPEC_DOUBLE (properties[PROP_GPU_MEMORY_UTILIZATION])->default_value;
  self->max_lora_rank = G_PARAM_SPEC_UINT64 (properties[PROP_MAX_LORA_RANK])->default_value;
  self->chunked_prefill = G_PARAM_SPEC_BOOLEAN (properties[PROP_CHUNKED_PREFILL])->default_value;
  self->speculative_eagle_topk = G_PARAM_SPEC_UINT64 (properties[PROP_SPECULATIVE_EAGLE_TOPK])->default_value;
  self->cache_max_entry_count = G_PARAM_SPEC_DOUBLE (properties[PROP_CACHE_MAX_ENTRY_COUNT])->default_value;
  self->free_gpu_memory_fraction = G_PARAM_SPEC_DOUBLE (properties[PROP_FREE_GPU_MEMORY_FRACTION])->default_value;
  self->kv_group_size = G_PARAM_SPEC_UINT64 (properties[PROP_KV_GROUP_SIZE])->default_value;
  self->quantized_kv_start = G_PARAM_SPEC_UINT64 (properties[PROP_QUANTIZED_KV_START])->default_value;
  self->autosplit_reserve = G_PARAM_SPEC_UINT64 (properties[PROP_AUTOSPLIT_RESERVE])->default_value;
  self->fit_target = G_PARAM_SPEC_UINT64 (properties[PROP_FIT_TARGET])->default_value;
  self->fit_ctx = G_PARAM_SPEC_UINT64 (properties[PROP_FIT_CTX])->default_value;
}

/**
 * hr_inference_job_new:
 *
 * Creates a job with every setting at its default.
 *
 * Returns: (transfer full): a new job
 */
HrInferenceJob *
hr_inference_job_new (void)
{
  return g_object_new (HR_TYPE_INFERENCE_JOB, NULL);
}

/**
 * hr_inference_job_get_engine: (skip)
 * @self: a job
 *
 * Gets the program that runs the model.
 *
 * Returns: the value of the setting
 */
HrEngine
hr_inference_job_get_engine (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_ENGINE_TRANSFORMERS);

  return self->engine;
}

/**
 * hr_inference_job_runs_llama:
 * @self: an inference job
 *
 * Gets whether llama.cpp computes the job, by itself or for Ollama.
 *
 * Returns: whether it does
 */
gboolean
hr_inference_job_runs_llama (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->engine == HR_ENGINE_LLAMA_CPP || self->engine == HR_ENGINE_OLLAMA;
}

/**
 * hr_inference_job_runs_server:
 * @self: an inference job
 *
 * Gets whether an engine computes the job that serves requests from blocks of a share of the memory.
 *
 * Returns: whether one does
 */
gboolean
hr_inference_job_runs_server (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  switch ((guint) self->engine)
    {
    case HR_ENGINE_VLLM:
    case HR_ENGINE_SGLANG:
    case HR_ENGINE_LMDEPLOY:
    case HR_ENGINE_TENSORRT_LLM:
      return TRUE;

    default:
      return FALSE;
    }
}

/**
 * hr_inference_job_get_batch_size:
 * @self: a job
 *
 * Gets how many sequences are generated at the same time.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_batch_size (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->batch_size;
}

/**
 * hr_inference_job_get_prompt_length:
 * @self: a job
 *
 * Gets how many tokens each prompt has.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_prompt_length (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->prompt_length;
}

/**
 * hr_inference_job_get_output_length:
 * @self: a job
 *
 * Gets how many tokens are generated for each prompt; 0 stops after the prompt is read.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_output_length (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->output_length;
}

/**
 * hr_inference_job_get_beams:
 * @self: a job
 *
 * Gets how many sequences beam search keeps for each prompt; 1 means no beam search.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_beams (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->beams;
}

/**
 * hr_inference_job_get_use_cache:
 * @self: a job
 *
 * Gets whether the keys and values of earlier tokens are kept.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_use_cache (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->use_cache;
}

/**
 * hr_inference_job_get_logits_to_keep:
 * @self: a job
 *
 * Gets the positions of the prompt that logits are computed for.
 *
 * Returns: the value of the setting
 */
HrLogitsToKeep
hr_inference_job_get_logits_to_keep (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_LOGITS_TO_KEEP_LAST);

  return self->logits_to_keep;
}

/**
 * hr_inference_job_get_state_dtype:
 * @self: a job
 *
 * Gets what states are kept in.
 *
 * Returns: the value of the setting
 */
HrDtype
hr_inference_job_get_state_dtype (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_DTYPE_AUTO);

  return self->state_dtype;
}

/*
 * hr_inference_job_get_engine_state_dtype:
 * @self: a job
 *
 * Gets what the engine keeps states in, which SGLang does not ask the model for (mamba_ssm_dtype of
 * sglang/srt/server_args.py).
 *
 * Returns: the value of the setting, or what the engine takes by itself; %HR_DTYPE_AUTO is as the model asks for
 */
HrDtype
hr_inference_job_get_engine_state_dtype (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_DTYPE_AUTO);

  return self->state_dtype == HR_DTYPE_AUTO && self->engine == HR_ENGINE_SGLANG ? HR_DTYPE_FLOAT32 : self->state_dtype;
}

/**
 * hr_inference_job_get_kv_cache_dtype:
 * @self: a job
 *
 * Gets what keys and values are kept in.
 *
 * Returns: the value of the setting
 */
HrDtype
hr_inference_job_get_kv_cache_dtype (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_DTYPE_AUTO);

  return self->kv_cache_dtype;
}

/**
 * hr_inference_job_get_max_model_len:
 * @self: a job
 *
 * Gets how many tokens each sequence has room for; 0 is as many as prompt and output have, or, with vLLM, as many as
 * the model is made for.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_max_model_len (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->max_model_len;
}

/**
 * hr_inference_job_get_max_num_seqs:
 * @self: a job
 *
 * Gets how many sequences there is room for at once; 0 is as many as the batch has, or what vLLM takes by itself.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_max_num_seqs (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->max_num_seqs;
}

/**
 * hr_inference_job_get_max_num_batched_tokens:
 * @self: a job
 *
 * Gets how many tokens of prompts go through the layers together; 0 is what the program takes by itself.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_max_num_batched_tokens (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->max_num_batched_tokens;
}

/**
 * hr_inference_job_get_gpu_layers:
 * @self: a job
 *
 * Gets how many layers are on GPUs, the head being one of them; more than there are puts all of them there.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_gpu_layers (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->gpu_layers;
}

/**
 * hr_inference_job_get_n_cpu_moe:
 * @self: a job
 *
 * Gets of how many layers, counted from the first, the host keeps the experts.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_n_cpu_moe (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->n_cpu_moe;
}

/**
 * hr_inference_job_get_n_cpu_ffn:
 * @self: an inference job
 *
 * Gets of how many layers the host keeps the matrices of the perceptron.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_n_cpu_ffn (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->n_cpu_ffn;
}

/**
 * hr_inference_job_get_override_tensor:
 * @self: an inference job
 *
 * Gets where single tensors are.
 *
 * Returns: (transfer none): patterns and places, or `none`
 */
const char *
hr_inference_job_get_override_tensor (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), NULL);

  return self->override_tensor;
}

/**
 * hr_inference_job_get_tensor_types:
 * @self: an inference job
 *
 * Gets the types that single tensors of the file have.
 *
 * Returns: (transfer none): patterns and types, or `none`
 */
const char *
hr_inference_job_get_tensor_types (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), NULL);

  return self->tensor_types;
}

/**
 * hr_inference_job_get_op_offload:
 * @self: an inference job
 *
 * Gets whether GPUs compute prompts with matrices that the host keeps.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_op_offload (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->op_offload;
}

/**
 * hr_inference_job_get_fit:
 * @self: a job
 *
 * Gets whether llama.cpp finds out by itself how many layers fit.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_fit (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->fit;
}

/**
 * hr_inference_job_get_fit_target:
 * @self: a job of inference
 *
 * Gets what llama.cpp leaves free of each GPU where it fits by itself.
 *
 * Returns: the size in MiB
 */
guint64
hr_inference_job_get_fit_target (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->fit_target;
}

/**
 * hr_inference_job_get_gpu_overhead:
 * @self: a job of inference
 *
 * Gets what Ollama does not count of each GPU where it chooses the context by itself.
 *
 * Returns: the size in MiB
 */
guint64
hr_inference_job_get_gpu_overhead (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->gpu_overhead;
}

/**
 * hr_inference_job_get_sched_spread:
 * @self: a job of inference
 *
 * Gets whether Ollama takes all GPUs for a model that one would hold.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_sched_spread (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->sched_spread;
}

/**
 * hr_inference_job_get_fit_ctx:
 * @self: a job of inference
 *
 * Gets the shortest context that llama.cpp chooses where it fits by itself.
 *
 * Returns: the number of tokens
 */
guint64
hr_inference_job_get_fit_ctx (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->fit_ctx;
}

/**
 * hr_inference_job_leaves_layers:
 * @self: a job of inference
 *
 * Tells whether it is left to llama.cpp, by itself or for Ollama, which layers GPUs hold: not where it is told of any
 * place (“tensor_buft_overrides already set by user, abort” of common/fit.cpp).
 *
 * Returns: whether it is
 */
gboolean
hr_inference_job_leaves_layers (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  if (self->gpu_layers != G_PARAM_SPEC_UINT64 (properties[PROP_GPU_LAYERS])->default_value || self->n_cpu_moe > 0 ||
      self->n_cpu_ffn > 0 || !g_str_equal (self->override_tensor, "none"))
    return FALSE;

  return self->engine == HR_ENGINE_OLLAMA ||
         (self->engine == HR_ENGINE_LLAMA_CPP && self->fit && g_str_equal (self->tensor_split, "even"));
}

/**
 * hr_inference_job_leaves_context:
 * @self: a job of inference
 *
 * Tells whether the length of the context is left to llama.cpp, which takes what the model knows, and less where that
 * does not fit.
 *
 * Returns: whether it is
 */
gboolean
hr_inference_job_leaves_context (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->engine == HR_ENGINE_LLAMA_CPP && self->fit && self->max_model_len == 0;
}

/**
 * hr_inference_job_get_split_mode:
 * @self: a job
 *
 * Gets how llama.cpp divides the model among several GPUs.
 *
 * Returns: the value of the setting
 */
HrSplitMode
hr_inference_job_get_split_mode (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_SPLIT_MODE_LAYER);

  return self->split_mode;
}

/**
 * hr_inference_job_get_tensor_split:
 * @self: a job
 *
 * Gets which part of the layers each GPU has.
 *
 * Returns: (transfer none): proportions with commas between them, or `even`
 */
const char *
hr_inference_job_get_tensor_split (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), NULL);

  return self->tensor_split;
}

/**
 * hr_inference_job_get_flash_attention:
 * @self: a job
 *
 * Gets whether the attention is computed without keeping its scores.
 *
 * Returns: the value of the setting
 */
HrFlashAttention
hr_inference_job_get_flash_attention (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_FLASH_ATTENTION_AUTO);

  return self->flash_attention;
}

/**
 * hr_inference_job_get_cache_type_k:
 * @self: a job
 *
 * Gets what llama.cpp keeps keys in.
 *
 * Returns: the value of the setting
 */
HrLlamaCacheType
hr_inference_job_get_cache_type_k (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_LLAMA_CACHE_TYPE_AUTO);

  return self->cache_type_k;
}

/**
 * hr_inference_job_get_cache_type_v:
 * @self: a job
 *
 * Gets what llama.cpp keeps values in.
 *
 * Returns: the value of the setting
 */
HrLlamaCacheType
hr_inference_job_get_cache_type_v (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_LLAMA_CACHE_TYPE_AUTO);

  return self->cache_type_v;
}

/**
 * hr_inference_job_get_kv_unified:
 * @self: a job
 *
 * Gets whether all sequences share one KV cache.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_kv_unified (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->kv_unified;
}

/**
 * hr_inference_job_get_kv_offload:
 * @self: a job
 *
 * Gets whether keys and values are where their layers are, not on the host.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_kv_offload (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->kv_offload;
}

/**
 * hr_inference_job_get_swa_full:
 * @self: a job
 *
 * Gets whether layers with a sliding window keep all tokens.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_swa_full (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->swa_full;
}

/**
 * hr_inference_job_get_draft_quantization: (skip)
 * @self: an inference job
 *
 * Gets the format of the draft model's weights.
 *
 * Returns: the value of the setting
 */
HrQuantization
hr_inference_job_get_draft_quantization (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_QUANTIZATION_AUTO);

  return self->draft_quantization;
}

/**
 * hr_inference_job_get_draft_gpu_layers:
 * @self: an inference job
 *
 * Gets how many layers of the draft model GPUs hold.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_draft_gpu_layers (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->draft_gpu_layers;
}

/**
 * hr_inference_job_get_draft_cache_type_k: (skip)
 * @self: an inference job
 *
 * Gets what keys of the draft model are kept in.
 *
 * Returns: the value of the setting
 */
HrLlamaCacheType
hr_inference_job_get_draft_cache_type_k (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_LLAMA_CACHE_TYPE_AUTO);

  return self->draft_cache_type_k;
}

/**
 * hr_inference_job_get_draft_cache_type_v: (skip)
 * @self: an inference job
 *
 * Gets what values of the draft model are kept in.
 *
 * Returns: the value of the setting
 */
HrLlamaCacheType
hr_inference_job_get_draft_cache_type_v (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_LLAMA_CACHE_TYPE_AUTO);

  return self->draft_cache_type_v;
}

/**
 * hr_inference_job_get_draft_batched_tokens:
 * @self: an inference job
 *
 * Gets how many tokens go through the draft model together.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_draft_batched_tokens (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->draft_batched_tokens;
}

/**
 * hr_inference_job_get_mmproj:
 * @self: an inference job
 *
 * Gets the file of the projector.
 *
 * Returns: the value of the setting
 */
HrProjectorFile
hr_inference_job_get_mmproj (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_PROJECTOR_FILE_NONE);

  return self->mmproj;
}

/**
 * hr_inference_job_get_mmproj_offload:
 * @self: an inference job
 *
 * Gets whether a GPU has the projector.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_mmproj_offload (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->mmproj_offload;
}

/**
 * hr_inference_job_get_image_max_tokens:
 * @self: an inference job
 *
 * Gets the tokens of the largest picture.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_image_max_tokens (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->image_max_tokens;
}

/*
 * hr_inference_job_get_run_release:
 * @self: a job that llama.cpp runs
 *
 * Gets which release of llama.cpp runs the job: Ollama 0.30 to 0.34 have their own (LLAMA_CPP_VERSION: b9452 to b10969,
 * whose graphs are those of b10488).
 *
 * Returns: the release
 */
HrLlamaRelease
hr_inference_job_get_run_release (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_LLAMA_RELEASE_B11669);

  return self->engine == HR_ENGINE_OLLAMA ? HR_LLAMA_RELEASE_B10488 : self->llama_release;
}

/**
 * hr_inference_job_get_llama_release:
 * @self: a job
 *
 * Gets the release of llama.cpp, as far as what it reserves changed between them.
 *
 * Returns: the value of the setting
 */
HrLlamaRelease
hr_inference_job_get_llama_release (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_LLAMA_RELEASE_B11669);

  return self->llama_release;
}

/**
 * hr_inference_job_get_gpu_memory_utilization:
 * @self: a job
 *
 * Gets the share of the memory of a GPU that vLLM takes.
 *
 * Returns: the value of the setting
 */
double
hr_inference_job_get_gpu_memory_utilization (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->gpu_memory_utilization;
}

/**
 * hr_inference_job_get_block_size:
 * @self: a job
 *
 * Gets how many tokens a block of the cache has; 0 is what the program takes by itself.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_block_size (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->block_size;
}

/**
 * hr_inference_job_get_max_loras:
 * @self: a job
 *
 * Gets how many adapters requests may use at once.
 *
 * Returns: the value of the setting; 0 where there are none
 */
guint64
hr_inference_job_get_max_loras (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->max_loras;
}

/**
 * hr_inference_job_get_max_lora_rank:
 * @self: a job
 *
 * Gets the highest rank that an adapter may have.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_max_lora_rank (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->max_lora_rank;
}

/**
 * hr_inference_job_get_num_speculative_tokens:
 * @self: a job
 *
 * Gets how many tokens the model guesses ahead.
 *
 * Returns: the value of the setting; 0 where it does not
 */
guint64
hr_inference_job_get_num_speculative_tokens (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->num_speculative_tokens;
}

/**
 * hr_inference_job_get_speculative_eagle_topk:
 * @self: a job
 *
 * Gets how many guesses go on from each step.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_speculative_eagle_topk (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 1);

  return self->speculative_eagle_topk;
}

/**
 * hr_inference_job_get_speculative_num_draft_tokens:
 * @self: a job
 *
 * Gets how many of the guesses of a request are checked at once.
 *
 * Returns: the value of the setting; 0 where it is one more than tokens are guessed ahead
 */
guint64
hr_inference_job_get_speculative_num_draft_tokens (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->speculative_num_draft_tokens;
}

/**
 * hr_inference_job_get_enforce_eager:
 * @self: a job
 *
 * Gets whether the model runs operator by operator, without torch.compile and CUDA graphs.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_enforce_eager (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->enforce_eager;
}

/**
 * hr_inference_job_get_vllm_release: (skip)
 * @self: a job
 *
 * Gets the release of vLLM, as far as what it takes changed between them.
 *
 * Returns: the value of the setting
 */
HrVllmRelease
hr_inference_job_get_vllm_release (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_VLLM_RELEASE_0_28);

  return self->vllm_release;
}

/**
 * hr_inference_job_get_mem_fraction_static:
 * @self: a job
 *
 * Gets the share of the memory that SGLang takes for the weights and the cache; 0 is what it takes by itself.
 *
 * Returns: the value of the setting
 */
double
hr_inference_job_get_mem_fraction_static (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->mem_fraction_static;
}

/**
 * hr_inference_job_get_kv_cache_memory:
 * @self: a job
 *
 * Gets what vLLM sets apart of each GPU for its cache.
 *
 * Returns: the size in GiB, 0 for what its share of the memory leaves
 */
double
hr_inference_job_get_kv_cache_memory (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->kv_cache_memory;
}

/**
 * hr_inference_job_get_num_gpu_blocks_override:
 * @self: a job
 *
 * Gets how many blocks vLLM's cache has.
 *
 * Returns: the value of the setting, 0 for as many as there is room for
 */
guint64
hr_inference_job_get_num_gpu_blocks_override (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->num_gpu_blocks_override;
}

/**
 * hr_inference_job_get_max_total_tokens:
 * @self: a job
 *
 * Gets how many tokens the cache of SGLang has room for at the most; 0 is as many as its share of the memory has.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_max_total_tokens (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->max_total_tokens;
}

/**
 * hr_inference_job_get_cuda_graph_max_bs:
 * @self: a job
 *
 * Gets the largest batch that SGLang captures a CUDA graph of; 0 is what it takes by itself.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_cuda_graph_max_bs (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->cuda_graph_max_bs;
}

/**
 * hr_inference_job_get_dp_attention:
 * @self: a job
 *
 * Gets whether the copies that SGLang makes of the attention share the experts.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_dp_attention (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->dp_attention;
}

/**
 * hr_inference_job_get_ngram_speculation:
 * @self: a job
 *
 * Gets whether tokens are guessed ahead by what the text has had before.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_ngram_speculation (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->ngram_speculation;
}

/**
 * hr_inference_job_get_language_model_only:
 * @self: a job
 *
 * Gets whether towers that see and hear are left away.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_language_model_only (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->language_model_only;
}

/**
 * hr_inference_job_get_skip_mm_profiling:
 * @self: a job
 *
 * Gets whether the encoder is left out of the trial run.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_skip_mm_profiling (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->skip_mm_profiling;
}

/**
 * hr_inference_job_get_mm_encoder_data_parallel:
 * @self: a job
 *
 * Gets whether each rank has the whole of a tower, and some of the images.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_mm_encoder_data_parallel (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), FALSE);

  return self->mm_encoder_data_parallel;
}

/**
 * hr_inference_job_get_chunked_prefill:
 * @self: a job
 *
 * Gets whether long prompts are computed in chunks.
 *
 * Returns: the value of the setting
 */
gboolean
hr_inference_job_get_chunked_prefill (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), TRUE);

  return self->chunked_prefill;
}

/**
 * hr_inference_job_get_cpu_offload_gb:
 * @self: a job
 *
 * Gets how much of the weights of each GPU stays on the host.
 *
 * Returns: the size in GiB
 */
double
hr_inference_job_get_cpu_offload_gb (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->cpu_offload_gb;
}

/**
 * hr_inference_job_get_max_mamba_cache_size:
 * @self: a job
 *
 * Gets for how many states SGLang's pool has room.
 *
 * Returns: the value of the setting, 0 for as many as its share of the memory has room for
 */
guint64
hr_inference_job_get_max_mamba_cache_size (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->max_mamba_cache_size;
}

/**
 * hr_inference_job_get_mm_max_pixels:
 * @self: a job
 *
 * Gets how many pixels of an image are kept at the most.
 *
 * Returns: the pixels; 0: as many as the model's processor keeps
 */
guint64
hr_inference_job_get_mm_max_pixels (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->mm_max_pixels;
}

/**
 * hr_inference_job_get_kt_method:
 * @self: an inference job
 *
 * Gets the format in which KTransformers keeps experts on the host.
 *
 * Returns: the format; %HR_KT_METHOD_NONE: the GPU has all experts
 */
HrKtMethod
hr_inference_job_get_kt_method (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_KT_METHOD_NONE);

  return self->kt_method;
}

/**
 * hr_inference_job_get_kt_num_gpu_experts:
 * @self: an inference job
 *
 * Gets how many experts of each layer are on the GPU where KTransformers keeps experts on the host.
 *
 * Returns: how many
 */
guint64
hr_inference_job_get_kt_num_gpu_experts (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->kt_num_gpu_experts;
}

/**
 * hr_inference_job_get_kt_gpu_prefill_token_threshold:
 * @self: an inference job
 *
 * Gets from how many tokens on KTransformers computes whole layers on the GPU.
 *
 * Returns: how many tokens; 0: it never does
 */
guint64
hr_inference_job_get_kt_gpu_prefill_token_threshold (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->kt_gpu_prefill_token_threshold;
}

/**
 * hr_inference_job_get_sglang_release: (skip)
 * @self: a job
 *
 * Gets the release of SGLang, as far as what it takes changed between them.
 *
 * Returns: the value of the setting
 */
HrSglangRelease
hr_inference_job_get_sglang_release (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_SGLANG_RELEASE_0_5_8);

  return self->sglang_release;
}

/**
 * hr_inference_job_get_cache_max_entry_count:
 * @self: a job
 *
 * Gets the share of what the weights leave of the memory that LMDeploy takes for its cache.
 *
 * Returns: the value of the setting
 */
double
hr_inference_job_get_cache_max_entry_count (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->cache_max_entry_count;
}

/**
 * hr_inference_job_get_lmdeploy_backend:
 * @self: a job
 *
 * Gets what runs the layers for LMDeploy.
 *
 * Returns: the value of the setting
 */
HrLmdeployBackend
hr_inference_job_get_lmdeploy_backend (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_LMDEPLOY_BACKEND_AUTO);

  return self->lmdeploy_backend;
}

/**
 * hr_inference_job_get_lmdeploy_release: (skip)
 * @self: a job
 *
 * Gets the release of LMDeploy, as far as what it takes changed between them.
 *
 * Returns: the value of the setting
 */
HrLmdeployRelease
hr_inference_job_get_lmdeploy_release (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_LMDEPLOY_RELEASE_0_13);

  return self->lmdeploy_release;
}

/**
 * hr_inference_job_get_free_gpu_memory_fraction:
 * @self: a job
 *
 * Gets the share of what weights and the trial run leave of the memory that TensorRT-LLM takes for its cache.
 *
 * Returns: the value of the setting
 */
double
hr_inference_job_get_free_gpu_memory_fraction (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->free_gpu_memory_fraction;
}

/**
 * hr_inference_job_get_mlx_group_size:
 * @self: a job
 *
 * Gets how many elements of a row share a scale; 0 is what mlx_lm.convert takes by itself.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_mlx_group_size (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->mlx_group_size;
}

/**
 * hr_inference_job_get_kv_bits:
 * @self: a job
 *
 * Gets the bits of an element of MLX's KV cache; 0 where it is not quantized.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_kv_bits (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->kv_bits;
}

/**
 * hr_inference_job_get_kv_group_size:
 * @self: a job
 *
 * Gets how many elements of MLX's KV cache share a scale.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_kv_group_size (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->kv_group_size;
}

/**
 * hr_inference_job_get_quantized_kv_start:
 * @self: a job
 *
 * Gets how many tokens there are before MLX quantizes its KV cache.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_quantized_kv_start (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->quantized_kv_start;
}

/**
 * hr_inference_job_get_max_kv_size:
 * @self: a job
 *
 * Gets how many tokens MLX's KV cache keeps at the most; 0 is all of them.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_max_kv_size (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->max_kv_size;
}

/**
 * hr_inference_job_get_prompt_cache_size:
 * @self: a job
 *
 * Gets how many KV caches of earlier requests mlx_lm.server keeps.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_prompt_cache_size (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->prompt_cache_size;
}

/**
 * hr_inference_job_get_bits_per_weight:
 * @self: a job
 *
 * Gets the bits of an element that a model is converted to EXL3 with, on the average; 0 is what it was converted with.
 *
 * Returns: the value of the setting
 */
double
hr_inference_job_get_bits_per_weight (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->bits_per_weight;
}

/**
 * hr_inference_job_get_head_bits:
 * @self: a job
 *
 * Gets the bits of an element of the head; 0 is what the model was converted with.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_head_bits (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->head_bits;
}

/**
 * hr_inference_job_get_cache_mode:
 * @self: a job
 *
 * Gets what the KV cache of ExLlamaV3 keeps: `FP16`, or the bits of keys and of values.
 *
 * Returns: (transfer none): the value of the setting
 */
const char *
hr_inference_job_get_cache_mode (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), NULL);

  return self->cache_mode;
}

/**
 * hr_inference_job_get_autosplit_reserve:
 * @self: a job
 *
 * Gets the MiB that are left free of the first GPU when a model is loaded.
 *
 * Returns: the value of the setting
 */
guint64
hr_inference_job_get_autosplit_reserve (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), 0);

  return self->autosplit_reserve;
}

/**
 * hr_inference_job_get_exllama_release: (skip)
 * @self: a job
 *
 * Gets the release of ExLlamaV3, as far as what it takes changed between them.
 *
 * Returns: the value of the setting
 */
HrExllamaRelease
hr_inference_job_get_exllama_release (HrInferenceJob *self)
{
  g_return_val_if_fail (HR_IS_INFERENCE_JOB (self), HR_EXLLAMA_RELEASE_1_4);

  return self->exllama_release;
}
