/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-live-parameters.h"
#include "hr-operator-sequence.h"
#include "hr-replay-delta-rule.h"

/*
 * The gated delta network as transformers computes it with torch alone (transformers/models/qwen3_next,
 * Qwen3NextGatedDeltaNet.forward; qwen3_5, olmo_hybrid), which it does unless the packages flash-linear-attention and
 * causal-conv1d are there. The rule itself is in hr-replay-delta-rule.c.
 */

#define FLOAT32(...) HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, __VA_ARGS__)
#define OWN(...) HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, __VA_ARGS__)

#define MAX_VARIABLES 16

/* The variables of the mixer's function. */
typedef struct
{
  HrValue held[MAX_VARIABLES];
  guint n_held;
  HrValue gate;
  HrValue replacement;
  HrValue rate;
  HrDeltaRule rule;
} Variables;

static HrValue
make (HrReplay   *replay,
      const char *operation,
      const char *name,
      HrValue     shape)
{
  return hr_op_like (replay, operation, name, shape);
}

static void
hold (Variables *variables,
      HrValue    value)
{
  variables->held[variables->n_held++] = value;
}

static gboolean
decodes (const HrForward *forward)
{
  return forward->recurrent_state.storage >= 0;
}

static HrValue
get_convolved_shape (HrElement element)
{
  return HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONVOLVED);
}

/* What all rows but the last keep of the triangles of all chunks and heads: the row, and what is above it. */
static guint64
get_rows_bytes (const guint64 *symbols)
{
  guint64 n_bytes = sizeof (float);
  guint64 bytes = 0;

  if (!g_uint64_checked_mul (&n_bytes, n_bytes, symbols[HR_SYMBOL_BATCH]) ||
      !g_uint64_checked_mul (&n_bytes, n_bytes, symbols[HR_SYMBOL_CHUNKS]) ||
      !g_uint64_checked_mul (&n_bytes, n_bytes, symbols[HR_SYMBOL_MIXER_HEADS]) ||
      n_bytes > G_MAXUINT64 / (HR_DELTA_CHUNK * HR_DELTA_CHUNK * HR_DELTA_CHUNK))
    return G_MAXUINT64;

  for (guint64 i = 1; i < HR_DELTA_CHUNK - 1; i++)
    bytes += hr_ledger_round (n_bytes * i) + hr_ledger_round (n_bytes * i * i);

  return bytes;
}

static void
set_symbols (HrReplay           *replay,
             const HrGatedDelta *delta)
{
  guint64 *symbols = replay->symbols;
  guint64 keys = delta->num_key_heads * delta->key_head_dim;
  guint64 values = delta->num_value_heads * delta->value_head_dim;
  guint64 chunks = (symbols[HR_SYMBOL_SEQUENCE] + HR_DELTA_CHUNK - 1) / HR_DELTA_CHUNK;

  symbols[HR_SYMBOL_MIXER] = values;
  symbols[HR_SYMBOL_MIXER_HEADS] = delta->num_value_heads;
  symbols[HR_SYMBOL_MIXER_KEY] = keys;
  symbols[HR_SYMBOL_MIXER_KEYS] = delta->num_value_heads * delta->key_head_dim;
  symbols[HR_SYMBOL_STATE] = delta->key_head_dim;
  symbols[HR_SYMBOL_GROUP] = delta->value_head_dim;
  symbols[HR_SYMBOL_CONVOLVED] = 2 * keys + values;
  symbols[HR_SYMBOL_PROJECTED] = 2 * keys + 2 * values;
  symbols[HR_SYMBOL_KERNEL] = delta->conv_kernel;
  symbols[HR_SYMBOL_CONVOLUTION] = symbols[HR_SYMBOL_SEQUENCE] + delta->conv_kernel - 1;
  symbols[HR_SYMBOL_CHUNK] = HR_DELTA_CHUNK;
  symbols[HR_SYMBOL_CHUNKS] = chunks;
  symbols[HR_SYMBOL_CHUNKED] = chunks * HR_DELTA_CHUNK;
  symbols[HR_SYMBOL_EARLIER] = HR_DELTA_CHUNK - 1;
  symbols[HR_SYMBOL_OTHERS] = chunks - MIN (chunks, HR_DELTA_N_STEPS);
  symbols[HR_SYMBOL_ROWS_KEPT] = get_rows_bytes (symbols);
}

