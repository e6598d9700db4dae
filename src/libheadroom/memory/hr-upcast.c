/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-upcast.h"

#include <string.h>

/* The modules that SFTTrainer casts back (peft_module_casting_to_bf16 of trl/models/utils.py). */
static const char * const cast_back[] = { "lm_head", "embed_tokens", "wte", "wpe" };

/*
 * hr_upcast_takes:
 * @self: what is cast to fp32
 * @role: what a tensor is for
 * @name: the name of the tensor or of its module
 *
 * Checks whether a tensor of 16 bits is among what is cast to fp32 beside quantized matrices.
 *
 * Returns: whether it is
 */
gboolean
hr_upcast_takes (HrUpcast      self,
                 HrTensorRole  role,
                 const char   *name)
{
  switch (self)
    {
    case HR_UPCAST_NORMS:
      return role == HR_TENSOR_ROLE_NORM;

    case HR_UPCAST_REST:
      for (guint i = 0; i < G_N_ELEMENTS (cast_back); i++)
        {
          if (role != HR_TENSOR_ROLE_NORM && strstr (name, cast_back[i]) != NULL)
            return FALSE;
        }
      return TRUE;

    case HR_UPCAST_NONE:
    default:
      return FALSE;
    }
}

/*
 * hr_upcast_get_element:
 * @replay: a tape
 * @role: what a parameter is for
 * @name: the name of its module
 *
 * Returns: what the parameter is held in
 */
HrElement
hr_upcast_get_element (const HrReplay *replay,
                       HrTensorRole    role,
                       const char     *name)
{
  return hr_upcast_takes (replay->upcast, role, name) ? hr_element_widen (replay->parameter_dtype)
                                                      : replay->parameter_dtype;
}
