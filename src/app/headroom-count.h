/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

gboolean   headroom_count_parse    (const char *text,
                                    guint64    *value);
GtkWidget *headroom_count_spin_new (guint64     minimum,
                                    guint64     maximum,
                                    guint64     typical) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
