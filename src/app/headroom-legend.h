/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-chart-data.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_LEGEND (headroom_legend_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomLegend, headroom_legend, HEADROOM, LEGEND, AdwBin)

GtkWidget   *headroom_legend_new          (void) G_GNUC_WARN_UNUSED_RESULT;
HrChartData *headroom_legend_get_data     (HeadroomLegend *self);
void         headroom_legend_set_data     (HeadroomLegend *self,
                                           HrChartData    *data);
int          headroom_legend_get_selected (HeadroomLegend *self);
void         headroom_legend_set_selected (HeadroomLegend *self,
                                           int             selected);
int          headroom_legend_get_hovered  (HeadroomLegend *self);
void         headroom_legend_set_hovered  (HeadroomLegend *self,
                                           int             hovered);

G_END_DECLS
