/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-block-estimate.h"

#include <math.h>

#include "hr-lmdeploy-plan.h"
#include "hr-rule-estimate.h"
#include "hr-serving-estimate.h"
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
  HrModel *part;        /* (nullable): what it has of the model, where it has not all */
  HrInferencePlan pass;
  HrBlockPlan plan;
  HrReplay replay;
  HrWeights weights;
  guint64 weight_bytes;
  guint64 run;          /* when prompts are computed, workspaces included */
  guint64 free_bytes;   /* what the cache takes a share of */
  guint64 tokens;       /* that there is room for */
} Rank;

typedef struct
{
  HrModel *model;
  HrInferenceJob *job;
  HrGpu *gpu;
  HrServingLayout layout;
  guint64 length;       /* tokens of a request */
  guint64 requests;     /* at once */
} Run;

static void
rank_free (Rank *self)
{
  hr_inference_plan_clear (&self->pass);
  hr_replay_clear (&self->replay);
  g_clear_object (&self->part);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rank, rank_free)

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
    hr_turbomind_run_replay (&layers, &self->replay);
  else
    hr_serving_run_replay (&layers, &self->replay);
  self->run = self->replay.peak.level.total + (plan->runs_turbomind ? 0 : plan->layers.workspace_bytes);
}

static void
measure (Rank *self)
{
  HrBlockPlan *plan = &self->plan;
  guint64 tokens = plan->layers.max_num_batched_tokens;
  guint64 free_bytes;

  self->weight_bytes = hr_serving_weights_get_bytes (&plan->layers, &self->weights);
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
  self->tokens = hr_block_plan_count_tokens (plan, self->free_bytes);
}

static gboolean
init_plan (Rank       *self,
           const Run  *run,
           GError    **error)
{
  if (hr_inference_job_get_engine (run->job) == HR_ENGINE_LMDEPLOY)
    return hr_lmdeploy_plan_init (&self->plan, &self->pass, run->model, run->job, run->gpu, &run->layout, error);

  return hr_trtllm_plan_init (&self->plan, &self->pass, run->model, run->job, run->gpu, &run->layout, error);
}

static gpointer
rank_new (gconstpointer         data,
          const HrServingPart  *part,
          GError              **error)
{
  const Run *run = data;
  g_autoptr (Rank) self = g_new0 (Rank, 1);

  g_set_object (&self->part, part->model);
  hr_replay_init (&self->replay, HR_ELEMENT_BFLOAT16, HR_QUANTIZATION_NONE);
  if (!hr_serving_init_pass (&self->pass, part->model != NULL ? part->model : run->model, run->job, error) ||
      !init_plan (self, run, error) || !hr_serving_check_length (&self->plan.layers, run->job, error))
    return NULL;

  if (part->model != NULL)
    hr_serving_plan_set_rank (&self->plan.layers, &run->layout, &part->rank);
  hr_replay_clear (&self->replay);
  hr_inference_plan_init_replay (&self->pass, &self->replay);
  measure (self);

  return g_steal_pointer (&self);
}

/* All ranks have room for as many tokens as the one that has room for the fewest. */
static Rank *
share_tokens (GPtrArray *ranks)
{
  Rank *least = g_ptr_array_index (ranks, 0);

  for (guint i = 1; i < ranks->len; i++)
    {
      Rank *rank = g_ptr_array_index (ranks, i);

      if (rank->tokens < least->tokens)
        least = rank;
    }
  for (guint i = 0; i < ranks->len; i++)
    ((Rank *) g_ptr_array_index (ranks, i))->tokens = least->tokens;

  return least;
}

static guint64
get_request_tokens (const Rank *self,
                    const Run  *run)
{
  guint64 block = self->plan.layers.block_size;

  return (run->length + block - 1) / block * block;
}

/* The tokens of all requests that are computed at once. */
static guint64
get_needed (const Rank *self,
            const Run  *run)
{
  return MIN (run->requests, self->plan.layers.max_num_seqs) * get_request_tokens (self, run);
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

  hr_inference_plan_warn (&self->pass,
                          /* Translators: the places are a program, what it says, and two sizes. */
                          N_("%s would not start (%s): of the GPU’s memory, %s, weights and what is beside them take "
                             "%s, and nothing is left for the KV cache"),
                          plan->layers.program, plan->refusal, memory, beside);
}

