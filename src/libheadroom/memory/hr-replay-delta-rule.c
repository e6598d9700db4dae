/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-select.h"
#include "hr-operator-sequence.h"
#include "hr-replay-delta-rule.h"

/*
 * torch_chunk_gated_delta_rule and torch_recurrent_gated_delta_rule of transformers/models/qwen3_next: everything in
 * fp32, the triangular system of every chunk solved row by row, for all chunks at once.
 */

#define FLOAT32(...) HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, __VA_ARGS__)

static HrValue
make (HrReplay   *replay,
      const char *operation,
      const char *name,
      HrValue     shape)
{
  return hr_op_like (replay, operation, name, shape);
}

static HrValue
get_state_shape (void)
{
  return FLOAT32 (HR_SYMBOL_MIXER, HR_SYMBOL_STATE);
}

/* l2norm () */
static HrValue
normalize (HrReplay   *replay,
           const char *name,
           HrValue     x)
{
  HrValue rows = HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER_HEADS);
  HrValue power = hr_op_binary (replay, HR_BINARY_MUL, "x·x", x, x);
  HrValue inverse = hr_op_sum_over (replay, "sum", power, rows);
  HrValue result;

  hr_replay_drop (replay, power);
  hr_replay_assign (replay, &inverse, hr_op_unary (replay, HR_UNARY_ADD, "sum + eps", inverse));
  hr_replay_assign (replay, &inverse, hr_op_unary (replay, HR_UNARY_RSQRT, "inv_norm", inverse));
  result = hr_op_product (replay, name, x, inverse, x);
  hr_replay_drop (replay, inverse);

  return result;
}

/* x.transpose (1, 2).contiguous ().to (float32): a token alone is contiguous as it is. */
static HrValue
transpose (HrReplay    *replay,
           const char  *name,
           HrValue      x,
           gboolean     is_single)
{
  HrValue row = is_single ? hr_replay_hold (replay, x) : hr_op_copy (replay, name, x, x);

  hr_replay_assign (replay, &row, hr_op_cast (replay, row, HR_ELEMENT_FLOAT32));

  return row;
}

static HrDeltaRule
transpose_inputs (HrReplay          *replay,
                  const HrDeltaRule *variables,
                  gboolean           is_single)
{
  HrValue query = normalize (replay, "query", variables->query);
  HrValue key = normalize (replay, "key", variables->key);
  HrDeltaRule inputs;

  inputs.query = transpose (replay, "query", query, is_single);
  inputs.key = transpose (replay, "key", key, is_single);
  /* A part of what was convolved: of several sequences it is in pieces. */
  inputs.value = transpose (replay, "value", variables->value, is_single && replay->symbols[HR_SYMBOL_BATCH] == 1);
  inputs.beta = transpose (replay, "beta", variables->beta, is_single);
  inputs.decay = transpose (replay, "g", variables->decay, is_single);
  hr_replay_drop (replay, key);
  hr_replay_drop (replay, query);

  return inputs;
}

static void
drop_inputs (HrReplay    *replay,
             HrDeltaRule *inputs)
{
  hr_replay_drop (replay, inputs->decay);
  hr_replay_drop (replay, inputs->beta);
  hr_replay_drop (replay, inputs->value);
  hr_replay_drop (replay, inputs->key);
  hr_replay_drop (replay, inputs->query);
}

static void
pad (HrReplay   *replay,
     const char *name,
     HrValue    *x)
{
  HrValue shape = *x;

  shape.symbols[1] = HR_SYMBOL_CHUNKED;
  hr_replay_assign (replay, x, hr_op_resize (replay, "constant_pad_nd", name, *x, shape));
}

