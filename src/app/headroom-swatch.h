/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_SWATCH (headroom_swatch_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomSwatch, headroom_swatch, HEADROOM, SWATCH, GtkWidget)

GtkWidget *headroom_swatch_new (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_swatch_set (HeadroomSwatch *self,
                                guint32         color,
                                guint           pattern);

G_END_DECLS
