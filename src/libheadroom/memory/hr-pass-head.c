/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-pass.h"

/* What follows the last layer. */

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

  if (self->has_norm)
    {
      const HrBlock *norm = hr_chain_find_block (&self->stack->final, HR_BLOCK_NORM);
      const HrBlock *projection = hr_chain_find_block (&self->stack->final, HR_BLOCK_LINEAR);

      hr_replay_begin (replay, &stretch, norm != NULL ? norm->path : NULL, -1);
      replay->sentence = N_("in the final norm, in single precision");
      if (norm != NULL)
        hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, norm->norm.kind));
      if (projection != NULL)
        hr_replay_assign (replay, &pass->hidden,
                          hr_op_linear (replay, pass->hidden, "hidden_states", HR_SYMBOL_EMBEDDING, 1));
      hr_replay_end (replay);
    }

  for (guint i = 0; i < G_N_ELEMENTS (pass->cos); i++)
    {
      hr_replay_drop (replay, pass->sin[i]);
      hr_replay_drop (replay, pass->cos[i]);
    }
  hr_replay_drop (replay, pass->weights);
  hr_replay_drop (replay, pass->alibi);
  hr_replay_drop (replay, pass->sliding_mask);
  hr_replay_drop (replay, pass->full_mask);
  hr_replay_drop (replay, pass->position_ids);
  hr_replay_drop (replay, pass->ones);
  hr_replay_drop (replay, pass->position_embeds);
  hr_replay_drop (replay, pass->inputs_embeds);
}

static HrValue
make_logits (HrReplay   *replay,
             const char *operation,
             HrValue     shape)
{
  return hr_replay_make (replay, operation, "logits", HR_COMPONENT_LOGITS, shape);
}

/* lm_head (hidden_states.to (dtype)), of the tokens whose logits are wanted. */
static HrValue
cast_last (HrReplay *replay,
           HrValue   hidden,
           gboolean  all)
{
  HrValue shape = all ? hidden : HR_SHAPE (hidden.element, HR_SYMBOL_BATCH, HR_SYMBOL_HIDDEN);

  shape.storage = hidden.storage;

  return hr_op_cast (replay, shape, replay->dtype);
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
  gboolean every = all || (block != NULL && block->head.every_token);
  HrValue shape = every ? HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_VOCABULARY)
                        : HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_VOCABULARY);
  HrStretch stretch;
  HrValue logits = HR_NO_VALUE;
  HrValue cast = HR_NO_VALUE;

  /* A model without a head returns what its last norm made. */
  if (self->has_head && block == NULL)
    return pass->hidden;

  hr_replay_begin (replay, &stretch, block != NULL ? block->path : NULL, -1);
  replay->sentence = N_("in the output head, while the logits are computed");
  if (self->has_head && block != NULL)
    {
      if (block->head.in_fp32)
        cast = cast_last (replay, pass->hidden, every);
      logits = make_logits (replay, "mm", shape);
      hr_replay_drop (replay, cast);
      if (block->head.has_bias && !all && replay->symbols[HR_SYMBOL_BATCH] > 1 &&
          replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
        hr_replay_assign (replay, &logits, make_logits (replay, "add", shape));
      if (block->head.in_fp32 && shape.element != HR_ELEMENT_FLOAT32)
        {
          shape.element = HR_ELEMENT_FLOAT32;
          hr_replay_assign (replay, &logits, make_logits (replay, "_to_copy", shape));
        }
      if (block->head.scaled)
        hr_replay_assign (replay, &logits, make_logits (replay, "mul", shape));
      if (block->head.softcap)
        {
          hr_replay_assign (replay, &logits, make_logits (replay, "div", shape));
          hr_replay_assign (replay, &logits, make_logits (replay, "tanh", shape));
          hr_replay_assign (replay, &logits, make_logits (replay, "mul", shape));
        }
    }
  else if (self->has_inputs)
    {
      /* Outputs are sent back to the device of the inputs (accelerate's io_same_device). */
      logits = make_logits (replay, "_to_copy", shape);
    }
  hr_replay_end (replay);
  hr_replay_drop (replay, pass->hidden);
  pass->hidden = HR_NO_VALUE;

  return logits;
}
