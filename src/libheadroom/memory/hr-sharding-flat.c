/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-sharding-flat.h"

#include "hr-autograd.h"
#include "hr-sharding-stacks.h"
#include "hr-sharding-unit.h"
#include "hr-tuning.h"

/*
 * FullyShardedDataParallel of torch/distributed/fsdp of torch 2.14: the parameters of each layer are one FlatParameter,
 * and those around the layers, which are the root's, another. A rank holds a part of each; all parts are gathered
 * before a layer runs, forwards and back, and its gradients are reduced to those of the part when all are there. Over
 * one rank nothing is sharded (NO_SHARD): copies in 16 bits (_mp_shard of _flat_param.py) take the place of what is
 * gathered. What is let go of counts as free at once, whichever streams still use it
 * (CUDACachingAllocator.cpp: allocated_bytes goes down in free ()).
 */

/* _get_aligned_numel of _flat_param.py: parameters begin at multiples of 16 bytes. */
#define ALIGNED_BYTES 16

/*
 * hr_sharding_round:
 * @self: groups of flat parameters
 * @n_elements: how many parameters there are
 *
 * Returns: as many, with what pads them to a multiple of the ranks
 */
guint64
hr_sharding_round (const HrSharding *self,
                   guint64           n_elements)
{
  return (n_elements + self->n_ranks - 1) / self->n_ranks * self->n_ranks;
}

static guint64
round_up (guint64 n,
          guint64 multiple)
{
  return (n + multiple - 1) / multiple * multiple;
}

/* What a parameter of @n elements begins behind. */
static guint64
align (const HrSharding *self,
       guint64           n_before)
{
  return self->is_aligned ? round_up (n_before, ALIGNED_BYTES / hr_element_get_bytes (self->gathered_element))
                          : n_before;
}

/*
 * How many elements stand for a tensor. Those of a matrix of bitsandbytes are stored in the dtype of all that is flat
 * with it (bnb_4bit_quant_storage); its scales are attributes of the parameter, and stay whole.
 */
static guint64
count_elements (const HrSharding      *self,
                const HrWeightStorage *storage,
                guint                  index,
                guint                  copy,
                guint64               *whole_bytes)
{
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint n_pieces = hr_weight_storage_list_pieces (storage, index, copy, pieces);
  guint64 bytes = 0;

  if (n_pieces == 0)
    return hr_model_get_tensor (storage->model, index)->n_elements;

  for (guint i = 0; i < n_pieces; i++)
    {
      if (pieces[i].is_payload)
        bytes += pieces[i].n_bytes;
      else
        *whole_bytes += hr_ledger_round (pieces[i].n_bytes);
    }

  return bytes / hr_element_get_bytes (self->frozen_element);
}

static void
add_parameter (HrSharding            *self,
               const HrWeightStorage *storage,
               guint64               *n_elements,
               guint                  index,
               guint                  first_copy)
{
  guint n_items = MAX (1, hr_model_get_tensor (storage->model, index)->n_items);

  for (guint i = 0; i < n_items; i++)
    *n_elements = align (self, *n_elements) +
                  count_elements (self, storage, index, first_copy + i, &self->whole_bytes);
}

/* Adds what of a tensor is in a layer, or all of it where that is -1. */
static void
add_layers (HrSharding            *self,
            const HrWeightStorage *storage,
            guint64               *n_elements,
            guint                  index,
            int                    layer)
{
  const HrTensor *tensor = hr_model_get_tensor (storage->model, index);

  for (guint i = 0; i < tensor->n_layers; i++)
    {
      if (layer < 0 || tensor->layers[i] == (guint) layer)
        add_parameter (self, storage, n_elements, index, i * hr_tensor_get_copies_of_layer (tensor));
    }
  if (tensor->n_layers == 0)
    add_parameter (self, storage, n_elements, index, 0);
}

/* The stack whose layers a tensor is in, or none of those around the layers. */
static const HrStack *
find_layers (HrModel        *model,
             const HrTensor *tensor)
{
  return hr_sharding_is_layered (model, tensor) ? hr_model_get_stack (model, tensor->stack) : NULL;
}

