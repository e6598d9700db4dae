/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-sequence.h"
#include "hr-sharding.h"
#include "hr-tower.h"

/*
 * A tower that is told by a mask which pixels of a picture are none of its padding, and finds the position of each
 * patch in the picture from it (get_image_features of Idefics3Model and SmolVLMModel, Idefics3VisionEmbeddings): what
 * comes before its layers. Pictures that are cut into squares fill all of them, so that the mask hides nothing; others
 * are padded to the largest (Idefics2Model), or laid out on squares that they do not fill (Phi4MultimodalVisionModel).
 */

/* `pixel_values[real_images_inds]`: without pictures that stand for none, in the dtype of the model. */
static HrValue
choose_pictures (HrReplay *replay,
                 HrPass   *pass,
                 guint64   colors)
{
  HrValue pixels = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_PICTURE);
  HrValue mask = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_PICTURE);
  HrValue cast = replay->parameter_dtype == HR_ELEMENT_FLOAT32
                   ? HR_NO_VALUE
                   : hr_sharding_cast_given (replay, "pixel_values", pixels);
  HrValue equal = hr_op_like (replay, "eq", "pixel_values == 0",
                              HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_PICTURE));
  HrValue sums = hr_op_like (replay, "sum", "(…).sum (dim=…)", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH));
  HrValue chosen;

  hr_replay_drop (replay, equal);
  pass->beside[pass->n_beside++] = hr_op_like (replay, "ne", "real_images_inds",
                                               HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH));
  hr_replay_drop (replay, sums);
  chosen = pass->beside[pass->n_beside++] = hr_op_like (replay, "index", "pixel_values", pixels);
  hr_replay_drop (replay, cast);
  mask.divisor = colors;
  pass->beside[pass->n_beside++] = hr_op_like (replay, "index", "pixel_attention_mask", mask);

  return chosen;
}

/*
 * `image_pixel_values.to (dtype)` and `image_attention_mask.flatten (0, 1).to (bool)`, which functions around the
 * tower's hold (Phi4MultimodalImageEmbedding).
 */
static HrValue
cast_pictures (HrReplay *replay,
               HrPass   *pass)
{
  HrValue pixels = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_PICTURE);

  if (replay->parameter_dtype != HR_ELEMENT_FLOAT32)
    pixels = hr_sharding_cast_given (replay, "image_pixel_values", pixels);
  pass->beside[pass->n_beside++] = pixels;
  pass->beside[pass->n_beside++] = hr_op_like (replay, "_to_copy", "patch_attention_mask",
                                               HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES));

  return pixels;
}

/* `(patches_subgrid.sum (dim=(-1, -2)) > 0)`: which patches have pixels. */
static void
find_patches (HrReplay *replay,
              HrPass   *pass)
{
  HrValue sums = hr_op_like (replay, "sum", "patches_subgrid.sum (…)",
                             HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES));

  pass->beside[pass->n_beside++] = hr_op_like (replay, "gt", "patch_attention_mask",
                                               HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES));
  hr_replay_drop (replay, sums);
}

/*
 * hr_tower_find_positions:
 * @replay: a tape
 * @pass: the variables of its function
 * @patches: patches as vectors
 * @block: the table of positions
 *
 * `embeddings + self.position_embedding (position_ids)`, with what the function makes of the mask beside.
 */
void
hr_tower_find_positions (HrReplay      *replay,
                         HrPass        *pass,
                         HrValue        patches,
                         const HrBlock *block)
{
  HrValue numbers = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES);
  HrValue shape = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  HrValue ids, all, table, positions;

  ids = hr_op_like (replay, "full", "position_ids", numbers);
  all = hr_op_like (replay, "add", "pos_ids", numbers);
  hr_replay_drop (replay, hr_op_like (replay, "index", "pos_ids[patch_attention_mask]", numbers));
  replay->block = block->path;
  replay->symbols[HR_SYMBOL_POSITIONS] = block->position_embedding.n_positions;
  table = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_POSITIONS, HR_SYMBOL_HIDDEN));
  positions = hr_op_embedding (replay, "position_embedding(…)", ids, table, shape);
  pass->hidden = hr_op_binary (replay, HR_BINARY_ADD, "embeddings", patches, positions);
  hr_replay_drop (replay, positions);
  hr_replay_drop (replay, all);
  hr_replay_drop (replay, ids);
}

/*
 * hr_tower_embed_padded:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes before the layers.
 */
void
hr_tower_embed_padded (const HrInference *self,
                       HrReplay          *replay,
                       HrPass            *pass)
{
  const HrBlock *convolution = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_CONVOLUTION);
  const HrBlock *table = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_POSITION_EMBEDDING);
  /* get_input_embeddings () of Phi4MultimodalVisionModel is the convolution, and of others all of this. */
  gboolean convolves = self->stack->tower == HR_TOWER_CROPS;
  HrValue pixels, weight, bias, patches;

  replay->block = convolution->path;
  if (convolves)
    {
      pixels = cast_pictures (replay, pass);
    }
  else
    {
      pixels = choose_pictures (replay, pass, convolution->convolution.in_channels);
      find_patches (replay, pass);
    }
  weight = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_PIXELS, HR_SYMBOL_HIDDEN));
  bias = hr_autograd_bias (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_HIDDEN));
  patches = hr_op_convolution (replay, "patch_embeds", pixels, weight, bias,
                               HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES, HR_SYMBOL_HIDDEN));
  if (convolves)
    hr_tower_require_gradient (self, replay, &patches);
  hr_tower_find_positions (replay, pass, patches, table);
  hr_replay_drop (replay, patches);
  if (!convolves)
    hr_tower_require_gradient (self, replay, &pass->hidden);
  if (self->attention == HR_ATTENTION_IMPLEMENTATION_EAGER || self->tower->is_padded)
    {
      replay->sentence = N_("while the attention mask is made");
      replay->symbols[HR_SYMBOL_CONTEXT] = self->tower->sequence;
      pass->full_mask = hr_replay_padding_mask (replay, self->attention == HR_ATTENTION_IMPLEMENTATION_EAGER);
    }
  pass->inputs_embeds = hr_replay_hold (replay, pass->hidden);
}
