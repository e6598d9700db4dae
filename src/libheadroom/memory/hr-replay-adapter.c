/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-adapter.h"

#include "hr-live-parameters.h"
#include "hr-operator.h"
#include "hr-sharding-unit.h"
#include "hr-tuning.h"

/* What methods of fine-tuning add to linear layers, as PEFT's layers compute it. */

/* `result = result + addend`, cast back to what the module's output is in. */
static void
add_to_result (HrReplay  *replay,
               HrValue   *result,
               HrValue    addend,
               HrElement  element)
{
  hr_replay_assign (replay, result, hr_op_binary (replay, HR_BINARY_ADD, "result", *result, addend));
  hr_replay_drop (replay, addend);
  hr_replay_assign (replay, result, hr_op_cast (replay, *result, element));
}

/* @x, its last dimension replaced. */
static HrValue
get_shape (HrValue  x,
           HrValue  last,
           HrSymbol symbol)
{
  HrValue shape = x;

  shape.symbols[shape.n_symbols - 1] = symbol;
  shape.count = last.count;
  shape.divisor = last.divisor;
  shape.heads_first = FALSE;

  return shape;
}

/* A matrix that takes the last dimension of @x to that of @out. */
static HrValue
make_matrix (HrReplay *replay,
             HrValue   x,
             HrValue   out,
             gboolean  is_trained)
{
  HrElement element = hr_sharding_choose_element (replay, hr_tuning_get_element (replay->tuning));
  HrValue shape = HR_SHAPE (element, x.symbols[x.n_symbols - 1], out.symbols[out.n_symbols - 1]);

  shape.count = x.count * out.count;
  shape.divisor = x.divisor * out.divisor;

  return is_trained ? hr_autograd_added (replay, shape) : shape;
}

/* A linear layer, which may be sharded by itself. */
static HrValue
run_factor (HrReplay   *replay,
            HrValue     x,
            const char *name,
            HrValue     factor,
            HrValue     shape)
{
  HrValue result;

  x = hr_replay_hold (replay, x);
  hr_sharding_enter_unit (replay, factor);
  hr_live_parameters_enter (replay, &x, factor, HR_NO_VALUE);
  result = hr_op_linear_by (replay, x, name, factor, HR_NO_VALUE, shape);
  hr_live_parameters_leave (replay, &result);
  hr_sharding_leave_unit (replay, factor, &result);
  hr_replay_drop (replay, x);

  return result;
}

/* lora_B (lora_A (dropout (x))) */
static HrValue
multiply_by_factors (HrReplay            *replay,
                     const HrTunedModule *tuned,
                     HrValue              x,
                     HrValue              out_shape)
{
  HrValue inner_shape = get_shape (x, HR_SHAPE (x.element), tuned->rank);
  HrValue input = hr_replay_hold (replay, x);
  HrValue factor, inner, product;

  hr_live_parameters_set_adding (replay, TRUE);
  hr_live_parameters_call (replay);
  hr_op_dropout (replay, &input, hr_tuning_has_dropout (replay->tuning));
  hr_live_parameters_leave (replay, &input);
  factor = make_matrix (replay, x, inner_shape, tuned->by != HR_TUNED_BY_LORA_FA);
  inner = run_factor (replay, input, "lora_A(x)", factor, inner_shape);
  hr_replay_drop (replay, input);
  factor = make_matrix (replay, inner, out_shape, TRUE);
  product = run_factor (replay, inner, "lora_B(…)", factor, out_shape);
  hr_live_parameters_set_adding (replay, FALSE);
  hr_replay_drop (replay, inner);

  return product;
}

static HrValue
run_factors (HrReplay            *replay,
             const HrTunedModule *tuned,
             HrValue              x,
             HrValue              out_shape)
{
  HrValue product = multiply_by_factors (replay, tuned, x, out_shape);
  HrValue scaled = hr_op_unary (replay, HR_UNARY_MUL, "lora_B(…)·scaling", product);

  hr_replay_drop (replay, product);

  return scaled;
}

/* result + …, cast back: peft/tuners/lora/layer.py, Linear.forward. */
static void
replay_lora (HrReplay            *replay,
             const HrTunedModule *tuned,
             HrValue              x,
             HrValue             *result)
{
  HrElement element = result->element;
  HrElement seen = hr_sharding_choose_seen_element (replay, hr_tuning_get_element (replay->tuning));
  HrValue cast = hr_op_cast (replay, x, seen);
  HrValue scaled = run_factors (replay, tuned, cast, *result);

  add_to_result (replay, result, scaled, element);
  hr_replay_drop (replay, cast);
}

/*
 * The same beside a matrix of bitsandbytes: under autocast nothing is cast; where it has four bits the output is copied
 * first (peft/tuners/lora/bnb.py, Linear8bitLt.forward and Linear4bit.forward).
 */
