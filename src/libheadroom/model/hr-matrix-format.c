/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-matrix-format.h"

#include <string.h>

/* Elements of a block that is transformed at once, and of a side of a tile of a trellis. */
#define EXL3_BLOCK 128
#define EXL3_TILE 16

#define SOURCE_MLX "MLX 0.32: mlx/ops.cpp, affine_quantize and fp_quantize; mlx/nn/layers/quantized.py"

/* Formats as their packages make them when nothing else is asked for. */
static const struct
{
  HrMatrixFormat format;
  const char *source;
} formats[HR_N_QUANTIZATIONS] = {
  [HR_QUANTIZATION_BNB_INT8] = {
    { .packing = HR_PACKING_BNB_INT8, .bits = 8, .scale = HR_SCALE_FLOAT32 },
    "Dettmers et al., LLM.int8(), arXiv:2208.07339; bitsandbytes/nn/modules.py, Int8Params",
  },
  [HR_QUANTIZATION_BNB_NF4] = {
    { .packing = HR_PACKING_BNB_4BIT, .bits = 4, .group_size = 64, .scale = HR_SCALE_FLOAT32, .is_float = TRUE },
    "Dettmers et al., QLoRA, arXiv:2305.14314; bitsandbytes/functional.py, quantize_4bit",
  },
  [HR_QUANTIZATION_BNB_NF4_DQ] = {
    { .packing = HR_PACKING_BNB_4BIT, .bits = 4, .group_size = 64, .scale = HR_SCALE_FLOAT32, .is_float = TRUE,
      .is_nested = TRUE },
    "Dettmers et al., QLoRA, arXiv:2305.14314; bitsandbytes/functional.py, compress_statistics",
  },
  [HR_QUANTIZATION_BNB_FP4] = {
    { .packing = HR_PACKING_BNB_4BIT, .bits = 4, .group_size = 64, .scale = HR_SCALE_FLOAT32, .is_float = TRUE },
    "bitsandbytes/functional.py, quantize_4bit",
  },
  [HR_QUANTIZATION_BNB_FP4_DQ] = {
    { .packing = HR_PACKING_BNB_4BIT, .bits = 4, .group_size = 64, .scale = HR_SCALE_FLOAT32, .is_float = TRUE,
      .is_nested = TRUE },
    "bitsandbytes/functional.py, quantize_4bit, compress_statistics",
  },
#define GPTQ(n_bits) \
  { \
    { .packing = HR_PACKING_GPTQ, .bits = n_bits, .group_size = 128, .scale = HR_SCALE_FLOAT16, .has_zeros = TRUE, \
      .has_index = TRUE }, \
    "Frantar et al., GPTQ, arXiv:2210.17323; gptqmodel/nn_modules/qlinear: qweight, qzeros, scales, g_idx", \
  }
  [HR_QUANTIZATION_GPTQ_INT8] = GPTQ (8),
  [HR_QUANTIZATION_GPTQ_INT4] = GPTQ (4),
  [HR_QUANTIZATION_GPTQ_INT3] = GPTQ (3),
  [HR_QUANTIZATION_GPTQ_INT2] = GPTQ (2),
#undef GPTQ
  [HR_QUANTIZATION_AWQ_INT4] = {
    { .packing = HR_PACKING_AWQ_GEMM, .bits = 4, .group_size = 128, .scale = HR_SCALE_FLOAT16, .has_zeros = TRUE },
    "Lin et al., AWQ, arXiv:2306.00978; awq/modules/linear/gemm.py: qweight, qzeros, scales",
  },
  [HR_QUANTIZATION_FP8] = {
    { .packing = HR_PACKING_SCALED, .bits = 8, .group_size = 128, .group_rows = 128, .scale = HR_SCALE_FLOAT32,
      .scale_name = ".weight_scale_inv", .is_float = TRUE },
    "DeepSeek-V3, arXiv:2412.19437, 3.3.2; transformers/integrations/finegrained_fp8.py, FP8Linear",
  },
  [HR_QUANTIZATION_FP8_CHANNEL] = {
    { .packing = HR_PACKING_SCALED, .bits = 8, .scale = HR_SCALE_FLOAT32, .scale_name = ".weight_scale",
      .is_float = TRUE },
    "transformers/integrations/fbgemm_fp8.py, FbgemmFp8Linear",
  },
  [HR_QUANTIZATION_FP8_TENSOR] = {
    { .packing = HR_PACKING_SCALED, .bits = 8, .group_size = HR_MATRIX_WHOLE, .scale = HR_SCALE_FLOAT32,
      .scale_name = ".weight_scale", .is_float = TRUE, .has_input_scale = TRUE },
    "compressed-tensors, float-quantized, strategy tensor; NVIDIA ModelOpt, FP8",
  },
  [HR_QUANTIZATION_MXFP8] = {
    { .packing = HR_PACKING_SCALED, .bits = 8, .group_size = 32, .scale = HR_SCALE_FLOAT32,
      .scale_name = ".weight_scale_inv", .is_float = TRUE },
    "OCP Microscaling Formats (MX) 1.0; transformers/quantizers/quantizer_finegrained_fp8.py expands the exponents",
  },
  [HR_QUANTIZATION_W8A8_INT8] = {
    { .packing = HR_PACKING_SCALED, .bits = 8, .scale = HR_SCALE_DTYPE, .scale_name = ".weight_scale" },
    "compressed-tensors, int-quantized, strategy channel",
  },
  [HR_QUANTIZATION_W8A16_INT8] = {
    { .packing = HR_PACKING_WORDS, .bits = 8, .group_size = 128, .scale = HR_SCALE_DTYPE },
    "compressed-tensors, pack-quantized: weight_packed, weight_scale, weight_shape",
  },
  [HR_QUANTIZATION_W4A16_INT4] = {
    { .packing = HR_PACKING_WORDS, .bits = 4, .group_size = 128, .scale = HR_SCALE_DTYPE },
    "compressed-tensors, pack-quantized: weight_packed, weight_scale, weight_shape",
  },
  [HR_QUANTIZATION_MXFP4] = {
    { .packing = HR_PACKING_MXFP4, .bits = 4, .group_size = 32, .scale = HR_SCALE_EXPONENT, .is_float = TRUE },
    "OCP Microscaling Formats (MX) 1.0, 5.1; transformers/integrations/mxfp4.py",
  },
  [HR_QUANTIZATION_NVFP4] = {
    { .packing = HR_PACKING_NVFP4, .bits = 4, .group_size = 16, .is_float = TRUE, .has_input_scale = TRUE },
    "NVIDIA, Introducing NVFP4 for Efficient and Accurate Low-Precision Inference (2025)",
  },
#define HQQ(n_bits) \
  { \
    { .packing = HR_PACKING_HQQ, .bits = n_bits, .group_size = 64, .scale = HR_SCALE_DTYPE, .has_zeros = TRUE }, \
    "Badri and Shaji, HQQ (2023); hqq/core/quantize.py and bitpack.py: W_q, scale, zero", \
  }
  [HR_QUANTIZATION_HQQ_INT8] = HQQ (8),
  [HR_QUANTIZATION_HQQ_INT4] = HQQ (4),
  [HR_QUANTIZATION_HQQ_INT3] = HQQ (3),
  [HR_QUANTIZATION_HQQ_INT2] = HQQ (2),
  [HR_QUANTIZATION_HQQ_INT1] = HQQ (1),
#undef HQQ
  [HR_QUANTIZATION_QUANTO_INT8] = {
    { .packing = HR_PACKING_QUANTO, .bits = 8, .scale = HR_SCALE_DTYPE },
    "optimum-quanto, WeightQBytesTensor; transformers/integrations/quanto.py",
  },
  [HR_QUANTIZATION_QUANTO_FLOAT8] = {
    { .packing = HR_PACKING_QUANTO, .bits = 8, .scale = HR_SCALE_DTYPE, .is_float = TRUE },
    "optimum-quanto, WeightQBytesTensor; transformers/integrations/quanto.py",
  },
  [HR_QUANTIZATION_QUANTO_INT4] = {
    { .packing = HR_PACKING_QUANTO, .bits = 4, .group_size = 128, .scale = HR_SCALE_DTYPE, .has_zeros = TRUE },
    "optimum-quanto, WeightQBitsTensor; transformers/integrations/quanto.py",
  },
  [HR_QUANTIZATION_QUANTO_INT2] = {
    { .packing = HR_PACKING_QUANTO, .bits = 2, .group_size = 128, .scale = HR_SCALE_DTYPE, .has_zeros = TRUE },
    "optimum-quanto, WeightQBitsTensor; transformers/integrations/quanto.py",
  },
  [HR_QUANTIZATION_EETQ_INT8] = {
    { .packing = HR_PACKING_SCALED, .bits = 8, .scale = HR_SCALE_FLOAT16, .scale_name = ".weight_scales" },
    "transformers/integrations/eetq.py, EetqLinear",
  },
  [HR_QUANTIZATION_TORCHAO_INT8] = {
    { .packing = HR_PACKING_SCALED, .bits = 8, .scale = HR_SCALE_DTYPE, .scale_name = ".weight_scale" },
    "torchao, Int8WeightOnlyConfig: a scale for each row",
  },
  [HR_QUANTIZATION_TORCHAO_FLOAT8] = {
    { .packing = HR_PACKING_SCALED, .bits = 8, .scale = HR_SCALE_FLOAT32, .scale_name = ".weight_scale",
      .is_float = TRUE },
    "torchao, Float8WeightOnlyConfig: a scale for each row",
  },
  [HR_QUANTIZATION_TORCHAO_INT4] = {
    { .packing = HR_PACKING_TORCHAO_INT4, .bits = 4, .group_size = 128, .scale = HR_SCALE_DTYPE, .has_zeros = TRUE },
    "torchao, Int4WeightOnlyConfig, tile_packed_to_4d: qdata, scale_and_zero",
  },
  [HR_QUANTIZATION_AQLM_INT2] = {
    { .packing = HR_PACKING_AQLM, .bits = 16, .code_elements = 8, .n_code_books = 1 },
    "Egiazarian et al., AQLM, arXiv:2401.06118; aqlm/inference.py, QuantizedLinear: codes, codebooks, scales",
  },
  [HR_QUANTIZATION_BITNET] = {
    { .packing = HR_PACKING_BITNET, .bits = 2, .group_size = HR_MATRIX_WHOLE, .scale = HR_SCALE_DTYPE },
    "Ma et al., BitNet b1.58, arXiv:2402.17764; transformers/integrations/bitnet.py, BitLinear",
  },
#define MLX(n_bits) \
  { \
    { .packing = HR_PACKING_MLX, .bits = n_bits, .group_size = 64, .scale = HR_SCALE_DTYPE, .has_zeros = TRUE }, \
    SOURCE_MLX, \
  }
  [HR_QUANTIZATION_MLX_INT8] = MLX (8),
  [HR_QUANTIZATION_MLX_INT6] = MLX (6),
  [HR_QUANTIZATION_MLX_INT5] = MLX (5),
  [HR_QUANTIZATION_MLX_INT4] = MLX (4),
  [HR_QUANTIZATION_MLX_INT3] = MLX (3),
  [HR_QUANTIZATION_MLX_INT2] = MLX (2),
#undef MLX
  [HR_QUANTIZATION_MLX_MXFP8] = {
    { .packing = HR_PACKING_MLX, .bits = 8, .group_size = 32, .scale = HR_SCALE_EXPONENT, .is_float = TRUE },
    SOURCE_MLX,
  },
  [HR_QUANTIZATION_MLX_MXFP4] = {
    { .packing = HR_PACKING_MLX, .bits = 4, .group_size = 32, .scale = HR_SCALE_EXPONENT, .is_float = TRUE },
    SOURCE_MLX,
  },
  [HR_QUANTIZATION_MLX_NVFP4] = {
    { .packing = HR_PACKING_MLX, .bits = 4, .group_size = 16, .scale = HR_SCALE_EXPONENT, .is_float = TRUE },
    SOURCE_MLX,
  },
  [HR_QUANTIZATION_EXL3] = {
    { .packing = HR_PACKING_EXL3, .bits = 4, .scale = HR_SCALE_FLOAT16 },
    "ExLlamaV3 1.4: exllamav3/modules/quant/exl3.py, LinearEXL3: trellis, suh, svh; "
    "exllamav3/conversion/allocation.py, create_q_strategy",
  },
};

