/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>
#include <hr-article.h>

G_BEGIN_DECLS

#define HEADROOM_TYPE_FIGURE_ROW (headroom_figure_row_get_type ())

G_DECLARE_FINAL_TYPE (HeadroomFigureRow, headroom_figure_row, HEADROOM, FIGURE_ROW, GtkListBoxRow)

GtkWidget *headroom_figure_row_new (const HrArticleFigure *figure,
                                    HrUnitSystem           unit_system) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
