/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "surface.h"

#include <string.h>

#include "hr-chart-style.h"

/* Makes a surface of one colour to draw charts on. */
cairo_surface_t *
create_surface (int     width,
                int     height,
                guint32 background)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, width, height);
  cairo_t *cr = cairo_create (surface);

  hr_chart_set_source_color (cr, background, 1);
  cairo_paint (cr);
  cairo_destroy (cr);

  return surface;
}

/* Returns: the colour at a place, as 0xRRGGBB */
guint32
get_pixel (cairo_surface_t *surface,
           double           x,
           double           y)
{
  guint32 pixel;

  cairo_surface_flush (surface);
  memcpy (&pixel,
          cairo_image_surface_get_data (surface) + (int) y * cairo_image_surface_get_stride (surface) + 4 * (int) x,
          sizeof pixel);

  return pixel & 0xffffff;
}
