/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-plan-item.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_PLAN_TABLE (headroom_plan_table_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomPlanTable, headroom_plan_table, HEADROOM, PLAN_TABLE, AdwBin)

GListStore       *headroom_plan_table_get_items       (HeadroomPlanTable *self);
HeadroomPlanItem *headroom_plan_table_get_selected    (HeadroomPlanTable *self);
void              headroom_plan_table_set_unit_system (HeadroomPlanTable *self,
                                                       HrUnitSystem       unit_system);
void              headroom_plan_table_set_only_fitting (HeadroomPlanTable *self,
                                                        gboolean           only_fitting);

G_END_DECLS
