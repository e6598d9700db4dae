/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-live-parameters.h"
#include "hr-operator-sequence.h"
#include "hr-pass.h"
#include "hr-replay-adapter.h"

/* What is particular of encoders: how they embed, and what is made of their output. */

static HrValue
get_hidden_shape (HrReplay *replay,
                  HrSymbol  width)
{
  return HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, width);
}

static HrValue
look_up (HrReplay   *replay,
         const char *name,
         HrValue     ids,
         HrSymbol    rows,
         HrValue     shape,
         gboolean    is_trained)
{
  HrValue table = HR_SHAPE (replay->parameter_dtype, rows, shape.symbols[shape.n_symbols - 1]);

  if (is_trained)
    table = hr_autograd_parameter (replay, table);

  return hr_op_embedding (replay, name, ids, table, shape);
}

static gboolean
is_trained (const HrPositionEmbedding *positions)
{
  return !positions->is_fixed && !positions->is_frozen;
}

/* What is looked up is added to the tokens; a variable holds it until the function ends. */
static HrValue
add_embedding (HrReplay *replay,
               HrPass   *pass,
               HrValue   embedding)
{
  hr_replay_assign (replay, &pass->hidden,
                    hr_op_binary (replay, HR_BINARY_ADD, "embeddings", pass->hidden, embedding));

  return embedding;
}

/* The positions of the tokens: rows of a buffer, or counted along the padding of each sequence (RoBERTa). */
static HrValue
look_up_positions (HrReplay                  *replay,
                   const HrPositionEmbedding *positions,
                   HrSymbol                   width,
                   HrValue                   *ids)
{
  HrValue shape = positions->per_sequence ? get_hidden_shape (replay, width)
                                          : HR_SHAPE (replay->dtype, HR_SYMBOL_SEQUENCE, width);

  *ids = HR_NO_VALUE;
  if (positions->per_sequence)
    *ids = hr_op_like (replay, "add", "position_ids",
                       HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  replay->symbols[HR_SYMBOL_POSITIONS] = positions->n_positions;

  return look_up (replay, "position_embeddings", *ids, HR_SYMBOL_POSITIONS, shape, is_trained (positions));
}

/* The variables of the embeddings' own function, but for its result, go when it returns (BertEmbeddings). */
static void
embed_apart (const HrInference *self,
             HrReplay          *replay,
             HrPass            *pass)
{
  const HrChain *embeddings = &self->stack->embeddings;
  const HrBlock *token = hr_chain_find_block (embeddings, HR_BLOCK_TOKEN_EMBEDDING);
  const HrBlock *types = hr_chain_find_block (embeddings, HR_BLOCK_TYPE_EMBEDDING);
  const HrBlock *position = hr_chain_find_block (embeddings, HR_BLOCK_POSITION_EMBEDDING);
  const HrBlock *norm = hr_chain_find_block (embeddings, HR_BLOCK_NORM);
  const HrBlock *projection = hr_chain_find_block (embeddings, HR_BLOCK_LINEAR);
  HrSymbol width = projection != NULL ? HR_SYMBOL_EMBEDDING : HR_SYMBOL_HIDDEN;
  gboolean each = position != NULL && position->position_embedding.per_sequence;
  HrValue shape = get_hidden_shape (replay, width);
  HrValue ids = HR_NO_VALUE, position_ids = HR_NO_VALUE;
  HrValue type_embeds = HR_NO_VALUE, position_embeds = HR_NO_VALUE;
  HrValue inputs;

  if (types != NULL)
    ids = hr_op_like (replay, "gather", "token_type_ids",
                      each ? HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE)
                           : HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE));
  pass->table = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_VOCABULARY, width));
  inputs = hr_op_embedding (replay, "inputs_embeds", HR_NO_VALUE, pass->table, shape);
  hr_pass_require_gradient (replay, &inputs);
  pass->hidden = hr_replay_hold (replay, inputs);
  if (types != NULL)
    {
      replay->symbols[HR_SYMBOL_TYPES] = types->type_embedding.n_types;
      type_embeds = add_embedding (replay, pass, look_up (replay, "token_type_embeddings", ids, HR_SYMBOL_TYPES,
                                                          shape, TRUE));
    }
  if (position != NULL)
    position_embeds = add_embedding (replay, pass, look_up_positions (replay, &position->position_embedding, width,
                                                                      &position_ids));
  if (norm != NULL)
    hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));
  hr_op_dropout (replay, &pass->hidden, token != NULL && token->token_embedding.has_dropout);

  hr_replay_drop (replay, position_embeds);
  hr_replay_drop (replay, position_ids);
  hr_replay_drop (replay, type_embeds);
  hr_replay_drop (replay, inputs);
  hr_replay_drop (replay, ids);
  hr_replay_rename (replay, pass->hidden, "embedding_output");
  if (self->stack->embeds == HR_EMBEDS_NARROW)
    pass->inputs_embeds = hr_replay_hold (replay, pass->hidden);
  if (projection != NULL)
    {
      replay->block = projection->path;
      hr_replay_assign (replay, &pass->hidden,
                        hr_op_linear (replay, pass->hidden, HR_MODULE_SELF, "hidden_states", HR_SYMBOL_HIDDEN, 1,
                                      projection->linear.has_bias));
    }
  if (self->stack->embeds == HR_EMBEDS_APART)
    pass->inputs_embeds = hr_replay_hold (replay, pass->hidden);
  if (hr_pass_has_rotation (self))
    pass->position_ids = hr_op_like (replay, "arange", "position_ids",
                                     HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE));
}

