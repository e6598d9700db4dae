/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-planner.h"

#include "hr-compute.h"
#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-fine-tuning-job.h"
#include "hr-grpo-job.h"
#include "hr-inference-job.h"
#include "hr-job-adapt.h"
#include "hr-layout-space.h"
#include "hr-roofline.h"
#include "hr-sharing.h"
#include "hr-trial-plan.h"
#include "hr-workers.h"

/* How many groups a core looks at in a step: a few milliseconds. */
#define GROUPS_PER_WORKER 64

struct _HrPlanner
{
  HrModel *model;
  HrJob *job;
  HrCluster cluster;
  guint64 n_sequences;
  HrTrialPlan *trials;      /* of jobs whose layouts are estimated, or NULL */
  HrLayoutParts *parts;     /* of others */
  HrLayoutSpace *space;
  guint64 beside;           /* what the driver and the libraries take of each GPU */
  char *missing;            /* why there are no times, or NULL */
  guint next;               /* the first group, or trial, that nobody has looked at */
  guint64 n_refused;        /* trials that are no layouts */
  char *refusal;            /* why the first of them is none, or NULL */
  guint64 n_layouts;
  guint64 n_fitting;
  guint64 least_bytes;
  guint n_choices;          /* how many layouts that fit are kept */
  GArray *choices;          /* of HrPlanChoice, the best first; those that do not fit follow when all have been seen */
  GArray *others;           /* of HrPlanChoice: what takes least of those that do not fit */
  guint64 others_limit;     /* what takes more is not kept */
};

/* What came of a group. */
typedef struct
{
  HrPlanner *planner;
  guint64 n_layouts;
  guint64 least_bytes;
  GArray *choices;
  GArray *others;
} Finding;

/**
 * hr_planner_uses_formulas: (skip)
 * @job: a job
 *
 * Finds out whether the memory of the layouts of a job is added up by formulas, which are those of Megatron-LM, or each
 * of them is estimated.
 *
 * Returns: whether it is added up
 */
gboolean
hr_planner_uses_formulas (HrJob *job)
{
  int method = HR_FINE_TUNING_METHOD_FULL;
  HrTrainingFramework framework;

  g_return_val_if_fail (HR_IS_JOB (job), FALSE);

  if (!HR_IS_TRAINING_JOB (job) || HR_IS_GRPO_JOB (job))
    return FALSE;
  if (HR_IS_FINE_TUNING_JOB (job))
    g_object_get (job, "fine-tuning-method", &method, NULL);
  framework = hr_training_job_get_framework (HR_TRAINING_JOB (job));

  return framework == HR_TRAINING_FRAMEWORK_MEGATRON_LM ||
         (framework == HR_TRAINING_FRAMEWORK_PYTORCH && method == HR_FINE_TUNING_METHOD_FULL);
}

/**
 * hr_planner_check_job: (skip)
 * @job: a job
 * @error: return location for an error
 *
 * Checks that layouts are known for what a job does.
 *
 * Returns: whether they are
 */
gboolean
hr_planner_check_job (HrJob   *job,
                      GError **error)
{
  int method = HR_FINE_TUNING_METHOD_FULL;
  g_autofree char *found = NULL;

  if (HR_IS_FINE_TUNING_JOB (job))
    g_object_get (job, "fine-tuning-method", &method, NULL);
  if (!HR_IS_INFERENCE_JOB (job) && !hr_sharing_trains (job))
    {
      g_set_error_literal (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
                           _("Layouts of what answers to images, sounds and videos are not known; task: expected "
                             "fine-tuning, found inference"));
      return FALSE;
    }
  if (!hr_planner_uses_formulas (job) || method == HR_FINE_TUNING_METHOD_FULL)
    return TRUE;

  found = hr_job_get_as_string (job, "fine-tuning-method");
  g_set_error (error, HR_ERROR, HR_ERROR_UNSUPPORTED,
               _("Layouts of Megatron-LM are planned for training of all parameters; fine-tuning-method: expected "
                 "full, found %s"),
               found);

  return FALSE;
}

