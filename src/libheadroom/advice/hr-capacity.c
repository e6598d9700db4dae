/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-capacity.h"

#include <glib/gi18n-lib.h>

#include "hr-advice-private.h"
#include "hr-inference-job.h"
#include "hr-model-head.h"
#include "hr-units.h"

/* Lengths are looked at in whole blocks of the engines’ caches (vLLM, SGLang with pages, ExLlamaV3 at most 256). */
#define STEP 16

/* Where nothing says how many positions a model knows: as many as the longest that are made (2^20). */
#define MAX_POSITIONS 1048576

/* How many requests are asked about. */
static const guint64 counts[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256 };

/* How an engine is asked how many requests it has room for. */
typedef enum
{
  KIND_ROOM,  /* its cache is a share of the memory, and says itself for how many requests that is enough */
  KIND_SLOTS, /* llama.cpp: each has a context of its own, which is reserved */
  KIND_BATCH, /* all are a batch, which fits or does not */
} Kind;

struct _HrCapacitySearch
{
  HrModel *model;
  HrJob *job;
  HrGpu *gpu;
  guint n_gpus;
  Kind kind;
  gboolean starts;         /* whether an engine with a share has room for its longest request as it is */
  guint64 longest;         /* what a request may have at the most */
  guint64 most;            /* requests that the engine serves at once at the most, 0 if nothing says so */
  GHashTable *rooms;       /* lengths to how many requests there is room for, where that is one figure */
  GPtrArray *capacities;

  guint n_counts;          /* how many have been answered */
  guint64 low;             /* in steps: the longest that is known to fit */
  guint64 high;            /* in steps: the shortest that is known not to */
  gboolean is_begun;
};

static void
capacity_free (gpointer data)
{
  HrCapacity *self = data;

  g_free (self->change);
  g_free (self);
}

/**
 * hr_capacity_dup_title: (skip)
 * @self: a capacity
 *
 * Says how many requests it is about, such as “8 at once”.
 *
 * Returns: (transfer full): a text in the user’s language
 */
char *
hr_capacity_dup_title (const HrCapacity *self)
{
  g_autofree char *requests = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  requests = hr_format_integer (self->requests);

  /* Translators: a number of requests */
  return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%s request", "%s requests at once", self->requests), requests);
}

/**
 * hr_capacity_dup_length: (skip)
 * @self: a capacity
 *
 * Says how long the requests may be.
 *
 * Returns: (transfer full): a text in the user’s language
 */
char *
hr_capacity_dup_length (const HrCapacity *self)
{
  g_autofree char *tokens = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  if (self->tokens == 0)
    return g_strdup (self->keeps_layers ? _("Not even short ones fit with all layers on the GPU")
                                        : _("Not even short ones fit"));

  tokens = hr_format_integer (self->tokens);
  if (self->is_longest)
    /* Translators: a number of tokens */
    return g_strdup_printf (_("%s tokens each, the longest that there can be"), tokens);

  /* Translators: a number of tokens */
  return g_strdup_printf (_("%s tokens each, prompt and output together"), tokens);
}

static Kind
find_kind (HrInferenceJob *job)
{
  if (hr_inference_job_runs_server (job))
    return KIND_ROOM;

  return hr_inference_job_runs_llama (job) ? KIND_SLOTS : KIND_BATCH;
}

/* A request of a number of tokens is a prompt with the job’s output, or half of each where that is too long. */
static void
set_length (HrJob   *job,
            guint64  tokens)
{
  guint64 output;

  g_object_get (job, "output-length", &output, NULL);
  output = MIN (output, tokens / 2);
  g_object_set (job, "prompt-length", tokens - output, "output-length", output, NULL);
}

static HrJob *
make_job (HrCapacitySearch *self,
          guint64           requests,
          guint64           tokens)
{
  HrJob *job = hr_job_copy (self->job);

  set_length (job, tokens);
  g_object_set (job, "batch-size", requests, NULL);
  switch (self->kind)
    {
    case KIND_ROOM:
      if (!self->starts)
        g_object_set (job, "max-model-len", tokens, NULL);
      break;

    case KIND_SLOTS:
      g_object_set (job, "max-num-seqs", requests, "max-model-len", tokens, NULL);
      _hr_advice_keep_layers (job);
      break;

    case KIND_BATCH:
    default:
      break;
    }

  return job;
}

/* For how many requests of a length an engine has room. */
static guint64
get_room (HrCapacitySearch *self,
          guint64           tokens)
{
  gpointer known;
  guint64 room, requests = 0;
  g_autoptr (HrJob) job = NULL;
  g_autoptr (HrEstimate) estimate = NULL;

  if (g_hash_table_lookup_extended (self->rooms, GSIZE_TO_POINTER (tokens), NULL, &known))
    return GPOINTER_TO_SIZE (known);

  job = make_job (self, 1, tokens);
  estimate = hr_estimator_run_for_sizes (self->model, job, self->gpu, self->n_gpus, NULL);
  if (estimate == NULL || !hr_estimate_get_room (estimate, &room, &requests))
    requests = 0;
  g_hash_table_insert (self->rooms, GSIZE_TO_POINTER (tokens), GSIZE_TO_POINTER (requests));

  return requests;
}

