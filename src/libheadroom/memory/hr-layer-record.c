/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-layer-record.h"

#include <string.h>

#include "hr-inference-cache.h"
#include "hr-kept-layers.h"
#include "hr-live-parameters.h"
#include "hr-replay-prompt.h"
#include "hr-sharding-flat.h"
#include "hr-sharding-stacks.h"
#include "hr-sharding-unit.h"
#include "hr-unsloth.h"

/* Layers of a model's stacks are told apart by this; no known stack has as many. */

/* A layer in a step of training, forwards and back, from what comes into it to what goes out. */

/*
 * hr_layer_record_new:
 * @layer: the index of a layer
 * @klass: its class
 * @group: which layers are tuned alike
 * @place: where it stands
 * @needs_gradient: whether a gradient flows to its input
 * @checkpointing: what of it is computed anew in the backward pass
 *
 * Makes a record of which nothing has run yet. Its stretches are written when they begin.
 *
 * Returns: (transfer full): the record
 */
HrLayerRecord *
hr_layer_record_new (guint               layer,
                     guint               klass,
                     guint               group,
                     HrPlace             place,
                     gboolean            needs_gradient,
                     HrCheckpointingKind checkpointing)
{
  HrLayerRecord *self = g_new (HrLayerRecord, 1);

  memset (self, 0, G_STRUCT_OFFSET (HrLayerRecord, forward));
  self->forward.moment.storages = self->backward.moment.storages = self->of_weights.moment.storages = NULL;
  self->layer = layer;
  self->klass = klass;
  self->group = group;
  self->place = place;
  self->needs_gradient = needs_gradient;
  self->checkpointing = checkpointing;
  self->returned = self->weights = self->chunk = HR_NO_VALUE;
  if (checkpointing == HR_CHECKPOINTING_OPERATORS)
    self->kept = g_new0 (HrOperatorCache, 1);

  return self;
}

/*
 * hr_layer_record_free:
 * @self: a record
 * @replay: the tape that it was recorded on
 *
 * Lets a record go, with what autograd still keeps of the layer.
 */
void
hr_layer_record_free (HrLayerRecord *self,
                      HrReplay      *replay)
{
  if (self->is_repeated)
    {
      hr_stretch_clear (&self->forward);
      hr_stretch_clear (&self->backward);
      hr_stretch_clear (&self->of_weights);
    }
  if (self->graph != NULL)
    hr_graph_clear (self->graph, replay);
  g_clear_pointer (&self->graph, hr_graph_free);
  if (self->kept != NULL)
    hr_operator_cache_clear (self->kept, replay);
  g_free (self->kept);
  g_clear_pointer (&self->held, g_array_unref);
  g_clear_pointer (&self->heap, hr_layer_heap_free);
  g_free (self);
}

static HrValue *
get_shared_variable (HrTrainingStack *stack,
                     HrShared         shared)
{
  HrForward *forward = &stack->variables.forward;

  if (shared == HR_SHARED_SOURCE)
    return &forward->source;
  if (shared == HR_SHARED_DISTANCES)
    return &forward->distances;

  return shared == HR_SHARED_BIAS ? &forward->position_bias : &forward->source_bias;
}

static void
set_layer_symbols (HrTrainingStack *stack,
                   guint            layer)
{
  hr_tuning_choose_trained (stack->tuning, stack->replay, layer);
  hr_pass_set_class_symbols (&stack->pass, stack->replay, hr_training_stack_get_class (stack, layer),
                             &stack->variables);
}

/* What the cache holds is what autograd keeps as well; it stays longer where the outputs, with the cache, do. */
static void
store_cache (HrLayerRecord   *self,
             HrTrainingStack *stack)
{
  HrForward *forward = &stack->variables.forward;
  HrValue *held[] = { &forward->old_keys, &forward->old_values, &forward->cross_keys, &forward->cross_values };

  for (guint i = 0; i < G_N_ELEMENTS (held); i++)
    {
      self->cache[i] = *held[i];
      *held[i] = HR_NO_VALUE;
      if (stack->keeps_cache)
        continue;
      hr_replay_drop (stack->replay, self->cache[i]);
      self->cache[i] = HR_NO_VALUE;
    }
}

