/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-sequence.h"
#include "hr-replay-blocks.h"

/*
 * The gated delta network as transformers computes it with torch alone (transformers/models/qwen3_next,
 * Qwen3NextGatedDeltaNet.forward with torch_chunk_gated_delta_rule and torch_recurrent_gated_delta_rule; qwen3_5,
 * olmo_hybrid), which it does unless the packages flash-linear-attention and causal-conv1d are there: everything in
 * fp32, the triangular system of every chunk solved row by row, for all chunks at once.
 */

/* Tokens of a chunk: the default of torch_chunk_gated_delta_rule. */
#define CHUNK 64

#define FLOAT32(...) HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, __VA_ARGS__)
#define OWN(...) HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, __VA_ARGS__)

#define MAX_VARIABLES 16

/* The variables of the mixer's function. */
typedef struct
{
  HrValue held[MAX_VARIABLES];
  guint n_held;
  HrValue gate;
  HrValue query;
  HrValue key;
  HrValue value;
  HrValue beta;
  HrValue decay;
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
get_state_shape (void)
{
  return FLOAT32 (HR_SYMBOL_MIXER, HR_SYMBOL_STATE);
}

static void
set_symbols (HrReplay           *replay,
             const HrGatedDelta *delta)
{
  guint64 *symbols = replay->symbols;
  guint64 keys = delta->num_key_heads * delta->key_head_dim;
  guint64 values = delta->num_value_heads * delta->value_head_dim;
  guint64 chunks = (symbols[HR_SYMBOL_SEQUENCE] + CHUNK - 1) / CHUNK;

  symbols[HR_SYMBOL_MIXER] = values;
  symbols[HR_SYMBOL_MIXER_HEADS] = delta->num_value_heads;
  symbols[HR_SYMBOL_MIXER_KEY] = keys;
  symbols[HR_SYMBOL_MIXER_KEYS] = delta->num_value_heads * delta->key_head_dim;
  symbols[HR_SYMBOL_STATE] = delta->key_head_dim;
  symbols[HR_SYMBOL_CONVOLVED] = 2 * keys + values;
  symbols[HR_SYMBOL_PROJECTED] = 2 * keys + 2 * values;
  symbols[HR_SYMBOL_KERNEL] = delta->conv_kernel;
  symbols[HR_SYMBOL_CONVOLUTION] = symbols[HR_SYMBOL_SEQUENCE] + delta->conv_kernel - 1;
  symbols[HR_SYMBOL_CHUNK] = CHUNK;
  symbols[HR_SYMBOL_CHUNKS] = chunks;
  symbols[HR_SYMBOL_CHUNKED] = chunks * CHUNK;
  symbols[HR_SYMBOL_EARLIER] = CHUNK - 1;
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

  hold (variables, hr_op_linear (replay, x, HR_MODULE_PROJECTION, "projected_states_qkvz",
                                 HR_SYMBOL_PROJECTED, 1, FALSE));
  hold (variables, hr_op_linear (replay, x, HR_MODULE_RATES, "projected_states_ba", HR_SYMBOL_MIXER_HEADS, 2, FALSE));
  variables->value = make (replay, "clone", "value", OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER));
  variables->gate = make (replay, "clone", "z", OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER));
  hold (variables, make (replay, "clone", "b", heads));
  hold (variables, make (replay, "clone", "a", heads));
  variables->query = make (replay, "clone", "query", OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_KEY));
  variables->key = make (replay, "clone", "key", OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_KEY));
  *joined = make (replay, "cat", "mixed_qkv", OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_CONVOLVED));
}

static void
project_joined (HrReplay  *replay,
                Variables *variables,
                HrValue    x,
                HrValue   *joined)
{
  *joined = hr_op_linear (replay, x, HR_MODULE_QUERY_KEY_VALUE, "mixed_qkv", HR_SYMBOL_CONVOLVED, 1, FALSE);
  variables->gate = hr_op_linear (replay, x, HR_MODULE_OUTPUT_GATE, "z", HR_SYMBOL_MIXER, 1, FALSE);
  hold (variables, hr_op_linear (replay, x, HR_MODULE_REPLACEMENT_RATE, "b", HR_SYMBOL_MIXER_HEADS, 1, FALSE));
  hold (variables, hr_op_linear (replay, x, HR_MODULE_DECAY_RATE, "a", HR_SYMBOL_MIXER_HEADS, 1, FALSE));
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
  HrValue convolved = decodes (forward) ? convolve_token (replay)
                                        : hr_replay_convolution (replay, forward, joined, HR_SYMBOL_CONVOLVED, FALSE,
                                                                 TRUE, &padded);

  hr_replay_drop (replay, joined);
  hold (variables, padded);
  hold (variables, convolved);
  hr_replay_assign (replay, &variables->query, HR_NO_VALUE);
  hr_replay_assign (replay, &variables->key, HR_NO_VALUE);
  hr_replay_assign (replay, &variables->value, HR_NO_VALUE);
}

