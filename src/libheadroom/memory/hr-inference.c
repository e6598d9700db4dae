/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-inference.h"

#include "hr-inference-cache.h"
#include "hr-inference-pass.h"
#include "hr-pass.h"
#include "hr-replay-blocks.h"
#include "hr-tower.h"

/*
 * The timeline of a generation with transformers: the model is loaded, the prompts go through it (prefill), then one
 * token after the other (decode), each time with the functions of the model's own code.
 */

#define QUANTIZED_CACHE_RESIDUAL 128

/* Steps of decoding that are replayed on a heap: from then on caches only grow. */
#define HEAP_STEPS 16

/* What one token more adds to the scores that are handed out. */
static guint64
get_score_bytes (const HrInference *self,
                 const HrReplay    *replay)
{
  return self->keeps_scores
           ? hr_ledger_round (self->batch * replay->symbols[HR_SYMBOL_VOCABULARY] * sizeof (float))
           : 0;
}

/* The steps between those that are replayed change nothing but the cache, and what is handed out. */
static void
skip_to (const HrInference *self,
         HrReplay          *replay,
         guint64            past,
         guint64            steps)
{
  HrLevel before = replay->ledger.live;
  guint64 now = before.by_component[HR_COMPONENT_KV_CACHE];
  guint64 then = self->use_cache ? hr_inference_get_cache_level (self, past, replay->dtype) : now;

  hr_ledger_remove (&replay->ledger, HR_COMPONENT_KV_CACHE, now);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_KV_CACHE, then);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_LOGITS, steps * get_score_bytes (self, replay));
  if (replay->timeline != NULL && steps > 0)
    hr_timeline_skip (replay->timeline, &before, &replay->ledger.live, replay->ledger.phase, steps, self->n_layers);
}

/* A tensor of keys, or of values: the attention that it belongs to, and how many tokens it holds. */
typedef struct
{
  const HrAttention *attention;
  guint64 tokens;
  guint64 bytes;
} Cached;

static void
consider (const HrInference *self,
          const HrAttention *attention,
          guint64            tokens,
          HrElement          element,
          Cached            *largest)
{
  guint64 bytes = hr_inference_get_cached_bytes (self, attention, tokens, element);

  if (bytes > largest->bytes)
    *largest = (Cached) { attention, tokens, bytes };
}

/* The largest tensor of the caches of all layers; a quantized one is not put in order. */
static Cached
find_largest_cache (const HrInference *self,
                    HrElement          element,
                    guint64            past)
{
  Cached largest = { NULL, 0, 0 };

  if (!self->use_cache || self->cache_bits > 0)
    return largest;

  for (guint i = 0; i < self->stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&self->stack->layer_classes[i]);
      const HrAttention *cross = hr_layer_class_get_cross_attention (&self->stack->layer_classes[i]);

      if (attention != NULL)
        consider (self, attention, hr_inference_get_stored_tokens (self, attention, past), element, &largest);
      if (cross != NULL)
        consider (self, cross, self->source_length, element, &largest);
    }

  return largest;
}

/* The largest tensor of the states of all layers: elements that it holds of a sequence. */
static guint64
find_largest_state (const HrInference *self)
{
  guint64 most = 0;

  for (guint i = 0; self->use_cache && i < self->stack->n_layer_classes; i++)
    {
      HrBlockState state;

      if (hr_layer_class_get_state (&self->stack->layer_classes[i], &state))
        most = MAX (most, MAX (state.conv, state.recurrent));
    }

  return most;
}

/*
 * What the loop over the tokens holds of the last: its logits, a copy in fp32, and the probabilities that it was drawn
 * from.
 */
typedef struct
{
  HrValue logits;
  HrValue probabilities;
} Drawn;

