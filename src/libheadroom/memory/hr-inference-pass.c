/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-inference-pass.h"

#include "hr-inference-cache.h"
#include "hr-replay-blocks.h"

/* What the efficient kernel aligns the rows of a mask to. */
#define MASK_ALIGNMENT 16

/* The variables of the model's function, which all layers run in. */
typedef struct
{
  HrValue inputs_embeds;
  HrValue position_embeds;
  HrValue position_ids;
  HrValue ones;
  HrValue hidden;
  HrValue full_mask;
  HrValue sliding_mask;
  HrValue cos[2];
  HrValue sin[2];
  HrValue alibi;
  HrValue weights;
  HrForward forward;
  guint64 past;
} Pass;

typedef struct
{
  gboolean recorded[2];
  HrStretch stretch[2];
} ClassRecord;

static const HrMlp *
find_mlp (const HrLayerClass *klass)
{
  for (guint i = 0; i < klass->n_sublayers; i++)
    {
      const HrSublayer *sublayer = &klass->sublayers[i];

      for (guint j = 0; j < sublayer->n_branches; j++)
        {
          for (guint k = 0; k < sublayer->branches[j].n_blocks; k++)
            {
              if (sublayer->branches[j].blocks[k].kind == HR_BLOCK_MLP)
                return &sublayer->branches[j].blocks[k].mlp;
            }
        }
    }

  return NULL;
}

static const HrBlock *
find_block (const HrChain *chain,
            HrBlockKind    kind)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].kind == kind)
        return &chain->blocks[i];
    }

  return NULL;
}

static void
set_context (HrReplay *replay,
             guint64   context)
{
  replay->symbols[HR_SYMBOL_CONTEXT] = context;
  replay->symbols[HR_SYMBOL_CONTEXT_SINK] = context + 1;
  replay->symbols[HR_SYMBOL_CONTEXT_PADDED] = (context + MASK_ALIGNMENT - 1) / MASK_ALIGNMENT * MASK_ALIGNMENT;
}

static void
set_attention_symbols (HrReplay          *replay,
                       const HrAttention *attention)
{
  guint64 *symbols = replay->symbols;

  symbols[HR_SYMBOL_HEADS] = attention->num_attention_heads;
  symbols[HR_SYMBOL_KEY_HEADS] = attention->num_key_value_heads;
  symbols[HR_SYMBOL_HEAD] = attention->head_dim;
  symbols[HR_SYMBOL_QUERY] = attention->num_attention_heads * attention->head_dim;
  symbols[HR_SYMBOL_KEY] = attention->num_key_value_heads * attention->head_dim;
  symbols[HR_SYMBOL_CACHED] = attention->cached_heads * attention->head_dim;
  symbols[HR_SYMBOL_FUSED] = symbols[HR_SYMBOL_QUERY] + 2 * symbols[HR_SYMBOL_KEY];
  symbols[HR_SYMBOL_VALUE] = attention->num_attention_heads * attention->value_head_dim;
  symbols[HR_SYMBOL_QUERY_LATENT] = attention->query_latent_size;
  symbols[HR_SYMBOL_LATENT] = attention->latent_size;
  symbols[HR_SYMBOL_LATENT_JOINED] = attention->latent_size + attention->rotary_dim;
  symbols[HR_SYMBOL_EXPANDED] = symbols[HR_SYMBOL_QUERY] + symbols[HR_SYMBOL_VALUE] -
                                attention->num_attention_heads * attention->rotary_dim;
  symbols[HR_SYMBOL_ROTARY] = attention->rotary_dim;
  symbols[HR_SYMBOL_QUERY_ROTARY] = attention->num_attention_heads * attention->rotary_dim;
  symbols[HR_SYMBOL_KEY_ROTARY] = attention->num_key_value_heads * attention->rotary_dim;
}

static void
set_class_symbols (const HrInference  *self,
                   HrReplay           *replay,
                   const HrLayerClass *klass,
                   const Pass         *pass)
{
  const HrAttention *attention = hr_layer_class_get_attention (klass);
  const HrMlp *mlp = find_mlp (klass);

  if (attention != NULL)
    {
      set_attention_symbols (replay, attention);
      set_context (replay, hr_inference_get_context (self, attention, pass->past, replay->symbols[HR_SYMBOL_SEQUENCE]));
    }
  if (mlp != NULL)
    replay->symbols[HR_SYMBOL_INTERMEDIATE] = mlp->intermediate_size;
}

static const HrAttention *
find_attention_of_kind (const HrInference *self,
                        gboolean           sliding,
                        HrPosition         position)
{
  for (guint i = 0; i < self->stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&self->stack->layer_classes[i]);

      if (attention == NULL || attention->position != position)
        continue;
      if ((attention->sliding_window > 0) == sliding)
        return attention;
    }

  return NULL;
}

