/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-weights.h"

/* The experts of a layer may be one tensor: so many matrices behind each other. */
static void
count_matrices (HrWeights      *self,
                const HrTensor *tensor,
                guint64         n_alike)
{
  guint64 columns = tensor->n_dimensions > 0 ? tensor->shape[tensor->n_dimensions - 1] : 1;
  guint64 rows = tensor->n_dimensions > 1 ? tensor->shape[tensor->n_dimensions - 2] : 1;
  guint64 n_matrices = n_alike * (tensor->n_elements / MAX (rows * columns, 1));

  self->quantized_elements += n_alike * tensor->n_elements;
  self->quantized_rows += n_matrices * rows;
  self->quantized_columns += n_matrices * columns;
  self->quantized_matrices += n_matrices;
}

/*
 * hr_weights_add_tensor:
 * @self: weights
 * @storage: how tensors are stored
 * @index: which row of the model's tensors
 * @first_copy: the first tensor of the row to add
 * @n_copies: how many of them
 *
 * Adds tensors; each has an allocation of its own. A tied tensor takes nothing.
 */
void
hr_weights_add_tensor (HrWeights             *self,
                       const HrWeightStorage *storage,
                       guint                  index,
                       guint                  first_copy,
                       guint                  n_copies)
{
  const HrTensor *tensor = hr_model_get_tensor (storage->model, index);
  guint64 n_alike;

  if (tensor->tied_to != NULL)
    return;

  for (guint copy = first_copy; copy < first_copy + n_copies; copy += n_alike)
    {
      guint64 n_elements, bytes;

      n_alike = hr_weight_storage_count_alike (storage, index, copy, first_copy + n_copies - copy);
      n_elements = n_alike * tensor->n_elements;
      if (hr_weight_storage_get_bytes (storage, index, copy, &bytes))
        count_matrices (self, tensor, n_alike);
      else if (hr_weight_storage_get_dtype (storage, index) != storage->dtype)
        self->kept_elements += n_elements;
      else
        self->other_elements += n_elements;
      self->bytes += n_alike * bytes;
    }
}

/*
 * hr_weights_init_model:
 * @self: (out): weights
 * @storage: how tensors are stored
 *
 * Adds up a whole model.
 */
void
hr_weights_init_model (HrWeights             *self,
                       const HrWeightStorage *storage)
{
  guint n_tensors = hr_model_get_n_tensors (storage->model);

  *self = (HrWeights) { .buffer_bytes = hr_model_get_loaded_buffer_bytes (storage->model, storage->dtype) };
  self->bytes = self->buffer_bytes;

  for (guint i = 0; i < n_tensors; i++)
    {
      guint n_copies = hr_tensor_get_copies (hr_model_get_tensor (storage->model, i));

      hr_weights_add_tensor (self, storage, i, 0, n_copies);
    }
}

static guint64
get_bytes (const HrWeightStorage *storage,
           guint                  index,
           guint                  copy,
           gboolean              *quantized)
{
  guint64 bytes;

  *quantized |= hr_weight_storage_get_bytes (storage, index, copy, &bytes);

  return hr_model_get_tensor (storage->model, index)->tied_to == NULL ? bytes : 0;
}

/* Rows from @first on that stand for as many tensors each. */
static guint
find_end (const HrWeightStorage *storage,
          guint                  first)
{
  guint n_tensors = hr_model_get_n_tensors (storage->model);
  guint64 n_copies = hr_tensor_get_copies (hr_model_get_tensor (storage->model, first));
  guint end = first + 1;

  while (end < n_tensors && hr_tensor_get_copies (hr_model_get_tensor (storage->model, end)) == n_copies)
    end++;

  return end;
}

static gboolean
is_down (const HrTensor *tensor)
{
  return tensor->module == HR_MODULE_EXPERT_DOWN;
}

/*
 * The matrices of all experts of a layer are one tensor for the gates and what is beside them, and one for the way
 * back, as transformers has had them since release 5, whatever a checkpoint calls them (gate_up_proj, down_proj).
 */
static void
load_experts (const HrWeightStorage *storage,
              guint                  first,
              guint                  end,
              HrHeap                *heap)
{
  guint n_items = hr_model_get_tensor (storage->model, first)->n_items;
  guint n_copies = hr_tensor_get_copies (hr_model_get_tensor (storage->model, first));

  for (guint layer = 0; layer < n_copies; layer += n_items)
    {
      guint64 fused[2] = { 0, 0 };
      gboolean quantized = FALSE;

      for (guint copy = layer; copy < layer + n_items; copy++)
        {
          for (guint i = first; i < end; i++)
            {
              guint64 bytes = get_bytes (storage, i, copy, &quantized);

              fused[is_down (hr_model_get_tensor (storage->model, i))] += bytes;
              if (quantized)
                hr_heap_take (heap, bytes);
            }
        }
      for (guint i = 0; i < G_N_ELEMENTS (fused) && !quantized; i++)
        hr_heap_take (heap, fused[i]);
    }
}

static void
load_rows (const HrWeightStorage *storage,
           guint                  first,
           guint                  end,
           HrHeap                *heap)
{
  guint n_copies = hr_tensor_get_copies (hr_model_get_tensor (storage->model, first));
  gboolean quantized = FALSE;

  for (guint copy = 0; copy < n_copies; copy++)
    {
      for (guint i = first; i < end; i++)
        hr_heap_take (heap, get_bytes (storage, i, copy, &quantized));
    }
}

/*
 * hr_weights_load:
 * @storage: how the tensors of a model are stored
 * @heap: a heap
 *
 * Loads a model, tensor by tensor in the order of its modules: rows that stand for the tensors of several layers come
 * by in turns.
 */
void
hr_weights_load (const HrWeightStorage *storage,
                 HrHeap                *heap)
{
  guint end;

  for (guint first = 0; first < hr_model_get_n_tensors (storage->model); first = end)
    {
      end = find_end (storage, first);
      if (hr_model_get_tensor (storage->model, first)->n_items > 1)
        load_experts (storage, first, end, heap);
      else
        load_rows (storage, first, end, heap);
    }
  hr_heap_take (heap, hr_model_get_loaded_buffer_bytes (storage->model, storage->dtype));
}
