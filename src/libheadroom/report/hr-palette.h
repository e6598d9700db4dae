/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-component.h"
#include "hr-tensor.h"

G_BEGIN_DECLS

/**
 * HrPaletteScheme:
 * @HR_PALETTE_SCHEME_LIGHT: for light backgrounds and paper
 * @HR_PALETTE_SCHEME_DARK: for dark backgrounds
 * @HR_PALETTE_SCHEME_HIGH_CONTRAST: for white backgrounds, where contrast matters more than harmony
 * @HR_PALETTE_SCHEME_HIGH_CONTRAST_DARK: for black backgrounds, likewise
 *
 * What a colour stands on.
 */
typedef enum
{
  HR_PALETTE_SCHEME_LIGHT,
  HR_PALETTE_SCHEME_DARK,
  HR_PALETTE_SCHEME_HIGH_CONTRAST,
  HR_PALETTE_SCHEME_HIGH_CONTRAST_DARK,
} HrPaletteScheme;

guint32 hr_palette_get_color      (HrComponentId   id,
                                   HrPaletteScheme scheme);
guint32 hr_palette_get_part_color (HrPart          part,
                                   HrPaletteScheme scheme);
guint32 hr_palette_get_line_color (guint           line,
                                   HrPaletteScheme scheme);

G_END_DECLS