/* Each is padded to whole chunks, one after the other; the query is scaled. */
static void
pad_to_chunks (HrReplay    *replay,
               HrDeltaRule *inputs)
{
  pad (replay, "query", &inputs->query);
  pad (replay, "key", &inputs->key);
  pad (replay, "value", &inputs->value);
  pad (replay, "beta", &inputs->beta);
  pad (replay, "g", &inputs->decay);
  hr_replay_assign (replay, &inputs->query, hr_op_unary (replay, HR_UNARY_MUL, "query", inputs->query));
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
make_decay_mask (HrReplay *replay,
                 HrValue   decay)
{
  HrValue pairs = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS);
  HrValue mask = hr_op_binary_as (replay, HR_BINARY_SUB, "g − g", decay, decay, pairs);

  hr_replay_assign (replay, &mask, hr_op_triangle (replay, "tril", "tril(…)", mask));
  hr_replay_assign (replay, &mask, hr_op_unary (replay, HR_UNARY_EXP, "exp(…)", mask));
  hr_replay_assign (replay, &mask, hr_op_triangle (replay, "tril", "decay_mask", mask));

  return mask;
}

/* A part of a part, each of which has a gradient of its own. */
static HrValue
slice_twice (HrReplay *replay,
             HrValue   x,
             HrValue   part,
             HrValue   part_of_part)
{
  HrValue outer = hr_op_slice (replay, x, part);
  HrValue inner = hr_op_slice (replay, outer, part_of_part);

  hr_replay_drop (replay, outer);

  return inner;
}

/* The triangular system, row by row: the last row is the longest, and what was there before is copied. */
static void
solve_rows (HrReplay *replay,
            Chunks   *chunks)
{
  HrValue line = FLOAT32 (HR_SYMBOL_CHUNKS, HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_CHUNK);
  HrValue row = FLOAT32 (HR_SYMBOL_CHUNKS, HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_EARLIER);
  HrValue lines = FLOAT32 (HR_SYMBOL_CHUNKS, HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_EARLIER, HR_SYMBOL_CHUNK);
  HrValue rows = FLOAT32 (HR_SYMBOL_CHUNKS, HR_SYMBOL_MIXER_HEADS, HR_SYMBOL_EARLIER, HR_SYMBOL_EARLIER);
  HrValue product, sum;

  hr_replay_assign (replay, &chunks->attn,
                    hr_op_keep (replay, chunks->attn, "row, sub", HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_ROWS_KEPT)));
  row = slice_twice (replay, chunks->attn, line, row);
  chunks->row = hr_op_copy (replay, "row", row, row);
  hr_replay_drop (replay, row);
  rows = slice_twice (replay, chunks->attn, lines, rows);
  chunks->sub = hr_op_copy (replay, "sub", rows, rows);
  hr_replay_drop (replay, rows);
  product = hr_op_product (replay, "row · sub", chunks->row, chunks->sub, chunks->sub);
  sum = hr_op_sum_over (replay, "(row · sub).sum(-2)", product, chunks->row);
  hr_replay_drop (replay, product);
  hr_replay_assign (replay, &sum, hr_op_binary (replay, HR_BINARY_ADD, "row + sum", chunks->row, sum));
  hr_op_write (replay, &chunks->attn, sum);
  hr_replay_drop (replay, sum);
}