/* The parameters of a layer of a stack, or of those around the layers; as many if they are padded. */
static guint64
count_parameters (HrSharding            *self,
                  const HrWeightStorage *storage,
                  const HrStack         *stack,
                  int                    layer)
{
  HrModel *model = storage->model;
  guint n_tensors = hr_model_get_n_tensors (model);
  guint64 n_elements = 0;

  for (guint i = 0; i < n_tensors; i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (tensor->tied_to == NULL && find_layers (model, tensor) == stack)
        add_layers (self, storage, &n_elements, i, layer);
    }

  return self->is_aligned ? hr_sharding_round (self, n_elements) : n_elements;
}

/* Puts the parameters of each layer of a stack into one. */
static void
flatten_layers (HrSharding            *self,
                const HrWeightStorage *storage,
                HrShardedStack        *layers)
{
  for (guint i = 0; i < layers->n_layers; i++)
    {
      HrShardedLayer *layer = &layers->layers[i];

      layer->n_elements = count_parameters (self, storage, layers->stack, i);
      layer->n_part = hr_sharding_round (self, layer->n_elements) / self->n_ranks;
    }
}

/*
 * hr_sharding_init_flat:
 * @self: (out): the groups
 * @storage: how the tensors of a model are stored
 * @settings: how it is set up
 *
 * Puts parameters into flat ones.
 */
void
hr_sharding_init_flat (HrSharding            *self,
                       const HrWeightStorage *storage,
                       const HrFlatSharding  *settings)
{
  *self = (HrSharding) {
    .is_sharded = TRUE, .element = settings->element, .is_tied = TRUE, .is_flat = TRUE,
    .is_offloaded = settings->is_offloaded, .n_ranks = settings->n_ranks, .is_aligned = settings->is_aligned,
    .stays_gathered = settings->stays_gathered && settings->n_ranks > 1, .gathers_ahead = settings->gathers_ahead,
    .reduced_element = settings->reduced_element, .gathered_element = settings->gathered_element,
    .is_mixed = settings->is_mixed, .has_units = settings->has_units, .frozen_element = settings->frozen_element,
    .reduces_each = settings->reduces_each,
  };
  hr_sharding_list_stacks (self, storage->model);
  self->n_elements[HR_SHARDED_HEAD] = count_parameters (self, storage, NULL, -1);
  self->n_part[HR_SHARDED_HEAD] = hr_sharding_round (self, self->n_elements[HR_SHARDED_HEAD]) / self->n_ranks;
  for (guint i = 0; i < self->n_stacks; i++)
    flatten_layers (self, storage, &self->stacks[i]);
}

static void
add_trained (const HrSharding *self,
             HrTrainables     *list,
             guint64           n_elements,
             guint             copies)
{
  HrTrainable part = {
    .shape = { n_elements }, .n_dimensions = 1, .n_elements = n_elements, .copies = copies, .element = self->element,
    .role = HR_TENSOR_ROLE_LINEAR,
  };

  if (n_elements > 0 && copies > 0)
    hr_trainables_add (list, &part);
}

/* Of a parameter that begins at a position those elements that lie between two others. */
static guint64
count_within (guint64 position,
              guint64 n_elements,
              guint64 start,
              guint64 end)
{
  guint64 first = MAX (position, start);
  guint64 last = MIN (position + n_elements, end);

  return last > first ? last - first : 0;
}

static gboolean
is_in_layer (const HrTensor *tensor,
             guint           layer)
{
  for (guint i = 0; i < tensor->n_layers; i++)
    {
      if (tensor->layers[i] == layer)
        return TRUE;
    }

  return FALSE;
}

/*
 * What of each parameter of a layer of a stack, or around the layers, lies in the part of a rank, and is stepped.
 * Returns how many elements these are.
 */