#define SOURCE_GGUF "llama.cpp: src/llama-quant.cpp, which tensor gets which type; ggml/src/ggml-common.h, their blocks"

/*
 * hr_matrix_format_get:
 * @quantization: a format
 *
 * Gets how a format stores a matrix if nothing else is said.
 *
 * Returns: the format; its packing is %HR_PACKING_NONE if @quantization has none of its own: GGUF files mix several
 */
const HrMatrixFormat *
hr_matrix_format_get (HrQuantization quantization)
{
  g_return_val_if_fail (quantization < HR_N_QUANTIZATIONS, NULL);

  return &formats[quantization].format;
}

static gboolean
is_alike (const HrMatrixFormat *self,
          const HrMatrixFormat *other)
{
  return self->packing == other->packing && self->bits == other->bits;
}

/*
 * hr_matrix_format_find_quantization:
 * @self: how a matrix is stored
 * @expected: the format that its model is in
 *
 * Finds the name of a format: a model may have matrices in several.
 *
 * Returns: @expected, if the matrix may be one of its; otherwise the first format that has such matrices
 */
HrQuantization
hr_matrix_format_find_quantization (const HrMatrixFormat *self,
                                    HrQuantization        expected)
{
  g_return_val_if_fail (self != NULL, HR_QUANTIZATION_NONE);
  g_return_val_if_fail (expected < HR_N_QUANTIZATIONS, HR_QUANTIZATION_NONE);

  if (is_alike (&formats[expected].format, self))
    return expected;

  for (guint i = 0; i < HR_N_QUANTIZATIONS; i++)
    {
      const HrMatrixFormat *other = &formats[i].format;

      if (is_alike (other, self) && other->group_size == self->group_size && other->group_rows == self->group_rows)
        return i;
    }

  return expected;
}

