/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-sharding-rows.h"

#include "hr-sharding-stacks.h"
#include "hr-tuning.h"

/*
 * fsdp2_prepare_model of accelerate/utils/fsdp_utils.py (1.15): fully_shard gathers each layer of the text and of
 * towers, the table of tokens, and the last norm with the head, which stays from then on; what is beside them is the
 * root's, and there from the beginning of a micro-batch to its end.
 */

static HrShardedGroup
find_group (const HrSharding *self,
            HrModel          *model,
            const HrTensor   *tensor)
{
  gboolean is_text = tensor->stack >= hr_model_get_n_stacks (model) ||
                     hr_model_get_stack (model, tensor->stack)->role == HR_STACK_DECODER;

  if (hr_sharding_is_layered (model, tensor))
    return HR_SHARDED_LAYER;
  if (!is_text || tensor->n_layers > 0)
    return HR_SHARDED_ROOT;
  if (tensor->role == HR_TENSOR_ROLE_EMBEDDING && !tensor->is_of_positions)
    return self->is_tied ? HR_SHARDED_HEAD : HR_SHARDED_EMBEDDING;
  if (tensor->role == HR_TENSOR_ROLE_OUTPUT)
    return self->is_head_of_root ? HR_SHARDED_ROOT : HR_SHARDED_HEAD;

  return tensor->role == HR_TENSOR_ROLE_NORM && !self->is_norm_of_root ? HR_SHARDED_HEAD : HR_SHARDED_ROOT;
}

/* Parameters of a layer of a stack, or of a group of those around the layers. */
typedef struct
{
  guint64 n_elements;
  guint64 n_part;
  guint64 n_largest;
  guint64 held_bytes;
  guint64 whole_bytes;
  guint64 n_reduced;
  guint64 n_reduced_part;
  guint64 gradient_bytes;
} Sum;

static void
add_parameter (const HrSharding *self,
               guint64           rows,
               guint64           n_elements,
               HrElement         element,
               Sum              *sum)
{
  guint64 n_part = hr_sharding_count_part (self, rows, n_elements);

  sum->n_elements += n_elements;
  sum->n_part += n_part;
  sum->n_largest = MAX (sum->n_largest, n_part * self->n_ranks);
  sum->held_bytes += hr_ledger_round (n_part * hr_element_get_bytes (element));
}

/*
 * Numbers of four bits are stored in the data type of the rest, in one column (bnb_4bit_quant_storage; quantize_4bit of
 * bitsandbytes/functional.py); scales are attributes of the module, which each rank has whole (Linear4bit.quant_state).
 */
static void
add_pieces (const HrSharding    *self,
            const HrMatrixPiece *pieces,
            guint                n_pieces,
            HrElement            element,
            Sum                 *sum)
{
  guint64 bytes = 0, rows;

  for (guint i = 0; i < n_pieces; i++)
    {
      if (pieces[i].is_payload)
        bytes += pieces[i].n_bytes;
      else
        sum->whole_bytes += hr_ledger_round (pieces[i].n_bytes);
    }
  rows = bytes / hr_element_get_bytes (self->frozen_element);
  add_parameter (self, rows, rows, element, sum);
}

/* Adds what a layer has of a row of the model, or all around the layers: its copies from @first on. */
static void
add_row (const HrSharding      *self,
         const HrWeightStorage *storage,
         guint                  index,
         guint                  first,
         HrElement              element,
         Sum                   *sum)
{
  const HrTensor *tensor = hr_model_get_tensor (storage->model, index);
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  HrTrainable parameter;
  guint64 n_copies;

  if (hr_weight_storage_list_pieces (storage, index, first, pieces) > 0)
    {
      for (guint i = 0; i < hr_tensor_get_copies_of_layer (tensor); i++)
        add_pieces (self, pieces, hr_weight_storage_list_pieces (storage, index, first + i, pieces), element, sum);
      return;
    }

  n_copies = hr_trainable_init (&parameter, storage->model, index, self->gathered_element);
  for (guint64 i = 0; i < n_copies; i++)
    {
      guint64 rows = parameter.n_dimensions > 0 ? parameter.shape[0] : 1;

      add_parameter (self, rows, parameter.n_elements, element, sum);
      if (tensor->is_frozen)
        continue;
      sum->n_reduced += parameter.n_elements;
      sum->n_reduced_part += hr_sharding_count_part (self, rows, parameter.n_elements);
      sum->gradient_bytes +=
        hr_ledger_round (parameter.n_elements * hr_element_get_bytes (self->gathered_element));
    }
}