static const HrAttention *
find_any_attention (const HrInference *self,
                    gboolean           sliding)
{
  for (guint i = 0; i < self->stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&self->stack->layer_classes[i]);

      if (attention != NULL && (attention->sliding_window > 0) == sliding)
        return attention;
    }

  return NULL;
}

static gboolean
has_attention (const HrInference *self)
{
  return find_any_attention (self, FALSE) != NULL || find_any_attention (self, TRUE) != NULL;
}

/*
 * Whether sdpa_mask () leaves the mask out, so that the kernels' own causal mode is used (_ignore_causal_mask_sdpa in
 * transformers/masking_utils.py).
 */
static gboolean
can_skip_mask (const HrInference *self,
               const HrAttention *attention,
               guint64            sequence,
               guint64            context)
{
  if (attention->path == HR_ATTENTION_FALCON || attention->path == HR_ATTENTION_BLOOM)
    return FALSE;

  return (sequence == 1 || context == sequence) &&
         (attention->sliding_window == 0 || context < attention->sliding_window) &&
         self->mask != HR_ATTENTION_MASK_PADDED;
}

/*
 * Whether the mask is joined with one for each sequence: any that comes with the batch, and the ones that BloomModel
 * and OPTDecoder make where none does.
 */
static gboolean
joins_padding (const HrInference *self,
               const HrAttention *attention)
{
  const HrBlock *position = find_block (&self->stack->embeddings, HR_BLOCK_POSITION_EMBEDDING);

  return self->mask != HR_ATTENTION_MASK_NONE || attention->path == HR_ATTENTION_BLOOM ||
         (position != NULL && position->position_embedding.per_sequence);
}

/* A mask that was made on the first device, on another one: what a copy of it is. */
static HrValue
copy_mask (const HrInference *self,
           HrReplay          *replay,
           gboolean           additive)
{
  HrValue shape = HR_SHAPE (additive ? replay->dtype : HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE,
                            HR_SYMBOL_CONTEXT);

  return hr_op_like (replay, "_to_copy", "attention_mask", shape);
}

/* The biases of each head, filled where the mask hides a key (FalconModel.forward). */
static HrValue
join_alibi (HrReplay *replay,
            HrValue   mask,
            gboolean  additive)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue scaled, hidden, joined;

  if (!additive)
    hr_replay_assign (replay, &mask, hr_op_like (replay, "where", "causal_mask", shape));
  scaled = hr_op_like (replay, "div", "alibi/√d",
                       HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_CONTEXT));
  shape.element = HR_ELEMENT_BOOL;
  hidden = hr_op_like (replay, "lt", "causal_mask < −1", shape);
  joined = hr_op_like (replay, "masked_fill", "attention_mask",
                       HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_SEQUENCE,
                                 HR_SYMBOL_CONTEXT));
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, mask);

  return joined;
}

static HrValue
make_mask (const HrInference *self,
           HrReplay          *replay,
           Pass              *pass,
           const HrAttention *attention)
{
  gboolean eager = self->attention == HR_ATTENTION_IMPLEMENTATION_EAGER || attention->path == HR_ATTENTION_BLOOM;
  guint64 sequence = replay->symbols[HR_SYMBOL_SEQUENCE];
  guint64 context = hr_inference_get_context (self, attention, pass->past, sequence);
  HrValue mask;

  set_attention_symbols (replay, attention);
  set_context (replay, context);
  if (!eager && self->attention == HR_ATTENTION_IMPLEMENTATION_FLASH)
    return self->mask == HR_ATTENTION_MASK_PADDED
             ? hr_op_like (replay, "_to_copy", "attention_mask",
                           HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT))
             : HR_NO_VALUE;

  if (!eager && can_skip_mask (self, attention, sequence, context))
    return HR_NO_VALUE;

  if (self->has_inputs)
    mask = hr_replay_mask (replay, attention->sliding_window > 0, joins_padding (self, attention), eager);
  else
    mask = copy_mask (self, replay, eager);

  return attention->path == HR_ATTENTION_FALCON && attention->position == HR_POSITION_ALIBI
           ? join_alibi (replay, mask, eager)
           : mask;
}

static void
make_masks (const HrInference *self,
            HrReplay          *replay,
            Pass              *pass)
{
  const HrAttention *full = find_any_attention (self, FALSE);
  const HrAttention *sliding = find_any_attention (self, TRUE);

  replay->sentence = N_("while the attention mask is made");
  if (full != NULL)
    pass->full_mask = make_mask (self, replay, pass, full);
  if (sliding != NULL)
    pass->sliding_mask = make_mask (self, replay, pass, sliding);
}

static gboolean
is_rotary (const HrAttention *attention)
{
  return attention != NULL && (attention->position == HR_POSITION_ROTARY ||
                               attention->position == HR_POSITION_ROTARY_FP32 ||
                               attention->position == HR_POSITION_ROTARY_INTERLEAVED ||
                               attention->position == HR_POSITION_ROTARY_COMPLEX ||
                               attention->position == HR_POSITION_ROTARY_HALVES);
}

