/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-sharding.h"

G_BEGIN_DECLS

gboolean        hr_sharding_is_layered    (HrModel        *model,
                                           const HrTensor *tensor);
void            hr_sharding_list_stacks   (HrSharding     *self,
                                           HrModel        *model);
void            hr_sharding_clear         (HrSharding     *self);
guint           hr_sharding_count_as_large (const HrShardedStack *layers,
                                            guint          layer);
guint           hr_sharding_count_alike   (const HrShardedStack *layers,
                                           guint           layer,
                                           guint           n_layers);
guint64         hr_sharding_sum_layers    (const HrShardedStack *layers,
                                           guint           n_layers,
                                           guint64         bytes);
gboolean        hr_sharding_are_alike     (const HrSharding *self,
                                           const HrStack  *stack);
guint64         hr_sharding_count_largest (const HrSharding *self);
void            hr_sharding_freeze_stacks (HrSharding     *self,
                                           HrModel        *model,
                                           const HrTuning *tuning);
void            hr_sharding_pass_by       (HrSharding     *self,
                                           HrReach         reach);
HrShardedStack *hr_sharding_find_stack    (HrSharding     *self,
                                           const HrStack  *stack);
guint           hr_sharding_count_reached (const HrShardedStack *layers,
                                           HrReach         reach);
const HrStack  *hr_sharding_enter_stack   (HrReplay       *replay,
                                           const HrStack  *stack);
void            hr_sharding_enter_layer   (HrReplay       *replay,
                                           const HrStack  *stack,
                                           guint           layer);
HrValue         hr_sharding_gather_layer  (HrReplay       *replay,
                                           const HrStack  *stack,
                                           guint           layer);
HrValue         hr_sharding_gather_previous (HrReplay     *replay);
const HrStack  *hr_sharding_await_stack   (HrReplay       *replay,
                                           const HrStack  *stack);

G_END_DECLS
