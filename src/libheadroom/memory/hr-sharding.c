/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-sharding.h"

#include "hr-sharding-flat.h"
#include "hr-sharding-unit.h"

/*
 * torch/distributed/fsdp/_fully_shard of torch 2.14, for a mesh of one device: a group of parameters is copied to the
 * dtype that is computed in before its modules run, forwards and back (FSDPParamGroup.wait_for_unshard in
 * _fsdp_param_group.py); its gradients are reduced in fp32 when its backward pass is over (post_backward, and
 * foreach_reduce in _fsdp_collectives.py).
 */

static const HrSymbol symbols[HR_N_SHARDED_GROUPS][HR_N_SHARDED_SIZES] = {
  [HR_SHARDED_EMBEDDING] = { HR_SYMBOL_EMBEDDING_SHARD, HR_SYMBOL_EMBEDDING_PART, HR_SYMBOL_EMBEDDING_GATHERED,
                             HR_SYMBOL_EMBEDDING_CAST },
  [HR_SHARDED_LAYER] = { HR_SYMBOL_LAYER_SHARD, HR_SYMBOL_LAYER_PART, HR_SYMBOL_LAYER_GATHERED, HR_SYMBOL_LAYER_CAST },
  [HR_SHARDED_HEAD] = { HR_SYMBOL_HEAD_SHARD, HR_SYMBOL_HEAD_PART, HR_SYMBOL_HEAD_GATHERED, HR_SYMBOL_HEAD_CAST },
  [HR_SHARDED_UNIT] = { HR_SYMBOL_UNIT_SHARD, HR_SYMBOL_UNIT_PART, HR_SYMBOL_UNIT_GATHERED, HR_SYMBOL_UNIT_CAST },
};

/*
 * hr_sharding_get_symbol:
 * @group: a group
 * @size: which number of its parameters
 *
 * Returns: what stands for it
 */
HrSymbol
hr_sharding_get_symbol (HrShardedGroup group,
                        HrShardedSize  size)
{
  return symbols[group][size];
}

static HrShardedGroup
get_group (const HrSharding *self,
           const HrTensor   *tensor)
{
  if (tensor->n_layers > 0)
    return HR_SHARDED_LAYER;

  return tensor->role == HR_TENSOR_ROLE_EMBEDDING && !self->is_tied ? HR_SHARDED_EMBEDDING : HR_SHARDED_HEAD;
}

/*
 * hr_sharding_init:
 * @self: (out): the groups
 * @model: a model whose layers are all alike
 * @element: what its parameters are held in
 *
 * Sorts the parameters of a model into the groups of apply_fsdp_to_decoder (torchtitan/distributed/fsdp.py). Each
 * parameter is cast, and copied from there, before the next is; the cast stays until the next is made.
 */
void
hr_sharding_init (HrSharding *self,
                  HrModel    *model,
                  HrElement   element)
{
  guint n_tensors = hr_model_get_n_tensors (model);
  guint64 highest[HR_N_SHARDED_GROUPS] = { 0 };

  *self = (HrSharding) { .is_sharded = TRUE, .element = element, .n_ranks = 1 };
  for (guint i = 0; i < n_tensors; i++)
    self->is_tied |= hr_model_get_tensor (model, i)->tied_to != NULL;
  for (guint i = 0; i < n_tensors; i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      HrShardedGroup group = get_group (self, tensor);

      if (tensor->tied_to != NULL)
        continue;
      self->n_elements[group] += tensor->n_elements;
      highest[group] = MAX (highest[group], self->n_elements[group] + tensor->n_elements);
    }
  for (guint i = 0; i < HR_N_SHARDED_GROUPS; i++)
    {
      self->n_cast[i] = highest[i] - self->n_elements[i];
      self->n_part[i] = self->n_elements[i];
    }
}

/*
 * hr_sharding_begin:
 * @self: the groups, with what was left of the micro-batch before
 * @replay: a tape
 * @is_last: whether the micro-batch is the last of its step
 *
 * Begins a micro-batch.
 */
void
hr_sharding_begin (HrSharding *self,
                   HrReplay   *replay,
                   gboolean    is_last)
{
  self->reduced = self->ahead = self->unit_ahead = self->open = HR_NO_VALUE;
  self->is_backward = FALSE;
  self->is_last = is_last;
  for (guint i = 0; i < HR_N_SHARDED_GROUPS; i++)
    {
      self->weights[i] = HR_NO_VALUE;
      self->n_gradients[i] = 0;
      replay->symbols[symbols[i][HR_SHARDED_ALL]] = self->n_elements[i];
      replay->symbols[symbols[i][HR_SHARDED_PART]] = self->n_part[i];
      replay->symbols[symbols[i][HR_SHARDED_GATHERED]] = self->n_part[i] * self->n_ranks;
      replay->symbols[symbols[i][HR_SHARDED_CAST]] = self->n_cast[i];
    }
  replay->sharding = self->is_sharded ? self : NULL;
}

static HrShardedGroup
find_group (const HrSharding *self,
            HrShardedGroup    group)
{
  return group == HR_SHARDED_EMBEDDING && self->is_tied ? HR_SHARDED_HEAD : group;
}

