/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-sharding-stage.h"

/*
 * A stage of a pipeline under fully_shard whose parameters stay when they are whole (reshard_after_forward=False, and
 * set_reshard_after_backward (False) of backward_maybe_with_nosync in torch/distributed/pipelining/stage.py): groups
 * are gathered when the stage first runs, or all at once before (UNSHARD in schedules.py). Gradients are reduced behind
 * all micro-batches (perform_reduce_grad); until then they are added up whole, in the data type that they are reduced
 * in (to_accumulated_grad_if_needed of torch/distributed/fsdp/_fully_shard/_fsdp_param.py).
 */

typedef void (*GroupFunc) (HrReplay       *replay,
                           HrShardedGroup  group);

static gboolean
has_group (const HrSharding *self,
           HrShardedGroup    group)
{
  return group == HR_SHARDED_LAYER || (group == HR_SHARDED_EMBEDDING ? self->has_embedding : self->has_head);
}

static gboolean
sums_up (const HrSharding *self)
{
  return self->reduced_element != self->gathered_element;
}

static guint64
get_bytes (HrElement element,
           guint64   n_elements)
{
  return hr_ledger_round (n_elements * hr_element_get_bytes (element));
}

/*
 * Whether a gradient stays as it has come when all of a micro-batch have, where gradients of weights come by themselves
 * (stage_backward_weight of _backward.py sets them without the hooks of fully_shard): the head's node, which is the
 * last, sets off _root_post_backward_final_callback, so that all others of its stage are added up then.
 */
static gboolean
waits (const HrSharding *self,
       HrShardedGroup    group,
       guint             i)
{
  return !sums_up (self) || !self->has_head || (group == HR_SHARDED_HEAD && i + 1 == self->n_sizes[group]);
}

/* Whether gradients of a parameter have been added up: those that do not wait have been where another waits. */
static gboolean
has_sum (const HrReplay *replay,
         HrShardedGroup  group,
         guint           i)
{
  const HrSharding *self = replay->sharding;

  return self->has_sums || (replay->has_gradients && !waits (self, group, i));
}

/* Queries, keys and values are one matrix of torchtitan's layers. */
static gboolean
joins (const HrTensor *before,
       const HrTensor *tensor)
{
  return before != NULL && tensor->n_layers > 0 && tensor->n_dimensions == 2 &&
         (tensor->module == HR_MODULE_KEY || tensor->module == HR_MODULE_VALUE);
}

static void
add_size (HrSharding     *self,
          const HrTensor *before,
          const HrTensor *tensor)
{
  HrShardedGroup group = tensor->n_layers > 0                          ? HR_SHARDED_LAYER
                         : tensor->role == HR_TENSOR_ROLE_EMBEDDING ? HR_SHARDED_EMBEDDING
                                                                     : HR_SHARDED_HEAD;
  guint *n = &self->n_sizes[group];

  g_return_if_fail (*n < HR_SHARDED_MAX_SIZES);

  if (joins (before, tensor))
    self->sizes[group][*n - 1] += tensor->n_elements;
  else
    self->sizes[group][(*n)++] = tensor->n_elements;
}

/*
 * hr_sharding_list_sizes:
 * @self: groups of the parameters of a model of torchtitan
 * @model: the model, whose layers are all alike
 *
 * Lists the parameters of each group in the order of the modules: TransformerBlock of torchtitan has its norms last.
 */
void
hr_sharding_list_sizes (HrSharding *self,
                        HrModel    *model)
{
  guint n_tensors = hr_model_get_n_tensors (model);

  memset (self->n_sizes, 0, sizeof self->n_sizes);
  for (gboolean is_block_norm = FALSE; is_block_norm <= TRUE; is_block_norm++)
    {
      const HrTensor *before = NULL;

      for (guint i = 0; i < n_tensors; i++)
        {
          const HrTensor *tensor = hr_model_get_tensor (model, i);
          gboolean is_late = tensor->n_layers > 0 && tensor->role == HR_TENSOR_ROLE_NORM &&
                             tensor->part == HR_PART_NORM;

          if (tensor->tied_to != NULL || is_late != is_block_norm)
            continue;
          add_size (self, before, tensor);
          before = tensor;
        }
    }
}

/*
 * hr_sharding_gather_stage:
 * @replay: a tape
 * @group: a group
 *
 * Gathers a group when its modules first run.
 */
