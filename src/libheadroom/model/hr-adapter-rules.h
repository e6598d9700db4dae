/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-json.h"

G_BEGIN_DECLS

/**
 * HrAdapterRules:
 * @lora: the modules that LoRA adapts where none are named; %NULL if PEFT asks for names
 * @adalora: likewise those that AdaLoRA adapts
 * @ia3: likewise those that (IA)³ scales
 * @ia3_feedforward: those of @ia3 whose input is scaled
 * @refused: modules that cannot be adapted; %NULL if there are none
 * @own_router: whether the router is a module of its own kind, and no torch.nn.Linear
 * @joins_experts: whether the class joins matrices that each expert has in the published files
 * @keeps_targets: whether PEFT leaves targets in such a class as they are named
 * @idle_router: whether the layer reads the router's matrix and does not call its module
 * @unread_heads: whether PEFT does not find how many heads of keys and values there are
 *
 * What PEFT knows of a type of model: the section `adapters` of an architecture file.
 */
typedef struct
{
  char **lora;
  char **adalora;
  char **ia3;
  char **ia3_feedforward;
  char **refused;
  gboolean own_router;
  gboolean joins_experts;
  gboolean keeps_targets;
  gboolean idle_router;
  gboolean unread_heads;
} HrAdapterRules;

gboolean hr_adapter_rules_check         (HrJson          *section,
                                         GError         **error);
void     hr_adapter_rules_read          (HrAdapterRules  *self,
                                         HrJson          *section);
void     hr_adapter_rules_drop_defaults (HrAdapterRules  *self);
void     hr_adapter_rules_clear         (HrAdapterRules  *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HrAdapterRules, hr_adapter_rules_clear)

G_END_DECLS
