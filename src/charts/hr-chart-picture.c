/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-chart-picture-private.h"

#include <math.h>
#include <string.h>

#include <cairo-svg.h>

#include "hr-cairo-sink.h"

#define MARGIN 24.0
#define SWATCH 14.0
#define TITLE_SCALE 1.3

struct _HrChartPicture
{
  const HrChartPictureKind *kind;
  gpointer content;
  PangoLayout *title;
  double width;
  double height;
  const HrChartStyle *style;
};

/*
 * hr_chart_picture_create:
 * @kind: what the picture is composed of
 * @content: (transfer full): its content
 * @context: (transfer full): what its texts are measured and drawn with
 * @title: its title
 * @height: how high its content is, in pixels at 96 dpi; all contents are equally wide
 * @scheme: what it is drawn for
 *
 * Makes a picture: a title above a content, with a margin around them.
 *
 * Returns: (transfer full): the picture
 */
HrChartPicture *
hr_chart_picture_create (const HrChartPictureKind *kind,
                         gpointer                  content,
                         PangoContext             *context,
                         const char               *title,
                         double                    height,
                         HrChartScheme             scheme)
{
  HrChartPicture *self = g_rc_box_new0 (HrChartPicture);

  self->kind = kind;
  self->content = content;
  self->title = hr_chart_create_paragraph (context, title, TITLE_SCALE, PANGO_WEIGHT_BOLD, HR_CHART_PICTURE_BODY_WIDTH);
  self->width = HR_CHART_PICTURE_BODY_WIDTH + 2 * MARGIN;
  self->height = ceil (2 * MARGIN + hr_chart_get_text_height (self->title) + HR_CHART_PICTURE_SECTION_GAP + height);
  self->style = hr_chart_style_get (scheme);
  g_object_unref (context);

  return self;
}

/*
 * hr_chart_picture_draw_entry:
 * @cr: what to draw on
 * @style: the style of the picture
 * @color: the colour of a part
 * @pattern: its pattern
 * @label: its label
 * @x: pixels from the left
 * @y: pixels from the top, to the upper edge of the label
 *
 * Draws an entry of a legend: a swatch and a label, and sets the colour of texts.
 *
 * Returns: the line that the label stands on, for what is beside it
 */
double
hr_chart_picture_draw_entry (cairo_t            *cr,
                             const HrChartStyle *style,
                             guint32             color,
                             guint               pattern,
                             PangoLayout        *label,
                             double              x,
                             double              y)
{
  double baseline = y + (double) pango_layout_get_baseline (label) / PANGO_SCALE;

  hr_chart_append_rounded_rect (cr, x, baseline - SWATCH + 1, SWATCH, SWATCH, 3);
  hr_chart_fill_part (cr, style, color, pattern);
  hr_chart_set_source_color (cr, style->foreground, 1);
  hr_chart_show_text (cr, label, x + HR_CHART_PICTURE_SWATCH_EXTENT, y);

  return baseline;
}

static void
hr_chart_picture_clear (gpointer data)
{
  HrChartPicture *self = data;

  self->kind->free (self->content);
  g_object_unref (self->title);
}

/**
 * hr_chart_picture_ref:
 * @self: a picture
 *
 * Takes another reference to a picture.
 *
 * Returns: (transfer full): @self
 */
HrChartPicture *
hr_chart_picture_ref (HrChartPicture *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_rc_box_acquire (self);
}

/**
 * hr_chart_picture_unref:
 * @self: (transfer full): a picture
 *
 * Lets go of a picture, which goes with its last reference.
 */
void
hr_chart_picture_unref (HrChartPicture *self)
{
  g_return_if_fail (self != NULL);

  g_rc_box_release_full (self, hr_chart_picture_clear);
}

/**
 * hr_chart_picture_get_size:
 * @self: a picture
 * @width: (out) (optional): its width in pixels at 96 dpi
 * @height: (out) (optional): its height in pixels at 96 dpi
 */
void
hr_chart_picture_get_size (HrChartPicture *self,
                           double         *width,
                           double         *height)
{
  g_return_if_fail (self != NULL);

  if (width != NULL)
    *width = self->width;
  if (height != NULL)
    *height = self->height;
}

/**
 * hr_chart_picture_draw:
 * @self: a picture
 * @cr: what to draw on
 *
 * Draws the picture, without a background.
 */
