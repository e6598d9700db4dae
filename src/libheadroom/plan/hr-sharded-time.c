/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-sharded-time.h"

#include <math.h>

#include "hr-compute.h"
#include "hr-error.h"
#include "hr-estimator.h"
#include "hr-grpo-job.h"
#include "hr-inference-cache.h"
#include "hr-media.h"
#include "hr-multimodal-job.h"
#include "hr-roofline.h"
#include "hr-sharing.h"

/*
 * How long a step takes where layouts are estimated: what a GPU would take that has the whole model (hr-compute),
 * shared by the ranks that divide it, and what they exchange, with what NCCL counts for it (hr-cluster). What is
 * exchanged beside products counts as far as it takes longer. It is meant to tell layouts apart; what is offloaded, and
 * stragglers, are left out. The volumes are those of
 *
 * - DistributedDataParallel: gradients are added up once for each step, as accelerate has it (no_sync of
 *   accelerate/accelerator.py), in a ring that moves 2·(n − 1)/n of them;
 * - ZeRO (Rajbhandari et al., arXiv:1910.02054, section 7): gradients are scattered, in the second and third stage for
 *   each micro-batch, and parameters that have been stepped gathered; in the third, parameters are gathered in either
 *   direction instead. FSDP is that third stage; where what was gathered stays (shard-grad-op), it is once;
 * - hybrid shards: that within each group, and gradients added up among the groups;
 * - ranks that share layers add up what attention and perceptron make, in either direction, and once more where layers
 *   are computed anew (the plans of transformers/integrations/tensor_parallel.py; torchtitan gathers and scatters as
 *   much);
 * - ranks that share sequences, as torchtitan has it, gather the keys and values of all tokens in each layer, once more
 *   where layers are computed anew, and scatter their gradients (torchtitan/models/common/decoder_sharding.py); they
 *   share parameters with the ranks that read other data (resolve_fsdp_mesh of torchtitan/distributed/fsdp.py);
 * - stages wait for each other (p − 1)/m of a step (Narayanan et al., arXiv:2104.04473, section 2.2), and hand on what
 *   lies between two layers.
 *
 * Ranks that share layers are next to each other, then those that share sequences, those that read different data, and
 * stages (ParallelDims of
 * torchtitan/distributed/parallel_dims.py).
 */

/* Of a step forwards and back two thirds are the way back (arXiv:2001.08361, section 2.1). */
#define BACKWARD_SHARE (2.0 / 3)

/* What a GPU takes that has all of the model, for a step of so many micro-batches. */
typedef struct
{
  double total;
  double optimizer;
  double launch;      /* what the processor needs, however little there is to compute */
  double needed;      /* of all that it could do meanwhile what the model needs: seconds */
} Work;

typedef struct
{
  guint64 micro_batch;
  guint64 n_micro_batches;
  int checkpointing;
  int framework;
} Key;

struct _HrShardedTime
{
  HrModel *model;
  HrCluster cluster;
  guint64 hidden;
  guint64 keys;         /* numbers of the keys and values of a token in a layer */
  guint64 n_layers;
  double weights;       /* bytes of the parameters as they are stored */
  double trained;       /* of those that are trained */
  double element;       /* bytes of a number between two layers */
  guint64 n_tokens;     /* of each sequence */
  GMutex mutex;
  GHashTable *works;    /* of Work, by Key */
};

static guint
hash_key (gconstpointer data)
{
  const Key *key = data;

  return key->micro_batch * 31 + key->n_micro_batches * 1009 + key->checkpointing * 7 + key->framework * 100003;
}

static gboolean
equal_keys (gconstpointer a,
            gconstpointer b)
{
  const Key *one = a;
  const Key *other = b;

  return one->micro_batch == other->micro_batch && one->n_micro_batches == other->n_micro_batches &&
         one->checkpointing == other->checkpointing && one->framework == other->framework;
}

/* Sizes of what may be sent, of a GPU that has all. */
static void
take_sizes (HrShardedTime *self,
            HrJob         *job)
{
  g_autoptr (HrEstimate) estimate = hr_estimator_run_for_sizes (self->model, job, self->cluster.gpu, 1, NULL);
  guint64 adapters;

  if (estimate == NULL)
    return;

  adapters = hr_estimate_count_component_bytes (estimate, HR_COMPONENT_ADAPTERS);
  self->weights = hr_estimate_count_component_bytes (estimate, HR_COMPONENT_WEIGHTS) + adapters;
  self->trained = adapters > 0 ? adapters
                               : self->weights / MAX (1, hr_model_get_n_parameters (self->model)) *
                                 hr_estimate_get_n_trainable_parameters (estimate);
}

