/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-live-parameters.h"
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
}

/* rms_forward (): in fp32, without a weight. */
static HrValue
replay_plain_norm (HrReplay *replay,
                   HrValue   x)
{
  HrValue hidden = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  HrValue power = hr_op_unary (replay, HR_UNARY_POW, "x²", hidden);
  HrValue variance = hr_op_mean (replay, "variance", power);
  HrValue shifted, inverse, result;

  hr_replay_drop (replay, power);
  shifted = hr_op_unary (replay, HR_UNARY_ADD, "variance", variance);
  inverse = hr_op_unary (replay, HR_UNARY_RSQRT, "variance", shifted);
  hr_replay_drop (replay, shifted);
  hr_replay_assign (replay, &hidden, hr_op_binary (replay, HR_BINARY_MUL, "normalized", hidden, inverse));
  hr_replay_drop (replay, inverse);
  result = hr_op_cast (replay, hidden, x.element);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, variance);

  return result;
}

/* The steps of the scan that are replayed by themselves: the first and the last, and those beside them. */
#define N_STEPS 4

/* The variables of the function. */
typedef struct
{
  HrValue hidden;
  HrValue gate;
  HrValue padded;
  HrValue state;
  HrValue selection;
  HrValue rank;
  HrValue time_step;
  HrValue b;
  HrValue c;
  HrValue a;
  HrValue discrete_a;
  HrValue discrete_b;
  HrValue delta;
  HrValue outputs[N_STEPS];
  HrValue other_outputs;
} Variables;

static void
mask_tokens (HrReplay      *replay,
             HrForward     *forward,
             Variables     *variables,
             const HrMamba *mamba)
{
  if (forward->masked && (forward->padded || !mamba->drops_full_mask))
    hr_replay_mask_tokens (replay, &variables->hidden);
}

static const HrNorm selection_norm = { .kind = HR_NORM_RMS, .has_weight = TRUE };

/* The variable that held a part of the selection is bound to what the norm makes of it. */
static void
norm_selection (HrReplay      *replay,
                HrValue       *part,
                const HrMamba *mamba)
{
  hr_replay_assign (replay, part, mamba->norm == HR_MAMBA_NORM_PLAIN ? replay_plain_norm (replay, *part)
                                                                     : hr_replay_norm (replay, *part, &selection_norm));
}

/*
 * A matrix reads x.transpose (1, 2), copied, which its derivative keeps; a token alone is in a row as it is. The
 * function that DeepSpeed's third stage has for linear layers keeps the view and lets the copy go
 * (LinearFunctionForZeroStage3 of deepspeed/runtime/zero/linear.py).
 */
static HrValue
multiply_transposed (HrReplay   *replay,
                     HrValue     x,
                     HrModule    module,
                     const char *name,
                     HrSymbol    out_features,
                     gboolean    has_bias)
{
  HrValue read = hr_op_cast_down (replay, x);
  HrValue copy = HR_NO_VALUE;
  HrValue result;

  if (replay->symbols[HR_SYMBOL_SEQUENCE] > 1 && replay->live != NULL)
    copy = hr_op_like (replay, "clone", "x.transpose(1, 2)", hr_value_detach (read));
  else if (replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
    hr_replay_assign (replay, &read, hr_op_copy (replay, "x.transpose(1, 2)", read, read));
  result = hr_op_linear (replay, read, module, name, out_features, 1, has_bias);
  hr_replay_drop (replay, copy);
  hr_replay_drop (replay, read);

  return result;
}

/*
 * dt_proj (time_step): a part of a wider row has its bias added after the product (aten/src/ATen/native/Linear.cpp), to
 * the product itself where DeepSpeed's third stage multiplies.
 */
static HrValue
project_time_step (HrReplay      *replay,
                   HrValue        time_step,
                   const HrMamba *mamba)
{
  HrValue bias, cast, result;

  if (mamba->norm != HR_MAMBA_NORM_NONE || replay->live != NULL)
    return hr_op_linear (replay, time_step, HR_MODULE_TIME_STEP, "discrete_time_step", HR_SYMBOL_MIXER, 1, TRUE);

  bias = hr_autograd_bias (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_MIXER));
  cast = hr_op_cast_parameter (replay, bias);
  result = hr_op_linear (replay, time_step, HR_MODULE_TIME_STEP, "discrete_time_step", HR_SYMBOL_MIXER, 1, FALSE);
  hr_replay_assign (replay, &result, hr_op_binary (replay, HR_BINARY_ADD, "discrete_time_step", result, cast));
  hr_op_drop_cast (replay, bias, cast, FALSE);

  return result;
}

