/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-trial-plan.h"

#include "hr-estimator.h"
#include "hr-job-enums.h"
#include "hr-sharded-time.h"
#include "hr-sharing.h"

/*
 * Layouts of jobs whose memory is not added up by formulas: each way in which the program of a job shares it among the
 * GPUs (hr-sharing) is estimated, and what the estimator refuses is none.
 */

struct _HrTrialPlan
{
  HrModel *model;
  HrJob *job;               /* it divides nothing but what is fixed */
  HrCluster cluster;
  GPtrArray *changes;       /* of char: what makes a layout of @job */
  gboolean divides_itself;  /* whether its program is told nothing of how to divide it */
  HrServingTime *serving;   /* of jobs that answer requests */
  HrShardedTime *training;  /* of others */
};

/* From what saves least. */
static const HrGradientCheckpointing checkpointings[] = {
  HR_GRADIENT_CHECKPOINTING_NONE, HR_GRADIENT_CHECKPOINTING_SELECTIVE, HR_GRADIENT_CHECKPOINTING_FULL,
};

typedef struct
{
  HrTrialPlan *plan;
  guint64 n_sequences;
  const char * const *fixed;
} Listing;

static gboolean
allows (const Listing *self,
        const char    *setting,
        guint64        value)
{
  guint64 given;

  if (self->fixed == NULL || !g_strv_contains (self->fixed, setting))
    return TRUE;

  g_object_get (self->plan->job, setting, &given, NULL);

  return given == value;
}

/* What is computed anew of some operators is what torchtitan does by itself. */
static gboolean
allows_checkpointing (const Listing           *self,
                      HrJob                   *job,
                      HrGradientCheckpointing  checkpointing)
{
  HrGradientCheckpointing given;

  g_object_get (self->plan->job, "gradient-checkpointing", &given, NULL);
  if (self->fixed != NULL && g_strv_contains (self->fixed, "gradient-checkpointing"))
    return given == checkpointing;

  return checkpointing != HR_GRADIENT_CHECKPOINTING_SELECTIVE || given == checkpointing ||
         hr_sharing_get_framework (job) == HR_TRAINING_FRAMEWORK_TORCHTITAN;
}

static void
add_micro_batch (const Listing *self,
                 HrJob         *job,
                 const char    *way,
                 guint64        size,
                 guint64        n)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (HR_TYPE_GRADIENT_CHECKPOINTING);

  for (guint i = 0; i < G_N_ELEMENTS (checkpointings); i++)
    {
      if (allows_checkpointing (self, job, checkpointings[i]))
        g_ptr_array_add (self->plan->changes,
                         g_strdup_printf ("%s gradient-checkpointing=%s micro-batch-size=%" G_GUINT64_FORMAT
                                          " gradient-accumulation-steps=%" G_GUINT64_FORMAT,
                                          way, g_enum_get_value (klass, checkpointings[i])->value_nick, size, n));
    }
}

/* The sequences of a step are as many for each copy, in micro-batches of any size that divides them. */
static void
add_micro_batches (const Listing *self,
                   const char    *way)
{
  g_autoptr (HrJob) job = hr_job_copy (self->plan->job);
  guint64 n_copies, each;

  hr_job_set_all_from_string (job, way, NULL);
  n_copies = MAX (1, hr_job_get_data_parallel (job));
  each = self->n_sequences / n_copies;
  if (self->n_sequences % n_copies != 0)
    return;

  for (guint64 size = 1; size <= each; size++)
    {
      if (each % size == 0 && allows (self, "micro-batch-size", size) &&
          allows (self, "gradient-accumulation-steps", each / size))
        add_micro_batch (self, job, way, size, each / size);
    }
}

static void
list_changes (HrTrialPlan         *self,
              guint64              n_sequences,
              const char * const  *fixed)
{
  g_autoptr (GPtrArray) ways = hr_sharing_list_all (self->job, self->model, self->cluster.n_gpus, fixed);
  const Listing listing = { self, n_sequences, fixed };

  self->changes = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < ways->len; i++)
    {
      const char *way = g_ptr_array_index (ways, i);

      if (hr_sharing_trains (self->job))
        {
          add_micro_batches (&listing, way);
          continue;
        }
      self->divides_itself = *way == '\0';
      g_ptr_array_add (self->changes, g_strdup_printf ("%s%sbatch-size=%" G_GUINT64_FORMAT, way,
                                                       self->divides_itself ? "" : " ", n_sequences));
    }
}

/*
 * hr_trial_plan_new:
 * @model: a model
 * @job: a job, of which those settings are varied that say how it is divided
 * @cluster: the GPUs, whose object must outlive the plan
 * @n_sequences: sequences of a step, or requests that are answered at once, those of all copies together
 * @fixed: (nullable) (array zero-terminated=1): settings of the job that are not varied
 *
 * Lists the layouts of a job.
 *
 * Returns: (transfer full): a plan
 */
HrTrialPlan *
hr_trial_plan_new (HrModel             *model,
                   HrJob               *job,
                   const HrCluster     *cluster,
                   guint64              n_sequences,
                   const char * const  *fixed)
{
  HrTrialPlan *self = g_new0 (HrTrialPlan, 1);

  self->model = g_object_ref (model);
  self->job = hr_job_copy (job);
  self->cluster = *cluster;
  hr_sharing_reset (self->job, fixed);
  if (HR_IS_INFERENCE_JOB (self->job))
    g_object_set (self->job, "batch-size", n_sequences, NULL);
  list_changes (self, n_sequences, fixed);
  if (HR_IS_INFERENCE_JOB (self->job))
    self->serving = hr_serving_time_new (model, HR_INFERENCE_JOB (self->job), cluster);
  else
    self->training = hr_sharded_time_new (model, self->job, cluster);

  return self;
}

