/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-float8.h"
#include "hr-live-parameters.h"
#include "hr-operator.h"
#include "hr-pass.h"
#include "hr-replay-adapter.h"
#include "hr-replay-collective.h"
#include "hr-replay-engine.h"
#include "hr-replay-parallel.h"
#include "hr-replay-prediction.h"
#include "hr-torchtitan-parallel.h"
#include "hr-tower.h"
#include "hr-upcast.h"

/* What follows the last layer. */

/* torch.tanh (dense (hidden_states[:, 0])): BertPooler. */
static void
run_pooler (HrReplay      *replay,
            HrPass        *pass,
            const HrChain *final)
{
  for (guint i = 0; i < final->n_blocks; i++)
    {
      const HrBlock *block = &final->blocks[i];

      if (block->kind == HR_BLOCK_LINEAR && block->linear.pooled)
        {
          HrValue shape = HR_SHAPE (pass->hidden.element, HR_SYMBOL_BATCH, HR_SYMBOL_HIDDEN);
          HrValue first = hr_op_slice (replay, pass->hidden, shape);

          pass->pooled = hr_op_linear (replay, first, HR_MODULE_SELF, "pooled_output", HR_SYMBOL_HIDDEN, 1,
                                       block->linear.has_bias);
          hr_replay_drop (replay, first);
        }
      else if (block->kind == HR_BLOCK_ACTIVATION)
        hr_replay_assign (replay, &pass->pooled,
                          hr_replay_activation (replay, pass->pooled, block->activation.activation));
    }
}

/* Where the loop over the layers keeps what the last one returned until its function ends (T5Stack). */
static gboolean
keeps_outputs (const HrInference *self)
{
  const HrAttention *attention = hr_pass_find_attention (self, FALSE);

  return attention != NULL && hr_attention_is_relative (attention);
}

/* What was seen is returned as well (image_hidden_states, audio_hidden_states), but by Qwen's models. */
static void
return_seen (const HrInference *self,
             HrReplay          *replay,
             HrValue            seen,
             guint              index)
{
  const HrTower *tower = &g_array_index (self->towers, HrTower, index);

  if (tower->stack->tower == HR_TOWER_QWEN_VL || tower->stack->tower == HR_TOWER_CHUNKED ||
      tower->projector->projector == HR_PROJECTOR_QWEN2_AUDIO ||
      index >= G_N_ELEMENTS (replay->returned))
    hr_replay_drop (replay, seen);
  else
    replay->returned[index] = hr_value_detach (seen);
}

/*
 * hr_pass_drop_returned:
 * @replay: a tape
 *
 * Lets go of what the model's function has returned beside its result.
 */
void
hr_pass_drop_returned (HrReplay *replay)
{
  for (guint i = 0; i < G_N_ELEMENTS (replay->returned); i++)
    hr_replay_assign (replay, &replay->returned[i], HR_NO_VALUE);
}

/*
 * hr_pass_drop_stored:
 * @replay: a tape
 * @pass: a pass
 *
 * Lets go of the keys and values that the model's function holds.
 */
void
hr_pass_drop_stored (HrReplay *replay,
                     HrPass   *pass)
{
  for (guint i = 0; i < G_N_ELEMENTS (pass->forward.stored_keys); i++)
    {
      hr_replay_assign (replay, &pass->forward.stored_keys[i], HR_NO_VALUE);
      hr_replay_assign (replay, &pass->forward.stored_values[i], HR_NO_VALUE);
    }
}

/* What an encoder's layers have read goes when its function returns, as nothing but the last is handed on. */
static void
drop_left (HrReplay *replay,
           HrPass   *pass)
{
  guint64 bytes = hr_replay_get_bytes (replay, pass->inputs_embeds);

  for (; pass->n_left > 0; pass->n_left--)
    hr_replay_drop (replay, hr_replay_adopt (replay, "all_hidden_states", HR_COMPONENT_ACTIVATIONS, bytes));
}

