/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>
#include <hr-report.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_SWEEP_VIEW (headroom_sweep_view_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomSweepView, headroom_sweep_view, HEADROOM, SWEEP_VIEW, AdwBin)

GtkWidget *headroom_sweep_view_new            (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_sweep_view_set_pins       (HeadroomSweepView *self,
                                               GListStore        *pins);
void       headroom_sweep_view_set_capacities (HeadroomSweepView *self,
                                               GListStore        *gpus);
void       headroom_sweep_view_show           (HeadroomSweepView *self,
                                               HrReport          *report);

G_END_DECLS
