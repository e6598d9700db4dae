/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-quantization-format.h"

/*
 * How a format stores a matrix: payload of so many bits an element; a scale of so many bytes, and perhaps a zero of so
 * many bits, for each block of elements along a row; perhaps a table.
 */
typedef struct
{
  guint bits;
  guint block;             /* elements that share a scale; 0: a row of the matrix */
  guint block_rows;        /* rows that share a scale, where blocks have two dimensions */
  guint scale_bytes;
  guint zero_bits;
  guint second_block;      /* scales that share a scale of their own, in fp32 */
  guint table_bytes;
  guint index_bytes;       /* for each input feature */
  gboolean gguf;
  const char *formula;
  const char *source;
} HrQuantizationFormat;

static const HrQuantizationFormat formats[] = {
  [HR_QUANTIZATION_BNB_INT8] = {
    .bits = 8, .scale_bytes = 4,
    .formula = "linear · 8/8 + 4·rows + rest · e",
    .source = "Dettmers et al., LLM.int8(), arXiv:2208.07339; bitsandbytes/nn/modules.py, Int8Params",
  },
  [HR_QUANTIZATION_BNB_NF4] = {
    .bits = 4, .block = 64, .scale_bytes = 4, .table_bytes = 64,
    .formula = "linear · (4 + 32/64)/8 + rest · e",
    .source = "Dettmers et al., QLoRA, arXiv:2305.14314; bitsandbytes/functional.py, quantize_4bit",
  },
  [HR_QUANTIZATION_BNB_NF4_DQ] = {
    .bits = 4, .block = 64, .scale_bytes = 1, .second_block = 256, .table_bytes = 64 + 1024 + 4,
    .formula = "linear · (4 + 8/64 + 32/(64·256))/8 + rest · e",
    .source = "Dettmers et al., QLoRA, arXiv:2305.14314; bitsandbytes/functional.py, compress_statistics",
  },
  [HR_QUANTIZATION_GPTQ_INT4] = {
    .bits = 4, .block = 128, .scale_bytes = 2, .zero_bits = 4, .index_bytes = 4,
    .formula = "linear · (4 + 16/128 + 4/128)/8 + 4·columns + rest · e",
    .source = "Frantar et al., GPTQ, arXiv:2210.17323; gptqmodel/nn_modules/qlinear: qweight, qzeros, scales, g_idx",
  },
  [HR_QUANTIZATION_AWQ_INT4] = {
    .bits = 4, .block = 128, .scale_bytes = 2, .zero_bits = 4,
    .formula = "linear · (4 + 16/128 + 4/128)/8 + rest · e",
    .source = "Lin et al., AWQ, arXiv:2306.00978; awq/modules/linear/gemm.py: qweight, qzeros, scales",
  },
  [HR_QUANTIZATION_FP8] = {
    .bits = 8, .block = 128, .block_rows = 128, .scale_bytes = 4,
    .formula = "linear · (8 + 32/(128·128))/8 + rest · e",
    .source = "DeepSeek-V3, arXiv:2412.19437, 3.3.2; transformers/integrations/finegrained_fp8.py, FP8Linear",
  },
  [HR_QUANTIZATION_MXFP4] = {
    .bits = 4, .block = 32, .scale_bytes = 1,
    .formula = "linear · (4 + 8/32)/8 + rest · e",
    .source = "OCP Microscaling Formats (MX) 1.0, 5.1; transformers/integrations/mxfp4.py",
  },
  [HR_QUANTIZATION_NVFP4] = {
    .bits = 4, .block = 16, .scale_bytes = 1, .table_bytes = 4,
    .formula = "linear · (4 + 8/16)/8 + rest · e",
    .source = "NVIDIA, Introducing NVFP4 for Efficient and Accurate Low-Precision Inference (2025)",
  },
  [HR_QUANTIZATION_Q4_K_M] = {
    .bits = 4, .block = 256, .scale_bytes = 16, .gguf = TRUE,
    .formula = "linear · (4 + 128/256)/8 + rest · e",
    .source = "ggml/src/ggml-common.h, block_q4_K: 144 bytes for 256 elements",
  },
  [HR_QUANTIZATION_Q8_0] = {
    .bits = 8, .block = 32, .scale_bytes = 2, .gguf = TRUE,
    .formula = "linear · (8 + 16/32)/8 + rest · e",
    .source = "ggml/src/ggml-common.h, block_q8_0: 34 bytes for 32 elements",
  },
};

