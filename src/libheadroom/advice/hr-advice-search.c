/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-advice-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "hr-estimator.h"
#include "hr-inference-job.h"
#include "hr-labels.h"
#include "hr-sharing.h"
#include "hr-training-job.h"
#include "hr-units.h"
#include "hr-workers.h"

/*
 * Advice about settings: each change is made to a copy of the job and estimated anew. What the framework hands out is
 * known in microseconds, and what it reserves in milliseconds; so the first decides what is worth the second.
 */

#define GIB (G_GUINT64_CONSTANT (1) << 30)

/* As many as are told: what saves less than these is not what helps. */
#define MAX_ADVICE 10

/* How many changes a core looks at in a step, by what is allocated. */
#define CHANGES_PER_WORKER 4

/* Below this share of the whole a change is not worth a line, and a pair of changes not more than one of them. */
#define MIN_SHARE 0.002
#define MIN_SHARE_OF_PAIR 0.03

typedef struct
{
  const char *change;
  const char *text;
  const char *cost;
} Candidate;

/* Settings to change, with what one pays for it. What a job has no use for, or cannot be combined, is passed over. */
static const Candidate candidates[] = {
  { "gradient-checkpointing=full", N_("Keep only what goes into each layer (gradient checkpointing)"),
    N_("about a third more time a step") },
  { "gradient-checkpointing=selective",
    N_("Compute a part of each layer again in the backward pass (selective checkpointing)"),
    N_("a little more time a step") },
  { "attention=sdpa", N_("Let PyTorch’s fused attention compute the scores, which are then never in memory"),
    N_("nothing; faster") },
  { "attention=flash", N_("Compute the attention with FlashAttention"), N_("the flash-attn package") },
  { "optimizer=adamw-8bit", N_("Keep the states of AdamW in 8 bits (bitsandbytes)"),
    N_("the bitsandbytes package; hardly any quality") },
  { "optimizer=paged-adamw-8bit", N_("Keep the states of AdamW in 8 bits and page them to the memory of the host"),
    N_("the bitsandbytes package; slower where pages move") },
  { "optimizer=adafactor", N_("Take Adafactor, which keeps rows and columns instead of a second moment"),
    N_("other hyper-parameters to tune") },
  { "optimizer=lion", N_("Take Lion, which keeps one moment instead of two"), N_("other hyper-parameters to tune") },
  { "optimizer-implementation=fused", N_("Update the parameters in one kernel (fused)"), N_("nothing; faster") },
  { "optimizer-implementation=for-loop", N_("Update the parameters one after the other"), N_("a slower step") },
  { "fine-tuning-method=lora", N_("Train adapters of a low rank (LoRA) instead"),
    N_("a part of what full training learns") },
  { "fine-tuning-method=qlora", N_("Train adapters on a base in 4 bits (QLoRA)"),
    N_("slower steps; a little quality") },
  { "fine-tuning-method=qlora gradient-checkpointing=full",
    N_("Train adapters on a base in 4 bits (QLoRA), with gradient checkpointing"),
    N_("slower steps, about a third more time; a little quality") },
  { "gradient-checkpointing=full optimizer=adamw-8bit",
    N_("Gradient checkpointing, and the states of AdamW in 8 bits"),
    N_("about a third more time a step; the bitsandbytes package") },
  { "fused-kernels=liger", N_("Patch the model with Liger-Kernel"), N_("the liger-kernel package; faster") },
  { "loss-implementation=chunked-nll", N_("Compute the loss a part of the tokens at a time"), N_("hardly any time") },
  { "activation-offload=layer-inputs", N_("Let what goes into each layer wait in the memory of the host"),
    N_("memory of the host, and a little time") },
  { "activation-offload=save-on-cpu", N_("Let all that the backward pass needs wait in the memory of the host"),
    N_("memory of the host, and much time") },
  { "keep-outputs=false", N_("Let go of the outputs of a step before the next one"), N_("nothing") },
  { "fp32-outputs=false", N_("Leave the outputs in the type that they come in"), N_("nothing, if the loss upcasts") },
  { "zero-grad=after-step", N_("Free the gradients after each step"), N_("nothing") },
  { "packing=padding-free", N_("Put the sequences end to end instead of padding them"), N_("FlashAttention; faster") },
  { "precision-recipe=half", N_("Train in bfloat16 alone, without copies in FP32"),
    N_("small updates are rounded away") },
  { "dtype=bfloat16", N_("Load the weights in bfloat16"), N_("hardly any quality") },
  { "quantization=bnb-nf4", N_("Load the weights in 4 bits (NF4)"), N_("a little quality; slower prompts") },
  { "quantization=bnb-int8", N_("Load the weights in 8 bits"), N_("hardly any quality; slower") },
  { "quantization=mlx-int4", N_("Load the weights in 4 bits of MLX"), N_("a little quality") },
  { "quantization=mlx-int8", N_("Load the weights in 8 bits of MLX"), N_("hardly any quality") },
  { "quantization=exl3 bits-per-weight=6", N_("Load a model of 6 bits per weight (EXL3)"), N_("hardly any quality") },
  { "quantization=exl3 bits-per-weight=4", N_("Load a model of 4 bits per weight (EXL3)"), N_("a little quality") },
  { "quantization=exl3 bits-per-weight=3", N_("Load a model of 3 bits per weight (EXL3)"), N_("quality") },
  { "cache-mode=8,8", N_("Keep keys and values in 8 bits"), N_("hardly any quality") },
  { "cache-mode=4,4", N_("Keep keys and values in 4 bits"), N_("a little quality and time") },
  { "kv-cache-dtype=int8", N_("Keep keys and values in 8 bits"), N_("a little time") },
  { "kv-cache-dtype=int4", N_("Keep keys and values in 4 bits"), N_("a little quality and time") },
  { "cache-type-k=q8_0 cache-type-v=q8_0", N_("Keep keys and values in 8 bits (Q8_0)"), N_("hardly any quality") },
  { "kv-cache-dtype=float8", N_("Keep keys and values in eight-bit floats"), N_("a little quality") },
  { "gpu-memory-utilization=0.95", N_("Give vLLM a share of 0.95 of the GPU’s memory"),
    N_("little is left for anything beside it") },
  { "mem-fraction-static=0.95", N_("Give SGLang a share of 0.95 of the free memory"),
    N_("prompts and CUDA graphs may run out of memory") },
  { "mem-fraction-static=0.8", N_("Leave SGLang’s prompts and CUDA graphs a fifth of the free memory"),
    N_("fewer tokens in the KV cache") },
  { "cache-max-entry-count=0.9", N_("Give LMDeploy’s KV cache a share of 0.9 of what the weights leave free"),
    N_("prompts may run out of memory") },
  { "cache-max-entry-count=0.5", N_("Give LMDeploy’s KV cache half of what the weights leave free"),
    N_("fewer tokens in the KV cache") },
  { "free-gpu-memory-fraction=0.95", N_("Give TensorRT-LLM’s KV cache a share of 0.95 of what is free"),
    N_("little is left for anything beside it") },
  { "max-num-seqs=64", N_("Compute 64 requests at once at the most"), N_("throughput") },
  { "enforce-eager=true", N_("Run without CUDA graphs"), N_("slower answers") },
  { "kv-offload=false", N_("Let the host keep keys and values"), N_("memory of the host, and much time") },
  { "mmproj=none", N_("Leave the projector off"), N_("the model sees no pictures") },
  { "mmproj-offload=false", N_("Let the host keep the projector"), N_("memory of the host; pictures take longer") },
  { "n-cpu-moe=9999", N_("Let the host keep the experts"), N_("memory of the host, and much time") },
  { "kt-method=amxint4", N_("Let the host keep the experts, in 4 bits (KTransformers)"),
    N_("memory of the host, a little quality, and much time") },
  { "flash-attention=on", N_("Compute the attention without keeping its scores"), N_("nothing; faster") },
  { "logits-to-keep=last", N_("Compute the logits of the last token alone"), N_("nothing") },
  { "beams=1", N_("Search with one beam"), N_("a less thorough search") },
  { "reference-model=false", N_("Train without the term that keeps the policy near a reference"),
    N_("nothing holds the policy back") },
  { "rollout-sleep=level-1", N_("Let vLLM sleep while the trainer works"),
    N_("memory of the host, and a little time") },
};

