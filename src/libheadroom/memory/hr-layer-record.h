/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-layer-heap.h"
#include "hr-operator-cache.h"
#include "hr-sharding.h"
#include "hr-training-stack.h"

G_BEGIN_DECLS

/* The first layer makes what the others share; the last is the first whose gradients of it come. */
typedef enum
{
  HR_PLACE_FIRST,
  HR_PLACE_LOWEST, /* the first that attends to what was seen, with which what such layers share goes */
  HR_PLACE_LAST,
  HR_PLACE_BETWEEN,
} HrPlace;

/**
 * HrLayerRecord:
 * @layer: the index of the layer
 * @klass: its class
 * @group: which layers are tuned alike
 * @place: where it stands
 * @needs_gradient: whether a gradient flows to its input
 * @checkpointing: what of it is computed anew in the backward pass
 * @is_unused: whether nothing is made of its output, so that no gradient flows to it
 * @is_repeated: whether other layers repeat it, so that its stretches are kept
 * @n_left: how many inputs are held in the books alone that autograd does not keep
 * @is_inner: whether the layer is computed anew with those before it, so that what goes into it is not kept
 * @recorded: whether the forward pass has been recorded
 * @backward_recorded: whether the backward pass has
 * @weights_recorded: whether the gradients of weights have been, where they come later
 * @n_needed: how many tensors are made until the last that autograd needs
 * @kept: (nullable): what is kept of some operators, where the rest is computed anew
 * @units: matrices in the layer that are gathered by themselves
 * @graph: (nullable): what autograd keeps
 * @input: the input, a boundary of @graph
 * @chunk: what a rank keeps of the input, where that is divided, or none
 * @output: the output
 * @weights: what is returned beside it, attention weights
 * @shared: what layers share, boundaries of @graph, or none
 * @made: what the layer made of it for all, or none
 * @past: keys and values of virtual tokens, boundaries of @graph, or none
 * @past_bytes: what their gradients take, which are in the books
 * @cache: what the cache of keys and values holds of the layer, as long as the outputs are held
 * @returned: the input, where it is returned with the result of the model's function
 * @held: (nullable): what functions have put away in their contexts, until the loss goes
 * @heap: (nullable): what it asks of a heap, where others may ask for the same
 * @forward: what the forward pass does
 * @backward: what the backward pass does
 * @of_weights: what the gradients of weights do
 *
 * A layer, which stands for all others that do the same.
 */
typedef struct
{
  guint layer;
  guint klass;
  guint group;
  HrPlace place;
  gboolean needs_gradient;
  HrCheckpointingKind checkpointing;
  gboolean is_unused;
  gboolean is_repeated;
  guint n_left;
  gboolean is_inner;
  gboolean recorded;
  gboolean backward_recorded;
  gboolean weights_recorded;
  guint n_needed;
  HrOperatorCache *kept;
  HrShardedUnits units;
  HrGraph *graph;
  HrValue input;
  HrValue chunk;
  HrValue output;
  HrValue weights;
  HrValue shared[HR_N_SHARED];
  HrValue made[HR_N_SHARED];
  HrValue past[2];
  guint64 past_bytes[2];
  HrValue cache[4];
  HrValue returned;
  GArray *held;
  HrLayerHeap *heap;
  HrStretch forward;
  HrStretch backward;
  HrStretch of_weights;
} HrLayerRecord;

HrLayerRecord *hr_layer_record_new          (guint            layer,
                                             guint            klass,
                                             guint            group,
                                             HrPlace          place,
                                             gboolean         needs_gradient,
                                             HrCheckpointingKind checkpointing) G_GNUC_WARN_UNUSED_RESULT;
void           hr_layer_record_free         (HrLayerRecord   *self,
                                             HrReplay        *replay);
void           hr_layer_record_run_forward  (HrLayerRecord   *self,
                                             HrTrainingStack *stack);
HrValue        hr_layer_record_run_backward (HrLayerRecord   *self,
                                             HrTrainingStack *stack,
                                             guint            layer,
                                             HrValue          gradient);
void           hr_layer_record_run_weights  (HrLayerRecord   *self,
                                             HrTrainingStack *stack,
                                             guint            layer);
HrValue        hr_layer_record_differentiate_group (HrLayerRecord   *self,
                                                    HrTrainingStack *stack,
                                                    guint            first,
                                                    guint            last,
                                                    HrValue          gradient);

G_END_DECLS
