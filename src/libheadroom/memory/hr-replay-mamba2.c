/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-live-parameters.h"
#include "hr-operator-select.h"
#include "hr-operator-sequence.h"
#include "hr-replay-blocks.h"

/*
 * The mixer of Mamba 2 as transformers computes it with torch alone (transformers/models/mamba2/modeling_mamba2.py,
 * Mamba2Mixer.torch_forward), which it does unless the packages mamba-ssm and causal-conv1d are there: products of
 * whole chunks are written out before they are added up, in fp32, and the variables of the function hold most of them
 * until it returns.
 */

#define FLOAT32(...) HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, __VA_ARGS__)

#define OWN_TOKENS(...) HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, __VA_ARGS__)

static HrValue
make (HrReplay   *replay,
      const char *operation,
      const char *name,
      HrValue     shape)
{
  return hr_op_like (replay, operation, name, shape);
}

static HrValue
get_state_shape (HrElement element)
{
  return HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_MIXER, HR_SYMBOL_STATE);
}

static void
set_symbols (HrReplay       *replay,
             const HrMamba2 *mamba2)
{
  guint64 *symbols = replay->symbols;
  guint64 groups = 2 * mamba2->n_groups * mamba2->state_size;
  guint64 chunks = (symbols[HR_SYMBOL_SEQUENCE] + mamba2->chunk_size - 1) / mamba2->chunk_size;

  symbols[HR_SYMBOL_MIXER] = mamba2->intermediate_size;
  symbols[HR_SYMBOL_MIXER_HEADS] = mamba2->num_heads;
  symbols[HR_SYMBOL_GROUPS] = mamba2->n_groups;
  symbols[HR_SYMBOL_GROUP] = mamba2->intermediate_size / mamba2->n_groups;
  symbols[HR_SYMBOL_STATE] = mamba2->state_size;
  symbols[HR_SYMBOL_CONVOLVED] = mamba2->intermediate_size + groups;
  symbols[HR_SYMBOL_PROJECTED] = 2 * mamba2->intermediate_size + groups + mamba2->num_heads;
  symbols[HR_SYMBOL_KERNEL] = mamba2->conv_kernel;
  symbols[HR_SYMBOL_CONVOLUTION] = symbols[HR_SYMBOL_SEQUENCE] + mamba2->conv_kernel - 1;
  symbols[HR_SYMBOL_CHUNK] = mamba2->chunk_size;
  symbols[HR_SYMBOL_CHUNKS] = chunks;
  symbols[HR_SYMBOL_CHUNKED] = chunks * mamba2->chunk_size;
  symbols[HR_SYMBOL_BOUNDARIES] = chunks + 1;
}

#define MAX_VARIABLES 32

/* The variables of the function that are not bound again. */
typedef struct
{
  HrValue held[MAX_VARIABLES];
  guint n_held;
} Variables;

static HrValue
hold (Variables *variables,
      HrValue    value)
{
  variables->held[variables->n_held++] = value;

  return value;
}

/* apply_mask_to_padding_states (): only of several tokens of several sequences, but in Zamba 2. */
static void
mask_tokens (HrReplay       *replay,
             HrForward      *forward,
             HrValue        *x,
             const HrMamba2 *mamba2)
{
  gboolean is_single = replay->symbols[HR_SYMBOL_BATCH] == 1 || replay->symbols[HR_SYMBOL_SEQUENCE] == 1;

  if (forward->masked && (!mamba2->drops_full_mask || forward->padded) &&
      (!is_single || mamba2->path == HR_MAMBA2_PATH_ZAMBA2))
    hr_replay_mask_tokens (replay, x);
}

/* A = -torch.exp (A_log.float ()): a number for each head. */
static HrValue
make_a (HrReplay *replay)
{
  HrValue heads = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_MIXER_HEADS);
  HrValue logarithm = hr_op_cast (replay, hr_autograd_parameter (replay, heads), HR_ELEMENT_FLOAT32);
  HrValue a = hr_op_unary (replay, HR_UNARY_EXP, "A", logarithm);

  hr_replay_drop (replay, logarithm);
  hr_replay_assign (replay, &a, hr_op_unary (replay, HR_UNARY_NEG, "A", a));

  return a;
}

