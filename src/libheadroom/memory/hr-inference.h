/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"
#include "hr-model.h"
#include "hr-replay.h"

G_BEGIN_DECLS

typedef struct _HrInference HrInference;

struct _HrPass;

/**
 * HrSee:
 * @self: what is replayed
 * @replay: a tape
 * @index: which of the towers
 * @pass: the pass of the model, which gets what the tower hands to it beside its result
 * @user_data: what came with the function
 *
 * Runs a tower within a call of the model.
 *
 * Returns: the vectors that the decoder reads
 */
typedef HrValue (*HrSee) (const HrInference *self,
                          HrReplay          *replay,
                          guint              index,
                          struct _HrPass    *pass,
                          gpointer           user_data);

/* The maximum of mtp-num-layers. */
#define HR_INFERENCE_MAX_PREDICTIONS 8

/**
 * HrInference:
 * @stack: the decoder, or the encoder of a model that has no decoder
 * @head: what follows it
 * @encoder: (nullable): the encoder whose output @stack attends to
 * @source: what the encoder made, while it is there
 * @decoder_ids: the tokens that the decoder reads, where they are made of the labels, or none
 * @source_length: positions of it
 * @features: numbers of a sound that the encoder reads, 0 if it reads tokens
 * @weight_bytes: what the weights and buffers on this device take
 * @first_layer: the first layer on this device
 * @n_layers: how many layers are on this device
 * @n_predictions: how many of the last of these predict tokens further on, as Megatron-LM has them
 * @n_tensor_ranks: among how many ranks their matrices are divided
 * @has_inputs: whether the embeddings and the batch are on this device
 * @has_norm: whether the final norm is on this device
 * @has_head: whether the head is on this device
 * @batch: sequences, beams included
 * @beams: beams of each sequence
 * @examples: how many examples a row is packed of, 0 where each has a row of its own
 * @compiles: whether torch.compile runs the model, for which a mask is always made
 * @prompt: tokens of a prompt; behind an encoder the one token that generation begins with
 * @output: tokens to generate
 * @use_cache: whether keys and values are kept
 * @all_logits: whether prefill computes logits of every position
 * @attention: how attention is computed
 * @mask: the mask that comes with the batch
 * @cache_bits: bits of an element of a quantized cache; 0 for one as the model computes
 * @every_layer: replay each layer, not one of each class
 * @tower: (nullable): the tower that @stack is, with what it sees
 * @towers: (nullable) (element-type HrTower): what sees or hears before the decoder reads
 * @see: what runs a tower
 * @see_data: what @see gets
 * @has_block_mask: whether tokens of a picture see each other
 * @returns_layers: whether what goes into each layer is returned, and held until then
 * @has_positions: whether the positions of each token come with the batch
 * @positions: these
 * @collates_positions: whether the batch has them from the start, one of each token
 * @samples: whether transformers draws tokens from the probabilities of all
 * @keeps_scores: whether it hands out the scores of all tokens that could have come
 * @has_type_ids: whether the batch says of each token whether it is of text, an image or a video
 * @counts_as_text: whether positions are those of a text, whatever is seen
 *
 * What is to be replayed on one device.
 */
struct _HrInference
{
  const HrStack *stack;
  const HrChain *head;
  const HrStack *encoder;
  HrValue source;
  HrValue decoder_ids;
  guint64 source_length;
  guint64 features;
  guint64 weight_bytes;
  guint first_layer;
  guint n_layers;
  guint n_predictions;
  guint64 n_tensor_ranks;
  gboolean has_inputs;
  gboolean has_norm;
  gboolean has_head;
  guint64 batch;
  guint64 beams;
  guint64 examples;
  gboolean compiles;
  guint64 prompt;
  guint64 output;
  gboolean use_cache;
  gboolean all_logits;
  HrAttentionImplementation attention;
  HrAttentionMask mask;
  guint cache_bits;
  gboolean every_layer;
  const struct _HrTower *tower;
  const GArray *towers;
  HrSee see;
  gpointer see_data;
  gboolean has_type_ids;
  gboolean counts_as_text;
  gboolean has_block_mask;
  gboolean returns_layers;
  gboolean has_positions;
  HrValue positions;
  gboolean collates_positions;
  gboolean samples;
  gboolean keeps_scores;
};

/* The levels that are reached between the phases. */
typedef struct
{
  HrLevel after_load;
  HrLevel end_prefill;
  HrLevel cache;
  HrLevel end_decode;
  HrLevel end;
} HrInferenceLevels;

#define HR_INFERENCE_MAX_CLASSES 16

/**
 * HrCacheTerm:
 * @attention: (nullable): the attention of the layers, or %NULL if the term is their state
 * @state: their state
 * @n_layers: how many of them hold a cache
 * @n_recurrent_layers: how many of them hold their state, beside that of their convolution
 * @tokens: tokens that the cache of each layer holds
 * @bytes: what the keys of each layer take
 * @value_bytes: what the values of each layer take
 * @index_bytes: what the keys of each layer's indexer take
 *
 * The cache of layers of a class at the moment of the peak.
 */
typedef struct
{
  const HrAttention *attention;
  HrBlockState state;
  guint n_layers;
  guint n_recurrent_layers;
  guint64 tokens;
  guint64 bytes;
  guint64 value_bytes;
  guint64 index_bytes;
} HrCacheTerm;

void  hr_inference_generate        (const HrInference *self,
                                    HrReplay          *replay,
                                    HrInferenceLevels *levels);
void  hr_inference_replay          (const HrInference *self,
                                    HrReplay          *replay,
                                    HrInferenceLevels *levels);
guint64 hr_inference_get_input_bytes (const HrInference *self,
                                      HrElement          element);
guint64 hr_inference_get_media_bytes (const HrInference *self,
                                      guint64            tokens,
                                      HrElement          element);
guint hr_inference_get_cache_terms (const HrInference *self,
                                    const HrMoment    *moment,
                                    HrPhaseId          phase,
                                    HrCacheTerm       *terms);

G_END_DECLS