void
hr_chart_picture_draw (HrChartPicture *self,
                       cairo_t        *cr)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (cr != NULL);

  cairo_save (cr);
  cairo_translate (cr, MARGIN, MARGIN);
  hr_chart_set_source_color (cr, self->style->foreground, 1);
  hr_chart_show_text (cr, self->title, 0, 0);
  cairo_translate (cr, 0, hr_chart_get_text_height (self->title) + HR_CHART_PICTURE_SECTION_GAP);
  self->kind->draw (self->content, cr, self->style);
  cairo_restore (cr);
}

static cairo_status_t
draw_on_surface (HrChartPicture  *self,
                 cairo_surface_t *surface,
                 double           scale)
{
  cairo_t *cr = cairo_create (surface);
  cairo_status_t status;

  cairo_scale (cr, scale, scale);
  hr_chart_set_source_color (cr, self->style->background, 1);
  cairo_paint (cr);
  hr_chart_picture_draw (self, cr);
  status = cairo_status (cr);
  cairo_destroy (cr);

  return status;
}

static cairo_status_t
append_bytes (void                *closure,
              const unsigned char *data,
              unsigned int         length)
{
  g_string_append_len (closure, (const char *) data, length);

  return CAIRO_STATUS_SUCCESS;
}

/* Cairo draws texts as outlines: for those who cannot see them, the same goes in as title and description. */
static void
insert_description (HrChartPicture *self,
                    GString        *svg)
{
  g_autofree char *label = self->kind->dup_label (self->content);
  g_autofree char *description = self->kind->dup_description (self->content);
  g_autofree char *markup = g_markup_printf_escaped (" role=\"img\">\n<title>%s</title>\n<desc>%s</desc>",
                                                     label, description);
  const char *root = strstr (svg->str, "<svg ");
  const char *end = root != NULL ? strchr (root, '>') : NULL;
  gssize position;

  if (end == NULL)
    return;

  position = end - svg->str;
  g_string_erase (svg, position, 1);
  g_string_insert (svg, position, markup);
}

/* Cairo numbers what it refers to; in a page with several pictures each has names of its own. */
static void
name_ids (HrChartPicture *self,
          GString        *svg)
{
  static const char * const before[] = { "id=\"", "href=\"#", "url(#" };

  for (guint i = 0; i < G_N_ELEMENTS (before); i++)
    {
      g_autofree char *after = g_strconcat (before[i], self->kind->name, "-", NULL);

      g_string_replace (svg, before[i], after, 0);
    }
}

/**
 * hr_chart_picture_write_svg:
 * @self: a picture
 * @stream: where to write it
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Writes the picture as SVG that needs no font, with a title and a description for screen readers.
 *
 * Returns: whether everything was written; @stream is left open
 */
gboolean
hr_chart_picture_write_svg (HrChartPicture  *self,
                            GOutputStream   *stream,
                            GCancellable    *cancellable,
                            GError         **error)
{
  g_autoptr(GString) svg = g_string_new (NULL);
  HrCairoSink sink = { stream, cancellable, NULL };
  cairo_surface_t *surface;
  cairo_status_t status;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (G_IS_OUTPUT_STREAM (stream), FALSE);

  surface = cairo_svg_surface_create_for_stream (append_bytes, svg, self->width, self->height);
  cairo_svg_surface_set_document_unit (surface, CAIRO_SVG_UNIT_PX);
  status = draw_on_surface (self, surface, 1);
  cairo_surface_finish (surface);
  if (status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_status (surface);
  cairo_surface_destroy (surface);

  if (status == CAIRO_STATUS_SUCCESS)
    {
      name_ids (self, svg);
      insert_description (self, svg);
      hr_cairo_sink_write (&sink, (const unsigned char *) svg->str, svg->len);
    }

  return hr_cairo_sink_finish (&sink, status, error);
}

/**
 * hr_chart_picture_write_png:
 * @self: a picture
 * @scale: how many pixels of the file stand for one of the picture; 2 is right for print and dense screens
 * @stream: where to write it
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Writes the picture as PNG.
 *
 * Returns: whether everything was written; @stream is left open
 */
gboolean
hr_chart_picture_write_png (HrChartPicture  *self,
                            double           scale,
                            GOutputStream   *stream,
                            GCancellable    *cancellable,
                            GError         **error)
{
  HrCairoSink sink = { stream, cancellable, NULL };
  cairo_surface_t *surface;
  cairo_status_t status;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (scale > 0, FALSE);
  g_return_val_if_fail (G_IS_OUTPUT_STREAM (stream), FALSE);

  surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, ceil (self->width * scale), ceil (self->height * scale));
  status = draw_on_surface (self, surface, scale);
  if (status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_write_to_png_stream (surface, hr_cairo_sink_write, &sink);
  cairo_surface_destroy (surface);

  return hr_cairo_sink_finish (&sink, status, error);
}
