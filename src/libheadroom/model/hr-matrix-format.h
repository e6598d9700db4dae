/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-quantization.h"

G_BEGIN_DECLS

/**
 * HrPacking:
 * @HR_PACKING_NONE: a matrix stays in its dtype
 * @HR_PACKING_BNB_INT8: bytes, and SCB for each row
 * @HR_PACKING_BNB_4BIT: nibbles in one row, absmax for each block, and its code book; absmax may itself be quantized
 * @HR_PACKING_GPTQ: 32-bit words down the columns, zeros and scales for each group, and the group of each column
 * @HR_PACKING_AWQ_GEMM: 32-bit words along the rows of the transposed matrix, zeros and scales for each group
 * @HR_PACKING_AWQ_GEMV: the same the other way round, with zeros and scales padded to whole words
 * @HR_PACKING_SCALED: elements of a byte and their scales
 * @HR_PACKING_WORDS: compressed-tensors: 32-bit words along the rows, scales, perhaps zeros, and the shape
 * @HR_PACKING_NVFP4: nibbles, an eight-bit scale for each 16, a scale for all
 * @HR_PACKING_MXFP4: nibbles, an exponent for each 32
 * @HR_PACKING_HQQ: rows of groups packed one over the other, with scales and zeros in the dtype
 * @HR_PACKING_QUANTO: packed bytes, with scales and shifts in the dtype, and scales of input and output
 * @HR_PACKING_TORCHAO_INT4: nibbles in tiles, with scales and zeros in one tensor
 * @HR_PACKING_AQLM: codes of several elements and the books that they are looked up in
 * @HR_PACKING_BITNET: four ternary elements in a byte, a scale for all
 * @HR_PACKING_MLX: 32-bit words along the rows, scales of groups, and the biases that affine ones have
 * @HR_PACKING_EXL3: a trellis of tiles of 16 by 16, and signs and scales of inputs and outputs
 *
 * How the elements of a matrix are laid out.
 */
typedef enum
{
  HR_PACKING_NONE,
  HR_PACKING_BNB_INT8,
  HR_PACKING_BNB_4BIT,
  HR_PACKING_GPTQ,
  HR_PACKING_AWQ_GEMM,
  HR_PACKING_AWQ_GEMV,
  HR_PACKING_SCALED,
  HR_PACKING_WORDS,
  HR_PACKING_NVFP4,
  HR_PACKING_MXFP4,
  HR_PACKING_HQQ,
  HR_PACKING_QUANTO,
  HR_PACKING_TORCHAO_INT4,
  HR_PACKING_AQLM,
  HR_PACKING_BITNET,
  HR_PACKING_MLX,
  HR_PACKING_EXL3,
} HrPacking;

/**
 * HrScaleType:
 * @HR_SCALE_DTYPE: the dtype of what is not quantized
 * @HR_SCALE_FLOAT32: fp32
 * @HR_SCALE_FLOAT16: fp16
 * @HR_SCALE_EXPONENT: an exponent in a byte
 *
 * What a scale is stored as.
 */
typedef enum
{
  HR_SCALE_DTYPE,
  HR_SCALE_FLOAT32,
  HR_SCALE_FLOAT16,
  HR_SCALE_EXPONENT,
} HrScaleType;

/**
 * HrMatrixFormat:
 * @packing: how the elements are laid out
 * @bits: of an element
 * @group_size: elements along a row that share a scale; 0: a row; %HR_MATRIX_WHOLE: the whole matrix
 * @group_rows: rows that share a scale, where blocks have two dimensions; 0: one
 * @scale: what scales are stored as
 * @scale_name: (nullable): what the tensor of the scales is called after the name of the module
 * @is_float: whether elements are floats
 * @has_zeros: whether groups have a zero
 * @has_index: whether each column names its group
 * @is_nested: whether the scales are quantized themselves
 * @is_stored: whether it was read from a file, where code books are not shared
 * @has_input_scale: whether there is a scale for the input
 * @code_elements: elements that a code stands for (AQLM)
 * @n_code_books: code books (AQLM)
 *
 * How a quantizer stores a matrix.
 */
typedef struct
{
  HrPacking packing;
  guint bits;
  guint64 group_size;
  guint64 group_rows;
  HrScaleType scale;
  const char *scale_name;
  gboolean is_float;
  gboolean has_zeros;
  gboolean has_index;
  gboolean is_nested;
  gboolean is_stored;
  gboolean has_input_scale;
  guint code_elements;
  guint n_code_books;
} HrMatrixFormat;

#define HR_MATRIX_WHOLE G_MAXUINT64
#define HR_MATRIX_MAX_PIECES 8
#define HR_MATRIX_MAX_DIMENSIONS 4

/**
 * HrMatrixPiece:
 * @suffix: what follows the name of the module: `.qweight`
 * @type: what a file calls the type of the elements: `I32`
 * @shape: the sizes
 * @n_dimensions: how many of @shape are used
 * @n_bytes: the size
 * @is_payload: whether these are the elements themselves
 *
 * One of the tensors that stand for a matrix.
 */
typedef struct
{
  const char *suffix;
  const char *type;
  guint64 shape[HR_MATRIX_MAX_DIMENSIONS];
  guint n_dimensions;
  guint64 n_bytes;
  gboolean is_payload;
} HrMatrixPiece;

const HrMatrixFormat *hr_matrix_format_get               (HrQuantization        quantization);
HrQuantization        hr_matrix_format_find_quantization (const HrMatrixFormat *self,
                                                          HrQuantization        expected);
const char           *hr_matrix_format_get_source        (HrQuantization        quantization);
guint                 hr_matrix_format_list_pieces       (const HrMatrixFormat *self,
                                                          HrDtype               dtype,
                                                          guint64               out_features,
                                                          guint64               in_features,
                                                          HrMatrixPiece        *pieces);
double                hr_matrix_format_get_width         (HrQuantization        quantization);
double                hr_matrix_format_get_bits          (const HrMatrixFormat *self);
char                 *hr_matrix_format_dup_formula       (const HrMatrixFormat *self,
                                                          HrDtype               dtype) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