/* beta = b.sigmoid (); g = -A_log.float ().exp () * softplus (a.float () + dt_bias) */
static void
make_rates (HrReplay           *replay,
            Variables          *variables,
            const HrGatedDelta *delta)
{
  HrValue heads = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_MIXER_HEADS);
  HrValue steps = FLOAT32 (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_HEADS);
  HrValue logarithm, a, step, shifted;

  variables->beta = make (replay, "sigmoid", "beta", OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_HEADS));
  if (delta->negative_eigenvalues)
    hr_replay_assign (replay, &variables->beta,
                      make (replay, "mul", "beta", OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_HEADS)));
  logarithm = replay->dtype == HR_ELEMENT_FLOAT32 ? HR_NO_VALUE : make (replay, "_to_copy", "A_log", heads);
  a = make (replay, "exp", "A", heads);
  hr_replay_drop (replay, logarithm);
  hr_replay_assign (replay, &a, make (replay, "neg", "−A", heads));
  step = replay->dtype == HR_ELEMENT_FLOAT32 ? HR_NO_VALUE : make (replay, "_to_copy", "a.float()", steps);
  shifted = make (replay, "add", "a + dt_bias", steps);
  hr_replay_drop (replay, step);
  hr_replay_assign (replay, &shifted, make (replay, "softplus", "softplus(…)", steps));
  variables->decay = make (replay, "mul", "g", steps);
  hr_replay_drop (replay, shifted);
  hr_replay_drop (replay, a);
}

/* Queries and keys of each head of the values. */
static void
spread_heads (HrReplay           *replay,
              Variables          *variables,
              const HrGatedDelta *delta)
{
  if (delta->num_value_heads == delta->num_key_heads)
    return;

  variables->query = make (replay, "clone", "query", OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_KEYS));
  variables->key = make (replay, "clone", "key", OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_KEYS));
}

/* l2norm () */
static HrValue
normalize (HrReplay   *replay,
           const char *name)
{
  HrValue shape = OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_KEYS);
  HrValue rows = OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_HEADS);
  HrValue power = make (replay, "mul", "x·x", shape);
  HrValue inverse = make (replay, "sum", "sum", rows);
  HrValue result;

  hr_replay_drop (replay, power);
  hr_replay_assign (replay, &inverse, make (replay, "add", "sum + eps", rows));
  hr_replay_assign (replay, &inverse, make (replay, "rsqrt", "inv_norm", rows));
  result = make (replay, "mul", name, shape);
  hr_replay_drop (replay, inverse);

  return result;
}

/* What the rule computes with, heads before tokens, in fp32. */
typedef struct
{
  HrValue query;
  HrValue key;
  HrValue value;
  HrValue beta;
  HrValue decay;
} Inputs;

/* x.transpose (1, 2).contiguous ().to (float32): a token alone is contiguous as it is. */
static HrValue
transpose (HrReplay    *replay,
           const char  *name,
           HrValue      held,
           HrValue      shape,
           gboolean     is_single)
{
  HrValue row = is_single ? HR_NO_VALUE : make (replay, "contiguous", name, shape);
  HrValue result;

  if (shape.element == HR_ELEMENT_FLOAT32)
    return is_single ? hr_replay_hold (replay, held) : row;

  shape.element = HR_ELEMENT_FLOAT32;
  result = make (replay, "_to_copy", name, shape);
  hr_replay_drop (replay, row);

  return result;
}