/* The keys and values of virtual tokens that the layer finds in its cache. */
static void
enter_past (HrLayerRecord   *self,
            HrTrainingStack *stack)
{
  HrForward *forward = &stack->variables.forward;
  HrValue *variables[] = { &forward->old_keys, &forward->old_values };

  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    {
      self->past[i] = HR_NO_VALUE;
      if (hr_tuning_get_n_cached (stack->tuning) == 0)
        continue;
      self->past[i] =
        hr_autograd_boundary (stack->replay, hr_replay_prefix_of_layer (stack->replay, i == 0 ? "keys" : "values"));
      *variables[i] = self->past[i];
    }
}

/* Their gradients, views of those of all keys and values, stay until those of all layers are there. */
static void
leave_past (HrLayerRecord   *self,
            HrTrainingStack *stack)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->past); i++)
    {
      HrValue gradient = hr_graph_take_gradient (self->graph, self->past[i]);

      hr_replay_reassign_component (stack->replay, gradient, HR_COMPONENT_TEMPORARY);
      self->past_bytes[i] = hr_replay_get_bytes (stack->replay, gradient);
      hr_replay_leave (stack->replay, gradient);
    }
}

/* Whether the layer is computed anew as a whole, so that it keeps what goes into it. */
static gboolean
is_recomputed (const HrLayerRecord *self)
{
  return self->checkpointing != HR_CHECKPOINTING_NONE && self->checkpointing != HR_CHECKPOINTING_ATTENTION;
}

/*
 * Whether what goes into the layer waits on the host. UnslothCheckpointFunction of
 * unsloth_zoo/gradient_checkpointing.py leaves what is small where it is, and from the second step on what goes into
 * the last layer.
 */
static gboolean
is_offloaded (const HrLayerRecord   *self,
              const HrTrainingStack *stack,
              HrValue                input)
{
  const HrReplay *replay = stack->replay;

  return replay->offloads_inputs &&
         (replay->reloaded.storage < 0 ||
          (self->place != HR_PLACE_LAST &&
           hr_value_get_elements (input, replay->symbols) > HR_UNSLOTH_MIN_OFFLOADED));
}

/* What goes into a layer, but for the ranks that share it. */
static HrValue
get_chunk (HrValue input)
{
  input.symbols[1] = HR_SYMBOL_SEQUENCE_SHARE;
  input.storage = -1;
  input.node = HR_NO_NODE;
  input.is_view = FALSE;

  return input;
}

/*
 * CheckpointFunction.forward of megatron/core/tensor_parallel/random.py, with distribute_saved_activations: when the
 * layer has run, what went into it is replaced by a part of it (split_tensor_into_1d_equal_chunks).
 */
static void
divide_input (HrLayerRecord *self,
              HrReplay      *replay)
{
  self->chunk = hr_op_like (replay, "split_tensor_into_1d_equal_chunks", "hidden_states", get_chunk (self->input));
  hr_replay_drop (replay, self->input);
}

/* CheckpointFunction.backward: it is gathered again, and the part goes. */
static void
gather_input (HrLayerRecord *self,
              HrReplay      *replay)
{
  HrValue whole = self->input;

  whole.storage = -1;
  whole.node = HR_NO_NODE;
  whole.is_view = FALSE;
  self->input.storage = hr_op_like (replay, "gather_split_1d_tensor", "hidden_states", whole).storage;
  hr_replay_drop (replay, self->chunk);
  self->chunk = HR_NO_VALUE;
}

/* Brings what goes into a layer back from the host, into a buffer that stays if there is one, or finds it there. */
static HrValue
take_input (HrLayerRecord   *self,
            HrTrainingStack *stack)
{
  HrReplay *replay = stack->replay;

  if (!is_offloaded (self, stack, self->input))
    return hr_replay_hold (replay, self->input);
  if (replay->reloaded.storage >= 0)
    return hr_replay_hold (replay, replay->reloaded);

  return hr_op_like (replay, "_to_copy", "hidden_states", hr_value_detach (self->input));
}

/*
 * Layers in a row that have the same parameters are of one graph, in which each parameter is one node: the engine adds
 * up what comes from all of them.
 */
