/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-block-estimate.h"

#include <math.h>

#include "hr-lmdeploy-plan.h"
#include "hr-serving-estimate.h"
#include "hr-serving-ranks.h"
#include "hr-serving-run.h"
#include "hr-serving-weights.h"
#include "hr-trtllm-plan.h"
#include "hr-turbomind-run.h"

/*
 * Engines whose cache takes a share of what the weights leave of the memory: LMDeploy, and TensorRT-LLM, which tries
 * out before what prompts take.
 */

#define SOURCE_WORKSPACE "aten/src/ATen/cuda/CublasHandlePool.cpp"

/* What a kind of rank takes. */
typedef struct
{
  HrServingShare share;
  HrBlockPlan plan;
  guint64 weight_bytes;
  guint64 run;          /* when prompts are computed, workspaces included */
  guint64 free_bytes;   /* what the cache takes a share of */
} Rank;

/* What is beside the cache when the engine has looked at what is free. */
static guint64
get_taken (const Rank *self)
{
  const HrBlockPlan *plan = &self->plan;

  return plan->before.median_bytes + plan->fixed_bytes + self->weight_bytes;
}

static guint64
subtract (guint64 from,
          guint64 what)
{
  return from - MIN (from, what);
}

/* ExecutorBase._get_runtime_size: half as many tokens at once, until there are enough blocks. */
static void
fit_prompts (Rank    *self,
             guint64  free_bytes)
{
  HrBlockPlan *plan = &self->plan;
  guint64 *tokens = &plan->layers.max_num_batched_tokens;
  guint64 least = plan->least_blocks * plan->layers.block_size;

  while (*tokens > 0)
    {
      self->free_bytes = subtract (free_bytes, hr_block_plan_get_reserved (plan, *tokens));
      if (hr_block_plan_count_tokens (plan, self->free_bytes) >= least)
        return;
      *tokens /= 2;
    }
  self->free_bytes = 0;
}

static void
replay_run (Rank *self)
{
  HrBlockPlan *plan = &self->plan;
  HrServingPlan layers = plan->layers;

  if (plan->run_requests > 0)
    layers.max_num_seqs = MIN (layers.max_num_seqs, plan->run_requests);
  if (plan->runs_turbomind)
    hr_turbomind_run_replay (&layers, &self->share.replay);
  else
    hr_serving_run_replay (&layers, &self->share.replay);
  self->run = self->share.replay.peak.level.total + (plan->runs_turbomind ? 0 : plan->layers.workspace_bytes);
}

static void
measure (gpointer              share,
         const HrServingStart *start)
{
  Rank *self = share;
  HrBlockPlan *plan = &self->plan;
  guint64 tokens = plan->layers.max_num_batched_tokens;
  guint64 free_bytes;

  self->weight_bytes = hr_serving_weights_get_bytes (&plan->layers, &self->share.weights);
  free_bytes = plan->takes_of_all ? plan->layers.memory : subtract (plan->layers.memory, get_taken (self));
  if (plan->layers.memory > 0 && plan->least_blocks > 0)
    fit_prompts (self, free_bytes);
  else
    self->free_bytes = free_bytes;
  if (plan->layers.max_num_batched_tokens == 0)
    plan->layers.max_num_batched_tokens = tokens;
  replay_run (self);
  if (plan->tries_run)
    self->free_bytes = subtract (free_bytes, self->run);
  self->share.room = hr_block_plan_count_tokens (plan, self->free_bytes);
}

static HrServingPlan *
init_plan (gpointer               share,
           const HrServingStart  *start,
           GError               **error)
{
  Rank *self = share;
  HrInferencePlan *pass = &self->share.pass;
  gboolean is_lmdeploy = hr_inference_job_get_engine (start->job) == HR_ENGINE_LMDEPLOY;

  if (is_lmdeploy
      ? !hr_lmdeploy_plan_init (&self->plan, pass, start->model, start->job, start->gpu, &start->layout, error)
      : !hr_trtllm_plan_init (&self->plan, pass, start->model, start->job, start->gpu, &start->layout, error))
    return NULL;

  return &self->plan.layers;
}

