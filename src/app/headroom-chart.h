/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

#include "hr-chart-style.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_CHART (headroom_chart_get_type ())

G_DECLARE_DERIVABLE_TYPE (HeadroomChart, headroom_chart, HEADROOM, CHART, GtkWidget)

/*
 * HeadroomChartClass:
 * @get_n_parts: says how many parts there are, none without data
 * @lay_out: lays the chart out in a size, or does nothing without data
 * @free_layout: frees what @lay_out made
 * @draw: draws everything that stays the same while the pointer moves
 * @draw_emphasis: draws what is selected and pointed at over it
 * @point_at: the pointer is at a place
 * @leave: the pointer has left
 * @press: a place is clicked
 * @update_accessible: says what is shown and selected
 *
 * What each kind of chart does its own way.
 */
struct _HeadroomChartClass
{
  GtkWidgetClass parent_class;

  guint (*get_n_parts) (HeadroomChart *self);
  gpointer (*lay_out) (HeadroomChart *self,
                       int            width,
                       int            height);
  void (*free_layout) (gpointer layout);
  void (*draw) (HeadroomChart      *self,
                gpointer            layout,
                cairo_t            *cr,
                const HrChartStyle *style);
  void (*draw_emphasis) (HeadroomChart      *self,
                         gpointer            layout,
                         cairo_t            *cr,
                         const HrChartStyle *style);
  void (*point_at) (HeadroomChart *self,
                    double         x,
                    double         y);
  void (*leave) (HeadroomChart *self);
  void (*press) (HeadroomChart *self,
                 double         x,
                 double         y);
  void (*update_accessible) (HeadroomChart *self);
};

void     headroom_chart_class_add_keys    (HeadroomChartClass *klass,
                                           guint               keyval,
                                           GdkModifierType     modifiers,
                                           GtkShortcutFunc     callback,
                                           int                 step);
gpointer headroom_chart_get_layout        (HeadroomChart      *self);
void     headroom_chart_restart           (HeadroomChart      *self);
void     headroom_chart_update_accessible (HeadroomChart      *self);
int      headroom_chart_get_selected      (HeadroomChart      *self);
void     headroom_chart_set_selected      (HeadroomChart      *self,
                                           int                 selected);

G_END_DECLS
