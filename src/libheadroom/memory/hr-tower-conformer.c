/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-inference-cache.h"
#include "hr-operator-select.h"
#include "hr-operator-sequence.h"
#include "hr-sharding.h"
#include "hr-tower.h"

/*
 * Sounds padded to the longest of them: convolutions leave an eighth of their frames, layers convolve and attend with a
 * mask that is made of a table of distances, which is trained (Phi4MultimodalAudioEmbedding, Phi4MultimodalAudioModel
 * and Phi4MultimodalAudioConformerEncoderLayer of modeling_phi4_multimodal.py). A single sound that is longer than the
 * layers take at once lies in pieces in their batch. What comes before and after the layers is written in symbols that
 * say the same of all sounds, whether or not there are pieces.
 */

/* Of the tower's function what stays while its layers run, and of that around it until the text is joined. */
enum
{
  HELD_FEATURES,   /* as the tower is given them */
  HELD_MASK,       /* which positions see each other */
  HELD_SOUNDS,     /* which positions are of a sound, where there are several */
  HELD_BIAS,
  HELD_PIECES,     /* what is cut into pieces, with what pads the last */
  N_HELD,
};

static HrValue
get_rows (HrElement element,
          HrSymbol  width)
{
  return HR_SHAPE (element, HR_SYMBOL_PATCHES, width);
}

static gboolean
is_cut (const HrTower *tower)
{
  return tower->n_chunks > 1;
}

/* Whether what pads the last piece of a sound is taken away behind the layers. */
static gboolean
has_padding (const HrTower *tower)
{
  return tower->batch * tower->sequence > tower->patches;
}

/*
 * `torch.nonzero (input_ids == …, as_tuple=True)` and `audio_input_features.to (dtype)`: Phi4MultimodalAudioEmbedding
 * holds both until the vectors are among the text.
 */
static void
begin_function (HrReplay *replay,
                HrPass   *pass)
{
  HrValue indices = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEEN);
  HrValue features = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_PICTURE);

  pass->parts = g_array_new (FALSE, FALSE, sizeof (HrValue));
  indices.count = 2;
  indices = hr_op_like (replay, "nonzero", "positions_tuple", indices);
  g_array_append_val (pass->parts, indices);
  if (replay->parameter_dtype != HR_ELEMENT_FLOAT32)
    {
      features = hr_sharding_cast_given (replay, "audio_input_features", features);
      g_array_append_val (pass->parts, features);
    }
}

/* `(x - self.global_mean) * self.global_invstd` */
static HrValue
normalize (HrReplay *replay)
{
  HrValue shape = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_PICTURE);
  HrValue centered = hr_op_like (replay, "sub", "x − global_mean", shape);
  HrValue normalized = hr_op_like (replay, "mul", "hidden_states", shape);

  hr_replay_drop (replay, centered);

  return normalized;
}

/* A convolution over frames and bins, and what is made of it at once where something is. */
static void
convolve (HrReplay      *replay,
          HrValue       *x,
          const HrBlock *block,
          HrValue        shape)
{
  guint64 n_kernel = 1;
  HrValue weight = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_CHANNELS);
  HrValue bias;

  for (guint i = 0; i < block->convolution.kernel.n_dimensions; i++)
    n_kernel *= block->convolution.kernel.sizes[i];
  if (block->convolution.groups == 1 && block->convolution.in_channels > 1)
    weight = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_CHANNELS, HR_SYMBOL_CHANNELS);
  weight.count = n_kernel;
  replay->block = block->path;
  weight = hr_autograd_parameter (replay, weight);
  bias = hr_autograd_bias (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_CHANNELS));
  hr_replay_assign (replay, x, hr_op_convolution (replay, "conv(x)", *x, weight, bias, shape));
  if (block->convolution.activated)
    hr_replay_assign (replay, x, hr_replay_activation (replay, *x, block->convolution.activation));
}

