/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-quantization-format.h"

#include "hr-operator.h"
#include "hr-replay-expanded.h"
#include "hr-replay-int8.h"

static HrValue
replay_dequantized (HrReplay   *replay,
                    HrValue     x,
                    HrValue     out,
                    const char *name)
{
  HrValue weight = HR_SHAPE (replay->dtype, out.symbols[out.n_symbols - 1], x.symbols[x.n_symbols - 1]);
  HrValue dequantized, result;

  weight.count = out.count;
  dequantized = hr_replay_make (replay, "dequantize", "dequantized weight", HR_COMPONENT_TEMPORARY, weight);
  result = hr_op_like (replay, "mm", name, out);
  hr_replay_drop (replay, dequantized);

  return result;
}

/* The input in fp8 with a scale for each 128 elements (transformers/integrations/finegrained_fp8.py, act_quant). */
static HrValue
replay_fp8 (HrReplay   *replay,
            HrValue     x,
            HrValue     out,
            const char *name)
{
  HrValue shape = x, groups = x;
  HrValue quantized, scales, result;

  shape.element = HR_ELEMENT_INT8;
  quantized = hr_replay_make (replay, "act_quant", "quantized input", HR_COMPONENT_TEMPORARY, shape);
  groups.element = HR_ELEMENT_FLOAT32;
  groups.divisor = 128;
  scales = hr_replay_make (replay, "act_quant", "group scales", HR_COMPONENT_TEMPORARY, groups);
  result = hr_op_like (replay, "w8a8_block_fp8_matmul", name, out);
  hr_replay_drop (replay, scales);
  hr_replay_drop (replay, quantized);

  return result;
}

static HrValue
get_weight_shape (HrElement element,
                  HrValue   x,
                  HrValue   out)
{
  HrValue weight = HR_SHAPE (element, out.symbols[out.n_symbols - 1], x.symbols[x.n_symbols - 1]);

  weight.count = out.count * x.count;
  weight.divisor = x.divisor;

  return weight;
}

/*
 * dequantize_4bit (bitsandbytes/functional.py): where the scales of the blocks of 64 elements are quantized themselves,
 * they are expanded first, and go when the matrix is there.
 */
static HrValue
expand_4bit (HrReplay *replay,
             HrValue   weight)
{
  HrValue scales = weight;
  HrValue result;

  scales.element = HR_ELEMENT_FLOAT32;
  scales.divisor *= 64;
  if (replay->quantization == HR_QUANTIZATION_BNB_NF4_DQ || replay->quantization == HR_QUANTIZATION_BNB_FP4_DQ)
    scales = hr_replay_make (replay, "dequantize_blockwise", "absmax", HR_COMPONENT_TEMPORARY, scales);
  else
    scales = HR_NO_VALUE;
  result = hr_replay_make (replay, "dequantize", "dequantized weight", HR_COMPONENT_TEMPORARY, weight);
  hr_replay_drop (replay, scales);

  return result;
}

/* grad_output @ dequantized weight: MatMul4Bit.backward. */
static void
backward_4bit (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  HrValue dequantized = expand_4bit (replay, node->inputs[1]);
  HrValue shape = node->inputs[0];

  shape.element = gradient.element;
  gradients[0] = hr_op_make_gradient (replay, "mm", shape);
  gradients[0].is_view = TRUE;
  hr_replay_drop (replay, dequantized);
}

/*
 * MatMul4Bit of bitsandbytes/autograd/_functions.py, in the dtype that Linear4bit computes in: it keeps nothing of its
 * input, and expands the matrix once more to differentiate.
 */
static HrValue
train_4bit (HrReplay   *replay,
            HrValue     x,
            HrValue     out,
            const char *name)
{
  HrValue inputs[2] = { hr_op_cast (replay, x, replay->quantized_dtype),
                        get_weight_shape (replay->quantized_dtype, x, out) };
  HrValue dequantized = expand_4bit (replay, inputs[1]);
  HrValue product, result;

  out.element = replay->quantized_dtype;
  product = hr_op_like (replay, "mm", name, out);
  hr_autograd_record (replay, &product, backward_4bit, inputs, 2);
  hr_replay_drop (replay, dequantized);
  result = hr_op_cast (replay, product, x.element);
  hr_replay_drop (replay, product);
  hr_replay_drop (replay, inputs[0]);

  return result;
}

/* Those whose inputs are quantized too. */
static gboolean
is_eight_bit_float (HrQuantization quantization)
{
  return quantization == HR_QUANTIZATION_FP8 || quantization == HR_QUANTIZATION_FP8_CHANNEL ||
         quantization == HR_QUANTIZATION_FP8_TENSOR || quantization == HR_QUANTIZATION_MXFP8;
}

