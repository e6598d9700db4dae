/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-chart-picture.h"
#include "hr-chart-text.h"

G_BEGIN_DECLS

#define HR_CHART_PICTURE_BODY_WIDTH 712.0
#define HR_CHART_PICTURE_SECTION_GAP 18.0       /* below the title, and between what is below each other in a body */
#define HR_CHART_PICTURE_SWATCH_EXTENT 24.0     /* from the left of a swatch to its label */

/*
 * HrChartPictureKind:
 * @name: what tells ids in files of this kind from those of others
 * @draw: draws the content, from the origin on, without a background
 * @dup_label: says in a sentence what the content shows
 * @dup_description: says what is in it
 * @free: frees the content
 *
 * What a picture is composed of.
 */
typedef struct
{
  const char *name;
  void (*draw) (gpointer            content,
                cairo_t            *cr,
                const HrChartStyle *style);
  char *(*dup_label) (gpointer content);
  char *(*dup_description) (gpointer content);
  void (*free) (gpointer content);
} HrChartPictureKind;

HrChartPicture *hr_chart_picture_create     (const HrChartPictureKind *kind,
                                             gpointer                  content,
                                             PangoContext             *context,
                                             const char               *title,
                                             double                    height,
                                             HrChartScheme             scheme) G_GNUC_WARN_UNUSED_RESULT;
double          hr_chart_picture_draw_entry (cairo_t                  *cr,
                                             const HrChartStyle       *style,
                                             guint32                   color,
                                             guint                     pattern,
                                             PangoLayout              *label,
                                             double                    x,
                                             double                    y);

G_END_DECLS