static void
replay_quantized_lora (HrReplay            *replay,
                       const HrTunedModule *tuned,
                       HrValue              x,
                       HrValue             *result)
{
  gboolean casts = replay->autocast == HR_ELEMENT_NONE;
  HrElement seen = hr_sharding_choose_seen_element (replay, hr_tuning_get_element (replay->tuning));
  HrValue cast = hr_op_cast (replay, x, casts ? seen : x.element);
  HrValue scaled;

  if (replay->quantization != HR_QUANTIZATION_BNB_INT8)
    hr_replay_assign (replay, result, hr_op_copy (replay, "result", *result, *result));
  scaled = run_factors (replay, tuned, cast, *result);
  if (casts)
    hr_replay_assign (replay, &scaled, hr_op_cast (replay, scaled, result->element));
  hr_replay_assign (replay, result, hr_op_binary (replay, HR_BINARY_ADD, "result", *result, scaled));
  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, cast);
}

/* Beside a matrix of AWQ what is added is cast before it is scaled (peft/tuners/lora/awq.py, AwqLoraLinear.forward). */
static void
replay_awq_lora (HrReplay            *replay,
                 const HrTunedModule *tuned,
                 HrValue              x,
                 HrValue             *result)
{
  gboolean casts = replay->autocast == HR_ELEMENT_NONE;
  HrValue cast = hr_op_cast (replay, x, casts ? hr_tuning_get_element (replay->tuning) : x.element);
  HrValue added = multiply_by_factors (replay, tuned, cast, *result);

  if (casts)
    hr_replay_assign (replay, &added, hr_op_cast (replay, added, result->element));
  hr_replay_assign (replay, &added, hr_op_unary (replay, HR_UNARY_MUL, "…·scaling", added));
  hr_replay_assign (replay, result, hr_op_binary (replay, HR_BINARY_ADD, "result", *result, added));
  hr_replay_drop (replay, added);
  hr_replay_drop (replay, cast);
}

/* What LoRA adds to a matrix that is held in a format of its own; PEFT's layer beside GPTQ does as the usual one. */
static void
replay_lora_beside (HrReplay            *replay,
                    const HrTunedModule *tuned,
                    HrValue              x,
                    HrValue             *result)
{
  switch ((guint) replay->quantization)
    {
    case HR_QUANTIZATION_AWQ_INT4:
      replay_awq_lora (replay, tuned, x, result);
      break;

    case HR_QUANTIZATION_GPTQ_INT8:
    case HR_QUANTIZATION_GPTQ_INT4:
    case HR_QUANTIZATION_GPTQ_INT3:
    case HR_QUANTIZATION_GPTQ_INT2:
      replay_lora (replay, tuned, x, result);
      break;

    default:
      replay_quantized_lora (replay, tuned, x, result);
      break;
    }
}

/*
 * lora_B (lora_A (eye)).T in the dtype of the input, which no gradient flows through: get_lora_weight. The copy of the
 * first factor that autocast's cache holds is that of the product with the input, which follows.
 */
static HrValue
multiply_factors (HrReplay            *replay,
                  const HrTunedModule *tuned,
                  HrValue              x,
                  HrValue              out_shape,
                  HrValue             *cached)
{
  HrValue rows = HR_SHAPE (x.element, x.symbols[x.n_symbols - 1], x.symbols[x.n_symbols - 1]);
  HrValue inner_shape, product_shape, shape, factor, eye, inner, product, result;

  rows.count = x.count * x.count;
  rows.divisor = x.divisor * x.divisor;
  eye = hr_op_like (replay, "eye", "x_eye", rows);
  inner_shape = get_shape (rows, HR_SHAPE (x.element), tuned->rank);
  inner_shape.count = x.count;
  inner_shape.divisor = x.divisor;
  product_shape = get_shape (rows, out_shape, out_shape.symbols[out_shape.n_symbols - 1]);
  product_shape.count = x.count * out_shape.count;
  product_shape.divisor = x.divisor * out_shape.divisor;

  shape = get_shape (x, HR_SHAPE (x.element), tuned->rank);
  factor = make_matrix (replay, x, shape, TRUE);
  factor.is_trained = FALSE;
  inner = hr_op_linear_by (replay, eye, "lora_A(x_eye)", factor, HR_NO_VALUE, inner_shape);
  if (replay->autocast != HR_ELEMENT_NONE && factor.element == HR_ELEMENT_FLOAT32)
    {
      factor.element = replay->autocast;
      *cached = hr_op_like (replay, "_to_copy", "weight.to(dtype)", hr_value_detach (factor));
    }
  factor = make_matrix (replay, shape, out_shape, TRUE);
  factor.is_trained = FALSE;
  product = hr_op_linear_by (replay, inner, "lora_weight", factor, HR_NO_VALUE, product_shape);
  hr_replay_drop (replay, inner);
  hr_replay_drop (replay, eye);
  result = hr_op_cast (replay, product, x.element);
  hr_replay_drop (replay, product);

  return result;
}

