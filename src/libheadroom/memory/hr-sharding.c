/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-sharding.h"

#include "hr-autograd.h"

/*
 * torch/distributed/fsdp/_fully_shard of torch 2.14, for a mesh of one device: a group of parameters is copied to the
 * dtype that is computed in before its modules run, forwards and back (FSDPParamGroup.wait_for_unshard in
 * _fsdp_param_group.py); its gradients are reduced in fp32 when its backward pass is over (post_backward, and
 * foreach_reduce in _fsdp_collectives.py).
 */

static const struct
{
  HrSymbol all;
  HrSymbol cast;
} symbols[HR_N_SHARDED_GROUPS] = {
  [HR_SHARDED_EMBEDDING] = { HR_SYMBOL_EMBEDDING_SHARD, HR_SYMBOL_EMBEDDING_CAST },
  [HR_SHARDED_LAYER] = { HR_SYMBOL_LAYER_SHARD, HR_SYMBOL_LAYER_CAST },
  [HR_SHARDED_HEAD] = { HR_SYMBOL_HEAD_SHARD, HR_SYMBOL_HEAD_CAST },
};

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

  *self = (HrSharding) { .is_sharded = TRUE, .element = element };
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
    self->n_cast[i] = highest[i] - self->n_elements[i];
}

/*
 * hr_sharding_init_flat:
 * @self: (out): the groups
 * @model: a model
 * @element: what its parameters are held in
 *
 * FullyShardedDataParallel of torch/distributed/fsdp of torch 2.14, which over one device does not shard (NO_SHARD):
 * the parameters of each layer are one FlatParameter, and those around the layers another, whose copies in 16 bits
 * (_mp_shard of _flat_param.py) are there while its modules run. Layers whose parameters differ are not followed.
 *
 * Returns: whether all layers have the same parameters
 */
gboolean
hr_sharding_init_flat (HrSharding *self,
                       HrModel    *model,
                       HrElement   element)
{
  guint n_tensors = hr_model_get_n_tensors (model);
  g_autoptr (GArray) layers = g_array_new (FALSE, TRUE, sizeof (guint64));
  gboolean are_alike = TRUE;

  *self = (HrSharding) { .is_sharded = TRUE, .element = element, .is_tied = TRUE, .is_flat = TRUE };
  for (guint i = 0; i < n_tensors; i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      guint64 n = tensor->tied_to == NULL ? tensor->n_elements * MAX (1, tensor->n_items) : 0;

      if (tensor->n_layers == 0)
        self->n_elements[HR_SHARDED_HEAD] += n;
      for (guint j = 0; j < tensor->n_layers; j++)
        {
          if (tensor->layers[j] >= layers->len)
            g_array_set_size (layers, tensor->layers[j] + 1);
          g_array_index (layers, guint64, tensor->layers[j]) += n;
        }
    }
  for (guint i = 0; i < layers->len; i++)
    are_alike &= g_array_index (layers, guint64, i) == g_array_index (layers, guint64, 0);
  self->n_elements[HR_SHARDED_LAYER] = layers->len > 0 ? g_array_index (layers, guint64, 0) : 0;

  return are_alike;
}

/*
 * hr_sharding_list_flat:
 * @self: groups of flat parameters
 * @n_layers: how many layers there are
 *
 * Returns: (transfer full): the flat parameters, as an optimizer knows them
 */
HrTrainables *
hr_sharding_list_flat (const HrSharding *self,
                       guint             n_layers)
{
  HrTrainables *list = hr_trainables_new ();

  for (guint i = HR_SHARDED_LAYER; i < HR_N_SHARDED_GROUPS; i++)
    {
      HrTrainable flat = {
        .shape = { self->n_elements[i] }, .n_dimensions = 1, .n_elements = self->n_elements[i],
        .copies = i == HR_SHARDED_LAYER ? n_layers : 1, .element = self->element, .role = HR_TENSOR_ROLE_LINEAR,
      };

      hr_trainables_add (list, &flat);
    }

  return list;
}

/*
 * hr_sharding_begin:
 * @self: the groups, with what was left of the micro-batch before
 * @replay: a tape
 *
 * Begins a micro-batch.
 */
void
hr_sharding_begin (HrSharding *self,
                   HrReplay   *replay)
{
  self->reduced = self->ahead = HR_NO_VALUE;
  for (guint i = 0; i < HR_N_SHARDED_GROUPS; i++)
    {
      self->weights[i] = HR_NO_VALUE;
      self->n_gradients[i] = 0;
      replay->symbols[symbols[i].all] = self->n_elements[i];
      replay->symbols[symbols[i].cast] = self->n_cast[i];
    }
  replay->sharding = self->is_sharded ? self : NULL;
}

static HrShardedGroup
find_group (const HrSharding *self,
            HrShardedGroup    group)
{
  return group == HR_SHARDED_EMBEDDING && self->is_tied ? HR_SHARDED_HEAD : group;
}

/*
 * _use_low_precision_shard of _flat_param.py; what waits on the host comes to the device in what it is held in
 * (flat_param._local_shard.to (self.device)).
 */
