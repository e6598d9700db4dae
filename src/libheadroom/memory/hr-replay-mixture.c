/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-live-parameters.h"
#include "hr-operator-select.h"
#include "hr-replay-adapter.h"
#include "hr-replay-blocks.h"


/*
 * Mixtures of experts: the router, the shared experts, and what becomes of both with the routed ones.
 */

/* A tensor with a row for each token. */
static HrValue
get_token_shape (HrElement element,
                 HrSymbol  features)
{
  return HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, features);
}

static HrValue
get_router_shape (HrReplay        *replay,
                  const HrMixture *mixture)
{
  HrElement held = mixture->router_kept_fp32 ? hr_element_widen (replay->dtype) : replay->parameter_dtype;

  return HR_SHAPE (held, HR_SYMBOL_EXPERTS, HR_SYMBOL_HIDDEN);
}

static void
enter_router (HrReplay *replay,
              HrValue  *x,
              HrValue   weight,
              HrValue   bias)
{
  if (!hr_live_parameters_reads_router (replay))
    hr_live_parameters_enter (replay, x, weight, bias);
}

static void
leave_router (HrReplay *replay,
              HrValue  *output)
{
  if (!hr_live_parameters_reads_router (replay))
    hr_live_parameters_leave (replay, output);
}

/*
 * F.linear (x, weight), both cast to fp32 before where the router computes in fp32. Ernie4_5_MoeTopKRouter does so
 * without autocast.
 */
static HrValue
compute_logits (HrReplay        *replay,
                HrValue          x,
                const HrMixture *mixture,
                HrAdaptedWeight *adapted)
{
  HrElement element = mixture->fp32_router ? hr_element_widen (replay->dtype) : x.element;
  HrElement autocast = replay->autocast;
  HrValue shape = get_router_shape (replay, mixture);
  HrElement held = shape.element;
  HrValue bias = HR_NO_VALUE;
  HrValue x32, weight, logits;

  if (mixture->has_router_bias)
    bias = HR_SHAPE (held, HR_SYMBOL_EXPERTS);
  enter_router (replay, &x, shape, bias);
  hr_replay_adapter_enter (replay, HR_MODULE_ROUTER, shape, HR_SYMBOL_HIDDEN, adapted);
  x32 = hr_op_cast (replay, x, element);
  weight = hr_replay_hold (replay, hr_replay_adapter_fold (replay, shape, adapted));
  if (mixture->fp32_router && held != element)
    hr_replay_assign (replay, &weight, hr_op_cast (replay, weight, element));
  if (mixture->has_router_bias)
    bias = hr_autograd_bias (replay, bias);
  if (mixture->scores_norm == HR_ROUTER_NORM_CLAMPED)
    replay->autocast = HR_ELEMENT_NONE;
  logits = hr_op_linear_by (replay, x32, "router_logits", weight, bias, get_token_shape (element, HR_SYMBOL_EXPERTS));
  replay->autocast = autocast;
  hr_replay_drop (replay, weight);
  hr_replay_drop (replay, x32);
  if (mixture->fp32_logits)
    hr_replay_assign (replay, &logits, hr_op_cast (replay, logits, hr_element_widen (replay->dtype)));
  /* Where groups of experts are chosen first, the block does so itself (route_tokens_to_experts of DeepseekV3MoE). */
  if (mixture->choice == HR_ROUTER_GROUPS)
    leave_router (replay, &logits);

  return logits;
}

/*
 * What scores are in. Where groups of experts are chosen first, nothing is cast: they are in what the product has made,
 * which is fp32 but where autocast computes it in 16 bits (route_tokens_to_experts of DeepseekV3MoE).
 */
static HrElement
get_score_element (const HrReplay  *replay,
                   const HrMixture *mixture,
                   HrElement        logits,
                   HrElement        narrow)
{
  if (mixture->choice == HR_ROUTER_GROUPS && mixture->fp32_router)
    return logits;

  return mixture->fp32_scores ? hr_element_widen (replay->dtype) : narrow;
}