/* One matrix, whose rows are put apart by head: values, gate and rates are copied, queries and keys when they are
 * joined with the values again. */
static void
project_fused (HrReplay  *replay,
               Variables *variables,
               HrValue    x,
               HrValue   *joined)
{
  HrValue heads = OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_HEADS);
  HrValue keys = OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_KEY);
  HrValue values = OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER);
  HrValue projected = hr_op_linear (replay, x, HR_MODULE_PROJECTION, "projected_states_qkvz", HR_SYMBOL_PROJECTED, 1,
                                    FALSE);
  HrValue rates = hr_op_linear (replay, x, HR_MODULE_RATES, "projected_states_ba", HR_SYMBOL_MIXER_HEADS, 2, FALSE);
  HrValue parts[4], halves[2];

  hold (variables, projected);
  hold (variables, rates);
  hr_op_split (replay, projected, (const HrValue[]) { keys, keys, values, values }, G_N_ELEMENTS (parts), parts);
  hr_op_split (replay, rates, (const HrValue[]) { heads, heads }, G_N_ELEMENTS (halves), halves);
  variables->rule.value = hr_op_copy (replay, "value", parts[2], parts[2]);
  variables->gate = hr_op_copy (replay, "z", parts[3], parts[3]);
  variables->replacement = hr_op_copy (replay, "b", halves[0], halves[0]);
  variables->rate = hr_op_copy (replay, "a", halves[1], halves[1]);
  variables->rule.query = hr_op_copy (replay, "query", parts[0], parts[0]);
  variables->rule.key = hr_op_copy (replay, "key", parts[1], parts[1]);
  *joined = hr_op_cat (replay, "mixed_qkv",
                       (const HrValue[]) { variables->rule.query, variables->rule.key, variables->rule.value }, 3,
                       get_convolved_shape (projected.element));
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    hr_replay_drop (replay, parts[i]);
  for (guint i = 0; i < G_N_ELEMENTS (halves); i++)
    hr_replay_drop (replay, halves[i]);
}

static void
project_joined (HrReplay  *replay,
                Variables *variables,
                HrValue    x,
                HrValue   *joined)
{
  HrValue projected = hr_op_linear (replay, x, HR_MODULE_QUERY_KEY_VALUE, "mixed_qkv", HR_SYMBOL_CONVOLVED, 1, FALSE);

  *joined = hr_op_transpose (replay, projected, projected);
  hr_replay_drop (replay, projected);
  variables->gate = hr_op_linear (replay, x, HR_MODULE_OUTPUT_GATE, "z", HR_SYMBOL_MIXER, 1, FALSE);
  variables->replacement = hr_op_linear (replay, x, HR_MODULE_REPLACEMENT_RATE, "b", HR_SYMBOL_MIXER_HEADS, 1, FALSE);
  variables->rate = hr_op_linear (replay, x, HR_MODULE_DECAY_RATE, "a", HR_SYMBOL_MIXER_HEADS, 1, FALSE);
}

/* torch_causal_conv1d_update: the state and the token in a row; of what is made the last is taken. */
static HrValue
convolve_token (HrReplay *replay)
{
  HrValue channels = OWN (HR_SYMBOL_CONVOLVED);
  HrValue kept = OWN (HR_SYMBOL_CONVOLVED, HR_SYMBOL_KERNEL);
  HrValue pair = channels;
  HrValue row, convolved, result;

  replay->symbols[HR_SYMBOL_KERNEL]++;
  row = make (replay, "cat", "hidden_states_new", kept);
  pair.count = 2;
  convolved = make (replay, "convolution", "out", pair);
  result = make (replay, "silu", "out", channels);
  replay->symbols[HR_SYMBOL_KERNEL]--;
  hr_replay_drop (replay, convolved);
  hr_replay_drop (replay, row);

  return result;
}