/* B or C of each group, in fp32, for each of its heads. */
static HrValue
spread_group (HrReplay   *replay,
              const char *name,
              HrValue     grouped)
{
  HrValue heads = FLOAT32 (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_STATE);

  return hr_op_copy (replay, name, grouped, heads);
}

/* What goes into the chunks: x times the time step, A times the time step, B and C of each head. */
typedef struct
{
  HrValue x;
  HrValue a;
  HrValue b;
  HrValue c;
} Inputs;

static void
drop_inputs (HrReplay *replay,
             Inputs   *inputs)
{
  hr_replay_drop (replay, inputs->c);
  hr_replay_drop (replay, inputs->b);
  hr_replay_drop (replay, inputs->a);
  hr_replay_drop (replay, inputs->x);
}

/* softplus (dt + dt_bias), between two limits. */
static HrValue
make_step (HrReplay *replay,
           HrValue   dt)
{
  HrValue heads = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_MIXER_HEADS);
  HrValue step = hr_op_binary (replay, HR_BINARY_ADD, "dt + dt_bias", dt, hr_autograd_parameter (replay, heads));

  hr_replay_assign (replay, &step, hr_op_unary (replay, HR_UNARY_SOFTPLUS, "dt", step));
  hr_replay_assign (replay, &step, hr_op_unary (replay, HR_UNARY_CLAMP, "dt", step));

  return step;
}

/* x, B and C of all tokens, as parts of what was convolved. */
static void
split_convolved (HrReplay *replay,
                 HrValue   convolved,
                 HrValue   parts[3])
{
  HrValue groups = OWN_TOKENS (HR_SYMBOL_GROUPS, HR_SYMBOL_STATE);
  const HrValue shapes[] = { OWN_TOKENS (HR_SYMBOL_MIXER), groups, groups };

  hr_op_split (replay, convolved, shapes, G_N_ELEMENTS (shapes), parts);
}

/* `variable = variable.float ()` */
static void
widen (HrReplay *replay,
       HrValue  *variable)
{
  hr_replay_assign (replay, variable, hr_op_cast (replay, *variable, HR_ELEMENT_FLOAT32));
}

/* D * x, padded to whole chunks. */
static HrValue
make_residual (HrReplay *replay,
               HrValue   x)
{
  HrValue d = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_MIXER_HEADS));
  HrValue padded = hr_op_resize (replay, "constant_pad_nd", "hidden_states", x,
                                 FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER));
  HrValue result = hr_op_product (replay, "D_residual", d, padded, padded);

  hr_replay_drop (replay, padded);

  return result;
}

/* What was convolved is held by those that are views of it; in Mamba 2 also by a variable of its own. */
static Inputs
make_inputs (HrReplay       *replay,
             Variables      *variables,
             HrValue         convolved,
             HrValue         dt,
             HrValue        *residual,
             const HrMamba2 *mamba2)
{
  HrValue a = make_a (replay);
  HrValue step, parts[3];
  Inputs inputs;

  split_convolved (replay, convolved, parts);
  if (mamba2->path == HR_MAMBA2_PATH_ZAMBA2)
    hr_replay_drop (replay, convolved);
  else
    hold (variables, convolved);
  step = hold (variables, make_step (replay, dt));
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    widen (replay, &parts[i]);
  inputs.x = parts[0];
  inputs.b = spread_group (replay, "B", parts[1]);
  hr_replay_drop (replay, parts[1]);
  inputs.c = spread_group (replay, "C", parts[2]);
  hr_replay_drop (replay, parts[2]);
  *residual = hold (variables, make_residual (replay, inputs.x));
  hr_replay_assign (replay, &inputs.x, hr_op_product (replay, "hidden_states", inputs.x, step, inputs.x));
  inputs.a = hr_op_product (replay, "A", a, step, step);
  hr_replay_drop (replay, a);

  return inputs;
}

