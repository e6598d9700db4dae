/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-inference-pass.h"

#include "hr-heap-script.h"
#include "hr-inference-cache.h"
#include "hr-live-parameters.h"
#include "hr-pass.h"
#include "hr-sharding-flat.h"
#include "hr-sharding-stacks.h"
#include "hr-tower.h"

typedef struct
{
  gboolean recorded[2];
  guint n_left[2];
  HrStretch stretch[2];
  HrHeapScript *script[2];    /* %NULL if layers cannot run it */
} ClassRecord;

/*
 * PipelineEngine of deepspeed/runtime/pipe/engine.py: a copy that a gradient comes back to (_exec_recv_activations),
 * which stays until that is sent, and a copy of it (_exec_forward_pass).
 */
static void
copy_received (HrReplay *replay,
               HrPass   *pass)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);

  hr_replay_leave (replay, hr_replay_make (replay, "clone", "recvd", HR_COMPONENT_COMMUNICATION, shape));
  pass->hidden = hr_op_like (replay, "clone", "inputs", shape);
}

/* What hooks of accelerate send to a device that is not the first. */
static void
receive (const HrInference *self,
         HrReplay          *replay,
         HrPass            *pass)
{
  const HrLayerClass *klass = &self->stack->layer_classes[0];
  gboolean is_fp32 = self->first_layer > 0 && klass->n_sublayers > 0 && klass->sublayers[0].residual_fp32;

  if (replay->received.storage >= 0)
    {
      if (replay->copies_received)
        copy_received (replay, pass);
      else
        pass->hidden = hr_replay_hold (replay, replay->received);
      hr_pass_count_received (self, replay, pass);
      return;
    }

  pass->hidden = hr_op_like (replay, "_to_copy", "hidden_states",
                             HR_SHAPE (is_fp32 ? HR_ELEMENT_FLOAT32 : replay->dtype, HR_SYMBOL_BATCH,
                                       replay->divides_sequence ? HR_SYMBOL_SEQUENCE_SHARE : HR_SYMBOL_SEQUENCE,
                                       HR_SYMBOL_HIDDEN));
  if (hr_pass_joins_embeddings (self))
    pass->forward.embeds = hr_op_like (replay, "_to_copy", "original_hidden_states", pass->hidden);
}

/*
 * hr_pass_begin:
 * @self: what is replayed
 * @replay: a tape
 * @pass: (out): the pass
 * @past: tokens of each sequence that have gone before
 * @sequence: tokens of each sequence that come now
 *
 * Replays what comes before the layers.
 */
