/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-quantization.h"

#include "hr-base-enums.h"

/**
 * hr_quantization_get_name:
 * @quantization: a format
 *
 * Gets the name that the command line uses, such as `bnb-nf4-dq`.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_quantization_get_name (HrQuantization quantization)
{
  g_autoptr (GEnumClass) enum_class = g_type_class_ref (HR_TYPE_QUANTIZATION);
  const GEnumValue *value = g_enum_get_value (enum_class, quantization);

  g_return_val_if_fail (value != NULL, NULL);

  return value->value_nick;
}

/**
 * hr_quantization_is_gguf:
 * @quantization: a format
 *
 * Tells whether a format is a file type of llama.cpp, whose files mix the types of ggml.
 *
 * Returns: whether it is
 */
gboolean
hr_quantization_is_gguf (HrQuantization quantization)
{
  return quantization >= HR_QUANTIZATION_Q8_0 && quantization <= HR_QUANTIZATION_F32;
}

/**
 * hr_quantization_is_mlx:
 * @quantization: a format
 *
 * Tells whether a format is one of MLX, which computes on Apple's GPUs.
 *
 * Returns: whether it is
 */
gboolean
hr_quantization_is_mlx (HrQuantization quantization)
{
  return quantization >= HR_QUANTIZATION_MLX_INT8 && quantization <= HR_QUANTIZATION_MLX_NVFP4;
}

/**
 * hr_quantization_is_gptq:
 * @quantization: a format
 *
 * Tells whether a format is one of GPTQ.
 *
 * Returns: whether it is
 */
gboolean
hr_quantization_is_gptq (HrQuantization quantization)
{
  return quantization == HR_QUANTIZATION_GPTQ_INT8 || quantization == HR_QUANTIZATION_GPTQ_INT4 ||
         quantization == HR_QUANTIZATION_GPTQ_INT3 || quantization == HR_QUANTIZATION_GPTQ_INT2;
}

/**
 * hr_quantization_is_bnb_4bit:
 * @quantization: a format
 *
 * Tells whether a format is one of the four bits of bitsandbytes.
 *
 * Returns: whether it is
 */
gboolean
hr_quantization_is_bnb_4bit (HrQuantization quantization)
{
  return quantization == HR_QUANTIZATION_BNB_NF4 || quantization == HR_QUANTIZATION_BNB_NF4_DQ ||
         quantization == HR_QUANTIZATION_BNB_FP4 || quantization == HR_QUANTIZATION_BNB_FP4_DQ;
}

/**
 * hr_quantization_can_be_tuned:
 * @quantization: a format
 *
 * Tells whether it is known how gradients flow through linear layers of a format to adapters beside them.
 *
 * Returns: whether it is
 */
gboolean
hr_quantization_can_be_tuned (HrQuantization quantization)
{
  return quantization == HR_QUANTIZATION_BNB_INT8 || hr_quantization_is_bnb_4bit (quantization) ||
         hr_quantization_is_gptq (quantization) || quantization == HR_QUANTIZATION_AWQ_INT4;
}
