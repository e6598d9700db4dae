/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

#include "hr-chart-data.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_CAPACITY_BAR (headroom_capacity_bar_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomCapacityBar, headroom_capacity_bar, HEADROOM, CAPACITY_BAR, GtkWidget)

GtkWidget   *headroom_capacity_bar_new          (void) G_GNUC_WARN_UNUSED_RESULT;
HrChartData *headroom_capacity_bar_get_data     (HeadroomCapacityBar *self);
void         headroom_capacity_bar_set_data     (HeadroomCapacityBar *self,
                                                 HrChartData         *data);
int          headroom_capacity_bar_get_selected (HeadroomCapacityBar *self);
void         headroom_capacity_bar_set_selected (HeadroomCapacityBar *self,
                                                 int                  selected);

G_END_DECLS