/* Phi4MultimodalAudioNemoConvSubsampling: each convolution leaves half of the frames and of the bins. */
static HrValue
subsample (const HrInference *self,
           HrReplay          *replay,
           HrValue            x)
{
  const HrChain *chain = &self->stack->embeddings;
  const HrBlock *linear = hr_chain_find_block (chain, HR_BLOCK_LINEAR);
  static const HrSymbol left[] = { HR_SYMBOL_SUBSAMPLED, HR_SYMBOL_SUBSAMPLED_TWICE };
  HrValue result = hr_replay_hold (replay, x);
  guint n_halved = 0;

  for (guint i = 0; i < chain->n_blocks && chain->blocks[i].kind == HR_BLOCK_CONVOLUTION; i++)
    {
      const HrConvolution *convolution = &chain->blocks[i].convolution;
      HrValue shape;

      n_halved += convolution->kernel.sizes[0] > 1;
      shape = n_halved <= G_N_ELEMENTS (left) ? HR_SHAPE (replay->dtype, left[n_halved - 1], HR_SYMBOL_CHANNELS)
                                              : get_rows (replay->dtype, HR_SYMBOL_MERGED);
      convolve (replay, &result, &chain->blocks[i], shape);
    }
  /* `hidden_states.transpose (1, 2).reshape (b, t, -1)` */
  hr_replay_assign (replay, &result, hr_op_copy (replay, "hidden_states", result,
                                                 get_rows (result.element, HR_SYMBOL_MERGED)));
  hr_replay_assign (replay, &result, hr_tower_run_linear (replay, result, linear, HR_SYMBOL_HIDDEN));

  return result;
}

/* Which positions are of each sound, and which of these see each other, where there are several. */
static void
mask_sounds (HrReplay *replay,
             HrPass   *pass)
{
  HrValue lengths = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH);
  HrValue pairs = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue counted = hr_op_like (replay, "sum", "feature_lens", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH));
  HrValue padded = hr_op_like (replay, "ceil", "padding_length", lengths);
  HrValue places = hr_op_like (replay, "arange", "arange_", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE));

  pass->beside[HELD_SOUNDS] = hr_op_like (replay, "lt", "pad_mask",
                                          HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  hr_replay_drop (replay, places);
  hr_replay_drop (replay, padded);
  hr_replay_drop (replay, counted);
  hr_replay_assign (replay, &pass->beside[HELD_MASK], hr_op_like (replay, "bitwise_and", "hs_mask", pairs));
}

/*
 * `F.pad (hidden_states, …)` and unfold_tensor(): a sound in pieces of as many positions as the layers take at once.
 * The mask of a whole sound gives way to that of a piece.
 */
static void
cut (HrReplay *replay,
     HrPass   *pass,
     HrValue  *x)
{
  HrValue shape = HR_SHAPE (x->element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  HrValue turned, unfolded;

  if (has_padding (replay->tower))
    {
      hr_replay_assign (replay, x, hr_op_resize (replay, "constant_pad_nd", "hidden_states_pad", *x, shape));
      pass->beside[HELD_PIECES] = hr_value_detach (hr_replay_hold (replay, *x));
    }
  /* The kernel wants channels apart, as the layer before does not make them (aten/src/ATen/native/cuda/Im2Col.cu). */
  turned = hr_op_like (replay, "contiguous", "tensor", hr_value_detach (shape));
  unfolded = hr_op_resize (replay, "im2col", "tensor", *x, shape);
  hr_replay_drop (replay, turned);
  hr_replay_assign (replay, x, unfolded);
  hr_replay_assign (replay, x, hr_op_copy (replay, "hidden_states", *x, shape));
  hr_replay_assign (replay, &pass->beside[HELD_MASK],
                    hr_op_like (replay, "_to_copy", "hs_mask", HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH,
                                                                         HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT)));
}

/* Distances between positions, those that are too long made as long as the longest that has a row in the table. */
static HrValue
make_distances (HrReplay *replay)
{
  HrValue pairs = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue truths = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue distances = hr_op_like (replay, "sub", "relative_position", pairs);

  for (guint i = 0; i < 2; i++)
    {
      HrValue beyond = hr_op_like (replay, i == 0 ? "lt" : "gt", "relative_position", truths);

      hr_replay_assign (replay, &distances, hr_op_like (replay, "masked_fill", "relative_position", pairs));
      hr_replay_drop (replay, beyond);
    }

  return distances;
}

