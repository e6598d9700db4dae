/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-float8.h"

#include "hr-float8.h"
#include "hr-operator.h"

/*
 * Float8Linear of torchao/float8/float8_linear.py, operator by operator, as it runs without torch.compile: its function
 * (matmul_with_hp_or_float8_args) keeps the input and the weight as they are, and casts them anew in the backward pass.
 */

/* What _scaled_mm sums over comes in so many. */
#define MULTIPLE 16

/* What a factor of a product is once it has been cast: its numbers, and their scale or scales. */
typedef struct
{
  HrValue data;
  HrValue scale;
  gboolean is_rowwise;
  gboolean is_strided;   /* whether it has to be copied, as the kernel reads the other order of dimensions */
} Factor;

/* The sizes that a product sums over, of both of its factors. */
typedef enum
{
  INNER_FEATURES,
  INNER_TOKENS,
} Inner;

/* One number for the whole tensor. */
static HrValue
get_one (void)
{
  return HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_ONE);
}

/* One number for each token. */
static HrValue
get_rows (HrValue x)
{
  x.n_symbols--;
  x.count = x.divisor = 1;
  x.element = HR_ELEMENT_FLOAT32;

  return hr_value_detach (x);
}

/* One number for each feature. */
static HrValue
get_columns (HrValue x)
{
  HrValue shape = HR_SHAPE (HR_ELEMENT_FLOAT32, x.symbols[x.n_symbols - 1]);

  shape.count = x.count;
  shape.divisor = x.divisor;

  return shape;
}

/*
 * hp_tensor_to_float8_dynamic of torchao/float8/float8_scaling_utils.py: the largest magnitude, then the tensor in
 * fp32 times the scale, clamp and to (float8), whose results the frames of the functions hold to the end. What the
 * scale is made of is never alive with these.
 */
static Factor
cast_factor (HrReplay *replay,
             HrValue   x,
             HrValue   scale,
             gboolean  is_rowwise)
{
  Factor factor = { .is_rowwise = is_rowwise };
  HrValue shape = hr_value_detach (x);
  HrValue magnitudes, largest, wide, scaled, clamped;

  magnitudes = hr_op_like (replay, "abs", "abs(x)", shape);
  scale.element = x.element;
  largest = hr_op_like (replay, is_rowwise ? "amax" : "max", "amax", scale);
  hr_replay_drop (replay, magnitudes);
  hr_replay_drop (replay, largest);
  scale.element = HR_ELEMENT_FLOAT32;
  factor.scale = hr_op_like (replay, "_to_copy", "scale", scale);
  wide = hr_op_cast (replay, hr_value_detach (x), HR_ELEMENT_FLOAT32);
  shape.element = HR_ELEMENT_FLOAT32;
  scaled = hr_op_like (replay, "mul", "tensor_scaled", shape);
  hr_replay_drop (replay, wide);
  clamped = hr_op_like (replay, "clamp", "x", shape);
  shape.element = HR_ELEMENT_FLOAT8;
  factor.data = hr_op_like (replay, "_to_copy", "bits_fp8", shape);
  hr_replay_drop (replay, clamped);
  hr_replay_drop (replay, scaled);

  return factor;
}

static void
drop_factor (HrReplay     *replay,
             const Factor *factor)
{
  hr_replay_drop (replay, factor->data);
  hr_replay_drop (replay, factor->scale);
}

/* Tokens, rounded up to whole sixteens: whether there are fewer. */
static gboolean
pad_tokens (HrReplay *replay,
            HrValue  *shape)
{
  HrValue columns = get_columns (*shape);
  guint64 n_features = MAX (hr_value_get_elements (columns, replay->symbols), 1);
  guint64 n_tokens = hr_value_get_elements (*shape, replay->symbols) / n_features;
  guint64 n_padded = (n_tokens + MULTIPLE - 1) / MULTIPLE * MULTIPLE;

  if (n_padded == n_tokens)
    return FALSE;

  replay->symbols[HR_SYMBOL_TOKENS_16] = n_padded;
  columns.symbols[columns.n_symbols++] = HR_SYMBOL_TOKENS_16;
  columns.element = shape->element;
  *shape = columns;

  return TRUE;
}

