/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-sharding-stacks.h"

#include <string.h>

#include "hr-sharding-flat.h"
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
          .layers = g_new0 (HrShardedLayer, stack->n_layers / stack->n_repeats),
        };
    }
}

/*
 * hr_sharding_clear:
 * @self: groups of parameters
 *
 * Frees what hr_sharding_list_stacks() has made; copies of @self share it.
 */
void
hr_sharding_clear (HrSharding *self)
{
  for (guint i = 0; i < self->n_stacks; i++)
    g_clear_pointer (&self->stacks[i].layers, g_free);
  self->n_stacks = 0;
}

/*
 * hr_sharding_count_as_large:
 * @layers: a stack of layers
 * @layer: one of them
 *
 * Returns: how many have as many parameters as @layer, whatever they are of, or 0 where one before it has
 */
guint
hr_sharding_count_as_large (const HrShardedStack *layers,
                            guint                 layer)
{
  guint n = 0;

  for (guint i = 0; i < layers->n_layers; i++)
    {
      const HrShardedLayer *other = &layers->layers[i];

      if (other->n_elements != layers->layers[layer].n_elements || other->n_part != layers->layers[layer].n_part)
        continue;
      if (i < layer)
        return 0;
      n++;
    }

  return n;
}

static gboolean
are_alike (const HrShardedStack *layers,
           guint                 layer,
           guint                 other)
{
  return layers->stack->layer_class_of[layer] == layers->stack->layer_class_of[other] &&
         memcmp (&layers->layers[layer], &layers->layers[other], sizeof *layers->layers) == 0;
}

/*
 * hr_sharding_count_alike:
 * @layers: a stack of layers
 * @layer: one of them
 * @n_layers: how many of the first count
 *
 * Returns: how many of these are of the class of @layer, with as many parameters, or 0 where one before it is
 */
guint
hr_sharding_count_alike (const HrShardedStack *layers,
                         guint                 layer,
                         guint                 n_layers)
{
  guint n = 0;

  for (guint i = 0; i < layer; i++)
    {
      if (are_alike (layers, i, layer))
        return 0;
    }
  for (guint i = layer; i < n_layers; i++)
    n += are_alike (layers, i, layer);

  return n;
}

/*
 * hr_sharding_sum_layers:
 * @layers: a stack of layers
 * @n_layers: how many of the first count
 * @bytes: how many each number of a rank takes
 *
 * Returns: what a rank has of these
 */
guint64
hr_sharding_sum_layers (const HrShardedStack *layers,
                        guint                 n_layers,
                        guint64               bytes)
{
  guint64 sum = 0;

  for (guint i = 0; i < n_layers; i++)
    sum += hr_ledger_round (layers->layers[i].n_part * bytes);

  return sum;
}

/*
 * hr_sharding_are_alike:
 * @self: (nullable): groups of parameters
 * @stack: a stack
 *
 * Returns: whether its layers have as many parameters each
 */
