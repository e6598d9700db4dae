/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-autograd.h"

#include <string.h>

#include "hr-fusion.h"
#include "hr-live-parameters.h"
#include "hr-reduction.h"
#include "hr-sharding.h"
#include "hr-tuning.h"

/* Most layers have no more. */
#define INITIAL_CAPACITY 64

/* What the nodes of most layers have, in bytes. */
#define FIRST_CHUNK 4096

/* Most nodes save no more. */
#define SAVED_ROOM 2

struct _HrGraphChunk
{
  HrGraphChunk *next;
  gsize size;
  gsize used;
  guint64 data[];
};

static const HrValue no_value = { .storage = -1, .node = HR_NO_NODE, .divisor = 1 };

/*
 * hr_value_needs_gradient:
 * @value: a tensor
 *
 * Whether a gradient flows to a tensor (`requires_grad`).
 */
gboolean
hr_value_needs_gradient (HrValue value)
{
  return value.node != HR_NO_NODE;
}

/*
 * hr_value_detach:
 * @value: a tensor
 *
 * Gets the same tensor without its history.
 *
 * Returns: the tensor
 */
HrValue
hr_value_detach (HrValue value)
{
  value.node = HR_NO_NODE;

  return value;
}

static void
clear_incoming (HrNode *node)
{
  node->has_gradient = FALSE;
  node->n_incoming = 0;
}

/*
 * hr_node_get_incoming:
 * @self: a node
 * @result: which of its results
 *
 * Gets the sum of the gradients that have arrived for a result.
 *
 * Returns: the gradient, or none
 */
HrValue
hr_node_get_incoming (const HrNode *self,
                      guint         result)
{
  return result < self->n_incoming ? self->incoming[result] : no_value;
}

/* Where the gradient of a result arrives. */
static HrValue *
open_incoming (HrNode *node,
               guint   result)
{
  while (node->n_incoming <= result)
    node->incoming[node->n_incoming++] = no_value;

  return &node->incoming[result];
}

static HrGraphChunk *
chunk_new (gsize         size,
           HrGraphChunk *next)
{
  HrGraphChunk *self = g_malloc (sizeof *self + size);

  *self = (HrGraphChunk) { .next = next, .size = size };

  return self;
}

/* Frees all chunks but the newest, which is the largest. */
static void
graph_reset_chunks (HrGraph *self)
{
  HrGraphChunk *chunk = self->chunks->next;

  while (chunk != NULL)
    {
      HrGraphChunk *next = chunk->next;

      g_free (chunk);
      chunk = next;
    }
  self->chunks->next = NULL;
  self->chunks->used = 0;
}

/* Room that stays where it is as long as the graph is not cleared. */
static gpointer
graph_take (HrGraph *self,
            gsize    bytes)
{
  gsize size = (bytes + sizeof (guint64) - 1) / sizeof (guint64) * sizeof (guint64);
  HrGraphChunk *chunk = self->chunks;
  gpointer taken;

  if (chunk->size - chunk->used < size)
    chunk = self->chunks = chunk_new (MAX (2 * chunk->size, size), chunk);
  taken = (char *) chunk->data + chunk->used;
  chunk->used += size;

  return taken;
}

/*
 * hr_graph_new:
 *
 * Makes an empty graph.
 *
 * Returns: (transfer full): the graph
 */
HrGraph *
hr_graph_new (void)
{
  HrGraph *self = g_new0 (HrGraph, 1);

  self->capacity = INITIAL_CAPACITY;
  self->nodes = g_new (HrNode, self->capacity);
  self->chunks = chunk_new (FIRST_CHUNK, NULL);

  return self;
}

void
hr_graph_free (HrGraph *self)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->held, g_array_unref);
  graph_reset_chunks (self);
  g_free (self->chunks);
  g_free (self->nodes);
  g_free (self);
}

static HrNode *
add_node (HrReplay   *replay,
          HrNodeKind  kind,
          HrValue    *result)
{
  HrGraph *graph = replay->graph;
  HrNode *node;

  if (graph->n_nodes == HR_GRAPH_MAX_NODES)
    {
      replay->ledger.overflowed = TRUE;
      return NULL;
    }

  if (graph->n_nodes == graph->capacity)
    {
      graph->capacity *= 2;
      graph->nodes = g_renew (HrNode, graph->nodes, graph->capacity);
    }

  node = &graph->nodes[graph->n_nodes];
  memset (node, 0, G_STRUCT_OFFSET (HrNode, incoming));
  node->kind = kind;
  node->block = replay->block;
  if (replay->compiles)
    node->roots = graph_take (graph, sizeof *node->roots);
  result->result = 0;
  result->node = graph->n_nodes++;

  return node;
}

/*
 * hr_shared_uses_enter:
 * @self: what a function uses
 * @module: a module that it calls
 *
 * Says which module's parameters are used next.
 */
void
hr_shared_uses_enter (HrSharedUses *self,
                      guint         module)
{
  self->module = module;
  self->ordinal = 0;
}

static guint
find_use (const HrSharedUses *self,
          guint               ordinal)
{
  for (guint i = 0; i < self->n_parameters; i++)
    {
      if (self->modules[i] == self->module && self->ordinals[i] == ordinal)
        return i;
    }

  return self->n_parameters;
}

