/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HrChartPoint:
 * @x: pixels from the left
 * @y: pixels from the top
 *
 * A point of a chart.
 */
typedef struct
{
  double x;
  double y;
} HrChartPoint;

/**
 * HrChartSize:
 * @width: pixels
 * @height: pixels
 *
 * The size of a part of a chart.
 */
typedef struct
{
  double width;
  double height;
} HrChartSize;

/**
 * HrChartRect:
 * @x: pixels from the left
 * @y: pixels from the top
 * @width: pixels
 * @height: pixels
 *
 * The place of a part of a chart.
 */
typedef struct
{
  double x;
  double y;
  double width;
  double height;
} HrChartRect;

G_END_DECLS
