/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-least-trial.h"

#include "hr-estimator.h"
#include "hr-inference-job.h"
#include "hr-plan-choice.h"
#include "hr-sharing.h"
#include "hr-workers.h"

/*
 * The fewest GPUs of jobs whose layouts are not planned by formulas: one number after the other is estimated, in each
 * of the ways in which the engine or the framework shares a model among as many (hr-sharing).
 */

/* Up to a machine each number; beyond it whole machines, ever more of them. */
#define N_PER_MACHINE 8
#define MACHINES_ONE_BY_ONE 8

typedef struct
{
  HrModel *model;
  HrJob *job;
  guint max_gpus;
  GCancellable *cancellable;
  HrLeastGpus *found;
  GError **errors;      /* of each kind, why nothing could be estimated */
} Search;

static guint
get_next (guint n)
{
  guint machines = n / N_PER_MACHINE;

  if (n < N_PER_MACHINE)
    return n + 1;

  return (machines < MACHINES_ONE_BY_ONE ? machines + 1 : machines * 2) * N_PER_MACHINE;
}

/* Notes a way that fits, with what the fullest GPU holds. */
static void
take (HrLeastGpus *found,
      HrJob       *job,
      guint        n_gpus,
      const char  *change,
      guint64      bytes)
{
  hr_layout_step_init_from_job (&found->step, job, n_gpus);
  found->n_gpus = n_gpus;
  found->bytes = bytes;
  found->change = g_strdup (change);
}

/* Returns: (nullable): an estimate, whose error is kept where there has been none */
static HrEstimate *
estimate (const Search *self,
          guint         index,
          HrJob        *job,
          guint         n_gpus)
{
  GError **error = &self->errors[index];

  return hr_estimator_run_for_sizes (self->model, job, self->found[index].gpu, n_gpus, *error == NULL ? error : NULL);
}

/* The fastest way for a number of GPUs that fits. Returns whether anything is known of them. */
static gboolean
try_number (const Search *self,
            guint         index,
            guint         n_gpus)
{
  HrLeastGpus *found = &self->found[index];
  g_autoptr (GPtrArray) ways = hr_sharing_list (self->job, n_gpus);
  gboolean is_known = FALSE;

  /* As the job is, first: some programs divide a model by themselves. */
  g_ptr_array_insert (ways, 0, NULL);
  for (guint i = 0; i < ways->len && found->n_gpus == 0; i++)
    {
      const char *change = g_ptr_array_index (ways, i);
      g_autoptr (HrJob) changed = hr_job_copy (self->job);
      g_autoptr (HrEstimate) one = NULL;
      HrFit fit;

      if (change != NULL)
        hr_job_set_all_from_string (changed, change, NULL);
      one = estimate (self, index, changed, n_gpus);
      if (one == NULL)
        continue;
      is_known = TRUE;
      hr_estimate_compare_with_gpu (one, found->gpu, n_gpus, &fit);
      if (fit.fits)
        take (found, changed, n_gpus, change, fit.peak_bytes);
    }

  return is_known;
}

/* No fewer than those in which there is room for the weights, which no way of sharing makes less. */
static guint
get_first (const Search *self,
           guint         index)
{
  HrGpu *gpu = self->found[index].gpu;
  g_autoptr (HrEstimate) one = estimate (self, index, self->job, 1);
  guint64 least, n = 1;

  if (one == NULL)
    return 1;

  least = (hr_estimate_count_component_bytes (one, HR_COMPONENT_WEIGHTS) + hr_gpu_get_usable_memory (gpu) - 1) /
          hr_gpu_get_usable_memory (gpu);
  while (n < least)
    n = get_next (n);

  return n;
}

static void
look_at_gpu (guint    index,
             gpointer user_data)
{
  const Search *self = user_data;
  HrLeastGpus *found = &self->found[index];
  gboolean is_known = FALSE;
  guint first = get_first (self, index);

  for (guint n = first; n <= self->max_gpus && found->n_gpus == 0; n = get_next (n))
    {
      if (g_cancellable_is_cancelled (self->cancellable))
        return;
      is_known |= try_number (self, index, n);
      /* What is not known of a machine is not known of several. */
      if (!is_known && n >= MAX (first, N_PER_MACHINE))
        return;
    }
  if (is_known)
    g_clear_error (&self->errors[index]);
}

/* Where nothing could be estimated on any kind, the reason is that of the first. */
static gboolean
check (const Search  *self,
       guint          n_gpus,
       GError       **error)
{
  gboolean is_known = FALSE;

  for (guint i = 0; i < n_gpus; i++)
    is_known |= self->errors[i] == NULL;
  if (!is_known && n_gpus > 0)
    g_propagate_error (error, g_steal_pointer (&self->errors[0]));
  for (guint i = 0; i < n_gpus; i++)
    g_clear_error (&self->errors[i]);

  return is_known;
}

/*
 * What engines built on torch hold beside the tensors is known of NVIDIA’s GPUs alone, and MLX runs on Apple’s; of
 * others it is told where one is named.
 */
static gboolean
is_asked_for (HrGpu *gpu,
              HrJob *job,
              guint  n_gpus)
{
  HrEngine engine = HR_IS_INFERENCE_JOB (job) ? hr_inference_job_get_engine (HR_INFERENCE_JOB (job))
                                              : HR_ENGINE_TRANSFORMERS;

  if (n_gpus == 1 || engine == HR_ENGINE_LLAMA_CPP || engine == HR_ENGINE_OLLAMA)
    return TRUE;

  return g_str_equal (hr_gpu_get_vendor (gpu), engine == HR_ENGINE_MLX ? "Apple" : "NVIDIA");
}

/*
 * hr_least_trial_list: @model: a model @job: a job @gpus: (element-type HrGpu): kinds of GPUs @max_gpus: how many GPUs
 * there may be at the most @fixed: (nullable) (array zero-terminated=1): settings of the job that are not varied
 * @cancellable: (nullable): ends it early @error: return location for an error  Finds the fewest GPUs of each kind on
 * which an estimate of a job fits.  Returns: (transfer full) (element-type HrLeastGpus): the kinds of which enough is
 * known, in the order of @gpus; %NULL with @error set where nothing is known of such a job, or without it if
 * @cancellable was cancelled
 */
GArray *
hr_least_trial_list (HrModel             *model,
                     HrJob               *job,
                     GPtrArray           *gpus,
                     guint                max_gpus,
                     const char * const  *fixed,
                     GCancellable        *cancellable,
                     GError             **error)
{
  g_autoptr (GArray) found = hr_least_gpus_new ();
  g_autoptr (HrJob) copy = hr_job_copy (job);
  g_autofree GError **errors = g_new0 (GError *, gpus->len);
  Search search = { model, copy, max_gpus, cancellable, NULL, errors };

  hr_sharing_reset (copy, fixed);
  for (guint i = 0; i < gpus->len; i++)
    {
      HrGpu *gpu = g_ptr_array_index (gpus, i);
      HrLeastGpus least = { .gpu = gpu, .is_exact = TRUE };

      if (!is_asked_for (gpu, job, gpus->len))
        continue;
      g_object_ref (gpu);
      g_array_append_val (found, least);
    }
  search.found = (HrLeastGpus *) found->data;
  hr_workers_run (found->len, look_at_gpu, &search);
  if (!check (&search, found->len, error) || g_cancellable_is_cancelled (cancellable))
    return NULL;

  return g_steal_pointer (&found);
}
