/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-session.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_EXAMPLES_WINDOW (headroom_examples_window_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomExamplesWindow, headroom_examples_window, HEADROOM, EXAMPLES_WINDOW, AdwWindow)

GtkWidget *headroom_examples_window_new (HeadroomSession *session) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
