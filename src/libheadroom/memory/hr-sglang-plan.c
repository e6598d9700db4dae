/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-sglang-plan.h"

#include "hr-inference-cache.h"
#include "hr-kt-experts.h"
#include "hr-message.h"
#include "hr-pass.h"
#include "hr-serving-before.h"
#include "hr-serving-cache.h"
#include "hr-serving-run.h"

/*
 * How SGLang resolves a job: ServerArgs of sglang/srt/server_args.py; ModelRunner.profile_max_num_token and
 * init_memory_pool of sglang/srt/model_executor/model_runner.py, which have been in model_runner_kv_cache_mixin.py, and
 * then in pool_configurator.py. Its layers are made after vLLM's (sglang/srt/layers), and hold weights as these do.
 */

/* swa_full_tokens_ratio: tokens that layers with a window keep, for one that the others keep. */
#define WINDOW_RATIO 0.8

/* ReqToTokenPool: where each token of a request is, in int32. */
#define TABLE_ELEMENT 4

/* How many requests are computed at once where tokens are guessed ahead and nothing is said. */
#define GUESSING_REQUESTS 48

/* init_memory_pool: tokens beside those of requests where tokens are guessed ahead. */
#define GUESSING_BUFFER 100

/* As many as a tower is taken to have whose config does not say it by that name (adjust_mem_fraction_for_vlm). */
#define USUAL_TOWER_LAYERS 24

/* mamba_full_memory_ratio: what states have for what keys and values have. */
#define STATE_RATIO 0.9

#define GIB (G_GUINT64_CONSTANT (1) << 30)

/* MAMBA_CACHE_SIZE_MAX_RUNNING_REQUESTS_RATIO: states for each request that runs, with those of kept prefixes. */
#define STATES_PER_REQUEST 3

/* DSATokenToKVPool.quant_block_size: elements that have a scale. */
#define INDEX_SCALE_ELEMENTS 128

/* What the table has rows for, for each time that the longest request fits, and the fewest rows. */
#define REQUESTS_PER_CONTEXT 512
#define FEWEST_REQUESTS 2048

/*
 * States are those of a convolution and of a state space or a delta rule; other mixers are not here, nor which kernels
 * read the latents of sparse attention on Blackwell, of which there are less bytes with some than with others
 * (HybridReqToTokenPool and DSATokenToKVPool of sglang/srt/mem_cache/memory_pool.py).
 */
static gboolean
knows_class (const HrSglangPlan *self,
             const HrLayerClass *klass)
{
  const HrAttention *attention = hr_layer_class_get_attention (klass);
  const HrBlock *state = hr_serving_run_find_state (klass);

  if (attention != NULL)
    return state == NULL && (attention->index_num_heads == 0 ||
                             (self->profile->has_states && self->layers.generation != HR_SERVING_BLACKWELL));

  return self->profile->has_states &&
         (state == NULL || state->kind == HR_BLOCK_MAMBA2 || state->kind == HR_BLOCK_GATED_DELTA);
}

static gboolean
check_layers (const HrSglangPlan  *self,
              GError             **error)
{
  const HrStack *stack = self->layers.pass->stack;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      if (knows_class (self, &stack->layer_classes[i]))
        continue;

      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            /* Translators: the places are the name of a model and a program. */
                            N_("“%s”: expected attention to keys and values in all layers, as it is not known here "
                               "what else %s keeps; found others"),
                            hr_model_get_name (self->layers.pass->model), self->layers.program);
      return FALSE;
    }

  return TRUE;
}

/* Models whose layers with a window have a pool of their own (is_hybrid_swa_model of configs/model_config.py). */
static gboolean
has_window_pool (const HrSglangPlan *self)
{
  static const char * const types[] = {
    "llama4", "llama4_text", "gpt_oss", "mimo_v2_flash", "step3p5", "gemma4", "gemma4_text", NULL,
  };

  return self->profile->has_windows && g_strv_contains (types, hr_model_get_model_type (self->layers.pass->model));
}

/*
 * Room that each request has for guesses: those of all steps, and those that are checked (init_memory_pool). Where
 * one guess goes on from each step, one more than there are steps are checked (_handle_speculative_decoding).
 */
static void
resolve_guessing (HrSglangPlan   *self,
                  HrInferenceJob *job)
{
  guint64 steps = self->layers.n_guessed;
  guint64 width = hr_inference_job_get_speculative_eagle_topk (job);
  guint64 checked = hr_inference_job_get_speculative_num_draft_tokens (job);

  if (steps == 0)
    return;

  self->drafted = checked > 0 && width > 1 ? checked : steps + 1;
  self->guesses = steps * width + self->drafted;
  if (self->max_running_requests == 0)
    self->max_running_requests = GUESSING_REQUESTS;
}