static guint64
add_views (const HrSharding *self,
           HrTrainables     *list,
           HrModel          *model,
           const HrStepped  *stepped,
           const HrStack    *stack,
           guint             layer,
           guint64           rank,
           guint64           n_part,
           guint             copies)
{
  guint n_tensors = hr_model_get_n_tensors (model);
  guint64 position = 0, n = 0;

  for (guint i = 0; i < n_tensors; i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      guint64 n_items = MAX (1, tensor->n_items);

      if (tensor->tied_to != NULL || find_layers (model, tensor) != stack ||
          (stack != NULL && !is_in_layer (tensor, layer)))
        continue;
      if (stack == NULL)
        n_items *= MAX (1, tensor->n_layers);
      for (guint64 j = 0; j < n_items; j++)
        {
          guint64 n_within;

          position = align (self, position);
          n_within = hr_tuning_steps (stepped->tuning, tensor->block)
                       ? count_within (position, tensor->n_elements, rank * n_part, (rank + 1) * n_part) : 0;
          if (list != NULL)
            add_trained (self, list, n_within, copies);
          n += n_within;
          position += tensor->n_elements;
        }
    }

  return n;
}

/* The first rank that steps most of what is around the layers, of which parts may be frozen. */
static guint64
find_rank (const HrSharding *self,
           HrModel          *model,
           const HrStepped  *stepped)
{
  guint64 rank = 0, most = 0;

  for (guint64 i = 0; i < self->n_ranks && self->is_aligned; i++)
    {
      guint64 n = add_views (self, NULL, model, stepped, NULL, 0, i, self->n_part[HR_SHARDED_HEAD], 1);

      if (n > most)
        rank = i;
      most = MAX (most, n);
    }

  return hr_tuning_freezes_any (stepped->tuning) ? rank : 0;
}

/* What is stepped of a flat parameter: all of it, or views of what it is made of. */
static void
add_stepped (const HrSharding *self,
             HrTrainables     *list,
             HrModel          *model,
             const HrStepped  *stepped,
             const HrStack    *stack,
             guint             layer,
             guint64           rank,
             guint64           n_part,
             guint             copies)
{
  if (self->is_aligned)
    add_views (self, list, model, stepped, stack, layer, rank, n_part, copies);
  else
    add_trained (self, list, n_part, copies);
}

/*
 * hr_sharding_list_flat:
 * @self: groups of flat parameters
 * @model: the model that they are of
 * @stepped: what of it is stepped
 *
 * Returns: (transfer full): what the optimizer of a rank steps: the first, or that which has most where parts are
 *   frozen
 */
HrTrainables *
hr_sharding_list_flat (const HrSharding *self,
                       HrModel          *model,
                       const HrStepped  *stepped)
{
  HrTrainables *list = hr_trainables_new ();
  guint64 rank = find_rank (self, model, stepped);

  for (guint i = 0; i < self->n_stacks; i++)
    {
      const HrShardedStack *layers = &self->stacks[i];
      guint n_reached = hr_sharding_count_reached (layers, stepped->reach);

      for (guint j = 0; j < n_reached; j++)
        {
          if (!layers->layers[j].is_passed_by)
            add_stepped (self, list, model, stepped, layers->stack, j, rank, layers->layers[j].n_part,
                         hr_sharding_count_alike (layers, j, n_reached));
        }
    }
  add_stepped (self, list, model, stepped, NULL, 0, rank, self->n_part[HR_SHARDED_HEAD], 1);

  return list;
}

/* Frozen parameters are not cast to fp32 (Accelerator.prepare_model). */
static HrElement
get_held_element (const HrSharding *self,
                  HrShardedGroup    group)
{
  if (group == HR_SHARDED_LAYER && self->is_frozen)
    return self->frozen_element;

  return self->has_units && group != HR_SHARDED_UNIT ? self->frozen_element : self->element;
}

/* Without a policy each flat parameter is gathered and reduced in what it is held in. */
static HrElement
get_gathered_element (const HrReplay *replay,
                      HrShardedGroup  group)
{
  const HrSharding *self = replay->sharding;

  if (group == HR_SHARDED_UNIT)
    return self->is_mixed ? self->gathered_element : self->element;

  return replay->parameter_dtype;
}

static HrElement
get_reduced_element (const HrSharding *self,
                     HrShardedGroup    group)
{
  return group == HR_SHARDED_UNIT && !self->is_mixed ? self->element : self->reduced_element;
}

