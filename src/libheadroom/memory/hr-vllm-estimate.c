/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-vllm-estimate.h"

#include "hr-serving-estimate.h"
#include "hr-serving-ranks.h"
#include "hr-serving-run.h"
#include "hr-serving-weights.h"
#include "hr-vllm-cache.h"
#include "hr-vllm-plan.h"
#include "hr-vllm-profile.h"

/*
 * vLLM takes a share of the GPU's memory when it starts: what the weights, a trial run and what is beside PyTorch's
 * allocator leave of it becomes the cache (Worker.determine_available_memory of vllm/v1/worker/gpu_worker.py,
 * Worker.determine_num_available_blocks of vllm/worker/worker.py, memory_profiling of vllm/utils). The CUDA context is
 * there before it looks, and CUDA graphs are captured afterwards: both are beside its share, but for 0.8, which counts
 * all that is in use on the GPU.
 */

/* What nineteen of twenty logs had more of weights at the most than is counted (tests/oracle/vllm-logs.json). */
#define WEIGHT_THOUSANDTHS 3

#define GIB (G_GUINT64_CONSTANT (1) << 30)

#define SOURCE_WEIGHTS \
  "vllm/model_executor/layers: QKVParallelLinear, MergedColumnParallelLinear, VocabParallelEmbedding, FusedMoE, " \
  "RotaryEmbedding (cos_sin_cache); c10/cuda/CUDACachingAllocator.cpp"
#define SOURCE_RUN \
  "vllm: GPUModelRunner.profile_run, MultiModalBudget, Sampler.forward, apply_top_k_top_p; " \
  "aten/src/ATen/native/cuda/Sort.cu"
#define SOURCE_WORKSPACE \
  "aten/src/ATen/cuda/CublasHandlePool.cpp; vllm: MLACommonMetadataBuilder.chunked_prefill_workspace"
#define SOURCE_CACHE \
  "vllm/v1/core/kv_cache_utils.py, vllm/v1/kv_cache_interface.py; vllm/worker/cache_engine.py"

/* What is taken, and what is left. */
typedef struct
{
  guint64 weights;
  guint64 run;        /* of the trial run, workspaces included */
  guint64 context;
  guint64 non_torch;
  guint64 n_graphs;
  guint64 graphs;
  guint64 latents;    /* room for those that are expanded, made with the cache (MLACommonMetadataBuilder) */
  guint64 pool;       /* for the cache */
  guint64 blocks;
  guint64 needed;     /* blocks */
  guint64 requests;   /* of the job, at once */
  guint64 length;     /* tokens of each */
} Shares;

static guint64
get_taken (const HrServingPlan *plan,
           const Shares        *shares)
{
  return shares->weights + shares->run + shares->non_torch +
         (plan->profile->counts_context ? shares->context : 0) + (plan->profile->counts_graphs ? shares->graphs : 0);
}

static guint64
divide_up (guint64 a,
           guint64 b)
{
  return a / b + (a % b != 0);
}

/* Whether it is known how large the cache is, and not only what is needed of it. */
static gboolean
has_pool (const HrServingPlan *plan)
{
  return plan->memory > 0 || plan->pool_bytes > 0 || plan->pool_blocks > 0;
}

/* Whether the cache is as large as it was told to be, whatever else there is (determine_available_memory). */
static gboolean
is_told (const HrServingPlan *plan)
{
  return plan->pool_bytes > 0 || plan->pool_blocks > 0;
}

static void
divide (const HrServingPlan  *plan,
        const HrServingStart *start,
        Shares               *shares)
{
  guint64 taken = get_taken (plan, shares);
  guint64 block = hr_vllm_cache_get_block_bytes (plan);
  guint64 each;

  shares->length = start->length;
  shares->requests = MIN (start->requests, plan->max_num_seqs);
  each = hr_vllm_cache_count_blocks (plan, shares->length);
  shares->needed = MAX (divide_up (hr_vllm_cache_get_needed (plan, plan->max_model_len), block),
                        shares->requests * each);
  shares->pool = plan->requested - MIN (plan->requested, taken);
  if (plan->pool_bytes > 0)
    shares->pool = plan->pool_bytes;
  else if (plan->memory == 0)
    shares->pool = plan->pool_blocks * block;
  shares->blocks = plan->pool_blocks > 0 ? plan->pool_blocks : shares->pool / block;
}

