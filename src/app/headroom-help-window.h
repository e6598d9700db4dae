/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_HELP_WINDOW (headroom_help_window_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomHelpWindow, headroom_help_window, HEADROOM, HELP_WINDOW, AdwWindow)

GtkWidget  *headroom_help_window_new       (void) G_GNUC_WARN_UNUSED_RESULT;
void        headroom_help_window_show      (HeadroomHelpWindow *self,
                                            const char         *id);
const char *headroom_help_window_get_shown (HeadroomHelpWindow *self);

G_END_DECLS