/* Phi4MultimodalAudioRelativeAttentionBias, and `hs_mask.unsqueeze (1) + relative_attention_bias`. */
static void
make_mask (const HrInference *self,
           HrReplay          *replay,
           HrPass            *pass)
{
  const HrBlock *block = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_POSITION_EMBEDDING);
  HrElement element = replay->parameter_dtype;
  HrValue places = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE);
  HrValue context, memory, distances, indices, table, bias;

  replay->sentence = N_("while the attention mask is made");
  replay->block = block->path;
  replay->symbols[HR_SYMBOL_POSITIONS] = block->position_embedding.n_positions;
  context = hr_op_like (replay, "arange", "context_position", places);
  memory = hr_op_like (replay, "arange", "memory_position", places);
  distances = make_distances (replay);
  indices = hr_op_like (replay, "add", "bias_idx",
                        HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT));
  table = hr_autograd_parameter (replay, HR_SHAPE (element, HR_SYMBOL_POSITIONS, HR_SYMBOL_HEADS));
  bias = hr_op_embedding (replay, "att_bias", indices, table,
                          HR_SHAPE (element, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT, HR_SYMBOL_HEADS));
  hr_replay_drop (replay, indices);
  hr_replay_drop (replay, distances);
  hr_replay_drop (replay, memory);
  hr_replay_drop (replay, context);
  pass->forward.distances = hr_op_binary_as (replay, HR_BINARY_ADD, "attention_mask", pass->beside[HELD_MASK], bias,
                                             HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE,
                                                       HR_SYMBOL_CONTEXT));
  pass->beside[HELD_BIAS] = hr_value_detach (bias);
}

/* What the symbols of the layers' convolutions stand for; attention has its own. */
static void
set_symbols (const HrInference *self,
             HrReplay          *replay)
{
  const HrTower *tower = self->tower;
  guint64 *symbols = replay->symbols;

  symbols[HR_SYMBOL_CHANNELS] = self->stack->embeddings.blocks[0].convolution.out_channels;
  symbols[HR_SYMBOL_SUBSAMPLED] = tower->subsampled[0];
  symbols[HR_SYMBOL_SUBSAMPLED_TWICE] = tower->subsampled[1];
  symbols[HR_SYMBOL_MERGED] = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_LINEAR)->linear.in_features;
  hr_pass_set_attention_symbols (replay, hr_layer_class_get_attention (&self->stack->layer_classes[0]));
  hr_pass_set_context (replay, tower->sequence);
}

/*
 * hr_tower_embed_conformer:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes before the layers: features as the tower wants them, convolutions, and the mask that all layers share.
 */
void
hr_tower_embed_conformer (const HrInference *self,
                          HrReplay          *replay,
                          HrPass            *pass)
{
  HrValue whole = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue normalized;

  replay->sentence = N_("while the sound is convolved");
  set_symbols (self, replay);
  begin_function (replay, pass);
  for (guint i = 0; i < N_HELD; i++)
    pass->beside[pass->n_beside++] = HR_NO_VALUE;
  normalized = normalize (replay);
  if (is_cut (self->tower))
    whole = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_PATCHES, HR_SYMBOL_PATCHES);
  pass->beside[HELD_MASK] = hr_op_like (replay, "_to_copy", "enc_streaming_mask", whole);
  pass->hidden = subsample (self, replay, normalized);
  if (self->tower->given > 1)
    mask_sounds (replay, pass);
  hr_replay_drop (replay, normalized);
  if (is_cut (self->tower))
    cut (replay, pass, &pass->hidden);
  else
    hr_replay_assign (replay, &pass->hidden,
                      hr_op_view (replay, pass->hidden, HR_SHAPE (pass->hidden.element, HR_SYMBOL_BATCH,
                                                                  HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN)));
  make_mask (self, replay, pass);
}

/* `0.5 * feed_forward (x)` */
static HrValue
feed_forward (HrReplay      *replay,
              HrValue        x,
              const HrChain *branch)
{
  const HrBlock *norm = hr_chain_find_block (branch, HR_BLOCK_NORM);
  const HrBlock *mlp = hr_chain_find_block (branch, HR_BLOCK_MLP);
  HrValue normed, result;

  replay->block = norm->path;
  normed = hr_replay_norm (replay, x, &norm->norm);
  replay->block = mlp->path;
  result = hr_replay_mlp (replay, &normed, &mlp->mlp);
  hr_replay_drop (replay, normed);
  hr_replay_assign (replay, &result, hr_op_unary (replay, HR_UNARY_MUL, "0.5·feed_forward(x)", result));

  return result;
}

