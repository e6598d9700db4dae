/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-session.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_PLAN_WINDOW (headroom_plan_window_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomPlanWindow, headroom_plan_window, HEADROOM, PLAN_WINDOW, AdwWindow)

GtkWidget *headroom_plan_window_new (HeadroomSession *session) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