static HrValue
pad (HrReplay   *replay,
     const char *name,
     HrValue     x)
{
  HrValue shape = x;

  shape.symbols[1] = HR_SYMBOL_CHUNKED;

  return hr_op_resize (replay, "constant_pad_nd", name, x, shape);
}

/* Each is copied, padded to whole chunks, before the first of the copies is bound. */
static void
pad_to_chunks (HrReplay *replay,
               Inputs   *inputs)
{
  Inputs padded;

  padded.x = pad (replay, "hidden_states", inputs->x);
  padded.a = pad (replay, "A", inputs->a);
  padded.b = pad (replay, "B", inputs->b);
  padded.c = pad (replay, "C", inputs->c);
  drop_inputs (replay, inputs);
  *inputs = padded;
}

/* ~torch.tril (torch.ones (…)); the variable of the mask itself stays. */
static HrValue
make_mask (HrReplay *replay,
           HrValue  *mask,
           HrSymbol  length)
{
  HrValue shape = HR_SHAPE (HR_ELEMENT_BOOL, length, length);
  HrValue ones = make (replay, "ones", "mask", shape);

  hr_replay_assign (replay, mask, make (replay, "tril", "mask", shape));
  hr_replay_drop (replay, ones);

  return make (replay, "bitwise_not", "~mask", shape);
}

/* torch.exp (segment_sum (x)): the sums of every stretch, their masks aside. */
static HrValue
exp_segment_sum (HrReplay   *replay,
                 const char *name,
                 HrValue     x,
                 HrValue     shape,
                 HrSymbol    length)
{
  HrValue expanded = hr_op_expand (replay, x, shape);
  HrValue mask = HR_NO_VALUE;
  HrValue inverse = make_mask (replay, &mask, length);
  HrValue filled = hr_op_masked_fill (replay, "input_tensor", expanded, inverse);
  HrValue sums;

  hr_replay_drop (replay, expanded);
  hr_replay_drop (replay, inverse);
  sums = hr_op_cumsum (replay, "tensor_segsum", filled);
  inverse = make_mask (replay, &mask, length);
  hr_replay_assign (replay, &sums, hr_op_masked_fill (replay, "tensor_segsum", sums, inverse));
  hr_replay_drop (replay, inverse);
  hr_replay_drop (replay, mask);
  hr_replay_drop (replay, filled);
  hr_replay_assign (replay, &sums, hr_op_unary (replay, HR_UNARY_EXP, name, sums));

  return sums;
}

/* 1. What a chunk's tokens make of each other: the product over the state is written out. */
static HrValue
replay_diagonal (HrReplay     *replay,
                 Variables    *variables,
                 const Inputs *inputs)
{
  HrValue pairs = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS);
  HrValue pairs_state = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_STATE);
  HrValue pairs_mixer = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER);
  HrValue decay = hold (variables, exp_segment_sum (replay, "L", inputs->a, pairs, HR_SYMBOL_CHUNK));
  HrValue g, m, product, result;

  replay->sentence = N_("in the state-space mixer, while the tokens of every chunk are multiplied with each other");
  g = hold (variables, hr_op_product (replay, "G_intermediate", inputs->c, inputs->b, pairs_state));
  g = hold (variables, hr_op_sum_over (replay, "G", g, pairs));
  m = hold (variables, hr_op_product (replay, "M_intermediate", g, decay, pairs));
  m = hold (variables, hr_op_sum_over (replay, "M", m, pairs));
  product = hr_op_product (replay, "M · hidden_states", m, inputs->x, pairs_mixer);
  result = hold (variables, hr_op_sum_over (replay, "Y_diag", product, inputs->x));
  hr_replay_drop (replay, product);

  return result;
}