static HrValue
attend (HrReplay      *replay,
        HrForward     *forward,
        HrValue        x,
        const HrChain *branch)
{
  const HrBlock *norm = hr_chain_find_block (branch, HR_BLOCK_NORM);
  const HrBlock *block = hr_chain_find_block (branch, HR_BLOCK_ATTENTION);
  HrForward masked = *forward;
  HrAttentionResult result;
  HrValue normed, sum;

  replay->block = norm->path;
  normed = hr_replay_norm (replay, x, &norm->norm);
  replay->block = block->path;
  masked.mask = forward->distances;
  result = hr_replay_attention (replay, &masked, normed, &block->attention);
  hr_replay_drop (replay, result.weights);
  hr_replay_drop (replay, result.joined);
  sum = hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", x, result.output);
  hr_replay_drop (replay, result.output);
  hr_replay_drop (replay, normed);

  return sum;
}

static HrValue
run_convolution (HrReplay      *replay,
                 HrValue        x,
                 const HrBlock *block,
                 HrValue        weight,
                 HrSymbol       length,
                 HrSymbol       channels,
                 guint          count)
{
  HrValue shape = HR_SHAPE (x.element, HR_SYMBOL_BATCH, length, channels);
  HrValue bias = HR_SHAPE (replay->parameter_dtype, channels);

  replay->block = block->path;
  shape.count = bias.count = count;
  weight = hr_autograd_parameter (replay, weight);

  return hr_op_convolution (replay, "conv(x)", x, weight, hr_autograd_bias (replay, bias), shape);
}

/* A half of what the first convolution has made, with a vector added. */
static HrValue
add_vector (HrReplay      *replay,
            HrValue        both,
            const HrBlock *block)
{
  HrValue half = hr_op_slice (replay, both, HR_SHAPE (both.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE,
                                                      HR_SYMBOL_HIDDEN));
  HrValue vector, sum;

  replay->block = block->path;
  vector = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));
  sum = hr_op_binary (replay, HR_BINARY_ADD, "hidden_states + b", half, vector);
  hr_replay_drop (replay, half);

  return sum;
}

/* Phi4MultimodalAudioGluPointWiseConv */
static HrValue
gate (HrReplay      *replay,
      HrValue        x,
      const HrBlock *blocks)
{
  HrValue weight = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN, HR_SYMBOL_HIDDEN);
  HrValue both, open, gated, product;

  weight.count = 2;
  both = run_convolution (replay, x, &blocks[0], weight, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN, 2);
  open = add_vector (replay, both, &blocks[1]);
  gated = add_vector (replay, both, &blocks[2]);
  hr_replay_assign (replay, &gated, hr_replay_activation (replay, gated, HR_ACTIVATION_SILU));
  product = hr_op_binary (replay, HR_BINARY_MUL, "out", open, gated);
  hr_replay_drop (replay, gated);
  hr_replay_drop (replay, open);
  hr_replay_drop (replay, both);

  return product;
}

/* Phi4MultimodalAudioConvModule: its blocks are a norm, a gate of three, and three convolutions. */
enum
{
  BLOCK_NORM,
  BLOCK_GATE,
  BLOCK_DEPTHWISE = 4,
  BLOCK_POINTWISE,
  BLOCK_LAST,
};

