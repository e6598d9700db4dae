/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-sharding-unit.h"

#include "hr-autograd.h"
#include "hr-sharding-flat.h"
#include "hr-sharding-stacks.h"

/*
 * fsdp_auto_wrap_policy of peft/utils/other.py puts each linear layer that is trained into a
 * FullyShardedDataParallel of its own, inside that of the layer, whose parameters are frozen: it is gathered before
 * it runs, forwards and back, and reduced as soon as its gradient is there. What comes next in the backward pass,
 * by the order in which forward passes have ended (_exec_order_utils.py), is the one before it in its layer, and
 * the layer before behind the first.
 */

/*
 * hr_sharding_takes_units:
 * @trained: what is trained
 * @scores_sequences: whether the head scores sequences, of which a copy may be trained as well
 *
 * Checks whether that is matrices which are added to linear layers alone.
 *
 * Returns: whether it is
 */
gboolean
hr_sharding_takes_units (const HrTrainables *trained,
                         gboolean            scores_sequences)
{
  for (guint i = 0; i < hr_trainables_get_n_items (trained); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (trained, i);

      if (!parameter->is_added || parameter->n_dimensions != 2 ||
          (parameter->role != HR_TENSOR_ROLE_LINEAR &&
           (parameter->role != HR_TENSOR_ROLE_OUTPUT || parameter->beside != NULL || !scores_sequences)))
        return FALSE;
    }

  return TRUE;
}

/*
 * hr_sharding_list_units:
 * @self: groups of flat parameters, of which those that are trained are matrices of their own
 * @trained: these
 *
 * Returns: (transfer full): what of them the first rank has
 */
HrTrainables *
hr_sharding_list_units (const HrSharding   *self,
                        const HrTrainables *trained)
{
  HrTrainables *list = hr_trainables_new ();

  for (guint i = 0; i < hr_trainables_get_n_items (trained); i++)
    {
      HrTrainable part = *hr_trainables_get_item (trained, i);

      part.n_elements = part.shape[0] = hr_sharding_round (self, part.n_elements) / self->n_ranks;
      part.n_dimensions = 1;
      /* A copy of the head is in the data type of the model, unless all that is trained is cast. */
      if (self->is_mixed)
        part.element = self->element;
      hr_trainables_add (list, &part);
    }

  return list;
}

/*
 * hr_sharding_choose_element:
 * @replay: a tape
 * @element: what a matrix is held in that a method of fine-tuning adds
 *
 * Returns: what it is gathered in, where it is sharded, and what it is held in else
 */
HrElement
hr_sharding_choose_element (const HrReplay *replay,
                            HrElement       element)
{
  const HrSharding *self = replay->sharding;

  return self != NULL && (self->has_units || self->adds_matrices) && self->is_mixed ? self->gathered_element : element;
}

/* Says which unit is meant by %HR_SHARDED_UNIT. */
static void
choose_unit (HrReplay *replay,
             HrValue   parameter)
{
  HrSharding *self = replay->sharding;
  guint64 n = hr_value_get_elements (parameter, replay->symbols);

  self->chosen = parameter;
  self->n_elements[HR_SHARDED_UNIT] = self->is_aligned ? hr_sharding_round (self, n) : n;
  self->n_part[HR_SHARDED_UNIT] = hr_sharding_round (self, n) / self->n_ranks;
  replay->symbols[HR_SYMBOL_UNIT_SHARD] = self->n_elements[HR_SHARDED_UNIT];
  replay->symbols[HR_SYMBOL_UNIT_PART] = self->n_part[HR_SHARDED_UNIT];
  replay->symbols[HR_SYMBOL_UNIT_GATHERED] = self->n_part[HR_SHARDED_UNIT] * self->n_ranks;
}

/*
 * hr_sharding_begin_units:
 * @replay: a tape
 * @is_recomputing: whether a layer is computed anew
 *
 * Begins the forward pass of a layer.
 */
void
hr_sharding_begin_units (HrReplay *replay,
                         gboolean  is_recomputing)
{
  HrSharding *self = replay->sharding;

  if (self == NULL)
    return;

  self->is_recomputing = is_recomputing;
  self->units = (HrShardedUnits) { .last = HR_NO_VALUE };
  self->open = HR_NO_VALUE;
  if (is_recomputing)
    {
      self->open = self->weights[HR_SHARDED_UNIT];
      self->weights[HR_SHARDED_UNIT] = HR_NO_VALUE;
    }
}

/*
 * hr_sharding_end_units:
 * @replay: a tape
 *
 * Ends what hr_sharding_begin_units() has begun.
 */
void
hr_sharding_end_units (HrReplay *replay)
{
  HrSharding *self = replay->sharding;

  if (self == NULL)
    return;

  if (self->open.storage >= 0)
    {
      self->weights[HR_SHARDED_UNIT] = self->open;
      choose_unit (replay, self->units.last);
    }
  self->is_recomputing = FALSE;
}

/* Whether the unit that is entered next was gathered ahead. */
static gboolean
is_next_ahead (const HrSharding *self)
{
  guint ahead = self->open.storage >= 0 ? self->n_units - 1 : self->n_units;

  return self->is_recomputing && self->unit_ahead.storage >= 0 && self->units.n + 1 == ahead;
}

/* Whether the unit that was entered last stays as it is: what FSDP does around a forward pass is left out for it. */
static gboolean
is_open (const HrSharding *self)
{
  return self->is_recomputing && (self->stays_gathered || (self->open.storage >= 0 && self->units.n == self->n_units));
}

