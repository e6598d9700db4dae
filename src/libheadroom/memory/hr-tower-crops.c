/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator.h"
#include "hr-tower.h"

/*
 * Pictures laid out on crops of one size, as many as the largest of them has, and seen as a whole: the crops become a
 * map again, from which padding is cut off and each row of which gets its end, before each picture is projected
 * (Phi4MultimodalImageEmbedding.forward of modeling_phi4_multimodal.py). The symbols stand for the picture that is put
 * together.
 */

static void
set_whole_symbols (HrReplay      *replay,
                   const HrTower *tower)
{
  guint64 *symbols = replay->symbols;

  symbols[HR_SYMBOL_MAPPED] = tower->mapped;
  symbols[HR_SYMBOL_MAP_ROWS] = tower->merge;
  symbols[HR_SYMBOL_MAP_ENDED] = tower->mapped + tower->merge;
}

static void
set_map_symbols (HrReplay      *replay,
                 const HrTower *tower,
                 const HrMap   *map)
{
  guint64 *symbols = replay->symbols;

  symbols[HR_SYMBOL_MAPPED] = tower->mapped;
  symbols[HR_SYMBOL_TILED] = (map->pieces - 1) * tower->mapped;
  symbols[HR_SYMBOL_CUT] = map->cut_h * map->cut_w;
  symbols[HR_SYMBOL_MAP_ROWS] = map->cut_h;
  symbols[HR_SYMBOL_MAP_ENDED] = map->cut_h * (map->cut_w + 1);
  symbols[HR_SYMBOL_PACKED] = symbols[HR_SYMBOL_MAP_ENDED] + tower->mapped + tower->merge + 1;
}

static const HrMap *
get_map (const HrTower *tower,
         guint          index)
{
  return &g_array_index (tower->maps, HrMap, index);
}

/* Crops that each picture comes with, those that pad it among them. */
static guint64
get_given (const HrTower *tower)
{
  return tower->batch / tower->maps->len - 1;
}

/* A node remembers which picture it is of. */
static void
note_picture (HrReplay *replay,
              HrValue   result,
              guint     index)
{
  HrValue note = HR_NO_VALUE;

  note.count = index;
  hr_autograd_save (replay, result, note);
}

static const HrMap *
read_picture (HrReplay     *replay,
              const HrNode *node)
{
  const HrMap *map = get_map (replay->tower, node->saved[0].count);

  set_map_symbols (replay, replay->tower, map);

  return map;
}

/*
 * `patch_feature.permute (…)`, `self.img_processor_padding (…)` where there is an odd number of rows, and averages of
 * squares of four. Channels come first in memory, as the convolution has left them.
 */
static HrValue
pool (const HrTower *self,
      HrReplay      *replay,
      HrValue        x)
{
  HrValue padded = hr_replay_hold (replay, x);
  HrValue shape = HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_MAPPED, HR_SYMBOL_HIDDEN);
  HrValue all = shape;
  HrValue pooled;

  set_whole_symbols (replay, self);
  if (self->mapped * 4 != self->patches)
    {
      all.count = 4;
      hr_replay_assign (replay, &padded, hr_op_like (replay, "reflection_pad2d", "patch_feature", all));
      hr_op_record (replay, &padded, HR_GRADIENT_TYPED_AS_INPUT, "reflection_pad2d_backward", &x, 1);
    }
  pooled = hr_op_like (replay, "avg_pool2d", "patch_feature", shape);
  if (hr_op_record (replay, &pooled, HR_GRADIENT_TYPED_AS_INPUT, "avg_pool2d_backward", &padded, 1))
    hr_autograd_save (replay, pooled, padded);
  hr_replay_drop (replay, padded);

  return pooled;
}

/* The gradient of a picture's pieces put into zeros of those of all pictures. */
static HrValue
put_among_all (HrReplay     *replay,
               const HrNode *node,
               HrValue       pieces,
               guint64       n_pieces)
{
  HrValue picture = pieces;
  HrValue all = hr_value_detach (node->inputs[0]);

  picture.symbols[0] = HR_SYMBOL_MAPPED;
  picture.count = n_pieces;
  hr_replay_assign (replay, &pieces, hr_op_make_gradient (replay, "slice_backward", hr_value_detach (picture)));
  all.element = pieces.element;
  hr_replay_assign (replay, &pieces, hr_op_make_gradient (replay, "select_backward", all));

  return pieces;
}

static void
backward_ends (HrReplay     *replay,
               const HrNode *node,
               HrValue      *gradients)
{
  if (hr_value_needs_gradient (node->inputs[1]))
    gradients[1] = hr_op_make_gradient (replay, "sum", node->inputs[1]);
}

static void
backward_whole (HrReplay     *replay,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  const HrTower *tower = replay->tower;
  HrValue part;

  set_whole_symbols (replay, tower);
  backward_ends (replay, node, gradients);
  if (!hr_value_needs_gradient (node->inputs[0]))
    return;

  part = hr_op_make_gradient (replay, "clone", HR_SHAPE (gradient.element, HR_SYMBOL_MAPPED, HR_SYMBOL_HIDDEN));
  gradients[0] = put_among_all (replay, node, part, get_given (tower) + 1);
}

