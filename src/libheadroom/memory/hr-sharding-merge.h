/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-sharding.h"
#include "hr-trainable.h"

G_BEGIN_DECLS

guint64 hr_sharding_count_merge (const HrSharding   *self,
                                 const HrTrainables *added);

G_END_DECLS
