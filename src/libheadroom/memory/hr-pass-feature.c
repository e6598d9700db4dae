/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-operator-select.h"
#include "hr-pass.h"
#include "hr-tower.h"

/*
 * What inner layers of a tower have made is added to what the first layers of the decoder make, in the places of the
 * tokens of images (deepstack_merger_list of Qwen3VLVisionModel, _deepstack_process of Qwen3VLTextModel).
 */

/*
 * hr_pass_hands_over:
 * @self: what is replayed
 * @pass: the pass
 * @layer: the index of a layer
 *
 * Returns: whether something is handed over behind a layer: on from a tower, or to a decoder
 */
gboolean
hr_pass_hands_over (const HrInference *self,
                    const HrPass      *pass,
                    guint              layer)
{
  if (self->tower != NULL)
    return self->stack->hands_on != NULL && self->stack->hands_on[layer];

  return layer < pass->n_features;
}

/*
 * hr_pass_make_feature:
 * @self: the pass of a tower
 * @replay: a tape
 * @x: what a layer has made
 *
 * Makes of it what the decoder gets.
 *
 * Returns: the vectors
 */
HrValue
hr_pass_make_feature (const HrInference *self,
                      HrReplay          *replay,
                      HrValue            x)
{
  const HrStack *features = self->tower->features;

  /* What the layer has made, which is held with what all others have. */
  if (self->stack->tower == HR_TOWER_TILES)
    {
      x.storage = -1;
      return x;
    }

  replay->sentence = N_("while patches are merged for the first layers of the language model");

  return hr_tower_merge (replay, x, &features->layer_classes[0].sublayers[0].branches[0]);
}

/*
 * hr_pass_add_feature:
 * @replay: a tape
 * @hidden: what a layer has made
 * @feature: what is added to it
 * @mask: where
 *
 * `hidden_states = hidden_states.clone ()`, `local_this = hidden_states[mask, :] + visual_embeds`,
 * `hidden_states[mask, :] = local_this`.
 *
 * Returns: the sum
 */
HrValue
hr_pass_add_feature (HrReplay *replay,
                     HrValue   hidden,
                     HrValue   feature,
                     HrValue   mask)
{
  HrValue copy, rows, sum;

  replay->sentence = N_("while what inner layers of the tower have seen is added");
  copy = hr_op_like (replay, "clone", "hidden_states", hr_value_detach (hidden));
  hr_op_record (replay, &copy, HR_GRADIENT_HELD, NULL, &hidden, 1);
  rows = hr_op_take (replay, "hidden_states[visual_pos_masks, :]", copy, mask, hr_value_detach (feature));
  sum = hr_op_binary (replay, HR_BINARY_ADD, "local_this", rows, feature);
  hr_replay_drop (replay, rows);
  hr_op_put (replay, &copy, mask, sum);
  hr_replay_drop (replay, sum);

  return copy;
}

/*
 * hr_pass_hand_over:
 * @self: what is replayed
 * @replay: a tape
 * @pass: the pass, behind a layer of which hr_pass_hands_over() is true
 * @layer: the index of the layer
 *
 * Replays it, without gradients.
 */
void
hr_pass_hand_over (const HrInference *self,
                   HrReplay          *replay,
                   HrPass            *pass,
                   guint              layer)
{
  HrStretch stretch;

  hr_replay_begin (replay, &stretch, NULL, -1);
  if (self->tower != NULL)
    pass->features[pass->n_features++] = hr_pass_make_feature (self, replay, pass->hidden);
  else
    hr_replay_assign (replay, &pass->hidden,
                      hr_pass_add_feature (replay, pass->hidden, pass->features[layer], pass->joins[0].mask));
  hr_replay_end (replay);
}

/*
 * hr_pass_take_over:
 * @self: the pass of the model
 * @tower: that of a tower that has run
 *
 * Takes over what the tower has handed on beside its result.
 */
void
hr_pass_take_over (HrPass *self,
                   HrPass *tower)
{
  HrJoin *join = &self->joins[self->n_joins - 1];

  for (guint i = 0; i < tower->n_returned; i++)
    join->outputs[i] = tower->returned[i];
  join->n_outputs = tower->n_returned;
  join->parts = g_steal_pointer (&tower->parts);
  for (guint i = 0; i < tower->n_features; i++)
    self->features[i] = tower->features[i];
  self->n_features = tower->n_features;
  self->n_left += tower->n_left;
}