static void
run_repeatedly (HrTrainingStack    *stack,
                const HrLayerClass *klass)
{
  HrReplay *replay = stack->replay;
  g_autofree HrSharedUses *uses = NULL;

  if (stack->pass.stack->n_repeats > 1)
    replay->shared_uses = uses = g_new0 (HrSharedUses, 1);
  for (guint i = 0; i < stack->pass.stack->n_repeats; i++)
    hr_pass_run_layer (replay, &stack->variables, klass);
  if (uses != NULL)
    replay->shared_uses = NULL;
}

/* The module of a layer has what branches are scaled by for its own parameters (InternVLVisionLayer). */
static void
enter_layer (HrReplay           *replay,
             const HrLayerClass *klass)
{
  HrValue scales[2] = { HR_NO_VALUE, HR_NO_VALUE };
  guint n = 0;

  for (guint i = 0; i < klass->n_sublayers; i++)
    {
      for (guint j = 0; j < klass->sublayers[i].n_branches; j++)
        {
          const HrChain *chain = &klass->sublayers[i].branches[j];

          for (guint k = 0; k < chain->n_blocks && n < G_N_ELEMENTS (scales); k++)
            {
              if (chain->blocks[k].kind == HR_BLOCK_PARAMETER && chain->blocks[k].parameter.use == HR_PARAMETER_SCALE)
                scales[n++] = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN);
            }
        }
    }
  hr_live_parameters_enter (replay, NULL, scales[0], scales[1]);
}

static void
run_layer (HrLayerRecord   *self,
           HrTrainingStack *stack,
           guint            layer,
           gboolean         is_recomputing)
{
  const HrLayerClass *klass = hr_training_stack_get_class (stack, layer);
  const HrAttention *attention = hr_layer_class_get_attention (klass);
  HrPass *variables = &stack->variables;

  variables->forward.mask =
    attention != NULL && attention->sliding_window > 0 ? variables->sliding_mask : variables->full_mask;
  hr_pass_choose_rotation (variables, attention);
  hr_sharding_begin_units (stack->replay, is_recomputing);
  hr_live_parameters_begin_layer (stack->replay, stack->pass.stack->role * HR_LIVE_MAX_LAYERS + layer,
                                  is_recomputing);
  if (self->kept != NULL)
    hr_operator_cache_begin (self->kept, is_recomputing);
  stack->replay->operator_cache = self->kept;
  enter_layer (stack->replay, klass);
  run_repeatedly (stack, klass);
  hr_live_parameters_leave (stack->replay, &variables->hidden);
  stack->replay->operator_cache = NULL;
  hr_live_parameters_end_layer (stack->replay);
  hr_sharding_end_units (stack->replay);
  store_cache (self, stack);
}

/* What layers share comes from outside of the layer's graph; the first layer makes what is not there yet. */
static void
enter_shared (HrTrainingStack *stack,
              guint            layer,
              HrValue         *entered)
{
  for (guint i = 0; i < HR_N_SHARED; i++)
    {
      HrValue *variable = get_shared_variable (stack, i);

      *variable = entered[i] = HR_NO_VALUE;
      if (i >= HR_SHARED_BIAS && layer == 0)
        continue;
      *variable = stack->shared[i];
      if (stack->shared[i].storage >= 0 && stack->needs_gradient[i])
        *variable = entered[i] = hr_autograd_boundary (stack->replay, stack->shared[i]);
    }
}

/* The variables of the function hold what the first layer has made. */
static void
leave_shared (HrLayerRecord   *self,
              HrTrainingStack *stack,
              guint            layer)
{
  for (guint i = 0; i < HR_N_SHARED; i++)
    {
      HrValue *variable = get_shared_variable (stack, i);

      self->made[i] = HR_NO_VALUE;
      if (i >= HR_SHARED_BIAS && layer == 0)
        {
          self->made[i] = stack->shared[i] = *variable;
          stack->needs_gradient[i] = hr_value_needs_gradient (*variable);
        }
      *variable = stack->shared[i];
    }
}