static Inputs
transpose_inputs (HrReplay  *replay,
                  Variables *variables,
                  gboolean   is_single)
{
  HrValue query = normalize (replay, "query");
  HrValue key = normalize (replay, "key");
  HrValue keys = OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_KEYS);
  HrValue heads = OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_HEADS);
  Inputs inputs;

  inputs.query = transpose (replay, "query", query, keys, is_single);
  inputs.key = transpose (replay, "key", key, keys, is_single);
  /* A part of what was convolved: of several sequences it is in pieces. */
  inputs.value = transpose (replay, "value", variables->value, OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER),
                            is_single && replay->symbols[HR_SYMBOL_BATCH] == 1);
  inputs.beta = transpose (replay, "beta", variables->beta, heads, is_single);
  heads.element = HR_ELEMENT_FLOAT32;
  inputs.decay = transpose (replay, "g", variables->decay, heads, is_single);
  hr_replay_drop (replay, key);
  hr_replay_drop (replay, query);

  return inputs;
}

static void
drop_inputs (HrReplay *replay,
             Inputs   *inputs)
{
  hr_replay_drop (replay, inputs->decay);
  hr_replay_drop (replay, inputs->beta);
  hr_replay_drop (replay, inputs->value);
  hr_replay_drop (replay, inputs->key);
  hr_replay_drop (replay, inputs->query);
}

/* Each is padded to whole chunks, one after the other; the query is scaled. */
static void
pad_to_chunks (HrReplay *replay,
               Inputs   *inputs)
{
  HrValue keys = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER_KEYS);
  HrValue heads = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER_HEADS);

  hr_replay_assign (replay, &inputs->query, make (replay, "constant_pad_nd", "query", keys));
  hr_replay_assign (replay, &inputs->key, make (replay, "constant_pad_nd", "key", keys));
  hr_replay_assign (replay, &inputs->value,
                    make (replay, "constant_pad_nd", "value", FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER)));
  hr_replay_assign (replay, &inputs->beta, make (replay, "constant_pad_nd", "beta", heads));
  hr_replay_assign (replay, &inputs->decay, make (replay, "constant_pad_nd", "g", heads));
  hr_replay_assign (replay, &inputs->query, make (replay, "mul", "query", keys));
}

static HrValue
make_triangle (HrReplay *replay)
{
  HrValue shape = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_CHUNK, HR_SYMBOL_CHUNK);
  HrValue mask = make (replay, "ones", "mask", shape);

  hr_replay_assign (replay, &mask, make (replay, "triu", "mask", shape));

  return mask;
}

/* The variables of the rule that wait for its end. */
typedef struct
{
  HrValue value_beta;
  HrValue key_beta;
  HrValue mask;
  HrValue decay_mask;
  HrValue attn;
  HrValue row;
  HrValue sub;
  HrValue key_decay;
} Chunks;

/* exp of the differences of the decay, below the diagonal. */
static HrValue
make_decay_mask (HrReplay *replay)
{
  HrValue pairs = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS);
  HrValue mask = make (replay, "sub", "g − g", pairs);

  hr_replay_assign (replay, &mask, make (replay, "tril", "tril(…)", pairs));
  hr_replay_assign (replay, &mask, make (replay, "exp", "exp(…)", pairs));
  hr_replay_assign (replay, &mask, make (replay, "tril", "decay_mask", pairs));

  return mask;
}

/* The triangular system, row by row: the last row is the longest, and what was there before is copied. */
static void
solve_rows (HrReplay *replay,
            Chunks   *chunks)
{
  HrValue row = FLOAT32 (HR_SYMBOL_CHUNKS, HR_SYMBOL_EARLIER, HR_SYMBOL_MIXER_HEADS);
  HrValue rows = FLOAT32 (HR_SYMBOL_CHUNKS, HR_SYMBOL_EARLIER, HR_SYMBOL_EARLIER, HR_SYMBOL_MIXER_HEADS);
  HrValue product, sum;

  chunks->row = make (replay, "clone", "row", row);
  chunks->sub = make (replay, "clone", "sub", rows);
  product = make (replay, "mul", "row · sub", rows);
  sum = make (replay, "sum", "(row · sub).sum(-2)", row);
  hr_replay_drop (replay, product);
  hr_replay_assign (replay, &sum, make (replay, "add", "row + sum", row));
  hr_replay_drop (replay, sum);
}

