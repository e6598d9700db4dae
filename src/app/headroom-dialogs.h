/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void     headroom_dialog_open          (GtkWindow  *parent,
                                        GCallback   response,
                                        gpointer    object);
void     headroom_dialog_open_scenario (GtkWindow  *parent,
                                        GCallback   response,
                                        gpointer    object);
void     headroom_dialog_open_log      (GtkWindow  *parent,
                                        GCallback   response,
                                        gpointer    object);
void     headroom_dialog_open_folder   (GtkWindow  *parent,
                                        GCallback   response,
                                        gpointer    object);
GObject *headroom_dialog_save          (GtkWindow  *parent,
                                        const char *title,
                                        const char *name,
                                        GCallback   response,
                                        gpointer    object);

G_END_DECLS
