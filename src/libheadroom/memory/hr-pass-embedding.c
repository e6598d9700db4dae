/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-live-parameters.h"
#include "hr-operator.h"
#include "hr-pass.h"
#include "hr-replay-adapter.h"
#include "hr-replay-collective.h"
#include "hr-replay-megatron.h"
#include "hr-replay-prompt.h"
#include "hr-sharding.h"
#include "hr-torchtitan-parallel.h"
#include "hr-upcast.h"

/* The embeddings that a pass begins with. */

/* To the width of the layers, of embeddings that are narrower. */
static void
project_embeds (HrReplay *replay,
                HrPass   *pass)
{
  hr_replay_assign (replay, &pass->inputs_embeds,
                    hr_op_linear (replay, pass->inputs_embeds, HR_MODULE_SELF, "inputs_embeds",
                                  HR_SYMBOL_HIDDEN, 1, FALSE));
}

/*
 * Where each sequence has positions of its own, an offset is added to them (OPTLearnedPositionalEmbedding). They are
 * looked up before embeddings that are narrower than the layers are projected (OPTDecoder.forward).
 */
static void
embed_positions (HrReplay                  *replay,
                 HrPass                    *pass,
                 const HrBlock             *block,
                 gboolean                   is_of_each,
                 gboolean                   has_offset,
                 gboolean                   is_narrow)
{
  const HrPositionEmbedding *positions = &block->position_embedding;
  HrElement element = positions->is_fixed ? replay->parameter_dtype
                                          : hr_upcast_get_element (replay, HR_TENSOR_ROLE_EMBEDDING, block->path);
  HrValue ids = hr_replay_hold (replay, pass->position_ids);
  HrValue rows = is_of_each
                   ? HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN)
                   : HR_SHAPE (element, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);

  HrValue table = HR_SHAPE (element, HR_SYMBOL_POSITIONS, HR_SYMBOL_HIDDEN);

  replay->symbols[HR_SYMBOL_POSITIONS] = positions->n_positions;
  if (!positions->is_fixed && !positions->is_frozen)
    table = hr_autograd_parameter (replay, table);
  if (has_offset)
    hr_replay_assign (replay, &ids, hr_op_like (replay, "add", "position_ids + offset", pass->position_ids));
  hr_live_parameters_enter (replay, NULL, table, HR_NO_VALUE);
  pass->position_embeds = hr_op_embedding (replay, "position_embeds", ids, table, rows);
  hr_live_parameters_leave (replay, &pass->position_embeds);
  hr_replay_drop (replay, ids);
  if (positions->replaces_ids)
    hr_replay_assign (replay, &pass->position_ids, HR_NO_VALUE);
  if (is_narrow)
    {
      project_embeds (replay, pass);
      hr_replay_assign (replay, &pass->hidden, hr_replay_hold (replay, pass->inputs_embeds));
    }
  hr_replay_assign (replay, &pass->hidden,
                    hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", pass->inputs_embeds, pass->position_embeds));
  if (positions->is_temporary)
    hr_replay_assign (replay, &pass->position_embeds, HR_NO_VALUE);
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

/* Whether the biases of positions are made of such a mask; MPT and Baichuan know those of all positions. */
static gboolean
counts_ones (const HrAttention *alibi)
{
  return alibi != NULL && alibi->path != HR_ATTENTION_MPT && alibi->path != HR_ATTENTION_BAICHUAN;
}

/* Whether a variable of the model's function holds the positions of the tokens. */
static gboolean
counts_positions (const HrInference *self,
                  const HrAttention *alibi,
                  const HrBlock     *position)
{
  const HrAttention *attention = hr_pass_find_attention (self, FALSE);

  if (attention != NULL && hr_attention_is_relative (attention))
    return FALSE;
  if (self->encoder != NULL && position != NULL && position->position_embedding.is_fixed)
    return FALSE;

  return hr_pass_has_attention (self) && (alibi == NULL || alibi->path == HR_ATTENTION_FALCON);
}

/*
 * hr_pass_require_gradient:
 * @replay: a tape
 * @embeds: (inout): what the module makes that transformers knows as the input embeddings
 *
 * Where layers are computed anew, a hook of the module lets gradients flow to what it makes, though it is frozen: a
 * leaf, which the node that takes its gradient holds (PreTrainedModel.enable_input_require_grads).
 */
void
hr_pass_require_gradient (HrReplay *replay,
                          HrValue  *embeds)
{
  gboolean offloads = replay->offloads;

  if (replay->graph == NULL || !replay->inputs_need_gradients || hr_value_needs_gradient (*embeds))
    return;

  /* A leaf is no saved tensor, which hooks would move to the host. */
  replay->offloads = FALSE;
  *embeds = hr_autograd_boundary (replay, *embeds);
  hr_autograd_save (replay, *embeds, *embeds);
  replay->offloads = offloads;
}

/*
 * How far the positions behind images are from the number of tokens is kept by the model (rope_deltas), so that in
 * training those of the step before are there.
 */
static void
keep_deltas (HrReplay *replay)
{
  HrComponentId component = replay->component;
  HrValue deltas;

  if (replay->graph != NULL)
    return;

  replay->component = HR_COMPONENT_INPUTS;
  deltas = hr_op_like (replay, "tensor", "rope_deltas", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH));
  replay->component = component;
  hr_replay_leave (replay, deltas);
}

