/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-operator.h"
#include "hr-operator-select.h"
#include "hr-tower.h"

/*
 * A picture that was cut into tiles is put together again once all have been seen: the tiles become one map, borders
 * are cut off, each row gets its end, and the picture as a whole comes before it (pack_image_features of
 * modeling_llava_next.py and modeling_llava_onevision.py). Each picture has sizes of its own, so that the symbols stand
 * for those of the picture that is put together.
 */

static void
set_map_symbols (HrReplay      *replay,
                 const HrTower *tower,
                 const HrMap   *map)
{
  guint64 *symbols = replay->symbols;

  symbols[HR_SYMBOL_TILES_SEEN] = map->pieces * tower->mapped;
  symbols[HR_SYMBOL_TILED] = (map->pieces - 1) * tower->mapped;
  symbols[HR_SYMBOL_CUT] = map->cut_h * map->cut_w;
  symbols[HR_SYMBOL_MAPPED] = map->rows * map->columns;
  symbols[HR_SYMBOL_MAP_ROWS] = map->rows;
  symbols[HR_SYMBOL_MAP_ENDED] = map->rows * (map->columns + 1);
  symbols[HR_SYMBOL_PACKED] = tower->mapped + (map->pieces > 1 ? symbols[HR_SYMBOL_MAP_ENDED] : 1);
}

static gboolean
is_cut (const HrTower *tower,
        const HrMap   *map)
{
  return map->cut_h * map->cut_w < (map->pieces - 1) * tower->mapped;
}

static gboolean
is_resized (const HrMap *map)
{
  return map->rows != map->cut_h || map->columns != map->cut_w;
}

/* `image_newline[:, None, None].expand (…).to (dtype)`: an end for each row. */
static HrValue
make_ends (HrReplay *replay,
           HrElement element,
           HrSymbol  rows)
{
  HrValue ends = HR_SHAPE (element, rows, HR_SYMBOL_TEXT_HIDDEN);

  return replay->parameter_dtype == element ? HR_NO_VALUE : hr_op_like (replay, "_to_copy", "image_newline", ends);
}

/* The vectors of a picture, with the ends of its rows. */
static HrValue
pack_picture (HrReplay      *replay,
              HrElement      element,
              const HrMap   *map)
{
  HrValue all = HR_SHAPE (element, HR_SYMBOL_PACKED, HR_SYMBOL_TEXT_HIDDEN);
  HrValue feature, ends, packed;

  if (map->pieces == 1)
    {
      ends = make_ends (replay, element, HR_SYMBOL_ONE);
      packed = hr_op_like (replay, "cat", "new_image_features", all);
      hr_replay_drop (replay, ends);
      return packed;
    }

  feature = hr_op_like (replay, "clone", "image_feature", HR_SHAPE (element, HR_SYMBOL_TILED, HR_SYMBOL_TEXT_HIDDEN));
  if (is_resized (map))
    hr_replay_assign (replay, &feature, hr_op_like (replay, "upsample_bilinear2d", "image_feature",
                                                    HR_SHAPE (element, HR_SYMBOL_MAPPED, HR_SYMBOL_TEXT_HIDDEN)));
  ends = make_ends (replay, element, HR_SYMBOL_MAP_ROWS);
  hr_replay_assign (replay, &feature, hr_op_like (replay, "cat", "image_feature",
                                                  HR_SHAPE (element, HR_SYMBOL_MAP_ENDED, HR_SYMBOL_TEXT_HIDDEN)));
  hr_replay_drop (replay, ends);
  packed = hr_op_like (replay, "cat", "new_image_features", all);
  hr_replay_drop (replay, feature);

  return packed;
}

/*
 * hr_tower_pack:
 * @self: a tower
 * @replay: a tape
 * @seen: what the projector has made of all tiles
 *
 * Puts the pictures together, one after the other.
 *
 * Returns: (element-type HrValue): the vectors of each
 */
GArray *
hr_tower_pack (const HrTower *self,
               HrReplay      *replay,
               HrValue        seen)
{
  GArray *parts = g_array_new (FALSE, FALSE, sizeof (HrValue));

  replay->block = self->newline->path;
  for (guint i = 0; i < self->maps->len; i++)
    {
      const HrMap *map = &g_array_index (self->maps, HrMap, i);
      HrValue part;

      set_map_symbols (replay, self, map);
      part = pack_picture (replay, seen.element, map);
      g_array_append_val (parts, part);
    }

  return parts;
}