/**
 * hr_planner_count_sequences: (skip)
 * @job: a job that can be planned
 * @n_gpus: how many GPUs there are
 *
 * Counts the sequences that a job has of itself where nothing is said of them: requests that are answered at once, or
 * those of a step if each GPU reads data of its own; where layouts are added up by formulas, one for each GPU.
 *
 * Returns: the number
 */
guint64
hr_planner_count_sequences (HrJob *job,
                            guint  n_gpus)
{
  guint64 size, steps;

  g_return_val_if_fail (HR_IS_JOB (job), 1);

  if (HR_IS_INFERENCE_JOB (job))
    return hr_inference_job_get_batch_size (HR_INFERENCE_JOB (job));
  if (!hr_sharing_trains (job) || hr_planner_uses_formulas (job))
    return n_gpus;

  g_object_get (job, "micro-batch-size", &size, "gradient-accumulation-steps", &steps, NULL);

  return size * steps * n_gpus;
}

/* Takes apart what layouts are added up of. */
static gboolean
prepare_formulas (HrPlanner           *self,
                  const char * const  *fixed,
                  GError             **error)
{
  HrTrainingJob *training = HR_TRAINING_JOB (self->job);

  g_object_set (self->job, "framework", HR_TRAINING_FRAMEWORK_MEGATRON_LM, NULL);
  self->parts = hr_layout_parts_new (self->model, training, self->cluster.n_gpus, error);
  if (self->parts == NULL)
    return FALSE;

  self->space = hr_layout_space_new (self->parts, training, self->cluster.n_gpus, self->n_sequences, fixed);
  self->beside = hr_cluster_get_beside (self->cluster.gpu, hr_layout_parts_groups_products (self->parts));

  return TRUE;
}

/* Why there are no times: of the GPUs, or of what one of them multiplies; NULL where nothing is missing. */
static char *
dup_missing (HrModel         *model,
             HrJob           *job,
             const HrCluster *cluster)
{
  g_autoptr (HrJob) whole = hr_job_copy (job);
  g_autoptr (HrCompute) compute = NULL;
  g_autoptr (GError) error = NULL;

  if (!hr_cluster_check (cluster, &error)
      || (hr_planner_uses_formulas (job) && !hr_roofline_check (cluster->gpu, HR_DTYPE_BFLOAT16, &error)))
    return g_strdup (error->message);
  if (hr_planner_uses_formulas (job))
    return NULL;

  hr_sharing_reset (whole, NULL);
  compute = hr_compute_new (model, whole, cluster->gpu, 1, NULL);

  return compute != NULL ? g_strdup (hr_compute_get_missing (compute)) : NULL;
}

/**
 * hr_planner_new: (skip)
 * @model: a model
 * @job: a job of training, of which those settings are varied that say how it is divided
 * @cluster: the GPUs
 * @n_sequences: sequences of a step, those of all copies of the model together
 * @fixed: (nullable) (array zero-terminated=1): settings of the job that are not varied
 * @error: return location for an error
 *
 * Prepares a search of all layouts of a job.
 *
 * Returns: (transfer full): a planner, or %NULL with @error set where layouts of such a job are not known
 */
HrPlanner *
hr_planner_new (HrModel             *model,
                HrJob               *job,
                const HrCluster     *cluster,
                guint64              n_sequences,
                const char * const  *fixed,
                GError             **error)
{
  g_autoptr (HrPlanner) self = NULL;

  g_return_val_if_fail (HR_IS_MODEL (model), NULL);
  g_return_val_if_fail (HR_IS_JOB (job), NULL);
  g_return_val_if_fail (cluster != NULL && HR_IS_GPU (cluster->gpu), NULL);
  g_return_val_if_fail (cluster->n_gpus > 0 && cluster->n_per_node > 0 && n_sequences > 0, NULL);

  if (!hr_planner_check_job (job, error))
    return NULL;

  self = g_new0 (HrPlanner, 1);
  self->model = g_object_ref (model);
  self->job = hr_job_copy (job);
  self->cluster = *cluster;
  g_object_ref (self->cluster.gpu);
  self->n_sequences = n_sequences;
  self->least_bytes = G_MAXUINT64;
  self->choices = g_array_new (FALSE, TRUE, sizeof (HrPlanChoice));
  self->others = g_array_new (FALSE, TRUE, sizeof (HrPlanChoice));
  self->others_limit = G_MAXUINT64;
  self->missing = dup_missing (model, job, cluster);
  if (!hr_planner_uses_formulas (job))
    self->trials = hr_trial_plan_new (model, job, &self->cluster, n_sequences, fixed);
  else if (!prepare_formulas (self, fixed, error))
    return NULL;

  return g_steal_pointer (&self);
}