/*
 * hr_pass_convolve_frames:
 * @replay: a tape
 * @block: a convolution over the frames of sounds
 * @x: their features, or what another convolution has made
 * @is_first: whether it is the former
 * @shape: the shape of the result
 *
 * Convolves frames, as the encoder of Whisper does.
 *
 * Returns: the result
 */
HrValue
hr_pass_convolve_frames (HrReplay      *replay,
                         const HrBlock *block,
                         HrValue        x,
                         gboolean       is_first,
                         HrValue        shape)
{
  HrValue weight = is_first ? HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_PIXELS, HR_SYMBOL_HIDDEN)
                            : HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN, HR_SYMBOL_KERNEL, HR_SYMBOL_HIDDEN);
  HrValue bias = HR_NO_VALUE;
  HrValue frames, result;

  replay->block = block->path;
  replay->symbols[HR_SYMBOL_KERNEL] = block->convolution.kernel.sizes[0];
  if (is_first)
    replay->symbols[HR_SYMBOL_PIXELS] = block->convolution.in_channels * block->convolution.kernel.sizes[0];
  weight = hr_autograd_parameter (replay, weight);
  if (block->convolution.has_bias)
    bias = hr_autograd_bias (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));
  frames = hr_op_convolution (replay, "inputs_embeds", x, weight, bias, shape);
  /* The first is what get_input_embeddings() of WhisperEncoder gives. */
  if (is_first)
    hr_pass_require_gradient (replay, &frames);
  result = hr_replay_activation (replay, frames, block->convolution.activation);
  hr_replay_drop (replay, frames);

  return result;
}

