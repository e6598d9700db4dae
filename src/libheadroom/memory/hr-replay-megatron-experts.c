/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <math.h>

#include <glib/gi18n-lib.h>

#include "hr-operator-select.h"
#include "hr-replay-blocks.h"
#include "hr-replay-collective.h"
#include "hr-replay-megatron.h"

/*
 * MoELayer of megatron/core/transformer/moe/moe_layer.py, with experts whose matrices are multiplied all at once
 * (TEGroupedMLP of experts.py) or one after the other (SequentialMLP, which keeps the same and joins what comes of
 * them), and tokens that are put in order without a fused kernel. Each expert is taken to be chosen as often as any
 * other: so many pairs of a token and an expert come to a rank.
 */

/* A tensor with a row for each of some tokens, which a rank has of its sequences. */
static HrValue
get_tokens (HrValue   x,
            HrElement element,
            HrSymbol  features)
{
  return HR_SHAPE (element, x.symbols[0], x.symbols[1], features);
}

static HrValue
get_rows (HrElement element,
          HrSymbol  rows,
          HrSymbol  features)
{
  return HR_SHAPE (element, rows, features);
}

/* How many of a rank's pairs are sent on (get_capacity of megatron/core/transformer/moe/moe_utils.py). */
static guint64
count_routed (const HrReplay  *replay,
              const HrMixture *mixture,
              guint64          n_tokens)
{
  guint64 n_pairs = n_tokens * mixture->num_experts_per_tok;
  guint64 n_most;

  if (replay->experts->capacity_factor <= 0)
    return n_pairs;

  n_most = (guint64) ceil ((double) n_pairs / mixture->num_experts * replay->experts->capacity_factor) *
           mixture->num_experts;

  return replay->experts->pads_to_capacity ? n_most : MIN (n_pairs, n_most);
}

static void
set_symbols (HrReplay        *replay,
             HrValue          x,
             const HrMixture *mixture)
{
  const HrExpertRanks *ranks = replay->experts;
  guint64 n_tokens = replay->symbols[x.symbols[0]] * replay->symbols[x.symbols[1]];

  hr_replay_set_mixture_symbols (replay, mixture);
  replay->symbols[HR_SYMBOL_EXPERTS_HELD] = mixture->num_held_experts > 0 ? mixture->num_held_experts
                                                                          : mixture->num_experts;
  replay->symbols[HR_SYMBOL_ROUTED] = count_routed (replay, mixture, n_tokens);
  replay->symbols[HR_SYMBOL_DISPATCHED] = replay->symbols[HR_SYMBOL_ROUTED] * ranks->tensor;
  replay->symbols[HR_SYMBOL_GATHERED_TOKENS] = n_tokens * ranks->tensor * ranks->expert;
}

/* RouterGatingLinearFunction: gradients come in the type that the router computes in, and are cast. */
static void
backward_gate (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  for (guint i = 0; i < node->n_inputs; i++)
    {
      HrValue wide = node->inputs[i];

      if (!hr_value_needs_gradient (node->inputs[i]))
        continue;
      wide.element = gradient.element;
      gradients[i] = hr_op_make_gradient (replay, "mm", wide);
      if (node->inputs[i].element != gradient.element)
        hr_replay_assign (replay, &gradients[i], hr_op_make_gradient (replay, "_to_copy", node->inputs[i]));
    }
}

static HrValue
gate (HrReplay        *replay,
      HrValue          x,
      const HrMixture *mixture)
{
  HrElement element = mixture->fp32_router ? hr_element_widen (x.element) : x.element;
  HrValue inputs[] = {
    x, hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_EXPERTS, HR_SYMBOL_HIDDEN)),
    HR_NO_VALUE,
  };
  HrValue logits = hr_op_like (replay, "mm", "logits", get_tokens (x, element, HR_SYMBOL_EXPERTS));

  if (mixture->has_router_bias)
    inputs[2] = hr_autograd_bias (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_EXPERTS));
  if (hr_autograd_record (replay, &logits, backward_gate, inputs, mixture->has_router_bias ? 3 : 2))
    {
      hr_autograd_save (replay, logits, x);
      hr_autograd_save (replay, logits, inputs[1]);
    }

  return logits;
}