/*
 * hr_sharding_get_buffer_element:
 * @replay: a tape
 *
 * Returns: what buffers of fp32 are in, such as frequencies of rotations: FullyShardedDataParallel casts them where a
 *   policy says what is computed in (_cast_buffers_to_dtype_and_device of torch/distributed/fsdp/_runtime_utils.py,
 *   FullyShardedDataParallelPlugin.set_mixed_precision of accelerate)
 */
HrElement
hr_sharding_get_buffer_element (const HrReplay *replay)
{
  const HrSharding *self = replay->sharding;

  return self != NULL && self->is_flat && self->is_mixed ? self->gathered_element : HR_ELEMENT_FLOAT32;
}

/*
 * hr_sharding_get_part_bytes:
 * @self: groups of flat parameters
 *
 * Returns: what the parameters of a rank take
 */
guint64
hr_sharding_get_part_bytes (const HrSharding *self)
{
  guint element = hr_element_get_bytes (get_held_element (self, HR_SHARDED_HEAD));
  guint64 bytes = hr_ledger_round (self->n_part[HR_SHARDED_HEAD] * element);

  for (guint i = 0; i < self->n_stacks; i++)
    bytes += hr_sharding_sum_layers (&self->stacks[i], self->stacks[i].n_layers,
                                     self->stacks[i].is_frozen ? hr_element_get_bytes (self->frozen_element) : element);

  return bytes;
}

static guint64
get_bytes (HrReplay       *replay,
           HrShardedGroup  group,
           HrShardedSize   size)
{
  guint64 n = replay->symbols[hr_sharding_get_symbol (group, size)];

  return hr_ledger_round (n * hr_element_get_bytes (get_gathered_element (replay, group)));
}

static HrValue
get_shape (HrElement      element,
           HrShardedGroup group,
           HrShardedSize  size)
{
  return HR_SHAPE (element, hr_sharding_get_symbol (group, size));
}

/*
 * _use_low_precision_shard of _flat_param.py; what waits on the host comes to the device in what it is held in
 * (flat_param._local_shard.to (self.device)).
 */
static HrValue
copy_part (HrReplay       *replay,
           HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  HrElement held = get_held_element (self, group);
  HrElement gathered = get_gathered_element (replay, group);
  HrValue copy = HR_NO_VALUE;

  replay->sentence = N_("while parameters are copied to the data type that is computed in");
  if (held != gathered || self->is_offloaded)
    copy = hr_replay_make (replay, "copy_", "_mp_shard", HR_COMPONENT_TEMPORARY,
                           get_shape (gathered, group, HR_SHARDED_PART));
  if (self->is_offloaded && held != gathered)
    hr_replay_drop (replay, hr_replay_make (replay, "_to_copy", "_local_shard", HR_COMPONENT_TEMPORARY,
                                            get_shape (held, group, HR_SHARDED_PART)));

  return copy;
}

/*
 * hr_sharding_gather_anew:
 * @replay: a tape
 * @group: a group
 *
 * FlatParamHandle.pre_unshard, unshard and post_unshard of _flat_param.py.
 *
 * Returns: (transfer full): the parameters of the group
 */
HrValue
hr_sharding_gather_anew (HrReplay       *replay,
                         HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  HrValue copy = copy_part (replay, group);
  HrValue gathered;

  if (self->n_ranks == 1)
    return copy;

  replay->sentence = N_("while parameters of all ranks are gathered");
  gathered = hr_replay_make (replay, "all_gather", "_full_param_padded", HR_COMPONENT_COMMUNICATION,
                             get_shape (get_gathered_element (replay, group), group, HR_SHARDED_GATHERED));
  hr_replay_drop (replay, copy);

  return gathered;
}

static gboolean
is_there (const HrSharding *self,
          HrShardedGroup    group)
{
  if (self->weights[group].storage >= 0)
    return TRUE;
  if (group == HR_SHARDED_HEAD)
    return self->holds_rest;

  return self->stays_gathered && (self->is_backward || (self->has_layers && group != HR_SHARDED_UNIT));
}

/*
 * hr_sharding_gather_flat:
 * @replay: a tape
 * @group: a group
 *
 * Gathers the parameters of a group, if they are not there.
 */
