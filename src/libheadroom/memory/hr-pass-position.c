/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-pass.h"

#include "hr-inference-cache.h"
#include "hr-live-parameters.h"
#include "hr-operator.h"

/* What a pass makes of the positions of its tokens, for the attention of all layers: rotations and biases. */

static gboolean
is_rotary (const HrAttention *attention)
{
  /* FalconModel makes cosines and sines beside biases as well. */
  return attention != NULL && (attention->position == HR_POSITION_ROTARY ||
                               attention->path == HR_ATTENTION_FALCON ||
                               attention->position == HR_POSITION_ROTARY_FP32 ||
                               attention->position == HR_POSITION_ROTARY_SECTIONS ||
                               attention->position == HR_POSITION_ROTARY_PAIRS ||
                               attention->position == HR_POSITION_ROTARY_FP32_PAIRS ||
                               attention->position == HR_POSITION_ROTARY_CAST ||
                               attention->position == HR_POSITION_ROTARY_INTERLEAVED ||
                               attention->position == HR_POSITION_ROTARY_COMPLEX ||
                               attention->position == HR_POSITION_ROTARY_HALVES);
}

/* Finds a layer whose rotation is shared with the others, or is its own. */
static const HrAttention *
find_rotary (const HrInference *self,
             gboolean           own)
{
  for (guint i = 0; i < self->stack->n_layer_classes; i++)
    {
      const HrAttention *attention = hr_layer_class_get_attention (&self->stack->layer_classes[i]);

      if (is_rotary (attention) && (attention->own_rotary && attention->sliding_window > 0) == own)
        return attention;
    }

  return NULL;
}

/*
 * hr_pass_has_rotation:
 * @self: what is replayed
 *
 * Returns: whether any layer rotates queries and keys
 */
gboolean
hr_pass_has_rotation (const HrInference *self)
{
  return find_rotary (self, FALSE) != NULL || find_rotary (self, TRUE) != NULL;
}

/*
 * hr_pass_has_axes:
 * @self: what is replayed
 *
 * Returns: whether positions have three axes, so that those of images are computed outside (get_rope_index)
 */
gboolean
hr_pass_has_axes (const HrInference *self)
{
  const HrAttention *attention = find_rotary (self, FALSE);

  return attention != NULL && (attention->position == HR_POSITION_ROTARY_SECTIONS || attention->rotary_axes);
}

static HrElement
get_rotation_element (HrReplay          *replay,
                      const HrAttention *attention)
{
  gboolean stays_fp32 = attention->position == HR_POSITION_ROTARY_FP32 ||
                        attention->position == HR_POSITION_ROTARY_FP32_PAIRS;

  return stays_fp32 ? HR_ELEMENT_FLOAT32 : replay->dtype;
}

/* DeepseekV2RotaryEmbedding.forward: complex numbers of a length of 1, of two elements of fp32 each. */
static HrValue
make_complex_rotation (HrReplay          *replay,
                       const HrAttention *attention)
{
  HrValue angles = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE, HR_SYMBOL_ROTARY);
  HrValue half = angles;
  HrValue positions, frequencies, ones, rotation;

  hr_pass_set_attention_symbols (replay, attention);
  replay->sentence = N_("while the angles of the rotation are computed");
  half.divisor = 2;
  positions = hr_op_like (replay, "_to_copy", "position_ids_expanded",
                          HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_SEQUENCE));
  frequencies = hr_op_like (replay, "bmm", "freqs", half);
  ones = hr_op_like (replay, "ones_like", "ones_like(freqs)", half);
  rotation = hr_op_like (replay, "polar", "freqs_cis", angles);
  hr_replay_drop (replay, ones);
  hr_replay_assign (replay, &rotation, hr_op_like (replay, "mul", "freqs_cis", angles));
  hr_replay_drop (replay, frequencies);
  hr_replay_drop (replay, positions);

  return rotation;
}

/*
 * One angle for each pair and position, or one for each of three axes and each sequence (Qwen2VLRotaryEmbedding), or
 * for each sequence (ModernBertDecoderModel.forward), or where each has positions of its own.
 */
static HrValue
get_angles_shape (const HrInference *self,
                  HrElement          element,
                  const HrAttention *attention)
{
  HrValue angles = HR_SHAPE (element, HR_SYMBOL_SEQUENCE, HR_SYMBOL_ROTARY);

  if (attention->position != HR_POSITION_ROTARY_SECTIONS && !attention->rotary_each && !self->has_positions)
    return angles;

  angles = HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE, HR_SYMBOL_ROTARY);
  angles.count = attention->position == HR_POSITION_ROTARY_SECTIONS ? HR_PASS_N_AXES : 1;

  return angles;
}

