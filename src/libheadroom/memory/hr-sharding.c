/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-sharding.h"

#include "hr-autograd.h"
#include "hr-operator.h"
#include "hr-sharding-flat.h"
#include "hr-sharding-stacks.h"
#include "hr-sharding-stage.h"
#include "hr-sharding-unit.h"

/*
 * torch/distributed/fsdp/_fully_shard of torch 2.14: a group of parameters is copied to the dtype that is computed
 * in before its modules run, forwards and back (FSDPParamGroup.wait_for_unshard in _fsdp_param_group.py); its
 * gradients are reduced in fp32 when its backward pass is over (post_backward, and foreach_reduce in
 * _fsdp_collectives.py). Of several ranks the parts are gathered in one piece before they are copied from there.
 * That stays until the next group is gathered in the forward pass; in the backward pass it is there before the
 * group is needed.
 */

static const HrSymbol symbols[HR_N_SHARDED_GROUPS][HR_N_SHARDED_SIZES] = {
  [HR_SHARDED_EMBEDDING] = { HR_SYMBOL_EMBEDDING_SHARD, HR_SYMBOL_EMBEDDING_PART, HR_SYMBOL_EMBEDDING_GATHERED,
                             HR_SYMBOL_EMBEDDING_CAST },
  [HR_SHARDED_LAYER] = { HR_SYMBOL_LAYER_SHARD, HR_SYMBOL_LAYER_PART, HR_SYMBOL_LAYER_GATHERED, HR_SYMBOL_LAYER_CAST },
  [HR_SHARDED_HEAD] = { HR_SYMBOL_HEAD_SHARD, HR_SYMBOL_HEAD_PART, HR_SYMBOL_HEAD_GATHERED, HR_SYMBOL_HEAD_CAST },
  [HR_SHARDED_UNIT] = { HR_SYMBOL_UNIT_SHARD, HR_SYMBOL_UNIT_PART, HR_SYMBOL_UNIT_GATHERED, HR_SYMBOL_UNIT_CAST },
  [HR_SHARDED_ROOT] = { HR_SYMBOL_ROOT_SHARD, HR_SYMBOL_ROOT_PART, HR_SYMBOL_ROOT_GATHERED, HR_SYMBOL_ROOT_CAST },
  [HR_SHARDED_REACHED] = { HR_SYMBOL_REACHED_SHARD, HR_SYMBOL_REACHED_PART, HR_SYMBOL_REACHED_GATHERED,
                           HR_SYMBOL_REACHED_CAST },
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
 * hr_sharding_count_part:
 * @self: groups of parameters
 * @rows: how many rows a parameter has
 * @n_elements: how many elements
 *
 * A parameter is divided by rows, and padded to as many for each rank (FSDPParam._init_sharded_param).
 *
 * Returns: how many elements a rank has of it
 */
guint64
hr_sharding_count_part (const HrSharding *self,
                        guint64           rows,
                        guint64           n_elements)
{
  return (rows + self->n_ranks - 1) / self->n_ranks * (n_elements / rows);
}

/* What a rank holds of a parameter. */
static guint64
get_part_bytes (const HrSharding *self,
                guint64           rows,
                guint64           n_elements)
{
  guint64 n_part = hr_sharding_count_part (self, rows, n_elements);

  return hr_ledger_round (n_part * hr_element_get_bytes (self->frozen_element));
}

static guint64
count_held_parts (const HrSharding *self,
                  HrModel          *model)
{
  g_autoptr (HrTrainables) parameters = hr_trainables_new_for_model (model, self->frozen_element);
  guint64 bytes = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);

      bytes += get_part_bytes (self, parameter->shape[0], parameter->n_elements) * parameter->copies;
    }

  return bytes;
}

/*
 * hr_sharding_init:
 * @self: (out): the groups
 * @model: a model whose layers are all alike
 * @element: what its parameters are held in
 * @gathered_element: what they are gathered in
 * @n_ranks: how many ranks share them
 *
 * Sorts the parameters of a model into the groups of apply_fsdp_to_decoder (torchtitan/distributed/fsdp.py). Each
 * parameter is cast, and copied from there, before the next is; the cast stays until the next is made.
 */