void
hr_sharding_gather_flat (HrReplay       *replay,
                         HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;

  if (is_there (self, group))
    return;

  self->weights[group] = hr_sharding_gather_anew (replay, group);
}

/* Behind the first layer of a stack comes the last one of the tower that has run before it, if it has a gradient. */
static HrValue
gather_behind (HrReplay *replay)
{
  const HrSharding *self = replay->sharding;

  if (self->behind == NULL || self->stays_gathered || !self->is_first)
    return HR_NO_VALUE;

  return hr_sharding_gather_layer (replay, self->behind, self->behind->n_layers - 1);
}

/*
 * hr_sharding_gather_ahead:
 * @replay: a tape
 * @is_first: whether no layer is before the one that is differentiated now
 * @awaits_units: whether those matrices in it have been in a graph that are gathered by themselves
 * @units: these
 *
 * BackwardPrefetch.BACKWARD_PRE of FullyShardedDataParallel: what the next layer needs is gathered before this one is
 * differentiated (_prefetch_handle of _runtime_utils.py).
 */
void
hr_sharding_gather_ahead (HrReplay       *replay,
                          gboolean        is_first,
                          gboolean        awaits_units,
                          HrShardedUnits  units)
{
  HrSharding *self = replay->sharding;

  if (self == NULL)
    return;
  if (!self->is_flat)
    {
      hr_sharding_gather_next (replay, is_first);
      return;
    }

  self->is_first = is_first;
  self->n_units = units.n;
  if (units.n > 0)
    {
      if (awaits_units)
        hr_sharding_await_units (replay, units);
      return;
    }
  if (self->gathers_ahead == HR_BACKWARD_PREFETCH_BACKWARD_PRE && !is_first && !self->stays_gathered)
    self->ahead = hr_sharding_gather_previous (replay);
  else if (self->gathers_ahead == HR_BACKWARD_PREFETCH_BACKWARD_PRE)
    self->ahead = gather_behind (replay);
}

/*
 * hr_sharding_begin_backward:
 * @replay: a tape
 *
 * _pre_backward_hook of the root, which the gradient of what the model has returned sets off.
 */
void
hr_sharding_begin_backward (HrReplay *replay)
{
  HrSharding *self = replay->sharding;
  const char *sentence = replay->sentence;

  if (self == NULL || !self->is_flat)
    return;

  self->is_backward = TRUE;
  hr_sharding_gather_flat (replay, HR_SHARDED_HEAD);
  hr_sharding_enter_stack (replay, self->stack);
  if (self->gathers_ahead == HR_BACKWARD_PREFETCH_BACKWARD_PRE)
    hr_sharding_gather_flat (replay, HR_SHARDED_LAYER);
  replay->sentence = sentence;
}

static void
backward_leave (HrReplay     *replay,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  hr_sharding_begin_backward (replay);
  gradients[0] = hr_replay_hold (replay, gradient);
}

/*
 * hr_sharding_leave:
 * @replay: a tape
 * @output: (inout): what the model returns
 *
 * Ends the function of a model of flat parameters: what is not sharded of those around the layers goes
 * (_post_forward_reshard of _runtime_utils.py), and comes back when the gradient of what was returned does.
 */
void
hr_sharding_leave (HrReplay *replay,
                   HrValue  *output)
{
  HrSharding *self = replay->sharding;
  HrValue inner = *output;

  if (self == NULL || !self->is_flat)
    return;

  self->has_layers |= self->stays_gathered;
  if (self->n_ranks == 1)
    {
      hr_replay_drop (replay, self->weights[HR_SHARDED_HEAD]);
      self->weights[HR_SHARDED_HEAD] = HR_NO_VALUE;
    }
  hr_autograd_record (replay, output, backward_leave, &inner, 1);
}

/* Gathers a group in what it is held in. */
static HrValue
summon_group (HrReplay       *replay,
              HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  HrElement held = get_held_element (self, group);
  HrValue copy = HR_NO_VALUE;
  HrValue gathered;

  replay->sentence = N_("while parameters of all ranks are gathered");
  if (self->is_offloaded)
    copy = hr_replay_make (replay, "_to_copy", "_local_shard", HR_COMPONENT_TEMPORARY,
                           get_shape (held, group, HR_SHARDED_PART));
  gathered = hr_replay_make (replay, "all_gather", "_full_prec_full_param_padded", HR_COMPONENT_COMMUNICATION,
                             get_shape (held, group, HR_SHARDED_GATHERED));
  hr_replay_drop (replay, copy);

  return gathered;
}

