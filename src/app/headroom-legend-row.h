/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

#include "hr-chart-data.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_LEGEND_ROW (headroom_legend_row_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomLegendRow, headroom_legend_row, HEADROOM, LEGEND_ROW, GtkListBoxRow)

GtkWidget *headroom_legend_row_new (const HrChartPart *part) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
