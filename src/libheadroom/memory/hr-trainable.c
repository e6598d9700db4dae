/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-trainable.h"

#include <string.h>

#include "hr-ledger.h"

struct _HrTrainables
{
  GArray *items;
};

/*
 * hr_trainables_new:
 *
 * Returns: (transfer full): a list without parameters
 */
HrTrainables *
hr_trainables_new (void)
{
  HrTrainables *self = g_new0 (HrTrainables, 1);

  self->items = g_array_new (FALSE, FALSE, sizeof (HrTrainable));

  return self;
}

/*
 * hr_trainable_get_element:
 * @tensor: a row of a model
 * @element: what that is loaded in
 *
 * Returns: what the tensor is held in
 */
HrElement
hr_trainable_get_element (const HrTensor *tensor,
                          HrElement       element)
{
  gboolean kept = tensor->kept_fp32 || (tensor->kept_from_float16 && element == HR_ELEMENT_FLOAT16);

  return kept && hr_element_get_bytes (element) < sizeof (float) ? HR_ELEMENT_FLOAT32 : element;
}

/*
 * transformers' classes have the matrices of all experts of a layer in one parameter, and gate and up in one
 * (…Experts in transformers/models), however a checkpoint stores them.
 */
static void
join_experts (HrTrainable    *trainable,
              const HrTensor *tensor,
              guint           n_matrices)
{
  for (guint i = trainable->n_dimensions; i > 0; i--)
    trainable->shape[i] = trainable->shape[i - 1];
  trainable->shape[0] = tensor->n_items;
  trainable->shape[1] *= n_matrices;
  trainable->n_dimensions++;
  trainable->n_elements *= tensor->n_items * n_matrices;
  trainable->copies /= tensor->n_items;
}

static gboolean
is_in_chain (const HrChain  *chain,
             const HrTensor *tensor)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].path == tensor->block)
        return TRUE;
    }

  return FALSE;
}

static gboolean
is_in_sublayer (const HrSublayer *sublayer,
                const HrTensor   *tensor)
{
  for (guint i = 0; i < sublayer->n_branches; i++)
    {
      if (is_in_chain (&sublayer->branches[i], tensor))
        return TRUE;
    }

  return is_in_chain (&sublayer->shared, tensor) || is_in_chain (&sublayer->after, tensor);
}

/* Whether a layer has the tensor, and does not compute with it. */
static gboolean
is_skipped (const HrStack  *stack,
            const HrTensor *tensor,
            guint           layer)
{
  const HrLayerClass *klass = &stack->layer_classes[stack->layer_class_of[layer]];

  for (guint i = 0; i < klass->n_skipped_sublayers; i++)
    {
      if (is_in_sublayer (&klass->skipped_sublayers[i], tensor))
        return TRUE;
    }

  return FALSE;
}

