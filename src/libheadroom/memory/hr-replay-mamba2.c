/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-blocks.h"

/*
 * The mixer of Mamba 2 as transformers computes it with torch alone (transformers/models/mamba2/modeling_mamba2.py,
 * Mamba2Mixer.torch_forward), which it does unless the packages mamba-ssm and causal-conv1d are there: products of
 * whole chunks are written out before they are added up, in fp32, and the variables of the function hold most of them
 * until it returns.
 */

#define FLOAT32(...) HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, __VA_ARGS__)

/* Of a product of fp32 and what depends on the time step, which is as wide as the model. */
#define PROMOTED(...) HR_SHAPE (hr_element_widen (replay->dtype), HR_SYMBOL_BATCH, __VA_ARGS__)

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
static HrValue
mask_tokens (HrReplay       *replay,
             HrForward      *forward,
             HrSymbol        features,
             const HrMamba2 *mamba2)
{
  gboolean is_single = replay->symbols[HR_SYMBOL_BATCH] == 1 || replay->symbols[HR_SYMBOL_SEQUENCE] == 1;

  if (!forward->masked || (mamba2->drops_full_mask && !forward->padded) ||
      (is_single && mamba2->path != HR_MAMBA2_PATH_ZAMBA2))
    return HR_NO_VALUE;

  return make (replay, "mul", "hidden_states",
               HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, features));
}

/* A = -torch.exp (A_log.float ()): a number for each head. */
static HrValue
make_a (HrReplay *replay)
{
  HrValue heads = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_MIXER_HEADS);
  HrValue logarithm = replay->dtype == HR_ELEMENT_FLOAT32 ? HR_NO_VALUE : make (replay, "_to_copy", "A_log", heads);
  HrValue a = make (replay, "exp", "A", heads);

  hr_replay_drop (replay, logarithm);
  hr_replay_assign (replay, &a, make (replay, "neg", "A", heads));

  return a;
}

/* B or C of each group, for each of its heads. */
static HrValue
spread_group (HrReplay   *replay,
              const char *name)
{
  HrValue grouped = FLOAT32 (HR_SYMBOL_SEQUENCE, HR_SYMBOL_GROUPS, HR_SYMBOL_STATE);

  return replay->dtype == HR_ELEMENT_FLOAT32 ? HR_NO_VALUE : make (replay, "_to_copy", name, grouped);
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

/* What was convolved is held by those that are views of it; in Mamba 2 also by a variable of its own. */
static Inputs
make_inputs (HrReplay       *replay,
             Variables      *variables,
             HrValue         convolved,
             const HrMamba2 *mamba2)
{
  HrValue heads = FLOAT32 (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_STATE);
  HrValue steps = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_HEADS);
  HrValue tokens = FLOAT32 (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER);
  HrValue a = make_a (replay);
  Inputs inputs;
  HrValue step, grouped_b, grouped_c, index, padded;

  step = make (replay, "add", "dt + dt_bias", steps);
  hr_replay_assign (replay, &step, make (replay, "softplus", "dt", steps));
  hr_replay_assign (replay, &step, make (replay, "clamp", "dt", steps));
  hold (variables, step);
  inputs.x = replay->dtype == HR_ELEMENT_FLOAT32 ? hr_replay_hold (replay, convolved)
                                                  : make (replay, "_to_copy", "hidden_states", tokens);
  grouped_b = spread_group (replay, "B");
  grouped_c = spread_group (replay, "C");
  if (mamba2->path == HR_MAMBA2_PATH_ZAMBA2)
    hr_replay_drop (replay, convolved);
  else
    hold (variables, convolved);
  index = make (replay, "repeat_interleave", "index", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_MIXER_HEADS));
  inputs.b = make (replay, "index_select", "B", heads);
  hr_replay_drop (replay, grouped_b);
  inputs.c = make (replay, "index_select", "C", heads);
  hr_replay_drop (replay, grouped_c);
  hr_replay_drop (replay, index);
  padded = make (replay, "constant_pad_nd", "hidden_states", FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER));
  hold (variables, make (replay, "mul", "D_residual", PROMOTED (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER)));
  hr_replay_drop (replay, padded);
  hr_replay_assign (replay, &inputs.x,
                    make (replay, "mul", "hidden_states", PROMOTED (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER)));
  inputs.a = make (replay, "mul", "A", PROMOTED (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_HEADS));
  hr_replay_drop (replay, a);

  return inputs;
}

