/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-pass.h"

#include "hr-inference-cache.h"

/* The masks of a pass, which its layers share. */

/*
 * Whether sdpa_mask () leaves the mask out, so that the kernels' own causal mode is used (_ignore_causal_mask_sdpa in
 * transformers/masking_utils.py). Under torch.compile the positions are taken for those of packed examples
 * (find_packed_sequence_indices).
 */
static gboolean
can_skip_mask (const HrInference *self,
               const HrAttention *attention,
               guint64            sequence,
               guint64            context)
{
  if (attention->path == HR_ATTENTION_FALCON || hr_attention_is_always_eager (attention))
    return FALSE;

  return (sequence == 1 || context == sequence) &&
         (attention->sliding_window == 0 || context < attention->sliding_window) && self->examples == 0 &&
         !self->compiles && self->mask != HR_ATTENTION_MASK_PADDED;
}

/*
 * Whether the mask is joined with one for each sequence: any that comes with the batch, and the ones that BloomModel
 * and OPTDecoder make where none does.
 */
static gboolean
joins_padding (const HrInference *self,
               const HrAttention *attention)
{
  const HrBlock *position = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_POSITION_EMBEDDING);

  return self->mask != HR_ATTENTION_MASK_NONE || attention->path == HR_ATTENTION_BLOOM ||
         attention->path == HR_ATTENTION_UMT5 ||
         (position != NULL && position->position_embedding.per_sequence && self->encoder == NULL) ||
         (position != NULL && position->position_embedding.ones != HR_ONES_NONE);
}

/* `attention_mask = create_causal_mask (…, attention_mask=attention_mask)`: BartDecoder.forward. */
static void
drop_passing_ones (const HrInference *self,
                   HrReplay          *replay,
                   HrPass            *pass)
{
  const HrBlock *position = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_POSITION_EMBEDDING);

  if (position != NULL && position->position_embedding.ones == HR_ONES_PASSING)
    hr_replay_assign (replay, &pass->ones, HR_NO_VALUE);
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

/* The mask that UMT5Stack makes where none comes with the batch, in torch's default dtype. */
static void
make_ones (const HrInference *self,
           HrReplay          *replay,
           HrPass            *pass)
{
  if (self->mask == HR_ATTENTION_MASK_NONE)
    pass->ones = hr_op_like (replay, "ones", "attention_mask",
                             HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT));
}

/* (1.0 - attention_mask.to (dtype)) * min (UMT5Stack.forward) */
static HrValue
make_inverted_mask (HrReplay *replay)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT);
  HrValue mask = hr_op_like (replay, "_to_copy", "causal_mask", shape);

  hr_replay_assign (replay, &mask, hr_op_like (replay, "rsub", "1.0 − causal_mask", shape));
  hr_replay_assign (replay, &mask, hr_op_like (replay, "mul", "causal_mask", shape));

  return mask;
}

/* Tokens of an encoder see each other: there is a mask only where some are padding, or far from each other. */
static HrValue
make_encoder_mask (const HrInference *self,
                   HrReplay          *replay,
                   HrPass            *pass,
                   const HrAttention *attention,
                   gboolean           eager)
{
  gboolean padded = self->mask == HR_ATTENTION_MASK_PADDED;
  guint64 sequence = replay->symbols[HR_SYMBOL_SEQUENCE];

  hr_pass_set_attention_symbols (replay, attention);
  hr_pass_set_context (replay, sequence);
  if (attention->source_positions > 0)
    return HR_NO_VALUE;
  if (attention->path == HR_ATTENTION_DISENTANGLED)
    return hr_pass_make_pair_mask (self, replay, pass);
  if (attention->path == HR_ATTENTION_UMT5)
    {
      make_ones (self, replay, pass);
      return make_inverted_mask (replay);
    }
  if (self->attention == HR_ATTENTION_IMPLEMENTATION_FLASH && !eager)
    return padded ? hr_op_like (replay, "_to_copy", "attention_mask",
                                HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT))
                  : HR_NO_VALUE;
  if (attention->sliding_window > 0 && sequence >= attention->sliding_window)
    return hr_replay_window_mask (replay, padded, eager);

  return padded ? hr_replay_padding_mask (replay, eager) : HR_NO_VALUE;
}