/*
 * hr_matrix_format_get_source:
 * @quantization: a format
 *
 * Gets the paper or the file that defines the layout.
 *
 * Returns: (nullable): the source, or %NULL for no format
 */
const char *
hr_matrix_format_get_source (HrQuantization quantization)
{
  g_return_val_if_fail (quantization < HR_N_QUANTIZATIONS, NULL);

  return hr_quantization_is_gguf (quantization) ? SOURCE_GGUF : formats[quantization].source;
}

/*
 * hr_matrix_format_get_width:
 * @quantization: a format
 *
 * Gets the bits that people know a format by: those of an element, without its scales.
 *
 * Returns: the bits; 0 for no format
 */
double
hr_matrix_format_get_width (HrQuantization quantization)
{
  const HrMatrixFormat *format;

  g_return_val_if_fail (quantization < HR_N_QUANTIZATIONS, 0);

  /* File types of llama.cpp are named after it. */
  if (hr_quantization_is_gguf (quantization))
    {
      const char *name = hr_quantization_get_name (quantization);

      return g_ascii_strtoull (name + strcspn (name, "0123456789"), NULL, 10);
    }

  format = &formats[quantization].format;

  return format->packing == HR_PACKING_AQLM ? format->bits / format->code_elements : format->bits;
}

typedef struct
{
  HrMatrixPiece *pieces;
  guint n_pieces;
} List;

