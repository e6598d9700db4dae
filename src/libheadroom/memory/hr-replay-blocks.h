/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-block.h"
#include "hr-job.h"
#include "hr-operator.h"

G_BEGIN_DECLS

/**
 * HrChunk:
 * @length: patches that attend to each other
 * @count: how many such there are
 *
 * Images, frames or windows of one size, each of which is attended to by itself.
 */
typedef struct
{
  guint64 length;
  guint64 count;
} HrChunk;

/**
 * HrConvolved:
 * @HR_CONVOLVED_ALONE: nothing
 * @HR_CONVOLVED_BY_FUNCTION: silu, by a function
 * @HR_CONVOLVED_BY_MODULE: silu, by a module
 *
 * What comes behind a convolution over the tokens.
 */
typedef enum
{
  HR_CONVOLVED_ALONE,
  HR_CONVOLVED_BY_FUNCTION,
  HR_CONVOLVED_BY_MODULE,
} HrConvolved;

/**
 * HrForward:
 * @attention: how the attention is computed
 * @use_cache: whether keys and values are kept
 * @first: whether the cache is empty
 * @mask: the mask of the layer, or none
 * @cos: the cosines of the layer's rotation, or none
 * @sin: the sines, or none
 * @old_keys: what the cache holds of the layer before
 * @old_values: likewise
 * @old_index_keys: likewise, of the layer's indexer
 * @quantized_keys: what the layer's cache holds in a quantized form, or none
 * @quantized_values: likewise
 * @conv_state: what the cache holds of the layer's convolution, or none
 * @recurrent_state: what the cache holds of the layer's state, or none
 * @masked: whether a mask of the batch reaches layers without attention
 * @padded: whether there is padding in it
 * @examples: how many examples each row is packed of, 0 where each has a row of its own
 * @fp32_state: whether the layer's state is kept in fp32, whatever the model computes in
 * @cache_bits: bits of an element of a quantized cache; 0: the cache is as the model computes
 * @keeps_past: whether the cache is a tuple, whose tensors stay until the step ends
 * @cache_flush: whether a quantized cache takes in what waited beside it
 * @bidirectional: whether tokens see those behind them
 * @source: what the encoder made, or none
 * @own_source: what a norm of the layer has made of it, or none
 * @source_length: positions of it
 * @source_mask: the mask of these positions, or none
 * @source_rows: which tokens see any of them, or none
 * @cross_keys: what the cache holds of the layer's keys of @source, or none
 * @cross_values: likewise
 * @stored_keys: keys that the model's function holds until it returns, of a layer without a window and of one with it
 * @stored_values: likewise
 * @position_bias: the biases of positions that the first layer made, or none (T5)
 * @source_bias: likewise for @source
 * @distances: a row for each distance between two tokens, or none (DeBERTa)
 * @distance_ids: which of them each pair of tokens has
 * @chosen_keys: which keys the layer before has chosen for each query, or none (GLM-5)
 * @embeds: a copy of the embeddings that layers read again, or none (Zamba 2)
 * @chunks: (nullable) (element-type HrChunk): in a tower what attends to itself, the first ones first
 * @broadcasts_heads: whether a single head of keys is left to the product to broadcast, without enable_gqa (Falcon)
 * @checkpoints_attention: whether the attention function is computed anew in the backward pass
 * @drops_weights: whether the attention of the layer drops some of its weights in training
 *
 * What a pass through the model hands to each layer.
 */
typedef struct
{
  HrAttentionImplementation attention;
  gboolean use_cache;
  gboolean first;
  HrValue mask;
  HrValue cos;
  HrValue sin;
  HrValue old_keys;
  HrValue old_values;
  HrValue old_index_keys;
  HrValue chosen_keys;
  HrValue quantized_keys;
  HrValue quantized_values;
  HrValue conv_state;
  HrValue recurrent_state;
  gboolean masked;
  gboolean padded;
  guint64 examples;
  gboolean fp32_state;
  guint cache_bits;
  gboolean keeps_past;
  gboolean cache_flush;
  gboolean bidirectional;
  HrValue source;
  HrValue own_source;
  guint64 source_length;
  HrValue source_mask;
  HrValue source_rows;
  HrValue cross_keys;
  HrValue cross_values;
  HrValue stored_keys[2];
  HrValue stored_values[2];
  HrValue position_bias;
  HrValue source_bias;
  HrValue distances;
  HrValue distance_ids;
  HrValue embeds;
  const GArray *chunks;
  gboolean broadcasts_heads;
  gboolean checkpoints_attention;
  gboolean drops_weights;
} HrForward;

/* How many tensors hr_replay_latent () leaves in other variables. */
#define HR_REPLAY_LATENT_LOCALS 6

/**
 * HrAttentionResult:
 * @output: what the module returns
 * @weights: the attention weights, which it returns as well where they exist, or none
 * @joined: what the output was projected from, where that is done in another module, or none
 * @chosen_keys: which keys are chosen for each query, where it returns that for the next layer, or none
 */
typedef struct
{
  HrValue output;
  HrValue weights;
  HrValue joined;
  HrValue chosen_keys;
} HrAttentionResult;

#define HR_NO_ATTENTION_RESULT ((HrAttentionResult) { HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE })

/**
 * HrRouting:
 * @logits: a number for each expert and token
 * @weights: by what the outputs of experts are multiplied
 * @indices: which experts are chosen, or in which order tokens go to them
 * @order: where each pair of a token and an expert has gone, or none
 *
 * What the variables of a mixture hold of its router's results.
 */
typedef struct
{
  HrValue logits;
  HrValue weights;
  HrValue indices;
  HrValue order;
} HrRouting;

HrValue           hr_replay_norm          (HrReplay         *replay,
                                           HrValue           x,
                                           const HrNorm     *norm);