static void
note_use (HrSharedUses *self,
          HrValue       parameter)
{
  if (self->n_parameters == HR_SHARED_USES_MAX)
    return;

  self->modules[self->n_parameters] = self->module;
  self->ordinals[self->n_parameters] = self->ordinal++;
  self->casts[self->n_parameters] = HR_NO_VALUE;
  self->parameters[self->n_parameters++] = parameter;
}

/*
 * hr_shared_uses_find_cast:
 * @self: what a function uses
 * @parameter: a parameter of the module that is called
 *
 * Finds where what autocast makes of a parameter is noted; it has no element before there is any.
 *
 * Returns: (nullable): the place, or %NULL if the parameter is not trained, so that it is cast each time
 */
HrValue *
hr_shared_uses_find_cast (HrSharedUses *self,
                          HrValue       parameter)
{
  for (guint i = 0; parameter.is_trained && i < self->n_parameters; i++)
    {
      if (self->modules[i] == self->module && self->parameters[i].n_symbols == parameter.n_symbols &&
          memcmp (self->parameters[i].symbols, parameter.symbols, sizeof parameter.symbols) == 0)
        return &self->casts[i];
    }

  return NULL;
}

static HrValue
make_parameter (HrReplay *replay,
                HrValue   shape,
                gboolean  is_trained)
{
  guint use = replay->shared_uses != NULL ? find_use (replay->shared_uses, replay->shared_uses->ordinal) : 0;

  if (replay->shared_uses != NULL && use < replay->shared_uses->n_parameters)
    {
      replay->shared_uses->ordinal++;
      return replay->shared_uses->parameters[use];
    }

  shape.storage = -1;
  shape.node = HR_NO_NODE;
  shape.is_trained = is_trained;
  if (replay->graph != NULL && is_trained)
    add_node (replay, HR_NODE_PARAMETER, &shape);
  if (replay->shared_uses != NULL)
    note_use (replay->shared_uses, shape);

  return shape;
}

/*
 * hr_autograd_parameter:
 * @replay: a tape
 * @shape: the shape of a parameter, whose memory is in the books
 *
 * Says that an operator uses a parameter. It needs a gradient if the job trains such parameters.
 *
 * Returns: the parameter
 */
HrValue
hr_autograd_parameter (HrReplay *replay,
                       HrValue   shape)
{
  return make_parameter (replay, shape, replay->trains_weights && !hr_tuning_freezes (replay->tuning, replay->block));
}

/*
 * hr_autograd_bias:
 * @replay: a tape
 * @shape: the shape of a bias, whose memory is in the books
 *
 * Says that an operator uses a bias. It needs a gradient if the job trains biases.
 *
 * Returns: the bias
 */
HrValue
hr_autograd_bias (HrReplay *replay,
                  HrValue   shape)
{
  return make_parameter (replay, shape, replay->trains_biases && !hr_tuning_freezes (replay->tuning, replay->block));
}

/*
 * hr_autograd_added:
 * @replay: a tape
 * @shape: the shape of a parameter, whose memory is in the books
 *
 * Says that an operator uses a parameter that is trained whatever else is: one that a method of fine-tuning adds.
 *
 * Returns: the parameter
 */
HrValue
hr_autograd_added (HrReplay *replay,
                   HrValue   shape)
{
  return make_parameter (replay, shape, replay->training);
}

/*
 * hr_autograd_waiting:
 * @replay: a tape
 * @parameter: what hr_autograd_added() returned
 *
 * Says that a gradient of the parameter, which was made before, waits in the engine and is in the books: the one that
 * comes is added into it.
 *
 * Returns: @parameter
 */
HrValue
hr_autograd_waiting (HrReplay *replay,
                     HrValue   parameter)
{
  if (replay->graph != NULL && hr_value_needs_gradient (parameter))
    replay->graph->nodes[parameter.node].is_waiting = TRUE;

  return parameter;
}

/*
 * hr_autograd_boundary:
 * @replay: a tape
 * @value: a tensor that comes from outside of the graph
 *
 * Says that the gradient of @value is wanted outside of the graph.
 *
 * Returns: @value, with a node of this graph
 */
HrValue
hr_autograd_boundary (HrReplay *replay,
                      HrValue   value)
{
  value.node = HR_NO_NODE;
  if (replay->graph != NULL)
    add_node (replay, HR_NODE_BOUNDARY, &value);

  return value;
}

/*
 * hr_autograd_record:
 * @replay: a tape
 * @result: (inout): what an operator made
 * @backward: its derivative
 * @inputs: (array length=n_inputs): its inputs
 * @n_inputs: how many
 *
 * Records an operator, if gradients are recorded and flow to one of its inputs.
 *
 * Returns: whether it was recorded, so that hr_autograd_save() is to be called for what @backward needs
 */
