/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-sequence.h"
#include "hr-replay-blocks.h"

/*
 * Lightning attention (transformers/models/minimax/modeling_minimax.py, MiniMaxLightningAttention.forward): one block
 * of tokens after the other, whose results wait in a list; a matrix for each head is what goes on from block to block.
 */

#define OWN(...) HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, __VA_ARGS__)

/* The variables of the loop, which hold what the block before has made. */
typedef struct
{
  HrValue intra;
  HrValue output_intra;
  HrValue output_inter;
  HrValue next;
  HrValue state;
  HrValue decay;
  HrValue current;
} Loop;

static HrValue
make (HrReplay   *replay,
      const char *operation,
      const char *name,
      HrValue     shape)
{
  return hr_op_like (replay, operation, name, shape);
}

/* Of several sequences the queries of a block are in pieces, which a product of batches puts in a row first. */
static HrValue
gather (HrReplay   *replay,
        const char *name)
{
  return replay->symbols[HR_SYMBOL_BATCH] > 1 ? make (replay, "clone", name, OWN (HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER))
                                              : HR_NO_VALUE;
}

/* A block of tokens. Returns its result. */
static HrValue
step (HrReplay *replay,
      Loop     *loop)
{
  HrValue pairs = OWN (HR_SYMBOL_CHUNK, HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER_HEADS);
  HrValue tokens = OWN (HR_SYMBOL_CHUNK, HR_SYMBOL_MIXER);
  HrValue state = OWN (HR_SYMBOL_MIXER, HR_SYMBOL_STATE);
  HrValue query, key, product, result, sum;

  hr_replay_assign (replay, &loop->decay,
                    make (replay, "exp", "block_decay", HR_SHAPE (replay->dtype, HR_SYMBOL_MIXER_HEADS)));
  query = gather (replay, "query_states");
  key = gather (replay, "key_states");
  hr_replay_assign (replay, &loop->intra, make (replay, "bmm", "attn_weights_intra", pairs));
  hr_replay_drop (replay, key);
  hr_replay_drop (replay, query);
  product = make (replay, "mul", "attn_weights_intra · diagonal_decay", pairs);
  key = gather (replay, "value_states");
  hr_replay_assign (replay, &loop->output_intra, make (replay, "bmm", "attn_output_intra", tokens));
  hr_replay_drop (replay, key);
  hr_replay_drop (replay, product);
  product = make (replay, "mul", "query_states · query_decay", tokens);
  hr_replay_assign (replay, &loop->output_inter, make (replay, "bmm", "attn_output_inter", tokens));
  hr_replay_drop (replay, product);
  result = make (replay, "add", "current_attn_output", tokens);
  product = make (replay, "mul", "key_states · key_decay", tokens);
  key = gather (replay, "value_states");
  hr_replay_assign (replay, &loop->next, make (replay, "bmm", "next_attn_weights_inter", state));
  hr_replay_drop (replay, key);
  hr_replay_drop (replay, product);
  sum = make (replay, "mul", "attn_weights_inter · block_decay", state);
  hr_replay_assign (replay, &loop->state, make (replay, "add", "attn_weights_inter", state));
  hr_replay_drop (replay, sum);

  return result;
}

/* A prompt. Of all blocks but the last only the results are left; returns all of them in a row. */
static HrValue
replay_blocks (HrReplay                   *replay,
               Loop                       *loop,
               const HrLightningAttention *lightning)
{
  guint64 *symbols = replay->symbols;
  guint64 n_earlier = (symbols[HR_SYMBOL_SEQUENCE] - 1) / lightning->block_size;
  HrValue earlier = HR_NO_VALUE;
  HrValue last, result;

  loop->state = make (replay, "_to_copy", "attn_weights_inter", OWN (HR_SYMBOL_MIXER, HR_SYMBOL_STATE));
  replay->sentence = N_("in the lightning attention, while one block of tokens after the other is computed");
  symbols[HR_SYMBOL_CHUNK] = lightning->block_size;
  symbols[HR_SYMBOL_EARLIER] = n_earlier * lightning->block_size;
  if (n_earlier > 0)
    {
      hr_replay_drop (replay, step (replay, loop));
      earlier = make (replay, "add", "attn_output[:-1]", OWN (HR_SYMBOL_EARLIER, HR_SYMBOL_MIXER));
    }
  symbols[HR_SYMBOL_CHUNK] = symbols[HR_SYMBOL_SEQUENCE] - symbols[HR_SYMBOL_EARLIER];
  last = step (replay, loop);
  result = make (replay, "cat", "attn_output", OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER));
  hr_replay_drop (replay, earlier);
  loop->current = last;
  hr_replay_assign (replay, &result, make (replay, "clone", "attn_output", OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER)));

  return result;
}