/* 2. The state that each chunk makes. */
static HrValue
replay_chunk_states (HrReplay     *replay,
                     Variables    *variables,
                     const Inputs *inputs,
                     HrValue       sums)
{
  HrValue last = hr_op_slice (replay, sums, FLOAT32 (HR_SYMBOL_CHUNKS, HR_SYMBOL_MIXER_HEADS));
  HrValue difference = hr_op_binary (replay, HR_BINARY_SUB, "A_cumsum − A_cumsum", last, sums);
  HrValue decay, product, states;

  hr_replay_drop (replay, last);
  decay = hold (variables, hr_op_unary (replay, HR_UNARY_EXP, "decay_states", difference));
  hr_replay_drop (replay, difference);
  decay = hold (variables, hr_op_product (replay, "B_decay", inputs->b, decay, inputs->b));
  product = hr_op_product (replay, "B_decay · hidden_states", decay, inputs->x,
                           FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER, HR_SYMBOL_STATE));
  states = hr_op_sum_over (replay, "states", product, FLOAT32 (HR_SYMBOL_CHUNKS, HR_SYMBOL_MIXER, HR_SYMBOL_STATE));
  hr_replay_drop (replay, product);

  return states;
}

/*
 * 3. The state that each chunk finds, of all chunks before; in Zamba 2 a variable holds those that each chunk makes
 * (states_permuted).
 */
static HrValue
replay_recurrence (HrReplay       *replay,
                   Variables      *variables,
                   HrValue         sums,
                   HrValue         states,
                   const HrMamba2 *mamba2)
{
  HrValue pairs = FLOAT32 (HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_BOUNDARIES, HR_SYMBOL_BOUNDARIES);
  HrValue boundaries = FLOAT32 (HR_SYMBOL_BOUNDARIES, HR_SYMBOL_MIXER, HR_SYMBOL_STATE);
  HrValue square = FLOAT32 (HR_SYMBOL_BOUNDARIES, HR_SYMBOL_BOUNDARIES, HR_SYMBOL_MIXER, HR_SYMBOL_STATE);
  HrValue first = states;
  HrValue last, padded, decay, product, result;

  first.symbols[1] = HR_SYMBOL_ONE;
  first = hold (variables, make (replay, "zeros_like", "previous_states", first));
  boundaries.element = states.element;
  hr_replay_assign (replay, &states,
                    hr_op_cat (replay, "states", (const HrValue[]) { first, states }, 2, boundaries));
  last = hr_op_slice (replay, sums, FLOAT32 (HR_SYMBOL_CHUNKS, HR_SYMBOL_MIXER_HEADS));
  padded = hr_op_resize (replay, "constant_pad_nd", "A_cumsum", last,
                         FLOAT32 (HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_BOUNDARIES));
  hr_replay_drop (replay, last);
  decay = hold (variables, exp_segment_sum (replay, "decay_chunk", padded, pairs, HR_SYMBOL_BOUNDARIES));
  hr_replay_drop (replay, padded);
  product = hr_op_product (replay, "decay_chunk · states", decay, states, square);
  result = hold (variables, hr_op_sum_over (replay, "new_states", product, boundaries));
  hr_replay_drop (replay, product);
  if (mamba2->path == HR_MAMBA2_PATH_ZAMBA2)
    hold (variables, states);
  else
    hr_replay_drop (replay, states);

  return hold (variables, hr_op_slice (replay, result,
                                       FLOAT32 (HR_SYMBOL_CHUNKS, HR_SYMBOL_MIXER, HR_SYMBOL_STATE)));
}

/* 4. What the tokens make of the state that their chunk finds; all that they make. */
static HrValue
replay_output (HrReplay     *replay,
               Variables    *variables,
               const Inputs *inputs,
               HrValue       sums,
               HrValue       states)
{
  HrValue decay = hold (variables, hr_op_unary (replay, HR_UNARY_EXP, "state_decay_out", sums));
  HrValue product, sum, result;

  replay->sentence = N_("in the state-space mixer, while every token is multiplied with the state that it finds");
  product = hold (variables, hr_op_product (replay, "C_times_states", inputs->c, states,
                                            FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER, HR_SYMBOL_STATE)));
  sum = hr_op_sum_over (replay, "C_times_states.sum(-1)", product, FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER));
  result = hold (variables, hr_op_product (replay, "Y_off", sum, decay, sum));
  hr_replay_drop (replay, sum);

  return result;
}