static HrElement
get_held_element (const HrSharding *self,
                  const HrTuning   *tuning,
                  const HrTensor   *tensor)
{
  return self->adds_matrices || !hr_tuning_steps (tuning, tensor->block) ? self->frozen_element : self->element;
}

static void
add_layer (const HrSharding      *self,
           const HrWeightStorage *storage,
           const HrTuning        *tuning,
           const HrStack         *stack,
           guint                  layer,
           Sum                   *sum)
{
  HrModel *model = storage->model;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (tensor->tied_to != NULL || !hr_sharding_is_layered (model, tensor) ||
          hr_model_get_stack (model, tensor->stack) != stack)
        continue;
      for (guint j = 0; j < tensor->n_layers; j++)
        {
          if (tensor->layers[j] == layer)
            add_row (self, storage, i, j * hr_tensor_get_copies_of_layer (tensor),
                     get_held_element (self, tuning, tensor), sum);
        }
    }
}

static void
add_group (const HrSharding      *self,
           const HrWeightStorage *storage,
           const HrTuning        *tuning,
           HrShardedGroup         group,
           Sum                   *sum)
{
  HrModel *model = storage->model;

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      if (tensor->tied_to != NULL || find_group (self, model, tensor) != group)
        continue;
      for (guint j = 0; j < MAX (tensor->n_layers, 1); j++)
        add_row (self, storage, i, j * hr_tensor_get_copies_of_layer (tensor),
                 get_held_element (self, tuning, tensor), sum);
    }
}

static const HrShardedGroup around[] = { HR_SHARDED_EMBEDDING, HR_SHARDED_HEAD, HR_SHARDED_ROOT };

/*
 * hr_sharding_init_rows:
 * @self: (out): the groups
 * @storage: how the tensors of a model are stored
 * @settings: how they are divided
 *
 * Sorts the parameters of a model into the groups that accelerate has fully_shard make of them.
 */
void
hr_sharding_init_rows (HrSharding            *self,
                       const HrWeightStorage *storage,
                       const HrRowSharding   *settings)
{
  HrModel *model = storage->model;

  *self = (HrSharding) {
    .is_sharded = TRUE, .element = settings->element, .frozen_element = settings->frozen_element,
    .gathered_element = settings->gathered_element, .reduced_element = settings->gathered_element,
    .n_ranks = settings->n_ranks, .is_mixed = settings->is_mixed, .is_norm_of_root = settings->hands_norms_to_root,
    .is_head_of_root = settings->scores_sequences,
    .waits = TRUE,
  };
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    self->is_tied |= hr_model_get_tensor (model, i)->tied_to != NULL;
  hr_sharding_list_stacks (self, model);
  for (guint i = 0; i < self->n_stacks; i++)
    {
      HrShardedStack *layers = &self->stacks[i];

      for (guint j = 0; j < layers->n_layers; j++)
        {
          Sum sum = { 0 };

          add_layer (self, storage, NULL, layers->stack, j, &sum);
          layers->layers[j] = (HrShardedLayer) {
            .n_elements = sum.n_elements, .n_part = sum.n_part, .gradient_bytes = sum.gradient_bytes,
            .n_reduced = sum.n_reduced, .n_reduced_part = sum.n_reduced_part,
          };
          self->n_largest = MAX (self->n_largest, sum.n_largest);
        }
    }
  for (guint i = 0; i < G_N_ELEMENTS (around); i++)
    {
      Sum sum = { 0 };

      add_group (self, storage, NULL, around[i], &sum);
      self->n_elements[around[i]] = sum.n_elements;
      self->n_part[around[i]] = sum.n_part;
      self->n_largest = MAX (self->n_largest, sum.n_largest);
    }
}

