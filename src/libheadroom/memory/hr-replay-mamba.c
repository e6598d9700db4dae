/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-sequence.h"
#include "hr-replay-blocks.h"

/*
 * The mixer of Mamba as transformers computes it with torch alone (transformers/models/mamba/modeling_mamba.py,
 * MambaMixer.slow_forward; falcon_mamba/modeling_falcon_mamba.py), which it does unless the packages mamba-ssm and
 * causal-conv1d are there: A, B and x of all tokens are spread out over the state in fp32 before the scan begins, and
 * the variables of the function hold them until it returns.
 */

static HrValue
get_tokens_shape (HrElement element)
{
  return HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER);
}

static HrValue
get_state_shape (HrElement element)
{
  return HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_MIXER, HR_SYMBOL_STATE);
}

/* Of a product of fp32 and the time step, which is as wide as the model. */
static HrValue
get_spread_shape (HrReplay *replay)
{
  return HR_SHAPE (hr_element_widen (replay->dtype), HR_SYMBOL_BATCH, HR_SYMBOL_MIXER, HR_SYMBOL_SEQUENCE,
                   HR_SYMBOL_STATE);
}

static void
set_symbols (HrReplay      *replay,
             const HrMamba *mamba)
{
  guint64 *symbols = replay->symbols;

  symbols[HR_SYMBOL_MIXER] = mamba->intermediate_size;
  symbols[HR_SYMBOL_STATE] = mamba->state_size;
  symbols[HR_SYMBOL_RANK] = mamba->time_step_rank;
  symbols[HR_SYMBOL_SELECTION] = mamba->time_step_rank + 2 * mamba->state_size;
  symbols[HR_SYMBOL_KERNEL] = mamba->conv_kernel;
  symbols[HR_SYMBOL_CONVOLUTION] = symbols[HR_SYMBOL_SEQUENCE] + mamba->conv_kernel - 1;
  symbols[HR_SYMBOL_EARLIER] = symbols[HR_SYMBOL_SEQUENCE] - 1;
}

/* rms_forward (): in fp32, without a weight. */
static HrValue
replay_plain_norm (HrReplay *replay,
                   HrSymbol  size)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, size);
  HrValue rows = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrValue shape32 = shape;
  HrValue x32, power, variance, shifted, inverse, normalized, result;

  shape32.element = HR_ELEMENT_FLOAT32;
  x32 = replay->dtype == HR_ELEMENT_FLOAT32 ? HR_NO_VALUE : hr_op_like (replay, "_to_copy", "x.float()", shape32);
  power = hr_op_like (replay, "pow", "x²", shape32);
  variance = hr_op_like (replay, "mean", "variance", rows);
  hr_replay_drop (replay, power);
  shifted = hr_op_like (replay, "add", "variance", rows);
  inverse = hr_op_like (replay, "rsqrt", "variance", rows);
  hr_replay_drop (replay, shifted);
  normalized = hr_op_like (replay, "mul", "normalized", shape32);
  hr_replay_drop (replay, inverse);
  hr_replay_drop (replay, x32);
  result = hr_op_cast (replay, normalized, replay->dtype);
  hr_replay_drop (replay, normalized);
  hr_replay_drop (replay, variance);

  return result;
}

/* The variables of the function. */
typedef struct
{
  HrValue projected;
  HrValue hidden;
  HrValue padded;
  HrValue state;
  HrValue selection;
  HrValue normed[3];
  HrValue time_step;
  HrValue a;
  HrValue discrete_a;
  HrValue discrete_b;
  HrValue delta;
  HrValue earlier;
  HrValue last;
} Variables;

static void
mask_tokens (HrReplay      *replay,
             HrForward     *forward,
             Variables     *variables,
             const HrMamba *mamba)
{
  if (forward->masked && (forward->padded || !mamba->drops_full_mask))
    hr_replay_assign (replay, &variables->hidden,
                      hr_op_like (replay, "mul", "hidden_states", get_tokens_shape (replay->dtype)));
}

static const HrNorm selection_norm = { .kind = HR_NORM_RMS, .has_weight = TRUE };