/*
 * What a layer keeps of a token. Where an indexer chooses tokens, each layer has room for a key in eight bits, with a
 * scale for 128 elements, and latents in eight bits have scales and what is rotated in sixteen beside
 * (calculate_mla_kv_cache_dim of sglang/srt/model_executor, DSATokenToKVPool).
 */
static guint64
get_token_bytes (const HrSglangPlan *self,
                 const HrAttention  *attention,
                 guint               bytes)
{
  guint64 token = hr_serving_cache_get_token_elements (&self->layers, attention) * bytes;

  if (self->index_head_dim == 0)
    return token;
  if (bytes == 1)
    token = attention->latent_size + attention->latent_size / INDEX_SCALE_ELEMENTS * sizeof (float) +
            attention->rotary_dim * 2;

  return token + self->index_head_dim + self->index_head_dim / INDEX_SCALE_ELEMENTS * sizeof (float);
}

static void
find_index (HrSglangPlan *self)
{
  const HrStack *stack = self->layers.pass->stack;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&stack->layer_classes[i]);

      if (attention != NULL && attention->index_num_heads > 0)
        self->index_head_dim = attention->index_head_dim;
    }
}

static gboolean
resolve_cache (HrSglangPlan    *self,
               HrInferenceJob  *job,
               GError         **error)
{
  const HrStack *stack = self->layers.pass->stack;
  gboolean has_pool = has_window_pool (self);
  gboolean guesses_itself = self->layers.n_guessed > 0 && self->layers.draft_kind == HR_DRAFT_NONE;
  guint bytes;

  if (!hr_serving_cache_get_element_bytes (&self->layers, job, &bytes, error) ||
      !hr_serving_cache_resolve_state_dtype (&self->layers, job, error))
    return FALSE;
  find_index (self);

  for (guint i = 0; i < stack->n_layers; i++)
    {
      const HrLayerClass *klass = &stack->layer_classes[stack->layer_class_of[i]];
      const HrAttention *attention = hr_layer_class_get_attention (klass);
      guint64 token;

      self->state_bytes += hr_serving_cache_get_state_bytes (&self->layers, klass, 0);
      if (attention == NULL)
        continue;
      token = get_token_bytes (self, attention, bytes);
      if (has_pool && attention->sliding_window > 0)
        self->window_bytes += token;
      else
        self->whole_bytes += token;
      if (guesses_itself && i == hr_serving_plan_find_guessing (&self->layers))
        self->guessing_bytes = token;
    }
  self->guessing_bytes += self->layers.draft_layers * self->layers.draft_elements * bytes;
  if (self->state_bytes > 0)
    self->n_states = self->told_states > 0 ? self->told_states : STATES_PER_REQUEST * self->layers.max_num_seqs;

  return TRUE;
}

/*
 * What of the share is left to a model that sees. Configs of towers that see rows of patches call their layers by
 * another name, so that they count as many as the usual ones have, and that of Qwen2-VL has the width of the decoder.
 */
static double
get_seeing_share (const HrSglangPlan *self,
                  HrModel            *whole,
                  gboolean            is_said)
{
  gboolean is_qwen2 = g_str_equal (hr_model_get_model_type (whole), "qwen2_vl");

  for (guint i = 0; i < hr_model_get_n_stacks (whole); i++)
    {
      const HrStack *stack = hr_model_get_stack (whole, i);
      const HrAttention *attention;

      if (stack->role != HR_STACK_VISION || stack->n_layers == 0 || stack->tower == HR_TOWER_UNKNOWN)
        continue;
      attention = hr_layer_class_get_attention (is_qwen2 ? &self->layers.pass->stack->layer_classes[0]
                                                         : &stack->layer_classes[0]);

      return hr_sglang_profile_get_seeing_share (self->profile,
                                                 stack->tower == HR_TOWER_QWEN_VL ? USUAL_TOWER_LAYERS
                                                                                  : stack->n_layers,
                                                 attention->hidden_size, is_said);
    }

  return 1;
}