void
hr_pass_begin (const HrInference *self,
               HrReplay          *replay,
               HrPass            *pass,
               guint64            past,
               guint64            sequence)
{
  HrStretch stretch;
  const HrBlock *token = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_TOKEN_EMBEDDING);

  replay->symbols[HR_SYMBOL_SEQUENCE] = sequence;
  replay->symbols[HR_SYMBOL_SOURCE] = self->source_length;
  replay->symbols[HR_SYMBOL_TARGET] = past + sequence;
  *pass = (HrPass) {
    .keeps_layers = self->stack->keeps_layers || self->returns_layers ||
                    (self->tower != NULL && self->stack->feature_layer > 0),
    .feature = HR_NO_VALUE,
    .table = HR_NO_VALUE, .head = HR_NO_VALUE, .prefix = HR_NO_VALUE,
    .inputs_embeds = HR_NO_VALUE, .position_embeds = HR_NO_VALUE, .position_ids = HR_NO_VALUE,
    .ones = HR_NO_VALUE, .current = HR_NO_VALUE, .blocks = HR_NO_VALUE, .outer_embeds = HR_NO_VALUE,
    .spread_masks = { HR_NO_VALUE, HR_NO_VALUE },
    .hidden = HR_NO_VALUE, .full_mask = HR_NO_VALUE, .sliding_mask = HR_NO_VALUE,
    .cos = { HR_NO_VALUE, HR_NO_VALUE }, .sin = { HR_NO_VALUE, HR_NO_VALUE }, .alibi = HR_NO_VALUE,
    .weights = HR_NO_VALUE, .outputs = HR_NO_VALUE, .pooled = HR_NO_VALUE,
    .forward = {
      .attention = self->attention, .use_cache = self->use_cache, .first = past == 0,
      .mask = HR_NO_VALUE, .cos = HR_NO_VALUE, .sin = HR_NO_VALUE,
      .old_keys = HR_NO_VALUE, .old_values = HR_NO_VALUE, .old_index_keys = HR_NO_VALUE,
      .chosen_keys = HR_NO_VALUE,
      .quantized_keys = HR_NO_VALUE, .quantized_values = HR_NO_VALUE, .cache_bits = self->cache_bits,
      .conv_state = HR_NO_VALUE, .recurrent_state = HR_NO_VALUE,
      .bidirectional = self->stack->role == HR_STACK_ENCODER || self->tower != NULL,
      .source = self->source, .source_length = self->source_length, .source_mask = HR_NO_VALUE,
      .own_source = HR_NO_VALUE, .source_rows = HR_NO_VALUE,
      .cross_keys = HR_NO_VALUE, .cross_values = HR_NO_VALUE,
      .stored_keys = { HR_NO_VALUE, HR_NO_VALUE }, .stored_values = { HR_NO_VALUE, HR_NO_VALUE },
      .position_bias = HR_NO_VALUE, .source_bias = HR_NO_VALUE, .embeds = HR_NO_VALUE,
      .distances = HR_NO_VALUE, .distance_ids = HR_NO_VALUE,
      .masked = self->mask != HR_ATTENTION_MASK_NONE && past == 0,
      .examples = self->examples,
      .padded = self->mask == HR_ATTENTION_MASK_PADDED,
      .keeps_past = self->stack->keeps_past,
    },
    .past = past,
  };

  hr_replay_begin (replay, &stretch, token != NULL ? token->path : NULL, -1);
  if (self->tower != NULL)
    {
      hr_tower_embed (self, replay, pass);
      hr_replay_end (replay);
      return;
    }
  if (hr_pass_crosses (self))
    hr_pass_cross (self, replay, pass);
  if (self->stack->role == HR_STACK_ENCODER)
    hr_pass_embed_source (self, replay, pass);
  else if (self->has_inputs)
    hr_pass_embed (self, replay, pass);
  else
    receive (self, replay, pass);
  hr_pass_make_masks (self, replay, pass);
  hr_pass_make_alibi (self, replay, pass);
  hr_pass_make_rotations (self, replay, pass);
  hr_pass_make_distances (self, replay, pass);
  hr_replay_end (replay);
}

/* Brings what the cache holds of a layer on the tape, and takes it from there again. */
static void
load_cache (const HrInference *self,
            HrReplay          *replay,
            HrPass            *pass,
            const HrAttention *attention)
{
  HrForward *forward = &pass->forward;
  guint64 tokens, bytes, value_bytes;

  if (!self->use_cache || pass->past == 0 || attention == NULL || attention->reuses_cache)
    return;

  tokens = hr_inference_get_stored_tokens (self, attention, pass->past);
  bytes = hr_inference_get_cached_bytes (self, attention, tokens, replay->dtype);
  value_bytes = hr_inference_get_cached_value_bytes (self, attention, tokens, replay->dtype);
  if (self->cache_bits > 0)
    {
      forward->quantized_keys = hr_replay_adopt (replay, "quantized keys", HR_COMPONENT_KV_CACHE, bytes);
      forward->quantized_values = hr_replay_adopt (replay, "quantized values", HR_COMPONENT_KV_CACHE, value_bytes);
      return;
    }

  forward->old_keys = hr_replay_adopt (replay, "old keys", HR_COMPONENT_KV_CACHE, bytes);
  if (value_bytes > 0)
    forward->old_values = hr_replay_adopt (replay, "old values", HR_COMPONENT_KV_CACHE, value_bytes);
  if (attention->index_num_heads > 0)
    forward->old_index_keys = hr_replay_adopt (replay, "old indexer keys", HR_COMPONENT_KV_CACHE,
                                               hr_inference_get_cached_index_bytes (self, attention, tokens,
                                                                                    replay->dtype));
}