/* The lengths of the rows of the matrix with what is added to it: get_weight_norm. */
static HrValue
measure_rows (HrReplay *replay,
              HrValue   added,
              HrValue   out_shape)
{
  HrValue row = HR_SHAPE (added.element, out_shape.symbols[out_shape.n_symbols - 1]);
  HrValue shape = hr_value_detach (added);
  HrValue scaled, sum, norm;

  row.count = out_shape.count;
  row.divisor = out_shape.divisor;
  scaled = hr_op_like (replay, "mul", "scaling·lora_weight", shape);
  sum = hr_op_like (replay, "add", "weight", shape);
  hr_replay_drop (replay, scaled);
  norm = hr_op_like (replay, "linalg_vector_norm", "weight_norm", row);
  hr_replay_drop (replay, sum);

  return norm;
}

/* (magnitude / norm - 1) * base + magnitude / norm * lora_B (lora_A (x)) * scaling. */
static HrValue
combine_dora (HrReplay            *replay,
              const HrTunedModule *tuned,
              HrValue              x,
              HrValue              base,
              HrValue              norm)
{
  HrValue inner_shape = get_shape (x, HR_SHAPE (x.element), tuned->rank);
  HrValue magnitude = hr_autograd_added (replay, hr_value_detach (norm));
  HrValue scale = hr_op_binary (replay, HR_BINARY_MUL, "mag_norm_scale", magnitude, norm);
  HrValue inner, lora, shifted, first, second, result;

  inner = hr_op_linear_by (replay, x, "lora_A(x)", make_matrix (replay, x, inner_shape, TRUE), HR_NO_VALUE,
                           inner_shape);
  lora = hr_op_linear_by (replay, inner, "lora_result", make_matrix (replay, inner, base, TRUE), HR_NO_VALUE,
                          hr_value_detach (base));
  hr_replay_drop (replay, inner);
  shifted = hr_op_unary (replay, HR_UNARY_ADD, "mag_norm_scale − 1", scale);
  first = hr_op_binary (replay, HR_BINARY_MUL, "(mag_norm_scale − 1)·base_result", shifted, base);
  hr_replay_drop (replay, shifted);
  second = hr_op_binary (replay, HR_BINARY_MUL, "mag_norm_scale·lora_result", scale, lora);
  hr_replay_assign (replay, &second, hr_op_unary (replay, HR_UNARY_MUL, "…·scaling", second));
  result = hr_op_binary (replay, HR_BINARY_ADD, "result_dora", first, second);
  hr_replay_drop (replay, second);
  hr_replay_drop (replay, first);
  hr_replay_drop (replay, lora);
  hr_replay_drop (replay, scale);

  return result;
}

/* F.linear (x, weight): what the model's own matrix makes of an input that went through a dropout. */
static HrValue
compute_base (HrReplay *replay,
              HrValue   x,
              HrValue   weight,
              HrValue   out_shape)
{
  HrValue shape = hr_value_detach (out_shape);

  shape.element = x.element;

  return hr_op_linear_by (replay, x, "base_result", weight, HR_NO_VALUE, shape);
}

/* DoraLinearVariant.forward of peft/tuners/lora/variants.py, and DoraLinearLayer.forward of dora.py beside it. */
static void
replay_dora (HrReplay            *replay,
             const HrTunedModule *tuned,
             gboolean             has_bias,
             HrValue              x,
             HrValue             *result)
{
  HrElement element = result->element;
  HrValue cast = hr_op_cast (replay, x, hr_tuning_get_element (replay->tuning));
  HrValue input = hr_replay_hold (replay, cast);
  HrValue frozen = make_matrix (replay, x, *result, FALSE);
  gboolean drops = hr_tuning_has_dropout (replay->tuning);
  HrValue cached = HR_NO_VALUE;
  guint n_nodes, n_added;
  HrValue added, base, weight, norm, sum;

  hr_op_dropout (replay, &input, drops);
  n_nodes = replay->graph != NULL ? replay->graph->n_nodes : 0;
  added = multiply_factors (replay, tuned, input, *result, &cached);
  n_added = replay->graph != NULL ? replay->graph->n_nodes : 0;
  frozen.element = replay->parameter_dtype;
  weight = hr_op_cast (replay, frozen, cast.element);
  norm = measure_rows (replay, added, *result);
  base = drops ? compute_base (replay, input, weight, *result) : hr_replay_hold (replay, *result);
  if (has_bias && !drops)
    hr_replay_assign (replay, &base, hr_op_unary (replay, HR_UNARY_ADD, "base_result − bias", base));
  hr_replay_drop (replay, cached);
  sum = combine_dora (replay, tuned, input, base, norm);
  hr_replay_drop (replay, base);
  hr_replay_drop (replay, norm);
  hr_replay_drop (replay, weight);
  hr_replay_drop (replay, added);
  hr_autograd_forget (replay, n_nodes, n_added);
  hr_replay_drop (replay, input);
  add_to_result (replay, result, sum, element);
  hr_replay_drop (replay, cast);
}