/* The longest request that there is room for. */
static guint64
find_longest (const HrServingPlan *plan,
              guint64              pool)
{
  guint64 low = 0, high = plan->block_size * plan->whole_times * (pool / hr_vllm_cache_get_block_bytes (plan) + 1);

  while (low + 1 < high)
    {
      guint64 middle = low + (high - low) / 2;

      if (hr_vllm_cache_get_needed (plan, middle) <= pool)
        low = middle;
      else
        high = middle;
    }

  return low;
}

/*
 * How many tokens vLLM says that its cache has room for: since 0.21 those of as many of the longest requests as there
 * is room for (get_kv_cache_capacity), before those of a group's blocks.
 */
static guint64
count_tokens (const HrServingPlan *plan,
              const Shares        *shares)
{
  if (plan->admission_block_bytes > 0 || plan->profile->tells_requests)
    return (double) shares->blocks / hr_vllm_cache_count_told (plan, plan->max_model_len) * plan->max_model_len;

  return shares->blocks / plan->n_groups * plan->block_size;
}

static gboolean
is_refused (const HrServingPlan *plan,
            const Shares        *shares)
{
  return hr_vllm_cache_get_needed (plan, plan->max_model_len) > shares->pool;
}

static void
tell_room (HrServingPlan *plan,
           const Shares  *shares)
{
  guint64 whole = hr_vllm_cache_count_told (plan, plan->max_model_len);
  guint64 each = hr_vllm_cache_count_blocks (plan, shares->length);
  g_autofree char *tokens = hr_serving_dup_number (count_tokens (plan, shares));
  g_autofree char *blocks = hr_serving_dup_number (shares->blocks);
  g_autofree char *block = hr_serving_dup_number (plan->block_size);
  g_autofree char *longest = hr_serving_dup_number (plan->max_model_len);
  g_autofree char *concurrency = g_strdup_printf ("%.2f", (double) shares->blocks / whole);
  g_autofree char *length = hr_serving_dup_number (shares->length);
  g_autofree char *requests = hr_serving_dup_number (shares->blocks / each);

  hr_inference_plan_warn (plan->pass,
                          N_("vLLM’s KV cache has room for %s tokens, in %s blocks of %s: for %s requests of the "
                             "longest context, %s tokens, or for %s of prompt and output, %s tokens, at once"),
                          tokens, blocks, block, concurrency, longest, requests, length);
}

static void
tell_refusal (HrServingPlan *plan,
              const Shares  *shares)
{
  guint64 whole = hr_vllm_cache_get_needed (plan, plan->max_model_len);
  g_autofree char *longest = hr_serving_dup_number (plan->max_model_len);
  g_autofree char *needed = hr_serving_dup_size (whole);
  g_autofree char *pool = hr_serving_dup_size (shares->pool);
  g_autofree char *most = hr_serving_dup_number (find_longest (plan, shares->pool));
  g_autofree char *utilization =
    g_strdup_printf ("%.3f", (double) (get_taken (plan, shares) + whole) / plan->memory + 0.0005);

  if (plan->pool_bytes > 0 || plan->memory == 0)
    hr_inference_plan_warn (plan->pass,
                            N_("vLLM would not start: a request of the longest context, %s tokens, needs %s of KV "
                               "cache, and %s are set apart for it, enough for max-model-len %s"),
                            longest, needed, pool, most);
  else if (get_taken (plan, shares) >= plan->requested)
    hr_inference_plan_warn (plan->pass,
                            N_("vLLM would not start: the weights and its trial run leave nothing of its share of the "
                               "memory for the KV cache"));
  else
    hr_inference_plan_warn (plan->pass,
                            N_("vLLM would not start: a request of the longest context, %s tokens, needs %s of KV "
                               "cache, and there are %s, enough for max-model-len %s; the share of the memory "
                               "(gpu-memory-utilization) would have to be %s"),
                            longest, needed, pool, most, utilization);
}