static guint64
divide_up (guint64 a,
           guint64 b)
{
  return a / b + (a % b != 0);
}

/* Adds a tensor of up to four dimensions; the last ones are 0 if there are fewer. */
static void
add (List       *list,
     const char *suffix,
     const char *type,
     guint       element_bytes,
     guint64     first,
     guint64     second,
     guint64     third,
     guint64     fourth)
{
  HrMatrixPiece *piece = &list->pieces[list->n_pieces++];

  *piece = (HrMatrixPiece) { .suffix = suffix, .type = type, .shape = { first, second, third, fourth } };
  piece->n_bytes = element_bytes;
  for (; piece->n_dimensions < HR_MATRIX_MAX_DIMENSIONS && piece->shape[piece->n_dimensions] > 0; piece->n_dimensions++)
    {
      if (!g_uint64_checked_mul (&piece->n_bytes, piece->n_bytes, piece->shape[piece->n_dimensions]))
        piece->n_bytes = G_MAXUINT64;
    }
  piece->is_payload = list->n_pieces == 1;
}

static const char *
get_type_name (HrDtype dtype)
{
  switch (dtype)
    {
    case HR_DTYPE_FLOAT64:
      return "F64";

    case HR_DTYPE_FLOAT32:
      return "F32";

    case HR_DTYPE_FLOAT16:
      return "F16";

    case HR_DTYPE_AUTO:
    case HR_DTYPE_BFLOAT16:
    case HR_DTYPE_FLOAT8:
    case HR_DTYPE_INT8:
    case HR_DTYPE_INT4:
    default:
      return "BF16";
    }
}