/*
 * hr_layer_record_run_forward:
 * @self: a record, of which nothing has run yet
 * @stack: the stack that the layer is in
 *
 * Runs the forward pass. The layer has a graph of its own, whose input is a boundary. Under checkpointing nothing is
 * kept but the input; how far the layer will have to be computed anew is counted (torch/utils/checkpoint.py).
 */
void
hr_layer_record_run_forward (HrLayerRecord   *self,
                             HrTrainingStack *stack)
{
  guint layer = self->layer;
  HrReplay *replay = stack->replay;
  HrValue input = stack->variables.hidden;
  gboolean offloads = is_offloaded (self, stack, input);
  guint n_made, n_left;

  set_layer_symbols (stack, layer);
  hr_replay_begin (replay, &self->forward, NULL, layer);
  if (self->heap != NULL)
    hr_layer_heap_begin (self->heap, replay, input);
  hr_sharding_enter_layer (replay, stack->pass.stack, layer);
  hr_sharding_gather (replay, HR_SHARDED_LAYER);
  self->graph = replay->graph = hr_graph_new ();
  self->graph->only_counts = is_recomputed (self);
  self->graph->holds_nothing = self->checkpointing == HR_CHECKPOINTING_REENTRANT;
  if (is_recomputed (self) && !self->is_unused && !offloads && !self->is_inner)
    hr_replay_hold (replay, input);
  if (stack->returns_layers)
    self->returned = hr_value_detach (hr_replay_hold (replay, input));
  self->input = stack->variables.hidden = hr_training_enter_graph (replay, input, self->needs_gradient);
  if (is_recomputed (self) && offloads)
    self->input.storage = -1;
  enter_shared (stack, layer, self->shared);
  enter_past (self, stack);
  n_made = replay->n_made;
  n_left = stack->variables.n_left;
  run_layer (self, stack, layer, FALSE);
  if (replay->sharding != NULL)
    self->units = replay->sharding->units;
  self->n_left = stack->variables.n_left - n_left;
  self->n_needed = replay->n_needed - n_made;
  leave_shared (self, stack, layer);
  self->output = stack->variables.hidden;
  self->weights = stack->variables.weights;
  /* Where nothing is kept for a gradient, nothing is to be computed anew. */
  if (is_recomputed (self) && !self->is_unused && !self->is_inner && !hr_value_needs_gradient (self->output))
    hr_replay_drop (replay, input);
  else if (is_recomputed (self) && !self->is_inner && stack->checkpointing.is_divided)
    divide_input (self, replay);
  replay->graph = NULL;
  hr_sharding_let_go (replay, HR_SHARDED_LAYER);
  if (self->heap != NULL && !hr_layer_heap_end (self->heap, replay, self->output))
    g_clear_pointer (&self->heap, hr_layer_heap_free);
  hr_replay_end (replay);
  if (replay->kept_layers != NULL)
    hr_kept_layers_add (replay->kept_layers, replay, &self->forward, layer, input, self->output);
  if (self->is_repeated)
    hr_stretch_keep (&self->forward);
  self->recorded = TRUE;
}

/*
 * The model's function has handed the same dictionary to all layers: the keys and values that a layer has put there
 * anew hold the graph that they were made in, and what that keeps, until no layer holds the dictionary any more.
 */
static void
retain_stored (HrLayerRecord   *self,
               HrTrainingStack *stack,
               guint            layer,
               HrGraph         *anew)
{
  const HrAttention *attention = hr_layer_class_get_attention (hr_training_stack_get_class (stack, layer));
  HrForward *forward = &stack->variables.forward;
  gboolean sliding;

  if (attention == NULL || !attention->stores_key_value || self->checkpointing == HR_CHECKPOINTING_REENTRANT)
    return;

  sliding = attention->sliding_window > 0;
  if (stack->retained == NULL)
    stack->retained = g_array_new (FALSE, FALSE, sizeof (HrValue));
  hr_graph_retain (anew, stack->replay, forward->stored_keys[sliding], stack->retained);
  hr_graph_retain (anew, stack->replay, forward->stored_values[sliding], stack->retained);
}

/*
 * Computes a layer anew, when the first node of its graph asks for what was kept. That ends when the last tensor is
 * there that is needed (_StopRecomputationError in torch/utils/checkpoint.py), but with early_stop=False, as torchtitan
 * has it.
 */
