/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-training-stack.h"

#include <string.h>

#include "hr-inference-cache.h"
#include "hr-kept-layers.h"
#include "hr-layer-record.h"
#include "hr-live-parameters.h"
#include "hr-replay-prompt.h"
#include "hr-reduction.h"
#include "hr-sharding-stacks.h"
#include "hr-tower.h"

/*
 * A stack in a step of training: its embeddings, its layers and what follows them, forwards and back. A layer of each
 * class is replayed; those that do the same to the level repeat it.
 */

static void
free_graph (HrGraph  *graph,
            HrReplay *replay)
{
  hr_graph_clear (graph, replay);
  hr_graph_free (graph);
}

/* HrSee: a tower runs to its end before what reads it goes on. */
static HrValue
see (const HrInference *pass,
     HrReplay          *replay,
     guint              index,
     HrPass            *outer,
     gpointer           user_data)
{
  HrTrainingStack *self = user_data;
  const HrTower *tower = &g_array_index (pass->towers, HrTower, index);
  HrKeptLayers *kept_layers = g_steal_pointer (&replay->kept_layers);
  HrTrainingStack *stack = g_new (HrTrainingStack, 1);
  HrCheckpointing checkpointing = self->recomputed;
  HrInference inner;

  if (tower->stack->is_never_recomputed)
    checkpointing = (HrCheckpointing) { .kind = HR_CHECKPOINTING_NONE };
  hr_tower_init_pass (tower, pass, &inner);
  hr_tower_set_symbols (tower, replay->symbols[HR_SYMBOL_HIDDEN], replay);
  hr_sharding_enter_stack (replay, tower->stack);
  hr_training_stack_init (stack, &inner, self->tuning, replay, checkpointing, FALSE);
  stack->recomputed = self->recomputed;
  hr_training_stack_run_forward (stack);
  hr_training_stack_note_symbols (stack);
  hr_sharding_enter_stack (replay, pass->stack);
  stack->before = self->before;
  self->before = stack;
  hr_tuning_choose_trained (self->tuning, replay, -1);
  hr_pass_take_over (outer, &stack->variables);
  self->towers[index] = stack;
  replay->kept_layers = kept_layers;

  return stack->output;
}

/*
 * hr_training_stack_init:
 * @self: (out): a stack
 * @pass: how it runs, with the stack of layers
 * @tuning: (nullable): what a method of fine-tuning does to the model
 * @replay: a tape
 * @checkpointing: what is computed anew in the backward pass
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
    .returns_layers = pass->returns_layers,
    .output = HR_NO_VALUE, .embedded = HR_NO_VALUE, .embeddings = hr_graph_new (), .final = hr_graph_new (),
    .records = g_ptr_array_new (), .record_of = g_new0 (guint, pass->n_layers),
  };
  self->pass.n_layers /= pass->stack->n_repeats;
  self->pass.returns_layers = FALSE;
  self->pass.see = see;
  self->pass.see_data = self;
  self->recomputed = checkpointing;
  for (guint i = 0; i < HR_N_SHARED; i++)
    self->shared[i] = self->gradients[i] = HR_NO_VALUE;
}

static HrLayerRecord *
get_record (HrTrainingStack *self,
            guint            layer)
{
  return g_ptr_array_index (self->records, self->record_of[layer]);
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
  free_graph (g_steal_pointer (&self->embeddings), self->replay);
  free_graph (g_steal_pointer (&self->final), self->replay);
  for (guint i = 0; i < self->n_handed_over; i++)
    free_graph (g_steal_pointer (&self->handed_over[i].graph), self->replay);
  for (guint i = 0; i < self->records->len; i++)
    hr_layer_record_free (g_ptr_array_index (self->records, i), self->replay);
  g_clear_pointer (&self->records, g_ptr_array_unref);
  g_clear_pointer (&self->record_of, g_free);
  g_clear_pointer (&self->symbols, g_free);
  g_clear_pointer (&self->variables.unused, g_ptr_array_unref);
  for (guint i = 0; i < G_N_ELEMENTS (self->towers) && self->towers[i] != NULL; i++)
    {
      hr_training_stack_clear (self->towers[i]);
      g_clear_pointer (&self->towers[i], g_free);
    }
}

/*
 * hr_training_stack_get_class:
 * @self: a stack
 * @layer: the index of a layer
 *
 * Gets the class of a layer, or of layers in a row that have the same parameters, which count as one.
 *
 * Returns: the class
 */
const HrLayerClass *
hr_training_stack_get_class (HrTrainingStack *self,
                             guint            layer)
{
  const HrStack *stack = self->pass.stack;

  return &stack->layer_classes[stack->layer_class_of[(self->pass.first_layer + layer) * stack->n_repeats]];
}

/* Whether layers share anything whose gradient comes from each of them. */
static gboolean
has_shared (HrTrainingStack *self)
{
  const HrAttention *attention = hr_pass_find_attention (&self->pass, FALSE);

  return self->pass.source.storage >= 0 || self->shared[HR_SHARED_DISTANCES].storage >= 0 ||
         (attention != NULL && hr_attention_is_relative (attention));
}

/* Whether a layer attends to what a tower has seen. */
static gboolean
is_crossing (HrTrainingStack *self,
             guint            layer)
{
  return hr_pass_crosses (&self->pass) &&
         hr_layer_class_get_cross_attention (hr_training_stack_get_class (self, layer)) != NULL;
}

/* Likewise, and whether none of those from @first to before @end does. */
static gboolean
is_only_crossing (HrTrainingStack *self,
                  guint            layer,
                  guint            first,
                  guint            end)
{
  if (!is_crossing (self, layer))
    return FALSE;

  for (guint i = first; i < end; i++)
    {
      if (is_crossing (self, i))
        return FALSE;
    }

  return TRUE;
}

