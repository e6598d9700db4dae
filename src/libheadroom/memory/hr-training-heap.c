/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-training-heap.h"

#include "hr-estimate-private.h"
#include "hr-framework.h"
#include "hr-training-critic.h"
#include "hr-training-shard.h"
#include "hr-weights.h"

/* The optimizer's states come in the first step; what the second leaves is what all others find. */
#define N_STEPS 3

/* broadcast_bucket_size, kDefaultFirstBucketBytes and kDefaultBucketBytesCap of DistributedDataParallel */
#define BROADCAST_BYTES (250 * G_GUINT64_CONSTANT (1048576))
#define FIRST_BUCKET_BYTES G_GUINT64_CONSTANT (1048576)
#define BUCKET_BYTES (25 * G_GUINT64_CONSTANT (1048576))
#define MAX_IN_FLIGHT 2

/* All layers are on the tape at once; no known model comes near. */
#define MAX_LAYERS 1024

typedef struct
{
  HrHeap *heap;
  guint64 n_ranks;
} Parts;

static void
take_added (const HrTrainable *parameter,
            gpointer           user_data)
{
  if (parameter->is_added)
    hr_heap_take (user_data, hr_trainable_get_bytes (parameter));
}

static void
take_all (const HrTrainable *parameter,
          gpointer           user_data)
{
  hr_heap_take (user_data, hr_trainable_get_bytes (parameter));
}

/* What a method adds to the model; what of it is not trained comes last. */
static void
load_adapters (const HrTrainingPlan *plan,
               HrHeap               *heap)
{
  guint64 trained = hr_trainables_get_bytes (plan->parameters, TRUE);
  guint64 added = hr_tuning_get_added_bytes (plan->tuning) + hr_tuning_get_added_bytes (plan->critic_tuning);

  hr_trainables_foreach (plan->parameters, take_added, heap);
  if (added > trained)
    hr_heap_take (heap, added - trained);
}

/*
 * compute_bucket_assignment_by_size of torch/csrc/distributed/c10d/reducer.cpp: a bucket is full when it has as many
 * bytes as it may have. The last limit counts for all that follow.
 */
static GArray *
list_buckets (const GArray  *sizes,
              const guint64 *limits,
              guint          n_limits,
              gboolean       is_reversed)
{
  GArray *buckets = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint64 bytes = 0;

  for (guint i = 0; i < sizes->len; i++)
    {
      bytes += g_array_index (sizes, guint64, is_reversed ? sizes->len - 1 - i : i);
      if (bytes < limits[MIN (buckets->len, n_limits - 1)])
        continue;
      g_array_append_val (buckets, bytes);
      bytes = 0;
    }
  if (bytes > 0)
    g_array_append_val (buckets, bytes);

  return buckets;
}

static void
add_size (const HrTrainable *parameter,
          gpointer           user_data)
{
  guint64 bytes = hr_trainable_get_bytes (parameter);

  g_array_append_val ((GArray *) user_data, bytes);
}

static GArray *
list_sizes (const HrTrainables *parameters)
{
  GArray *sizes = g_array_new (FALSE, FALSE, sizeof (guint64));

  hr_trainables_foreach (parameters, add_size, sizes);

  return sizes;
}

/*
 * _sync_module_states of torch/distributed/utils.py sends all parameters from the first rank, 250 MiB in one piece, of
 * which two are there at a time (broadcast_coalesced of torch/csrc/distributed/c10d/comm.cpp).
 */
static void
broadcast (const HrTrainingPlan *plan,
           HrHeap               *heap)
{
  static const guint64 limit = BROADCAST_BYTES;
  g_autoptr (HrTrainables) parameters = hr_trainables_new_for_model (plan->pass.model, plan->pass.element);
  g_autoptr (GArray) sizes = list_sizes (parameters);
  g_autoptr (GArray) buckets = list_buckets (sizes, &limit, 1, FALSE);
  HrHeapBlock blocks[MAX_IN_FLIGHT] = { HR_NO_BLOCK };
  guint64 added = hr_tuning_get_added_bytes (plan->tuning);

  /* What is added in another data type has pieces of its own, in the order of the first of each. */
  if (added > 0 && buckets->len > 0)
    g_array_insert_val (buckets, 1, added);
  for (guint i = 0; i < buckets->len; i++)
    {
      hr_heap_give (heap, blocks[i % MAX_IN_FLIGHT]);
      blocks[i % MAX_IN_FLIGHT] = hr_heap_take (heap, g_array_index (buckets, guint64, i));
    }
  for (guint i = 0; i < MAX_IN_FLIGHT; i++)
    hr_heap_give (heap, blocks[i]);
}