static HrValue
convolve_frames (HrReplay      *replay,
                 HrValue        x,
                 const HrChain *branch)
{
  const HrBlock *blocks = branch->blocks;
  HrElement element = replay->parameter_dtype;
  HrSymbol length = HR_SYMBOL_SEQUENCE;
  HrValue result, deep;

  replay->symbols[HR_SYMBOL_KERNEL] = blocks[BLOCK_DEPTHWISE].convolution.kernel.sizes[0];
  replay->symbols[HR_SYMBOL_CONVOLVED] = blocks[BLOCK_DEPTHWISE].convolution.out_channels;
  replay->symbols[HR_SYMBOL_MIXER] = blocks[BLOCK_POINTWISE].convolution.out_channels;
  replay->symbols[HR_SYMBOL_CONVOLUTION] = replay->symbols[HR_SYMBOL_SEQUENCE] + replay->symbols[HR_SYMBOL_KERNEL] - 1;
  if (replay->symbols[HR_SYMBOL_KERNEL] > 1)
    length = HR_SYMBOL_CONVOLUTION;
  replay->block = blocks[BLOCK_NORM].path;
  deep = hr_replay_norm (replay, x, &blocks[BLOCK_NORM].norm);
  result = gate (replay, deep, &blocks[BLOCK_GATE]);
  hr_replay_drop (replay, deep);
  deep = run_convolution (replay, result, &blocks[BLOCK_DEPTHWISE],
                          HR_SHAPE (element, HR_SYMBOL_CONVOLVED, HR_SYMBOL_KERNEL), length, HR_SYMBOL_CONVOLVED, 1);
  hr_replay_assign (replay, &result, run_convolution (replay, deep, &blocks[BLOCK_POINTWISE],
                                                      HR_SHAPE (element, HR_SYMBOL_MIXER, HR_SYMBOL_CONVOLVED), length,
                                                      HR_SYMBOL_MIXER, 1));
  hr_replay_drop (replay, deep);
  if (length != HR_SYMBOL_SEQUENCE)
    hr_replay_assign (replay, &result,
                      hr_op_slice (replay, result, HR_SHAPE (result.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE,
                                                             HR_SYMBOL_MIXER)));
  hr_replay_assign (replay, &result, hr_replay_activation (replay, result, HR_ACTIVATION_SILU));
  hr_replay_assign (replay, &result, run_convolution (replay, result, &blocks[BLOCK_LAST],
                                                      HR_SHAPE (element, HR_SYMBOL_HIDDEN, HR_SYMBOL_MIXER),
                                                      HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN, 1));

  return result;
}

static void
add (HrReplay *replay,
     HrValue  *x,
     HrValue   branch)
{
  hr_replay_assign (replay, x, hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", *x, branch));
  hr_replay_drop (replay, branch);
}

/*
 * hr_tower_run_conformer:
 * @replay: a tape
 * @pass: the variables of the tower's function
 * @klass: a layer
 *
 * A layer: half of a feed-forward, attention, convolutions, half of another feed-forward, and a norm.
 */
void
hr_tower_run_conformer (HrReplay           *replay,
                        HrPass             *pass,
                        const HrLayerClass *klass)
{
  const HrSublayer *sublayers = klass->sublayers;
  const HrBlock *norm = hr_chain_find_block (&sublayers[4].branches[0], HR_BLOCK_NORM);
  HrValue half = feed_forward (replay, pass->hidden, &sublayers[0].branches[0]);
  HrValue residual = hr_op_binary (replay, HR_BINARY_ADD, "residual", pass->hidden, half);
  HrValue x;

  hr_replay_drop (replay, half);
  x = attend (replay, &pass->forward, residual, &sublayers[1].branches[0]);
  add (replay, &x, convolve_frames (replay, x, &sublayers[2].branches[0]));
  add (replay, &x, feed_forward (replay, x, &sublayers[3].branches[0]));
  replay->block = norm->path;
  hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, x, &norm->norm));
  hr_replay_drop (replay, x);
  hr_replay_drop (replay, residual);
}

/* Before the layers: frames and bins of all sounds, halved by each convolution that is wider than one of them. */
static guint64
count_subsampled (const HrTower *self,
                  const HrBlock *block)
{
  const HrChain *chain = &self->stack->embeddings;
  guint64 width = hr_chain_find_block (chain, HR_BLOCK_LINEAR)->linear.in_features;
  guint n_halved = 0;

  for (guint i = 0; i < chain->n_blocks; i++)
    {
      n_halved += chain->blocks[i].kind == HR_BLOCK_CONVOLUTION && chain->blocks[i].convolution.kernel.sizes[0] > 1;
      if (&chain->blocks[i] == block)
        break;
    }

  return n_halved <= G_N_ELEMENTS (self->subsampled) ? self->subsampled[n_halved - 1]
                                                     : self->patches * width / block->convolution.out_channels;
}

/*
 * hr_tower_count_convolved:
 * @self: a tower whose layers convolve
 * @block: one of its convolutions
 *
 * Counts the positions of all sounds that a convolution makes.
 *
 * Returns: how many
 */