/* What becomes of logits, of all experts or of the chosen ones. */
static HrValue
compute_scores (HrReplay        *replay,
                HrValue          logits,
                const HrMixture *mixture)
{
  HrElement element = mixture->scores == HR_ROUTER_SOFTMAX ? hr_element_widen (replay->dtype)
                      : mixture->scores == HR_ROUTER_SIGMOID
                        ? get_score_element (replay, mixture, logits.element, logits.element)
                        : logits.element;
  HrValue cast = hr_op_cast (replay, logits, element);
  HrValue scores;

  if (mixture->scores == HR_ROUTER_SIGMOID)
    scores = hr_op_unary (replay, HR_UNARY_SIGMOID, "router_scores", cast);
  else if (mixture->softmax_after)
    scores = hr_op_softmax_typed (replay, "router_probs", cast);
  else
    scores = hr_op_softmax (replay, "router_probs", cast, cast.element);
  hr_replay_drop (replay, cast);

  return scores;
}

/* The best groups of experts, and a mask of all that are not in them (DeepseekV3MoE.route_tokens_to_experts). */
static HrValue
mask_groups (HrReplay *replay,
             HrValue   biased)
{
  HrValue mask = biased;
  HrValue inverse, masked;

  mask.element = HR_ELEMENT_BOOL;
  mask = hr_op_like (replay, "clone", "score_mask", hr_value_detach (biased));
  inverse = hr_op_like (replay, "bitwise_not", "~score_mask", get_token_shape (HR_ELEMENT_BOOL, HR_SYMBOL_EXPERTS));
  masked = hr_op_like (replay, "masked_fill", "scores_for_choice", hr_value_detach (biased));
  hr_replay_drop (replay, inverse);
  hr_replay_drop (replay, mask);

  return masked;
}

/* The indices of those that are chosen by the sum of their scores and a bias, whose scores are then gathered. */
static HrValue
choose_by_bias (HrReplay        *replay,
                HrValue          scores,
                const HrMixture *mixture,
                HrValue         *indices)
{
  gboolean is_by_module = mixture->scores_norm == HR_ROUTER_NORM_CLAMPED;
  HrValue biased, values;

  /* Ernie4_5_MoeStatics */
  if (is_by_module)
    hr_live_parameters_call (replay);
  biased = hr_op_like (replay, "add", "scores_for_choice", hr_value_detach (scores));
  if (is_by_module)
    hr_live_parameters_leave (replay, &biased);
  if (mixture->choice == HR_ROUTER_GROUPS)
    hr_replay_assign (replay, &biased, mask_groups (replay, biased));
  values = hr_op_topk (replay, "router_top_value", biased, HR_SYMBOL_TOP_K, indices);
  hr_replay_drop (replay, values);
  values = hr_op_gather (replay, "top_k_weights", scores, *indices);
  hr_replay_drop (replay, biased);

  return values;
}

/* Divides the scores of the chosen ones by their sum. */
static void
normalize_scores (HrReplay        *replay,
                  HrValue         *values,
                  const HrMixture *mixture)
{
  HrValue sum;

  if (mixture->scores_norm == HR_ROUTER_NORM_NONE)
    return;

  sum = hr_op_sum (replay, "denominator", *values);
  if (mixture->scores_norm == HR_ROUTER_NORM_CLAMPED)
    hr_replay_assign (replay, &sum, hr_op_unary (replay, HR_UNARY_CLAMP_ONE, "denominator", sum));
  if (mixture->scores_norm == HR_ROUTER_NORM_IN_PLACE)
    hr_op_divide_in_place (replay, values, sum);
  else
    hr_replay_assign (replay, values, hr_op_binary (replay, HR_BINARY_DIV, "top_k_weights", *values, sum));
  hr_replay_drop (replay, sum);
}

