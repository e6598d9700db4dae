/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-serving-time.h"

#include <math.h>

#include "hr-compute.h"
#include "hr-error.h"
#include "hr-inference-cache.h"
#include "hr-job-adapt.h"

/*
 * How long requests take that come together, by the roofline of what a rank computes and reads (hr-compute), and what
 * ranks exchange meanwhile, with what NCCL counts for it (hr-cluster). What a rank has is a model of its own
 * (hr-serving-layout), so that heads of keys and values that are there several times, or a latent that each rank has
 * whole, are read as often as they are. It is meant to tell layouts apart: requests are alike, experts chosen evenly,
 * and what the server’s own program takes between two steps is left out. The volumes are those of vLLM, whose layers
 * and groups the other engines have as well:
 *
 * - ranks that share a layer add up what attention and perceptron make, twice in each (RowParallelLinear of
 *   vllm/model_executor/layers/linear.py): a ring moves 2·(n − 1)/n of it in 2·(n − 1) steps;
 * - copies that share experts gather the tokens of all before these, and scatter them after (AgRsAll2AllManager of
 *   vllm/distributed/device_communicators/all2all.py, which is what vLLM does by itself);
 * - stages hand on what lies between two layers, and have as many batches under way as there are stages
 *   (EngineCore.step_with_batch_queue of vllm/v1/engine/core.py); accelerate’s map of devices and llama.cpp have one.
 *
 * Ranks that share a layer are next to each other, then stages, then copies (initialize_model_parallel of
 * vllm/distributed/parallel_state.py).
 */

/* What all layers of a rank take for a batch, apart from exchanges. */
typedef struct
{
  double prompt;
  double token;
  double element;     /* bytes of what is exchanged */
} Passes;

struct _HrServingTime
{
  HrModel *model;
  HrInferenceJob *job;    /* it divides nothing */
  HrCluster cluster;
  guint64 hidden;
  guint64 n_layers;
  guint64 n_mixtures;     /* layers with experts */
  GMutex mutex;
  GHashTable *passes;     /* of Passes, by what they are of */
};

/* What layouts whose passes take as long have in common. */
typedef struct
{
  guint64 tensor;
  guint64 batch;
  guint64 n_senders;
} Key;

static guint
hash_key (gconstpointer data)
{
  const Key *key = data;

  return key->tensor * 31 + key->batch * 1009 + key->n_senders * 100003;
}

static gboolean
equal_keys (gconstpointer a,
            gconstpointer b)
{
  const Key *one = a;
  const Key *other = b;

  return one->tensor == other->tensor && one->batch == other->batch && one->n_senders == other->n_senders;
}

static const HrStack *
get_decoder (HrModel *model)
{
  guint i = 0;

  while (i + 1 < hr_model_get_n_stacks (model) && hr_model_get_stack (model, i)->role != HR_STACK_DECODER)
    i++;

  return hr_model_get_stack (model, i);
}

/*
 * hr_serving_time_new:
 * @model: a model
 * @job: a job of inference
 * @cluster: GPUs of which enough is known
 *
 * Prepares the times of the layouts of a job.
 *
 * Returns: (transfer full): a cache of what layouts have in common, which can be asked from several threads
 */
HrServingTime *
hr_serving_time_new (HrModel         *model,
                     HrInferenceJob  *job,
                     const HrCluster *cluster)
{
  HrServingTime *self = g_new0 (HrServingTime, 1);
  const HrStack *decoder = get_decoder (model);

  self->model = g_object_ref (model);
  self->job = HR_INFERENCE_JOB (hr_job_copy (HR_JOB (job)));
  hr_job_adapt (HR_JOB (self->job), model);
  g_object_set (self->job, "tensor-parallel", G_GUINT64_CONSTANT (1), "pipeline-parallel", G_GUINT64_CONSTANT (1),
                "expert-parallel", G_GUINT64_CONSTANT (1), "data-parallel", G_GUINT64_CONSTANT (1), NULL);
  self->cluster = *cluster;
  hr_model_get_hyper_parameter (model, "hidden_size", &self->hidden);
  self->n_layers = decoder->n_layers;
  for (guint i = 0; i < decoder->n_layer_classes; i++)
    {
      if (hr_layer_class_find_block (&decoder->layer_classes[i], HR_BLOCK_MIXTURE) != NULL)
        self->n_mixtures += decoder->layer_classes[i].n_layers;
    }
  g_mutex_init (&self->mutex);
  self->passes = g_hash_table_new_full (hash_key, equal_keys, g_free, g_free);

  return self;
}

void
hr_serving_time_free (HrServingTime *self)
{
  g_hash_table_unref (self->passes);
  g_mutex_clear (&self->mutex);
  g_object_unref (self->job);
  g_object_unref (self->model);
  g_free (self);
}

static gboolean
runs_transformers (const HrServingTime *self)
{
  return hr_inference_job_get_engine (self->job) == HR_ENGINE_TRANSFORMERS;
}