/* The mask of what the encoder made, which the decoder attends to: one row for each token. */
static HrValue
make_source_mask (const HrInference *self,
                  HrReplay          *replay,
                  const HrAttention *attention,
                  gboolean           eager)
{
  if (self->mask != HR_ATTENTION_MASK_PADDED || attention->source_positions > 0)
    return HR_NO_VALUE;

  hr_pass_set_context (replay, self->source_length);
  if (self->attention == HR_ATTENTION_IMPLEMENTATION_FLASH && !eager)
    return hr_op_like (replay, "_to_copy", "encoder_attention_mask",
                       HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SOURCE));

  return hr_replay_padding_mask (replay, eager);
}

/* Whether scores are made one by one, whatever was asked for. */
static gboolean
is_eager (const HrInference *self,
          const HrAttention *attention)
{
  return self->attention == HR_ATTENTION_IMPLEMENTATION_EAGER || hr_attention_is_always_eager (attention);
}

/*
 * What is hidden is marked for every position of the cache by every other, in torch's default dtype; what comes with
 * the batch stays apart (CTRLModel.forward).
 */
static HrValue
make_square_mask (const HrInference *self,
                  HrReplay          *replay,
                  HrPass            *pass)
{
  if (self->mask != HR_ATTENTION_MASK_NONE)
    hr_replay_assign (replay, &pass->ones, hr_op_like (replay, "mul", "attention_mask",
                                                       HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT)));

  return hr_op_like (replay, "_to_copy", "mask", HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_CONTEXT, HR_SYMBOL_CONTEXT));
}

/* Whether both tokens of a pair are there, and the query is behind the key: expanded_mask of BaichuanModel.forward. */
static HrValue
spread_mask (HrReplay *replay)
{
  HrValue row = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT);
  HrValue pairs = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, HR_SYMBOL_CONTEXT);
  HrValue flags = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, HR_SYMBOL_CONTEXT);
  HrValue mask = hr_op_like (replay, "_to_copy", "expanded_mask", row);
  HrValue both = hr_op_like (replay, "mul", "expanded_mask[:, :, None]·expanded_mask[:, None, :]", pairs);
  HrValue equal;

  hr_replay_assign (replay, &both, hr_op_like (replay, "gt", "torch.gt(…)", flags));
  hr_replay_assign (replay, &both, hr_op_like (replay, "tril", "torch.tril(…)", flags));
  equal = hr_op_like (replay, "sub", "expanded_mask[:, :, None] − expanded_mask[:, None, :]", pairs);
  hr_replay_assign (replay, &equal, hr_op_like (replay, "eq", "torch.eq(…)", flags));
  hr_replay_assign (replay, &mask, hr_op_like (replay, "mul", "expanded_mask", flags));
  hr_replay_drop (replay, equal);
  hr_replay_drop (replay, both);
  hr_replay_assign (replay, &mask, hr_op_like (replay, "_to_copy", "expanded_mask", pairs));

  return mask;
}

/*
 * The biases of each head and pair are a view of a buffer; a mask that comes with the batch is added to those of all
 * tokens so far (BaichuanModel.forward). Accelerate copies either to another device.
 */
static HrValue
make_biased_mask (const HrInference *self,
                  HrReplay          *replay,
                  HrPass            *pass)
{
  HrValue pairs = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT, HR_SYMBOL_CONTEXT);
  HrValue biased = HR_SHAPE (replay->dtype, HR_SYMBOL_HEADS, HR_SYMBOL_CONTEXT, HR_SYMBOL_CONTEXT);
  HrValue flags = pairs;

  flags.element = HR_ELEMENT_BOOL;
  if (self->mask != HR_ATTENTION_MASK_NONE)
    biased = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_CONTEXT, HR_SYMBOL_CONTEXT);
  if (!self->has_inputs)
    return hr_op_like (replay, "_to_copy", "attention_mask", biased);
  if (self->mask == HR_ATTENTION_MASK_NONE)
    return HR_NO_VALUE;

  pass->spread_masks[0] = spread_mask (replay);
  pass->spread_masks[1] = hr_op_like (replay, "rsub", "inverted_mask", pairs);
  flags = hr_op_like (replay, "_to_copy", "inverted_mask.to(bool)", flags);
  hr_replay_assign (replay, &pass->spread_masks[1], hr_op_like (replay, "masked_fill", "inverted_mask", pairs));
  hr_replay_drop (replay, flags);

  return hr_op_like (replay, "add", "attention_mask", biased);
}

/* What each layer makes of the mask for its kernel is the same, so that the compiler makes it once. */
static void
share_mask (HrReplay *replay,
            HrValue  *mask)
{
  HrElement element = replay->autocast != HR_ELEMENT_NONE ? replay->autocast : replay->dtype;

  hr_replay_assign (replay, mask, hr_op_like (replay, "where", "attn_mask",
                                              HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE,
                                                        HR_SYMBOL_CONTEXT)));
}

