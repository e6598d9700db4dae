/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-estimate.h"
#include "hr-units.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_COMPONENT_TABLE (headroom_component_table_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomComponentTable, headroom_component_table, HEADROOM, COMPONENT_TABLE, AdwBin)

GtkWidget *headroom_component_table_new          (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_component_table_show         (HeadroomComponentTable *self,
                                                  HrEstimate             *estimate,
                                                  guint                   device,
                                                  HrUnitSystem            unit_system);
int        headroom_component_table_get_selected (HeadroomComponentTable *self);
void       headroom_component_table_set_selected (HeadroomComponentTable *self,
                                                  int                     selected);
char      *headroom_component_table_dup_text     (HeadroomComponentTable *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
