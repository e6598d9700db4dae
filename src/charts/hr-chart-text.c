/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-chart-text.h"

#include <math.h>

#define LABEL_SCALE 0.85
#define DIM 0.35                /* how far secondary texts fade into the background */
#define PADDING 3.0             /* around a text that has a ground of its own */

/* The family that a character of a text in @language is drawn with. */
static char *
dup_family_for (PangoContext               *context,
                const PangoFontDescription *description,
                PangoLanguage              *language,
                gunichar                    character)
{
  PangoFontset *fontset = pango_context_load_fontset (context, description, language);
  PangoFont *font = pango_fontset_get_font (fontset, character);
  g_autoptr(PangoFontDescription) found = pango_font_describe (font);

  g_object_unref (font);
  g_object_unref (fontset);

  return g_strdup (pango_font_description_get_family (found));
}

/*
 * A Chinese text has Latin names, digits and punctuation between its characters. Left to itself, Pango asks for a font
 * for each of these runs by the language of its script, and gets figures of two kinds and Japanese punctuation. Naming
 * the font of Latin texts and that of the language, in this order, has each character drawn with the same font wherever
 * it stands.
 */
static void
name_families (PangoContext         *context,
               PangoFontDescription *description,
               PangoLanguage        *language)
{
  gunichar sample = g_utf8_get_char (pango_language_get_sample_string (language));
  g_autofree char *latin = dup_family_for (context, description, pango_language_from_string ("en"), 'A');
  g_autofree char *own = dup_family_for (context, description, language, sample);
  g_autofree char *families = g_strjoin (",", latin, own, pango_font_description_get_family (description), NULL);

  pango_font_description_set_family (description, families);
}

/**
 * hr_chart_create_pango_context:
 * @font: (nullable): a font description with its size in points at 96 dpi, or `NULL` for the usual one
 * @language: (nullable): the language of the texts as RFC 3066 has it, or `NULL` for the locale's
 *
 * Makes a context for charts that are drawn away from a screen, whose texts measure the same at every scale.
 *
 * Returns: (transfer full): the context
 */