/* Keys, then values, of one layer after the other are copied; so are states (reorder_cache in cache_utils.py). */
static void
reorder_cache (const HrInference *self,
               HrReplay          *replay,
               guint64            past)
{
  Cached largest = find_largest_cache (self, replay->dtype, past);
  guint64 state = find_largest_state (self);
  HrValue copy;

  if (largest.attention == NULL && state == 0)
    return;

  replay->sentence = N_("in beam search, while the cache is put in the order of the beams");
  if (largest.attention != NULL)
    {
      replay->symbols[HR_SYMBOL_CONTEXT] = largest.tokens;
      replay->symbols[HR_SYMBOL_CACHED] = largest.attention->cached_heads * largest.attention->head_dim;
      copy = hr_replay_make (replay, "index_select", "reordered keys", HR_COMPONENT_TEMPORARY,
                             HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, HR_SYMBOL_CACHED));
      hr_replay_drop (replay, copy);
    }
  if (state > 0)
    {
      replay->symbols[HR_SYMBOL_KEPT] = state;
      copy = hr_replay_make (replay, "index_select", "reordered states", HR_COMPONENT_TEMPORARY,
                             HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_KEPT));
      hr_replay_drop (replay, copy);
    }
}

/*
 * A step of beam search: probabilities of all beams in fp32, the sum with the scores so far; then the cache of each
 * layer is put in the order of the beams that go on (_beam_search in transformers/generation/utils.py).
 */
static void
run_beam_search (const HrInference *self,
                 HrReplay          *replay,
                 HrValue            logits,
                 guint64            past)
{
  HrValue scores = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_VOCABULARY);
  HrValue logits32, probabilities, sums;
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, "generate", -1);
  replay->sentence = N_("in beam search, while the beams are scored");
  logits32 = hr_op_like (replay, "_to_copy", "logits", scores);
  hr_replay_drop (replay, logits);
  probabilities = hr_op_like (replay, "_log_softmax", "log_probs", scores);
  hr_replay_drop (replay, logits32);
  sums = hr_op_like (replay, "add", "log_probs", scores);
  hr_replay_drop (replay, probabilities);
  reorder_cache (self, replay, past);
  hr_replay_drop (replay, sums);
  hr_replay_end (replay);
}

static HrValue
get_scores (void)
{
  return HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_VOCABULARY);
}

/*
 * GenerationMixin._sample of transformers/generation/utils.py: logits in fp32, divided by the temperature where what is
 * handed out is not the logits themselves, and what is drawn from; both variables are bound anew with the next token.
 */
static void
draw (const HrInference *self,
      HrReplay          *replay,
      HrValue            logits,
      Drawn             *drawn)
{
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, "generate", -1);
  replay->sentence = N_("while a token is drawn from the probabilities of all");
  replay->component = HR_COMPONENT_LOGITS;
  hr_replay_assign (replay, &drawn->logits, hr_op_like (replay, "_to_copy", "next_token_logits", get_scores ()));
  if (self->keeps_scores)
    hr_replay_leave (replay, hr_op_like (replay, "div", "scores", get_scores ()));
  hr_replay_assign (replay, &drawn->probabilities, hr_op_like (replay, "_softmax", "probs", get_scores ()));
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_replay_drop (replay, logits);
  hr_replay_end (replay);
}

/* @past tokens have gone, of which @step are what has just come. */
static void
end_step (const HrInference *self,
          HrReplay          *replay,
          HrValue            logits,
          guint64            past,
          guint64            step,
          Drawn             *drawn)
{
  if (self->beams > 1 && self->has_head)
    run_beam_search (self, replay, logits, past);
  else if (self->samples)
    draw (self, replay, logits, drawn);
  else
    hr_replay_drop (replay, logits);
  hr_pass_drop_returned (replay);
  if (past > step)
    hr_inference_drop_past (self, replay, past - step);
}

static HrValue
run_step (const HrInference *self,
          HrReplay          *replay,
          guint64            step)
{
  guint64 past = self->prompt + step - 1;
  guint64 waiting = (step - 1) % QUANTIZED_CACHE_RESIDUAL;

  if (!self->use_cache)
    return hr_inference_run_pass (self, replay, 0, past + 1, FALSE);

  return hr_inference_run_pass (self, replay, past, 1, self->cache_bits > 0 && waiting + 1 >= QUANTIZED_CACHE_RESIDUAL);
}