/* A size that is cut in half, and one that is doubled so that the step stays the same. */
typedef struct
{
  const char *halved;
  const char *doubled;
  const char *text;
  const char *cost;
} Halving;

static const Halving halvings[] = {
  /* Translators: %s is a number. */
  { "micro-batch-size", "gradient-accumulation-steps",
    N_("Halve the micro-batch to %s, and accumulate gradients over twice as many"),
    N_("nothing but time: the same step") },
  { "batch-size", NULL, N_("Halve the batch to %s"), N_("throughput") },
  { "sequence-length", NULL, N_("Halve the sequences to %s tokens"), N_("longer texts are cut") },
  { "prompt-length", NULL, N_("Halve the prompts to %s tokens"), N_("longer texts are cut") },
  { "completion-length", NULL, N_("Halve the completions to %s tokens"), N_("longer answers are cut") },
  { "max-model-len", NULL, N_("Halve the longest context to %s tokens"), N_("longer requests are refused") },
  { "max-num-batched-tokens", NULL, N_("Put %s tokens through the layers at once, half as many"),
    N_("slower prompts") },
  { "lora-rank", NULL, N_("Halve the rank of the adapters to %s"), N_("adapters that learn less") },
};

/* A way of sharing, single changes, sizes that are cut in half, and what goes to the host. */
#define N_CHANGES (1 + G_N_ELEMENTS (candidates) + G_N_ELEMENTS (halvings) + 1)