/* Whether a tensor is a table of tokens of a tower, which reads none (audio_bos_eos_token of Qwen2.5-Omni). */
static gboolean
is_table_of_tower (const HrStack  *stack,
                   const HrTensor *tensor)
{
  for (guint i = 0; stack->tower != HR_TOWER_UNKNOWN && i < stack->embeddings.n_blocks; i++)
    {
      const HrBlock *block = &stack->embeddings.blocks[i];

      if (block->kind == HR_BLOCK_TOKEN_EMBEDDING && block->path == tensor->block)
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_trainable_is_unread:
 * @model: a model
 * @tensor: one of its rows
 * @copy: which of its tensors
 *
 * Checks whether a tensor is of a layer of a tower behind the one whose output a projector reads, or of what comes
 * after the last: these run, and no gradient flows to them. Likewise for what a layer or a tower has and does not
 * compute with, such as the attention to an encoder of a decoder that has none.
 *
 * Returns: whether it is
 */
gboolean
hr_trainable_is_unread (HrModel        *model,
                        const HrTensor *tensor,
                        guint           copy)
{
  const HrStack *stack;
  guint layer = 0;

  if (tensor->stack >= hr_model_get_n_stacks (model))
    return FALSE;

  stack = hr_model_get_stack (model, tensor->stack);
  if (tensor->n_layers > 0)
    layer = tensor->layers[copy / hr_tensor_get_copies_of_layer (tensor)];
  if (tensor->n_layers > 0 && is_skipped (stack, tensor, layer))
    return TRUE;
  if (is_table_of_tower (stack, tensor))
    return TRUE;
  if (stack->tower == HR_TOWER_UNKNOWN || stack->feature_layer == 0)
    return FALSE;

  return tensor->n_layers == 0 ? is_in_chain (&stack->final, tensor) : layer >= stack->feature_layer;
}

/* How many of the last @n_layers layers of a tensor, or of the one that it is, those are of. */
static guint
count_unread (HrModel        *model,
              const HrTensor *tensor,
              guint           n_layers)
{
  guint64 copies_of_layer = hr_tensor_get_copies_of_layer (tensor);
  guint n = 0;

  if (tensor->n_layers == 0)
    return hr_trainable_is_unread (model, tensor, 0) ? n_layers : 0;

  n_layers = MIN (n_layers, tensor->n_layers);
  while (n < n_layers && hr_trainable_is_unread (model, tensor, (tensor->n_layers - 1 - n) * copies_of_layer))
    n++;

  return n;
}

/*
 * hr_trainable_is_passed_by:
 * @model: a model
 * @tensor: one of its rows
 * @copy: which of its tensors
 *
 * Checks whether a tensor is of a layer of a decoder that attends to images, and that text alone passes by (Mllama).
 *
 * Returns: whether it is
 */
gboolean
hr_trainable_is_passed_by (HrModel        *model,
                           const HrTensor *tensor,
                           guint           copy)
{
  const HrStack *stack;
  guint layer;

  if (tensor->stack >= hr_model_get_n_stacks (model) || tensor->n_layers == 0)
    return FALSE;

  stack = hr_model_get_stack (model, tensor->stack);
  layer = tensor->layers[copy / hr_tensor_get_copies_of_layer (tensor)];

  return stack->layer_classes[stack->layer_class_of[layer]].skipped;
}

/* How many of the last @n_layers layers of a tensor text alone passes by. */
static guint
count_passed_by (HrModel        *model,
                 const HrTensor *tensor,
                 guint           n_layers)
{
  guint64 copies_of_layer = hr_tensor_get_copies_of_layer (tensor);
  guint n = 0;

  for (guint i = 0; i < n_layers && i < tensor->n_layers; i++)
    n += hr_trainable_is_passed_by (model, tensor, (tensor->n_layers - 1 - i) * copies_of_layer);

  return n;
}

static guint
choose_all (const HrTensor *tensor,
            gpointer        user_data)
{
  return MAX (tensor->n_layers, 1);
}

/*
 * hr_trainables_new_for_model:
 * @model: a model
 * @element: what it is loaded in
 *
 * Lists all parameters of a model. A tensor that shares the storage of another is no parameter of its own.
 *
 * Returns: (transfer full): the list
 */
HrTrainables *
hr_trainables_new_for_model (HrModel   *model,
                             HrElement  element)
{
  HrTrainables *self = hr_trainables_new ();

  hr_trainables_add_model (self, model, element, choose_all, NULL);

  return self;
}

/* Layers that are passed by are of decoders, and those that nothing is read of are of towers. */
static void
add_by_reach (HrTrainables *self,
              HrTrainable   trainable,
              guint         n_layers,
              guint         n_passed_by,
              guint         n_unread)
{
  guint64 copies_of_layer = trainable.copies / n_layers;
  HrTrainable rest = trainable;

  trainable.copies = (n_layers - n_passed_by - n_unread) * copies_of_layer;
  if (trainable.copies > 0)
    hr_trainables_add (self, &trainable);
  rest.copies = (n_passed_by + n_unread) * copies_of_layer;
  rest.is_of_images |= n_passed_by > 0;
  rest.is_unreached = n_unread > 0;
  if (rest.copies > 0)
    hr_trainables_add (self, &rest);
}

/* Whether a tensor ends rows of tiles of images, where frames of videos have no such rows (LLaVA-NeXT-Video). */
static gboolean
is_of_images (HrModel        *model,
              const HrTensor *tensor)
{
  gboolean ends_rows = FALSE, averages = FALSE;

  for (guint i = 0; i < hr_model_get_n_stacks (model); i++)
    {
      const HrStack *stack = hr_model_get_stack (model, i);

      averages |= stack->frames == HR_FRAMES_AVERAGED;
      for (guint j = 0; j < stack->final.n_blocks; j++)
        {
          const HrBlock *block = &stack->final.blocks[j];

          ends_rows |= block->path == tensor->block && block->kind == HR_BLOCK_PARAMETER &&
                       block->parameter.use == HR_PARAMETER_NEWLINE;
        }
    }

  return averages && ends_rows;
}

/* Whether gate and up of experts are one parameter, which the row of the latter stands for. */
static gboolean
has_gate (HrModel        *model,
          const HrTensor *tensor)
{
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *other = hr_model_get_tensor (model, i);

      if (other->n_items > 0 && other->module == HR_MODULE_EXPERT_GATE && other->block == tensor->block)
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_trainable_init:
 * @self: (out): what the parameter is
 * @model: a model
 * @index: one of its rows
 * @element: what it is loaded in
 *
 * Looks up what transformers' class has for a row: where it has several in one, the last of these stands for it.
 *
 * Returns: how many parameters it has of it in a layer, or around the layers, and 0 where another row stands for it
 */
guint64
hr_trainable_init (HrTrainable *self,
                   HrModel     *model,
                   guint        index,
                   HrElement    element)
{
  const HrTensor *tensor = hr_model_get_tensor (model, index);

  *self = (HrTrainable) {
    .n_dimensions = tensor->n_dimensions, .n_elements = tensor->n_elements,
    .copies = hr_tensor_get_copies_of_layer (tensor),
    .element = hr_trainable_get_element (tensor, element),
    .role = tensor->role,
    .module = tensor->module,
    .stack = hr_trainable_get_stack_role (model, tensor),
    .heard = hr_trainable_get_hearing (model, tensor),
    .is_of_positions = tensor->is_of_positions,
    .is_of_images = is_of_images (model, tensor),
  };
  if (tensor->tied_to != NULL || (tensor->n_items > 0 && tensor->module == HR_MODULE_EXPERT_GATE))
    return 0;

  for (guint i = 0; i < tensor->n_dimensions; i++)
    self->shape[i] = tensor->shape[i];
  if (tensor->n_items > 0)
    join_experts (self, tensor, tensor->module == HR_MODULE_EXPERT_UP && has_gate (model, tensor) ? 2 : 1);

  return self->copies;
}

/*
 * hr_trainables_add_model:
 * @self: a list
 * @model: a model
 * @element: what it is loaded in
 * @filter: (scope call): which of its tensors are trained
 * @user_data: what @filter gets
 *
 * Appends parameters of a model.
 */
void
hr_trainables_add_model (HrTrainables   *self,
                         HrModel        *model,
                         HrElement       element,
                         HrTensorFilter  filter,
                         gpointer        user_data)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (HR_IS_MODEL (model));

  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      guint n_layers = filter (tensor, user_data);
      HrTrainable trainable;

      if (tensor->is_frozen || n_layers == 0 || hr_trainable_init (&trainable, model, i, element) == 0)
        continue;
      trainable.copies *= n_layers;
      add_by_reach (self, trainable, n_layers, count_passed_by (model, tensor, n_layers),
                    count_unread (model, tensor, n_layers));
    }
}

/*
 * hr_trainables_new_in_fp32:
 * @parameters: what is trained
 *
 * Lists the copies in fp32 that an optimizer works on instead of parameters of 16 bits, and the parameters that are in
 * fp32 or more themselves.
 *
 * Returns: (transfer full): the list
 */
HrTrainables *
hr_trainables_new_in_fp32 (const HrTrainables *parameters)
{
  HrTrainables *self = hr_trainables_new ();

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      HrTrainable parameter = *hr_trainables_get_item (parameters, i);

      if (hr_element_get_bytes (parameter.element) < sizeof (float))
        parameter.element = HR_ELEMENT_FLOAT32;
      hr_trainables_add (self, &parameter);
    }

  return self;
}