void
hr_sharding_init (HrSharding *self,
                  HrModel    *model,
                  HrElement   element,
                  HrElement   gathered_element,
                  guint64     n_ranks)
{
  guint n_tensors = hr_model_get_n_tensors (model);
  guint64 highest[HR_N_SHARDED_GROUPS] = { 0 };

  *self = (HrSharding) {
    .is_sharded = TRUE, .element = element, .gathered_element = gathered_element,
    .reduced_element = HR_ELEMENT_FLOAT32, .n_ranks = n_ranks, .frozen_element = element,
  };
  for (guint i = 0; i < n_tensors; i++)
    self->is_tied |= hr_model_get_tensor (model, i)->tied_to != NULL;
  for (guint i = 0; i < n_tensors; i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      HrShardedGroup group = get_group (self, tensor);

      if (tensor->tied_to != NULL)
        continue;
      self->n_elements[group] += tensor->n_elements;
      self->gradient_bytes[group] += hr_ledger_round (tensor->n_elements * hr_element_get_bytes (gathered_element));
      self->n_part[group] += hr_sharding_count_part (self, tensor->shape[0], tensor->n_elements);
      highest[group] = MAX (highest[group], self->n_elements[group] + tensor->n_elements);
    }
  for (guint i = 0; i < HR_N_SHARDED_GROUPS; i++)
    self->n_cast[i] = highest[i] - self->n_elements[i];
  self->held_bytes = count_held_parts (self, model);
}

/*
 * hr_sharding_list_parts:
 * @self: groups of parameters
 * @parameters: all parameters
 *
 * Returns: (transfer full): what of them the first rank has
 */
HrTrainables *
hr_sharding_list_parts (const HrSharding   *self,
                        const HrTrainables *parameters)
{
  HrTrainables *list = hr_trainables_new ();

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      HrTrainable part = *hr_trainables_get_item (parameters, i);
      guint64 rows = part.shape[0];

      part.n_elements = hr_sharding_count_part (self, rows, part.n_elements);
      if (self->is_mixed || !self->adds_matrices)
        part.element = self->element;
      part.shape[0] = (rows + self->n_ranks - 1) / self->n_ranks;
      hr_trainables_add (list, &part);
    }

  return list;
}

/*
 * hr_sharding_set_symbols:
 * @self: groups of parameters
 * @replay: a tape
 * @group: one of them
 *
 * Says how many parameters it has.
 */
void
hr_sharding_set_symbols (const HrSharding *self,
                         HrReplay         *replay,
                         HrShardedGroup    group)
{
  replay->symbols[symbols[group][HR_SHARDED_ALL]] = self->n_elements[group];
  replay->symbols[symbols[group][HR_SHARDED_PART]] = self->n_part[group];
  replay->symbols[symbols[group][HR_SHARDED_GATHERED]] = self->n_part[group] * self->n_ranks;
  replay->symbols[symbols[group][HR_SHARDED_CAST]] = self->n_cast[group];
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
  self->reduced = self->ahead = self->unused = self->unit_ahead = self->open = HR_NO_VALUE;
  /* Embeddings may have matrices beside theirs before a layer begins. */
  self->units = (HrShardedUnits) { .last = HR_NO_VALUE };
  self->is_backward = FALSE;
  self->is_summoned = FALSE;
  self->has_layers = self->holds_rest && self->stays_gathered;
  self->is_last = is_last;
  self->has_sums = FALSE;
  for (guint i = 0; i < HR_N_SHARDED_GROUPS; i++)
    {
      self->weights[i] = HR_NO_VALUE;
      self->n_gradients[i] = 0;
      hr_sharding_set_symbols (self, replay, i);
    }
  replay->sharding = self->is_sharded ? self : NULL;
}

/*
 * hr_sharding_has_root:
 * @self: groups of parameters
 *
 * Returns: whether accelerate has had fully_shard make them, so that what is in no other is the root's
 */
gboolean
hr_sharding_has_root (const HrSharding *self)
{
  return !self->is_flat && self->n_stacks > 0;
}

/* What only a backward pass lets go of. */
static const HrShardedGroup resting[HR_REPLAY_N_RESTS] = { HR_SHARDED_HEAD, HR_SHARDED_ROOT };

/*
 * hr_sharding_take_rest:
 * @replay: a tape
 *
 * Takes over what a forward pass without gradients has left gathered: what is around the layers of flat parameters, the
 * last norm with the head, and what is the root's (reshard_after_forward is false for these).
 */
void
hr_sharding_take_rest (HrReplay *replay)
{
  HrSharding *self = replay->sharding;

  if (self == NULL)
    return;

  for (guint i = 0; i < G_N_ELEMENTS (resting); i++)
    {
      self->weights[resting[i]] = replay->sharded_rest[i];
      replay->sharded_rest[i] = HR_NO_VALUE;
    }
  self->has_layers |= replay->has_sharded_layers;
  replay->has_sharded_layers = FALSE;
}