gboolean
hr_autograd_record (HrReplay      *replay,
                    HrValue       *result,
                    HrBackward     backward,
                    const HrValue *inputs,
                    guint          n_inputs)
{
  gboolean needed = FALSE;
  HrNode *node;

  g_return_val_if_fail (n_inputs <= HR_NODE_MAX_INPUTS, FALSE);

  result->node = HR_NO_NODE;
  if (replay->graph == NULL)
    return FALSE;

  for (guint i = 0; i < n_inputs; i++)
    needed |= hr_value_needs_gradient (inputs[i]);
  if (!needed)
    return FALSE;

  node = add_node (replay, HR_NODE_OPERATOR, result);
  if (node == NULL)
    return FALSE;

  node->backward = backward;
  node->n_inputs = n_inputs;
  node->inputs = graph_take (replay->graph, n_inputs * sizeof *node->inputs);
  for (guint i = 0; i < n_inputs; i++)
    {
      node->inputs[i] = inputs[i];
      if (hr_value_needs_gradient (inputs[i]))
        replay->graph->nodes[inputs[i].node].pending++;
    }

  return TRUE;
}

/*
 * What an operator reads is kept before it runs, what it makes is kept afterwards. A parameter is kept as well, for
 * nothing.
 */
static void
note_needed (HrReplay *replay,
             HrValue   result,
             HrValue   saved)
{
  guint n_before = result.storage >= 0 ? replay->storages[result.storage].n_before : replay->n_made;

  if (saved.storage >= 0 && replay->storages[saved.storage].n_before >= n_before)
    replay->n_needed = replay->n_made;
  else if (saved.storage >= 0 || saved.n_symbols > 0)
    replay->n_needed = MAX (replay->n_needed, n_before);
}

static void
make_room_to_save (HrGraph *graph,
                   HrNode  *node,
                   guint    n_saved)
{
  HrValue *saved = node->saved;

  if (n_saved <= node->saved_room)
    return;

  node->saved_room = MAX (n_saved, MAX (2 * node->saved_room, SAVED_ROOM));
  node->saved = graph_take (graph, node->saved_room * sizeof *node->saved);
  if (node->n_saved > 0)
    memcpy (node->saved, saved, node->n_saved * sizeof *saved);
}

/*
 * hr_autograd_save:
 * @replay: a tape
 * @result: what an operator made, which was recorded
 * @saved: what its derivative needs, or none
 *
 * Keeps a tensor for the backward pass (`ctx.save_for_backward`).
 */
void
hr_autograd_save (HrReplay *replay,
                  HrValue   result,
                  HrValue   saved)
{
  HrNode *node = &replay->graph->nodes[result.node];

  note_needed (replay, result, saved);
  node->needs_saved |= saved.storage >= 0 || saved.n_symbols > 0;
  if (replay->graph->only_counts)
    return;

  g_return_if_fail (node->n_saved < HR_NODE_MAX_SAVED);

  if (replay->offloads && (saved.storage >= 0 || saved.n_symbols > 0))
    {
      saved = hr_value_detach (saved);
      saved.storage = -1;
      node->offloaded |= 1u << node->n_saved;
    }
  if (replay->compiles && hr_fusion_keep (replay, node, saved))
    {
      saved = hr_value_detach (saved);
      saved.storage = -1;
    }
  make_room_to_save (replay->graph, node, node->n_saved + 1);
  node->saved[node->n_saved++] = hr_replay_hold (replay, saved);
}

/* What waits on the host is brought back for the derivative, parameters as well (unpack_from_cpu). */
static void
bring_back (HrReplay *replay,
            HrNode   *node)
{
  for (guint i = 0; i < node->n_saved; i++)
    {
      if (node->offloaded & 1u << i)
        node->saved[i] = hr_op_like (replay, "_to_copy", "saved tensor", node->saved[i]);
    }
}

/*
 * hr_autograd_let_go:
 * @replay: a tape
 * @node: what is differentiated
 * @value: what it has saved, or the gradient of its result
 *
 * Lets go of a tensor before the derivative is over, as a function of its own may do: of what it has saved by clearing
 * its storage, of the gradient where it returns, before what it returns is cast.
 */
void
hr_autograd_let_go (HrReplay     *replay,
                    const HrNode *node,
                    HrValue       value)
{
  HrNode *own = (HrNode *) node;

  for (guint i = 0; i < own->n_saved; i++)
    {
      if (value.storage >= 0 && own->saved[i].storage == value.storage)
        hr_replay_assign (replay, &own->saved[i], HR_NO_VALUE);
    }
  if (value.storage >= 0 && hr_node_get_incoming (own, 0).storage == value.storage)
    hr_replay_assign (replay, &own->incoming[0], HR_NO_VALUE);
}

/*
 * hr_autograd_hold:
 * @replay: a tape
 * @value: a tensor, or none
 *
 * Puts a tensor away in the context of a function that was recorded, as an attribute (`ctx.x = x`): it goes when the
 * graph goes, not with the derivative, and what checkpointing does with saved tensors does not reach it.
 */
void
hr_autograd_hold (HrReplay *replay,
                  HrValue   value)
{
  HrGraph *graph = replay->graph;

  if (value.storage < 0 || graph->holds_nothing)
    return;

  if (graph->held == NULL)
    graph->held = g_array_new (FALSE, FALSE, sizeof (HrValue));
  for (guint i = 0; i < graph->held->len; i++)
    {
      if (g_array_index (graph->held, HrValue, i).storage == value.storage)
        return;
    }
  hr_replay_hold (replay, value);
  g_array_append_val (graph->held, value);
}