static void
convolve (HrReplay  *replay,
          HrForward *forward,
          Variables *variables,
          HrValue    joined)
{
  HrValue padded = HR_NO_VALUE;
  HrValue keys = OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_KEY);
  const HrValue shapes[] = { keys, keys, OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER) };
  HrValue convolved = decodes (forward) ? convolve_token (replay)
                                        : hr_replay_convolution (replay, forward, joined, HR_SYMBOL_CONVOLVED, FALSE,
                                                                 HR_CONVOLVED_BY_FUNCTION, &padded);
  HrValue parts[3];

  hr_replay_drop (replay, joined);
  hold (variables, padded);
  hold (variables, convolved);
  hr_op_split (replay, convolved, shapes, G_N_ELEMENTS (shapes), parts);
  hr_replay_assign (replay, &variables->rule.query, parts[0]);
  hr_replay_assign (replay, &variables->rule.key, parts[1]);
  hr_replay_assign (replay, &variables->rule.value, parts[2]);
}

/* beta = b.sigmoid (); g = -A_log.float ().exp () * softplus (a.float () + dt_bias) */
static void
make_rates (HrReplay           *replay,
            Variables          *variables,
            const HrGatedDelta *delta)
{
  HrValue heads = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_MIXER_HEADS);
  HrValue logarithm, a, step, shifted;

  variables->rule.beta = hr_op_unary (replay, HR_UNARY_SIGMOID, "beta", variables->replacement);
  if (delta->negative_eigenvalues)
    hr_replay_assign (replay, &variables->rule.beta, hr_op_unary (replay, HR_UNARY_MUL, "beta", variables->rule.beta));
  logarithm = hr_op_cast (replay, hr_autograd_parameter (replay, heads), HR_ELEMENT_FLOAT32);
  a = hr_op_unary (replay, HR_UNARY_EXP, "A", logarithm);
  hr_replay_drop (replay, logarithm);
  hr_replay_assign (replay, &a, hr_op_unary (replay, HR_UNARY_NEG, "−A", a));
  step = hr_op_cast (replay, variables->rate, HR_ELEMENT_FLOAT32);
  shifted = hr_op_binary (replay, HR_BINARY_ADD, "a + dt_bias", step, hr_autograd_parameter (replay, heads));
  hr_replay_drop (replay, step);
  hr_replay_assign (replay, &shifted, hr_op_unary (replay, HR_UNARY_SOFTPLUS, "softplus(…)", shifted));
  variables->rule.decay = hr_op_product (replay, "g", a, shifted, shifted);
  hr_replay_drop (replay, shifted);
  hr_replay_drop (replay, a);
}

/* Queries and keys of each head of the values. */
static void
spread_heads (HrReplay           *replay,
              Variables          *variables,
              const HrGatedDelta *delta)
{
  HrValue keys = HR_SHAPE (variables->rule.query.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_KEYS);

  if (delta->num_value_heads == delta->num_key_heads)
    return;

  hr_replay_assign (replay, &variables->rule.query, hr_op_copy (replay, "query", variables->rule.query, keys));
  hr_replay_assign (replay, &variables->rule.key, hr_op_copy (replay, "key", variables->rule.key, keys));
}

