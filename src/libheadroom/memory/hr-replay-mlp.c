/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-liger.h"
#include "hr-live-parameters.h"
#include "hr-operator-select.h"
#include "hr-replay-blocks.h"

/* 0.5 * x * (1.0 + tanh (sqrt (2 / pi) * (x + 0.044715 * pow (x, 3)))): NewGELUActivation. */
static HrValue
replay_gelu_new (HrReplay *replay,
                 HrValue   x)
{
  HrValue half = hr_op_unary (replay, HR_UNARY_MUL, "0.5·x", x);
  HrValue inner = hr_op_unary (replay, HR_UNARY_POW, "x³", x);
  HrValue result;

  hr_replay_assign (replay, &inner, hr_op_unary (replay, HR_UNARY_MUL, "0.044715·x³", inner));
  hr_replay_assign (replay, &inner, hr_op_binary (replay, HR_BINARY_ADD, "x + 0.044715·x³", x, inner));
  hr_replay_assign (replay, &inner, hr_op_unary (replay, HR_UNARY_MUL, "√(2/π)·(…)", inner));
  hr_replay_assign (replay, &inner, hr_op_unary (replay, HR_UNARY_TANH, "tanh(…)", inner));
  hr_replay_assign (replay, &inner, hr_op_unary (replay, HR_UNARY_ADD, "1 + tanh(…)", inner));
  result = hr_op_binary (replay, HR_BINARY_MUL, "act(x)", half, inner);
  hr_replay_drop (replay, inner);
  hr_replay_drop (replay, half);

  return result;
}

/* x * 0.5 * (1.0 + tanh (0.79788456 * x * (1 + 0.044715 * x * x))): bloom_gelu_forward, FastGELUActivation. */
static HrValue
replay_gelu_spelt_out (HrReplay *replay,
                       HrValue   x)
{
  HrValue half = hr_op_unary (replay, HR_UNARY_MUL, "x·0.5", x);
  HrValue scaled = hr_op_unary (replay, HR_UNARY_MUL, "0.798·x", x);
  HrValue inner = hr_op_unary (replay, HR_UNARY_MUL, "0.0447·x", x);
  HrValue result;

  hr_replay_assign (replay, &inner, hr_op_binary (replay, HR_BINARY_MUL, "0.0447·x²", inner, x));
  hr_replay_assign (replay, &inner, hr_op_unary (replay, HR_UNARY_ADD, "1 + 0.0447·x²", inner));
  hr_replay_assign (replay, &inner, hr_op_binary (replay, HR_BINARY_MUL, "0.798·x·(…)", scaled, inner));
  hr_replay_drop (replay, scaled);
  hr_replay_assign (replay, &inner, hr_op_unary (replay, HR_UNARY_TANH, "tanh(…)", inner));
  hr_replay_assign (replay, &inner, hr_op_unary (replay, HR_UNARY_ADD, "1 + tanh(…)", inner));
  result = hr_op_binary (replay, HR_BINARY_MUL, "act(x)", half, inner);
  hr_replay_drop (replay, inner);
  hr_replay_drop (replay, half);

  return result;
}

/*
 * bloom_gelu_back: 0.5 * x * ((1 - tanh²) * (0.798 + 0.107 * x * x)) + 0.5 * (1 + tanh), times the gradient; an
 * expression's temporaries go when they have been used.
 */
static void
backward_gelu_bloom (HrReplay     *replay,
                     const HrNode *node,
                     HrValue       gradient,
                     HrValue      *gradients)
{
  HrValue x = node->saved[0];
  HrValue inner = hr_op_make_gradient (replay, "mul", x);
  HrValue tangent, half, square, factor, sum;

  hr_replay_assign (replay, &inner, hr_op_make_gradient (replay, "add", x));
  tangent = hr_op_make_gradient (replay, "tanh", x);
  hr_replay_drop (replay, inner);
  half = hr_op_make_gradient (replay, "mul", x);
  square = hr_op_make_gradient (replay, "rsub", x);
  factor = hr_op_make_gradient (replay, "mul", x);
  hr_replay_assign (replay, &factor, hr_op_make_gradient (replay, "add", x));
  hr_replay_assign (replay, &square, hr_op_make_gradient (replay, "mul", x));
  hr_replay_drop (replay, factor);
  hr_replay_assign (replay, &half, hr_op_make_gradient (replay, "mul", x));
  hr_replay_drop (replay, square);
  sum = hr_op_make_gradient (replay, "mul", x);
  hr_replay_assign (replay, &half, hr_op_make_gradient (replay, "add", x));
  hr_replay_drop (replay, sum);
  gradients[0] = hr_op_make_gradient (replay, "mul", x);
  hr_replay_drop (replay, half);
  hr_replay_drop (replay, tangent);
}

