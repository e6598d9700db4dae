/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-cluster.h"
#include "hr-layout-time.h"
#include "hr-model.h"

G_BEGIN_DECLS

/**
 * HrShardedTime:
 *
 * How long a step takes in layouts of a job that are estimated.
 */
typedef struct _HrShardedTime HrShardedTime;

HrShardedTime *hr_sharded_time_new  (HrModel             *model,
                                     HrJob               *job,
                                     const HrCluster     *cluster) G_GNUC_WARN_UNUSED_RESULT;
void           hr_sharded_time_free (HrShardedTime       *self);
guint64        hr_sharded_time_get_n_tokens (HrModel       *model,
                                             HrJob         *job);
gboolean       hr_sharded_time_look (HrShardedTime       *self,
                                     HrJob               *job,
                                     const HrLayoutStep  *step,
                                     HrLayoutTime        *time,
                                     GError             **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrShardedTime, hr_sharded_time_free)

G_END_DECLS