/* Engines that serve requests by the batches of a scheduler have one for each stage. */
static gboolean
has_one_batch (const HrServingTime *self)
{
  switch ((guint) hr_inference_job_get_engine (self->job))
    {
    case HR_ENGINE_VLLM:
    case HR_ENGINE_SGLANG:
    case HR_ENGINE_TENSORRT_LLM:
      return FALSE;

    default:
      return TRUE;
    }
}

/* What a rank has of the model that shares its layers with others, of experts a part of each. */
static HrModel *
divide_model (const HrServingTime  *self,
              guint64               tensor,
              GError              **error)
{
  const HrServingLayout layout = {
    .tensor = tensor, .pipeline = 1, .data = 1, .expert = 1, .expert_tensor = tensor, .n_ranks = tensor,
  };
  const HrServingRank rank = { .n_alike = tensor };

  return tensor == 1 ? g_object_ref (self->model)
                     : hr_serving_layout_divide_model (&layout, self->model, &rank, error);
}

static HrCompute *
count (const HrServingTime  *self,
       const Key            *key,
       GError              **error)
{
  g_autoptr (HrModel) part = divide_model (self, key->tensor, error);
  g_autoptr (HrJob) job = hr_job_copy (HR_JOB (self->job));

  if (part == NULL)
    return NULL;

  g_object_set (job, "batch-size", key->batch, NULL);
  return hr_compute_new_for_rank (part, job, self->cluster.gpu, key->n_senders, error);
}

static double
get_seconds (const HrCompute  *compute,
             HrComputePhaseId  id)
{
  const HrComputePhase *phase = hr_compute_find_phase (compute, id);

  return phase != NULL ? phase->time.typical : 0;
}

static double
get_launch (const HrCompute  *compute,
            HrComputePhaseId  id)
{
  const HrComputePhase *phase = hr_compute_find_phase (compute, id);

  return phase != NULL ? phase->time.launch : 0;
}

/*
 * Where each operator is a kernel of its own, ranks that share layers start as many of them as one that has all, and
 * one that has all reads and writes more between them.
 */
static gboolean
take_kernels (const HrServingTime  *self,
              const Key            *key,
              Passes               *passes,
              GError              **error)
{
  g_autoptr (HrJob) job = hr_job_copy (HR_JOB (self->job));
  g_autoptr (HrCompute) whole = NULL;

  g_object_set (job, "batch-size", key->batch, NULL);
  whole = hr_compute_new (self->model, job, self->cluster.gpu, 1, error);
  if (whole == NULL)
    return FALSE;

  if (key->tensor == 1)
    {
      passes->prompt = get_seconds (whole, HR_COMPUTE_PHASE_PREFILL);
      passes->token = get_seconds (whole, HR_COMPUTE_PHASE_DECODE);
    }
  passes->prompt = fmax (passes->prompt, get_launch (whole, HR_COMPUTE_PHASE_PREFILL));
  passes->token = fmax (passes->token, get_launch (whole, HR_COMPUTE_PHASE_DECODE));

  return TRUE;
}

static gboolean
measure (const HrServingTime  *self,
         const Key            *key,
         Passes               *passes,
         GError              **error)
{
  g_autoptr (HrCompute) compute = count (self, key, error);
  const HrComputePhase *prompt;

  if (compute == NULL)
    return FALSE;

  if (hr_compute_get_missing (compute) != NULL)
    {
      g_set_error_literal (error, HR_ERROR, HR_ERROR_UNSUPPORTED, hr_compute_get_missing (compute));
      return FALSE;
    }

  prompt = hr_compute_find_phase (compute, HR_COMPUTE_PHASE_PREFILL);
  passes->prompt = prompt->time.typical;
  passes->token = get_seconds (compute, HR_COMPUTE_PHASE_DECODE);
  passes->element = (double) prompt->traffic.exchanged / MAX (1, prompt->tokens * self->hidden);

  return !runs_transformers (self) || take_kernels (self, key, passes, error);
}

/* Two threads may find out the same at once, which is the same whoever is first. */
static gboolean
find_passes (HrServingTime  *self,
             const Key      *key,
             Passes         *passes,
             GError        **error)
{
  const Passes *known;

  *passes = (Passes) { 0 };
  g_mutex_lock (&self->mutex);
  known = g_hash_table_lookup (self->passes, key);
  if (known != NULL)
    *passes = *known;
  g_mutex_unlock (&self->mutex);
  if (known != NULL)
    return TRUE;
  if (!measure (self, key, passes, error))
    return FALSE;

  g_mutex_lock (&self->mutex);
  g_hash_table_replace (self->passes, g_memdup2 (key, sizeof *key), g_memdup2 (passes, sizeof *passes));
  g_mutex_unlock (&self->mutex);

  return TRUE;
}

/* What is added up among ranks, so that each has the sum of all. */
static double
get_sum_time (const HrCluster *cluster,
              guint64          n_ranks,
              double           bytes)
{
  return n_ranks > 1
           ? hr_cluster_get_exchange_time (cluster, n_ranks, 1, 2 * (n_ranks - 1), 2 * bytes * (n_ranks - 1) / n_ranks)
           : 0;
}