/* One token: the matrix of each head decays, and its key and value are added to it. */
static HrValue
replay_token (HrReplay *replay,
              Loop     *loop)
{
  HrValue state = OWN (HR_SYMBOL_MIXER, HR_SYMBOL_STATE);
  HrValue product, result, row;

  replay->sentence = N_("in the lightning attention, while a token is added to the state");
  loop->next = make (replay, "bmm", "current_attn_weights_inter", state);
  loop->decay = make (replay, "exp", "ratio", HR_SHAPE (replay->dtype, HR_SYMBOL_MIXER_HEADS));
  product = make (replay, "mul", "ratio · attn_weights_inter", state);
  loop->state = make (replay, "add", "attn_weights_inter", state);
  hr_replay_drop (replay, product);
  row = make (replay, "bmm", "current_attn_output", OWN (HR_SYMBOL_MIXER));
  result = make (replay, "cat", "attn_output", OWN (HR_SYMBOL_MIXER));
  loop->current = row;

  return result;
}

/*
 * hr_replay_lightning_attention:
 * @replay: a tape
 * @forward: the pass
 * @x: the input, which the caller holds
 * @lightning: the block
 *
 * A lightning attention.
 *
 * Returns: the result
 */
HrValue
hr_replay_lightning_attention (HrReplay                   *replay,
                               HrForward                  *forward,
                               HrValue                     x,
                               const HrLightningAttention *lightning)
{
  gboolean decodes = forward->recurrent_state.storage >= 0;
  Loop loop = {
    .intra = HR_NO_VALUE, .output_intra = HR_NO_VALUE, .output_inter = HR_NO_VALUE, .next = HR_NO_VALUE,
    .state = HR_NO_VALUE, .decay = HR_NO_VALUE,
    .current = HR_NO_VALUE,
  };
  const HrNorm norm = { .kind = HR_NORM_RMS, .has_weight = TRUE };
  HrValue qkv, masked, result, gate;

  replay->symbols[HR_SYMBOL_MIXER] = lightning->num_attention_heads * lightning->head_dim;
  replay->symbols[HR_SYMBOL_MIXER_HEADS] = lightning->num_attention_heads;
  replay->symbols[HR_SYMBOL_STATE] = lightning->head_dim;

  replay->sentence = N_("in the lightning attention, while queries, keys and values are projected");
  qkv = hr_op_linear (replay, x, HR_MODULE_QUERY_KEY_VALUE, "qkv_states", HR_SYMBOL_MIXER, 3, FALSE);
  hr_replay_assign (replay, &qkv, hr_op_like (replay, "silu", "qkv_states", qkv));
  masked = forward->masked && !decodes
             ? make (replay, "masked_fill", "value_states", OWN (HR_SYMBOL_SEQUENCE, HR_SYMBOL_MIXER))
             : HR_NO_VALUE;
  result = decodes ? replay_token (replay, &loop) : replay_blocks (replay, &loop, lightning);

  replay->sentence = N_("in the lightning attention, in its norm and its gate");
  hr_replay_assign (replay, &result, hr_replay_norm (replay, result, &norm));
  gate = hr_op_linear (replay, x, HR_MODULE_OUTPUT_GATE, "output_gate(x)", HR_SYMBOL_MIXER, 1, FALSE);
  hr_replay_assign (replay, &gate, hr_op_like (replay, "sigmoid", "sigmoid(output_gate(x))", gate));
  hr_replay_assign (replay, &result, hr_op_like (replay, "mul", "attn_output", result));
  hr_replay_drop (replay, gate);
  replay->sentence = N_("in the lightning attention, in its output projection");
  hr_replay_assign (replay, &result,
                    hr_op_linear (replay, result, HR_MODULE_OUTPUT, "attn_output", HR_SYMBOL_HIDDEN, 1, FALSE));

  if (forward->use_cache)
    {
      hr_replay_reassign_component (replay, loop.state, HR_COMPONENT_KV_CACHE);
      hr_replay_rename (replay, loop.state, "recurrent_states");
      hr_replay_assign (replay, &forward->recurrent_state, hr_replay_hold (replay, loop.state));
    }
  hr_replay_drop (replay, loop.current);
  hr_replay_drop (replay, loop.decay);
  hr_replay_drop (replay, loop.state);
  hr_replay_drop (replay, loop.next);
  hr_replay_drop (replay, loop.output_inter);
  hr_replay_drop (replay, loop.output_intra);
  hr_replay_drop (replay, loop.intra);
  hr_replay_drop (replay, masked);
  hr_replay_drop (replay, qkv);

  return result;
}
