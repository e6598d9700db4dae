/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-inference-cache.h"
#include "hr-operator-select.h"
#include "hr-operator-sequence.h"
#include "hr-tower.h"

/*
 * A tower that hears sounds of any length: they are cut into chunks of as many frames, which are convolved as a batch,
 * the last of each sound padded. What is not padding lies in one row for the layers, in which each chunk attends to
 * itself (Qwen2_5OmniThinkerForConditionalGeneration.get_audio_features and Qwen2_5OmniAudioEncoder of
 * modeling_qwen2_5_omni.py).
 */

static void
hold (HrPass  *pass,
      HrValue  value)
{
  pass->beside[pass->n_beside++] = value;
}

/* A number for each sound or each chunk: variables hold several. */
static void
hold_numbers (HrReplay   *replay,
              HrPass     *pass,
              const char *operation,
              const char *name)
{
  hold (pass, hr_op_like (replay, operation, name, HR_SHAPE (HR_ELEMENT_INT64)));
}

/* Frames of a spectrogram, in the type that a processor gives them in. */
static HrValue
get_frames_shape (HrReplay      *replay,
                  const HrBlock *convolution,
                  HrSymbol       frames)
{
  HrValue shape = HR_SHAPE (HR_ELEMENT_FLOAT32, frames, HR_SYMBOL_PIXELS);

  shape.divisor = convolution->convolution.kernel.sizes[0];

  return shape;
}

/*
 * `input_features.permute (0, 2, 1)[feature_attention_mask.bool ()]`, then chunk_and_pad_features(): the frames of all
 * sounds in a row, and then in chunks of one length, cast. The positions that the last layer's output is averaged from
 * are kept as those of the pass.
 */
static HrValue
cut (HrReplay      *replay,
     HrPass        *pass,
     const HrBlock *convolution,
     HrValue       *valid)
{
  HrValue padded;

  hold_numbers (replay, pass, "sum", "audio_feature_lengths");
  hold (pass, hr_op_like (replay, "index", "input_features",
                          get_frames_shape (replay, convolution, HR_SYMBOL_HEARD)));
  hold_numbers (replay, pass, "floor_divide", "audio_feat_lengths");
  hold_numbers (replay, pass, "floor_divide", "audio_output_lengths");
  hold_numbers (replay, pass, "where", "chunk_lengths");
  padded = hr_op_like (replay, "pad_sequence", "padded_feature",
                       get_frames_shape (replay, convolution, HR_SYMBOL_FRAMES));
  *valid = hr_op_like (replay, "nonzero", "valid_indices", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEQUENCE));
  pass->position_ids = hr_op_like (replay, "add", "pool_indices", HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEEN));
  hold (pass, *valid);
  hold_numbers (replay, pass, "_to_copy", "cu_seqlens");
  hr_replay_assign (replay, &padded, hr_op_cast (replay, padded, replay->parameter_dtype));

  return padded;
}

/* `padded_embed + positional_embedding[: …].to (dtype)`: a table that is computed, in fp32. */
static void
add_positions (HrReplay *replay,
               HrValue  *x)
{
  HrValue rows = HR_SHAPE (x->element, HR_SYMBOL_POSITIONS, HR_SYMBOL_HIDDEN);
  HrValue positions = x->element == HR_ELEMENT_FLOAT32 ? rows
                                                       : hr_op_like (replay, "_to_copy", "positional_embedding", rows);

  hr_replay_assign (replay, x, hr_op_binary_as (replay, HR_BINARY_ADD, "padded_embed", *x, positions, *x));
  hr_replay_drop (replay, positions);
}

/* `torch.index_select (padded_embed.reshape (-1, …), 0, valid_indices)`: chunk by chunk a column is not a row. */
static HrValue
pick_valid (const HrTower *self,
            HrReplay      *replay,
            HrValue        padded,
            HrValue        indices)
{
  HrValue rows = self->n_chunks > 1 ? hr_op_copy (replay, "padded_embed.reshape(…)", padded, hr_value_detach (padded))
                                    : hr_replay_hold (replay, padded);
  HrValue picked = hr_op_take (replay, "hidden_states", rows, indices,
                               HR_SHAPE (rows.element, HR_SYMBOL_SEQUENCE, HR_SYMBOL_HIDDEN));

  hr_replay_drop (replay, rows);

  return picked;
}

/*
 * hr_tower_embed_chunks:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes before the layers: two convolutions over the frames of each chunk, positions, and what is not padding.
 */
