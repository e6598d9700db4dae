/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-int8.h"

#include "hr-operator.h"

/*
 * LLM.int8() of bitsandbytes 0.50: MatMul8bitLt of bitsandbytes/autograd/_functions.py, and what its operators make in
 * bitsandbytes/backends/cuda/ops.py and backends/default/ops.py.
 */

/*
 * Features whose values are larger than the threshold are multiplied in the type of the input. Which there are depends
 * on the text; there were never more than seven (Dettmers et al., arXiv:2208.07339, section 3.2). The numbers of the
 * columns themselves, 512 bytes a module, are left out.
 */
#define N_OUTLIERS 7

static HrValue
get_rows (HrValue   x,
          HrElement element)
{
  x.element = element;
  x.n_symbols--;
  x.count = x.divisor = 1;

  return x;
}

/* int8_vectorwise_quant: int8 with a scale for each row; the larger values are looked for in copies. */
static HrValue
quantize_input (HrReplay *replay,
                HrValue   x,
                HrValue  *scales)
{
  HrValue half = hr_op_cast (replay, x, HR_ELEMENT_FLOAT16);
  HrValue shape = x;
  HrValue quantized;

  *scales = hr_op_like (replay, "int8_vectorwise_quant", "SCA", get_rows (x, HR_ELEMENT_FLOAT32));
  shape.element = HR_ELEMENT_INT8;
  quantized = hr_op_like (replay, "int8_vectorwise_quant", "CA", shape);
  if (replay->splits_outliers)
    {
      HrValue magnitude = hr_op_like (replay, "abs", "A.abs()", half);
      HrValue mask;

      shape.element = HR_ELEMENT_BOOL;
      mask = hr_op_like (replay, "ge", "outliers", shape);
      hr_replay_drop (replay, magnitude);
      hr_replay_drop (replay, mask);
    }
  hr_replay_drop (replay, half);

  return quantized;
}

/* int8_scaled_mm: a product in int32, scaled to fp16 and cast to the type of the input. */
static HrValue
multiply (HrReplay   *replay,
          const char *name,
          HrValue     out,
          HrElement   element)
{
  HrValue accumulated, scaled, result;

  out.element = HR_ELEMENT_INT32;
  accumulated = hr_op_like (replay, "int8_linear_matmul", "out_i32", out);
  out.element = HR_ELEMENT_FLOAT16;
  scaled = hr_op_like (replay, "int8_mm_dequant", name, out);
  result = hr_op_cast (replay, scaled, element);
  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, accumulated);

  return result;
}

/* The columns of the matrix that belong to outliers, expanded: int8_vectorwise_dequant. */
static HrValue
expand_columns (HrReplay  *replay,
                HrValue    out,
                HrElement  element)
{
  HrValue shape = HR_SHAPE (HR_ELEMENT_FLOAT32, out.symbols[out.n_symbols - 1]);
  HrValue scaled, expanded, columns;

  shape.count = out.count * N_OUTLIERS;
  scaled = hr_op_like (replay, "mul", "A · stats", shape);
  expanded = hr_op_like (replay, "mul", "CB[:, outlier_cols]", shape);
  hr_replay_drop (replay, scaled);
  columns = hr_op_cast (replay, expanded, element);
  hr_replay_drop (replay, expanded);

  return columns;
}

/* output.addmm (subA, subB), which autocast computes in the lower precision. */
static HrValue
add_outliers (HrReplay *replay,
              HrValue   output,
              HrValue   inputs,
              HrValue   columns)
{
  HrValue cast_columns = hr_op_cast_down (replay, columns);
  HrValue cast_inputs = hr_op_cast_down (replay, inputs);
  HrValue cast = hr_op_cast_down (replay, output);
  HrValue sum = hr_op_like (replay, "addmm", "output", cast);

  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, cast_inputs);
  hr_replay_drop (replay, cast_columns);

  return sum;
}

/* int8_mixed_scaled_mm, where outliers are looked for, and int8_scaled_mm alone otherwise. */
static HrValue
run_product (HrReplay   *replay,
             HrValue     x,
             const char *name,
             HrValue     out,
             HrValue    *outliers)
{
  HrValue scales, quantized, columns, result;

  quantized = quantize_input (replay, x, &scales);
  if (replay->splits_outliers)
    {
      *outliers = get_rows (x, x.element);
      outliers->count = N_OUTLIERS;
      *outliers = hr_op_like (replay, "index", "subA", *outliers);
      columns = expand_columns (replay, out, x.element);
      result = multiply (replay, name, out, x.element);
      hr_replay_assign (replay, &result, add_outliers (replay, result, *outliers, columns));
      hr_replay_drop (replay, columns);
    }
  else
    {
      *outliers = HR_NO_VALUE;
      result = multiply (replay, name, out, x.element);
    }
  hr_replay_drop (replay, scales);
  hr_replay_drop (replay, quantized);

  return result;
}

/* grad_output.to (dtype_A) @ (CB.to (dtype_A) * SCB / 127): the matrix is expanded, nothing that was kept is used. */
static void
backward_int8 (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  HrValue weight = hr_op_make_gradient (replay, "_to_copy", node->inputs[1]);
  HrValue scales, cast;

  scales = hr_op_make_gradient (replay, "mul", HR_SHAPE (HR_ELEMENT_FLOAT32, node->inputs[1].symbols[0]));
  hr_replay_drop (replay, scales);
  cast = hr_op_cast (replay, gradient, node->inputs[0].element);
  gradients[0] = hr_op_make_gradient (replay, "mm", node->inputs[0]);
  gradients[0].is_view = TRUE;
  hr_replay_drop (replay, cast);
  hr_replay_drop (replay, weight);
}

/*
 * hr_replay_int8_linear:
 * @replay: a tape
 * @x: the input
 * @name: the variable that the result is for
 * @weight: the shape of the matrix
 * @out: the shape of the result
 *
 * A linear layer whose matrix is held in int8 (Linear8bitLt). The input is put away as an attribute of the context, not
 * by save_for_backward(): it stays as long as the graph does, also where the layer is computed anew.
 *
 * Returns: the result, in the type of the input, or in that of autocast where there are outliers
 */
HrValue
hr_replay_int8_linear (HrReplay   *replay,
                       HrValue     x,
                       const char *name,
                       HrValue     weight,
                       HrValue     out)
{
  HrValue inputs[2] = { x, weight };
  HrValue outliers, result;

  inputs[1].element = x.element;
  result = run_product (replay, hr_value_detach (x), name, hr_value_detach (out), &outliers);
  if (hr_autograd_record (replay, &result, backward_int8, inputs, G_N_ELEMENTS (inputs)))
    {
      hr_autograd_hold (replay, x);
      hr_autograd_hold (replay, outliers);
    }
  hr_replay_drop (replay, outliers);

  return result;
}
