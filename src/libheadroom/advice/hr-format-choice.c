/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-format-choice.h"

#include <glib/gi18n-lib.h>

#include "hr-advice-private.h"
#include "hr-base-enums.h"
#include "hr-inference-job.h"
#include "hr-labels.h"

/* So many formats that fit are told of, and so many that do not. */
#define MAX_FITTING 6
#define MAX_MISSING 1

/* Sizes that differ by less are about the same, in hundredths. */
#define NEAR 95

struct _HrFormatSearch
{
  HrModel *model;
  HrJob *job;
  HrGpu *gpu;
  guint n_gpus;
  HrQuantization asked;
  GEnumClass *formats;
  guint n_formats;         /* how many have been looked at */
  GPtrArray *choices;
};

static void
choice_free (gpointer data)
{
  HrFormatChoice *self = data;

  g_free (self->change);
  g_free (self);
}

static GParamSpec *
find_setting (void)
{
  static GParamSpec *setting;

  if (setting == NULL)
    {
      g_autoptr (GTypeClass) klass = g_type_class_ref (HR_TYPE_INFERENCE_JOB);

      setting = g_object_class_find_property (G_OBJECT_CLASS (klass), "quantization");
    }

  return setting;
}

/**
 * hr_format_choice_get_title: (skip)
 * @self: a format
 *
 * Gets what the format is called.
 *
 * Returns: (transfer none): a text in the user’s language
 */
const char *
hr_format_choice_get_title (const HrFormatChoice *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return hr_setting_get_choice_label (find_setting (), self->quantization);
}

/**
 * hr_format_choice_dup_verdict: (skip)
 * @self: a format
 * @units: how to write sizes
 *
 * Says whether the job fits with it, and what is left.
 *
 * Returns: (transfer full): a text in the user’s language
 */
char *
hr_format_choice_dup_verdict (const HrFormatChoice *self,
                              HrUnitSystem          units)
{
  g_autofree char *bytes = NULL;
  g_autofree char *tokens = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  tokens = hr_format_integer (self->context > 0 ? self->context : self->room_tokens);
  bytes = hr_format_bytes (self->fits ? self->free_bytes : self->missing_bytes, units);
  if (self->fits && self->context > 0)
    /* Translators: a number of tokens */
    return g_strdup_printf (_("Fits with a context of %s tokens"), tokens);
  if (self->fits && self->has_room)
    /* Translators: a number of tokens */
    return g_strdup_printf (_("Fits, with a KV cache of %s tokens"), tokens);
  if (self->fits)
    /* Translators: an amount of memory */
    return g_strdup_printf (_("Fits, with %s left"), bytes);
  if (self->missing_bytes == 0)
    return g_strdup (_("Leaves too little for the KV cache"));

  /* Translators: an amount of memory */
  return g_strdup_printf (_("%s would be lacking"), bytes);
}

static HrJob *
make_job (HrFormatSearch *self,
          HrQuantization  quantization)
{
  HrJob *job = hr_job_copy (self->job);

  g_object_set (job, "quantization", quantization, NULL);
  _hr_advice_keep_layers (job);

  return job;
}

/* Files of llama.cpp are for it; other engines read some of them, but are not what one takes for that. */
static gboolean
is_for_engine (HrFormatSearch *self,
               HrQuantization  quantization)
{
  if (quantization == HR_QUANTIZATION_AUTO)
    return FALSE;
  if (quantization == self->asked)
    return TRUE;
  if (quantization == HR_QUANTIZATION_MXFP4_MOE && !hr_model_has_experts (self->model))
    return FALSE;

  return !hr_quantization_is_gguf (quantization) || hr_inference_job_runs_llama (HR_INFERENCE_JOB (self->job));
}

static HrEstimate *
estimate (HrFormatSearch *self,
          HrJob          *job)
{
  return hr_estimator_run_for_sizes (self->model, job, self->gpu, self->n_gpus, NULL);
}

/* Whether an engine starts with a context, and for how many tokens it has room then. */
static HrEstimate *
start (HrFormatSearch *self,
       HrJob          *job,
       guint64         context,
       guint64        *room)
{
  HrEstimate *found;
  guint64 requests;

  g_object_set (job, "max-model-len", context, NULL);
  found = estimate (self, job);
  if (found == NULL || hr_estimate_get_room (found, room, &requests))
    return found;

  g_object_unref (found);

  return NULL;
}

/*
 * An engine that does not start with the job’s context may with a shorter one: with that of the job’s requests, or with
 * as long a one as there is room for then.
 */
