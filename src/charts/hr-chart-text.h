/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <pango/pangocairo.h>

#include "hr-chart-style.h"
#include "hr-chart-types.h"

G_BEGIN_DECLS

PangoContext *hr_chart_create_pango_context  (const char         *font,
                                              const char         *language) G_GNUC_WARN_UNUSED_RESULT;
PangoLayout  *hr_chart_create_layout         (PangoContext       *context,
                                              const char         *text,
                                              double              scale,
                                              PangoWeight         weight) G_GNUC_WARN_UNUSED_RESULT;
PangoLayout  *hr_chart_create_paragraph      (PangoContext       *context,
                                              const char         *text,
                                              double              scale,
                                              PangoWeight         weight,
                                              double              width) G_GNUC_WARN_UNUSED_RESULT;
PangoLayout  *hr_chart_create_label          (PangoContext       *context,
                                              const char         *text,
                                              PangoWeight         weight) G_GNUC_WARN_UNUSED_RESULT;
double        hr_chart_get_text_width        (PangoLayout        *text);
double        hr_chart_get_text_height       (PangoLayout        *text);
HrChartSize   hr_chart_get_text_size         (PangoLayout        *text);
void          hr_chart_set_text_color        (cairo_t            *cr,
                                              const HrChartStyle *style,
                                              gboolean            is_secondary);
void          hr_chart_show_text             (cairo_t            *cr,
                                              PangoLayout        *text,
                                              double              x,
                                              double              y);
void          hr_chart_show_text_on_baseline (cairo_t            *cr,
                                              PangoLayout        *text,
                                              double              x,
                                              double              baseline);
void          hr_chart_show_text_on_ground   (cairo_t            *cr,
                                              const HrChartStyle *style,
                                              PangoLayout        *text,
                                              const HrChartRect  *place);

G_END_DECLS