/* Likewise for the keys and values of what the encoder made. */
static void
load_source_cache (const HrInference  *self,
                   HrReplay           *replay,
                   HrPass             *pass,
                   const HrLayerClass *klass)
{
  const HrAttention *attention = hr_layer_class_get_cross_attention (klass);
  guint64 bytes;

  if (!self->use_cache || pass->past == 0 || attention == NULL || self->source_length == 0)
    return;

  bytes = hr_inference_get_cached_bytes (self, attention, self->source_length, replay->dtype);
  pass->forward.cross_keys = hr_replay_adopt (replay, "cross keys", HR_COMPONENT_KV_CACHE, bytes);
  pass->forward.cross_values = hr_replay_adopt (replay, "cross values", HR_COMPONENT_KV_CACHE, bytes);
}

/* Likewise for what it holds of a sequence however long it is. */
static void
load_state (const HrInference  *self,
            HrReplay           *replay,
            HrPass             *pass,
            const HrLayerClass *klass)
{
  HrForward *forward = &pass->forward;
  HrBlockState state;

  forward->fp32_state = hr_layer_class_get_state (klass, &state) && state.fp32;
  if (!self->use_cache || pass->past == 0 || !hr_layer_class_get_state (klass, &state))
    return;

  forward->conv_state = hr_replay_adopt (replay, "conv_states", HR_COMPONENT_KV_CACHE,
                                         hr_inference_get_state_bytes (self, state.conv, replay->dtype));
  forward->recurrent_state = hr_replay_adopt (replay, "recurrent_states", HR_COMPONENT_KV_CACHE,
                                              hr_inference_get_state_bytes (self, state.recurrent,
                                                                            state.fp32 ? HR_ELEMENT_FLOAT32
                                                                                       : replay->dtype));
}

static void
store_cache (HrReplay *replay,
             HrPass   *pass)
{
  HrForward *forward = &pass->forward;
  HrValue *held[] = {
    &forward->old_keys, &forward->old_values, &forward->old_index_keys,
    &forward->quantized_keys, &forward->quantized_values,
    &forward->conv_state, &forward->recurrent_state, &forward->cross_keys, &forward->cross_values,
  };

  for (guint i = 0; i < G_N_ELEMENTS (held); i++)
    {
      hr_replay_leave (replay, *held[i]);
      *held[i] = HR_NO_VALUE;
    }
}

/* The stretches mean nothing before they are recorded. */
static void
record_init (ClassRecord *self)
{
  for (guint i = 0; i < 2; i++)
    {
      self->recorded[i] = FALSE;
      self->stretch[i].moment.storages = NULL;
      self->script[i] = NULL;
    }
}

static void
record_clear (ClassRecord *self)
{
  for (guint i = 0; i < 2; i++)
    {
      hr_stretch_clear (&self->stretch[i]);
      g_clear_pointer (&self->script[i], hr_heap_script_free);
    }
}

static void
replay_layer (const HrInference *self,
              HrReplay          *replay,
              HrPass            *pass,
              guint              index,
              HrStretch         *stretch)
{
  const HrLayerClass *klass = &self->stack->layer_classes[self->stack->layer_class_of[index]];
  const HrAttention *attention = hr_layer_class_get_attention (klass);

  hr_pass_set_class_symbols (self, replay, klass, pass);
  pass->forward.mask = attention != NULL && attention->sliding_window > 0 ? pass->sliding_mask : pass->full_mask;
  hr_pass_choose_rotation (pass, attention);
  hr_replay_begin (replay, stretch, NULL, index);
  hr_sharding_enter_layer (replay, self->stack, index);
  hr_sharding_gather (replay, HR_SHARDED_LAYER);
  load_cache (self, replay, pass, attention);
  load_source_cache (self, replay, pass, klass);
  load_state (self, replay, pass, klass);
  hr_live_parameters_begin_layer (replay, self->stack->role * HR_LIVE_MAX_LAYERS + index, FALSE);
  hr_live_parameters_call (replay);
  hr_pass_run_layer (replay, pass, klass);
  hr_live_parameters_leave (replay, &pass->hidden);
  hr_live_parameters_end_layer (replay);
  store_cache (replay, pass);
  hr_sharding_let_go (replay, HR_SHARDED_LAYER);
  hr_replay_end (replay);
}

