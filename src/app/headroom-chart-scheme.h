/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <adwaita.h>

#include "hr-chart-style.h"
#include "hr-palette.h"

G_BEGIN_DECLS

HrChartScheme   headroom_get_chart_scheme   (void);
HrPaletteScheme headroom_get_palette_scheme (void);
void            headroom_watch_chart_scheme (gpointer  object,
                                             GCallback callback);

G_END_DECLS