/*
 * All gradients are in one bucket at first, as the order in which they come is not known
 * (BucketCapacityConfig.compute_bucket_size_limits of torch/nn/parallel/distributed.py); when it is, buckets are made
 * anew (Reducer::rebuild_buckets).
 */
static void
rebuild_buckets (HrHeap   *heap,
                 gpointer  user_data)
{
  static const guint64 limits[] = { FIRST_BUCKET_BYTES, BUCKET_BYTES };
  const HrTrainingPlan *plan = user_data;
  g_autoptr (GArray) sizes = NULL;
  g_autoptr (GArray) buckets = NULL;

  if (plan->training.bucket_bytes == 0)
    return;

  sizes = list_sizes (plan->parameters);
  buckets = list_buckets (sizes, limits, G_N_ELEMENTS (limits), TRUE);
  hr_heap_give_left (heap, HR_COMPONENT_COMMUNICATION);
  for (guint i = 0; i < buckets->len; i++)
    hr_heap_take (heap, g_array_index (buckets, guint64, i));
}

/* ZeRO's first two stages. */
static gboolean
has_flat_parameters (const HrTrainingPlan *plan)
{
  const HrReduction *reduction = &plan->training.reduction;

  return reduction->has_ranks && !reduction->scatters && !reduction->divides;
}

static void
take_for_now (const HrTrainable *parameter,
              gpointer           user_data)
{
  guint64 bytes = hr_trainable_get_bytes (parameter);

  hr_heap_leave (user_data, hr_heap_take (user_data, bytes), HR_COMPONENT_WEIGHTS, bytes);
}

/* What is not trained, beside buffers; of a model that is quantized nothing but adapters is. */
static void
load_frozen (const HrTrainingPlan *plan,
             HrHeap               *heap)
{
  g_autoptr (HrTrainables) frozen = NULL;

  if (plan->pass.quantization != HR_QUANTIZATION_NONE)
    {
      hr_weights_load (&plan->pass.storage, heap);
      return;
    }

  frozen = hr_tuning_list_frozen (plan->tuning, plan->pass.model, plan->pass.element);
  hr_trainables_foreach (frozen, take_all, heap);
  hr_heap_take (heap, hr_model_get_loaded_buffer_bytes (plan->pass.model, plan->pass.storage.dtype));
}

/*
 * DeepSpeedZeroOptimizer.__init__ of deepspeed/runtime/zero/stage_1_and_2.py makes one piece of all that is trained,
 * beside which parameters are as they were loaded; of its part of that the rank makes a copy in fp32.
 */
static void
load_for_zero (const HrTrainingPlan *plan,
               HrHeap               *heap)
{
  guint64 n_part = plan->training.reduction.n_elements;
  guint64 bytes = hr_trainables_get_bytes (plan->parameters, FALSE);
  HrHeapBlock block;

  load_frozen (plan, heap);
  hr_trainables_foreach (plan->parameters, take_for_now, heap);
  hr_heap_take (heap, bytes);
  hr_heap_give_left (heap, HR_COMPONENT_WEIGHTS);
  block = hr_heap_take (heap, n_part * hr_element_get_bytes (plan->pass.element));
  hr_heap_take (heap, n_part * sizeof (float));
  hr_heap_give (heap, block);
  hr_heap_give (heap, hr_heap_take (heap, n_part * sizeof (float)));
}

static void
take_part (const HrTrainable *parameter,
           gpointer           user_data)
{
  Parts *parts = user_data;
  guint64 n = (parameter->n_elements + parts->n_ranks - 1) / parts->n_ranks;

  hr_heap_take (parts->heap, n * hr_element_get_bytes (parameter->element));
}

/*
 * _create_fp32_partitions of deepspeed/runtime/zero/stage3.py copies each group twice; initialize_optimizer_states
 * makes a gradient of the largest.
 */