/* The variable that held a part of the selection is bound to what the norm makes of it; the whole stays. */
static HrValue
norm_selection (HrReplay      *replay,
                HrSymbol       size,
                const HrMamba *mamba)
{
  if (mamba->norm == HR_MAMBA_NORM_PLAIN)
    return replay_plain_norm (replay, size);

  return hr_replay_norm (replay, HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, size), &selection_norm);
}

static void
select_parameters (HrReplay      *replay,
                   Variables     *variables,
                   const HrMamba *mamba)
{
  variables->selection = hr_op_linear (replay, variables->hidden, HR_MODULE_SELECTION, "ssm_parameters",
                                       HR_SYMBOL_SELECTION, 1, FALSE);
  if (mamba->norm != HR_MAMBA_NORM_NONE)
    {
      variables->normed[0] = norm_selection (replay, HR_SYMBOL_STATE, mamba);
      variables->normed[1] = norm_selection (replay, HR_SYMBOL_STATE, mamba);
      variables->normed[2] = norm_selection (replay, HR_SYMBOL_RANK, mamba);
    }

  variables->time_step = hr_op_linear (replay, variables->selection, HR_MODULE_TIME_STEP, "discrete_time_step",
                                       HR_SYMBOL_MIXER, 1, FALSE);
  hr_replay_assign (replay, &variables->time_step,
                    hr_op_like (replay, "softplus", "discrete_time_step", variables->time_step));
}

static void
discretize (HrReplay  *replay,
            Variables *variables)
{
  HrValue rows = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_MIXER, HR_SYMBOL_STATE);
  HrValue b = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_STATE);
  HrValue logarithm, b32, hidden32;

  logarithm = replay->dtype == HR_ELEMENT_FLOAT32 ? HR_NO_VALUE : hr_op_like (replay, "_to_copy", "A_log", rows);
  variables->a = hr_op_like (replay, "exp", "A", rows);
  hr_replay_drop (replay, logarithm);
  hr_replay_assign (replay, &variables->a, hr_op_like (replay, "neg", "A", rows));

  replay->sentence = N_("in the state-space mixer, while A, B and x of every token are spread out over the state");
  variables->discrete_a = hr_op_like (replay, "mul", "A·∆", get_spread_shape (replay));
  hr_replay_assign (replay, &variables->discrete_a,
                    hr_op_like (replay, "exp", "discrete_A", get_spread_shape (replay)));
  b.element = HR_ELEMENT_FLOAT32;
  b32 = replay->dtype == HR_ELEMENT_FLOAT32 ? HR_NO_VALUE : hr_op_like (replay, "_to_copy", "B.float()", b);
  variables->discrete_b = hr_op_like (replay, "mul", "discrete_B", get_spread_shape (replay));
  hr_replay_drop (replay, b32);
  hidden32 = hr_op_cast (replay, variables->hidden, HR_ELEMENT_FLOAT32);
  variables->delta = hr_op_like (replay, "mul", "deltaB_u", get_spread_shape (replay));
  hr_replay_drop (replay, hidden32);
}

/* ssm_state = discrete_A[:, :, i, :] * ssm_state + deltaB_u[:, :, i, :], and what the token makes of it. */
static HrValue
step (HrReplay  *replay,
      Variables *variables)
{
  HrValue shape = get_state_shape (hr_element_widen (replay->dtype));
  HrValue product = hr_op_like (replay, "mul", "discrete_A · ssm_state", shape);
  HrValue cast, output;

  hr_replay_assign (replay, &variables->state, hr_op_like (replay, "add", "ssm_state", shape));
  hr_replay_drop (replay, product);
  cast = hr_op_cast (replay, variables->state, replay->dtype);
  output = hr_op_like (replay, "bmm", "scan_outputs", HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_MIXER));
  hr_replay_drop (replay, cast);

  return output;
}