static void
resolve_sizes (HrSglangPlan          *self,
               HrInferenceJob        *job,
               HrInferenceJob        *resolved,
               HrModel               *whole,
               HrGpu                 *gpu,
               const HrServingLayout *layout)
{
  gboolean copies_attention = hr_inference_job_get_dp_attention (job);
  guint64 n_copies = copies_attention ? layout->data : 1;
  HrSglangSizes sizes = {
    .memory = gpu != NULL ? hr_gpu_get_memory (gpu) : 0,
    .tensor = layout->tensor * n_copies, .pipeline = layout->pipeline,
    .attention_copies = n_copies,
    .chunked_prefill_size = hr_inference_job_get_max_num_batched_tokens (job),
    .cuda_graph_max_bs = hr_inference_job_get_cuda_graph_max_bs (job),
    .guesses = self->layers.n_guessed > 0,
    .has_draft_model = self->layers.draft_kind == HR_DRAFT_MODEL,
  };
  guint64 n_requests = (hr_inference_job_get_batch_size (job) + layout->data - 1) / layout->data;

  if (sizes.chunked_prefill_size == 0)
    sizes.chunked_prefill_size = hr_sglang_profile_get_chunked_prefill (self->profile, &sizes);
  if (sizes.cuda_graph_max_bs == 0)
    sizes.cuda_graph_max_bs = hr_sglang_profile_get_largest_graph (self->profile, &sizes);
  self->fraction = hr_inference_job_get_mem_fraction_static (job);
  if (self->fraction == 0 && sizes.memory > 0)
    self->fraction = hr_sglang_profile_get_fraction (self->profile, &sizes);
  self->fraction *= get_seeing_share (self, whole, hr_inference_job_get_mem_fraction_static (job) > 0);
  if (!hr_inference_job_get_enforce_eager (job))
    self->cuda_graph_max_bs = sizes.cuda_graph_max_bs;

  self->page_size = MAX (hr_inference_job_get_block_size (job), 1);
  self->max_total_tokens = hr_inference_job_get_max_total_tokens (job);
  self->max_running_requests = hr_inference_job_get_max_num_seqs (job) / n_copies;
  self->told_states = hr_inference_job_get_max_mamba_cache_size (job) / n_copies;
  resolve_guessing (self, job);
  self->layers.max_model_len = hr_inference_job_get_max_model_len (resolved);
  self->layers.max_num_batched_tokens = sizes.chunked_prefill_size;
  self->layers.max_num_seqs = n_requests;
  if (self->max_running_requests > 0)
    self->layers.max_num_seqs = MIN (n_requests, self->max_running_requests);
}

/*
 * What the host keeps, and a buffer of as many tokens as are computed at once, through which they go there
 * (SharedStagingBuffer of sglang/srt/layers/moe/kt_ep_wrapper.py). From a number of tokens on the GPU computes whole
 * layers, whose experts are copied to it one layer after the other (SharedFullContext).
 */
static void
resolve_host_experts (HrSglangPlan   *self,
                      HrInferenceJob *job,
                      HrModel        *whole)
{
  const HrBlock *token = hr_chain_find_block (&self->layers.pass->stack->embeddings, HR_BLOCK_TOKEN_EMBEDDING);
  guint64 threshold = hr_inference_job_get_kt_gpu_prefill_token_threshold (job);

  self->kt_method = hr_inference_job_get_kt_method (job);
  if (self->kt_method == HR_KT_METHOD_NONE)
    return;

  self->layers.has_host_experts = TRUE;
  self->layers.n_gpu_experts = hr_inference_job_get_kt_num_gpu_experts (job);
  self->host_bytes = hr_kt_experts_get_host_bytes (&self->layers, whole, self->kt_method);
  self->fetched = threshold > 0 && threshold <= self->layers.max_num_batched_tokens;
  if (token != NULL)
    self->staging_bytes = self->layers.max_num_batched_tokens * token->token_embedding.hidden_size *
                          hr_element_get_bytes (self->layers.pass->element);
}

/* Models without tables of sines and cosines (Gemma3RotaryEmbedding of sglang/srt/models/gemma3_causal.py). */
static gboolean
computes_angles (HrModel *whole)
{
  static const char * const types[] = { "gemma3", "gemma3_text", NULL };

  return g_strv_contains (types, hr_model_get_model_type (whole));
}

/*
 * Each slot has room for an adapter of each matrix (LoRAMemoryPool of sglang/srt/lora/mem_pool.py), before the cache
 * gets what is left. Which experts have slots differs from one kernel to the next.
 */
static gboolean
check_adapters (const HrSglangPlan  *self,
                HrModel             *whole,
                GError             **error)
{
  g_autofree char *found = g_strdup_printf ("%" G_GUINT64_FORMAT, self->layers.max_loras);

  if (self->layers.max_loras == 0 || !hr_model_has_experts (whole))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are the name of a model, a program and a number. */
                        N_("max-loras: expected 0, as “%s” has experts, and it is not known here what room %s has for "
                           "adapters of these; found %s"),
                        hr_model_get_name (whole), self->layers.program, found);

  return FALSE;
}

