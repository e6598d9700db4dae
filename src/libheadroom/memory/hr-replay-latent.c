/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-blocks.h"

/*
 * Multi-head latent attention up to its queries, keys and values (DeepseekV2Attention, DeepseekV3Attention in
 * transformers/models/deepseek_v2 and deepseek_v3). The variables of the module's function hold what was expanded until
 * it returns.
 */

static const HrNorm latent_norm = { .kind = HR_NORM_RMS, .has_weight = TRUE };

static HrValue
get_part (HrReplay *replay,
          HrValue   x,
          HrSymbol  features)
{
  HrValue shape = x;

  shape.symbols[shape.n_symbols - 1] = features;

  return hr_op_slice (replay, x, shape);
}

static HrValue
project_query (HrReplay          *replay,
               HrValue            x,
               const HrAttention *attention,
               HrValue           *kept)
{
  HrValue latent, query;

  *kept = HR_NO_VALUE;

  if (attention->query_latent_size == 0)
    return hr_op_linear (replay, x, HR_MODULE_QUERY, "q_proj(x)", HR_SYMBOL_QUERY, 1, FALSE);

  latent = hr_op_linear (replay, x, HR_MODULE_QUERY_LATENT, "q_a_proj(x)",
                         HR_SYMBOL_QUERY_LATENT, 1, attention->has_output_bias);
  hr_replay_assign (replay, &latent, hr_replay_norm (replay, latent, &latent_norm));
  query = hr_op_linear (replay, latent, HR_MODULE_QUERY_EXPANSION, "q_b_proj(…)", HR_SYMBOL_QUERY, 1, FALSE);

  /* A variable keeps it for an indexer (DeepSeek V3.2). */
  if (attention->index_topk > 0)
    *kept = latent;
  else
    hr_replay_drop (replay, latent);

  return query;
}

/* In pairs, as complex numbers of fp32 (apply_rotary_emb of modeling_deepseek_v2.py). */
static void
rotate_complex (HrReplay        *replay,
                const HrForward *forward,
                HrValue         *query,
                HrValue         *key)
{
  HrElement element = hr_element_widen (replay->dtype);
  HrValue query32 = hr_op_cast (replay, *query, element);
  HrValue key32 = hr_op_cast (replay, *key, element);
  HrValue turned = hr_op_binary (replay, HR_BINARY_MUL, "xq_ * freqs_cis", query32, forward->cos);

  hr_replay_assign (replay, query, hr_op_cast (replay, turned, query->element));
  hr_replay_drop (replay, turned);
  turned = hr_op_binary (replay, HR_BINARY_MUL, "xk_ * freqs_cis", key32, forward->cos);
  hr_replay_assign (replay, key, hr_op_cast (replay, turned, key->element));
  hr_replay_drop (replay, turned);
  hr_replay_drop (replay, key32);
  hr_replay_drop (replay, query32);
}

/* Every other element by itself, then joined (apply_rotary_pos_emb_interleave). */
static HrValue
rotate_pairs (HrReplay        *replay,
              const HrForward *forward,
              HrValue          x,
              const char      *name)
{
  HrValue half = x, cos = forward->cos, sin = forward->sin;
  HrValue even, odd, cosines, sines, first, second, result;

  half.divisor *= 2;
  cos.divisor *= 2;
  sin.divisor *= 2;
  even = hr_op_slice (replay, x, half);
  odd = hr_op_slice (replay, x, half);
  cosines = hr_op_binary (replay, HR_BINARY_MUL, "x₁·cos", even, cos);
  sines = hr_op_binary (replay, HR_BINARY_MUL, "x₂·sin", odd, sin);
  first = hr_op_binary (replay, HR_BINARY_SUB, "x₁·cos − x₂·sin", cosines, sines);
  hr_replay_drop (replay, sines);
  hr_replay_drop (replay, cosines);
  cosines = hr_op_binary (replay, HR_BINARY_MUL, "x₂·cos", odd, cos);
  sines = hr_op_binary (replay, HR_BINARY_MUL, "x₁·sin", even, sin);
  second = hr_op_binary (replay, HR_BINARY_ADD, "x₂·cos + x₁·sin", cosines, sines);
  hr_replay_drop (replay, sines);
  hr_replay_drop (replay, cosines);
  result = hr_op_cat (replay, name, (HrValue[]) { first, second }, 2, hr_value_detach (x));
  hr_replay_drop (replay, second);
  hr_replay_drop (replay, first);
  hr_replay_drop (replay, odd);
  hr_replay_drop (replay, even);

  return result;
}

