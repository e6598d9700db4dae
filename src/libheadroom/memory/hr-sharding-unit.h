/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-sharding.h"

G_BEGIN_DECLS

gboolean      hr_sharding_takes_units    (const HrTrainables *trained,
                                          gboolean            scores_sequences);
HrTrainables *hr_sharding_list_units     (const HrSharding   *self,
                                          const HrTrainables *trained);
void          hr_sharding_begin_units    (HrReplay           *replay,
                                          gboolean            is_recomputing);
void          hr_sharding_end_units      (HrReplay           *replay);
void          hr_sharding_enter_unit     (HrReplay           *replay,
                                          HrValue             parameter);
void          hr_sharding_leave_unit     (HrReplay           *replay,
                                          HrValue             parameter,
                                          HrValue            *output);
void          hr_sharding_await_units    (HrReplay           *replay,
                                          HrShardedUnits      units);
void          hr_sharding_gather_before  (HrReplay           *replay);
void          hr_sharding_reduce_unit    (HrReplay           *replay,
                                          HrValue             gradient);
HrElement     hr_sharding_choose_element (const HrReplay     *replay,
                                          HrElement           element);
HrElement     hr_sharding_choose_seen_element (const HrReplay *replay,
                                          HrElement           element);

G_END_DECLS
