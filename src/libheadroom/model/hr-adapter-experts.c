/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-adapter-private.h"

#include <string.h>

#include "hr-model-private.h"

/*
 * The names of modules in the published files that PEFT 0.21 takes for parameters of the class of transformers 5
 * (_MOE_TARGET_MODULE_MAPPING in peft/utils/transformers_weight_conversion.py), in the order of HrExpertPart.
 */
static const char * const mixtral_names[] = { "gate", "w1", "w3", "w2" };
static const char * const qwen2_moe_names[] = { "gate", "gate_proj", "up_proj", "down_proj" };

/*
 * _hr_adapter_get_expert_names:
 * @model: a model
 *
 * Returns: (nullable): the names, or %NULL if PEFT leaves targets in such a model as they are named
 */
const char * const *
_hr_adapter_get_expert_names (HrModel *model)
{
  const HrAdapterRules *rules = _hr_model_get_adapter_rules (model);

  if (!rules->joins_experts || rules->keeps_targets)
    return NULL;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (tensor->role == HR_TENSOR_ROLE_EXPERT && g_str_has_suffix (tensor->pattern, ".w1.weight"))
        return mixtral_names;
    }

  return qwen2_moe_names;
}

/*
 * _hr_adapter_find_expert_part:
 * @names: what _hr_adapter_get_expert_names() returned
 * @target: the name of a module, or the end of it
 *
 * Returns: the part that it stands for, or -1
 */
int
_hr_adapter_find_expert_part (const char * const *names,
                              const char         *target)
{
  const char *dot = strrchr (target, '.');

  for (int i = 0; i < HR_N_EXPERT_PARTS; i++)
    {
      if (g_str_equal (names[i], dot != NULL ? dot + 1 : target))
        return i;
    }

  return -1;
}

static void
find_expert (const HrAdapterTarget *target,
             gpointer               user_data)
{
  gboolean *has_experts = user_data;

  if (target->kind == HR_ADAPTER_TARGET_PARAMETER && target->n_experts > 0)
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