/* What the tokens of each chunk make of each other. */
static void
solve_chunks (HrReplay *replay,
              Inputs   *inputs,
              Chunks   *chunks)
{
  HrValue pairs = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS);
  HrValue keys = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER_KEYS);
  HrValue product, masked, eye, exponent;

  chunks->value_beta = make (replay, "mul", "v_beta", FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER));
  chunks->key_beta = make (replay, "mul", "k_beta", keys);
  chunks->mask = make_triangle (replay);
  hr_replay_assign (replay, &inputs->decay,
                    make (replay, "cumsum", "g", FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER_HEADS)));
  replay->sentence = N_("in the linear attention, while the tokens of every chunk are multiplied with each other");
  chunks->decay_mask = make_decay_mask (replay);
  product = make (replay, "bmm", "k_beta · kᵀ", pairs);
  hr_replay_assign (replay, &product, make (replay, "mul", "k_beta · kᵀ · decay_mask", pairs));
  masked = make (replay, "masked_fill", "masked", pairs);
  hr_replay_drop (replay, product);
  chunks->attn = make (replay, "neg", "attn", pairs);
  hr_replay_drop (replay, masked);
  solve_rows (replay, chunks);
  eye = make (replay, "eye", "eye", HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_CHUNK, HR_SYMBOL_CHUNK));
  hr_replay_assign (replay, &chunks->attn, make (replay, "add", "attn", pairs));
  hr_replay_drop (replay, eye);
  hr_replay_assign (replay, &inputs->value,
                    make (replay, "bmm", "value", FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER)));
  exponent = make (replay, "exp", "exp(g)", FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER_HEADS));
  product = make (replay, "mul", "k_beta · exp(g)", keys);
  hr_replay_drop (replay, exponent);
  chunks->key_decay = make (replay, "bmm", "k_cumdecay", keys);
  hr_replay_drop (replay, product);
}

/* The variables of the loop over the chunks, which hold what the chunk before has made. */
typedef struct
{
  HrValue prime;
  HrValue fresh;
  HrValue inter;
  HrValue state;
} Step;

/* One chunk after the other: its own tokens, and the state that it finds and leaves. */
static void
step (HrReplay *replay,
      Chunks   *chunks,
      Step     *loop)
{
  HrValue pairs = FLOAT32 (HR_SYMBOL_CHUNK, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS);
  HrValue keys = FLOAT32 (HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_KEYS);
  HrValue values = FLOAT32 (HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER);
  HrValue heads = FLOAT32 (HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS);
  HrValue product, exponent, sum, last;

  product = make (replay, "bmm", "q · kᵀ", pairs);
  hr_replay_assign (replay, &chunks->attn, make (replay, "mul", "attn", pairs));
  hr_replay_drop (replay, product);
  hr_replay_assign (replay, &loop->prime, make (replay, "bmm", "v_prime", values));
  hr_replay_assign (replay, &loop->fresh, make (replay, "sub", "v_new", values));
  exponent = make (replay, "exp", "exp(g)", heads);
  product = make (replay, "mul", "q · exp(g)", keys);
  hr_replay_drop (replay, exponent);
  hr_replay_assign (replay, &loop->inter, make (replay, "bmm", "attn_inter", values));
  hr_replay_drop (replay, product);
  product = make (replay, "bmm", "attn · v_new", values);
  sum = make (replay, "add", "attn_inter + attn · v_new", values);
  hr_replay_drop (replay, product);
  hr_replay_drop (replay, sum);

  exponent = make (replay, "exp", "exp(g)", FLOAT32 (HR_SYMBOL_MIXER_HEADS));
  last = make (replay, "mul", "last_recurrent_state · exp(g)", get_state_shape ());
  hr_replay_drop (replay, exponent);
  exponent = make (replay, "sub", "g − g", heads);
  hr_replay_assign (replay, &exponent, make (replay, "exp", "exp(g − g)", heads));
  product = make (replay, "mul", "k · exp(g − g)", keys);
  hr_replay_drop (replay, exponent);
  sum = make (replay, "bmm", "(k · exp(g − g))ᵀ · v_new", get_state_shape ());
  hr_replay_drop (replay, product);
  hr_replay_assign (replay, &loop->state, make (replay, "add", "last_recurrent_state", get_state_shape ()));
  hr_replay_drop (replay, sum);
  hr_replay_drop (replay, last);
}

static void
drop_chunks (HrReplay *replay,
             Chunks   *chunks)
{
  hr_replay_drop (replay, chunks->key_decay);
  hr_replay_drop (replay, chunks->sub);
  hr_replay_drop (replay, chunks->row);
  hr_replay_drop (replay, chunks->attn);
  hr_replay_drop (replay, chunks->decay_mask);
  hr_replay_drop (replay, chunks->mask);
  hr_replay_drop (replay, chunks->key_beta);
  hr_replay_drop (replay, chunks->value_beta);
}

