/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-checkpointing.h"

/*
 * hr_checkpointing_get_kind:
 * @self: what is computed anew
 * @layer: the index of a layer
 *
 * Finds out what of a layer is computed anew.
 *
 * torchtitan's `selective_ac_option = "2"` counts layers from one and takes each whose number can be divided by two
 * (_apply_layer_sac in torchtitan/distributed/activation_checkpoint.py, until 2026); `--recompute-method block` of
 * Megatron-LM takes the first `--recompute-num-layers` (_checkpointed_forward in
 * megatron/core/transformer/transformer_block.py).
 *
 * Returns: what is
 */
HrCheckpointingKind
hr_checkpointing_get_kind (const HrCheckpointing *self,
                           guint                  layer)
{
  if (self->every > 1 && (layer + 1) % self->every != 0)
    return HR_CHECKPOINTING_NONE;
  if (self->first > 0 && layer >= self->first)
    return HR_CHECKPOINTING_NONE;

  return self->kind;
}

/*
 * hr_checkpointing_recomputes:
 * @self: what is computed anew
 * @layer: the index of a layer
 *
 * Finds out whether a layer is computed anew as a whole, so that what goes into it is kept.
 *
 * Returns: whether it is
 */
gboolean
hr_checkpointing_recomputes (const HrCheckpointing *self,
                             guint                  layer)
{
  HrCheckpointingKind kind = hr_checkpointing_get_kind (self, layer);

  return kind != HR_CHECKPOINTING_NONE && kind != HR_CHECKPOINTING_ATTENTION;
}

/*
 * hr_checkpointing_keeps_input:
 * @self: what is computed anew
 * @layer: the index of a layer
 *
 * Finds out whether what goes into a layer is kept to compute it anew from: of several that are computed anew at once,
 * that of the first (`--recompute-method uniform` with `--recompute-num-layers` of Megatron-LM, _checkpointed_forward
 * in megatron/core/transformer/transformer_block.py).
 *
 * Returns: whether it is
 */
gboolean
hr_checkpointing_keeps_input (const HrCheckpointing *self,
                              guint                  layer)
{
  return hr_checkpointing_recomputes (self, layer) && (self->group <= 1 || layer % self->group == 0);
}

/*
 * hr_checkpointing_recomputes_layers:
 * @self: what is computed anew
 *
 * Finds out whether whole layers are, some or all.
 *
 * Returns: whether they are
 */
gboolean
hr_checkpointing_recomputes_layers (const HrCheckpointing *self)
{
  return self->kind != HR_CHECKPOINTING_NONE && self->kind != HR_CHECKPOINTING_ATTENTION;
}
