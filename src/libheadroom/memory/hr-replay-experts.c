/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-live-parameters.h"
#include "hr-operator-select.h"
#include "hr-replay-adapter.h"
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

/* act (gate) * up */
static HrValue
multiply_gate (HrReplay        *replay,
               HrValue          gate,
               HrValue          up,
               const HrMixture *mixture)
{
  HrValue active = hr_replay_activation_module (replay, gate, mixture->activation);
  HrValue result = hr_op_binary (replay, HR_BINARY_MUL, "act(gate)·up", active, up);

  hr_replay_drop (replay, active);

  return result;
}

/* Halves of one tensor (_default_apply_gate in transformers/integrations/moe.py). */
static HrValue
apply_plain_gate (HrReplay        *replay,
                  HrValue          both,
                  const HrMixture *mixture)
{
  HrValue halves[2];
  HrValue result;

  hr_op_chunk (replay, both, 2, halves);
  result = multiply_gate (replay, halves[0], halves[1], mixture);
  hr_replay_drop (replay, halves[1]);
  hr_replay_drop (replay, halves[0]);

  return result;
}

/* Every other element of a tensor. */
static HrValue
get_half (HrReplay *replay,
          HrValue   both)
{
  HrValue half = both;

  half.count /= 2;

  return hr_op_slice (replay, both, half);
}

/* Both clamped, then (up + 1) * (gate * sigmoid (gate * alpha)): GptOssExperts._apply_gate. */
static HrValue
apply_clamped_gate (HrReplay *replay,
                    HrValue   both)
{
  HrValue gate = get_half (replay, both);
  HrValue up = get_half (replay, both);
  HrValue inner, glu, shifted, result;

  hr_replay_assign (replay, &gate, hr_op_unary (replay, HR_UNARY_CLAMP_ONE, "gate", gate));
  hr_replay_assign (replay, &up, hr_op_unary (replay, HR_UNARY_CLAMP, "up", up));
  inner = hr_op_unary (replay, HR_UNARY_MUL, "gate·α", gate);
  hr_replay_assign (replay, &inner, hr_op_unary (replay, HR_UNARY_SIGMOID, "sigmoid(gate·α)", inner));
  glu = hr_op_binary (replay, HR_BINARY_MUL, "glu", gate, inner);
  hr_replay_drop (replay, inner);
  shifted = hr_op_unary (replay, HR_UNARY_ADD, "up + 1", up);
  result = hr_op_binary (replay, HR_BINARY_MUL, "gated_output", shifted, glu);
  hr_replay_drop (replay, shifted);
  hr_replay_drop (replay, glu);
  hr_replay_drop (replay, up);
  hr_replay_drop (replay, gate);

  return result;
}

/* Both clamped, then act (gate) * up: DeepseekV4Experts._apply_gate. */
static HrValue
apply_limited_gate (HrReplay        *replay,
                    HrValue          both,
                    const HrMixture *mixture)
{
  HrValue halves[2];
  HrValue result;

  hr_op_chunk (replay, both, 2, halves);
  hr_replay_assign (replay, &halves[0], hr_op_unary (replay, HR_UNARY_CLAMP_ONE, "gate", halves[0]));
  hr_replay_assign (replay, &halves[1], hr_op_unary (replay, HR_UNARY_CLAMP, "up", halves[1]));
  result = multiply_gate (replay, halves[0], halves[1], mixture);
  hr_replay_drop (replay, halves[1]);
  hr_replay_drop (replay, halves[0]);

  return result;
}

/*
 * hr_replay_expert_gate:
 * @replay: a tape
 * @both: gate and up in one tensor, which the caller holds; up alone where there is no gate
 * @mixture: the block
 *
 * What becomes of gate and up.
 *
 * Returns: the result
 */
HrValue
hr_replay_expert_gate (HrReplay        *replay,
                       HrValue          both,
                       const HrMixture *mixture)
{
  switch (mixture->gate)
    {
    case HR_EXPERT_GATE_CLAMPED:
      return apply_clamped_gate (replay, both);

    case HR_EXPERT_GATE_LIMITED:
      return apply_limited_gate (replay, both, mixture);

    case HR_EXPERT_GATE_NONE:
      return hr_replay_activation_module (replay, both, mixture->activation);

    case HR_EXPERT_GATE_PLAIN:
    default:
      return apply_plain_gate (replay, both, mixture);
    }
}

