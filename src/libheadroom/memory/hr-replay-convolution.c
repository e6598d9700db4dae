/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-live-parameters.h"
#include "hr-operator-sequence.h"
#include "hr-replay-blocks.h"

/*
 * The causal convolution before a mixer, and the states that transformers keeps for such a layer
 * (transformers/cache_utils.py, LinearAttentionLayer): both are tensors of their own, made once and copied into.
 */

/*
 * hr_replay_keep_state:
 * @replay: a tape
 * @forward: the pass
 * @state: (inout): one of the states of @forward
 * @name: the variable that it is for
 * @shape: its shape
 *
 * Writes to a state; makes it, in the dtype of the model, if the cache has none yet.
 */
void
hr_replay_keep_state (HrReplay   *replay,
                      HrForward  *forward,
                      HrValue    *state,
                      const char *name,
                      HrValue     shape)
{
  if (!forward->use_cache || state->storage >= 0)
    return;

  shape.element = forward->fp32_state && state == &forward->recurrent_state ? HR_ELEMENT_FLOAT32 : replay->dtype;
  *state = hr_replay_make (replay, "zeros_like", name, HR_COMPONENT_KV_CACHE, shape);
}

/* F.silu (x), or a module that computes it (ACT2FN of transformers/activations.py). */
static HrValue
activate (HrReplay    *replay,
          HrValue      x,
          HrConvolved  activates)
{
  HrValue result;

  if (activates == HR_CONVOLVED_BY_MODULE)
    hr_live_parameters_call (replay);
  result = hr_op_unary (replay, HR_UNARY_SILU, "hidden_states", x);
  if (activates == HR_CONVOLVED_BY_MODULE)
    hr_live_parameters_leave (replay, &result);

  return result;
}

/* The last tokens of a prompt are cut out and kept; the kernel wants the prompt's tokens in a row, as the layer below
 * does not make them (aten/src/ATen/native/Convolution.cpp), and makes a few more than there were. */
static HrValue
convolve_prompt (HrReplay    *replay,
                 HrForward   *forward,
                 HrValue      x,
                 HrSymbol     channels,
                 gboolean     has_bias,
                 HrConvolved  activates,
                 HrValue     *padded)
{
  HrValue kept = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, channels, HR_SYMBOL_KERNEL);
  HrValue row = HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, channels);
  HrValue more = HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_CONVOLUTION, channels);
  HrValue weight = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, channels, HR_SYMBOL_KERNEL));
  HrValue bias = has_bias ? hr_autograd_bias (replay, HR_SHAPE (replay->parameter_dtype, channels)) : HR_NO_VALUE;
  HrValue contiguous, convolved, result;

  if (forward->use_cache)
    {
      *padded = hr_op_like (replay, "constant_pad_nd", "conv_state", kept);
      hr_replay_keep_state (replay, forward, &forward->conv_state, "conv_states", kept);
    }

  hr_live_parameters_enter (replay, &x, weight, bias);
  contiguous = hr_replay_make (replay, "contiguous", "input", HR_COMPONENT_TEMPORARY, row);
  convolved = hr_op_convolution (replay, "conv1d(x)", x, weight, bias, more);
  hr_live_parameters_leave (replay, &convolved);
  hr_replay_drop (replay, contiguous);
  result = hr_op_slice (replay, convolved, row);
  hr_replay_drop (replay, convolved);
  if (activates != HR_CONVOLVED_ALONE)
    hr_replay_assign (replay, &result, activate (replay, result, activates));

  return result;
}

/* One token: the state is rolled on, and its products with the kernel are added up. */
static HrValue
convolve_token (HrReplay    *replay,
                HrSymbol     channels,
                HrConvolved  activates,
                HrValue     *padded)
{
  HrValue kept = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, channels, HR_SYMBOL_KERNEL);
  HrValue token = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, channels);
  HrValue rolled = hr_op_like (replay, "roll", "new_conv_states", kept);
  HrValue products, result;

  hr_replay_drop (replay, rolled);
  *padded = HR_NO_VALUE;
  products = hr_op_like (replay, "mul", "conv_state · weight", kept);
  result = hr_op_like (replay, "sum", "hidden_states", token);
  hr_replay_drop (replay, products);
  if (activates != HR_CONVOLVED_ALONE)
    hr_replay_assign (replay, &result, hr_op_like (replay, "silu", "hidden_states", token));

  return result;
}

/*
 * hr_replay_convolution:
 * @replay: a tape
 * @forward: the pass
 * @x: the input, which the caller holds
 * @channels: how wide it is
 * @has_bias: whether it has a bias
 * @activates: what activation follows
 * @padded: (out): what a variable of the mixer's function holds until it returns, or none
 *
 * A depthwise convolution over the tokens, and its activation.
 *
 * Returns: the result
 */
HrValue
hr_replay_convolution (HrReplay    *replay,
                       HrForward   *forward,
                       HrValue      x,
                       HrSymbol     channels,
                       gboolean     has_bias,
                       HrConvolved  activates,
                       HrValue     *padded)
{
  *padded = HR_NO_VALUE;
  if (forward->conv_state.storage >= 0)
    return convolve_token (replay, channels, activates, padded);

  return convolve_prompt (replay, forward, x, channels, has_bias, activates, padded);
}

/*
 * hr_replay_mask_tokens:
 * @replay: a tape
 * @x: (inout): a variable
 *
 * `hidden_states = hidden_states * attention_mask[:, :, None]`, by a mask that the caller of the model holds.
 */
void
hr_replay_mask_tokens (HrReplay *replay,
                       HrValue  *x)
{
  HrValue mask = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);

  hr_replay_assign (replay, x, hr_op_binary_as (replay, HR_BINARY_MUL, "hidden_states", *x, mask, *x));
}
