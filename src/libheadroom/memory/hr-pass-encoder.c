/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-pass.h"

/* What is particular of encoders: how they embed, and what is made of their output. */

static HrValue
get_hidden_shape (HrReplay *replay,
                  HrSymbol  width)
{
  return HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, width);
}

/* The variables of the embeddings' own function, but for its result, go when it returns (BertEmbeddings). */
static void
embed_apart (const HrInference *self,
             HrReplay          *replay,
             HrPass            *pass)
{
  const HrChain *embeddings = &self->stack->embeddings;
  const HrBlock *types = hr_chain_find_block (embeddings, HR_BLOCK_TYPE_EMBEDDING);
  const HrBlock *position = hr_chain_find_block (embeddings, HR_BLOCK_POSITION_EMBEDDING);
  const HrBlock *norm = hr_chain_find_block (embeddings, HR_BLOCK_NORM);
  const HrBlock *projection = hr_chain_find_block (embeddings, HR_BLOCK_LINEAR);
  HrSymbol width = projection != NULL ? HR_SYMBOL_EMBEDDING : HR_SYMBOL_HIDDEN;
  HrValue shape = get_hidden_shape (replay, width);
  HrValue ids = HR_NO_VALUE;
  HrValue type_embeds = HR_NO_VALUE, position_embeds = HR_NO_VALUE;
  HrValue inputs = HR_NO_VALUE;

  if (types != NULL)
    ids = hr_op_like (replay, "gather", "token_type_ids", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE));
  inputs = hr_op_like (replay, "embedding", "inputs_embeds", shape);
  pass->hidden = hr_replay_hold (replay, inputs);
  if (types != NULL)
    {
      type_embeds = hr_op_like (replay, "embedding", "token_type_embeddings", shape);
      hr_replay_assign (replay, &pass->hidden, hr_op_like (replay, "add", "embeddings", shape));
    }
  if (position != NULL)
    {
      position_embeds = hr_op_like (replay, "embedding", "position_embeddings",
                                    HR_SHAPE (replay->dtype, HR_SYMBOL_SEQUENCE, width));
      hr_replay_assign (replay, &pass->hidden, hr_op_like (replay, "add", "embeddings", shape));
    }
  if (norm != NULL)
    hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));

  hr_replay_drop (replay, position_embeds);
  hr_replay_drop (replay, type_embeds);
  hr_replay_drop (replay, inputs);
  hr_replay_drop (replay, ids);
  hr_replay_rename (replay, pass->hidden, "embedding_output");
  if (self->stack->embeds == HR_EMBEDS_NARROW)
    pass->inputs_embeds = hr_replay_hold (replay, pass->hidden);
  if (projection != NULL)
    hr_replay_assign (replay, &pass->hidden,
                      hr_op_linear (replay, pass->hidden, HR_MODULE_SELF, "hidden_states", HR_SYMBOL_HIDDEN, 1,
                                    projection->linear.has_bias));
  if (self->stack->embeds == HR_EMBEDS_APART)
    pass->inputs_embeds = hr_replay_hold (replay, pass->hidden);
  if (hr_pass_has_rotation (self))
    pass->position_ids = hr_op_like (replay, "arange", "position_ids",
                                     HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE));
}

/* Convolutions over the frames of a sound; the first has twice the frames of the last (WhisperEncoder). */
static void
embed_sound (const HrInference *self,
             HrReplay          *replay,
             HrPass            *pass)
{
  const HrChain *embeddings = &self->stack->embeddings;
  const HrBlock *position = hr_chain_find_block (embeddings, HR_BLOCK_POSITION_EMBEDDING);
  HrValue x = HR_NO_VALUE;
  HrValue positions;

  replay->sentence = N_("while the sound is convolved");
  for (guint i = 0; i < embeddings->n_blocks; i++)
    {
      const HrBlock *block = &embeddings->blocks[i];
      HrValue shape = get_hidden_shape (replay, HR_SYMBOL_HIDDEN);
      HrValue frames;

      if (block->kind != HR_BLOCK_CONVOLUTION)
        continue;
      if (i + 1 < embeddings->n_blocks && embeddings->blocks[i + 1].kind == HR_BLOCK_CONVOLUTION)
        shape.count = 2;
      frames = hr_op_like (replay, "convolution", "inputs_embeds", shape);
      hr_replay_assign (replay, &x, hr_replay_activation (replay, frames, block->convolution.activation));
      hr_replay_drop (replay, frames);
    }

  pass->inputs_embeds = x;
  pass->position_ids = hr_op_like (replay, "arange", "all_positions", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE));
  pass->hidden = hr_replay_hold (replay, x);
  if (position == NULL)
    return;

  positions = hr_op_like (replay, "embedding", "embed_positions(…)",
                          HR_SHAPE (replay->dtype, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));
  hr_replay_assign (replay, &pass->hidden,
                    hr_op_like (replay, "add", "hidden_states", get_hidden_shape (replay, HR_SYMBOL_HIDDEN)));
  hr_replay_drop (replay, positions);
}