/* How many experts there are matrices of. */
static HrSymbol
get_held (const HrMixture *mixture)
{
  return mixture->num_held_experts > 0 ? HR_SYMBOL_EXPERTS_HELD : HR_SYMBOL_EXPERTS;
}

/* The width of what goes into an expert and comes out of it. */
static HrSymbol
get_outer (const HrMixture *mixture)
{
  return mixture->latent_size > 0 ? HR_SYMBOL_EXPERT_LATENT : HR_SYMBOL_HIDDEN;
}

/* A parameter with a part for each expert. */
static HrValue
get_parameter (HrReplay *replay,
               HrValue   shape)
{
  shape.element = replay->parameter_dtype;

  return hr_autograd_parameter (replay, shape);
}

/* gate and up of all experts, or up alone. */
static HrValue
get_first_shape (HrReplay        *replay,
                 const HrMixture *mixture)
{
  HrValue shape = HR_SHAPE (replay->parameter_dtype, get_held (mixture), get_outer (mixture), HR_SYMBOL_EXPERT);

  shape.count = mixture->gate == HR_EXPERT_GATE_NONE ? 1 : 2;

  return shape;
}

static HrValue
get_first_matrices (HrReplay        *replay,
                    const HrMixture *mixture)
{
  return get_parameter (replay, get_first_shape (replay, mixture));
}

static HrValue
get_last_shape (HrReplay        *replay,
                const HrMixture *mixture)
{
  return HR_SHAPE (replay->parameter_dtype, get_held (mixture), get_outer (mixture), HR_SYMBOL_EXPERT);
}

static HrValue
get_last_matrices (HrReplay        *replay,
                   const HrMixture *mixture)
{
  return get_parameter (replay, get_last_shape (replay, mixture));
}

/* The parameters of all experts are those of one module, called with tokens and what their outputs are weighted by. */
static guint
enter_experts (HrReplay        *replay,
               HrValue         *x,
               HrValue         *weights,
               const HrMixture *mixture)
{
  HrValue *inputs[] = { x, weights };
  HrValue shapes[] = {
    get_first_shape (replay, mixture), get_last_shape (replay, mixture), HR_NO_VALUE, HR_NO_VALUE,
  };

  if (mixture->has_bias)
    {
      shapes[2] = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_EXPERTS, HR_SYMBOL_EXPERT);
      shapes[2].count = shapes[0].count;
      shapes[3] = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_EXPERTS, get_outer (mixture));
    }

  return hr_live_parameters_enter_module (replay, inputs, weights != NULL ? 2 : 1, shapes, G_N_ELEMENTS (shapes));
}

/* What all pairs have of the sorting of tokens by experts; variables of the function hold it until it returns. */
typedef struct
{
  HrValue experts;
  HrValue permutation;
  HrValue weights;
  HrValue histogram;
  HrValue per_expert;
  HrValue offsets;
  HrValue mask;
  HrValue biases;
  HrAdaptedWeight first;
  HrAdaptedWeight last;
  guint parameters;
} Grouping;

/*
 * The parameter, or what is computed of it; the product's derivative keeps it, or a view where it is transposed
 * (_grouped_linear in transformers/integrations/moe.py), as it is but for GPT-OSS.
 */
static HrValue
read_matrices (HrReplay        *replay,
               HrValue          shape,
               const HrMixture *mixture,
               HrAdaptedWeight *adapted,
               guint            parameter)
{
  HrValue weight = hr_replay_adapter_fold (replay, shape, adapted);

  return mixture->has_bias ? weight : hr_live_parameters_lend (replay, parameter, weight);
}

/* A bias is looked up for each pair, and held until the next one is. */
static void
look_up_biases (HrReplay *replay,
                Grouping *grouping,
                HrSymbol  features,
                guint     count)
{
  HrValue table = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_EXPERTS, features);
  HrValue shape = get_pair_shape (replay->parameter_dtype, features);

  table.count = count;
  shape.count = count;
  table = get_parameter (replay, table);
  hr_replay_assign (replay, &grouping->biases,
                    hr_op_take (replay, "selected_biases", table, grouping->experts, shape));
}

