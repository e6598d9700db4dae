/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-inference-cache.h"
#include "hr-operator-select.h"
#include "hr-operator-sequence.h"
#include "hr-sharding.h"
#include "hr-tower.h"

/*
 * Towers that hear a batch of sounds, each padded to the same length, as Whisper's encoder does: what comes before
 * their layers and after them (Qwen2AudioEncoder and Qwen2AudioModel of modeling_qwen2_audio.py, VoxtralEncoder and
 * VoxtralModel of modeling_voxtral.py).
 */

/* What the function around the tower's holds until it has its result, and until the decoder has run. */
static void
hold_outside (HrPass  *pass,
              HrValue  value)
{
  pass->returned[pass->n_returned++] = hr_value_detach (value);
}

/* `_get_feat_extract_output_lengths (feature_attention_mask.sum (-1))`: of each sound, before and after pooling. */
static void
count_lengths (HrReplay *replay,
               HrPass   *pass)
{
  HrValue length = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH);

  hold_outside (pass, hr_op_like (replay, "floor_divide", "audio_feat_lengths", length));
  hold_outside (pass, hr_op_like (replay, "floor_divide", "audio_output_lengths", length));
}

/*
 * Which positions are of the sound, and a mask of all pairs of positions where some are not (Qwen2AudioModel.forward);
 * the variables of that function stay.
 */
static void
make_mask (const HrInference *self,
           HrReplay          *replay,
           HrPass            *pass)
{
  HrValue positions = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrValue truths = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrValue flags;

  replay->sentence = N_("while the attention mask is made");
  count_lengths (replay, pass);
  hold_outside (pass, hr_op_like (replay, "arange", "seq_range", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE)));
  hold_outside (pass, hr_op_like (replay, "ge", "padding_mask", truths));
  hold_outside (pass, hr_op_like (replay, "_to_copy", "audio_attention_mask_2d", positions));
  hold_outside (pass, hr_op_like (replay, "zeros", "dummy_embeds",
                                  HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE)));
  if (!self->tower->is_padded)
    return;

  hr_pass_set_attention_symbols (replay, hr_layer_class_get_attention (&self->stack->layer_classes[0]));
  hr_pass_set_context (replay, replay->symbols[HR_SYMBOL_SEQUENCE]);
  flags = hr_op_like (replay, "_to_copy", "padding_mask", truths);
  pass->full_mask = hr_replay_padding_mask (replay, self->attention == HR_ATTENTION_IMPLEMENTATION_EAGER);
  hr_replay_drop (replay, flags);
}

/* `input_features.to (dtype)`: a copy, but where the model is in fp32 as well. */
static HrValue
cast_features (HrReplay *replay)
{
  HrValue features = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_BATCH, HR_SYMBOL_PICTURE);

  return replay->parameter_dtype == HR_ELEMENT_FLOAT32 ? features
                                                       : hr_sharding_cast_given (replay, "input_features", features);
}

/*
 * hr_tower_embed_sounds:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes before the layers: two convolutions over the frames, the second of which leaves every other one, and the
 * positions. Variables hold the features and what the convolutions have made.
 */
void
hr_tower_embed_sounds (const HrInference *self,
                       HrReplay          *replay,
                       HrPass            *pass)
{
  const HrChain *embeddings = &self->stack->embeddings;
  HrValue positions = HR_SHAPE (replay->parameter_dtype, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN);
  HrValue frames = shape;
  HrValue features, x;

  if (self->tower->projector->projector == HR_PROJECTOR_QWEN2_AUDIO)
    make_mask (self, replay, pass);
  replay->sentence = N_("while the sound is convolved");
  features = cast_features (replay);
  frames.count = 2;
  x = hr_pass_convolve_frames (replay, &embeddings->blocks[0], features, TRUE, frames);
  hr_replay_assign (replay, &x, hr_pass_convolve_frames (replay, &embeddings->blocks[1], x, FALSE, shape));
  pass->beside[pass->n_beside++] = features;
  pass->inputs_embeds = x;
  pass->hidden = hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", x, positions);
  if (self->tower->projector->projector == HR_PROJECTOR_VOXTRAL)
    hr_replay_assign (replay, &pass->hidden, hr_op_cast (replay, pass->hidden, x.element));
}