void
hr_planner_free (HrPlanner *self)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->trials, hr_trial_plan_free);
  g_clear_pointer (&self->space, hr_layout_space_free);
  g_clear_pointer (&self->parts, hr_layout_parts_free);
  g_array_unref (self->choices);
  g_array_unref (self->others);
  g_object_unref (self->cluster.gpu);
  g_object_unref (self->job);
  g_object_unref (self->model);
  g_free (self->missing);
  g_free (self->refusal);
  g_free (self);
}

static void
find_time (const HrPlanner *self,
           HrPlanChoice    *choice)
{
  choice->has_time = self->missing == NULL;
  if (choice->has_time)
    hr_layout_time_init (&choice->time, self->parts, &self->cluster, &choice->step, choice->division);
}

static void
look_at_layout (const HrLayoutStep *step,
                const HrDivision   *division,
                gpointer            user_data)
{
  Finding *finding = user_data;
  const HrPlanner *planner = finding->planner;
  HrPlanChoice choice = { .step = *step, .division = division };

  choice.formula_bytes = hr_layout_parts_get_peak (planner->parts, step, division, &choice.stage) + planner->beside;
  finding->n_layouts++;
  finding->least_bytes = MIN (finding->least_bytes, choice.formula_bytes);
  if (choice.formula_bytes <= hr_gpu_get_usable_memory (planner->cluster.gpu))
    {
      find_time (planner, &choice);
      g_array_append_val (finding->choices, choice);
    }
  else if (choice.formula_bytes <= planner->others_limit)
    {
      g_array_append_val (finding->others, choice);
    }
}

static void
look_at_group (guint    index,
               gpointer user_data)
{
  Finding *finding = (Finding *) user_data + index;
  HrPlanner *planner = finding->planner;

  hr_layout_space_visit (planner->space, planner->next + index, look_at_layout, finding);
}

/* Numbers that tell layouts apart, of those that are as fast and leave as much. */
static gint
compare_layouts (const HrLayoutStep *one,
                 const HrLayoutStep *other)
{
  const guint64 a[] = { one->layout.tensor, one->layout.pipeline, one->layout.parts, one->layout.context,
                        one->layout.exchange, one->layout.expert, one->layout.zero_stage, one->checkpointing,
                        one->micro_batch, one->layout.counts_loss };
  const guint64 b[] = { other->layout.tensor, other->layout.pipeline, other->layout.parts, other->layout.context,
                        other->layout.exchange, other->layout.expert, other->layout.zero_stage, other->checkpointing,
                        other->micro_batch, other->layout.counts_loss };

  for (guint i = 0; i < G_N_ELEMENTS (a); i++)
    {
      if (a[i] != b[i])
        return a[i] < b[i] ? -1 : 1;
    }

  return 0;
}

/* How many GPUs have a part of one copy of the model, or of one sequence. */
static guint64
count_dividers (const HrLayout *layout)
{
  return layout->tensor * layout->pipeline * layout->context * layout->expert;
}

/* What takes nobody knows how long comes last. */
static gint64
get_microseconds (const HrPlanChoice *choice)
{
  return choice->has_time ? choice->time.total * 1e6 : G_MAXINT64;
}

/*
 * The fastest first, to the microsecond, and of these what divides least; where no time is known, or all is the same,
 * what leaves most.
 */
static gint
compare_choices (gconstpointer a,
                 gconstpointer b)
{
  const HrPlanChoice *one = a;
  const HrPlanChoice *other = b;
  gint64 one_time = get_microseconds (one), other_time = get_microseconds (other);
  guint64 one_dividers = count_dividers (&one->step.layout), other_dividers = count_dividers (&other->step.layout);

  if (one_time != other_time)
    return one_time < other_time ? -1 : 1;
  if (one->has_time && other->has_time && one_dividers != other_dividers)
    return one_dividers < other_dividers ? -1 : 1;
  if (one->formula_bytes != other->formula_bytes)
    return one->formula_bytes < other->formula_bytes ? -1 : 1;

  if (one->index != other->index)
    return one->index < other->index ? -1 : 1;

  return compare_layouts (&one->step, &other->step);
}

