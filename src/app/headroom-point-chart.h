/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "headroom-chart.h"

G_BEGIN_DECLS

#define HEADROOM_TYPE_POINT_CHART (headroom_point_chart_get_type ())

G_DECLARE_DERIVABLE_TYPE (HeadroomPointChart, headroom_point_chart, HEADROOM, POINT_CHART, HeadroomChart)

/*
 * HeadroomPointChartClass:
 * @height: how high it is, in pixels
 * @get_n_points: says how many points there are
 * @pick_point: finds the point at a place, or -1, and, unless @part is %NULL, the part there, or -1
 * @get_start: says where the keyboard comes to with a step from nowhere; beyond an end means that end
 * @visit: the keyboard has come to a point, which is looked at now
 * @forget: what the keyboard or a click had come to is let go of
 *
 * What each kind of chart with points does its own way. What needs data is called only while there is some.
 */
struct _HeadroomPointChartClass
{
  HeadroomChartClass parent_class;

  int height;
  guint (*get_n_points) (HeadroomPointChart *self);
  int (*pick_point) (HeadroomPointChart *self,
                     gpointer            layout,
                     double              x,
                     double              y,
                     int                *part);
  int (*get_start) (HeadroomPointChart *self,
                    int                 step);
  void (*visit) (HeadroomPointChart *self,
                 int                 point);
  void (*forget) (HeadroomPointChart *self);
};

guint headroom_point_chart_get_n_points (HeadroomPointChart *self);
void  headroom_point_chart_visit        (HeadroomPointChart *self,
                                         int                 point);
int   headroom_point_chart_get_point    (HeadroomPointChart *self);
void  headroom_point_chart_set_point    (HeadroomPointChart *self,
                                         int                 point);

G_END_DECLS
