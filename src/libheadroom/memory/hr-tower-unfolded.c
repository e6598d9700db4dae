/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-sequence.h"
#include "hr-tower.h"

/*
 * A tower that gets pictures in the dtype of the model, and unfolds them into patches which a matrix multiplies;
 * squares of what it has made become one vector each, in the tower itself (Llama4VisionModel of modeling_llama4.py).
 */

/* Of a picture alone what is turned round is seen as a matrix; of several it is copied (F.linear). */
static HrValue
embed_patches (HrReplay      *replay,
               const HrBlock *block)
{
  HrValue shape = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES, HR_SYMBOL_PIXELS);
  HrValue patches = hr_op_like (replay, "im2col", "hidden_states", shape);
  HrValue result;

  replay->block = block->path;
  result = replay->symbols[HR_SYMBOL_BATCH] > 1
             ? hr_op_linear_copied (replay, patches, HR_MODULE_SELF, "hidden_states", HR_SYMBOL_HIDDEN,
                                    block->linear.has_bias)
             : hr_op_linear (replay, patches, HR_MODULE_SELF, "hidden_states", HR_SYMBOL_HIDDEN, 1,
                             block->linear.has_bias);
  hr_replay_drop (replay, patches);

  return result;
}

/* torch.cat ([hidden_state, class_embedding], dim=1) */
static void
add_class (HrReplay *replay,
           HrValue  *hidden)
{
  HrValue row = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));
  HrValue parts[2];

  parts[0] = *hidden;
  parts[1] = hr_op_view (replay, row, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_HIDDEN));
  hr_op_record (replay, &parts[1], HR_GRADIENT_TYPED_AS_INPUT, "sum", &row, 1);
  hr_replay_assign (replay, hidden,
                    hr_op_cat (replay, "hidden_state", parts, G_N_ELEMENTS (parts),
                               HR_SHAPE (hr_element_promote (hidden->element, replay->parameter_dtype),
                                         HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN)));
  hr_replay_drop (replay, parts[1]);
}

/*
 * hr_tower_embed_unfolded:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes before the layers.
 */
void
hr_tower_embed_unfolded (const HrInference *self,
                         HrReplay          *replay,
                         HrPass            *pass)
{
  const HrChain *chain = &self->stack->embeddings;
  const HrBlock *norm = hr_chain_find_block (chain, HR_BLOCK_NORM);
  HrValue table;

  pass->hidden = embed_patches (replay, hr_chain_find_block (chain, HR_BLOCK_LINEAR));
  hr_tower_require_gradient (self, replay, &pass->hidden);
  add_class (replay, &pass->hidden);
  table = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));
  hr_replay_assign (replay, &pass->hidden,
                    hr_op_binary (replay, HR_BINARY_ADD, "hidden_state", pass->hidden, table));
  replay->block = norm->path;
  hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));
  pass->inputs_embeds = hr_replay_hold (replay, pass->hidden);
}

/* Squares of patches become one vector each; then `activation_fn (fc2 (activation_fn (fc1 (x))))`. */
static HrValue
adapt (const HrTower *self,
       HrReplay      *replay,
       HrValue        x)
{
  const HrChain *chain = &self->stack->final;
  const HrBlock *regrouping = hr_chain_find_block (chain, HR_BLOCK_REGROUPING);
  HrValue merged = hr_tower_regroup (replay, x, &regrouping->regrouping);
  HrValue result = hr_replay_hold (replay, merged);

  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrBlock *block = &chain->blocks[i];

      if (block->kind == HR_BLOCK_LINEAR)
        hr_replay_assign (replay, &result, hr_tower_run_linear (replay, result, block, HR_SYMBOL_PROJECTOR));
      else if (block->kind == HR_BLOCK_ACTIVATION)
        hr_replay_assign (replay, &result, hr_replay_activation (replay, result, block->activation.activation));
    }
  hr_replay_drop (replay, merged);

  return result;
}

/*
 * hr_tower_finish_unfolded:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes after the layers. The model returns what the tower has made, before it is projected.
 */
void
hr_tower_finish_unfolded (const HrInference *self,
                          HrReplay          *replay,
                          HrPass            *pass)
{
  const HrBlock *norm = hr_chain_find_block (&self->stack->final, HR_BLOCK_NORM);
  const HrBlock *projection = hr_chain_find_block (&self->tower->projector->final, HR_BLOCK_LINEAR);
  HrStretch stretch;
  HrValue normed, patches, features, seen;

  hr_replay_begin (replay, &stretch, norm->path, -1);
  replay->sentence = N_("while what was seen is projected for the language model");
  hr_replay_assign (replay, &pass->inputs_embeds, HR_NO_VALUE);
  normed = hr_replay_norm (replay, pass->hidden, &norm->norm);
  patches = hr_op_slice (replay, normed, HR_SHAPE (normed.element, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES,
                                                   HR_SYMBOL_HIDDEN));
  hr_replay_drop (replay, normed);
  features = adapt (self->tower, replay, patches);
  hr_replay_drop (replay, patches);
  hr_replay_assign (replay, &pass->hidden, HR_NO_VALUE);
  hr_replay_drop (replay, pass->weights);
  seen = hr_tower_run_linear (replay, features, projection, HR_SYMBOL_TEXT_HIDDEN);
  pass->returned[pass->n_returned++] = hr_value_detach (features);
  hr_replay_assign (replay, &seen, hr_op_cast (replay, seen, replay->dtype));
  pass->hidden = seen;
  hr_replay_rename (replay, seen, "projected_vision_flat");
  hr_replay_end (replay);
}
