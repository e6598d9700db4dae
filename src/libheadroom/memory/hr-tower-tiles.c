/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-inference-cache.h"
#include "hr-operator-select.h"
#include "hr-operator-sequence.h"
#include "hr-sharding.h"
#include "hr-tower.h"

/*
 * A tower that has the tiles of a picture in a row, behind a mask of those that pad it, and one that goes on with what
 * the first has made (MllamaVisionModel of modeling_mllama.py). One function runs both, and holds what all layers of
 * both have made, some of which it hands on beside the result of the last.
 */

/* Elements of a tensor of each tile, of which there are as many in each picture. */
static HrValue
of_tiles (const HrInference *self,
          HrValue            shape)
{
  shape.count = self->tower->tiles;

  return shape;
}

static HrValue
make_gate (HrReplay *replay)
{
  return hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_ONE));
}

static HrValue
open_gate (HrReplay *replay,
           HrValue   gate)
{
  return hr_op_unary (replay, HR_UNARY_TANH, "gate.tanh()", gate);
}

/*
 * `hidden_state + self.embedding (aspect_ratio_ids) * self.gate.tanh ()`: a row for each tile of a picture of its shape
 * (MllamaPrecomputedAspectRatioEmbedding).
 */
static void
add_shape (const HrInference *self,
           HrReplay          *replay,
           HrValue           *hidden,
           const HrBlock     *block)
{
  HrElement element = replay->parameter_dtype;
  HrValue shape = of_tiles (self, HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_HIDDEN));
  HrValue table, rows, gate, product;

  replay->block = block->path;
  replay->symbols[HR_SYMBOL_TYPES] = block->position_embedding.n_positions;
  table = hr_autograd_parameter (replay, of_tiles (self, HR_SHAPE (element, HR_SYMBOL_TYPES, HR_SYMBOL_HIDDEN)));
  rows = hr_op_embedding (replay, "embeddings", HR_NO_VALUE, table, shape);
  gate = open_gate (replay, make_gate (replay));
  product = hr_op_product (replay, "embeddings", gate, rows, shape);
  hr_replay_assign (replay, &rows, product);
  hr_replay_drop (replay, gate);
  hr_replay_assign (replay, hidden, hr_op_binary (replay, HR_BINARY_ADD, "hidden_state", *hidden, rows));
  hr_replay_drop (replay, rows);
}

/* `torch.cat ([class_embedding, hidden_state], dim=1)` of each tile. */
static void
add_class (HrReplay *replay,
           HrValue  *hidden)
{
  HrValue row = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));
  HrValue parts[2];
  HrValue joined;

  parts[0] = hr_op_view (replay, row, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_HIDDEN));
  parts[0].count = replay->tower->tiles;
  hr_op_record (replay, &parts[0], HR_GRADIENT_TYPED_AS_INPUT, "sum", &row, 1);
  parts[1] = *hidden;
  joined = hr_op_cat (replay, "hidden_state", parts, G_N_ELEMENTS (parts),
                      HR_SHAPE (hidden->element, HR_SYMBOL_BATCH, HR_SYMBOL_TILES_SEEN, HR_SYMBOL_HIDDEN));
  hr_replay_assign (replay, hidden, joined);
  hr_replay_drop (replay, parts[0]);
}

/*
 * Positions in a tile, and those of the tiles in pictures of this shape, each by its share
 * (MllamaPrecomputedPositionEmbedding). What comes in is held outside until this returns.
 */
