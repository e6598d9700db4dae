/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

#include "hr-dtype.h"

G_BEGIN_DECLS

/**
 * HrQuantization:
 * @HR_QUANTIZATION_AUTO: what the model's `quantization_config` states, or none
 * @HR_QUANTIZATION_NONE: weights stay in the dtype they are loaded in
 * @HR_QUANTIZATION_BNB_INT8: bitsandbytes LLM.int8()
 * @HR_QUANTIZATION_BNB_NF4: bitsandbytes NF4, blocks of 64
 * @HR_QUANTIZATION_BNB_NF4_DQ: bitsandbytes NF4 with double quantization of the block constants
 * @HR_QUANTIZATION_BNB_FP4: bitsandbytes FP4, blocks of 64
 * @HR_QUANTIZATION_BNB_FP4_DQ: bitsandbytes FP4 with double quantization of the block constants
 * @HR_QUANTIZATION_GPTQ_INT8: GPTQ, eight bits, groups of 128
 * @HR_QUANTIZATION_GPTQ_INT4: GPTQ, four bits, groups of 128
 * @HR_QUANTIZATION_GPTQ_INT3: GPTQ, three bits, groups of 128
 * @HR_QUANTIZATION_GPTQ_INT2: GPTQ, two bits, groups of 128
 * @HR_QUANTIZATION_AWQ_INT4: AWQ, four bits, groups of 128
 * @HR_QUANTIZATION_FP8: eight-bit floats, a scale for each block of 128 by 128
 * @HR_QUANTIZATION_FP8_CHANNEL: eight-bit floats, a scale for each row
 * @HR_QUANTIZATION_FP8_TENSOR: eight-bit floats, a scale for each matrix
 * @HR_QUANTIZATION_MXFP8: OCP microscaling, eight-bit floats in blocks of 32
 * @HR_QUANTIZATION_W8A8_INT8: compressed-tensors, eight-bit integers, a scale for each row
 * @HR_QUANTIZATION_W8A16_INT8: compressed-tensors, eight-bit integers packed in groups of 128
 * @HR_QUANTIZATION_W4A16_INT4: compressed-tensors, four-bit integers packed in groups of 128
 * @HR_QUANTIZATION_MXFP4: OCP microscaling, four-bit floats in blocks of 32
 * @HR_QUANTIZATION_NVFP4: NVIDIA four-bit floats in blocks of 16
 * @HR_QUANTIZATION_HQQ_INT8: HQQ, eight bits, groups of 64
 * @HR_QUANTIZATION_HQQ_INT4: HQQ, four bits, groups of 64
 * @HR_QUANTIZATION_HQQ_INT3: HQQ, three bits, groups of 64
 * @HR_QUANTIZATION_HQQ_INT2: HQQ, two bits, groups of 64
 * @HR_QUANTIZATION_HQQ_INT1: HQQ, one bit, groups of 64
 * @HR_QUANTIZATION_QUANTO_INT8: optimum-quanto, eight-bit integers
 * @HR_QUANTIZATION_QUANTO_FLOAT8: optimum-quanto, eight-bit floats
 * @HR_QUANTIZATION_QUANTO_INT4: optimum-quanto, four-bit integers in groups of 128
 * @HR_QUANTIZATION_QUANTO_INT2: optimum-quanto, two-bit integers in groups of 128
 * @HR_QUANTIZATION_EETQ_INT8: EETQ, eight-bit integers
 * @HR_QUANTIZATION_TORCHAO_INT8: torchao, weights in eight-bit integers
 * @HR_QUANTIZATION_TORCHAO_FLOAT8: torchao, weights in eight-bit floats
 * @HR_QUANTIZATION_TORCHAO_INT4: torchao, weights in four-bit integers in groups of 128
 * @HR_QUANTIZATION_AQLM_INT2: AQLM, a 16-bit code for eight elements
 * @HR_QUANTIZATION_BITNET: BitNet b1.58, four ternary elements in a byte
 * @HR_QUANTIZATION_MLX_INT8: MLX, eight bits, groups of 64
 * @HR_QUANTIZATION_MLX_INT6: MLX, six bits, groups of 64
 * @HR_QUANTIZATION_MLX_INT5: MLX, five bits, groups of 64
 * @HR_QUANTIZATION_MLX_INT4: MLX, four bits, groups of 64
 * @HR_QUANTIZATION_MLX_INT3: MLX, three bits, groups of 64
 * @HR_QUANTIZATION_MLX_INT2: MLX, two bits, groups of 64
 * @HR_QUANTIZATION_MLX_MXFP8: MLX, MXFP8, an exponent for each 32
 * @HR_QUANTIZATION_MLX_MXFP4: MLX, MXFP4, an exponent for each 32
 * @HR_QUANTIZATION_MLX_NVFP4: MLX, four-bit floats, an eight-bit scale for each 16
 * @HR_QUANTIZATION_EXL3: ExLlamaV3, so many bits for each matrix that the model has the average asked for
 * @HR_QUANTIZATION_Q8_0: GGUF Q8_0
 * @HR_QUANTIZATION_Q6_K: GGUF Q6_K
 * @HR_QUANTIZATION_Q5_K_M: GGUF Q5_K_M
 * @HR_QUANTIZATION_Q5_K_S: GGUF Q5_K_S
 * @HR_QUANTIZATION_Q5_1: GGUF Q5_1
 * @HR_QUANTIZATION_Q5_0: GGUF Q5_0
 * @HR_QUANTIZATION_Q4_K_M: GGUF Q4_K_M
 * @HR_QUANTIZATION_Q4_K_S: GGUF Q4_K_S
 * @HR_QUANTIZATION_IQ4_NL: GGUF IQ4_NL
 * @HR_QUANTIZATION_IQ4_XS: GGUF IQ4_XS
 * @HR_QUANTIZATION_Q4_1: GGUF Q4_1
 * @HR_QUANTIZATION_Q4_0: GGUF Q4_0
 * @HR_QUANTIZATION_MXFP4_MOE: GGUF MXFP4 for the experts, Q8_0 for the rest
 * @HR_QUANTIZATION_NVFP4_GGUF: GGUF NVFP4
 * @HR_QUANTIZATION_Q3_K_L: GGUF Q3_K_L
 * @HR_QUANTIZATION_Q3_K_M: GGUF Q3_K_M
 * @HR_QUANTIZATION_Q3_K_S: GGUF Q3_K_S
 * @HR_QUANTIZATION_IQ3_M: GGUF IQ3_M
 * @HR_QUANTIZATION_IQ3_S: GGUF IQ3_S
 * @HR_QUANTIZATION_IQ3_XS: GGUF IQ3_XS
 * @HR_QUANTIZATION_IQ3_XXS: GGUF IQ3_XXS
 * @HR_QUANTIZATION_Q2_K: GGUF Q2_K
 * @HR_QUANTIZATION_Q2_K_S: GGUF Q2_K_S
 * @HR_QUANTIZATION_Q2_0: GGUF Q2_0
 * @HR_QUANTIZATION_IQ2_M: GGUF IQ2_M
 * @HR_QUANTIZATION_IQ2_S: GGUF IQ2_S
 * @HR_QUANTIZATION_IQ2_XS: GGUF IQ2_XS
 * @HR_QUANTIZATION_IQ2_XXS: GGUF IQ2_XXS
 * @HR_QUANTIZATION_TQ2_0: GGUF TQ2_0
 * @HR_QUANTIZATION_TQ1_0: GGUF TQ1_0
 * @HR_QUANTIZATION_IQ1_M: GGUF IQ1_M
 * @HR_QUANTIZATION_IQ1_S: GGUF IQ1_S
 * @HR_QUANTIZATION_Q1_0: GGUF Q1_0
 * @HR_QUANTIZATION_BF16: GGUF BF16
 * @HR_QUANTIZATION_F16: GGUF F16
 * @HR_QUANTIZATION_F32: GGUF F32
 *
 * How the weights of a model are quantized. Formats of a family stand together, the best known first.
 */