/*
 * What was cut off comes back as zeros; crops lie one after the other again, and are put among those of the picture,
 * even where these are all.
 */
static void
backward_map (HrReplay     *replay,
              const HrNode *node,
              HrValue       gradient,
              HrValue      *gradients)
{
  const HrTower *tower = replay->tower;
  const HrMap *map = read_picture (replay, node);
  HrValue tiled = HR_SHAPE (gradient.element, HR_SYMBOL_TILED, HR_SYMBOL_HIDDEN);
  gboolean is_cut = map->cut_h * map->cut_w < (map->pieces - 1) * tower->mapped;
  HrValue part = HR_NO_VALUE, given;

  backward_ends (replay, node, gradients);
  if (!hr_value_needs_gradient (node->inputs[0]))
    return;

  if (is_cut)
    part = hr_op_make_gradient (replay, "slice_backward", tiled);
  if (!is_cut || map->tiles_w > 1)
    hr_replay_assign (replay, &part, hr_op_make_gradient (replay, "clone", tiled));
  given = HR_SHAPE (gradient.element, HR_SYMBOL_MAPPED, HR_SYMBOL_HIDDEN);
  given.count = get_given (tower);
  hr_replay_assign (replay, &part, hr_op_make_gradient (replay, "slice_backward", given));
  gradients[0] = put_among_all (replay, node, part, get_given (tower) + 1);
}

/* `torch.cat ([map, self.sub_img_feature_extensor.repeat (…)], dim=2)`; the ends stay in a variable. */
static HrValue
end_rows (HrReplay      *replay,
          const HrValue *inputs,
          HrValue       *ends,
          HrBackward     backward,
          guint          index)
{
  HrElement element = inputs[0].element;
  HrValue ended;

  hr_replay_assign (replay, ends, hr_op_like (replay, "repeat", "temporary_extensor",
                                              HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_MAP_ROWS,
                                                        HR_SYMBOL_HIDDEN)));
  ended = hr_op_like (replay, "cat", "sub_img", HR_SHAPE (element, HR_SYMBOL_MAP_ENDED, HR_SYMBOL_HIDDEN));
  if (hr_autograd_record (replay, &ended, backward, inputs, 2))
    note_picture (replay, ended, index);

  return ended;
}

static void
backward_picture (HrReplay     *replay,
                  const HrNode *node,
                  HrValue       gradient,
                  HrValue      *gradients)
{
  read_picture (replay, node);
  for (guint i = 0; i < node->n_inputs; i++)
    {
      if (hr_value_needs_gradient (node->inputs[i]))
        gradients[i] = hr_op_view_gradient (replay, gradient, node->inputs[i]);
    }
}

/* The variables of the loop over the pictures, which hold those of the last. */
typedef struct
{
  HrValue between;
  HrValue end;
  HrValue ends;
  HrValue whole;
  HrValue map;
  HrValue mask;
} Variables;

/* Which of the patches of a picture's crops are of it, where these are not in one column. */
static void
lay_out_mask (HrReplay    *replay,
              Variables   *variables,
              const HrMap *map)
{
  if (map->tiles_w > 1)
    hr_replay_assign (replay, &variables->mask,
                      hr_op_like (replay, "clone", "reshaped_image_attention_mask",
                                  HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_TILED)));
  else
    hr_replay_assign (replay, &variables->mask, HR_NO_VALUE);
}

/* The map of a picture with the end of each row, a vector, and the picture as a whole. */
static HrValue
put_together (const HrTower *self,
              HrReplay      *replay,
              HrValue        features,
              Variables     *variables,
              guint          index)
{
  const HrMap *map = get_map (self, index);
  const HrValue inputs[2] = { features, variables->end };
  HrValue parts[3];
  HrValue picture;

  set_whole_symbols (replay, self);
  hr_replay_assign (replay, &variables->whole,
                    hr_op_like (replay, "clone", "global_img", HR_SHAPE (features.element, HR_SYMBOL_MAPPED,
                                                                         HR_SYMBOL_HIDDEN)));
  hr_replay_assign (replay, &variables->whole, end_rows (replay, inputs, &variables->ends, backward_whole, index));

  set_map_symbols (replay, self, map);
  hr_replay_assign (replay, &variables->map,
                    hr_op_like (replay, "clone", "sub_img", HR_SHAPE (features.element, HR_SYMBOL_TILED,
                                                                      HR_SYMBOL_HIDDEN)));
  lay_out_mask (replay, variables, map);
  hr_replay_assign (replay, &variables->map, end_rows (replay, inputs, &variables->ends, backward_map, index));

  parts[0] = variables->map;
  parts[1] = variables->between;
  parts[2] = variables->whole;
  picture = hr_op_like (replay, "cat", "output_img", HR_SHAPE (features.element, HR_SYMBOL_PACKED, HR_SYMBOL_HIDDEN));
  if (hr_autograd_record (replay, &picture, backward_picture, parts, G_N_ELEMENTS (parts)))
    note_picture (replay, picture, index);

  return picture;
}