/*
 * hr_sharding_join_rows:
 * @self: groups of parameters
 * @storage: how the tensors of the model are stored
 *
 * Makes one group of all, as fully_shard does it of a model alone, in which nothing is frozen.
 */
void
hr_sharding_join_rows (HrSharding            *self,
                       const HrWeightStorage *storage)
{
  Sum sum = { 0 };

  for (guint i = 0; i < self->n_stacks; i++)
    {
      for (guint j = 0; j < self->stacks[i].n_layers; j++)
        add_layer (self, storage, NULL, self->stacks[i].stack, j, &sum);
    }
  for (guint i = 0; i < G_N_ELEMENTS (around); i++)
    add_group (self, storage, NULL, around[i], &sum);
  hr_sharding_clear (self);
  self->is_whole = TRUE;
  self->n_elements[HR_SHARDED_HEAD] = sum.n_elements;
  self->n_part[HR_SHARDED_HEAD] = sum.n_part;
  self->held_bytes = sum.held_bytes;
}

/* Parameters of a group that get a gradient, and what these take whole. */
static void
add_gradients (HrSharding        *self,
               HrModel           *model,
               const HrTuning    *tuning,
               const HrTrainables *reached)
{
  guint bytes = hr_element_get_bytes (self->gathered_element);
  guint64 n_part = 0, n_elements = 0, gradient_bytes = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (reached); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (reached, i);
      guint64 rows = parameter->n_dimensions > 0 ? parameter->shape[0] : 1;

      n_part += parameter->copies * hr_sharding_count_part (self, rows, parameter->n_elements);
      n_elements += parameter->copies * parameter->n_elements;
      gradient_bytes += parameter->copies * hr_ledger_round (parameter->n_elements * bytes);
    }
  for (guint i = 0; i < self->n_stacks; i++)
    {
      for (guint j = 0; j < self->stacks[i].n_reached; j++)
        {
          const HrShardedLayer *layer = &self->stacks[i].layers[j];

          if (layer->is_passed_by)
            continue;
          n_part -= layer->n_reduced_part;
          n_elements -= layer->n_reduced;
          gradient_bytes -= layer->gradient_bytes;
        }
    }
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      HrShardedGroup group = find_group (self, model, tensor);

      if (tensor->tied_to != NULL || (group != HR_SHARDED_EMBEDDING && group != HR_SHARDED_HEAD) ||
          !hr_tuning_steps (tuning, tensor->block))
        continue;
      n_part -= hr_sharding_count_part (self, tensor->shape[0], tensor->n_elements);
      n_elements -= tensor->n_elements;
      gradient_bytes -= hr_ledger_round (tensor->n_elements * bytes);
      self->gradient_bytes[group] += hr_ledger_round (tensor->n_elements * bytes);
    }
  self->n_part[HR_SHARDED_REACHED] = n_part;
  self->n_elements[HR_SHARDED_REACHED] = n_elements;
  self->gradient_bytes[HR_SHARDED_ROOT] = gradient_bytes;
}