static void
recompute_layer (HrLayerRecord   *self,
                 HrTrainingStack *stack,
                 guint            layer)
{
  HrReplay *replay = stack->replay;
  g_autoptr (HrGraph) anew = hr_graph_new ();
  HrValue entered[HR_N_SHARED];

  replay->graph = anew;
  stack->variables.hidden = hr_training_enter_graph (replay, take_input (self, stack), self->needs_gradient);
  enter_shared (stack, layer, entered);
  if (replay->layer_code != HR_LAYER_CODE_TORCHTITAN)
    hr_replay_limit (replay, self->n_needed);
  stack->variables.weights = HR_NO_VALUE;
  run_layer (self, stack, layer, TRUE);
  hr_replay_limit (replay, G_MAXUINT);
  replay->graph = NULL;
  for (guint i = 0; i < HR_N_SHARED; i++)
    {
      if (i >= HR_SHARED_BIAS && layer == 0)
        hr_replay_drop (replay, *get_shared_variable (stack, i));
    }
  hr_replay_drop (replay, stack->variables.weights);
  hr_replay_drop (replay, stack->variables.hidden);
  stack->variables.weights = stack->variables.hidden = HR_NO_VALUE;
  retain_stored (self, stack, layer, anew);
  hr_graph_take_saved (self->graph, anew);
  hr_graph_clear (anew, replay);
}

static guint64
get_waiting_bytes (HrReplay *replay)
{
  return replay->waiting.storage >= 0 ? hr_replay_get_bytes (replay, replay->waiting) : 0;
}

/*
 * Where the optimizer works in the backward pass, the last gradient of a layer waits for the next layer. The first
 * layer of a class finds another's; those that do the same find its own, so that they change nothing.
 */
static void
balance_waiting (HrReplay  *replay,
                 HrStretch *stretch,
                 guint64    found)
{
  guint64 left = get_waiting_bytes (replay);

  stretch->after.by_component[HR_COMPONENT_GRADIENTS] += found - left;
  stretch->after.total += found - left;
}

static void
deliver_shared (HrLayerRecord   *self,
                HrTrainingStack *stack)
{
  for (guint i = 0; i < HR_N_SHARED; i++)
    {
      HrValue target = hr_value_needs_gradient (self->made[i]) ? self->made[i] : self->shared[i];

      if (stack->gradients[i].storage < 0 || !hr_value_needs_gradient (target))
        continue;
      hr_graph_deliver (self->graph, stack->replay, target, stack->gradients[i]);
      stack->gradients[i] = HR_NO_VALUE;
    }
}

/* A leaf keeps its gradient: the zeros that stand for a bias of the encoder's output (T5Attention). */
static void
take_shared (HrLayerRecord   *self,
             HrTrainingStack *stack)
{
  for (guint i = 0; i < HR_N_SHARED; i++)
    {
      if (hr_value_needs_gradient (self->shared[i]))
        stack->gradients[i] = hr_graph_take_gradient (self->graph, self->shared[i]);
      else if (hr_value_needs_gradient (self->made[i]))
        stack->gradients[i] = hr_graph_take_gradient (self->graph, self->made[i]);
    }
}

static HrValue
differentiate_graph (HrLayerRecord   *self,
                     HrTrainingStack *stack,
                     guint            layer,
                     HrValue          gradient)
{
  HrReplay *replay = stack->replay;

  replay->sentence = N_("in the backward pass of a layer");
  hr_graph_deliver (self->graph, replay, self->output, gradient);
  deliver_shared (self, stack);
  if (is_recomputed (self))
    {
      hr_graph_run_until_saved (self->graph, replay);
      replay->sentence = N_("in the backward pass, while a layer is computed anew");
      recompute_layer (self, stack, layer);
      replay->sentence = N_("in the backward pass of a layer");
    }
  if (replay->splits_backward)
    {
      hr_graph_run_inputs (self->graph, replay);
      return hr_graph_take_gradient (self->graph, self->input);
    }
  hr_graph_run_backward (self->graph, replay);
  gradient = hr_graph_take_gradient (self->graph, self->input);
  take_shared (self, stack);
  leave_past (self, stack);
  self->held = hr_graph_take_held (self->graph);
  hr_graph_clear (self->graph, replay);

  return gradient;
}

