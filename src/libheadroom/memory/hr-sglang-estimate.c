/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-sglang-estimate.h"

#include <math.h>

#include "hr-serving-estimate.h"
#include "hr-serving-ranks.h"
#include "hr-serving-run.h"
#include "hr-serving-weights.h"
#include "hr-sglang-plan.h"

/*
 * SGLang takes a share of what is free before it loads the model, for the weights and the cache; it tries nothing out.
 * What is made when prompts are computed, CUDA graphs and the table of requests have to do with the rest
 * (ModelRunner.profile_max_num_token of sglang/srt/model_executor/model_runner.py).
 */

#define SOURCE_WEIGHTS \
  "sglang/srt/layers: linear.py, vocab_parallel_embedding.py, moe/fused_moe_triton, rotary_embedding.py; " \
  "c10/cuda/CUDACachingAllocator.cpp"
#define SOURCE_EXPERTS "sglang/srt/layers/moe/kt_ep_wrapper.py: SharedFullContext"
#define SOURCE_RUN "sglang/srt/models, sglang/srt/layers/logits_processor.py, sampler.py"
#define SOURCE_WORKSPACE "aten/src/ATen/cuda/CublasHandlePool.cpp"
#define SOURCE_CACHE "sglang/srt/mem_cache/memory_pool.py: MHATokenToKVPool, MLATokenToKVPool, ReqToTokenPool"

#define FORMULA_CACHE "tokens·L·(k + v)·e + window·L_w·(k + v)·e + requests·(context + extra)·4"

/* What a kind of rank takes. */
typedef struct
{
  HrServingShare share;
  HrSglangPlan plan;
  guint64 weight_bytes;
  guint64 guessing;   /* weights of the layer that guesses tokens ahead, which is loaded when the pools are there */
  guint64 run;        /* when prompts are computed, workspaces included */
  guint64 fetched;    /* experts of a whole layer, when prompts are computed */
  guint64 graphs;
} Rank;

/* What of the memory is for the weights and the cache. */
static guint64
get_share (const HrSglangPlan *plan)
{
  return plan->fraction * hr_sglang_plan_get_free_bytes (plan);
}

static void
measure (gpointer              share,
         const HrServingStart *start)
{
  Rank *self = share;
  HrServingPlan *layers = &self->plan.layers;
  guint64 bytes = get_share (&self->plan);

  layers->host_bytes = hr_serving_weights_get_host_bytes (layers, &layers->fetched_bytes);
  hr_serving_run_replay (layers, &self->share.replay);
  self->guessing = hr_serving_weights_get_bytes (layers, &self->share.weights);
  layers->n_guessed = 0;
  layers->draft_weight_bytes = 0;
  self->weight_bytes = hr_serving_weights_get_bytes (layers, &self->share.weights);
  self->guessing -= MIN (self->guessing, self->weight_bytes);
  self->weight_bytes += self->plan.staging_bytes;
  if (self->plan.fetched)
    self->fetched = hr_serving_weights_get_expert_bytes (layers);
  self->run = self->share.replay.peak.level.total + layers->workspace_bytes + self->fetched;
  if (self->plan.cuda_graph_max_bs > 0)
    self->graphs = self->plan.profile->graphs.median_bytes;
  bytes -= MIN (bytes, self->weight_bytes);
  if (layers->memory > 0)
    bytes = hr_sglang_plan_take_states (&self->plan, bytes);
  self->share.room = hr_sglang_plan_count_tokens (&self->plan, bytes);
}

static HrServingPlan *
init_plan (gpointer               share,
           const HrServingStart  *start,
           GError               **error)
{
  Rank *self = share;

  return hr_sglang_plan_init (&self->plan, &self->share.pass, start->model, start->job, start->gpu, &start->layout,
                              error) ? &self->plan.layers : NULL;
}

/* The tokens of all requests that are computed at once. */
static guint64
get_needed (const Rank           *self,
            const HrServingStart *start)
{
  guint64 page = self->plan.page_size;

  return self->plan.layers.max_num_seqs * ((start->length + page - 1) / page * page);
}

/* The share that a size has of what is free, rounded to what leaves it no smaller, or no larger. */
static char *
dup_share (const Rank *self,
           double      bytes,
           gboolean    is_least)
{
  double thousandths = 1000 * bytes / hr_sglang_plan_get_free_bytes (&self->plan);

  return g_strdup_printf ("%.3f", (is_least ? ceil (thousandths) : floor (thousandths)) / 1000);
}