/* Layers of one class in a row, behind none of which but the last something is handed over. */
static guint
count_run (const HrInference *self,
           const HrPass      *pass,
           guint              first)
{
  guint last = self->first_layer + self->n_layers;
  guint i = first + 1;

  while (i < last && self->stack->layer_class_of[i] == self->stack->layer_class_of[first] &&
         !hr_pass_hands_over (self, pass, i - 1))
    i++;

  return i - first;
}

static HrHeapBlock
get_block (HrReplay *replay,
           HrValue   value)
{
  return value.storage >= 0 ? replay->storages[value.storage].block : HR_NO_BLOCK;
}

/* Replays a layer, and notes what others of its class do after it. */
static void
record_layer (const HrInference *self,
              HrReplay          *replay,
              HrPass            *pass,
              guint              index,
              ClassRecord       *record,
              gboolean           later)
{
  HrHeapBlock input = get_block (replay, pass->hidden);
  g_autoptr (HrHeapScript) script = replay->heap != NULL ? hr_heap_script_new (&input, 1) : NULL;
  guint n_left = pass->n_left;

  if (script != NULL)
    hr_heap_set_script (replay->heap, script);
  hr_stretch_clear (&record->stretch[later]);
  replay_layer (self, replay, pass, index, &record->stretch[later]);
  hr_stretch_keep (&record->stretch[later]);
  record->n_left[later] = pass->n_left - n_left;
  record->recorded[later] = TRUE;
  if (script == NULL)
    return;

  hr_heap_set_script (replay->heap, NULL);
  if (hr_heap_script_end (script, get_block (replay, pass->hidden)) && hr_heap_script_get_n_kept (script) == 0)
    record->script[later] = g_steal_pointer (&script);
  else
    record->recorded[later] = FALSE;
}

/* What layers do as the one that was recorded did, from the present level. */
static void
repeat_layers (HrReplay          *replay,
               HrPass            *pass,
               guint              index,
               guint              count,
               const ClassRecord *record,
               gboolean           later)
{
  pass->n_left += count * record->n_left[later];
  hr_replay_repeat (replay, &record->stretch[later], index, 1, count);
  if (replay->heap == NULL)
    return;

  replay->storages[pass->hidden.storage].block = hr_heap_script_run (record->script[later], replay->heap,
                                                                     get_block (replay, pass->hidden), count);
}

/*
 * The layers: one of each class is replayed, the others do the same to the level. The first layer is apart, because its
 * input may be the very tensor that the model's function holds as the embeddings.
 */
static void
run_layers (const HrInference *self,
            HrReplay          *replay,
            HrPass            *pass)
{
  ClassRecord records[HR_INFERENCE_MAX_CLASSES];
  guint n_classes = MIN (self->stack->n_layer_classes, HR_INFERENCE_MAX_CLASSES);
  gboolean every_layer = self->every_layer || !hr_sharding_are_alike (replay->sharding, self->stack);

  for (guint i = 0; i < n_classes; i++)
    record_init (&records[i]);

  for (guint i = self->first_layer; i < self->first_layer + self->n_layers; i++)
    {
      guint klass = self->stack->layer_class_of[i];
      gboolean later = i > self->first_layer;
      HrStretch unshared;

      if (klass >= n_classes || every_layer)
        {
          replay_layer (self, replay, pass, i, &unshared);
        }
      else if (records[klass].recorded[later])
        {
          guint count = count_run (self, pass, i);

          repeat_layers (replay, pass, i, count, &records[klass], later);
          i += count - 1;
        }
      else
        {
          record_layer (self, replay, pass, i, &records[klass], later);
        }
      if (hr_pass_hands_over (self, pass, i))
        hr_pass_hand_over (self, replay, pass, i);
    }

  for (guint i = 0; i < n_classes; i++)
    record_clear (&records[i]);
}