/* A trained vector as long as the last dimension of @x. */
static HrValue
make_vector (HrReplay *replay,
             HrValue   x)
{
  HrValue row = HR_SHAPE (hr_tuning_get_element (replay->tuning), x.symbols[x.n_symbols - 1]);

  row.count = x.count;
  row.divisor = x.divisor;

  return hr_autograd_added (replay, row);
}

/* result + lambda_b * F.linear (lambda_d * F.linear (x, vera_A), vera_B): peft/tuners/vera/layer.py, Linear.forward. */
static void
replay_vera (HrReplay            *replay,
             const HrTunedModule *tuned,
             HrValue              x,
             HrValue             *result)
{
  HrElement element = result->element;
  HrValue cast = hr_op_cast (replay, x, hr_tuning_get_element (replay->tuning));
  HrValue inner_shape = get_shape (cast, HR_SHAPE (cast.element), tuned->rank);
  HrValue input = hr_replay_hold (replay, cast);
  HrValue factor, inner, product;

  hr_op_dropout (replay, &input, hr_tuning_has_dropout (replay->tuning));
  factor = make_matrix (replay, cast, inner_shape, FALSE);
  inner = hr_op_linear_by (replay, input, "vera_A(x)", factor, HR_NO_VALUE, inner_shape);
  hr_replay_drop (replay, input);
  hr_replay_assign (replay, &inner,
                    hr_op_binary (replay, HR_BINARY_MUL, "lambda_d·…", make_vector (replay, inner_shape), inner));
  factor = make_matrix (replay, inner_shape, *result, FALSE);
  product = hr_op_linear_by (replay, inner, "vera_B(…)", factor, HR_NO_VALUE, hr_value_detach (*result));
  hr_replay_drop (replay, inner);
  hr_replay_assign (replay, &product,
                    hr_op_binary (replay, HR_BINARY_MUL, "lambda_b·…", make_vector (replay, *result), product));
  add_to_result (replay, result, product, element);
  hr_replay_drop (replay, cast);
}

/*
 * result += (dropout (x) @ (A * E).T @ B.T) * scaling / ranknum, in place: peft/tuners/adalora/layer.py,
 * SVDLinear.forward. The gradients of both factors that their own loss has made wait in the engine.
 */
static void
replay_adalora (HrReplay            *replay,
                const HrTunedModule *tuned,
                HrValue              x,
                HrValue             *result)
{
  HrElement element = hr_tuning_get_element (replay->tuning);
  HrValue number = hr_op_unary (replay, HR_UNARY_ADD, "ranknum",
                                hr_autograd_added (replay, HR_SHAPE (element, HR_SYMBOL_ONE)));
  HrValue cast = hr_op_cast (replay, x, element);
  HrValue inner_shape = get_shape (cast, HR_SHAPE (cast.element), tuned->rank);
  HrValue input = hr_replay_hold (replay, cast);
  HrValue values = hr_autograd_added (replay, HR_SHAPE (element, tuned->rank, HR_SYMBOL_ONE));
  HrValue factor, inner, product;

  hr_op_dropout (replay, &input, hr_tuning_has_dropout (replay->tuning));
  factor = hr_autograd_waiting (replay, make_matrix (replay, cast, inner_shape, TRUE));
  factor = hr_op_binary (replay, HR_BINARY_MUL, "lora_A·lora_E", factor, values);
  inner = hr_op_linear_by (replay, input, "x @ (lora_A·lora_E).T", factor, HR_NO_VALUE, inner_shape);
  hr_replay_drop (replay, factor);
  hr_replay_drop (replay, input);
  factor = hr_autograd_waiting (replay, make_matrix (replay, inner_shape, *result, TRUE));
  product = hr_op_linear_by (replay, inner, "… @ lora_B.T", factor, HR_NO_VALUE, hr_value_detach (*result));
  hr_replay_drop (replay, inner);
  hr_replay_assign (replay, &product, hr_op_unary (replay, HR_UNARY_MUL, "…·scaling", product));
  hr_replay_assign (replay, &product, hr_op_binary (replay, HR_BINARY_DIV, "… / ranknum", product, number));
  hr_op_add_to (replay, result, product);
  hr_replay_drop (replay, product);
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, number);
}

/* The matrix that is added to that of a linear layer, in the order of its dimensions. */
static HrValue
get_delta_shape (HrReplay *replay,
                 HrValue   x,
                 HrValue   out)
{
  return hr_value_detach (make_matrix (replay, x, out, FALSE));
}