static gboolean
reduces_any (const HrShardedStack *layers)
{
  for (guint i = 0; i < layers->n_layers; i++)
    {
      if (layers->layers[i].n_reduced > 0)
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_sharding_take_rows:
 * @self: groups of parameters
 * @storage: how the tensors of the model are stored
 * @tuning: (nullable): what of it is trained
 * @reach: what a batch has
 * @reached: parameters that get a gradient
 *
 * Says which parameters are trained, and what a rank holds of all of them: those that are not trained are cast to no
 * other data type.
 */
void
hr_sharding_take_rows (HrSharding            *self,
                       const HrWeightStorage *storage,
                       const HrTuning        *tuning,
                       HrReach                reach,
                       const HrTrainables    *reached)
{
  HrModel *model = storage->model;
  Sum sum = { 0 };

  hr_sharding_freeze_stacks (self, model, tuning);
  for (guint i = 0; i < self->n_stacks; i++)
    {
      HrShardedStack *layers = &self->stacks[i];

      if (!layers->is_frozen && reduces_any (layers))
        layers->n_reached = hr_sharding_count_reached (layers, reach);
      if (layers->stack->tower != HR_TOWER_UNKNOWN && hr_reach_includes (reach, layers->stack->role))
        layers->n_unreached = layers->n_layers - layers->n_reached;
      for (guint j = 0; j < layers->n_layers; j++)
        add_layer (self, storage, tuning, layers->stack, j, &sum);
    }
  for (guint i = 0; i < G_N_ELEMENTS (around); i++)
    add_group (self, storage, tuning, around[i], &sum);
  self->held_bytes = sum.held_bytes;
  self->whole_bytes = sum.whole_bytes;
  if (!self->adds_matrices)
    add_gradients (self, model, tuning, reached);
}

/* What a matrix adds to a group. */
typedef struct
{
  guint64 n_part;
  guint64 n_elements;
  guint64 gradient_bytes;
  guint64 n_gathered;
} Added;

/* What the model is loaded with is not reduced. */
static void
freeze_layers (HrShardedStack *layers)
{
  for (guint i = 0; i < layers->n_layers; i++)
    {
      HrShardedLayer *layer = &layers->layers[i];

      layer->n_reduced = layer->n_reduced_part = layer->gradient_bytes = 0;
    }
}

static void
add_to_layers (HrShardedStack    *layers,
               const HrTrainable *matrix,
               const Added       *added)
{
  guint n_copies = hr_tensor_get_copies_of_layer (matrix->beside);

  for (guint64 i = matrix->first_copy; i < matrix->first_copy + matrix->copies; i++)
    {
      HrShardedLayer *layer = &layers->layers[matrix->beside->layers[i / n_copies]];

      layer->n_reduced_part += added->n_part;
      layer->n_reduced += added->n_elements;
      layer->gradient_bytes += added->gradient_bytes;
      layer->n_part += added->n_gathered;
    }
}

/*
 * hr_sharding_add_rows:
 * @self: groups of parameters that are frozen
 * @model: the model that they are of
 * @added: matrices that a method of fine-tuning adds
 *
 * Has matrices be gathered with the layers that they are in, or with the root, and reduced alone. What is gathered at
 * once is bytes where not all of it is in one data type (_get_all_gather_input_metadatas of _fsdp_collectives.py).
 */
void
hr_sharding_add_rows (HrSharding         *self,
                      HrModel            *model,
                      const HrTrainables *added)
{
  HrElement element = self->is_mixed ? self->gathered_element : self->element;
  guint wide = hr_element_get_bytes (element), narrow = hr_element_get_bytes (self->gathered_element);

  self->adds_matrices = TRUE;
  for (guint i = 0; i < self->n_stacks; i++)
    freeze_layers (&self->stacks[i]);
  for (guint i = 0; i < hr_trainables_get_n_items (added); i++)
    {
      const HrTrainable *matrix = hr_trainables_get_item (added, i);
      Added one = {
        .n_part = hr_sharding_count_part (self, matrix->shape[0], matrix->n_elements),
        .n_elements = matrix->n_elements, .gradient_bytes = hr_ledger_round (matrix->n_elements * wide),
      };

      one.n_gathered = one.n_part * wide / narrow;
      if (matrix->beside != NULL && hr_sharding_is_layered (model, matrix->beside))
        {
          const HrStack *stack = hr_model_get_stack (model, matrix->beside->stack);

          add_to_layers (hr_sharding_find_stack (self, stack), matrix, &one);
        }
      else
        {
          self->n_part[HR_SHARDED_REACHED] += matrix->copies * one.n_part;
          self->n_elements[HR_SHARDED_REACHED] += matrix->copies * one.n_elements;
          self->n_part[HR_SHARDED_ROOT] += matrix->copies * one.n_gathered;
          self->gradient_bytes[HR_SHARDED_ROOT] += matrix->copies * one.gradient_bytes;
        }
    }
}
