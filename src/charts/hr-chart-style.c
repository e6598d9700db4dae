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