/* `top_k_weights * self.per_expert_scale[top_k_index]` (Gemma4TextRouter). */
static void
weigh_scores (HrReplay  *replay,
              HrValue    indices,
              HrValue   *values)
{
  HrValue weights = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_EXPERTS));
  HrValue chosen = hr_op_take (replay, "per_expert_scale[top_k_index]", weights, indices, hr_value_detach (*values));

  hr_replay_assign (replay, values, hr_op_binary (replay, HR_BINARY_MUL, "top_k_weights", *values, chosen));
  hr_replay_drop (replay, chosen);
}

/* The router: scores of all experts, those of the chosen ones, divided by their sum. */
static void
route (HrReplay        *replay,
       HrValue          x,
       const HrMixture *mixture,
       HrRouting       *routing,
       HrAdaptedWeight *adapted)
{
  HrValue scores, values;
  HrElement element;

  routing->logits = compute_logits (replay, x, mixture, adapted);
  element = get_score_element (replay, mixture, routing->logits.element, x.element);
  scores = mixture->softmax_after ? hr_replay_hold (replay, routing->logits)
                                  : compute_scores (replay, routing->logits, mixture);
  if (mixture->choice == HR_ROUTER_HIGHEST)
    values = hr_op_topk (replay, "router_top_value", scores, HR_SYMBOL_TOP_K, &routing->indices);
  else
    values = choose_by_bias (replay, scores, mixture, &routing->indices);
  hr_replay_rename (replay, routing->indices, "router_indices");
  if (mixture->softmax_after)
    hr_replay_assign (replay, &values, compute_scores (replay, values, mixture));
  normalize_scores (replay, &values, mixture);
  if (mixture->scores_scaled)
    hr_replay_assign (replay, &values, hr_op_unary (replay, HR_UNARY_MUL, "top_k_weights", values));
  if (mixture->scores_weighted)
    weigh_scores (replay, routing->indices, &values);
  routing->weights = hr_op_cast (replay, values, element);
  hr_replay_rename (replay, routing->weights, "router_scores");
  if (mixture->choice != HR_ROUTER_GROUPS)
    leave_router (replay, &routing->weights);
  hr_replay_drop (replay, values);
  hr_replay_drop (replay, scores);
}

/* JetMoeTopKGating.forward: how many tokens each expert gets is counted, and their order is found, in the router. */
static void
route_lists (HrReplay        *replay,
             HrValue          x,
             const HrMixture *mixture,
             HrRouting       *routing,
             HrAdaptedWeight *adapted)
{
  HrValue pairs = get_token_shape (HR_ELEMENT_INT64, HR_SYMBOL_TOP_K);
  HrValue table = get_token_shape (x.element, HR_SYMBOL_EXPERTS);
  HrValue logits, values, indices, gates, zeros, marks, counts, sorted, order;

  hr_live_parameters_call (replay);
  logits = compute_logits (replay, x, mixture, adapted);
  hr_live_parameters_leave (replay, &logits);
  routing->logits = hr_op_cast (replay, logits, hr_element_widen (replay->dtype));
  hr_replay_drop (replay, logits);
  values = hr_op_topk (replay, "top_k_logits", routing->logits, HR_SYMBOL_TOP_K, &indices);
  logits = hr_op_softmax (replay, "softmax(top_k_logits)", values, values.element);
  gates = hr_op_cast (replay, logits, x.element);
  hr_replay_drop (replay, logits);
  zeros = hr_op_like (replay, "zeros", "zeros", table);
  marks = hr_op_like (replay, "scatter", "gates", table);
  table.element = HR_ELEMENT_INT64;
  counts = hr_op_like (replay, "_to_copy", "gates.long()", table);
  hr_replay_drop (replay, counts);
  sorted = hr_op_like (replay, "sort", "sorted", pairs);
  order = hr_op_like (replay, "sort", "index_sorted_experts", pairs);
  hr_replay_drop (replay, sorted);
  routing->indices = hr_op_like (replay, "div", "batch_index", pairs);
  routing->weights = hr_op_take (replay, "batch_gates", gates, order, hr_value_detach (gates));
  hr_live_parameters_leave (replay, &routing->weights);
  hr_replay_drop (replay, marks);
  hr_replay_drop (replay, zeros);
  hr_replay_drop (replay, gates);
  hr_replay_drop (replay, indices);
  hr_replay_drop (replay, values);

  if (mixture->has_output_bias)
    routing->order = order;
  else
    hr_replay_drop (replay, order);
}