void
hr_tower_embed_chunks (const HrInference *self,
                       HrReplay          *replay,
                       HrPass            *pass)
{
  const HrTower *tower = self->tower;
  const HrBlock *blocks = self->stack->embeddings.blocks;
  HrValue flags = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_FRAMES);
  HrValue valid, padded, mask, x, product;

  replay->sentence = N_("while the sound is convolved");
  replay->symbols[HR_SYMBOL_HEARD] = tower->heard;
  replay->symbols[HR_SYMBOL_FRAMES] = tower->chunk_frames;
  replay->symbols[HR_SYMBOL_POSITIONS] = tower->patches / tower->n_chunks;
  padded = cut (replay, pass, &blocks[0], &valid);
  hold (pass, padded);
  mask = hr_op_like (replay, "_to_copy", "padded_mask", flags);
  hold (pass, mask);
  x = hr_pass_convolve_frames (replay, &blocks[0], padded, TRUE, HR_SHAPE (replay->dtype, HR_SYMBOL_FRAMES,
                                                                           HR_SYMBOL_HIDDEN));
  product = hr_op_binary_as (replay, HR_BINARY_MUL, "padded_embed", x, mask, x);
  hr_replay_drop (replay, x);
  x = product;
  hr_replay_assign (replay, &x, hr_pass_convolve_frames (replay, &blocks[1], x, FALSE,
                                                         HR_SHAPE (replay->dtype, HR_SYMBOL_PATCHES,
                                                                   HR_SYMBOL_HIDDEN)));
  add_positions (replay, &x);
  pass->hidden = pick_valid (tower, replay, x, valid);
  pass->inputs_embeds = x;
  pass->chunks[0] = tower->chunks;
}

/* `(hidden_states[pool_indices] + hidden_states[pool_indices + 1]) / 2`. */
static void
average (HrReplay *replay,
         HrPass   *pass)
{
  HrValue indices = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEEN);
  HrValue rows = HR_SHAPE (pass->hidden.element, HR_SYMBOL_SEEN, HR_SYMBOL_HIDDEN);
  HrValue first = hr_op_take (replay, "hidden_states[pool_indices]", pass->hidden, pass->position_ids,
                              rows);
  HrValue next = hr_op_like (replay, "add", "pool_indices + 1", indices);
  HrValue second = hr_op_take (replay, "hidden_states[pool_indices + 1]", pass->hidden, next, rows);
  HrValue sum;

  hr_replay_drop (replay, next);
  sum = hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", first, second);
  hr_replay_drop (replay, second);
  hr_replay_drop (replay, first);
  hr_replay_assign (replay, &sum, hr_op_unary (replay, HR_UNARY_DIV, "hidden_states", sum));
  hr_replay_assign (replay, &pass->hidden, sum);
}

/*
 * hr_tower_finish_chunks:
 * @self: the pass of a tower
 * @replay: a tape
 * @pass: the variables of its function
 *
 * What comes after the layers: averages of pairs of positions, a norm and a linear layer.
 */
void
hr_tower_finish_chunks (const HrInference *self,
                        HrReplay          *replay,
                        HrPass            *pass)
{
  const HrChain *final = &self->stack->final;
  const HrBlock *norm = hr_chain_find_block (final, HR_BLOCK_NORM);
  const HrBlock *linear = hr_chain_find_block (final, HR_BLOCK_LINEAR);
  HrStretch stretch;
  HrValue normed;

  hr_replay_begin (replay, &stretch, norm->path, -1);
  replay->sentence = N_("while what was heard is projected for the language model");
  average (replay, pass);
  replay->block = norm->path;
  normed = hr_replay_norm (replay, pass->hidden, &norm->norm);
  hr_replay_assign (replay, &pass->hidden, hr_tower_run_linear (replay, normed, linear, HR_SYMBOL_TEXT_HIDDEN));
  hr_replay_drop (replay, normed);
  while (pass->n_beside > 0)
    hr_replay_drop (replay, pass->beside[--pass->n_beside]);
  hr_replay_assign (replay, &pass->position_ids, HR_NO_VALUE);
  hr_replay_assign (replay, &pass->inputs_embeds, HR_NO_VALUE);
  hr_replay_drop (replay, pass->weights);
  hr_replay_assign (replay, &pass->hidden, hr_op_cast (replay, pass->hidden, replay->dtype));
  hr_replay_rename (replay, pass->hidden, "audio_features");
  /* The thinker counts the frames again, for the positions of its tokens. */
  pass->returned[pass->n_returned++] = hr_op_like (replay, "sum", "audio_feature_lengths", HR_SHAPE (HR_ELEMENT_INT64));
  hr_replay_end (replay);
}