/*
 * hr_inference_encode:
 * @self: what is replayed
 * @replay: a tape
 *
 * Replays the encoder, whose output is there as long as something is generated. In beam search it is repeated for each
 * beam.
 *
 * Returns: what the encoder makes
 */
HrValue
hr_inference_encode (const HrInference *self,
                     HrReplay          *replay)
{
  HrInference encoder = *self;
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SOURCE, HR_SYMBOL_HIDDEN);
  HrValue source;
  HrPass pass;

  encoder.stack = self->encoder;
  encoder.first_layer = 0;
  encoder.n_layers = self->encoder->n_layers;
  encoder.batch = self->batch / self->beams;
  encoder.use_cache = FALSE;
  encoder.has_inputs = encoder.has_norm = TRUE;
  replay->symbols[HR_SYMBOL_BATCH] = encoder.batch;
  hr_pass_begin (&encoder, replay, &pass, 0, self->source_length);
  run_layers (&encoder, replay, &pass);
  hr_pass_finish (&encoder, replay, &pass);
  replay->symbols[HR_SYMBOL_BATCH] = self->batch;

  source = pass.hidden;
  if (self->beams > 1)
    hr_replay_assign (replay, &source, hr_op_like (replay, "repeat_interleave", "encoder_hidden_states", shape));
  hr_replay_rename (replay, source, "encoder_hidden_states");
  shape.storage = source.storage;

  return shape;
}

static void
gather_around (HrReplay       *replay,
               HrShardedGroup  group)
{
  HrStretch stretch;

  if (replay->sharding == NULL)
    return;

  hr_replay_begin (replay, &stretch, NULL, -1);
  if (group == HR_SHARDED_EMBEDDING)
    hr_sharding_gather_root (replay, HR_SHARDED_ROOT);
  hr_sharding_gather (replay, group);
  hr_replay_end (replay);
}

/* HrSee: a tower runs to its end before the decoder goes on. */
static HrValue
see (const HrInference *self,
     HrReplay          *replay,
     guint              index,
     HrPass            *outer,
     gpointer           user_data)
{
  const HrTower *tower = &g_array_index (self->towers, HrTower, index);
  HrInference inner;
  HrPass pass;

  hr_tower_init_pass (tower, self, &inner);
  hr_tower_set_symbols (tower, replay->symbols[HR_SYMBOL_HIDDEN], replay);
  hr_pass_begin (&inner, replay, &pass, 0, tower->sequence);
  run_layers (&inner, replay, &pass);
  hr_pass_finish (&inner, replay, &pass);
  hr_pass_take_over (outer, &pass);

  return pass.hidden;
}

/*
 * hr_inference_drop_layers:
 * @self: what is replayed
 * @replay: a tape
 *
 * Lets go of what the model's function returned beside the logits, the inputs of all layers.
 */
void
hr_inference_drop_layers (const HrInference *self,
                          HrReplay          *replay)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  guint64 bytes = hr_ledger_round (hr_value_get_elements (shape, replay->symbols) *
                                   hr_element_get_bytes (replay->dtype));

  for (guint i = 0; i < self->n_layers; i++)
    hr_replay_drop (replay, hr_replay_adopt (replay, "all_hidden_states", HR_COMPONENT_ACTIVATIONS, bytes));
}

/*
 * hr_inference_drop_past:
 * @self: what is replayed
 * @replay: a tape
 * @past: tokens of each sequence that had gone before the step
 *
 * Lets go of what a cache that is a tuple held before a step: whoever generates holds it until the next one begins.
 */
void
hr_inference_drop_past (const HrInference *self,
                        HrReplay          *replay,
                        guint64            past)
{
  if (!self->stack->keeps_past || !self->use_cache)
    return;

  for (guint i = self->first_layer; i < self->first_layer + self->n_layers; i++)
    {
      const HrLayerClass *klass = &self->stack->layer_classes[self->stack->layer_class_of[i]];
      const HrAttention *attention = hr_layer_class_get_attention (klass);
      guint64 bytes[2];

      if (attention == NULL)
        continue;

      bytes[0] = hr_inference_get_cached_bytes (self, attention, past, replay->dtype);
      bytes[1] = hr_inference_get_cached_value_bytes (self, attention, past, replay->dtype);
      for (guint j = 0; j < G_N_ELEMENTS (bytes); j++)
        {
          if (bytes[j] > 0)
            hr_replay_drop (replay, hr_replay_adopt (replay, "past", HR_COMPONENT_TEMPORARY, bytes[j]));
        }
    }
}

