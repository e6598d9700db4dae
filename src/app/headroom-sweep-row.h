/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

#include "headroom-pin.h"
#include "hr-line-data.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_SWEEP_ROW (headroom_sweep_row_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomSweepRow, headroom_sweep_row, HEADROOM, SWEEP_ROW, GtkListBoxRow)

GtkWidget *headroom_sweep_row_new  (HeadroomPin      *pin) G_GNUC_WARN_UNUSED_RESULT;
void       headroom_sweep_row_show (HeadroomSweepRow *self,
                                    const HrLine     *line);

G_END_DECLS
