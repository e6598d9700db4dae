/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <gio/gio.h>
#include <pango/pangocairo.h>

G_BEGIN_DECLS

/**
 * HrChartPicture:
 *
 * A chart with its title and legend, to be looked at away from the program: see [func@pie_picture_new] and
 * [func@timeline_picture_new].
 */
typedef struct _HrChartPicture HrChartPicture;

HrChartPicture *hr_chart_picture_ref       (HrChartPicture  *self);
void            hr_chart_picture_unref     (HrChartPicture  *self);
void            hr_chart_picture_get_size  (HrChartPicture  *self,
                                            double          *width,
                                            double          *height);
void            hr_chart_picture_draw      (HrChartPicture  *self,
                                            cairo_t         *cr);
gboolean        hr_chart_picture_write_svg (HrChartPicture  *self,
                                            GOutputStream   *stream,
                                            GCancellable    *cancellable,
                                            GError         **error);
gboolean        hr_chart_picture_write_png (HrChartPicture  *self,
                                            double           scale,
                                            GOutputStream   *stream,
                                            GCancellable    *cancellable,
                                            GError         **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrChartPicture, hr_chart_picture_unref)

G_END_DECLS