/* In training a function of its own, which keeps nothing but its input (GeLUFunction of modeling_bloom.py). */
static HrValue
replay_gelu_bloom (HrReplay *replay,
                   HrValue   x)
{
  HrGraph *graph = replay->graph;
  HrValue result;

  replay->graph = NULL;
  result = replay_gelu_spelt_out (replay, hr_value_detach (x));
  replay->graph = graph;
  if (hr_autograd_record (replay, &result, backward_gelu_bloom, &x, 1))
    hr_autograd_save (replay, result, x);

  return result;
}

/* x * sigmoid (1.702 * x): QuickGELUActivation. */
static HrValue
replay_quick_gelu (HrReplay *replay,
                   HrValue   x)
{
  HrValue inner = hr_op_unary (replay, HR_UNARY_MUL, "act(x)", x);
  HrValue result;

  hr_replay_assign (replay, &inner, hr_op_unary (replay, HR_UNARY_SIGMOID, "act(x)", inner));
  result = hr_op_binary (replay, HR_BINARY_MUL, "act(x)", x, inner);
  hr_replay_drop (replay, inner);

  return result;
}

/* square (relu (x)): ReLUSquaredActivation. */
static HrValue
replay_relu_squared (HrReplay *replay,
                     HrValue   x)
{
  HrValue inner = hr_op_unary (replay, HR_UNARY_RELU, "act(x)", x);
  HrValue result = hr_op_unary (replay, HR_UNARY_POW, "act(x)", inner);

  hr_replay_drop (replay, inner);

  return result;
}

/* softplus (alpha), and β + softplus (alpha): trained numbers of XIELUActivation. */
static HrValue
get_slope (HrReplay *replay,
           gboolean  shifted)
{
  HrValue alpha = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_ONE));
  HrValue slope = hr_op_unary (replay, HR_UNARY_SOFTPLUS, "softplus(α)", alpha);

  if (shifted)
    hr_replay_assign (replay, &slope, hr_op_unary (replay, HR_UNARY_ADD, "α_n", slope));

  return slope;
}

/*
 * torch.where (x > 0, α_p·x·x + β·x, (expm1 (min (x, ε)) − x)·α_n + β·x): XIELUActivation, where its kernel is not
 * installed.
 */
static HrValue
replay_xielu (HrReplay *replay,
              HrValue   x)
{
  HrValue sign = hr_value_detach (x);
  HrValue floor = HR_SHAPE (x.element);
  HrValue condition, positive, negative, linear, result;
  HrValue rising = get_slope (replay, FALSE);
  HrValue falling = get_slope (replay, TRUE);

  sign.element = HR_ELEMENT_BOOL;
  condition = hr_op_like (replay, "gt", "x > 0", sign);
  positive = hr_op_binary (replay, HR_BINARY_MUL, "α_p·x", rising, x);
  hr_replay_assign (replay, &positive, hr_op_binary (replay, HR_BINARY_MUL, "α_p·x²", positive, x));
  linear = hr_op_unary (replay, HR_UNARY_MUL, "β·x", x);
  hr_replay_assign (replay, &positive, hr_op_binary (replay, HR_BINARY_ADD, "α_p·x² + β·x", positive, linear));
  hr_replay_drop (replay, linear);
  negative = hr_op_maximum (replay, "min(x, ε)", x, floor);
  hr_replay_assign (replay, &negative, hr_op_unary (replay, HR_UNARY_EXPM1, "expm1(…)", negative));
  hr_replay_assign (replay, &negative, hr_op_binary (replay, HR_BINARY_SUB, "expm1(…) − x", negative, x));
  hr_replay_assign (replay, &negative, hr_op_binary (replay, HR_BINARY_MUL, "(…)·α_n", negative, falling));
  linear = hr_op_unary (replay, HR_UNARY_MUL, "β·x", x);
  hr_replay_assign (replay, &negative, hr_op_binary (replay, HR_BINARY_ADD, "(…)·α_n + β·x", negative, linear));
  hr_replay_drop (replay, linear);
  result = hr_op_where (replay, "act(x)", condition, positive, negative);
  hr_replay_drop (replay, negative);
  hr_replay_drop (replay, positive);
  hr_replay_drop (replay, condition);
  hr_replay_drop (replay, falling);
  hr_replay_drop (replay, rising);

  return result;
}

/*
 * hr_replay_activation:
 * @replay: a tape
 * @x: the input, which the caller holds
 * @activation: the function
 *
 * An activation function.
 *
 * Returns: the result
 */