/*
 * hr_sharding_choose_seen_element:
 * @replay: a tape
 * @element: what a matrix is held in that a method of fine-tuning adds
 *
 * The module of a sharded matrix shows the view of what was gathered last, but for views of the original parameters,
 * which are put back (_use_sharded_views of torch/distributed/fsdp/_flat_param.py). Of these, one that was gathered
 * ahead of a layer that is computed anew would show what was gathered as well: its input counts as cast nevertheless.
 *
 * Returns: what PEFT finds its parameter to be in before it is gathered
 */
HrElement
hr_sharding_choose_seen_element (const HrReplay *replay,
                                 HrElement       element)
{
  const HrSharding *self = replay->sharding;

  return self != NULL && self->is_aligned ? element : hr_sharding_choose_element (replay, element);
}

/*
 * hr_sharding_enter_unit:
 * @replay: a tape
 * @parameter: a matrix that a method of fine-tuning adds
 *
 * Gathers the matrix before its linear layer runs.
 */
void
hr_sharding_enter_unit (HrReplay *replay,
                        HrValue   parameter)
{
  HrSharding *self = replay->sharding;
  guint n_made = replay->n_made;

  if (self == NULL || !self->has_units)
    return;

  /* What was gathered before its layer is computed anew is used there, let go of, and gathered once more. */
  if (is_next_ahead (self) && replay->n_made < replay->make_limit)
    hr_replay_assign (replay, &self->unit_ahead, HR_NO_VALUE);
  self->units.n++;
  if (is_open (self))
    {
      replay->n_made += self->n_unit_makes;
      return;
    }

  choose_unit (replay, parameter);
  hr_sharding_gather_flat (replay, HR_SHARDED_UNIT);
  self->n_unit_makes = replay->n_made - n_made;
}

/* _pre_backward_hook of torch/distributed/fsdp/_runtime_utils.py. */
static void
backward_unit (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  HrSharding *self = replay->sharding;
  const char *sentence = replay->sentence;

  self->weights[HR_SHARDED_UNIT] = self->unit_ahead;
  self->unit_ahead = HR_NO_VALUE;
  choose_unit (replay, node->inputs[1]);
  hr_sharding_gather_flat (replay, HR_SHARDED_UNIT);
  self->before = node->inputs[2];
  if (self->gathers_ahead == HR_BACKWARD_PREFETCH_BACKWARD_PRE)
    hr_sharding_gather_before (replay);
  replay->sentence = sentence;
  gradients[0] = hr_replay_hold (replay, gradient);
}

/*
 * hr_sharding_leave_unit:
 * @replay: a tape
 * @parameter: what hr_sharding_enter_unit() has gathered
 * @output: (inout): what its linear layer has made
 *
 * Lets go of the matrix, which is gathered again when the gradient of @output comes.
 */
void
hr_sharding_leave_unit (HrReplay *replay,
                        HrValue   parameter,
                        HrValue  *output)
{
  HrSharding *self = replay->sharding;
  HrValue shape = hr_value_detach (parameter);
  HrValue inputs[] = { *output, shape, HR_NO_VALUE };

  if (self == NULL || !self->has_units)
    return;

  inputs[2] = self->units.last;
  shape.storage = inputs[1].storage = -1;
  self->units.last = shape;
  if (!is_open (self))
    hr_sharding_let_go (replay, HR_SHARDED_UNIT);
  hr_autograd_record (replay, output, backward_unit, inputs, G_N_ELEMENTS (inputs));
}

/*
 * hr_sharding_await_units:
 * @replay: a tape
 * @units: those of the layer that is differentiated next
 *
 * Gathers what comes behind the layer itself, ahead (_prefetch_handle of _runtime_utils.py).
 */
void
hr_sharding_await_units (HrReplay       *replay,
                         HrShardedUnits  units)
{
  HrSharding *self = replay->sharding;

  self->before = units.last;
  if (self->gathers_ahead == HR_BACKWARD_PREFETCH_BACKWARD_PRE)
    hr_sharding_gather_before (replay);
}

/*
 * hr_sharding_gather_before:
 * @replay: a tape
 *
 * Gathers the unit that comes next in the backward pass, or the layer before.
 */
void
hr_sharding_gather_before (HrReplay *replay)
{
  HrSharding *self = replay->sharding;
  HrValue chosen = self->chosen;

  if (self->stays_gathered)
    return;

  if (self->before.n_symbols == 0)
    {
      if (!self->is_first)
        self->ahead = hr_sharding_gather_previous (replay);
      return;
    }

  choose_unit (replay, self->before);
  self->unit_ahead = hr_sharding_gather_anew (replay, HR_SHARDED_UNIT);
  if (chosen.n_symbols > 0)
    choose_unit (replay, chosen);
}

/*
 * hr_sharding_reduce_unit:
 * @replay: a tape
 * @gradient: (transfer full): the gradient of the matrix that was gathered last
 *
 * Reduces it, as soon as it is there.
 */
void
hr_sharding_reduce_unit (HrReplay *replay,
                         HrValue   gradient)
{
  HrSharding *self = replay->sharding;

  self->gradients[HR_SHARDED_UNIT][0] = gradient;
  self->n_gradients[HR_SHARDED_UNIT] = 1;
  hr_sharding_reduce_flat (replay, HR_SHARDED_UNIT);
}
