/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-chart.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_CAPACITY_BAR (headroom_capacity_bar_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomCapacityBar, headroom_capacity_bar, HEADROOM, CAPACITY_BAR, HeadroomChart)

GtkWidget *headroom_capacity_bar_new (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