HrValue
hr_replay_activation (HrReplay     *replay,
                      HrValue       x,
                      HrActivation  activation)
{
  switch (activation)
    {
    case HR_ACTIVATION_GELU_NEW:
      return replay_gelu_new (replay, x);

    case HR_ACTIVATION_GELU_BLOOM:
      return replay_gelu_bloom (replay, x);

    case HR_ACTIVATION_GELU_FAST:
      return replay_gelu_spelt_out (replay, x);

    case HR_ACTIVATION_QUICK_GELU:
      return replay_quick_gelu (replay, x);

    case HR_ACTIVATION_RELU2:
      return replay_relu_squared (replay, x);

    case HR_ACTIVATION_XIELU:
      return replay_xielu (replay, x);

    case HR_ACTIVATION_GELU:
      return hr_op_unary (replay, HR_UNARY_GELU, "act(x)", x);

    case HR_ACTIVATION_TANH:
      return hr_op_unary (replay, HR_UNARY_TANH, "act(x)", x);

    case HR_ACTIVATION_RELU:
      return hr_op_unary (replay, HR_UNARY_RELU, "act(x)", x);

    case HR_ACTIVATION_SILU:
    default:
      return hr_op_unary (replay, HR_UNARY_SILU, "act(x)", x);
    }
}

/*
 * hr_replay_activation_module:
 * @replay: a tape
 * @x: the input, which the caller holds
 * @activation: the function
 *
 * The same, as a module of its own (ACT2FN of transformers/activations.py).
 *
 * Returns: the result
 */
HrValue
hr_replay_activation_module (HrReplay     *replay,
                             HrValue       x,
                             HrActivation  activation)
{
  HrValue result;

  hr_live_parameters_call (replay);
  result = hr_replay_activation (replay, x, activation);
  hr_live_parameters_leave (replay, &result);

  return result;
}

/*
 * hr_replay_add_adapter:
 * @replay: a tape
 * @y: (inout): what is added to
 * @x: the input, which the caller holds
 * @rank: the inner width of the adapter
 * @name: the variable that the result is for
 *
 * `y = y + adapter (x)`, where the adapter is a torch.nn.Sequential of two matrices that the model itself has
 * (Zamba2MLP.forward and Zamba2Attention.forward in transformers/models/zamba2/modeling_zamba2.py).
 */
void
hr_replay_add_adapter (HrReplay   *replay,
                       HrValue    *y,
                       HrValue     x,
                       guint64     rank,
                       const char *name)
{
  HrValue inner, added;

  replay->symbols[HR_SYMBOL_OWN_RANK] = rank;
  inner = hr_op_linear (replay, x, HR_MODULE_SELF, "adapter[0](x)", HR_SYMBOL_OWN_RANK, 1, FALSE);
  added = hr_op_linear (replay, inner, HR_MODULE_SELF, "adapter(x)", y->symbols[y->n_symbols - 1], y->count, FALSE);
  hr_replay_drop (replay, inner);
  hr_replay_assign (replay, y, hr_op_binary (replay, HR_BINARY_ADD, name, *y, added));
  hr_replay_drop (replay, added);
}

/* up_states = up_states * act (gate), where both are halves of one buffer: Phi3MLP. */
static HrValue
replay_fused_gated (HrReplay    *replay,
                    HrValue      x,
                    const HrMlp *mlp)
{
  HrValue both = hr_op_linear (replay, x, HR_MODULE_GATE_UP, "gate_up_proj(x)",
                               HR_SYMBOL_INTERMEDIATE, 2, mlp->has_bias);
  HrValue halves[2];
  HrValue gate, product, result;

  if (mlp->adapter_rank > 0)
    hr_replay_add_adapter (replay, &both, x, mlp->adapter_rank, "gate_up_state");
  replay->sentence = N_("in the MLP, while gate, up and their product are alive");
  hr_op_chunk (replay, both, 2, halves);
  if (replay->liger != NULL)
    product = hr_liger_gate (replay, halves[0], halves[1]);
  else
    {
      gate = hr_replay_activation_module (replay, halves[0], mlp->activation);
      product = hr_op_binary (replay, HR_BINARY_MUL, "act(gate)·up", halves[1], gate);
      hr_replay_drop (replay, gate);
    }
  result = hr_op_linear (replay, product, HR_MODULE_DOWN, "down_proj(…)", HR_SYMBOL_HIDDEN, 1, mlp->has_bias);
  hr_replay_drop (replay, product);
  hr_replay_drop (replay, halves[0]);
  hr_replay_drop (replay, halves[1]);
  hr_replay_drop (replay, both);

  return result;
}

/* hidden_states.to (self.wo.weight.dtype), where that matrix is fp32 in a model of float16 (T5DenseActDense). */
static void
widen (HrReplay    *replay,
       HrValue     *x,
       const HrMlp *mlp)
{
  if (mlp->fp32_down && replay->dtype == HR_ELEMENT_FLOAT16 && replay->quantization == HR_QUANTIZATION_NONE)
    hr_replay_assign (replay, x, hr_op_cast (replay, *x, HR_ELEMENT_FLOAT32));
}

