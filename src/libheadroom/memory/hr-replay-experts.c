/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-blocks.h"

/*
 * The routed experts of a mixture. transformers computes them on CUDA, unless told otherwise, all at once over tokens
 * that are sorted by their experts (grouped_mm_experts_forward in transformers/integrations/moe.py); a few models have
 * code of their own. Sizes do not depend on which experts are chosen, but in the loop over them.
 */

/* A tensor with a row for each pair of a token and an expert. */
static HrValue
get_pair_shape (HrElement element,
                HrSymbol  features)
{
  return HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_TOP_K, features);
}

static HrValue
get_token_shape (HrElement element,
                 HrSymbol  features)
{
  return HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, features);
}

/* act (gate) * up, two halves of one tensor of twice @shape. */
static HrValue
apply_plain_gate (HrReplay        *replay,
                  HrValue          shape,
                  const HrMixture *mixture)
{
  HrValue gate = hr_replay_activation (replay, shape, mixture->activation);
  HrValue result = hr_op_like (replay, "mul", "act(gate)·up", shape);

  hr_replay_drop (replay, gate);

  return result;
}

/* Both clamped, then (up + 1) * (gate * sigmoid (gate * alpha)): GptOssExperts._apply_gate. */
static HrValue
apply_clamped_gate (HrReplay *replay,
                    HrValue   shape)
{
  HrValue gate = hr_op_like (replay, "clamp", "gate", shape);
  HrValue up = hr_op_like (replay, "clamp", "up", shape);
  HrValue inner = hr_op_like (replay, "mul", "gate·α", shape);
  HrValue glu, shifted, result;

  hr_replay_assign (replay, &inner, hr_op_like (replay, "sigmoid", "sigmoid(gate·α)", shape));
  glu = hr_op_like (replay, "mul", "glu", shape);
  hr_replay_drop (replay, inner);
  shifted = hr_op_like (replay, "add", "up + 1", shape);
  result = hr_op_like (replay, "mul", "gated_output", shape);
  hr_replay_drop (replay, shifted);
  hr_replay_drop (replay, glu);
  hr_replay_drop (replay, up);
  hr_replay_drop (replay, gate);

  return result;
}

/* Both clamped, then act (gate) * up: DeepseekV4Experts._apply_gate. */
static HrValue
apply_limited_gate (HrReplay        *replay,
                    HrValue          shape,
                    const HrMixture *mixture)
{
  HrValue gate = hr_op_like (replay, "clamp", "gate", shape);
  HrValue up = hr_op_like (replay, "clamp", "up", shape);
  HrValue result = apply_plain_gate (replay, shape, mixture);

  hr_replay_drop (replay, up);
  hr_replay_drop (replay, gate);

  return result;
}

/*
 * hr_replay_expert_gate:
 * @replay: a tape
 * @shape: the shape of the result
 * @mixture: the block
 *
 * What becomes of gate and up, which the caller holds.
 *
 * Returns: the result
 */
HrValue
hr_replay_expert_gate (HrReplay        *replay,
                       HrValue          shape,
                       const HrMixture *mixture)
{
  switch (mixture->gate)
    {
    case HR_EXPERT_GATE_CLAMPED:
      return apply_clamped_gate (replay, shape);

    case HR_EXPERT_GATE_LIMITED:
      return apply_limited_gate (replay, shape, mixture);

    case HR_EXPERT_GATE_NONE:
      return hr_replay_activation (replay, shape, mixture->activation);

    case HR_EXPERT_GATE_PLAIN:
    default:
      return apply_plain_gate (replay, shape, mixture);
    }
}

/* The width of what goes into an expert and comes out of it. */
static HrSymbol
get_outer (const HrMixture *mixture)
{
  return mixture->latent_size > 0 ? HR_SYMBOL_EXPERT_LATENT : HR_SYMBOL_HIDDEN;
}