static guint64
get_request_tokens (const Rank           *self,
                    const HrServingStart *start)
{
  guint64 block = self->plan.layers.block_size;

  return (start->length + block - 1) / block * block;
}

/* The tokens of all requests that are computed at once. */
static guint64
get_needed (const Rank           *self,
            const HrServingStart *start)
{
  return MIN (start->requests, self->plan.layers.max_num_seqs) * get_request_tokens (self, start);
}

static guint64
get_cache_bytes (const Rank *self,
                 guint64     tokens)
{
  return tokens / self->plan.layers.block_size * self->plan.block_bytes;
}

/* What comes when the cache is there. */
static guint64
get_late_bytes (const Rank *self)
{
  return self->run + self->plan.late_bytes;
}

static void
tell_refusal (Rank *self)
{
  HrBlockPlan *plan = &self->plan;
  guint64 taken = get_taken (self) + (plan->tries_run ? self->run : 0);
  g_autofree char *memory = hr_serving_dup_size (plan->layers.memory);
  g_autofree char *beside = hr_serving_dup_size (taken);

  hr_inference_plan_warn (&self->share.pass,
                          /* Translators: the places are a program, what it says, and two sizes. */
                          N_("%s would not start (%s): of the GPU’s memory, %s, weights and what is beside them take "
                             "%s, and nothing is left for the KV cache"),
                          plan->layers.program, plan->refusal, memory, beside);
}

/* How many requests of prompt and output there is room for. */
static guint64
count_at_once (const Rank           *self,
               const HrServingStart *start)
{
  return MIN (self->share.room / get_request_tokens (self, start), self->plan.layers.max_num_seqs);
}

static void
tell_room (Rank                 *self,
           const HrServingStart *start)
{
  HrServingPlan *layers = &self->plan.layers;
  g_autofree char *tokens = hr_serving_dup_number (self->share.room);
  g_autofree char *blocks = hr_serving_dup_number (self->share.room / layers->block_size);
  g_autofree char *block = hr_serving_dup_number (layers->block_size);
  g_autofree char *fraction = g_strdup_printf ("%.3g", self->plan.fraction);
  g_autofree char *requests = hr_serving_dup_number (count_at_once (self, start));
  g_autofree char *length = hr_serving_dup_number (start->length);
  g_autofree char *longest = hr_serving_dup_number (MIN (self->share.room, layers->max_model_len));

  hr_inference_plan_warn (&self->share.pass,
                          /* Translators: the fifth place is a setting, the sixth its value. */
                          N_("%s’s KV cache has room for %s tokens, in %s blocks of %s, with %s %s: for %s requests of "
                             "prompt and output, %s tokens, at once; one alone may have %s tokens"),
                          layers->program, tokens, blocks, block, self->plan.share_setting, fraction, requests, length,
                          longest);
}

/* What is left beside the share: what comes when the cache is there has to do with it. */
static void
tell_shortage (Rank *self)
{
  HrBlockPlan *plan = &self->plan;
  guint64 left = subtract (plan->layers.memory, get_taken (self) + get_cache_bytes (self, self->share.room));
  guint64 taken = get_late_bytes (self);
  guint64 base = plan->takes_of_all ? plan->layers.memory : self->free_bytes;
  guint64 room = subtract (plan->layers.memory, get_taken (self) + taken);
  g_autofree char *is_left = hr_serving_dup_size (left);
  g_autofree char *needed = hr_serving_dup_size (taken);
  g_autofree char *most = NULL;

  if (taken <= left || room == 0 || base == 0)
    return;

  most = g_strdup_printf ("%.2f", floor (100.0 * room / base) / 100);
  hr_inference_plan_warn (&self->share.pass,
                          /* Translators: the places are a program, two sizes, a setting and its value. */
                          N_("%s may run out of memory: its share leaves %s, and prompts and what is made beside them "
                             "take %s; %s %s leaves that much"),
                          plan->layers.program, is_left, needed, plan->share_setting, most);
}