/* Convolutions over the frames of a sound; the first has twice the frames of the last (WhisperEncoder). */
static void
embed_sound (const HrInference *self,
             HrReplay          *replay,
             HrPass            *pass)
{
  const HrChain *embeddings = &self->stack->embeddings;
  const HrBlock *position = hr_chain_find_block (embeddings, HR_BLOCK_POSITION_EMBEDDING);
  HrValue x = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_PICTURE);
  HrValue positions;

  replay->sentence = N_("while the sound is convolved");
  replay->symbols[HR_SYMBOL_PICTURE] = self->features;
  for (guint i = 0; i < embeddings->n_blocks; i++)
    {
      HrValue shape = get_hidden_shape (replay, HR_SYMBOL_HIDDEN);

      if (embeddings->blocks[i].kind != HR_BLOCK_CONVOLUTION)
        continue;
      if (i + 1 < embeddings->n_blocks && embeddings->blocks[i + 1].kind == HR_BLOCK_CONVOLUTION)
        shape.count = 2;
      hr_replay_assign (replay, &x, hr_pass_convolve_frames (replay, &embeddings->blocks[i], x, x.storage < 0,
                                                             shape));
    }

  pass->inputs_embeds = x;
  pass->position_ids = hr_op_like (replay, "arange", "all_positions", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE));
  pass->hidden = hr_replay_hold (replay, x);
  if (position == NULL)
    return;

  replay->block = position->path;
  positions = look_up (replay, "embed_positions(…)", HR_NO_VALUE, HR_SYMBOL_POSITIONS,
                       HR_SHAPE (replay->dtype, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN), FALSE);
  hr_replay_assign (replay, &pass->hidden,
                    hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", pass->hidden, positions));
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

  pass->table = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_VOCABULARY,
                                                         HR_SYMBOL_HIDDEN));
  pass->inputs_embeds = hr_op_embedding (replay, "inputs_embeds", HR_NO_VALUE, pass->table, shape);
  if (token != NULL && token->token_embedding.scaled)
    hr_replay_assign (replay, &pass->inputs_embeds,
                      hr_op_unary (replay, HR_UNARY_MUL, "inputs_embeds", pass->inputs_embeds));
  hr_pass_require_gradient (replay, &pass->inputs_embeds);
  pass->hidden = hr_replay_hold (replay, pass->inputs_embeds);

  if (position != NULL)
    {
      const HrPositionEmbedding *positions = &position->position_embedding;
      gboolean each = positions->per_sequence;
      HrValue ids = each ? HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE)
                         : HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE);
      HrValue rows = each ? shape : HR_SHAPE (replay->dtype, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);

      ids = hr_op_like (replay, "arange", "position_ids", ids);
      replay->symbols[HR_SYMBOL_POSITIONS] = positions->n_positions;
      pass->position_embeds = look_up (replay, "embed_pos", ids, HR_SYMBOL_POSITIONS, rows, is_trained (positions));
      hr_replay_drop (replay, ids);
      hr_replay_assign (replay, &pass->hidden,
                        hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", pass->inputs_embeds,
                                      pass->position_embeds));
    }
  if (norm != NULL)
    hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));
  hr_op_dropout (replay, &pass->hidden, token != NULL && token->token_embedding.has_dropout);
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
  const HrAttention *attention = hr_pass_find_attention (self, FALSE);

  replay->sentence = N_("while tokens are embedded");
  if (attention != NULL && attention->path == HR_ATTENTION_DISENTANGLED)
    hr_pass_embed_masked (self, replay, pass);
  else if (self->stack->embeds != HR_EMBEDS_INSIDE)
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
             HrPass        *pass,
             HrValue        x,
             const HrBlock *block)
{
  const HrTunedModule *tuned = hr_tuning_find (replay->tuning, block->path, HR_MODULE_SELF, -1);
  HrSymbol classes = block->head.vocab_size == replay->symbols[HR_SYMBOL_VOCABULARY] ? HR_SYMBOL_VOCABULARY
                                                                                     : HR_SYMBOL_CLASSES;
  HrComponentId component = replay->component;
  HrValue bias = HR_NO_VALUE;
  HrValue shape = x;
  HrValue input = hr_replay_hold (replay, x);
  HrValue scores;

  shape.storage = -1;
  shape.symbols[shape.n_symbols - 1] = classes;
  replay->symbols[HR_SYMBOL_CLASSES] = block->head.vocab_size;
  pass->head = hr_replay_adapter_weight (replay, tuned,
                                         HR_SHAPE (replay->parameter_dtype, x.symbols[x.n_symbols - 1], classes));
  if (block->head.has_bias)
    bias = hr_replay_adapter_bias (replay, tuned, HR_SHAPE (replay->parameter_dtype, classes));
  replay->component = HR_COMPONENT_LOGITS;
  hr_live_parameters_enter (replay, &input, pass->head, bias);
  scores = hr_op_linear_by (replay, input, "logits", pass->head, bias, shape);
  hr_live_parameters_leave (replay, &scores);
  hr_replay_drop (replay, input);
  hr_replay_adapter (replay, tuned, x, block->head.has_bias, FALSE, &scores);
  replay->component = component;

  return scores;
}

/* The first token of each sequence: a view, of which a linear layer makes a tensor of one row for each. */
static HrValue
get_first (HrReplay *replay,
           HrValue   x)
{
  HrValue shape = x;

  if (x.n_symbols < 3)
    return hr_replay_hold (replay, x);

  shape.symbols[1] = x.symbols[2];
  shape.n_symbols = 2;

  return hr_op_slice (replay, x, shape);
}

static gboolean
is_pooled (const HrBlock *block)
{
  return (block->kind == HR_BLOCK_LINEAR && block->linear.pooled) ||
         (block->kind == HR_BLOCK_HEAD && block->head.pooled);
}