static HrEstimate *
start_shortened (HrFormatSearch *self,
                 HrJob          *job,
                 guint64        *context)
{
  guint64 prompt, output, room = 0;
  g_autoptr (HrEstimate) least = NULL;
  HrEstimate *most;

  g_object_get (job, "prompt-length", &prompt, "output-length", &output, NULL);
  *context = prompt + output;
  least = start (self, job, *context, &room);
  if (least == NULL)
    return NULL;

  most = start (self, job, room, &room);
  if (most == NULL)
    return g_steal_pointer (&least);

  g_object_get (job, "max-model-len", context, NULL);

  return most;
}

static char *
describe_change (const HrFormatChoice *choice)
{
  const char *name = hr_quantization_get_name (choice->quantization);

  return choice->context > 0
           ? g_strdup_printf ("quantization=%s max-model-len=%" G_GUINT64_FORMAT, name, choice->context)
           : g_strdup_printf ("quantization=%s", name);
}

static void
look_at (HrFormatSearch *self,
         HrQuantization  quantization)
{
  g_autoptr (HrJob) job = make_job (self, quantization);
  g_autoptr (HrEstimate) found = estimate (self, job);
  g_autoptr (HrEstimate) shortened = NULL;
  HrFormatChoice *choice;
  HrFit fit;
  guint64 requests;

  if (found == NULL)
    return;

  choice = g_new0 (HrFormatChoice, 1);
  choice->quantization = quantization;
  choice->is_asked = self->asked == quantization;
  choice->weight_bytes = hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS);
  choice->has_room = hr_inference_job_runs_server (HR_INFERENCE_JOB (job));
  if (choice->has_room && !hr_estimate_get_room (found, &choice->room_tokens, &requests))
    shortened = start_shortened (self, job, &choice->context);
  if (shortened != NULL && hr_estimate_get_room (shortened, &choice->room_tokens, &requests))
    g_set_object (&found, shortened);
  else
    choice->context = 0;
  _hr_advice_compare (found, self->gpu, &fit);
  choice->bytes = fit.peak_bytes;
  choice->free_bytes = fit.free_bytes;
  choice->missing_bytes = fit.missing_bytes;
  choice->fits = fit.fits && (!choice->has_room || choice->room_tokens > 0);
  choice->change = describe_change (choice);
  g_ptr_array_add (self->choices, choice);
}

static int
compare_weights (gconstpointer a,
                 gconstpointer b)
{
  const HrFormatChoice *first = *(HrFormatChoice * const *) a, *second = *(HrFormatChoice * const *) b;

  return (first->weight_bytes < second->weight_bytes) - (first->weight_bytes > second->weight_bytes);
}

/**
 * hr_format_search_new: (skip)
 * @estimate: an estimate
 * @job: what it is of
 * @gpu: (nullable): the GPU that it is for
 * @n_gpus: how many of them
 *
 * Begins to look in which formats a model fits.
 *
 * Returns: (transfer full): the search
 */