gboolean
hr_sharding_are_alike (const HrSharding *self,
                       const HrStack    *stack)
{
  const HrShardedStack *layers = self != NULL ? hr_sharding_find_stack ((HrSharding *) self, stack) : NULL;

  for (guint i = 1; layers != NULL && i < layers->n_layers; i++)
    {
      if (memcmp (&layers->layers[i], &layers->layers[0], sizeof *layers->layers) != 0)
        return FALSE;
    }

  return TRUE;
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
 * hr_sharding_pass_by:
 * @self: groups of parameters, whose stacks are known
 * @reach: what a batch has
 *
 * Says which layers a batch does not run: text alone passes by those that attend to images (Mllama), so that they are
 * neither gathered nor reduced.
 */
void
hr_sharding_pass_by (HrSharding *self,
                     HrReach     reach)
{
  for (guint i = 0; i < self->n_stacks; i++)
    {
      HrShardedStack *layers = &self->stacks[i];
      const HrStack *stack = layers->stack;

      for (guint j = 0; j < layers->n_layers; j++)
        layers->layers[j].is_passed_by = stack->layer_classes[stack->layer_class_of[j * stack->n_repeats]].skipped &&
                                         !hr_reach_includes (reach, HR_STACK_VISION);
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

static void
enter (HrReplay             *replay,
       const HrShardedStack *layers,
       guint                 layer)
{
  HrSharding *self = replay->sharding;
  const HrShardedLayer *entered = &layers->layers[layer];

  self->stack = layers->stack;
  self->layer = layer;
  self->is_frozen = layers->is_frozen;
  self->n_elements[HR_SHARDED_LAYER] = entered->n_elements;
  self->n_part[HR_SHARDED_LAYER] = entered->n_part;
  hr_sharding_set_symbols (self, replay, HR_SHARDED_LAYER);
  if (self->is_flat)
    return;

  self->gradient_bytes[HR_SHARDED_LAYER] = entered->gradient_bytes;
  self->n_elements[HR_SHARDED_UNIT] = entered->n_reduced;
  self->n_part[HR_SHARDED_UNIT] = entered->n_reduced_part;
  hr_sharding_set_symbols (self, replay, HR_SHARDED_UNIT);
}

/*
 * hr_sharding_enter_layer:
 * @replay: a tape
 * @stack: (nullable): a stack
 * @layer: one of its layers, of which others may share the parameters
 *
 * Says which layer %HR_SHARDED_LAYER stands for from now on.
 */
void
hr_sharding_enter_layer (HrReplay      *replay,
                         const HrStack *stack,
                         guint          layer)
{
  const HrShardedStack *layers = replay->sharding != NULL ? hr_sharding_find_stack (replay->sharding, stack) : NULL;

  if (layers != NULL)
    enter (replay, layers, layer % layers->n_layers);
}

/*
 * hr_sharding_enter_stack:
 * @replay: a tape
 * @stack: a stack
 *
 * Has %HR_SHARDED_LAYER stand for the last layer of a stack from now on.
 *
 * Returns: of which stack it has stood for a layer
 */
const HrStack *
hr_sharding_enter_stack (HrReplay      *replay,
                         const HrStack *stack)
{
  const HrStack *before = replay->sharding != NULL ? replay->sharding->stack : NULL;

  if (stack != NULL)
    hr_sharding_enter_layer (replay, stack, stack->n_layers - 1);

  return before;
}

/*
 * hr_sharding_gather_layer:
 * @replay: a tape
 * @stack: (nullable): a stack, or none where layers are not told apart
 * @layer: one of its layers
 *
 * Gathers a layer while another runs.
 *
 * Returns: what it is gathered in
 */
HrValue
hr_sharding_gather_layer (HrReplay      *replay,
                          const HrStack *stack,
                          guint          layer)
{
  const HrSharding *self = replay->sharding;
  const HrStack *outer = self->stack;
  guint before = self->layer;
  HrValue gathered;

  hr_sharding_enter_layer (replay, stack, layer);
  gathered = self->is_flat ? hr_sharding_gather_anew (replay, HR_SHARDED_LAYER)
                           : hr_sharding_gather_parts (replay, HR_SHARDED_LAYER);
  hr_sharding_enter_layer (replay, outer, before);

  return gathered;
}

/*
 * hr_sharding_gather_previous:
 * @replay: a tape
 *
 * Gathers the layer that has run before the one that is differentiated, which is not the first.
 *
 * Returns: what it is gathered in
 */
HrValue
hr_sharding_gather_previous (HrReplay *replay)
{
  HrSharding *self = replay->sharding;
  const HrShardedStack *layers = hr_sharding_find_stack (self, self->stack);
  guint layer = self->layer + (self->stack != NULL ? self->stack->n_layers : 0) - 1;

  while (layers != NULL && layers->layers[layer % layers->n_layers].is_passed_by)
    layer--;

  return hr_sharding_gather_layer (replay, self->stack, layer);
}

/*
 * hr_sharding_count_largest:
 * @self: groups of parameters
 *
 * Returns: how many parameters the largest layer of the text has
 */
guint64
hr_sharding_count_largest (const HrSharding *self)
{
  guint64 most = 0;

  for (guint i = 0; self->n_stacks > 0 && i < self->stacks[0].n_layers; i++)
    most = MAX (most, self->stacks[0].layers[i].n_elements);

  return most;
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
