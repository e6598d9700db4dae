/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-gpu-choice.h"

#include "hr-advice-private.h"
#include "hr-gpu-catalogue.h"
#include "hr-inference-job.h"
#include "hr-sharing.h"

/*
 * Which GPUs of the catalogue would do: the verdict of an estimate on each, with as many of them as machines have, as
 * the job is or, where that says nothing of it, with the model shared among them (hr-sharing). GPUs on which an
 * estimate differs only by what the driver holds share one. What torch and the driver hold for themselves is known of
 * NVIDIA's alone, and whether a job fits on others is not known without it: those are looked at only where one of
 * their vendor has been chosen, with the verdict that the estimate has there.
 */

#define KNOWN_VENDOR "NVIDIA"

/* How many GPUs machines have; several only where each has about 8 GB or more, unless as many have been chosen. */
static const guint counts[] = { 1, 2, 4, 8 };
#define MIN_MEMORY_OF_SEVERAL (G_GUINT64_CONSTANT (15) << 29)

/* A way in which some GPUs share the job; there is always that which the job has. */
typedef struct
{
  HrJob *job;
  char *change;         /* (nullable) */
} Way;

/* An estimate that holds for all GPUs that are alike, but for what the driver holds; none where it is refused. */
typedef struct
{
  HrGpu *gpu;
  guint n_gpus;
  const Way *way;
  HrEstimate *estimate;
} Trial;

struct _HrGpuSearch
{
  HrModel *model;
  HrJob *job;
  GPtrArray *gpus;      /* smallest first */
  GArray *counts;       /* least first */
  GPtrArray *ways;      /* of GPtrArray of Way, for each of the counts */
  guint n_chosen;
  guint64 weights;      /* that have to be on the GPUs together, at least */
  GPtrArray *trials;
  GPtrArray *choices;
  guint n_looked_at;    /* of the GPUs */
};

static void
trial_free (gpointer data)
{
  Trial *self = data;

  g_object_unref (self->gpu);
  g_clear_object (&self->estimate);
  g_free (self);
}

static void
choice_free (gpointer data)
{
  HrGpuChoice *self = data;

  g_object_unref (self->gpu);
  g_free (self->change);
  g_free (self->sharing);
  g_free (self);
}

static void
way_free (gpointer data)
{
  Way *self = data;

  g_object_unref (self->job);
  g_free (self->change);
  g_free (self);
}

/* Takes @job and @change. */
static void
add_way (GPtrArray *ways,
         HrJob     *job,
         char      *change)
{
  Way *way = g_new0 (Way, 1);

  way->job = job;
  way->change = change;
  g_ptr_array_add (ways, way);
}

static GPtrArray *
list_ways (HrJob *job,
           guint  n_gpus)
{
  g_autoptr (GPtrArray) changes = hr_sharing_list (job, n_gpus);
  GPtrArray *ways = g_ptr_array_new_with_free_func (way_free);

  add_way (ways, hr_job_copy (job), NULL);
  for (guint i = 0; i < changes->len; i++)
    {
      const char *change = g_ptr_array_index (changes, i);
      HrJob *changed = hr_job_copy (job);

      _hr_advice_make_change (changed, change);
      add_way (ways, changed, g_strdup (change));
    }

  return ways;
}

static guint64
get_size (const HrGpuChoice *self)
{
  return self->n_gpus * hr_gpu_get_memory (self->gpu);
}

static guint
get_year (HrGpu *gpu)
{
  guint year = 0;

  hr_gpu_get_year (gpu, &year);

  return year;
}

/* The least memory first; of as much, the fewest GPUs, then the newest. */
static gint
compare_sizes (gconstpointer a,
               gconstpointer b)
{
  const HrGpuChoice *one = *(HrGpuChoice * const *) a;
  const HrGpuChoice *other = *(HrGpuChoice * const *) b;

  if (get_size (one) != get_size (other))
    return get_size (one) < get_size (other) ? -1 : 1;
  if (one->n_gpus != other->n_gpus)
    return one->n_gpus < other->n_gpus ? -1 : 1;
  if (get_year (one->gpu) != get_year (other->gpu))
    return get_year (one->gpu) > get_year (other->gpu) ? -1 : 1;

  return g_strcmp0 (hr_gpu_get_id (one->gpu), hr_gpu_get_id (other->gpu));
}

static gint
compare_memory (gconstpointer a,
                gconstpointer b)
{
  guint64 one = hr_gpu_get_memory (*(HrGpu * const *) a);
  guint64 other = hr_gpu_get_memory (*(HrGpu * const *) b);

  return one < other ? -1 : one > other;
}

