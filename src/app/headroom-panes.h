/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

gboolean headroom_panes_move (GPtrArray        *panes,
                              GtkWidget        *focus,
                              GtkDirectionType  direction);

G_END_DECLS