/* Llama4Router.forward: a score for each expert, which is nothing for those that are not chosen. */
static void
route_dense (HrReplay        *replay,
             HrValue          x,
             const HrMixture *mixture,
             HrRouting       *routing,
             HrAdaptedWeight *adapted)
{
  HrValue values, indices, scores, scores32, sigmoid;

  routing->logits = compute_logits (replay, x, mixture, adapted);
  values = hr_op_topk (replay, "router_top_value", routing->logits, HR_SYMBOL_TOP_K, &indices);
  scores = hr_op_like (replay, "full_like", "router_scores", hr_value_detach (routing->logits));
  hr_op_scatter (replay, &scores, indices, values);
  scores32 = hr_op_cast (replay, scores, hr_element_widen (replay->dtype));
  sigmoid = hr_op_unary (replay, HR_UNARY_SIGMOID, "sigmoid(router_scores)", scores32);
  hr_replay_drop (replay, scores32);
  routing->weights = hr_op_cast (replay, sigmoid, scores.element);
  hr_live_parameters_leave (replay, &routing->weights);
  hr_replay_drop (replay, sigmoid);
  hr_replay_drop (replay, scores);
  hr_replay_drop (replay, indices);
  hr_replay_drop (replay, values);
}

static HrRouting
run_router (HrReplay        *replay,
            HrValue          x,
            const HrMixture *mixture)
{
  HrRouting routing = { HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE };
  HrAdaptedWeight adapted;

  replay->sentence = N_("in the router of the experts");
  if (mixture->path == HR_EXPERTS_LISTS)
    route_lists (replay, x, mixture, &routing, &adapted);
  else if (mixture->path == HR_EXPERTS_DENSE)
    route_dense (replay, x, mixture, &routing, &adapted);
  else
    route (replay, x, mixture, &routing, &adapted);
  hr_replay_adapter_leave (replay, &adapted);

  return routing;
}

/* gate_up_proj, and what the experts do with its halves: MiniMaxM3VLDenseMLP.forward. */
static HrValue
compute_shared_fused (HrReplay        *replay,
                      HrValue          x,
                      const HrMixture *mixture)
{
  HrValue both = hr_op_linear (replay, x, HR_MODULE_GATE_UP, "gate_up_proj(x)", HR_SYMBOL_INTERMEDIATE, 2, FALSE);
  HrValue product = hr_replay_expert_gate (replay, both, mixture);
  HrValue result = hr_op_linear (replay, product, HR_MODULE_DOWN, "down_proj(…)", HR_SYMBOL_HIDDEN, 1, FALSE);

  hr_replay_drop (replay, product);
  hr_replay_drop (replay, both);

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
  HrValue result;

  hr_live_parameters_call (replay);
  result = mixture->shared_fused ? compute_shared_fused (replay, x, mixture) : hr_replay_mlp (replay, &x, &mlp);
  hr_live_parameters_leave (replay, &result);

  return result;
}