static HrPlace
get_place (HrTrainingStack *self,
           guint            layer)
{
  if (layer == 0)
    return HR_PLACE_FIRST;
  /*
   * A gradient that was received stays where it is, and where gradients of weights come later, nothing holds what is
   * behind the last of its parameters.
   */
  if ((self->replay->received_gradient.storage >= 0 || self->replay->splits_backward) &&
      layer + 1 == self->pass.n_layers)
    return HR_PLACE_LAST;
  /* The last of those that attend to what was seen makes the first gradient of that. */
  if (is_only_crossing (self, layer, layer + 1, self->pass.n_layers))
    return HR_PLACE_LAST;
  if (is_only_crossing (self, layer, 0, layer))
    return HR_PLACE_LOWEST;

  /*
   * What the group before was reduced from is still there when the last layer is differentiated; Unsloth leaves its
   * input on the device.
   */
  return layer + 1 == self->pass.n_layers &&
             (has_shared (self) || self->replay->sharding != NULL || self->replay->reloaded.storage >= 0 ||
              hr_reduction_waits (self->replay->reduction))
           ? HR_PLACE_LAST
           : HR_PLACE_BETWEEN;
}

/* How many layers come before what is read: those behind it run as well. */
static guint
count_used (HrTrainingStack *self)
{
  guint64 layer = self->pass.tower != NULL ? self->pass.stack->feature_layer : 0;

  return layer > 0 ? MIN (layer, self->pass.n_layers) : self->pass.n_layers;
}

/* Behind the first layers of a decoder, or behind some of a tower, also when the variables have gone. */
static gboolean
hands_over (HrTrainingStack *self,
            guint            layer)
{
  return self->pass.tower == NULL ? layer < self->n_features
                                  : hr_pass_hands_over (&self->pass, &self->variables, layer);
}

/*
 * Whether each layer is to ask for what it makes: of those that do the same one can stand for all, unless what they
 * keep goes between the passes, or more of what is on the device goes with a layer than it was handed.
 */
static gboolean
replays_for_heap (HrTrainingStack *self)
{
  return self->replay->heap != NULL && (!self->replay->repeats_on_heap || self->replay->sharding != NULL ||
                                        self->keeps_cache || self->returns_layers);
}

/* Whether layers that are alike find something else on the device, or leave it there, or are computed anew together. */
static gboolean
replays_all (HrTrainingStack *self)
{
  return replays_for_heap (self) || self->replay->live != NULL || self->checkpointing.group > 1 ||
         hr_reduction_follows_layers (self->replay->reduction) ||
         !hr_sharding_are_alike (self->replay->sharding, self->pass.stack);
}

/* Whether others may do what a record says, or nobody has yet. */
static gboolean
is_repeatable (HrTrainingStack     *self,
               const HrLayerRecord *record)
{
  return self->replay->heap == NULL || record->heap != NULL || !record->recorded;
}

/* A layer that is passed by is not called, and so not through torch.utils.checkpoint either. */
static HrCheckpointingKind
get_checkpointing (HrTrainingStack *self,
                   guint            layer)
{
  if (hr_pass_passes_by (&self->variables, hr_training_stack_get_class (self, layer)))
    return HR_CHECKPOINTING_NONE;

  return hr_checkpointing_get_kind (&self->checkpointing, layer);
}

/*
 * Finds what a layer does the same as, or begins a new record: layers of a class that are tuned alike do the same to
 * the level. The first of all is replayed apart, and the first that a gradient is made in: none flows on from it.
 */