void
hr_sharding_gather_stage (HrReplay       *replay,
                          HrShardedGroup  group)
{
  const HrSharding *self = replay->sharding;

  if (self->gathers && has_group (self, group))
    hr_replay_leave (replay, hr_sharding_unshard (replay, group));
}

static HrValue
make_size (HrReplay  *replay,
           HrElement  element,
           guint64    n_elements)
{
  replay->symbols[HR_SYMBOL_UNIT_SHARD] = n_elements;

  return hr_replay_make (replay, "_to_copy", "unsharded_accumulated_grad", HR_COMPONENT_GRADIENTS,
                         HR_SHAPE (element, HR_SYMBOL_UNIT_SHARD));
}

/* Adds a gradient up that is in the books. */
static void
add_up (HrReplay       *replay,
        HrShardedGroup  group,
        guint           i)
{
  const HrSharding *self = replay->sharding;
  guint64 n = self->sizes[group][i];

  if (!has_sum (replay, group, i))
    hr_replay_leave (replay, make_size (replay, self->reduced_element, n));
  hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, get_bytes (self->gathered_element, n));
}

/*
 * hr_sharding_accumulate_stage:
 * @replay: a tape
 * @group: a group
 *
 * FSDPParamGroup.post_backward without reduce_grads: gradients that are there, of this pass or another, are added to
 * their sums.
 */
void
hr_sharding_accumulate_stage (HrReplay       *replay,
                              HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  gboolean has_come = self->n_gradients[group] > 0;

  if (!has_group (self, group))
    return;

  for (guint i = 0; i < self->n_gradients[group]; i++)
    hr_replay_leave (replay, self->gradients[group][i]);
  self->n_gradients[group] = 0;
  if (!sums_up (self))
    return;

  replay->sentence = N_("in the backward pass, while gradients are added up in fp32");
  for (guint i = 0; i < self->n_sizes[group]; i++)
    {
      if (has_come || (replay->has_gradients && waits (self, group, i)))
        add_up (replay, group, i);
    }
}

/*
 * hr_sharding_adds_to_stage:
 * @replay: a tape, with gradients that wait
 * @gradient: the gradient of a parameter
 *
 * Returns: whether it is added to one that waits
 */
gboolean
hr_sharding_adds_to_stage (const HrReplay *replay,
                           HrValue         gradient)
{
  const HrSharding *self = replay->sharding;
  guint n = self->n_sizes[HR_SHARDED_HEAD];

  if (!sums_up (self) || !self->has_head)
    return TRUE;

  return self->current == HR_SHARDED_HEAD &&
         hr_value_get_elements (gradient, replay->symbols) == self->sizes[HR_SHARDED_HEAD][n - 1];
}

static guint64
count_bytes (const HrSharding *self,
             HrShardedGroup    group,
             HrElement         element)
{
  guint64 bytes = 0;

  for (guint i = 0; i < self->n_sizes[group]; i++)
    bytes += get_bytes (element, self->sizes[group][i]);

  return bytes;
}

static guint64
count_waiting (const HrSharding *self,
               HrShardedGroup    group)
{
  guint64 bytes = 0;

  for (guint i = 0; i < self->n_sizes[group]; i++)
    bytes += waits (self, group, i) ? get_bytes (self->gathered_element, self->sizes[group][i]) : 0;

  return bytes;
}

static guint64
count_gathered (const HrSharding *self,
                HrShardedGroup    group,
                HrElement         element)
{
  return get_bytes (element, self->n_ranks > 1 ? self->n_part[group] * self->n_ranks : self->n_elements[group]);
}

/* How many groups of a kind a stage has. */
static guint
count_groups (const HrShardedStage *self,
              HrShardedGroup        group)
{
  if (group == HR_SHARDED_LAYER)
    return self->n_layers;

  return has_group (&self->sharding, group) ? 1 : 0;
}

/*
 * hr_sharded_stage_get_gathered_bytes:
 * @self: a stage
 * @element: a data type
 *
 * Returns: what its parameters take when they are whole, in that
 */
guint64
hr_sharded_stage_get_gathered_bytes (const HrShardedStage *self,
                                     HrElement             element)
{
  const HrSharding *sharding = &self->sharding;
  guint64 bytes = 0;

  for (guint i = 0; i <= HR_SHARDED_HEAD; i++)
    bytes += count_groups (self, i) * count_gathered (sharding, i, element);

  return bytes;
}

/*
 * hr_sharded_stage_get_gradient_bytes:
 * @self: a stage
 * @has_come: whether there are gradients that have come and are not added up
 * @has_sums: whether there are sums of them
 *
 * Returns: what these take
 */