/* sigmoid (shared_expert_gate (x)) * shared_expert_output */
static void
weigh_shared (HrReplay *replay,
              HrValue   x,
              HrValue  *shared)
{
  HrValue gate = hr_op_linear (replay, x, HR_MODULE_SHARED_GATE, "shared_expert_gate(x)", HR_SYMBOL_ONE, 1, FALSE);

  hr_replay_assign (replay, &gate, hr_op_unary (replay, HR_UNARY_SIGMOID, "sigmoid(…)", gate));
  hr_replay_assign (replay, shared, hr_op_binary (replay, HR_BINARY_MUL, "shared_expert_output", gate, *shared));
  hr_replay_drop (replay, gate);
}

/* The sums over the experts are added to what the shared expert made (`out.add_ (…)` in Llama4TextMoe). */
static void
add_dense (HrReplay *replay,
           HrValue   x,
           HrValue  *result,
           HrValue  *shared)
{
  HrValue shape = hr_value_detach (x);
  HrValue sum;

  /* Autocast has sum () return fp32 (fp32_set_opt_dtype of ATen/autocast_mode.h). */
  if (replay->autocast != HR_ELEMENT_NONE)
    {
      shape.element = HR_ELEMENT_FLOAT32;
      sum = hr_op_like (replay, "sum", "routed_out.sum", shape);
      hr_op_record (replay, &sum, HR_GRADIENT_TYPED_AS_INPUT, "_to_copy", result, 1);
    }
  else
    {
      sum = hr_op_sum_view (replay, "routed_out.sum", *result, shape);
    }

  if (shared->storage < 0)
    {
      hr_replay_assign (replay, result, sum);
      return;
    }

  hr_op_add_to (replay, shared, sum);
  hr_replay_drop (replay, sum);
  hr_replay_assign (replay, result, *shared);
  *shared = HR_NO_VALUE;
}

/* routed + shared, in fp32 and cast back, or in the dtype, and in the latter case perhaps divided. */
static void
add_shared (HrReplay        *replay,
            HrValue         *result,
            HrValue          shared,
            const HrMixture *mixture)
{
  HrElement element = mixture->fp32_sum ? hr_element_widen (replay->dtype) : result->element;
  HrValue routed32 = hr_op_cast (replay, *result, element);
  HrValue shared32 = hr_op_cast (replay, shared, element);
  HrValue sum = hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", routed32, shared32);

  hr_replay_drop (replay, shared32);
  hr_replay_drop (replay, routed32);
  if (mixture->sum_scaled)
    hr_replay_assign (replay, &sum, hr_op_unary (replay, HR_UNARY_DIV, "hidden_states", sum));
  hr_replay_assign (replay, result, hr_op_cast (replay, sum, result->element));
  hr_replay_drop (replay, sum);
}

/*
 * hr_replay_set_mixture_symbols:
 * @replay: a tape, whose batch and sequence are set
 * @mixture: a block
 *
 * Sets the sizes of a mixture.
 */
void
hr_replay_set_mixture_symbols (HrReplay        *replay,
                               const HrMixture *mixture)
{
  guint64 n_pairs;

  replay->symbols[HR_SYMBOL_EXPERT] = mixture->intermediate_size;
  replay->symbols[HR_SYMBOL_EXPERTS] = mixture->num_experts + mixture->num_zero_experts;
  replay->symbols[HR_SYMBOL_EXPERTS_HELD] = mixture->num_held_experts;
  replay->symbols[HR_SYMBOL_EXPERT_LATENT] = mixture->latent_size;
  replay->symbols[HR_SYMBOL_TOP_K] = mixture->num_experts_per_tok;
  if (mixture->shared_intermediate_size > 0)
    replay->symbols[HR_SYMBOL_INTERMEDIATE] = mixture->shared_intermediate_size;
  n_pairs = hr_value_get_elements (HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_TOP_K),
                                   replay->symbols);
  replay->symbols[HR_SYMBOL_PER_EXPERT] = n_pairs / replay->symbols[HR_SYMBOL_EXPERTS] +
                                          (n_pairs % replay->symbols[HR_SYMBOL_EXPERTS] > 0);
}