/*
 * hr_pass_counts_outside:
 * @self: what is replayed
 *
 * Returns: whether positions with three axes are computed around the decoder, by get_rope_index(), where something is
 *   seen or heard. Qwen2.5-Omni's thinker leaves them to its decoder where no mask comes with the batch
 */
gboolean
hr_pass_counts_outside (const HrInference *self)
{
  const HrBlock *head = hr_chain_find_block (self->head, HR_BLOCK_HEAD);

  return hr_pass_has_axes (self) && !self->counts_as_text &&
         (head == NULL || !head->head.holds_embeds || self->mask != HR_ATTENTION_MASK_NONE);
}

/* `torch.arange (…) + past_seen_tokens`. */
static HrValue
count_tokens (HrReplay *replay,
              HrValue   shape)
{
  HrValue ids = hr_op_like (replay, "arange", "position_ids", shape);

  hr_replay_assign (replay, &ids, hr_op_like (replay, "add", "position_ids", shape));

  return ids;
}

static void
scale_embeds (HrReplay *replay,
              HrPass   *pass)
{
  hr_replay_assign (replay, &pass->inputs_embeds,
                    hr_op_unary (replay, HR_UNARY_MUL, "inputs_embeds", pass->inputs_embeds));
}

/*
 * Ones for virtual tokens, and the mask that comes with the batch behind them, in torch's default dtype; variables of
 * PEFT's function hold both until it returns (PeftModelForCausalLM.forward in peft/peft_model.py).
 */
static void
lengthen_mask (HrReplay *replay,
               HrPass   *pass)
{
  pass->beside[pass->n_beside++] = hr_op_like (replay, "_to_copy", "prefix_attention_mask",
                                               HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_VIRTUAL));
  pass->beside[pass->n_beside++] = hr_op_like (replay, "cat", "attention_mask",
                                               HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_PREFIXED));
}

/*
 * Virtual tokens come before the others, and labels that do not count; variables of PEFT's function hold both until it
 * returns (PeftModelForCausalLM.forward in peft/peft_model.py).
 */
static void
put_prompt_before (HrReplay *replay,
                   HrPass   *pass)
{
  HrValue parts[2];

  pass->beside[pass->n_beside++] = hr_op_like (replay, "_to_copy", "prefix_labels",
                                               HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_VIRTUAL));
  pass->beside[pass->n_beside++] = hr_op_like (replay, "cat", "labels",
                                               HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  parts[0] = pass->beside[pass->n_beside++] = hr_replay_prompt (replay);
  parts[1] = pass->inputs_embeds;
  hr_replay_assign (replay, &pass->inputs_embeds,
                    hr_op_cat (replay, "inputs_embeds", parts, 2,
                               HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN)));
  pass->beside[pass->n_beside++] = hr_replay_hold (replay, pass->inputs_embeds);
}

