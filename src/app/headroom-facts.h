/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void headroom_facts_attach (GtkGrid    *grid,
                            int         row,
                            const char *title,
                            const char *text,
                            const char *css_class);

G_END_DECLS