/* y, without what was padded. */
static HrValue
add_up (HrReplay *replay,
        HrValue   diagonal,
        HrValue   off,
        HrValue   residual)
{
  HrValue y = hr_op_binary (replay, HR_BINARY_ADD, "y", diagonal, off);

  hr_replay_assign (replay, &y, hr_op_binary (replay, HR_BINARY_ADD, "y", y, residual));
  if (replay->symbols[HR_SYMBOL_CHUNKED] > replay->symbols[HR_SYMBOL_SEQUENCE])
    hr_replay_assign (replay, &y, hr_op_slice (replay, y, FLOAT32 (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER)));
  y.symbols[1] = HR_SYMBOL_SEQUENCE;

  return y;
}

/* A prompt, by chunks. */
static HrValue
replay_chunks (HrReplay       *replay,
               HrForward      *forward,
               Variables      *variables,
               HrValue         convolved,
               HrValue         dt,
               const HrMamba2 *mamba2)
{
  Inputs inputs;
  HrValue residual, sums, diagonal, states, y;

  replay->sentence = N_("in the state-space mixer, while B and C of every token are spread out over the heads");
  inputs = make_inputs (replay, variables, convolved, dt, &residual, mamba2);
  pad_to_chunks (replay, &inputs);
  hold (variables, inputs.x);
  hold (variables, inputs.a);
  hold (variables, inputs.b);
  hold (variables, inputs.c);
  sums = hold (variables, hr_op_cumsum (replay, "A_cumsum", inputs.a));
  diagonal = replay_diagonal (replay, variables, &inputs);
  states = replay_chunk_states (replay, variables, &inputs, sums);
  states = replay_recurrence (replay, variables, sums, states, mamba2);
  y = replay_output (replay, variables, &inputs, sums, states);
  y = add_up (replay, diagonal, y, residual);
  hr_replay_keep_state (replay, forward, &forward->recurrent_state, "recurrent_states",
                        get_state_shape (replay->dtype));

  return y;
}

/* One token: its A, B and x for every element of the state. */
static HrValue
replay_token (HrReplay       *replay,
              Variables      *variables,
              HrValue         convolved,
              const HrMamba2 *mamba2)
{
  HrValue tokens = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_MIXER);
  HrValue heads = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_STATE);
  HrValue step, copy, product, sum, cast, y;

  hold (variables, convolved);
  hold (variables, make_a (replay));
  step = make (replay, "add", "dt + dt_bias", tokens);
  hr_replay_assign (replay, &step, make (replay, "softplus", "dt", tokens));
  hr_replay_assign (replay, &step, make (replay, "clamp", "dt", tokens));
  hold (variables, step);
  replay->sentence = N_("in the state-space mixer, while A, B and x of a token are spread out over the state");
  product = make (replay, "mul", "dt·A", get_state_shape (hr_element_widen (replay->dtype)));
  hold (variables, make (replay, "exp", "dA", get_state_shape (hr_element_widen (replay->dtype))));
  hr_replay_drop (replay, product);
  hold (variables, make (replay, "clone", "B", heads));
  hold (variables, make (replay, "mul", "dB", get_state_shape (replay->dtype)));
  hold (variables, make (replay, "mul", "dBx", get_state_shape (replay->dtype)));
  copy = mamba2->path == HR_MAMBA2_PATH_ZAMBA2
           ? make (replay, "clone", "ssm_states", get_state_shape (replay->dtype))
           : HR_NO_VALUE;
  product = make (replay, "mul", "recurrent_states · dA", get_state_shape (hr_element_widen (replay->dtype)));
  sum = make (replay, "add", "ssm_states", get_state_shape (hr_element_widen (replay->dtype)));
  hr_replay_drop (replay, product);
  hr_replay_drop (replay, copy);
  hr_replay_drop (replay, sum);
  hold (variables, make (replay, "clone", "C", heads));
  y = make (replay, "bmm", "y", tokens);
  cast = make (replay, "mul", "hidden_states · D", tokens);
  hr_replay_assign (replay, &y, make (replay, "add", "y", tokens));
  hr_replay_drop (replay, cast);

  return y;
}

