/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

#include "hr-report.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_RANK_ROW (headroom_rank_row_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomRankRow, headroom_rank_row, HEADROOM, RANK_ROW, GtkListBoxRow)

GtkWidget *headroom_rank_row_new (HrReport *report,
                                  guint     device) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