static const HrQuantizationFormat *
get_format (HrQuantization quantization)
{
  g_return_val_if_fail (quantization < G_N_ELEMENTS (formats), NULL);

  return &formats[quantization];
}

/*
 * hr_quantization_format_get_source:
 * @quantization: a format
 *
 * Gets the paper or file that defines the layout.
 *
 * Returns: (nullable): the source, or %NULL for no format
 */
const char *
hr_quantization_format_get_source (HrQuantization quantization)
{
  return get_format (quantization)->source;
}

/*
 * hr_quantization_format_get_formula:
 * @quantization: a format
 *
 * Gets the size of the weights as a formula, where e is the size of an element that is not quantized.
 *
 * Returns: (nullable): the formula, or %NULL for no format
 */
const char *
hr_quantization_format_get_formula (HrQuantization quantization)
{
  return get_format (quantization)->formula;
}

/*
 * hr_quantization_format_get_bits:
 * @quantization: a format
 *
 * Gets the bits of an element of a quantized matrix, without its scales.
 *
 * Returns: the bits; 0 for no format
 */
guint
hr_quantization_format_get_bits (HrQuantization quantization)
{
  return get_format (quantization)->bits;
}

/*
 * hr_quantization_format_is_gguf:
 * @quantization: a format
 *
 * Tells whether a format is one of GGUF files, which transformers expands when it loads them.
 *
 * Returns: whether it is
 */
gboolean
hr_quantization_format_is_gguf (HrQuantization quantization)
{
  return get_format (quantization)->gguf;
}

/*
 * hr_quantization_format_applies:
 * @quantization: a format
 * @role: what a tensor is
 *
 * Tells whether a quantiser of transformers touches such a tensor. They replace the linear layers of the model but for
 * its head (get_keys_to_not_convert in transformers/quantizers); embeddings, norms and biases stay as they are.
 *
 * Returns: whether it does
 */
gboolean
hr_quantization_format_applies (HrQuantization quantization,
                                HrTensorRole   role)
{
  return get_format (quantization)->bits != 0 && (role == HR_TENSOR_ROLE_LINEAR || role == HR_TENSOR_ROLE_EXPERT);
}

static guint64
divide_up (guint64 a,
           guint64 b)
{
  return a / b + (a % b != 0);
}

/*
 * hr_quantization_format_get_matrix:
 * @quantization: a format
 * @out_features: rows of the matrix
 * @in_features: columns of the matrix
 *
 * Gets the tensors that stand for a matrix.
 *
 * Returns: their sizes
 */
HrQuantizedMatrix
hr_quantization_format_get_matrix (HrQuantization quantization,
                                   guint64        out_features,
                                   guint64        in_features)
{
  const HrQuantizationFormat *format = get_format (quantization);
  guint64 elements = out_features * in_features;
  guint64 blocks;

  if (format->block_rows > 0)
    blocks = divide_up (out_features, format->block_rows) * divide_up (in_features, format->block);
  else if (format->block > 0)
    blocks = divide_up (elements, format->block);
  else
    blocks = out_features;

  return (HrQuantizedMatrix) {
    .payload = divide_up (elements * format->bits, 8),
    .scales = blocks * format->scale_bytes,
    .zeros = divide_up (blocks * format->zero_bits, 8),
    .second_scales = format->second_block > 0 ? divide_up (blocks, format->second_block) * 4 : 0,
    .tables = in_features * format->index_bytes + format->table_bytes,
  };
}

/*
 * hr_quantized_matrix_get_bytes:
 * @self: the tensors that stand for a matrix
 *
 * Adds up what the allocator hands out for them.
 *
 * Returns: the size in bytes
 */