static void
load_masters (const HrTrainingPlan *plan,
              HrHeap               *heap)
{
  HrHeapBlock converted = HR_NO_BLOCK;
  guint64 most = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (plan->masters); i++)
    {
      guint64 bytes = hr_trainable_get_bytes (hr_trainables_get_item (plan->masters, i));
      HrHeapBlock before = converted;

      most = MAX (most, bytes);
      converted = hr_heap_take (heap, bytes);
      hr_heap_give (heap, before);
      hr_heap_take (heap, bytes);
    }
  hr_heap_give (heap, converted);
  hr_heap_give (heap, hr_heap_take (heap, most));
}

/*
 * _create_fp16_partitions_with_defragmentation of deepspeed/runtime/zero/stage3.py: parts of what is trained are put
 * together on the host, and whatever is cached is given back before they come to the device in one piece.
 */
static void
load_parts (const HrTrainingPlan *plan,
            HrHeap               *heap)
{
  const HrTraining *training = &plan->training;
  g_autoptr (HrTrainables) frozen = hr_tuning_list_frozen (plan->tuning, plan->pass.model, plan->pass.element);
  Parts parts = { .heap = heap, .n_ranks = hr_layout_count_sharers (&plan->layout) };
  guint64 bytes = 0;

  if (!training->live.is_offloaded)
    hr_trainables_foreach (frozen, take_part, &parts);
  hr_heap_take (heap, hr_model_get_loaded_buffer_bytes (plan->pass.model, plan->pass.storage.dtype));
  for (guint i = 0; i < hr_trainables_get_n_items (plan->parameters) && !training->live.is_offloaded; i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (plan->parameters, i);

      bytes += (parameter->n_elements + parts.n_ranks - 1) / parts.n_ranks * parameter->copies *
               hr_element_get_bytes (parameter->element);
    }
  hr_heap_take (heap, bytes);
  if (training->master_bytes > 0)
    load_masters (plan, heap);
  hr_heap_take (heap, training->held_gradient_bytes);
  hr_heap_take (heap, training->persistent_bytes);
}

/* Puts on an empty heap what is there before the first step. */
static void
load (const HrTrainingPlan *plan,
      HrHeap               *heap,
      gboolean              has_workspaces)
{
  for (guint i = 0; has_workspaces && i < HR_N_HEAP_THREADS; i++)
    hr_heap_multiply (heap, i);
  if (has_flat_parameters (plan))
    {
      /* TRL's trainers bring the reference model to the device when they are made, before what is trained is there. */
      if (plan->training.reference_bytes > 0)
        hr_weights_load (&plan->pass.storage, heap);
      load_for_zero (plan, heap);
      return;
    }
  if (plan->training.live.is_used)
    {
      load_parts (plan, heap);
      return;
    }
  hr_weights_load (&plan->pass.storage, heap);
  if (plan->training.reference_bytes > 0)
    hr_weights_load (&plan->pass.storage, heap);
  hr_training_critic_load (plan, heap);
  load_adapters (plan, heap);
  /* What the optimizer steps on the host is not here. */
  if (plan->masters != NULL && plan->training.master_bytes > 0)
    hr_trainables_foreach (plan->masters, take_all, heap);
  if (plan->training.bucket_bytes > 0)
    broadcast (plan, heap);
  hr_heap_take (heap, plan->training.buffer_bytes);
  hr_heap_take (heap, plan->training.main_gradient_bytes);
  hr_heap_take (heap, plan->training.summed_gradient_bytes);
  hr_heap_take (heap, plan->training.scaler_bytes);
}

/* Replays the first steps. Returns %FALSE if layers that seemed to do the same did not. */
static gboolean
run_steps (HrTrainingHeap       *self,
           const HrTrainingPlan *plan,
           guint64               workspace_bytes,
           gboolean              has_workspaces,
           gboolean              every_layer)
{
  g_autoptr (HrHeap) heap = hr_heap_new (workspace_bytes);
  g_autoptr (HrReplay) replay = g_new (HrReplay, 1);

  load (plan, heap, has_workspaces);
  hr_training_plan_init_replay (plan, replay);
  replay->heap = heap;
  replay->repeats_on_heap = !every_layer;
  hr_training_replay_heap (&plan->training, replay, N_STEPS, rebuild_buckets, (gpointer) plan);
  *self = (HrTrainingHeap) { hr_heap_get_reserved (heap), hr_heap_get_peak (heap) };

  return replay->repeats_on_heap == !every_layer;
}