static void
add_positions (HrReplay      *replay,
               HrValue       *hidden,
               const HrBlock *positions,
               const HrBlock *tiles)
{
  HrElement element = replay->parameter_dtype;
  HrValue of_tile = HR_SHAPE (element, HR_SYMBOL_POSITIONS, HR_SYMBOL_HIDDEN);
  HrValue of_picture = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_TILES_SEEN, HR_SYMBOL_HIDDEN);
  HrValue gate = make_gate (replay);
  HrValue opened, rest, gated, sum, rows, tile_rows;

  replay->block = positions->path;
  replay->symbols[HR_SYMBOL_POSITIONS] = positions->parameter.shape.sizes[0];
  replay->symbols[HR_SYMBOL_TYPES] = tiles->position_embedding.n_positions;
  opened = open_gate (replay, gate);
  rest = hr_op_unary (replay, HR_UNARY_ADD, "1 − gate.tanh()", opened);
  hr_replay_drop (replay, opened);
  gated = hr_op_product (replay, "gated_position_embedding", rest, hr_autograd_parameter (replay, of_tile), of_tile);
  hr_replay_drop (replay, rest);
  sum = hr_op_binary (replay, HR_BINARY_ADD, "hidden_state", *hidden, gated);

  replay->block = tiles->path;
  rows = hr_op_embedding (replay, "tile_position_embedding", HR_NO_VALUE,
                          hr_autograd_parameter (replay, HR_SHAPE (element, HR_SYMBOL_TYPES, HR_SYMBOL_TILES_SEEN,
                                                                   HR_SYMBOL_HIDDEN)),
                          of_picture);
  opened = open_gate (replay, gate);
  tile_rows = hr_op_product (replay, "gated_tile_position_embedding", opened, rows, of_picture);
  hr_replay_drop (replay, opened);
  hr_replay_assign (replay, &sum, hr_op_binary (replay, HR_BINARY_ADD, "hidden_state", sum, tile_rows));
  hr_replay_drop (replay, tile_rows);
  hr_replay_drop (replay, rows);
  hr_replay_drop (replay, gated);
  hr_replay_assign (replay, hidden, sum);
}

/*
 * Which positions of a picture are of none of its tiles hides pairs of them
 * (_prepare_aspect_ratio_attention_mask): a product of columns and rows, which autocast makes narrower.
 */
static HrValue
make_mask (const HrInference *self,
           HrReplay          *replay)
{
  HrElement element = replay->parameter_dtype;
  HrValue row = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrElement narrow = hr_op_get_product_element (replay, element);
  HrValue pairs = HR_SHAPE (narrow, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_TARGET);
  HrValue factors[2] = { HR_NO_VALUE, HR_NO_VALUE };
  HrValue mask = hr_op_like (replay, "_to_copy", "attention_mask",
                             of_tiles (self, HR_SHAPE (element, HR_SYMBOL_BATCH)));
  HrValue product;

  hr_replay_assign (replay, &mask, hr_op_like (replay, "repeat", "attention_mask", row));
  hr_replay_assign (replay, &mask, hr_op_like (replay, "rsub", "1 − attention_mask", row));
  replay->symbols[HR_SYMBOL_TARGET] = replay->symbols[HR_SYMBOL_SEQUENCE];
  row.element = narrow;
  for (guint i = 0; narrow != element && i < G_N_ELEMENTS (factors); i++)
    factors[i] = hr_op_like (replay, "_to_copy", "attention_mask", row);
  product = hr_op_like (replay, "bmm", "attention_mask", pairs);
  for (guint i = 0; i < G_N_ELEMENTS (factors); i++)
    hr_replay_drop (replay, factors[i]);
  hr_replay_assign (replay, &mask, hr_op_like (replay, "mul", "attention_mask", pairs));
  hr_replay_drop (replay, product);

  return mask;
}

/* `F.pad (hidden_state, padding)`: zeros behind the positions of each tile, to whole eights. */
static void
pad (HrReplay *replay,
     HrValue  *hidden)
{
  HrValue padded = hr_op_like (replay, "constant_pad_nd", "hidden_state",
                               HR_SHAPE (hidden->element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));

  hr_op_record (replay, &padded, HR_GRADIENT_LIKE_INPUT, "constant_pad_nd", hidden, 1);
  hr_replay_assign (replay, hidden, padded);
}