static GPtrArray *
list_gpus (HrGpu *chosen)
{
  GListModel *catalogue = hr_gpu_catalogue_get_default ();
  GPtrArray *gpus = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < g_list_model_get_n_items (catalogue); i++)
    {
      g_autoptr (HrGpu) gpu = g_list_model_get_item (catalogue, i);
      const char *vendor = hr_gpu_get_vendor (gpu);

      if (g_str_equal (vendor, KNOWN_VENDOR) ||
          (chosen != NULL && g_strcmp0 (vendor, hr_gpu_get_vendor (chosen)) == 0))
        g_ptr_array_add (gpus, g_steal_pointer (&gpu));
    }
  g_ptr_array_sort (gpus, compare_memory);

  return gpus;
}

/* The usual numbers, and the one that was chosen. */
static GArray *
list_counts (guint chosen)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (guint));
  guint i = 0;

  for (; i < G_N_ELEMENTS (counts) && counts[i] < chosen; i++)
    g_array_append_val (list, counts[i]);
  if (i == G_N_ELEMENTS (counts) || counts[i] != chosen)
    g_array_append_val (list, chosen);
  for (; i < G_N_ELEMENTS (counts); i++)
    g_array_append_val (list, counts[i]);

  return list;
}

/* Those that are alike have often as much memory, and have been looked at last. */
static Trial *
find_trial (HrGpuSearch *self,
            const Way   *way,
            HrGpu       *gpu,
            guint        n_gpus,
            gint64      *difference)
{
  for (guint i = self->trials->len; i > 0; i--)
    {
      Trial *trial = g_ptr_array_index (self->trials, i - 1);

      if (trial->way == way && trial->n_gpus == n_gpus &&
          hr_estimator_compare_gpus (way->job, trial->gpu, gpu, n_gpus, difference))
        return trial;
    }

  return NULL;
}

/* The estimate is taken. */
static Trial *
add_trial (HrGpuSearch *self,
           HrEstimate  *estimate,
           const Way   *way,
           HrGpu       *gpu,
           guint        n_gpus)
{
  Trial *trial = g_new0 (Trial, 1);

  trial->way = way;
  trial->gpu = g_object_ref (gpu);
  trial->n_gpus = n_gpus;
  trial->estimate = estimate;
  g_ptr_array_add (self->trials, trial);

  return trial;
}

static Trial *
try (HrGpuSearch *self,
     const Way   *way,
     HrGpu       *gpu,
     guint        n_gpus,
     gint64      *difference)
{
  Trial *trial = find_trial (self, way, gpu, n_gpus, difference);

  if (trial != NULL)
    return trial;

  *difference = 0;

  return add_trial (self, hr_estimator_run_for_sizes (self->model, way->job, gpu, n_gpus, NULL), way, gpu, n_gpus);
}

static void
add_choice (HrGpuSearch *self,
            const Way   *way,
            HrGpu       *gpu,
            guint        n_gpus,
            guint64      free_bytes)
{
  HrGpuChoice *choice = g_new0 (HrGpuChoice, 1);

  choice->gpu = g_object_ref (gpu);
  choice->n_gpus = n_gpus;
  choice->free_bytes = free_bytes;
  choice->price = hr_gpu_find_price (gpu);
  choice->change = g_strdup (way->change);
  if (way->change != NULL)
    choice->sharing = hr_sharing_dup_text (way->change);
  g_ptr_array_add (self->choices, choice);
}

/* However a model is spread over devices, all of it is on them; small cards are seldom put together. */
static gboolean
is_too_small (HrGpuSearch *self,
              HrGpu       *gpu,
              guint        n_gpus)
{
  return self->weights / n_gpus > hr_gpu_get_usable_memory (gpu) ||
         (n_gpus > 1 && n_gpus != self->n_chosen && hr_gpu_get_memory (gpu) < MIN_MEMORY_OF_SEVERAL);
}

/* What is reserved, which takes longer, is never less than what is allocated. */
static gboolean
fits (const Trial *trial,
      gint64       difference,
      HrGpu       *gpu,
      HrFit       *fit)
{
  HrEstimate *estimate = trial->estimate;
  g_autofree guint64 *bytes = NULL;
  guint n_devices;

  if (estimate == NULL || hr_estimate_get_allocated_bytes (estimate) > hr_gpu_get_usable_memory (gpu))
    return FALSE;

  n_devices = hr_estimate_get_n_devices (estimate);
  bytes = g_new (guint64, n_devices);
  for (guint i = 0; i < n_devices; i++)
    bytes[i] = hr_estimate_get_device_bytes (estimate, i) + difference;
  hr_fit_init (fit, gpu, trial->n_gpus, bytes, n_devices, hr_estimate_get_n_ranks (estimate));

  return fit->fits;
}