static void
tell_refusal (Rank                 *self,
              const HrServingStart *start)
{
  guint64 needed = hr_sglang_plan_get_cache_bytes (&self->plan, start->length);
  g_autofree char *share = hr_serving_dup_size (get_share (&self->plan));
  g_autofree char *weights = hr_serving_dup_size (self->weight_bytes);
  g_autofree char *least = dup_share (self, (double) self->weight_bytes + needed, TRUE);

  if (self->weight_bytes + needed > hr_sglang_plan_get_free_bytes (&self->plan))
    hr_inference_plan_warn (&self->share.pass,
                            N_("SGLang would not start (Not enough memory. Please try to increase "
                               "--mem-fraction-static.): its share of the memory is %s, and the weights take %s"),
                            share, weights);
  else
    hr_inference_plan_warn (&self->share.pass,
                            N_("SGLang would not start (Not enough memory. Please try to increase "
                               "--mem-fraction-static.): its share of the memory is %s, and the weights take %s; with "
                               "mem-fraction-static %s there would be room for a request of prompt and output"),
                            share, weights, least);
}

/* How many requests of prompt and output there is room for. */
static guint64
count_at_once (const Rank           *self,
               const HrServingStart *start)
{
  return MIN (self->share.room / start->length, hr_sglang_plan_count_requests (&self->plan, self->share.room));
}

static void
tell_room (Rank                 *self,
           const HrServingStart *start)
{
  g_autofree char *tokens = hr_serving_dup_number (self->share.room);
  g_autofree char *fraction = g_strdup_printf ("%.3g", self->plan.fraction);
  g_autofree char *requests = hr_serving_dup_number (count_at_once (self, start));
  g_autofree char *length = hr_serving_dup_number (start->length);
  g_autofree char *longest = hr_serving_dup_number (MIN (self->share.room, self->plan.layers.max_model_len));

  hr_inference_plan_warn (&self->share.pass,
                          N_("SGLang’s KV cache has room for %s tokens with mem-fraction-static %s: for %s requests of "
                             "prompt and output, %s tokens, at once; one alone may have %s tokens"),
                          tokens, fraction, requests, length, longest);
}

/* What is left beside the share: graphs, the table and prompts have to do with it. */
static void
tell_shortage (Rank *self)
{
  guint64 all = hr_sglang_plan_get_free_bytes (&self->plan);
  guint64 cache = hr_sglang_plan_get_cache_bytes (&self->plan, self->share.room);
  guint64 left = all - MIN (all, self->weight_bytes + cache);
  guint64 taken = self->run + self->graphs + self->guessing +
                  hr_sglang_plan_get_table_bytes (&self->plan, self->share.room);
  g_autofree char *room = hr_serving_dup_size (left);
  g_autofree char *needed = hr_serving_dup_size (taken);
  g_autofree char *most = NULL;

  if (taken <= left || taken >= all)
    return;

  most = dup_share (self, (double) all - taken, FALSE);
  hr_inference_plan_warn (&self->share.pass,
                          N_("SGLang may run out of memory: its share leaves %s, and CUDA graphs, the table of "
                             "requests and prompts take %s; mem-fraction-static %s leaves that much"),
                          room, needed, most);
}

static void
tell_host (Rank *self)
{
  g_autofree char *experts = hr_serving_dup_size (self->plan.host_bytes);
  g_autofree char *layer = hr_serving_dup_size (self->fetched);

  if (self->plan.kt_method == HR_KT_METHOD_NONE)
    return;

  if (self->fetched > 0)
    hr_inference_plan_warn (&self->share.pass,
                            /* Translators: sizes such as 1.50 GiB. */
                            N_("The host keeps all experts, %s, and buffers for prompts that are not counted; from "
                               "kt-gpu-prefill-token-threshold tokens on the experts of a layer at a time are copied "
                               "to the GPU, where they take %s of what the share leaves"), experts, layer);
  else
    hr_inference_plan_warn (&self->share.pass,
                            /* Translators: a size such as 1.50 GiB. */
                            N_("The host keeps all experts, %s, and buffers for prompts that are not counted"),
                            experts);
}