/* The scores of those that are chosen, of all of which the softmax is one, or of the chosen ones. */
static HrValue
choose_by_softmax (HrReplay        *replay,
                   HrValue          logits,
                   const HrMixture *mixture,
                   HrValue         *indices)
{
  gboolean is_before = !mixture->softmax_after && mixture->scores_norm == HR_ROUTER_NORM_NONE;
  HrElement wide = HR_ELEMENT_FLOAT32;
  HrValue scores = is_before ? hr_op_softmax (replay, "scores", logits, wide) : hr_replay_hold (replay, logits);
  HrValue chosen = hr_op_topk (replay, "scores", scores, HR_SYMBOL_TOP_K, indices);

  if (!is_before)
    hr_replay_assign (replay, &chosen, hr_op_softmax (replay, "probs", chosen, wide));
  hr_replay_drop (replay, scores);

  return chosen;
}

/* scores / (scores.sum (dim=-1, keepdim=True) + 1e-20) */
static void
normalize (HrReplay *replay,
           HrValue  *scores)
{
  HrValue row = *scores;
  HrValue sum, result;

  row.symbols[row.n_symbols - 1] = HR_SYMBOL_ONE;
  sum = hr_op_like (replay, "sum", "sum", hr_value_detach (row));
  hr_replay_assign (replay, &sum, hr_op_like (replay, "add", "sum + 1e-20", hr_value_detach (row)));
  result = hr_op_like (replay, "div", "probs", hr_value_detach (*scores));
  if (hr_op_record (replay, &result, HR_GRADIENT_LIKE_RESULT, "div", scores, 1))
    {
      hr_autograd_save (replay, result, *scores);
      hr_autograd_save (replay, result, sum);
    }
  hr_replay_drop (replay, sum);
  hr_replay_assign (replay, scores, result);
}

static HrValue
choose_by_sigmoid (HrReplay        *replay,
                   HrValue          logits,
                   const HrMixture *mixture,
                   HrValue         *indices)
{
  HrValue wide = hr_op_cast (replay, logits, HR_ELEMENT_FLOAT32);
  HrValue scores = hr_op_unary (replay, HR_UNARY_SIGMOID, "scores", wide);
  HrValue chosen, biased;

  hr_replay_drop (replay, wide);
  if (mixture->choice == HR_ROUTER_HIGHEST)
    chosen = hr_op_topk (replay, "scores", scores, HR_SYMBOL_TOP_K, indices);
  else
    {
      biased = hr_op_like (replay, "add", "scores_for_routing", hr_value_detach (scores));
      chosen = hr_op_topk (replay, "scores", hr_value_detach (biased), HR_SYMBOL_TOP_K, indices);
      hr_replay_assign (replay, &chosen, hr_op_gather (replay, "scores", scores, *indices));
      hr_replay_drop (replay, biased);
    }
  hr_replay_drop (replay, scores);
  normalize (replay, &chosen);

  return chosen;
}

/* Zeros of integers, ones written among them, and a table of what is one. */
static HrValue
make_map (HrReplay *replay,
          HrValue   logits)
{
  HrValue shape = hr_value_detach (logits);
  HrValue zeros = hr_op_like (replay, "zeros_like", "zeros", shape);
  HrValue map;

  shape.element = HR_ELEMENT_INT32;
  hr_replay_assign (replay, &zeros, hr_op_like (replay, "_to_copy", "zeros", shape));
  hr_replay_assign (replay, &zeros, hr_op_like (replay, "scatter", "ones", shape));
  shape.element = HR_ELEMENT_BOOL;
  map = hr_op_like (replay, "_to_copy", "routing_map", shape);
  hr_replay_drop (replay, zeros);

  return map;
}

