/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator.h"
#include "hr-pass.h"

/*
 * What DeBERTa's functions make before the layers (transformers/models/deberta_v2/modeling_deberta_v2.py): embeddings
 * that are multiplied by the mask, a mask of each pair of tokens, and the distances between them.
 */

/* The positions, where they are learned; a variable holds zeros in their place. */
static HrValue
embed_positions (HrReplay      *replay,
                 HrPass        *pass,
                 const HrBlock *position,
                 HrValue        shape)
{
  HrSymbol width = shape.symbols[shape.n_symbols - 1];
  HrValue table, rows;

  if (position == NULL)
    return hr_op_like (replay, "zeros_like", "position_embeddings", shape);

  replay->symbols[HR_SYMBOL_POSITIONS] = position->position_embedding.n_positions;
  table = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_POSITIONS, width));
  rows = hr_op_embedding (replay, "position_embeddings", HR_NO_VALUE, table,
                          HR_SHAPE (replay->dtype, HR_SYMBOL_SEQUENCE, width));
  hr_replay_assign (replay, &pass->hidden,
                    hr_op_binary (replay, HR_BINARY_ADD, "embeddings", pass->hidden, rows));

  return rows;
}

static HrValue
embed_types (HrReplay      *replay,
             HrPass        *pass,
             const HrBlock *types,
             HrValue        shape)
{
  HrValue table, rows;

  if (types == NULL)
    return HR_NO_VALUE;

  replay->symbols[HR_SYMBOL_TYPES] = types->type_embedding.n_types;
  table = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_TYPES,
                                                   shape.symbols[shape.n_symbols - 1]));
  rows = hr_op_embedding (replay, "token_type_embeddings", pass->position_ids, table, shape);
  hr_replay_assign (replay, &pass->hidden,
                    hr_op_binary (replay, HR_BINARY_ADD, "embeddings", pass->hidden, rows));

  return rows;
}

/* embeddings * mask.to (embeddings.dtype) */
static HrValue
multiply_by_mask (HrReplay *replay,
                  HrPass   *pass)
{
  HrValue shape = HR_SHAPE (pass->hidden.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrValue mask = pass->ones.storage >= 0 && pass->ones.element == pass->hidden.element
                   ? hr_replay_hold (replay, pass->ones)
                   : hr_op_like (replay, "_to_copy", "mask", shape);

  hr_replay_assign (replay, &pass->hidden, hr_op_binary (replay, HR_BINARY_MUL, "embeddings", pass->hidden, mask));

  return mask;
}

/*
 * hr_pass_embed_masked:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * Embeds what DeBERTa reads. A mask of ones, in torch's default dtype, is made where none comes with the batch; so are
 * zeros for the types of tokens, whether or not these are embedded.
 */
void
hr_pass_embed_masked (const HrInference *self,
                      HrReplay          *replay,
                      HrPass            *pass)
{
  const HrChain *embeddings = &self->stack->embeddings;
  const HrBlock *token = hr_chain_find_block (embeddings, HR_BLOCK_TOKEN_EMBEDDING);
  const HrBlock *projection = hr_chain_find_block (embeddings, HR_BLOCK_LINEAR);
  const HrBlock *norm = hr_chain_find_block (embeddings, HR_BLOCK_NORM);
  HrSymbol width = projection != NULL ? HR_SYMBOL_EMBEDDING : HR_SYMBOL_HIDDEN;
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, width);
  HrValue inputs, positions, types, mask;

  if (self->mask == HR_ATTENTION_MASK_NONE)
    pass->ones = hr_op_like (replay, "ones", "attention_mask",
                             HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  pass->position_ids = hr_op_like (replay, "zeros", "token_type_ids",
                                   HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  pass->table = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_VOCABULARY, width));
  inputs = hr_op_embedding (replay, "inputs_embeds", HR_NO_VALUE, pass->table, shape);
  hr_pass_require_gradient (replay, &inputs);
  pass->hidden = hr_replay_hold (replay, inputs);
  positions = embed_positions (replay, pass, hr_chain_find_block (embeddings, HR_BLOCK_POSITION_EMBEDDING), shape);
  types = embed_types (replay, pass, hr_chain_find_block (embeddings, HR_BLOCK_TYPE_EMBEDDING), shape);
  if (projection != NULL)
    {
      replay->block = projection->path;
      hr_replay_assign (replay, &pass->hidden,
                        hr_op_linear (replay, pass->hidden, HR_MODULE_SELF, "embeddings", HR_SYMBOL_HIDDEN, 1,
                                      projection->linear.has_bias));
    }
  if (norm != NULL)
    hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));
  mask = multiply_by_mask (replay, pass);
  hr_op_dropout (replay, &pass->hidden, token != NULL && token->token_embedding.has_dropout);

  hr_replay_drop (replay, mask);
  hr_replay_drop (replay, types);
  hr_replay_drop (replay, positions);
  hr_replay_drop (replay, inputs);
  hr_replay_rename (replay, pass->hidden, "embedding_output");
  pass->inputs_embeds = hr_replay_hold (replay, pass->hidden);
}

