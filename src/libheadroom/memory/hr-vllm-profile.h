/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job-types.h"
#include "hr-serving-profile.h"

G_BEGIN_DECLS

const HrServingProfile  *hr_vllm_profile_get        (HrVllmRelease           release);
const HrServingMeasured *hr_vllm_profile_get_beside (const HrServingProfile *self,
                                                     guint64                 n_ranks,
                                                     gboolean                has_links);
const HrServingMeasured *hr_vllm_profile_get_graphs (const HrServingProfile *self,
                                                     guint64                 n_ranks);
guint64                  hr_vllm_profile_get_spread (const HrServingProfile *self,
                                                     guint64                 n_ranks,
                                                     gboolean                has_links,
                                                     guint64                 n_graphs,
                                                     gboolean                counts_beside);

G_END_DECLS