HrFormatSearch *
hr_format_search_new (HrEstimate *estimate,
                      HrJob      *job,
                      HrGpu      *gpu,
                      guint       n_gpus)
{
  HrFormatSearch *self;
  g_autoptr (HrJob) resolved = NULL;

  g_return_val_if_fail (HR_IS_ESTIMATE (estimate), NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (gpu == NULL || HR_IS_GPU (gpu), NULL);

  self = g_new0 (HrFormatSearch, 1);
  self->model = g_object_ref (hr_estimate_get_model (estimate));
  self->job = hr_job_copy (job);
  self->gpu = gpu != NULL ? g_object_ref (gpu) : NULL;
  self->n_gpus = n_gpus;
  self->formats = g_type_class_ref (HR_TYPE_QUANTIZATION);
  self->choices = g_ptr_array_new_with_free_func (choice_free);
  self->n_formats = self->formats->n_values;
  resolved = hr_job_resolve (job, self->model);
  self->asked = hr_job_get_quantization (resolved);
  if (gpu != NULL && HR_IS_INFERENCE_JOB (job) && hr_estimate_get_method (estimate) == HR_ESTIMATE_METHOD_EXACT)
    self->n_formats = 0;

  return self;
}

/**
 * hr_format_search_free: (skip)
 * @self: a search
 *
 * Gives a search up, or away.
 */
void
hr_format_search_free (HrFormatSearch *self)
{
  g_clear_object (&self->model);
  g_clear_object (&self->job);
  g_clear_object (&self->gpu);
  g_type_class_unref (self->formats);
  g_ptr_array_unref (self->choices);
  g_free (self);
}

/**
 * hr_format_search_step: (skip)
 * @self: a search
 *
 * Makes one more estimate, which takes a few milliseconds at most.
 *
 * Returns: whether there is more to look at
 */
gboolean
hr_format_search_step (HrFormatSearch *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  for (; self->n_formats < self->formats->n_values; self->n_formats++)
    {
      const GEnumValue *format = &self->formats->values[self->n_formats];

      if (!is_for_engine (self, format->value))
        continue;
      look_at (self, format->value);
      self->n_formats++;
      return TRUE;
    }

  g_ptr_array_sort (self->choices, compare_weights);

  return FALSE;
}

/**
 * hr_format_search_get_choices: (skip)
 * @self: a search
 *
 * Gets what has been found.
 *
 * Returns: (transfer none) (element-type HrFormatChoice): formats that the engine can run the model in; the largest
 *   first when the search has ended
 */
GPtrArray *
hr_format_search_get_choices (HrFormatSearch *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->choices;
}

/**
 * hr_format_choice_list: (skip)
 * @estimate: an estimate
 * @job: what it is of
 * @gpu: (nullable): the GPU that it is for
 * @n_gpus: how many of them
 *
 * Lists the formats that a model’s weights can be in, and whether the job fits with each. Without a GPU, and in other
 * modes than inference there are none.
 *
 * Returns: (transfer full) (element-type HrFormatChoice): formats, the largest first
 */
GPtrArray *
hr_format_choice_list (HrEstimate *estimate,
                       HrJob      *job,
                       HrGpu      *gpu,
                       guint       n_gpus)
{
  g_autoptr (HrFormatSearch) search = hr_format_search_new (estimate, job, gpu, n_gpus);

  g_return_val_if_fail (search != NULL, NULL);

  while (hr_format_search_step (search))
    continue;

  return g_ptr_array_ref (hr_format_search_get_choices (search));
}

/* Of formats that are about as large, those that people look for first. */
static gboolean
is_usual (HrQuantization quantization)
{
  static const HrQuantization usual[] = {
    HR_QUANTIZATION_NONE, HR_QUANTIZATION_FP8, HR_QUANTIZATION_AWQ_INT4, HR_QUANTIZATION_BNB_INT8,
    HR_QUANTIZATION_Q8_0, HR_QUANTIZATION_Q6_K, HR_QUANTIZATION_Q5_K_M, HR_QUANTIZATION_Q4_K_M,
    HR_QUANTIZATION_IQ4_XS, HR_QUANTIZATION_Q3_K_M, HR_QUANTIZATION_Q2_K,
  };

  for (guint i = 0; i < G_N_ELEMENTS (usual); i++)
    {
      if (usual[i] == quantization)
        return TRUE;
    }

  return FALSE;
}

/* The format that stands for those from @first to before @end. */
static HrFormatChoice *
pick_one (GPtrArray *choices,
          guint      first,
          guint      end)
{
  HrFormatChoice *picked = g_ptr_array_index (choices, first);

  for (guint i = first; i < end; i++)
    {
      HrFormatChoice *choice = g_ptr_array_index (choices, i);

      if (choice->is_asked)
        return choice;
      if (!is_usual (picked->quantization) && is_usual (choice->quantization))
        picked = choice;
    }

  return picked;
}

/* Formats that are about as large as the first of them, which is the largest. */
static guint
find_end (GPtrArray *choices,
          guint      first)
{
  const HrFormatChoice *largest = g_ptr_array_index (choices, first);
  guint end = first + 1;

  while (end < choices->len &&
         ((HrFormatChoice *) g_ptr_array_index (choices, end))->weight_bytes >= largest->weight_bytes / 100 * NEAR)
    end++;

  return end;
}

/**
 * hr_format_choice_pick: (skip)
 * @choices: (element-type HrFormatChoice): formats, the largest first
 *
 * Picks what to tell a person: the smallest that does not fit, the largest that do, and what was asked for; of those
 * that are about as large, one.
 *
 * Returns: (transfer container) (element-type HrFormatChoice): some of them
 */
GPtrArray *
hr_format_choice_pick (GPtrArray *choices)
{
  g_autoptr (GPtrArray) others = g_ptr_array_new ();
  GPtrArray *picked = g_ptr_array_new ();
  guint n_missing = 0, n_fitting = 0;

  g_return_val_if_fail (choices != NULL, NULL);

  for (guint i = 0, end; i < choices->len; i = end)
    {
      HrFormatChoice *choice;

      end = find_end (choices, i);
      choice = pick_one (choices, i, end);
      g_ptr_array_add (others, choice);
      n_missing += !choice->fits;
    }

  for (guint i = 0; i < others->len; i++)
    {
      HrFormatChoice *choice = g_ptr_array_index (others, i);
      gboolean is_told = choice->fits ? n_fitting++ < MAX_FITTING : n_missing-- <= MAX_MISSING;

      if (is_told || choice->is_asked)
        g_ptr_array_add (picked, choice);
    }

  return picked;
}
