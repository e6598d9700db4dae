/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-adapter.h"

#include "hr-model-private.h"

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
  gboolean has_experts = FALSE;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (HR_IS_MODEL (model), FALSE);

  return _hr_model_get_adapter_rules (model)->joins_experts &&
         hr_adapter_visit_targets (self, model, find_expert, &has_experts, NULL) && has_experts;
}
