/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-sharding-stacks.h"

#include "hr-tuning.h"

/*
 * Models that see or hear have towers beside the decoder, whose layers are gathered one by one as well: classes of
 * both are among _no_split_modules of transformers, which PreTrainedModel.post_init collects of all models inside
 * (modeling_utils.py, 5.12). What stands around the layers of all of them is the root's.
 */

/* What is made of layers as well, and is none: mergers of inner layers of a tower, resamplers. */
static gboolean
has_layers (const HrStack *stack)
{
  if (stack->role == HR_STACK_PROJECTOR || stack->n_layers == 0)
    return FALSE;

  return (stack->role != HR_STACK_VISION && stack->role != HR_STACK_AUDIO) ||
         (stack->tower != HR_TOWER_UNKNOWN && stack->tower != HR_TOWER_RESAMPLER);
}

/*
 * hr_sharding_is_layered:
 * @model: a model
 * @tensor: one of its rows
 *
 * Returns: whether it is of layers that are gathered one by one
 */
gboolean
hr_sharding_is_layered (HrModel        *model,
                        const HrTensor *tensor)
{
  return tensor->n_layers > 0 && tensor->stack < hr_model_get_n_stacks (model) &&
         has_layers (hr_model_get_stack (model, tensor->stack));
}

/*
 * hr_sharding_list_stacks:
 * @self: groups of parameters
 * @model: the model that they are of
 *
 * Lists the stacks whose layers are gathered.
 */
void
hr_sharding_list_stacks (HrSharding *self,
                         HrModel    *model)
{
  self->n_stacks = 0;
  for (guint i = 0; i < hr_model_get_n_stacks (model) && self->n_stacks < HR_SHARDED_MAX_STACKS; i++)
    {
      const HrStack *stack = hr_model_get_stack (model, i);

      if (has_layers (stack))
        self->stacks[self->n_stacks++] = (HrShardedStack) {
          .stack = stack, .n_layers = stack->n_layers / stack->n_repeats,
        };
    }
}

/*
 * hr_sharding_freeze_stacks:
 * @self: groups of parameters, whose stacks are known
 * @model: the model that they are of
 * @tuning: (nullable): what of it is frozen
 *
 * Says which layers are not trained: accelerate casts them to no other data type (Accelerator.prepare_model).
 */
void
hr_sharding_freeze_stacks (HrSharding     *self,
                           HrModel        *model,
                           const HrTuning *tuning)
{
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (hr_sharding_is_layered (model, tensor) && !hr_tuning_steps (tuning, tensor->block))
        hr_sharding_find_stack (self, hr_model_get_stack (model, tensor->stack))->is_frozen = TRUE;
    }
}

/*
 * hr_sharding_find_stack:
 * @self: groups of parameters
 * @stack: a stack
 *
 * Returns: (nullable): its layers
 */
HrShardedStack *
hr_sharding_find_stack (HrSharding    *self,
                        const HrStack *stack)
{
  for (guint i = 0; i < self->n_stacks; i++)
    {
      if (self->stacks[i].stack == stack)
        return &self->stacks[i];
    }

  return NULL;
}

/*
 * hr_sharding_count_reached:
 * @layers: a stack of layers
 * @reach: what a batch has
 *
 * Returns: how many of them get a gradient, if they are trained: of a tower those that something is read of, where it
 *   is run at all
 */
guint
hr_sharding_count_reached (const HrShardedStack *layers,
                           HrReach               reach)
{
  guint64 feature_layer = layers->stack->feature_layer;

  if (!hr_reach_includes (reach, layers->stack->role))
    return 0;

  return layers->stack->tower != HR_TOWER_UNKNOWN && feature_layer > 0 ? MIN (feature_layer, layers->n_layers)
                                                                     : layers->n_layers;
}

/*
 * hr_sharding_enter_stack:
 * @replay: a tape
 * @stack: a stack
 *
 * Says whose layers %HR_SHARDED_LAYER stands for from now on.
 *
 * Returns: whose it has stood for
 */
const HrStack *
hr_sharding_enter_stack (HrReplay      *replay,
                         const HrStack *stack)
{
  HrSharding *self = replay->sharding;
  const HrStack *before = self != NULL ? self->stack : NULL;
  const HrShardedStack *layers = self != NULL ? hr_sharding_find_stack (self, stack) : NULL;

  if (layers == NULL)
    return before;

  self->stack = stack;
  self->is_frozen = layers->is_frozen;
  self->n_elements[HR_SHARDED_LAYER] = layers->n_elements;
  self->n_part[HR_SHARDED_LAYER] = layers->n_part;
  hr_sharding_set_symbols (self, replay, HR_SHARDED_LAYER);
  if (!self->is_flat)
    {
      self->gradient_bytes[HR_SHARDED_LAYER] = layers->gradient_bytes;
      self->n_elements[HR_SHARDED_UNIT] = layers->n_added;
      self->n_part[HR_SHARDED_UNIT] = layers->n_added_part;
      hr_sharding_set_symbols (self, replay, HR_SHARDED_UNIT);
    }

  return before;
}

/*
 * hr_sharding_await_stack:
 * @replay: a tape
 * @stack: (nullable): a stack
 *
 * Says whose layers are differentiated when those of this stack have been.
 *
 * Returns: (nullable): whose were before
 */
const HrStack *
hr_sharding_await_stack (HrReplay      *replay,
                         const HrStack *stack)
{
  HrSharding *self = replay->sharding;
  const HrStack *before = self != NULL ? self->behind : NULL;

  if (self != NULL)
    self->behind = stack;

  return before;
}