/* What the table of tokens is held in; a head that is tied to it is cast with it. */
static HrElement
get_table_element (const HrInference *self,
                   const HrReplay    *replay,
                   const HrBlock     *token)
{
  const HrBlock *head = self->head != NULL ? hr_chain_find_block (self->head, HR_BLOCK_HEAD) : NULL;
  HrElement element = hr_upcast_get_element (replay, HR_TENSOR_ROLE_EMBEDDING, token != NULL ? token->path : "");

  if (head == NULL || !head->head.tied ||
      hr_upcast_get_element (replay, HR_TENSOR_ROLE_OUTPUT, head->path) != replay->parameter_dtype)
    return element;

  return replay->parameter_dtype;
}

/* The symbol for the rows of a table of tokens, of which there may be more than the head has (Mllama). */
static HrSymbol
get_rows (HrReplay      *replay,
          const HrBlock *token)
{
  if (token == NULL || token->token_embedding.vocab_size <= replay->symbols[HR_SYMBOL_VOCABULARY])
    return HR_SYMBOL_VOCABULARY;

  replay->symbols[HR_SYMBOL_POSITIONS] = token->token_embedding.vocab_size;

  return HR_SYMBOL_POSITIONS;
}

static void
norm_embeds (HrReplay      *replay,
             HrValue       *embeds,
             const HrBlock *token,
             const HrBlock *norm)
{
  replay->block = norm != NULL ? norm->path : replay->block;
  if (norm != NULL)
    hr_replay_assign (replay, embeds, hr_replay_norm (replay, *embeds, &norm->norm));
  hr_op_dropout (replay, embeds, token != NULL && token->token_embedding.has_dropout);
}

/*
 * hr_pass_count_received:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * Counts the positions of tokens that come embedded, as the function of the model does whatever it is given.
 */
void
hr_pass_count_received (const HrInference *self,
                        HrReplay          *replay,
                        HrPass            *pass)
{
  const HrAttention *alibi = hr_pass_find_attention_of_kind (self, FALSE, HR_POSITION_ALIBI);

  if (counts_positions (self, alibi, NULL) && replay->layer_code == HR_LAYER_CODE_TRANSFORMERS)
    pass->position_ids = count_tokens (replay, HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE));
}

/* Beside towers the table is gathered for as long as tokens are looked up in it, which may be behind them. */
static gboolean
gathers_table (const HrInference *self)
{
  return self->towers != NULL && self->tower == NULL && !hr_pass_joins_in_place (self);
}

/*
 * hr_pass_embed:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * Embeds the tokens, and their positions where those are learned.
 */
