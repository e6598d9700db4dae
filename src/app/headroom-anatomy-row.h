/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "headroom-anatomy-item.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_ANATOMY_ROW (headroom_anatomy_row_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomAnatomyRow, headroom_anatomy_row, HEADROOM, ANATOMY_ROW, AdwBin)

GtkWidget *headroom_anatomy_row_new  (void) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_anatomy_row_show (HeadroomAnatomyRow  *self,
                                      HeadroomAnatomyItem *item,
                                      GtkSizeGroup       **columns,
                                      gboolean             is_narrow);
GtkWidget *headroom_anatomy_rows_new (HrAnatomyTable *table,
                                      HrUnitSystem    unit_system) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