/*
 * Whether the class with the head embeds and joins what the decoder reads, and not a function of its own; or another
 * class around it does, whose function returns when the loss is there (MiniCPMV.forward).
 */
static gboolean
holds_embeds (const HrInference *self)
{
  const HrBlock *head = self->has_head ? hr_chain_find_block (self->head, HR_BLOCK_HEAD) : NULL;

  return (head != NULL && head->head.holds_embeds) || hr_pass_joins_in_place (self);
}

/* What variables hold of what was seen goes with the function that has joined it with the text. */
static void
leave_join (const HrInference *self,
            HrReplay          *replay,
            HrPass            *pass,
            guint              index)
{
  HrJoin *join = &pass->joins[index];

  /* What the tower has made is returned, and not what has been projected of it (Llama4ForConditionalGeneration). */
  if (g_array_index (self->towers, HrTower, index).stack->tower == HR_TOWER_UNFOLDED)
    return_seen (self, replay, join->outputs[--join->n_outputs], index);
  if (holds_embeds (self))
    {
      pass->beside[pass->n_beside++] = join->mask;
      pass->beside[pass->n_beside++] = join->other_mask;
      pass->beside[pass->n_beside++] = hr_value_detach (join->seen);
      for (guint i = 0; i < join->n_outputs; i++)
        pass->beside[pass->n_beside++] = join->outputs[i];
      return;
    }

  hr_replay_drop (replay, join->mask);
  hr_replay_drop (replay, join->other_mask);
  for (guint i = 0; i < join->n_outputs; i++)
    hr_replay_drop (replay, join->outputs[i]);
  return_seen (self, replay, join->seen, index);
}

/*
 * hr_pass_finish:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * The final norm, and the return of the model's function: only its result stays.
 */
void
hr_pass_finish (const HrInference *self,
                HrReplay          *replay,
                HrPass            *pass)
{
  HrStretch stretch;

  if (self->tower != NULL)
    {
      hr_tower_finish (self, replay, pass);
      return;
    }
  if (self->has_norm)
    {
      const HrBlock *norm = hr_chain_find_block (&self->stack->final, HR_BLOCK_NORM);
      const HrBlock *projection = hr_chain_find_block (&self->stack->final, HR_BLOCK_LINEAR);

      hr_replay_begin (replay, &stretch, norm != NULL ? norm->path : NULL, -1);
      replay->sentence = N_("in the final norm, in single precision");
      if (keeps_outputs (self))
        pass->outputs = hr_replay_hold (replay, pass->hidden);
      if (norm != NULL)
        {
          hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));
          hr_op_dropout (replay, &pass->hidden, norm->norm.has_dropout);
        }
      if (replay->layer_code == HR_LAYER_CODE_TORCHTITAN)
        hr_torchtitan_gather (replay, &pass->hidden);
      replay->block = projection != NULL ? projection->path : replay->block;
      if (projection != NULL && projection->linear.pooled)
        run_pooler (replay, pass, &self->stack->final);
      else if (projection != NULL)
        hr_replay_assign (replay, &pass->hidden,
                          hr_op_linear (replay, pass->hidden, HR_MODULE_SELF, "hidden_states",
                                        HR_SYMBOL_EMBEDDING, 1, FALSE));
      hr_replay_end (replay);
      hr_replay_predictions (self, replay, pass);
    }

  for (guint i = 0; i < G_N_ELEMENTS (pass->cos); i++)
    {
      hr_replay_drop (replay, pass->sin[i]);
      hr_replay_drop (replay, pass->cos[i]);
    }
  hr_replay_assign (replay, &pass->outputs, HR_NO_VALUE);
  if (!pass->keeps_stored)
    hr_pass_drop_stored (replay, pass);
  hr_replay_drop (replay, pass->forward.distances);
  hr_replay_drop (replay, pass->forward.distance_ids);
  hr_replay_drop (replay, pass->forward.source_bias);
  hr_replay_drop (replay, pass->forward.position_bias);
  hr_replay_drop (replay, pass->forward.source_mask);
  hr_replay_drop (replay, pass->weights);
  hr_replay_drop (replay, pass->alibi);
  hr_replay_drop (replay, pass->sliding_mask);
  hr_replay_drop (replay, pass->full_mask);
  hr_replay_drop (replay, pass->position_ids);
  hr_replay_drop (replay, pass->blocks);
  hr_replay_drop (replay, pass->spread_masks[1]);
  hr_replay_drop (replay, pass->spread_masks[0]);
  hr_replay_drop (replay, pass->ones);
  hr_replay_drop (replay, pass->outer_embeds);
  hr_replay_drop (replay, pass->position_embeds);
  hr_replay_drop (replay, pass->forward.embeds);
  if (hr_pass_crosses (self))
    hr_pass_leave_source (replay, pass);
  for (guint i = 0; i < pass->n_joins && !pass->joins[i].crosses; i++)
    leave_join (self, replay, pass, i);
  while (pass->n_features > 0)
    hr_replay_drop (replay, pass->features[--pass->n_features]);
  if (pass->keeps_layers && self->stack->role == HR_STACK_ENCODER)
    drop_left (replay, pass);
  if (pass->keeps_layers && self->stack->role != HR_STACK_ENCODER)
    hr_replay_leave (replay, pass->inputs_embeds);
  else if (holds_embeds (self))
    pass->beside[pass->n_beside++] = hr_value_detach (pass->inputs_embeds);
  else
    hr_replay_drop (replay, pass->inputs_embeds);
}