/* What a block before the scores makes; the first that is of one token of each sequence begins anew with those. */
static void
run_task (HrReplay      *replay,
          HrPass        *pass,
          HrValue       *x,
          const HrBlock *block,
          gboolean      *has_pooled)
{
  replay->block = block->path;
  if (is_pooled (block) && !*has_pooled)
    {
      hr_replay_assign (replay, x, pass->pooled.storage >= 0 ? hr_replay_hold (replay, pass->pooled)
                                                             : get_first (replay, pass->hidden));
      *has_pooled = TRUE;
    }

  if (block->kind == HR_BLOCK_LINEAR)
    {
      hr_op_dropout (replay, x, block->linear.has_input_dropout);
      hr_replay_assign (replay, x, hr_op_linear (replay, *x, HR_MODULE_SELF, "hidden_states",
                                                 get_width (replay, block->linear.out_features), 1,
                                                 block->linear.has_bias));
    }
  else if (block->kind == HR_BLOCK_ACTIVATION)
    hr_replay_assign (replay, x, hr_replay_activation (replay, *x, block->activation.activation));
  else if (block->kind == HR_BLOCK_NORM)
    hr_replay_assign (replay, x, hr_replay_norm (replay, *x, &block->norm));
  else if (block->kind == HR_BLOCK_HEAD)
    hr_op_dropout (replay, x, block->head.has_input_dropout);
}

static void
leave_tasks (HrReplay *replay,
             HrPass   *pass,
             HrValue   result)
{
  hr_replay_drop (replay, pass->pooled);
  hr_replay_assign (replay, &pass->hidden, result);
  pass->pooled = HR_NO_VALUE;
}

/*
 * hr_pass_prepare_tasks:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * Runs what comes before the scores of an encoder's class, in training: what they are made of takes the place of the
 * hidden states.
 */
void
hr_pass_prepare_tasks (const HrInference *self,
                       HrReplay          *replay,
                       HrPass            *pass)
{
  HrValue x = hr_replay_hold (replay, pass->hidden);
  gboolean has_pooled = FALSE;
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the output head, while the logits are computed");
  for (guint i = 0; i < self->head->n_blocks; i++)
    {
      run_task (replay, pass, &x, &self->head->blocks[i], &has_pooled);
      if (self->head->blocks[i].kind == HR_BLOCK_HEAD)
        break;
    }
  hr_replay_end (replay);
  leave_tasks (replay, pass, x);
}

/*
 * hr_pass_run_scores:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * Computes the scores of an encoder's class, of what hr_pass_prepare_tasks() has made.
 *
 * Returns: the logits
 */
HrValue
hr_pass_run_scores (const HrInference *self,
                    HrReplay          *replay,
                    HrPass            *pass)
{
  const HrBlock *block = hr_chain_find_block (self->head, HR_BLOCK_HEAD);
  HrStretch stretch;
  HrValue logits;

  hr_replay_begin (replay, &stretch, block->path, -1);
  replay->sentence = N_("in the output head, while the logits are computed");
  logits = make_scores (replay, pass, pass->hidden, block);
  hr_replay_end (replay);
  hr_replay_assign (replay, &pass->hidden, HR_NO_VALUE);

  return logits;
}

/*
 * hr_pass_makes_scores:
 * @self: what is replayed
 *
 * Returns: whether the head is a classifier's: that of an encoder, or one that gives each token or sequence numbers
 */
gboolean
hr_pass_makes_scores (const HrInference *self)
{
  const HrBlock *block = hr_chain_find_block (self->head, HR_BLOCK_HEAD);

  return self->stack->role == HR_STACK_ENCODER || (block != NULL && block->head.every_token);
}

/*
 * hr_pass_is_pooled:
 * @self: what is replayed
 *
 * Returns: whether there is one answer, and so one label, for each sequence
 */
gboolean
hr_pass_is_pooled (const HrInference *self)
{
  const HrBlock *block = hr_chain_find_block (self->head, HR_BLOCK_HEAD);

  return block != NULL && (block->head.pooled || block->head.is_of_last);
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
  gboolean has_pooled = FALSE;
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, NULL, -1);
  replay->sentence = N_("in the output head, while the logits are computed");
  for (guint i = 0; i < self->head->n_blocks; i++)
    {
      const HrBlock *block = &self->head->blocks[i];
      HrValue logits;

      run_task (replay, pass, &x, block, &has_pooled);
      if (block->kind != HR_BLOCK_HEAD)
        continue;
      if (replay->ledger.phase == HR_PHASE_PREFILL)
        {
          hr_replay_end (replay);
          hr_ledger_enter_phase (&replay->ledger, HR_PHASE_HEAD);
          hr_replay_begin (replay, &stretch, block->path, -1);
        }
      logits = make_scores (replay, pass, x, block);
      if (result.storage >= 0)
        hr_replay_drop (replay, logits);
      else
        result = logits;
    }
  hr_replay_end (replay);

  if (result.storage < 0)
    result = hr_replay_hold (replay, pass->hidden);
  hr_replay_drop (replay, x);
  leave_tasks (replay, pass, HR_NO_VALUE);

  return result;
}
