/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-weights.h"

#include "hr-ledger.h"
#include "hr-quantization-format.h"

/* How many bytes a matrix takes in a format. */
static guint64
get_quantized_bytes (const HrTensor *tensor,
                     HrQuantization  quantization)
{
  guint64 out_features = tensor->shape[tensor->n_dimensions - 2];
  guint64 in_features = tensor->shape[tensor->n_dimensions - 1];
  guint64 matrices = tensor->n_elements / (out_features * in_features);
  HrQuantizedMatrix matrix = hr_quantization_format_get_matrix (quantization, out_features * matrices, in_features);

  return hr_quantized_matrix_get_bytes (&matrix);
}

/* MXFP4 is for the experts of a mixture, and leaves its other matrices (transformers/quantizers/quantizer_mxfp4.py). */
static gboolean
is_left_out (HrModel        *model,
             HrTensorRole    role,
             HrQuantization  quantization)
{
  return quantization == HR_QUANTIZATION_MXFP4 && role != HR_TENSOR_ROLE_EXPERT && hr_model_has_experts (model);
}

/*
 * A checkpoint that was quantized beforehand is loaded as it is stored: what it holds in 16 bits or more, the quantiser
 * has skipped.
 */
static gboolean
is_quantized (HrModel        *model,
              const HrTensor *tensor,
              guint           index,
              guint           copy,
              HrQuantization  quantization,
              guint64        *bytes)
{
  HrDtype stored_dtype = HR_DTYPE_AUTO;
  const char *type;

  if (tensor->n_dimensions < 2 || !hr_quantization_format_applies (quantization, tensor->role) ||
      is_left_out (model, tensor->role, quantization))
    return FALSE;

  if (quantization != hr_model_get_quantization (model) ||
      !hr_model_get_stored (model, index, copy, &type, NULL, bytes))
    {
      *bytes = get_quantized_bytes (tensor, quantization);
      return TRUE;
    }

  return !hr_dtype_from_name (type, &stored_dtype) || hr_dtype_get_bits (stored_dtype) < 16;
}

/*
 * hr_weights_add_tensor:
 * @self: weights
 * @model: a model
 * @index: which row of its tensors
 * @first_copy: the first tensor of the row to add
 * @n_copies: how many of them
 * @dtype: what parameters are loaded in
 * @quantization: how matrices of linear layers are stored
 *
 * Adds tensors; each has an allocation of its own. A tied tensor takes nothing.
 */
void
hr_weights_add_tensor (HrWeights      *self,
                       HrModel        *model,
                       guint           index,
                       guint           first_copy,
                       guint           n_copies,
                       HrDtype         dtype,
                       HrQuantization  quantization)
{
  const HrTensor *tensor = hr_model_get_tensor (model, index);

  if (tensor->tied_to != NULL)
    return;

  for (guint copy = first_copy; copy < first_copy + n_copies; copy++)
    {
      guint64 bytes;

      if (is_quantized (model, tensor, index, copy, quantization, &bytes))
        self->quantized_elements += tensor->n_elements;
      else
        {
          bytes = hr_ledger_round (hr_dtype_get_bytes (dtype, tensor->n_elements));
          self->other_elements += tensor->n_elements;
        }
      self->bytes += bytes;
    }
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
      guint n_copies = hr_tensor_get_copies (hr_model_get_tensor (model, i));

      hr_weights_add_tensor (self, model, i, 0, n_copies, dtype, quantization);
    }
}