/* The three steps of each expert, for all pairs at once; a bias is looked up for each pair, and held until the end. */
static HrValue
compute_pairs (HrReplay        *replay,
               const HrMixture *mixture,
               HrValue         *biases)
{
  HrValue both = get_pair_shape (replay->dtype, HR_SYMBOL_EXPERT);
  HrValue out = get_pair_shape (replay->dtype, get_outer (mixture));
  HrValue inner = both;
  HrValue projected;

  both.count = mixture->gate == HR_EXPERT_GATE_NONE ? 1 : 2;
  replay->sentence = N_("in the experts, in their first matrices");
  if (mixture->has_bias)
    *biases = hr_op_like (replay, "index", "selected_biases", both);
  projected = hr_op_like (replay, "_grouped_mm", "proj_out", both);
  hr_replay_assign (replay, &projected, hr_replay_expert_gate (replay, inner, mixture));
  if (mixture->has_bias)
    hr_replay_assign (replay, biases, hr_op_like (replay, "index", "selected_biases", out));
  replay->sentence = N_("in the experts, while their outputs are put together");
  hr_replay_assign (replay, &projected, hr_op_like (replay, "_grouped_mm", "proj_out", out));

  return projected;
}

/* grouped_mm_experts_forward */
static HrValue
compute_grouped (HrReplay         *replay,
                 HrValue           x,
                 const HrRouting  *routing,
                 const HrMixture  *mixture)
{
  HrValue pairs = get_token_shape (HR_ELEMENT_INT64, HR_SYMBOL_TOP_K);
  HrValue weighted_shape = get_pair_shape (routing->weights.element, get_outer (mixture));
  HrValue out = get_pair_shape (replay->dtype, get_outer (mixture));
  HrValue counts = HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_EXPERTS);
  HrValue ids = hr_op_like (replay, "sort", "expert_ids_g", pairs);
  HrValue permutation = hr_op_like (replay, "sort", "perm", pairs);
  HrValue tokens = hr_op_like (replay, "floor_divide", "perm // num_top_k", pairs);
  HrValue biases = HR_NO_VALUE;
  HrValue selected, weights, histogram, per_expert, offsets, mask, projected, weighted, inverse, order, result;

  replay->sentence = N_("in the experts, while tokens are sorted by expert");
  selected = hr_op_like (replay, "index", "selected_hidden_states_g", out);
  hr_replay_drop (replay, tokens);
  pairs.element = routing->weights.element;
  weights = hr_op_like (replay, "index", "sample_weights_g", pairs);
  pairs.element = HR_ELEMENT_INT32;
  histogram = hr_op_like (replay, "_to_copy", "histc_input", pairs);
  per_expert = hr_op_like (replay, "histc", "tokens_per_expert", counts);
  offsets = hr_op_like (replay, "cumsum", "offsets", counts);
  pairs.element = HR_ELEMENT_BOOL;
  mask = hr_op_like (replay, "ge", "sentinel_mask", pairs);

  projected = compute_pairs (replay, mixture, &biases);
  weighted = hr_op_like (replay, "mul", "weighted_out", weighted_shape);
  pairs.element = HR_ELEMENT_INT64;
  inverse = hr_op_like (replay, "empty_like", "inv_perm", pairs);
  order = hr_op_like (replay, "arange", "arange", pairs);
  hr_replay_drop (replay, order);
  hr_replay_assign (replay, &weighted, hr_op_like (replay, "index", "weighted_out", weighted_shape));
  result = hr_op_like (replay, "sum", "final_hidden_states", get_token_shape (weighted.element, get_outer (mixture)));
  hr_replay_assign (replay, &result, hr_op_cast (replay, result, x.element));

  hr_replay_drop (replay, inverse);
  hr_replay_drop (replay, weighted);
  hr_replay_drop (replay, biases);
  hr_replay_drop (replay, projected);
  hr_replay_drop (replay, mask);
  hr_replay_drop (replay, offsets);
  hr_replay_drop (replay, per_expert);
  hr_replay_drop (replay, histogram);
  hr_replay_drop (replay, weights);
  hr_replay_drop (replay, selected);
  hr_replay_drop (replay, permutation);
  hr_replay_drop (replay, ids);

  return result;
}