/* y * silu (gate) */
static HrValue
apply_gate (HrReplay *replay,
            HrValue   y,
            HrValue   gate)
{
  HrValue activated = hr_op_unary (replay, HR_UNARY_SILU, "silu(gate)", gate);
  HrValue result = hr_op_binary (replay, HR_BINARY_MUL, "scan_output", y, activated);

  hr_replay_drop (replay, activated);

  return result;
}

/* MambaRMSNormGated, or Zamba2RMSNormGated: in fp32, times silu (gate) before the norm. */
static HrValue
norm_gated (HrReplay       *replay,
            HrValue         y,
            HrValue         gate,
            const HrMamba2 *mamba2)
{
  HrValue weight = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_MIXER));
  HrValue *inputs[] = { &y, &gate };
  HrValue hidden, gate32, activated, rows, power, variance, shifted, inverse, cast, result;

  hr_live_parameters_enter_module (replay, inputs, G_N_ELEMENTS (inputs), &weight, 1);
  hidden = hr_op_cast (replay, y, HR_ELEMENT_FLOAT32);
  gate32 = hr_op_cast (replay, gate, HR_ELEMENT_FLOAT32);
  activated = hr_op_unary (replay, HR_UNARY_SILU, "silu(gate)", gate32);
  rows = hidden;
  hr_replay_drop (replay, gate32);
  hr_replay_assign (replay, &hidden, hr_op_binary (replay, HR_BINARY_MUL, "hidden_states", hidden, activated));
  hr_replay_drop (replay, activated);
  if (mamba2->norm != HR_MAMBA2_NORM_GATED)
    rows = FLOAT32 (HR_SYMBOL_SEQUENCE, HR_SYMBOL_GROUPS, HR_SYMBOL_GROUP);
  hr_replay_assign (replay, &hidden, hr_op_view (replay, hidden, rows));
  power = hr_op_unary (replay, HR_UNARY_POW, "x²", hidden);
  variance = hr_op_mean (replay, "variance", power);
  hr_replay_drop (replay, power);
  shifted = hr_op_unary (replay, HR_UNARY_ADD, "variance", variance);
  inverse = hr_op_unary (replay, HR_UNARY_RSQRT, "variance", shifted);
  hr_replay_drop (replay, shifted);
  hr_replay_assign (replay, &hidden, hr_op_binary (replay, HR_BINARY_MUL, "hidden_states", hidden, inverse));
  hr_replay_drop (replay, inverse);
  hr_replay_assign (replay, &hidden, hr_op_view (replay, hidden, y));
  cast = hr_op_cast (replay, hidden, y.element);
  result = hr_op_binary (replay, HR_BINARY_MUL, "scan_output", weight, cast);
  hr_live_parameters_leave (replay, &result);
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, variance);

  return result;
}

/* Gate, what is convolved, and the time step. */
static void
split_projected (HrReplay *replay,
                 HrValue   projected,
                 HrValue   parts[3])
{
  const HrValue shapes[] = {
    OWN_TOKENS (HR_SYMBOL_MIXER), OWN_TOKENS (HR_SYMBOL_CONVOLVED), OWN_TOKENS (HR_SYMBOL_MIXER_HEADS),
  };

  hr_op_split (replay, projected, shapes, G_N_ELEMENTS (shapes), parts);
}