static gboolean
try_ways (HrGpuSearch *self,
          GPtrArray   *ways,
          HrGpu       *gpu,
          guint        n_gpus)
{
  for (guint i = 0; i < ways->len; i++)
    {
      const Way *way = g_ptr_array_index (ways, i);
      gint64 difference;
      Trial *trial = try (self, way, gpu, n_gpus, &difference);
      HrFit fit;

      if (fits (trial, difference, gpu, &fit))
        {
          add_choice (self, way, gpu, n_gpus, fit.free_bytes);
          return TRUE;
        }
    }

  return FALSE;
}

static void
look_at (HrGpuSearch *self,
         HrGpu       *gpu)
{
  for (guint i = 0; i < self->counts->len; i++)
    {
      guint n_gpus = g_array_index (self->counts, guint, i);

      if (!is_too_small (self, gpu, n_gpus) && try_ways (self, g_ptr_array_index (self->ways, i), gpu, n_gpus))
        return;
    }
}

/* That which the job has. */
static const Way *
find_own_way (HrGpuSearch *self,
              guint        n_gpus)
{
  for (guint i = 0; i < self->counts->len; i++)
    {
      if (g_array_index (self->counts, guint, i) == n_gpus)
        return g_ptr_array_index ((GPtrArray *) g_ptr_array_index (self->ways, i), 0);
    }

  return NULL;
}

/**
 * hr_gpu_search_new: (skip)
 * @estimate: an estimate
 * @job: what it is of
 * @gpu: (nullable): the GPU that it is for
 * @n_gpus: how many of them
 *
 * Begins to look for the GPUs of the catalogue on which a job fits. By the rule of thumb there are none.
 *
 * Returns: (transfer full): the search
 */
HrGpuSearch *
hr_gpu_search_new (HrEstimate *estimate,
                   HrJob      *job,
                   HrGpu      *gpu,
                   guint       n_gpus)
{
  HrGpuSearch *self;

  g_return_val_if_fail (HR_IS_ESTIMATE (estimate), NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (gpu == NULL || HR_IS_GPU (gpu), NULL);
  g_return_val_if_fail (n_gpus > 0, NULL);

  self = g_new0 (HrGpuSearch, 1);
  self->model = g_object_ref (hr_estimate_get_model (estimate));
  self->job = hr_job_copy (job);
  self->gpus = list_gpus (gpu);
  self->counts = list_counts (n_gpus);
  self->ways = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  for (guint i = 0; i < self->counts->len; i++)
    g_ptr_array_add (self->ways, list_ways (self->job, g_array_index (self->counts, guint, i)));
  self->n_chosen = n_gpus;
  self->trials = g_ptr_array_new_with_free_func (trial_free);
  self->choices = g_ptr_array_new_with_free_func (choice_free);
  if (hr_estimate_get_method (estimate) != HR_ESTIMATE_METHOD_EXACT)
    {
      self->n_looked_at = self->gpus->len;
      return self;
    }

  /* What is trained may be sharded, so that there is no such bound. */
  if (HR_IS_INFERENCE_JOB (job))
    self->weights = hr_estimate_count_component_bytes (estimate, HR_COMPONENT_WEIGHTS);
  /* The estimate that there is already need not be made once more. */
  if (gpu != NULL)
    add_trial (self, g_object_ref (estimate), find_own_way (self, n_gpus), gpu, n_gpus);

  return self;
}

/**
 * hr_gpu_search_free: (skip)
 * @self: a search
 *
 * Gives a search up, or away.
 */
void
hr_gpu_search_free (HrGpuSearch *self)
{
  g_object_unref (self->model);
  g_object_unref (self->job);
  g_ptr_array_unref (self->gpus);
  g_array_unref (self->counts);
  g_ptr_array_unref (self->trials);
  g_ptr_array_unref (self->ways);
  g_ptr_array_unref (self->choices);
  g_free (self);
}

/**
 * hr_gpu_search_step: (skip)
 * @self: a search
 *
 * Looks at GPUs until an estimate had to be made for one, which takes a few milliseconds for each number of them.
 *
 * Returns: whether there is more to look at
 */
gboolean
hr_gpu_search_step (HrGpuSearch *self)
{
  guint n_trials;

  g_return_val_if_fail (self != NULL, FALSE);

  n_trials = self->trials->len;
  while (self->n_looked_at < self->gpus->len && self->trials->len == n_trials)
    look_at (self, g_ptr_array_index (self->gpus, self->n_looked_at++));
  if (self->n_looked_at < self->gpus->len)
    return TRUE;

  g_ptr_array_sort (self->choices, compare_sizes);

  return FALSE;
}

/**
 * hr_gpu_search_get_choices: (skip)
 * @self: a search
 *
 * Gets what has been found; it is in order when there is nothing more to look at.
 *
 * Returns: (transfer none) (element-type HrGpuChoice): GPUs that would do, those with the least memory first
 */
GPtrArray *
hr_gpu_search_get_choices (HrGpuSearch *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->choices;
}