/* Finds a layer whose rotation is shared with the others, or is its own. */
static const HrAttention *
find_rotary (const HrInference *self,
             gboolean           own)
{
  for (guint i = 0; i < self->stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&self->stack->layer_classes[i]);

      if (is_rotary (attention) && (attention->own_rotary && attention->sliding_window > 0) == own)
        return attention;
    }

  return NULL;
}

static HrElement
get_rotation_element (HrReplay          *replay,
                      const HrAttention *attention)
{
  return attention->position == HR_POSITION_ROTARY_FP32 ? HR_ELEMENT_FLOAT32 : replay->dtype;
}

/* DeepseekV2RotaryEmbedding.forward: complex numbers of a length of 1, of two elements of fp32 each. */
static HrValue
make_complex_rotation (HrReplay          *replay,
                       const HrAttention *attention)
{
  HrValue angles = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE, HR_SYMBOL_ROTARY);
  HrValue half = angles;
  HrValue positions, frequencies, ones, rotation;

  set_attention_symbols (replay, attention);
  replay->sentence = N_("while the angles of the rotation are computed");
  half.divisor = 2;
  positions = hr_op_like (replay, "_to_copy", "position_ids_expanded",
                          HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE));
  frequencies = hr_op_like (replay, "bmm", "freqs", half);
  ones = hr_op_like (replay, "ones_like", "ones_like(freqs)", half);
  rotation = hr_op_like (replay, "polar", "freqs_cis", angles);
  hr_replay_drop (replay, ones);
  hr_replay_assign (replay, &rotation, hr_op_like (replay, "mul", "freqs_cis", angles));
  hr_replay_drop (replay, frequencies);
  hr_replay_drop (replay, positions);

  return rotation;
}

/* The rotary embedding's forward: angles in fp32, their cosines and sines, cast. */
static void
make_rotation (HrReplay          *replay,
               const HrAttention *attention,
               HrValue           *cos,
               HrValue           *sin)
{
  HrValue angles = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE, HR_SYMBOL_ROTARY);
  HrValue half = angles;
  HrValue positions, frequencies, both, cosines, sines;

  if (attention->position == HR_POSITION_ROTARY_COMPLEX)
    {
      *cos = make_complex_rotation (replay, attention);
      return;
    }

  set_attention_symbols (replay, attention);
  replay->sentence = N_("while the angles of the rotation are computed");
  half.divisor = 2;
  positions = hr_op_like (replay, "_to_copy", "position_ids_expanded",
                          HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE));
  frequencies = hr_op_like (replay, "bmm", "freqs", half);
  if (attention->position == HR_POSITION_ROTARY_HALVES)
    {
      angles = half;
      both = hr_replay_hold (replay, frequencies);
    }
  else
    {
      both = hr_op_like (replay, "cat", "emb", angles);
    }
  cosines = hr_op_like (replay, "cos", "cos", angles);
  hr_replay_assign (replay, &cosines, hr_op_like (replay, "mul", "cos", angles));
  sines = hr_op_like (replay, "sin", "sin", angles);
  hr_replay_assign (replay, &sines, hr_op_like (replay, "mul", "sin", angles));
  *cos = hr_op_cast (replay, cosines, get_rotation_element (replay, attention));
  *sin = hr_op_cast (replay, sines, get_rotation_element (replay, attention));
  hr_replay_rename (replay, *cos, "cos");
  hr_replay_rename (replay, *sin, "sin");
  hr_replay_drop (replay, sines);
  hr_replay_drop (replay, cosines);
  hr_replay_drop (replay, both);
  hr_replay_drop (replay, frequencies);
  hr_replay_drop (replay, positions);
}

static void
copy_rotation (HrReplay          *replay,
               const HrAttention *attention,
               HrValue           *cos,
               HrValue           *sin)
{
  HrValue angles = HR_SHAPE (get_rotation_element (replay, attention), HR_SYMBOL_SEQUENCE, HR_SYMBOL_ROTARY);

  set_attention_symbols (replay, attention);
  if (attention->position == HR_POSITION_ROTARY_COMPLEX)
    {
      angles.element = HR_ELEMENT_FLOAT32;
      *cos = hr_op_like (replay, "_to_copy", "freqs_cis", angles);
      return;
    }
  if (attention->position == HR_POSITION_ROTARY_HALVES)
    angles.divisor = 2;
  *cos = hr_op_like (replay, "_to_copy", "cos", angles);
  *sin = hr_op_like (replay, "_to_copy", "sin", angles);
}

static void
make_rotations (const HrInference *self,
                HrReplay          *replay,
                Pass              *pass)
{
  for (guint own = 0; own < G_N_ELEMENTS (pass->cos); own++)
    {
      const HrAttention *attention = find_rotary (self, own);

      if (attention == NULL)
        continue;
      if (self->has_inputs)
        make_rotation (replay, attention, &pass->cos[own], &pass->sin[own]);
      else
        copy_rotation (replay, attention, &pass->cos[own], &pass->sin[own]);
    }
}