/*
 * hr_sharding_summon:
 * @replay: a tape
 *
 * FullyShardedDataParallel.summon_full_params without recursion: what is around the layers is gathered in what it is
 * held in (_force_full_precision of _flat_param.py), so that what passes through the layers, and what is cached of it,
 * is in that as well, while the layers are gathered as ever.
 */
void
hr_sharding_summon (HrReplay *replay)
{
  HrSharding *self = replay->sharding;
  HrStretch stretch;

  if (self == NULL || !self->is_flat)
    return;

  hr_replay_begin (replay, &stretch, NULL, -1);
  self->weights[HR_SHARDED_HEAD] = summon_group (replay, HR_SHARDED_HEAD);
  hr_replay_end (replay);
  self->is_summoned = TRUE;
  replay->dtype = get_held_element (self, HR_SHARDED_HEAD);
}

/*
 * hr_sharding_show_around:
 * @replay: a tape
 * @is_around: whether what is around the layers runs, or a layer
 *
 * Says what the parameters of the modules are in that run.
 */
void
hr_sharding_show_around (HrReplay *replay,
                         gboolean  is_around)
{
  const HrSharding *self = replay->sharding;

  if (self != NULL && self->is_summoned)
    replay->parameter_dtype = is_around ? get_held_element (self, HR_SHARDED_HEAD) : self->gathered_element;
}

/*
 * hr_sharding_get_left_bytes:
 * @self: groups of parameters
 * @has_rest: whether those around the layers count as well
 *
 * Views of the original parameters let go of their gradients when they are set to none; those of the flat parameters
 * that these are views of stay until the root runs forwards (_reset_flat_param_grad_info_if_needed).
 *
 * Returns: what a rank has of gradients between a step and that
 */
guint64
hr_sharding_get_left_bytes (const HrSharding *self,
                            gboolean          has_rest)
{
  guint element = hr_element_get_bytes (self->element);
  guint64 bytes = 0;

  if (!self->is_sharded || !self->is_flat || !self->is_aligned || self->is_offloaded)
    return 0;
  if (self->has_units)
    return self->unit_bytes;

  for (guint i = 0; i < self->n_stacks; i++)
    bytes += hr_sharding_sum_layers (&self->stacks[i], self->stacks[i].n_layers, element);

  return bytes + (has_rest ? hr_ledger_round (self->n_part[HR_SHARDED_HEAD] * element) : 0);
}

/*
 * hr_sharding_leave_reading:
 * @replay: a tape, on which a model of flat parameters has read without gradients
 *
 * Lets go of what is around the layers, which stays gathered until a gradient comes, where somebody asks for that
 * (FlatParamHandle.reshard).
 */
void
hr_sharding_leave_reading (HrReplay *replay)
{
  HrSharding *self = replay->sharding;

  if (self == NULL || !self->is_flat)
    return;

  hr_replay_drop (replay, self->weights[HR_SHARDED_HEAD]);
  self->weights[HR_SHARDED_HEAD] = HR_NO_VALUE;
}

/* One flat parameter after the other; layers that are alike stand for each other. */
static void
push_groups (HrReplay *replay)
{
  const HrSharding *self = replay->sharding;
  const HrShardedStack *layers = hr_sharding_find_stack (replay->sharding, self->stack);

  for (guint i = 0; i < layers->n_layers; i++)
    {
      if (hr_sharding_count_alike (layers, i, layers->n_layers) == 0)
        continue;
      hr_sharding_enter_layer (replay, layers->stack, i);
      hr_replay_drop (replay, summon_group (replay, HR_SHARDED_LAYER));
    }
  hr_replay_drop (replay, summon_group (replay, HR_SHARDED_HEAD));
}