/* An advice whose saving is known by what is allocated alone; @change is that of a candidate. */
typedef struct
{
  HrJob *changed;
  HrEstimate *estimate;   /* of the changed job */
  guint64 saves_allocated;
  char *text;
  const char *cost;
  const char *change;
} Draft;

typedef enum
{
  STAGE_DRAFT,
  STAGE_TELL,
  STAGE_MEDIA,
  STAGE_DONE,
} Stage;

struct _HrAdviceSearch
{
  HrEstimate *estimate;
  HrJob *job;
  HrGpu *gpu;
  guint n_gpus;
  gboolean takes_quantization;
  GPtrArray *drafts;
  GPtrArray *advice;
  guint n_looked_at;    /* of the changes */
  guint n_told;         /* of the drafts, in order */
  Stage stage;
};

static void
draft_free (gpointer data)
{
  Draft *self = data;

  g_clear_object (&self->changed);
  g_clear_object (&self->estimate);
  g_free (self->text);
  g_free (self);
}

static gint
compare_drafts (gconstpointer a,
                gconstpointer b)
{
  const Draft *one = *(Draft * const *) a;
  const Draft *other = *(Draft * const *) b;

  return one->saves_allocated < other->saves_allocated ? 1 : one->saves_allocated > other->saves_allocated ? -1 : 0;
}

/* Makes a draft if the changed job can be estimated, and is worth it. Takes @changed and @text. */
static Draft *
draft (HrAdviceSearch *self,
       HrJob          *changed,
       char           *text,
       const char     *cost,
       const char     *change)
{
  guint64 before = hr_estimate_get_allocated_bytes (self->estimate), after = before;
  HrEstimate *other = hr_estimator_run_for_sizes (hr_estimate_get_model (self->estimate), changed, self->gpu,
                                                  self->n_gpus, NULL);
  Draft *one = g_new0 (Draft, 1);

  one->changed = changed;
  one->estimate = other;
  one->text = text;
  one->cost = cost;
  one->change = change;
  if (other != NULL && (_hr_advice_starts (other, changed) || !_hr_advice_starts (self->estimate, self->job)))
    after = MIN (hr_estimate_get_allocated_bytes (other), before);

  one->saves_allocated = before - after;
  if (one->saves_allocated > before * MIN_SHARE)
    return one;

  draft_free (one);

  return NULL;
}

/* What is loaded quantized already is not quantized once more, and what is trained has QLoRA for it. */
static gboolean
takes_quantization (HrEstimate *estimate,
                    HrJob      *job)
{
  g_autoptr (HrJob) resolved = hr_job_resolve (job, hr_estimate_get_model (estimate));

  return hr_job_get_quantization (resolved) == HR_QUANTIZATION_NONE && !HR_IS_TRAINING_JOB (job);
}

static Draft *
draft_candidate (HrAdviceSearch  *self,
                 const Candidate *candidate)
{
  g_autofree char *setting = g_strndup (candidate->change, strcspn (candidate->change, "="));
  g_autoptr (HrJob) changed = NULL;

  if (g_object_class_find_property (G_OBJECT_GET_CLASS (self->job), setting) == NULL)
    return NULL;
  if (!self->takes_quantization && g_str_equal (setting, "quantization"))
    return NULL;
  if ((g_str_equal (setting, "n-cpu-moe") || g_str_equal (setting, "kt-method")) &&
      !hr_model_has_experts (hr_estimate_get_model (self->estimate)))
    return NULL;

  changed = hr_job_copy (self->job);
  if (!_hr_advice_make_change (changed, candidate->change))
    return NULL;

  return draft (self, g_steal_pointer (&changed), g_strdup (_(candidate->text)), _(candidate->cost),
                candidate->change);
}