/* What the server is counted with. */
static void
tell_sizes (Rank *self)
{
  HrSglangPlan *plan = &self->plan;
  g_autofree char *prompts = hr_serving_dup_number (plan->layers.max_num_batched_tokens);
  g_autofree char *graph = hr_serving_dup_number (plan->cuda_graph_max_bs);
  g_autofree char *loras = hr_serving_dup_number (plan->layers.max_loras);
  g_autofree char *rank = hr_serving_dup_number (plan->layers.max_lora_rank);

  if (plan->layers.max_loras > 0)
    hr_inference_plan_warn (&self->share.pass,
                            N_("SGLang is counted with chunked-prefill-size %s and cuda-graph-max-bs %s, with room for "
                               "%s LoRA adapters of all matrices, of rank %s, and without other processes on the GPU; "
                               "what CUDA graphs take is the median of logs without adapters"),
                            prompts, graph, loras, rank);
  else
    hr_inference_plan_warn (&self->share.pass, plan->guesses > 0
                            ? N_("SGLang is counted with chunked-prefill-size %s and cuda-graph-max-bs %s, and without "
                                 "LoRA and other processes on the GPU; what CUDA graphs take is the median of logs "
                                 "without speculative decoding")
                            : N_("SGLang is counted with chunked-prefill-size %s and cuda-graph-max-bs %s, and without "
                                 "LoRA, speculative decoding and other processes on the GPU; what CUDA graphs take is "
                                 "the median of logs"),
                            prompts, graph);
}

static void
warn (gpointer              share,
      const HrServingStart *start)
{
  Rank *self = share;
  HrSglangPlan *plan = &self->plan;

  if (plan->layers.memory == 0)
    hr_inference_plan_warn (&self->share.pass,
                            N_("No GPU is named: the KV cache is counted as large as the requests need it; %s makes it "
                               "as large as its share of the memory has room for"), plan->layers.program);
  else if (self->share.room == 0)
    tell_refusal (self, start);
  else
    {
      tell_room (self, start);
      if (self->share.room < get_needed (self, start))
        hr_serving_tell_waiting (&self->share.pass, plan->layers.max_num_seqs, self->share.room / start->length);
      tell_shortage (self);
    }

  tell_sizes (self);
  hr_serving_tell_host (&self->share.pass, plan->layers.host_bytes);
  tell_host (self);
  if (hr_model_get_n_stacks (self->share.pass.model) > 1)
    hr_inference_plan_warn (&self->share.pass,
                            N_("The weights of towers and projectors are counted, and the larger room that SGLang "
                               "leaves for images, but not what it makes of images and sounds"));
}

static void
add_cache (HrEstimate         *estimate,
           const HrSglangPlan *plan,
           guint64             tokens,
           guint64             rows)
{
  guint64 all = tokens + hr_sglang_plan_count_guesses (plan, tokens);
  g_autofree char *substitution =
    g_strdup_printf ("%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT
                     " + %" G_GUINT64_FORMAT "·(%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT ")·4",
                     all, plan->whole_bytes + plan->guessing_bytes, hr_sglang_plan_count_window_tokens (plan, all),
                     plan->window_bytes, rows, plan->layers.max_model_len, plan->profile->extra_tokens);

  guint64 states = hr_sglang_plan_get_state_bytes (plan);
  g_autofree char *with_states = g_strdup_printf ("%s + %" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT, substitution,
                                                  states / MAX (plan->state_bytes, 1), plan->state_bytes);

  _hr_estimate_add_component (estimate, 0, HR_COMPONENT_KV_CACHE,
                              hr_sglang_plan_get_cache_bytes (plan, tokens) +
                              hr_sglang_plan_get_table_bytes (plan, tokens),
                              states > 0 ? FORMULA_CACHE " + states·state" : FORMULA_CACHE,
                              states > 0 ? with_states : substitution, SOURCE_CACHE);
}