static void
keep_first (GArray *choices,
            guint   n)
{
  g_array_sort (choices, compare_choices);
  if (choices->len > n)
    g_array_set_size (choices, n);
}

/* What does not fit has no time yet, so that it is in the order of what it takes. */
static void
keep_best (HrPlanner *self)
{
  keep_first (self->choices, HR_PLANNER_MAX_CHOICES);
  keep_first (self->others, HR_PLANNER_MAX_CHOICES - self->choices->len);
  if (self->choices->len + self->others->len == HR_PLANNER_MAX_CHOICES)
    self->others_limit = self->others->len == 0
                           ? 0
                           : g_array_index (self->others, HrPlanChoice, self->others->len - 1).formula_bytes;
  self->n_choices = self->choices->len;
}

static void
add_others (HrPlanner *self)
{
  for (guint i = 0; i < self->others->len && self->trials == NULL; i++)
    find_time (self, &g_array_index (self->others, HrPlanChoice, i));
  g_array_append_vals (self->choices, self->others->data, self->others->len);
}

static guint
get_n_pieces (const HrPlanner *self)
{
  return self->trials != NULL ? hr_trial_plan_get_n (self->trials) : hr_layout_space_get_n_groups (self->space);
}

/* Groups of layouts for a few milliseconds. */
static guint
step_groups (HrPlanner *self)
{
  guint n = MIN (hr_layout_space_get_n_groups (self->space) - self->next, GROUPS_PER_WORKER * hr_workers_get_n ());
  g_autofree Finding *findings = g_new0 (Finding, n);

  for (guint i = 0; i < n; i++)
    findings[i] = (Finding) { self, 0, G_MAXUINT64, g_array_new (FALSE, TRUE, sizeof (HrPlanChoice)),
                              g_array_new (FALSE, TRUE, sizeof (HrPlanChoice)) };
  hr_workers_run (n, look_at_group, findings);

  for (guint i = 0; i < n; i++)
    {
      self->n_layouts += findings[i].n_layouts;
      self->n_fitting += findings[i].choices->len;
      self->least_bytes = MIN (self->least_bytes, findings[i].least_bytes);
      g_array_append_vals (self->choices, findings[i].choices->data, findings[i].choices->len);
      g_array_append_vals (self->others, findings[i].others->data, findings[i].others->len);
      g_array_unref (findings[i].choices);
      g_array_unref (findings[i].others);
    }

  return n;
}

/* What came of a trial. */
typedef struct
{
  HrPlanner *planner;
  gboolean is_layout;
  HrPlanChoice choice;
  GError *error;
} Trial;

static void
try_layout (guint    index,
            gpointer user_data)
{
  Trial *trial = (Trial *) user_data + index;
  HrPlanner *planner = trial->planner;

  trial->is_layout = hr_trial_plan_look (planner->trials, planner->next + index, planner->missing == NULL,
                                         &trial->choice, &trial->error);
}

static void
take_trial (HrPlanner *self,
            Trial     *trial)
{
  guint64 bytes;

  if (!trial->is_layout)
    {
      self->n_refused++;
      if (self->refusal == NULL)
        self->refusal = g_strdup (trial->error->message);
      g_clear_error (&trial->error);
      return;
    }

  bytes = hr_plan_choice_get_bytes (&trial->choice);
  self->n_layouts++;
  self->least_bytes = MIN (self->least_bytes, bytes);
  if (bytes <= hr_gpu_get_usable_memory (self->cluster.gpu))
    {
      self->n_fitting++;
      g_array_append_val (self->choices, trial->choice);
    }
  else
    {
      g_array_append_val (self->others, trial->choice);
    }
}

/* An estimate for each core. */
static guint
step_trials (HrPlanner *self)
{
  guint n = MIN (hr_trial_plan_get_n (self->trials) - self->next, hr_workers_get_n ());
  g_autofree Trial *trials = g_new0 (Trial, n);

  for (guint i = 0; i < n; i++)
    trials[i].planner = self;
  hr_workers_run (n, try_layout, trials);
  for (guint i = 0; i < n; i++)
    take_trial (self, &trials[i]);

  return n;
}

