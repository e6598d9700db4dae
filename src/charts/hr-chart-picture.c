/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-chart-picture.h"

#include <math.h>
#include <string.h>

#include <cairo-svg.h>

#include "hr-cairo-sink.h"
#include "hr-capacity-bar.h"
#include "hr-pie-chart.h"

#define WIDTH 760.0
#define MARGIN 24.0
#define PIE_SIZE 290.0
#define COLUMN_GAP 32.0
#define ROW_GAP 10.0
#define SWATCH 14.0
#define SWATCH_GAP 10.0
#define NUMBER_GAP 18.0
#define BAR_HEIGHT 22.0
#define SECTION_GAP 18.0
#define TITLE_SCALE 1.3

typedef struct
{
  PangoLayout *label;
  PangoLayout *value;
  PangoLayout *share;
} Row;

struct _HrChartPicture
{
  HrChartData *data;
  const HrChartStyle *style;
  PangoLayout *title;
  PangoLayout *used;
  PangoLayout *rest;
  GArray *rows;
  HrPieChart *pie;
  HrCapacityBar *bar;
  double value_width;
  double share_width;
  double legend_height;
  double height;
};

static double
get_width (PangoLayout *layout)
{
  int width;

  pango_layout_get_size (layout, &width, NULL);

  return (double) width / PANGO_SCALE;
}

static double
get_height (PangoLayout *layout)
{
  int height;

  pango_layout_get_size (layout, NULL, &height);

  return (double) height / PANGO_SCALE;
}

static void
clear_row (gpointer data)
{
  Row *row = data;

  g_object_unref (row->label);
  g_object_unref (row->value);
  g_clear_object (&row->share);
}

static void
create_rows (HrChartPicture *self,
             PangoContext   *context)
{
  double label_width;

  for (guint i = 0; i < hr_chart_data_get_n_parts (self->data); i++)
    {
      const HrChartPart *part = hr_chart_data_get_part (self->data, i);
      Row row = { NULL };

      row.label = hr_chart_create_layout (context, part->label, 1, PANGO_WEIGHT_NORMAL);
      row.value = hr_chart_create_layout (context, part->value_text, 1, PANGO_WEIGHT_BOLD);
      self->value_width = MAX (self->value_width, get_width (row.value));
      if (part->share_text != NULL)
        {
          row.share = hr_chart_create_layout (context, part->share_text, 1, PANGO_WEIGHT_NORMAL);
          self->share_width = MAX (self->share_width, get_width (row.share));
        }
      g_array_append_val (self->rows, row);
    }

  label_width = WIDTH - 2 * MARGIN - PIE_SIZE - COLUMN_GAP - SWATCH - SWATCH_GAP -
                NUMBER_GAP - self->value_width - NUMBER_GAP - self->share_width;

  for (guint i = 0; i < self->rows->len; i++)
    {
      const Row *row = &g_array_index (self->rows, Row, i);

      pango_layout_set_width (row->label, MAX (label_width, 40) * PANGO_SCALE);
      pango_layout_set_wrap (row->label, PANGO_WRAP_WORD_CHAR);
      self->legend_height += get_height (row->label) + (i > 0 ? ROW_GAP : 0);
    }
}

static void
create_bar (HrChartPicture *self,
            PangoContext   *context)
{
  g_autofree char *used = NULL;

  if (hr_chart_data_get_capacity (self->data) == 0)
    return;

  self->bar = hr_capacity_bar_new (self->data, WIDTH - 2 * MARGIN, BAR_HEIGHT);

  if (hr_chart_data_get_capacity_text (self->data) != NULL)
    used = g_strdup_printf ("%s / %s", hr_chart_data_get_total_text (self->data),
                            hr_chart_data_get_capacity_text (self->data));
  else
    used = g_strdup (hr_chart_data_get_total_text (self->data));

  self->used = hr_chart_create_layout (context, used, 1, PANGO_WEIGHT_BOLD);
  if (hr_chart_data_get_rest_text (self->data) != NULL)
    self->rest = hr_chart_create_layout (context, hr_chart_data_get_rest_text (self->data), 1, PANGO_WEIGHT_NORMAL);
}

/**
 * hr_chart_picture_new:
 * @data: what to show
 * @scheme: the colours of everything but the parts
 * @font: (nullable): a font description, or `NULL` for the usual one
 * @language: (nullable): the language of the texts as RFC 3066 has it, which chooses the forms of Chinese characters
 *
 * Composes the title, the pie, a legend with all numbers and, if a capacity is known, the capacity bar.
 *
 * Returns: (transfer full): the picture
 */
HrChartPicture *
hr_chart_picture_new (HrChartData   *data,
                      HrChartScheme  scheme,
                      const char    *font,
                      const char    *language)
{
  HrChartPicture *self;
  PangoContext *context;

  g_return_val_if_fail (HR_IS_CHART_DATA (data), NULL);

  context = hr_chart_create_pango_context (font, language);
  self = g_rc_box_new0 (HrChartPicture);
  self->data = g_object_ref (data);
  self->style = hr_chart_style_get (scheme);
  self->rows = g_array_new (FALSE, FALSE, sizeof (Row));
  g_array_set_clear_func (self->rows, clear_row);
  self->title = hr_chart_create_layout (context, hr_chart_data_get_title (data), TITLE_SCALE, PANGO_WEIGHT_BOLD);
  pango_layout_set_width (self->title, (WIDTH - 2 * MARGIN) * PANGO_SCALE);
  self->pie = hr_pie_chart_new (data, context, PIE_SIZE, PIE_SIZE);
  create_rows (self, context);
  create_bar (self, context);

  self->height = MARGIN + get_height (self->title) + SECTION_GAP + MAX (PIE_SIZE, self->legend_height) + MARGIN;
  if (self->bar != NULL)
    self->height += SECTION_GAP + get_height (self->used) + ROW_GAP + BAR_HEIGHT;
  self->height = ceil (self->height);
  g_object_unref (context);

  return self;
}