/* What the tokens of each chunk make of each other. */
static void
solve_chunks (HrReplay    *replay,
              HrDeltaRule *inputs,
              Chunks      *chunks)
{
  HrValue pairs = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS);
  HrValue keys = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER_KEYS);
  HrValue values = FLOAT32 (HR_SYMBOL_CHUNKED, HR_SYMBOL_MIXER);
  HrValue product, masked, eye, exponent;

  chunks->value_beta = hr_op_product (replay, "v_beta", inputs->value, inputs->beta, inputs->value);
  chunks->key_beta = hr_op_product (replay, "k_beta", inputs->key, inputs->beta, inputs->key);
  chunks->mask = make_triangle (replay);
  hr_replay_assign (replay, &inputs->decay, hr_op_cumsum (replay, "g", inputs->decay));
  replay->sentence = N_("in the linear attention, while the tokens of every chunk are multiplied with each other");
  chunks->decay_mask = make_decay_mask (replay, inputs->decay);
  product = hr_op_matmul (replay, "k_beta · kᵀ", chunks->key_beta, inputs->key, pairs);
  hr_replay_assign (replay, &product, hr_op_binary (replay, HR_BINARY_MUL, "k_beta · kᵀ · decay_mask", product,
                                                    chunks->decay_mask));
  masked = hr_op_masked_fill (replay, "masked", product, chunks->mask);
  hr_replay_drop (replay, product);
  chunks->attn = hr_op_unary (replay, HR_UNARY_NEG, "attn", masked);
  hr_replay_drop (replay, masked);
  solve_rows (replay, chunks);
  eye = make (replay, "eye", "eye", HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_CHUNK, HR_SYMBOL_CHUNK));
  hr_replay_assign (replay, &chunks->attn, hr_op_binary (replay, HR_BINARY_ADD, "attn", chunks->attn, eye));
  hr_replay_drop (replay, eye);
  hr_replay_assign (replay, &inputs->value,
                    hr_op_matmul (replay, "value", chunks->attn, chunks->value_beta, values));
  exponent = hr_op_unary (replay, HR_UNARY_EXP, "exp(g)", inputs->decay);
  product = hr_op_product (replay, "k_beta · exp(g)", chunks->key_beta, exponent, keys);
  hr_replay_drop (replay, exponent);
  chunks->key_decay = hr_op_matmul (replay, "k_cumdecay", chunks->attn, product, keys);
  hr_replay_drop (replay, product);
}

/* The variables of the loop over the chunks, which hold what the chunk before has made. */
typedef struct
{
  HrValue prime;
  HrValue fresh;
  HrValue inter;
  HrValue query;
  HrValue key;
  HrValue value;
  HrValue state;
  HrValue output;
  guint n_nodes;     /* when the state began to change */
} Step;

/* What the tokens of a chunk make of each other, and of the state that they find. */
static void
attend (HrReplay          *replay,
        const HrDeltaRule *inputs,
        Chunks            *chunks,
        Step              *loop,
        HrValue            query,
        HrValue            key,
        HrValue            value)
{
  HrValue pairs = FLOAT32 (HR_SYMBOL_CHUNK, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS);
  HrValue keys = FLOAT32 (HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_KEYS);
  HrValue values = FLOAT32 (HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER);
  HrValue product, part, exponent, sum;

  product = hr_op_matmul (replay, "q · kᵀ", query, key, pairs);
  part = hr_op_slice (replay, chunks->decay_mask, pairs);
  hr_replay_assign (replay, &chunks->attn, hr_op_binary (replay, HR_BINARY_MUL, "attn", product, part));
  hr_replay_drop (replay, part);
  hr_replay_drop (replay, product);
  part = hr_op_slice (replay, chunks->key_decay, keys);
  hr_replay_assign (replay, &loop->prime, hr_op_matmul (replay, "v_prime", part, loop->state, values));
  hr_replay_drop (replay, part);
  hr_replay_assign (replay, &loop->fresh, hr_op_binary (replay, HR_BINARY_SUB, "v_new", value, loop->prime));
  part = hr_op_slice (replay, inputs->decay, FLOAT32 (HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS));
  exponent = hr_op_unary (replay, HR_UNARY_EXP, "exp(g)", part);
  hr_replay_drop (replay, part);
  product = hr_op_product (replay, "q · exp(g)", query, exponent, keys);
  hr_replay_drop (replay, exponent);
  hr_replay_assign (replay, &loop->inter, hr_op_matmul (replay, "attn_inter", product, loop->state, values));
  hr_replay_drop (replay, product);
  product = hr_op_matmul (replay, "attn · v_new", chunks->attn, loop->fresh, values);
  sum = hr_op_binary (replay, HR_BINARY_ADD, "attn_inter + attn · v_new", loop->inter, product);
  hr_replay_drop (replay, product);
  hr_op_write (replay, &loop->output, sum);
  hr_replay_drop (replay, sum);
}

