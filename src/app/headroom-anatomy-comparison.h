/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>
#include <hr-anatomy.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_ANATOMY_COMPARISON (headroom_anatomy_comparison_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomAnatomyComparison, headroom_anatomy_comparison, HEADROOM, ANATOMY_COMPARISON, AdwBin)

GtkWidget *headroom_anatomy_comparison_new       (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_anatomy_comparison_show      (HeadroomAnatomyComparison *self,
                                                  HrAnatomy                 *anatomy,
                                                  HrJob                     *job,
                                                  HrUnitSystem               unit_system);
HrAnatomy *headroom_anatomy_comparison_get_other (HeadroomAnatomyComparison *self);
void       headroom_anatomy_comparison_set_model (HeadroomAnatomyComparison *self,
                                                  HrModel                   *model);
HrModel   *headroom_anatomy_comparison_get_model (HeadroomAnatomyComparison *self);

G_END_DECLS