static void
hr_chart_picture_clear (gpointer data)
{
  HrChartPicture *self = data;

  g_object_unref (self->data);
  g_object_unref (self->title);
  g_clear_object (&self->used);
  g_clear_object (&self->rest);
  g_array_unref (self->rows);
  hr_pie_chart_free (self->pie);
  g_clear_pointer (&self->bar, hr_capacity_bar_free);
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
    *width = WIDTH;
  if (height != NULL)
    *height = self->height;
}

static void
show_layout (cairo_t     *cr,
             PangoLayout *layout,
             double       x,
             double       y)
{
  cairo_move_to (cr, x, y);
  pango_cairo_show_layout (cr, layout);
}

/* Texts of a row share a baseline, whatever fonts their scripts have. */
static void
show_on_baseline (cairo_t     *cr,
                  PangoLayout *layout,
                  double       x,
                  double       baseline)
{
  show_layout (cr, layout, x, baseline - (double) pango_layout_get_baseline (layout) / PANGO_SCALE);
}

static void
draw_legend (HrChartPicture *self,
             cairo_t        *cr,
             double          y)
{
  double left = MARGIN + PIE_SIZE + COLUMN_GAP;
  double right = WIDTH - MARGIN;

  for (guint i = 0; i < self->rows->len; i++)
    {
      const HrChartPart *part = hr_chart_data_get_part (self->data, i);
      const Row *row = &g_array_index (self->rows, Row, i);
      double value_right = right - self->share_width - (self->share_width > 0 ? NUMBER_GAP : 0);
      double baseline = y + (double) pango_layout_get_baseline (row->label) / PANGO_SCALE;

      hr_chart_append_rounded_rect (cr, left, baseline - SWATCH + 1, SWATCH, SWATCH, 3);
      hr_chart_fill_part (cr, self->style, part->color, part->pattern);

      hr_chart_set_source_color (cr, self->style->foreground, 1);
      show_layout (cr, row->label, left + SWATCH + SWATCH_GAP, y);
      show_on_baseline (cr, row->value, value_right - get_width (row->value), baseline);
      if (row->share != NULL)
        show_on_baseline (cr, row->share, right - get_width (row->share), baseline);

      y += get_height (row->label) + ROW_GAP;
    }
}

static void
draw_bar (HrChartPicture *self,
          cairo_t        *cr,
          double          y)
{
  hr_chart_set_source_color (cr, self->style->foreground, 1);
  show_layout (cr, self->used, MARGIN, y);
  if (self->rest != NULL)
    show_on_baseline (cr, self->rest, WIDTH - MARGIN - get_width (self->rest),
                      y + (double) pango_layout_get_baseline (self->used) / PANGO_SCALE);

  cairo_save (cr);
  cairo_translate (cr, MARGIN, y + get_height (self->used) + ROW_GAP);
  hr_capacity_bar_draw (self->bar, cr, self->style);
  cairo_restore (cr);
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
  double y = MARGIN, body;

  g_return_if_fail (self != NULL);
  g_return_if_fail (cr != NULL);

  cairo_save (cr);
  hr_chart_set_source_color (cr, self->style->foreground, 1);
  show_layout (cr, self->title, MARGIN, y);
  y += get_height (self->title) + SECTION_GAP;

  body = MAX (PIE_SIZE, self->legend_height);
  cairo_save (cr);
  cairo_translate (cr, MARGIN, y + (body - PIE_SIZE) / 2);
  hr_pie_chart_draw (self->pie, cr, self->style);
  cairo_restore (cr);
  draw_legend (self, cr, y + (body - self->legend_height) / 2);

  if (self->bar != NULL)
    draw_bar (self, cr, y + body + SECTION_GAP);
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
  g_autofree char *label = hr_chart_data_dup_label (self->data);
  g_autofree char *description = hr_chart_data_dup_description (self->data);
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

  surface = cairo_svg_surface_create_for_stream (append_bytes, svg, WIDTH, self->height);
  cairo_svg_surface_set_document_unit (surface, CAIRO_SVG_UNIT_PX);
  status = draw_on_surface (self, surface, 1);
  cairo_surface_finish (surface);
  if (status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_status (surface);
  cairo_surface_destroy (surface);

  if (status == CAIRO_STATUS_SUCCESS)
    {
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

  surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, ceil (WIDTH * scale), ceil (self->height * scale));
  status = draw_on_surface (self, surface, scale);
  if (status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_write_to_png_stream (surface, hr_cairo_sink_write, &sink);
  cairo_surface_destroy (surface);

  return hr_cairo_sink_finish (&sink, status, error);
}