/* The state that a chunk leaves. */
static void
change_state (HrReplay          *replay,
              const HrDeltaRule *inputs,
              Step              *loop,
              HrValue            key)
{
  HrValue keys = FLOAT32 (HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_KEYS);
  HrValue heads = FLOAT32 (HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS);
  HrValue head = FLOAT32 (HR_SYMBOL_MIXER_HEADS);
  HrValue part, last, exponent, kept, product, sum;

  part = slice_twice (replay, inputs->decay, heads, head);
  exponent = hr_op_unary (replay, HR_UNARY_EXP, "exp(g)", part);
  hr_replay_drop (replay, part);
  kept = hr_op_product (replay, "last_recurrent_state · exp(g)", loop->state, exponent, get_state_shape ());
  hr_replay_drop (replay, exponent);
  last = slice_twice (replay, inputs->decay, heads, head);
  part = hr_op_slice (replay, inputs->decay, heads);
  exponent = hr_op_binary (replay, HR_BINARY_SUB, "g − g", last, part);
  hr_replay_drop (replay, part);
  hr_replay_drop (replay, last);
  hr_replay_assign (replay, &exponent, hr_op_unary (replay, HR_UNARY_EXP, "exp(g − g)", exponent));
  product = hr_op_product (replay, "k · exp(g − g)", key, exponent, keys);
  hr_replay_drop (replay, exponent);
  sum = hr_op_matmul (replay, "(k · exp(g − g))ᵀ · v_new", product, loop->fresh, get_state_shape ());
  hr_replay_drop (replay, product);
  hr_replay_assign (replay, &loop->state, hr_op_binary (replay, HR_BINARY_ADD, "last_recurrent_state", kept, sum));
  hr_replay_drop (replay, sum);
  hr_replay_drop (replay, kept);
}

/* One chunk: its own tokens, and the state that it finds and leaves. Nothing is computed from the last one's. */
static void
step (HrReplay          *replay,
      const HrDeltaRule *inputs,
      Chunks            *chunks,
      Step              *loop)
{
  HrValue keys = FLOAT32 (HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_KEYS);
  HrValue query = hr_op_slice (replay, inputs->query, keys);
  HrValue key = hr_op_slice (replay, inputs->key, keys);
  HrValue value = hr_op_slice (replay, inputs->value, FLOAT32 (HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER));

  attend (replay, inputs, chunks, loop, query, key, value);
  loop->n_nodes = replay->graph != NULL ? replay->graph->n_nodes : 0;
  change_state (replay, inputs, loop, key);
  hr_replay_assign (replay, &loop->query, query);
  hr_replay_assign (replay, &loop->key, key);
  hr_replay_assign (replay, &loop->value, value);
}

/* One chunk after the other; those that are alike at once, each of which keeps what the one before them has kept. */
static void
loop_over_chunks (HrReplay          *replay,
                  const HrDeltaRule *inputs,
                  Chunks            *chunks,
                  Step              *loop)
{
  guint64 n_chunks = replay->symbols[HR_SYMBOL_CHUNKS];
  guint n_steps = MIN (n_chunks, HR_DELTA_N_STEPS);

  for (guint i = 0; i < n_steps; i++)
    {
      guint64 before = replay->ledger.live.total;

      step (replay, inputs, chunks, loop);
      if (i != HR_DELTA_N_STEPS / 2 - 1 || n_chunks <= HR_DELTA_N_STEPS)
        continue;

      replay->symbols[HR_SYMBOL_STEP_KEPT] = replay->ledger.live.total - before;
      hr_replay_assign (replay, &loop->state,
                        hr_op_keep (replay, loop->state, "what other chunks keep",
                                    HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_STEP_KEPT, HR_SYMBOL_OTHERS)));
    }
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
               HrElement element,
               gboolean  is_single)
{
  HrValue shape = HR_SHAPE (output.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER);

  if (!is_single && replay->symbols[HR_SYMBOL_CHUNKED] > replay->symbols[HR_SYMBOL_SEQUENCE])
    hr_replay_assign (replay, &output, hr_op_slice (replay, output, shape));
  else
    hr_replay_assign (replay, &output, hr_op_view (replay, output, shape));
  if (!is_single)
    {
      HrValue row = hr_op_copy (replay, "core_attn_out.contiguous()", output, shape);
      HrValue result = hr_op_cast (replay, row, element);

      hr_replay_drop (replay, row);
      hr_replay_drop (replay, output);
      return result;
    }
  hr_replay_assign (replay, &output, hr_op_cast (replay, output, element));

  return output;
}