/* build_alibi_tensor of Bloom and Falcon: positions of each sequence, times the slope of each head, cast. */
static void
make_alibi (const HrInference *self,
            HrReplay          *replay,
            Pass              *pass)
{
  const HrAttention *attention = find_attention_of_kind (self, FALSE, HR_POSITION_ALIBI);
  HrValue positions, biases;

  if (attention == NULL)
    return;

  set_attention_symbols (replay, attention);
  set_context (replay, pass->past + replay->symbols[HR_SYMBOL_SEQUENCE]);
  positions = hr_op_like (replay, "cumsum", "arange_tensor",
                          HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT));
  biases = hr_op_like (replay, "mul", "alibi",
                       HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_CONTEXT));
  pass->alibi = hr_op_cast (replay, biases, replay->dtype);
  hr_replay_drop (replay, biases);
  hr_replay_drop (replay, positions);
}

static void
embed_positions (HrReplay                  *replay,
                 Pass                      *pass,
                 const HrPositionEmbedding *positions)
{
  HrValue rows = positions->per_sequence
                   ? HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN)
                   : HR_SHAPE (replay->dtype, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);

  pass->position_embeds = hr_op_like (replay, "embedding", "position_embeds", rows);
  hr_replay_assign (replay, &pass->hidden, hr_op_like (replay, "add", "hidden_states", pass->inputs_embeds));
}

/*
 * The mask of ones, along which positions are counted, where none comes with the batch: of torch's default dtype in
 * OPTDecoder and BloomModel, of integers in FalconModel.
 */
static HrValue
make_ones (HrReplay          *replay,
           const HrAttention *alibi)
{
  HrElement element = alibi != NULL && alibi->path == HR_ATTENTION_FALCON ? HR_ELEMENT_INT64 : HR_ELEMENT_FLOAT32;

  return hr_op_like (replay, "ones", "attention_mask", HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT));
}

static void
embed (const HrInference *self,
       HrReplay          *replay,
       Pass              *pass)
{
  const HrBlock *token = find_block (&self->stack->embeddings, HR_BLOCK_TOKEN_EMBEDDING);
  const HrBlock *position = find_block (&self->stack->embeddings, HR_BLOCK_POSITION_EMBEDDING);
  const HrBlock *norm = find_block (&self->stack->embeddings, HR_BLOCK_NORM);
  const HrBlock *projection = find_block (&self->stack->embeddings, HR_BLOCK_LINEAR);
  HrSymbol width = projection != NULL ? HR_SYMBOL_EMBEDDING : HR_SYMBOL_HIDDEN;
  HrValue tokens = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, width);
  HrValue ids = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE);
  const HrAttention *alibi = find_attention_of_kind (self, FALSE, HR_POSITION_ALIBI);
  gboolean counts = position != NULL && position->position_embedding.per_sequence;

  replay->sentence = N_("while tokens are embedded");
  pass->inputs_embeds = hr_op_like (replay, "embedding", "inputs_embeds", tokens);
  if (token != NULL && token->token_embedding.scaled)
    hr_replay_assign (replay, &pass->inputs_embeds, hr_op_like (replay, "mul", "inputs_embeds", tokens));

  if (projection != NULL)
    hr_replay_assign (replay, &pass->inputs_embeds,
                      hr_op_linear (replay, pass->inputs_embeds, "inputs_embeds", HR_SYMBOL_HIDDEN, 1));

  set_context (replay, pass->past + replay->symbols[HR_SYMBOL_SEQUENCE]);
  if ((counts || alibi != NULL) && self->mask == HR_ATTENTION_MASK_NONE)
    pass->ones = make_ones (replay, alibi);
  if (counts)
    ids = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT);
  if (has_attention (self) && (alibi == NULL || alibi->path == HR_ATTENTION_FALCON))
    {
      pass->position_ids = hr_op_like (replay, "arange", "position_ids", ids);
      hr_replay_assign (replay, &pass->position_ids, hr_op_like (replay, "add", "position_ids", ids));
    }

  pass->hidden = hr_replay_hold (replay, pass->inputs_embeds);
  if (position != NULL)
    embed_positions (replay, pass, &position->position_embedding);
  if (norm != NULL)
    hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, norm->norm.kind));
}

/* What hooks of accelerate send to a device that is not the first. */
static void
receive (const HrInference *self,
         HrReplay          *replay,
         Pass              *pass)
{
  const HrLayerClass *klass = &self->stack->layer_classes[0];
  gboolean is_fp32 = self->first_layer > 0 && klass->n_sublayers > 0 && klass->sublayers[0].residual_fp32;

  pass->hidden = hr_op_like (replay, "_to_copy", "hidden_states",
                             HR_SHAPE (is_fp32 ? HR_ELEMENT_FLOAT32 : replay->dtype, HR_SYMBOL_BATCH,
                                       HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));
}