PangoContext *
hr_chart_create_pango_context (const char *font,
                               const char *language)
{
  PangoContext *context = pango_font_map_create_context (pango_cairo_font_map_get_default ());
  g_autoptr(PangoFontDescription) description = pango_font_description_from_string (font != NULL ? font : "Sans 11");
  cairo_font_options_t *options = cairo_font_options_create ();

  cairo_font_options_set_hint_style (options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics (options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_antialias (options, CAIRO_ANTIALIAS_GRAY);
  pango_cairo_context_set_font_options (context, options);
  cairo_font_options_destroy (options);

  pango_cairo_context_set_resolution (context, 96);
  pango_context_set_round_glyph_positions (context, FALSE);
  if (language != NULL)
    pango_context_set_language (context, pango_language_from_string (language));
  name_families (context, description, pango_context_get_language (context));
  pango_context_set_font_description (context, description);

  return context;
}

/**
 * hr_chart_create_layout:
 * @context: the context that texts are drawn in
 * @text: a text
 * @scale: its size, in that of the context's font
 * @weight: its weight
 *
 * Returns: (transfer full): the text, ready to be measured and drawn; its figures are equally wide
 */
PangoLayout *
hr_chart_create_layout (PangoContext *context,
                        const char   *text,
                        double        scale,
                        PangoWeight   weight)
{
  PangoLayout *layout = pango_layout_new (context);
  g_autoptr(PangoAttrList) attributes = pango_attr_list_new ();

  pango_attr_list_insert (attributes, pango_attr_scale_new (scale));
  pango_attr_list_insert (attributes, pango_attr_weight_new (weight));
  pango_attr_list_insert (attributes, pango_attr_font_features_new ("tnum=1"));
  pango_layout_set_attributes (layout, attributes);
  pango_layout_set_text (layout, text, -1);

  return layout;
}

/**
 * hr_chart_create_paragraph:
 * @context: the context that texts are drawn in
 * @text: a text
 * @scale: its size, in that of the context's font
 * @weight: its weight
 * @width: how wide it may be, in pixels
 *
 * Returns: (transfer full): the text, in as many lines as it needs
 */
PangoLayout *
hr_chart_create_paragraph (PangoContext *context,
                           const char   *text,
                           double        scale,
                           PangoWeight   weight,
                           double        width)
{
  PangoLayout *layout = hr_chart_create_layout (context, text, scale, weight);

  pango_layout_set_width (layout, width * PANGO_SCALE);
  pango_layout_set_wrap (layout, PANGO_WRAP_WORD_CHAR);

  return layout;
}

/**
 * hr_chart_create_label:
 * @context: the context that texts are drawn in
 * @text: a text
 * @weight: its weight
 *
 * Returns: (transfer full): the text, in the size of what stands in charts and at their axes
 */
PangoLayout *
hr_chart_create_label (PangoContext *context,
                       const char   *text,
                       PangoWeight   weight)
{
  return hr_chart_create_layout (context, text, LABEL_SCALE, weight);
}

/**
 * hr_chart_get_text_width:
 * @text: a text
 *
 * Returns: its width in pixels
 */
double
hr_chart_get_text_width (PangoLayout *text)
{
  int width;

  pango_layout_get_size (text, &width, NULL);

  return (double) width / PANGO_SCALE;
}

/**
 * hr_chart_get_text_height:
 * @text: a text
 *
 * Returns: its height in pixels
 */
double
hr_chart_get_text_height (PangoLayout *text)
{
  int height;

  pango_layout_get_size (text, NULL, &height);

  return (double) height / PANGO_SCALE;
}

/**
 * hr_chart_get_text_size:
 * @text: a text
 *
 * Returns: its size, in whole pixels that it does not leave
 */
HrChartSize
hr_chart_get_text_size (PangoLayout *text)
{
  return (HrChartSize) { ceil (hr_chart_get_text_width (text)), ceil (hr_chart_get_text_height (text)) };
}

/**
 * hr_chart_set_text_color:
 * @cr: what to draw on
 * @style: the style of the chart
 * @is_secondary: whether the text is of less weight than others
 *
 * Sets the colour of a text: one that is secondary fades into the background.
 */
void
hr_chart_set_text_color (cairo_t            *cr,
                         const HrChartStyle *style,
                         gboolean            is_secondary)
{
  double fade = is_secondary && !style->high_contrast ? DIM : 0;

  hr_chart_set_source_color (cr, hr_chart_mix_colors (style->foreground, style->background, fade), 1);
}

/**
 * hr_chart_show_text:
 * @cr: what to draw on
 * @text: a text
 * @x: pixels from the left
 * @y: pixels from the top, to the text's upper edge
 *
 * Draws a text.
 */
void
hr_chart_show_text (cairo_t     *cr,
                    PangoLayout *text,
                    double       x,
                    double       y)
{
  cairo_move_to (cr, x, y);
  pango_cairo_show_layout (cr, text);
}

/**
 * hr_chart_show_text_on_baseline:
 * @cr: what to draw on
 * @text: a text
 * @x: pixels from the left
 * @baseline: pixels from the top, to the line that the text stands on
 *
 * Draws a text so that those of a row share a baseline, whatever fonts their scripts have.
 */
void
hr_chart_show_text_on_baseline (cairo_t     *cr,
                                PangoLayout *text,
                                double       x,
                                double       baseline)
{
  hr_chart_show_text (cr, text, x, baseline - (double) pango_layout_get_baseline (text) / PANGO_SCALE);
}

/**
 * hr_chart_show_text_on_ground:
 * @cr: what to draw on
 * @style: the style of the chart
 * @text: a text
 * @place: where it stands
 *
 * Draws a text that stands on areas or lines, on a ground of its own.
 */
void
hr_chart_show_text_on_ground (cairo_t            *cr,
                              const HrChartStyle *style,
                              PangoLayout        *text,
                              const HrChartRect  *place)
{
  hr_chart_append_rounded_rect (cr, place->x - PADDING, place->y, place->width + 2 * PADDING, place->height, 4);
  hr_chart_set_source_color (cr, style->background, 0.85);
  cairo_fill (cr);
  hr_chart_set_text_color (cr, style, FALSE);
  hr_chart_show_text (cr, text, place->x, place->y);
}
