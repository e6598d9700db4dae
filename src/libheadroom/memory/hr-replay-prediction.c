/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-prediction.h"

#include "hr-operator.h"
#include "hr-replay-blocks.h"
#include "hr-replay-collective.h"

/*
 * Layers that predict tokens further on: MultiTokenPredictionLayer and process_mtp_loss of
 * megatron/core/transformer/multi_token_prediction.py. Each is like the last layer, and is one of the stack; what
 * stands around it is replayed behind all layers, where all of it is kept when most is held, in the loss.
 */

static HrValue
get_hidden_shape (const HrReplay *replay,
                  guint           count)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH,
                            replay->divides_sequence ? HR_SYMBOL_SEQUENCE_SHARE : HR_SYMBOL_SEQUENCE,
                            HR_SYMBOL_HIDDEN);

  shape.count = count;

  return shape;
}

/* torch.cat, whose gradient is taken apart again. */
static HrValue
join (HrReplay      *replay,
      const char    *name,
      const HrValue *parts,
      guint          n_parts)
{
  HrValue result = hr_op_like (replay, "cat", name, get_hidden_shape (replay, n_parts));

  hr_op_record (replay, &result, HR_GRADIENT_LIKE_INPUT, "narrow", parts, n_parts);

  return result;
}

/*
 * The table of tokens of the stage, which is that of the first one as well where there is one stage alone: its gradient
 * comes there.
 */
static HrValue
embed (const HrInference *self,
       HrReplay          *replay)
{
  const HrBlock *token = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_TOKEN_EMBEDDING);
  HrValue table = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_VOCABULARY, HR_SYMBOL_HIDDEN);
  HrValue ids = hr_op_like (replay, "roll", "input_ids",
                            HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
  HrValue tokens;

  if (!self->has_inputs)
    table = hr_autograd_parameter (replay, table);
  tokens = hr_op_embedding (replay, "decoder_input", ids, table,
                            HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));
  hr_replay_drop (replay, ids);
  if (replay->divides_sequence)
    hr_collective_scatter (replay, &tokens);
  hr_op_dropout (replay, &tokens, token != NULL && token->token_embedding.has_dropout);

  return tokens;
}

/* gather_from_tensor_model_parallel_region: what has come of all ranks, and that in one piece. */
static void
gather_columns (HrReplay *replay,
                guint64   n_ranks,
                HrValue  *x)
{
  HrValue shape = HR_SHAPE (x->element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  HrValue gathered, whole;

  if (n_ranks == 1)
    return;

  gathered = hr_op_like (replay, "all_gather", "output", shape);
  whole = hr_op_like (replay, "cat", "output", shape);
  hr_op_record (replay, &whole, HR_GRADIENT_LIKE_INPUT, "split", x, 1);
  hr_replay_drop (replay, gathered);
  hr_replay_assign (replay, x, whole);
}

/* eh_proj, a ColumnParallelLinear, whose rows are gathered and then divided by tokens. */
static HrValue
project (const HrInference *self,
         HrReplay          *replay,
         HrValue            joined)
{
  HrValue weight = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN, HR_SYMBOL_HIDDEN);
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  HrValue result;

  weight.count = 2;
  weight.divisor = shape.divisor = self->n_tensor_ranks;
  weight = hr_autograd_parameter (replay, weight);
  result = hr_collective_divides (joined)
             ? hr_collective_linear (replay, joined, "hidden_states", weight, HR_NO_VALUE, shape)
             : hr_op_linear_by (replay, joined, "hidden_states", weight, HR_NO_VALUE, shape);
  gather_columns (replay, self->n_tensor_ranks, &result);
  if (replay->divides_sequence)
    hr_collective_scatter (replay, &result);

  return result;
}

/* What a layer of its own has made of the tokens and of what the layer before has made, normalized. */
static HrValue
predict (const HrInference *self,
         HrReplay          *replay,
         HrValue            hidden)
{
  const HrBlock *norm = hr_chain_find_block (&self->stack->final, HR_BLOCK_NORM);
  HrValue parts[2] = { embed (self, replay), hr_replay_hold (replay, hidden) };
  HrValue joined, result;

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    hr_replay_assign (replay, &parts[i], hr_replay_norm (replay, parts[i], &norm->norm));
  joined = join (replay, "hidden_states", parts, G_N_ELEMENTS (parts));
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    hr_replay_drop (replay, parts[i]);
  result = project (self, replay, joined);
  hr_replay_drop (replay, joined);
  hr_replay_assign (replay, &result, hr_replay_norm (replay, result, &norm->norm));

  return result;
}

/*
 * hr_replay_predictions:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass, whose layers have run and whose hidden states are normalized
 *
 * Replays what stands around the layers that predict tokens further on. What all of them and the layers before have
 * made is put into one piece, of which the head reads a part at a time.
 */
void
hr_replay_predictions (const HrInference *self,
                       HrReplay          *replay,
                       HrPass            *pass)
{
  HrValue outputs[HR_INFERENCE_MAX_PREDICTIONS + 1] = { pass->hidden };
  HrStretch stretch;
  HrValue joined;

  if (self->n_predictions == 0)
    return;

  hr_replay_begin (replay, &stretch, "mtp", -1);
  replay->sentence = N_("around the layers that predict tokens further on");
  for (guint i = 0; i < self->n_predictions; i++)
    outputs[i + 1] = predict (self, replay, outputs[i]);
  joined = join (replay, "hidden_states", outputs, self->n_predictions + 1);
  for (guint i = 0; i <= self->n_predictions; i++)
    hr_replay_drop (replay, outputs[i]);
  pass->hidden = hr_op_slice (replay, joined, get_hidden_shape (replay, 1));
  hr_replay_drop (replay, joined);
  hr_replay_end (replay);
}

/* MTPLossAutoScaler hands the gradient on, and makes one of the loss. */
static void
backward_loss (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  gradients[0] = hr_op_view_gradient (replay, gradient, node->inputs[0]);
  gradients[1] = hr_op_make_gradient (replay, "ones_like", node->inputs[1]);
}

/*
 * hr_replay_prediction_loss:
 * @replay: a tape
 * @pass: the pass
 * @loss: (transfer full): the loss of what a layer has predicted
 *
 * Has the gradient of a loss come when that of the hidden states that the head reads next does.
 */
void
hr_replay_prediction_loss (HrReplay *replay,
                           HrPass   *pass,
                           HrValue   loss)
{
  const HrValue inputs[] = { pass->hidden, loss };

  hr_autograd_record (replay, &pass->hidden, backward_loss, inputs, G_N_ELEMENTS (inputs));
  hr_replay_drop (replay, loss);
}
