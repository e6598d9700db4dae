/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-sharding.h"

#include "hr-sharding-flat.h"
#include "hr-sharding-stacks.h"
#include "hr-sharding-stage.h"
#include "hr-sharding-unit.h"

/* What fully_shard reduces gradients from, and to: post_backward and finalize_backward of _fsdp_param_group.py. */

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
    replay->sharding->current = hr_sharding_find_group (replay->sharding, group);
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
  if (replay->has_gradients &&
      (self->is_staged ? hr_sharding_adds_to_stage (replay, gradient) : self->waits))
    {
      hr_replay_drop (replay, gradient);
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
 * A variable of foreach_reduce holds the gradient of the group's last parameter, where there are several ranks:
 * the table of tokens, or the head behind the last norm, whose gradient comes first, as that of the last matrix does
 * which is added to a layer, and of the root that of the last norm. Of a layer it is that of a norm: of the norm that
 * the layer begins with, whose gradient comes last, and which is as large.
 *
 * Returns: which of the gradients that have come it is, or how many have where there is none
 */
static guint
find_held (const HrSharding *self,
           HrShardedGroup    group)
{
  guint n = self->n_gradients[group];

  if (self->n_ranks == 1 || n == 0)
    return n;
  if (group == HR_SHARDED_EMBEDDING || (group == HR_SHARDED_HEAD && !self->is_tied) || group == HR_SHARDED_ROOT ||
      self->adds_matrices)
    return 0;

  return group == HR_SHARDED_LAYER && self->gradients[group][n - 1].n_symbols == 1 ? n - 1 : n;
}

static void
let_weights_go (HrReplay       *replay,
                HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  guint64 n_gathered = replay->symbols[hr_sharding_get_symbol (group, HR_SHARDED_GATHERED)];

  if (self->stays_gathered && self->weights[group].storage < 0)
    hr_replay_remove (replay, HR_COMPONENT_TEMPORARY,
                      hr_ledger_round (n_gathered * hr_element_get_bytes (replay->parameter_dtype)));
  hr_replay_drop (replay, self->weights[group]);
  self->weights[group] = HR_NO_VALUE;
}

/* Parameters have their gradients whole until they are reduced (set_requires_gradient_sync). */
static void
keep_gradients (HrReplay       *replay,
                HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;

  for (guint i = 0; i < self->n_gradients[group]; i++)
    hr_replay_leave (replay, self->gradients[group][i]);
  self->n_gradients[group] = 0;
}

/* FSDPParamGroup._all_reduce_state: what was sent to the other groups of ranks is held until all groups are reduced. */
static void
hold_reduced (HrReplay *replay,
              HrValue   reduced)
{
  hr_replay_reassign_component (replay, reduced, HR_COMPONENT_COMMUNICATION);
  hr_replay_leave (replay, reduced);
}

static guint64
count_held_of_groups (const HrSharding *self,
                      guint             bytes)
{
  static const HrShardedGroup groups[] = { HR_SHARDED_EMBEDDING, HR_SHARDED_HEAD };
  guint64 sum = hr_ledger_round (self->n_part[HR_SHARDED_REACHED] * bytes);

  for (guint i = 0; i < G_N_ELEMENTS (groups); i++)
    {
      if (self->gradient_bytes[groups[i]] > 0)
        sum += hr_ledger_round (self->n_part[groups[i]] * bytes);
    }
  for (guint i = 0; i < self->n_stacks; i++)
    {
      for (guint j = 0; j < self->stacks[i].n_reached; j++)
        sum += self->stacks[i].layers[j].is_passed_by
                 ? 0 : hr_ledger_round (self->stacks[i].layers[j].n_reduced_part * bytes);
    }

  return sum;
}

static guint64
count_held_bytes (const HrSharding *self)
{
  guint bytes = hr_element_get_bytes (self->reduced_element);

  if (!self->has_replicas || self->is_staged || self->element == self->reduced_element ||
      (self->waits && !self->is_last))
    return 0;
  if (hr_sharding_has_root (self))
    return count_held_of_groups (self, bytes);

  return self->n_layers * hr_ledger_round (self->n_part[HR_SHARDED_LAYER] * bytes) +
         hr_ledger_round (self->n_part[HR_SHARDED_EMBEDDING] * bytes) +
         hr_ledger_round (self->n_part[HR_SHARDED_HEAD] * bytes);
}

/* Whether a group has parameters that get a gradient. */
static gboolean
gets_gradients (const HrSharding *self,
                HrShardedGroup    group)
{
  const HrShardedStack *layers;

  if (!hr_sharding_has_root (self))
    return TRUE;
  if (group != HR_SHARDED_LAYER)
    return self->gradient_bytes[group] > 0;

  layers = hr_sharding_find_stack ((HrSharding *) self, self->stack);

  return layers == NULL || (layers->n_reached > 0 && !layers->layers[self->layer].is_passed_by &&
                            self->n_elements[HR_SHARDED_UNIT] > 0);
}

/* What of a group there are gradients of. */
static HrShardedGroup
find_reduced (const HrSharding *self,
              HrShardedGroup    group)
{
  if (group == HR_SHARDED_ROOT)
    return HR_SHARDED_REACHED;

  return self->adds_matrices || (group == HR_SHARDED_LAYER && hr_sharding_has_root (self)) ? HR_SHARDED_UNIT : group;
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
  HrShardedGroup reduced;
  HrValue shape, output;
  guint held;

  if (self == NULL)
    return;

  group = hr_sharding_find_group (self, group);
  if (self->is_flat)
    {
      hr_sharding_reduce_flat (replay, group);
      return;
    }
  if (self->is_staged)
    {
      hr_sharding_accumulate_stage (replay, group);
      return;
    }
  reduced = find_reduced (self, group);
  shape = HR_SHAPE (self->reduced_element, hr_sharding_get_symbol (reduced, HR_SHARDED_GATHERED));
  replay->sentence = self->reduced_element == HR_ELEMENT_FLOAT32
                       ? N_("in the backward pass, while gradients are put into one piece in fp32 and reduced")
                       : N_("in the backward pass, while gradients are put into one piece and reduced");
  let_weights_go (replay, group);
  if (self->waits && !self->is_last)
    {
      keep_gradients (replay, group);
      return;
    }
  hr_replay_assign (replay, &self->reduced, HR_NO_VALUE);
  if (!gets_gradients (self, group))
    return;

  held = find_held (self, group);
  self->reduced = hr_replay_make (replay, "chunk_cat", "reduce_scatter_input", HR_COMPONENT_TEMPORARY, shape);
  for (guint i = 0; i < self->n_gradients[group]; i++)
    {
      if (i != held)
        hr_replay_drop (replay, self->gradients[group][i]);
    }
  if (self->waits && replay->has_gradients)
    hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, self->gradient_bytes[group]);
  shape = HR_SHAPE (self->reduced_element, hr_sharding_get_symbol (reduced, HR_SHARDED_PART));
  output = hr_replay_make (replay, "empty", "reduce_output", HR_COMPONENT_GRADIENTS, shape);
  if (self->n_ranks == 1)
    hr_replay_drop (replay, hr_replay_make (replay, "div", "reduce_scatter_input / 1.0", HR_COMPONENT_TEMPORARY,
                                            shape));
  shape.element = self->element;
  if (shape.element != self->reduced_element)
    {
      HrValue copy = hr_replay_make (replay, "_to_copy", "reduce_output", HR_COMPONENT_GRADIENTS, shape);

      if (self->has_replicas)
        hold_reduced (replay, output);
      else
        hr_replay_drop (replay, output);
      output = copy;
    }
  if (held < self->n_gradients[group])
    hr_replay_drop (replay, self->gradients[group][held]);
  self->n_gradients[group] = 0;
  if ((replay->has_gradients && !self->waits) || self->is_offloaded)
    hr_replay_drop (replay, output);
  else
    hr_replay_leave (replay, output);
}

/* Layers of towers that get no gradient, where what was gathered stays (FSDPParamGroup.post_backward). */
static void
let_unreached_go (HrReplay *replay)
{
  const HrSharding *self = replay->sharding;
  guint bytes = hr_element_get_bytes (replay->parameter_dtype);

  for (guint i = 0; self->stays_gathered && hr_sharding_has_root (self) && i < self->n_stacks; i++)
    {
      const HrShardedStack *layers = &self->stacks[i];

      for (guint j = layers->n_layers - layers->n_unreached; j < layers->n_layers; j++)
        hr_ledger_remove (&replay->ledger, HR_COMPONENT_TEMPORARY,
                          hr_ledger_round (layers->layers[j].n_part * self->n_ranks * bytes));
    }
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
  /* What was gathered for embeddings that get no gradient, and never used (finalize_backward). */
  hr_replay_drop (replay, replay->sharding->ahead);
  hr_replay_drop (replay, replay->sharding->unused);
  let_unreached_go (replay);
  hr_ledger_remove (&replay->ledger, HR_COMPONENT_COMMUNICATION, count_held_bytes (replay->sharding));
  replay->sharding = NULL;
}