static HrValue
copy_flat (HrReplay       *replay,
           HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  HrValue copies;

  replay->sentence = N_("while parameters are copied to the data type that is computed in");
  copies = hr_replay_make (replay, "copy_", "_mp_shard", HR_COMPONENT_TEMPORARY,
                           HR_SHAPE (replay->parameter_dtype, symbols[group].all));
  if (self->is_offloaded)
    hr_replay_drop (replay, hr_replay_make (replay, "_to_copy", "_local_shard", HR_COMPONENT_TEMPORARY,
                                            HR_SHAPE (self->element, symbols[group].all)));

  return copies;
}

static HrValue
copy_parameters (HrReplay       *replay,
                 HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  HrValue copies;

  replay->sentence = N_("while parameters are copied to the data type that is computed in");
  copies = hr_replay_make (replay, "copy_", "unsharded parameters", HR_COMPONENT_TEMPORARY,
                           HR_SHAPE (replay->parameter_dtype, symbols[group].all));
  if (self->element != replay->parameter_dtype)
    hr_replay_drop (replay, hr_replay_make (replay, "_to_copy", "cast parameter", HR_COMPONENT_TEMPORARY,
                                            HR_SHAPE (replay->parameter_dtype, symbols[group].cast)));

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
  if (self->weights[group].storage < 0)
    self->weights[group] = self->is_flat ? copy_flat (replay, group) : copy_parameters (replay, group);
}

/*
 * hr_sharding_gather_ahead:
 * @replay: a tape
 * @is_first: whether no layer is before the one that is differentiated now
 *
 * BackwardPrefetch.BACKWARD_PRE of FullyShardedDataParallel: what the next layer needs is copied before this one is
 * differentiated (_prefetch_handle of _runtime_utils.py).
 */
void
hr_sharding_gather_ahead (HrReplay *replay,
                          gboolean  is_first)
{
  HrSharding *self = replay->sharding;

  if (self != NULL && self->is_flat && !is_first)
    self->ahead = copy_flat (replay, HR_SHARDED_LAYER);
}

/* _pre_backward_hook of the root, which the gradient of what the model has returned sets off. */
static void
backward_leave (HrReplay     *replay,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  const char *sentence = replay->sentence;

  if (replay->sharding != NULL)
    {
      hr_sharding_gather (replay, HR_SHARDED_HEAD);
      hr_sharding_gather (replay, HR_SHARDED_LAYER);
    }
  replay->sentence = sentence;
  gradients[0] = hr_replay_hold (replay, gradient);
}

/*
 * hr_sharding_leave:
 * @replay: a tape
 * @output: (inout): what the model returns
 *
 * Ends the function of a model of flat parameters: the copies of those around the layers go (_post_forward_reshard of
 * _runtime_utils.py), and come back when the gradient of what was returned does.
 */
void
hr_sharding_leave (HrReplay *replay,
                   HrValue  *output)
{
  HrSharding *self = replay->sharding;
  HrValue inner = *output;

  if (self == NULL || !self->is_flat)
    return;

  hr_replay_drop (replay, self->weights[HR_SHARDED_HEAD]);
  self->weights[HR_SHARDED_HEAD] = HR_NO_VALUE;
  hr_autograd_record (replay, output, backward_leave, &inner, 1);
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

  if (*n == HR_SHARDED_MAX_PARAMETERS)
    {
      replay->ledger.overflowed = TRUE;
      hr_replay_drop (replay, gradient);
      return;
    }

  self->gradients[self->current][(*n)++] = gradient;
}

/*
 * SplitWithSizesBackward puts the gradients of a group into one piece, which is the flat parameter's; when the copies
 * of this are gone it becomes one of fp32, or was added into the one that is there (_post_backward_hook and
 * _reduce_grad_no_shard of torch/distributed/fsdp/_runtime_utils.py).
 */
static void
reduce_flat (HrReplay       *replay,
             HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  HrValue shape = HR_SHAPE (replay->parameter_dtype, symbols[group].all);
  HrValue flat;

  replay->sentence = N_("in the backward pass, while gradients are put into one piece, and that into fp32");
  flat = hr_replay_make (replay, "cat", "flat_param.grad", HR_COMPONENT_GRADIENTS, shape);
  for (guint i = 0; i < self->n_gradients[group]; i++)
    hr_replay_drop (replay, self->gradients[group][i]);
  self->n_gradients[group] = 0;
  hr_replay_drop (replay, self->weights[group]);
  self->weights[group] = group == HR_SHARDED_LAYER ? self->ahead : HR_NO_VALUE;
  self->ahead = HR_NO_VALUE;
  if (!replay->has_gradients)
    {
      shape.element = HR_ELEMENT_FLOAT32;
      hr_replay_leave (replay, hr_replay_make (replay, "_to_copy", "flat_param.grad", HR_COMPONENT_GRADIENTS, shape));
    }
  hr_replay_drop (replay, flat);
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
      reduce_flat (replay, group);
      return;
    }
  shape = HR_SHAPE (HR_ELEMENT_FLOAT32, symbols[group].all);
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