static guint
get_element_bytes (HrDtype dtype)
{
  switch (dtype)
    {
    case HR_DTYPE_FLOAT64:
      return 8;

    case HR_DTYPE_FLOAT32:
      return 4;

    case HR_DTYPE_AUTO:
    case HR_DTYPE_FLOAT16:
    case HR_DTYPE_BFLOAT16:
    case HR_DTYPE_FLOAT8:
    case HR_DTYPE_INT8:
    case HR_DTYPE_INT4:
    default:
      return 2;
    }
}

static void
add_scales (List        *list,
            const char  *suffix,
            HrScaleType  scale,
            HrDtype      dtype,
            guint64      first,
            guint64      second)
{
  switch (scale)
    {
    case HR_SCALE_FLOAT32:
      add (list, suffix, "F32", 4, first, second, 0, 0);
      break;

    case HR_SCALE_FLOAT16:
      add (list, suffix, "F16", 2, first, second, 0, 0);
      break;

    case HR_SCALE_EXPONENT:
      add (list, suffix, "U8", 1, first, second, 0, 0);
      break;

    case HR_SCALE_DTYPE:
    default:
      add (list, suffix, get_type_name (dtype), get_element_bytes (dtype), first, second, 0, 0);
      break;
    }
}

static guint64
get_n_groups (const HrMatrixFormat *self,
              guint64               in_features)
{
  return self->group_size > 0 ? divide_up (in_features, MIN (self->group_size, in_features)) : 1;
}

/* How many words of 32 bits hold a number of elements; three bits cross the words' borders, 32 elements in three. */
static guint64
get_words (const HrMatrixFormat *self,
           guint64               n_elements)
{
  return divide_up (n_elements * self->bits, 32);
}

/* Blocks of 64 run through the whole matrix; the code books come from the file or are made for each matrix. */
static void
list_bnb_4bit (const HrMatrixFormat *self,
               guint64               n_elements,
               List                 *list)
{
  guint64 n_blocks = divide_up (n_elements, self->group_size);

  add (list, ".weight", "U8", 1, divide_up (n_elements, 2), 1, 0, 0);
  if (self->is_nested)
    {
      add (list, ".weight.absmax", "U8", 1, n_blocks, 0, 0, 0);
      add (list, ".weight.nested_absmax", "F32", 4, divide_up (n_blocks, 256), 0, 0, 0);
      /* Of a matrix that is quantized when it is loaded the code book is one for all of them. */
      if (self->is_stored)
        add (list, ".weight.nested_quant_map", "F32", 4, 256, 0, 0, 0);
      add (list, ".weight.nested_offset", "F32", 4, 1, 0, 0, 0);
    }
  else
    add (list, ".weight.absmax", "F32", 4, n_blocks, 0, 0, 0);
  add (list, ".weight.quant_map", "F32", 4, 16, 0, 0, 0);
}

static void
list_gptq (const HrMatrixFormat *self,
           guint64               out_features,
           guint64               in_features,
           List                 *list)
{
  guint64 n_groups = get_n_groups (self, in_features);

  add (list, ".qweight", "I32", 4, get_words (self, in_features), out_features, 0, 0);
  add (list, ".qzeros", "I32", 4, n_groups, get_words (self, out_features), 0, 0);
  add (list, ".scales", "F16", 2, n_groups, out_features, 0, 0);
  if (self->has_index)
    add (list, ".g_idx", "I32", 4, in_features, 0, 0, 0);
}

static void
list_awq (const HrMatrixFormat *self,
          guint64               out_features,
          guint64               in_features,
          List                 *list)
{
  guint64 n_groups = get_n_groups (self, in_features);
  guint64 zero_words;

  if (self->packing == HR_PACKING_AWQ_GEMM)
    {
      add (list, ".qweight", "I32", 4, in_features, get_words (self, out_features), 0, 0);
      if (self->has_zeros)
        add (list, ".qzeros", "I32", 4, n_groups, get_words (self, out_features), 0, 0);
      add (list, ".scales", "F16", 2, n_groups, out_features, 0, 0);
      return;
    }

  /* awq/modules/linear/gemv.py, calculate_zeros_width: whole words for groups of 128, pairs or fours for less. */
  zero_words = get_words (self, n_groups);
  if (self->group_size <= 32)
    zero_words = divide_up (zero_words, 4) * 4;
  else if (self->group_size <= 64)
    zero_words = divide_up (zero_words, 2) * 2;
  add (list, ".qweight", "I32", 4, out_features, get_words (self, in_features), 0, 0);
  add (list, ".qzeros", "I32", 4, out_features, zero_words, 0, 0);
  add (list, ".scales", "F16", 2, out_features, zero_words * 32 / self->bits, 0, 0);
}