/* down_proj (act (gate_proj (x)) * up_proj (x)): LlamaMLP. */
static HrValue
replay_gated (HrReplay    *replay,
              HrValue      x,
              const HrMlp *mlp)
{
  HrValue gate = hr_op_linear (replay, x, HR_MODULE_GATE, "gate_proj(x)", HR_SYMBOL_INTERMEDIATE, 1, mlp->has_bias);
  HrValue up, product, result;

  replay->sentence = N_("in the MLP, while gate, up and their product are alive");
  if (replay->liger == NULL)
    hr_replay_assign (replay, &gate, hr_replay_activation_module (replay, gate, mlp->activation));
  up = hr_op_linear (replay, x, HR_MODULE_UP, "up_proj(x)", HR_SYMBOL_INTERMEDIATE, 1, mlp->has_bias);
  product = replay->liger != NULL ? hr_liger_gate (replay, gate, up)
                                  : hr_op_binary (replay, HR_BINARY_MUL, "act(gate)·up", gate, up);
  hr_replay_drop (replay, up);
  hr_replay_drop (replay, gate);
  if (mlp->has_inner_norm)
    {
      const HrNorm norm = { .kind = mlp->inner_norm_kind, .has_weight = TRUE };

      hr_replay_assign (replay, &product, hr_replay_norm (replay, product, &norm));
    }
  hr_op_dropout (replay, &product, mlp->has_inner_dropout);
  widen (replay, &product, mlp);
  result = hr_op_linear (replay, product, HR_MODULE_DOWN, "down_proj(…)", HR_SYMBOL_HIDDEN, 1, mlp->has_bias);
  hr_replay_drop (replay, product);

  return result;
}

/* fc2 (act (fc1 (x))). A layer that spells it out itself binds each step to the same variable. */
static HrValue
replay_plain (HrReplay    *replay,
              HrValue     *x,
              const HrMlp *mlp,
              HrValue     *inner)
{
  HrValue hidden = mlp->bias_apart
                     ? hr_op_linear_apart (replay, *x, HR_MODULE_UP, "fc1(x)", HR_SYMBOL_INTERMEDIATE, mlp->has_bias)
                     : hr_op_linear (replay, *x, HR_MODULE_UP, "fc1(x)", HR_SYMBOL_INTERMEDIATE, 1, mlp->has_bias);

  replay->sentence = N_("in the MLP, in the activation function");
  if (mlp->inlined)
    hr_replay_assign (replay, x, HR_NO_VALUE);

  hr_replay_assign (replay, &hidden, hr_replay_activation_module (replay, hidden, mlp->activation));
  if (mlp->activated_inline)
    hr_replay_assign (replay, x, HR_NO_VALUE);
  hr_op_dropout (replay, &hidden, mlp->has_inner_dropout);
  widen (replay, &hidden, mlp);
  if (mlp->keeps_inner)
    *inner = hr_replay_hold (replay, hidden);
  hr_replay_assign (replay, &hidden,
                    mlp->bias_apart
                      ? hr_op_linear_apart (replay, hidden, HR_MODULE_DOWN, "fc2(…)", HR_SYMBOL_HIDDEN, mlp->has_bias)
                      : hr_op_linear (replay, hidden, HR_MODULE_DOWN, "fc2(…)", HR_SYMBOL_HIDDEN, 1, mlp->has_bias));

  return hidden;
}

/*
 * hr_replay_mlp_holding:
 * @replay: a tape
 * @x: (inout): the variable that holds the input
 * @mlp: the block
 * @inner: (out): what the layer holds of it until it ends, or none
 *
 * A feed-forward block.
 *
 * Returns: the result
 */
HrValue
hr_replay_mlp_holding (HrReplay    *replay,
                       HrValue     *x,
                       const HrMlp *mlp,
                       HrValue     *inner)
{
  HrValue result;

  *inner = HR_NO_VALUE;
  replay->sentence = N_("in the MLP, in its first matrix");
  if (mlp->gated && mlp->fused_gate_up)
    result = replay_fused_gated (replay, *x, mlp);
  else if (mlp->gated)
    result = replay_gated (replay, *x, mlp);
  else
    result = replay_plain (replay, x, mlp, inner);

  hr_op_dropout (replay, &result, mlp->has_output_dropout);

  return result;
}

/*
 * hr_replay_mlp:
 * @replay: a tape
 * @x: (inout): the variable that holds the input
 * @mlp: the block
 *
 * A feed-forward block of which nothing else is held.
 *
 * Returns: the result
 */
HrValue
hr_replay_mlp (HrReplay    *replay,
               HrValue     *x,
               const HrMlp *mlp)
{
  HrValue inner;
  HrValue result = hr_replay_mlp_holding (replay, x, mlp, &inner);

  hr_replay_drop (replay, inner);

  return result;
}