/*
 * hr_pass_make_pair_mask:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * Makes the mask of each pair of tokens, in the type of the one that came with the batch (get_attention_mask).
 *
 * Returns: the mask
 */
HrValue
hr_pass_make_pair_mask (const HrInference *self,
                        HrReplay          *replay,
                        const HrPass      *pass)
{
  HrElement element = pass->ones.storage >= 0 ? pass->ones.element : HR_ELEMENT_INT64;

  return hr_op_like (replay, "mul", "attention_mask",
                     HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT));
}

/* make_log_bucket_position: small distances as they are, longer ones by their logarithm. */
static void
make_buckets (HrReplay *replay,
              HrValue  *ids)
{
  HrValue truths = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue reals = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue sign = hr_op_like (replay, "sign", "sign", *ids);
  HrValue is_small = hr_op_like (replay, "bitwise_and", "relative_pos < mid", truths);
  HrValue absolute = hr_op_like (replay, "abs", "abs(relative_pos)", *ids);
  HrValue positions = hr_op_like (replay, "where", "abs_pos", *ids);
  HrValue logarithms, narrow, products;

  hr_replay_drop (replay, absolute);
  hr_replay_drop (replay, is_small);
  logarithms = hr_op_like (replay, "div", "abs_pos/mid", reals);
  hr_replay_assign (replay, &logarithms, hr_op_like (replay, "log", "log(…)", reals));
  hr_replay_assign (replay, &logarithms, hr_op_like (replay, "div", "log(…)/log(…)", reals));
  hr_replay_assign (replay, &logarithms, hr_op_like (replay, "mul", "log_pos", reals));
  hr_replay_assign (replay, &logarithms, hr_op_like (replay, "ceil", "log_pos", reals));
  hr_replay_assign (replay, &logarithms, hr_op_like (replay, "add", "log_pos", reals));
  is_small = hr_op_like (replay, "le", "abs_pos ≤ mid", truths);
  narrow = hr_op_like (replay, "_to_copy", "relative_pos.type_as(log_pos)", reals);
  products = hr_op_like (replay, "mul", "log_pos·sign", reals);
  hr_replay_assign (replay, ids, hr_op_like (replay, "where", "bucket_pos", reals));
  hr_replay_drop (replay, products);
  hr_replay_drop (replay, narrow);
  hr_replay_drop (replay, is_small);
  hr_replay_drop (replay, logarithms);
  hr_replay_drop (replay, positions);
  hr_replay_drop (replay, sign);
}

/* build_relative_position */
static HrValue
make_ids (HrReplay          *replay,
          const HrAttention *attention)
{
  HrValue pairs = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONTEXT);
  HrValue queries = hr_op_like (replay, "arange", "q_ids", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE));
  HrValue keys = hr_op_like (replay, "arange", "k_ids", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_CONTEXT));
  HrValue ids = hr_op_like (replay, "sub", "rel_pos_ids", pairs);

  if (attention->relative_logarithm)
    {
      make_buckets (replay, &ids);
      hr_replay_assign (replay, &ids, hr_op_like (replay, "_to_copy", "rel_pos_ids", pairs));
    }
  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, queries);

  return ids;
}

/*
 * hr_pass_make_distances:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * Makes what all layers share of the distances between tokens, where there is any (get_rel_pos, get_rel_embedding).
 */
void
hr_pass_make_distances (const HrInference *self,
                        HrReplay          *replay,
                        HrPass            *pass)
{
  const HrAttention *attention = hr_pass_find_attention (self, FALSE);
  HrValue table;

  if (attention == NULL || attention->path != HR_ATTENTION_DISENTANGLED || attention->relative_span == 0)
    return;

  replay->sentence = N_("in the attention, while the biases of positions are looked up");
  replay->symbols[HR_SYMBOL_BUCKETS] = 2 * attention->relative_span;
  pass->forward.distance_ids = make_ids (replay, attention);
  table = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BUCKETS, HR_SYMBOL_HIDDEN));
  pass->forward.distances = hr_op_layer_norm (replay, table, TRUE, TRUE);
  hr_replay_rename (replay, pass->forward.distances, "rel_embeddings");
}