/* fc2_latent_proj (experts (fc1_latent_proj (x))): NemotronHMoE.forward */
static HrValue
compute_latent (HrReplay        *replay,
                HrValue          x,
                const HrRouting *routing,
                const HrMixture *mixture)
{
  HrValue latent, result;

  latent = hr_op_linear (replay, x, HR_MODULE_LATENT_DOWN, "hidden_states", HR_SYMBOL_EXPERT_LATENT, 1, FALSE);
  result = compute_grouped (replay, latent, routing, mixture);
  hr_replay_drop (replay, latent);
  hr_replay_assign (replay, &result,
                    hr_op_linear (replay, result, HR_MODULE_LATENT_UP, "hidden_states", HR_SYMBOL_HIDDEN, 1, FALSE));

  return result;
}

/* What each expert makes of its part of the tokens, and all of it joined: JetMoeParallelExperts.forward. */
static HrValue
compute_list (HrReplay   *replay,
              const char *name,
              HrValue     shape)
{
  HrValue list = hr_op_like (replay, "mm", "output_list", shape);
  HrValue result = hr_op_like (replay, "cat", name, shape);

  hr_replay_drop (replay, list);

  return result;
}

/* JetMoeMoE.forward and GraniteMoeMoE.forward, from where the router has sorted the tokens. */
static HrValue
compute_lists (HrReplay        *replay,
               HrValue          x,
               const HrMixture *mixture)
{
  HrValue inner = get_pair_shape (replay->dtype, HR_SYMBOL_EXPERT);
  HrValue both = inner;
  HrValue out = get_pair_shape (replay->dtype, HR_SYMBOL_HIDDEN);
  HrValue inputs, chunked, hidden, outputs, zeros, result;

  both.count = 2;
  replay->sentence = N_("in the experts, in their first matrices");
  inputs = hr_op_like (replay, "index", "expert_inputs", out);
  chunked = compute_list (replay, "chunked_hidden_states", both);
  hidden = hr_replay_expert_gate (replay, inner, mixture);
  replay->sentence = N_("in the experts, while their outputs are put together");
  outputs = compute_list (replay, "expert_outputs", out);
  hr_replay_assign (replay, &outputs, hr_op_like (replay, "mul", "expert_outputs", out));
  zeros = hr_op_like (replay, "zeros", "zeros", x);
  result = hr_op_like (replay, "index_add", "layer_output", x);
  if (mixture->has_output_bias)
    hr_replay_assign (replay, &result, hr_op_like (replay, "add", "layer_output", x));

  hr_replay_drop (replay, zeros);
  hr_replay_drop (replay, outputs);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, chunked);
  hr_replay_drop (replay, inputs);

  return result;
}

/*
 * Llama4TextMoe.forward up to its shared expert: all tokens, weighted, for each of the experts.
 *
 * @weighted is what a variable holds of them until the module returns.
 */