/*
 * HadaWeight.backward of peft/tuners/loha/layer.py, without autocast: the gradient scaled, then times the one product
 * for the factors of the other, and the other way round.
 */
static void
backward_hadamard (HrReplay     *replay,
                   const HrNode *node,
                   HrValue       gradient,
                   HrValue      *gradients)
{
  HrElement element = hr_tuning_get_element (replay->tuning);
  HrValue scaled = hr_op_make_gradient (replay, "mul", gradient);
  HrValue shape = gradient;
  HrValue temp = HR_NO_VALUE;

  shape.element = element;
  for (guint i = 0; i < 2; i++)
    {
      HrValue product = hr_op_make_gradient (replay, "mm", shape);

      hr_replay_assign (replay, &temp, hr_op_make_gradient (replay, "mul", shape));
      hr_replay_drop (replay, product);
      gradients[2 * i] = hr_op_make_gradient (replay, "mm", node->inputs[2 * i]);
      gradients[2 * i + 1] = hr_op_make_gradient (replay, "mm", node->inputs[2 * i + 1]);
    }
  hr_replay_drop (replay, temp);
  hr_replay_drop (replay, scaled);
}

/* ((w1a @ w1b) * (w2a @ w2b)) * scale: HadaWeight.forward, which keeps nothing but the parameters. */
static HrValue
make_hadamard (HrReplay            *replay,
               const HrTunedModule *tuned,
               HrValue              x,
               HrValue              out)
{
  HrValue inner = get_shape (x, HR_SHAPE (x.element), tuned->rank);
  HrValue shape = get_delta_shape (replay, x, out);
  HrValue factors[4], casts[4], products[2];
  HrValue product, result;

  for (guint i = 0; i < 2; i++)
    {
      factors[2 * i] = make_matrix (replay, inner, out, TRUE);
      factors[2 * i + 1] = make_matrix (replay, x, inner, TRUE);
      for (guint j = 2 * i; j < 2 * i + 2; j++)
        casts[j] = hr_op_cast_down (replay, hr_value_detach (factors[j]));
      shape.element = hr_op_get_product_element (replay, factors[0].element);
      products[i] = hr_op_like (replay, "mm", i == 0 ? "w1a @ w1b" : "w2a @ w2b", shape);
      for (guint j = 2 * i; j < 2 * i + 2; j++)
        hr_op_drop_cast (replay, factors[j], casts[j], FALSE);
    }
  product = hr_op_like (replay, "mul", "(w1a @ w1b)·(w2a @ w2b)", shape);
  hr_replay_drop (replay, products[1]);
  hr_replay_drop (replay, products[0]);
  result = hr_op_like (replay, "mul", "diff_weight", shape);
  hr_replay_drop (replay, product);
  hr_autograd_record (replay, &result, backward_hadamard, factors, G_N_ELEMENTS (factors));

  return result;
}

/* A factor of a Kronecker product, which may be a product itself. */
static HrValue
make_kronecker_factor (HrReplay            *replay,
                       const HrTunedModule *tuned,
                       guint                index)
{
  HrElement element = hr_tuning_get_element (replay->tuning);
  HrSymbol rows = tuned->kronecker.rows[index], columns = tuned->kronecker.columns[index];
  HrValue first, second;

  if (!tuned->kronecker.is_product[index])
    return hr_autograd_added (replay, HR_SHAPE (element, rows, columns));

  first = hr_autograd_added (replay, HR_SHAPE (element, rows, tuned->rank));
  second = hr_autograd_added (replay, HR_SHAPE (element, tuned->rank, columns));

  return hr_op_linear_by (replay, first, index == 0 ? "w1_a @ w1_b" : "w2_a @ w2_b", second, HR_NO_VALUE,
                          HR_SHAPE (element, rows, columns));
}

/* torch.kron (w1, w2) * scale: LoKrLayer.get_delta_weight of peft/tuners/lokr/layer.py. */
static HrValue
make_kronecker (HrReplay            *replay,
                const HrTunedModule *tuned,
                HrValue              x,
                HrValue              out)
{
  HrValue first = make_kronecker_factor (replay, tuned, 0);
  HrValue second = make_kronecker_factor (replay, tuned, 1);
  HrValue shape = get_delta_shape (replay, x, out);
  HrValue product, result;

  shape.element = hr_element_get_bytes (first.element) > hr_element_get_bytes (second.element) ? first.element
                                                                                               : second.element;
  product = hr_op_binary_as (replay, HR_BINARY_MUL, "torch.kron(w1, w2)", first, second, shape);
  hr_replay_drop (replay, second);
  hr_replay_drop (replay, first);
  result = hr_op_unary (replay, HR_UNARY_MUL, "rebuild·scale", product);
  hr_replay_drop (replay, product);

  return result;
}

