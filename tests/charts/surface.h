/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include <cairo.h>
#include <glib.h>

G_BEGIN_DECLS

cairo_surface_t *create_surface (int              width,
                                 int              height,
                                 guint32          background) G_GNUC_WARN_UNUSED_RESULT;
guint32          get_pixel      (cairo_surface_t *surface,
                                 double           x,
                                 double           y);

G_END_DECLS
