/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-session.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_ANATOMY_WINDOW (headroom_anatomy_window_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomAnatomyWindow, headroom_anatomy_window, HEADROOM, ANATOMY_WINDOW, AdwWindow)

GtkWidget  *headroom_anatomy_window_new           (HeadroomSession       *session) G_GNUC_WARN_UNUSED_RESULT;
void        headroom_anatomy_window_take_view     (HeadroomAnatomyWindow *self,
                                                   HeadroomAnatomyWindow *old);
void        headroom_anatomy_window_show_page     (HeadroomAnatomyWindow *self,
                                                   const char            *name);
void        headroom_anatomy_window_compare       (HeadroomAnatomyWindow *self,
                                                   HrModel               *model);

G_END_DECLS