/* The rotary embedding's forward: angles in fp32, their cosines and sines, cast. */
static void
make_rotation (const HrInference *self,
               HrReplay          *replay,
               const HrAttention *attention,
               HrValue           *cos,
               HrValue           *sin)
{
  HrValue angles = get_angles_shape (self, HR_ELEMENT_FLOAT32, attention);
  HrValue half = angles;
  HrValue row = angles;
  HrValue positions, frequencies, both, cosines, sines;

  if (attention->position == HR_POSITION_ROTARY_COMPLEX)
    {
      *cos = make_complex_rotation (replay, attention);
      return;
    }

  hr_pass_set_attention_symbols (replay, attention);
  replay->sentence = N_("while the angles of the rotation are computed");
  half.divisor = 2;
  row.n_symbols--;
  if (attention->rotary_axes)
    half.count = row.count = HR_PASS_N_AXES;
  positions = hr_op_like (replay, "_to_copy", "position_ids_expanded", row);
  frequencies = hr_op_like (replay, "bmm", "freqs", half);
  if (attention->position == HR_POSITION_ROTARY_HALVES)
    {
      angles = half;
      both = hr_replay_hold (replay, frequencies);
    }
  else
    {
      both = hr_op_like (replay, "cat", "emb", angles);
    }
  cosines = hr_op_like (replay, "cos", "cos", angles);
  hr_replay_assign (replay, &cosines, hr_op_like (replay, "mul", "cos", angles));
  sines = hr_op_like (replay, "sin", "sin", angles);
  hr_replay_assign (replay, &sines, hr_op_like (replay, "mul", "sin", angles));
  *cos = hr_op_cast (replay, cosines, get_rotation_element (replay, attention));
  *sin = hr_op_cast (replay, sines, get_rotation_element (replay, attention));
  hr_replay_rename (replay, *cos, "cos");
  hr_replay_rename (replay, *sin, "sin");
  hr_replay_drop (replay, sines);
  hr_replay_drop (replay, cosines);
  hr_replay_drop (replay, both);
  hr_replay_drop (replay, frequencies);
  hr_replay_drop (replay, positions);
}

static void
copy_rotation (const HrInference *self,
               HrReplay          *replay,
               const HrAttention *attention,
               HrValue           *cos,
               HrValue           *sin)
{
  HrValue angles = get_angles_shape (self, get_rotation_element (replay, attention), attention);

  hr_pass_set_attention_symbols (replay, attention);
  if (attention->position == HR_POSITION_ROTARY_COMPLEX)
    {
      angles.element = HR_ELEMENT_FLOAT32;
      *cos = hr_op_like (replay, "_to_copy", "freqs_cis", angles);
      return;
    }
  if (attention->position == HR_POSITION_ROTARY_HALVES)
    angles.divisor = 2;
  *cos = hr_op_like (replay, "_to_copy", "cos", angles);
  *sin = hr_op_like (replay, "_to_copy", "sin", angles);
}

/*
 * hr_pass_make_rotations:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * Makes the cosines and sines that the layers share.
 */
void
hr_pass_make_rotations (const HrInference *self,
                        HrReplay          *replay,
                        HrPass            *pass)
{
  for (guint own = 0; own < G_N_ELEMENTS (pass->cos); own++)
    {
      const HrAttention *attention = find_rotary (self, own);

      /* torchtitan's layers have tables, and Unsloth's model has one for all layers. */
      if (attention == NULL || replay->layer_code == HR_LAYER_CODE_TORCHTITAN ||
          replay->layer_code == HR_LAYER_CODE_UNSLOTH)
        continue;
      if (self->has_inputs)
        {
          hr_live_parameters_call (replay);
          make_rotation (self, replay, attention, &pass->cos[own], &pass->sin[own]);
          hr_live_parameters_leave (replay, &pass->cos[own]);
        }
      else
        copy_rotation (self, replay, attention, &pass->cos[own], &pass->sin[own]);
    }
}

/*
 * hr_pass_choose_rotation:
 * @pass: the pass
 * @attention: (nullable): the attention of a layer
 *
 * Hands a layer the cosines and sines of its rotation, and in a tower what attends to itself in it.
 */
void
hr_pass_choose_rotation (HrPass            *pass,
                         const HrAttention *attention)
{
  gboolean own = attention != NULL && attention->own_rotary && attention->sliding_window > 0;

  pass->forward.chunks = pass->chunks[attention != NULL && attention->sliding_window > 0];
  pass->forward.cos = pass->cos[own];
  pass->forward.sin = pass->sin[own];
}

/*
 * hr_pass_make_alibi:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass
 *
 * build_alibi_tensor of Bloom and Falcon: positions of each sequence, times the slope of each head, cast. That of MPT
 * is of all positions that the model knows, in fp32; that of Falcon is bfloat16 before it is cast.
 */
void
hr_pass_make_alibi (const HrInference *self,
                    HrReplay          *replay,
                    HrPass            *pass)
{
  const HrAttention *attention = hr_pass_find_attention_of_kind (self, FALSE, HR_POSITION_ALIBI);
  HrElement element;
  HrValue positions, biases;

  /* Those of Baichuan are a buffer. */
  if (attention == NULL || attention->path == HR_ATTENTION_BAICHUAN)
    return;

  hr_pass_set_attention_symbols (replay, attention);
  if (attention->path == HR_ATTENTION_MPT)
    {
      pass->alibi = hr_op_like (replay, "mul", "alibi",
                                HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_HEADS, HR_SYMBOL_TABLE));
      return;
    }

  hr_pass_set_context (replay, pass->past + replay->symbols[HR_SYMBOL_SEQUENCE]);
  positions = hr_op_like (replay, "cumsum", "arange_tensor",
                          HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_CONTEXT));
  element = attention->path == HR_ATTENTION_FALCON ? HR_ELEMENT_BFLOAT16 : HR_ELEMENT_FLOAT32;
  biases = hr_op_like (replay, "mul", "alibi",
                       HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_HEADS, HR_SYMBOL_CONTEXT));
  pass->alibi = hr_op_cast (replay, biases, replay->dtype);
  hr_replay_drop (replay, biases);
  hr_replay_drop (replay, positions);
}
