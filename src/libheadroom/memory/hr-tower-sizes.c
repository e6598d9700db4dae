/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-inference-cache.h"
#include "hr-live-parameters.h"
#include "hr-operator.h"
#include "hr-operator-sequence.h"
#include "hr-sharding.h"
#include "hr-tower.h"

/*
 * A tower that gets images of any size, padded to the largest, and puts the patches of all in one row, in which a mask
 * lets each image attend to itself (PixtralVisionModel of modeling_pixtral.py).
 */

/* `self.patch_conv (pixel_values.to (dtype=target_dtype))`: of all images, with what pads them. */
static HrValue
embed_patches (HrReplay      *replay,
               const HrBlock *block)
{
  HrValue weight = hr_autograd_parameter (replay, HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_PIXELS,
                                                            HR_SYMBOL_HIDDEN));
  HrValue picture = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_PICTURE);
  HrValue pixels = hr_tower_casts_pixels (replay) ? hr_sharding_cast_given (replay, "pixel_values", picture)
                                                  : picture;
  HrValue patches;

  hr_live_parameters_enter (replay, &pixels, weight, HR_NO_VALUE);
  patches = hr_op_convolution (replay, "patch_embeds", pixels, weight, HR_NO_VALUE,
                               HR_SHAPE (replay->dtype, HR_SYMBOL_PATCHES, HR_SYMBOL_HIDDEN));
  hr_live_parameters_leave (replay, &patches);
  hr_replay_drop (replay, pixels);

  return patches;
}

/* `torch.cat ([p.flatten (1).T for p in patch_embeds_list], dim=0)`: without what pads them. */
static HrValue
join_patches (HrReplay *replay,
              HrValue   patches)
{
  HrValue row = HR_SHAPE (patches.element, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  HrValue part = hr_op_slice (replay, patches, row);
  HrValue joined = hr_op_cat (replay, "patch_embeds", &part, 1,
                              HR_SHAPE (patches.element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));

  hr_replay_drop (replay, part);

  return joined;
}

/* Rows of a table of angles, their cosines and sines in fp32, cast (PixtralRotaryEmbedding). */
static void
make_rotation (const HrInference *self,
               HrReplay          *replay,
               HrPass            *pass)
{
  HrValue angles = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HEAD);
  HrValue frequencies, cosines, sines;

  hr_pass_set_attention_symbols (replay, hr_layer_class_get_attention (&self->stack->layer_classes[0]));
  replay->sentence = N_("while the angles of the rotation are computed");
  frequencies = hr_op_like (replay, "index", "freqs", angles);
  cosines = hr_op_like (replay, "cos", "cos", angles);
  sines = hr_op_like (replay, "sin", "sin", angles);
  pass->cos[0] = hr_op_cast (replay, cosines, pass->hidden.element);
  pass->sin[0] = hr_op_cast (replay, sines, pass->hidden.element);
  hr_replay_drop (replay, sines);
  hr_replay_drop (replay, cosines);
  hr_replay_drop (replay, frequencies);
}

/*
 * hr_tower_embed_sizes:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes before the layers.
 */
void
hr_tower_embed_sizes (const HrInference *self,
                      HrReplay          *replay,
                      HrPass            *pass)
{
  const HrBlock *convolution = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_CONVOLUTION);
  const HrBlock *norm = hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_NORM);
  HrValue patches;

  replay->block = convolution->path;
  patches = embed_patches (replay, convolution);
  hr_tower_require_gradient (self, replay, &patches);
  pass->hidden = join_patches (replay, patches);
  pass->beside[pass->n_beside++] = hr_value_detach (patches);
  replay->block = norm->path;
  hr_replay_assign (replay, &pass->hidden, hr_replay_norm (replay, pass->hidden, &norm->norm));
  pass->position_ids = hr_op_like (replay, "_to_copy", "position_ids",
                                   HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE));
  make_rotation (self, replay, pass);
  replay->sentence = N_("while the attention mask is made");
  replay->symbols[HR_SYMBOL_TARGET] = replay->symbols[HR_SYMBOL_SEQUENCE];
  pass->full_mask = hr_op_like (replay, "full", "attention_mask",
                                HR_SHAPE (pass->hidden.element, HR_SYMBOL_SEQUENCE, HR_SYMBOL_TARGET));
  pass->inputs_embeds = hr_replay_hold (replay, pass->hidden);
}

/*
 * hr_tower_leave_sizes:
 * @replay: a tape
 * @pass: the variables of its function
 *
 * Lets go of them when it returns.
 */
void
hr_tower_leave_sizes (HrReplay *replay,
                      HrPass   *pass)
{
  while (pass->n_beside > 0)
    hr_replay_drop (replay, pass->beside[--pass->n_beside]);
  hr_replay_assign (replay, &pass->position_ids, HR_NO_VALUE);
  hr_replay_drop (replay, pass->full_mask);
  hr_replay_assign (replay, &pass->sin[0], HR_NO_VALUE);
  hr_replay_assign (replay, &pass->cos[0], HR_NO_VALUE);
}