guint64
hr_quantized_matrix_get_bytes (const HrQuantizedMatrix *self)
{
  return hr_ledger_round (self->payload) + hr_ledger_round (self->scales) + hr_ledger_round (self->zeros) +
         hr_ledger_round (self->second_scales) + hr_ledger_round (self->tables);
}

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

/* The input in int8 with a scale for each row, the product in int32: MatMul8bitLt of bitsandbytes. */
static HrValue
replay_int8 (HrReplay   *replay,
             HrValue     x,
             HrValue     out,
             const char *name)
{
  HrValue half = hr_op_cast (replay, x, HR_ELEMENT_FLOAT16);
  HrValue shape = x, rows = x, product = out;
  HrValue quantized, scales, accumulated, scaled, result;

  shape.element = HR_ELEMENT_INT8;
  quantized = hr_replay_make (replay, "int8_vectorwise_quant", "quantized input", HR_COMPONENT_TEMPORARY, shape);
  rows.n_symbols--;
  rows.element = HR_ELEMENT_FLOAT32;
  scales = hr_replay_make (replay, "int8_vectorwise_quant", "row scales", HR_COMPONENT_TEMPORARY, rows);
  product.element = HR_ELEMENT_INT32;
  accumulated = hr_replay_make (replay, "int8_linear_matmul", "int32 product", HR_COMPONENT_TEMPORARY, product);
  product.element = HR_ELEMENT_FLOAT16;
  scaled = hr_op_like (replay, "int8_mm_dequant", name, product);
  hr_replay_drop (replay, accumulated);
  result = hr_op_cast (replay, scaled, out.element);
  hr_replay_drop (replay, scaled);
  hr_replay_drop (replay, scales);
  hr_replay_drop (replay, quantized);
  hr_replay_drop (replay, half);

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

/* Whether a matrix is expanded before the product, given the rows of the input. */
static gboolean
expands_weight (HrQuantization quantization,
                guint64        rows)
{
  switch (quantization)
    {
    case HR_QUANTIZATION_BNB_NF4:
    case HR_QUANTIZATION_BNB_NF4_DQ:
      /* bitsandbytes/autograd/_functions.py, matmul_4bit: a kernel of its own for a single row. */
      return rows > 1;

    case HR_QUANTIZATION_AWQ_INT4:
      /* awq/modules/linear/gemm.py: FP16_MATMUL_HEURISTIC_CONDITION. */
      return rows >= 1024;

    case HR_QUANTIZATION_MXFP4:
    case HR_QUANTIZATION_NVFP4:
      /* Without a kernel for the format, compressed-tensors expands the matrix for each product. */
      return TRUE;

    case HR_QUANTIZATION_AUTO:
    case HR_QUANTIZATION_NONE:
    case HR_QUANTIZATION_BNB_INT8:
    case HR_QUANTIZATION_GPTQ_INT4:
    case HR_QUANTIZATION_FP8:
    case HR_QUANTIZATION_Q4_K_M:
    case HR_QUANTIZATION_Q8_0:
    default:
      return FALSE;
    }
}

/*
 * hr_quantization_format_replay_linear:
 * @replay: a tape
 * @x: the input
 * @name: the variable that the result is for
 * @out: the shape of the result
 *
 * A linear layer whose matrix is quantized.
 *
 * Returns: the result
 */
HrValue
hr_quantization_format_replay_linear (HrReplay   *replay,
                                      HrValue     x,
                                      const char *name,
                                      HrValue     out)
{
  HrValue rows = x;

  if (replay->quantization == HR_QUANTIZATION_BNB_INT8)
    return replay_int8 (replay, x, out, name);

  if (replay->quantization == HR_QUANTIZATION_FP8)
    return replay_fp8 (replay, x, out, name);

  rows.n_symbols--;
  if (expands_weight (replay->quantization, hr_value_get_elements (rows, replay->symbols)))
    return replay_dequantized (replay, x, out, name);

  return hr_op_like (replay, "mm", name, out);
}
