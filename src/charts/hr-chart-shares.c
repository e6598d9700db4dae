/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-chart-shares.h"

/**
 * hr_chart_shares:
 * @values: (array length=n_values): what to show, in one unit
 * @n_values: how many values there are
 * @extent: the angle or the length to give out
 * @minimum: the least that a value other than zero gets
 * @shares: (out caller-allocates) (array length=n_values): the part of @extent that each value gets
 *
 * Gives @extent out in proportion to the values, so that no value vanishes: those whose proportional share is below
 * @minimum get @minimum, and the others give it up in proportion to their size. A value of zero gets nothing.
 * The shares add up to @extent unless all values are zero. Where @extent is too short for every minimum, the minimum
 * is what an equal division would give.
 */
void
hr_chart_shares (const guint64 *values,
                 guint          n_values,
                 double         extent,
                 double         minimum,
                 double        *shares)
{
  g_autofree gboolean *is_small = g_new0 (gboolean, n_values + 1);
  double total = 0, rest = extent;
  guint n_shown = 0;
  gboolean changed = TRUE;

  g_return_if_fail (values != NULL || n_values == 0);
  g_return_if_fail (shares != NULL || n_values == 0);

  for (guint i = 0; i < n_values; i++)
    {
      total += (double) values[i];
      n_shown += values[i] > 0;
    }

  if (n_shown > 0)
    minimum = CLAMP (minimum, 0, extent / n_shown);

  /* Raising one value to the minimum shrinks the others, which may bring another one below it. */
  while (changed)
    {
      changed = FALSE;

      for (guint i = 0; i < n_values; i++)
        {
          if (values[i] == 0 || is_small[i] || (double) values[i] / total * rest >= minimum)
            continue;

          is_small[i] = TRUE;
          total -= (double) values[i];
          rest -= minimum;
          changed = TRUE;
        }
    }

  for (guint i = 0; i < n_values; i++)
    {
      if (values[i] == 0)
        shares[i] = 0;
      else if (is_small[i])
        shares[i] = minimum;
      else
        shares[i] = (double) values[i] / total * rest;
    }
}
