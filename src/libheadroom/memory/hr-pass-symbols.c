/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-pass.h"

#include "hr-inference-cache.h"

/* What the symbols stand for while a layer runs, and which layers those are that decide about what all share. */

/* What the efficient kernel aligns the rows of a mask to. */
#define MASK_ALIGNMENT 16

/* Finds a block of a kind in the branches of a layer. */
static const HrBlock *
find_in_branches (const HrLayerClass *klass,
                  HrBlockKind         kind)
{
  for (guint i = 0; i < klass->n_sublayers; i++)
    {
      const HrSublayer *sublayer = &klass->sublayers[i];

      for (guint j = 0; j < sublayer->n_branches; j++)
        {
          const HrBlock *block = hr_chain_find_block (&sublayer->branches[j], kind);

          if (block != NULL)
            return block;
        }
    }

  return NULL;
}

/*
 * hr_chain_find_block:
 * @chain: blocks
 * @kind: which to look for
 *
 * Finds a block of a kind.
 *
 * Returns: (nullable): the first of them, or %NULL
 */
const HrBlock *
hr_chain_find_block (const HrChain *chain,
                     HrBlockKind    kind)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].kind == kind)
        return &chain->blocks[i];
    }

  return NULL;
}

/* The width of what goes from layer to layer, which embeddings may be projected to (OPT-350m). */
static guint64
get_hidden_size (const HrInference *self)
{
  const HrBlock *token = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_TOKEN_EMBEDDING);
  const HrBlock *projection = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_LINEAR);
  const HrAttention *attention;

  if (projection != NULL)
    return projection->linear.out_features;

  if (token != NULL)
    return token->token_embedding.hidden_size;

  attention = hr_layer_class_get_attention (&self->stack->layer_classes[0]);

  return attention != NULL ? attention->hidden_size : 0;
}

/* Whether the head makes a number for each word, not for each label. */
static gboolean
writes_text (const HrInference *self,
             const HrBlock     *token,
             const HrBlock     *head)
{
  if (head == NULL)
    return FALSE;

  return (self->stack->role == HR_STACK_DECODER && !head->head.every_token) ||
         (token != NULL && token->token_embedding.vocab_size == head->head.vocab_size);
}

/*
 * hr_pass_set_model_symbols:
 * @self: what is replayed
 * @replay: a tape
 *
 * Sets what is the same for the whole model.
 */
void
hr_pass_set_model_symbols (const HrInference *self,
                           HrReplay          *replay)
{
  const HrBlock *token = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_TOKEN_EMBEDDING);
  const HrBlock *head = hr_chain_find_block (self->head, HR_BLOCK_HEAD);

  replay->symbols[HR_SYMBOL_BATCH] = self->batch;
  replay->symbols[HR_SYMBOL_EMBEDDING] = token != NULL ? token->token_embedding.hidden_size : 0;
  replay->symbols[HR_SYMBOL_HIDDEN] = get_hidden_size (self);
  replay->symbols[HR_SYMBOL_VOCABULARY] = token != NULL ? token->token_embedding.vocab_size : 0;
  if (writes_text (self, token, head))
    replay->symbols[HR_SYMBOL_VOCABULARY] = head->head.vocab_size;
}

/*
 * hr_pass_set_context:
 * @replay: a tape
 * @context: tokens of a sequence that are attended to
 *
 * Sets what depends on the tokens that are attended to.
 */
void
hr_pass_set_context (HrReplay *replay,
                     guint64   context)
{
  replay->symbols[HR_SYMBOL_CONTEXT] = context;
  replay->symbols[HR_SYMBOL_CONTEXT_SINK] = context + 1;
  replay->symbols[HR_SYMBOL_CONTEXT_PADDED] = (context + MASK_ALIGNMENT - 1) / MASK_ALIGNMENT * MASK_ALIGNMENT;
}

/*
 * hr_pass_set_attention_symbols:
 * @replay: a tape
 * @attention: a block
 *
 * Sets the sizes of an attention.
 */