static gboolean
fits (HrCapacitySearch *self,
      guint64           requests,
      guint64           tokens)
{
  g_autoptr (HrJob) job = NULL;
  g_autoptr (HrEstimate) estimate = NULL;
  HrFit fit;

  if (self->kind == KIND_ROOM)
    return get_room (self, tokens) >= requests;

  job = make_job (self, requests, tokens);
  estimate = hr_estimator_run_for_sizes (self->model, job, self->gpu, self->n_gpus, NULL);
  if (estimate == NULL)
    return FALSE;

  _hr_advice_compare (estimate, self->gpu, &fit);

  return fit.fits;
}

static void
append_setting (GString    *string,
                HrJob      *job,
                const char *name)
{
  g_autofree char *value = hr_job_get_as_string (job, name);

  g_string_append_printf (string, "%s%s=%s", string->len > 0 ? " " : "", name, value);
}

/* What somebody has to set so that the engine is started for this, whatever is set already. */
static char *
describe_change (HrCapacitySearch *self,
                 guint64           requests,
                 guint64           tokens)
{
  static const char * const lengths[] = { "batch-size", "prompt-length", "output-length" };
  g_autoptr (HrJob) job = make_job (self, requests, tokens);
  g_autoptr (GString) string = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    append_setting (string, job, lengths[i]);
  if (self->kind == KIND_SLOTS)
    append_setting (string, job, "max-num-seqs");
  if (self->kind == KIND_SLOTS || (self->kind == KIND_ROOM && !self->starts))
    append_setting (string, job, "max-model-len");
  if (hr_inference_job_leaves_layers (HR_INFERENCE_JOB (self->job)))
    append_setting (string, job, "gpu-layers");

  return g_string_free (g_steal_pointer (&string), FALSE);
}

static void
add_capacity (HrCapacitySearch *self,
              guint64           tokens)
{
  HrCapacity *capacity = g_new0 (HrCapacity, 1);

  capacity->requests = counts[self->n_counts];
  capacity->tokens = tokens;
  capacity->is_longest = tokens == self->longest;
  capacity->keeps_layers = hr_inference_job_leaves_layers (HR_INFERENCE_JOB (self->job));
  if (tokens > 0)
    capacity->change = describe_change (self, capacity->requests, tokens);
  g_ptr_array_add (self->capacities, capacity);
}

/* More requests are never longer; of what has no room at all there is one answer. */
static gboolean
end_count (HrCapacitySearch *self,
           guint64           tokens)
{
  if (tokens > 0 || self->capacities->len == 0)
    add_capacity (self, tokens);

  self->n_counts++;
  self->is_begun = FALSE;
  self->high = tokens / STEP + 1;

  return tokens > 0 && self->n_counts < G_N_ELEMENTS (counts) &&
         (self->most == 0 || counts[self->n_counts] <= self->most);
}

/* What as many as before had is looked at first, which is often enough for more of them. */
static gboolean
begin_count (HrCapacitySearch *self)
{
  const HrCapacity *last = self->n_counts > 0 ? g_ptr_array_index (self->capacities, self->n_counts - 1) : NULL;
  guint64 tokens = last != NULL ? last->tokens : self->longest;

  if (fits (self, counts[self->n_counts], tokens))
    return end_count (self, tokens);

  self->is_begun = TRUE;
  self->low = 0;
  self->high = (tokens + STEP - 1) / STEP;

  return TRUE;
}

static void
narrow (HrCapacitySearch *self)
{
  guint64 middle = self->low + (self->high - self->low) / 2;

  if (fits (self, counts[self->n_counts], middle * STEP))
    self->low = middle;
  else
    self->high = middle;
}

/**
 * hr_capacity_search_new: (skip)
 * @estimate: an estimate
 * @job: what it is of
 * @gpu: (nullable): the GPU that it is for
 * @n_gpus: how many of them
 *
 * Begins to look how long the requests may be that are served at once. Where the engine is to leave layers to the
 * processor as it likes, all of them are on GPUs here.
 *
 * Returns: (transfer full): the search
 */
