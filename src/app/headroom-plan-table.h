/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-plan-item.h"

G_BEGIN_DECLS

/*
 * Layouts of Megatron-LM, whose memory is added up; those of other frameworks, which are estimated; those of engines
 * that answer requests.
 */
typedef enum
{
  HEADROOM_PLAN_KIND_FORMULAS,
  HEADROOM_PLAN_KIND_SHARING,
  HEADROOM_PLAN_KIND_SERVING,
} HeadroomPlanKind;

#define HEADROOM_TYPE_PLAN_TABLE (headroom_plan_table_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomPlanTable, headroom_plan_table, HEADROOM, PLAN_TABLE, AdwBin)

GListStore       *headroom_plan_table_get_items       (HeadroomPlanTable *self);
void              headroom_plan_table_set_kind        (HeadroomPlanTable *self,
                                                       HeadroomPlanKind   kind);
HeadroomPlanItem *headroom_plan_table_get_selected    (HeadroomPlanTable *self);
void              headroom_plan_table_set_unit_system (HeadroomPlanTable *self,
                                                       HrUnitSystem       unit_system);
void              headroom_plan_table_set_only_fitting (HeadroomPlanTable *self,
                                                        gboolean           only_fitting);

G_END_DECLS