/*
 * result + F.linear (x, delta_weight), cast back to what the input was: LoHaLayer.forward and LoKrLayer.forward, and
 * _get_delta_activations of their linear layers.
 */
static void
replay_delta (HrReplay            *replay,
              const HrTunedModule *tuned,
              HrValue              x,
              HrValue             *result)
{
  HrValue delta = tuned->by == HR_TUNED_BY_LOHA ? make_hadamard (replay, tuned, x, *result)
                                                : make_kronecker (replay, tuned, x, *result);
  HrValue cast = hr_op_cast (replay, x, delta.element);
  HrValue product = hr_op_linear_by (replay, cast, "F.linear(x, delta_weight)", delta, HR_NO_VALUE,
                                     hr_value_detach (*result));

  hr_replay_drop (replay, delta);
  hr_replay_drop (replay, cast);
  add_to_result (replay, result, product, x.element);
}

/* x * (1 * ia3_l.flatten ()), cast back: peft/tuners/ia3/layer.py, Linear.forward. */
static HrValue
scale_by_vector (HrReplay *replay,
                 HrValue   x)
{
  HrValue vector = hr_op_unary (replay, HR_UNARY_MUL, "ia3_scaling", make_vector (replay, x));
  HrValue scaled, result;

  scaled = hr_op_binary (replay, HR_BINARY_MUL, "x·ia3_scaling", x, vector);
  result = hr_op_cast (replay, scaled, x.element);
  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, vector);

  return result;
}

static HrValue
scale_input (HrReplay *replay,
             HrValue   x)
{
  HrValue cast = hr_op_cast (replay, x, hr_tuning_get_element (replay->tuning));
  HrValue scaled = scale_by_vector (replay, cast);
  HrValue result = hr_op_cast (replay, scaled, x.element);

  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, cast);

  return result;
}

static gboolean
is_whole (const HrTunedModule *tuned)
{
  return tuned != NULL && tuned->by == HR_TUNED_WHOLE;
}

/*
 * hr_replay_adapter_weight:
 * @replay: a tape
 * @tuned: (nullable): what is done to a module
 * @shape: the shape of its weight
 *
 * Says that an operator uses the weight of a module. Where the module is trained whole, that is a copy of it
 * (ModulesToSaveWrapper in peft/utils/other.py).
 *
 * Returns: the parameter
 */
HrValue
hr_replay_adapter_weight (HrReplay            *replay,
                          const HrTunedModule *tuned,
                          HrValue              shape)
{
  return is_whole (tuned) ? hr_autograd_added (replay, shape) : hr_autograd_parameter (replay, shape);
}

/*
 * hr_replay_adapter_bias:
 * @replay: a tape
 * @tuned: (nullable): what is done to a module
 * @shape: the shape of its bias
 *
 * Likewise of its bias.
 *
 * Returns: the parameter
 */
HrValue
hr_replay_adapter_bias (HrReplay            *replay,
                        const HrTunedModule *tuned,
                        HrValue              shape)
{
  return is_whole (tuned) ? hr_autograd_added (replay, shape) : hr_autograd_bias (replay, shape);
}

/*
 * hr_replay_adapter_input:
 * @replay: a tape
 * @tuned: (nullable): what is done to a linear layer
 * @x: its input, which the caller holds
 *
 * What the method of fine-tuning makes of the input of a linear layer.
 *
 * Returns: the input, to be let go of
 */
HrValue
hr_replay_adapter_input (HrReplay            *replay,
                         const HrTunedModule *tuned,
                         HrValue              x)
{
  return tuned != NULL && tuned->by == HR_TUNED_BY_IA3_INPUT ? scale_input (replay, x) : hr_replay_hold (replay, x);
}

/*
 * hr_replay_adapter:
 * @replay: a tape
 * @tuned: (nullable): what is done to a linear layer
 * @x: its input, which the caller holds
 * @has_bias: whether it has a bias
 * @is_quantized: whether its matrix is quantized
 * @result: (inout): the variable that holds its output
 *
 * What the method of fine-tuning does to a linear layer, if anything.
 */
void
hr_replay_adapter (HrReplay            *replay,
                   const HrTunedModule *tuned,
                   HrValue              x,
                   gboolean             has_bias,
                   gboolean             is_quantized,
                   HrValue             *result)
{
  if (tuned == NULL)
    return;

  switch (tuned->by)
    {
    case HR_TUNED_BY_LORA:
    case HR_TUNED_BY_LORA_FA:
      if (is_quantized)
        replay_lora_beside (replay, tuned, x, result);
      else
        replay_lora (replay, tuned, x, result);
      break;

    case HR_TUNED_BY_DORA:
      replay_dora (replay, tuned, has_bias, x, result);
      break;

    case HR_TUNED_BY_VERA:
      replay_vera (replay, tuned, x, result);
      break;

    case HR_TUNED_BY_ADALORA:
      replay_adalora (replay, tuned, x, result);
      break;

    case HR_TUNED_BY_LOHA:
    case HR_TUNED_BY_LOKR:
      replay_delta (replay, tuned, x, result);
      break;

    case HR_TUNED_BY_IA3:
      hr_replay_assign (replay, result, scale_by_vector (replay, *result));
      break;

    case HR_TUNED_BY_IA3_INPUT:
    case HR_TUNED_WHOLE:
    default:
      break;
    }
}