static Draft *
draft_halving (HrAdviceSearch *self,
               const Halving  *halving)
{
  GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (self->job), halving->halved);
  g_autoptr (HrJob) changed = NULL;
  g_autoptr (GString) text = NULL;
  g_autofree char *number = NULL;
  guint64 size, steps;

  if (setting == NULL || !hr_job_uses_setting (self->job, setting, NULL))
    return NULL;

  g_object_get (self->job, halving->halved, &size, NULL);
  /* Where it is left to the program, as far as the model says what that is. */
  if (size == 0)
    {
      g_autoptr (HrJob) resolved = hr_job_resolve (self->job, hr_estimate_get_model (self->estimate));

      g_object_get (resolved, halving->halved, &size, NULL);
    }
  if (size < 2 || size % 2 != 0)
    return NULL;

  changed = hr_job_copy (self->job);
  g_object_set (changed, halving->halved, size / 2, NULL);
  if (halving->doubled != NULL)
    {
      g_object_get (self->job, halving->doubled, &steps, NULL);
      g_object_set (changed, halving->doubled, steps * 2, NULL);
    }

  number = hr_format_integer (size / 2);
  text = g_string_new (_(halving->text));
  g_string_replace (text, "%s", number, 1);

  return draft (self, g_steal_pointer (&changed), g_strdup (text->str), _(halving->cost), NULL);
}

static const char *
describe_sharing (const char **cost,
                  const char  *change)
{
  gboolean has_tensor = strstr (change, "tensor-parallel=") != NULL;

  if (strstr (change, "zero-stage=") != NULL || strstr (change, "fsdp=") != NULL)
    {
      *cost = N_("traffic between the GPUs: parameters are gathered layer by layer");
      if (strstr (change, "framework=trl") != NULL)
        return N_("Divide parameters, gradients and states among the GPUs, with TRL’s trainers (FSDP)");
      if (strstr (change, "framework=") != NULL)
        return N_("Divide parameters, gradients and states among the GPUs, with Transformers’ Trainer (FSDP)");

      return strstr (change, "fsdp=") != NULL
             ? N_("Divide parameters, gradients and states among the GPUs (FSDP)")
             : N_("Divide parameters, gradients and states among the GPUs (ZeRO 3)");
    }

  *cost = has_tensor ? N_("traffic between the GPUs in each layer") : N_("GPUs that wait for each other");
  if (has_tensor && strstr (change, "pipeline-parallel=") != NULL)
    return N_("Divide each layer among GPUs, and the layers into stages (tensor and pipeline parallelism)");

  return has_tensor ? N_("Divide each layer among the GPUs (tensor parallelism)")
                    : N_("Divide the layers into stages, one for each GPU (pipeline parallelism)");
}

/* The first way in which the GPUs may share the model; without one each has all of it. */
static Draft *
draft_sharing (HrAdviceSearch *self)
{
  g_autoptr (GPtrArray) ways = hr_sharing_list (self->job, self->n_gpus);

  for (guint i = 0; i < ways->len; i++)
    {
      const char *change = g_ptr_array_index (ways, i);
      g_autoptr (HrJob) changed = hr_job_copy (self->job);
      const char *cost = NULL;
      const char *text = describe_sharing (&cost, change);
      Draft *one;

      _hr_advice_make_change (changed, change);
      one = draft (self, g_steal_pointer (&changed), g_strdup (_(text)), _(cost), NULL);
      if (one != NULL)
        return one;
    }

  return NULL;
}

/*
 * What one GPU lacks goes to the host, in whole GiB, where vLLM leaves weights there. Where it cannot start, it lacks
 * what its share of the memory does: that what it leaves to others is no help to it is a part of the estimate.
 */