/* What the backward pass within has made of the gradients of what layers share is added to those of other layers. */
static void
add_shared (HrLayerRecord   *self,
            HrTrainingStack *stack,
            HrGraph         *graph,
            const HrValue   *entered)
{
  deliver_shared (self, stack);
  for (guint i = 0; i < HR_N_SHARED; i++)
    {
      HrValue gradient;

      if (!hr_value_needs_gradient (entered[i]))
        continue;
      gradient = hr_graph_take_gradient (graph, entered[i]);
      if (gradient.storage >= 0)
        hr_graph_deliver (self->graph, stack->replay, self->shared[i], gradient);
    }
  take_shared (self, stack);
}

/* The gradients of what the first layer has made anew; the variables that hold it go. */
static void
deliver_made (HrTrainingStack *stack,
              HrGraph         *graph)
{
  for (guint i = HR_SHARED_BIAS; i < HR_N_SHARED; i++)
    {
      HrValue made = *get_shared_variable (stack, i);

      if (stack->gradients[i].storage >= 0 && hr_value_needs_gradient (made))
        hr_graph_deliver (graph, stack->replay, made, stack->gradients[i]);
      else
        hr_replay_drop (stack->replay, stack->gradients[i]);
      stack->gradients[i] = HR_NO_VALUE;
      hr_replay_drop (stack->replay, made);
    }
}

/*
 * What autocast has made of parameters stays in its cache until the function that computes the layer anew returns:
 * custom_bwd of torch/amp/autocast_mode.py has autocast around all of it, where CheckpointFunction has it around the
 * layer alone.
 */
static GArray *
hold_casts (HrGraph  *graph,
            HrReplay *replay)
{
  GArray *held = g_array_new (FALSE, FALSE, sizeof (HrValue));

  for (guint i = 0; i < graph->n_nodes; i++)
    {
      for (guint j = 0; j < graph->nodes[i].n_saved; j++)
        {
          HrValue saved = graph->nodes[i].saved[j];

          if (saved.storage < 0 || !saved.is_trained)
            continue;
          hr_replay_hold (replay, saved);
          g_array_append_val (held, saved);
        }
    }

  return held;
}

static void
let_casts_go (GArray   *held,
              HrReplay *replay)
{
  for (guint i = 0; held != NULL && i < held->len; i++)
    hr_replay_drop (replay, g_array_index (held, HrValue, i));
}

/* What a function returns and nothing uses gets a gradient of zeros (materialize_grads, torch/autograd/function.py). */
static HrValue
make_zeros (HrReplay *replay,
            HrValue   shape)
{
  return shape.storage >= 0 ? hr_op_like (replay, "zeros", "args[1]", hr_value_detach (shape)) : HR_NO_VALUE;
}

/*
 * CheckpointFunction.backward in torch/utils/checkpoint.py: the whole layer is computed anew, and what came out of it
 * and the gradients of that stay until a backward pass of its own is over.
 */
static HrValue
differentiate_reentrant (HrLayerRecord   *self,
                         HrTrainingStack *stack,
                         guint            layer,
                         HrValue          gradient)
{
  HrReplay *replay = stack->replay;
  g_autoptr (HrGraph) graph = hr_graph_new ();
  g_autoptr (GArray) casts = NULL;
  HrValue entered[HR_N_SHARED];
  HrValue input, output, weights, zeros, result;

  replay->sentence = N_("in the backward pass, while a layer is computed anew");
  zeros = make_zeros (replay, self->weights);
  replay->graph = graph;
  if (is_offloaded (self, stack, self->input))
    self->input.storage = take_input (self, stack).storage;
  input = stack->variables.hidden = hr_training_enter_graph (replay, hr_replay_hold (replay, self->input),
                                                            self->needs_gradient);
  enter_shared (stack, layer, entered);
  stack->variables.weights = HR_NO_VALUE;
  run_layer (self, stack, layer, TRUE);
  output = stack->variables.hidden;
  weights = stack->variables.weights;
  stack->variables.hidden = stack->variables.weights = HR_NO_VALUE;
  replay->graph = NULL;
  if (replay->offloads_inputs && replay->reloaded.storage < 0 && replay->autocast != HR_ELEMENT_NONE)
    casts = hold_casts (graph, replay);

  replay->sentence = N_("in the backward pass of a layer");
  hr_graph_deliver (graph, replay, output, hr_replay_hold (replay, gradient));
  if (zeros.storage >= 0)
    hr_graph_deliver (graph, replay, weights, hr_replay_hold (replay, zeros));
  if (layer == 0)
    deliver_made (stack, graph);
  hr_graph_run_backward (graph, replay);
  result = hr_graph_take_gradient (graph, input);
  add_shared (self, stack, graph, entered);
  hr_graph_clear (graph, replay);
  let_casts_go (casts, replay);
  hr_replay_drop (replay, weights);
  hr_replay_drop (replay, output);
  hr_replay_drop (replay, zeros);
  hr_replay_drop (replay, gradient);

  return result;
}