typedef enum
{
  HR_QUANTIZATION_AUTO,
  HR_QUANTIZATION_NONE,
  HR_QUANTIZATION_BNB_INT8,
  HR_QUANTIZATION_BNB_NF4,
  HR_QUANTIZATION_BNB_NF4_DQ,
  HR_QUANTIZATION_BNB_FP4,
  HR_QUANTIZATION_BNB_FP4_DQ,
  HR_QUANTIZATION_GPTQ_INT8,
  HR_QUANTIZATION_GPTQ_INT4,
  HR_QUANTIZATION_GPTQ_INT3,
  HR_QUANTIZATION_GPTQ_INT2,
  HR_QUANTIZATION_AWQ_INT4,
  HR_QUANTIZATION_FP8,
  HR_QUANTIZATION_FP8_CHANNEL,
  HR_QUANTIZATION_FP8_TENSOR,
  HR_QUANTIZATION_MXFP8,
  HR_QUANTIZATION_W8A8_INT8,
  HR_QUANTIZATION_W8A16_INT8,
  HR_QUANTIZATION_W4A16_INT4,
  HR_QUANTIZATION_MXFP4,
  HR_QUANTIZATION_NVFP4,
  HR_QUANTIZATION_HQQ_INT8,
  HR_QUANTIZATION_HQQ_INT4,
  HR_QUANTIZATION_HQQ_INT3,
  HR_QUANTIZATION_HQQ_INT2,
  HR_QUANTIZATION_HQQ_INT1,
  HR_QUANTIZATION_QUANTO_INT8,
  HR_QUANTIZATION_QUANTO_FLOAT8,
  HR_QUANTIZATION_QUANTO_INT4,
  HR_QUANTIZATION_QUANTO_INT2,
  HR_QUANTIZATION_EETQ_INT8,
  HR_QUANTIZATION_TORCHAO_INT8,
  HR_QUANTIZATION_TORCHAO_FLOAT8,
  HR_QUANTIZATION_TORCHAO_INT4,
  HR_QUANTIZATION_AQLM_INT2,
  HR_QUANTIZATION_BITNET,
  HR_QUANTIZATION_MLX_INT8,
  HR_QUANTIZATION_MLX_INT6,
  HR_QUANTIZATION_MLX_INT5,
  HR_QUANTIZATION_MLX_INT4,
  HR_QUANTIZATION_MLX_INT3,
  HR_QUANTIZATION_MLX_INT2,
  HR_QUANTIZATION_MLX_MXFP8,
  HR_QUANTIZATION_MLX_MXFP4,
  HR_QUANTIZATION_MLX_NVFP4,
  HR_QUANTIZATION_EXL3,
  HR_QUANTIZATION_Q8_0,       /*< nick=q8_0 >*/
  HR_QUANTIZATION_Q6_K,       /*< nick=q6_k >*/
  HR_QUANTIZATION_Q5_K_M,     /*< nick=q5_k_m >*/
  HR_QUANTIZATION_Q5_K_S,     /*< nick=q5_k_s >*/
  HR_QUANTIZATION_Q5_1,       /*< nick=q5_1 >*/
  HR_QUANTIZATION_Q5_0,       /*< nick=q5_0 >*/
  HR_QUANTIZATION_Q4_K_M,     /*< nick=q4_k_m >*/
  HR_QUANTIZATION_Q4_K_S,     /*< nick=q4_k_s >*/
  HR_QUANTIZATION_IQ4_NL,     /*< nick=iq4_nl >*/
  HR_QUANTIZATION_IQ4_XS,     /*< nick=iq4_xs >*/
  HR_QUANTIZATION_Q4_1,       /*< nick=q4_1 >*/
  HR_QUANTIZATION_Q4_0,       /*< nick=q4_0 >*/
  HR_QUANTIZATION_MXFP4_MOE,  /*< nick=mxfp4_moe >*/
  HR_QUANTIZATION_NVFP4_GGUF, /*< nick=nvfp4_gguf >*/
  HR_QUANTIZATION_Q3_K_L,     /*< nick=q3_k_l >*/
  HR_QUANTIZATION_Q3_K_M,     /*< nick=q3_k_m >*/
  HR_QUANTIZATION_Q3_K_S,     /*< nick=q3_k_s >*/
  HR_QUANTIZATION_IQ3_M,      /*< nick=iq3_m >*/
  HR_QUANTIZATION_IQ3_S,      /*< nick=iq3_s >*/
  HR_QUANTIZATION_IQ3_XS,     /*< nick=iq3_xs >*/
  HR_QUANTIZATION_IQ3_XXS,    /*< nick=iq3_xxs >*/
  HR_QUANTIZATION_Q2_K,       /*< nick=q2_k >*/
  HR_QUANTIZATION_Q2_K_S,     /*< nick=q2_k_s >*/
  HR_QUANTIZATION_Q2_0,       /*< nick=q2_0 >*/
  HR_QUANTIZATION_IQ2_M,      /*< nick=iq2_m >*/
  HR_QUANTIZATION_IQ2_S,      /*< nick=iq2_s >*/
  HR_QUANTIZATION_IQ2_XS,     /*< nick=iq2_xs >*/
  HR_QUANTIZATION_IQ2_XXS,    /*< nick=iq2_xxs >*/
  HR_QUANTIZATION_TQ2_0,      /*< nick=tq2_0 >*/
  HR_QUANTIZATION_TQ1_0,      /*< nick=tq1_0 >*/
  HR_QUANTIZATION_IQ1_M,      /*< nick=iq1_m >*/
  HR_QUANTIZATION_IQ1_S,      /*< nick=iq1_s >*/
  HR_QUANTIZATION_Q1_0,       /*< nick=q1_0 >*/
  HR_QUANTIZATION_BF16,       /*< nick=bf16 >*/
  HR_QUANTIZATION_F16,        /*< nick=f16 >*/
  HR_QUANTIZATION_F32,        /*< nick=f32 >*/
} HrQuantization;

#define HR_N_QUANTIZATIONS (HR_QUANTIZATION_F32 + 1)

const char *hr_quantization_get_name     (HrQuantization quantization);
gboolean    hr_quantization_is_gguf      (HrQuantization quantization);
gboolean    hr_quantization_is_mlx       (HrQuantization quantization);
gboolean    hr_quantization_is_gptq      (HrQuantization quantization);
gboolean    hr_quantization_is_bnb_4bit  (HrQuantization quantization);
gboolean    hr_quantization_can_be_tuned (HrQuantization quantization);

G_END_DECLS