/*
 * hr_sharding_leave_rest:
 * @replay: a tape
 *
 * Ends a forward pass without gradients, and leaves what it has gathered last for the next one.
 */
void
hr_sharding_leave_rest (HrReplay *replay)
{
  HrSharding *self = replay->sharding;

  if (self == NULL)
    return;

  hr_sharding_return (replay);
  for (guint i = 0; i < G_N_ELEMENTS (resting); i++)
    {
      replay->sharded_rest[i] = self->weights[resting[i]];
      self->weights[resting[i]] = HR_NO_VALUE;
    }
  replay->has_sharded_layers = self->has_layers;
  replay->sharding = NULL;
}

/*
 * hr_sharding_resume:
 * @self: the groups of a micro-batch that another model has run in
 * @replay: a tape
 *
 * Goes on with the micro-batch.
 */
void
hr_sharding_resume (HrSharding *self,
                    HrReplay   *replay)
{
  replay->sharding = self;
  for (guint i = 0; self != NULL && i < HR_N_SHARDED_GROUPS; i++)
    hr_sharding_set_symbols (self, replay, i);
}

/*
 * hr_sharding_find_group:
 * @self: groups of parameters
 * @group: a group
 *
 * Returns: the one that its parameters are in
 */
HrShardedGroup
hr_sharding_find_group (const HrSharding *self,
                        HrShardedGroup    group)
{
  if (self->is_whole || (group == HR_SHARDED_ROOT && !hr_sharding_has_root (self)))
    return HR_SHARDED_HEAD;

  return group == HR_SHARDED_EMBEDDING && self->is_tied ? HR_SHARDED_HEAD : group;
}

/* Those of a group that are trained, and held in another data type than they are gathered in. */
static HrShardedGroup
find_cast_group (const HrSharding *self,
                 HrShardedGroup    group)
{
  if (self->adds_matrices && group == HR_SHARDED_LAYER)
    return HR_SHARDED_UNIT;
  if (group == HR_SHARDED_ROOT)
    return HR_SHARDED_REACHED;

  return self->adds_matrices || (group == HR_SHARDED_LAYER && self->is_frozen) ||
         (group != HR_SHARDED_LAYER && self->gradient_bytes[group] == 0)
           ? HR_N_SHARDED_GROUPS : group;
}

/*
 * _get_param_all_gather_inputs of _fsdp_collectives.py: what is held in another data type than it is gathered in is
 * copied first, and so is what comes from the host.
 */
static HrValue
copy_part (HrReplay       *replay,
           HrShardedGroup  group)
{
  const HrSharding *self = replay->sharding;
  gboolean casts = self->frozen_element != replay->parameter_dtype || self->is_offloaded;
  HrShardedGroup copied = casts ? group : find_cast_group (self, group);

  if (copied == HR_N_SHARDED_GROUPS || self->n_elements[copied] == 0 || (!casts && !self->is_mixed))
    return HR_NO_VALUE;

  return hr_replay_make (replay, self->is_offloaded ? "_to_copy" : "_foreach_copy_", "flat_foreach_copy_input",
                         HR_COMPONENT_TEMPORARY, HR_SHAPE (replay->parameter_dtype, symbols[copied][HR_SHARDED_PART]));
}

/*
 * hr_sharding_gather_parts:
 * @replay: a tape
 * @group: a group
 *
 * foreach_all_gather of _fsdp_collectives.py
 *
 * Returns: what the parts of all ranks are gathered in
 */
HrValue
hr_sharding_gather_parts (HrReplay       *replay,
                          HrShardedGroup  group)
{
  HrValue part, gathered;

  replay->sentence = N_("while parameters of all ranks are gathered");
  part = copy_part (replay, group);
  gathered = hr_replay_make (replay, "all_gather", "all_gather_output", HR_COMPONENT_COMMUNICATION,
                             HR_SHAPE (replay->parameter_dtype, symbols[group][HR_SHARDED_GATHERED]));
  hr_replay_drop (replay, part);

  return gathered;
}