static HrValue
compute_dense (HrReplay        *replay,
               const HrMixture *mixture,
               HrValue         *weighted)
{
  HrValue rows = HR_SHAPE (replay->dtype, HR_SYMBOL_EXPERTS, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrValue out = HR_SHAPE (replay->dtype, HR_SYMBOL_EXPERTS, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  HrValue inner = HR_SHAPE (replay->dtype, HR_SYMBOL_EXPERTS, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_EXPERT);
  HrValue both = inner;
  HrValue scores, projected, hidden, result;

  both.count = 2;
  replay->sentence = N_("in the experts, while the tokens are repeated for each of them");
  *weighted = hr_op_like (replay, "repeat", "routed_in", out);
  scores = hr_op_like (replay, "clone", "router_scores.transpose", rows);
  hr_replay_assign (replay, weighted, hr_op_like (replay, "mul", "routed_in", out));
  hr_replay_drop (replay, scores);
  replay->sentence = N_("in the experts, in their first matrices");
  projected = hr_op_like (replay, "bmm", "gate_up", both);
  hidden = hr_replay_expert_gate (replay, inner, mixture);
  replay->sentence = N_("in the experts, while their outputs are put together");
  result = hr_op_like (replay, "bmm", "next_states", out);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, projected);

  return result;
}

/* One expert with the tokens that have chosen it, as many as if all were chosen alike: DbrxExperts.forward. */
static void
compute_one (HrReplay        *replay,
             const HrRouting *routing,
             const HrMixture *mixture)
{
  HrValue index = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_PER_EXPERT);
  HrValue in = HR_SHAPE (replay->dtype, HR_SYMBOL_PER_EXPERT, HR_SYMBOL_HIDDEN);
  HrValue inner = HR_SHAPE (replay->dtype, HR_SYMBOL_PER_EXPERT, HR_SYMBOL_EXPERT);
  HrValue weighted = in;
  HrValue choices = hr_op_like (replay, "where", "idx", index);
  HrValue tokens = hr_op_like (replay, "where", "token_idx", index);
  HrValue states, gate, up, product, cast;

  weighted.element = routing->weights.element;
  states = hr_op_like (replay, "index", "current_state", in);
  gate = hr_op_like (replay, "mm", "gate_proj", inner);
  up = hr_op_like (replay, "mm", "up_proj", inner);
  product = hr_replay_expert_gate (replay, inner, mixture);
  hr_replay_drop (replay, up);
  hr_replay_drop (replay, gate);
  hr_replay_assign (replay, &states, hr_op_like (replay, "mm", "current_hidden_states", in));
  hr_replay_drop (replay, product);
  hr_replay_assign (replay, &states, hr_op_like (replay, "mul", "current_hidden_states", weighted));
  cast = hr_op_cast (replay, states, replay->dtype);
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, states);
  hr_replay_drop (replay, tokens);
  hr_replay_drop (replay, choices);
}

/* Where each token's choices are written down for each expert, and a sum that every expert adds to. */
static HrValue
compute_loop (HrReplay        *replay,
              HrValue          x,
              const HrRouting *routing,
              const HrMixture *mixture)
{
  HrValue result = hr_op_like (replay, "zeros_like", "next_states", x);
  HrValue mask = hr_op_like (replay, "one_hot", "expert_mask",
                             HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_TOP_K,
                                       HR_SYMBOL_EXPERTS));

  replay->sentence = N_("in the experts, one after the other");
  compute_one (replay, routing, mixture);
  hr_replay_drop (replay, mask);

  return result;
}

/*
 * hr_replay_experts:
 * @replay: a tape
 * @x: the input, which the caller holds
 * @routing: what the router made
 * @mixture: the block
 * @weighted: (out): what a variable holds until the module returns, or none
 *
 * The routed experts.
 *
 * Returns: the result; of each expert by itself, if the code computes all of them for each token
 */
HrValue
hr_replay_experts (HrReplay        *replay,
                   HrValue          x,
                   const HrRouting *routing,
                   const HrMixture *mixture,
                   HrValue         *weighted)
{
  *weighted = HR_NO_VALUE;

  switch (mixture->path)
    {
    case HR_EXPERTS_LISTS:
      return compute_lists (replay, x, mixture);

    case HR_EXPERTS_DENSE:
      return compute_dense (replay, mixture, weighted);

    case HR_EXPERTS_LOOP:
      return compute_loop (replay, x, routing, mixture);

    case HR_EXPERTS_GROUPED:
    default:
      return mixture->latent_size > 0 ? compute_latent (replay, x, routing, mixture)
                                      : compute_grouped (replay, x, routing, mixture);
    }
}