/*
 * hr_pass_scale_output:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * What the model's function multiplies all hidden states by before its head, in training (T5); it holds what the
 * decoder returned until it ends.
 */
void
hr_pass_scale_output (const HrInference *self,
                      HrReplay          *replay,
                      HrPass            *pass)
{
  const HrBlock *block = hr_chain_find_block (self->head, HR_BLOCK_HEAD);
  HrStretch stretch;

  if (block == NULL || !block->head.scaled_input)
    return;

  hr_replay_begin (replay, &stretch, NULL, -1);
  pass->outputs = hr_replay_hold (replay, pass->hidden);
  hr_replay_assign (replay, &pass->hidden, hr_op_unary (replay, HR_UNARY_MUL, "sequence_output", pass->hidden));
  hr_replay_end (replay);
}

/* The hidden states of the tokens whose logits are wanted. */
static HrValue
get_last (HrReplay *replay,
          HrValue   hidden,
          gboolean  all)
{
  return all || hidden.n_symbols == 2
             ? hr_replay_hold (replay, hidden)
             : hr_op_slice (replay, hidden, HR_SHAPE (hidden.element, HR_SYMBOL_BATCH, HR_SYMBOL_HIDDEN));
}

/*
 * hr_pass_has_long_head:
 * @self: what is replayed
 *
 * Returns: whether a linear layer comes before the head of a decoder (ModernBertDecoderPredictionHead)
 */
gboolean
hr_pass_has_long_head (const HrInference *self)
{
  return self->stack->role == HR_STACK_DECODER && self->head->n_blocks > 0 &&
         self->head->blocks[0].kind == HR_BLOCK_LINEAR;
}

/*
 * hr_pass_begin_head:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 * @all: whether the logits of all tokens are wanted
 *
 * Runs what comes before the head, of those tokens whose logits are wanted; a variable holds what the layers made.
 */
void
hr_pass_begin_head (const HrInference *self,
                    HrReplay          *replay,
                    HrPass            *pass,
                    gboolean           all)
{
  pass->outputs = hr_replay_hold (replay, pass->hidden);
  hr_replay_assign (replay, &pass->hidden, get_last (replay, pass->hidden, all));
  hr_pass_prepare_tasks (self, replay, pass);
}

/* logits / cap, its tanh, times cap: in three statements, or in one, until whose end the logits are held. */
static void
cap_logits (HrReplay     *replay,
            HrValue      *logits,
            const HrHead *head)
{
  HrValue held = head->softcap_inline ? hr_replay_hold (replay, *logits) : HR_NO_VALUE;

  hr_replay_assign (replay, logits, hr_op_unary (replay, HR_UNARY_DIV, "logits", *logits));
  hr_replay_assign (replay, logits, hr_op_unary (replay, HR_UNARY_TANH, "logits", *logits));
  hr_replay_assign (replay, logits, hr_op_unary (replay, HR_UNARY_MUL, "logits", *logits));
  hr_replay_drop (replay, held);
}