/* FSDPParamGroup.unshard and wait_for_unshard. */
static HrValue
unshard (HrReplay       *replay,
         HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  HrValue before = self->is_backward ? HR_NO_VALUE : self->ahead;
  HrValue gathered = self->is_backward ? self->ahead : HR_NO_VALUE;
  HrValue copies;

  if (gathered.storage < 0)
    gathered = hr_sharding_gather_parts (replay, group);
  self->ahead = HR_NO_VALUE;
  replay->sentence = N_("while parameters of all ranks are copied from where they were gathered");
  copies = hr_replay_make (replay, "split_with_sizes_copy", "unsharded parameters", HR_COMPONENT_TEMPORARY,
                           HR_SHAPE (replay->parameter_dtype, symbols[group][HR_SHARDED_GATHERED]));
  if (self->is_backward)
    hr_replay_drop (replay, gathered);
  else
    self->ahead = gathered;
  /* A variable of wait_for_unshard holds what the group before was gathered in. */
  hr_replay_drop (replay, before);

  return copies;
}

/*
 * The last layer of the tower that has run before. Where it gets no gradient, it is gathered for nothing, and stays to
 * the end (FSDPParamGroup.finalize_backward).
 */
static void
gather_tower (HrReplay *replay)
{
  HrSharding *self = replay->sharding;
  const HrShardedStack *layers = hr_sharding_find_stack (self, self->behind);
  HrValue *gathered;

  if (layers == NULL || self->n_ranks == 1 || self->stays_gathered)
    return;

  gathered = layers->n_reached == layers->n_layers ? &self->ahead : &self->unused;
  hr_replay_assign (replay, gathered,
                    hr_sharding_gather_layer (replay, self->behind, self->behind->n_layers - 1));
}

/* What was gathered before the first layer of a stack. */
static void
gather_before (HrReplay *replay)
{
  HrSharding *self = replay->sharding;
  gboolean is_tower = hr_sharding_has_root (self) && self->stack != self->stacks[0].stack;

  if (self->behind != NULL && (is_tower || !self->embeds_last))
    gather_tower (replay);
  else if (!self->is_tied && !(is_tower && self->embeds_last))
    self->ahead = hr_sharding_gather_parts (replay, HR_SHARDED_EMBEDDING);
}

/*
 * hr_sharding_gather_behind:
 * @replay: a tape
 *
 * Has the last layer of a tower gathered before the embedding of tokens is differentiated that has come behind it.
 */
void
hr_sharding_gather_behind (HrReplay *replay)
{
  const HrSharding *self = replay->sharding;

  if (self != NULL && hr_sharding_has_root (self) && self->embeds_last && self->behind != NULL)
    gather_tower (replay);
}

/* Returns whether there is something to be gathered in the backward pass. */
static gboolean
begin_backward (HrSharding *self)
{
  if (self->is_staged)
    return FALSE;

  self->is_backward = TRUE;

  return self->n_ranks > 1 && !self->stays_gathered;
}

/*
 * hr_sharding_gather_next:
 * @replay: a tape
 * @is_first: whether no layer is before the one that is differentiated now
 *
 * FSDPParamGroup._backward_prefetch: what is needed next is gathered, and copied when it is needed.
 */
void
hr_sharding_gather_next (HrReplay *replay,
                         gboolean  is_first)
{
  HrSharding *self = replay->sharding;

  if (!begin_backward (self))
    return;

  if (is_first)
    gather_before (replay);
  else
    self->ahead = hr_sharding_gather_previous (replay);
}

static void
backward_end (HrReplay     *replay,
              const HrNode *node,
              HrValue       gradient,
              HrValue      *gradients)
{
  const char *sentence = replay->sentence;
  HrSharding *self = replay->sharding;

  if (begin_backward (self))
    self->ahead = hr_sharding_gather_layer (replay, self->stack,
                                            self->stack != NULL ? self->stack->n_layers - 1 : 0);
  replay->sentence = sentence;
  gradients[0] = hr_replay_hold (replay, gradient);
}

/*
 * hr_sharding_end_forward:
 * @replay: a tape
 * @output: (inout): what the model returns
 *
 * Has the last layer gathered when the gradient of the logits comes. torchtitan's model returns them.
 */
void
hr_sharding_end_forward (HrReplay *replay,
                         HrValue  *output)
{
  HrSharding *self = replay->sharding;
  HrValue inner = *output;

  if (self == NULL || self->is_flat || (self->n_ranks == 1 && !self->is_staged))
    return;

  if (replay->layer_code == HR_LAYER_CODE_TORCHTITAN)
    hr_sharding_return (replay);
  if (self->is_staged)
    return;

  hr_autograd_record (replay, output, backward_end, &inner, 1);
}

/*
 * hr_sharding_return:
 * @replay: a tape
 *
 * Lets go of what was gathered last when the function of the model returns (FSDPState._post_forward): that of
 * transformers with the loss.
 */
