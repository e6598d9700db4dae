/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-inference-cache.h"

#include "hr-pass.h"

static const HrAttention *
find_attention (const HrLayerClass *klass,
                gboolean            is_cross)
{
  for (guint i = 0; (is_cross || !klass->skipped) && i < klass->n_sublayers; i++)
    {
      const HrSublayer *sublayer = &klass->sublayers[i];

      for (guint j = 0; j < sublayer->n_branches; j++)
        {
          for (guint k = 0; k < sublayer->branches[j].n_blocks; k++)
            {
              if (sublayer->branches[j].blocks[k].kind == HR_BLOCK_ATTENTION &&
                  sublayer->branches[j].blocks[k].attention.is_cross == is_cross)
                return &sublayer->branches[j].blocks[k].attention;
            }
        }
    }

  return NULL;
}

/*
 * hr_layer_class_find_block:
 * @klass: layers
 * @kind: a kind of block
 *
 * Finds the first block of a kind in the branches of layers.
 *
 * Returns: (nullable): the block, or %NULL if they have none
 */
const HrBlock *
hr_layer_class_find_block (const HrLayerClass *klass,
                           HrBlockKind         kind)
{
  for (guint i = 0; i < klass->n_sublayers; i++)
    {
      for (guint j = 0; j < klass->sublayers[i].n_branches; j++)
        {
          const HrBlock *block = hr_chain_find_block (&klass->sublayers[i].branches[j], kind);

          if (block != NULL)
            return block;
        }
    }

  return NULL;
}

/*
 * hr_layer_class_get_attention:
 * @klass: layers
 *
 * Finds the attention of layers.
 *
 * Returns: (nullable): the block, or %NULL if they have none, or if a prompt of text passes them by
 */
const HrAttention *
hr_layer_class_get_attention (const HrLayerClass *klass)
{
  return find_attention (klass, FALSE);
}

/*
 * hr_layer_class_get_cross_attention:
 * @klass: layers
 *
 * Finds the attention of layers to what the encoder made.
 *
 * Returns: (nullable): the block, or %NULL if they have none
 */
const HrAttention *
hr_layer_class_get_cross_attention (const HrLayerClass *klass)
{
  return find_attention (klass, TRUE);
}

/*
 * hr_layer_class_get_state:
 * @klass: layers
 * @state: (out): what each keeps of a sequence
 *
 * Finds the state of layers.
 *
 * Returns: whether they keep one
 */
gboolean
hr_layer_class_get_state (const HrLayerClass *klass,
                          HrBlockState       *state)
{
  for (guint i = 0; i < klass->n_sublayers; i++)
    {
      const HrSublayer *sublayer = &klass->sublayers[i];

      for (guint j = 0; j < sublayer->n_branches; j++)
        {
          for (guint k = 0; k < sublayer->branches[j].n_blocks; k++)
            {
              if (hr_block_get_state (&sublayer->branches[j].blocks[k], state))
                return TRUE;
            }
        }
    }

  *state = (HrBlockState) { 0 };

  return FALSE;
}

/*
 * hr_inference_get_state_bytes:
 * @self: what is replayed
 * @elements: elements that are kept of a sequence
 * @element: what the model computes in, and keeps states in
 *
 * Gets what a tensor of states takes.
 *
 * Returns: the size in bytes
 */
guint64
hr_inference_get_state_bytes (const HrInference *self,
                              guint64            elements,
                              HrElement          element)
{
  guint64 bytes;

  if (!g_uint64_checked_mul (&bytes, elements, self->batch) ||
      !g_uint64_checked_mul (&bytes, bytes, hr_element_get_bytes (element)))
    bytes = G_MAXUINT64;

  return hr_ledger_round (bytes);
}

/*
 * The tokens that the cache of a layer is held to, or 0: a quantized cache keeps all of them, whatever the layer is,
 * and so does a dynamic one of a Gemma 4 whose layers share no keys and values, as DynamicCache.__init__ takes
 * `layer_types[:-0]` for the types of its layers.
 */
static guint64
get_cache_window (const HrInference *self,
                  const HrAttention *attention)
{
  return self->cache_bits > 0 || attention->cached_whole ? 0 : attention->sliding_window;
}

/*
 * hr_inference_get_context:
 * @self: what is replayed
 * @attention: the attention of a layer
 * @past: tokens that have gone before
 * @sequence: tokens that come now
 *
 * Counts the tokens that a layer attends to.
 *
 * Returns: how many
 */
guint64
hr_inference_get_context (const HrInference *self,
                          const HrAttention *attention,
                          guint64            past,
                          guint64            sequence)
{
  guint64 window = get_cache_window (self, attention);

  if (window > 0)
    past = MIN (past, window - 1);

  return past + sequence;
}

/*
 * hr_inference_get_stored_tokens:
 * @self: what is replayed
 * @attention: the attention of a layer
 * @past: tokens that have gone
 *
 * Counts the tokens whose keys a layer's storage holds: of a prompt all of them, even with a window.
 *
 * Returns: how many
 */