/* topk_routing_with_score_function: weights of all experts, 0 for those that are not chosen. */
static HrValue
route (HrReplay        *replay,
       HrValue          x,
       const HrMixture *mixture,
       HrValue         *map)
{
  HrValue logits = gate (replay, x, mixture);
  HrValue indices = HR_NO_VALUE;
  HrValue chosen, zeros, probs;

  chosen = mixture->scores == HR_ROUTER_SIGMOID ? choose_by_sigmoid (replay, logits, mixture, &indices)
                                                : choose_by_softmax (replay, logits, mixture, &indices);
  if (mixture->scores_scaled)
    hr_replay_assign (replay, &chosen, hr_op_unary (replay, HR_UNARY_MUL, "probs", chosen));
  hr_replay_assign (replay, &chosen, hr_op_cast (replay, chosen, logits.element));
  zeros = hr_op_like (replay, "zeros_like", "zeros", hr_value_detach (logits));
  probs = hr_op_like (replay, "scatter", "routing_probs", hr_value_detach (logits));
  hr_op_scatter (replay, &probs, indices, chosen);
  hr_replay_drop (replay, zeros);
  *map = make_map (replay, logits);
  hr_replay_drop (replay, chosen);
  hr_replay_drop (replay, indices);
  hr_replay_drop (replay, logits);

  return probs;
}

/*
 * permute: what comes of sorting all pairs is read up to those that are chosen, so that all of it stays where autograd
 * keeps it to hand the gradients of weights on.
 */
static HrValue
permute (HrReplay *replay,
         HrValue   tokens,
         HrValue   map,
         HrValue   probs,
         HrSymbol  rows,
         HrValue  *permuted_probs,
         HrValue  *order)
{
  HrValue turned = hr_op_like (replay, "clone", "routing_map.T", hr_value_detach (map));
  HrValue pairs = hr_value_detach (map);
  HrValue values, sorted, result;

  values = hr_op_like (replay, "sort", "values", pairs);
  pairs.element = HR_ELEMENT_INT64;
  sorted = hr_op_like (replay, "sort", "flat_sorted", pairs);
  hr_replay_drop (replay, values);
  *order = hr_op_like (replay, "remainder", "sorted_indices", HR_SHAPE (HR_ELEMENT_INT64, rows));
  if (probs.n_symbols > 0)
    {
      HrValue copy = hr_op_copy (replay, "probs.T", probs, hr_value_detach (probs));

      *permuted_probs = hr_op_take (replay, "permuted_probs", copy, sorted, HR_SHAPE (probs.element, rows));
      hr_replay_drop (replay, copy);
    }
  result = hr_op_take (replay, "permuted_input", tokens, *order, get_rows (tokens.element, rows, HR_SYMBOL_HIDDEN));
  hr_replay_drop (replay, sorted);
  hr_replay_drop (replay, turned);

  return result;
}

/* unpermute: rows are added into zeros. */
static HrValue
unpermute (HrReplay *replay,
           HrValue   rows,
           HrValue   order,
           HrValue   shape)
{
  HrValue result;

  shape = hr_value_detach (shape);
  shape.element = rows.element;
  result = hr_op_like (replay, "zeros", "output_tokens", shape);
  if (hr_op_record (replay, &result, HR_GRADIENT_LIKE_INPUT, "gather", &rows, 1))
    hr_autograd_save (replay, result, order);

  return result;
}

/* What is sent among ranks, or put in another order: a new tensor, and a new gradient. */
static void
move_rows (HrReplay   *replay,
           const char *operation,
           const char *name,
           HrValue    *x,
           HrValue     shape)
{
  HrValue result;

  shape.element = x->element;
  result = hr_op_like (replay, operation, name, shape);
  hr_op_record (replay, &result, HR_GRADIENT_LIKE_INPUT, operation, x, 1);
  hr_replay_assign (replay, x, result);
}