void
hr_pass_set_attention_symbols (HrReplay          *replay,
                               const HrAttention *attention)
{
  guint64 *symbols = replay->symbols;
  guint parameter_bytes = hr_element_get_bytes (replay->parameter_dtype);

  symbols[HR_SYMBOL_HEADS] = attention->num_attention_heads;
  symbols[HR_SYMBOL_KEY_HEADS] = attention->num_key_value_heads;
  symbols[HR_SYMBOL_HEAD] = attention->head_dim;
  symbols[HR_SYMBOL_HEAD_ALLOCATED] = hr_ledger_round (attention->head_dim * parameter_bytes) / parameter_bytes;
  symbols[HR_SYMBOL_QUERY] = attention->num_attention_heads * attention->head_dim;
  symbols[HR_SYMBOL_KEY] = attention->num_key_value_heads * attention->head_dim;
  symbols[HR_SYMBOL_CACHED] = attention->cached_heads * attention->head_dim;
  symbols[HR_SYMBOL_FUSED] = symbols[HR_SYMBOL_QUERY] + 2 * symbols[HR_SYMBOL_KEY];
  symbols[HR_SYMBOL_VALUE] = attention->num_attention_heads * attention->value_head_dim;
  symbols[HR_SYMBOL_KEY_VALUE] = attention->num_key_value_heads * attention->value_head_dim;
  symbols[HR_SYMBOL_QUERY_LATENT] = attention->query_latent_size;
  symbols[HR_SYMBOL_LATENT] = attention->latent_size;
  symbols[HR_SYMBOL_LATENT_JOINED] = attention->latent_size + attention->rotary_dim;
  symbols[HR_SYMBOL_EXPANDED] = symbols[HR_SYMBOL_QUERY] + symbols[HR_SYMBOL_VALUE] -
                                attention->num_attention_heads * attention->rotary_dim;
  symbols[HR_SYMBOL_ROTARY] = attention->rotary_dim;
  symbols[HR_SYMBOL_TABLE] = attention->table_positions;
  symbols[HR_SYMBOL_INDEX_HEADS] = attention->index_num_heads;
  symbols[HR_SYMBOL_INDEX_HEAD] = attention->index_head_dim;
  symbols[HR_SYMBOL_INDEX] = attention->index_num_heads * attention->index_head_dim;
  symbols[HR_SYMBOL_INDEX_ROTARY] = attention->index_num_heads * attention->rotary_dim;
  symbols[HR_SYMBOL_QUERY_ROTARY] = attention->num_attention_heads * attention->rotary_dim;
  symbols[HR_SYMBOL_KEY_ROTARY] = attention->num_key_value_heads * attention->rotary_dim;
}

/*
 * hr_pass_set_class_symbols:
 * @self: what is replayed
 * @replay: a tape
 * @klass: the class of a layer
 * @pass: the pass
 *
 * Sets the sizes of a layer.
 */
void
hr_pass_set_class_symbols (const HrInference  *self,
                           HrReplay           *replay,
                           const HrLayerClass *klass,
                           const HrPass       *pass)
{
  const HrAttention *attention = hr_layer_class_get_attention (klass);
  const HrAttention *cross = hr_layer_class_get_cross_attention (klass);
  const HrBlock *mlp = find_in_branches (klass, HR_BLOCK_MLP);
  const HrBlock *mixture = find_in_branches (klass, HR_BLOCK_MIXTURE);

  if (attention != NULL)
    {
      hr_pass_set_attention_symbols (replay, attention);
      hr_pass_set_context (replay, hr_inference_get_context (self, attention, pass->past,
                                                             replay->symbols[HR_SYMBOL_SEQUENCE]));
      replay->symbols[HR_SYMBOL_SELECTED] = MIN (attention->index_topk, replay->symbols[HR_SYMBOL_CONTEXT]);
    }
  /* Layers that attend to nothing else (Mllama), or to both at once (Idefics 2). */
  if (attention == NULL && cross != NULL)
    {
      hr_pass_set_attention_symbols (replay, cross);
      hr_pass_set_context (replay, pass->forward.source_length);
    }
  else if (attention != NULL && attention->joins_source)
    {
      hr_pass_set_context (replay, pass->forward.source_length + replay->symbols[HR_SYMBOL_SEQUENCE]);
    }
  if (mixture != NULL)
    hr_replay_set_mixture_symbols (replay, &mixture->mixture);
  if (mlp != NULL)
    replay->symbols[HR_SYMBOL_INTERMEDIATE] = mlp->mlp.intermediate_size;
}

/*
 * hr_pass_find_attention_of_kind:
 * @self: what is replayed
 * @sliding: whether it has a window
 * @position: how it knows of positions
 *
 * Finds a layer's attention.
 *
 * Returns: (nullable): the first that is such, or %NULL
 */
const HrAttention *
hr_pass_find_attention_of_kind (const HrInference *self,
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

/*
 * hr_pass_find_attention:
 * @self: what is replayed
 * @sliding: whether it has a window
 *
 * Finds a layer's attention.
 *
 * Returns: (nullable): the first that is such, or %NULL
 */
const HrAttention *
hr_pass_find_attention (const HrInference *self,
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

/*
 * hr_pass_has_attention:
 * @self: what is replayed
 *
 * Returns: whether any layer has attention
 */
gboolean
hr_pass_has_attention (const HrInference *self)
{
  return hr_pass_find_attention (self, FALSE) != NULL || hr_pass_find_attention (self, TRUE) != NULL;
}

/*
 * hr_pass_joins_embeddings:
 * @self: what is replayed
 *
 * Returns: whether any layer reads the model's embeddings beside what the layer before has made
 */
gboolean
hr_pass_joins_embeddings (const HrInference *self)
{
  for (guint i = 0; i < self->stack->n_layer_classes; i++)
    {
      const HrLayerClass *klass = &self->stack->layer_classes[i];

      for (guint j = 0; j < klass->n_sublayers; j++)
        {
          if (klass->sublayers[j].joins_embeddings)
            return TRUE;
        }
    }

  return FALSE;
}