static void
list_scaled (const HrMatrixFormat *self,
             HrDtype               dtype,
             guint64               out_features,
             guint64               in_features,
             List                 *list)
{
  add (list, ".weight", self->is_float ? "F8_E4M3" : "I8", 1, out_features, in_features, 0, 0);
  if (self->group_size == HR_MATRIX_WHOLE)
    add_scales (list, self->scale_name, self->scale, dtype, 1, 0);
  else
    add_scales (list, self->scale_name, self->scale, dtype, divide_up (out_features, MAX (self->group_rows, 1)),
                get_n_groups (self, in_features));
  if (self->has_input_scale)
    add_scales (list, ".input_scale", self->scale, dtype, 1, 0);
}

static void
list_words (const HrMatrixFormat *self,
            HrDtype               dtype,
            guint64               out_features,
            guint64               in_features,
            List                 *list)
{
  guint64 n_groups = self->group_size == HR_MATRIX_WHOLE ? 1 : get_n_groups (self, in_features);

  /* Each row is packed by itself, so many elements to a word. */
  add (list, ".weight_packed", "I32", 4, out_features, divide_up (in_features, 32 / self->bits), 0, 0);
  add_scales (list, ".weight_scale", self->scale, dtype, self->group_size == HR_MATRIX_WHOLE ? 1 : out_features,
              n_groups);
  if (self->has_zeros)
    add (list, ".weight_zero_point", "I32", 4, divide_up (out_features, 32 / self->bits), n_groups, 0, 0);
  if (self->has_index)
    add (list, ".weight_g_idx", "I32", 4, in_features, 0, 0, 0);
  add (list, ".weight_shape", "I64", 8, 2, 0, 0, 0);
}

static void
list_nvfp4 (const HrMatrixFormat *self,
            guint64               out_features,
            guint64               in_features,
            List                 *list)
{
  gboolean is_compressed = self->scale_name != NULL;

  add (list, is_compressed ? ".weight_packed" : ".weight", "U8", 1, out_features, divide_up (in_features, 2), 0, 0);
  add (list, ".weight_scale", "F8_E4M3", 1, out_features, divide_up (in_features, self->group_size), 0, 0);
  add (list, is_compressed ? self->scale_name : ".weight_scale_2", "F32", 4, 1, 0, 0, 0);
  if (self->has_input_scale)
    add (list, is_compressed ? ".input_global_scale" : ".input_scale", "F32", 4, 1, 0, 0, 0);
}

static void
list_hqq (const HrMatrixFormat *self,
          HrDtype               dtype,
          guint64               n_elements,
          List                 *list)
{
  guint64 group_size = MIN (MAX (self->group_size, 1), n_elements);
  guint64 n_groups = divide_up (n_elements, group_size);

  if (self->bits == 3)
    add (list, ".W_q", "I32", 4, divide_up (n_groups, 10), group_size, 0, 0);
  else
    add (list, ".W_q", "U8", 1, divide_up (n_groups, 8 / self->bits), group_size, 0, 0);
  add_scales (list, ".scale", HR_SCALE_DTYPE, dtype, n_groups, 1);
  add_scales (list, ".zero", HR_SCALE_DTYPE, dtype, n_groups, 1);
}

static void
list_quanto (const HrMatrixFormat *self,
             HrDtype               dtype,
             guint64               out_features,
             guint64               in_features,
             List                 *list)
{
  guint64 n_groups = out_features * get_n_groups (self, in_features);

  add (list, ".weight._data", self->is_float ? "F8_E4M3" : self->bits == 8 ? "I8" : "U8", 1,
       divide_up (out_features * self->bits, 8), in_features, 0, 0);
  add_scales (list, ".weight._scale", HR_SCALE_DTYPE, dtype, n_groups, 1);
  if (self->has_zeros)
    add_scales (list, ".weight._shift", HR_SCALE_DTYPE, dtype, n_groups, 1);
  add_scales (list, ".input_scale", HR_SCALE_DTYPE, dtype, 1, 0);
  add_scales (list, ".output_scale", HR_SCALE_DTYPE, dtype, 1, 0);
}