/* The activation, and the weights of the pairs, with which all that comes out is multiplied. */
static HrValue
activate (HrReplay        *replay,
          HrValue          inner,
          HrValue          probs,
          const HrMixture *mixture)
{
  const HrValue inputs[] = { inner, probs };
  HrValue shape = get_rows (inner.element, HR_SYMBOL_DISPATCHED, HR_SYMBOL_EXPERT);
  HrValue active, weighted;

  /* WeightedSwiGLUFunction of megatron/core/fusions/fused_bias_swiglu.py */
  if (mixture->gate == HR_EXPERT_GATE_PLAIN)
    {
      active = hr_op_like (replay, "weighted_swiglu", "bias_act_output", shape);
      if (hr_op_record (replay, &active, HR_GRADIENT_TYPED_AS_INPUT, "weighted_swiglu_back", inputs, 2))
        {
          hr_autograd_save (replay, active, inner);
          hr_autograd_save (replay, active, probs);
        }
      return active;
    }

  active = hr_replay_activation (replay, inner, mixture->activation);
  shape.element = hr_element_promote (inner.element, probs.element);
  weighted = hr_op_product (replay, "intermediate_parallel", active, probs, shape);
  hr_replay_drop (replay, active);
  hr_replay_assign (replay, &weighted, hr_op_cast (replay, weighted, inner.element));

  return weighted;
}

static HrValue
run_experts (HrReplay        *replay,
             HrValue          x,
             HrValue          probs,
             const HrMixture *mixture)
{
  HrValue first = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_EXPERTS_HELD, HR_SYMBOL_HIDDEN, HR_SYMBOL_EXPERT);
  HrValue last = first;
  HrValue inner = get_rows (x.element, HR_SYMBOL_DISPATCHED, HR_SYMBOL_EXPERT);
  HrValue outer = get_rows (x.element, HR_SYMBOL_DISPATCHED, HR_SYMBOL_HIDDEN);
  HrValue result;

  replay->sentence = N_("in the experts");
  first.count = inner.count = mixture->gate == HR_EXPERT_GATE_NONE ? 1 : 2;
  result = hr_op_grouped_mm (replay, "fc1_output", x, hr_autograd_parameter (replay, first), HR_NO_VALUE, inner);
  hr_replay_assign (replay, &result, activate (replay, result, probs, mixture));
  hr_replay_assign (replay, &result, hr_op_grouped_mm (replay, "output", result, hr_autograd_parameter (replay, last),
                                                       HR_NO_VALUE, outer));
  if (!replay->experts->groups_products && replay->symbols[HR_SYMBOL_EXPERTS_HELD] > 1)
    move_rows (replay, "cat", "output_local", &result, outer);

  return result;
}

/* MoEAlltoAllTokenDispatcher of megatron/core/transformer/moe/token_dispatcher.py. */
static HrValue
exchange (HrReplay        *replay,
          HrValue          x,
          HrValue          map,
          HrValue          probs,
          const HrMixture *mixture)
{
  const HrExpertRanks *ranks = replay->experts;
  const HrValue sent = get_rows (x.element, HR_SYMBOL_ROUTED, HR_SYMBOL_HIDDEN);
  const HrValue received = get_rows (x.element, HR_SYMBOL_DISPATCHED, HR_SYMBOL_HIDDEN);
  gboolean sorts = replay->symbols[HR_SYMBOL_EXPERTS_HELD] > 1;
  HrValue weights = HR_NO_VALUE, order = HR_NO_VALUE;
  HrValue rows, result;

  replay->sentence = N_("in the experts, while tokens are sent to the ranks that have them");
  rows = permute (replay, x, map, probs, HR_SYMBOL_ROUTED, &weights, &order);
  if (ranks->expert > 1)
    {
      move_rows (replay, "all_to_all", "global_input_tokens", &rows, sent);
      move_rows (replay, "all_to_all", "global_probs", &weights, HR_SHAPE (weights.element, HR_SYMBOL_ROUTED));
    }
  if (ranks->tensor > 1)
    {
      move_rows (replay, "all_gather", "global_input_tokens", &rows, received);
      move_rows (replay, "all_gather", "global_probs", &weights, HR_SHAPE (weights.element, HR_SYMBOL_DISPATCHED));
    }
  if (sorts)
    {
      move_rows (replay, "cat", "global_input_tokens", &rows, received);
      move_rows (replay, "cat", "global_probs", &weights, HR_SHAPE (weights.element, HR_SYMBOL_DISPATCHED));
    }

  hr_replay_assign (replay, &rows, run_experts (replay, rows, weights, mixture));
  hr_replay_drop (replay, weights);
  replay->sentence = N_("in the experts, while their outputs are put together");
  if (sorts)
    move_rows (replay, "cat", "hidden_states", &rows, received);
  if (ranks->tensor > 1)
    move_rows (replay, "reduce_scatter", "hidden_states", &rows, sent);
  if (ranks->expert > 1)
    move_rows (replay, "all_to_all", "permutated_local_input_tokens", &rows, sent);
  result = unpermute (replay, rows, order, x);
  hr_replay_drop (replay, order);
  hr_replay_drop (replay, rows);

  return result;
}

