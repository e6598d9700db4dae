/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-estimate.h"
#include "hr-units.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_PHASE_LIST (headroom_phase_list_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomPhaseList, headroom_phase_list, HEADROOM, PHASE_LIST, AdwBin)

GtkWidget *headroom_phase_list_new  (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_phase_list_show (HeadroomPhaseList *self,
                                     HrEstimate        *estimate,
                                     HrUnitSystem       unit_system);

G_END_DECLS