/* What kernels make of weights that are quantized may be on the GPU again (sglang/srt/utils/offloader.py). */
static gboolean
check_offload (const HrSglangPlan  *self,
               HrInferenceJob      *job,
               GError             **error)
{
  g_autofree char *found = NULL;

  if (self->layers.offload_bytes == 0 || self->layers.pass->quantization == HR_QUANTIZATION_NONE)
    return TRUE;

  found = hr_job_get_as_string (HR_JOB (job), "cpu-offload-gb");
  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the places are a format of weights and a number. */
                        N_("cpu-offload-gb: expected 0 beside weights in %s, as it is not known here what of them "
                           "SGLang leaves on the host; found %s"),
                        hr_quantization_get_name (self->layers.pass->quantization), found);

  return FALSE;
}

/*
 * hr_sglang_plan_init:
 * @self: (out): a plan
 * @pass: a plan of the model, or of what a rank has of it, which @self does not own
 * @whole: the model
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @layout: how ranks share the model
 * @error: return location for an error
 *
 * Resolves a job for SGLang.
 *
 * Returns: whether it can do it
 */
gboolean
hr_sglang_plan_init (HrSglangPlan           *self,
                     HrInferencePlan        *pass,
                     HrModel                *whole,
                     HrInferenceJob         *job,
                     HrGpu                  *gpu,
                     const HrServingLayout  *layout,
                     GError                **error)
{
  g_autoptr (HrJob) resolved = hr_job_resolve (HR_JOB (job), whole);
  const HrSglangProfile *profile = hr_sglang_profile_get (hr_inference_job_get_sglang_release (job));

  *self = (HrSglangPlan) {
    .profile = profile,
    .before = hr_serving_before_get (gpu, layout->n_ranks > 1),
  };
  hr_serving_plan_init (&self->layers, pass, whole, gpu, &profile->layers);
  self->layers.engine = "sglang";
  self->layers.program = "SGLang";
  self->layers.eager = TRUE;
  if (computes_angles (whole))
    self->layers.rotary = HR_SERVING_ROTARY_NONE;
  self->layers.max_loras = hr_inference_job_get_max_loras (job);
  self->layers.max_lora_rank = hr_inference_job_get_max_lora_rank (job);
  self->layers.offload_bytes = hr_inference_job_get_cpu_offload_gb (job) * GIB;
  if (!hr_serving_plan_check (&self->layers, job, error) || !check_layers (self, error) ||
      !check_adapters (self, whole, error) || !check_offload (self, job, error) ||
      !hr_serving_plan_resolve_guessing (&self->layers, job, profile->release != HR_SGLANG_RELEASE_0_3, error) ||
      !hr_kt_experts_check (&self->layers, whole, job, layout, error))
    return FALSE;

  resolve_sizes (self, job, HR_INFERENCE_JOB (resolved), whole, gpu, layout);
  resolve_host_experts (self, job, whole);

  return resolve_cache (self, job, error);
}

/*
 * hr_sglang_plan_get_free_bytes:
 * @self: a plan for a GPU
 *
 * Gets what is free of the GPU's memory before the model is loaded.
 *
 * Returns: the size in bytes
 */
guint64
hr_sglang_plan_get_free_bytes (const HrSglangPlan *self)
{
  return self->layers.memory - MIN (self->layers.memory, self->before->median_bytes);
}

/* States that requests have for tokens that are checked, of as many as run at once (_handle_max_mamba_cache). */
static guint64
count_drafted (const HrSglangPlan *self)
{
  return self->drafted * MIN (self->max_running_requests, self->n_states / STATES_PER_REQUEST);
}

/*
 * hr_sglang_plan_take_states:
 * @self: a plan
 * @pool: a size in bytes
 *
 * Works out how many states there is room for beside keys and values (_handle_max_mamba_cache of
 * sglang/srt/model_executor/model_runner_kv_cache_mixin.py).
 *
 * Returns: what is left for keys and values, in bytes; 0 where there is no room for a state
 */
guint64
hr_sglang_plan_take_states (HrSglangPlan *self,
                            guint64       pool)
{
  double each = self->state_bytes * (1 + (double) self->drafted / STATES_PER_REQUEST);

  if (self->state_bytes == 0)
    return pool;

  if (self->told_states == 0)
    self->n_states = pool * STATE_RATIO / (1 + STATE_RATIO) / each;

  return self->n_states > 0 ? pool - MIN (pool, self->state_bytes * (self->n_states + count_drafted (self))) : 0;
}

