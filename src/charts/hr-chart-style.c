/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-chart-style.h"

#include <math.h>

#define N_PATTERNS 8
#define PATTERN_STEP 7.0

/**
 * hr_chart_style_get:
 * @scheme: what a chart is drawn for
 *
 * Returns: (transfer none): the colours that libadwaita has for it
 */
const HrChartStyle *
hr_chart_style_get (HrChartScheme scheme)
{
  static const HrChartStyle styles[] = {
    [HR_CHART_SCHEME_LIGHT] = { 0x2e2e2e, 0xffffff, FALSE },
    [HR_CHART_SCHEME_DARK] = { 0xffffff, 0x303030, FALSE },
    [HR_CHART_SCHEME_HIGH_CONTRAST] = { 0x000000, 0xffffff, TRUE },
    [HR_CHART_SCHEME_HIGH_CONTRAST_DARK] = { 0xffffff, 0x1e1e1e, TRUE },
  };

  g_return_val_if_fail (scheme < G_N_ELEMENTS (styles), NULL);

  return &styles[scheme];
}

void
hr_chart_set_source_color (cairo_t *cr,
                           guint32  color,
                           double   alpha)
{
  cairo_set_source_rgba (cr, (color >> 16 & 0xff) / 255.0, (color >> 8 & 0xff) / 255.0, (color & 0xff) / 255.0, alpha);
}

/**
 * hr_chart_mix_colors:
 * @a: a colour, as 0xRRGGBB
 * @b: another one
 * @amount: how much of @b to take, from 0 to 1
 *
 * Returns: the mixture
 */
guint32
hr_chart_mix_colors (guint32 a,
                     guint32 b,
                     double  amount)
{
  guint32 result = 0;

  for (guint shift = 0; shift <= 16; shift += 8)
    {
      double mixed = (1 - amount) * (a >> shift & 0xff) + amount * (b >> shift & 0xff);

      result |= (guint32) lround (mixed) << shift;
    }

  return result;
}

static void
append_hatching (cairo_t *cr,
                 double   angle,
                 double   step)
{
  double x1, y1, x2, y2, reach;

  cairo_clip_extents (cr, &x1, &y1, &x2, &y2);
  reach = hypot (x2 - x1, y2 - y1) / 2 + step;
  reach = ceil (reach / step) * step;

  cairo_save (cr);
  cairo_translate (cr, (x1 + x2) / 2, (y1 + y2) / 2);
  cairo_rotate (cr, angle);
  for (double y = -reach; y <= reach; y += step)
    {
      cairo_move_to (cr, -reach, y);
      cairo_line_to (cr, reach, y);
    }
  cairo_restore (cr);
}

static void
stroke_pattern (cairo_t *cr,
                guint    pattern)
{
  switch (pattern % N_PATTERNS)
    {
    case 1:
      append_hatching (cr, -G_PI / 4, PATTERN_STEP);
      break;

    case 2:
      append_hatching (cr, G_PI / 4, PATTERN_STEP);
      break;

    case 3:
      append_hatching (cr, 0, PATTERN_STEP);
      break;

    case 4:
      append_hatching (cr, G_PI / 2, PATTERN_STEP);
      break;

    case 5:
      append_hatching (cr, -G_PI / 4, PATTERN_STEP * 1.4);
      append_hatching (cr, G_PI / 4, PATTERN_STEP * 1.4);
      break;

    case 6:
      append_hatching (cr, 0, PATTERN_STEP * 1.4);
      append_hatching (cr, G_PI / 2, PATTERN_STEP * 1.4);
      break;

    case 7:
      cairo_set_dash (cr, (const double[]) { 2, 4 }, 2, 0);
      append_hatching (cr, 0, PATTERN_STEP * 0.8);
      break;

    default:
      return;
    }

  cairo_set_line_width (cr, 1.5);
  cairo_stroke (cr);
}

/**
 * hr_chart_fill_part:
 * @cr: a cairo context with a path
 * @style: the style of the chart
 * @color: the colour of the part
 * @pattern: the pattern of the part, for high contrast
 *
 * Fills the path as a part is filled wherever it is shown: slice, segment or swatch.
 */
void
hr_chart_fill_part (cairo_t            *cr,
                    const HrChartStyle *style,
                    guint32             color,
                    guint               pattern)
{
  g_return_if_fail (style != NULL);

  hr_chart_set_source_color (cr, color, 1);
  if (!style->high_contrast)
    {
      cairo_fill (cr);
      return;
    }

  cairo_save (cr);
  cairo_fill_preserve (cr);
  cairo_path_t *outline = cairo_copy_path (cr);
  cairo_clip (cr);
  hr_chart_set_source_color (cr, style->background, 0.85);
  stroke_pattern (cr, pattern);
  cairo_restore (cr);

  cairo_new_path (cr);
  cairo_append_path (cr, outline);
  cairo_path_destroy (outline);
  hr_chart_set_source_color (cr, style->foreground, 1);
  cairo_set_line_width (cr, 1);
  cairo_stroke (cr);
}

void
hr_chart_append_rounded_rect (cairo_t *cr,
                              double   x,
                              double   y,
                              double   width,
                              double   height,
                              double   radius)
{
  radius = MAX (MIN (radius, MIN (width, height) / 2), 0);

  cairo_new_sub_path (cr);
  cairo_arc (cr, x + width - radius, y + radius, radius, -G_PI / 2, 0);
  cairo_arc (cr, x + width - radius, y + height - radius, radius, 0, G_PI / 2);
  cairo_arc (cr, x + radius, y + height - radius, radius, G_PI / 2, G_PI);
  cairo_arc (cr, x + radius, y + radius, radius, G_PI, 1.5 * G_PI);
  cairo_close_path (cr);
}

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