/* One token after the other; the results of all of them wait in a list. */
static HrValue
scan (HrReplay  *replay,
      Variables *variables)
{
  HrValue result, skipped, gate;

  if (replay->symbols[HR_SYMBOL_EARLIER] > 0)
    {
      hr_replay_drop (replay, step (replay, variables));
      variables->earlier = hr_op_like (replay, "bmm", "scan_outputs",
                                       HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_EARLIER, HR_SYMBOL_MIXER));
    }
  variables->last = step (replay, variables);

  replay->sentence = N_("in the state-space mixer, after the scan, while what was spread out is still held");
  result = hr_op_like (replay, "stack", "scan_output", get_tokens_shape (replay->dtype));
  skipped = hr_op_like (replay, "mul", "hidden_states · D", get_tokens_shape (replay->dtype));
  hr_replay_assign (replay, &result, hr_op_like (replay, "add", "scan_output", result));
  hr_replay_drop (replay, skipped);
  gate = hr_op_like (replay, "silu", "act(gate)", get_tokens_shape (replay->dtype));
  hr_replay_assign (replay, &result, hr_op_like (replay, "mul", "scan_output", result));
  hr_replay_drop (replay, gate);

  return result;
}

static void
drop_variables (HrReplay  *replay,
                Variables *variables)
{
  hr_replay_drop (replay, variables->last);
  hr_replay_drop (replay, variables->earlier);
  hr_replay_drop (replay, variables->delta);
  hr_replay_drop (replay, variables->discrete_b);
  hr_replay_drop (replay, variables->discrete_a);
  hr_replay_drop (replay, variables->a);
  hr_replay_drop (replay, variables->time_step);
  for (guint i = 0; i < G_N_ELEMENTS (variables->normed); i++)
    hr_replay_drop (replay, variables->normed[i]);
  hr_replay_drop (replay, variables->selection);
  hr_replay_drop (replay, variables->state);
  hr_replay_drop (replay, variables->padded);
  hr_replay_drop (replay, variables->hidden);
  hr_replay_drop (replay, variables->projected);
}

/*
 * hr_replay_mamba:
 * @replay: a tape
 * @forward: the pass
 * @x: the input, which the caller holds
 * @mamba: the block
 *
 * The mixer of Mamba.
 *
 * Returns: the result
 */
HrValue
hr_replay_mamba (HrReplay      *replay,
                 HrForward     *forward,
                 HrValue        x,
                 const HrMamba *mamba)
{
  Variables variables = {
    .hidden = HR_NO_VALUE, .earlier = HR_NO_VALUE, .normed = { HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE },
  };
  HrValue result;

  set_symbols (replay, mamba);
  replay->sentence = N_("in the state-space mixer, while its input is projected and convolved");
  variables.projected = hr_op_linear (replay, x, HR_MODULE_PROJECTION, "projected_states", HR_SYMBOL_MIXER, 2, FALSE);
  mask_tokens (replay, forward, &variables, mamba);
  variables.state = hr_op_like (replay, "clone", "ssm_state", get_state_shape (replay->dtype));
  hr_replay_assign (replay, &variables.hidden,
                    hr_replay_convolution (replay, forward, get_tokens_shape (replay->dtype), HR_SYMBOL_MIXER,
                                           mamba->has_conv_bias, TRUE, &variables.padded));
  if (mamba->path == HR_MAMBA_PATH_JAMBA)
    hr_replay_assign (replay, &variables.padded, HR_NO_VALUE);
  variables.hidden = (HrValue) {
    .storage = variables.hidden.storage, .element = replay->dtype, .count = 1, .divisor = 1, .n_symbols = 3,
    .symbols = { HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER },
  };
  mask_tokens (replay, forward, &variables, mamba);
  select_parameters (replay, &variables, mamba);
  discretize (replay, &variables);
  result = scan (replay, &variables);
  hr_replay_keep_state (replay, forward, &forward->recurrent_state, "recurrent_states",
                        get_state_shape (replay->dtype));
  replay->sentence = N_("in the state-space mixer, in its output projection");
  hr_replay_assign (replay, &result,
                    hr_op_linear (replay, result, HR_MODULE_OUTPUT, "out_proj(…)", HR_SYMBOL_HIDDEN, 1, FALSE));
  drop_variables (replay, &variables);

  return result;
}