static void
list_aqlm (const HrMatrixFormat *self,
           guint64               out_features,
           guint64               in_features,
           List                 *list)
{
  guint n_books = self->n_code_books;

  add (list, ".codes", self->bits > 8 ? "I16" : "I8", self->bits > 8 ? 2 : 1, out_features,
       divide_up (in_features, self->code_elements), n_books, 0);
  add (list, ".codebooks", "F16", 2, n_books, G_GUINT64_CONSTANT (1) << self->bits, 1, self->code_elements);
  add (list, ".scales", "F16", 2, out_features, 1, 1, 1);
}

/* Both sizes are padded to whole blocks of the Hadamard transform (Linear.__init__ of exllamav3/modules/linear.py). */
static void
list_exl3 (const HrMatrixFormat *self,
           guint64               out_features,
           guint64               in_features,
           List                 *list)
{
  guint64 rows = divide_up (in_features, EXL3_BLOCK) * EXL3_BLOCK;
  guint64 columns = divide_up (out_features, EXL3_BLOCK) * EXL3_BLOCK;

  add (list, ".trellis", "I16", 2, rows / EXL3_TILE, columns / EXL3_TILE, EXL3_TILE * self->bits, 0);
  add (list, ".suh", "F16", 2, rows, 0, 0, 0);
  add (list, ".svh", "F16", 2, columns, 0, 0, 0);
}

/*
 * hr_matrix_format_list_pieces:
 * @self: a format
 * @dtype: what is not quantized is stored in
 * @out_features: rows of the matrix
 * @in_features: columns of the matrix
 * @pieces: (out) (array length=HR_MATRIX_MAX_PIECES): the tensors that stand for it, the elements first
 *
 * Lists the tensors that stand for a matrix.
 *
 * Returns: how many there are
 */
guint
hr_matrix_format_list_pieces (const HrMatrixFormat *self,
                              HrDtype               dtype,
                              guint64               out_features,
                              guint64               in_features,
                              HrMatrixPiece        *pieces)
{
  List list = { .pieces = pieces };
  guint64 n_elements = out_features * in_features;

  switch (self->packing)
    {
    case HR_PACKING_BNB_INT8:
      add (&list, ".weight", "I8", 1, out_features, in_features, 0, 0);
      add (&list, ".SCB", "F32", 4, out_features, 0, 0, 0);
      break;

    case HR_PACKING_BNB_4BIT:
      list_bnb_4bit (self, n_elements, &list);
      break;

    case HR_PACKING_GPTQ:
      list_gptq (self, out_features, in_features, &list);
      break;

    case HR_PACKING_AWQ_GEMM:
    case HR_PACKING_AWQ_GEMV:
      list_awq (self, out_features, in_features, &list);
      break;

    case HR_PACKING_SCALED:
      list_scaled (self, dtype, out_features, in_features, &list);
      break;

    case HR_PACKING_WORDS:
      list_words (self, dtype, out_features, in_features, &list);
      break;

    case HR_PACKING_NVFP4:
      list_nvfp4 (self, out_features, in_features, &list);
      break;

    case HR_PACKING_MXFP4:
      add (&list, self->scale_name != NULL ? ".weight_packed" : "_blocks", "U8", 1, out_features,
           divide_up (in_features, 32), 16, 0);
      add (&list, self->scale_name != NULL ? self->scale_name : "_scales", "U8", 1, out_features,
           divide_up (in_features, 32), 0, 0);
      break;

    case HR_PACKING_HQQ:
      list_hqq (self, dtype, n_elements, &list);
      break;

    case HR_PACKING_QUANTO:
      list_quanto (self, dtype, out_features, in_features, &list);
      break;

    case HR_PACKING_TORCHAO_INT4:
      add (&list, ".weight.qdata", "I32", 4, out_features, divide_up (in_features, 8), 0, 0);
      add (&list, ".weight.scale_and_zero", get_type_name (dtype), get_element_bytes (dtype),
           get_n_groups (self, in_features), out_features, 2, 0);
      break;

    case HR_PACKING_AQLM:
      list_aqlm (self, out_features, in_features, &list);
      break;

    case HR_PACKING_BITNET:
      add (&list, ".weight", "U8", 1, divide_up (out_features, 4), in_features, 0, 0);
      add_scales (&list, ".weight_scale", HR_SCALE_DTYPE, dtype, 1, 0);
      break;

    case HR_PACKING_MLX:
      add (&list, ".weight", "U32", 4, out_features, get_words (self, in_features), 0, 0);
      add_scales (&list, ".scales", self->scale, dtype, out_features, get_n_groups (self, in_features));
      if (self->has_zeros)
        add_scales (&list, ".biases", self->scale, dtype, out_features, get_n_groups (self, in_features));
      break;

    case HR_PACKING_EXL3:
      list_exl3 (self, out_features, in_features, &list);
      break;

    case HR_PACKING_NONE:
    default:
      add (&list, ".weight", get_type_name (dtype), get_element_bytes (dtype), out_features, in_features, 0, 0);
      break;
    }

  g_assert (list.n_pieces <= HR_MATRIX_MAX_PIECES);

  return list.n_pieces;
}