static guint64
count_keys (const HrStack *stack)
{
  const HrAttention *attention = stack->n_layer_classes > 0
                                   ? hr_layer_class_get_attention (&stack->layer_classes[0]) : NULL;

  return attention != NULL ? 2 * attention->num_key_value_heads * attention->head_dim : 0;
}

/*
 * hr_sharded_time_new:
 * @model: a model
 * @job: a job of training that divides nothing
 * @cluster: GPUs of which enough is known
 *
 * Prepares the times of the layouts of a job.
 *
 * Returns: (transfer full): a cache of what layouts have in common, which can be asked from several threads
 */
HrShardedTime *
hr_sharded_time_new (HrModel         *model,
                     HrJob           *job,
                     const HrCluster *cluster)
{
  HrShardedTime *self = g_new0 (HrShardedTime, 1);

  self->model = g_object_ref (model);
  self->cluster = *cluster;
  hr_model_get_hyper_parameter (model, "hidden_size", &self->hidden);
  self->n_layers = hr_model_get_stack (model, 0)->n_layers;
  self->keys = count_keys (hr_model_get_stack (model, 0));
  self->element = 2;
  self->n_tokens = hr_sharded_time_get_n_tokens (model, job);
  take_sizes (self, job);
  g_mutex_init (&self->mutex);
  self->works = g_hash_table_new_full (hash_key, equal_keys, g_free, g_free);

  return self;
}

void
hr_sharded_time_free (HrShardedTime *self)
{
  g_hash_table_unref (self->works);
  g_mutex_clear (&self->mutex);
  g_object_unref (self->model);
  g_free (self);
}

/* The optimizer reads and writes its states (hr-traffic). */
static double
get_optimizer_time (const HrShardedTime  *self,
                    const HrComputePhase *phase)
{
  guint64 bandwidth = 1;

  hr_gpu_get_bandwidth (self->cluster.gpu, &bandwidth);

  return phase->traffic.optimizer / (bandwidth * hr_roofline_get_efficiency (HR_BOUND_MEMORY, TRUE)->typical);
}

static gboolean
measure (const HrShardedTime  *self,
         HrJob                *job,
         Work                 *work,
         GError              **error)
{
  g_autoptr (HrJob) whole = hr_job_copy (job);
  g_autoptr (HrCompute) compute = NULL;

  hr_sharing_reset (whole, NULL);
  g_object_set (whole, "data-parallel", G_GUINT64_CONSTANT (1), NULL);
  compute = hr_compute_new (self->model, whole, self->cluster.gpu, 1, error);
  if (compute == NULL)
    return FALSE;

  *work = (Work) { 0 };
  for (guint i = 0; i < hr_compute_get_n_phases (compute); i++)
    {
      const HrComputePhase *phase = hr_compute_get_phase (compute, i);

      if (!phase->has_time)
        {
          g_set_error_literal (error, HR_ERROR, HR_ERROR_UNSUPPORTED, hr_compute_get_missing (compute));
          return FALSE;
        }
      work->total += phase->time.typical * phase->per_step;
      work->launch += phase->time.launch * phase->per_step;
      work->needed += phase->time.mfu * phase->time.typical * phase->per_step;
      if (hr_compute_phase_id_trains (phase->id))
        work->optimizer += get_optimizer_time (self, phase) * phase->per_step;
    }
  work->optimizer = fmin (work->optimizer, work->total);

  return TRUE;
}

/* Two threads may find out the same at once, which is the same whoever is first. */
static gboolean
find_work (HrShardedTime       *self,
           HrJob               *job,
           const HrLayoutStep  *step,
           Work                *work,
           GError             **error)
{
  const Key key = { step->micro_batch, step->n_micro_batches, step->checkpointing,
                    hr_sharing_get_framework (job) };
  const Work *known;

  g_mutex_lock (&self->mutex);
  known = g_hash_table_lookup (self->works, &key);
  if (known != NULL)
    *work = *known;
  g_mutex_unlock (&self->mutex);
  if (known != NULL)
    return TRUE;
  if (!measure (self, job, work, error))
    return FALSE;

  g_mutex_lock (&self->mutex);
  g_hash_table_replace (self->works, g_memdup2 (&key, sizeof key), g_memdup2 (work, sizeof *work));
  g_mutex_unlock (&self->mutex);

  return TRUE;
}

