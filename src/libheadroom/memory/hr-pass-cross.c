/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-select.h"
#include "hr-tower.h"

/*
 * Layers of a decoder that attend to what a tower has seen, which takes no places among the text: what comes before the
 * decoder (MllamaModel.forward and _prepare_cross_attention_mask of modeling_mllama.py).
 */

/*
 * hr_pass_crosses:
 * @self: what is replayed
 *
 * Returns: whether its layers attend to what a tower has seen
 */
gboolean
hr_pass_crosses (const HrInference *self)
{
  const HrTower *tower = self->towers != NULL && self->tower == NULL ? &g_array_index (self->towers, HrTower, 0) : NULL;

  return tower != NULL && tower->projector != NULL && tower->projector->joins == HR_JOIN_CROSS;
}

/*
 * A number for each tile that a token sees is repeated for each position of it, and becomes a mask that is added, with
 * which rows see anything. It is made of all tokens so far; those that come now are taken from it.
 */
static void
make_mask (HrReplay *replay,
           HrPass   *pass)
{
  HrElement element = replay->parameter_dtype;
  HrValue all = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_TARGET, HR_SYMBOL_SOURCE);
  HrValue tokens = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE);
  HrValue row = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_TARGET);
  HrValue repeated = hr_op_like (replay, "clone", "cross_attention_mask", all);
  HrValue inverted, truths, rows, positions, mask;

  all.element = HR_ELEMENT_FLOAT32;
  inverted = hr_op_like (replay, "rsub", "1.0 − cross_attention_mask", all);
  all.element = element;
  if (element != HR_ELEMENT_FLOAT32)
    hr_replay_assign (replay, &inverted, hr_op_like (replay, "_to_copy", "inverted_cross_attn_mask", all));
  all.element = HR_ELEMENT_BOOL;
  truths = hr_op_like (replay, "_to_copy", "inverted_cross_attn_mask.to(bool)", all);
  all.element = element;
  mask = hr_op_like (replay, "masked_fill", "cross_attention_mask", all);
  hr_replay_drop (replay, truths);
  hr_replay_drop (replay, repeated);

  all.element = HR_ELEMENT_BOOL;
  truths = hr_op_like (replay, "ne", "cross_attention_mask != min", all);
  row.element = HR_ELEMENT_BOOL;
  hr_replay_assign (replay, &truths, hr_op_like (replay, "any", "(…).any (dim=-1)", row));
  row.element = element;
  rows = hr_op_like (replay, "_to_copy", "full_text_row_masked_out_mask", row);
  hr_replay_drop (replay, truths);
  hr_replay_drop (replay, inverted);

  positions = hr_op_like (replay, "arange", "current_pos", tokens);
  hr_replay_assign (replay, &positions, hr_op_like (replay, "add", "current_pos", tokens));
  pass->current = positions;
  hr_replay_assign (replay, &mask, hr_op_like (replay, "index", "cross_attention_mask",
                                               HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE,
                                                         HR_SYMBOL_SOURCE)));
  hr_replay_assign (replay, &rows, hr_op_like (replay, "index", "full_text_row_masked_out_mask",
                                               HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE)));
  pass->forward.source_mask = mask;
  pass->forward.source_rows = rows;
}

/*
 * hr_pass_cross:
 * @self: what is replayed, of which hr_pass_crosses() is true
 * @replay: a tape
 * @pass: the pass
 *
 * Has the tower see, but for tokens that come later, and makes the mask of what they see of it.
 */
void
hr_pass_cross (const HrInference *self,
               HrReplay          *replay,
               HrPass            *pass)
{
  const HrTower *tower = &g_array_index (self->towers, HrTower, 0);
  const HrBlock *projection = hr_chain_find_block (&tower->projector->final, HR_BLOCK_LINEAR);
  HrGraph *graph = replay->graph;
  const char *block = replay->block;

  /* What generate() gives to the function, of a token more than before. */
  if (pass->past > 0)
    {
      HrValue given = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_TARGET);

      given.count = hr_tower_get_tiles (tower) / self->batch;
      pass->beside[pass->n_beside++] = hr_op_like (replay, "cat", "cross_attention_mask", given);
    }
  else
    {
      HrValue seen = hr_pass_see_across (self, replay, pass);
      HrValue context = HR_SHAPE (seen.element, HR_SYMBOL_BATCH, HR_SYMBOL_SOURCE, HR_SYMBOL_MERGED);

      replay->sentence = N_("while what was seen is projected for the language model");
      replay->symbols[HR_SYMBOL_MERGED] = projection->linear.in_features;
      context.storage = seen.storage;
      context.node = seen.node;
      pass->forward.source = pass->joins[0].joined = hr_tower_run_linear (replay, context, projection,
                                                                          HR_SYMBOL_HIDDEN);
      replay->graph = graph;
    }
  replay->sentence = N_("while the attention mask is made");
  make_mask (replay, pass);
  replay->block = block;
}

/*
 * hr_pass_leave_source:
 * @replay: a tape
 * @pass: a pass whose layers have attended to what a tower has seen
 *
 * Lets go of what the function around the decoder's holds of it.
 */
void
hr_pass_leave_source (HrReplay *replay,
                      HrPass   *pass)
{
  hr_replay_drop (replay, pass->forward.source_rows);
  hr_replay_assign (replay, &pass->current, HR_NO_VALUE);
  if (pass->n_joins == 0)
    return;

  hr_replay_drop (replay, hr_value_detach (pass->joins[0].joined));
  hr_replay_drop (replay, hr_value_detach (pass->joins[0].seen));
}