void
hr_pass_embed (const HrInference *self,
               HrReplay          *replay,
               HrPass            *pass)
{
  const HrBlock *token = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_TOKEN_EMBEDDING);
  const HrBlock *position = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_POSITION_EMBEDDING);
  const HrBlock *norm = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_NORM);
  const HrBlock *projection = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_LINEAR);
  HrSymbol width = projection != NULL ? HR_SYMBOL_EMBEDDING : HR_SYMBOL_HIDDEN;
  gboolean is_prompted = hr_tuning_get_n_embedded (replay->tuning) > 0;
  HrElement element = get_table_element (self, replay, token);
  HrValue tokens = HR_SHAPE (element, HR_SYMBOL_BATCH, is_prompted ? HR_SYMBOL_TEXT : HR_SYMBOL_SEQUENCE, width);
  HrValue ids = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE);
  const HrAttention *alibi = hr_pass_find_attention_of_kind (self, FALSE, HR_POSITION_ALIBI);
  gboolean is_given = self->has_positions;
  gboolean each = position != NULL && position->position_embedding.per_sequence;
  gboolean counts = each && self->encoder == NULL && !is_given;
  gboolean has_ones = position != NULL && position->position_embedding.ones != HR_ONES_NONE;
  gboolean is_apart = self->stack->embeds == HR_EMBEDS_APART;
  gboolean is_scaled = token != NULL && token->token_embedding.scaled && !token->token_embedding.scaled_outside;
  const HrTunedModule *tuned = hr_tuning_find (replay->tuning, replay->block, HR_MODULE_SELF, -1);

  replay->sentence = N_("while tokens are embedded");
  if (hr_tuning_get_n_virtual (replay->tuning) > 0 && self->mask != HR_ATTENTION_MASK_NONE)
    lengthen_mask (replay, pass);
  if (hr_tuning_get_n_cached (replay->tuning) > 0)
    pass->prefix = hr_replay_prefix (replay, hr_pass_find_attention (self, FALSE), self->n_layers);
  pass->table = hr_replay_adapter_weight (replay, tuned,
                                          HR_SHAPE (element, get_rows (replay, token), width));
  hr_live_parameters_enter (replay, NULL, pass->table, HR_NO_VALUE);
  if (gathers_table (self))
    hr_sharding_gather (replay, HR_SHARDED_EMBEDDING);
  replay->sentence = N_("while tokens are embedded");
  if (replay->layer_code == HR_LAYER_CODE_TORCHTITAN && replay->divides_layers)
    pass->inputs_embeds = hr_torchtitan_embed (replay, pass->table, tokens);
  else
    pass->inputs_embeds = hr_op_embedding (replay, "inputs_embeds", self->decoder_ids, pass->table, tokens);
  if (replay->live != NULL)
    hr_pass_require_gradient (replay, &pass->inputs_embeds);
  hr_live_parameters_leave (replay, &pass->inputs_embeds);
  /* LanguageModelEmbedding of megatron/core/models/common/embeddings: positions are added to all tokens. */
  if (replay->divides_sequence && position == NULL && hr_megatron_runs (replay))
    hr_collective_scatter (replay, &pass->inputs_embeds);
  if (is_scaled)
    scale_embeds (replay, pass);
  hr_replay_adapter_embedding (replay, tuned, self->decoder_ids, is_scaled, &pass->inputs_embeds);
  if (gathers_table (self))
    hr_sharding_let_go (replay, HR_SHARDED_EMBEDDING);
  hr_pass_require_gradient (replay, &pass->inputs_embeds);
  if (self->towers != NULL && pass->past == 0 && !hr_pass_crosses (self))
    hr_pass_join (self, replay, pass);
  if (is_prompted)
    put_prompt_before (replay, pass);
  if (token != NULL && token->token_embedding.scaled && token->token_embedding.scaled_outside)
    {
      if (self->stack->is_included)
        pass->outer_embeds = hr_replay_hold (replay, pass->inputs_embeds);
      scale_embeds (replay, pass);
    }
  if (is_apart)
    norm_embeds (replay, &pass->inputs_embeds, token, norm);

  replay->block = projection != NULL ? projection->path : replay->block;
  if (projection != NULL && position == NULL)
    project_embeds (replay, pass);

  hr_pass_set_context (replay, pass->past + replay->symbols[HR_SYMBOL_SEQUENCE]);
  if ((counts || has_ones || counts_ones (alibi)) && self->mask == HR_ATTENTION_MASK_NONE)
    pass->ones = make_ones (replay, alibi);
  if (counts)
    ids = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT);
  else if (each)
    ids = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  if (is_given)
    pass->position_ids = hr_replay_hold (replay, self->positions);
  else if (counts_positions (self, alibi, position) && self->examples == 0 &&
           replay->layer_code != HR_LAYER_CODE_TORCHTITAN && replay->layer_code != HR_LAYER_CODE_UNSLOTH)
    {
      if (pass->n_joins > 0 && hr_pass_counts_outside (self))
        {
          ids = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
          ids.count = HR_PASS_N_AXES;
          pass->position_ids = hr_op_like (replay, "zeros", "position_ids", ids);
          keep_deltas (replay);
        }
      else
        {
          pass->position_ids = count_tokens (replay, ids);
        }
    }

  /* `original_hidden_states = torch.clone (inputs_embeds)`: Zamba2Model.forward. */
  if (hr_pass_joins_embeddings (self))
    pass->forward.embeds = hr_op_copy (replay, "original_hidden_states", pass->inputs_embeds,
                                       hr_value_detach (pass->inputs_embeds));
  pass->hidden = hr_replay_hold (replay, pass->inputs_embeds);
  if (position != NULL)
    embed_positions (replay, pass, position, each || is_given, counts || position->position_embedding.has_offset,
                     projection != NULL);
  if (replay->divides_sequence && position != NULL)
    {
      hr_replay_assign (replay, &pass->inputs_embeds, HR_NO_VALUE);
      hr_replay_assign (replay, &pass->position_embeds, HR_NO_VALUE);
      hr_collective_scatter (replay, &pass->hidden);
    }
  if (!is_apart)
    norm_embeds (replay, &pass->hidden, token, norm);
}