/* What adapters add to a module, while it is merged and when that is taken back. */
static void
merge_adapters (HrReplay *replay)
{
  replay->sentence = N_("while adapters are merged for vLLM");
  replay->symbols[HR_SYMBOL_KEPT] = replay->sharding->merge_bytes;
  hr_replay_drop (replay, hr_replay_make (replay, "mm, mul", "delta_weight", HR_COMPONENT_TEMPORARY,
                                          HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT)));
}

/* DTensor.full_tensor, of one parameter after the other: PEFT merges adapters before, which are none of them. */
static void
push_largest (HrReplay *replay)
{
  HrSharding *self = replay->sharding;
  guint64 bytes = hr_element_get_bytes (self->adds_matrices ? self->frozen_element : self->element);
  HrValue copy = HR_NO_VALUE;
  HrValue gathered;

  if (self->merge_bytes > 0)
    merge_adapters (replay);

  replay->sentence = N_("while parameters of all ranks are gathered");
  replay->symbols[HR_SYMBOL_KEPT] = self->n_largest / self->n_ranks * bytes;
  if (self->is_offloaded)
    copy = hr_replay_make (replay, "_to_copy", "param", HR_COMPONENT_TEMPORARY,
                           HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
  replay->symbols[HR_SYMBOL_KEPT] = self->n_largest * bytes;
  gathered = hr_replay_make (replay, "all_gather", "param.full_tensor ()", HR_COMPONENT_COMMUNICATION,
                             HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
  hr_replay_drop (replay, gathered);
  hr_replay_drop (replay, copy);
}

/*
 * hr_sharding_push:
 * @replay: a tape
 *
 * VLLMGeneration._sync_fsdp1_params_to_vllm and _sync_fsdp2_params_to_vllm of trl/generation/vllm_generation.py: flat
 * parameters are gathered one by one, and those of fully_shard parameter by parameter, in what they are held in.
 */
void
hr_sharding_push (HrReplay *replay)
{
  HrSharding *self = replay->sharding;
  HrStretch stretch;

  if (self == NULL)
    return;

  hr_replay_begin (replay, &stretch, NULL, -1);
  if (self->is_flat)
    push_groups (replay);
  else
    push_largest (replay);
  hr_replay_end (replay);
}

/*
 * hr_sharding_get_rest_bytes:
 * @self: groups of parameters, of which nothing is trained
 *
 * Returns: what stays gathered of them from one forward pass to the next
 */
guint64
hr_sharding_get_rest_bytes (const HrSharding *self)
{
  guint element = hr_element_get_bytes (self->gathered_element);
  guint64 bytes = self->holds_rest ? hr_ledger_round (self->n_part[HR_SHARDED_HEAD] * self->n_ranks * element) : 0;

  for (guint i = 0; self->holds_rest && self->stays_gathered && i < self->n_stacks; i++)
    bytes += hr_sharding_sum_layers (&self->stacks[i], self->stacks[i].n_layers, self->n_ranks * element);

  return bytes;
}

/* _post_backward_reshard of _runtime_utils.py. */
static void
let_go (HrReplay       *replay,
        HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;

  if (self->weights[group].storage >= 0)
    hr_replay_drop (replay, self->weights[group]);
  else if (self->stays_gathered)
    hr_replay_remove (replay, HR_COMPONENT_COMMUNICATION, get_bytes (replay, group, HR_SHARDED_GATHERED));
  self->weights[group] = HR_NO_VALUE;
  if (group == HR_SHARDED_UNIT && self->gathers_ahead == HR_BACKWARD_PREFETCH_BACKWARD_POST)
    hr_sharding_gather_before (replay);
  if (group != HR_SHARDED_LAYER)
    return;

  self->weights[group] = self->ahead;
  self->ahead = HR_NO_VALUE;
  if (self->gathers_ahead != HR_BACKWARD_PREFETCH_BACKWARD_POST || self->n_units > 0)
    return;
  if (self->is_first)
    self->weights[group] = gather_behind (replay);
  else if (!is_there (self, group))
    self->weights[group] = hr_sharding_gather_previous (replay);
}

/* _reduce_grad and _accumulate_sharded_grad of _runtime_utils.py. */
static void
reduce_to_part (HrReplay       *replay,
                HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  gboolean is_padded = self->n_elements[group] % self->n_ranks != 0;
  HrElement reduced = get_reduced_element (self, group);
  HrValue wide = HR_NO_VALUE, padded = HR_NO_VALUE;
  HrValue part;

  if (reduced != get_gathered_element (replay, group))
    wide = hr_replay_make (replay, "_to_copy", "flat_param.grad", HR_COMPONENT_GRADIENTS,
                           get_shape (reduced, group, HR_SHARDED_ALL));
  if (is_padded)
    padded = hr_replay_make (replay, "pad", "padded_unsharded_grad", HR_COMPONENT_TEMPORARY,
                             get_shape (reduced, group, HR_SHARDED_GATHERED));
  part = hr_replay_make (replay, "empty_like", "new_sharded_grad", HR_COMPONENT_GRADIENTS,
                         get_shape (reduced, group, HR_SHARDED_PART));
  if (self->element != reduced)
    hr_replay_assign (replay, &part, hr_replay_make (replay, "_to_copy", "sharded_grad", HR_COMPONENT_GRADIENTS,
                                                     get_shape (self->element, group, HR_SHARDED_PART)));
  if (self->is_offloaded || (self->reduces_each && replay->has_gradients))
    hr_replay_drop (replay, part);
  else
    hr_replay_leave (replay, part);
  hr_replay_drop (replay, padded);
  hr_replay_drop (replay, wide);
}

/* Over one rank gradients become those of what is held, or are added into those that are there. */
static void
reduce_alone (HrReplay       *replay,
              HrShardedGroup  group,
              HrValue         flat)
{
  HrSharding *self = replay->sharding;
  HrValue copy;

  if (!replay->has_gradients && self->element == replay->parameter_dtype)
    {
      hr_replay_leave (replay, flat);
      return;
    }

  if (!replay->has_gradients)
    {
      copy = hr_replay_make (replay, "_to_copy", "flat_param.grad", HR_COMPONENT_GRADIENTS,
                             get_shape (self->element, group, HR_SHARDED_ALL));
      hr_replay_leave (replay, copy);
    }
  hr_replay_drop (replay, flat);
}

/*
 * hr_sharding_reduce_flat:
 * @replay: a tape
 * @group: a group
 *
 * SplitWithSizesBackward puts the gradients of a group into one piece, which is the flat parameter's; when what was
 * gathered has gone, it is reduced (_post_backward_hook of _runtime_utils.py). Those of all micro-batches but the last
 * of a step stay whole (no_sync), and are added up, or each is reduced and added to what is there.
 */
void
hr_sharding_reduce_flat (HrReplay       *replay,
                         HrShardedGroup  group)
{
  HrSharding *self = replay->sharding;
  HrValue shape = get_shape (get_gathered_element (replay, group), group, HR_SHARDED_ALL);
  gboolean is_reduced = self->is_last || self->reduces_each;
  gboolean is_held = self->n_ranks > 1 && replay->has_gradients && !self->reduces_each;
  HrValue flat;

  /* A flat parameter that is frozen has no gradient. */
  if ((self->has_units && group != HR_SHARDED_UNIT) || self->n_gradients[group] == 0)
    {
      let_go (replay, group);
      return;
    }

  replay->sentence = N_("in the backward pass, while gradients are put into one piece and reduced");
  flat = hr_replay_make (replay, "cat", "flat_param.grad", HR_COMPONENT_GRADIENTS, shape);
  for (guint i = 0; i < self->n_gradients[group]; i++)
    hr_replay_drop (replay, self->gradients[group][i]);
  self->n_gradients[group] = 0;
  if (is_held)
    hr_replay_assign (replay, &flat, HR_NO_VALUE);
  let_go (replay, group);
  if (self->n_ranks == 1)
    {
      reduce_alone (replay, group, flat);
      return;
    }

  if (is_reduced)
    reduce_to_part (replay, group);
  if (is_held && is_reduced)
    hr_replay_remove (replay, HR_COMPONENT_GRADIENTS, get_bytes (replay, group, HR_SHARDED_ALL));
  else if (!is_reduced && !is_held)
    hr_replay_leave (replay, flat);
  else
    hr_replay_drop (replay, flat);
}