static void
release_saved (HrReplay *replay,
               HrNode   *node)
{
  for (guint i = 0; i < node->n_saved; i++)
    hr_replay_drop (replay, node->saved[i]);
  for (guint i = 0; i < node->n_kept; i++)
    hr_replay_drop (replay, node->roots->kept[i]);
  node->n_saved = node->n_kept = 0;
}

/*
 * hr_autograd_forget:
 * @replay: a tape
 * @first: the first of the nodes
 * @end: the first that is not meant any more
 *
 * Lets go of what was kept for operators from whose results nothing was computed: nothing holds their nodes any more.
 */
void
hr_autograd_forget (HrReplay *replay,
                    guint     first,
                    guint     end)
{
  for (guint i = first; replay->graph != NULL && i < end; i++)
    {
      release_saved (replay, &replay->graph->nodes[i]);
      replay->graph->nodes[i].needs_saved = FALSE;
    }
}

/* Whether the engine may add into a gradient: nothing else holds it or its storage (can_accumulate_inplace). */
static gboolean
can_add_into (HrReplay *replay,
              HrValue   value)
{
  return value.storage >= 0 && !value.is_view && replay->storages[value.storage].references == 1;
}

static void
accumulate (HrReplay *replay,
            HrValue  *sum,
            HrValue   gradient)
{
  HrValue result;

  if (sum->storage < 0)
    {
      *sum = gradient;
      return;
    }

  if (can_add_into (replay, *sum))
    {
      hr_replay_drop (replay, gradient);
      return;
    }

  result = hr_op_like (replay, "add", "gradient", *sum);
  hr_replay_drop (replay, *sum);
  hr_replay_drop (replay, gradient);
  *sum = result;
}

/*
 * hr_autograd_step_waiting:
 * @replay: a tape
 *
 * Steps the parameter whose gradient waits, where the optimizer works in the backward pass.
 */
void
hr_autograd_step_waiting (HrReplay *replay)
{
  HrValue gradient = replay->waiting;

  replay->waiting = HR_NO_VALUE;
  if (gradient.storage >= 0)
    replay->fused_step (replay, gradient);
}

/* The sum of both is the parameter's gradient, or added into that as well. */
static void
take_waiting (HrReplay *replay,
              HrValue   gradient)
{
  if (replay->has_gradients || replay->adds_gradients_up)
    hr_ledger_remove (&replay->ledger, HR_COMPONENT_GRADIENTS, hr_replay_get_bytes (replay, gradient));
  hr_replay_drop (replay, gradient);
}

/* AccumulateGrad: the first time the parameter takes the gradient over, later it is added into the one that it has. */
static void
accumulate_parameter (HrReplay *replay,
                      HrNode   *node)
{
  HrValue gradient = hr_node_get_incoming (node, 0);

  clear_incoming (node);
  if (node->is_waiting)
    {
      take_waiting (replay, gradient);
      return;
    }
  if (replay->sharding != NULL)
    {
      hr_replay_reassign_component (replay, gradient, HR_COMPONENT_GRADIENTS);
      hr_sharding_take (replay, gradient);
      return;
    }
  if (replay->reduction != NULL)
    {
      if (!hr_live_parameters_hold (replay, gradient))
        hr_reduction_take (replay, gradient);
      return;
    }
  if (replay->has_gradients || replay->adds_gradients_up)
    {
      hr_replay_drop (replay, gradient);
      return;
    }

  /* What something else holds is not taken over but copied (accumulateGrad of torch/csrc/autograd). */
  if (replay->storages[gradient.storage].references > 1)
    hr_replay_assign (replay, &gradient, hr_op_like (replay, "clone", "gradient", gradient));
  hr_replay_reassign_component (replay, gradient, HR_COMPONENT_GRADIENTS);
  if (replay->fused_step == NULL)
    {
      hr_replay_leave (replay, gradient);
      return;
    }

  hr_autograd_step_waiting (replay);
  replay->waiting = gradient;
}

/*
 * hr_graph_deliver:
 * @self: a graph
 * @replay: a tape
 * @target: the tensor that gets a gradient
 * @gradient: (transfer full): the gradient
 *
 * Hands a gradient to the node of a tensor, which adds it to those that it has. A parameter takes the sum once all its
 * uses have handed it theirs.
 */
void
hr_graph_deliver (HrGraph  *self,
                  HrReplay *replay,
                  HrValue   target,
                  HrValue   gradient)
{
  HrNode *node;

  if (!hr_value_needs_gradient (target))
    {
      hr_replay_drop (replay, gradient);
      return;
    }

  node = &self->nodes[target.node];
  node->has_gradient = TRUE;
  accumulate (replay, open_incoming (node, target.result), gradient);
  if (node->pending > 0)
    node->pending--;
  if (node->kind == HR_NODE_PARAMETER && node->pending == 0)
    accumulate_parameter (replay, node);
}

