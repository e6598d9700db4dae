/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-least-gpus.h"

#include "hr-cluster.h"
#include "hr-layout-space.h"
#include "hr-least-trial.h"
#include "hr-planner.h"
#include "hr-sharing.h"
#include "hr-workers.h"

#define GROUPS_AT_A_TIME 256

/* Of layouts on as many GPUs that which takes least; ordered by how many GPUs. */
typedef struct
{
  HrLayoutStep step;
  guint64 bytes;
} Least;

typedef struct
{
  const HrLayoutParts *parts;
  const HrLayoutSpace *space;
  guint first;
  GHashTable *leasts[GROUPS_AT_A_TIME];   /* of Least, by how many GPUs */
} Batch;

typedef struct
{
  Batch *batch;
  GHashTable *leasts;
} Visit;

static void
take (GHashTable         *leasts,
      const HrLayoutStep *step,
      guint64             bytes)
{
  Least *least = g_hash_table_lookup (leasts, GUINT_TO_POINTER ((guint) step->layout.n_ranks));

  if (least != NULL && least->bytes <= bytes)
    return;
  if (least == NULL)
    {
      least = g_new (Least, 1);
      g_hash_table_insert (leasts, GUINT_TO_POINTER ((guint) step->layout.n_ranks), least);
    }
  *least = (Least) { *step, bytes };
}

static void
look_at_layout (const HrLayoutStep *step,
                const HrDivision   *division,
                gpointer            user_data)
{
  Visit *visit = user_data;
  guint stage;

  take (visit->leasts, step, hr_layout_parts_get_peak (visit->batch->parts, step, division, &stage));
}

static void
look_at_group (guint    index,
               gpointer user_data)
{
  Batch *batch = user_data;
  Visit visit = { batch, g_hash_table_new_full (NULL, NULL, NULL, g_free) };

  batch->leasts[index] = visit.leasts;
  hr_layout_space_visit_least (batch->space, batch->first + index, look_at_layout, &visit);
}

static void
merge (GHashTable *all,
       GHashTable *leasts)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, leasts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Least *least = value;

      take (all, &least->step, least->bytes);
    }
}

/* Groups one after the other, so that of equals the first stays, whichever thread was faster. */
static gboolean
look_at_all (const HrLayoutParts *parts,
             const HrLayoutSpace *space,
             GCancellable        *cancellable,
             GHashTable          *all)
{
  guint n_groups = hr_layout_space_get_n_groups (space);
  Batch batch = { .parts = parts, .space = space };

  for (batch.first = 0; batch.first < n_groups; batch.first += GROUPS_AT_A_TIME)
    {
      guint n = MIN (n_groups - batch.first, GROUPS_AT_A_TIME);

      if (g_cancellable_is_cancelled (cancellable))
        return FALSE;
      hr_workers_run (n, look_at_group, &batch);
      for (guint i = 0; i < n; i++)
        {
          merge (all, batch.leasts[i]);
          g_hash_table_unref (batch.leasts[i]);
        }
    }

  return TRUE;
}

static gint
compare_n_ranks (gconstpointer a,
                 gconstpointer b)
{
  const Least *one = *(Least * const *) a;
  const Least *other = *(Least * const *) b;

  return one->step.layout.n_ranks < other->step.layout.n_ranks ? -1
                                                                : one->step.layout.n_ranks > other->step.layout.n_ranks;
}

static GPtrArray *
sort (GHashTable *all)
{
  GPtrArray *sorted = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, all);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (sorted, value);
  g_ptr_array_sort (sorted, compare_n_ranks);

  return sorted;
}

static void
find_for_gpu (GPtrArray   *sorted,
              HrGpu       *gpu,
              gboolean     groups_products,
              HrLeastGpus *found)
{
  guint64 beside = hr_cluster_get_beside (gpu, groups_products);

  *found = (HrLeastGpus) { .gpu = g_object_ref (gpu) };
  for (guint i = 0; i < sorted->len; i++)
    {
      const Least *least = g_ptr_array_index (sorted, i);

      if (least->bytes + beside > hr_gpu_get_usable_memory (gpu))
        continue;

      found->n_gpus = least->step.layout.n_ranks;
      found->step = least->step;
      found->bytes = least->bytes + beside;
      return;
    }
}

static gint
compare_found (gconstpointer a,
               gconstpointer b)
{
  const HrLeastGpus *one = a;
  const HrLeastGpus *other = b;
  guint64 n = one->n_gpus > 0 ? one->n_gpus : G_MAXUINT64, m = other->n_gpus > 0 ? other->n_gpus : G_MAXUINT64;

  if (n != m)
    return n < m ? -1 : 1;
  if (hr_gpu_get_memory (one->gpu) != hr_gpu_get_memory (other->gpu))
    return hr_gpu_get_memory (one->gpu) < hr_gpu_get_memory (other->gpu) ? -1 : 1;

  return g_strcmp0 (hr_gpu_get_name (one->gpu), hr_gpu_get_name (other->gpu));
}

