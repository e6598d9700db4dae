/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-stack.h"

#include "hr-inference-cache.h"
#include "hr-kept-layers.h"
#include "hr-replay-prompt.h"

/*
 * A stack in a step of training: its embeddings, its layers and what follows them, forwards and back. A layer of each
 * class is replayed; those that do the same to the level repeat it.
 */

static void
free_graph (HrTrainingStack *self,
            HrGraph        **graph)
{
  if (*graph == NULL)
    return;

  hr_graph_clear (*graph, self->replay);
  g_clear_pointer (graph, hr_graph_free);
}

/*
 * hr_training_stack_init:
 * @self: (out): a stack
 * @pass: how it runs, with the stack of layers
 * @tuning: (nullable): what a method of fine-tuning does to the model
 * @replay: a tape
 * @checkpointing: whether the layers are computed anew in the backward pass, and how
 * @keeps_cache: whether what the cache holds stays until hr_training_stack_drop_cache()
 *
 * Begins a micro-batch. The stack is to be cleared.
 */
void
hr_training_stack_init (HrTrainingStack   *self,
                        const HrInference *pass,
                        const HrTuning    *tuning,
                        HrReplay          *replay,
                        HrCheckpointing    checkpointing,
                        gboolean           keeps_cache)
{
  *self = (HrTrainingStack) {
    .pass = *pass, .tuning = tuning, .replay = replay, .checkpointing = checkpointing, .keeps_cache = keeps_cache,
    .output = HR_NO_VALUE, .embedded = HR_NO_VALUE, .embeddings = hr_graph_new (), .final = hr_graph_new (),
    .records = g_array_new (FALSE, TRUE, sizeof (HrLayerRecord)), .record_of = g_new0 (guint, pass->n_layers),
  };
  for (guint i = 0; i < HR_N_SHARED; i++)
    self->shared[i] = self->gradients[i] = HR_NO_VALUE;
}

static HrLayerRecord *
get_record (HrTrainingStack *self,
            guint            layer)
{
  return &g_array_index (self->records, HrLayerRecord, self->record_of[layer]);
}

/*
 * hr_training_stack_clear:
 * @self: a stack
 *
 * Lets go of what is left of a micro-batch.
 */
void
hr_training_stack_clear (HrTrainingStack *self)
{
  free_graph (self, &self->embeddings);
  free_graph (self, &self->final);
  for (guint i = 0; i < self->records->len; i++)
    free_graph (self, &g_array_index (self->records, HrLayerRecord, i).graph);
  g_clear_pointer (&self->records, g_array_unref);
  g_clear_pointer (&self->record_of, g_free);
}

static const HrLayerClass *
get_class (HrTrainingStack *self,
           guint            layer)
{
  return &self->pass.stack->layer_classes[self->pass.stack->layer_class_of[layer]];
}

/* Whether layers share anything whose gradient comes from each of them. */
static gboolean
has_shared (HrTrainingStack *self)
{
  const HrAttention *attention = hr_pass_find_attention (&self->pass, FALSE);

  return self->pass.source.storage >= 0 || (attention != NULL && attention->path == HR_ATTENTION_T5);
}

static HrPlace
get_place (HrTrainingStack *self,
           guint            layer)
{
  if (layer == 0)
    return HR_PLACE_FIRST;

  return layer + 1 == self->pass.n_layers && has_shared (self) ? HR_PLACE_LAST : HR_PLACE_BETWEEN;
}

/*
 * Finds what a layer does the same as, or begins a new record: layers of a class that are tuned alike do the same to
 * the level. The first of all is replayed apart, and the first that a gradient is made in: none flows on from it.
 */