HrCapacitySearch *
hr_capacity_search_new (HrEstimate *estimate,
                        HrJob      *job,
                        HrGpu      *gpu,
                        guint       n_gpus)
{
  HrCapacitySearch *self;
  g_autoptr (HrJob) resolved = NULL;
  guint64 room, requests;

  g_return_val_if_fail (HR_IS_ESTIMATE (estimate), NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (gpu == NULL || HR_IS_GPU (gpu), NULL);

  self = g_new0 (HrCapacitySearch, 1);
  self->model = g_object_ref (hr_estimate_get_model (estimate));
  self->job = hr_job_copy (job);
  self->gpu = gpu != NULL ? g_object_ref (gpu) : NULL;
  self->n_gpus = n_gpus;
  self->rooms = g_hash_table_new (NULL, NULL);
  self->capacities = g_ptr_array_new_with_free_func (capacity_free);
  self->n_counts = G_N_ELEMENTS (counts);
  if (gpu == NULL || !HR_IS_INFERENCE_JOB (job) || hr_estimate_get_method (estimate) != HR_ESTIMATE_METHOD_EXACT ||
      !hr_model_writes_text (self->model))
    return self;

  resolved = hr_job_resolve (job, self->model);
  self->n_counts = 0;
  self->kind = find_kind (HR_INFERENCE_JOB (job));
  self->starts = hr_estimate_get_room (estimate, &room, &requests);
  if (!hr_model_get_hyper_parameter (self->model, "max_position_embeddings", &self->longest) || self->longest == 0)
    self->longest = MAX_POSITIONS;
  self->longest = MAX (self->longest, hr_inference_job_get_max_model_len (HR_INFERENCE_JOB (job)));
  if (self->kind == KIND_ROOM)
    {
      self->most = hr_inference_job_get_max_num_seqs (HR_INFERENCE_JOB (resolved));
      if (self->starts)
        self->longest = hr_inference_job_get_max_model_len (HR_INFERENCE_JOB (resolved));
    }

  return self;
}

/**
 * hr_capacity_search_free: (skip)
 * @self: a search
 *
 * Gives a search up, or away.
 */
void
hr_capacity_search_free (HrCapacitySearch *self)
{
  g_clear_object (&self->model);
  g_clear_object (&self->job);
  g_clear_object (&self->gpu);
  g_hash_table_unref (self->rooms);
  g_ptr_array_unref (self->capacities);
  g_free (self);
}

/**
 * hr_capacity_search_step: (skip)
 * @self: a search
 *
 * Makes one more estimate, which takes a few milliseconds at most.
 *
 * Returns: whether there is more to look at
 */
gboolean
hr_capacity_search_step (HrCapacitySearch *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  if (self->n_counts >= G_N_ELEMENTS (counts))
    return FALSE;
  if (!self->is_begun)
    return begin_count (self);
  if (self->high - self->low <= 1)
    return end_count (self, self->low * STEP);

  narrow (self);

  return TRUE;
}

/**
 * hr_capacity_search_get_capacities: (skip)
 * @self: a search
 *
 * Gets what has been found so far.
 *
 * Returns: (transfer none) (element-type HrCapacity): capacities, of fewer requests first
 */
GPtrArray *
hr_capacity_search_get_capacities (HrCapacitySearch *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->capacities;
}

/**
 * hr_capacity_list: (skip)
 * @estimate: an estimate
 * @job: what it is of
 * @gpu: (nullable): the GPU that it is for
 * @n_gpus: how many of them
 *
 * Lists how long the requests may be that are served at once. Without a GPU, in other modes than inference, and of
 * models that write no text there are none.
 *
 * Returns: (transfer full) (element-type HrCapacity): capacities, of fewer requests first
 */
GPtrArray *
hr_capacity_list (HrEstimate *estimate,
                  HrJob      *job,
                  HrGpu      *gpu,
                  guint       n_gpus)
{
  g_autoptr (HrCapacitySearch) search = hr_capacity_search_new (estimate, job, gpu, n_gpus);

  g_return_val_if_fail (search != NULL, NULL);

  while (hr_capacity_search_step (search))
    continue;

  return g_ptr_array_ref (hr_capacity_search_get_capacities (search));
}

/**
 * hr_capacity_pick: (skip)
 * @capacities: (element-type HrCapacity): capacities, of fewer requests first
 *
 * Picks what to tell a person: of numbers of requests that may be as long, the largest.
 *
 * Returns: (transfer container) (element-type HrCapacity): some of them
 */
GPtrArray *
hr_capacity_pick (GPtrArray *capacities)
{
  GPtrArray *picked = g_ptr_array_new ();

  g_return_val_if_fail (capacities != NULL, NULL);

  for (guint i = 0; i < capacities->len; i++)
    {
      HrCapacity *capacity = g_ptr_array_index (capacities, i);
      const HrCapacity *next = i + 1 < capacities->len ? g_ptr_array_index (capacities, i + 1) : NULL;

      if (next == NULL || next->tokens != capacity->tokens)
        g_ptr_array_add (picked, capacity);
    }

  return picked;
}
