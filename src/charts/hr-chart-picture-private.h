/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-chart-picture.h"
#include "hr-chart-text.h"

G_BEGIN_DECLS

/*
 * HrChartPictureKind:
 * @name: what tells ids in files of this kind from those of others
 * @draw: draws the content, without a background
 * @dup_label: says in a sentence what the content shows
 * @dup_description: says what is in it
 * @free: frees the content
 *
 * What a picture is composed of.
 */
typedef struct
{
  const char *name;
  void (*draw) (gpointer  content,
                cairo_t  *cr);
  char *(*dup_label) (gpointer content);
  char *(*dup_description) (gpointer content);
  void (*free) (gpointer content);
} HrChartPictureKind;

HrChartPicture *hr_chart_picture_create (const HrChartPictureKind *kind,
                                         gpointer                  content,
                                         double                    width,
                                         double                    height,
                                         const HrChartStyle       *style) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
