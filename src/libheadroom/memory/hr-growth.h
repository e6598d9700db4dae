/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HrGrowth:
 * @HR_GROWTH_NONE: not with the length of sequences
 * @HR_GROWTH_LINEAR: as the length does
 * @HR_GROWTH_SQUARE: as the square of the length does, or faster
 * @HR_GROWTH_UNKNOWN: its size is not written down in symbols of which that is known
 *
 * How a tensor grows with the number of tokens of a sequence.
 */
typedef enum
{
  HR_GROWTH_NONE,
  HR_GROWTH_LINEAR,
  HR_GROWTH_SQUARE,
  HR_GROWTH_UNKNOWN,
  HR_N_GROWTHS, /*< skip >*/
} HrGrowth;

G_END_DECLS