/* What is gathered or scattered among ranks, each of which has a part. */
static double
get_ring_time (const HrCluster *cluster,
               guint64          n_ranks,
               guint64          stride,
               double           bytes)
{
  return n_ranks > 1
           ? hr_cluster_get_exchange_time (cluster, n_ranks, stride, n_ranks - 1, bytes * (n_ranks - 1) / n_ranks) : 0;
}

static int
get_fsdp (HrJob *job)
{
  int fsdp;

  g_object_get (job, "fsdp", &fsdp, NULL);

  return fsdp;
}

static guint64
count_groups (HrJob *job)
{
  guint64 n;

  g_object_get (job, "data-parallel-replicas", &n, NULL);

  return MAX (1, n);
}

/*
 * What is gathered for passes beside those of micro-batches: the reference model's module by module, while it reads,
 * and all parameters before the model answers, or is copied to the engine that does.
 */
static double
get_answer_time (HrJob  *job,
                 double  n_micro_batches,
                 double  forward,
                 double  gathered)
{
  HrAlgorithm algorithm = HR_IS_GRPO_JOB (job) ? hr_grpo_job_get_algorithm (HR_GRPO_JOB (job)) : HR_ALGORITHM_SFT;
  double time = 0;

  if (hr_algorithm_has_reference (algorithm) && hr_grpo_job_get_reference_model (HR_GRPO_JOB (job)))
    time += n_micro_batches * fmax (0, gathered - forward);
  if (hr_algorithm_generates (algorithm) && hr_grpo_job_get_rollout (HR_GRPO_JOB (job)) != HR_ROLLOUT_NONE)
    time += gathered;

  return time;
}

/* What is exchanged of a step beside products, which hide it as far as they take as long. */
static double
get_data_time (const HrShardedTime *self,
               HrJob               *job,
               const HrLayoutStep  *step,
               double               micro_batch)
{
  const HrLayout *layout = &step->layout;
  const HrCluster *cluster = &self->cluster;
  double n = step->n_micro_batches;
  double backward = micro_batch * BACKWARD_SHARE, forward = micro_batch - backward;
  guint64 n_dividers = layout->tensor * layout->pipeline;
  int fsdp = get_fsdp (job);
  gboolean is_titan = hr_sharing_get_framework (job) == HR_TRAINING_FRAMEWORK_TORCHTITAN;
  gboolean is_verl = hr_sharing_get_framework (job) == HR_TRAINING_FRAMEWORK_VERL;
  gboolean has_groups = fsdp == HR_FSDP_HYBRID_SHARD || is_titan;
  guint64 n_groups = has_groups ? count_groups (job) : 1;
  guint64 n_sharers = MAX (1, layout->data / n_groups) * layout->context;
  double scattered = get_ring_time (cluster, n_sharers, layout->tensor, self->trained / n_dividers);
  double stepped = scattered;
  /* Parameters of verl are in fp32, and are gathered in bfloat16. */
  double gathered = get_ring_time (cluster, n_sharers, layout->tensor,
                                   self->weights / (is_verl ? 2 * n_dividers : n_dividers));
  double among = 2 * get_ring_time (cluster, n_groups, layout->tensor * n_sharers,
                                    self->trained / (n_dividers * n_sharers));

  if (fsdp == HR_FSDP_SHARD_GRAD_OP)
    return n * (fmax (0, gathered - forward) + fmax (0, scattered + among - backward));
  if (fsdp != HR_FSDP_NONE || is_titan || is_verl || layout->zero_stage == 3)
    return n * (fmax (0, gathered - forward) + fmax (0, gathered + scattered + among - backward)) +
           (is_verl ? 0 : get_answer_time (job, n, forward, gathered));
  if (layout->zero_stage > 0)
    return (layout->zero_stage == 2 ? n : 1) * fmax (0, scattered - backward) + stepped;

  return fmax (0, 2 * scattered - backward);
}

/* What all layers add up among the ranks that share them, of a micro-batch. */
static double
get_layer_time (const HrShardedTime *self,
                const HrLayoutStep  *step,
                double               bytes)
{
  guint64 n_ranks = step->layout.tensor;
  double passes = step->checkpointing == HR_GRADIENT_CHECKPOINTING_FULL ? 3 : 2;

  return n_ranks > 1
           ? passes * 2 * self->n_layers / step->layout.pipeline *
             hr_cluster_get_exchange_time (&self->cluster, n_ranks, 1, 2 * (n_ranks - 1),
                                           2 * bytes * (n_ranks - 1) / n_ranks)
           : 0;
}

