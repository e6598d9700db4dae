/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-expanded.h"

#include "hr-operator.h"

/*
 * Matrices of GPTQ and AWQ that adapters are trained beside: GPTQModel 7.3 with backend auto_trainable, as its fastest
 * kernels have no derivative (SUPPORTS_TRAINING in gptqmodel/nn_modules/qlinear). Each expands the matrix.
 */

/* A matrix in the type that it is multiplied in. */
static HrValue
expand (HrReplay  *replay,
        HrValue    weight,
        HrElement  element)
{
  weight.element = element;

  return hr_op_like (replay, "dequantize", "dequantized weight", weight);
}

/*
 * TorchLinear._forward_eager of gptqmodel/nn_modules/qlinear/torch.py, which TritonV2Linear runs in training as well:
 * the compiled function that expands the matrix makes nothing else, and torch's product keeps it for its derivative.
 */
static HrValue
multiply_and_keep (HrReplay   *replay,
                   HrValue     x,
                   const char *name,
                   HrValue     weight,
                   HrValue     out)
{
  HrValue expanded = expand (replay, weight, replay->quantized_dtype);
  HrValue result;

  hr_replay_assign (replay, &expanded, hr_op_cast (replay, expanded, x.element));
  result = hr_op_linear_by (replay, x, name, expanded, HR_NO_VALUE, out);
  hr_replay_drop (replay, expanded);

  return result;
}

/* input @ W.t (), the matrix expanded once more in the type of the gradient: QuantLinearFunction.backward. */
static void
backward_anew (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  HrValue expanded = expand (replay, node->inputs[1], gradient.element);
  HrValue cast_matrix = hr_op_cast_down (replay, expanded);
  HrValue cast = hr_op_cast_down (replay, gradient);
  HrValue shape = node->inputs[0];

  shape.element = cast.element;
  gradients[0] = hr_op_make_gradient (replay, "mm", shape);
  gradients[0].is_view = TRUE;
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, cast_matrix);
  hr_replay_drop (replay, expanded);
}

/*
 * QuantLinearFunction of auto_gptq/nn_modules/triton_utils/dequant.py, which GPTQModel has kept in
 * gptqmodel/nn_modules/triton_utils/dequant.py: nothing of it is kept, and autocast is as in the forward pass.
 */
static HrValue
multiply_anew (HrReplay   *replay,
               HrValue     x,
               const char *name,
               HrValue     weight,
               HrValue     out)
{
  HrValue inputs[2] = { x, weight };
  HrValue expanded = expand (replay, weight, x.element);
  HrValue cast_matrix = hr_op_cast_down (replay, expanded);
  HrValue cast = hr_op_cast_down (replay, hr_value_detach (x));
  HrValue product, result;

  out.element = cast.element;
  product = hr_op_like (replay, "mm", name, out);
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, cast_matrix);
  hr_replay_drop (replay, expanded);
  hr_autograd_record (replay, &product, backward_anew, inputs, G_N_ELEMENTS (inputs));
  result = hr_op_cast (replay, product, x.element);
  hr_replay_drop (replay, product);

  return result;
}

/*
 * hr_replay_expanded_gptq:
 * @replay: a tape
 * @x: the input
 * @name: the variable that the result is for
 * @weight: the shape of the matrix
 * @out: the shape of the result
 *
 * A linear layer of GPTQ that gradients flow through.
 *
 * Returns: the result
 */
HrValue
hr_replay_expanded_gptq (HrReplay   *replay,
                         HrValue     x,
                         const char *name,
                         HrValue     weight,
                         HrValue     out)
{
  return replay->expands_anew ? multiply_anew (replay, x, name, weight, out)
                              : multiply_and_keep (replay, x, name, weight, out);
}

/*
 * AwqGemmFn.backward of gptqmodel/nn_modules/qlinear/gemm_awq.py: the expanded matrix is copied for each sequence of
 * the batch, `weights.transpose (0, 1).unsqueeze (0).repeat (batch_size, 1, 1)`.
 */
static void
backward_awq (HrReplay     *replay,
              const HrNode *node,
              HrValue       gradient,
              HrValue      *gradients)
{
  HrValue expanded = expand (replay, node->inputs[1], node->inputs[0].element);
  HrValue shape = node->inputs[0];
  HrValue copies = node->inputs[1];
  HrValue weights = hr_op_cast (replay, expanded, gradient.element);
  HrValue repeated;

  hr_replay_drop (replay, expanded);
  copies.element = gradient.element;
  copies.symbols[copies.n_symbols++] = HR_SYMBOL_BATCH;
  repeated = hr_op_make_gradient (replay, "repeat", copies);
  shape.element = gradient.element;
  gradients[0] = hr_op_make_gradient (replay, "bmm", shape);
  hr_replay_drop (replay, repeated);
  hr_replay_drop (replay, weights);
}

/* Above so many rows the matrix is expanded; below, a kernel adds up eight parts of the sum in fp32. */
#define MAX_KERNEL_ROWS 1024
#define N_PARTS 8

static HrValue
multiply_awq (HrReplay   *replay,
              HrValue     x,
              const char *name,
              HrValue     weight,
              HrValue     out)
{
  HrValue rows = x;
  HrValue expanded, cast_matrix, cast, result;

  rows.n_symbols--;
  rows.count = rows.divisor = 1;
  if (hr_value_get_elements (rows, replay->symbols) <= MAX_KERNEL_ROWS)
    {
      HrValue parts = out;

      parts.element = HR_ELEMENT_FLOAT32;
      parts.count *= N_PARTS;
      parts = hr_op_like (replay, "gemm_forward", "out_feats", parts);
      out.element = x.element;
      result = hr_op_like (replay, "gemm_forward", name, out);
      hr_replay_drop (replay, parts);
      return result;
    }

  expanded = expand (replay, weight, x.element);
  cast_matrix = hr_op_cast_down (replay, expanded);
  cast = hr_op_cast_down (replay, x);
  out.element = cast.element;
  result = hr_op_like (replay, "mm", name, out);
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, cast_matrix);
  hr_replay_drop (replay, expanded);

  return result;
}

/*
 * hr_replay_expanded_awq:
 * @replay: a tape
 * @x: the input
 * @name: the variable that the result is for
 * @weight: the shape of the matrix
 * @out: the shape of the result
 * @has_bias: whether it has a bias
 *
 * A linear layer of AWQ that gradients flow through: AwqGEMMLinear, which computes in the 16 bits of its input, in fp16
 * where that has more, and keeps the input.
 *
 * Returns: the result
 */
HrValue
hr_replay_expanded_awq (HrReplay   *replay,
                        HrValue     x,
                        const char *name,
                        HrValue     weight,
                        HrValue     out,
                        gboolean    has_bias)
{
  HrElement element = hr_element_get_bytes (x.element) > sizeof (guint16) ? HR_ELEMENT_FLOAT16 : x.element;
  HrValue inputs[2] = { hr_op_cast (replay, x, element), weight };
  HrValue product = multiply_awq (replay, hr_value_detach (inputs[0]), name, weight, hr_value_detach (out));
  HrValue result;

  if (has_bias)
    hr_replay_assign (replay, &product, hr_op_like (replay, "add", name, product));
  if (hr_autograd_record (replay, &product, backward_awq, inputs, G_N_ELEMENTS (inputs)))
    hr_autograd_save (replay, product, inputs[0]);
  hr_replay_drop (replay, inputs[0]);
  result = hr_op_cast (replay, product, x.element);
  hr_replay_drop (replay, product);

  return result;
}