/* `img_projection_down (gelu (img_projection_up (output_img)))` of one picture. */
static HrValue
project (const HrTower *self,
         HrReplay      *replay,
         HrValue        picture,
         HrSharedUses  *uses,
         guint          index)
{
  const HrBlock *up = hr_chain_find_block (&self->projector->final, HR_BLOCK_LINEAR);
  HrValue x = hr_op_cast (replay, picture, replay->parameter_dtype);
  HrValue marked;

  set_map_symbols (replay, self, get_map (self, index));
  replay->shared_uses = &uses[0];
  hr_replay_assign (replay, &x, hr_tower_run_linear (replay, x, &up[0], HR_SYMBOL_PROJECTOR));
  hr_replay_assign (replay, &x, hr_op_unary (replay, HR_UNARY_GELU, "img_feature_proj", x));
  replay->shared_uses = &uses[1];
  hr_replay_assign (replay, &x, hr_tower_run_linear (replay, x, &up[1], HR_SYMBOL_TEXT_HIDDEN));
  replay->shared_uses = NULL;
  marked = hr_op_view (replay, x, x);
  if (hr_autograd_record (replay, &marked, backward_picture, &x, 1))
    note_picture (replay, marked, index);
  hr_replay_drop (replay, x);

  return marked;
}

/* `torch.cat (img_set_tensor, dim=1)`: the gradient of each picture is a part of that of all. */
static void
backward_part (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  if (hr_value_needs_gradient (node->inputs[0]))
    gradients[0] = hr_op_view_gradient (replay, gradient, node->inputs[0]);
  if (node->n_inputs > 1 && hr_value_needs_gradient (node->inputs[1]))
    gradients[1] = hr_replay_hold (replay, gradient);
}

static HrValue
join (HrReplay *replay,
      GArray   *parts)
{
  HrElement element = g_array_index (parts, HrValue, 0).element;
  HrValue joined = hr_op_like (replay, "cat", "merged_img_set_tensor",
                               HR_SHAPE (element, HR_SYMBOL_SEEN, HR_SYMBOL_TEXT_HIDDEN));

  for (guint i = 0; i < parts->len; i++)
    {
      const HrValue inputs[2] = { g_array_index (parts, HrValue, i), joined };
      HrValue next = joined;

      if (hr_autograd_record (replay, &next, backward_part, inputs, i == 0 ? 1 : 2))
        joined = next;
    }

  return joined;
}

static void
hold (HrPass  *pass,
      HrValue  value)
{
  value = hr_value_detach (value);
  if (value.storage >= 0)
    g_array_append_val (pass->parts, value);
}

/*
 * hr_tower_finish_crops:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes after the layers, until the vectors are there that the decoder reads. Everything but what the tower has
 * returned is held until they are put among the text.
 */
void
hr_tower_finish_crops (const HrInference *self,
                       HrReplay          *replay,
                       HrPass            *pass)
{
  const HrTower *tower = self->tower;
  const HrChain *final = &tower->projector->final;
  g_autoptr (GArray) pictures = g_array_new (FALSE, FALSE, sizeof (HrValue));
  HrSharedUses uses[2] = { 0 };
  Variables variables = {
    .ends = HR_NO_VALUE, .whole = HR_NO_VALUE, .map = HR_NO_VALUE, .mask = HR_NO_VALUE,
  };
  HrStretch stretch;
  HrValue unused, features, joined;

  hr_replay_begin (replay, &stretch, tower->projector->id, -1);
  replay->sentence = N_("while what was seen is projected for the language model");
  unused = hr_tower_run_unused (self, replay, pass);
  /* What computes layers anew holds it, and reads it from here. */
  hr_replay_drop (replay, pass->full_mask);
  features = pool (tower, replay, pass->feature.storage >= 0 ? pass->feature : pass->hidden);
  pass->parts = g_array_new (FALSE, FALSE, sizeof (HrValue));
  hold (pass, pass->beside[0]);
  pass->beside[0] = HR_NO_VALUE;
  hr_tower_leave (replay, pass, unused);

  replay->block = final->blocks[0].path;
  variables.between = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));
  replay->block = final->blocks[1].path;
  variables.end = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));
  for (guint i = 0; i < tower->maps->len; i++)
    {
      HrValue picture = put_together (tower, replay, features, &variables, i);

      g_array_append_val (pictures, picture);
    }
  for (guint i = 0; i < tower->maps->len; i++)
    {
      HrValue *picture = &g_array_index (pictures, HrValue, i);
      HrValue projected = project (tower, replay, *picture, uses, i);

      hold (pass, *picture);
      *picture = projected;
    }
  joined = join (replay, pictures);
  for (guint i = 0; i < pictures->len; i++)
    hold (pass, g_array_index (pictures, HrValue, i));
  hr_replay_assign (replay, &joined, hr_op_cast (replay, joined, replay->dtype));
  hold (pass, features);
  hold (pass, variables.ends);
  hold (pass, variables.whole);
  hold (pass, variables.map);
  hold (pass, variables.mask);
  pass->hidden = joined;
  hr_replay_rename (replay, joined, "image_features");
  hr_replay_end (replay);
}
