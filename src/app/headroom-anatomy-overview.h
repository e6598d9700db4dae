/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>
#include <hr-anatomy.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_ANATOMY_OVERVIEW (headroom_anatomy_overview_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomAnatomyOverview, headroom_anatomy_overview, HEADROOM, ANATOMY_OVERVIEW, AdwBin)

GtkWidget *headroom_anatomy_overview_new          (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_anatomy_overview_show         (HeadroomAnatomyOverview *self,
                                                   HrAnatomy               *anatomy,
                                                   HrUnitSystem             unit_system);
int        headroom_anatomy_overview_get_selected (HeadroomAnatomyOverview *self);
void       headroom_anatomy_overview_set_selected (HeadroomAnatomyOverview *self,
                                                   int                      selected);

G_END_DECLS