static void
tell_room (Rank      *self,
           const Run *run)
{
  HrServingPlan *layers = &self->plan.layers;
  guint64 at_once = MIN (self->tokens / get_request_tokens (self, run), layers->max_num_seqs);
  g_autofree char *tokens = hr_serving_dup_number (self->tokens);
  g_autofree char *blocks = hr_serving_dup_number (self->tokens / layers->block_size);
  g_autofree char *block = hr_serving_dup_number (layers->block_size);
  g_autofree char *fraction = g_strdup_printf ("%.3g", self->plan.fraction);
  g_autofree char *requests = hr_serving_dup_number (at_once);
  g_autofree char *length = hr_serving_dup_number (run->length);
  g_autofree char *longest = hr_serving_dup_number (MIN (self->tokens, layers->max_model_len));

  hr_inference_plan_warn (&self->pass,
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
  guint64 left = subtract (plan->layers.memory, get_taken (self) + get_cache_bytes (self, self->tokens));
  guint64 taken = get_late_bytes (self);
  guint64 base = plan->takes_of_all ? plan->layers.memory : self->free_bytes;
  guint64 room = subtract (plan->layers.memory, get_taken (self) + taken);
  g_autofree char *is_left = hr_serving_dup_size (left);
  g_autofree char *needed = hr_serving_dup_size (taken);
  g_autofree char *most = NULL;

  if (taken <= left || room == 0 || base == 0)
    return;

  most = g_strdup_printf ("%.2f", floor (100.0 * room / base) / 100);
  hr_inference_plan_warn (&self->pass,
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
  g_autofree char *room = hr_serving_dup_number (self->tokens);

  if (layers->max_num_batched_tokens < asked)
    hr_inference_plan_warn (&self->pass,
                            N_("%s computes %s tokens of prompts at once, fewer than it was told, as there would be "
                               "too few blocks otherwise"), layers->program, tokens);
  if (self->plan.cuts_context && self->tokens < layers->max_model_len)
    hr_inference_plan_warn (&self->pass,
                            N_("The longest request, %s tokens, does not fit into the KV cache: %s starts, but cuts "
                               "session-len to %s"), longest, layers->program, room);
}

static void
warn (Rank      *self,
      const Run *run,
      guint64    asked)
{
  HrServingPlan *layers = &self->plan.layers;
  g_autofree char *prompts = hr_serving_dup_number (layers->max_num_batched_tokens);
  g_autofree char *batch = hr_serving_dup_number (layers->max_num_seqs);

  if (layers->memory == 0)
    hr_inference_plan_warn (&self->pass,
                            N_("No GPU is named: the KV cache is counted as large as the requests need it; %s makes it "
                               "as large as its share of the memory has room for"), layers->program);
  else if (self->tokens == 0)
    tell_refusal (self);
  else
    {
      tell_room (self, run);
      tell_cuts (self, asked);
      if (self->tokens < get_needed (self, run))
        hr_serving_tell_waiting (&self->pass, run->requests, self->tokens / get_request_tokens (self, run));
      tell_shortage (self);
    }

  hr_inference_plan_warn (&self->pass,
                          N_("%s is counted with %s tokens of prompts and %s requests at once, and without LoRA, "
                             "speculative decoding and other processes on the GPU"), layers->program, prompts, batch);
  if (!self->plan.runs_turbomind && !hr_inference_job_get_enforce_eager (run->job))
    hr_inference_plan_warn (&self->pass, N_("What CUDA graphs take is not known of %s and not counted"),
                            layers->program);
  if (hr_model_get_n_stacks (self->pass.model) > 1)
    hr_inference_plan_warn (&self->pass,
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
create_estimate (Rank             *self,
                 const Run        *run,
                 HrEstimateDetail  detail)
{
  HrBlockPlan *plan = &self->plan;
  HrEstimate *estimate = _hr_estimate_new (HR_MODE_INFERENCE, HR_ESTIMATE_METHOD_EXACT, run->model);
  gboolean has_gpu = plan->layers.memory > 0;
  guint64 needed = get_needed (self, run);
  guint64 tokens = has_gpu ? MAX (self->tokens, needed) : needed;
  guint64 before = has_gpu ? plan->before.median_bytes : 0;
  guint64 total = before + self->weight_bytes + plan->fixed_bytes + get_cache_bytes (self, tokens) + self->run +
                  plan->late_bytes;

  _hr_estimate_add_device (estimate);
  hr_serving_add_weights (estimate, &plan->layers, &self->weights, self->weight_bytes, plan->sources.weights);
  add_cache (estimate, self, tokens);
  hr_serving_add_run (estimate, &self->replay.peak, detail, plan->sources.run);
  add_temporary (estimate, self);
  add_beside (estimate, self);
  if (has_gpu && self->tokens < needed)
    total += add_unused (estimate, self);
  hr_serving_end (estimate, &plan->layers, &self->replay.peak, before + self->weight_bytes, total, detail);

  return estimate;
}

static HrEstimate *
join (GPtrArray        *ranks,
      const Run        *run,
      HrEstimateDetail  detail)
{
  g_autoptr (GPtrArray) estimates = g_ptr_array_new_with_free_func (g_object_unref);
  Rank *least = share_tokens (ranks);
  guint64 asked = hr_inference_job_get_max_num_batched_tokens (run->job);

  warn (least, run, asked);
  for (guint i = 0; i < ranks->len; i++)
    g_ptr_array_add (estimates, create_estimate (g_ptr_array_index (ranks, i), run, detail));

  return hr_serving_join (estimates, &least->pass, &run->layout);
}

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
  Run run = { model, job, gpu };
  g_autoptr (GPtrArray) ranks = NULL;

  if (!hr_serving_layout_init (&run.layout, HR_JOB (job), n_gpus, error))
    return NULL;

  run.length = hr_inference_job_get_prompt_length (job) + hr_inference_job_get_output_length (job);
  run.requests = (hr_inference_job_get_batch_size (job) + run.layout.data - 1) / run.layout.data;
  ranks = hr_serving_create_ranks (&run.layout, run.model, rank_new, &run, (GDestroyNotify) rank_free, error);
  if (ranks == NULL)
    return NULL;

  if (hr_job_get_method_of_estimate (HR_JOB (job)) == HR_ESTIMATE_METHOD_RULE_OF_THUMB)
    return hr_rule_estimate_new (&((Rank *) g_ptr_array_index (ranks, 0))->pass);

  return join (ranks, &run, detail);
}