/* In the function that runs the layers, whose variables stay (BartEncoder, T5Stack). */
static void
embed_inside (const HrInference *self,
              HrReplay          *replay,
              HrPass            *pass)
{
  const HrChain *embeddings = &self->stack->embeddings;
  const HrBlock *token = hr_chain_find_block (embeddings, HR_BLOCK_TOKEN_EMBEDDING);
  const HrBlock *position = hr_chain_find_block (embeddings, HR_BLOCK_POSITION_EMBEDDING);
  const HrBlock *norm = hr_chain_find_block (embeddings, HR_BLOCK_NORM);
  HrValue shape = get_hidden_shape (replay, HR_SYMBOL_HIDDEN);

  pass->inputs_embeds = hr_op_like (replay, "embedding", "inputs_embeds", shape);
  if (token != NULL && token->token_embedding.scaled)
    hr_replay_assign (replay, &pass->inputs_embeds, hr_op_like (replay, "mul", "inputs_embeds", shape));
  pass->hidden = hr_replay_hold (replay, pass->inputs_embeds);

  if (position != NULL)
    {
      gboolean each = position->position_embedding.per_sequence;
      HrValue ids = each ? HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE)
                         : HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE);

      ids = hr_op_like (replay, "arange", "position_ids", ids);
      pass->position_embeds = hr_op_like (replay, "embedding", "embed_pos",
                                          each ? shape : HR_SHAPE (replay->dtype, HR_SYMBOL_SEQUENCE,
                                                                   HR_SYMBOL_HIDDEN));
      hr_replay_drop (replay, ids);
      hr_replay_assign (replay, &pass->hidden, hr_op_like (replay, "add", "hidden_states", shape));
    }
  if (norm != NULL)
    hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));
}

/*
 * hr_pass_embed_source:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * Embeds what an encoder reads.
 */
void
hr_pass_embed_source (const HrInference *self,
                      HrReplay          *replay,
                      HrPass            *pass)
{
  replay->sentence = N_("while tokens are embedded");
  if (self->stack->embeds != HR_EMBEDS_INSIDE)
    embed_apart (self, replay, pass);
  else if (hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_CONVOLUTION) != NULL)
    embed_sound (self, replay, pass);
  else
    embed_inside (self, replay, pass);
}

/* The width that a linear layer of a head makes: that of the hidden states, or of the embeddings (ALBERT, ELECTRA). */
static HrSymbol
get_width (HrReplay *replay,
           guint64   features)
{
  return features == replay->symbols[HR_SYMBOL_EMBEDDING] && features != replay->symbols[HR_SYMBOL_HIDDEN]
           ? HR_SYMBOL_EMBEDDING
           : HR_SYMBOL_HIDDEN;
}

static HrValue
make_scores (HrReplay      *replay,
             HrValue        x,
             const HrBlock *block)
{
  HrValue shape = x;

  shape.storage = -1;
  shape.symbols[shape.n_symbols - 1] = block->head.vocab_size == replay->symbols[HR_SYMBOL_VOCABULARY]
                                         ? HR_SYMBOL_VOCABULARY
                                         : HR_SYMBOL_CLASSES;
  replay->symbols[HR_SYMBOL_CLASSES] = block->head.vocab_size;

  return hr_replay_make (replay, "addmm", "logits", HR_COMPONENT_LOGITS, shape);
}

/* The first token of each sequence: a view, of which a linear layer makes a tensor of one row for each. */
static HrValue
get_first (HrValue x)
{
  if (x.n_symbols < 3)
    return x;

  x.symbols[1] = x.symbols[2];
  x.n_symbols = 2;

  return x;
}

/*
 * hr_pass_run_tasks:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * Runs the heads of an encoder's class: over all tokens, or over one of each sequence.
 *
 * Returns: the logits, or the hidden states where there is no head
 */
HrValue
hr_pass_run_tasks (const HrInference *self,
                   HrReplay          *replay,
                   HrPass            *pass)
{
  HrValue x = hr_replay_hold (replay, pass->hidden);
  HrValue result = HR_NO_VALUE;
  HrStretch stretch;
  gboolean is_pooled = FALSE;

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the output head, while the logits are computed");
  for (guint i = 0; i < self->head->n_blocks; i++)
    {
      const HrBlock *block = &self->head->blocks[i];
      gboolean pooled = (block->kind == HR_BLOCK_LINEAR && block->linear.pooled) ||
                        (block->kind == HR_BLOCK_HEAD && block->head.pooled);

      replay->block = block->path;
      if (pooled && !is_pooled)
        {
          HrValue first = pass->pooled.storage >= 0 ? hr_replay_hold (replay, pass->pooled)
                                                    : get_first (hr_replay_hold (replay, pass->hidden));

          hr_replay_assign (replay, &x, first);
          is_pooled = TRUE;
        }

      if (block->kind == HR_BLOCK_LINEAR)
        hr_replay_assign (replay, &x, hr_op_linear (replay, x, HR_MODULE_SELF, "hidden_states",
                                                    get_width (replay, block->linear.out_features), 1,
                                                    block->linear.has_bias));
      else if (block->kind == HR_BLOCK_ACTIVATION)
        hr_replay_assign (replay, &x, hr_replay_activation (replay, x, block->activation.activation));
      else if (block->kind == HR_BLOCK_NORM)
        hr_replay_assign (replay, &x, hr_replay_norm (replay, x, &block->norm));
      else if (block->kind == HR_BLOCK_HEAD)
        {
          HrValue logits;

          if (replay->ledger.phase == HR_PHASE_PREFILL)
            {
              hr_replay_end (replay);
              hr_ledger_enter_phase (&replay->ledger, HR_PHASE_HEAD);
              hr_replay_begin (replay, &stretch, block->path, -1);
            }
          logits = make_scores (replay, x, block);
          if (result.storage >= 0)
            hr_replay_drop (replay, logits);
          else
            result = logits;
        }
    }
  hr_replay_end (replay);

  if (result.storage < 0)
    result = hr_replay_hold (replay, pass->hidden);
  hr_replay_drop (replay, x);
  hr_replay_drop (replay, pass->pooled);
  hr_replay_drop (replay, pass->hidden);
  pass->hidden = pass->pooled = HR_NO_VALUE;

  return result;
}
