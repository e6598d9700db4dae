/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-sharding.h"

G_BEGIN_DECLS

/**
 * HrShardedStage:
 * @sharding: the groups of the stage
 * @n_layers: how many layers it has
 *
 * What is done to all groups of a stage of a pipeline at once.
 */
typedef struct
{
  HrSharding sharding;
  guint n_layers;
} HrShardedStage;

void    hr_sharding_list_sizes       (HrSharding            *self,
                                      HrModel               *model);
void    hr_sharding_gather_stage     (HrReplay              *replay,
                                      HrShardedGroup         group);
void    hr_sharding_accumulate_stage (HrReplay              *replay,
                                      HrShardedGroup         group);
guint64 hr_sharded_stage_get_gathered_bytes (const HrShardedStage *self,
                                      HrElement              element);
guint64 hr_sharded_stage_get_gradient_bytes (const HrShardedStage *self,
                                      gboolean               has_come,
                                      gboolean               has_sums);
gboolean hr_sharding_adds_to_stage   (const HrReplay        *replay,
                                      HrValue                gradient);
void    hr_sharded_stage_end_weights (const HrShardedStage  *self,
                                      HrReplay              *replay);
gboolean hr_sharded_stage_sums_up    (const HrShardedStage  *self);
void    hr_sharded_stage_gather      (const HrShardedStage  *self,
                                      HrReplay              *replay);
void    hr_sharded_stage_await       (const HrShardedStage  *self,
                                      HrReplay              *replay);
void    hr_sharded_stage_let_go      (const HrShardedStage  *self,
                                      HrReplay              *replay);
void    hr_sharded_stage_reduce      (const HrShardedStage  *self,
                                      HrReplay              *replay);

G_END_DECLS