static void
begin_pass (const HrInference *self,
            HrReplay          *replay,
            Pass              *pass,
            guint64            past,
            guint64            sequence)
{
  HrStretch stretch;
  const HrBlock *token = find_block (&self->stack->embeddings, HR_BLOCK_TOKEN_EMBEDDING);

  replay->symbols[HR_SYMBOL_SEQUENCE] = sequence;
  *pass = (Pass) {
    .inputs_embeds = HR_NO_VALUE, .position_embeds = HR_NO_VALUE, .position_ids = HR_NO_VALUE,
    .ones = HR_NO_VALUE,
    .hidden = HR_NO_VALUE, .full_mask = HR_NO_VALUE, .sliding_mask = HR_NO_VALUE,
    .cos = { HR_NO_VALUE, HR_NO_VALUE }, .sin = { HR_NO_VALUE, HR_NO_VALUE }, .alibi = HR_NO_VALUE,
    .weights = HR_NO_VALUE,
    .forward = {
      .attention = self->attention, .use_cache = self->use_cache, .first = past == 0,
      .mask = HR_NO_VALUE,
      .old_keys = HR_NO_VALUE, .old_values = HR_NO_VALUE,
      .quantized_keys = HR_NO_VALUE, .quantized_values = HR_NO_VALUE, .cache_bits = self->cache_bits,
      .conv_state = HR_NO_VALUE, .recurrent_state = HR_NO_VALUE,
      .masked = self->mask != HR_ATTENTION_MASK_NONE && past == 0,
    },
    .past = past,
  };

  hr_replay_begin (replay, &stretch, token != NULL ? token->path : NULL, -1);
  if (self->has_inputs)
    embed (self, replay, pass);
  else
    receive (self, replay, pass);
  make_masks (self, replay, pass);
  make_alibi (self, replay, pass);
  make_rotations (self, replay, pass);
  hr_replay_end (replay);
}

/* The variables of a layer's function. */
typedef struct
{
  HrValue hidden;
  HrValue kept[HR_REPLAY_MAX_STORAGES];
  guint n_kept;
  HrValue weights;
} Layer;

/* Lets a variable of the layer hold @value until the layer ends. */
static void
keep (HrReplay *replay,
      Layer    *layer,
      HrValue   value)
{
  if (value.storage < 0)
    return;

  if (layer->n_kept < G_N_ELEMENTS (layer->kept))
    {
      layer->kept[layer->n_kept++] = value;
      return;
    }

  hr_replay_drop (replay, value);
  replay->ledger.overflowed = TRUE;
}

static void
run_block (HrReplay      *replay,
           HrForward     *forward,
           Layer         *layer,
           HrValue       *x,
           const HrBlock *block)
{
  HrAttentionResult attention;

  replay->block = block->path;
  switch (block->kind)
    {
    case HR_BLOCK_NORM:
      replay->sentence = N_("in a norm, in single precision");
      hr_replay_assign (replay, x, hr_replay_norm (replay, *x, block->norm.kind));
      hr_replay_rename (replay, *x, "norm(x)");
      break;

    case HR_BLOCK_ATTENTION:
      attention = hr_replay_attention (replay, forward, *x, &block->attention);
      hr_replay_assign (replay, x, attention.output);
      if (block->attention.path == HR_ATTENTION_INTERFACE)
        keep (replay, layer, attention.weights);
      else
        layer->weights = attention.weights;
      break;

    case HR_BLOCK_MLP:
      {
        HrValue result = hr_replay_mlp (replay, x, &block->mlp);

        hr_replay_assign (replay, x, result);
      }
      break;

    case HR_BLOCK_MIXTURE:
      hr_replay_assign (replay, x, hr_replay_mixture (replay, *x, &block->mixture));
      break;

    case HR_BLOCK_MAMBA:
      hr_replay_assign (replay, x, hr_replay_mamba (replay, forward, *x, &block->mamba));
      break;

    case HR_BLOCK_MAMBA2:
      hr_replay_assign (replay, x, hr_replay_mamba2 (replay, forward, *x, &block->mamba2));
      break;

    case HR_BLOCK_LINEAR:
    case HR_BLOCK_TOKEN_EMBEDDING:
    case HR_BLOCK_POSITION_EMBEDDING:
    case HR_BLOCK_HEAD:
    default:
      break;
    }
}

static void
run_chain (HrReplay      *replay,
           HrForward     *forward,
           Layer         *layer,
           HrValue       *x,
           const HrChain *chain,
           gboolean       keeps_input)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (keeps_input && chain->blocks[i].kind != HR_BLOCK_NORM)
        keep (replay, layer, hr_replay_hold (replay, *x));

      run_block (replay, forward, layer, x, &chain->blocks[i]);
    }
}