static HrLayerRecord *
find_record (HrTrainingStack *self,
             guint            layer)
{
  guint klass = self->pass.stack->layer_class_of[layer];
  guint group = hr_tuning_get_group (self->tuning, layer);
  HrPlace place = get_place (self, layer);
  gboolean needs_gradient = hr_value_needs_gradient (self->variables.hidden);
  HrLayerRecord *record;

  for (guint i = 0; i < self->records->len; i++)
    {
      record = &g_array_index (self->records, HrLayerRecord, i);
      if (record->klass == klass && record->group == group && record->place == place &&
          record->needs_gradient == needs_gradient)
        {
          self->record_of[layer] = i;
          return record;
        }
    }

  /* A record is large: it is made where it stays. */
  self->record_of[layer] = self->records->len;
  g_array_set_size (self->records, self->records->len + 1);
  record = get_record (self, layer);
  record->layer = layer;
  record->klass = klass;
  record->group = group;
  record->place = place;
  record->needs_gradient = needs_gradient;

  return record;
}

/*
 * hr_training_enter_graph:
 * @replay: a tape, on which a new graph is recorded
 * @value: a tensor that comes into the graph
 * @needs_gradient: whether a gradient flows to it
 *
 * A gradient flows on from what comes into a graph if one flows to it.
 *
 * Returns: @value, with a node of the new graph or none
 */
HrValue
hr_training_enter_graph (HrReplay *replay,
                         HrValue   value,
                         gboolean  needs_gradient)
{
  return needs_gradient ? hr_autograd_boundary (replay, value) : hr_value_detach (value);
}

static HrValue *
get_shared_variable (HrTrainingStack *self,
                     HrShared         shared)
{
  HrForward *forward = &self->variables.forward;

  if (shared == HR_SHARED_SOURCE)
    return &forward->source;

  return shared == HR_SHARED_BIAS ? &forward->position_bias : &forward->source_bias;
}

static void
set_layer_symbols (HrTrainingStack *self,
                   guint            layer)
{
  hr_tuning_choose_trained (self->tuning, self->replay, layer);
  hr_pass_set_class_symbols (&self->pass, self->replay, get_class (self, layer), &self->variables);
}

/* What the cache holds is what autograd keeps as well; it stays longer where the outputs, with the cache, do. */
static void
store_cache (HrTrainingStack *self,
             HrLayerRecord   *record)
{
  HrForward *forward = &self->variables.forward;
  HrValue *held[] = { &forward->old_keys, &forward->old_values, &forward->cross_keys, &forward->cross_values };

  for (guint i = 0; i < G_N_ELEMENTS (held); i++)
    {
      record->cache[i] = *held[i];
      *held[i] = HR_NO_VALUE;
      if (self->keeps_cache)
        continue;
      hr_replay_drop (self->replay, record->cache[i]);
      record->cache[i] = HR_NO_VALUE;
    }
}

/* The keys and values of virtual tokens that the layer finds in its cache. */
static void
enter_past (HrTrainingStack *self,
            HrLayerRecord   *record)
{
  HrForward *forward = &self->variables.forward;
  HrValue *variables[] = { &forward->old_keys, &forward->old_values };

  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    {
      record->past[i] = HR_NO_VALUE;
      if (hr_tuning_get_n_cached (self->tuning) == 0)
        continue;
      record->past[i] =
        hr_autograd_boundary (self->replay, hr_replay_prefix_of_layer (self->replay, i == 0 ? "keys" : "values"));
      *variables[i] = record->past[i];
    }
}

/* Their gradients, views of those of all keys and values, stay until those of all layers are there. */
static void
leave_past (HrTrainingStack *self,
            HrLayerRecord   *record)
{
  for (guint i = 0; i < G_N_ELEMENTS (record->past); i++)
    {
      HrValue gradient = hr_graph_take_gradient (record->graph, record->past[i]);

      hr_replay_reassign_component (self->replay, gradient, HR_COMPONENT_TEMPORARY);
      record->past_bytes[i] = hr_replay_get_bytes (self->replay, gradient);
      hr_replay_leave (self->replay, gradient);
    }
}