/* validate_outputs: what was broadcast is summed up, and a gradient gets the dtype of its input. */
static HrValue
fit_gradient (HrReplay *replay,
              HrValue   gradient,
              HrValue   input)
{
  HrValue shape = input;

  shape.storage = -1;
  shape.node = HR_NO_NODE;
  shape.is_view = FALSE;
  shape.element = gradient.element;
  if (hr_value_get_elements (gradient, replay->symbols) != hr_value_get_elements (input, replay->symbols))
    {
      hr_replay_note_reduced (replay, gradient);
      hr_replay_assign (replay, &gradient, hr_op_like (replay, "sum", "gradient", shape));
    }
  shape.element = input.element;
  if (gradient.element != input.element)
    hr_replay_assign (replay, &gradient, hr_op_like (replay, "_to_copy", "gradient", shape));

  return gradient;
}

/*
 * hr_autograd_begin_region:
 * @replay: a tape, on which a graph is recorded
 *
 * Begins a part of the forward pass that is computed anew in the backward pass.
 *
 * Returns: (nullable) (transfer none): the part, or %NULL if it cannot be one
 */
HrRegion *
hr_autograd_begin_region (HrReplay *replay)
{
  HrGraph *graph = replay->graph;
  HrRegion *region;

  if (graph == NULL || graph->only_counts || graph->n_regions == HR_GRAPH_MAX_REGIONS)
    return NULL;

  region = &graph->regions[graph->n_regions++];
  *region = (HrRegion) { .first = graph->n_nodes };
  graph->only_counts = TRUE;

  return region;
}

/*
 * hr_autograd_end_region:
 * @replay: a tape
 * @region: what hr_autograd_begin_region() returned
 * @recompute: what runs it anew
 * @release: what lets @data go
 * @data: (transfer full): what that needs
 *
 * Ends it.
 */
void
hr_autograd_end_region (HrReplay    *replay,
                        HrRegion    *region,
                        HrRecompute  recompute,
                        HrRecompute  release,
                        gpointer     data)
{
  region->end = replay->graph->n_nodes;
  region->recompute = recompute;
  region->release = release;
  region->data = data;
  replay->graph->only_counts = FALSE;
}

static HrRegion *
find_region (HrGraph *self,
             guint    node)
{
  for (guint i = 0; i < self->n_regions; i++)
    {
      if (node >= self->regions[i].first && node < self->regions[i].end)
        return &self->regions[i];
    }

  return NULL;
}

static void
release_region (HrRegion *region,
                HrReplay *replay)
{
  if (region->data != NULL)
    region->release (replay, region->data);
  region->data = NULL;
}

static void
take_saved (HrGraph *graph,
            HrNode  *node,
            HrNode  *from)
{
  make_room_to_save (graph, node, from->n_saved);
  if (from->n_saved > 0)
    memcpy (node->saved, from->saved, from->n_saved * sizeof *node->saved);
  if (from->n_kept > 0)
    memcpy (node->roots->kept, from->roots->kept, sizeof node->roots->kept);
  node->n_saved = from->n_saved;
  node->n_kept = from->n_kept;
  from->n_saved = from->n_kept = 0;
}

/* The graph that is recorded now has what comes into the part before its nodes. */
static void
recompute_region (HrGraph  *self,
                  HrReplay *replay,
                  HrRegion *region)
{
  g_autoptr (HrGraph) anew = hr_graph_new ();
  HrComponentId component = replay->component;
  guint n_nodes = region->end - region->first;
  guint n_before;

  region->is_recomputed = TRUE;
  replay->graph = anew;
  replay->component = HR_COMPONENT_ACTIVATIONS;
  region->recompute (replay, region->data);
  replay->component = component;
  replay->graph = NULL;
  g_return_if_fail (anew->n_nodes >= n_nodes);

  n_before = anew->n_nodes - n_nodes;
  for (guint i = 0; i < n_nodes; i++)
    {
      HrNode *from = &anew->nodes[n_before + i];
      HrNode *node = &self->nodes[region->first + i];

      take_saved (self, node, from);
    }
  hr_graph_clear (anew, replay);
}

/* Whether nothing of what was computed anew is needed by nodes that run after this one. */
static gboolean
is_last_to_need (HrGraph        *self,
                 const HrRegion *region,
                 const HrNode   *node)
{
  for (guint i = region->first; &self->nodes[i] < node; i++)
    {
      if (self->nodes[i].needs_saved)
        return FALSE;
    }

  return TRUE;
}

/* What was computed anew is held by nothing but the derivative (unpack_hook of torch/utils/checkpoint.py). */
static void
release_recomputed (HrGraph  *self,
                    HrReplay *replay,
                    HrNode   *node)
{
  HrRegion *region = find_region (self, node - self->nodes);

  if (self->is_recomputed || region != NULL || node->offloaded != 0)
    release_saved (replay, node);
}

/* What went into a part goes with the last of its nodes that has needed it. */
static void
leave_region (HrGraph  *self,
              HrReplay *replay,
              HrNode   *node)
{
  HrRegion *region = find_region (self, node - self->nodes);

  if (region != NULL && region->is_recomputed && is_last_to_need (self, region, node))
    release_region (region, replay);
}