/* What ranks that share sequences gather and scatter in all layers, of a micro-batch. */
static double
get_context_time (const HrShardedTime *self,
                  const HrLayoutStep  *step)
{
  const HrLayout *layout = &step->layout;
  double passes = step->checkpointing == HR_GRADIENT_CHECKPOINTING_FULL ? 3 : 2;
  double bytes = self->element * self->keys / layout->tensor * step->micro_batch * self->n_tokens;

  return passes * self->n_layers / layout->pipeline *
         get_ring_time (&self->cluster, layout->context, layout->tensor, bytes);
}

/* Whether every rank has but a part of the optimizer’s states. */
static gboolean
shares_states (HrJob               *job,
               const HrLayoutStep  *step)
{
  return step->layout.zero_stage > 0 || get_fsdp (job) != HR_FSDP_NONE ||
         hr_sharing_get_framework (job) == HR_TRAINING_FRAMEWORK_TORCHTITAN ||
         hr_sharing_get_framework (job) == HR_TRAINING_FRAMEWORK_VERL;
}

/* What images, videos and sounds become is counted by the processor of the model. */
static guint64
count_all_tokens (HrModel *model,
                  HrJob   *job)
{
  g_autoptr (HrMedia) media = hr_media_new (model, job, NULL);

  return media != NULL ? media->tokens : hr_job_count_text_tokens (job);
}

/*
 * hr_sharded_time_get_n_tokens:
 * @model: its model
 * @job: a job of training
 *
 * Returns: how many tokens a sequence has that is trained on, those of an answer and of images and sounds included
 */
guint64
hr_sharded_time_get_n_tokens (HrModel *model,
                              HrJob   *job)
{
  guint64 length = 0, prompt;

  if (HR_IS_MULTIMODAL_JOB (job))
    return count_all_tokens (model, job);
  if (!HR_IS_GRPO_JOB (job) || !hr_algorithm_generates (hr_grpo_job_get_algorithm (HR_GRPO_JOB (job))))
    g_object_get (job, "sequence-length", &length, NULL);
  else
    {
      g_object_get (job, "prompt-length", &prompt, "completion-length", &length, NULL);
      length += prompt;
    }

  return length;
}

/*
 * hr_sharded_time_look:
 * @self: the times of a job
 * @job: the job with the settings of a layout
 * @step: that layout
 * @time: (out): how long a step takes
 * @error: return location for an error
 *
 * Estimates how long a step takes in a layout.
 *
 * Returns: whether it is known
 */
gboolean
hr_sharded_time_look (HrShardedTime       *self,
                      HrJob               *job,
                      const HrLayoutStep  *step,
                      HrLayoutTime        *time,
                      GError             **error)
{
  const HrLayout *layout = &step->layout;
  double n = step->n_micro_batches;
  double bytes = self->element * self->hidden * step->micro_batch * self->n_tokens / layout->context;
  guint64 n_sharers = layout->data * layout->context;
  double busy;
  Work work;

  if (!find_work (self, job, step, &work, error))
    return FALSE;

  *time = (HrLayoutTime) { 0 };
  /* However little each of the ranks has to compute that share a layer, they start as many kernels. */
  time->compute = fmax ((work.total - work.optimizer) / (layout->tensor * layout->context),
                        work.launch - work.optimizer) / layout->pipeline;
  time->layer = n * (get_layer_time (self, step, bytes) + get_context_time (self, step));
  busy = time->compute + time->layer;
  if (layout->pipeline > 1)
    time->pipeline = busy * (layout->pipeline - 1) / n +
                     2 * n * hr_cluster_get_exchange_time (&self->cluster, layout->pipeline,
                                                           layout->tensor * n_sharers, 1, bytes);
  time->data = n_sharers > 1 ? get_data_time (self, job, step, time->compute / n) : 0;
  time->optimizer = work.optimizer / (layout->tensor * layout->pipeline);
  if (shares_states (job, step))
    time->optimizer /= n_sharers;
  time->total = busy + time->pipeline + time->data + time->optimizer;
  time->utilization = work.needed * layout->data / (time->total * layout->n_ranks);

  return TRUE;
}