/* `hidden_states *= torch.empty_like (hidden_states).uniform_ (…)`, in place, in training (PhimoeSparseMoeBlock). */
static void
add_noise (HrReplay *replay,
           HrValue  *x)
{
  HrValue before = *x;
  HrValue noise;

  if (!replay->training)
    return;

  noise = hr_op_like (replay, "empty_like", "noise", hr_value_detach (before));
  if (hr_op_record (replay, x, HR_GRADIENT_LIKE_RESULT, "mul", &before, 1))
    hr_autograd_save (replay, *x, noise);
  hr_replay_drop (replay, noise);
}

static void
enter_block (HrReplay        *replay,
             HrValue         *x,
             const HrMixture *mixture)
{
  HrValue own = mixture->has_output_bias ? HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN) : HR_NO_VALUE;

  if (hr_live_parameters_reads_router (replay))
    own = get_router_shape (replay, mixture);
  hr_live_parameters_enter_mixture (replay, x, own);
}

/* `self.norm (hidden_states) * self.scale * self.scalar_root_size`, until the router returns (Gemma4TextRouter). */
static HrValue
norm_router_input (HrReplay        *replay,
                   HrValue          x,
                   const HrMixture *mixture)
{
  const HrNorm norm = { .kind = HR_NORM_RMS_FP32_POWER };
  HrValue scale, normalized, scaled;

  if (!mixture->router_norm)
    return hr_replay_hold (replay, x);

  normalized = hr_replay_norm (replay, x, &norm);
  scale = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));
  scaled = hr_op_binary (replay, HR_BINARY_MUL, "hidden_states·scale", normalized, scale);
  hr_replay_assign (replay, &normalized, hr_op_unary (replay, HR_UNARY_MUL, "hidden_states", scaled));
  hr_replay_drop (replay, scaled);

  return normalized;
}

/*
 * hr_replay_route:
 * @replay: a tape
 * @x: what the router reads, which the caller holds
 * @mixture: a block without shared experts
 *
 * The router of a mixture alone, where its experts read something else.
 *
 * Returns: what its variables hold
 */
HrRouting
hr_replay_route (HrReplay        *replay,
                 HrValue          x,
                 const HrMixture *mixture)
{
  HrValue input;
  HrRouting routing;

  hr_replay_set_mixture_symbols (replay, mixture);
  replay->sentence = N_("in the router of the experts");
  input = norm_router_input (replay, x, mixture);
  routing = run_router (replay, input, mixture);
  hr_replay_drop (replay, input);

  return routing;
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
  HrValue weighted;
  HrRouting routing;
  HrValue result;

  hr_replay_set_mixture_symbols (replay, mixture);
  enter_block (replay, &x, mixture);
  for (guint i = 0; i < mixture->num_jitters; i++)
    add_noise (replay, &x);
  if (has_shared && mixture->shared_first)
    shared = compute_shared (replay, x, mixture);
  routing = run_router (replay, x, mixture);
  result = hr_replay_experts (replay, x, &routing, mixture, &weighted);
  if (mixture->output_scaled)
    hr_replay_assign (replay, &result, hr_op_unary (replay, HR_UNARY_MUL, "hidden_states", result));
  if (has_shared && !mixture->shared_first)
    shared = compute_shared (replay, x, mixture);
  if (has_shared && mixture->has_shared_gate)
    weigh_shared (replay, x, &shared);
  if (mixture->path == HR_EXPERTS_DENSE)
    add_dense (replay, x, &result, &shared);
  else if (has_shared)
    add_shared (replay, &result, shared, mixture);
  hr_live_parameters_leave (replay, &result);

  hr_replay_drop (replay, shared);
  hr_replay_drop (replay, weighted);
  hr_replay_drop (replay, routing.order);
  hr_replay_drop (replay, routing.indices);
  hr_replay_drop (replay, routing.weights);
  hr_replay_drop (replay, routing.logits);

  return result;
}