guint64
hr_sharded_stage_get_gradient_bytes (const HrShardedStage *self,
                                     gboolean              has_come,
                                     gboolean              has_sums)
{
  const HrSharding *sharding = &self->sharding;
  guint64 bytes = 0;

  for (guint group = 0; group <= HR_SHARDED_HEAD; group++)
    {
      for (guint i = 0; i < sharding->n_sizes[group]; i++)
        {
          guint64 n = sharding->sizes[group][i];
          gboolean is_waiting = waits (sharding, group, i);

          if (has_come && is_waiting)
            bytes += count_groups (self, group) * get_bytes (sharding->gathered_element, n);
          if (has_sums || (has_come && !is_waiting))
            bytes += count_groups (self, group) * get_bytes (sharding->reduced_element, n);
        }
    }

  return bytes;
}

/*
 * hr_sharded_stage_sums_up:
 * @self: a stage
 *
 * Returns: whether gradients are added up in another data type than they come in
 */
gboolean
hr_sharded_stage_sums_up (const HrShardedStage *self)
{
  return sums_up (&self->sharding);
}

/* The groups come in the order of their modules. */
static void
run_groups (const HrShardedStage *self,
            HrReplay             *replay,
            GroupFunc             func)
{
  HrSharding sharding = self->sharding;
  gboolean has_sums = sharding.has_sums;

  hr_sharding_begin (&sharding, replay, TRUE);
  sharding.has_sums = has_sums;
  for (guint group = 0; group <= HR_SHARDED_HEAD; group++)
    {
      for (guint i = 0; i < count_groups (self, group); i++)
        {
          HrStretch stretch;

          hr_replay_begin (replay, &stretch, NULL, -1);
          func (replay, group);
          hr_replay_end (replay);
        }
    }
  hr_replay_drop (replay, sharding.reduced);
  replay->sharding = NULL;
}

static void
gather_group (HrReplay       *replay,
              HrShardedGroup  group)
{
  if (replay->sharding->n_ranks > 1)
    hr_replay_leave (replay, hr_sharding_gather_parts (replay, group));
}

/*
 * hr_sharded_stage_gather:
 * @self: a stage
 * @replay: a tape
 *
 * UNSHARD of _PipelineScheduleRuntime: parts of all groups are gathered from other ranks.
 */
void
hr_sharded_stage_gather (const HrShardedStage *self,
                         HrReplay             *replay)
{
  run_groups (self, replay, gather_group);
}

static void
await_group (HrReplay       *replay,
             HrShardedGroup  group)
{
  const HrSharding *self = replay->sharding;
  HrValue shape = HR_SHAPE (replay->parameter_dtype, hr_sharding_get_symbol (group, HR_SHARDED_GATHERED));

  if (self->n_ranks == 1)
    {
      hr_replay_leave (replay, hr_sharding_unshard (replay, group));
      return;
    }

  replay->sentence = N_("while parameters of all ranks are copied from where they were gathered");
  hr_replay_leave (replay, hr_replay_make (replay, "split_with_sizes_copy", "unsharded parameters",
                                           HR_COMPONENT_TEMPORARY, shape));
  hr_replay_remove (replay, HR_COMPONENT_COMMUNICATION, count_gathered (self, group, replay->parameter_dtype));
}

/*
 * hr_sharded_stage_await:
 * @self: a stage
 * @replay: a tape, on which hr_sharded_stage_gather() has run
 *
 * _assert_unsharded of _PipelineScheduleRuntime: what was gathered is copied to where parameters are.
 */
void
hr_sharded_stage_await (const HrShardedStage *self,
                        HrReplay             *replay)
{
  run_groups (self, replay, await_group);
}

static void
let_group_go (HrReplay       *replay,
              HrShardedGroup  group)
{
  hr_replay_remove (replay, HR_COMPONENT_TEMPORARY, count_gathered (replay->sharding, group, replay->parameter_dtype));
}

/*
 * hr_sharded_stage_let_go:
 * @self: a stage
 * @replay: a tape, on which its parameters are whole
 *
 * RESHARD of _PipelineScheduleRuntime.
 */
void
hr_sharded_stage_let_go (const HrShardedStage *self,
                         HrReplay             *replay)
{
  run_groups (self, replay, let_group_go);
}

/* A variable of foreach_reduce holds the gradient of the last parameter, where there are several ranks. */
static guint64
get_last_bytes (const HrSharding *self,
                HrShardedGroup    group,
                HrElement         element)
{
  return self->n_ranks > 1 ? get_bytes (element, self->sizes[group][self->n_sizes[group] - 1]) : 0;
}