/*
 * Tokens of all copies are gathered, and what the experts make of them is scattered: once each way. Ranks that share
 * layers, and have experts of their own, have a part of the tokens each, and all of them exchange these (get_ep_group()
 * where use_sequence_parallel_moe of vllm/config/parallel.py is true); otherwise each exchanges all with its like.
 */
static double
get_share_time (const HrCluster       *cluster,
                const HrServingLayout *layout,
                double                 bytes)
{
  guint64 n = layout->tensor * layout->data;

  if (layout->expert > 1 && layout->tensor > 1)
    return 2 * hr_cluster_get_exchange_time (cluster, n, 1, n - 1, bytes * layout->data * (n - 1) / n);

  return 2 * hr_cluster_get_exchange_time (cluster, layout->data, layout->tensor * layout->pipeline, layout->data - 1,
                                           bytes * (layout->data - 1));
}

static gboolean
shares_experts (const HrServingTime   *self,
                const HrServingLayout *layout)
{
  return self->n_mixtures > 0 && layout->shares_experts && layout->data > 1;
}

/* What all layers exchange of so many bytes between two of them. */
static double
get_layer_time (const HrServingTime   *self,
                const HrServingLayout *layout,
                double                 bytes)
{
  double sharing = shares_experts (self, layout) ? get_share_time (&self->cluster, layout, bytes) : 0;

  return 2 * self->n_layers * get_sum_time (&self->cluster, layout->tensor, bytes) + self->n_mixtures * sharing;
}

static double
get_hop_time (const HrServingTime   *self,
              const HrServingLayout *layout,
              double                 bytes)
{
  return layout->pipeline > 1
           ? hr_cluster_get_exchange_time (&self->cluster, layout->pipeline, layout->tensor, 1, bytes) : 0;
}

/* How batches go through stages. */
typedef struct
{
  guint64 n_batches;    /* under way */
  guint64 batch;        /* requests of each */
  double slowest;       /* the share of the layers that the stage has which has most */
} Flow;

static void
init_flow (const HrServingTime   *self,
           const HrServingLayout *layout,
           guint64                running,
           Flow                  *flow)
{
  guint64 most = has_one_batch (self) ? 1 : MIN (layout->pipeline, running);

  flow->batch = (running + most - 1) / most;
  flow->n_batches = (running + flow->batch - 1) / flow->batch;
  flow->slowest = ceil ((double) self->n_layers / layout->pipeline) / self->n_layers;
}

/* One batch after the other comes out of the last stage once the first one has gone through all. */
static double
get_prompt_time (const HrServingLayout *layout,
                 const Flow            *flow,
                 double                 all,
                 double                 hop)
{
  return all + (layout->pipeline - 1) * hop + (flow->n_batches - 1) * (flow->slowest * all + hop);
}

/* A batch has its next turn when it has gone through all stages, and each of them has had the other batches. */
static double
get_token_time (const HrServingLayout *layout,
                const Flow            *flow,
                double                 all,
                double                 hop)
{
  return fmax (all + (layout->pipeline - 1) * hop, flow->n_batches * (flow->slowest * all + hop));
}

/*
 * hr_serving_time_look:
 * @self: the times of a job
 * @layout: a layout of it
 * @most: how many requests a copy of the model answers at once at the most
 * @figures: (inout): where to put how fast that is
 * @seconds: (out): how long the requests of the job take, from the first prompt to the last token
 * @error: return location for an error
 *
 * Estimates how fast a layout answers the requests of a job, which come together.
 *
 * Returns: whether it is known
 */
gboolean
hr_serving_time_look (HrServingTime         *self,
                      const HrServingLayout *layout,
                      guint64                most,
                      HrServingFigures      *figures,
                      double                *seconds,
                      GError               **error)
{
  guint64 n_requests = hr_inference_job_get_batch_size (self->job);
  guint64 each = (n_requests + layout->data - 1) / layout->data;
  guint64 running = MAX (1, MIN (each, most));
  guint64 n_rounds = (each + running - 1) / running;
  guint64 output = hr_inference_job_get_output_length (self->job);
  Key key = { layout->tensor, 0, shares_experts (self, layout) ? layout->data : 1 };
  double token_bytes, prompt_bytes;
  Passes passes;
  Flow flow;

  init_flow (self, layout, running, &flow);
  key.batch = flow.batch;
  if (!find_passes (self, &key, &passes, error))
    return FALSE;

  token_bytes = passes.element * self->hidden * flow.batch;
  prompt_bytes = token_bytes * hr_inference_job_get_prompt_length (self->job);
  figures->running = MIN (n_requests, running * layout->data);
  figures->prompt = get_prompt_time (layout, &flow, passes.prompt + get_layer_time (self, layout, prompt_bytes),
                                     get_hop_time (self, layout, prompt_bytes));
  figures->token = get_token_time (layout, &flow, passes.token + get_layer_time (self, layout, token_bytes),
                                   get_hop_time (self, layout, token_bytes));
  *seconds = n_rounds * (figures->prompt + (output > 0 ? output - 1 : 0) * figures->token);
  figures->rate = n_requests * output / *seconds;

  return TRUE;
}