static void
run_node (HrGraph  *self,
          HrReplay *replay,
          HrNode   *node)
{
  HrValue gradients[HR_NODE_MAX_INPUTS];

  for (guint i = 0; i < node->n_inputs; i++)
    gradients[i] = no_value;

  replay->block = node->block;
  bring_back (replay, node);
  node->backward (replay, node, hr_node_get_incoming (node, 0), gradients);
  release_recomputed (self, replay, node);
  for (guint i = 0; i < node->n_inputs; i++)
    {
      if (hr_value_needs_gradient (node->inputs[i]))
        gradients[i] = fit_gradient (replay, gradients[i], node->inputs[i]);
    }
  for (guint i = 0; i < node->n_incoming; i++)
    hr_replay_drop (replay, node->incoming[i]);
  clear_incoming (node);
  release_saved (replay, node);
  leave_region (self, replay, node);

  /* A kernel that makes all gradients at once also makes those that nobody wants. */
  for (guint i = 0; i < node->n_inputs; i++)
    hr_graph_deliver (self, replay, node->inputs[i], gradients[i]);
}

/*
 * Which nodes hand gradients on to what comes from outside (get_param_groups of
 * torch/distributed/pipelining/_backward.py).
 */
static void
mark_way (HrGraph *self)
{
  for (guint i = 0; i < self->n_nodes; i++)
    {
      HrNode *node = &self->nodes[i];

      node->is_way = node->kind == HR_NODE_BOUNDARY;
      for (guint j = 0; node->kind == HR_NODE_OPERATOR && j < node->n_inputs; j++)
        node->is_way |= hr_value_needs_gradient (node->inputs[j]) && self->nodes[node->inputs[j].node].is_way;
    }
}

/* Whether a gradient of an input is wanted: of what leads to a boundary, or of what leads to parameters alone. */
static gboolean
is_wanted (HrGraph      *self,
           const HrNode *node,
           guint         input,
           gboolean      on_way)
{
  return hr_value_needs_gradient (node->inputs[input]) && self->nodes[node->inputs[input].node].is_way == on_way;
}

/* Has a node make the gradients of some of its inputs alone. */
static void
run_partly (HrGraph  *self,
            HrReplay *replay,
            HrNode   *node,
            gboolean  on_way,
            HrValue  *gradients)
{
  gint16 nodes[HR_NODE_MAX_INPUTS];

  for (guint i = 0; i < node->n_inputs; i++)
    {
      gradients[i] = no_value;
      nodes[i] = node->inputs[i].node;
      if (!is_wanted (self, node, i, on_way))
        nodes[i] = HR_NO_NODE;
    }
  for (guint i = 0; i < node->n_inputs; i++)
    {
      gint16 own = node->inputs[i].node;

      node->inputs[i].node = nodes[i];
      nodes[i] = own;
    }
  replay->block = node->block;
  node->backward (replay, node, hr_node_get_incoming (node, 0), gradients);
  for (guint i = 0; i < node->n_inputs; i++)
    {
      if (hr_value_needs_gradient (node->inputs[i]))
        gradients[i] = fit_gradient (replay, gradients[i], node->inputs[i]);
      else
        {
          hr_replay_drop (replay, gradients[i]);
          gradients[i] = no_value;
        }
      node->inputs[i].node = nodes[i];
    }
}

static gboolean
leads_to_parameters (HrGraph      *self,
                     const HrNode *node)
{
  for (guint i = 0; i < node->n_inputs; i++)
    {
      if (is_wanted (self, node, i, FALSE))
        return TRUE;
    }

  return FALSE;
}

/* A hook that runs before the node keeps what it is given (stage_backward_input). */
static void
capture (HrGraph *self,
         HrNode  *node)
{
  node->captured = graph_take (self, node->n_incoming * sizeof *node->captured);
  memcpy (node->captured, node->incoming, node->n_incoming * sizeof *node->captured);
  node->n_captured = node->n_incoming;
}

static void
run_node_for_inputs (HrGraph  *self,
                     HrReplay *replay,
                     HrNode   *node)
{
  HrValue gradients[HR_NODE_MAX_INPUTS];

  run_partly (self, replay, node, TRUE, gradients);
  if (leads_to_parameters (self, node))
    capture (self, node);
  for (guint i = 0; node->n_captured == 0 && i < node->n_incoming; i++)
    hr_replay_drop (replay, node->incoming[i]);
  clear_incoming (node);
  for (guint i = 0; i < node->n_inputs; i++)
    {
      if (is_wanted (self, node, i, TRUE))
        hr_graph_deliver (self, replay, node->inputs[i], gradients[i]);
    }
}

/*
 * hr_graph_run_inputs:
 * @self: a graph, to one of whose nodes a gradient was delivered
 * @replay: a tape
 *
 * Runs the engine for the gradients of what comes from outside alone, and keeps the graph, with the gradients that have
 * arrived where those of parameters branch off (stage_backward_input of torch/distributed/pipelining/_backward.py).
 */
void
hr_graph_run_inputs (HrGraph  *self,
                     HrReplay *replay)
{
  HrGraph *graph = replay->graph;
  HrComponentId component = replay->component;

  mark_way (self);
  replay->graph = NULL;
  replay->component = HR_COMPONENT_TEMPORARY;
  for (guint i = self->n_nodes; i-- > 0; )
    {
      HrNode *node = &self->nodes[i];

      if (node->kind == HR_NODE_OPERATOR && node->has_gradient)
        run_node_for_inputs (self, replay, node);
    }
  replay->component = component;
  replay->graph = graph;
}