static HrValue
scatter (HrReplay       *replay,
         HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  HrValue shape = HR_SHAPE (self->reduced_element, hr_sharding_get_symbol (group, HR_SHARDED_PART));
  HrValue output = hr_replay_make (replay, "empty", "reduce_output", HR_COMPONENT_GRADIENTS, shape);

  if (self->n_ranks == 1)
    hr_replay_drop (replay, hr_replay_make (replay, "div", "reduce_scatter_input / 1.0", HR_COMPONENT_TEMPORARY,
                                            shape));

  return output;
}

/* What was reduced among replicas in another data type is held to the end (FSDPParamGroup._all_reduce_state). */
static void
keep_reduced (HrReplay       *replay,
              HrShardedGroup  group,
              HrValue         output)
{
  HrSharding *self = replay->sharding;
  HrValue copy;

  if (self->element == self->reduced_element)
    {
      hr_replay_leave (replay, output);
      return;
    }

  copy = hr_replay_make (replay, "_to_copy", "reduce_output", HR_COMPONENT_GRADIENTS,
                         HR_SHAPE (self->element, hr_sharding_get_symbol (group, HR_SHARDED_PART)));
  hr_replay_leave (replay, copy);
  if (!self->has_replicas)
    {
      hr_replay_drop (replay, output);
      return;
    }
  hr_replay_reassign_component (replay, output, HR_COMPONENT_COMMUNICATION);
  hr_replay_leave (replay, output);
}

/* FSDPParamGroup.post_backward with reduce_grads */
static void
reduce_group (HrReplay       *replay,
              HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  HrElement element = self->has_sums ? self->reduced_element : self->gathered_element;
  guint64 last = get_last_bytes (self, group, element);

  if (self->has_sums && replay->has_gradients)
    hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, count_waiting (self, group));
  let_group_go (replay, group);
  hr_replay_assign (replay, &self->reduced, HR_NO_VALUE);
  replay->sentence = self->reduced_element == HR_ELEMENT_FLOAT32
                       ? N_("behind the last backward pass, while gradients are put into one piece in fp32 and reduced")
                       : N_("behind the last backward pass, while gradients are put into one piece and reduced");
  self->reduced = hr_replay_make (replay, "chunk_cat", "reduce_scatter_input", HR_COMPONENT_TEMPORARY,
                                  HR_SHAPE (self->reduced_element,
                                            hr_sharding_get_symbol (group, HR_SHARDED_GATHERED)));
  hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, count_bytes (self, group, element) - last);
  keep_reduced (replay, group, scatter (replay, group));
  hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, last);
}

static guint64
count_reduced (const HrShardedStage *self)
{
  const HrSharding *sharding = &self->sharding;
  guint64 bytes = 0;

  if (!sharding->has_replicas || sharding->element == sharding->reduced_element)
    return 0;
  for (guint i = 0; i <= HR_SHARDED_HEAD; i++)
    bytes += count_groups (self, i) * get_bytes (sharding->reduced_element, sharding->n_part[i]);

  return bytes;
}

/*
 * hr_sharded_stage_reduce:
 * @self: a stage
 * @replay: a tape, on which its parameters are whole and all gradients are there
 *
 * perform_reduce_grad: parameters go, and gradients are reduced, group by group.
 */
void
hr_sharded_stage_reduce (const HrShardedStage *self,
                         HrReplay             *replay)
{
  run_groups (self, replay, reduce_group);
  hr_replay_remove (replay, HR_COMPONENT_COMMUNICATION, count_reduced (self));
}

static void
add_group_up (HrReplay       *replay,
              HrShardedGroup  group)
{
  const HrSharding *self = replay->sharding;

  replay->sentence = N_("in the backward pass, while gradients are added up in fp32");
  for (guint i = 0; i < self->n_sizes[group]; i++)
    {
      if (!waits (self, group, i) || replay->has_gradients)
        add_up (replay, group, i);
    }
}

/*
 * hr_sharded_stage_end_weights:
 * @self: a stage whose gradients of weights have come by themselves
 * @replay: a tape; of what waited before it has the gradients
 *
 * Adds up those that do not wait, and what waited before.
 */
void
hr_sharded_stage_end_weights (const HrShardedStage *self,
                              HrReplay             *replay)
{
  if (sums_up (&self->sharding) && self->sharding.has_head)
    run_groups (self, replay, add_group_up);
}