/*
 * preprocess_addmm of torchao/float8/float8_ops.py: padded, which copies what is long enough as well (constant_pad_nd
 * of aten/src/ATen/native/PadNd.cpp), then copied where the order of dimensions is not that of the kernel. What is made
 * longer has its rows one after the other, as the first factor needs them.
 */
static HrValue
prepare_factor (HrReplay     *replay,
                const Factor *factor,
                Inner         inner,
                gboolean      is_first)
{
  HrValue shape = hr_value_detach (factor->data);
  gboolean is_longer = FALSE;
  HrValue padded = HR_NO_VALUE;
  HrValue copy;

  if (hr_float8_get_pads (replay->float8))
    {
      is_longer = inner == INNER_TOKENS && pad_tokens (replay, &shape);
      padded = hr_op_like (replay, "constant_pad_nd", "padded", shape);
    }
  if (!factor->is_strided || (is_longer && is_first))
    return padded;

  copy = hr_op_like (replay, "clone", "contiguous", shape);
  hr_replay_drop (replay, padded);

  return copy;
}

/*
 * addmm_float8_unwrapped of torchao/float8/float8_ops.py. Products of rows that have scales of their own are scaled
 * afterwards, where they are not summed up fast, by a tensor of all pairs of scales; they come in bfloat16.
 */
static HrValue
multiply (HrReplay     *replay,
          const char   *name,
          const Factor *a,
          const Factor *b,
          Inner         inner,
          HrValue       out,
          gboolean      is_fast)
{
  gboolean is_rowwise = a->is_rowwise || b->is_rowwise;
  HrElement element = out.element;
  HrValue first = prepare_factor (replay, a, inner, TRUE);
  HrValue second = prepare_factor (replay, b, inner, FALSE);
  HrValue repeated = HR_NO_VALUE, scales = HR_NO_VALUE;
  HrValue inverse[2], product, result;

  inverse[0] = hr_value_detach (a->scale);
  inverse[1] = hr_value_detach (b->scale);
  if (is_rowwise && !b->is_rowwise)
    {
      inverse[1] = get_columns (out);
      repeated = hr_op_like (replay, "repeat", "b_scale", inverse[1]);
    }
  for (guint i = 0; i < 2; i++)
    inverse[i] = hr_op_like (replay, "reciprocal", "inverse_scale", inverse[i]);
  out = hr_value_detach (out);
  if (is_rowwise && !is_fast)
    {
      out.element = HR_ELEMENT_FLOAT32;
      scales = hr_op_like (replay, "mul", "post_inverse_scale", out);
      for (guint i = 0; i < 2; i++)
        hr_replay_assign (replay, &inverse[i], hr_op_like (replay, "new_ones", "inverse_scale",
                                                           get_one ()));
    }
  out.element = is_rowwise && element != HR_ELEMENT_BFLOAT16 ? HR_ELEMENT_BFLOAT16 : element;
  product = hr_op_like (replay, "_scaled_mm", name, out);
  result = hr_op_cast (replay, product, element);
  hr_replay_drop (replay, product);
  hr_replay_drop (replay, scales);
  hr_replay_drop (replay, inverse[0]);
  hr_replay_drop (replay, inverse[1]);
  hr_replay_drop (replay, repeated);
  hr_replay_drop (replay, second);
  hr_replay_drop (replay, first);

  return result;
}

/*
 * grad_output.t () @ input, of what has been cast once more, or of what has not been cast at all; in the type of the
 * gradient.
 */
static HrValue
make_weight_gradient (HrReplay *replay,
                      HrValue   x,
                      HrValue   weight,
                      HrValue   gradient)
{
  HrFp8Recipe recipe = hr_float8_get_recipe (replay->float8);
  gboolean is_rowwise = recipe == HR_FP8_RECIPE_ROWWISE;
  Factor a, b;
  HrValue result;

  weight.element = gradient.element;
  if (recipe == HR_FP8_RECIPE_ROWWISE_WITH_GW_HP)
    return hr_op_make_gradient (replay, "mm", weight);

  a = cast_factor (replay, gradient, is_rowwise ? get_columns (gradient) : get_one (), is_rowwise);
  b = cast_factor (replay, x, is_rowwise ? get_columns (x) : get_one (), is_rowwise);
  a.is_strided = b.is_strided = TRUE;
  result = multiply (replay, "gradient", &a, &b, INNER_TOKENS, weight, FALSE);
  drop_factor (replay, &b);
  drop_factor (replay, &a);

  return result;
}