/* What the rule returns: heads after tokens again, in the dtype of the model. */
static HrValue
return_output (HrReplay *replay,
               HrValue   output,
               gboolean  is_single)
{
  HrValue shape = FLOAT32 (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER);
  HrValue row = is_single ? hr_replay_hold (replay, output)
                          : make (replay, "contiguous", "core_attn_out.contiguous()", shape);
  HrValue result;

  shape.element = replay->dtype;
  result = replay->dtype == HR_ELEMENT_FLOAT32 ? hr_replay_hold (replay, row)
                                               : make (replay, "_to_copy", "core_attn_out", shape);
  hr_replay_drop (replay, row);
  hr_replay_drop (replay, output);

  return result;
}

/* torch_chunk_gated_delta_rule: a prompt. The state is what it returns as well. */
static HrValue
replay_chunks (HrReplay  *replay,
               Variables *variables,
               HrValue   *state)
{
  Inputs inputs = transpose_inputs (replay, variables, replay->symbols[HR_SYMBOL_SEQUENCE] == 1);
  Step loop = { .prime = HR_NO_VALUE, .fresh = HR_NO_VALUE, .inter = HR_NO_VALUE };
  Chunks chunks;
  HrValue output;

  pad_to_chunks (replay, &inputs);
  solve_chunks (replay, &inputs, &chunks);
  loop.state = make (replay, "zeros", "last_recurrent_state", get_state_shape ());
  output = make (replay, "zeros_like", "core_attn_out", FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER));
  hr_replay_assign (replay, &chunks.mask, make_triangle (replay));
  replay->sentence = N_("in the linear attention, while one chunk after the other changes the state");
  for (guint i = 0; i < MIN (replay->symbols[HR_SYMBOL_CHUNKS], 2); i++)
    step (replay, &chunks, &loop);
  output = return_output (replay, output, FALSE);
  hr_replay_drop (replay, loop.inter);
  hr_replay_drop (replay, loop.fresh);
  hr_replay_drop (replay, loop.prime);
  drop_chunks (replay, &chunks);
  drop_inputs (replay, &inputs);
  *state = loop.state;

  return output;
}

/* torch_recurrent_gated_delta_rule: one token. */
static HrValue
replay_token (HrReplay  *replay,
              HrForward *forward,
              Variables *variables,
              HrValue   *state)
{
  HrValue values = FLOAT32 (HR_SYMBOL_MIXER);
  HrValue inputs_keys = FLOAT32 (HR_SYMBOL_MIXER_KEYS);
  Inputs inputs = transpose_inputs (replay, variables, TRUE);
  HrValue output, exponent, product, memory, delta, outer;

  replay->sentence = N_("in the linear attention, while a token changes the state");
  hr_replay_assign (replay, &inputs.query, make (replay, "mul", "query", inputs_keys));
  output = make (replay, "zeros", "core_attn_out", values);
  *state = replay->dtype == HR_ELEMENT_FLOAT32 || forward->fp32_state
             ? hr_replay_hold (replay, forward->recurrent_state)
             : make (replay, "_to_copy", "last_recurrent_state", get_state_shape ());
  exponent = make (replay, "exp", "g_t", FLOAT32 (HR_SYMBOL_MIXER_HEADS));
  hr_replay_assign (replay, state, make (replay, "mul", "last_recurrent_state", get_state_shape ()));
  product = make (replay, "mul", "last_recurrent_state · k_t", get_state_shape ());
  memory = make (replay, "sum", "kv_mem", values);
  hr_replay_drop (replay, product);
  product = make (replay, "sub", "v_t − kv_mem", values);
  delta = make (replay, "mul", "delta", values);
  hr_replay_drop (replay, product);
  outer = make (replay, "mul", "k_t · delta", get_state_shape ());
  hr_replay_assign (replay, state, make (replay, "add", "last_recurrent_state", get_state_shape ()));
  hr_replay_drop (replay, outer);
  product = make (replay, "mul", "last_recurrent_state · q_t", get_state_shape ());
  outer = make (replay, "sum", "sum", values);
  hr_replay_drop (replay, product);
  hr_replay_drop (replay, outer);
  output = return_output (replay, output, TRUE);
  hr_replay_drop (replay, delta);
  hr_replay_drop (replay, memory);
  hr_replay_drop (replay, exponent);
  drop_inputs (replay, &inputs);

  return output;
}