/* The gradient of the tiles of a picture, from that of the map they were put together to. */
static HrValue
take_map_apart (HrReplay      *replay,
                const HrTower *tower,
                const HrMap   *map,
                HrElement      element)
{
  gboolean one_column = map->tiles_w == 1;
  HrValue tiled = HR_SHAPE (element, HR_SYMBOL_TILED, HR_SYMBOL_TEXT_HIDDEN);
  HrValue gradient = HR_NO_VALUE;

  if (is_resized (map))
    gradient = hr_op_make_gradient (replay, "upsample_bilinear2d_backward",
                                    HR_SHAPE (element, HR_SYMBOL_CUT, HR_SYMBOL_TEXT_HIDDEN));
  if (is_cut (tower, map))
    hr_replay_assign (replay, &gradient, hr_op_make_gradient (replay, "slice_backward", tiled));
  /* In the order of the tiles it is seen without a copy only if these are in one column, with nothing between rows. */
  if (!one_column || gradient.storage < 0)
    hr_replay_assign (replay, &gradient, hr_op_make_gradient (replay, "clone", tiled));

  return gradient;
}

/*
 * The pictures from the last to the first. Of each the gradients of its tiles and of it as a whole are put into zeros
 * of all its tiles, the second of which are added to the first; those of all pictures are taken as parts of one tensor.
 */
static void
backward_pack (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  const HrTower *tower = replay->tower;
  HrElement element = gradient.element;
  HrValue seen = HR_SHAPE (element, HR_SYMBOL_TILES_SEEN, HR_SYMBOL_TEXT_HIDDEN);
  HrValue whole = node->inputs[0];

  whole.element = element;
  for (guint i = tower->maps->len; i-- > 0; )
    {
      const HrMap *map = &g_array_index (tower->maps, HrMap, i);
      HrValue tiles = HR_NO_VALUE;

      set_map_symbols (replay, tower, map);
      if (hr_value_needs_gradient (node->inputs[1]) && gradients[1].storage < 0)
        gradients[1] = hr_op_make_gradient (replay, "sum", node->inputs[1]);
      if (!hr_value_needs_gradient (node->inputs[0]))
        continue;
      if (map->pieces > 1)
        tiles = take_map_apart (replay, tower, map, element);
      if (gradients[0].storage < 0)
        gradients[0] = hr_op_make_gradient (replay, "slice_backward", hr_value_detach (whole));
      hr_replay_drop (replay, tiles);
      if (map->pieces > 1)
        hr_replay_drop (replay, hr_op_make_gradient (replay, "select_backward", seen));
    }
}

/*
 * hr_tower_join_packed:
 * @self: a tower
 * @replay: a tape
 * @parts: (transfer full) (element-type HrValue): what hr_tower_pack() has returned
 * @seen: what the projector had made of all tiles
 *
 * `torch.cat (image_features, dim=0)`: the vectors of all pictures.
 *
 * Returns: the vectors
 */
HrValue
hr_tower_join_packed (const HrTower *self,
                      HrReplay      *replay,
                      GArray        *parts,
                      HrValue        seen)
{
  HrValue inputs[2], joined;

  replay->block = self->newline->path;
  /* torch.split of what the projector has made, whose derivative joins the gradients of all parts. */
  inputs[0] = seen;
  hr_op_record (replay, &inputs[0], HR_GRADIENT_LIKE_INPUT, "cat", &seen, 1);
  inputs[1] = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_TEXT_HIDDEN));
  joined = hr_op_like (replay, "cat", "image_features", HR_SHAPE (seen.element, HR_SYMBOL_SEEN, HR_SYMBOL_TEXT_HIDDEN));
  hr_autograd_record (replay, &joined, backward_pack, inputs, G_N_ELEMENTS (inputs));
  for (guint i = 0; i < parts->len; i++)
    hr_replay_drop (replay, g_array_index (parts, HrValue, i));
  g_array_unref (parts);

  return joined;
}