/*
 * hr_matrix_format_get_bits:
 * @self: a format
 *
 * Gets what an element of a large matrix takes, with its share of scales and zeros.
 *
 * Returns: the bits of an element
 */
double
hr_matrix_format_get_bits (const HrMatrixFormat *self)
{
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint n_pieces = hr_matrix_format_list_pieces (self, HR_DTYPE_BFLOAT16, 4096, 4096, pieces);
  guint64 n_bytes = 0;

  for (guint i = 0; i < n_pieces; i++)
    n_bytes += pieces[i].n_bytes;

  return n_bytes * 8.0 / (4096.0 * 4096.0);
}

static guint
get_scale_bits (const HrMatrixFormat *self,
                HrDtype               dtype)
{
  switch (self->scale)
    {
    case HR_SCALE_FLOAT32:
      return 32;

    case HR_SCALE_EXPONENT:
      return 8;

    case HR_SCALE_DTYPE:
      return hr_dtype_get_bits (dtype);

    case HR_SCALE_FLOAT16:
    default:
      return 16;
    }
}

/*
 * hr_matrix_format_dup_formula:
 * @self: a format
 * @dtype: what is not quantized is stored in
 *
 * Writes down the size of weights, where e is the size of an element that is not quantized: "linear" are the elements
 * of quantized matrices, "rest" all others.
 *
 * Returns: (transfer full): the formula
 */
char *
hr_matrix_format_dup_formula (const HrMatrixFormat *self,
                              HrDtype               dtype)
{
  GString *formula = g_string_new (NULL);
  guint zero_bits = self->packing == HR_PACKING_HQQ || self->packing == HR_PACKING_QUANTO ||
                    self->packing == HR_PACKING_TORCHAO_INT4 || self->packing == HR_PACKING_MLX
                      ? hr_dtype_get_bits (dtype)
                      : self->bits;

  if (self->packing == HR_PACKING_AQLM)
    g_string_printf (formula, "linear·%u·%u/%u/8 + 2·rows + %u·matrices", self->n_code_books, self->bits,
                     self->code_elements, 2 * self->code_elements * (self->n_code_books << self->bits));
  else if (self->packing == HR_PACKING_NVFP4)
    g_string_printf (formula, "linear·(4 + 8/%" G_GUINT64_FORMAT ")/8", self->group_size);
  else if (self->group_size == 0)
    g_string_printf (formula, "linear·%u/8 + %u·rows", self->bits, get_scale_bits (self, dtype) / 8);
  else if (self->group_size == HR_MATRIX_WHOLE)
    g_string_printf (formula, "linear·%u/8 + %u·matrices", self->bits, get_scale_bits (self, dtype) / 8);
  else if (self->is_nested)
    g_string_printf (formula, "linear·(4 + 8/%" G_GUINT64_FORMAT " + 32/(%" G_GUINT64_FORMAT "·256))/8",
                     self->group_size, self->group_size);
  else if (self->group_rows > 1)
    g_string_printf (formula, "linear·(%u + %u/(%" G_GUINT64_FORMAT "·%" G_GUINT64_FORMAT "))/8", self->bits,
                     get_scale_bits (self, dtype), self->group_rows, self->group_size);
  else
    {
      g_string_printf (formula, "linear·(%u + %u/%" G_GUINT64_FORMAT, self->bits, get_scale_bits (self, dtype),
                       self->group_size);
      if (self->has_zeros)
        g_string_append_printf (formula, " + %u/%" G_GUINT64_FORMAT, zero_bits, self->group_size);
      g_string_append (formula, ")/8");
    }
  if (self->has_index)
    g_string_append (formula, " + 4·columns");
  g_string_append (formula, " + rest·e");

  return g_string_free (formula, FALSE);
}