guint64
hr_inference_get_stored_tokens (const HrInference *self,
                                const HrAttention *attention,
                                guint64            past)
{
  if (past <= self->prompt || get_cache_window (self, attention) == 0)
    return past;

  return hr_inference_get_context (self, attention, past - 1, 1);
}

static guint64
get_bytes (const HrInference *self,
           guint64            tokens,
           guint64            heads,
           guint64            head_dim,
           HrElement          element)
{
  HrValue shape = HR_SHAPE (element, 0, 1, 2, 3);
  guint64 symbols[] = { self->batch, tokens, heads, head_dim };
  guint64 per_element = hr_element_get_bytes (element);
  guint64 bytes;

  if (self->cache_bits > 0)
    {
      shape.divisor = 64;
      per_element = self->cache_bits * 64 / 8 + 2 * per_element;
    }

  if (!g_uint64_checked_mul (&bytes, hr_value_get_elements (shape, symbols), per_element))
    bytes = G_MAXUINT64;

  return hr_ledger_round (bytes);
}

/*
 * Whether what a tuple holds of a prompt are views of what one matrix has made, queries included, which torch.cat joins
 * only with the first token that is generated.
 */
static gboolean
holds_fused (const HrInference *self,
             const HrAttention *attention,
             guint64            tokens)
{
  return self->stack->keeps_past && attention->projection == HR_PROJECTION_FUSED && tokens <= self->prompt;
}

/*
 * hr_inference_get_cached_bytes:
 * @self: what is replayed
 * @attention: the attention of a layer
 * @tokens: how many are stored
 * @element: what the model computes in
 *
 * Gets what the keys of a layer take, with all that lies in their storage.
 *
 * Returns: the size in bytes
 */
guint64
hr_inference_get_cached_bytes (const HrInference *self,
                               const HrAttention *attention,
                               guint64            tokens,
                               HrElement          element)
{
  if (holds_fused (self, attention, tokens))
    return get_bytes (self, tokens, attention->num_attention_heads + 2 * attention->num_key_value_heads,
                      attention->head_dim, element);

  return get_bytes (self, tokens, attention->cached_heads, attention->head_dim, element);
}

/*
 * hr_inference_get_cached_value_bytes:
 * @self: what is replayed
 * @attention: the attention of a layer
 * @tokens: how many are stored
 * @element: what the model computes in
 *
 * Gets what the values of a layer take; 0 where they lie in the storage of the keys.
 *
 * Returns: the size in bytes
 */
guint64
hr_inference_get_cached_value_bytes (const HrInference *self,
                                     const HrAttention *attention,
                                     guint64            tokens,
                                     HrElement          element)
{
  guint64 head_dim = attention->value_head_dim > 0 ? attention->value_head_dim : attention->head_dim;

  if (holds_fused (self, attention, tokens))
    return 0;

  return get_bytes (self, tokens, attention->cached_heads, head_dim, element);
}

/*
 * hr_inference_get_cached_index_bytes:
 * @self: what is replayed
 * @attention: the attention of a layer
 * @tokens: how many are stored
 * @element: what the model computes in
 *
 * Gets what the keys of a layer's indexer take, which are never quantized.
 *
 * Returns: the size in bytes; 0 without an indexer
 */
guint64
hr_inference_get_cached_index_bytes (const HrInference *self,
                                     const HrAttention *attention,
                                     guint64            tokens,
                                     HrElement          element)
{
  guint64 symbols[] = { self->batch, tokens, attention->index_head_dim };
  guint64 bytes;

  if (attention->index_num_heads == 0)
    return 0;
  if (!g_uint64_checked_mul (&bytes, hr_value_get_elements (HR_SHAPE (element, 0, 1, 2), symbols),
                             hr_element_get_bytes (element)))
    bytes = G_MAXUINT64;

  return hr_ledger_round (bytes);
}

/*
 * hr_inference_get_cache_level:
 * @self: what is replayed
 * @past: tokens that have gone
 * @element: what the model computes in
 *
 * Gets what the caches of all layers on the device take.
 *
 * Returns: the size in bytes
 */
