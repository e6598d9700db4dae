/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-palette.h"

/*
 * Hues of the GNOME palette, set apart further in lightness so that components that stand side by side can be told from
 * each other with any kind of colour vision. Tests hold the contrasts: 3:1 against every background of libadwaita
 * (WCAG 2.2, 1.4.11), 4.5:1 in high contrast.
 */
static const guint32 colors[HR_N_COMPONENTS][4] = {
  [HR_COMPONENT_WEIGHTS] = { 0x2863c5, 0x3d92f2, 0x2863c5, 0x4e9cf3 },
  [HR_COMPONENT_ADAPTERS] = { 0x1f7fa6, 0x63c3dc, 0x1e7ba1, 0x63c3dc },
  [HR_COMPONENT_KV_CACHE] = { 0x0f9d6c, 0x4fe0a2, 0x0c835a, 0x4fe0a2 },
  [HR_COMPONENT_ACTIVATIONS] = { 0xc04e00, 0xf0913f, 0xc04e00, 0xf0913f },
  [HR_COMPONENT_LOGITS] = { 0x853e9a, 0xb96ad1, 0x853e9a, 0xc37fd7 },
  [HR_COMPONENT_GRADIENTS] = { 0xb82a27, 0xf8665a, 0xb82a27, 0xf86f64 },
  [HR_COMPONENT_OPTIMIZER] = { 0xa07c38, 0xf6d434, 0x8e6e32, 0xf6d434 },
  [HR_COMPONENT_MASTER_WEIGHTS] = { 0x6068e9, 0xb0bcfd, 0x5d65e2, 0xb0bcfd },
  [HR_COMPONENT_REFERENCE_MODEL] = { 0x845f41, 0xd8a87f, 0x845f41, 0xd8a87f },
  [HR_COMPONENT_VALUE_MODEL] = { 0x0e0d4e, 0xa3a2f7, 0x120e4d, 0xe2caeb },
  [HR_COMPONENT_REWARD_MODEL] = { 0x481314, 0xd06b83, 0x491313, 0xce6e83 },
  [HR_COMPONENT_ROLLOUT_ENGINE] = { 0x005640, 0x94ded3, 0x005640, 0x93dcc4 },
  [HR_COMPONENT_TEMPORARY] = { 0xde59a8, 0xf68fc0, 0xb94a8c, 0xf68fc0 },
  [HR_COMPONENT_COMMUNICATION] = { 0x0f97a8, 0x57e1e6, 0x0c7e8c, 0x57e1e6 },
  [HR_COMPONENT_CUDA_GRAPHS] = { 0x5e4323, 0xb48556, 0x5e4323, 0xbd9369 },
  [HR_COMPONENT_INPUTS] = { 0x78971a, 0xbadb6f, 0x637c17, 0xbadb6f },
  [HR_COMPONENT_FRAMEWORK] = { 0x77767b, 0x8d8d91, 0x737277, 0x9a9a9e },
  [HR_COMPONENT_FRAGMENTATION] = { 0x434758, 0xe0e1e3, 0x434758, 0xe0e1e3 },
  [HR_COMPONENT_RESERVE] = { 0x9088c8, 0x8880c0, 0x5c5498, 0xa098d0 },
};

/**
 * hr_palette_get_color:
 * @id: what memory is held for
 * @scheme: what the colour stands on
 *
 * Returns: the colour of the component, the same in every chart, table and report, as 0xRRGGBB
 */
guint32
hr_palette_get_color (HrComponentId   id,
                      HrPaletteScheme scheme)
{
  g_return_val_if_fail (id < HR_N_COMPONENTS, 0);
  g_return_val_if_fail (scheme < G_N_ELEMENTS (colors[0]), 0);

  return colors[id][scheme];
}

/* Lines of a chart have the hues of components, those that are farthest from each other first. */
static const HrComponentId line_hues[] = {
  HR_COMPONENT_WEIGHTS, HR_COMPONENT_ACTIVATIONS, HR_COMPONENT_KV_CACHE, HR_COMPONENT_LOGITS, HR_COMPONENT_GRADIENTS,
  HR_COMPONENT_OPTIMIZER, HR_COMPONENT_FRAGMENTATION,
};

/**
 * hr_palette_get_line_color:
 * @line: the index of a line of a chart
 * @scheme: what the colour stands on
 *
 * Returns: the colour of the line, as 0xRRGGBB; the first seven differ
 */
guint32
hr_palette_get_line_color (guint           line,
                           HrPaletteScheme scheme)
{
  return hr_palette_get_color (line_hues[line % G_N_ELEMENTS (line_hues)], scheme);
}

/* Parts of a model have the hues of components: nowhere do the two stand in one picture. */
static const HrComponentId part_hues[] = {
  [HR_PART_EMBEDDING] = HR_COMPONENT_ADAPTERS,
  [HR_PART_ATTENTION] = HR_COMPONENT_ACTIVATIONS,
  [HR_PART_MLP] = HR_COMPONENT_WEIGHTS,
  [HR_PART_STATE_SPACE] = HR_COMPONENT_KV_CACHE,
  [HR_PART_NORM] = HR_COMPONENT_FRAGMENTATION,
  [HR_PART_OUTPUT] = HR_COMPONENT_LOGITS,
  [HR_PART_VISION] = HR_COMPONENT_OPTIMIZER,
  [HR_PART_AUDIO] = HR_COMPONENT_GRADIENTS,
  [HR_PART_PROJECTOR] = HR_COMPONENT_TEMPORARY,
  [HR_PART_SPEECH] = HR_COMPONENT_INPUTS,
  [HR_PART_OTHER] = HR_COMPONENT_FRAMEWORK,
};

G_STATIC_ASSERT (G_N_ELEMENTS (part_hues) == HR_N_PARTS);

/**
 * hr_palette_get_part_color:
 * @part: a part of a model
 * @scheme: what the colour stands on
 *
 * Returns: the colour of the part, the same in every chart, table and report, as 0xRRGGBB
 */
guint32
hr_palette_get_part_color (HrPart          part,
                           HrPaletteScheme scheme)
{
  g_return_val_if_fail (part < HR_N_PARTS, 0);

  return hr_palette_get_color (part_hues[part], scheme);
}