void
hr_trial_plan_free (HrTrialPlan *self)
{
  g_clear_pointer (&self->serving, hr_serving_time_free);
  g_clear_pointer (&self->training, hr_sharded_time_free);
  g_ptr_array_unref (self->changes);
  g_object_unref (self->job);
  g_object_unref (self->model);
  g_free (self);
}

/* Returns: how many tokens a step of training has for each of its sequences; 0 where requests are answered */
guint64
hr_trial_plan_get_n_tokens (const HrTrialPlan *self)
{
  return self->training != NULL ? hr_sharded_time_get_n_tokens (self->model, self->job) : 0;
}

/* Returns: how many layouts there are to look at */
guint
hr_trial_plan_get_n (const HrTrialPlan *self)
{
  return self->changes->len;
}

/*
 * hr_trial_plan_create_job:
 * @self: a plan
 * @choice: one of its layouts
 *
 * Creates the job with the settings of a layout.
 *
 * Returns: (transfer full): a job
 */
HrJob *
hr_trial_plan_create_job (const HrTrialPlan  *self,
                          const HrPlanChoice *choice)
{
  HrJob *job = hr_job_copy (self->job);

  hr_job_set_all_from_string (job, choice->change, NULL);

  return job;
}

/* What the cache has room for is that of each copy of the model. */
static void
take_room (HrPlanChoice *choice,
           HrEstimate   *estimate)
{
  HrServingFigures *serving = &choice->serving;
  guint64 n_copies = choice->step.layout.data;

  serving->has_room = hr_estimate_get_room (estimate, &serving->cache_tokens, &serving->at_once);
  serving->cache_tokens *= n_copies;
  serving->at_once *= n_copies;
}

/* A server that knows how many requests it may answer at once has no more of them; nor has one whose cache is full. */
static guint64
count_most (HrJob              *job,
            const HrPlanChoice *choice)
{
  guint64 most = G_MAXUINT64, given;
  GParamSpec *setting = g_object_class_find_property (G_OBJECT_GET_CLASS (job), "max-num-seqs");

  g_object_get (job, "max-num-seqs", &given, NULL);
  if (given > 0 && hr_job_uses_setting (job, setting, NULL))
    most = given;
  if (choice->serving.has_room)
    most = MIN (most, choice->serving.at_once / choice->step.layout.data);

  return most;
}

/*
 * How the ranks work together. A program that divides a model without being told how has its layers one after the
 * other, and copies that transformers makes have nothing to do with each other. What it takes where ranks share nothing
 * but the experts is not known.
 */
static gboolean
init_layout (const HrTrialPlan  *self,
             HrServingLayout    *layout,
             HrJob              *job,
             const HrPlanChoice *choice)
{
  const HrLayout *degrees = &choice->step.layout;

  *layout = (HrServingLayout) {
    .tensor = degrees->tensor, .pipeline = degrees->pipeline, .data = degrees->data, .expert = 1,
    .expert_tensor = degrees->tensor, .n_ranks = degrees->n_ranks,
  };
  if (self->divides_itself)
    layout->pipeline = degrees->n_ranks;
  else if (hr_inference_job_get_engine (HR_INFERENCE_JOB (job)) != HR_ENGINE_TRANSFORMERS)
    return hr_serving_layout_init (layout, job, degrees->n_ranks, NULL);

  return degrees->expert == 1;
}

static void
find_serving_time (HrTrialPlan  *self,
                   HrJob        *job,
                   HrPlanChoice *choice)
{
  HrServingLayout layout;

  if (!init_layout (self, &layout, job, choice))
    return;

  choice->has_time = hr_serving_time_look (self->serving, &layout, count_most (job, choice), &choice->serving,
                                           &choice->time.total, NULL);
}

/*
 * hr_trial_plan_look:
 * @self: a plan
 * @index: which of the layouts
 * @has_times: whether enough is known of the GPUs to tell times
 * @choice: (out): the layout, whose @change is the plan's
 * @error: return location for an error
 *
 * Estimates a layout; it can be called from any thread.
 *
 * Returns: whether it is one
 */
gboolean
hr_trial_plan_look (HrTrialPlan   *self,
                    guint          index,
                    gboolean       has_times,
                    HrPlanChoice  *choice,
                    GError       **error)
{
  const char *change = g_ptr_array_index (self->changes, index);
  g_autoptr (HrJob) job = hr_job_copy (self->job);
  g_autoptr (HrEstimate) estimate = NULL;
  HrFit fit;

  *choice = (HrPlanChoice) { .change = change, .index = index, .answers = self->serving != NULL };
  if (!hr_job_set_all_from_string (job, change, error))
    return FALSE;

  estimate = hr_estimator_run_for_sizes (self->model, job, self->cluster.gpu, self->cluster.n_gpus, error);
  if (estimate == NULL)
    return FALSE;

  hr_layout_step_init_from_job (&choice->step, job, hr_estimate_get_n_ranks (estimate));
  hr_estimate_compare_with_gpu (estimate, self->cluster.gpu, self->cluster.n_gpus, &fit);
  choice->check = HR_PLAN_CHECK_EXACT;
  choice->exact_bytes = choice->formula_bytes = fit.peak_bytes;
  if (choice->answers)
    take_room (choice, estimate);
  if (has_times && choice->answers)
    find_serving_time (self, job, choice);
  else if (has_times)
    choice->has_time = hr_sharded_time_look (self->training, job, &choice->step, &choice->time, NULL);

  return TRUE;
}