/*
 * Both gradients are computed, whether or not they are needed, while what the first was made of is still there. The
 * engine casts that of the weight to the type of the weight (validate_outputs of torch/csrc/autograd/engine.cpp).
 */
static void
backward_float8 (HrReplay     *replay,
                 const HrNode *node,
                 HrValue       gradient,
                 HrValue      *gradients)
{
  HrFp8Recipe recipe = hr_float8_get_recipe (replay->float8);
  HrValue x = node->inputs[0], weight = node->inputs[1];
  gboolean is_rowwise = recipe != HR_FP8_RECIPE_TENSORWISE;
  gboolean by_rows = recipe == HR_FP8_RECIPE_ROWWISE;
  HrValue shape = x;
  Factor a, b;

  a = cast_factor (replay, gradient, is_rowwise ? get_rows (gradient) : get_one (), is_rowwise);
  b = cast_factor (replay, weight, by_rows ? get_columns (x) : get_one (), by_rows);
  b.is_strided = TRUE;
  shape.element = gradient.element;
  gradients[0] = multiply (replay, "gradient", &a, &b, INNER_FEATURES, shape, FALSE);
  gradients[1] = make_weight_gradient (replay, x, weight, gradient);
  drop_factor (replay, &b);
  drop_factor (replay, &a);
  hr_autograd_let_go (replay, node, gradient);
  hr_replay_assign (replay, &gradients[1], hr_op_cast (replay, gradients[1], weight.element));
  for (guint i = 0; i < 2; i++)
    {
      gradients[i].is_view = TRUE;
      if (!hr_value_needs_gradient (node->inputs[i]))
        hr_replay_assign (replay, &gradients[i], HR_NO_VALUE);
    }
}

/*
 * hr_replay_float8_linear:
 * @replay: a tape
 * @x: the input
 * @name: the variable that the result is for
 * @weight: the matrix, from hr_autograd_parameter()
 * @bias: the bias, likewise, or none
 * @out: the shape of the result
 *
 * A linear layer that computes in fp8. Under autocast the input is cast, the matrix is not; the bias is added to the
 * product.
 *
 * Returns: the result
 */
HrValue
hr_replay_float8_linear (HrReplay   *replay,
                         HrValue     x,
                         const char *name,
                         HrValue     weight,
                         HrValue     bias,
                         HrValue     out)
{
  gboolean is_rowwise = hr_float8_get_recipe (replay->float8) != HR_FP8_RECIPE_TENSORWISE;
  HrValue inputs[2] = { hr_op_cast_down (replay, x), weight };
  HrValue result, addend;
  Factor a, b;

  a = cast_factor (replay, inputs[0], is_rowwise ? get_rows (x) : get_one (), is_rowwise);
  b = cast_factor (replay, weight, is_rowwise ? get_columns (out) : get_one (), is_rowwise);
  out.element = inputs[0].element;
  result = multiply (replay, name, &a, &b, INNER_FEATURES, hr_value_detach (out), TRUE);
  drop_factor (replay, &b);
  drop_factor (replay, &a);
  if (hr_autograd_record (replay, &result, backward_float8, inputs, G_N_ELEMENTS (inputs)))
    {
      hr_autograd_save (replay, result, inputs[0]);
      hr_autograd_save (replay, result, weight);
    }
  hr_replay_drop (replay, inputs[0]);
  if (bias.n_symbols == 0)
    return result;

  addend = hr_op_cast (replay, bias, result.element);
  hr_replay_assign (replay, &result, hr_op_binary (replay, HR_BINARY_ADD, name, result, addend));
  hr_replay_drop (replay, addend);

  return result;
}