static HrValue
make_mask (const HrInference *self,
           HrReplay          *replay,
           HrPass            *pass,
           const HrAttention *attention,
           guint64            context)
{
  gboolean eager = is_eager (self, attention);
  guint64 sequence = replay->symbols[HR_SYMBOL_SEQUENCE];
  HrValue mask;

  if (self->stack->role == HR_STACK_ENCODER)
    return make_encoder_mask (self, replay, pass, attention, eager);

  hr_pass_set_attention_symbols (replay, attention);
  hr_pass_set_context (replay, context);
  if (attention->path == HR_ATTENTION_BAICHUAN)
    return make_biased_mask (self, replay, pass);
  if (attention->path == HR_ATTENTION_CTRL && self->has_inputs)
    return make_square_mask (self, replay, pass);
  if (!eager && self->attention == HR_ATTENTION_IMPLEMENTATION_FLASH)
    return self->mask == HR_ATTENTION_MASK_PADDED
             ? hr_op_like (replay, "_to_copy", "attention_mask",
                           HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT))
             : HR_NO_VALUE;

  if (!eager && pass->blocks.storage < 0 && can_skip_mask (self, attention, sequence, context))
    return HR_NO_VALUE;

  if (attention->path == HR_ATTENTION_UMT5)
    make_ones (self, replay, pass);
  if (self->has_inputs)
    mask = hr_replay_mask (replay, attention->sliding_window > 0, attention->chunked, joins_padding (self, attention),
                           pass->blocks.storage >= 0, self->examples > 0, eager);
  else
    mask = copy_mask (self, replay, eager);
  if (self->compiles && !eager)
    share_mask (replay, &mask);

  /* MptModel makes a boolean mask of the one that would be added. */
  if (attention->path == HR_ATTENTION_MPT)
    hr_replay_assign (replay, &mask,
                      hr_op_like (replay, "_to_copy", "causal_mask",
                                  HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT)));

  return attention->path == HR_ATTENTION_FALCON && attention->position == HR_POSITION_ALIBI
           ? join_alibi (replay, mask, eager)
           : mask;
}

/* A mask with a window that no layer asks for, over all that the layers' caches hold (Qwen2MoeModel.forward). */
static HrValue
make_unused_mask (const HrInference *self,
                  HrReplay          *replay,
                  HrPass            *pass,
                  const HrAttention *full)
{
  HrAttention windowed = *full;

  windowed.sliding_window = self->stack->mask_window;

  return make_mask (self, replay, pass, &windowed,
                    hr_inference_get_context (self, full, pass->past, replay->symbols[HR_SYMBOL_SEQUENCE]));
}

/*
 * hr_pass_make_masks:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * Makes the masks that the layers share, one for each kind of attention.
 */
void
hr_pass_make_masks (const HrInference *self,
                    HrReplay          *replay,
                    HrPass            *pass)
{
  const HrAttention *full = hr_pass_find_attention (self, FALSE);
  const HrAttention *sliding = hr_pass_find_attention (self, TRUE);
  guint64 sequence = replay->symbols[HR_SYMBOL_SEQUENCE];

  /* LlamaModel_fast_forward of unsloth/models/llama.py: in training none is made. */
  if (replay->layer_code == HR_LAYER_CODE_UNSLOTH)
    return;

  replay->sentence = N_("while the attention mask is made");
  /* get_block_sequence_ids_for_mask of modeling_gemma3.py, and PaliGemmaModel.forward. */
  if (self->has_block_mask && pass->past == 0)
    pass->blocks = hr_op_like (replay, "where", "block_sequence_ids",
                               HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  if (full != NULL)
    pass->full_mask = make_mask (self, replay, pass, full,
                                 hr_inference_get_context (self, full, pass->past, sequence));
  if (sliding != NULL)
    pass->sliding_mask = make_mask (self, replay, pass, sliding,
                                    hr_inference_get_context (self, sliding, pass->past, sequence));
  else if (full != NULL && self->stack->mask_window > 0)
    pass->sliding_mask = make_unused_mask (self, replay, pass, full);
  drop_passing_ones (self, replay, pass);
  if (self->source.storage >= 0 && full != NULL)
    pass->forward.source_mask = make_source_mask (self, replay, full, is_eager (self, full));
}
