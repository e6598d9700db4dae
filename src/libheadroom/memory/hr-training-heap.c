/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-training-heap.h"

#include "hr-estimate-private.h"
#include "hr-framework.h"
#include "hr-training-critic.h"
#include "hr-weights.h"

/* The optimizer's states come in the first step; what the second leaves is what all others find. */
#define N_STEPS 3

/* All layers are on the tape at once; no known model comes near. */
#define MAX_LAYERS 1024

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

/* Puts on an empty heap what is there before the first step. */
static void
load (const HrTrainingPlan *plan,
      HrHeap               *heap,
      gboolean              has_workspaces)
{
  for (guint i = 0; has_workspaces && i < HR_N_HEAP_THREADS; i++)
    hr_heap_multiply (heap, i);
  hr_weights_load (&plan->pass.storage, heap);
  if (plan->training.reference_bytes > 0)
    hr_weights_load (&plan->pass.storage, heap);
  hr_training_critic_load (plan, heap);
  load_adapters (plan, heap);
  /* What the optimizer steps on the host is not here. */
  if (plan->masters != NULL && plan->training.master_bytes > 0)
    hr_trainables_foreach (plan->masters, take_all, heap);
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
  hr_training_replay_heap (&plan->training, replay, N_STEPS);
  *self = (HrTrainingHeap) { hr_heap_get_reserved (heap), hr_heap_get_peak (heap) };

  return replay->repeats_on_heap == !every_layer;
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
      _hr_estimate_set_spread (estimate, HR_TRAINING_HEAP_BELOW, HR_TRAINING_HEAP_ABOVE);
    }
  else
    pending_free (pending);
}