/* What is seen and heard, and what of that is counted. */
static void
tell_encoder (HrServingPlan *plan)
{
  const HrServingEncoder *encoder = &plan->encoder;
  g_autofree char *items = hr_serving_dup_number (encoder->n_items);
  g_autofree char *tokens = hr_serving_dup_number (encoder->tokens);

  if (hr_model_get_n_stacks (plan->pass->model) == 1 || encoder->is_left_out)
    return;

  if (encoder->n_items > 0)
    hr_inference_plan_warn (plan->pass,
                            N_("vLLM’s trial run has the encoder see as many of the largest image as there is a budget "
                               "for, %s of %s tokens, and holds them while the language model is tried"),
                            items, tokens);
  else if (encoder->is_skipped)
    hr_inference_plan_warn (plan->pass,
                            N_("What images and sounds take when they come is not counted, as vLLM does not try it"));
  else
    hr_inference_plan_warn (plan->pass,
                            N_("The weights of towers and projectors are counted, but not what vLLM’s trial run makes "
                               "of the largest images and sounds: this is vLLM with --limit-mm-per-prompt 0 of them"));
}

static void
warn (HrServingPlan  *plan,
      HrInferenceJob *job,
      const Shares   *shares)
{
  g_autofree char *seqs = hr_serving_dup_number (plan->max_num_seqs);
  g_autofree char *batched = hr_serving_dup_number (plan->max_num_batched_tokens);

  if (!has_pool (plan))
    hr_inference_plan_warn (plan->pass,
                            N_("No GPU is named: the KV cache is counted as large as the requests need it; vLLM makes "
                               "it as large as its share of the memory has room for"));
  else if (is_refused (plan, shares))
    tell_refusal (plan, shares);
  else
    tell_room (plan, shares);
  if (has_pool (plan) && shares->blocks < shares->needed && !is_refused (plan, shares))
    hr_serving_tell_waiting (plan->pass, shares->requests,
                             shares->blocks / hr_vllm_cache_count_blocks (plan, shares->length));

  hr_inference_plan_warn (plan->pass, plan->checks_guesses
                          ? N_("vLLM is counted with max-num-seqs %s and max-num-batched-tokens %s, and without other "
                               "processes on the GPU")
                          : plan->max_loras > 0
                          ? N_("vLLM is counted with max-num-seqs %s and max-num-batched-tokens %s, and without "
                               "speculative decoding and other processes on the GPU")
                          : N_("vLLM is counted with max-num-seqs %s and max-num-batched-tokens %s, and without LoRA, "
                               "speculative decoding and other processes on the GPU"),
                          seqs, batched);
  if (plan->admission_block_bytes > 0)
    hr_inference_plan_warn (plan->pass,
                            /* Translators: the place is the name of a model. */
                            N_("“%s”: what its experts are written to is counted as that of Marlin’s kernels; the "
                               "drafts of DSpark and the buffers of MegaMoE are not counted"),
                            hr_model_get_name (plan->pass->model));
  if (plan->profile->state_blocks == 1 && hr_vllm_plan_has_states (plan))
    hr_inference_plan_warn (plan->pass,
                            N_("This release of vLLM caches no prefixes of models with states by itself: with "
                               "--enable-prefix-caching each request has more blocks of their layers"));
  hr_serving_tell_host (plan->pass, plan->host_bytes);
  tell_encoder (plan);
}

static void
add_run (HrEstimate          *estimate,
         const HrServingPlan *plan,
         guint64              latents,
         const HrMoment      *peak,
         HrEstimateDetail     detail)
{
  g_autofree char *products = hr_serving_dup_number (plan->workspace_bytes);
  g_autofree char *expanded = hr_serving_dup_number (latents);
  g_autofree char *workspace = latents > 0 ? g_strconcat (products, " + ", expanded, NULL) : g_strdup (products);

  hr_serving_add_run (estimate, peak, detail, SOURCE_RUN);
  if (plan->workspace_bytes + latents > 0)
    _hr_estimate_add_component (estimate, 0, HR_COMPONENT_TEMPORARY, plan->workspace_bytes + latents,
                                latents > 0 ? "workspace + latents" : "workspace", workspace, SOURCE_WORKSPACE);
}