/* What is gathered lies in a buffer that stays, and so does the gradient when it has been scattered. */
static void
backward_gathered (HrReplay     *replay,
                   const HrNode *node,
                   HrValue       gradient,
                   HrValue      *gradients)
{
  HrValue shape = node->inputs[0];

  shape.element = gradient.element;
  gradients[0] = hr_op_view_gradient (replay, replay->gathered, shape);
}

static HrValue
gather_tokens (HrReplay *replay,
               HrValue   x)
{
  HrValue result;

  if (replay->gathered.storage < 0)
    return hr_replay_hold (replay, x);

  result = hr_op_view (replay, replay->gathered, get_rows (x.element, HR_SYMBOL_GATHERED_TOKENS, HR_SYMBOL_HIDDEN));
  hr_autograd_record (replay, &result, backward_gathered, &x, 1);

  return result;
}

/* The weights of the rank's own experts, of those pairs that are chosen (masked_select). */
static HrValue
select_weights (HrReplay *replay,
                HrValue   probs,
                HrValue   local_map)
{
  HrValue table = hr_value_detach (local_map);
  HrValue mask, weights, turned;

  table.element = probs.element;
  weights = hr_op_copy (replay, "local_probs", probs, table);
  turned = hr_op_copy (replay, "local_probs.T", weights, table);
  hr_replay_drop (replay, weights);
  mask = hr_op_like (replay, "clone", "local_map.T", hr_value_detach (local_map));
  weights = hr_op_like (replay, "masked_select", "local_probs", HR_SHAPE (probs.element, HR_SYMBOL_DISPATCHED));
  if (hr_op_record (replay, &weights, HR_GRADIENT_LIKE_INPUT, "masked_scatter", &turned, 1))
    {
      hr_autograd_save (replay, weights, turned);
      hr_autograd_save (replay, weights, mask);
    }
  hr_replay_drop (replay, mask);
  hr_replay_drop (replay, turned);

  return weights;
}