static void
add_flat (HrTrainables *self,
          guint64       n_elements,
          guint64       n_ranks)
{
  HrTrainable flat = { .n_dimensions = 1, .copies = 1, .element = HR_ELEMENT_FLOAT32, .role = HR_TENSOR_ROLE_LINEAR };

  flat.n_elements = flat.shape[0] = (n_elements + n_ranks - 1) / n_ranks;
  hr_trainables_add (self, &flat);
}

/*
 * hr_trainables_new_shared:
 * @parameters: the copies in fp32 that an optimizer works on
 * @n_ranks: how many ranks share them
 * @n_expert_ranks: how many share those of routed experts
 *
 * Lists what a rank has of parameters that lie one after the other in a buffer, of which each rank has as much
 * (DistributedOptimizer of megatron/core/optimizer/distrib_optimizer.py).
 *
 * Returns: (transfer full): the list
 */
HrTrainables *
hr_trainables_new_shared (const HrTrainables *parameters,
                          guint64             n_ranks,
                          guint64             n_expert_ranks)
{
  HrTrainables *self = hr_trainables_new ();
  guint64 n_experts = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);

      if (parameter->role == HR_TENSOR_ROLE_EXPERT)
        n_experts += parameter->n_elements * parameter->copies;
    }

  add_flat (self, hr_trainables_get_n_elements (parameters) - n_experts, n_ranks);
  if (n_experts > 0)
    add_flat (self, n_experts, n_expert_ranks);

  return self;
}

