/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gio/gio.h>
#include <hr-planner.h>
#include <hr-units.h>

G_BEGIN_DECLS

typedef enum
{
  HEADROOM_PLAN_COLUMN_RANK,
  HEADROOM_PLAN_COLUMN_RATE,
  HEADROOM_PLAN_COLUMN_TOKEN,
  HEADROOM_PLAN_COLUMN_PROMPT,
  HEADROOM_PLAN_COLUMN_STEP,
  HEADROOM_PLAN_COLUMN_MEMORY,
  HEADROOM_PLAN_COLUMN_FREE,
  HEADROOM_PLAN_COLUMN_SHARES,
  HEADROOM_PLAN_COLUMN_TENSOR,
  HEADROOM_PLAN_COLUMN_PIPELINE,
  HEADROOM_PLAN_COLUMN_PARTS,
  HEADROOM_PLAN_COLUMN_CONTEXT,
  HEADROOM_PLAN_COLUMN_EXPERT,
  HEADROOM_PLAN_COLUMN_DATA,
  HEADROOM_PLAN_COLUMN_ZERO,
  HEADROOM_PLAN_COLUMN_CHECKPOINTING,
  HEADROOM_PLAN_COLUMN_MICRO_BATCH,
  HEADROOM_PLAN_COLUMN_MICRO_BATCHES,
  HEADROOM_PLAN_COLUMN_GPUS,
  HEADROOM_PLAN_COLUMN_RUNNING,
  HEADROOM_PLAN_COLUMN_AT_ONCE,
  HEADROOM_PLAN_COLUMN_CACHE,
  HEADROOM_PLAN_COLUMN_UTILIZATION,
  HEADROOM_PLAN_COLUMN_CHECK,
  HEADROOM_N_PLAN_COLUMNS
} HeadroomPlanColumn;

#define HEADROOM_TYPE_PLAN_ITEM (headroom_plan_item_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomPlanItem, headroom_plan_item, HEADROOM, PLAN_ITEM, GObject)

HeadroomPlanItem   *headroom_plan_item_new        (const HrPlanChoice *choice,
                                                   guint               rank,
                                                   guint64             memory) G_GNUC_WARN_UNUSED_RESULT;
const HrPlanChoice *headroom_plan_item_get_choice (HeadroomPlanItem   *self);
void                headroom_plan_item_set_choice (HeadroomPlanItem   *self,
                                                   const HrPlanChoice *choice);
gboolean            headroom_plan_item_fits       (HeadroomPlanItem   *self);
double              headroom_plan_item_get_value  (HeadroomPlanItem   *self,
                                                   HeadroomPlanColumn  column);
char               *headroom_plan_item_dup_text   (HeadroomPlanItem   *self,
                                                   HeadroomPlanColumn  column,
                                                   HrUnitSystem        unit_system) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