static void
add_residual (HrReplay         *replay,
              HrValue          *x,
              HrValue           residual,
              const HrSublayer *sublayer)
{
  HrValue branch = sublayer->residual_scaled ? hr_op_like (replay, "mul", "hidden_states·multiplier", *x)
                                             : hr_replay_hold (replay, *x);

  if (sublayer->residual)
    hr_replay_assign (replay, x, hr_op_like (replay, "add", "hidden_states", residual));
  else
    hr_replay_assign (replay, x, hr_replay_hold (replay, branch));
  hr_replay_drop (replay, branch);
}

/* One branch: each step is bound to the variable that held its input. */
static void
run_single (HrReplay         *replay,
            HrForward        *forward,
            Layer            *layer,
            const HrSublayer *sublayer)
{
  HrValue residual = hr_replay_hold (replay, layer->hidden);

  run_chain (replay, forward, layer, &layer->hidden, &sublayer->shared, FALSE);
  if (sublayer->n_branches > 0)
    run_chain (replay, forward, layer, &layer->hidden, &sublayer->branches[0], sublayer->keeps_input);
  if (sublayer->keeps_output)
    keep (replay, layer, hr_replay_hold (replay, layer->hidden));
  add_residual (replay, &layer->hidden, residual, sublayer);
  hr_replay_drop (replay, residual);
}

static gboolean
begins_with_norm (const HrChain *chain)
{
  return chain->n_blocks > 0 && chain->blocks[0].kind == HR_BLOCK_NORM;
}

/* The norm that each branch begins with; variables of the layer hold them until it ends. */
static void
run_first_norms (HrReplay         *replay,
                 Layer            *layer,
                 const HrSublayer *sublayer)
{
  for (guint i = 0; i < sublayer->n_branches; i++)
    {
      HrValue x = hr_replay_hold (replay, layer->hidden);

      if (begins_with_norm (&sublayer->branches[i]))
        run_block (replay, NULL, layer, &x, &sublayer->branches[i].blocks[0]);
      keep (replay, layer, x);
    }
}

/* A branch; if the norms came first, @input is what its own made. */
static HrValue
run_branch (HrReplay      *replay,
            HrForward     *forward,
            Layer         *layer,
            const HrChain *branch,
            gboolean       skips_norm,
            HrValue        input)
{
  HrChain rest = *branch;
  HrValue x = hr_replay_hold (replay, input);

  if (skips_norm && begins_with_norm (branch))
    {
      rest.blocks++;
      rest.n_blocks--;
    }
  run_chain (replay, forward, layer, &x, &rest, FALSE);

  return x;
}

/*
 * What is added to is fp32: the norm gets a copy in the dtype of the model, what is added to is cast after the norm
 * (MambaBlock.forward).
 */
static void
run_fp32 (HrReplay         *replay,
          HrForward        *forward,
          Layer            *layer,
          const HrSublayer *sublayer)
{
  HrValue residual = hr_replay_hold (replay, layer->hidden);
  const HrChain *chain = &sublayer->branches[0];

  hr_replay_assign (replay, &layer->hidden, hr_op_cast (replay, layer->hidden, replay->dtype));
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      run_block (replay, forward, layer, &layer->hidden, &chain->blocks[i]);
      if (i == 0)
        hr_replay_assign (replay, &residual, hr_op_cast (replay, residual, HR_ELEMENT_FLOAT32));
    }
  add_residual (replay, &layer->hidden, residual, sublayer);
  hr_replay_drop (replay, residual);
}

/* Branches side by side: each has a variable of its own for its result. */
static void
run_parallel (HrReplay         *replay,
              HrForward        *forward,
              Layer            *layer,
              const HrSublayer *sublayer)
{
  HrValue residual = hr_replay_hold (replay, layer->hidden);
  HrValue sum = HR_NO_VALUE;
  guint first = layer->n_kept;

  run_chain (replay, forward, layer, &layer->hidden, &sublayer->shared, FALSE);
  if (sublayer->norms_first)
    run_first_norms (replay, layer, sublayer);

  for (guint i = 0; i < sublayer->n_branches; i++)
    {
      gboolean normed = sublayer->norms_first && first + i < layer->n_kept;
      HrValue x = run_branch (replay, forward, layer, &sublayer->branches[i], normed,
                              normed ? layer->kept[first + i] : layer->hidden);

      if (i == 0)
        {
          sum = x;
          continue;
        }

      keep (replay, layer, hr_replay_hold (replay, sum));
      hr_replay_assign (replay, &sum, hr_op_like (replay, "add", "hidden_states", x));
      hr_replay_drop (replay, x);
    }

  add_residual (replay, &sum, residual, sublayer);
  hr_replay_assign (replay, &layer->hidden, sum);
  hr_replay_drop (replay, residual);
}