/* in_proj (x), masked before, and multiplied by constants in Falcon-H1. */
static HrValue
project (HrReplay       *replay,
         HrForward      *forward,
         HrValue        *x,
         const HrMamba2 *mamba2)
{
  HrValue scale = HR_SHAPE (replay->dtype, HR_SYMBOL_PROJECTED);
  HrValue projected;

  mask_tokens (replay, forward, x, mamba2);
  if (mamba2->scaled)
    hr_replay_assign (replay, x, hr_op_unary (replay, HR_UNARY_MUL, "input_states", *x));
  projected = hr_op_linear (replay, *x, HR_MODULE_PROJECTION, "projected_states", HR_SYMBOL_PROJECTED, 1,
                            mamba2->has_bias);
  if (mamba2->scaled)
    hr_replay_assign (replay, &projected, hr_op_product (replay, "projected_states", projected, scale, projected));

  return projected;
}

/* The module has a number of each kind for each head; BambaMixer and its kin are called by keyword. */
static void
enter (HrReplay       *replay,
       HrValue        *x,
       const HrMamba2 *mamba2)
{
  const HrValue heads = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_MIXER_HEADS);
  const HrValue shapes[] = { heads, heads, heads };

  hr_live_parameters_enter_module (replay, &x, mamba2->path != HR_MAMBA2_PATH_BAMBA, shapes, G_N_ELEMENTS (shapes));
}

/*
 * hr_replay_mamba2:
 * @replay: a tape
 * @forward: the pass
 * @x: the input, which the caller holds
 * @mamba2: the block
 *
 * The mixer of Mamba 2.
 *
 * Returns: the result
 */
HrValue
hr_replay_mamba2 (HrReplay       *replay,
                  HrForward      *forward,
                  HrValue         x,
                  const HrMamba2 *mamba2)
{
  gboolean decodes = forward->recurrent_state.storage >= 0;
  Variables variables = { .n_held = 0 };
  HrValue input = hr_replay_hold (replay, x);
  HrValue projected, parts[3], convolved, padded, y, result;

  set_symbols (replay, mamba2);
  enter (replay, &input, mamba2);
  replay->sentence = N_("in the state-space mixer, while its input is projected and convolved");
  if (mamba2->path == HR_MAMBA2_PATH_BAMBA)
    {
      /* BambaMixer.forward () masks what torch_forward () masks again. */
      mask_tokens (replay, forward, &input, mamba2);
      hold (&variables, hr_replay_hold (replay, input));
    }
  projected = hold (&variables, project (replay, forward, &input, mamba2));
  split_projected (replay, projected, parts);
  convolved = hr_replay_convolution (replay, forward, parts[1], HR_SYMBOL_CONVOLVED, mamba2->has_conv_bias,
                                     HR_CONVOLVED_BY_MODULE, &padded);
  hr_replay_drop (replay, parts[1]);
  if (mamba2->path == HR_MAMBA2_PATH_MAMBA2)
    hold (&variables, padded);
  else
    hr_replay_drop (replay, padded);
  mask_tokens (replay, forward, &convolved, mamba2);
  if (mamba2->path == HR_MAMBA2_PATH_MAMBA2)
    hr_replay_drop (replay, input);
  else
    hold (&variables, input);
  y = decodes ? replay_token (replay, &variables, convolved, mamba2)
              : replay_chunks (replay, forward, &variables, convolved, parts[2], mamba2);
  replay->sentence = N_("in the state-space mixer, in its norm");
  result = mamba2->norm == HR_MAMBA2_NORM_NONE ? apply_gate (replay, y, parts[0])
                                               : norm_gated (replay, y, parts[0], mamba2);
  hold (&variables, result);
  result = hr_op_cast (replay, result, x.element);
  replay->sentence = N_("in the state-space mixer, in its output projection");
  hr_replay_assign (replay, &result, hr_op_linear (replay, result, HR_MODULE_OUTPUT, "out_proj(…)", HR_SYMBOL_HIDDEN, 1,
                                                   mamba2->has_bias));
  hr_live_parameters_leave (replay, &result);
  hr_replay_drop (replay, y);
  hr_replay_drop (replay, parts[2]);
  hr_replay_drop (replay, parts[0]);
  for (guint i = 0; i < variables.n_held; i++)
    hr_replay_drop (replay, variables.held[i]);

  return result;
}