/*
 * Only the first and the last step can be the highest: from the second on nothing shrinks. After the first one a
 * layer with a sliding window no longer holds the whole prompt. A quantized cache is also highest when it takes in
 * what waited beside it.
 */
static void
run_decode (const HrInference *self,
            HrReplay          *replay,
            HrInferenceLevels *levels,
            Drawn             *drawn)
{
  guint64 steps[3] = { 1, 0, self->output };
  guint64 done = 0;
  HrValue logits;

  if (self->cache_bits > 0 && self->output > QUANTIZED_CACHE_RESIDUAL)
    steps[1] = self->output / QUANTIZED_CACHE_RESIDUAL * QUANTIZED_CACHE_RESIDUAL;

  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_DECODE);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      if (steps[i] == 0 || (i > 0 && steps[i] <= MAX (steps[0], i == 2 ? steps[1] : 0)))
        continue;

      if (steps[i] > 1)
        skip_to (self, replay, self->prompt + steps[i] - 1, steps[i] - 1 - done);
      done = steps[i];
      logits = run_step (self, replay, steps[i]);
      if (levels != NULL)
        levels->end_decode = replay->ledger.live;
      end_step (self, replay, logits, self->prompt + steps[i], 1, drawn);
    }

  if (levels != NULL)
    levels->end = replay->ledger.live;
}

static void
run_decode_on_heap (const HrInference *self,
                    HrReplay          *replay,
                    Drawn             *drawn)
{
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_DECODE);
  for (guint64 step = 1; step <= MIN (self->output, HEAP_STEPS); step++)
    end_step (self, replay, run_step (self, replay, step), self->prompt + step, 1, drawn);
}

/*
 * hr_inference_get_input_bytes:
 * @self: what is replayed
 *
 * Gets what the ids of the tokens, or the features of a sound, take on the device.
 *
 * Returns: the size in bytes
 */
guint64
hr_inference_get_input_bytes (const HrInference *self,
                              HrElement          element)
{
  if (self->features > 0)
    return self->batch / self->beams * self->features * hr_element_get_bytes (element);

  return (self->encoder != NULL ? self->batch / self->beams * self->source_length : self->batch * self->prompt) * 8;
}

/* Which tiles each token sees, where layers attend to them (cross_attention_mask of MllamaProcessor). */
static guint64
get_crossed_bytes (const HrInference *self,
                   guint64            tokens)
{
  return hr_pass_crosses (self) ? tokens * hr_tower_get_tiles (&g_array_index (self->towers, HrTower, 0)) *
                                  sizeof (gint64)
                                : 0;
}

/*
 * hr_inference_get_media_bytes:
 * @self: what is replayed
 * @tokens: tokens of each sequence
 * @element: what the model is held in
 *
 * Gets what a batch has beside its tokens: the pixels of images and videos, and of each token what it is of, or where
 * it is.
 *
 * Returns: the size in bytes
 */
guint64
hr_inference_get_media_bytes (const HrInference *self,
                              guint64            tokens,
                              HrElement          element)
{
  guint64 bytes = (self->has_type_ids + self->collates_positions) *
                  hr_ledger_round (self->batch * tokens * sizeof (gint64));

  for (guint i = 0; self->towers != NULL && i < self->towers->len; i++)
    bytes += hr_tower_get_bytes (&g_array_index (self->towers, HrTower, i), element) +
             hr_tower_get_mask_bytes (&g_array_index (self->towers, HrTower, i));

  return bytes + hr_ledger_round (get_crossed_bytes (self, tokens));
}

