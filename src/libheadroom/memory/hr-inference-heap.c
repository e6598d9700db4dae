/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-inference-heap.h"

#include "hr-estimate-private.h"
#include "hr-framework.h"
#include "hr-weights.h"

/* All layers are on the tape at once; no known model comes near. */
#define MAX_LAYERS 1024

/*
 * caching_allocator_warmup of transformers/modeling_utils.py: one tensor as large as all parameters, which goes again
 * before they come.
 */
static void
make_room (const HrInferencePlan *plan,
           HrHeap                *heap)
{
  HrWeights weights;

  hr_weights_init_model (&weights, &plan->storage);
  hr_heap_give (heap, hr_heap_take (heap, weights.bytes));
}

/* Where parameters are made in place, those that are tied later are made as well, and go again. */
static void
make_tied (const HrInferencePlan *plan,
           HrHeap                *heap)
{
  for (guint i = 0; i < hr_model_get_n_tensors (plan->model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (plan->model, i);

      if (tensor->tied_to != NULL)
        hr_heap_give (heap, hr_heap_take (heap, tensor->n_elements * hr_element_get_bytes (plan->element)));
    }
}

/*
 * hr_inference_heap_run:
 * @plan: a plan of one device
 * @workspace_bytes: what the matrix library asks for
 * @process: what the model is loaded into
 *
 * Loads the model on an empty heap and replays the prompt's way and the first steps, every layer of them. Caches that
 * go on growing leave blocks behind that are too small for what comes; torch gives them back when the device has no
 * more.
 *
 * Returns: what the allocator has taken from the driver, workspaces included
 */
guint64
hr_inference_heap_run (const HrInferencePlan *plan,
                       guint64                workspace_bytes,
                       HrProcess              process)
{
  g_autoptr (HrHeap) heap = hr_heap_new (workspace_bytes);
  g_autoptr (HrReplay) replay = g_new (HrReplay, 1);
  HrInference inference = plan->inference;

  if (process == HR_PROCESS_SERVES)
    make_room (plan, heap);
  else
    hr_heap_multiply (heap, HR_HEAP_THREAD_FORWARD);
  hr_weights_load (&plan->storage, heap);
  if (process == HR_PROCESS_MEASURES)
    make_tied (plan, heap);
  inference.n_layers = plan->stack->n_layers;
  inference.has_inputs = inference.has_norm = inference.has_head = TRUE;

  hr_inference_plan_init_replay (plan, replay);
  replay->heap = heap;
  hr_inference_replay (&inference, replay, NULL);

  return hr_heap_get_reserved (heap);
}

typedef struct
{
  HrInferencePlan *plan;
  guint64 workspace_bytes;
  guint64 least_bytes;
} Pending;

static void
pending_free (gpointer data)
{
  Pending *self = data;

  hr_inference_plan_free (self->plan);
  g_free (self);
}

static guint64
run_pending (gpointer data)
{
  const Pending *self = data;
  guint64 reserved = hr_inference_heap_run (self->plan, self->workspace_bytes, HR_PROCESS_SERVES);

  return MAX (reserved - self->workspace_bytes, self->least_bytes);
}

/*
 * hr_inference_heap_attach:
 * @estimate: an estimate of inference on one device
 * @plan: (transfer full): its plan
 * @least_bytes: what is reserved for the peak at least
 * @gpu: (nullable): the GPU
 *
 * Lets an estimate tell what is reserved, when it is asked for.
 */
void
hr_inference_heap_attach (HrEstimate      *estimate,
                          HrInferencePlan *plan,
                          guint64          least_bytes,
                          HrGpu           *gpu)
{
  Pending *pending = g_new (Pending, 1);
  HrFramework framework;

  *pending = (Pending) { .plan = plan, .least_bytes = least_bytes };
  if (gpu != NULL && hr_framework_init_for_gpu (&framework, gpu))
    pending->workspace_bytes = framework.workspace_bytes;
  if (plan->stack->n_layers > MAX_LAYERS)
    {
      pending_free (pending);
      return;
    }

  _hr_estimate_set_heap (estimate, run_pending, pending, pending_free);
  _hr_estimate_set_spread (estimate, HR_INFERENCE_HEAP_BELOW, HR_INFERENCE_HEAP_ABOVE);
}