static void
select_parameters (HrReplay      *replay,
                   Variables     *variables,
                   const HrMamba *mamba)
{
  HrValue selection = multiply_transposed (replay, variables->hidden, HR_MODULE_SELECTION, "ssm_parameters",
                                           HR_SYMBOL_SELECTION, FALSE);
  HrValue state = HR_SHAPE (selection.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_STATE);
  HrValue rank = HR_SHAPE (selection.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_RANK);
  HrValue parts[3];

  hr_op_split (replay, selection, (const HrValue[]) { rank, state, state }, G_N_ELEMENTS (parts), parts);
  for (guint i = 0; i < G_N_ELEMENTS (parts) && mamba->norm != HR_MAMBA_NORM_NONE; i++)
    norm_selection (replay, &parts[mamba->norm == HR_MAMBA_NORM_PLAIN ? (i + 1) % G_N_ELEMENTS (parts) : i], mamba);
  variables->b = parts[1];
  variables->c = parts[2];
  variables->time_step = project_time_step (replay, parts[0], mamba);
  hr_replay_assign (replay, &variables->time_step,
                    hr_op_unary (replay, HR_UNARY_SOFTPLUS, "discrete_time_step", variables->time_step));
  variables->selection = selection;
  variables->rank = parts[0];
}

static void
discretize (HrReplay  *replay,
            Variables *variables)
{
  HrValue rows = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_MIXER, HR_SYMBOL_STATE);
  HrValue spread = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_MIXER, HR_SYMBOL_SEQUENCE,
                             HR_SYMBOL_STATE);
  HrValue logarithm = hr_op_cast (replay, hr_autograd_parameter (replay, rows), HR_ELEMENT_FLOAT32);
  HrValue b32, hidden32;

  variables->a = hr_op_unary (replay, HR_UNARY_EXP, "A", logarithm);
  hr_replay_drop (replay, logarithm);
  hr_replay_assign (replay, &variables->a, hr_op_unary (replay, HR_UNARY_NEG, "A", variables->a));

  replay->sentence = N_("in the state-space mixer, while A, B and x of every token are spread out over the state");
  variables->discrete_a = hr_op_product (replay, "A·∆", variables->a, variables->time_step, spread);
  hr_replay_assign (replay, &variables->discrete_a,
                    hr_op_unary (replay, HR_UNARY_EXP, "discrete_A", variables->discrete_a));
  b32 = hr_op_cast (replay, variables->b, HR_ELEMENT_FLOAT32);
  variables->discrete_b = hr_op_product (replay, "discrete_B", variables->time_step, b32, spread);
  hr_replay_drop (replay, b32);
  hidden32 = hr_op_cast (replay, variables->hidden, HR_ELEMENT_FLOAT32);
  variables->delta = hr_op_product (replay, "deltaB_u", variables->discrete_b, hidden32, spread);
  hr_replay_drop (replay, hidden32);
}

/* ssm_state = discrete_A[:, :, i, :] * ssm_state + deltaB_u[:, :, i, :], and what the token makes of it. */
static HrValue
step (HrReplay  *replay,
      Variables *variables,
      HrElement  element,
      HrValue   *cast)
{
  HrValue shape = get_state_shape (HR_ELEMENT_FLOAT32);
  HrValue a = hr_op_slice (replay, variables->discrete_a, shape);
  HrValue product = hr_op_product (replay, "discrete_A · ssm_state", a, variables->state, shape);
  HrValue delta = hr_op_slice (replay, variables->delta, shape);
  HrValue c, product_c, output;

  hr_replay_drop (replay, a);
  hr_replay_assign (replay, &variables->state, hr_op_binary (replay, HR_BINARY_ADD, "ssm_state", product, delta));
  hr_replay_drop (replay, delta);
  hr_replay_drop (replay, product);
  *cast = hr_op_cast (replay, variables->state, element);
  hr_replay_assign (replay, cast, hr_op_cast_down (replay, *cast));
  c = hr_op_slice (replay, variables->c, HR_SHAPE (variables->c.element, HR_SYMBOL_BATCH, HR_SYMBOL_STATE));
  product_c = hr_op_matmul (replay, "scan_outputs", *cast, c,
                            HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_MIXER));
  output = hr_op_slice (replay, product_c, product_c);
  hr_replay_drop (replay, product_c);
  hr_replay_drop (replay, c);

  return output;
}