/* The engine starts, but with less than was asked for. */
static void
tell_cuts (Rank    *self,
           guint64  asked)
{
  HrServingPlan *layers = &self->plan.layers;
  g_autofree char *tokens = hr_serving_dup_number (layers->max_num_batched_tokens);
  g_autofree char *longest = hr_serving_dup_number (layers->max_model_len);
  g_autofree char *room = hr_serving_dup_number (self->share.room);

  if (layers->max_num_batched_tokens < asked)
    hr_inference_plan_warn (&self->share.pass,
                            N_("%s computes %s tokens of prompts at once, fewer than it was told, as there would be "
                               "too few blocks otherwise"), layers->program, tokens);
  if (self->plan.cuts_context && self->share.room < layers->max_model_len)
    hr_inference_plan_warn (&self->share.pass,
                            N_("The longest request, %s tokens, does not fit into the KV cache: %s starts, but cuts "
                               "session-len to %s"), longest, layers->program, room);
}

static void
warn (gpointer              share,
      const HrServingStart *start)
{
  Rank *self = share;
  HrServingPlan *layers = &self->plan.layers;
  g_autofree char *prompts = hr_serving_dup_number (layers->max_num_batched_tokens);
  g_autofree char *batch = hr_serving_dup_number (layers->max_num_seqs);

  if (layers->memory == 0)
    hr_inference_plan_warn (&self->share.pass,
                            N_("No GPU is named: the KV cache is counted as large as the requests need it; %s makes it "
                               "as large as its share of the memory has room for"), layers->program);
  else if (self->share.room == 0)
    tell_refusal (self);
  else
    {
      tell_room (self, start);
      tell_cuts (self, hr_inference_job_get_max_num_batched_tokens (start->job));
      if (self->share.room < get_needed (self, start))
        hr_serving_tell_waiting (&self->share.pass, start->requests,
                                 self->share.room / get_request_tokens (self, start));
      tell_shortage (self);
    }

  hr_inference_plan_warn (&self->share.pass,
                          N_("%s is counted with %s tokens of prompts and %s requests at once, and without LoRA, "
                             "speculative decoding and other processes on the GPU"), layers->program, prompts, batch);
  if (!self->plan.runs_turbomind && !hr_inference_job_get_enforce_eager (start->job))
    hr_inference_plan_warn (&self->share.pass, N_("What CUDA graphs take is not known of %s and not counted"),
                            layers->program);
  if (hr_model_get_n_stacks (self->share.pass.model) > 1)
    hr_inference_plan_warn (&self->share.pass,
                            N_("The weights of towers and projectors are counted, but not what %s makes of images and "
                               "sounds"), layers->program);
}