static void
run_layer (HrTrainingStack *self,
           HrLayerRecord   *record,
           guint            layer)
{
  const HrLayerClass *klass = get_class (self, layer);
  const HrAttention *attention = hr_layer_class_get_attention (klass);
  HrPass *variables = &self->variables;

  variables->forward.mask =
    attention != NULL && attention->sliding_window > 0 ? variables->sliding_mask : variables->full_mask;
  hr_pass_choose_rotation (variables, attention);
  hr_pass_run_layer (self->replay, variables, klass);
  store_cache (self, record);
}

/* What layers share comes from outside of the layer's graph; the first layer makes what is not there yet. */
static void
enter_shared (HrTrainingStack *self,
              guint            layer,
              HrValue         *entered)
{
  for (guint i = 0; i < HR_N_SHARED; i++)
    {
      HrValue *variable = get_shared_variable (self, i);

      *variable = entered[i] = HR_NO_VALUE;
      if (i != HR_SHARED_SOURCE && layer == 0)
        continue;
      *variable = self->shared[i];
      if (self->shared[i].storage >= 0 && self->needs_gradient[i])
        *variable = entered[i] = hr_autograd_boundary (self->replay, self->shared[i]);
    }
}

/* The variables of the function hold what the first layer has made. */
static void
leave_shared (HrTrainingStack *self,
              HrLayerRecord   *record,
              guint            layer)
{
  for (guint i = 0; i < HR_N_SHARED; i++)
    {
      HrValue *variable = get_shared_variable (self, i);

      record->made[i] = HR_NO_VALUE;
      if (i != HR_SHARED_SOURCE && layer == 0)
        {
          record->made[i] = self->shared[i] = *variable;
          self->needs_gradient[i] = hr_value_needs_gradient (*variable);
        }
      *variable = self->shared[i];
    }
}

/*
 * The layer's graph, whose input is a boundary. Under checkpointing nothing is kept but the input; how far the layer
 * will have to be computed anew is counted (torch/utils/checkpoint.py).
 */
static void
run_layer_forward (HrTrainingStack *self,
                   HrLayerRecord   *record,
                   guint            layer)
{
  HrReplay *replay = self->replay;
  HrValue input = self->variables.hidden;
  guint n_made;

  set_layer_symbols (self, layer);
  hr_replay_begin (replay, &record->forward, NULL, layer);
  record->graph = replay->graph = hr_graph_new ();
  record->graph->only_counts = self->checkpointing != HR_CHECKPOINTING_NONE;
  if (self->checkpointing)
    hr_replay_hold (replay, input);
  record->input = self->variables.hidden = hr_training_enter_graph (replay, input, record->needs_gradient);
  enter_shared (self, layer, record->shared);
  enter_past (self, record);
  n_made = replay->n_made;
  run_layer (self, record, layer);
  record->n_needed = replay->n_needed - n_made;
  leave_shared (self, record, layer);
  record->output = self->variables.hidden;
  replay->graph = NULL;
  hr_replay_end (replay);
  if (replay->kept_layers != NULL)
    hr_kept_layers_add (replay->kept_layers, replay, &record->forward, layer, input, record->output);
  record->recorded = TRUE;
}

static void
run_layers_forward (HrTrainingStack *self)
{
  for (guint i = 0; i < self->pass.n_layers; i++)
    {
      HrLayerRecord *record = find_record (self, i);

      if (!record->recorded)
        {
          run_layer_forward (self, record, i);
          continue;
        }
      hr_replay_repeat (self->replay, &record->forward, i, 1, 1);
      if (self->replay->kept_layers != NULL)
        hr_kept_layers_repeat (self->replay->kept_layers, i, record->layer);
      self->variables.hidden.node = record->output.node;
    }
  hr_tuning_choose_trained (self->tuning, self->replay, -1);
}

/*
 * Computes a layer anew, when the first node of its graph asks for what was kept. That ends when the last tensor is
 * there that is needed (_StopRecomputationError in torch/utils/checkpoint.py).
 */