/* Qwen3NextRMSNormGated: each head in fp32, then times silu (gate). */
static HrValue
norm_gated (HrReplay *replay,
            HrValue   output)
{
  HrValue shape = FLOAT32 (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER);
  HrValue rows = FLOAT32 (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_HEADS);
  HrValue own = OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER);
  gboolean is_fp32 = replay->dtype == HR_ELEMENT_FLOAT32;
  HrValue hidden = is_fp32 ? hr_replay_hold (replay, output) : make (replay, "_to_copy", "hidden_states", shape);
  HrValue power = make (replay, "pow", "x²", shape);
  HrValue variance = make (replay, "mean", "variance", rows);
  HrValue shifted, inverse, cast, gate, activated;

  hr_replay_drop (replay, power);
  shifted = make (replay, "add", "variance", rows);
  inverse = make (replay, "rsqrt", "variance", rows);
  hr_replay_drop (replay, shifted);
  hr_replay_assign (replay, &hidden, make (replay, "mul", "hidden_states", shape));
  hr_replay_drop (replay, inverse);
  cast = is_fp32 ? HR_NO_VALUE : make (replay, "_to_copy", "hidden_states", own);
  hr_replay_assign (replay, &hidden, make (replay, "mul", "hidden_states", own));
  hr_replay_drop (replay, cast);
  gate = is_fp32 ? HR_NO_VALUE : make (replay, "_to_copy", "gate.float()", shape);
  activated = make (replay, "silu", "silu(gate)", shape);
  hr_replay_drop (replay, gate);
  hr_replay_assign (replay, &hidden, make (replay, "mul", "hidden_states", shape));
  hr_replay_drop (replay, activated);
  cast = is_fp32 ? hr_replay_hold (replay, hidden) : make (replay, "_to_copy", "core_attn_out", own);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, variance);

  return cast;
}

static HrValue
mask_tokens (HrReplay  *replay,
             HrForward *forward)
{
  if (!forward->masked || !forward->padded || replay->symbols[HR_SYMBOL_BATCH] == 1 ||
      replay->symbols[HR_SYMBOL_SEQUENCE] == 1)
    return HR_NO_VALUE;

  return make (replay, "mul", "hidden_states", OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));
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
    .gate = HR_NO_VALUE, .query = HR_NO_VALUE, .key = HR_NO_VALUE, .value = HR_NO_VALUE, .beta = HR_NO_VALUE,
    .decay = HR_NO_VALUE,
  };
  HrValue joined, output, state, result;

  set_symbols (replay, delta);
  replay->sentence = N_("in the linear attention, while its input is projected and convolved");
  hold (&variables, mask_tokens (replay, forward));
  if (delta->projection == HR_DELTA_PROJECTION_FUSED)
    project_fused (replay, &variables, x, &joined);
  else
    project_joined (replay, &variables, x, &joined);
  convolve (replay, forward, &variables, joined);
  make_rates (replay, &variables, delta);
  spread_heads (replay, &variables, delta);
  output = decodes (forward) ? replay_token (replay, forward, &variables, &state)
                             : replay_chunks (replay, &variables, &state);
  hold (&variables, state);
  hr_replay_keep_state (replay, forward, &forward->recurrent_state, "recurrent_states",
                        OWN (HR_SYMBOL_MIXER, HR_SYMBOL_STATE));
  replay->sentence = N_("in the linear attention, in its norm");
  hr_replay_assign (replay, &output, norm_gated (replay, output));
  replay->sentence = N_("in the linear attention, in its output projection");
  result = hr_op_linear (replay, output, HR_MODULE_OUTPUT, "output", HR_SYMBOL_HIDDEN, 1, FALSE);
  hr_replay_drop (replay, output);
  hr_replay_drop (replay, variables.decay);
  hr_replay_drop (replay, variables.beta);
  hr_replay_drop (replay, variables.value);
  hr_replay_drop (replay, variables.key);
  hr_replay_drop (replay, variables.query);
  hr_replay_drop (replay, variables.gate);
  for (guint i = 0; i < variables.n_held; i++)
    hr_replay_drop (replay, variables.held[i]);

  return result;
}
