/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-adapter-rules.h"

static const char * const known_members[] = {
  "lora", "adalora", "ia3", "ia3-feedforward", "refused", "own-router", "joined-experts", "kept-targets", "idle-router",
  "unread-heads",
  NULL,
};

static gboolean
read_section (HrAdapterRules  *self,
              HrJson          *section,
              GError         **error)
{
  return hr_json_check_members (section, known_members, error) &&
         hr_json_get_strings (section, "lora", &self->lora, error) &&
         hr_json_get_strings (section, "adalora", &self->adalora, error) &&
         hr_json_get_strings (section, "ia3", &self->ia3, error) &&
         hr_json_get_strings (section, "ia3-feedforward", &self->ia3_feedforward, error) &&
         hr_json_get_strings (section, "refused", &self->refused, error) &&
         hr_json_get_boolean (section, "own-router", &self->own_router, error) &&
         hr_json_get_boolean (section, "joined-experts", &self->joins_experts, error) &&
         hr_json_get_boolean (section, "kept-targets", &self->keeps_targets, error) &&
         hr_json_get_boolean (section, "idle-router", &self->idle_router, error) &&
         hr_json_get_boolean (section, "unread-heads", &self->unread_heads, error);
}

/* Checks the section of an architecture file. */
gboolean
hr_adapter_rules_check (HrJson  *section,
                        GError **error)
{
  g_auto (HrAdapterRules) rules = { NULL };

  g_return_val_if_fail (section != NULL, FALSE);

  return read_section (&rules, section, error);
}

/* Reads a section that was checked. */
void
hr_adapter_rules_read (HrAdapterRules *self,
                       HrJson         *section)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (section != NULL);

  read_section (self, section, NULL);
}

/* Forgets the modules that are taken where none are named: PEFT has them for one model type, not for its aliases. */
void
hr_adapter_rules_drop_defaults (HrAdapterRules *self)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->lora, g_strfreev);
  g_clear_pointer (&self->adalora, g_strfreev);
  g_clear_pointer (&self->ia3, g_strfreev);
  g_clear_pointer (&self->ia3_feedforward, g_strfreev);
}

void
hr_adapter_rules_clear (HrAdapterRules *self)
{
  g_return_if_fail (self != NULL);

  hr_adapter_rules_drop_defaults (self);
  g_clear_pointer (&self->refused, g_strfreev);
}
