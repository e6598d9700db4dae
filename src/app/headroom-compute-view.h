/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-report.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_COMPUTE_VIEW (headroom_compute_view_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomComputeView, headroom_compute_view, HEADROOM, COMPUTE_VIEW, AdwBin)

GtkWidget *headroom_compute_view_new  (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_compute_view_show (HeadroomComputeView *self,
                                       HrReport            *report);

G_END_DECLS