static Draft *
draft_offload (HrAdviceSearch *self)
{
  g_autoptr (HrJob) changed = NULL;
  g_autoptr (GString) text = NULL;
  g_autofree char *number = NULL;
  guint64 bytes, missing;
  double size;

  if (self->gpu == NULL || !HR_IS_INFERENCE_JOB (self->job) ||
      hr_inference_job_get_engine (HR_INFERENCE_JOB (self->job)) != HR_ENGINE_VLLM)
    return NULL;

  bytes = hr_estimate_get_device_bytes (self->estimate, hr_estimate_get_worst_device (self->estimate));
  missing = bytes - MIN (bytes, hr_gpu_get_usable_memory (self->gpu));
  if (missing == 0)
    return NULL;

  size = ceil (hr_inference_job_get_cpu_offload_gb (HR_INFERENCE_JOB (self->job)) + (double) missing / GIB);
  changed = hr_job_copy (self->job);
  g_object_set (changed, "cpu-offload-gb", size, NULL);
  number = hr_format_integer (size);
  text = g_string_new (_("Leave %s GiB of the weights of each GPU to the host"));
  g_string_replace (text, "%s", number, 1);

  return draft (self, g_steal_pointer (&changed), g_strdup (text->str), _("memory of the host, and much time"), NULL);
}

/* Changes that are looked at together, and what comes of each: a draft or an advice, or %NULL. */
typedef struct
{
  HrAdviceSearch *search;
  guint first;
  GPtrArray *told;      /* of Draft, which are to be told */
  gpointer results[];
} Batch;

static Batch *
batch_new (HrAdviceSearch *search,
           guint           first,
           guint           n)
{
  Batch *self = g_malloc0 (sizeof *self + n * sizeof self->results[0]);

  self->search = search;
  self->first = first;

  return self;
}

static void
collect (Batch     *self,
         guint      n,
         GPtrArray *array)
{
  for (guint i = 0; i < n; i++)
    {
      if (self->results[i] != NULL)
        g_ptr_array_add (array, self->results[i]);
    }
}

static void
draft_one (guint    index,
           gpointer user_data)
{
  Batch *batch = user_data;
  guint change = batch->first + index;

  if (change == 0)
    batch->results[index] = draft_sharing (batch->search);
  else if (change == N_CHANGES - 1)
    batch->results[index] = draft_offload (batch->search);
  else if (change <= G_N_ELEMENTS (candidates))
    batch->results[index] = draft_candidate (batch->search, &candidates[change - 1]);
  else
    batch->results[index] = draft_halving (batch->search, &halvings[change - 1 - G_N_ELEMENTS (candidates)]);
}

/* Looks at the next changes. Returns whether there are more. */
static gboolean
draft_more (HrAdviceSearch *self)
{
  guint n = MIN (N_CHANGES - self->n_looked_at, CHANGES_PER_WORKER * hr_workers_get_n ());
  g_autofree Batch *batch = batch_new (self, self->n_looked_at, n);

  hr_workers_run (n, draft_one, batch);
  collect (batch, n, self->drafts);
  self->n_looked_at += n;

  return self->n_looked_at < N_CHANGES;
}

/* A pair of changes has to save a good deal more than each of them. */
static gboolean
is_worth_it (HrAdviceSearch *self,
             const Draft    *pair)
{
  guint64 margin = hr_estimate_get_allocated_bytes (self->estimate) * MIN_SHARE_OF_PAIR;

  if (pair->change == NULL || strchr (pair->change, ' ') == NULL)
    return TRUE;

  for (guint i = 0; i < self->drafts->len; i++)
    {
      const Draft *single = g_ptr_array_index (self->drafts, i);

      if (single->change != NULL && single != pair && strstr (pair->change, single->change) != NULL &&
          pair->saves_allocated < single->saves_allocated + margin)
        return FALSE;
    }

  return TRUE;
}

/* The advice that a draft comes to with what is reserved, or %NULL if it saves nothing then. */
static HrAdvice *
advise (HrAdviceSearch *self,
        const Draft    *one)
{
  guint64 total = hr_estimate_get_total_bytes (self->estimate);
  HrAdvice *item;

  if (hr_estimate_get_total_bytes (one->estimate) >= total)
    return NULL;

  item = g_new0 (HrAdvice, 1);
  item->change = _hr_advice_describe_change (self->job, one->changed);
  item->saves_bytes = total - hr_estimate_get_total_bytes (one->estimate);
  item->text = g_strdup (one->text);
  item->cost = g_strdup (one->cost);

  return item;
}

