/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-llama-tensors.h"

/* Sizes, types and names are found once for all placements of a plan that a fit tries. */

static guint
find_type (const char *name)
{
  for (guint i = 0; i < hr_ggml_type_get_n_types (); i++)
    {
      if (g_strcmp0 (hr_ggml_type_get_nth (i)->name, name) == 0)
        return hr_ggml_type_get_nth (i)->id;
    }

  return HR_GGML_F32;
}

/* The matrices of all experts of a layer are one tensor. */
static void
add (HrLlamaTensors    *self,
     const HrLlamaPlan *plan,
     guint              index,
     guint              nth,
     const char       **type_name)
{
  const HrWeightStorage *storage = &plan->pass->storage;
  const HrTensor *tensor = hr_model_get_tensor (plan->pass->model, index);
  guint n_items = hr_tensor_get_copies_of_layer (tensor);
  const char *name = hr_weight_storage_get_type (storage, index, nth * n_items);
  guint64 row = tensor->n_dimensions > 0 ? tensor->shape[tensor->n_dimensions - 1] : 1;
  guint64 bytes = hr_weight_storage_get_layer_bytes (storage, index, nth);
  HrLlamaTensor result = {
    .tensor = tensor,
    .layer = tensor->n_layers > 0 ? tensor->layers[nth] : plan->pass->stack->n_layers,
    .n_elements = tensor->n_elements * n_items,
  };
  const HrGgmlType *type;

  if (name != *type_name || self->rows->len == 0)
    result.type = find_type (name);
  else
    result.type = g_array_index (self->rows, HrLlamaTensor, self->rows->len - 1).type;
  *type_name = name;

  type = hr_ggml_type_get (result.type);
  result.host_bytes = hr_llama_plan_get_buffer_bytes (plan, plan->n_devices, type, row, bytes);
  result.device_bytes = hr_llama_plan_get_buffer_bytes (plan, 0, type, row, bytes);
  result.n_rules = hr_llama_placement_find_rules (plan, tensor, result.layer, result.rules);
  g_array_append_val (self->rows, result);
}

static int
compare_layers (gconstpointer a,
                gconstpointer b)
{
  const HrLlamaTensor *left = a, *right = b;

  return left->layer < right->layer ? -1 : left->layer > right->layer;
}

static void
find_starts (HrLlamaTensors *self,
             guint           n_layers)
{
  guint row = 0;

  self->n_layers = n_layers;
  self->starts = g_new (guint, n_layers + 2);
  for (guint i = 0; i <= n_layers; i++)
    {
      self->starts[i] = row;
      while (row < self->rows->len && g_array_index (self->rows, HrLlamaTensor, row).layer == i)
        row++;
    }
  self->starts[n_layers + 1] = row;
}

/* Rows of the model's tensors are those of a class of layers, so that layers of others differ in these. */
static gboolean
is_alike (const HrLlamaTensors *self,
          guint                 layer,
          guint                 other)
{
  guint n = self->starts[layer + 1] - self->starts[layer];

  if (self->starts[other + 1] - self->starts[other] != n)
    return FALSE;

  for (guint i = 0; i < n; i++)
    {
      const HrLlamaTensor *a = &g_array_index (self->rows, HrLlamaTensor, self->starts[layer] + i);
      const HrLlamaTensor *b = &g_array_index (self->rows, HrLlamaTensor, self->starts[other] + i);

      if (a->tensor != b->tensor || a->type != b->type)
        return FALSE;
    }

  return TRUE;
}

static void
find_kinds (HrLlamaTensors *self,
            const HrStack  *stack)
{
  self->kinds = g_new (guint, stack->n_layers);
  for (guint i = 0; i < stack->n_layers; i++)
    {
      guint j = 0;

      while (j < i && (self->kinds[j] != j || stack->layer_class_of[i] != stack->layer_class_of[j] ||
                       !is_alike (self, i, j)))
        j++;
      self->kinds[i] = j;
    }
}

/*
 * hr_llama_tensors_new:
 * @plan: a plan whose devices and patterns of names are known
 *
 * Lists the tensors of the model, but for those of towers.
 *
 * Returns: (transfer full): the tensors
 */
HrLlamaTensors *
hr_llama_tensors_new (const HrLlamaPlan *plan)
{
  HrLlamaTensors *self = g_new0 (HrLlamaTensors, 1);
  HrModel *model = plan->pass->model;

  self->rows = g_array_new (FALSE, FALSE, sizeof (HrLlamaTensor));
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);
      const char *type_name = NULL;

      for (guint j = 0; hr_part_is_text (tensor->part) && j < MAX (tensor->n_layers, 1); j++)
        add (self, plan, i, j, &type_name);
    }
  g_array_sort (self->rows, compare_layers);
  find_starts (self, plan->pass->stack->n_layers);
  find_kinds (self, plan->pass->stack);

  return self;
}

void
hr_llama_tensors_free (HrLlamaTensors *self)
{
  g_array_unref (self->rows);
  g_free (self->starts);
  g_free (self->kinds);
  g_free (self);
}

static const HrLlamaTensor *
find_in (const HrLlamaTensors *self,
         guint                 layer,
         const HrBlock        *block,
         HrModule              module)
{
  for (guint i = self->starts[layer]; i < self->starts[layer + 1]; i++)
    {
      const HrLlamaTensor *row = &g_array_index (self->rows, HrLlamaTensor, i);

      if (row->tensor->block == block->path && row->tensor->module == module && row->tensor->n_dimensions >= 2)
        return row;
    }

  return NULL;
}

/*
 * hr_llama_tensors_find:
 * @self: the tensors of a model
 * @layer: a layer, or the number of layers
 * @block: a block
 * @module: one of its modules
 *
 * Finds the matrix of a module.
 *
 * Returns: (nullable): the matrix, or %NULL if there is none
 */
const HrLlamaTensor *
hr_llama_tensors_find (const HrLlamaTensors *self,
                       guint                 layer,
                       const HrBlock        *block,
                       HrModule              module)
{
  const HrLlamaTensor *tensor = find_in (self, layer, block, module);

  return tensor != NULL ? tensor : find_in (self, self->n_layers, block, module);
}