/**
 * hr_planner_step: (skip)
 * @self: a planner
 *
 * Looks at the next layouts, on all cores, for a few milliseconds.
 *
 * Returns: whether there are more
 */
gboolean
hr_planner_step (HrPlanner *self)
{
  guint n;

  g_return_val_if_fail (self != NULL, FALSE);

  if (hr_planner_is_done (self))
    return FALSE;

  n = self->trials != NULL ? step_trials (self) : step_groups (self);
  keep_best (self);
  self->next += n;
  if (!hr_planner_is_done (self))
    return TRUE;

  add_others (self);

  return FALSE;
}

/**
 * hr_planner_run: (skip)
 * @self: a planner
 * @cancellable: (nullable): ends it early
 *
 * Looks at all layouts.
 *
 * Returns: whether it has looked at all of them
 */
gboolean
hr_planner_run (HrPlanner    *self,
                GCancellable *cancellable)
{
  g_return_val_if_fail (self != NULL, FALSE);

  while (!g_cancellable_is_cancelled (cancellable) && hr_planner_step (self))
    continue;

  return hr_planner_is_done (self);
}

/**
 * hr_planner_get_progress: (skip)
 * @self: a planner
 *
 * Returns: which part of the layouts has been looked at, from 0 to 1
 */
double
hr_planner_get_progress (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return hr_planner_is_done (self) ? 1 : (double) self->next / get_n_pieces (self);
}

gboolean
hr_planner_is_done (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->next == get_n_pieces (self);
}

/**
 * hr_planner_answers: (skip)
 * @self: a planner
 *
 * Returns: whether its job answers requests, and trains nothing
 */
gboolean
hr_planner_answers (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return HR_IS_INFERENCE_JOB (self->job);
}

HrModel *
hr_planner_get_model (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->model;
}

HrJob *
hr_planner_get_job (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->job;
}

const HrCluster *
hr_planner_get_cluster (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return &self->cluster;
}

guint64
hr_planner_get_n_sequences (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->n_sequences;
}

/**
 * hr_planner_get_n_tokens: (skip)
 * @self: a planner
 *
 * Returns: how many tokens a step has; 0 where there are no steps
 */
guint64
hr_planner_get_n_tokens (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->n_sequences * (self->trials != NULL ? hr_trial_plan_get_n_tokens (self->trials)
                                                   : hr_layout_parts_get_n_tokens (self->parts));
}

/**
 * hr_planner_get_n_layouts: (skip)
 * @self: a planner
 *
 * Returns: how many layouts have been looked at
 */
guint64
hr_planner_get_n_layouts (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->n_layouts;
}

/**
 * hr_planner_get_n_fitting: (skip)
 * @self: a planner
 *
 * Returns: how many of them fit, as formulas have it
 */
guint64
hr_planner_get_n_fitting (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->n_fitting;
}

/**
 * hr_planner_get_n_refused: (skip)
 * @self: a planner
 *
 * Returns: how many ways to divide the job were no layouts, as settings do not go together
 */
guint64
hr_planner_get_n_refused (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->n_refused;
}

/**
 * hr_planner_get_refusal: (skip)
 * @self: a planner
 *
 * Returns: (nullable): why the first of those was none, in the user’s language
 */
const char *
hr_planner_get_refusal (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->refusal;
}

/**
 * hr_planner_get_least_bytes: (skip)
 * @self: a planner
 *
 * Returns: what the layout takes that takes least, whether it fits or not; %G_MAXUINT64 where there is none
 */
guint64
hr_planner_get_least_bytes (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->least_bytes;
}

/**
 * hr_planner_get_n_choices: (skip)
 * @self: a planner
 *
 * Returns: how many layouts that fit are kept
 */
guint
hr_planner_get_n_choices (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->n_choices;
}

/**
 * hr_planner_get_n_listed: (skip)
 * @self: a planner
 *
 * Returns: how many layouts are kept, those that fit and, once all have been looked at, those of the others that take
 *   least, up to %HR_PLANNER_MAX_CHOICES
 */
