/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <gtk/gtk.h>

#include "hr-chart-style.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_CHART (headroom_chart_get_type ())

G_DECLARE_DERIVABLE_TYPE (HeadroomChart, headroom_chart, HEADROOM, CHART, GtkWidget)

/*
 * HeadroomChartClass:
 * @data_type: the type of what it shows
 * @get_n_parts: says how many parts there are
 * @lay_out: lays the chart out in a size
 * @free_layout: frees what @lay_out made
 * @draw: draws everything that stays the same while the pointer moves
 * @draw_emphasis: draws what is selected and pointed at over it
 * @pick: finds the part at a place, or -1
 * @point_at: the pointer is at a place; unless a kind has more to do, the part there is hovered
 * @leave: the pointer has left
 * @press: a place is clicked; unless a kind has more to do, the part there is selected
 * @restart: there is other data; unless a kind has more to do, nothing is selected and hovered any more
 * @describe: says what is shown, and what is in it
 * @dup_emphasis: (nullable): says what is looked at, which then comes first; returns %NULL if that is nothing
 *
 * What each kind of chart does its own way. What needs data is called only while there is some.
 */
struct _HeadroomChartClass
{
  GtkWidgetClass parent_class;

  GType data_type;
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
  int (*pick) (HeadroomChart *self,
               gpointer       layout,
               double         x,
               double         y);
  void (*point_at) (HeadroomChart *self,
                    double         x,
                    double         y);
  void (*leave) (HeadroomChart *self);
  void (*press) (HeadroomChart *self,
                 double         x,
                 double         y);
  void (*restart) (HeadroomChart *self);
  void (*describe) (HeadroomChart  *self,
                    char          **label,
                    char          **description);
  char *(*dup_emphasis) (HeadroomChart *self);
};

void     headroom_chart_class_add_keys    (HeadroomChartClass *klass,
                                           guint               keyval,
                                           GdkModifierType     modifiers,
                                           GtkShortcutFunc     callback,
                                           int                 step);
gpointer headroom_chart_get_layout        (HeadroomChart      *self);
int      headroom_chart_pick              (HeadroomChart      *self,
                                           double              x,
                                           double              y);
void     headroom_chart_update_accessible (HeadroomChart      *self);
gpointer headroom_chart_get_data          (HeadroomChart      *self);
void     headroom_chart_set_data          (HeadroomChart      *self,
                                           gpointer            data);
guint    headroom_chart_get_n_parts       (HeadroomChart      *self);
int      headroom_chart_get_selected      (HeadroomChart      *self);
void     headroom_chart_set_selected      (HeadroomChart      *self,
                                           int                 selected);
int      headroom_chart_get_hovered       (HeadroomChart      *self);
void     headroom_chart_set_hovered       (HeadroomChart      *self,
                                           int                 hovered);

G_END_DECLS
