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
 * @HR_QUANTIZATION_GPTQ_INT4: GPTQ, four bits, groups of 128
 * @HR_QUANTIZATION_AWQ_INT4: AWQ, four bits, groups of 128
 * @HR_QUANTIZATION_FP8: eight-bit floats
 * @HR_QUANTIZATION_MXFP4: OCP microscaling, four-bit floats in blocks of 32
 * @HR_QUANTIZATION_NVFP4: NVIDIA four-bit floats in blocks of 16
 * @HR_QUANTIZATION_Q4_K_M: GGUF Q4_K_M
 * @HR_QUANTIZATION_Q8_0: GGUF Q8_0
 *
 * How the weights of a model are quantized.
 */
typedef enum
{
  HR_QUANTIZATION_AUTO,
  HR_QUANTIZATION_NONE,
  HR_QUANTIZATION_BNB_INT8,
  HR_QUANTIZATION_BNB_NF4,
  HR_QUANTIZATION_BNB_NF4_DQ,
  HR_QUANTIZATION_GPTQ_INT4,
  HR_QUANTIZATION_AWQ_INT4,
  HR_QUANTIZATION_FP8,
  HR_QUANTIZATION_MXFP4,
  HR_QUANTIZATION_NVFP4,
  HR_QUANTIZATION_Q4_K_M, /*< nick=q4_k_m >*/
  HR_QUANTIZATION_Q8_0,   /*< nick=q8_0 >*/
} HrQuantization;

const char *hr_quantization_get_name (HrQuantization quantization);

G_END_DECLS
