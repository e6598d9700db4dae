/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-session.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_MODE_PAGE (headroom_mode_page_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomModePage, headroom_mode_page, HEADROOM, MODE_PAGE, AdwBin)

GtkWidget *headroom_mode_page_new       (HrJob            *job) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_mode_page_set_model (HeadroomModePage *self,
                                         HrModel          *model);

G_END_DECLS