static void
recompute_layer (HrTrainingStack *self,
                 HrLayerRecord   *record,
                 guint            layer)
{
  HrReplay *replay = self->replay;
  g_autoptr (HrGraph) anew = hr_graph_new ();
  HrValue entered[HR_N_SHARED];

  replay->graph = anew;
  self->variables.hidden = hr_training_enter_graph (replay, hr_replay_hold (replay, record->input),
                                                    record->needs_gradient);
  enter_shared (self, layer, entered);
  hr_replay_limit (replay, record->n_needed);
  self->variables.weights = HR_NO_VALUE;
  run_layer (self, record, layer);
  hr_replay_limit (replay, G_MAXUINT);
  replay->graph = NULL;
  for (guint i = 0; i < HR_N_SHARED; i++)
    {
      if (i != HR_SHARED_SOURCE && layer == 0)
        hr_replay_drop (replay, *get_shared_variable (self, i));
    }
  hr_replay_drop (replay, self->variables.weights);
  hr_replay_drop (replay, self->variables.hidden);
  self->variables.weights = self->variables.hidden = HR_NO_VALUE;
  hr_graph_take_saved (record->graph, anew);
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
deliver_shared (HrTrainingStack *self,
                HrLayerRecord   *record)
{
  for (guint i = 0; i < HR_N_SHARED; i++)
    {
      HrValue target = hr_value_needs_gradient (record->made[i]) ? record->made[i] : record->shared[i];

      if (self->gradients[i].storage < 0 || !hr_value_needs_gradient (target))
        continue;
      hr_graph_deliver (record->graph, self->replay, target, self->gradients[i]);
      self->gradients[i] = HR_NO_VALUE;
    }
}

/* A leaf keeps its gradient: the zeros that stand for a bias of the encoder's output (T5Attention). */
static void
take_shared (HrTrainingStack *self,
             HrLayerRecord   *record)
{
  for (guint i = 0; i < HR_N_SHARED; i++)
    {
      if (hr_value_needs_gradient (record->shared[i]))
        self->gradients[i] = hr_graph_take_gradient (record->graph, record->shared[i]);
      else if (hr_value_needs_gradient (record->made[i]))
        self->gradients[i] = hr_graph_take_gradient (record->graph, record->made[i]);
    }
}

static HrValue
differentiate_graph (HrTrainingStack *self,
                     HrLayerRecord   *record,
                     guint            layer,
                     HrValue          gradient)
{
  HrReplay *replay = self->replay;

  replay->sentence = N_("in the backward pass of a layer");
  hr_graph_deliver (record->graph, replay, record->output, gradient);
  deliver_shared (self, record);
  if (self->checkpointing == HR_CHECKPOINTING_FULL)
    {
      hr_graph_run_until_saved (record->graph, replay);
      replay->sentence = N_("in the backward pass, while a layer is computed anew");
      recompute_layer (self, record, layer);
      replay->sentence = N_("in the backward pass of a layer");
    }
  hr_graph_run_backward (record->graph, replay);
  gradient = hr_graph_take_gradient (record->graph, record->input);
  take_shared (self, record);
  leave_past (self, record);
  hr_graph_clear (record->graph, replay);

  return gradient;
}

/* What the backward pass within has made of the gradients of what layers share is added to those of other layers. */
static void
add_shared (HrTrainingStack *self,
            HrLayerRecord   *record,
            HrGraph         *graph,
            const HrValue   *entered)
{
  deliver_shared (self, record);
  for (guint i = 0; i < HR_N_SHARED; i++)
    {
      HrValue gradient;

      if (!hr_value_needs_gradient (entered[i]))
        continue;
      gradient = hr_graph_take_gradient (graph, entered[i]);
      if (gradient.storage >= 0)
        hr_graph_deliver (record->graph, self->replay, record->shared[i], gradient);
    }
  take_shared (self, record);
}

/* The gradients of what the first layer has made anew; the variables that hold it go. */
static void
deliver_made (HrTrainingStack *self,
              HrGraph         *graph)
{
  for (guint i = HR_SHARED_BIAS; i < HR_N_SHARED; i++)
    {
      HrValue made = *get_shared_variable (self, i);

      if (self->gradients[i].storage >= 0 && hr_value_needs_gradient (made))
        hr_graph_deliver (graph, self->replay, made, self->gradients[i]);
      else
        hr_replay_drop (self->replay, self->gradients[i]);
      self->gradients[i] = HR_NO_VALUE;
      hr_replay_drop (self->replay, made);
    }
}

/*
 * CheckpointFunction.backward in torch/utils/checkpoint.py: the whole layer is computed anew, and what came out of it
 * and the gradient of that stay until a backward pass of its own is over.
 */
static HrValue
differentiate_reentrant (HrTrainingStack *self,
                         HrLayerRecord   *record,
                         guint            layer,
                         HrValue          gradient)
{
  HrReplay *replay = self->replay;
  HrGraph *graph = hr_graph_new ();
  HrValue entered[HR_N_SHARED];
  HrValue input, output, result;

  replay->sentence = N_("in the backward pass, while a layer is computed anew");
  replay->graph = graph;
  input = self->variables.hidden = hr_training_enter_graph (replay, hr_replay_hold (replay, record->input),
                                                            record->needs_gradient);
  enter_shared (self, layer, entered);
  run_layer (self, record, layer);
  output = self->variables.hidden;
  self->variables.hidden = HR_NO_VALUE;
  replay->graph = NULL;

  replay->sentence = N_("in the backward pass of a layer");
  hr_graph_deliver (graph, replay, output, hr_replay_hold (replay, gradient));
  if (layer == 0)
    deliver_made (self, graph);
  hr_graph_run_backward (graph, replay);
  result = hr_graph_take_gradient (graph, input);
  add_shared (self, record, graph, entered);
  hr_graph_clear (graph, replay);
  hr_replay_drop (replay, output);
  hr_replay_drop (replay, gradient);
  g_free (graph);

  return result;
}

static HrValue
run_layer_backward (HrTrainingStack *self,
                    HrLayerRecord   *record,
                    guint            layer,
                    HrValue          gradient)
{
  HrReplay *replay = self->replay;
  guint64 waiting = get_waiting_bytes (replay);

  set_layer_symbols (self, layer);
  hr_replay_begin (replay, &record->backward, NULL, layer);
  if (self->checkpointing == HR_CHECKPOINTING_REENTRANT)
    gradient = differentiate_reentrant (self, record, layer, gradient);
  else
    gradient = differentiate_graph (self, record, layer, gradient);
  if (self->checkpointing)
    hr_replay_drop (replay, record->input);
  hr_replay_end (replay);
  balance_waiting (replay, &record->backward, waiting);
  record->backward_recorded = TRUE;

  return gradient;
}

/* Whether the layer keeps what only those with a window, or only those without one, are given. */
static gboolean
uses_shared (HrTrainingStack *self,
             guint            layer,
             gboolean         sliding,
             gboolean         is_rotation)
{
  const HrAttention *attention = hr_layer_class_get_attention (get_class (self, layer));
  gboolean own = attention != NULL && attention->sliding_window > 0 && (!is_rotation || attention->own_rotary);

  /* Nothing that is rotated in the first layer needs a gradient where only what is in the caches does. */
  if (is_rotation && hr_tuning_get_n_cached (self->tuning) > 0 && !get_record (self, layer)->needs_gradient)
    return FALSE;

  return own == sliding && hr_value_needs_gradient (get_record (self, layer)->output);
}

/* Whether the layer makes angles of its own of those that are shared, and keeps these alone. */
static gboolean
spreads_rotation (HrTrainingStack *self,
                  guint            layer)
{
  const HrAttention *attention;

  if (layer >= self->pass.n_layers)
    return FALSE;

  attention = hr_layer_class_get_attention (get_class (self, layer));

  return attention != NULL && (attention->position == HR_POSITION_ROTARY_PAIRS ||
                               attention->position == HR_POSITION_ROTARY_FP32_PAIRS);
}

static void
hold_until (HrTrainingStack *self,
            HrValue          value,
            guint            layer)
{
  self->held[self->n_held].value = hr_replay_hold (self->replay, value);
  self->held[self->n_held++].layer = layer;
}

/*
 * The tables of rotations, and under checkpointing all that layers are called with, are held by what they keep: until
 * the first of the layers that use them is differentiated.
 */
static void
hold_shared (HrTrainingStack *self)
{
  const HrPass *variables = &self->variables;
  const HrForward *forward = &variables->forward;

  for (guint i = 0; i < 2; i++)
    {
      guint n_layers = self->pass.n_layers;
      guint rotated = 0, masked = 0;

      while (rotated < n_layers && !uses_shared (self, rotated, i, TRUE))
        rotated++;
      while (masked < n_layers && !uses_shared (self, masked, i, FALSE))
        masked++;
      if (self->checkpointing || (rotated < n_layers && !spreads_rotation (self, rotated)))
        {
          hold_until (self, variables->cos[i], rotated);
          hold_until (self, variables->sin[i], rotated);
        }
      if (self->checkpointing)
        hold_until (self, i == 0 ? variables->full_mask : variables->sliding_mask, masked);
    }
  if (!self->checkpointing)
    return;

  /* Layers behind an encoder are not called with it. */
  if (self->pass.encoder == NULL)
    hold_until (self, variables->position_ids, 0);
  hold_until (self, variables->alibi, 0);
  hold_until (self, forward->source_mask, 0);
  hold_until (self, forward->source, 0);
  hold_until (self, forward->source_bias, 0);
  /* The first layer makes it, and is not given it. */
  hold_until (self, forward->position_bias, 1);
}

/* Lets go of what no layer below @layer uses. */
static void
drop_shared (HrTrainingStack *self,
             guint            layer)
{
  for (guint i = 0; i < self->n_held; i++)
    {
      if (self->held[i].layer < layer)
        continue;

      hr_replay_drop (self->replay, self->held[i].value);
      self->held[i].value = HR_NO_VALUE;
    }
}

static HrValue
run_layers_backward (HrTrainingStack *self,
                     HrValue          gradient)
{
  for (guint i = self->pass.n_layers; i-- > 0; )
    {
      HrLayerRecord *record = get_record (self, i);

      /* No gradient is needed in a layer, nor in those before it, that has nothing which is trained. */
      if (!hr_value_needs_gradient (record->output))
        break;
      if (record->backward_recorded)
        hr_replay_repeat (self->replay, &record->backward, i, -1, 1);
      else
        gradient = run_layer_backward (self, record, i, gradient);
      drop_shared (self, i);
    }

  return gradient;
}

/*
 * hr_training_stack_run_forward:
 * @self: a stack
 *
 * Runs the forward pass. What it returns is in the variables of the function, its last norm included.
 */
void
hr_training_stack_run_forward (HrTrainingStack *self)
{
  HrReplay *replay = self->replay;
  HrPass *variables = &self->variables;

  replay->graph = self->embeddings;
  hr_pass_begin (&self->pass, replay, variables, hr_tuning_get_n_cached (self->tuning), self->pass.prompt);
  self->embedded = variables->hidden;
  replay->graph = NULL;

  self->shared[HR_SHARED_SOURCE] = self->pass.source;
  self->needs_gradient[HR_SHARED_SOURCE] = hr_value_needs_gradient (self->pass.source);
  run_layers_forward (self);
  hold_shared (self);

  replay->graph = self->final;
  self->final_input = variables->hidden =
    hr_training_enter_graph (replay, variables->hidden, hr_value_needs_gradient (variables->hidden));
  hr_pass_finish (&self->pass, replay, variables);
  if (self->pass.has_head && self->pass.stack->role == HR_STACK_ENCODER)
    hr_pass_prepare_tasks (&self->pass, replay, variables);
  else if (self->pass.has_head)
    hr_pass_scale_output (&self->pass, replay, variables);
  self->output = variables->hidden;
  replay->graph = NULL;
}

static HrValue
run_final_backward (HrTrainingStack *self,
                    HrValue          gradient)
{
  HrReplay *replay = self->replay;
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the backward pass of the final norm");
  hr_graph_deliver (self->final, replay, self->output, gradient);
  hr_graph_run_backward (self->final, replay);
  gradient = hr_graph_take_gradient (self->final, self->final_input);
  hr_graph_clear (self->final, replay);
  hr_replay_end (replay);

  return gradient;
}

/* The gradient of a table with several uses is not taken over before it has come from all of them. */
static void
run_embeddings_backward (HrTrainingStack *self,
                         HrValue          gradient,
                         HrValue         *table_gradient,
                         gboolean         hands_table_on)
{
  HrReplay *replay = self->replay;
  HrValue table = self->variables.table;
  gboolean is_trained = hr_value_needs_gradient (table);
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the backward pass of the embedding");
  if (is_trained && hands_table_on)
    self->embeddings->nodes[table.node].pending++;
  if (is_trained && table_gradient->storage >= 0)
    {
      self->embeddings->nodes[table.node].pending++;
      hr_graph_deliver (self->embeddings, replay, table, *table_gradient);
      *table_gradient = HR_NO_VALUE;
    }
  if (hr_value_needs_gradient (self->embedded))
    hr_graph_deliver (self->embeddings, replay, self->embedded, gradient);
  else
    hr_replay_drop (replay, gradient);
  if (hr_value_needs_gradient (self->variables.prefix))
    hr_graph_deliver (self->embeddings, replay, self->variables.prefix,
                      hr_replay_prefix_gradient (replay, get_record (self, 0)->past_bytes, self->pass.n_layers));
  hr_graph_run_backward (self->embeddings, replay);
  if (is_trained && hands_table_on)
    *table_gradient = hr_graph_take_gradient (self->embeddings, table);
  hr_graph_clear (self->embeddings, replay);
  hr_replay_end (replay);
}

/*
 * hr_training_stack_run_backward:
 * @self: a stack
 * @gradient: (transfer full): the gradient of what it made
 * @table_gradient: (inout): the gradient of the table of its embeddings that has come from elsewhere, or none
 * @hands_table_on: whether more of it comes from elsewhere later, so that it is not the parameter's yet
 *
 * Runs the backward pass, down to the embeddings.
 */
void
hr_training_stack_run_backward (HrTrainingStack *self,
                                HrValue          gradient,
                                HrValue         *table_gradient,
                                gboolean         hands_table_on)
{
  self->replay->symbols[HR_SYMBOL_SEQUENCE] = self->pass.prompt;
  self->replay->symbols[HR_SYMBOL_TARGET] = self->variables.past + self->pass.prompt;
  gradient = run_final_backward (self, gradient);
  gradient = run_layers_backward (self, gradient);
  run_embeddings_backward (self, gradient, table_gradient, hands_table_on);
}

/* How many layers do what a record says. */
static guint
count_layers (HrTrainingStack *self,
              guint            record)
{
  guint n = 0;

  for (guint i = 0; i < self->pass.n_layers; i++)
    n += self->record_of[i] == record;

  return n;
}

/* What autograd keeps as well stays. */
static void
drop_cached (HrTrainingStack *self,
             HrValue          value,
             guint            n_layers)
{
  const HrStorage *storage = &self->replay->storages[value.storage];

  if (storage->references == 1)
    hr_ledger_remove (&self->replay->ledger, storage->component, (n_layers - 1) * storage->bytes);
  hr_replay_drop (self->replay, value);
}

/*
 * hr_training_stack_drop_cache:
 * @self: a stack
 *
 * Lets go of what the cache of keys and values has held of all layers.
 */
void
hr_training_stack_drop_cache (HrTrainingStack *self)
{
  for (guint i = 0; i < self->records->len; i++)
    {
      HrLayerRecord *record = &g_array_index (self->records, HrLayerRecord, i);

      for (guint j = 0; j < G_N_ELEMENTS (record->cache); j++)
        {
          if (record->cache[j].storage >= 0)
            drop_cached (self, record->cache[j], count_layers (self, i));
          record->cache[j] = HR_NO_VALUE;
        }
    }
}
