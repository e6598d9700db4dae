/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator.h"
#include "hr-live-parameters.h"
#include "hr-tower.h"

/* What makes of what a tower of pictures of one size has seen what the decoder reads. */

static guint
count_linear (const HrChain *chain)
{
  guint n = 0;

  for (guint i = 0; i < chain->n_blocks; i++)
    n += chain->blocks[i].kind == HR_BLOCK_LINEAR;

  return n;
}

/*
 * `torch.nn.functional.unfold (…)` of each image, and torch.cat of all, beside which a list holds them
 * (Mistral3PatchMerger).
 */
static HrValue
unfold (HrReplay *replay,
        HrValue   x,
        HrValue  *held)
{
  HrValue merged = HR_SHAPE (x.element, HR_SYMBOL_SEEN, HR_SYMBOL_MERGED);
  HrValue part = hr_op_view (replay, x, x);
  HrValue joined;

  hr_op_record (replay, &part, HR_GRADIENT_LIKE_INPUT, "cat", &x, 1);
  *held = hr_op_like (replay, "im2col", "permuted_tensor", merged);
  hr_op_record (replay, held, HR_GRADIENT_LIKE_INPUT, "col2im", &part, 1);
  joined = hr_op_cat (replay, "image_features", held, 1, merged);
  hr_replay_drop (replay, part);

  return joined;
}

/*
 * hr_tower_regroup:
 * @replay: a tape
 * @x: what a tower has made of patches
 * @regrouping: how many of them become one vector
 *
 * Squares of patches become vectors in another order, so that they are copied (pixel_shuffle of InternVLModel).
 *
 * Returns: the vectors
 */
HrValue
hr_tower_regroup (HrReplay           *replay,
                  HrValue             x,
                  const HrRegrouping *regrouping)
{
  HrValue merged = HR_SHAPE (x.element, HR_SYMBOL_SEEN, HR_SYMBOL_MERGED);
  HrValue result = hr_replay_hold (replay, x);

  for (guint64 i = 1; i < regrouping->copies; i++)
    hr_replay_assign (replay, &result, hr_op_copy (replay, "vision_features", result, hr_value_detach (result)));
  if (regrouping->copies > 0)
    hr_replay_assign (replay, &result, hr_op_copy (replay, "vision_features", result, merged));
  else
    hr_replay_assign (replay, &result, hr_op_view (replay, result, merged));

  return result;
}

/* `x, gate = hidden_states.chunk (2, dim=-1)`, then `self.act (gate) * x` (AyaVisionMultiModalProjector). */
static HrValue
gate (HrReplay     *replay,
      HrValue       x,
      HrActivation  activation)
{
  HrValue parts[2];
  HrValue activated, result;

  hr_op_chunk (replay, x, G_N_ELEMENTS (parts), parts);
  activated = hr_replay_activation (replay, parts[1], activation);
  result = hr_op_binary (replay, HR_BINARY_MUL, "hidden_states", activated, parts[0]);
  hr_replay_drop (replay, activated);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    hr_replay_drop (replay, parts[i]);

  return result;
}

static gboolean
is_gated (const HrChain *chain)
{
  const HrBlock *activation = hr_chain_find_block (chain, HR_BLOCK_ACTIVATION);

  return activation != NULL && activation->activation.gated;
}

/* The symbol for how wide what a linear layer makes is. */
static HrSymbol
get_width (HrReplay      *replay,
           const HrBlock *block,
           gboolean       is_last)
{
  if (is_last)
    return HR_SYMBOL_TEXT_HIDDEN;

  return block->linear.out_features == replay->symbols[HR_SYMBOL_HIDDEN] ? HR_SYMBOL_HIDDEN : HR_SYMBOL_PROJECTOR;
}

/*
 * Without a token of a class, what layers add to stays laid out as the convolution has left it, channels first, which
 * only a norm ends. It cannot be seen as rows either.
 */
static gboolean
is_turned (const HrTower *self)
{
  return self->stack->feature_layer > 0 &&
         hr_tower_find_parameter (&self->stack->embeddings, HR_PARAMETER_CLASS) == NULL;
}

/*
 * hr_tower_run_chain:
 * @self: a tower
 * @replay: a tape
 * @x: what its projector reads
 *
 * Linear layers and what is between them, each bound to the variable of the one before. What the first reads has gaps
 * between the pictures where their first token is left away: it is copied (F.linear).
 *
 * Returns: the result
 */