static void
add_cache (HrEstimate *estimate,
           const Rank *self,
           guint64     tokens)
{
  const HrServingPlan *layers = &self->plan.layers;
  g_autofree char *substitution =
    g_strdup_printf ("%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT, tokens / layers->block_size, self->plan.block_bytes);

  _hr_estimate_add_component (estimate, 0, HR_COMPONENT_KV_CACHE, get_cache_bytes (self, tokens),
                              "blocks·L·block·(k + v)·e", substitution, self->plan.sources.cache);
}

static void
add_temporary (HrEstimate *estimate,
               const Rank *self)
{
  const HrBlockPlan *plan = &self->plan;
  guint64 products = plan->runs_turbomind ? 0 : plan->layers.workspace_bytes;
  guint64 bytes = products + plan->fixed_bytes + plan->late_bytes;
  g_autofree char *substitution =
    g_strdup_printf ("%" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT, products + plan->fixed_bytes, plan->late_bytes);
  g_autofree char *source = g_strconcat (SOURCE_WORKSPACE, "; ", plan->sources.run, NULL);

  if (bytes > 0)
    _hr_estimate_add_component (estimate, 0, HR_COMPONENT_TEMPORARY, bytes, "workspace + tables", substitution,
                                plan->fixed_bytes + plan->late_bytes > 0 ? source : SOURCE_WORKSPACE);
}

static void
add_beside (HrEstimate *estimate,
            const Rank *self)
{
  const HrBlockPlan *plan = &self->plan;
  g_autofree char *before = hr_serving_dup_number (plan->before.median_bytes);

  if (plan->layers.memory > 0)
    _hr_estimate_add_component (estimate, 0, HR_COMPONENT_FRAMEWORK, plan->before.median_bytes, "context + non-torch",
                                before, plan->before.source);
}

/* What the engine leaves free is no help where the share is too small. */
static guint64
add_unused (HrEstimate *estimate,
            const Rank *self)
{
  const HrBlockPlan *plan = &self->plan;
  guint64 free_bytes = subtract (plan->layers.memory, get_taken (self));
  guint64 share = MIN (free_bytes, plan->fraction * self->free_bytes);
  guint64 late = get_late_bytes (self);
  guint64 bytes = subtract (free_bytes, share + late);
  g_autofree char *substitution = g_strdup_printf ("%" G_GUINT64_FORMAT " − %" G_GUINT64_FORMAT " − %" G_GUINT64_FORMAT,
                                                   free_bytes, share, MIN (late, subtract (free_bytes, share)));

  if (bytes > 0)
    _hr_estimate_add_component (estimate, 0, HR_COMPONENT_RESERVE, bytes, "free − f·free − run", substitution,
                                plan->sources.share);

  return bytes;
}

static HrEstimate *
create_estimate (gpointer              share,
                 const HrServingStart *start,
                 HrEstimateDetail      detail)
{
  Rank *self = share;
  HrBlockPlan *plan = &self->plan;
  HrEstimate *estimate = _hr_estimate_new (HR_MODE_INFERENCE, HR_ESTIMATE_METHOD_EXACT, start->model);
  gboolean has_gpu = plan->layers.memory > 0;
  guint64 needed = get_needed (self, start);
  guint64 tokens = has_gpu ? MAX (self->share.room, needed) : needed;
  guint64 before = has_gpu ? plan->before.median_bytes : 0;
  guint64 total = before + self->weight_bytes + plan->fixed_bytes + get_cache_bytes (self, tokens) + self->run +
                  plan->late_bytes;

  _hr_estimate_add_device (estimate);
  hr_serving_add_weights (estimate, &plan->layers, &self->share.weights, self->weight_bytes, plan->sources.weights);
  add_cache (estimate, self, tokens);
  hr_serving_add_run (estimate, &self->share.replay.peak, detail, plan->sources.run);
  add_temporary (estimate, self);
  add_beside (estimate, self);
  _hr_estimate_set_no_margin (estimate, plan->no_margin);
  if (has_gpu && self->share.room > 0)
    _hr_estimate_set_room (estimate, self->share.room, count_at_once (self, start));
  if (has_gpu && self->share.room < needed)
    total += add_unused (estimate, self);
  hr_serving_end (estimate, &self->share.replay.peak, before + self->weight_bytes, total);

  return estimate;
}

static const HrServingEngine engine = { sizeof (Rank), init_plan, measure, warn, create_estimate };

/*
 * hr_block_estimate_new:
 * @model: a model
 * @job: a job of LMDeploy or TensorRT-LLM
 * @gpu: (nullable): the GPU to run on
 * @n_gpus: how many of them
 * @detail: what is to be known
 * @error: return location for an error
 *
 * Estimates what an engine takes of each GPU whose cache has a share of what the weights leave: the weights, as many
 * blocks of the cache as there is room for, or, where these are too few, as many as would be needed, and what comes to
 * that when it runs.
 *
 * Returns: (transfer full): an estimate, or %NULL with @error set
 */
HrEstimate *
hr_block_estimate_new (HrModel           *model,
                       HrInferenceJob    *job,
                       HrGpu             *gpu,
                       guint              n_gpus,
                       HrEstimateDetail   detail,
                       GError           **error)
{
  return hr_serving_estimate_ranks (&engine, model, job, gpu, n_gpus, detail, error);
}