static HrValue
embed_patches (const HrInference *self,
               HrReplay          *replay,
               const HrBlock     *block)
{
  HrElement element = replay->parameter_dtype;
  HrValue picture = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_PICTURE);
  HrValue pixels = element == HR_ELEMENT_FLOAT32 ? picture
                                                 : hr_sharding_cast_given (replay, "pixel_values", picture);
  HrValue weight, patches;

  replay->block = block->path;
  weight = hr_autograd_parameter (replay, HR_SHAPE (element, HR_SYMBOL_PIXELS, HR_SYMBOL_HIDDEN));
  patches = hr_op_convolution (replay, "patch_embeds", pixels, weight, HR_NO_VALUE,
                               HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES, HR_SYMBOL_HIDDEN));
  hr_replay_drop (replay, pixels);

  return patches;
}

/* Tables of shapes of pictures, in the order of the file: of positions in tiles, before the layers, behind them. */
typedef enum
{
  TABLE_POSITIONS,
  TABLE_BEFORE,
  TABLE_BEHIND,
} Table;

static const HrBlock *
find_table (const HrStack *stack,
            Table          table)
{
  const HrChain *chain = &stack->embeddings;
  guint n = 0;

  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].kind == HR_BLOCK_POSITION_EMBEDDING && n++ == table)
        return &chain->blocks[i];
    }

  return NULL;
}

/*
 * hr_tower_embed_tiles:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes before the layers.
 */
void
hr_tower_embed_tiles (const HrInference *self,
                      HrReplay          *replay,
                      HrPass            *pass)
{
  const HrChain *chain = &self->stack->embeddings;
  const HrBlock *norm = hr_chain_find_block (chain, HR_BLOCK_NORM);
  HrValue patches = embed_patches (self, replay, hr_chain_find_block (chain, HR_BLOCK_CONVOLUTION));

  hr_tower_require_gradient (self, replay, &patches);
  pass->hidden = hr_replay_hold (replay, patches);
  pass->beside[pass->n_beside++] = hr_value_detach (patches);
  add_shape (self, replay, &pass->hidden, find_table (self->stack, TABLE_BEFORE));
  add_class (replay, &pass->hidden);
  add_positions (replay, &pass->hidden, hr_tower_find_parameter (chain, HR_PARAMETER_POSITIONS),
                 find_table (self->stack, TABLE_POSITIONS));
  replay->block = norm->path;
  hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));
  pad (replay, &pass->hidden);
  replay->sentence = N_("while the attention mask is made");
  pass->full_mask = make_mask (self, replay);
  pass->inputs_embeds = hr_replay_hold (replay, pass->hidden);
}

/*
 * hr_tower_finish_tiles:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * The norm behind the layers. All that these have made, and their mask, stay where the function goes on.
 */
void
hr_tower_finish_tiles (const HrInference *self,
                       HrReplay          *replay,
                       HrPass            *pass)
{
  const HrBlock *norm = hr_chain_find_block (&self->stack->final, HR_BLOCK_NORM);
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, norm->path, -1);
  hr_replay_assign (replay, &pass->inputs_embeds, HR_NO_VALUE);
  pass->returned[pass->n_returned++] = pass->full_mask;
  pass->returned[pass->n_returned++] = hr_value_detach (hr_replay_hold (replay, pass->hidden));
  while (pass->n_beside > 0)
    pass->returned[pass->n_returned++] = pass->beside[--pass->n_beside];
  hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));
  hr_replay_drop (replay, pass->weights);
  hr_replay_end (replay);
}

/*
 * hr_tower_embed_again:
 * @self: the pass of a tower that goes on with what another has made
 * @replay: a tape
 * @pass: the variables of its function
 *
 * Has the other one see, and what comes before the layers.
 */