/* MoEAllGatherTokenDispatcher: all tokens of the ranks that share experts come to each of them. */
static HrValue
gather (HrReplay        *replay,
        HrValue          x,
        HrValue          map,
        HrValue          probs,
        const HrMixture *mixture)
{
  gboolean is_shared = replay->gathered.storage >= 0;
  HrValue all = get_rows (probs.element, HR_SYMBOL_GATHERED_TOKENS, HR_SYMBOL_EXPERTS);
  HrValue gathered_probs = hr_replay_hold (replay, probs);
  HrValue gathered_map = hr_replay_hold (replay, map);
  HrValue tokens, local_map, weights, rows, order = HR_NO_VALUE, unused = HR_NO_VALUE;
  HrValue result;

  replay->sentence = N_("in the experts, while tokens are sent to the ranks that have them");
  if (is_shared)
    {
      move_rows (replay, "all_gather", "probs", &gathered_probs, all);
      move_rows (replay, "all_gather", "routing_map", &gathered_map, all);
    }
  tokens = gather_tokens (replay, x);
  local_map = hr_op_like (replay, "clone", "local_map",
                          get_rows (HR_ELEMENT_BOOL, HR_SYMBOL_GATHERED_TOKENS, HR_SYMBOL_EXPERTS_HELD));
  rows = permute (replay, tokens, local_map, HR_NO_VALUE, HR_SYMBOL_DISPATCHED, &unused, &order);
  weights = select_weights (replay, gathered_probs, local_map);
  hr_replay_drop (replay, gathered_map);
  hr_replay_drop (replay, gathered_probs);
  hr_replay_assign (replay, &rows, run_experts (replay, rows, weights, mixture));
  replay->sentence = N_("in the experts, while their outputs are put together");
  result = unpermute (replay, rows, order, tokens);
  hr_replay_drop (replay, rows);
  hr_replay_drop (replay, order);
  if (is_shared)
    {
      hr_replay_assign (replay, &result, hr_op_cast (replay, result, hr_element_promote (probs.element, x.element)));
      move_rows (replay, "reduce_scatter", "hidden_states", &result, hr_value_detach (x));
      hr_replay_assign (replay, &result, hr_op_cast (replay, result, x.element));
    }
  hr_replay_drop (replay, weights);
  hr_replay_drop (replay, local_map);
  hr_replay_drop (replay, tokens);

  return result;
}

/* SharedExpertMLP of megatron/core/transformer/moe/shared_experts.py, whose output a gate may weigh. */
static HrValue
run_shared (HrReplay        *replay,
            HrValue          x,
            const HrMixture *mixture)
{
  const HrMlp mlp = {
    .hidden_size = mixture->hidden_size, .intermediate_size = mixture->shared_intermediate_size,
    .gated = mixture->gate != HR_EXPERT_GATE_NONE, .activation = mixture->activation,
    .has_bias = mixture->has_shared_bias,
  };
  HrValue result = hr_megatron_mlp (replay, x, &mlp);
  HrValue score;

  if (!mixture->has_shared_gate)
    return result;

  score = hr_op_linear_by (replay, x, "logits",
                           hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_ONE,
                                                                    HR_SYMBOL_HIDDEN)),
                           HR_NO_VALUE, get_tokens (x, x.element, HR_SYMBOL_ONE));
  hr_replay_assign (replay, &score, hr_op_unary (replay, HR_UNARY_SIGMOID, "gate_score", score));
  hr_replay_assign (replay, &result, hr_op_product (replay, "output", result, score, hr_value_detach (result)));
  hr_replay_drop (replay, score);

  return result;
}

/*
 * hr_megatron_mixture:
 * @replay: a tape
 * @x: what goes into the mixture
 * @mixture: its sizes
 *
 * MoELayer of megatron/core/transformer/moe/moe_layer.py.
 *
 * Returns: what comes out of it
 */
HrValue
hr_megatron_mixture (HrReplay        *replay,
                     HrValue          x,
                     const HrMixture *mixture)
{
  HrValue shared = HR_NO_VALUE, map = HR_NO_VALUE;
  HrValue probs, result;

  set_symbols (replay, x, mixture);
  if (mixture->shared_intermediate_size > 0)
    shared = run_shared (replay, x, mixture);
  replay->sentence = N_("in the router");
  probs = route (replay, x, mixture, &map);
  result = replay->experts->gathers ? gather (replay, x, map, probs, mixture)
                                    : exchange (replay, x, map, probs, mixture);
  if (shared.storage >= 0)
    hr_replay_assign (replay, &result, hr_op_binary (replay, HR_BINARY_ADD, "output", result, shared));
  hr_replay_drop (replay, shared);
  hr_replay_drop (replay, probs);
  hr_replay_drop (replay, map);
  hr_op_dropout (replay, &result, mixture->has_output_dropout);

  return result;
}