/* The three steps of each expert, for all pairs at once. */
static HrValue
compute_pairs (HrReplay        *replay,
               HrValue          selected,
               const HrMixture *mixture,
               Grouping        *grouping)
{
  HrValue both = get_pair_shape (replay->dtype, HR_SYMBOL_EXPERT);
  HrValue out = get_pair_shape (replay->dtype, get_outer (mixture));
  HrValue projected;

  both.count = mixture->gate == HR_EXPERT_GATE_NONE ? 1 : 2;
  replay->sentence = N_("in the experts, in their first matrices");
  if (mixture->has_bias)
    look_up_biases (replay, grouping, HR_SYMBOL_EXPERT, both.count);
  projected = hr_op_grouped_mm (replay, "proj_out", selected,
                                read_matrices (replay, get_first_shape (replay, mixture), mixture, &grouping->first,
                                               grouping->parameters),
                                grouping->offsets, both);
  if (mixture->has_bias)
    hr_op_add_to (replay, &projected, grouping->biases);
  hr_replay_assign (replay, &projected, hr_replay_expert_gate (replay, projected, mixture));
  if (mixture->has_bias)
    look_up_biases (replay, grouping, get_outer (mixture), 1);
  replay->sentence = N_("in the experts, while their outputs are put together");
  hr_replay_assign (replay, &projected,
                    hr_op_grouped_mm (replay, "proj_out", projected,
                                      read_matrices (replay, get_last_shape (replay, mixture), mixture,
                                                     &grouping->last, grouping->parameters + 1),
                                      grouping->offsets, out));
  if (mixture->has_bias)
    hr_op_add_to (replay, &projected, grouping->biases);

  return projected;
}

/* The outputs of a token's experts, weighted, put in the order of the tokens and summed up. */
static HrValue
put_together (HrReplay        *replay,
              HrValue          projected,
              const Grouping  *grouping,
              HrElement        element)
{
  HrValue pairs = get_token_shape (HR_ELEMENT_INT64, HR_SYMBOL_TOP_K);
  HrValue shape = projected;
  HrValue weighted = hr_op_binary (replay, HR_BINARY_MUL, "weighted_out", projected, grouping->weights);
  HrValue inverse, order, result;

  hr_op_fill (replay, &weighted, grouping->mask);
  inverse = hr_op_like (replay, "empty_like", "inv_perm", pairs);
  order = hr_op_like (replay, "arange", "arange", pairs);
  hr_replay_drop (replay, order);
  hr_replay_assign (replay, &weighted,
                    hr_op_take (replay, "weighted_out", weighted, inverse, hr_value_detach (weighted)));
  shape = get_token_shape (weighted.element, shape.symbols[shape.n_symbols - 1]);
  result = hr_op_sum_view (replay, "final_hidden_states", weighted, shape);
  hr_replay_assign (replay, &result, hr_op_cast (replay, result, element));
  hr_replay_drop (replay, inverse);
  hr_replay_drop (replay, weighted);

  return result;
}

/* By which of a file's matrices the parameter is known that gates and inputs are in. */
static HrModule
get_first_module (const HrMixture *mixture)
{
  return mixture->layout == HR_EXPERTS_SEPARATE ? HR_MODULE_EXPERT_GATE : HR_MODULE_EXPERT_GATE_UP;
}

