/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void headroom_help_menu_attach (GtkWidget  *widget,
                                const char *topic,
                                const char *title);

G_END_DECLS
