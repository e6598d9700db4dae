/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-session.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_PRECISION_WINDOW (headroom_precision_window_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomPrecisionWindow, headroom_precision_window, HEADROOM, PRECISION_WINDOW, AdwWindow)

GtkWidget *headroom_precision_window_new       (HeadroomSession         *session) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_precision_window_take_view (HeadroomPrecisionWindow *self,
                                                HeadroomPrecisionWindow *old);
void       headroom_precision_window_show_page (HeadroomPrecisionWindow *self,
                                                const char              *name);
void       headroom_precision_window_set_text  (HeadroomPrecisionWindow *self,
                                                const char              *text);

G_END_DECLS