void
hr_tower_embed_again (const HrInference *self,
                      HrReplay          *replay,
                      HrPass            *pass)
{
  const HrTower *inner = &g_array_index (self->tower->inner, HrTower, 0);
  HrValue hidden = hr_pass_see_across (self, replay, pass);
  HrJoin *join = &pass->joins[0];

  replay->sentence = N_("while patches of images are embedded");
  join->crosses = FALSE;
  add_shape (self, replay, &hidden, find_table (inner->stack, TABLE_BEHIND));
  join->joined = hidden;
  pass->text = HR_NO_VALUE;
  pass->hidden = hidden;
  pass->full_mask = join->outputs[0];
  join->outputs[0] = HR_NO_VALUE;
  pass->inputs_embeds = hr_replay_hold (replay, hidden);
}

/*
 * The gradient of what was joined is seen as that of its parts, each of which slices of padded tiles are put into zeros
 * of; those of what inner layers have made are views of one tensor (torch.stack).
 */
static void
backward_join (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  HrValue stacked = hr_value_detach (node->inputs[0]);
  HrValue all = HR_NO_VALUE;

  stacked.element = gradient.element;
  for (guint i = 1; i < node->n_inputs; i++)
    {
      if (!hr_value_needs_gradient (node->inputs[i]))
        continue;
      stacked.count = node->n_inputs - 1;
      if (all.storage < 0)
        all = hr_op_make_gradient (replay, "slice_backward", stacked);
      gradients[i] = hr_replay_hold (replay, all);
      gradients[i].count = 1;
      gradients[i].is_view = TRUE;
    }
  hr_replay_drop (replay, all);
  if (hr_value_needs_gradient (node->inputs[0]))
    gradients[0] = hr_op_make_gradient (replay, "slice_backward", hr_value_detach (node->inputs[0]));
}

G_STATIC_ASSERT (1 + HR_PASS_MAX_FEATURES <= HR_NODE_MAX_INPUTS);

/* What the last layer and some of the other tower's have made, each behind the other, without what pads tiles. */
static HrValue
join_states (HrReplay *replay,
             HrPass   *pass)
{
  HrValue stacked = hr_value_detach (pass->hidden);
  HrValue inputs[1 + HR_PASS_MAX_FEATURES];
  HrValue joined;

  inputs[0] = pass->hidden;
  for (guint i = 0; i < pass->n_features; i++)
    inputs[1 + i] = pass->features[i];
  stacked.count = pass->n_features;
  stacked = hr_op_like (replay, "stack", "intermediate_hidden_states", stacked);
  joined = hr_op_like (replay, "cat", "hidden_state",
                       HR_SHAPE (pass->hidden.element, HR_SYMBOL_SEEN, HR_SYMBOL_MERGED));
  hr_autograd_record (replay, &joined, backward_join, inputs, 1 + pass->n_features);
  hr_replay_drop (replay, stacked);

  return joined;
}

/*
 * hr_tower_finish_again:
 * @self: the pass of a tower that goes on with what another has made
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes after the layers, until the function returns.
 */
void
hr_tower_finish_again (const HrInference *self,
                       HrReplay          *replay,
                       HrPass            *pass)
{
  const HrBlock *projection = hr_chain_find_block (&self->tower->projector->final, HR_BLOCK_LINEAR);
  HrJoin *join = &pass->joins[0];
  HrStretch stretch;
  HrValue joined;

  hr_replay_begin (replay, &stretch, self->stack->id, -1);
  replay->sentence = N_("while what was seen is projected for the language model");
  hr_replay_assign (replay, &pass->inputs_embeds, HR_NO_VALUE);
  replay->symbols[HR_SYMBOL_MERGED] = projection->linear.in_features;
  joined = join_states (replay, pass);
  hr_replay_assign (replay, &pass->full_mask, HR_NO_VALUE);
  for (guint i = 0; i < join->n_outputs; i++)
    hr_replay_drop (replay, join->outputs[i]);
  hr_tower_leave (replay, pass, HR_NO_VALUE);
  pass->n_features = 0;
  pass->hidden = joined;
  hr_replay_rename (replay, joined, "vision_outputs");
  hr_replay_end (replay);
}
