/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void  headroom_about_present        (GtkWindow *parent);
char *headroom_about_get_debug_info (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
