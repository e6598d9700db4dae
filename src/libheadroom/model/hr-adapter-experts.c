/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-adapter.h"

/* Whose classes join the matrices of a layer's experts (transformers 5.12, src/transformers/conversion_mapping.py). */
static const char * const joining_types[] = {
  "afmoe", "cohere2_moe", "deepseek_v2", "deepseek_v3", "deepseek_v32", "dots1", "ernie4_5_moe", "exaone_moe",
  "flex_olmo", "glm4_moe", "glm4_moe_lite", "glm4v_moe", "glm_moe_dsa", "hunyuan_v1_moe", "longcat_flash", "mellum",
  "minimax", "minimax_m2", "mixtral", "olmoe", "qwen2_moe", "qwen3_moe", "qwen3_next", "qwen3_omni_moe",
  "qwen3_omni_moe_thinker", "solar_open", NULL,
};

static void
find_expert (const HrAdapterTarget *target,
             gpointer               user_data)
{
  gboolean *has_experts = user_data;

  if (target->kind == HR_ADAPTER_TARGET_FACTORS && target->tensor->role == HR_TENSOR_ROLE_EXPERT &&
      target->tensor->n_items > 0)
    *has_experts = TRUE;
}

/*
 * hr_adapter_meets_joined_experts:
 * @self: an adapter
 * @model: the model that it belongs to
 *
 * Checks whether an adapter is for matrices that each expert has in the published files, and that all experts of a
 * layer have together in the class of transformers 5. PEFT 0.21 turns such targets into parameters of twice the rank
 * or leaves them out (peft/utils/transformers_weight_conversion.py, _convert_peft_config_moe), and counts otherwise.
 *
 * Returns: whether it is
 */
gboolean
hr_adapter_meets_joined_experts (HrAdapter *self,
                                 HrModel   *model)
{
  const char *model_type;
  gboolean has_experts = FALSE;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (HR_IS_MODEL (model), FALSE);

  model_type = hr_model_get_model_type (model);

  return model_type != NULL && g_strv_contains (joining_types, model_type) &&
         hr_adapter_visit_targets (self, model, find_expert, &has_experts, NULL) && has_experts;
}