/*
 * hr_sglang_plan_get_state_bytes:
 * @self: a plan
 *
 * Gets what states take, with one that nothing is kept in (MambaPool).
 *
 * Returns: the size in bytes
 */
guint64
hr_sglang_plan_get_state_bytes (const HrSglangPlan *self)
{
  return self->state_bytes * (self->n_states + 1 + count_drafted (self));
}

/*
 * hr_sglang_plan_count_tokens:
 * @self: a plan
 * @pool: a size in bytes
 *
 * Counts the tokens that there is room for (max_total_num_tokens): whole pages. Where layers with a window have a pool
 * of their own, it is those that the other layers keep (_resolve_hybrid_swa_tokens).
 *
 * Returns: how many
 */
guint64
hr_sglang_plan_count_tokens (const HrSglangPlan *self,
                             guint64             pool)
{
  guint64 all = self->whole_bytes + self->window_bytes;
  guint64 tokens = pool / MAX (all, 1);

  if (self->max_total_tokens > 0)
    tokens = MIN (tokens, self->max_total_tokens);
  tokens = tokens / self->page_size * self->page_size;
  if (self->window_bytes > 0 && self->whole_bytes > 0)
    tokens = (guint64) ((double) tokens * all / (self->whole_bytes + WINDOW_RATIO * self->window_bytes)) /
             self->page_size * self->page_size;

  return tokens;
}

/*
 * hr_sglang_plan_count_guesses:
 * @self: a plan
 * @tokens: how many tokens there is room for
 *
 * Counts the tokens by which the pools are longer, for guesses of as many requests as may run at once; none where they
 * are as long as they may be.
 *
 * Returns: how many
 */
guint64
hr_sglang_plan_count_guesses (const HrSglangPlan *self,
                              guint64             tokens)
{
  if (self->guesses == 0 || (self->max_total_tokens > 0 && tokens + self->page_size > self->max_total_tokens))
    return 0;

  return self->guesses * hr_sglang_plan_count_requests (self, tokens) + GUESSING_BUFFER;
}

/*
 * hr_sglang_plan_count_window_tokens:
 * @self: a plan
 * @tokens: tokens that the other layers keep
 *
 * Counts the tokens that layers with a window keep, where they have a pool of their own.
 *
 * Returns: how many
 */
guint64
hr_sglang_plan_count_window_tokens (const HrSglangPlan *self,
                                    guint64             tokens)
{
  if (self->window_bytes == 0)
    return 0;

  return self->whole_bytes == 0 ? tokens : (guint64) (tokens * WINDOW_RATIO) / self->page_size * self->page_size;
}

/*
 * hr_sglang_plan_get_cache_bytes:
 * @self: a plan
 * @tokens: how many tokens there is room for
 *
 * Gets what the pools of states, keys and values take, with guesses, and with that of the layer that guesses ahead.
 *
 * Returns: the size in bytes
 */
guint64
hr_sglang_plan_get_cache_bytes (const HrSglangPlan *self,
                                guint64             tokens)
{
  tokens += hr_sglang_plan_count_guesses (self, tokens);

  return hr_sglang_plan_get_state_bytes (self) +
         tokens * (self->whole_bytes + (self->layers.has_sampler ? self->guessing_bytes : 0)) +
         hr_sglang_plan_count_window_tokens (self, tokens) * self->window_bytes;
}

/*
 * hr_sglang_plan_count_requests:
 * @self: a plan
 * @tokens: how many tokens there is room for
 *
 * Counts the requests that the table has rows for, which are as many as may run at once.
 *
 * Returns: how many
 */
guint64
hr_sglang_plan_count_requests (const HrSglangPlan *self,
                               guint64             tokens)
{
  guint64 rows = (double) tokens / MAX (self->layers.max_model_len, 1) * REQUESTS_PER_CONTEXT;

  if (self->max_running_requests > 0)
    rows = self->max_running_requests;
  else
    rows = CLAMP (rows, FEWEST_REQUESTS, self->profile->most_requests);

  return self->state_bytes > 0 ? MIN (rows, self->n_states / STATES_PER_REQUEST) : rows;
}

/*
 * hr_sglang_plan_get_table_bytes:
 * @self: a plan
 * @tokens: how many tokens there is room for
 *
 * Gets what the table takes that says where the tokens of each request are (ReqToTokenPool), beside the share.
 *
 * Returns: the size in bytes
 */
guint64
hr_sglang_plan_get_table_bytes (const HrSglangPlan *self,
                                guint64             tokens)
{
  return hr_sglang_plan_count_requests (self, tokens) *
         (self->layers.max_model_len + self->profile->extra_tokens) * TABLE_ELEMENT;
}