/* Qwen3NextRMSNormGated: each head in fp32, then times silu (gate). */
static HrValue
norm_gated (HrReplay *replay,
            HrValue   output,
            HrValue   gate)
{
  HrValue rows = HR_SHAPE (output.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_GROUP);
  HrValue weight = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_GROUP));
  HrValue x = hr_op_view (replay, output, rows);
  HrValue *inputs[] = { &x, &gate };
  HrValue hidden, power, variance, shifted, inverse, cast, gate32, activated, result;

  hr_live_parameters_enter_module (replay, inputs, G_N_ELEMENTS (inputs), &weight, 1);
  hidden = hr_op_cast (replay, x, HR_ELEMENT_FLOAT32);
  power = hr_op_unary (replay, HR_UNARY_POW, "x²", hidden);
  variance = hr_op_mean (replay, "variance", power);
  hr_replay_drop (replay, power);
  shifted = hr_op_unary (replay, HR_UNARY_ADD, "variance", variance);
  inverse = hr_op_unary (replay, HR_UNARY_RSQRT, "variance", shifted);
  hr_replay_drop (replay, shifted);
  hr_replay_assign (replay, &hidden, hr_op_binary (replay, HR_BINARY_MUL, "hidden_states", hidden, inverse));
  hr_replay_drop (replay, inverse);
  cast = hr_op_cast (replay, hidden, output.element);
  hr_replay_assign (replay, &hidden, hr_op_binary (replay, HR_BINARY_MUL, "hidden_states", weight, cast));
  hr_replay_drop (replay, cast);
  gate32 = hr_op_cast (replay, gate, HR_ELEMENT_FLOAT32);
  activated = hr_op_unary (replay, HR_UNARY_SILU, "silu(gate)", gate32);
  hr_replay_drop (replay, gate32);
  hr_replay_assign (replay, &hidden, hr_op_binary (replay, HR_BINARY_MUL, "hidden_states", hidden, activated));
  hr_replay_drop (replay, activated);
  cast = hr_op_cast (replay, hidden, output.element);
  hr_live_parameters_leave (replay, &cast);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, variance);
  hr_replay_drop (replay, x);
  result = hr_op_view (replay, cast, HR_SHAPE (cast.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER));
  hr_replay_drop (replay, cast);

  return result;
}

/*
 * hr_replay_gated_delta:
 * @replay: a tape
 * @forward: the pass
 * @x: the input, which the caller holds
 * @delta: the block
 *
 * A gated delta network.
 *
 * Returns: the result
 */
HrValue
hr_replay_gated_delta (HrReplay           *replay,
                       HrForward          *forward,
                       HrValue             x,
                       const HrGatedDelta *delta)
{
  Variables variables = {
    .gate = HR_NO_VALUE, .replacement = HR_NO_VALUE, .rate = HR_NO_VALUE,
    .rule = { HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE },
  };
  HrValue heads, joined, output, state, result;

  set_symbols (replay, delta);
  heads = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_MIXER_HEADS);
  hr_live_parameters_enter (replay, NULL, heads, heads);
  replay->sentence = N_("in the linear attention, while its input is projected and convolved");
  hr_replay_hold (replay, x);
  if (forward->masked && forward->padded && replay->symbols[HR_SYMBOL_BATCH] > 1 &&
      replay->symbols[HR_SYMBOL_SEQUENCE] > 1)
    hr_replay_mask_tokens (replay, &x);
  hold (&variables, x);
  if (delta->projection == HR_DELTA_PROJECTION_FUSED)
    project_fused (replay, &variables, x, &joined);
  else
    project_joined (replay, &variables, x, &joined);
  convolve (replay, forward, &variables, joined);
  make_rates (replay, &variables, delta);
  spread_heads (replay, &variables, delta);
  output = decodes (forward) ? hr_replay_delta_token (replay, forward, &variables.rule, &state)
                             : hr_replay_delta_chunks (replay, forward, &variables.rule, &state);
  hold (&variables, state);
  hr_replay_keep_state (replay, forward, &forward->recurrent_state, "recurrent_states",
                        OWN (HR_SYMBOL_MIXER, HR_SYMBOL_STATE));
  replay->sentence = N_("in the linear attention, in its norm");
  hr_replay_assign (replay, &output, norm_gated (replay, output, variables.gate));
  replay->sentence = N_("in the linear attention, in its output projection");
  result = hr_op_linear (replay, output, HR_MODULE_OUTPUT, "output", HR_SYMBOL_HIDDEN, 1, FALSE);
  hr_live_parameters_leave (replay, &result);
  hr_replay_drop (replay, output);
  hr_replay_drop (replay, variables.rate);
  hr_replay_drop (replay, variables.replacement);
  hr_replay_drop (replay, variables.rule.decay);
  hr_replay_drop (replay, variables.rule.beta);
  hr_replay_drop (replay, variables.rule.value);
  hr_replay_drop (replay, variables.rule.key);
  hr_replay_drop (replay, variables.rule.query);
  hr_replay_drop (replay, variables.gate);
  for (guint i = 0; i < variables.n_held; i++)
    hr_replay_drop (replay, variables.held[i]);

  return result;
}