guint64
hr_inference_get_cache_level (const HrInference *self,
                              guint64            past,
                              HrElement          element)
{
  guint64 bytes = 0;

  for (guint i = self->first_layer; i < self->first_layer + self->n_layers; i++)
    {
      const HrLayerClass *klass = &self->stack->layer_classes[self->stack->layer_class_of[i]];
      const HrAttention *attention = hr_layer_class_get_attention (klass);
      const HrAttention *cross = hr_layer_class_get_cross_attention (klass);
      HrBlockState state;
      guint64 tokens;

      if (hr_layer_class_get_state (klass, &state))
        bytes += hr_inference_get_state_bytes (self, state.conv, element) +
                 hr_inference_get_state_bytes (self, state.recurrent, state.fp32 ? HR_ELEMENT_FLOAT32 : element);
      if (cross != NULL && past > 0)
        bytes += 2 * hr_inference_get_cached_bytes (self, cross, self->source_length, element);
      if (attention == NULL || attention->reuses_cache)
        continue;
      tokens = hr_inference_get_stored_tokens (self, attention, past);
      bytes += hr_inference_get_cached_bytes (self, attention, tokens, element) +
               hr_inference_get_cached_value_bytes (self, attention, tokens, element) +
               hr_inference_get_cached_index_bytes (self, attention, tokens, element);
      if (get_cache_window (self, attention) > 0)
        bytes += HR_LEDGER_BLOCK_BYTES;
    }

  return bytes;
}

/* The layers whose cache a moment of a phase finds as it is after the layer. */
static guint
count_cached_layers (const HrInference *self,
                     const HrMoment    *moment,
                     HrPhaseId          phase,
                     guint              klass)
{
  guint last = self->first_layer + self->n_layers;
  guint n = 0;

  if (phase == HR_PHASE_PREFILL && moment->layer >= 0)
    last = MIN (last, (guint) moment->layer + 1);
  if (phase == HR_PHASE_PREFILL && moment->level.by_component[HR_COMPONENT_KV_CACHE] == 0)
    last = self->first_layer;

  for (guint i = self->first_layer; i < last; i++)
    n += self->stack->layer_class_of[i] == klass;

  return n;
}

/* In prefill a layer makes its state after the peak of what it computes: that of its convolution is there before. */
static gboolean
lacks_state (const HrInference *self,
             const HrMoment    *moment,
             HrPhaseId          phase,
             guint              klass)
{
  if (phase != HR_PHASE_PREFILL || moment->layer < 0 || self->stack->layer_class_of[moment->layer] != klass)
    return FALSE;

  for (guint i = 0; i < moment->n_storages; i++)
    {
      if (g_strcmp0 (moment->storages[i].name, "recurrent_states") == 0)
        return FALSE;
    }

  return TRUE;
}

static void
add_own_term (const HrInference *self,
              const HrMoment    *moment,
              const HrAttention *attention,
              guint64            past,
              guint              n_layers,
              HrCacheTerm       *term)
{
  guint64 tokens = hr_inference_get_stored_tokens (self, attention, past);

  *term = (HrCacheTerm) {
    .attention = attention,
    .n_layers = n_layers,
    .tokens = tokens,
    .bytes = hr_inference_get_cached_bytes (self, attention, tokens, moment->element),
    .value_bytes = hr_inference_get_cached_value_bytes (self, attention, tokens, moment->element),
    .index_bytes = hr_inference_get_cached_index_bytes (self, attention, tokens, moment->element),
  };
}

/*
 * hr_inference_get_cache_terms:
 * @self: what was replayed
 * @moment: the moment of the peak
 * @phase: its phase
 * @terms: (out): an array of %HR_INFERENCE_MAX_CLASSES
 *
 * Says what the cache consists of.
 *
 * Returns: how many of @terms are used
 */
guint
hr_inference_get_cache_terms (const HrInference *self,
                              const HrMoment    *moment,
                              HrPhaseId          phase,
                              HrCacheTerm       *terms)
{
  guint64 past = self->prompt + (phase == HR_PHASE_DECODE ? self->output : 0);
  guint n_terms = 0;

  if (!self->use_cache)
    return 0;

  for (guint i = 0; i < self->stack->n_layer_classes && n_terms < HR_INFERENCE_MAX_CLASSES; i++)
    {
      const HrLayerClass *klass = &self->stack->layer_classes[i];
      const HrAttention *attention = hr_layer_class_get_attention (klass);
      const HrAttention *cross = hr_layer_class_get_cross_attention (klass);
      guint n_layers = count_cached_layers (self, moment, phase, i);
      HrBlockState state;

      if (n_layers == 0)
        continue;
      if (hr_layer_class_get_state (klass, &state))
        terms[n_terms++] = (HrCacheTerm) {
          .state = state,
          .n_layers = n_layers,
          .n_recurrent_layers = n_layers - lacks_state (self, moment, phase, i),
        };
      if (attention != NULL && !attention->reuses_cache && n_terms < HR_INFERENCE_MAX_CLASSES)
        add_own_term (self, moment, attention, past, n_layers, &terms[n_terms++]);
      if (cross == NULL || self->source_length == 0 || n_terms == HR_INFERENCE_MAX_CLASSES)
        continue;
      terms[n_terms] = (HrCacheTerm) {
        .attention = cross,
        .n_layers = n_layers,
        .tokens = self->source_length,
        .bytes = hr_inference_get_cached_bytes (self, cross, self->source_length, moment->element),
      };
      terms[n_terms].value_bytes = terms[n_terms].bytes;
      n_terms++;
    }

  return n_terms;
}