/*
 * hr_replay_delta_chunks:
 * @replay: a tape
 * @forward: the pass
 * @variables: what the caller holds
 * @state: (out): the state that a prompt leaves, or none if it is not cached
 *
 * torch_chunk_gated_delta_rule: a prompt, by chunks.
 *
 * Returns: the result
 */
HrValue
hr_replay_delta_chunks (HrReplay          *replay,
                        HrForward         *forward,
                        const HrDeltaRule *variables,
                        HrValue           *state)
{
  HrDeltaRule inputs = transpose_inputs (replay, variables, replay->symbols[HR_SYMBOL_SEQUENCE] == 1);
  Step loop = {
    .prime = HR_NO_VALUE, .fresh = HR_NO_VALUE, .inter = HR_NO_VALUE, .query = HR_NO_VALUE, .key = HR_NO_VALUE,
    .value = HR_NO_VALUE,
  };
  HrValue shape = get_state_shape ();
  Chunks chunks;
  HrValue output;

  pad_to_chunks (replay, &inputs);
  solve_chunks (replay, &inputs, &chunks);
  shape.element = inputs.value.element;
  loop.state = make (replay, "zeros", "last_recurrent_state", shape);
  loop.output = make (replay, "zeros_like", "core_attn_out", hr_value_detach (inputs.value));
  hr_replay_assign (replay, &chunks.mask, make_triangle (replay));
  replay->sentence = N_("in the linear attention, while one chunk after the other changes the state");
  loop_over_chunks (replay, &inputs, &chunks, &loop);
  *state = loop.state;
  if (!forward->use_cache)
    {
      hr_replay_drop (replay, *state);
      *state = HR_NO_VALUE;
      if (replay->graph != NULL)
        hr_autograd_forget (replay, loop.n_nodes, replay->graph->n_nodes);
    }
  output = return_output (replay, loop.output, variables->query.element, FALSE);
  hr_replay_drop (replay, loop.value);
  hr_replay_drop (replay, loop.key);
  hr_replay_drop (replay, loop.query);
  hr_replay_drop (replay, loop.inter);
  hr_replay_drop (replay, loop.fresh);
  hr_replay_drop (replay, loop.prime);
  drop_chunks (replay, &chunks);
  drop_inputs (replay, &inputs);

  return output;
}

/*
 * hr_replay_delta_token:
 * @replay: a tape
 * @forward: the pass
 * @variables: what the caller holds
 * @state: (out): the state that it leaves
 *
 * torch_recurrent_gated_delta_rule: one token.
 *
 * Returns: the result
 */
HrValue
hr_replay_delta_token (HrReplay          *replay,
                       HrForward         *forward,
                       const HrDeltaRule *variables,
                       HrValue           *state)
{
  HrValue values = FLOAT32 (HR_SYMBOL_MIXER);
  HrValue inputs_keys = FLOAT32 (HR_SYMBOL_MIXER_KEYS);
  HrDeltaRule inputs = transpose_inputs (replay, variables, TRUE);
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
  output = return_output (replay, output, replay->dtype, TRUE);
  hr_replay_drop (replay, delta);
  hr_replay_drop (replay, memory);
  hr_replay_drop (replay, exponent);
  drop_inputs (replay, &inputs);

  return output;
}
