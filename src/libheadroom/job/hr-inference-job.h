/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"

G_BEGIN_DECLS

#define HR_TYPE_INFERENCE_JOB (hr_inference_job_get_type ())

G_DECLARE_FINAL_TYPE (HrInferenceJob, hr_inference_job, HR, INFERENCE_JOB, HrJob)

HrInferenceJob   *hr_inference_job_new                          (void) G_GNUC_WARN_UNUSED_RESULT;
HrEngine          hr_inference_job_get_engine                   (HrInferenceJob *self);
gboolean          hr_inference_job_runs_llama                   (HrInferenceJob *self);
HrQuantization    hr_inference_job_get_llama_file               (HrQuantization  stored);
gboolean          hr_inference_job_converts_model               (HrInferenceJob *self,
                                                                 HrModel        *model);
gboolean          hr_inference_job_runs_server                  (HrInferenceJob *self);
guint64           hr_inference_job_get_batch_size               (HrInferenceJob *self);
guint64           hr_inference_job_get_prompt_length            (HrInferenceJob *self);
guint64           hr_inference_job_get_output_length            (HrInferenceJob *self);
guint64           hr_inference_job_get_beams                    (HrInferenceJob *self);
gboolean          hr_inference_job_get_use_cache                (HrInferenceJob *self);
HrLogitsToKeep    hr_inference_job_get_logits_to_keep           (HrInferenceJob *self);
HrDtype           hr_inference_job_get_kv_cache_dtype           (HrInferenceJob *self);
HrDtype           hr_inference_job_get_state_dtype              (HrInferenceJob *self);
HrDtype           hr_inference_job_get_engine_state_dtype       (HrInferenceJob *self);
guint64           hr_inference_job_get_max_model_len            (HrInferenceJob *self);
guint64           hr_inference_job_get_max_num_seqs             (HrInferenceJob *self);
guint64           hr_inference_job_get_max_num_batched_tokens   (HrInferenceJob *self);
guint64           hr_inference_job_get_gpu_layers               (HrInferenceJob *self);
guint64           hr_inference_job_get_n_cpu_moe                (HrInferenceJob *self);
guint64           hr_inference_job_get_n_cpu_ffn                (HrInferenceJob *self);
const char       *hr_inference_job_get_override_tensor          (HrInferenceJob *self);
const char       *hr_inference_job_get_tensor_types             (HrInferenceJob *self);
guint64           hr_inference_job_get_gpu_overhead             (HrInferenceJob *self);
gboolean          hr_inference_job_get_sched_spread             (HrInferenceJob *self);
gboolean          hr_inference_job_get_op_offload               (HrInferenceJob *self);
gboolean          hr_inference_job_get_fit                      (HrInferenceJob *self);
guint64           hr_inference_job_get_fit_target               (HrInferenceJob *self);
guint64           hr_inference_job_get_fit_ctx                  (HrInferenceJob *self);
gboolean          hr_inference_job_leaves_context               (HrInferenceJob *self);
gboolean          hr_inference_job_leaves_layers                (HrInferenceJob *self);
HrSplitMode       hr_inference_job_get_split_mode               (HrInferenceJob *self);
const char       *hr_inference_job_get_tensor_split             (HrInferenceJob *self);
HrFlashAttention  hr_inference_job_get_flash_attention          (HrInferenceJob *self);
HrLlamaCacheType  hr_inference_job_get_cache_type_k             (HrInferenceJob *self);
HrLlamaCacheType  hr_inference_job_get_cache_type_v             (HrInferenceJob *self);
gboolean          hr_inference_job_get_kv_unified               (HrInferenceJob *self);
gboolean          hr_inference_job_get_kv_offload               (HrInferenceJob *self);
gboolean          hr_inference_job_get_swa_full                 (HrInferenceJob *self);
HrQuantization    hr_inference_job_get_draft_quantization       (HrInferenceJob *self);
guint64           hr_inference_job_get_draft_gpu_layers         (HrInferenceJob *self);
HrLlamaCacheType  hr_inference_job_get_draft_cache_type_k       (HrInferenceJob *self);
HrLlamaCacheType  hr_inference_job_get_draft_cache_type_v       (HrInferenceJob *self);
guint64           hr_inference_job_get_draft_batched_tokens         (HrInferenceJob *self);
HrProjectorFile   hr_inference_job_get_mmproj                   (HrInferenceJob *self);
gboolean          hr_inference_job_get_mmproj_offload           (HrInferenceJob *self);
guint64           hr_inference_job_get_image_max_tokens         (HrInferenceJob *self);
HrLlamaRelease    hr_inference_job_get_llama_release            (HrInferenceJob *self);
HrLlamaRelease    hr_inference_job_get_run_release              (HrInferenceJob *self);
double            hr_inference_job_get_gpu_memory_utilization   (HrInferenceJob *self);
guint64           hr_inference_job_get_block_size               (HrInferenceJob *self);
guint64           hr_inference_job_get_max_loras                (HrInferenceJob *self);
guint64           hr_inference_job_get_max_lora_rank            (HrInferenceJob *self);
guint64           hr_inference_job_get_num_speculative_tokens   (HrInferenceJob *self);
guint64           hr_inference_job_get_speculative_eagle_topk   (HrInferenceJob *self);
guint64           hr_inference_job_get_speculative_num_draft_tokens (HrInferenceJob *self);
gboolean          hr_inference_job_get_enforce_eager            (HrInferenceJob *self);
HrVllmRelease     hr_inference_job_get_vllm_release             (HrInferenceJob *self);
double            hr_inference_job_get_mem_fraction_static      (HrInferenceJob *self);
double            hr_inference_job_get_kv_cache_memory          (HrInferenceJob *self);
guint64           hr_inference_job_get_num_gpu_blocks_override  (HrInferenceJob *self);
guint64           hr_inference_job_get_max_total_tokens         (HrInferenceJob *self);
guint64           hr_inference_job_get_cuda_graph_max_bs        (HrInferenceJob *self);
gboolean          hr_inference_job_get_dp_attention             (HrInferenceJob *self);
gboolean          hr_inference_job_get_ngram_speculation        (HrInferenceJob *self);
gboolean          hr_inference_job_get_language_model_only      (HrInferenceJob *self);
gboolean          hr_inference_job_get_skip_mm_profiling        (HrInferenceJob *self);
gboolean          hr_inference_job_get_mm_encoder_data_parallel (HrInferenceJob *self);
gboolean          hr_inference_job_get_chunked_prefill          (HrInferenceJob *self);
double            hr_inference_job_get_cpu_offload_gb           (HrInferenceJob *self);
guint64           hr_inference_job_get_max_mamba_cache_size     (HrInferenceJob *self);
guint64           hr_inference_job_get_mm_max_pixels            (HrInferenceJob *self);
HrSglangRelease   hr_inference_job_get_sglang_release           (HrInferenceJob *self);
HrKtMethod        hr_inference_job_get_kt_method                (HrInferenceJob *self);
guint64           hr_inference_job_get_kt_num_gpu_experts       (HrInferenceJob *self);
guint64           hr_inference_job_get_kt_gpu_prefill_token_threshold (HrInferenceJob *self);
double            hr_inference_job_get_cache_max_entry_count    (HrInferenceJob *self);
HrLmdeployBackend hr_inference_job_get_lmdeploy_backend         (HrInferenceJob *self);
HrLmdeployRelease hr_inference_job_get_lmdeploy_release         (HrInferenceJob *self);
double            hr_inference_job_get_free_gpu_memory_fraction (HrInferenceJob *self);
guint64           hr_inference_job_get_mlx_group_size           (HrInferenceJob *self);
guint64           hr_inference_job_get_kv_bits                  (HrInferenceJob *self);
guint64           hr_inference_job_get_kv_group_size            (HrInferenceJob *self);
guint64           hr_inference_job_get_quantized_kv_start       (HrInferenceJob *self);
guint64           hr_inference_job_get_max_kv_size              (HrInferenceJob *self);
guint64           hr_inference_job_get_prompt_cache_size        (HrInferenceJob *self);
double            hr_inference_job_get_bits_per_weight          (HrInferenceJob *self);
guint64           hr_inference_job_get_head_bits                (HrInferenceJob *self);
const char *      hr_inference_job_get_cache_mode               (HrInferenceJob *self);
guint64           hr_inference_job_get_autosplit_reserve        (HrInferenceJob *self);
HrExllamaRelease  hr_inference_job_get_exllama_release          (HrInferenceJob *self);

G_END_DECLS
