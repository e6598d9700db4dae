/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

#include "headroom-session.h"

G_BEGIN_DECLS

typedef enum
{
  HEADROOM_SIDE_WINDOW_ANATOMY,
  HEADROOM_SIDE_WINDOW_PRECISION,
  HEADROOM_SIDE_WINDOW_COMPARISON,
  HEADROOM_SIDE_WINDOW_EXAMPLES,
  HEADROOM_SIDE_WINDOW_LAUNCH,
  HEADROOM_SIDE_WINDOW_PLAN,
  HEADROOM_SIDE_WINDOW_HELP,
  HEADROOM_N_SIDE_WINDOWS
} HeadroomSideWindow;

#define HEADROOM_TYPE_SIDE_WINDOWS (headroom_side_windows_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomSideWindows, headroom_side_windows, HEADROOM, SIDE_WINDOWS, GObject)

HeadroomSideWindows *headroom_side_windows_new     (GtkWindow           *owner,
                                                    HeadroomSession     *session) G_GNUC_WARN_UNUSED_RESULT;
GtkWidget           *headroom_side_windows_get     (HeadroomSideWindows *self,
                                                    HeadroomSideWindow   kind);
void                 headroom_side_windows_present (HeadroomSideWindows *self,
                                                    HeadroomSideWindow   kind);
void                 headroom_side_windows_rebuild (HeadroomSideWindows *self);

G_END_DECLS