HrValue
hr_tower_run_chain (const HrTower *self,
                    HrReplay      *replay,
                    HrValue        x)
{
  const HrChain *chain = &self->projector->final;
  guint n_linear = count_linear (chain);
  HrValue result = hr_replay_hold (replay, x);
  gboolean averages = self->videos > 0 && self->projector->frames == HR_FRAMES_AVERAGED;
  gboolean has_gaps = self->batch > 1 && !averages && (self->projector->drops_class || is_turned (self));
  HrValue before = HR_NO_VALUE, held = HR_NO_VALUE;
  /* Variables of a function that has a gate: what its first layer reads and makes. */
  HrValue read = HR_NO_VALUE, halves = HR_NO_VALUE;
  guint n_run = 0;

  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrBlock *block = &chain->blocks[i];
      HrSymbol width;

      replay->block = block->path;
      if (block->kind == HR_BLOCK_ACTIVATION && block->activation.gated)
        {
          halves = hr_replay_hold (replay, result);
          hr_replay_assign (replay, &result, gate (replay, result, block->activation.activation));
          continue;
        }
      if (block->kind == HR_BLOCK_ACTIVATION)
        {
          hr_replay_assign (replay, &result, hr_replay_activation (replay, result, block->activation.activation));
          continue;
        }
      if (block->kind == HR_BLOCK_REGROUPING)
        {
          if (block->regrouping.unfolds)
            {
              before = hr_replay_hold (replay, result);
              hr_replay_assign (replay, &result, unfold (replay, result, &held));
            }
          else
            {
              hr_replay_assign (replay, &result, hr_tower_regroup (replay, result, &block->regrouping));
            }
          has_gaps = block->regrouping.turned;
          continue;
        }
      if (block->kind == HR_BLOCK_NORM)
        {
          has_gaps = FALSE;
          hr_replay_assign (replay, &result, hr_replay_norm (replay, result, &block->norm));
          continue;
        }
      if (n_run == 0 && is_gated (chain))
        read = hr_replay_hold (replay, result);
      width = get_width (replay, block, n_run + 1 == n_linear);
      replay->symbols[width] = block->linear.out_features;
      if (has_gaps)
        hr_replay_assign (replay, &result, hr_op_linear_copied (replay, result, HR_MODULE_SELF, "hidden_states", width,
                                                                block->linear.has_bias));
      else
        hr_replay_assign (replay, &result, hr_tower_run_linear (replay, result, block, width));
      hr_replay_assign (replay, &held, HR_NO_VALUE);
      hr_replay_assign (replay, &before, HR_NO_VALUE);
      has_gaps = FALSE;
      n_run++;
    }
  hr_replay_drop (replay, read);
  hr_replay_drop (replay, halves);

  return result;
}

static HrValue
multiply (HrReplay *replay,
          HrValue   x,
          HrValue   weight,
          HrValue   shape,
          gboolean  copies)
{
  HrValue input = hr_op_cast_down (replay, x);
  HrValue result;

  if (copies)
    hr_replay_assign (replay, &input, hr_op_copy (replay, "x.contiguous()", input, hr_value_detach (input)));
  result = hr_op_linear_by (replay, input, "projected_vision_outputs", weight, HR_NO_VALUE, shape);
  hr_replay_drop (replay, input);

  return result;
}

/*
 * Averages of squares of patches, whose channels come first in memory, their norm and the product with a matrix
 * (Gemma3MultiModalProjector). What matmul cannot see as rows is copied.
 */
static HrValue
pool (const HrTower *self,
      HrReplay      *replay,
      HrValue        x)
{
  const HrChain *chain = &self->projector->final;
  const HrBlock *norm = hr_chain_find_block (chain, HR_BLOCK_NORM);
  const HrBlock *matrix = hr_chain_find_block (chain, HR_BLOCK_PARAMETER);
  HrValue row = HR_SHAPE (x.element, HR_SYMBOL_SEEN, HR_SYMBOL_HIDDEN);
  HrValue channels, pooled, normed, weight, result;

  replay->symbols[HR_SYMBOL_TEXT_HIDDEN] = matrix->parameter.shape.sizes[1];
  hr_live_parameters_enter (replay, &x, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN, HR_SYMBOL_TEXT_HIDDEN),
                            HR_NO_VALUE);
  channels = hr_op_copy (replay, "reshaped_vision_outputs", x, hr_value_detach (x));
  pooled = hr_op_like (replay, "avg_pool2d", "pooled_vision_outputs", row);
  if (hr_op_record (replay, &pooled, HR_GRADIENT_TYPED_AS_INPUT, "avg_pool2d_backward", &channels, 1))
    hr_autograd_save (replay, pooled, channels);
  replay->block = norm->path;
  normed = hr_replay_norm (replay, pooled, &norm->norm);
  hr_replay_rename (replay, normed, "normed_vision_outputs");

  replay->block = matrix->path;
  weight = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN, HR_SYMBOL_TEXT_HIDDEN));
  row.symbols[1] = HR_SYMBOL_TEXT_HIDDEN;
  row = hr_value_detach (row);
  result = multiply (replay, normed, weight, row, self->batch > 1);
  hr_replay_assign (replay, &result, hr_op_cast (replay, result, x.element));
  hr_live_parameters_leave (replay, &result);
  hr_replay_drop (replay, normed);
  hr_replay_drop (replay, pooled);
  hr_replay_drop (replay, channels);

  return result;
}

/*
 * hr_tower_project:
 * @self: a tower
 * @replay: a tape
 * @x: what it has made of each position of each picture
 *
 * Runs a projector.
 *
 * Returns: the vectors of all pictures in a row
 */
HrValue
hr_tower_project (const HrTower *self,
                  HrReplay      *replay,
                  HrValue        x)
{
  HrValue row = HR_SHAPE (x.element, HR_SYMBOL_SEEN, HR_SYMBOL_TEXT_HIDDEN);
  HrValue part, result, view;

  if (self->projector->projector == HR_PROJECTOR_POOLING)
    return pool (self, replay, x);

  if (self->videos > 0 && self->projector->frames == HR_FRAMES_AVERAGED)
    part = hr_tower_average_frames (self, replay, x);
  else
    part = self->projector->drops_class
             ? hr_op_slice (replay, x, HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES, HR_SYMBOL_HIDDEN))
             : hr_replay_hold (replay, x);
  result = hr_tower_run_chain (self, replay, part);
  hr_replay_drop (replay, part);
  view = hr_op_view (replay, result, row);
  hr_replay_drop (replay, result);

  return view;
}
