/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-engine.h"

#include "hr-operator.h"

/*
 * Linear of Transformer Engine, transformer_engine/pytorch/module/linear.py, with one scale for a tensor. Its kernels
 * were not run: what is made is what its code asks the allocator for (Float8Quantizer and
 * Float8CurrentScalingQuantizer::create_tensor of transformer_engine/pytorch/csrc/quantizer.cpp), on a GPU whose
 * products need both factors in the order of the sum (Ada, Hopper), so that what is used along both dimensions is held
 * twice. What kernels take for a sum over blocks of tokens is not known, and left out.
 */

/* Where the input is among what is saved. */
#define SAVED_INPUT 0

/* A tensor in fp8: as it is, transposed, and the inverse of its scale. */
typedef struct
{
  HrValue data;
  HrValue transposed;
  HrValue scale;
} Quantized;

static Quantized
quantize (HrReplay *replay,
          HrValue   x,
          gboolean  is_transposed)
{
  Quantized quantized = { .transposed = HR_NO_VALUE };
  HrValue shape = hr_value_detach (x);

  shape.element = HR_ELEMENT_FLOAT8;
  quantized.data = hr_op_like (replay, "quantize", "data", shape);
  if (is_transposed)
    quantized.transposed = hr_op_like (replay, "quantize", "data_transpose", shape);
  quantized.scale = hr_op_like (replay, "quantize", "scale_inv", HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_ONE));

  return quantized;
}

static void
drop_quantized (HrReplay        *replay,
                const Quantized *quantized)
{
  hr_replay_drop (replay, quantized->data);
  hr_replay_drop (replay, quantized->transposed);
  hr_replay_drop (replay, quantized->scale);
}

/*
 * What the input was cast to goes as soon as the gradient of the weight is there (clear_tensor_data ()). Gradients come
 * in the type that is computed in; the engine casts them to those of the inputs, that of the weight first, once the
 * function has returned (validate_outputs of torch/csrc/autograd/engine.cpp).
 */
static void
backward_engine (HrReplay     *replay,
                 const HrNode *node,
                 HrValue       gradient,
                 HrValue      *gradients)
{
  static const guint order[] = { 1, 0, 2 };
  Quantized quantized;

  if (hr_value_needs_gradient (node->inputs[2]))
    {
      HrValue shape = node->inputs[2];

      shape.element = gradient.element;
      gradients[2] = hr_op_make_gradient (replay, "bgrad_quantize", shape);
    }
  quantized = quantize (replay, gradient, hr_value_needs_gradient (node->inputs[1]));
  for (guint i = 0; i < 2; i++)
    {
      HrValue shape = node->inputs[i];

      shape.element = gradient.element;
      if (hr_value_needs_gradient (shape))
        gradients[i] = hr_op_make_gradient (replay, "generic_gemm", shape);
    }
  if (hr_value_needs_gradient (node->inputs[1]))
    hr_autograd_let_go (replay, node, node->saved[SAVED_INPUT]);
  drop_quantized (replay, &quantized);
  hr_autograd_let_go (replay, node, gradient);
  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    {
      if (hr_value_needs_gradient (node->inputs[order[i]]))
        hr_replay_assign (replay, &gradients[order[i]],
                          hr_op_cast (replay, gradients[order[i]], node->inputs[order[i]].element));
    }
  gradients[0].is_view = TRUE;
}

/*
 * hr_replay_engine_linear:
 * @replay: a tape
 * @x: the input
 * @name: the variable that the result is for
 * @weight: the matrix, from hr_autograd_parameter()
 * @bias: the bias, likewise, or none; it goes into the product
 * @out: the shape of the result
 *
 * A linear layer of Transformer Engine. Input and weight are cast to fp8 from whatever they are in, and kept so: the
 * input transposed alone, the weight both ways, as nobody says which micro-batch is the first of a step.
 *
 * Returns: the result
 */
HrValue
hr_replay_engine_linear (HrReplay   *replay,
                         HrValue     x,
                         const char *name,
                         HrValue     weight,
                         HrValue     bias,
                         HrValue     out)
{
  const HrValue inputs[3] = { x, weight, bias };
  gboolean keeps_input = hr_value_needs_gradient (weight);
  Quantized input, matrix;
  HrValue addend, result;

  input = quantize (replay, x, keeps_input);
  matrix = quantize (replay, weight, hr_value_needs_gradient (x));
  out = hr_value_detach (out);
  out.element = hr_op_get_product_element (replay, x.element);
  addend = hr_op_cast (replay, hr_value_detach (bias), out.element);
  result = hr_op_like (replay, "generic_gemm", name, out);
  hr_replay_assign (replay, &input.data, HR_NO_VALUE);
  if (hr_autograd_record (replay, &result, backward_engine, inputs, G_N_ELEMENTS (inputs)))
    {
      hr_autograd_save (replay, result, input.transposed);
      hr_autograd_save (replay, result, keeps_input ? input.scale : HR_NO_VALUE);
      hr_autograd_save (replay, result, matrix.data);
      hr_autograd_save (replay, result, matrix.transposed);
      hr_autograd_save (replay, result, matrix.scale);
    }
  hr_replay_drop (replay, addend);
  drop_quantized (replay, &matrix);
  drop_quantized (replay, &input);

  return result;
}
