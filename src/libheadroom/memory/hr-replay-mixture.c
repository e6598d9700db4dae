/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-replay-blocks.h"

/*
 * Mixtures of experts as transformers computes them on CUDA unless told otherwise: tokens are sorted by their experts,
 * and all experts are computed at once (grouped_mm_experts_forward in transformers/integrations/moe.py). Sizes do not
 * depend on which experts are chosen.
 */

typedef struct
{
  HrValue logits;
  HrValue weights;
  HrValue indices;
} Routing;

/* A tensor with a row for each token, or for each pair of a token and an expert. */
static HrValue
get_token_shape (HrElement element,
                 HrSymbol  features)
{
  return HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, features);
}

static HrValue
get_pair_shape (HrElement element,
                HrSymbol  features)
{
  return HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_TOP_K, features);
}

static HrElement
get_single (HrReplay *replay)
{
  return replay->dtype == HR_ELEMENT_FLOAT64 ? HR_ELEMENT_FLOAT64 : HR_ELEMENT_FLOAT32;
}

/* F.linear (x, weight), both cast to fp32 before where the router computes in fp32. */
static HrValue
compute_logits (HrReplay        *replay,
                HrValue          x,
                const HrMixture *mixture)
{
  HrElement element = mixture->fp32_router ? get_single (replay) : replay->dtype;
  HrValue x32 = hr_op_cast (replay, x, element);
  HrValue weight = HR_NO_VALUE;
  HrValue logits;

  if (element != replay->dtype)
    weight = hr_op_like (replay, "_to_copy", "weight", HR_SHAPE (element, HR_SYMBOL_EXPERTS, HR_SYMBOL_HIDDEN));
  logits = hr_op_like (replay, "mm", "router_logits", get_token_shape (element, HR_SYMBOL_EXPERTS));
  hr_replay_drop (replay, weight);
  hr_replay_drop (replay, x32);

  return logits;
}

/* The router: scores of all experts in fp32, the highest of each token, divided by their sum. */
static Routing
route (HrReplay        *replay,
       HrValue          x,
       const HrMixture *mixture)
{
  HrElement element = mixture->fp32_scores ? get_single (replay) : replay->dtype;
  HrValue chosen = get_token_shape (get_single (replay), HR_SYMBOL_TOP_K);
  Routing routing;
  HrValue scores, values;

  replay->sentence = N_("in the router of the experts");
  routing.logits = compute_logits (replay, x, mixture);
  if (mixture->softmax_after)
    {
      scores = HR_NO_VALUE;
      chosen.element = replay->dtype;
    }
  else
    {
      scores = hr_op_cast (replay, routing.logits, get_single (replay));
      hr_replay_assign (replay, &scores,
                        hr_op_like (replay, "_softmax", "router_probs",
                                    get_token_shape (get_single (replay), HR_SYMBOL_EXPERTS)));
    }

  values = hr_op_like (replay, "topk", "router_top_value", chosen);
  routing.indices = hr_op_like (replay, "topk", "router_indices", get_token_shape (HR_ELEMENT_INT64, HR_SYMBOL_TOP_K));
  if (mixture->softmax_after)
    hr_replay_assign (replay, &values, hr_op_like (replay, "_softmax", "router_scores", chosen));
  routing.weights = hr_op_cast (replay, values, element);
  hr_replay_rename (replay, routing.weights, "router_scores");
  hr_replay_drop (replay, values);
  hr_replay_drop (replay, scores);

  return routing;
}

/* act (gate) * up, two halves of @both. */
static HrValue
apply_plain_gate (HrReplay        *replay,
                  const HrMixture *mixture)
{
  HrValue shape = get_pair_shape (replay->dtype, HR_SYMBOL_EXPERT);
  HrValue gate = hr_replay_activation (replay, shape, mixture->activation);
  HrValue result = hr_op_like (replay, "mul", "act(gate)·up", shape);

  hr_replay_drop (replay, gate);

  return result;
}

