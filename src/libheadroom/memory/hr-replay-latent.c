/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-blocks.h"

/*
 * Multi-head latent attention up to its queries, keys and values (DeepseekV2Attention, DeepseekV3Attention in
 * transformers/models/deepseek_v2 and deepseek_v3). The variables of the module's function hold what was expanded until
 * it returns.
 */

static HrValue
get_view (HrValue  x,
          HrSymbol features)
{
  x.symbols[x.n_symbols - 1] = features;

  return x;
}

static HrValue
project_query (HrReplay          *replay,
               HrValue            x,
               const HrAttention *attention)
{
  HrValue latent, query;

  if (attention->query_latent_size == 0)
    return hr_op_linear (replay, x, "q_proj(x)", HR_SYMBOL_QUERY, 1);

  latent = hr_op_linear (replay, x, "q_a_proj(x)", HR_SYMBOL_QUERY_LATENT, 1);
  hr_replay_assign (replay, &latent, hr_replay_norm (replay, latent, HR_NORM_RMS));
  query = hr_op_linear (replay, latent, "q_b_proj(…)", HR_SYMBOL_QUERY, 1);
  hr_replay_drop (replay, latent);

  return query;
}

/* In pairs, as complex numbers of fp32 (apply_rotary_emb of modeling_deepseek_v2.py). */
static void
rotate_complex (HrReplay *replay,
                HrValue  *query,
                HrValue  *key)
{
  HrElement element = replay->dtype == HR_ELEMENT_FLOAT64 ? HR_ELEMENT_FLOAT64 : HR_ELEMENT_FLOAT32;
  HrValue query32 = hr_op_cast (replay, *query, element);
  HrValue key32 = hr_op_cast (replay, *key, element);
  HrValue turned = hr_op_like (replay, "mul", "xq_ * freqs_cis", query32);

  *query = hr_op_cast (replay, turned, query->element);
  hr_replay_drop (replay, turned);
  turned = hr_op_like (replay, "mul", "xk_ * freqs_cis", key32);
  *key = hr_op_cast (replay, turned, key->element);
  hr_replay_drop (replay, turned);
  hr_replay_drop (replay, key32);
  hr_replay_drop (replay, query32);
}

/* As halves; what is stored in pairs is put apart before, which copies (apply_rotary_pos_emb_interleave). */
static void
rotate_halves (HrReplay          *replay,
               HrValue           *query,
               HrValue           *key,
               const HrAttention *attention)
{
  HrValue query_part = attention->rotates_pairs ? hr_op_like (replay, "clone", "q", *query)
                                                : hr_replay_hold (replay, *query);
  HrValue key_part = attention->rotates_pairs ? hr_op_like (replay, "clone", "k", *key)
                                              : hr_replay_hold (replay, *key);

  *query = hr_replay_rotate (replay, query_part, "q_rot");
  *key = hr_replay_rotate (replay, key_part, "k_rot");
  hr_replay_drop (replay, key_part);
  hr_replay_drop (replay, query_part);
}

/*
 * hr_replay_latent:
 * @replay: a tape
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
                  HrValue            x,
                  const HrAttention *attention,
                  HrValue           *query,
                  HrValue           *key,
                  HrValue           *value,
                  HrValue           *locals)
{
  HrValue projected = project_query (replay, x, attention);
  HrValue joined = hr_op_linear (replay, x, "compressed_kv", HR_SYMBOL_LATENT_JOINED, 1);
  HrValue latent = hr_replay_norm (replay, get_view (joined, HR_SYMBOL_LATENT), HR_NORM_RMS);
  HrValue expanded = hr_op_linear (replay, latent, "kv_b_proj(…)", HR_SYMBOL_EXPANDED, 1);
  HrValue query_part = get_view (projected, HR_SYMBOL_QUERY_ROTARY);
  HrValue key_part = get_view (joined, HR_SYMBOL_ROTARY);
  HrValue shape;

  hr_replay_drop (replay, latent);
  *value = get_view (hr_replay_hold (replay, expanded), HR_SYMBOL_VALUE);

  replay->sentence = N_("in the attention, while queries and keys are rotated");
  if (attention->position == HR_POSITION_ROTARY_COMPLEX)
    rotate_complex (replay, &query_part, &key_part);
  else
    rotate_halves (replay, &query_part, &key_part, attention);

  shape = get_view (projected, HR_SYMBOL_QUERY);
  shape.heads_first = TRUE;
  *query = hr_op_like (replay, "cat", "query_states", shape);
  *key = hr_op_like (replay, "cat", "key_states", shape);

  locals[0] = projected;
  locals[1] = joined;
  locals[2] = expanded;
  locals[3] = query_part;
  locals[4] = key_part;
}