/*
 * hr_training_heap_can_run:
 * @plan: a plan, of which everything is resolved
 *
 * Says whether all that is asked for comes from one stream, in an order that is known: not in a pipeline, and not where
 * FSDP gathers parameters, or ZeRO's third stage does it on a stream of its own (overlap_comm).
 *
 * Returns: whether it does
 */
gboolean
hr_training_heap_can_run (const HrTrainingPlan *plan)
{
  gboolean has_streams = plan->training.live.is_used && hr_training_job_get_overlap_comm (plan->job);

  /* What comes and goes of two models that are gathered module by module is not followed. */
  if (plan->training.live.is_used && plan->training.algorithm != HR_ALGORITHM_SFT)
    return FALSE;

  return plan->layout.pipeline == 1 && !hr_training_shard_is_divided (plan) && !has_streams &&
         (!plan->training.reduction.has_ranks || has_flat_parameters (plan) || plan->training.live.is_used);
}

/*
 * hr_training_heap_init:
 * @self: (out): what comes of it
 * @plan: a plan, whose step has been replayed
 * @workspace_bytes: what the matrix library asks for
 * @has_workspaces: whether it has that already, as in a process that has trained before
 *
 * Loads the model on an empty heap and asks for all that the first steps ask for, layer by layer.
 */
void
hr_training_heap_init (HrTrainingHeap       *self,
                       const HrTrainingPlan *plan,
                       guint64               workspace_bytes,
                       gboolean              has_workspaces)
{
  gboolean every_layer = plan->training.pass.every_layer;

  if (!run_steps (self, plan, workspace_bytes, has_workspaces, every_layer))
    run_steps (self, plan, workspace_bytes, has_workspaces, TRUE);
}

typedef struct
{
  HrTrainingPlan *plan;
  guint64 workspace_bytes;
} Pending;

static void
pending_free (gpointer data)
{
  Pending *self = data;

  hr_training_plan_free (self->plan);
  g_free (self);
}

/*
 * What an engine that stays awake has of the same allocator. One that sleeps has a pool of its own, which it fills when
 * the trainer has given back what it does not use (empty_cache).
 */
static guint64
get_engine_bytes (const HrTraining *training)
{
  return training->engine_sleeps ? 0 : training->engine_bytes;
}

static guint64
run_pending (gpointer data)
{
  const Pending *self = data;
  HrTrainingHeap heap;

  hr_training_heap_init (&heap, self->plan, self->workspace_bytes, FALSE);

  return heap.reserved_bytes - HR_N_HEAP_THREADS * self->workspace_bytes + get_engine_bytes (&self->plan->training);
}

/*
 * hr_training_heap_attach:
 * @estimate: an estimate of training
 * @plan: (transfer full): its plan
 * @gpu: (nullable): the GPU
 *
 * Lets an estimate tell what is reserved, when it is asked for.
 */
void
hr_training_heap_attach (HrEstimate     *estimate,
                         HrTrainingPlan *plan,
                         HrGpu          *gpu)
{
  Pending *pending = g_new (Pending, 1);
  HrFramework framework;

  *pending = (Pending) { .plan = plan };
  if (gpu != NULL && hr_framework_init_for_gpu (&framework, gpu))
    pending->workspace_bytes = framework.workspace_bytes;
  if (plan->pass.stack->n_layers <= MAX_LAYERS)
    {
      _hr_estimate_set_heap (estimate, run_pending, pending, pending_free);
      if (plan->layout.n_ranks > 1)
        _hr_estimate_set_spread (estimate, HR_TRAINING_HEAP_BELOW_OF_RANK, HR_TRAINING_HEAP_ABOVE_OF_RANK);
      else
        _hr_estimate_set_spread (estimate, HR_TRAINING_HEAP_BELOW, HR_TRAINING_HEAP_ABOVE);
    }
  else
    pending_free (pending);
}