guint
hr_planner_get_n_listed (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->choices->len;
}

/**
 * hr_planner_get_choice: (skip)
 * @self: a planner
 * @index: which of the layouts that are kept: those that fit, the best first, then the others, what takes least first
 *
 * Returns: (transfer none): the layout, until the next step
 */
const HrPlanChoice *
hr_planner_get_choice (const HrPlanner *self,
                       guint            index)
{
  g_return_val_if_fail (self != NULL && index < self->choices->len, NULL);

  return &g_array_index (self->choices, HrPlanChoice, index);
}

/**
 * hr_planner_get_missing: (skip)
 * @self: a planner
 *
 * Returns: (nullable): why there are no times, or %NULL if there are
 */
const char *
hr_planner_get_missing (const HrPlanner *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->missing;
}

/**
 * hr_planner_create_job: (skip)
 * @self: a planner
 * @choice: one of its layouts
 *
 * Creates the job with the settings of a layout.
 *
 * Returns: (transfer full): a job
 */
HrJob *
hr_planner_create_job (const HrPlanner    *self,
                       const HrPlanChoice *choice)
{
  const HrLayout *layout = &choice->step.layout;
  HrJob *job;

  g_return_val_if_fail (self != NULL && choice != NULL, NULL);

  if (self->trials != NULL)
    return hr_trial_plan_create_job (self->trials, choice);

  job = hr_job_copy (self->job);
  hr_job_give (job, "sequence-parallel");
  g_object_set (job, "tensor-parallel", layout->tensor, "sequence-parallel", layout->divides_sequence,
                "pipeline-parallel", layout->pipeline, "virtual-pipeline-parallel", layout->parts,
                "context-parallel", layout->context, "ulysses-parallel", layout->exchange, "expert-parallel",
                layout->expert,
                "count-embedding-as-layer", layout->counts_embedding, "count-loss-as-layer", layout->counts_loss,
                "first-stage-layers", layout->first_layers, "last-stage-layers", layout->last_layers,
                "data-parallel", layout->data, "zero-stage", layout->zero_stage,
                "micro-batch-size", choice->step.micro_batch,
                "gradient-accumulation-steps", choice->step.n_micro_batches,
                "gradient-checkpointing", choice->step.checkpointing, "quantization", HR_QUANTIZATION_NONE, NULL);
  /* Ranks that share a layer have experts of their own, to which tokens are sent (hr_layout_parts_get_peak()). */
  if (layout->expert_tensor > 0)
    g_object_set (job, "expert-tensor-parallel", layout->expert_tensor, "moe-dispatcher", HR_MOE_DISPATCHER_ALLTOALL,
                  NULL);
  if (choice->step.checkpointing == HR_GRADIENT_CHECKPOINTING_SELECTIVE)
    g_object_set (job, "selective-checkpointing", HR_SELECTIVE_CHECKPOINTING_ATTENTION, NULL);

  return job;
}

/* What is replayed of a layout; what is refused has its formulas. */
static void
check_choice (guint    index,
              gpointer user_data)
{
  HrPlanner *self = user_data;
  HrPlanChoice *choice = &g_array_index (self->choices, HrPlanChoice, index);
  g_autoptr (HrJob) job = NULL;
  g_autoptr (HrEstimate) estimate = NULL;

  if (choice->check != HR_PLAN_CHECK_PENDING)
    return;

  job = hr_planner_create_job (self, choice);
  estimate = hr_estimator_run_for_sizes (self->model, job, self->cluster.gpu, choice->step.layout.n_ranks, NULL);
  choice->check = estimate != NULL ? HR_PLAN_CHECK_EXACT : HR_PLAN_CHECK_FORMULA;
  if (estimate != NULL)
    choice->exact_bytes = hr_estimate_get_total_bytes (estimate);
}

/**
 * hr_planner_check: (skip)
 * @self: a planner
 * @n_choices: how many layouts, of the best ones
 *
 * Has the estimator replay layouts where it can, on all cores. What it says does not change the order.
 */
void
hr_planner_check (HrPlanner *self,
                  guint      n_choices)
{
  g_return_if_fail (self != NULL);

  hr_workers_run (MIN (n_choices, self->choices->len), check_choice, self);
}