/* grouped_mm_experts_forward */
static HrValue
compute_grouped (HrReplay         *replay,
                 HrValue           x,
                 const HrRouting  *routing,
                 const HrMixture  *mixture)
{
  HrValue pairs = get_token_shape (HR_ELEMENT_INT64, HR_SYMBOL_TOP_K);
  HrValue counts = HR_SHAPE (HR_ELEMENT_INT32, get_held (mixture));
  Grouping grouping = { .biases = HR_NO_VALUE };
  HrValue weights = routing->weights;
  HrValue tokens, selected, projected, result;

  grouping.parameters = enter_experts (replay, &x, &weights, mixture);
  replay->sentence = N_("in the experts, while tokens are sorted by expert");
  hr_replay_adapter_enter (replay, HR_MODULE_EXPERT_DOWN, get_last_shape (replay, mixture), HR_SYMBOL_EXPERT,
                           &grouping.last);
  hr_replay_adapter_enter (replay, get_first_module (mixture), get_first_shape (replay, mixture), get_outer (mixture),
                           &grouping.first);
  grouping.experts = hr_op_like (replay, "sort", "expert_ids_g", pairs);
  grouping.permutation = hr_op_like (replay, "sort", "perm", pairs);
  tokens = hr_op_like (replay, "floor_divide", "perm // num_top_k", pairs);
  selected = hr_op_take (replay, "selected_hidden_states_g", x, tokens,
                         get_pair_shape (x.element, get_outer (mixture)));
  hr_replay_drop (replay, tokens);
  grouping.weights = hr_op_take (replay, "sample_weights_g", weights, grouping.permutation, pairs);
  pairs.element = HR_ELEMENT_INT32;
  grouping.histogram = hr_op_like (replay, "_to_copy", "histc_input", pairs);
  grouping.per_expert = hr_op_like (replay, "histc", "tokens_per_expert", counts);
  grouping.offsets = hr_op_like (replay, "cumsum", "offsets", counts);
  pairs.element = HR_ELEMENT_BOOL;
  grouping.mask = hr_op_like (replay, "ge", "sentinel_mask", pairs);
  hr_op_fill (replay, &selected, grouping.mask);
  projected = compute_pairs (replay, selected, mixture, &grouping);
  result = put_together (replay, projected, &grouping, x.element);

  hr_replay_drop (replay, projected);
  hr_replay_drop (replay, grouping.biases);
  hr_replay_drop (replay, grouping.mask);
  hr_replay_drop (replay, grouping.offsets);
  hr_replay_drop (replay, grouping.per_expert);
  hr_replay_drop (replay, grouping.histogram);
  hr_replay_drop (replay, grouping.weights);
  hr_replay_drop (replay, selected);
  hr_replay_drop (replay, grouping.permutation);
  hr_replay_drop (replay, grouping.experts);
  hr_replay_adapter_leave (replay, &grouping.first);
  hr_replay_adapter_leave (replay, &grouping.last);
  hr_live_parameters_leave (replay, &result);

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

/* How many experts there can be whose gradients are followed one by one. */
#define MAX_LISTED 96

/*
 * Of the last expert first: the gradients of its matrix and of its rows; that of the matrix is written into zeros of
 * all matrices (select_backward), which are added up. In the end the rows are joined (split_backward).
 */
static void
backward_list (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  guint n = MIN (replay->symbols[HR_SYMBOL_EXPERTS], MAX_LISTED);
  HrValue rows = node->inputs[0], matrix = node->inputs[1];
  HrValue part = HR_SHAPE (gradient.element, HR_SYMBOL_PER_EXPERT, rows.symbols[rows.n_symbols - 1]);
  HrValue single = HR_SHAPE (gradient.element, matrix.symbols[1], matrix.symbols[2]);
  HrValue parts[MAX_LISTED];

  single.count = matrix.count;
  rows.element = matrix.element = gradient.element;
  for (guint i = 0; i < n; i++)
    {
      HrValue own = HR_NO_VALUE, whole;

      parts[i] = HR_NO_VALUE;
      if (hr_value_needs_gradient (node->inputs[1]))
        own = hr_op_make_gradient (replay, "mm", single);
      if (hr_value_needs_gradient (node->inputs[0]))
        parts[i] = hr_op_make_gradient (replay, "mm", part);
      if (own.storage >= 0 && i == 0)
        gradients[1] = hr_op_make_gradient (replay, "select_backward", matrix);
      else if (own.storage >= 0 && i + 1 < n)
        {
          whole = hr_op_make_gradient (replay, "select_backward", matrix);
          hr_replay_drop (replay, whole);
        }
      hr_replay_drop (replay, own);
    }
  if (hr_value_needs_gradient (node->inputs[0]))
    gradients[0] = hr_op_make_gradient (replay, "cat", rows);
  for (guint i = 0; i < n; i++)
    hr_replay_drop (replay, parts[i]);
}

/* What each expert makes of its part of the tokens, and all of it joined: JetMoeParallelExperts.forward. */
static HrValue
compute_list (HrReplay   *replay,
              const char *name,
              HrValue     x,
              HrValue     weights,
              HrValue     shape)
{
  HrValue *rows[] = { &x };
  HrValue inputs[2];
  HrValue list, result;
  guint parameter = hr_live_parameters_enter_module (replay, rows, 1, &weights, 1);

  inputs[0] = hr_op_cast_down (replay, x);
  inputs[1] = hr_op_cast_down (replay, hr_live_parameters_lend (replay, parameter, weights));
  shape.element = inputs[0].element;
  list = hr_op_like (replay, "mm", "output_list", shape);
  result = hr_op_like (replay, "cat", name, shape);
  hr_replay_drop (replay, list);
  if (hr_autograd_record (replay, &result, backward_list, inputs, G_N_ELEMENTS (inputs)))
    {
      hr_autograd_save (replay, result, hr_value_needs_gradient (inputs[1]) ? inputs[0] : HR_NO_VALUE);
      hr_autograd_save (replay, result, hr_value_needs_gradient (inputs[0]) ? inputs[1] : HR_NO_VALUE);
    }
  hr_replay_drop (replay, inputs[1]);
  hr_replay_drop (replay, inputs[0]);
  hr_live_parameters_leave (replay, &result);

  return result;
}

/* JetMoeMoE.forward and GraniteMoeMoE.forward, from where the router has sorted the tokens. */
static HrValue
compute_lists (HrReplay        *replay,
               HrValue          x,
               const HrRouting *routing,
               const HrMixture *mixture)
{
  HrValue both = get_pair_shape (x.element, HR_SYMBOL_EXPERT);
  HrValue out = get_pair_shape (x.element, HR_SYMBOL_HIDDEN);
  HrValue inputs, chunked, hidden, outputs, zeros, result;

  both.count = 2;
  replay->sentence = N_("in the experts, in their first matrices");
  inputs = hr_op_take (replay, "expert_inputs", x, routing->indices, out);
  chunked = compute_list (replay, "chunked_hidden_states", inputs, get_first_matrices (replay, mixture), both);
  hidden = hr_replay_expert_gate (replay, chunked, mixture);
  replay->sentence = N_("in the experts, while their outputs are put together");
  outputs = compute_list (replay, "expert_outputs", hidden, get_last_matrices (replay, mixture), out);
  hr_replay_assign (replay, &outputs,
                    hr_op_binary (replay, HR_BINARY_MUL, "expert_outputs", outputs, routing->weights));
  zeros = hr_op_like (replay, "zeros", "zeros", get_token_shape (outputs.element, HR_SYMBOL_HIDDEN));
  result = hr_op_index_add (replay, "layer_output", zeros, routing->indices, outputs);
  if (mixture->has_output_bias)
    {
      HrValue bias = get_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));

      hr_replay_assign (replay, &result, hr_op_binary (replay, HR_BINARY_ADD, "layer_output", result, bias));
    }

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
               HrValue          x,
               const HrRouting *routing,
               const HrMixture *mixture,
               HrValue         *weighted)
{
  HrValue rows = HR_SHAPE (replay->dtype, HR_SYMBOL_EXPERTS, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrValue out = HR_SHAPE (replay->dtype, HR_SYMBOL_EXPERTS, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  HrValue both = HR_SHAPE (replay->dtype, HR_SYMBOL_EXPERTS, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_EXPERT);
  HrValue scores, inputs, projected, hidden, result;

  both.count = 2;
  replay->sentence = N_("in the experts, while the tokens are repeated for each of them");
  *weighted = hr_op_repeat (replay, "routed_in", x, out);
  scores = hr_op_copy (replay, "router_scores.transpose", routing->weights, rows);
  hr_replay_assign (replay, weighted, hr_op_binary (replay, HR_BINARY_MUL, "routed_in", *weighted, scores));
  hr_replay_drop (replay, scores);
  replay->sentence = N_("in the experts, in their first matrices");
  inputs = *weighted;
  enter_experts (replay, &inputs, NULL, mixture);
  projected = hr_op_matmul (replay, "gate_up", inputs, get_first_matrices (replay, mixture), both);
  hidden = hr_replay_expert_gate (replay, projected, mixture);
  replay->sentence = N_("in the experts, while their outputs are put together");
  result = hr_op_matmul (replay, "next_states", hidden, get_last_matrices (replay, mixture), out);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, projected);
  hr_live_parameters_leave (replay, &result);

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
  product = multiply_gate (replay, gate, up, mixture);
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
      return compute_lists (replay, x, routing, mixture);

    case HR_EXPERTS_DENSE:
      return compute_dense (replay, x, routing, mixture, weighted);

    case HR_EXPERTS_LOOP:
      return compute_loop (replay, x, routing, mixture);

    case HR_EXPERTS_GROUPED:
    default:
      return mixture->latent_size > 0 ? compute_latent (replay, x, routing, mixture)
                                      : compute_grouped (replay, x, routing, mixture);
    }
}