static void
clear (gpointer data)
{
  HrLeastGpus *self = data;

  g_clear_object (&self->gpu);
  g_clear_pointer (&self->change, g_free);
}

/*
 * hr_least_gpus_new:
 *
 * Returns: (transfer full) (element-type HrLeastGpus): no kinds yet, which are the array's
 */
GArray *
hr_least_gpus_new (void)
{
  GArray *self = g_array_new (FALSE, FALSE, sizeof (HrLeastGpus));

  g_array_set_clear_func (self, clear);

  return self;
}

static GArray *
list_planned (HrModel             *model,
              HrJob               *job,
              GPtrArray           *gpus,
              guint64              n_sequences,
              guint                max_gpus,
              const char * const  *fixed,
              GCancellable        *cancellable,
              GError             **error)
{
  g_autoptr (HrLayoutParts) parts = NULL;
  g_autoptr (HrLayoutSpace) space = NULL;
  g_autoptr (HrJob) copy = hr_job_copy (job);
  g_autoptr (GHashTable) all = NULL;
  g_autoptr (GPtrArray) sorted = NULL;
  GArray *found;

  g_object_set (copy, "framework", HR_TRAINING_FRAMEWORK_MEGATRON_LM, NULL);
  parts = hr_layout_parts_new (model, HR_TRAINING_JOB (copy), max_gpus, error);
  if (parts == NULL)
    return NULL;

  space = hr_layout_space_new (parts, HR_TRAINING_JOB (copy), max_gpus, n_sequences, fixed);
  all = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  if (!look_at_all (parts, space, cancellable, all))
    return NULL;

  sorted = sort (all);
  found = hr_least_gpus_new ();
  for (guint i = 0; i < gpus->len; i++)
    {
      HrLeastGpus least;

      find_for_gpu (sorted, g_ptr_array_index (gpus, i), hr_layout_parts_groups_products (parts), &least);
      g_array_append_val (found, least);
    }

  return found;
}

/**
 * hr_least_gpus_dup_change: (skip)
 * @self: the fewest GPUs of a kind, of which there are enough
 * @job: the job that they were looked for of
 *
 * Writes down what makes the job one on these GPUs: settings with their values, as hr_job_set_all_from_string() takes
 * them, and the GPUs, as `gpu=ID gpus=8`.
 *
 * Returns: (transfer full): the change
 */
char *
hr_least_gpus_dup_change (const HrLeastGpus *self,
                          HrJob             *job)
{
  const HrPlanChoice choice = { .step = self->step };
  g_autofree char *change = NULL;
  g_autofree char *whole = NULL;

  g_return_val_if_fail (self != NULL && self->n_gpus > 0 && HR_IS_JOB (job), NULL);

  if (!self->is_exact)
    {
      change = hr_plan_choice_dup_change (&choice);
      return g_strdup_printf ("%s gpu=%s", change, hr_gpu_get_id (self->gpu));
    }

  change = g_strdup_printf ("%s%sgpus=%" G_GUINT64_FORMAT " gpu=%s", self->change != NULL ? self->change : "",
                            self->change != NULL ? " " : "", self->n_gpus, hr_gpu_get_id (self->gpu));

  return hr_sharing_complete_change (job, change);
}

/**
 * hr_least_gpus_list: (skip)
 * @model: a model
 * @job: a job, of which those settings are varied that say how it is divided
 * @gpus: (element-type HrGpu): kinds of GPUs
 * @n_sequences: sequences of a step
 * @max_gpus: how many GPUs there may be at the most
 * @fixed: (nullable) (array zero-terminated=1): settings of the job that are not varied
 * @cancellable: (nullable): ends it early
 * @error: return location for an error
 *
 * Finds the fewest GPUs of each kind that a job fits on, however long it takes. Where layouts of the job are planned,
 * that is by formulas, with all computed anew that may be: one pass through all layouts is for all kinds. Of other jobs
 * estimates are made.
 *
 * Returns: (transfer full) (element-type HrLeastGpus): the kinds, those first of which fewest are enough, then the
 *   smallest; %NULL with @error set where layouts of such a job are not known, or without it if @cancellable was
 *   cancelled
 */
GArray *
hr_least_gpus_list (HrModel             *model,
                    HrJob               *job,
                    GPtrArray           *gpus,
                    guint64              n_sequences,
                    guint                max_gpus,
                    const char * const  *fixed,
                    GCancellable        *cancellable,
                    GError             **error)
{
  GArray *found;

  g_return_val_if_fail (HR_IS_MODEL (model) && HR_IS_JOB (job) && gpus != NULL, NULL);
  g_return_val_if_fail (n_sequences > 0 && max_gpus > 0, NULL);

  if (hr_planner_uses_formulas (job) && hr_planner_check_job (job, NULL))
    found = list_planned (model, job, gpus, n_sequences, max_gpus, fixed, cancellable, error);
  else
    found = hr_least_trial_list (model, job, gpus, max_gpus, fixed, cancellable, error);
  if (found != NULL)
    g_array_sort (found, compare_found);

  return found;
}