/* Begins the function of the model, whose table of tokens may be sharded, and so may what is around the layers. */
static void
begin_pass (const HrInference *self,
            HrReplay          *replay,
            guint64            past,
            guint64            sequence,
            HrPass            *pass)
{
  HrInference seeing = *self;

  seeing.see = see;
  gather_around (replay, HR_SHARDED_EMBEDDING);
  hr_sharding_show_around (replay, TRUE);
  hr_pass_begin (&seeing, replay, pass, past, sequence);
  hr_sharding_show_around (replay, FALSE);
  hr_sharding_let_go (replay, HR_SHARDED_EMBEDDING);
}

static void
finish_pass (const HrInference *self,
             HrReplay          *replay,
             HrPass            *pass)
{
  gather_around (replay, HR_SHARDED_HEAD);
  hr_sharding_show_around (replay, TRUE);
  hr_pass_finish (self, replay, pass);
}

/*
 * hr_inference_run_layers:
 * @self: what is replayed
 * @replay: a tape
 * @past: tokens of each sequence that have gone before
 * @sequence: tokens of each sequence that come now
 * @pass: (out): the variables of the model's function
 *
 * Replays a call of the model up to its head.
 */
void
hr_inference_run_layers (const HrInference *self,
                         HrReplay          *replay,
                         guint64            past,
                         guint64            sequence,
                         HrPass            *pass)
{
  begin_pass (self, replay, past, sequence, pass);
  run_layers (self, replay, pass);
  finish_pass (self, replay, pass);
}

/*
 * hr_inference_end_pass:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the variables of the model's function
 *
 * Lets go of what these hold beside the logits, where the function returns, and of what was gathered last.
 */
void
hr_inference_end_pass (const HrInference *self,
                       HrReplay          *replay,
                       HrPass            *pass)
{
  hr_replay_assign (replay, &pass->outputs, HR_NO_VALUE);
  while (pass->n_beside > 0)
    hr_replay_drop (replay, pass->beside[--pass->n_beside]);
  if (pass->keeps_layers)
    hr_inference_drop_layers (self, replay);
  hr_sharding_show_around (replay, FALSE);
  hr_sharding_return (replay);
}

/*
 * hr_inference_run_pass:
 * @self: what is replayed
 * @replay: a tape
 * @past: tokens of each sequence that have gone before
 * @sequence: tokens of each sequence that come now
 * @flush: whether a quantized cache takes in what waited beside it
 *
 * Replays a call of the model: embeddings, layers, final norm, head.
 *
 * Returns: the logits
 */
HrValue
hr_inference_run_pass (const HrInference *self,
                       HrReplay          *replay,
                       guint64            past,
                       guint64            sequence,
                       gboolean           flush)
{
  gboolean prefill = past == 0 && replay->ledger.phase == HR_PHASE_PREFILL;
  HrValue logits;
  HrPass pass;

  begin_pass (self, replay, past, sequence, &pass);
  pass.forward.cache_flush = flush;
  run_layers (self, replay, &pass);
  finish_pass (self, replay, &pass);
  if (self->stack->role == HR_STACK_ENCODER)
    return hr_pass_run_tasks (self, replay, &pass);
  if (self->has_head && hr_pass_has_long_head (self))
    hr_pass_begin_head (self, replay, &pass, self->all_logits && prefill);
  if (prefill)
    hr_ledger_enter_phase (&replay->ledger, HR_PHASE_HEAD);

  logits = hr_pass_run_head (self, replay, &pass, self->all_logits && prefill);
  hr_inference_end_pass (self, replay, &pass);

  return logits;
}