static void
advise_one (guint    index,
            gpointer user_data)
{
  Batch *batch = user_data;

  batch->results[index] = advise (batch->search, g_ptr_array_index (batch->told, index));
}

/* Looks at the next drafts, no more than there is room for. Returns whether there are more. */
static gboolean
tell_more (HrAdviceSearch *self)
{
  guint n = MIN (MAX_ADVICE - self->advice->len, hr_workers_get_n ());
  g_autofree Batch *batch = batch_new (self, 0, n);
  g_autoptr (GPtrArray) told = g_ptr_array_new ();

  while (told->len < n && self->n_told < self->drafts->len)
    {
      Draft *next = g_ptr_array_index (self->drafts, self->n_told++);

      if (is_worth_it (self, next))
        g_ptr_array_add (told, next);
    }
  batch->told = told;
  hr_workers_run (told->len, advise_one, batch);
  collect (batch, told->len, self->advice);

  return self->advice->len < MAX_ADVICE && self->n_told < self->drafts->len;
}

static gint
compare_savings (gconstpointer a,
                 gconstpointer b)
{
  const HrAdvice *one = *(HrAdvice * const *) a;
  const HrAdvice *other = *(HrAdvice * const *) b;

  return one->saves_bytes < other->saves_bytes ? 1 : one->saves_bytes > other->saves_bytes ? -1 : 0;
}

/**
 * hr_advice_search_new: (skip)
 * @estimate: an estimate
 * @job: what it is of
 * @gpu: (nullable): the GPU that it is for
 * @n_gpus: how many of them
 *
 * Begins to look for what could be asked for instead of a job, to take less memory.
 *
 * Returns: (transfer full): the search
 */
HrAdviceSearch *
hr_advice_search_new (HrEstimate *estimate,
                      HrJob      *job,
                      HrGpu      *gpu,
                      guint       n_gpus)
{
  HrAdviceSearch *self;

  g_return_val_if_fail (HR_IS_ESTIMATE (estimate), NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);

  self = g_new0 (HrAdviceSearch, 1);
  self->estimate = g_object_ref (estimate);
  self->job = hr_job_copy (job);
  self->gpu = gpu != NULL ? g_object_ref (gpu) : NULL;
  self->n_gpus = n_gpus;
  self->takes_quantization = takes_quantization (estimate, job);
  self->drafts = g_ptr_array_new_with_free_func (draft_free);
  self->advice = g_ptr_array_new_with_free_func (_hr_advice_free);
  self->stage = hr_estimate_get_method (estimate) == HR_ESTIMATE_METHOD_EXACT ? STAGE_DRAFT : STAGE_DONE;

  return self;
}

/**
 * hr_advice_search_free: (skip)
 * @self: a search
 *
 * Gives a search up, or away.
 */
void
hr_advice_search_free (HrAdviceSearch *self)
{
  g_clear_object (&self->estimate);
  g_clear_object (&self->job);
  g_clear_object (&self->gpu);
  g_ptr_array_unref (self->drafts);
  g_ptr_array_unref (self->advice);
  g_free (self);
}

/**
 * hr_advice_search_step: (skip)
 * @self: a search
 *
 * Looks at a few more changes, as many as there are cores to estimate them, which takes a few milliseconds.
 *
 * Returns: whether there is more to look at
 */
gboolean
hr_advice_search_step (HrAdviceSearch *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  switch (self->stage)
    {
    case STAGE_DRAFT:
      if (draft_more (self))
        break;
      g_ptr_array_sort (self->drafts, compare_drafts);
      self->stage = STAGE_TELL;
      break;

    case STAGE_TELL:
      if (!tell_more (self))
        self->stage = STAGE_MEDIA;
      break;

    case STAGE_MEDIA:
      _hr_advice_add_media (self->advice, self->estimate, self->job, self->gpu, self->n_gpus);
      g_ptr_array_sort (self->advice, compare_savings);
      self->stage = STAGE_DONE;
      break;

    case STAGE_DONE:
    default:
      break;
    }

  return self->stage != STAGE_DONE;
}

/**
 * hr_advice_search_get_advice: (skip)
 * @self: a search
 *
 * Gets what has been found; it is in order when there is nothing more to look at.
 *
 * Returns: (transfer none) (element-type HrAdvice): changes, those that save most first
 */
GPtrArray *
hr_advice_search_get_advice (HrAdviceSearch *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->advice;
}