/*
 * `self.avg_pooler (hidden_states.permute (0, 2, 1))`: averages of pairs of positions, without a copy of what it is
 * given.
 */
static HrValue
pool (HrReplay *replay,
      HrValue   x)
{
  HrValue pooled = hr_op_like (replay, "avg_pool2d", "hidden_states",
                               HR_SHAPE (x.element, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES, HR_SYMBOL_HIDDEN));

  if (hr_op_record (replay, &pooled, HR_GRADIENT_TYPED_AS_INPUT, "avg_pool2d_backward", &x, 1))
    hr_autograd_save (replay, pooled, x);

  return pooled;
}

static void
run_final (HrReplay      *replay,
           HrValue       *x,
           const HrChain *chain)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrBlock *block = &chain->blocks[i];

      replay->block = block->path;
      if (block->kind == HR_BLOCK_REGROUPING)
        hr_replay_assign (replay, x, pool (replay, *x));
      else if (block->kind == HR_BLOCK_NORM)
        hr_replay_assign (replay, x, hr_replay_norm (replay, *x, &block->norm));
    }
}

/* The variables of the tower's function, but for its result. */
static void
leave_encoder (HrReplay *replay,
               HrPass   *pass)
{
  while (pass->n_beside > 0)
    hr_replay_drop (replay, pass->beside[--pass->n_beside]);
  hr_replay_assign (replay, &pass->inputs_embeds, HR_NO_VALUE);
  hr_replay_drop (replay, pass->weights);
  pass->weights = HR_NO_VALUE;
}

/* `audio_features = audio_features[audio_features_mask]`: of each sound the vectors that are not padding. */
static void
select_rows (HrReplay *replay,
             HrPass   *pass,
             HrValue  *seen)
{
  HrValue mask = hr_op_like (replay, "lt", "audio_features_mask",
                             HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_PATCHES));

  hr_replay_assign (replay, seen, hr_op_take (replay, "audio_features", *seen, mask,
                                              HR_SHAPE (seen->element, HR_SYMBOL_SEEN, HR_SYMBOL_TEXT_HIDDEN)));
  hold_outside (pass, mask);
}

/*
 * hr_tower_finish_sounds:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes after the layers, until the vectors are there that the decoder reads.
 */
void
hr_tower_finish_sounds (const HrInference *self,
                        HrReplay          *replay,
                        HrPass            *pass)
{
  const HrTower *tower = self->tower;
  HrStretch stretch;
  HrValue seen, view;

  hr_replay_begin (replay, &stretch, tower->projector->id, -1);
  replay->sentence = N_("while what was heard is projected for the language model");
  run_final (replay, &pass->hidden, &tower->stack->final);
  leave_encoder (replay, pass);
  seen = hr_tower_run_chain (tower, replay, pass->hidden);
  if (tower->projector->projector == HR_PROJECTOR_QWEN2_AUDIO)
    {
      if (pass->full_mask.storage >= 0)
        hold_outside (pass, pass->full_mask);
      hold_outside (pass, hr_replay_hold (replay, pass->hidden));
      hold_outside (pass, hr_op_like (replay, "eq", "legacy_processing", HR_SHAPE (HR_ELEMENT_BOOL)));
      select_rows (replay, pass, &seen);
    }
  else
    {
      view = hr_op_view (replay, seen, HR_SHAPE (seen.element, HR_SYMBOL_SEEN, HR_SYMBOL_TEXT_HIDDEN));
      hr_replay_assign (replay, &seen, view);
    }
  hr_replay_assign (replay, &pass->hidden, HR_NO_VALUE);
  hr_replay_assign (replay, &seen, hr_op_cast (replay, seen, replay->dtype));
  pass->hidden = seen;
  hr_replay_rename (replay, seen, "audio_features");
  hr_replay_end (replay);
}