/* Both clamped, then (up + 1) * (gate * sigmoid (gate * alpha)): GptOssExperts._apply_gate. */
static HrValue
apply_clamped_gate (HrReplay *replay)
{
  HrValue shape = get_pair_shape (replay->dtype, HR_SYMBOL_EXPERT);
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

static HrValue
apply_gate (HrReplay        *replay,
            const HrMixture *mixture)
{
  if (mixture->gate == HR_EXPERT_GATE_NONE)
    return hr_replay_activation (replay, get_pair_shape (replay->dtype, HR_SYMBOL_EXPERT), mixture->activation);

  return mixture->gate == HR_EXPERT_GATE_CLAMPED ? apply_clamped_gate (replay) : apply_plain_gate (replay, mixture);
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
  HrValue projected;

  both.count = mixture->gate == HR_EXPERT_GATE_NONE ? 1 : 2;
  replay->sentence = N_("in the experts, in their first matrices");
  if (mixture->has_bias)
    *biases = hr_op_like (replay, "index", "selected_biases", both);
  projected = hr_op_like (replay, "_grouped_mm", "proj_out", both);
  hr_replay_assign (replay, &projected, apply_gate (replay, mixture));
  if (mixture->has_bias)
    hr_replay_assign (replay, biases, hr_op_like (replay, "index", "selected_biases", out));
  replay->sentence = N_("in the experts, while their outputs are put together");
  hr_replay_assign (replay, &projected, hr_op_like (replay, "_grouped_mm", "proj_out", out));

  return projected;
}

/* grouped_mm_experts_forward */
static HrValue
compute_experts (HrReplay        *replay,
                 HrValue          x,
                 const Routing   *routing,
                 const HrMixture *mixture)
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
compute_latent_experts (HrReplay        *replay,
                        HrValue          x,
                        const Routing   *routing,
                        const HrMixture *mixture)
{
  HrValue latent, result;

  latent = hr_op_linear (replay, x, "hidden_states", HR_SYMBOL_EXPERT_LATENT, 1);
  result = compute_experts (replay, latent, routing, mixture);
  hr_replay_drop (replay, latent);
  hr_replay_assign (replay, &result, hr_op_linear (replay, result, "hidden_states", HR_SYMBOL_HIDDEN, 1));

  return result;
}

static HrValue
compute_shared (HrReplay        *replay,
                HrValue          x,
                const HrMixture *mixture)
{
  const HrMlp mlp = {
    .hidden_size = mixture->hidden_size, .intermediate_size = mixture->shared_intermediate_size,
    .gated = mixture->gate != HR_EXPERT_GATE_NONE, .activation = mixture->activation,
  };

  replay->symbols[HR_SYMBOL_INTERMEDIATE] = mixture->shared_intermediate_size;

  return hr_replay_mlp (replay, &x, &mlp);
}

/* sigmoid (shared_expert_gate (x)) * shared_expert_output */
static void
weigh_shared (HrReplay *replay,
              HrValue  *shared)
{
  HrValue one = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrValue gate = hr_op_like (replay, "mm", "shared_expert_gate(x)", one);

  hr_replay_assign (replay, &gate, hr_op_like (replay, "sigmoid", "sigmoid(…)", one));
  hr_replay_assign (replay, shared, hr_op_like (replay, "mul", "shared_expert_output", *shared));
  hr_replay_drop (replay, gate);
}

/*
 * hr_replay_mixture:
 * @replay: a tape
 * @x: the input, which the caller holds
 * @mixture: the block
 *
 * A mixture of experts.
 *
 * Returns: the result
 */
HrValue
hr_replay_mixture (HrReplay        *replay,
                   HrValue          x,
                   const HrMixture *mixture)
{
  gboolean has_shared = mixture->shared_intermediate_size > 0;
  HrValue shared = HR_NO_VALUE;
  Routing routing;
  HrValue result;

  replay->symbols[HR_SYMBOL_EXPERT] = mixture->intermediate_size;
  replay->symbols[HR_SYMBOL_EXPERTS] = mixture->num_experts;
  replay->symbols[HR_SYMBOL_EXPERT_LATENT] = mixture->latent_size;
  replay->symbols[HR_SYMBOL_TOP_K] = mixture->num_experts_per_tok;

  if (has_shared && mixture->shared_first)
    shared = compute_shared (replay, x, mixture);
  routing = route (replay, x, mixture);
  result = mixture->latent_size > 0 ? compute_latent_experts (replay, x, &routing, mixture)
                                    : compute_experts (replay, x, &routing, mixture);
  if (has_shared && !mixture->shared_first)
    shared = compute_shared (replay, x, mixture);
  if (has_shared && mixture->has_shared_gate)
    weigh_shared (replay, &shared);
  if (has_shared)
    hr_replay_assign (replay, &result, hr_op_like (replay, "add", "hidden_states", result));

  hr_replay_drop (replay, shared);
  hr_replay_drop (replay, routing.indices);
  hr_replay_drop (replay, routing.weights);
  hr_replay_drop (replay, routing.logits);

  return result;
}