static HrValue
copy_parameters (HrReplay       *replay,
                 HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  HrValue copies;

  replay->sentence = N_("while parameters are copied to the data type that is computed in");
  copies = hr_replay_make (replay, "copy_", "unsharded parameters", HR_COMPONENT_TEMPORARY,
                           HR_SHAPE (replay->parameter_dtype, symbols[group][HR_SHARDED_ALL]));
  if (self->element != replay->parameter_dtype)
    hr_replay_drop (replay, hr_replay_make (replay, "_to_copy", "cast parameter", HR_COMPONENT_TEMPORARY,
                                            HR_SHAPE (replay->parameter_dtype, symbols[group][HR_SHARDED_CAST])));

  return copies;
}

/*
 * hr_sharding_gather:
 * @replay: a tape
 * @group: a group
 *
 * Copies the parameters of a group, if they are not there.
 */
void
hr_sharding_gather (HrReplay       *replay,
                    HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;

  if (self == NULL)
    return;

  group = find_group (self, group);
  if (self->is_flat)
    hr_sharding_gather_flat (replay, group);
  else if (self->weights[group].storage < 0)
    self->weights[group] = copy_parameters (replay, group);
}

/*
 * hr_sharding_let_go:
 * @replay: a tape
 * @group: a group
 *
 * Lets go of the copies when the modules of a group have run forwards (reshard_after_forward), but for those of the
 * last group.
 */
void
hr_sharding_let_go (HrReplay       *replay,
                    HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;

  if (self == NULL || find_group (self, group) == HR_SHARDED_HEAD)
    return;

  if (self->stays_gathered)
    hr_replay_leave (replay, self->weights[group]);
  else
    hr_replay_drop (replay, self->weights[group]);
  self->weights[group] = HR_NO_VALUE;
}

/*
 * hr_sharding_enter:
 * @replay: a tape
 * @group: a group
 *
 * Says whose gradients come from now on.
 */
void
hr_sharding_enter (HrReplay       *replay,
                   HrShardedGroup  group)
{
  if (replay->sharding != NULL)
    replay->sharding->current = find_group (replay->sharding, group);
}

/*
 * hr_sharding_take:
 * @replay: a tape
 * @gradient: (transfer full): the gradient of a parameter
 *
 * Keeps a gradient in the dtype that is computed in until its group is reduced.
 */
void
hr_sharding_take (HrReplay *replay,
                  HrValue   gradient)
{
  HrSharding *self = replay->sharding;
  guint *n = &self->n_gradients[self->current];

  if (self->has_units)
    {
      hr_sharding_reduce_unit (replay, gradient);
      return;
    }
  if (*n == HR_SHARDED_MAX_PARAMETERS)
    {
      replay->ledger.overflowed = TRUE;
      hr_replay_drop (replay, gradient);
      return;
    }

  self->gradients[self->current][(*n)++] = gradient;
}

/*
 * hr_sharding_reduce:
 * @replay: a tape
 * @group: a group
 *
 * FSDPParamGroup.post_backward: the copies go, and what the group before was reduced from; the gradients are put into
 * one piece in fp32, from which, divided by a factor, the gradients of the shards are made.
 */
void
hr_sharding_reduce (HrReplay       *replay,
                    HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  HrValue shape, output;

  if (self == NULL)
    return;

  group = find_group (self, group);
  if (self->is_flat)
    {
      hr_sharding_reduce_flat (replay, group);
      return;
    }
  shape = HR_SHAPE (HR_ELEMENT_FLOAT32, symbols[group][HR_SHARDED_ALL]);
  replay->sentence = N_("in the backward pass, while gradients are put into one piece in fp32 and reduced");
  hr_replay_drop (replay, self->weights[group]);
  self->weights[group] = HR_NO_VALUE;
  hr_replay_assign (replay, &self->reduced, HR_NO_VALUE);
  self->reduced = hr_replay_make (replay, "chunk_cat", "reduce_scatter_input", HR_COMPONENT_TEMPORARY, shape);
  for (guint i = 0; i < self->n_gradients[group]; i++)
    hr_replay_drop (replay, self->gradients[group][i]);
  self->n_gradients[group] = 0;
  output = hr_replay_make (replay, "empty", "reduce_output", HR_COMPONENT_GRADIENTS, shape);
  hr_replay_drop (replay, hr_replay_make (replay, "div", "reduce_scatter_input / 1.0", HR_COMPONENT_TEMPORARY, shape));
  shape.element = self->element;
  if (shape.element != HR_ELEMENT_FLOAT32)
    hr_replay_assign (replay, &output, hr_replay_make (replay, "_to_copy", "reduce_output", HR_COMPONENT_GRADIENTS,
                                                       shape));
  if (replay->has_gradients)
    hr_replay_drop (replay, output);
  else
    hr_replay_leave (replay, output);
}

/*
 * hr_sharding_end:
 * @replay: a tape
 *
 * Lets go of what is left when all groups are reduced (_root_post_backward_final_callback in _fsdp_state.py).
 */
void
hr_sharding_end (HrReplay *replay)
{
  if (replay->sharding == NULL)
    return;

  hr_replay_drop (replay, replay->sharding->reduced);
  replay->sharding = NULL;
}