guint64
hr_tower_count_convolved (const HrTower *self,
                          const HrBlock *block)
{
  const HrChain *before = &self->stack->embeddings;
  const HrBlock *blocks = self->stack->layer_classes[0].sublayers[2].branches[0].blocks;
  gboolean is_padded = block == &blocks[BLOCK_DEPTHWISE] || block == &blocks[BLOCK_POINTWISE];
  guint64 more = is_padded ? blocks[BLOCK_DEPTHWISE].convolution.kernel.sizes[0] - 1 : 0;

  if (block >= before->blocks && block < before->blocks + before->n_blocks)
    return count_subsampled (self, block);

  return self->batch * (self->sequence + more);
}

/* The vectors of a sound among those of all, a part of which it has. */
static void
backward_sound (HrReplay     *replay,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  HrValue all = hr_value_detach (node->inputs[0]);
  HrValue one = all, picked = HR_NO_VALUE;

  if (hr_value_needs_gradient (node->inputs[1]))
    gradients[1] = hr_replay_hold (replay, gradient);
  if (!hr_value_needs_gradient (node->inputs[0]))
    return;

  all.element = one.element = gradient.element;
  one.divisor = replay->tower->given;
  if (node->saved[0].count > 0)
    picked = hr_op_make_gradient (replay, "slice_backward", one);
  gradients[0] = hr_op_make_gradient (replay, "select_backward", all);
  hr_replay_drop (replay, picked);
}

/* `torch.cat ([audio_embeds[i, : audio_embed_sizes[i], :] for …], dim=0)` */
static HrValue
merge_sounds (const HrTower *tower,
              HrReplay      *replay,
              HrValue        x)
{
  HrValue merged = hr_op_like (replay, "cat", "merged_audio_embeds",
                               HR_SHAPE (x.element, HR_SYMBOL_SEEN, HR_SYMBOL_TEXT_HIDDEN));

  for (guint i = 0; i < tower->given; i++)
    {
      const HrValue inputs[2] = { x, merged };
      HrValue next = merged, note = HR_NO_VALUE;

      note.count = g_array_index (tower->chunks, HrChunk, i).length < tower->patches / tower->given;
      if (hr_autograd_record (replay, &next, backward_sound, inputs, G_N_ELEMENTS (inputs)))
        {
          hr_autograd_save (replay, next, note);
          merged = next;
        }
    }

  return merged;
}

static void
leave_tower (HrReplay *replay,
             HrPass   *pass)
{
  hr_replay_assign (replay, &pass->forward.distances, HR_NO_VALUE);
  while (pass->n_beside > 0)
    hr_replay_drop (replay, pass->beside[--pass->n_beside]);
}

static void
hold (HrPass  *pass,
      HrValue  value)
{
  value = hr_value_detach (value);
  g_array_append_val (pass->parts, value);
}

/*
 * hr_tower_finish_conformer:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes after the layers, until the vectors are there that the decoder reads. What the function makes is held
 * until they are put among the text.
 */
void
hr_tower_finish_conformer (const HrInference *self,
                           HrReplay          *replay,
                           HrPass            *pass)
{
  const HrTower *tower = self->tower;
  const HrBlock *linear = hr_chain_find_block (&tower->projector->final, HR_BLOCK_LINEAR);
  HrStretch stretch;
  HrValue x, y, merged;

  hr_replay_begin (replay, &stretch, tower->projector->id, -1);
  replay->sentence = N_("while what was heard is projected for the language model");
  leave_tower (replay, pass);
  x = has_padding (tower) ? hr_op_slice (replay, pass->hidden, get_rows (pass->hidden.element, HR_SYMBOL_HIDDEN))
                          : hr_op_view (replay, pass->hidden, get_rows (pass->hidden.element, HR_SYMBOL_HIDDEN));
  hr_replay_assign (replay, &pass->hidden, HR_NO_VALUE);
  hr_replay_assign (replay, &x, hr_tower_run_linear (replay, x, &linear[0], HR_SYMBOL_PROJECTOR));
  hr_replay_assign (replay, &x, hr_op_unary (replay, HR_UNARY_GELU, "audio_encoder_hidden_states", x));
  y = hr_tower_run_linear (replay, x, &linear[1], HR_SYMBOL_TEXT_HIDDEN);
  merged = merge_sounds (tower, replay, y);
  hr_replay_assign (replay, &merged, hr_op_cast (replay, merged, replay->dtype));
  hold (pass, x);
  hold (pass, y);
  pass->hidden = merged;
  hr_replay_rename (replay, merged, "audio_features");
  hr_replay_end (replay);
}
