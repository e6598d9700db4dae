/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-prompt.h"

#include "hr-operator.h"
#include "hr-pass.h"
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

/* The keys or the values of the virtual tokens of a layer. */
static HrValue
get_layer_shape (HrReplay *replay)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_VIRTUAL, HR_SYMBOL_CACHED);

  shape.heads_first = TRUE;

  return shape;
}

/*
 * hr_replay_prefix:
 * @replay: a tape, with a tuning whose virtual tokens are in the cache
 * @attention: that of each layer
 * @n_layers: how many layers there are
 *
 * Looks up the keys and values of virtual tokens for each sequence; a new cache copies those of each layer, which are
 * in the books afterwards (DynamicLayer.update in transformers/cache_utils.py joins them to nothing).
 *
 * Returns: what they are views of, which is gone, but for its node
 */
HrValue
hr_replay_prefix (HrReplay          *replay,
                  const HrAttention *attention,
                  guint              n_layers)
{
  HrElement element = hr_tuning_get_element (replay->tuning);
  HrValue table = hr_autograd_added (replay, HR_SHAPE (element, HR_SYMBOL_VIRTUAL, HR_SYMBOL_PREFIX));
  HrValue prefix = hr_op_embedding (replay, "past_key_values", HR_NO_VALUE, table,
                                    HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_VIRTUAL, HR_SYMBOL_PREFIX));

  hr_pass_set_attention_symbols (replay, attention);
  hr_replay_assign (replay, &prefix, hr_op_cast (replay, prefix, replay->dtype));
  for (guint i = 0; i < 2 * n_layers; i++)
    hr_replay_leave (replay, hr_op_like (replay, "cat", i % 2 == 0 ? "keys" : "values", get_layer_shape (replay)));
  hr_replay_drop (replay, prefix);
  prefix.storage = -1;

  return prefix;
}

/*
 * hr_replay_prefix_of_layer:
 * @replay: a tape, after hr_replay_prefix()
 * @name: the variable that holds it
 *
 * Puts the keys or the values of a layer's virtual tokens on the tape.
 *
 * Returns: them
 */
HrValue
hr_replay_prefix_of_layer (HrReplay   *replay,
                           const char *name)
{
  HrValue past = get_layer_shape (replay);
  guint64 bytes = hr_value_get_elements (past, replay->symbols) * hr_element_get_bytes (past.element);

  past.storage = hr_replay_adopt (replay, name, replay->component, hr_ledger_round (bytes)).storage;

  return past;
}

/* select_backward: the gradient of one of two becomes one of both, with zeros for the other. */
static HrValue
widen_gradient (HrReplay *replay,
                guint64   bytes)
{
  HrValue shape = get_layer_shape (replay);
  HrValue gradient = hr_replay_adopt (replay, "gradient", HR_COMPONENT_TEMPORARY, bytes);
  HrValue result;

  shape.count = 2;
  result = hr_replay_make (replay, "select_backward", "gradient", HR_COMPONENT_TEMPORARY, shape);
  hr_replay_drop (replay, gradient);

  return result;
}

/*
 * hr_replay_prefix_gradient:
 * @replay: a tape, after the backward pass of all layers
 * @bytes: (array fixed-size=2): what a layer's gradients of keys and of values take, which are in the books
 * @n_layers: how many layers there are
 *
 * Joins the gradients of all layers: a node that was recorded before the layers waits for all of them.
 *
 * Returns: the gradient of what hr_replay_prefix() returned
 */
HrValue
hr_replay_prefix_gradient (HrReplay      *replay,
                           const guint64 *bytes,
                           guint          n_layers)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_VIRTUAL, HR_SYMBOL_PREFIX);
  guint64 joined = 0;
  HrValue gradient;

  for (guint i = 0; i < n_layers; i++)
    {
      HrValue both = widen_gradient (replay, bytes[1]);

      hr_replay_drop (replay, widen_gradient (replay, bytes[0]));
      joined = hr_replay_get_bytes (replay, both);
      hr_replay_leave (replay, both);
    }
  gradient = hr_replay_make (replay, "cat", "gradient", HR_COMPONENT_TEMPORARY, shape);
  for (guint i = 0; i < n_layers; i++)
    hr_replay_drop (replay, hr_replay_adopt (replay, "gradient", HR_COMPONENT_TEMPORARY, joined));
  hr_replay_assign (replay, &gradient,
                    hr_replay_make (replay, "clone", "gradient", HR_COMPONENT_TEMPORARY, shape));

  return gradient;
}
