/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-gpu.h"
#include "hr-units.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_USAGE_VIEW (headroom_usage_view_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomUsageView, headroom_usage_view, HEADROOM, USAGE_VIEW, AdwBin)

void headroom_usage_view_show (HeadroomUsageView *self,
                               HrGpu             *gpu,
                               guint              n_gpus,
                               guint64            bytes,
                               HrUnitSystem       unit_system);

G_END_DECLS