/* One token after the other; the results of all of them wait in a list. */
static HrValue
scan (HrReplay  *replay,
      Variables *variables,
      HrElement  element)
{
  guint64 n_tokens = replay->symbols[HR_SYMBOL_SEQUENCE];
  guint n_steps = MIN (n_tokens, N_STEPS);
  HrValue d = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_MIXER));
  HrValue *outputs = variables->outputs;
  HrValue result, skipped, gate;

  replay->symbols[HR_SYMBOL_OTHERS] = n_tokens - n_steps;
  for (guint i = 0; i < n_steps; i++)
    {
      HrValue cast;

      outputs[i] = step (replay, variables, element, &cast);
      if (i == N_STEPS / 2 - 1 && n_tokens > N_STEPS)
        {
          const HrValue kept[] = { variables->state, cast };

          variables->other_outputs = hr_replay_make_others (replay, outputs[i]);
          hr_replay_assign (replay, &variables->state,
                            hr_op_others (replay, variables->state, kept,
                                          cast.storage == variables->state.storage ? 1 : 2));
        }
      hr_replay_drop (replay, cast);
    }

  replay->sentence = N_("in the state-space mixer, after the scan, while what was spread out is still held");
  result = hr_op_cat (replay, "scan_output", outputs, n_steps, get_tokens_shape (outputs[0].element));
  skipped = hr_op_binary (replay, HR_BINARY_MUL, "hidden_states · D", variables->hidden, d);
  hr_replay_assign (replay, &result, hr_op_binary (replay, HR_BINARY_ADD, "scan_output", result, skipped));
  hr_replay_drop (replay, skipped);
  hr_live_parameters_call (replay);
  gate = hr_op_unary (replay, HR_UNARY_SILU, "act(gate)", variables->gate);
  hr_live_parameters_leave (replay, &gate);
  hr_replay_assign (replay, &result, hr_op_binary (replay, HR_BINARY_MUL, "scan_output", result, gate));
  hr_replay_drop (replay, gate);

  return result;
}

static void
drop_variables (HrReplay  *replay,
                Variables *variables)
{
  hr_replay_drop (replay, variables->other_outputs);
  for (guint i = 0; i < N_STEPS; i++)
    hr_replay_drop (replay, variables->outputs[i]);
  hr_replay_drop (replay, variables->delta);
  hr_replay_drop (replay, variables->discrete_b);
  hr_replay_drop (replay, variables->discrete_a);
  hr_replay_drop (replay, variables->a);
  hr_replay_drop (replay, variables->c);
  hr_replay_drop (replay, variables->b);
  hr_replay_drop (replay, variables->time_step);
  hr_replay_drop (replay, variables->rank);
  hr_replay_drop (replay, variables->selection);
  hr_replay_drop (replay, variables->state);
  hr_replay_drop (replay, variables->padded);
  hr_replay_drop (replay, variables->gate);
  hr_replay_drop (replay, variables->hidden);
}

/* Both halves of in_proj (x), channels first. */
static void
project (HrReplay      *replay,
         HrValue        x,
         Variables     *variables,
         const HrMamba *mamba)
{
  HrValue projected = hr_op_linear (replay, x, HR_MODULE_PROJECTION, "projected_states", HR_SYMBOL_MIXER, 2,
                                    mamba->has_bias);
  HrValue transposed = hr_op_transpose (replay, projected, projected);
  HrValue halves[2];

  hr_op_chunk (replay, transposed, G_N_ELEMENTS (halves), halves);
  hr_replay_drop (replay, transposed);
  hr_replay_drop (replay, projected);
  variables->hidden = halves[0];
  variables->gate = halves[1];
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
    .outputs = { HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE }, .other_outputs = HR_NO_VALUE,
  };
  HrValue *inputs[1];
  HrValue shapes[2];
  HrValue convolved, output, result;

  set_symbols (replay, mamba);
  inputs[0] = &x;
  shapes[0] = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_MIXER, HR_SYMBOL_STATE);
  shapes[1] = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_MIXER);
  /* JambaMambaMixer is called by keyword. */
  hr_live_parameters_enter_module (replay, inputs, mamba->path != HR_MAMBA_PATH_JAMBA, shapes, G_N_ELEMENTS (shapes));
  replay->sentence = N_("in the state-space mixer, while its input is projected and convolved");
  project (replay, x, &variables, mamba);
  mask_tokens (replay, forward, &variables, mamba);
  variables.state = hr_op_like (replay, "clone", "ssm_state", get_state_shape (x.element));
  convolved = hr_replay_convolution (replay, forward, variables.hidden, HR_SYMBOL_MIXER, mamba->has_conv_bias,
                                     HR_CONVOLVED_BY_MODULE, &variables.padded);
  hr_replay_assign (replay, &variables.hidden, hr_op_view (replay, convolved, get_tokens_shape (convolved.element)));
  hr_replay_drop (replay, convolved);
  if (mamba->path == HR_MAMBA_PATH_JAMBA)
    hr_replay_assign (replay, &variables.padded, HR_NO_VALUE);
  mask_tokens (replay, forward, &variables, mamba);
  select_parameters (replay, &variables, mamba);
  discretize (replay, &variables);
  output = scan (replay, &variables, x.element);
  hr_replay_keep_state (replay, forward, &forward->recurrent_state, "recurrent_states",
                        get_state_shape (replay->dtype));
  replay->sentence = N_("in the state-space mixer, in its output projection");
  result = multiply_transposed (replay, output, HR_MODULE_OUTPUT, "out_proj(…)", HR_SYMBOL_HIDDEN, mamba->has_bias);
  hr_live_parameters_leave (replay, &result);
  hr_replay_drop (replay, output);
  drop_variables (replay, &variables);

  return result;
}
