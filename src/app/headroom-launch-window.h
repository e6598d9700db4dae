/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-session.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_LAUNCH_WINDOW (headroom_launch_window_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomLaunchWindow, headroom_launch_window, HEADROOM, LAUNCH_WINDOW, AdwWindow)

GtkWidget *headroom_launch_window_new       (HeadroomSession      *session) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_launch_window_take_view (HeadroomLaunchWindow *self,
                                             HeadroomLaunchWindow *old);

G_END_DECLS
