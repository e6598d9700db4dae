/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_COLUMNS (headroom_columns_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomColumns, headroom_columns, HEADROOM, COLUMNS, GtkWidget)

GtkWidget *headroom_columns_new     (void) G_GNUC_WARN_UNUSED_RESULT;
GtkWidget *headroom_columns_new_row (const char          *name,
                                     const char * const  *cells,
                                     guint                n_cells,
                                     int                  spacing,
                                     const char          *css_class) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_columns_append  (HeadroomColumns     *self,
                                     GtkWidget           *child);

G_END_DECLS