static void
run_layer (HrReplay           *replay,
           Pass               *pass,
           const HrLayerClass *klass)
{
  Layer layer = { .hidden = hr_replay_hold (replay, pass->hidden), .weights = HR_NO_VALUE };

  for (guint i = 0; i < klass->n_sublayers; i++)
    {
      replay->sentence = NULL;
      if (i > 0)
        hr_replay_rename (replay, layer.hidden, "residual");
      if (klass->sublayers[i].n_branches == 1 && klass->sublayers[i].residual_fp32)
        run_fp32 (replay, &pass->forward, &layer, &klass->sublayers[i]);
      else if (klass->sublayers[i].n_branches <= 1)
        run_single (replay, &pass->forward, &layer, &klass->sublayers[i]);
      else
        run_parallel (replay, &pass->forward, &layer, &klass->sublayers[i]);
    }

  for (guint i = 0; i < layer.n_kept; i++)
    hr_replay_drop (replay, layer.kept[i]);

  hr_replay_rename (replay, layer.hidden, "hidden_states");
  hr_replay_assign (replay, &pass->hidden, layer.hidden);

  /* The loop over the layers holds the tuple of the last one (`outputs = block (…)` in BloomModel and FalconModel). */
  hr_replay_rename (replay, layer.weights, "outputs[1]");
  hr_replay_assign (replay, &pass->weights, layer.weights);
}

/* Brings what the cache holds of a layer on the tape, and takes it from there again. */
static void
load_cache (const HrInference *self,
            HrReplay          *replay,
            Pass              *pass,
            const HrAttention *attention)
{
  HrForward *forward = &pass->forward;
  guint64 tokens, bytes, value_bytes;

  if (!self->use_cache || pass->past == 0 || attention == NULL)
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
  forward->old_values = hr_replay_adopt (replay, "old values", HR_COMPONENT_KV_CACHE, value_bytes);
}

/* Likewise for what it holds of a sequence however long it is. */
static void
load_state (const HrInference  *self,
            HrReplay           *replay,
            Pass               *pass,
            const HrLayerClass *klass)
{
  HrForward *forward = &pass->forward;
  HrBlockState state;

  if (!self->use_cache || pass->past == 0 || !hr_layer_class_get_state (klass, &state))
    return;

  forward->conv_state = hr_replay_adopt (replay, "conv_states", HR_COMPONENT_KV_CACHE,
                                         hr_inference_get_state_bytes (self, state.conv, replay->dtype));
  forward->recurrent_state = hr_replay_adopt (replay, "recurrent_states", HR_COMPONENT_KV_CACHE,
                                              hr_inference_get_state_bytes (self, state.recurrent, replay->dtype));
}

static void
store_cache (HrReplay *replay,
             Pass     *pass)
{
  HrForward *forward = &pass->forward;
  HrValue *held[] = {
    &forward->old_keys, &forward->old_values, &forward->quantized_keys, &forward->quantized_values,
    &forward->conv_state, &forward->recurrent_state,
  };

  for (guint i = 0; i < G_N_ELEMENTS (held); i++)
    {
      hr_replay_leave (replay, *held[i]);
      *held[i] = HR_NO_VALUE;
    }
}

static void
replay_layer (const HrInference *self,
              HrReplay          *replay,
              Pass              *pass,
              guint              index,
              HrStretch         *stretch)
{
  const HrLayerClass *klass = &self->stack->layer_classes[self->stack->layer_class_of[index]];
  const HrAttention *attention = hr_layer_class_get_attention (klass);

  set_class_symbols (self, replay, klass, pass);
  pass->forward.mask = attention != NULL && attention->sliding_window > 0 ? pass->sliding_mask : pass->full_mask;
  hr_replay_begin (replay, stretch, NULL, index);
  load_cache (self, replay, pass, attention);
  load_state (self, replay, pass, klass);
  run_layer (replay, pass, klass);
  store_cache (replay, pass);
  hr_replay_end (replay);
}

/* Layers of one class in a row. */
static guint
count_run (const HrInference *self,
           guint              first)
{
  guint last = self->first_layer + self->n_layers;
  guint i = first + 1;

  while (i < last && self->stack->layer_class_of[i] == self->stack->layer_class_of[first])
    i++;

  return i - first;
}

/*
 * The layers: one of each class is replayed, the others do the same to the level. The first layer is apart, because its
 * input may be the very tensor that the model's function holds as the embeddings.
 */
static void
run_layers (const HrInference *self,
            HrReplay          *replay,
            Pass              *pass)
{
  ClassRecord records[HR_INFERENCE_MAX_CLASSES];
  guint n_classes = MIN (self->stack->n_layer_classes, HR_INFERENCE_MAX_CLASSES);

  for (guint i = 0; i < n_classes; i++)
    records[i].recorded[0] = records[i].recorded[1] = FALSE;

  for (guint i = self->first_layer; i < self->first_layer + self->n_layers; i++)
    {
      guint klass = self->stack->layer_class_of[i];
      gboolean later = i > self->first_layer;
      HrStretch unshared;

      if (klass >= n_classes || self->every_layer)
        {
          replay_layer (self, replay, pass, i, &unshared);
        }
      else if (records[klass].recorded[later])
        {
          guint count = count_run (self, i);

          hr_replay_repeat (replay, &records[klass].stretch[later], i, count);
          i += count - 1;
        }
      else
        {
          replay_layer (self, replay, pass, i, &records[klass].stretch[later]);
          records[klass].recorded[later] = TRUE;
        }
    }
}

