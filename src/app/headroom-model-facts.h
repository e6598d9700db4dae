/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>
#include <hr-dtype.h>
#include <hr-model.h>
#include <hr-units.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_MODEL_FACTS (headroom_model_facts_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomModelFacts, headroom_model_facts, HEADROOM, MODEL_FACTS, AdwBin)

GtkWidget *headroom_model_facts_new  (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_model_facts_show (HeadroomModelFacts *self,
                                      HrModel            *model,
                                      const char         *place,
                                      HrUnitSystem        unit_system);

G_END_DECLS