/* Layers that are computed anew at once, each with a graph of its own. */
static GPtrArray *
run_group_forward (HrTrainingStack *stack,
                   guint            first,
                   guint            last)
{
  GPtrArray *records = g_ptr_array_new ();

  for (guint i = first; i <= last; i++)
    {
      guint klass = hr_training_stack_get_class (stack, i) - stack->pass.stack->layer_classes;
      HrLayerRecord *record = hr_layer_record_new (i, klass, hr_tuning_get_group (stack->tuning, i),
                                                   i == 0 ? HR_PLACE_FIRST : HR_PLACE_BETWEEN,
                                                   hr_value_needs_gradient (stack->variables.hidden),
                                                   HR_CHECKPOINTING_NONE);

      g_ptr_array_add (records, record);
      hr_layer_record_run_forward (record, stack);
    }

  return records;
}

/*
 * hr_layer_record_differentiate_group:
 * @self: the record of the first layer of a group that is computed anew at once
 * @stack: the stack that the layers are in
 * @first: the first layer
 * @last: the last layer
 * @gradient: (transfer full): the gradient of the last layer’s output
 *
 * Runs the backward pass of layers of which the input of the first is kept alone: all of them are computed anew, and
 * what comes out of them and the gradient of that stay until a backward pass of their own is over (CheckpointFunction
 * of megatron/core/tensor_parallel/random.py).
 *
 * Returns: (transfer full): the gradient of the first layer’s input
 */
HrValue
hr_layer_record_differentiate_group (HrLayerRecord   *self,
                                     HrTrainingStack *stack,
                                     guint            first,
                                     guint            last,
                                     HrValue          gradient)
{
  HrReplay *replay = stack->replay;
  HrKeptLayers *kept_layers = g_steal_pointer (&replay->kept_layers);
  HrValue outer = hr_replay_hold (replay, gradient);
  g_autoptr (GPtrArray) records = NULL;
  HrStretch stretch;
  HrValue input;

  hr_replay_begin (replay, &stretch, NULL, first);
  if (self->chunk.storage >= 0)
    gather_input (self, replay);
  replay->sentence = N_("in the backward pass, while a layer is computed anew");
  input = stack->variables.hidden = self->input;
  hr_replay_hold (replay, input);
  hr_replay_end (replay);
  records = run_group_forward (stack, first, last);
  for (guint i = last + 1; i-- > first; )
    gradient = hr_layer_record_run_backward (g_ptr_array_index (records, i - first), stack, i, gradient);
  hr_replay_begin (replay, &stretch, NULL, first);
  hr_replay_drop (replay, stack->variables.hidden);
  stack->variables.hidden = HR_NO_VALUE;
  hr_replay_drop (replay, outer);
  hr_replay_drop (replay, input);
  hr_replay_end (replay);
  for (guint i = 0; i < records->len; i++)
    hr_layer_record_free (g_ptr_array_index (records, i), replay);
  replay->kept_layers = kept_layers;

  return gradient;
}

/*
 * Whether no other layer is gathered for the backward pass: FullyShardedDataParallel passes by those that are not
 * differentiated (_needs_pre_backward_unshard of torch/distributed/fsdp/_runtime_utils.py), fully_shard does not.
 */