/* Whether a matrix is expanded before the product, given the rows of the input. */
static gboolean
expands_weight (HrQuantization quantization,
                guint64        rows)
{
  switch ((guint) quantization)
    {
    case HR_QUANTIZATION_BNB_NF4:
    case HR_QUANTIZATION_BNB_NF4_DQ:
    case HR_QUANTIZATION_BNB_FP4:
    case HR_QUANTIZATION_BNB_FP4_DQ:
      /* bitsandbytes/autograd/_functions.py, matmul_4bit: a kernel of its own for a single row. */
      return rows > 1;

    case HR_QUANTIZATION_AWQ_INT4:
      /* awq/modules/linear/gemm.py: FP16_MATMUL_HEURISTIC_CONDITION. */
      return rows >= 1024;

    case HR_QUANTIZATION_MXFP4:
    case HR_QUANTIZATION_NVFP4:
    case HR_QUANTIZATION_W8A8_INT8:
    case HR_QUANTIZATION_W8A16_INT8:
    case HR_QUANTIZATION_W4A16_INT4:
      /* Without a kernel for the format, compressed-tensors expands the matrix for each product. */
      return TRUE;

    case HR_QUANTIZATION_HQQ_INT8:
    case HR_QUANTIZATION_HQQ_INT4:
    case HR_QUANTIZATION_HQQ_INT3:
    case HR_QUANTIZATION_HQQ_INT2:
    case HR_QUANTIZATION_HQQ_INT1:
      /* hqq/core/quantize.py, HQQLinear.forward_pytorch. */
      return TRUE;

    case HR_QUANTIZATION_QUANTO_INT8:
    case HR_QUANTIZATION_QUANTO_FLOAT8:
    case HR_QUANTIZATION_QUANTO_INT4:
    case HR_QUANTIZATION_QUANTO_INT2:
    case HR_QUANTIZATION_TORCHAO_INT8:
    case HR_QUANTIZATION_TORCHAO_FLOAT8:
      /* A weight-only product of optimum-quanto and torchao is one of matrices in the dtype. */
      return TRUE;

    case HR_QUANTIZATION_AQLM_INT2:
      /* aqlm/inference_kernels: kernels that look up codes for a few rows. */
      return rows > 6;

    case HR_QUANTIZATION_BITNET:
      /* transformers/integrations/bitnet.py, BitLinear.forward: unpack_weights. */
      return TRUE;

    default:
      /*
       * Kernels of the format. That of GPTQ is GPTQModel's Marlin, which transformers 5 requires; AutoGPTQ's ExLlama,
       * with which transformers ran until 2024, kept a half-precision matrix as large as the largest (temp_dq in
       * auto_gptq/modeling/_utils.py), which is what figures of that time have more.
       */
      return FALSE;
    }
}

/*
 * hr_quantization_format_needs_16_bits:
 * @quantization: how linear layers are stored
 *
 * Tells whether PEFT leaves what is not quantized as it is beside such layers, and casts it to fp32 beside others
 * (prepare_model_for_kbit_training of peft/utils/other.py).
 *
 * Returns: whether it does
 */
gboolean
hr_quantization_format_needs_16_bits (HrQuantization quantization)
{
  return hr_quantization_is_gptq (quantization);
}

/*
 * hr_quantization_format_expand:
 * @replay: a tape
 * @weight: the shape of a matrix, which may have four bits
 *
 * Expands a matrix into a tensor that goes with what needs it.
 *
 * Returns: the tensor, or none if the matrix can be multiplied with as it is
 */
HrValue
hr_quantization_format_expand (HrReplay *replay,
                               HrValue   weight)
{
  return hr_quantization_is_bnb_4bit (replay->quantization) ? expand_4bit (replay, weight) : HR_NO_VALUE;
}

/*
 * hr_quantization_format_replay_linear:
 * @replay: a tape
 * @x: the input
 * @name: the variable that the result is for
 * @out: the shape of the result
 * @has_bias: whether it has a bias
 *
 * A linear layer whose matrix is quantized.
 *
 * Returns: the result
 */
HrValue
hr_quantization_format_replay_linear (HrReplay   *replay,
                                      HrValue     x,
                                      const char *name,
                                      HrValue     out,
                                      gboolean    has_bias)
{
  HrValue rows = x;

  if (replay->quantization == HR_QUANTIZATION_BNB_INT8)
    return hr_replay_int8_linear (replay, x, name, get_weight_shape (x.element, x, out), out);

  if (replay->training && hr_quantization_is_bnb_4bit (replay->quantization))
    return train_4bit (replay, x, out, name);

  if (replay->training && hr_quantization_is_gptq (replay->quantization))
    return hr_replay_expanded_gptq (replay, x, name, get_weight_shape (x.element, x, out), out);

  if (replay->training && replay->quantization == HR_QUANTIZATION_AWQ_INT4)
    return hr_replay_expanded_awq (replay, x, name, get_weight_shape (x.element, x, out), out, has_bias);

  if (is_eight_bit_float (replay->quantization))
    return replay_fp8 (replay, x, out, name);

  rows.n_symbols--;
  if (expands_weight (replay->quantization, hr_value_get_elements (rows, replay->symbols)))
    return replay_dequantized (replay, x, out, name);

  return hr_op_like (replay, "mm", name, out);
}