static void
add_cache (HrEstimate          *estimate,
           const HrServingPlan *plan,
           guint64              blocks)
{
  g_autofree char *substitution =
    g_strdup_printf ("%" G_GUINT64_FORMAT "·%u·%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT, blocks, plan->group_layers,
                     plan->block_size, plan->layer_block_bytes / plan->block_size);

  g_autofree char *compressed =
    g_strdup_printf ("%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT, blocks, plan->layer_block_bytes);
  gboolean is_compressed = plan->admission_block_bytes > 0;

  _hr_estimate_add_component (estimate, 0, HR_COMPONENT_KV_CACHE, blocks * hr_vllm_cache_get_block_bytes (plan),
                              is_compressed ? "blocks·page" : "blocks·L·block·(k + v)·e",
                              is_compressed ? compressed : substitution, SOURCE_CACHE);
}

static void
add_beside (HrEstimate          *estimate,
            const HrServingPlan *plan,
            const Shares        *shares,
            const HrFramework   *framework)
{
  g_autofree char *graphs = hr_serving_dup_number (shares->graphs);
  g_autofree char *substitution = g_strdup_printf ("%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT, shares->context,
                                                   shares->non_torch);
  g_autofree char *source =
    g_strconcat (framework->source != NULL ? framework->source : "", framework->source != NULL ? "; " : "",
                 hr_vllm_profile_get_beside (plan->profile, plan->n_ranks, plan->has_links)->source, NULL);

  if (shares->graphs > 0)
    _hr_estimate_add_component (estimate, 0, HR_COMPONENT_CUDA_GRAPHS, shares->graphs, "graphs", graphs,
                                hr_vllm_profile_get_graphs (plan->profile, plan->n_ranks)->source);
  _hr_estimate_add_component (estimate, 0, HR_COMPONENT_FRAMEWORK, shares->context + shares->non_torch,
                              "context + non-torch", substitution, source);
  _hr_estimate_set_context (estimate, shares->context);
}

/* What vLLM leaves to others of the GPU's memory is no help to it where its share is too small. */
static guint64
add_unused (HrEstimate          *estimate,
            const HrServingPlan *plan,
            const Shares        *shares,
            guint64              beside)
{
  guint64 left = plan->memory - plan->requested;
  guint64 bytes = left - MIN (left, beside);
  g_autofree char *substitution = g_strdup_printf ("%" G_GUINT64_FORMAT " − %" G_GUINT64_FORMAT " − %" G_GUINT64_FORMAT,
                                                   plan->memory, plan->requested, MIN (left, beside));

  if (plan->memory == 0 || is_told (plan) || shares->blocks >= shares->needed || bytes == 0)
    return 0;

  _hr_estimate_add_component (estimate, 0, HR_COMPONENT_RESERVE, bytes, "M − u·M − context − graphs", substitution,
                              "vllm/v1/worker/gpu_worker.py: requested_memory");

  return bytes;
}

/*
 * Of what vLLM counts within its share the cache takes less where something else takes more; where the share is not
 * known or too small, it all adds up.
 */
static void
set_margin (HrEstimate          *estimate,
            const HrServingPlan *plan,
            const Shares        *shares)
{
  gboolean adds_up = plan->memory == 0 || is_told (plan) || shares->blocks < shares->needed;
  guint64 margin = hr_vllm_profile_get_spread (plan->profile, plan->n_ranks, plan->has_links, shares->n_graphs,
                                               adds_up);

  if (adds_up)
    margin += shares->weights / 1000 * WEIGHT_THOUSANDTHS;
  _hr_estimate_set_margin (estimate, margin,
                           N_("CUDA graphs, and what kernels and NCCL take beside PyTorch’s allocator, are medians of "
                              "what vLLM wrote into its log; the margin is up to the most of them."));
}

static void
set_room (HrEstimate          *estimate,
          const HrServingPlan *plan,
          const Shares        *shares)
{
  if (has_pool (plan) && shares->blocks >= hr_vllm_cache_count_blocks (plan, plan->max_model_len))
    _hr_estimate_set_room (estimate, count_tokens (plan, shares),
                           shares->blocks / hr_vllm_cache_count_blocks (plan, shares->length));
}

/* The blocks that the cache has, or would have to have; requests wait for one that is as large as it was told to be. */
static guint64
count_held (const HrServingPlan *plan,
            const Shares        *shares)
{
  if (is_told (plan) && !is_refused (plan, shares))
    return shares->blocks;

  return has_pool (plan) ? MAX (shares->blocks, shares->needed) : shares->needed;
}

static HrEstimate *
create_estimate (HrServingPlan     *plan,
                 HrModel           *model,
                 const HrReplay    *replay,
                 const HrWeights   *weights,
                 const HrFramework *framework,
                 const Shares      *shares,
                 HrEstimateDetail   detail)
{
  HrEstimate *estimate = _hr_estimate_new (HR_MODE_INFERENCE, HR_ESTIMATE_METHOD_EXACT, model);
  guint64 blocks = count_held (plan, shares);
  guint64 cache = blocks * hr_vllm_cache_get_block_bytes (plan);
  guint64 beside = (plan->profile->counts_graphs ? 0 : shares->graphs) +
                   (plan->profile->counts_context ? 0 : shares->context) + shares->latents;
  guint64 total;

  _hr_estimate_add_device (estimate);
  hr_serving_add_weights (estimate, plan, weights, shares->weights, SOURCE_WEIGHTS);
  add_cache (estimate, plan, blocks);
  add_run (estimate, plan, shares->latents, &replay->peak, detail);
  add_beside (estimate, plan, shares, framework);
  total = shares->weights + cache + shares->run + shares->context + shares->non_torch + shares->graphs +
          shares->latents;
  total += add_unused (estimate, plan, shares, beside);
  set_margin (estimate, plan, shares);
  set_room (estimate, plan, shares);
  hr_serving_end (estimate, &replay->peak, shares->weights + shares->context, total);

  return estimate;
}

/* What a rank is, and what of it is known. */
typedef struct
{
  HrServingShare share;
  HrServingPlan plan;
  HrFramework framework;
  Shares shares;
} Rank;

static void
measure (gpointer              share,
         const HrServingStart *start)
{
  Rank *self = share;
  HrServingPlan *plan = &self->plan;
  Shares *shares = &self->shares;
  guint64 of_layer;

  if (hr_inference_plan_find_framework (&self->share.pass, start->gpu, &self->framework))
    shares->context = self->framework.context_bytes;
  plan->host_bytes = hr_serving_weights_get_host_bytes (plan, &of_layer);
  plan->fetched_bytes = plan->profile->fetches_offloaded ? of_layer : 0;
  hr_serving_run_replay (plan, &self->share.replay);
  shares->weights = hr_serving_weights_get_bytes (plan, &self->share.weights);
  shares->run = self->share.replay.peak.level.total + plan->workspace_bytes;
  shares->non_torch = hr_vllm_profile_get_beside (plan->profile, plan->n_ranks, plan->has_links)->median_bytes;
  if (!hr_inference_job_get_enforce_eager (start->job))
    {
      shares->n_graphs = hr_vllm_plan_count_graphs (plan);
      shares->graphs = shares->n_graphs * hr_vllm_profile_get_graphs (plan->profile, plan->n_ranks)->median_bytes;
    }
  shares->latents = plan->latent_chunk * plan->latent_bytes;
  divide (plan, start, shares);
  self->share.room = shares->blocks;
}

static HrServingPlan *
init_plan (gpointer               share,
           const HrServingStart  *start,
           GError               **error)
{
  Rank *self = share;

  return hr_vllm_plan_init (&self->plan, &self->share.pass, start->model, start->job, start->gpu, error)
         ? &self->plan : NULL;
}

static void
warn_least (gpointer              share,
            const HrServingStart *start)
{
  Rank *self = share;

  warn (&self->plan, start->job, &self->shares);
}

static HrEstimate *
estimate_rank (gpointer              share,
               const HrServingStart *start,
               HrEstimateDetail      detail)
{
  Rank *self = share;

  self->shares.blocks = self->share.room;

  return create_estimate (&self->plan, start->model, &self->share.replay, &self->share.weights, &self->framework,
                          &self->shares, detail);
}

static const HrServingEngine engine = { sizeof (Rank), init_plan, measure, warn_least, estimate_rank };

/*
 * hr_vllm_estimate_new:
 * @model: a model
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @n_gpus: how many of them
 * @detail: what is to be known
 * @error: return location for an error
 *
 * Estimates what vLLM takes of each GPU: its share of the memory, with as many blocks of the cache as there is room
 * for, or, where these are too few, with as many as would be needed.
 *
 * Returns: (transfer full): an estimate, or %NULL with @error set
 */
HrEstimate *
hr_vllm_estimate_new (HrModel           *model,
                      HrInferenceJob    *job,
                      HrGpu             *gpu,
                      guint              n_gpus,
                      HrEstimateDetail   detail,
                      GError           **error)
{
  return hr_serving_estimate_ranks (&engine, model, job, gpu, n_gpus, detail, error);
}