/* Workspaces of products, and experts that are copied to the GPU for prompts. */
static void
add_temporary (HrEstimate *estimate,
               const Rank *self)
{
  guint64 workspace = self->plan.layers.workspace_bytes;
  g_autofree char *substitution = self->fetched > 0
    ? g_strdup_printf ("%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT, workspace, self->fetched)
    : hr_serving_dup_number (workspace);

  if (workspace + self->fetched > 0)
    _hr_estimate_add_component (estimate, 0, HR_COMPONENT_TEMPORARY, workspace + self->fetched,
                                self->fetched > 0 ? "workspace + experts of a layer" : "workspace", substitution,
                                self->fetched > 0 ? SOURCE_WORKSPACE "; " SOURCE_EXPERTS : SOURCE_WORKSPACE);
}

/* What is left free of the memory is no help where the share is too small. */
static guint64
add_unused (HrEstimate         *estimate,
            const HrSglangPlan *plan,
            guint64             taken)
{
  guint64 all = hr_sglang_plan_get_free_bytes (plan);
  guint64 outside = all - get_share (plan);
  guint64 bytes = outside - MIN (outside, taken);
  g_autofree char *substitution = g_strdup_printf ("%" G_GUINT64_FORMAT " − %" G_GUINT64_FORMAT " − %" G_GUINT64_FORMAT,
                                                   all, get_share (plan), MIN (outside, taken));

  if (bytes > 0)
    _hr_estimate_add_component (estimate, 0, HR_COMPONENT_RESERVE, bytes, "M − f·M − graphs − run", substitution,
                                "sglang/srt/model_executor/model_runner.py: profile_max_num_token");

  return bytes;
}

static HrEstimate *
create_estimate (gpointer              share,
                 const HrServingStart *start,
                 HrEstimateDetail      detail)
{
  Rank *self = share;
  HrSglangPlan *plan = &self->plan;
  HrEstimate *estimate = _hr_estimate_new (HR_MODE_INFERENCE, HR_ESTIMATE_METHOD_EXACT, start->model);
  gboolean has_gpu = plan->layers.memory > 0;
  guint64 needed = get_needed (self, start);
  guint64 tokens = has_gpu ? MAX (self->share.room, needed) : needed;
  guint64 table = hr_sglang_plan_get_table_bytes (plan, tokens);
  guint64 before = has_gpu ? plan->before->median_bytes : 0;
  guint64 weights = self->weight_bytes + self->guessing;
  guint64 total = before + weights + hr_sglang_plan_get_cache_bytes (plan, tokens) + table + self->run + self->graphs;
  g_autofree char *graphs = hr_serving_dup_number (self->graphs);
  g_autofree char *gone = hr_serving_dup_number (before);

  _hr_estimate_add_device (estimate);
  hr_serving_add_weights (estimate, &plan->layers, &self->share.weights, weights, SOURCE_WEIGHTS);
  add_cache (estimate, plan, tokens, hr_sglang_plan_count_requests (plan, tokens));
  hr_serving_add_run (estimate, &self->share.replay.peak, detail, SOURCE_RUN);
  add_temporary (estimate, self);
  if (self->graphs > 0)
    _hr_estimate_add_component (estimate, 0, HR_COMPONENT_CUDA_GRAPHS, self->graphs, "graphs", graphs,
                                plan->profile->graphs.source);
  if (before > 0)
    _hr_estimate_add_component (estimate, 0, HR_COMPONENT_FRAMEWORK, before, "context + non-torch", gone,
                                plan->before->source);
  _hr_estimate_set_no_margin (estimate,
                              N_("No margin is told within which nineteen of twenty starts stay, as too few starts of "
                                 "SGLang were logged: what CUDA graphs take is the median of five logs, and what is "
                                 "gone before the model is loaded that of three, or of two of several ranks."));
  if (has_gpu && self->share.room > 0)
    _hr_estimate_set_room (estimate, self->share.room, count_at_once (self, start));
  if (has_gpu && self->share.room < needed)
    total += add_unused (estimate, plan, self->run + self->graphs + self->guessing + table);
  hr_serving_end (estimate, &self->share.replay.peak, before + self->weight_bytes, total);

  return estimate;
}

static const HrServingEngine engine = { sizeof (Rank), init_plan, measure, warn, create_estimate };

/*
 * hr_sglang_estimate_new:
 * @model: a model
 * @job: a job
 * @gpu: (nullable): the GPU to run on
 * @n_gpus: how many of them
 * @detail: what is to be known
 * @error: return location for an error
 *
 * Estimates what SGLang takes of each GPU: the weights, as many tokens of the cache as its share of the memory has room
 * for, or, where these are too few, as many as would be needed, and what comes to that when it runs.
 *
 * Returns: (transfer full): an estimate, or %NULL with @error set
 */
HrEstimate *
hr_sglang_estimate_new (HrModel           *model,
                        HrInferenceJob    *job,
                        HrGpu             *gpu,
                        guint              n_gpus,
                        HrEstimateDetail   detail,
                        GError           **error)
{
  return hr_serving_estimate_ranks (&engine, model, job, gpu, n_gpus, detail, error);
}