/* What the rank has of the head. Its few logits of the last tokens are not gathered apart where nothing is trained. */
static HrParallelStyle
get_style (const HrReplay *replay)
{
  return replay->training ? hr_parallel_plan_find (replay->plan, replay->block, HR_MODULE_SELF) : HR_PARALLEL_WHOLE;
}

static HrValue
get_head_weight (HrReplay            *replay,
                 const HrPass        *pass,
                 const HrTunedModule *tuned)
{
  HrElement element = hr_upcast_get_element (replay, HR_TENSOR_ROLE_OUTPUT, replay->block);
  HrSymbol width = pass->hidden.symbols[pass->hidden.n_symbols - 1];
  HrValue shape = HR_SHAPE (element, width, HR_SYMBOL_VOCABULARY);

  if (get_style (replay) == HR_PARALLEL_COLUMNS_GATHERED)
    shape.divisor *= replay->plan->n_ranks;

  return hr_replay_adapter_weight (replay, tuned, shape);
}

/*
 * nn.functional.normalize (weight), which the first call puts in the place of the head's matrix (NormHead.forward of
 * modeling_baichuan.py).
 */
static void
normalize_weight (HrReplay     *replay,
                  const HrPass *pass)
{
  HrSymbol width = pass->hidden.symbols[pass->hidden.n_symbols - 1];
  HrValue lengths = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_VOCABULARY);
  HrValue weight;

  replay->sentence = N_("in the output head, while its matrix is normalized");
  hr_replay_assign (replay, &lengths, hr_op_like (replay, "linalg_vector_norm", "lengths", lengths));
  hr_replay_assign (replay, &lengths, hr_op_like (replay, "clamp_min", "lengths", hr_value_detach (lengths)));
  weight = hr_op_like (replay, "div", "normalize(weight)",
                       HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_VOCABULARY, width));
  hr_replay_drop (replay, lengths);
  hr_replay_drop (replay, weight);
  replay->sentence = N_("in the output head, while the logits are computed");
}

/* What the head computes, and what the model's function makes of it. */
static HrValue
compute_logits (HrReplay     *replay,
                HrPass       *pass,
                const HrHead *head,
                HrValue       shape,
                gboolean      all)
{
  const HrTunedModule *tuned = hr_tuning_find (replay->tuning, replay->block, HR_MODULE_SELF, replay->layer);
  gboolean is_sliced = !all && pass->hidden.n_symbols == 3;
  HrValue bias = HR_NO_VALUE;
  HrValue last = get_last (replay, pass->hidden, all);
  HrElement element = hr_upcast_get_element (replay, HR_TENSOR_ROLE_OUTPUT, replay->block);
  HrComponentId component = replay->component;
  HrValue cast, logits;

  if (head->scaled_input && !replay->training)
    hr_replay_assign (replay, &last, hr_op_unary (replay, HR_UNARY_MUL, "sequence_output", last));
  /* lm_head (hidden_states.to (dtype)), where layers add in fp32; what autocast makes narrower goes in as it is. */
  cast = replay->autocast == HR_ELEMENT_NONE ? hr_op_cast (replay, last, replay->dtype) : hr_replay_hold (replay, last);
  replay->component = HR_COMPONENT_LOGITS;
  if (!pass->keeps_head || pass->head.n_symbols == 0)
    pass->head = get_head_weight (replay, pass, tuned);
  if (head->has_bias)
    bias = hr_replay_adapter_bias (replay, tuned, HR_SHAPE (element, HR_SYMBOL_VOCABULARY));
  if (head->tied)
    hr_live_parameters_enter_table (replay, &cast);
  else
    hr_live_parameters_enter (replay, &cast, pass->head, bias);
  if (hr_float8_converts (replay->float8, replay->block, HR_MODULE_SELF, replay->layer))
    logits = hr_replay_engine_linear (replay, cast, "logits", pass->head, bias, shape);
  else if (hr_collective_divides (cast))
    logits = hr_collective_linear (replay, cast, "logits", pass->head, bias, shape);
  else
    logits = hr_parallel_linear (replay, get_style (replay), hr_op_linear_by, cast, "logits", pass->head, bias, shape);
  hr_live_parameters_leave (replay, &logits);
  hr_replay_adapter (replay, tuned, cast, head->has_bias, FALSE, &logits);
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, last);
  if (head->has_bias && is_sliced && replay->symbols[HR_SYMBOL_BATCH] > 1 && replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
    hr_replay_assign (replay, &logits, hr_op_unary (replay, HR_UNARY_ADD, "logits", logits));
  if (head->in_fp32)
    hr_replay_assign (replay, &logits, hr_op_cast (replay, logits, HR_ELEMENT_FLOAT32));
  if (head->adds_bias)
    hr_replay_assign (replay, &logits,
                      hr_op_binary (replay, HR_BINARY_ADD, "logits", logits,
                                    HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_VOCABULARY)));
  if (head->scaled)
    hr_replay_assign (replay, &logits, hr_op_unary (replay, HR_UNARY_MUL, "logits", logits));
  if (head->softcap)
    cap_logits (replay, &logits, head);
  hr_replay_rename (replay, logits, "logits");
  replay->component = component;

  return logits;
}