/* Each is copied, padded to whole chunks, before the first of the copies is bound. */
static void
pad_to_chunks (HrReplay *replay,
               Inputs   *inputs)
{
  HrValue heads = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_STATE);
  Inputs padded;

  padded.x = make (replay, "constant_pad_nd", "hidden_states", PROMOTED (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER));
  padded.a = make (replay, "constant_pad_nd", "A", PROMOTED (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER_HEADS));
  padded.b = make (replay, "constant_pad_nd", "B", heads);
  padded.c = make (replay, "constant_pad_nd", "C", heads);
  drop_inputs (replay, inputs);
  *inputs = padded;
}

/* torch.exp (segment_sum (x)): the sums of every stretch, their masks aside. */
static HrValue
exp_segment_sum (HrReplay   *replay,
                 const char *name,
                 HrValue     shape,
                 HrSymbol    length)
{
  HrValue mask_shape = HR_SHAPE (HR_ELEMENT_BOOL, length, length);
  HrValue mask = make (replay, "ones", "mask", mask_shape);
  HrValue inverse, filled, sums;

  hr_replay_assign (replay, &mask, make (replay, "tril", "mask", mask_shape));
  inverse = make (replay, "bitwise_not", "~mask", mask_shape);
  filled = make (replay, "masked_fill", "input_tensor", shape);
  hr_replay_drop (replay, inverse);
  sums = make (replay, "cumsum", "tensor_segsum", shape);
  hr_replay_assign (replay, &mask, make (replay, "tril", "mask", mask_shape));
  inverse = make (replay, "bitwise_not", "~mask", mask_shape);
  hr_replay_assign (replay, &sums, make (replay, "masked_fill", "tensor_segsum", shape));
  hr_replay_drop (replay, inverse);
  hr_replay_drop (replay, mask);
  hr_replay_drop (replay, filled);
  hr_replay_assign (replay, &sums, make (replay, "exp", name, shape));

  return sums;
}

/* 1. What a chunk's tokens make of each other: the product over the state is written out. */
static void
replay_diagonal (HrReplay  *replay,
                 Variables *variables)
{
  HrValue pairs = PROMOTED (HR_SYMBOL_CHUNKED, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS);
  HrValue pairs_state = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_STATE);
  HrValue product;

  hold (variables, exp_segment_sum (replay, "L", pairs, HR_SYMBOL_CHUNK));
  replay->sentence = N_("in the state-space mixer, while the tokens of every chunk are multiplied with each other");
  hold (variables, make (replay, "mul", "G_intermediate", pairs_state));
  hold (variables, make (replay, "sum", "G", FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS)));
  hold (variables, make (replay, "mul", "M_intermediate", pairs));
  hold (variables, make (replay, "sum", "M", pairs));
  product = make (replay, "mul", "M · hidden_states", PROMOTED (HR_SYMBOL_CHUNKED, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER));
  hold (variables, make (replay, "sum", "Y_diag", PROMOTED (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER)));
  hr_replay_drop (replay, product);
}

/* 2. The state that each chunk makes. */
static HrValue
replay_chunk_states (HrReplay  *replay,
                     Variables *variables)
{
  HrValue small = PROMOTED (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER_HEADS);
  HrValue difference = make (replay, "sub", "A_cumsum − A_cumsum", small);
  HrValue product, states;

  hold (variables, make (replay, "exp", "decay_states", small));
  hr_replay_drop (replay, difference);
  hold (variables, make (replay, "mul", "B_decay",
                         PROMOTED (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_STATE)));
  product = make (replay, "mul", "B_decay · hidden_states",
                  PROMOTED (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER, HR_SYMBOL_STATE));
  states = make (replay, "sum", "states", PROMOTED (HR_SYMBOL_CHUNKS, HR_SYMBOL_MIXER, HR_SYMBOL_STATE));
  hr_replay_drop (replay, product);

  return states;
}