/* The final norm, and the return of the model's function: only its result stays. */
static void
finish_pass (const HrInference *self,
             HrReplay          *replay,
             Pass              *pass)
{
  HrStretch stretch;

  if (self->has_norm)
    {
      const HrBlock *norm = find_block (&self->stack->final, HR_BLOCK_NORM);
      const HrBlock *projection = find_block (&self->stack->final, HR_BLOCK_LINEAR);

      hr_replay_begin (replay, &stretch, norm != NULL ? norm->path : NULL, -1);
      replay->sentence = N_("in the final norm, in single precision");
      if (norm != NULL)
        hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, norm->norm.kind));
      if (projection != NULL)
        hr_replay_assign (replay, &pass->hidden,
                          hr_op_linear (replay, pass->hidden, "hidden_states", HR_SYMBOL_EMBEDDING, 1));
      hr_replay_end (replay);
    }

  for (guint i = 0; i < G_N_ELEMENTS (pass->cos); i++)
    {
      hr_replay_drop (replay, pass->sin[i]);
      hr_replay_drop (replay, pass->cos[i]);
    }
  hr_replay_drop (replay, pass->weights);
  hr_replay_drop (replay, pass->alibi);
  hr_replay_drop (replay, pass->sliding_mask);
  hr_replay_drop (replay, pass->full_mask);
  hr_replay_drop (replay, pass->position_ids);
  hr_replay_drop (replay, pass->ones);
  hr_replay_drop (replay, pass->position_embeds);
  hr_replay_drop (replay, pass->inputs_embeds);
}

static HrValue
make_logits (HrReplay   *replay,
             const char *operation,
             HrValue     shape)
{
  return hr_replay_make (replay, operation, "logits", HR_COMPONENT_LOGITS, shape);
}

/* lm_head (hidden_states.to (dtype)), of the tokens whose logits are wanted. */
static HrValue
cast_last (HrReplay *replay,
           HrValue   hidden,
           gboolean  all)
{
  HrValue shape = all ? hidden : HR_SHAPE (hidden.element, HR_SYMBOL_BATCH, HR_SYMBOL_HIDDEN);

  shape.storage = hidden.storage;

  return hr_op_cast (replay, shape, replay->dtype);
}

/*
 * The head; of the hidden states only the logits are left. Its matrix is not quantized (get_keys_to_not_convert in
 * transformers/quantizers).
 */
static HrValue
run_head (const HrInference *self,
          HrReplay          *replay,
          Pass              *pass,
          gboolean           all)
{
  const HrBlock *block = find_block (self->head, HR_BLOCK_HEAD);
  HrValue shape = all ? HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_VOCABULARY)
                      : HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_VOCABULARY);
  HrStretch stretch;
  HrValue logits = HR_NO_VALUE;
  HrValue cast = HR_NO_VALUE;

  hr_replay_begin (replay, &stretch, block != NULL ? block->path : NULL, -1);
  replay->sentence = N_("in the output head, while the logits are computed");
  if (self->has_head && block != NULL)
    {
      if (block->head.in_fp32)
        cast = cast_last (replay, pass->hidden, all);
      logits = make_logits (replay, "mm", shape);
      hr_replay_drop (replay, cast);
      if (block->head.in_fp32 && shape.element != HR_ELEMENT_FLOAT32)
        {
          shape.element = HR_ELEMENT_FLOAT32;
          hr_replay_assign (replay, &logits, make_logits (replay, "_to_copy", shape));
        }
      if (block->head.scaled)
        hr_replay_assign (replay, &logits, make_logits (replay, "mul", shape));
      if (block->head.softcap)
        {
          hr_replay_assign (replay, &logits, make_logits (replay, "div", shape));
          hr_replay_assign (replay, &logits, make_logits (replay, "tanh", shape));
          hr_replay_assign (replay, &logits, make_logits (replay, "mul", shape));
        }
    }
  else if (self->has_inputs)
    {
      /* Outputs are sent back to the device of the inputs (accelerate's io_same_device). */
      logits = make_logits (replay, "_to_copy", shape);
    }
  hr_replay_end (replay);
  hr_replay_drop (replay, pass->hidden);
  pass->hidden = HR_NO_VALUE;

  return logits;
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
  Pass pass;

  begin_pass (self, replay, &pass, past, sequence);
  pass.forward.cache_flush = flush;
  run_layers (self, replay, &pass);
  finish_pass (self, replay, &pass);
  if (prefill)
    hr_ledger_enter_phase (&replay->ledger, HR_PHASE_HEAD);

  return run_head (self, replay, &pass, self->all_logits && prefill);
}