/*
 * hr_pass_use_head:
 * @self: what is replayed
 * @replay: a tape, in a stretch that is named after the head's module
 * @pass: the pass
 *
 * Says that a loss reads the matrix of the head, whose module is not called.
 *
 * Returns: the matrix
 */
HrValue
hr_pass_use_head (const HrInference *self,
                  HrReplay          *replay,
                  HrPass            *pass)
{
  pass->head = get_head_weight (replay, pass, hr_tuning_find (replay->tuning, replay->block, HR_MODULE_SELF, -1));

  return pass->head;
}

/*
 * hr_pass_run_head:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 * @all: whether the logits of all tokens are wanted
 *
 * The head; of the hidden states only the logits are left. Its matrix is not quantized (get_keys_to_not_convert in
 * transformers/quantizers).
 *
 * Returns: the logits
 */
HrValue
hr_pass_run_head (const HrInference *self,
                  HrReplay          *replay,
                  HrPass            *pass,
                  gboolean           all)
{
  const HrBlock *block = hr_chain_find_block (self->head, HR_BLOCK_HEAD);
  gboolean every = all || (block != NULL && (block->head.every_token || block->head.all_logits));
  HrSymbol tokens = pass->hidden.n_symbols == 3 ? pass->hidden.symbols[1] : HR_SYMBOL_SEQUENCE;
  HrValue shape = every ? HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, tokens, HR_SYMBOL_VOCABULARY)
                        : HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_VOCABULARY);
  HrStretch stretch;
  HrValue logits = HR_NO_VALUE;

  /* A model without a head returns what its last norm made. */
  if (self->has_head && block == NULL)
    return pass->hidden;

  hr_replay_begin (replay, &stretch, block != NULL ? block->path : NULL, -1);
  replay->sentence = N_("in the output head, while the logits are computed");
  if (self->has_head && block != NULL && block->head.normalized && replay->ledger.phase == HR_PHASE_HEAD)
    normalize_weight (replay, pass);
  if (self->has_head && block != NULL)
    logits = compute_logits (replay, pass, &block->head, shape, every);
  else if (self->has_inputs)
    /* Outputs are sent back to the device of the inputs (accelerate's io_same_device). */
    logits = hr_replay_make (replay, "_to_copy", "logits", HR_COMPONENT_LOGITS, shape);
  hr_replay_end (replay);
  hr_replay_drop (replay, pass->hidden);
  pass->hidden = HR_NO_VALUE;

  return logits;
}