/*
 * hr_reach_includes:
 * @reach: what a batch has
 * @role: what a stack is for
 *
 * Towers are called with what they see or hear only.
 *
 * Returns: whether a batch passes the stack
 */
gboolean
hr_reach_includes (HrReach     reach,
                   HrStackRole role)
{
  switch (role)
    {
    case HR_STACK_DECODER:
    case HR_STACK_ENCODER:
      return TRUE;

    case HR_STACK_VISION:
      return (reach & HR_REACH_IMAGES) != 0;

    case HR_STACK_AUDIO:
      return (reach & HR_REACH_SOUNDS) != 0;

    case HR_STACK_PROJECTOR:
      return reach != HR_REACH_TEXT;

    case HR_STACK_SPEECH:
    case HR_N_STACK_ROLES:
    default:
      return FALSE;
    }
}

static gboolean
is_called (HrHearing heard,
           HrReach   reach)
{
  return heard == HR_HEARD_ANYHOW || ((reach & HR_REACH_IMAGES) != 0) == (heard == HR_HEARD_BESIDE_IMAGES);
}

/*
 * hr_trainable_gets_gradient:
 * @self: parameters
 * @reach: what a batch has
 *
 * Returns: whether a gradient comes to them
 */
gboolean
hr_trainable_gets_gradient (const HrTrainable *self,
                            HrReach            reach)
{
  return !self->is_unreached && hr_reach_includes (reach, self->stack) && is_called (self->heard, reach) &&
         (!self->is_of_images || (reach & HR_REACH_STILL_IMAGES) != 0);
}

/*
 * hr_trainables_new_reached:
 * @parameters: what is trained
 * @reach: what a batch has
 *
 * Lists the parameters that get a gradient. torch's optimizers pass by those that get none, and keep nothing for them
 * (`if p.grad is not None` in _init_group of torch/optim).
 *
 * Returns: (transfer full): the list
 */
HrTrainables *
hr_trainables_new_reached (const HrTrainables *parameters,
                           HrReach             reach)
{
  HrTrainables *self = hr_trainables_new ();

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);

      if (hr_trainable_gets_gradient (parameter, reach))
        hr_trainables_add (self, parameter);
    }

  return self;
}

void
hr_trainables_free (HrTrainables *self)
{
  g_return_if_fail (self != NULL);

  g_array_unref (self->items);
  g_free (self);
}

/*
 * hr_trainables_add:
 * @self: a list
 * @trainable: parameters, at least one
 *
 * Appends parameters of one shape.
 */
void
hr_trainables_add (HrTrainables      *self,
                   const HrTrainable *trainable)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (trainable != NULL && trainable->copies > 0);

  g_array_append_val (self->items, *trainable);
}