/* 3. The state that each chunk finds, of all chunks before. */
static void
replay_recurrence (HrReplay  *replay,
                   Variables *variables,
                   HrValue    states)
{
  HrValue pairs = PROMOTED (HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_BOUNDARIES, HR_SYMBOL_BOUNDARIES);
  HrValue boundaries = PROMOTED (HR_SYMBOL_BOUNDARIES, HR_SYMBOL_MIXER, HR_SYMBOL_STATE);
  HrValue padded, product;

  hold (variables, make (replay, "zeros_like", "previous_states", PROMOTED (HR_SYMBOL_MIXER, HR_SYMBOL_STATE)));
  hr_replay_assign (replay, &states, make (replay, "cat", "states", boundaries));
  padded = make (replay, "constant_pad_nd", "A_cumsum", PROMOTED (HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_BOUNDARIES));
  hold (variables, exp_segment_sum (replay, "decay_chunk", pairs, HR_SYMBOL_BOUNDARIES));
  hr_replay_drop (replay, padded);
  product = make (replay, "mul", "decay_chunk · states",
                  PROMOTED (HR_SYMBOL_BOUNDARIES, HR_SYMBOL_BOUNDARIES, HR_SYMBOL_MIXER, HR_SYMBOL_STATE));
  hold (variables, make (replay, "sum", "new_states", boundaries));
  hr_replay_drop (replay, product);
  hr_replay_drop (replay, states);
}

/* 4. What the tokens make of the state that their chunk finds; all that they make. */
static HrValue
replay_output (HrReplay  *replay,
               Variables *variables)
{
  HrValue tokens = PROMOTED (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER);
  HrValue sum, y;

  hold (variables, make (replay, "exp", "state_decay_out", PROMOTED (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER_HEADS)));
  replay->sentence = N_("in the state-space mixer, while every token is multiplied with the state that it finds");
  hold (variables, make (replay, "mul", "C_times_states",
                         PROMOTED (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER, HR_SYMBOL_STATE)));
  sum = make (replay, "sum", "C_times_states.sum(-1)", tokens);
  hold (variables, make (replay, "mul", "Y_off", tokens));
  hr_replay_drop (replay, sum);
  y = make (replay, "add", "y", tokens);
  hr_replay_assign (replay, &y, make (replay, "add", "y", tokens));

  return y;
}

/* A prompt, by chunks. */
static HrValue
replay_chunks (HrReplay       *replay,
               HrForward      *forward,
               Variables      *variables,
               HrValue         convolved,
               const HrMamba2 *mamba2)
{
  Inputs inputs;
  HrValue states, y;

  replay->sentence = N_("in the state-space mixer, while B and C of every token are spread out over the heads");
  inputs = make_inputs (replay, variables, convolved, mamba2);
  pad_to_chunks (replay, &inputs);
  hold (variables, inputs.x);
  hold (variables, inputs.a);
  hold (variables, inputs.b);
  hold (variables, inputs.c);
  hold (variables, make (replay, "cumsum", "A_cumsum", PROMOTED (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER_HEADS)));
  replay_diagonal (replay, variables);
  states = replay_chunk_states (replay, variables);
  replay_recurrence (replay, variables, states);
  y = replay_output (replay, variables);
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
apply_gate (HrReplay *replay)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER);
  HrValue gate = make (replay, "silu", "silu(gate)", shape);
  HrValue result = make (replay, "mul", "scan_output", shape);

  hr_replay_drop (replay, gate);

  return result;
}

