/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-estimate.h"
#include "hr-units.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_COMPARISON (headroom_comparison_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomComparison, headroom_comparison, HEADROOM, COMPARISON, AdwBin)

GtkWidget *headroom_comparison_new  (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_comparison_show (HeadroomComparison *self,
                                     HrEstimate         *estimate,
                                     HrUnitSystem        unit_system);

G_END_DECLS