static gboolean
is_like (const HrTrainable *self,
         const HrTrainable *other)
{
  if (self->n_dimensions != other->n_dimensions || self->n_elements != other->n_elements ||
      self->element != other->element || self->role != other->role || self->module != other->module ||
      self->is_added != other->is_added || self->is_unreached != other->is_unreached ||
      self->stack != other->stack || self->heard != other->heard || self->is_of_images != other->is_of_images ||
      self->is_of_positions != other->is_of_positions || self->beside != other->beside ||
      (self->beside != NULL && self->first_copy + self->copies != other->first_copy))
    return FALSE;

  return memcmp (self->shape, other->shape, self->n_dimensions * sizeof self->shape[0]) == 0;
}

/*
 * hr_trainables_add_to:
 * @self: a list
 * @index: any number
 * @trainable: parameters, at least one
 *
 * Adds parameters to the row at @index, if there is one of their kind.
 *
 * Returns: whether there is
 */
gboolean
hr_trainables_add_to (HrTrainables      *self,
                      guint              index,
                      const HrTrainable *trainable)
{
  HrTrainable *row;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (trainable != NULL && trainable->copies > 0, FALSE);

  if (index >= self->items->len)
    return FALSE;

  row = &g_array_index (self->items, HrTrainable, index);
  if (!is_like (row, trainable))
    return FALSE;

  row->copies += trainable->copies;

  return TRUE;
}

/*
 * hr_trainables_foreach:
 * @self: parameters
 * @func: what to do with each
 * @user_data: what to hand over
 *
 * Goes through the parameters one by one: rows that stand for the parameters of several layers come by in turns.
 */
void
hr_trainables_foreach (const HrTrainables *self,
                       HrTrainableFunc     func,
                       gpointer            user_data)
{
  guint n = hr_trainables_get_n_items (self);
  guint end;

  for (guint first = 0; first < n; first = end)
    {
      guint64 copies = hr_trainables_get_item (self, first)->copies;

      for (end = first + 1; end < n && hr_trainables_get_item (self, end)->copies == copies; end++)
        ;
      for (guint64 i = 0; i < copies; i++)
        {
          for (guint j = first; j < end; j++)
            func (hr_trainables_get_item (self, j), user_data);
        }
    }
}

/*
 * hr_trainables_get_n_items:
 * @self: a list
 *
 * Returns: how many rows the list has
 */
guint
hr_trainables_get_n_items (const HrTrainables *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->items->len;
}

/*
 * hr_trainables_get_item:
 * @self: a list
 * @index: below hr_trainables_get_n_items()
 *
 * Returns: (transfer none): a row
 */
const HrTrainable *
hr_trainables_get_item (const HrTrainables *self,
                        guint               index)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (index < self->items->len, NULL);

  return &g_array_index (self->items, HrTrainable, index);
}

/*
 * hr_trainables_get_n_elements:
 * @self: a list
 *
 * Counts the parameters as `sum (p.numel () for p in model.parameters () if p.requires_grad)` does.
 *
 * Returns: the number of trained numbers
 */
guint64
hr_trainables_get_n_elements (const HrTrainables *self)
{
  guint64 sum = 0;

  g_return_val_if_fail (self != NULL, 0);

  for (guint i = 0; i < self->items->len; i++)
    {
      const HrTrainable *item = hr_trainables_get_item (self, i);

      sum += item->copies * item->n_elements;
    }

  return sum;
}

/*
 * hr_trainables_get_n_16_bit_elements:
 * @self: a list
 *
 * Returns: the number of trained numbers of 16 bits
 */
guint64
hr_trainables_get_n_16_bit_elements (const HrTrainables *self)
{
  guint64 sum = 0;

  g_return_val_if_fail (self != NULL, 0);

  for (guint i = 0; i < self->items->len; i++)
    {
      const HrTrainable *item = hr_trainables_get_item (self, i);

      if (hr_element_get_bytes (item->element) < sizeof (float))
        sum += item->copies * item->n_elements;
    }

  return sum;
}

/*
 * hr_trainables_get_n_parameters:
 * @self: a list
 *
 * Returns: how many tensors are trained
 */