/*
 * The gradient of a transposed parameter comes transposed as well, and is copied into the order of the parameter before
 * that takes it over (torch/csrc/autograd/functions/accumulate_grad.h, obeys_layout_contract).
 */
static void
backward_transposed (HrReplay     *replay,
                     const HrNode *node,
                     HrValue       gradient,
                     HrValue      *gradients)
{
  gradients[0] = replay->has_gradients ? hr_replay_hold (replay, gradient)
                                       : hr_op_make_gradient (replay, "copy_", gradient);
}

/*
 * hr_replay_adapter_embedding:
 * @replay: a tape
 * @tuned: (nullable): what is done to a table of embeddings
 * @ids: the rows to look up, or none where they stay anyway
 * @is_scaled: whether the module multiplies what it has looked up
 * @result: (inout): the variable that holds that
 *
 * result + (F.embedding (x, A.T) @ B.T) * scaling, cast back: peft/tuners/lora/layer.py, Embedding.forward. There is no
 * dropout.
 */
void
hr_replay_adapter_embedding (HrReplay            *replay,
                             const HrTunedModule *tuned,
                             HrValue              ids,
                             gboolean             is_scaled,
                             HrValue             *result)
{
  HrElement element = result->element;
  HrValue table, factor, inner, output;

  if (tuned == NULL || tuned->by != HR_TUNED_BY_LORA)
    return;

  factor = hr_autograd_added (replay, HR_SHAPE (hr_tuning_get_element (replay->tuning), HR_SYMBOL_VOCABULARY,
                                                tuned->rank));
  table = hr_value_detach (factor);
  hr_autograd_record (replay, &table, backward_transposed, &factor, 1);
  inner = get_shape (*result, *result, tuned->rank);
  inner.count = inner.divisor = 1;
  inner.element = factor.element;
  inner = hr_op_embedding (replay, "after_A", ids, table, hr_value_detach (inner));
  factor = make_matrix (replay, inner, *result, TRUE);
  output = hr_op_linear_by (replay, inner, "after_A @ embedding_B", factor, HR_NO_VALUE, hr_value_detach (*result));
  hr_replay_drop (replay, inner);
  hr_replay_assign (replay, &output, hr_op_unary (replay, HR_UNARY_MUL, "…·scaling", output));
  if (is_scaled)
    hr_replay_assign (replay, &output, hr_op_unary (replay, HR_UNARY_MUL, "…·embed_scale", output));
  add_to_result (replay, result, output, element);
}

/* A view of a parameter in other dimensions; where it cannot be one of its gradient, that is copied. */
static HrValue
view_factor (HrReplay  *replay,
             HrValue    factor,
             gboolean   is_permuted)
{
  HrValue view = hr_value_detach (factor);

  if (is_permuted)
    hr_op_record (replay, &view, HR_GRADIENT_LIKE_INPUT, "clone", &factor, 1);
  else
    hr_op_record (replay, &view, HR_GRADIENT_HELD, NULL, &factor, 1);

  return view;
}

/* grad.bmm (batch2ᵀ) * alpha, then batch1ᵀ.bmm (grad) * alpha (baddbmm in derivatives.yaml). */
static void
backward_fold (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  for (guint i = 0; i < node->n_inputs; i++)
    {
      HrValue shape = node->inputs[i];
      HrValue product;

      if (!hr_value_needs_gradient (shape))
        continue;
      shape.element = gradient.element;
      product = hr_op_make_gradient (replay, "bmm", shape);
      gradients[i] = hr_op_make_gradient (replay, "mul", shape);
      hr_replay_drop (replay, product);
    }
}

/* ParamWrapper.get_delta_factors: both factors of all experts, in the type of the parameter. */
static void
make_factors (HrReplay            *replay,
              const HrTunedModule *tuned,
              HrValue              weight,
              HrSymbol             in_features,
              HrValue             *factors)
{
  HrElement element = hr_tuning_get_element (replay->tuning);
  HrValue first = HR_SHAPE (element, weight.symbols[0], tuned->rank, in_features);
  HrValue second = HR_SHAPE (element, weight.symbols[0], tuned->rank,
                             in_features == weight.symbols[1] ? weight.symbols[2] : weight.symbols[1]);
  HrValue views[2];

  second.count = weight.count;
  first = tuned->by != HR_TUNED_BY_LORA_FA ? hr_autograd_added (replay, first) : first;
  second = hr_autograd_added (replay, second);
  views[1] = view_factor (replay, first, FALSE);
  views[0] = view_factor (replay, second, TRUE);
  for (guint i = 0; i < 2; i++)
    factors[i] = hr_op_cast (replay, views[i], weight.element);
}