/*
 * hr_graph_release_unreached:
 * @self: a graph that hr_graph_run_inputs() has run
 * @replay: a tape
 *
 * Lets go of what is held for nodes that stand behind all those where gradients of parameters branch off: nothing holds
 * them any more when the result has been detached.
 */
void
hr_graph_release_unreached (HrGraph  *self,
                            HrReplay *replay)
{
  g_autofree gboolean *is_reached = g_new0 (gboolean, self->n_nodes);

  for (guint i = self->n_nodes; i-- > 0; )
    {
      HrNode *node = &self->nodes[i];

      if (node->n_captured == 0 && !is_reached[i])
        {
          release_saved (replay, node);
          continue;
        }
      for (guint j = 0; j < node->n_inputs; j++)
        {
          if (hr_value_needs_gradient (node->inputs[j]))
            is_reached[node->inputs[j].node] = TRUE;
        }
    }
}

/* What leads to parameters alone runs as ever. */
static void
run_to_parameters (HrGraph  *self,
                   HrReplay *replay,
                   guint     node)
{
  for (guint i = node; i-- > 0; )
    {
      if (self->nodes[i].kind == HR_NODE_OPERATOR && self->nodes[i].has_gradient)
        run_node (self, replay, &self->nodes[i]);
    }
}

/* The gradients of a node's parameters; @last holds those before until they are there (dweights). */
static void
run_node_for_weights (HrGraph  *self,
                      HrReplay *replay,
                      HrNode   *node,
                      HrValue  *last)
{
  HrValue gradients[HR_NODE_MAX_INPUTS];

  memcpy (node->incoming, node->captured, node->n_captured * sizeof *node->incoming);
  node->n_incoming = node->n_captured;
  node->n_captured = 0;
  run_partly (self, replay, node, FALSE, gradients);
  release_saved (replay, node);
  hr_replay_assign (replay, last, HR_NO_VALUE);
  for (guint i = 0; i < node->n_inputs; i++)
    {
      if (!is_wanted (self, node, i, FALSE))
        continue;
      if (replay->has_gradients && last->storage < 0)
        *last = hr_value_detach (hr_replay_hold (replay, gradients[i]));
      hr_graph_deliver (self, replay, node->inputs[i], gradients[i]);
    }
  run_to_parameters (self, replay, node - self->nodes);
  for (guint i = 0; i < node->n_incoming; i++)
    hr_replay_drop (replay, node->incoming[i]);
  clear_incoming (node);
}

