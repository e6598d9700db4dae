/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "headroom-chart-scheme.h"

/*
 * headroom_get_chart_scheme:
 *
 * What charts are drawn for now: light or dark, in high contrast or not.
 */
HrChartScheme
headroom_get_chart_scheme (void)
{
  AdwStyleManager *manager = adw_style_manager_get_default ();
  gboolean dark = adw_style_manager_get_dark (manager);

  if (adw_style_manager_get_high_contrast (manager))
    return dark ? HR_CHART_SCHEME_HIGH_CONTRAST_DARK : HR_CHART_SCHEME_HIGH_CONTRAST;

  return dark ? HR_CHART_SCHEME_DARK : HR_CHART_SCHEME_LIGHT;
}

/*
 * headroom_watch_chart_scheme:
 * @object: who wants to know
 * @callback: called with @object, while it lives, once charts are to be drawn for something else
 */
void
headroom_watch_chart_scheme (gpointer  object,
                             GCallback callback)
{
  AdwStyleManager *manager = adw_style_manager_get_default ();

  g_signal_connect_object (manager, "notify::dark", callback, object, G_CONNECT_SWAPPED);
  g_signal_connect_object (manager, "notify::high-contrast", callback, object, G_CONNECT_SWAPPED);
}

/*
 * headroom_get_palette_scheme:
 *
 * What the colours of components stand on now.
 */
HrPaletteScheme
headroom_get_palette_scheme (void)
{
  switch (headroom_get_chart_scheme ())
    {
    case HR_CHART_SCHEME_DARK:
      return HR_PALETTE_SCHEME_DARK;

    case HR_CHART_SCHEME_HIGH_CONTRAST:
      return HR_PALETTE_SCHEME_HIGH_CONTRAST;

    case HR_CHART_SCHEME_HIGH_CONTRAST_DARK:
      return HR_PALETTE_SCHEME_HIGH_CONTRAST_DARK;

    case HR_CHART_SCHEME_LIGHT:
    default:
      return HR_PALETTE_SCHEME_LIGHT;
    }
}