static void
take_inputs (const HrInference *self,
             HrReplay          *replay)
{
  guint64 tokens = self->encoder != NULL ? self->source_length : self->prompt;

  hr_heap_take (replay->heap, hr_inference_get_input_bytes (self, replay->dtype));
  for (guint i = 0; self->towers != NULL && i < self->towers->len; i++)
    {
      const HrTower *tower = &g_array_index (self->towers, HrTower, i);

      hr_heap_take (replay->heap, hr_tower_get_bytes (tower, replay->parameter_dtype));
      hr_heap_take (replay->heap, hr_tower_get_mask_bytes (tower));
    }
  hr_heap_take (replay->heap, get_crossed_bytes (self, self->prompt));
  hr_heap_take (replay->heap, self->has_type_ids ? self->batch * self->prompt * sizeof (gint64) : 0);
  hr_heap_take (replay->heap, self->stack->role == HR_STACK_DECODER ? self->batch * sizeof (gint64) : 0);
  if (self->mask != HR_ATTENTION_MASK_NONE && self->features == 0)
    hr_heap_take (replay->heap, self->batch * tokens * sizeof (gint64));
}

/* What is read, the token that is generated, and the mask that comes with the batch. */
static void
add_inputs (const HrInference *self,
            HrReplay          *replay)
{
  guint64 tokens = self->encoder != NULL ? self->source_length : self->prompt;

  if (!self->has_inputs)
    return;

  if (replay->heap != NULL)
    take_inputs (self, replay);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_INPUTS,
                 hr_ledger_round (hr_inference_get_input_bytes (self, replay->dtype)));
  hr_ledger_add (&replay->ledger, HR_COMPONENT_INPUTS,
                 hr_inference_get_media_bytes (self, self->prompt, replay->parameter_dtype));
  if (self->stack->role == HR_STACK_DECODER)
    hr_ledger_add (&replay->ledger, HR_COMPONENT_INPUTS, hr_ledger_round (self->batch * 8));
  if (self->mask != HR_ATTENTION_MASK_NONE && self->features == 0)
    hr_ledger_add (&replay->ledger, HR_COMPONENT_INPUTS, hr_ledger_round (self->batch * tokens * 8));
}

/*
 * hr_inference_generate:
 * @self: what is to be replayed
 * @replay: a tape
 * @levels: (inout) (optional): the levels between the phases
 *
 * Replays the prompts' way through the model, and the tokens that are generated; what the cache holds stays.
 */
void
hr_inference_generate (const HrInference *self,
                       HrReplay          *replay,
                       HrInferenceLevels *levels)
{
  HrInference running = *self;
  Drawn drawn = { HR_NO_VALUE, HR_NO_VALUE };
  HrValue logits;

  running.source = running.decoder_ids = HR_NO_VALUE;
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_PREFILL);
  if (self->encoder != NULL)
    running.source = hr_inference_encode (&running, replay);
  logits = hr_inference_run_pass (&running, replay, 0, self->prompt, FALSE);
  if (levels != NULL)
    levels->end_prefill = replay->ledger.live;
  end_step (&running, replay, logits, self->prompt, self->prompt, &drawn);
  if (levels != NULL)
    levels->cache = levels->end_decode = levels->end = replay->ledger.live;

  if (self->output > 0 && replay->heap != NULL)
    run_decode_on_heap (&running, replay, &drawn);
  else if (self->output > 0)
    run_decode (&running, replay, levels, &drawn);
  hr_replay_drop (replay, drawn.probabilities);
  hr_replay_drop (replay, drawn.logits);
}

/*
 * hr_inference_replay:
 * @self: what is to be replayed
 * @replay: a tape, on which nothing has happened
 * @levels: (out) (optional): the levels between the phases
 *
 * Replays a generation on one device.
 */
void
hr_inference_replay (const HrInference *self,
                     HrReplay          *replay,
                     HrInferenceLevels *levels)
{
  hr_pass_set_model_symbols (self, replay);
  hr_ledger_add (&replay->ledger, HR_COMPONENT_WEIGHTS, self->weight_bytes);
  add_inputs (self, replay);
  replay->peak.level = replay->ledger.live;
  replay->peak.sentence = N_("once the weights are loaded");
  hr_replay_rest (replay, replay->peak.sentence);
  if (levels != NULL)
    levels->after_load = replay->ledger.live;

  hr_inference_generate (self, replay, levels);
  hr_replay_rest (replay, NULL);
}