static gboolean
has_matrix (HrGraph      *self,
            const HrNode *node)
{
  for (guint i = 0; i < node->n_inputs; i++)
    {
      if (is_wanted (self, node, i, FALSE) && node->inputs[i].n_symbols > 1)
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_graph_run_weights:
 * @self: a graph that hr_graph_run_inputs() has run
 * @replay: a tape
 * @vectors_come_last: whether parameters that are vectors come behind matrices in their module
 * @last: (inout): the gradient of the parameter before, which a variable holds, or none
 *
 * Makes the gradients of parameters, one after the other (stage_backward_weight of
 * torch/distributed/pipelining/_backward.py). What is held for other nodes stays until the graph goes.
 */
void
hr_graph_run_weights (HrGraph  *self,
                      HrReplay *replay,
                      gboolean  vectors_come_last,
                      HrValue  *last)
{
  HrGraph *graph = replay->graph;
  HrComponentId component = replay->component;

  replay->graph = NULL;
  replay->component = HR_COMPONENT_TEMPORARY;
  for (guint pass = 0; pass < 2; pass++)
    {
      for (guint i = 0; i < self->n_nodes; i++)
        {
          HrNode *node = &self->nodes[i];

          if (node->n_captured > 0 && (pass == 1 || !vectors_come_last || has_matrix (self, node)))
            run_node_for_weights (self, replay, node, last);
        }
    }
  replay->component = component;
  replay->graph = graph;
}

static void
run_engine (HrGraph  *self,
            HrReplay *replay,
            gboolean  until_saved)
{
  HrGraph *graph = replay->graph;
  HrComponentId component = replay->component;

  replay->graph = NULL;
  replay->component = HR_COMPONENT_TEMPORARY;
  for (guint i = self->n_nodes; i-- > 0; )
    {
      HrNode *node = &self->nodes[i];
      HrRegion *region;

      if (node->kind != HR_NODE_OPERATOR || !node->has_gradient)
        continue;
      if (until_saved && node->needs_saved)
        break;
      region = find_region (self, i);
      if (region != NULL && node->needs_saved && !region->is_recomputed)
        recompute_region (self, replay, region);
      run_node (self, replay, node);
    }
  replay->component = component;
  replay->graph = graph;
}

/*
 * hr_graph_run_backward:
 * @self: a graph, to one of whose nodes a gradient was delivered
 * @replay: a tape
 *
 * Runs the engine: of the nodes that have their gradient, always the one that was recorded last.
 */
void
hr_graph_run_backward (HrGraph  *self,
                       HrReplay *replay)
{
  run_engine (self, replay, FALSE);
}

/*
 * hr_graph_run_until_saved:
 * @self: a graph, to one of whose nodes a gradient was delivered
 * @replay: a tape
 *
 * Runs the engine up to the first node that needs what was kept for it.
 */
void
hr_graph_run_until_saved (HrGraph  *self,
                          HrReplay *replay)
{
  run_engine (self, replay, TRUE);
}

/*
 * hr_graph_take_saved:
 * @self: a graph that only counts
 * @from: a graph of the same operators
 *
 * Takes over what @from holds for the backward pass.
 */
void
hr_graph_take_saved (HrGraph *self,
                     HrGraph *from)
{
  g_return_if_fail (self->n_nodes == from->n_nodes);

  self->is_recomputed = TRUE;
  for (guint i = 0; i < self->n_nodes; i++)
    take_saved (self, &self->nodes[i], &from->nodes[i]);
}

static gboolean
is_among (const GArray *values,
          HrValue       value)
{
  for (guint i = 0; i < values->len; i++)
    {
      if (g_array_index (values, HrValue, i).storage == value.storage)
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_graph_retain:
 * @self: a graph that is not run
 * @replay: a tape
 * @result: what was computed in it
 * @values: (inout) (element-type HrValue): where what is held is noted
 *
 * Holds what the graph keeps to differentiate @result, as a variable does that holds @result itself.
 */
void
hr_graph_retain (HrGraph  *self,
                 HrReplay *replay,
                 HrValue   result,
                 GArray   *values)
{
  const HrNode *node;

  if (!hr_value_needs_gradient (result))
    return;

  node = &self->nodes[result.node];
  for (guint i = 0; i < node->n_saved; i++)
    {
      HrValue saved = node->saved[i];

      if (saved.storage < 0 || is_among (values, saved))
        continue;
      hr_replay_hold (replay, saved);
      g_array_append_val (values, saved);
    }
  for (guint i = 0; i < node->n_inputs; i++)
    hr_graph_retain (self, replay, node->inputs[i], values);
}

/*
 * hr_graph_take_held:
 * @self: a graph
 *
 * Takes over what functions have put away in their contexts, which stays until the loss goes.
 *
 * Returns: (transfer full) (nullable) (element-type HrValue): the tensors, or %NULL if there are none
 */
GArray *
hr_graph_take_held (HrGraph *self)
{
  return g_steal_pointer (&self->held);
}

/*
 * hr_graph_take_gradient:
 * @self: a graph
 * @boundary: what hr_autograd_boundary() returned
 *
 * Takes the gradient that has arrived at a boundary.
 *
 * Returns: (transfer full): the gradient, or none
 */
HrValue
hr_graph_take_gradient (HrGraph *self,
                        HrValue  boundary)
{
  HrValue gradient;

  if (!hr_value_needs_gradient (boundary))
    return no_value;

  gradient = hr_node_get_incoming (&self->nodes[boundary.node], 0);
  clear_incoming (&self->nodes[boundary.node]);

  return gradient;
}

/*
 * hr_graph_clear:
 * @self: a graph
 * @replay: a tape
 *
 * Lets a graph go, with what it still holds.
 */
void
hr_graph_clear (HrGraph  *self,
                HrReplay *replay)
{
  for (guint i = 0; i < self->n_nodes; i++)
    {
      release_saved (replay, &self->nodes[i]);
      for (guint j = 0; j < self->nodes[i].n_incoming; j++)
        hr_replay_drop (replay, self->nodes[i].incoming[j]);
      for (guint j = 0; j < self->nodes[i].n_captured; j++)
        hr_replay_drop (replay, self->nodes[i].captured[j]);
    }
  for (guint i = 0; i < self->n_regions; i++)
    release_region (&self->regions[i], replay);
  for (guint i = 0; self->held != NULL && i < self->held->len; i++)
    hr_replay_drop (replay, g_array_index (self->held, HrValue, i));
  g_clear_pointer (&self->held, g_array_unref);
  self->n_nodes = 0;
  self->n_regions = 0;
  graph_reset_chunks (self);
}

/*
 * hr_graph_forget:
 * @self: a graph, of what no gradient flows to
 * @replay: a tape
 *
 * Lets a graph go in the forward pass, without what the cache of autocast holds as well until that ends.
 */
void
hr_graph_forget (HrGraph  *self,
                 HrReplay *replay)
{
  for (guint i = 0; i < self->n_nodes; i++)
    {
      HrNode *node = &self->nodes[i];

      for (guint j = 0; j < node->n_saved && replay->keeps_casts; j++)
        {
          HrValue saved = node->saved[j];

          if (saved.storage < 0 || !saved.is_trained || replay->storages[saved.storage].references > 1)
            continue;
          hr_replay_reassign_component (replay, saved, HR_COMPONENT_TEMPORARY);
          hr_replay_leave (replay, saved);
          node->saved[j] = HR_NO_VALUE;
        }
    }
  hr_graph_clear (self, replay);
}

/*
 * hr_op_like_detached:
 * @self: a tape
 * @operation: the operator
 * @name: the variable that its result is for
 * @like: a value
 *
 * An operator that makes a tensor of the shape of a value, which has nothing of its memory and of its graph.
 *
 * Returns: the result
 */
HrValue
hr_op_like_detached (HrReplay   *self,
                     const char *operation,
                     const char *name,
                     HrValue     like)
{
  HrValue shape = hr_value_detach (like);

  shape.storage = -1;
  shape.is_view = FALSE;

  return hr_op_like (self, operation, name, shape);
}