void              hr_replay_add_adapter   (HrReplay         *replay,
                                           HrValue          *y,
                                           HrValue           x,
                                           guint64           rank,
                                           const char       *name);
HrValue           hr_replay_mlp           (HrReplay         *replay,
                                           HrValue          *x,
                                           const HrMlp      *mlp);
HrValue           hr_replay_mlp_holding   (HrReplay         *replay,
                                           HrValue          *x,
                                           const HrMlp      *mlp,
                                           HrValue          *inner);
HrValue           hr_replay_activation    (HrReplay         *replay,
                                           HrValue           x,
                                           HrActivation      activation);
HrValue           hr_replay_activation_module (HrReplay         *replay,
                                               HrValue           x,
                                               HrActivation      activation);
HrValue           hr_replay_mixture       (HrReplay         *replay,
                                           HrValue           x,
                                           const HrMixture  *mixture);
HrRouting         hr_replay_route         (HrReplay         *replay,
                                           HrValue           x,
                                           const HrMixture  *mixture);
void              hr_replay_set_mixture_symbols (HrReplay         *replay,
                                                 const HrMixture  *mixture);
HrValue           hr_replay_experts       (HrReplay         *replay,
                                           HrValue           x,
                                           const HrRouting  *routing,
                                           const HrMixture  *mixture,
                                           HrValue          *weighted);
HrValue           hr_replay_expert_gate   (HrReplay         *replay,
                                           HrValue           both,
                                           const HrMixture  *mixture);
HrValue           hr_replay_rotate        (HrReplay         *replay,
                                           HrValue           x,
                                           HrValue           cos,
                                           HrValue           sin,
                                           const char       *name);
void              hr_replay_latent        (HrReplay          *replay,
                                           const HrForward   *forward,
                                           HrValue            x,
                                           const HrAttention *attention,
                                           HrValue           *query,
                                           HrValue           *key,
                                           HrValue           *value,
                                           HrValue           *locals);
HrValue           hr_replay_choose_keys   (HrReplay          *replay,
                                           HrForward         *forward,
                                           HrValue            x,
                                           const HrAttention *attention);
HrValue           hr_replay_chosen_mask   (HrReplay          *replay,
                                           const HrForward   *forward,
                                           HrValue           *locals);
HrAttentionResult hr_replay_attention     (HrReplay          *replay,
                                           HrForward         *forward,
                                           HrValue            x,
                                           const HrAttention *attention);
HrAttentionResult hr_replay_vision_attention (HrReplay          *replay,
                                              HrForward         *forward,
                                              HrValue            x,
                                              const HrAttention *attention);
void              hr_replay_flash_workspace (HrReplay        *replay,
                                             const char      *operation,
                                             HrValue          expanded);
HrValue           hr_replay_sdpa          (HrReplay          *replay,
                                           const HrForward   *forward,
                                           HrValue            query,
                                           HrValue            key,
                                           HrValue            value);
HrAttentionResult hr_replay_disentangled  (HrReplay          *replay,
                                           const HrForward   *forward,
                                           HrValue            x,
                                           const HrAttention *attention);
HrAttentionResult hr_replay_relative      (HrReplay          *replay,
                                           HrForward         *forward,
                                           HrValue            x,
                                           const HrAttention *attention);
HrValue           hr_replay_mask          (HrReplay          *replay,
                                           gboolean           sliding,
                                           gboolean           chunked,
                                           gboolean           padded,
                                           gboolean           has_blocks,
                                           gboolean           has_examples,
                                           gboolean           additive);
HrValue           hr_replay_padding_mask  (HrReplay          *replay,
                                           gboolean           additive);
HrValue           hr_replay_window_mask   (HrReplay          *replay,
                                           gboolean           padded,
                                           gboolean           additive);
HrValue           hr_replay_mamba         (HrReplay          *replay,
                                           HrForward         *forward,
                                           HrValue            x,
                                           const HrMamba     *mamba);
HrValue           hr_replay_mamba2        (HrReplay          *replay,
                                           HrForward         *forward,
                                           HrValue            x,
                                           const HrMamba2    *mamba2);
HrValue           hr_replay_gated_delta   (HrReplay          *replay,
                                           HrForward         *forward,
                                           HrValue            x,
                                           const HrGatedDelta *delta);
HrValue           hr_replay_lightning_attention (HrReplay                   *replay,
                                                 HrForward                  *forward,
                                                 HrValue                     x,
                                                 const HrLightningAttention *lightning);
HrValue           hr_replay_rg_lru        (HrReplay          *replay,
                                           HrForward         *forward,
                                           HrValue            x,
                                           const HrRgLru     *lru);
HrValue           hr_replay_short_convolution (HrReplay                 *replay,
                                               HrForward                *forward,
                                               HrValue                   x,
                                               const HrShortConvolution *convolution);
void              hr_replay_keep_state    (HrReplay          *replay,
                                           HrForward         *forward,
                                           HrValue           *state,
                                           const char        *name,
                                           HrValue            shape);
HrValue           hr_replay_convolution   (HrReplay          *replay,
                                           HrForward         *forward,
                                           HrValue            x,
                                           HrSymbol           channels,
                                           gboolean           has_bias,
                                           HrConvolved        activates,
                                           HrValue           *padded);
void              hr_replay_mask_tokens   (HrReplay          *replay,
                                           HrValue           *x);
void              hr_replay_cache_source  (HrReplay          *replay,
                                           HrForward         *forward,
                                           HrValue           *key,
                                           HrValue           *value);
void              hr_replay_cache_update  (HrReplay          *replay,
                                           HrForward         *forward,
                                           HrValue           *key,
                                           HrValue           *value,
                                           gboolean           sliding);

G_END_DECLS