guint64
hr_trainables_get_n_parameters (const HrTrainables *self)
{
  guint64 n = 0;

  g_return_val_if_fail (self != NULL, 0);

  for (guint i = 0; i < self->items->len; i++)
    n += hr_trainables_get_item (self, i)->copies;

  return n;
}

/*
 * hr_trainable_get_bytes:
 * @self: parameters of one shape
 *
 * Returns: what the allocator gives for one of them
 */
guint64
hr_trainable_get_bytes (const HrTrainable *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return hr_ledger_round (self->n_elements * hr_element_get_bytes (self->element));
}

/*
 * hr_trainable_is_reached:
 * @model: a model
 * @tensor: one of its rows
 *
 * Checks whether a batch of text passes what a tensor is in: towers and projectors are called with images or sounds
 * only, and what speaks reads what has been generated.
 *
 * Returns: whether the tensor gets a gradient, if it needs one
 */
gboolean
hr_trainable_is_reached (HrModel        *model,
                         const HrTensor *tensor)
{
  g_return_val_if_fail (HR_IS_MODEL (model), TRUE);
  g_return_val_if_fail (tensor != NULL, TRUE);

  return hr_reach_includes (HR_REACH_TEXT, hr_trainable_get_stack_role (model, tensor));
}

/* Whether a projector stands behind a tower of sounds, in a model that has one of pictures with another before it. */
static gboolean
is_of_sounds (HrModel *model,
              guint    index)
{
  gboolean has_pictures = FALSE, has_sounds = FALSE;

  if (hr_model_get_stack (model, index)->role != HR_STACK_PROJECTOR)
    return FALSE;

  for (guint i = 0; i < index; i++)
    {
      const HrStack *stack = hr_model_get_stack (model, i);

      has_pictures |= stack->role == HR_STACK_PROJECTOR && !has_sounds;
      has_sounds |= stack->role == HR_STACK_AUDIO;
    }

  return has_pictures && has_sounds;
}

/* Whether a projector is of the pictures alone, in a model that has another of sounds. */
static gboolean
is_of_pictures (HrModel *model,
                guint    index)
{
  if (hr_model_get_stack (model, index)->role != HR_STACK_PROJECTOR || is_of_sounds (model, index))
    return FALSE;

  for (guint i = index + 1; i < hr_model_get_n_stacks (model); i++)
    {
      if (is_of_sounds (model, i))
        return TRUE;
    }

  return FALSE;
}

/*
 * hr_trainable_get_hearing:
 * @model: a model
 * @tensor: one of its rows
 *
 * Returns: when what the tensor is in is called, of what is called with sounds
 */
HrHearing
hr_trainable_get_hearing (HrModel        *model,
                          const HrTensor *tensor)
{
  return tensor->stack < hr_model_get_n_stacks (model) ? hr_model_get_stack (model, tensor->stack)->heard
                                                       : HR_HEARD_ANYHOW;
}

/*
 * hr_trainable_get_stack_role:
 * @model: a model
 * @tensor: one of its rows
 *
 * Returns: what the stack is for that the tensor is in; the head is the decoder's
 */
HrStackRole
hr_trainable_get_stack_role (HrModel        *model,
                             const HrTensor *tensor)
{
  const HrStack *stack;

  if (tensor->stack >= hr_model_get_n_stacks (model))
    return HR_STACK_DECODER;

  stack = hr_model_get_stack (model, tensor->stack);

  if (is_of_pictures (model, tensor->stack))
    return HR_STACK_VISION;

  return is_of_sounds (model, tensor->stack) ? HR_STACK_AUDIO : stack->role;
}

/*
 * hr_trainables_get_bytes:
 * @self: a list
 * @added_only: whether only those are meant that a method adds to the model
 *
 * Returns: what the allocator gives for the parameters
 */
guint64
hr_trainables_get_bytes (const HrTrainables *self,
                         gboolean            added_only)
{
  guint64 sum = 0;

  g_return_val_if_fail (self != NULL, 0);

  for (guint i = 0; i < self->items->len; i++)
    {
      const HrTrainable *item = hr_trainables_get_item (self, i);

      if (!added_only || item->is_added)
        sum += item->copies * hr_trainable_get_bytes (item);
    }

  return sum;
}