static void
rotate_both (HrReplay          *replay,
             const HrForward   *forward,
             HrValue           *query,
             HrValue           *key,
             const HrAttention *attention)
{
  HrValue rotated_query, rotated_key;

  if (attention->rotates_pairs)
    {
      rotated_query = rotate_pairs (replay, forward, *query, "q_embed");
      rotated_key = rotate_pairs (replay, forward, *key, "k_embed");
    }
  else
    {
      rotated_query = hr_replay_rotate (replay, *query, forward->cos, forward->sin, "q_embed");
      rotated_key = hr_replay_rotate (replay, *key, forward->cos, forward->sin, "k_embed");
    }
  hr_replay_assign (replay, query, rotated_query);
  hr_replay_assign (replay, key, rotated_key);
}

/*
 * hr_replay_latent:
 * @replay: a tape
 * @forward: the pass
 * @x: the input, which the caller holds
 * @attention: the block
 * @query: (out): the queries
 * @key: (out): the keys of all heads
 * @value: (out): the values of all heads
 * @locals: (out): an array of %HR_REPLAY_LATENT_LOCALS, for what other variables of the function hold
 *
 * The projections and the rotation of latent attention.
 */
void
hr_replay_latent (HrReplay          *replay,
                  const HrForward   *forward,
                  HrValue            x,
                  const HrAttention *attention,
                  HrValue           *query,
                  HrValue           *key,
                  HrValue           *value,
                  HrValue           *locals)
{
  HrValue query_latent;
  HrValue projected = project_query (replay, x, attention, &query_latent);
  HrValue joined = hr_op_linear (replay, x, HR_MODULE_LATENT, "compressed_kv", HR_SYMBOL_LATENT_JOINED, 1,
                                 attention->has_output_bias);
  HrValue compressed = get_part (replay, joined, HR_SYMBOL_LATENT);
  HrValue latent = hr_replay_norm (replay, compressed, &latent_norm);
  HrValue expanded = hr_op_linear (replay, latent, HR_MODULE_EXPANSION, "kv_b_proj(…)", HR_SYMBOL_EXPANDED, 1, FALSE);
  HrValue query_part = get_part (replay, projected, HR_SYMBOL_QUERY_ROTARY);
  HrValue key_part = get_part (replay, joined, HR_SYMBOL_ROTARY);
  HrValue shape;

  hr_replay_drop (replay, compressed);
  hr_replay_drop (replay, latent);
  *value = get_part (replay, expanded, HR_SYMBOL_VALUE);

  replay->sentence = N_("in the attention, while queries and keys are rotated");
  if (attention->position == HR_POSITION_ROTARY_COMPLEX)
    rotate_complex (replay, forward, &query_part, &key_part);
  else
    rotate_both (replay, forward, &query_part, &key_part, attention);

  shape = projected;
  shape.symbols[shape.n_symbols - 1] = HR_SYMBOL_QUERY;
  shape.heads_first = TRUE;
  *query = hr_op_cat (replay, "query_states", (HrValue[]) { projected, query_part }, 2, shape);
  *key = hr_op_cat (replay, "key_states", (HrValue[]) { expanded, key_part }, 2, shape);

  locals[0] = projected;
  locals[1] = joined;
  locals[2] = expanded;
  locals[3] = query_part;
  locals[4] = key_part;
  locals[5] = query_latent;
}
