/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-weights.h"

#include "hr-ledger.h"
#include "hr-quantization-format.h"

/*
 * hr_weights_add_tensor:
 * @self: weights
 * @tensor: a row of a model
 * @copies: how many of the tensors that it stands for
 * @dtype: what parameters are loaded in
 * @quantization: how matrices of linear layers are stored
 *
 * Adds tensors; each has an allocation of its own. A tied tensor takes nothing.
 */
void
hr_weights_add_tensor (HrWeights      *self,
                       const HrTensor *tensor,
                       guint64         copies,
                       HrDtype         dtype,
                       HrQuantization  quantization)
{
  guint64 bytes;

  if (tensor->tied_to != NULL)
    return;

  if (tensor->n_dimensions >= 2 && hr_quantization_format_applies (quantization, tensor->role))
    {
      guint64 out_features = tensor->shape[tensor->n_dimensions - 2];
      guint64 in_features = tensor->shape[tensor->n_dimensions - 1];
      guint64 matrices = tensor->n_elements / (out_features * in_features);
      HrQuantizedMatrix matrix = hr_quantization_format_get_matrix (quantization, out_features * matrices, in_features);

      bytes = hr_quantized_matrix_get_bytes (&matrix);
      self->quantized_elements += tensor->n_elements * copies;
    }
  else
    {
      bytes = hr_ledger_round (hr_dtype_get_bytes (dtype, tensor->n_elements));
      self->other_elements += tensor->n_elements * copies;
    }

  self->bytes += bytes * copies;
}

/*
 * hr_weights_init_model:
 * @self: (out): weights
 * @model: a model
 * @dtype: what parameters are loaded in
 * @quantization: how matrices of linear layers are stored
 *
 * Adds up a whole model.
 */
void
hr_weights_init_model (HrWeights      *self,
                       HrModel        *model,
                       HrDtype         dtype,
                       HrQuantization  quantization)
{
  guint n_tensors = hr_model_get_n_tensors (model);

  *self = (HrWeights) { .buffer_bytes = hr_model_get_buffer_bytes (model) };
  self->bytes = self->buffer_bytes;

  for (guint i = 0; i < n_tensors; i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      hr_weights_add_tensor (self, tensor, hr_tensor_get_copies (tensor), dtype, quantization);
    }
}