void
hr_sharding_return (HrReplay *replay)
{
  HrSharding *self = replay->sharding;
  HrStretch stretch;

  if (self == NULL)
    return;

  self->gathers = FALSE;
  self->has_layers |= self->stays_gathered;
  if (self->is_flat || self->n_ranks == 1)
    return;

  hr_replay_begin (replay, &stretch, NULL, -1);
  hr_replay_assign (replay, &self->ahead, HR_NO_VALUE);
  while (self->n_given > 0)
    hr_replay_drop (replay, self->given[--self->n_given]);
  if (self->is_whole && !self->stays_gathered)
    hr_replay_assign (replay, &self->weights[HR_SHARDED_HEAD], HR_NO_VALUE);
  hr_replay_end (replay);
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
 * hr_sharding_unshard:
 * @replay: a tape
 * @group: a group
 *
 * Gathers the parameters of a group.
 *
 * Returns: the copies
 */
HrValue
hr_sharding_unshard (HrReplay       *replay,
                     HrShardedGroup  group)
{
  return replay->sharding->n_ranks > 1 ? unshard (replay, group) : copy_parameters (replay, group);
}

/* Whether a forward pass before has left a group gathered. */
static gboolean
is_left (const HrSharding *self,
         HrShardedGroup    group)
{
  if (group == HR_SHARDED_HEAD || group == HR_SHARDED_ROOT)
    return self->holds_rest;

  return self->stays_gathered && (self->is_backward || self->has_layers);
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

  group = hr_sharding_find_group (self, group);
  if (self->is_flat)
    hr_sharding_gather_flat (replay, group);
  else if (self->is_staged)
    hr_sharding_gather_stage (replay, group);
  else if (self->n_elements[group] > 0 && self->weights[group].storage < 0 && !is_left (self, group))
    self->weights[group] = hr_sharding_unshard (replay, group);
}

/*
 * hr_sharding_gather_root:
 * @replay: a tape
 *
 * Gathers what is in no other group, which stays.
 */
void
hr_sharding_gather_root (HrReplay       *replay,
                         HrShardedGroup  group)
{
  const HrSharding *self = replay->sharding;

  if (self != NULL && hr_sharding_has_root (self) && self->n_elements[group] > 0)
    hr_sharding_gather (replay, group);
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

  if (self == NULL || self->is_staged || hr_sharding_find_group (self, group) == HR_SHARDED_HEAD)
    return;

  if (self->stays_gathered)
    hr_replay_leave (replay, self->weights[group]);
  else
    hr_replay_drop (replay, self->weights[group]);
  self->weights[group] = HR_NO_VALUE;
}

/*
 * hr_sharding_casts_input:
 * @replay: a tape
 * @input: what a layer is called with
 *
 * Returns: whether it is given a copy of that
 */
gboolean
hr_sharding_casts_input (const HrReplay *replay,
                         HrValue         input)
{
  const HrSharding *self = replay->sharding;

  return input.storage >= 0 && self != NULL && hr_sharding_has_root (self) && self->is_mixed &&
         input.element != replay->parameter_dtype;
}

/*
 * hr_sharding_cast_input:
 * @replay: a tape
 * @input: what a layer is given
 *
 * A layer that fully_shard gathers is given what it computes in, whatever it was called with
 * (FSDPState._cast_forward_inputs).
 *
 * Returns: (transfer full): the input, or a copy of it
 */
HrValue
hr_sharding_cast_input (HrReplay *replay,
                        HrValue   input)
{
  return hr_sharding_casts_input (replay, input) ? hr_op_cast (replay, input, replay->parameter_dtype)
                                                 : hr_replay_hold (replay, input);
}

/*
 * hr_sharding_cast_given:
 * @replay: a tape
 * @name: the variable
 * @shape: what a tower is given, as it is to be
 *
 * Casts pixels or sounds. What the model is called with is cast by the root, in whose arguments the copies are until
 * its function returns (FSDPState._cast_forward_inputs).
 *
 * Returns: (transfer full): the copy
 */
HrValue
hr_sharding_cast_given (HrReplay   *replay,
                        const char *name,
                        HrValue     shape)
{
  HrSharding *self = replay->sharding;
  HrValue copy = hr_op_like (replay, "_to_copy", name, shape);

  if (self != NULL && hr_sharding_has_root (self) && self->is_mixed && self->n_given < G_N_ELEMENTS (self->given))
    self->given[self->n_given++] = hr_replay_hold (replay, copy);

  return copy;
}