static gboolean
is_gathered_last (const HrLayerRecord *self,
                  const HrReplay      *replay,
                  guint                layer)
{
  return layer == 0 || (replay->sharding != NULL && replay->sharding->is_flat && !self->needs_gradient);
}

/*
 * hr_layer_record_run_backward:
 * @self: a record, of which the forward pass has run
 * @stack: the stack that the layer is in
 * @layer: the index of the layer, which does the same as the one that was recorded
 * @gradient: (transfer full): the gradient of its output
 *
 * Runs the backward pass.
 *
 * Returns: (transfer full): the gradient of its input
 */
HrValue
hr_layer_record_run_backward (HrLayerRecord   *self,
                              HrTrainingStack *stack,
                              guint            layer,
                              HrValue          gradient)
{
  HrReplay *replay = stack->replay;
  guint64 waiting = get_waiting_bytes (replay);

  set_layer_symbols (stack, layer);
  hr_replay_begin (replay, &self->backward, NULL, layer);
  if (self->heap != NULL)
    hr_layer_heap_begin_backward (self->heap, replay, gradient);
  if (self->chunk.storage >= 0)
    gather_input (self, replay);
  hr_sharding_enter_layer (replay, stack->pass.stack, layer);
  hr_sharding_gather (replay, HR_SHARDED_LAYER);
  hr_sharding_gather_ahead (replay, is_gathered_last (self, replay, layer),
                            self->checkpointing != HR_CHECKPOINTING_REENTRANT, self->units);
  hr_sharding_enter (replay, HR_SHARDED_LAYER);
  if (self->checkpointing == HR_CHECKPOINTING_REENTRANT)
    gradient = differentiate_reentrant (self, stack, layer, gradient);
  else
    gradient = differentiate_graph (self, stack, layer, gradient);
  if (self->kept != NULL)
    hr_operator_cache_clear (self->kept, replay);
  if (is_recomputed (self))
    hr_replay_drop (replay, self->input);
  hr_sharding_reduce (replay, HR_SHARDED_LAYER);
  if (self->heap != NULL)
    hr_layer_heap_end_backward (self->heap, replay, gradient);
  hr_replay_end (replay);
  balance_waiting (replay, &self->backward, waiting);
  if (self->is_repeated)
    hr_stretch_keep (&self->backward);
  self->backward_recorded = TRUE;

  return gradient;
}

/*
 * Classes with torch's layer norm have the first before their attention (GPT2Block of
 * transformers/models/gpt2/modeling_gpt2.py), others have norms behind their attention and their MLP (LlamaDecoderLayer
 * of transformers/models/llama/modeling_llama.py).
 */
static gboolean
norms_come_last (const HrLayerClass *klass)
{
  const HrBlock *norm = NULL;

  for (guint i = 0; i < klass->n_sublayers && norm == NULL; i++)
    {
      for (guint j = 0; j < klass->sublayers[i].n_branches && norm == NULL; j++)
        norm = hr_chain_find_block (&klass->sublayers[i].branches[j], HR_BLOCK_NORM);
    }

  return norm == NULL || norm->norm.kind != HR_NORM_LAYER;
}

/*
 * hr_layer_record_run_weights:
 * @self: a record, of which the gradients of inputs have been made
 * @stack: the stack that the layer is in
 * @layer: the index of the layer, which does the same as the one that was recorded
 *
 * Makes the gradients of the layer’s parameters.
 */
void
hr_layer_record_run_weights (HrLayerRecord   *self,
                             HrTrainingStack *stack,
                             guint            layer)
{
  const HrLayerClass *klass = hr_training_stack_get_class (stack, layer);
  HrValue last = HR_NO_VALUE;

  set_layer_symbols (stack, layer);
  hr_replay_begin (stack->replay, &self->of_weights, NULL, layer);
  stack->replay->sentence = N_("while the gradients of a layer’s weights are made, which have waited");
  hr_graph_run_weights (self->graph, stack->replay, norms_come_last (klass), &last);
  hr_replay_drop (stack->replay, last);
  hr_replay_end (stack->replay);
  if (self->is_repeated)
    hr_stretch_keep (&self->of_weights);
  self->weights_recorded = TRUE;
}