/* Linear.get_delta_weight: B @ A * scaling, in the type of the parameter. */
static HrValue
make_product (HrReplay            *replay,
              const HrTunedModule *tuned,
              HrValue              weight)
{
  HrElement element = hr_tuning_get_element (replay->tuning);
  HrValue first = HR_SHAPE (element, tuned->rank, weight.symbols[1]);
  HrValue second = hr_autograd_added (replay, HR_SHAPE (element, weight.symbols[0], tuned->rank));
  HrValue product;

  first = tuned->by != HR_TUNED_BY_LORA_FA ? hr_autograd_added (replay, first) : first;
  product = hr_op_linear_by (replay, second, "weight_B @ weight_A", first, HR_NO_VALUE, hr_value_detach (weight));
  hr_replay_assign (replay, &product, hr_op_unary (replay, HR_UNARY_MUL, "…·scaling", product));
  hr_replay_assign (replay, &product, hr_op_cast (replay, product, weight.element));

  return product;
}

/*
 * hr_replay_adapter_enter:
 * @replay: a tape
 * @module: which module of the block that runs has the parameter
 * @weight: the parameter, one matrix or one for each expert, [out, in]
 * @in_features: the symbol of the inputs of each matrix
 * @adapted: (out): what is done to it, if anything
 *
 * Begins a module with a parameter that is adapted: the sum is computed once, to see that it has the shape and the type
 * of the parameter, and thrown away (ParametrizationList.__init__ in torch/nn/utils/parametrize.py;
 * ParamWrapper._activate_lora in peft/tuners/lora/layer.py).
 */
void
hr_replay_adapter_enter (HrReplay        *replay,
                         HrModule         module,
                         HrValue          weight,
                         HrSymbol         in_features,
                         HrAdaptedWeight *adapted)
{
  *adapted = (HrAdaptedWeight) {
    .tuned = hr_tuning_find (replay->tuning, replay->block, module, replay->layer),
    .factors = { HR_NO_VALUE, HR_NO_VALUE }, .folded = HR_NO_VALUE,
  };
  if (adapted->tuned == NULL)
    return;

  if (weight.n_symbols > 2)
    make_factors (replay, adapted->tuned, weight, in_features, adapted->factors);
  else
    adapted->factors[0] = make_product (replay, adapted->tuned, weight);
  hr_replay_drop (replay, hr_op_like (replay, "baddbmm", "W + scaling·lhs @ rhs", hr_value_detach (weight)));
}

/*
 * hr_replay_adapter_fold:
 * @replay: a tape
 * @weight: a parameter that hr_replay_adapter_enter() was called for
 * @adapted: what is done to it
 *
 * Computes the sum when the module reads its parameter. Autocast is not asked.
 *
 * Returns: the sum, or @weight itself where nothing is done to it; @adapted holds it
 */
HrValue
hr_replay_adapter_fold (HrReplay        *replay,
                        HrValue          weight,
                        HrAdaptedWeight *adapted)
{
  const HrValue *factors = adapted->factors;

  if (adapted->tuned == NULL)
    return hr_autograd_parameter (replay, weight);

  if (weight.n_symbols == 2)
    {
      adapted->folded = hr_op_binary (replay, HR_BINARY_ADD, "W + delta_weight", hr_value_detach (weight), factors[0]);
      return adapted->folded;
    }

  adapted->folded = hr_op_like (replay, "baddbmm", "W + scaling·lhs @ rhs", hr_value_detach (weight));
  if (hr_autograd_record (replay, &adapted->folded, backward_fold, factors, 2))
    {
      hr_autograd_save (replay, adapted->folded, hr_value_needs_gradient (factors[0]) ? factors[1] : HR_NO_VALUE);
      hr_autograd_save (replay, adapted->folded, hr_value_needs_gradient (factors[1]) ? factors[0] : HR_NO_VALUE);
    }

  return adapted->folded;
}

/*
 * hr_replay_adapter_leave:
 * @replay: a tape
 * @adapted: what is done to a parameter
 *
 * The module has run: what has been computed of its parameter goes.
 */
void
hr_replay_adapter_leave (HrReplay        *replay,
                         HrAdaptedWeight *adapted)
{
  hr_replay_drop (replay, adapted->folded);
  for (guint i = 0; i < G_N_ELEMENTS (adapted->factors); i++)
    hr_replay_drop (replay, adapted->factors[i]);
}