static HrLayerRecord *
find_record (HrTrainingStack *self,
             guint            layer)
{
  guint klass = hr_training_stack_get_class (self, layer) - self->pass.stack->layer_classes;
  guint group = hr_tuning_get_group (self->tuning, layer);
  HrPlace place = get_place (self, layer);
  gboolean needs_gradient = hr_value_needs_gradient (self->variables.hidden);
  HrCheckpointingKind checkpointing = get_checkpointing (self, layer);
  HrLayerRecord *record;

  for (guint i = 0; i < self->records->len && !replays_all (self) && layer < count_used (self); i++)
    {
      record = g_ptr_array_index (self->records, i);
      if (is_repeatable (self, record) && record->klass == klass && record->group == group && record->place == place &&
          record->needs_gradient == needs_gradient && record->checkpointing == checkpointing)
        {
          self->record_of[layer] = i;
          return record;
        }
    }

  self->record_of[layer] = self->records->len;
  record = hr_layer_record_new (layer, klass, group, place, needs_gradient, checkpointing);
  record->is_unused = layer >= count_used (self);
  record->is_repeated = !replays_all (self);
  /* What stands at an end is like no other. */
  if (self->replay->heap != NULL && record->is_repeated && place == HR_PLACE_BETWEEN)
    record->heap = hr_layer_heap_new ();
  record->is_inner = checkpointing != HR_CHECKPOINTING_NONE &&
                     hr_checkpointing_recomputes (&self->checkpointing, layer) &&
                     !hr_checkpointing_keeps_input (&self->checkpointing, layer);
  g_ptr_array_add (self->records, record);

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

/*
 * What a tower hands to the first layers of the decoder, and what these do with it, stand between layers, in graphs of
 * their own. What the layer has made is in the books of the next one, which keeps it as well.
 */
static void
hand_over (HrTrainingStack *self,
           guint            layer)
{
  HrReplay *replay = self->replay;
  HrPass *variables = &self->variables;
  HrHandedOver *part = &self->handed_over[self->n_handed_over];
  HrStretch stretch;

  hr_tuning_choose_trained (self->tuning, replay, -1);
  hr_replay_begin (replay, &stretch, NULL, -1);
  *part = (HrHandedOver) { .graph = hr_graph_new (), .output = HR_NO_VALUE, .gradient = HR_NO_VALUE };
  replay->graph = part->graph;
  part->input = hr_training_enter_graph (replay, variables->hidden, hr_value_needs_gradient (variables->hidden));
  if (self->pass.tower != NULL)
    {
      part->input.storage = hr_replay_adopt (replay, "hidden_states", replay->component, 0).storage;
      part->feature = hr_pass_make_feature (&self->pass, replay, part->input);
      hr_replay_drop (replay, part->input);
      variables->features[variables->n_features++] = part->feature;
    }
  else
    {
      HrValue feature = variables->features[self->n_handed_over];

      part->feature = hr_training_enter_graph (replay, feature, hr_value_needs_gradient (feature));
      part->output = hr_pass_add_feature (replay, part->input, part->feature, variables->joins[0].mask);
      hr_replay_assign (replay, &variables->hidden, part->output);
    }
  self->n_handed_over++;
  replay->graph = NULL;
  hr_replay_end (replay);
}

static void
run_layers_forward (HrTrainingStack *self)
{
  for (guint i = 0; i < self->pass.n_layers; )
    {
      HrLayerRecord *record = find_record (self, i);
      guint n = 1;

      if (i == count_used (self))
        self->variables.feature = hr_replay_hold (self->replay, self->variables.hidden);
      if (!record->recorded)
        {
          hr_layer_record_run_forward (record, self);
          if (record->is_unused)
            g_ptr_array_add (self->variables.unused, g_steal_pointer (&record->graph));
          if (hands_over (self, i))
            hand_over (self, i);
          i++;
          continue;
        }
      self->variables.hidden.node = record->output.node;
      while (i + n < self->pass.n_layers && !hands_over (self, i + n - 1) &&
             find_record (self, i + n) == record)
        n++;
      self->variables.n_left += n * record->n_left;
      hr_replay_repeat (self->replay, &record->forward, i, 1, n);
      if (record->heap != NULL)
        hr_layer_heap_repeat (record->heap, self->replay, self->variables.hidden, n);
      for (guint j = i; self->replay->kept_layers != NULL && j < i + n; j++)
        hr_kept_layers_repeat (self->replay->kept_layers, j, record->layer);
      i += n;
      if (hands_over (self, i - 1))
        hand_over (self, i - 1);
    }
  hr_tuning_choose_trained (self->tuning, self->replay, -1);
}

/* Whether the layer keeps what only those with a window, or only those without one, are given. */
static gboolean
uses_shared (HrTrainingStack *self,
             guint            layer,
             gboolean         sliding,
             gboolean         is_rotation)
{
  const HrAttention *attention = hr_layer_class_get_attention (hr_training_stack_get_class (self, layer));
  gboolean own = attention != NULL && attention->sliding_window > 0 && (!is_rotation || attention->own_rotary);

  /* Nothing that is rotated in the first layer needs a gradient where only what is in the caches does. */
  if (is_rotation && hr_tuning_get_n_cached (self->tuning) > 0 && !get_record (self, layer)->needs_gradient)
    return FALSE;

  /* A mixer has another mask, and rotates nothing; under checkpointing it is given the tables nevertheless. */
  if (attention == NULL && (!is_rotation || !hr_checkpointing_recomputes (&self->checkpointing, layer)))
    return FALSE;

  /* A layer that does not rotate keeps none of the tables that it is called with. */
  if (is_rotation && attention != NULL && !hr_checkpointing_recomputes (&self->checkpointing, layer) &&
      (attention->position == HR_POSITION_NONE || attention->position == HR_POSITION_ALIBI))
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

  attention = hr_layer_class_get_attention (hr_training_stack_get_class (self, layer));

  return attention != NULL && (attention->position == HR_POSITION_ROTARY_SECTIONS ||
                               attention->position == HR_POSITION_ROTARY_PAIRS ||
                               attention->position == HR_POSITION_ROTARY_FP32_PAIRS);
}

static void
hold_until (HrTrainingStack *self,
            HrValue          value,
            guint            layer)
{
  self->held[self->n_held++] = (HrHeldValue) { .value = hr_replay_hold (self->replay, value), .layer = layer };
}

static gboolean
has_axes (HrTrainingStack *self)
{
  const HrAttention *attention = hr_layer_class_get_attention (hr_training_stack_get_class (self, 0));

  return attention != NULL && (attention->position == HR_POSITION_ROTARY_SECTIONS ||
                               (attention->rotary_axes && self->variables.n_joins > 0));
}

/* The first layer that keeps what it is called with, or what it makes of the angles. */
static guint
find_user (HrTrainingStack *self,
           gboolean         sliding,
           gboolean         is_rotation)
{
  for (guint i = 0; i < self->pass.n_layers; i++)
    {
      /* Compiled attention keeps the mask as it is shared, and one that is computed anew what it was called with. */
      gboolean keeps_mask = self->replay->compiles ||
                            hr_checkpointing_get_kind (&self->checkpointing, i) == HR_CHECKPOINTING_ATTENTION;
      gboolean keeps_all = hr_checkpointing_recomputes (&self->checkpointing, i) || (keeps_mask && !is_rotation);

      if ((keeps_all || (is_rotation && !self->replay->offloads)) && uses_shared (self, i, sliding, is_rotation) &&
          (keeps_all || !spreads_rotation (self, i)))
        return i;
    }

  return self->pass.n_layers;
}

static gboolean
embeds_inside (HrTrainingStack *self)
{
  return self->pass.stack->role == HR_STACK_ENCODER && self->pass.stack->embeds == HR_EMBEDS_INSIDE;
}

/*
 * Layers behind an encoder are not called with the positions, nor those of an encoder that embeds tokens itself
 * (BartEncoder), nor those of a decoder that stands behind one in its whole model (BartDecoder), nor those whose
 * positions have three axes (Qwen2VLTextModel).
 */
static gboolean
passes_positions (HrTrainingStack *self)
{
  const HrBlock *position = hr_chain_find_block (&self->pass.stack->embeddings, HR_BLOCK_POSITION_EMBEDDING);

  return self->pass.encoder == NULL && !embeds_inside (self) && !has_axes (self) &&
         self->shared[HR_SHARED_DISTANCES].storage < 0 &&
         (position == NULL || position->position_embedding.ones == HR_ONES_NONE);
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
  gboolean recomputes = hr_checkpointing_recomputes_layers (&self->checkpointing);
  guint first = 0;

  for (guint i = 0; i < 2; i++)
    {
      guint rotated = find_user (self, i, TRUE);
      guint masked = find_user (self, i, FALSE);

      /* Layers that are given a copy hold that, and one that is computed anew what it was called with. */
      if (rotated < self->pass.n_layers && (recomputes || !hr_sharding_casts_input (self->replay, variables->cos[i])))
        {
          hold_until (self, variables->cos[i], rotated);
          hold_until (self, variables->sin[i], rotated);
          /* The first layer is like no other, so that what it keeps goes when it has rotated, not when it ends. */
          for (guint j = self->n_held - 2; rotated == 0 && j < self->n_held; j++)
            self->held[j].is_kept = !hr_checkpointing_recomputes (&self->checkpointing, 0);
        }
      if (masked < self->pass.n_layers)
        hold_until (self, i == 0 ? variables->full_mask : variables->sliding_mask, masked);
    }
  /* Attention functions are called with them, and leave them alone. */
  if (self->checkpointing.kind == HR_CHECKPOINTING_ATTENTION && !has_axes (self))
    hold_until (self, variables->position_ids, 0);
  if (!recomputes)
    return;

  while (first < self->pass.n_layers && !hr_checkpointing_recomputes (&self->checkpointing, first))
    first++;
  if (passes_positions (self))
    hold_until (self, variables->position_ids, first);
  hold_until (self, variables->alibi, first);
  hold_until (self, forward->source_mask, first);
  hold_until (self, forward->source_rows, first);
  hold_until (self, forward->source, first);
  hold_until (self, forward->source_bias, first);
  hold_until (self, forward->distances, first);
  hold_until (self, forward->distance_ids, first);
  /* The first layer makes it, and is not given it. */
  hold_until (self, forward->position_bias, MAX (first, 1));
  self->variables.keeps_stored = TRUE;
  self->first_recomputed = first;
}

/* The keys and values that all layers are called with, and the graphs that have made them anew. */
static void
drop_stored (HrTrainingStack *self)
{
  hr_pass_drop_stored (self->replay, &self->variables);
  for (guint i = 0; self->retained != NULL && i < self->retained->len; i++)
    hr_replay_drop (self->replay, g_array_index (self->retained, HrValue, i));
  g_clear_pointer (&self->retained, g_array_unref);
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
  if (self->variables.keeps_stored && layer <= self->first_recomputed)
    drop_stored (self);
}

/* Leaves to the first layer what its graph keeps. */
static void
leave_kept (HrTrainingStack *self)
{
  for (guint i = 0; i < self->n_held; i++)
    {
      if (!self->held[i].is_kept)
        continue;

      hr_replay_drop (self->replay, self->held[i].value);
      self->held[i].value = HR_NO_VALUE;
    }
}

/* Whether something goes when the backward pass has left a layer. */
static gboolean
drops_shared (HrTrainingStack *self,
              guint            layer)
{
  for (guint i = 0; i < self->n_held; i++)
    {
      if (self->held[i].value.storage >= 0 && self->held[i].layer >= layer)
        return TRUE;
    }

  return FALSE;
}

/* How many layers do as a record says, from one of them down. */
static guint
count_repeated (HrTrainingStack     *self,
                const HrLayerRecord *record,
                guint                layer)
{
  guint n = 1;

  while (n <= layer && get_record (self, layer - n) == record && !drops_shared (self, layer - n + 1) &&
         !hands_over (self, layer - n))
    n++;

  return n;
}

/* Of a decoder: what was added gets a gradient of its own, which waits for its tower. */
static HrValue
take_addition_apart (HrTrainingStack *self,
                     HrHandedOver    *part,
                     HrValue          gradient)
{
  HrReplay *replay = self->replay;

  replay->sentence = N_("in the backward pass, while what inner layers of the tower have seen is taken apart");
  hr_graph_deliver (part->graph, replay, part->output, gradient);
  hr_graph_run_backward (part->graph, replay);
  gradient = hr_graph_take_gradient (part->graph, part->input);
  if (hr_value_needs_gradient (part->feature))
    self->towers[0]->handed_over[self->n_handed_over - 1].gradient =
      hr_graph_take_gradient (part->graph, part->feature);

  return gradient;
}

/* What comes of a state that was stacked with others is a view that nothing is added to in place. */
static HrValue
add_view (HrReplay     *replay,
          HrHandedOver *part,
          HrValue       gradient)
{
  HrValue view = part->gradient;
  HrValue sum;

  if (gradient.storage < 0)
    return view;

  sum = hr_op_make_gradient (replay, "add", hr_value_detach (part->input));
  hr_replay_drop (replay, gradient);
  hr_replay_drop (replay, view);

  return sum;
}

/* Of a tower: the gradient of what the decoder got is added to that of the layer behind. */
static HrValue
take_feature_back (HrTrainingStack *self,
                   HrHandedOver    *part,
                   HrValue          gradient)
{
  HrReplay *replay = self->replay;

  if (self->pass.stack->tower == HR_TOWER_TILES)
    return add_view (replay, part, gradient);

  HrValue input = hr_op_like (replay, "hidden_states", "hidden_states", hr_value_detach (part->input));

  replay->sentence = N_("in the backward pass of the merging of patches");
  if (gradient.storage >= 0)
    hr_graph_deliver (part->graph, replay, part->input, gradient);
  hr_graph_deliver (part->graph, replay, part->feature, part->gradient);
  hr_sharding_enter (replay, HR_SHARDED_ROOT);
  hr_graph_run_backward (part->graph, replay);
  hr_replay_drop (replay, input);

  return hr_graph_take_gradient (part->graph, part->input);
}

static HrValue
take_back (HrTrainingStack *self,
           HrValue          gradient)
{
  HrHandedOver *part = &self->handed_over[self->n_handed_over - 1];
  HrStretch stretch;

  hr_replay_begin (self->replay, &stretch, NULL, -1);
  if (self->pass.tower == NULL && hr_value_needs_gradient (part->output))
    gradient = take_addition_apart (self, part, gradient);
  else if (self->pass.tower != NULL && part->gradient.storage >= 0)
    gradient = take_feature_back (self, part, gradient);
  free_graph (g_steal_pointer (&part->graph), self->replay);
  self->n_handed_over--;
  hr_replay_end (self->replay);

  return gradient;
}

static HrValue
run_layers_backward (HrTrainingStack *self,
                     HrValue          gradient)
{
  for (guint i = count_used (self); i-- > 0; )
    {
      HrLayerRecord *record = get_record (self, i);

      if (self->n_handed_over > 0 && hands_over (self, i))
        gradient = take_back (self, gradient);
      /* No gradient is needed in a layer, nor in those before it, that has nothing which is trained. */
      if (!hr_value_needs_gradient (record->output))
        continue;
      if (self->checkpointing.group > 1)
        {
          guint first = i - i % self->checkpointing.group;

          gradient = hr_layer_record_differentiate_group (get_record (self, first), self, first, i, gradient);
          i = first;
        }
      else if (record->backward_recorded)
        {
          guint n = count_repeated (self, record, i);

          hr_replay_repeat (self->replay, &record->backward, i, -1, n);
          if (record->heap != NULL)
            hr_layer_heap_repeat_backward (record->heap, self->replay, gradient, n);
          i -= n - 1;
        }
      else
        {
          if (i == 0)
            leave_kept (self);
          gradient = hr_layer_record_run_backward (record, self, i, gradient);
        }
      hr_reduction_leave_last (self->replay);
      drop_shared (self, i);
    }

  return gradient;
}

typedef void (*ShardingFunc) (HrReplay       *replay,
                              HrShardedGroup  group);

/* What is done to a group of sharded parameters outside of the layers. */
static void
run_sharding (HrTrainingStack *self,
              ShardingFunc     func,
              HrShardedGroup   group)
{
  HrReplay *replay = self->replay;
  HrStretch stretch;

  /* What is around the layers of a tower is the root's. */
  if (replay->sharding == NULL || self->pass.tower != NULL)
    return;

  hr_replay_begin (replay, &stretch, NULL, -1);
  func (replay, group);
  hr_replay_end (replay);
}

/* Whether the last norm is gathered with the head; else it is the root's, and there from the beginning to the end. */
static gboolean
gathers_norm (const HrReplay *replay)
{
  return replay->sharding == NULL || !replay->sharding->is_norm_of_root;
}

/* Begins the function of the model without its head. */
static void
call_live (HrReplay *replay)
{
  HrStretch stretch;

  if (replay->live == NULL)
    return;

  hr_replay_begin (replay, &stretch, NULL, -1);
  hr_live_parameters_call (replay);
  hr_replay_end (replay);
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
  HrValue *read;

  run_sharding (self, hr_sharding_gather_root, HR_SHARDED_ROOT);
  /* Beside towers that is when tokens are looked up. */
  if (self->pass.towers == NULL)
    run_sharding (self, hr_sharding_gather, HR_SHARDED_EMBEDDING);
  call_live (replay);
  replay->graph = self->embeddings;
  hr_pass_begin (&self->pass, replay, variables,
                 self->pass.tower == NULL ? hr_tuning_get_n_cached (self->tuning) : 0, self->pass.prompt);
  if (self->pass.tower == NULL && self->pass.towers == NULL)
    hr_sharding_let_go (replay, HR_SHARDED_EMBEDDING);
  /* What a stage of a pipeline has received is a leaf, whose gradient it sends back. */
  if (self->pass.tower == NULL && !self->pass.has_inputs)
    variables->hidden = hr_autograd_boundary (replay, variables->hidden);
  self->embedded = variables->hidden;
  self->n_features = self->pass.tower == NULL ? variables->n_features : 0;
  if (self->pass.tower != NULL)
    variables->unused = g_ptr_array_new_with_free_func ((GDestroyNotify) hr_graph_free);
  variables->forward.checkpoints_attention = self->checkpointing.kind == HR_CHECKPOINTING_ATTENTION;
  replay->graph = NULL;

  if (variables->n_joins > 0 && variables->joins[0].crosses)
    self->pass.source = variables->forward.source;
  self->shared[HR_SHARED_SOURCE] = self->pass.source;
  self->needs_gradient[HR_SHARED_SOURCE] = hr_value_needs_gradient (self->pass.source);
  self->shared[HR_SHARED_DISTANCES] = variables->forward.distances;
  self->needs_gradient[HR_SHARED_DISTANCES] = hr_value_needs_gradient (variables->forward.distances);
  run_layers_forward (self);
  hold_shared (self);
  if (gathers_norm (replay))
    run_sharding (self, hr_sharding_gather, HR_SHARDED_HEAD);

  replay->graph = self->final;
  read = variables->feature.storage >= 0 ? &variables->feature : &variables->hidden;
  for (guint i = 0; self->pass.tower != NULL && variables->n_joins > 0 && i < variables->n_features; i++)
    variables->features[i] = self->stacked[self->n_stacked++] =
      hr_training_enter_graph (replay, variables->features[i], hr_value_needs_gradient (variables->features[i]));
  self->final_input = *read = hr_training_enter_graph (replay, *read, hr_value_needs_gradient (*read));
  hr_pass_finish (&self->pass, replay, variables);
  hr_live_parameters_leave (replay, &variables->hidden);
  /* The norm is alone in its group, and its gradient has the last layer gathered. */
  if (replay->sharding != NULL && replay->sharding->is_head_of_root)
    hr_sharding_end_forward (replay, &variables->hidden);
  if (self->pass.has_head && (hr_pass_makes_scores (&self->pass) || hr_pass_has_long_head (&self->pass)))
    hr_pass_begin_head (&self->pass, replay, variables, TRUE);
  else if (self->pass.has_head)
    hr_pass_scale_output (&self->pass, replay, variables);
  self->output = variables->hidden;
  replay->graph = NULL;
  if (!gathers_norm (replay))
    run_sharding (self, hr_sharding_gather, HR_SHARDED_HEAD);
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
  if (replay->splits_backward)
    hr_graph_run_inputs (self->final, replay);
  else
    hr_graph_run_backward (self->final, replay);
  gradient = hr_graph_take_gradient (self->final, self->final_input);
  for (guint i = 0; i < self->n_stacked; i++)
    {
      if (hr_value_needs_gradient (self->stacked[i]))
        self->towers[0]->handed_over[i].gradient = hr_graph_take_gradient (self->final, self->stacked[i]);
    }
  if (!replay->splits_backward)
    hr_graph_clear (self->final, replay);
  hr_replay_end (replay);

  return gradient;
}

/*
 * hr_training_stack_note_symbols:
 * @self: a stack whose forward pass has run
 *
 * Remembers what the symbols stand for, for the backward pass of a tower, which comes when others have gone before.
 */
void
hr_training_stack_note_symbols (HrTrainingStack *self)
{
  self->symbols = g_memdup2 (self->replay->symbols, sizeof self->replay->symbols);
}

static void
run_tower_backward (HrTrainingStack *self,
                    HrValue          gradient)
{
  HrReplay *replay = self->replay;
  guint64 symbols[HR_N_SYMBOLS];
  HrValue no_table = HR_NO_VALUE;
  const HrStack *outer;

  memcpy (symbols, replay->symbols, sizeof symbols);
  memcpy (replay->symbols, self->symbols, sizeof symbols);
  replay->tower = self->pass.tower;
  outer = hr_sharding_enter_stack (replay, self->pass.stack);
  hr_training_stack_run_backward (self, gradient, &no_table, FALSE);
  memcpy (replay->symbols, symbols, sizeof symbols);
  hr_sharding_enter_stack (replay, outer);
}

/* The gradient of what layers attend to goes to the tower that has seen it, when nothing else is left to be done. */
static void
take_source_apart (HrTrainingStack *self)
{
  HrReplay *replay = self->replay;
  HrJoin *join = &self->variables.joins[0];
  HrValue gradient = self->gradients[HR_SHARED_SOURCE];
  HrValue seen = HR_NO_VALUE;
  HrStretch stretch;

  self->gradients[HR_SHARED_SOURCE] = HR_NO_VALUE;
  if (gradient.storage >= 0)
    {
      hr_replay_begin (replay, &stretch, NULL, -1);
      replay->sentence = N_("in the backward pass, while what was seen is taken from among the text");
      hr_graph_deliver (join->graph, replay, join->joined, gradient);
      hr_graph_run_backward (join->graph, replay);
      if (hr_value_needs_gradient (join->seen))
        seen = hr_graph_take_gradient (join->graph, join->seen);
      hr_replay_end (replay);
    }
  hr_graph_clear (join->graph, replay);
  g_clear_pointer (&join->graph, hr_graph_free);
  if (seen.storage >= 0)
    run_tower_backward (self->towers[0], seen);
}

static gboolean
crosses (HrTrainingStack *self)
{
  return self->variables.n_joins > 0 && self->variables.joins[0].crosses;
}

/* Takes what one tower has made from among the text. Returns the gradient of the text. */
static HrValue
take_join_apart (HrTrainingStack *self,
                 guint            index,
                 HrValue          top,
                 HrValue          gradient,
                 HrValue         *seen)
{
  HrReplay *replay = self->replay;
  HrJoin *join = &self->variables.joins[index];

  hr_graph_deliver (join->graph, replay, top, gradient);
  hr_graph_run_backward (join->graph, replay);
  gradient = hr_graph_take_gradient (join->graph, join->text);
  if (join->rows == NULL && hr_value_needs_gradient (join->seen))
    *seen = hr_graph_take_gradient (join->graph, join->seen);
  for (guint i = 0; join->rows != NULL && i < join->rows->len; i++)
    {
      HrJoinRow *row = &g_array_index (join->rows, HrJoinRow, i);

      row->gradient = hr_graph_take_gradient (join->graph, row->part);
    }
  hr_graph_clear (join->graph, replay);
  g_clear_pointer (&join->graph, hr_graph_free);

  return gradient;
}

/*
 * What was seen has been written among text that was embedded after it: the embedding has been differentiated, and the
 * gradients of all sequences are put together for the tower.
 */
static void
take_rows_apart (HrTrainingStack *self,
                 guint            index)
{
  HrReplay *replay = self->replay;
  HrJoin *join = &self->variables.joins[index];
  HrValue seen = HR_NO_VALUE;
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the backward pass, while what was seen is taken from among the text");
  if (hr_value_needs_gradient (join->seen))
    {
      for (guint i = 0; i < join->rows->len; i++)
        {
          HrJoinRow *row = &g_array_index (join->rows, HrJoinRow, i);

          hr_graph_deliver (join->cuts, replay, row->cut, row->gradient);
        }
      hr_graph_run_backward (join->cuts, replay);
      seen = hr_graph_take_gradient (join->cuts, join->seen);
    }
  hr_graph_clear (join->cuts, replay);
  g_clear_pointer (&join->cuts, hr_graph_free);
  g_clear_pointer (&join->rows, g_array_unref);
  hr_replay_end (replay);
  if (seen.storage >= 0)
    run_tower_backward (self->towers[index], seen);
}

/*
 * What was seen and what was heard were put among the same text, and mixed: the gradient of what was seen waits until
 * the tower of sounds has been differentiated, and so does that of the text, to which the other is added.
 */
static HrValue
take_blend_apart (HrTrainingStack *self,
                    HrValue          gradient)
{
  HrReplay *replay = self->replay;
  HrBlend *blend = &self->variables.blend;
  HrValue gradients[2], text = HR_NO_VALUE;
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the backward pass, while what was seen is taken from among the text");
  hr_graph_deliver (blend->graph, replay, blend->mixed, gradient);
  hr_graph_run_backward (blend->graph, replay);
  for (guint i = 0; i < G_N_ELEMENTS (gradients); i++)
    gradients[i] = hr_graph_take_gradient (blend->graph, blend->parts[i]);
  hr_graph_clear (blend->graph, replay);
  g_clear_pointer (&blend->graph, hr_graph_free);
  hr_replay_end (replay);

  for (guint i = self->variables.n_joins; i-- > 0; )
    {
      HrValue joined = self->variables.joins[i].joined;
      HrValue seen = HR_NO_VALUE, added = HR_NO_VALUE;

      hr_replay_begin (replay, &stretch, NULL, -1);
      replay->sentence = N_("in the backward pass, while what was seen is taken from among the text");
      if (gradients[i].storage >= 0)
        added = take_join_apart (self, i, joined, gradients[i], &seen);
      /* It is added to in place: nobody else holds it. */
      if (text.storage >= 0)
        hr_replay_drop (replay, added);
      else
        text = added;
      hr_replay_end (replay);
      if (seen.storage >= 0)
        run_tower_backward (self->towers[i], seen);
    }

  return text;
}

/*
 * What towers have seen was put among the text one after the other: the last is taken apart first, and its tower
 * differentiated before the rest.
 */
static HrValue
take_joins_apart (HrTrainingStack *self,
                  HrValue          gradient)
{
  HrReplay *replay = self->replay;
  HrPass *variables = &self->variables;

  for (guint i = variables->n_joins; i-- > 0; )
    {
      HrJoin *join = &variables->joins[i];
      HrValue top = i + 1 == variables->n_joins ? self->embedded : join->joined;
      HrValue seen = HR_NO_VALUE;
      HrStretch stretch;

      if (!hr_value_needs_gradient (top))
        {
          hr_graph_clear (join->graph, replay);
          g_clear_pointer (&join->graph, hr_graph_free);
          continue;
        }
      hr_replay_begin (replay, &stretch, NULL, -1);
      replay->sentence = N_("in the backward pass, while what was seen is taken from among the text");
      gradient = take_join_apart (self, i, top, gradient, &seen);
      hr_replay_end (replay);
      if (seen.storage >= 0)
        run_tower_backward (self->towers[i], seen);
    }

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
  HrValue embedded = self->embedded;
  HrStretch stretch;

  if (self->variables.n_joins > 0 && !crosses (self))
    {
      gradient = self->variables.blend.is_there && hr_value_needs_gradient (self->embedded)
                   ? take_blend_apart (self, gradient)
                   : take_joins_apart (self, gradient);
      embedded = self->variables.text;
    }
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
  if (hr_value_needs_gradient (embedded))
    hr_graph_deliver (self->embeddings, replay, embedded, gradient);
  else
    hr_replay_drop (replay, gradient);
  if (self->gradients[HR_SHARED_DISTANCES].storage >= 0)
    {
      hr_graph_deliver (self->embeddings, replay, self->shared[HR_SHARED_DISTANCES],
                        self->gradients[HR_SHARED_DISTANCES]);
      self->gradients[HR_SHARED_DISTANCES] = HR_NO_VALUE;
    }
  if (self->pass.tower == NULL && hr_value_needs_gradient (embedded))
    {
      hr_sharding_gather (replay, HR_SHARDED_EMBEDDING);
      hr_sharding_gather_behind (replay);
      hr_sharding_enter (replay, HR_SHARDED_EMBEDDING);
      replay->sentence = N_("in the backward pass of the embedding");
    }
  if (hr_value_needs_gradient (self->variables.prefix))
    hr_graph_deliver (self->embeddings, replay, self->variables.prefix,
                      hr_replay_prefix_gradient (replay, get_record (self, 0)->past_bytes, self->pass.n_layers));
  hr_graph_run_backward (self->embeddings, replay);
  if (self->pass.tower == NULL && !self->pass.has_inputs)
    hr_replay_drop (replay, hr_graph_take_gradient (self->embeddings, embedded));
  if (is_trained && hands_table_on)
    *table_gradient = hr_graph_take_gradient (self->embeddings, table);
  /* A leaf that a hook has made, and its gradient, stay while an encoder, or what comes before a tower, is. */
  if (self->pass.encoder == NULL && self->pass.tower == NULL)
    hr_graph_clear (self->embeddings, replay);
  hr_replay_end (replay);
  if (crosses (self))
    take_source_apart (self);
  for (guint i = self->variables.n_joins; i-- > 0; )
    {
      if (self->variables.joins[i].rows != NULL)
        take_rows_apart (self, i);
    }
}

/* Whether accelerate has fully_shard make groups, all that is in none of which is the root's. */
static gboolean
has_root (const HrReplay *replay)
{
  return replay->sharding != NULL && !replay->sharding->is_flat && replay->sharding->n_stacks > 0;
}

/*
 * The stack whose layers are differentiated next: a tower that has run before, and that a gradient flows to.
 * fully_shard has that gathered which has run before, whether one does or not.
 */
static const HrStack *
find_behind (HrTrainingStack *self)
{
  if (has_root (self->replay))
    return self->before != NULL ? self->before->pass.stack : NULL;

  for (HrTrainingStack *tower = self->before; tower != NULL; tower = tower->before)
    {
      if (hr_value_needs_gradient (tower->output))
        return tower->pass.stack;
    }

  return NULL;
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
  if (!gathers_norm (self->replay))
    {
      if (!self->replay->sharding->is_tied)
        run_sharding (self, hr_sharding_reduce, HR_SHARDED_HEAD);
      hr_sharding_enter (self->replay, HR_SHARDED_ROOT);
    }
  else if (self->pass.tower == NULL)
    {
      hr_sharding_enter (self->replay, HR_SHARDED_HEAD);
    }
  gradient = run_final_backward (self, gradient);
  if (self->replay->sharding != NULL && !self->replay->sharding->is_tied && gathers_norm (self->replay))
    run_sharding (self, hr_sharding_reduce, HR_SHARDED_HEAD);
  hr_sharding_await_stack (self->replay, find_behind (self));
  gradient = run_layers_backward (self, gradient);
  hr_sharding_enter (self->replay, HR_SHARDED_ROOT);
  run_embeddings_backward (self, gradient, table_gradient, hands_table_on);
  /* _root_post_backward_final_callback of _fsdp_state.py begins with the root. */
  if (has_root (self->replay))
    run_sharding (self, hr_sharding_reduce, HR_SHARDED_ROOT);
  run_sharding (self, hr_sharding_reduce, HR_SHARDED_EMBEDDING);
}

/*
 * hr_training_stack_run_weights:
 * @self: a stack, of which the gradients of inputs have been made
 *
 * Makes the gradients of its parameters, in their order.
 */
void
hr_training_stack_run_weights (HrTrainingStack *self)
{
  HrReplay *replay = self->replay;
  HrValue last = HR_NO_VALUE;
  HrStretch stretch;

  for (guint i = 0; i < self->pass.n_layers; )
    {
      HrLayerRecord *record = get_record (self, i);
      guint n = 1;

      if (!record->weights_recorded)
        {
          hr_layer_record_run_weights (record, self, i++);
          continue;
        }
      while (i + n < self->pass.n_layers && get_record (self, i + n) == record)
        n++;
      hr_replay_repeat (replay, &record->of_weights, i, 1, n);
      i += n;
    }
  hr_replay_begin (replay, &stretch, NULL, -1);
  hr_graph_run_weights (self->final, replay, FALSE, &last);
  hr_replay_drop (replay, last);
  hr_replay_end (replay);
}

/*
 * hr_training_stack_release_unreached:
 * @self: a stack without a norm or a head behind its layers, of which the gradients of inputs have been made
 *
 * Lets go of what is held behind the last of its parameters.
 */
void
hr_training_stack_release_unreached (HrTrainingStack *self)
{
  HrLayerRecord *record = get_record (self, self->pass.n_layers - 1);

  hr_graph_release_unreached (record->graph, self->replay);
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

/* Lets go of what all layers of a record hold; what autograd keeps as well stays. */
static void
drop_of_layers (HrTrainingStack *self,
                HrValue          value,
                guint            n_layers)
{
  const HrStorage *storage = &self->replay->storages[value.storage];

  if (storage->references == 1)
    {
      if (storage->component == HR_COMPONENT_ACTIVATIONS)
        self->replay->ledger.live.activations[storage->growth] -= (n_layers - 1) * storage->bytes;
      hr_ledger_remove (&self->replay->ledger, storage->component, (n_layers - 1) * storage->bytes);
    }
  hr_replay_drop (self->replay, value);
}

/* A layer's cache that keeps a window alone has its length as a number (DynamicSlidingWindowLayer). */
static void
drop_window (HrTrainingStack     *self,
             const HrLayerRecord *record,
             guint                n_layers)
{
  const HrAttention *attention = hr_layer_class_get_attention (&self->pass.stack->layer_classes[record->klass]);

  if (!self->keeps_cache || hr_tuning_get_n_cached (self->tuning) > 0 || attention == NULL ||
      attention->sliding_window == 0 || attention->cached_whole)
    return;

  for (guint i = 0; i < n_layers; i++)
    hr_replay_drop (self->replay, hr_replay_adopt (self->replay, "sliding_window", HR_COMPONENT_KV_CACHE,
                                                   hr_ledger_round (sizeof (gint64))));
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
      HrLayerRecord *record = g_ptr_array_index (self->records, i);

      drop_window (self, record, count_layers (self, i));
      for (guint j = 0; j < G_N_ELEMENTS (record->cache); j++)
        {
          if (record->cache[j].storage >= 0)
            drop_of_layers (self, record->cache[j], count_layers (self, i));
          record->cache[j] = HR_NO_VALUE;
        }
    }
  self->keeps_cache = FALSE;
}

/*
 * hr_training_stack_drop_returned:
 * @self: a stack
 *
 * Lets go of what went into each layer, which was returned with the result.
 */
void
hr_training_stack_drop_returned (HrTrainingStack *self)
{
  for (guint i = 0; i < self->records->len; i++)
    {
      HrLayerRecord *record = g_ptr_array_index (self->records, i);

      if (record->returned.storage >= 0)
        drop_of_layers (self, record->returned, count_layers (self, i));
      record->returned = HR_NO_VALUE;
    }
}

/*
 * hr_training_stack_drop_held:
 * @self: a stack whose backward pass has run
 *
 * Lets go of what functions have put away in their contexts: the loss goes, and the graphs of all layers with it.
 */
void
hr_training_stack_drop_held (HrTrainingStack *self)
{
  hr_graph_clear (self->embeddings, self->replay);
  for (guint i = 0; i < G_N_ELEMENTS (self->towers) && self->towers[i] != NULL; i++)
    hr_training_stack_drop_held (self->towers[i]);
  for (guint i = 0; i < self->records->len; i++)
    {
      HrLayerRecord *record = g_ptr_array_index (self->records, i);

      for (guint j = 0; record->held != NULL && j < record->held->len; j++)
        drop_of_layers (self, g_array_index (record->held, HrValue, j), count_layers (self, i));
      g_clear_pointer (&record->held, g_array_unref);
    }
}
