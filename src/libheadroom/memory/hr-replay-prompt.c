/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-prompt.h"

#include "hr-operator.h"
#include "hr-tuning.h"

/* Virtual tokens, as PEFT puts them before each sequence (PeftModel.get_prompt in peft/peft_model.py). */

/* torch.nn.Linear as wide as the model, and what follows it. */
static void
run_linear (HrReplay *replay,
            HrValue  *x,
            gboolean  is_last)
{
  HrElement element = hr_tuning_get_element (replay->tuning);
  HrValue weight = hr_autograd_added (replay, HR_SHAPE (element, HR_SYMBOL_HIDDEN, HR_SYMBOL_HIDDEN));
  HrValue bias = hr_autograd_added (replay, HR_SHAPE (element, HR_SYMBOL_HIDDEN));

  hr_replay_assign (replay, x, hr_op_linear_by (replay, *x, "mlp_head(…)", weight, bias, *x));
  if (!is_last)
    hr_replay_assign (replay, x, hr_op_unary (replay, HR_UNARY_RELU, "mlp_head(…)", *x));
}

/*
 * hr_replay_prompt:
 * @replay: a tape, with a tuning that has virtual tokens
 *
 * Makes the embeddings of virtual tokens, once, and repeats them for each sequence.
 *
 * Returns: the embeddings
 */
HrValue
hr_replay_prompt (HrReplay *replay)
{
  HrElement element = hr_tuning_get_element (replay->tuning);
  HrValue shape = HR_SHAPE (element, HR_SYMBOL_VIRTUAL, HR_SYMBOL_HIDDEN);
  HrValue prompt = hr_op_embedding (replay, "prompts", HR_NO_VALUE, hr_autograd_added (replay, shape), shape);

  if (hr_tuning_get_prompt (replay->tuning) == HR_PROMPT_ENCODED)
    {
      for (guint i = 0; i < 3; i++)
        run_linear (replay, &prompt, i == 2);
    }

  shape = HR_SHAPE (prompt.element, HR_SYMBOL_BATCH, HR_SYMBOL_VIRTUAL, HR_SYMBOL_HIDDEN);
  hr_replay_assign (replay, &prompt, hr_op_copy (replay, "prompts", prompt, shape));
  hr_replay_assign (replay, &prompt, hr_op_cast (replay, prompt, replay->dtype));

  return prompt;
}