/* MambaRMSNormGated, or Zamba2RMSNormGated: in fp32, times silu (gate) before the norm. */
static HrValue
norm_gated (HrReplay       *replay,
            HrValue         y,
            const HrMamba2 *mamba2)
{
  gboolean is_grouped = mamba2->norm != HR_MAMBA2_NORM_GATED;
  HrValue shape = FLOAT32 (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER);
  HrValue rows = is_grouped ? FLOAT32 (HR_SYMBOL_SEQUENCE, HR_SYMBOL_GROUPS) : FLOAT32 (HR_SYMBOL_SEQUENCE);
  HrValue hidden = hr_op_cast (replay, y, HR_ELEMENT_FLOAT32);
  HrValue gate32 = replay->dtype == HR_ELEMENT_FLOAT32 ? HR_NO_VALUE : make (replay, "_to_copy", "gate.float()", shape);
  HrValue activated = make (replay, "silu", "silu(gate)", shape);
  HrValue power, variance, shifted, inverse, cast, result;

  hr_replay_drop (replay, gate32);
  hr_replay_assign (replay, &hidden, make (replay, "mul", "hidden_states", shape));
  hr_replay_drop (replay, activated);
  power = make (replay, "pow", "x²", shape);
  variance = make (replay, "mean", "variance", rows);
  hr_replay_drop (replay, power);
  shifted = make (replay, "add", "variance", rows);
  inverse = make (replay, "rsqrt", "variance", rows);
  hr_replay_drop (replay, shifted);
  hr_replay_assign (replay, &hidden, make (replay, "mul", "hidden_states", shape));
  hr_replay_drop (replay, inverse);
  hidden.element = HR_ELEMENT_FLOAT32;
  cast = hr_op_cast (replay, hidden, y.element);
  shape.element = y.element;
  result = make (replay, "mul", "scan_output", shape);
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, variance);

  return result;
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
  gboolean is_masked;
  HrValue masked, projected, convolved, padded, y, result;

  set_symbols (replay, mamba2);
  replay->sentence = N_("in the state-space mixer, while its input is projected and convolved");
  masked = mask_tokens (replay, forward, HR_SYMBOL_HIDDEN, mamba2);
  is_masked = masked.storage >= 0;
  if (mamba2->scaled)
    hr_replay_assign (replay, &masked, make (replay, "mul", "input_states", OWN_TOKENS (HR_SYMBOL_HIDDEN)));
  projected = hr_op_linear (replay, x, HR_MODULE_PROJECTION, "projected_states", HR_SYMBOL_PROJECTED, 1, FALSE);
  if (mamba2->scaled)
    hr_replay_assign (replay, &projected, make (replay, "mul", "projected_states", OWN_TOKENS (HR_SYMBOL_PROJECTED)));
  hold (&variables, projected);
  convolved = hr_replay_convolution (replay, forward, HR_SYMBOL_CONVOLVED, &padded);
  if (mamba2->path == HR_MAMBA2_PATH_MAMBA2)
    hold (&variables, padded);
  else
    hr_replay_drop (replay, padded);
  if (is_masked)
    hr_replay_assign (replay, &convolved, mask_tokens (replay, forward, HR_SYMBOL_CONVOLVED, mamba2));
  if (mamba2->path == HR_MAMBA2_PATH_MAMBA2)
    hr_replay_drop (replay, masked);
  else
    hold (&variables, masked);
  y = decodes ? replay_token (replay, &variables, convolved, mamba2)
              : replay_chunks (replay, forward, &variables, convolved, mamba2);
  replay->sentence = N_("in the state-space mixer, in its norm");
  result = mamba2->norm == HR_MAMBA2_NORM_NONE ? apply_gate (replay) : norm_gated (replay, y, mamba2);
  hr_replay_assign (replay, &result, hr_op_cast (replay, result, replay->dtype));
  replay->sentence = N_("in the state-space mixer, in its output projection");
  hr_replay_assign (replay, &result,
                    hr_op_linear (replay, result, HR_MODULE_OUTPUT, "out_proj(…)", HR_SYMBOL_HIDDEN, 1, FALSE));
  hr_replay_drop (replay, y);
  for (guint i = 0; i < variables.n_held; i++)
    hr_replay_drop (replay, variables.held[i]);

  return result;
}
