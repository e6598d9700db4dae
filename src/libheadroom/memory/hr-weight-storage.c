/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-weight-storage.h"

#include "hr-ledger.h"
#include "hr-model-private.h"
#include "hr-upcast.h"

/*
 * hr_weight_storage_init:
 * @self: (out): how tensors are stored; to be cleared
 * @model: a model
 * @dtype: what is loaded that is not quantized
 * @quantization: how matrices of linear layers are stored
 * @types: (nullable): types that tensors of a file of llama.cpp are given by their names
 *
 * Finds out how the tensors of a model are stored: if its checkpoint has this quantization, as its config says, else as
 * the quantizer does when nothing is said.
 */
void
hr_weight_storage_init (HrWeightStorage *self,
                        HrModel         *model,
                        HrDtype          dtype,
                        HrQuantization   quantization,
                        HrGgufTypes     *types)
{
  *self = (HrWeightStorage) { .model = model, .dtype = dtype, .quantization = quantization };
  if (quantization == HR_QUANTIZATION_NONE || quantization == HR_QUANTIZATION_AUTO)
    return;

  self->is_as_read = quantization == hr_model_get_quantization (model);
  if (hr_quantization_is_gguf (quantization))
    self->mixture = hr_gguf_mixture_new (model, quantization, types);
  else if (!self->is_as_read || _hr_model_get_quantizer (model) == NULL)
    {
      self->quantizer = hr_quantizer_new (quantization);
      /* MXFP4 is for the experts of a mixture, and leaves its other matrices (quantizers/quantizer_mxfp4.py). */
      if (quantization == HR_QUANTIZATION_MXFP4)
        self->quantizer->takes_linear = !hr_model_has_experts (model);
      _hr_model_apply (model, self->quantizer);
    }
}

/*
 * hr_weight_storage_clear:
 * @self: how tensors are stored
 *
 * Frees what was made.
 */
void
hr_weight_storage_clear (HrWeightStorage *self)
{
  g_clear_pointer (&self->quantizer, hr_quantizer_free);
  g_clear_pointer (&self->mixture, hr_gguf_mixture_free);
}

/*
 * hr_weight_storage_get_quantizer:
 * @self: how tensors are stored
 *
 * Gets what says which matrices are stored how: that of the checkpoint, where they are as that has them.
 *
 * Returns: (transfer none) (nullable): a quantizer, or %NULL if none are quantized, or llama.cpp mixes several types
 */
const HrQuantizer *
hr_weight_storage_get_quantizer (const HrWeightStorage *self)
{
  return self->quantizer != NULL || !self->is_as_read ? self->quantizer : _hr_model_get_quantizer (self->model);
}

/*
 * hr_weight_storage_get_format:
 * @self: how tensors are stored
 *
 * Gets how most matrices are stored.
 *
 * Returns: (nullable): the format, or %NULL if none is quantized, or llama.cpp mixes several
 */
const HrMatrixFormat *
hr_weight_storage_get_format (const HrWeightStorage *self)
{
  const HrQuantizer *quantizer = hr_weight_storage_get_quantizer (self);

  for (guint i = 0; quantizer != NULL && i < quantizer->rules->len; i++)
    {
      const HrQuantizerRule *rule = &g_array_index (quantizer->rules, HrQuantizerRule, i);

      if (!rule->is_exclusion)
        return &rule->format;
    }

  return NULL;
}

/*
 * hr_weight_storage_leaves_experts:
 * @self: how tensors are stored
 *
 * Tells whether a mixture of experts is quantized but for its experts.
 *
 * Returns: whether it is
 */
gboolean
hr_weight_storage_leaves_experts (const HrWeightStorage *self)
{
  const HrQuantizer *quantizer = hr_weight_storage_get_quantizer (self);

  return quantizer != NULL && !quantizer->takes_experts && hr_model_has_experts (self->model);
}

/*
 * hr_weight_storage_leaves_all:
 * @self: how tensors are stored
 *
 * Tells whether there is a quantizer, and nothing in the model that it is for.
 *
 * Returns: whether that is so
 */
gboolean
hr_weight_storage_leaves_all (const HrWeightStorage *self)
{
  const HrQuantizer *quantizer = hr_weight_storage_get_quantizer (self);

  for (guint i = 0; quantizer != NULL && i < hr_model_get_n_tensors (self->model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (self->model, i);

      for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
        {
          if (hr_quantizer_get_format (quantizer, tensor, i, copy) != NULL)
            return FALSE;
        }
    }

  return quantizer != NULL;
}

/* How many bytes a tensor takes in a format, each of the tensors that stand for it in an allocation of its own. */
static guint64
get_quantized_bytes (const HrTensor       *tensor,
                     const HrMatrixFormat *format,
                     HrDtype               dtype)
{
  HrMatrixPiece pieces[HR_MATRIX_MAX_PIECES];
  guint64 n_matrices, out_features, in_features;
  guint64 bytes = 0;
  guint n_pieces;

  hr_tensor_get_matrix (tensor, &n_matrices, &out_features, &in_features);
  n_pieces = hr_matrix_format_list_pieces (format, dtype, out_features, in_features, pieces);
  for (guint i = 0; i < n_pieces; i++)
    bytes += hr_ledger_round (n_matrices * pieces[i].n_bytes);

  return bytes;
}

/*
 * A checkpoint that was quantized beforehand is loaded as it is stored: what it holds in 16 bits or more, the quantiser
 * has skipped.
 */
static gboolean
is_quantized (const HrWeightStorage *self,
              const HrTensor  *tensor,
              guint            index,
              guint            copy,
              guint64         *bytes)
{
  const HrQuantizer *quantizer = hr_weight_storage_get_quantizer (self);
  const HrMatrixFormat *format = quantizer != NULL ? hr_quantizer_get_format (quantizer, tensor, index, copy) : NULL;
  HrDtype stored_dtype = HR_DTYPE_AUTO;
  const char *type;

  if (quantizer == NULL)
    return FALSE;

  /* What is stored is what counts, whatever the config says. */
  if (self->is_as_read && tensor->n_dimensions >= 2 &&
      hr_model_get_stored (self->model, index, copy, &type, NULL, bytes))
    return !hr_dtype_from_name (type, &stored_dtype) || hr_dtype_get_bits (stored_dtype) < 16;

  if (format == NULL)
    return FALSE;
  *bytes = get_quantized_bytes (tensor, format, self->dtype);

  return TRUE;
}

/*
 * hr_weight_storage_count_alike:
 * @self: how tensors are stored
 * @index: which row of the model's tensors
 * @copy: which tensor of the row
 * @n_copies: how many from that one on
 *
 * Counts the tensors that take as much as the first of them: of weights that were read each is looked at by itself, and
 * a file of llama.cpp has those of all experts of a layer in one type.
 *
 * Returns: their number, at least 1 and at most @n_copies
 */
guint64
hr_weight_storage_count_alike (const HrWeightStorage *self,
                               guint                  index,
                               guint                  copy,
                               guint                  n_copies)
{
  const HrQuantizer *quantizer = hr_weight_storage_get_quantizer (self);
  guint n_items = hr_tensor_get_copies_of_layer (hr_model_get_tensor (self->model, index));

  if (quantizer == NULL && self->mixture == NULL)
    return n_copies;
  if (self->is_as_read && hr_model_get_stored_bytes (self->model) > 0)
    return 1;
  if (self->mixture != NULL)
    return MIN (n_copies, n_items - copy % n_items);

  return hr_quantizer_count_alike (quantizer, index, copy, n_copies);
}

/* What is tied to a tensor is cast with it. */
static gboolean
is_upcast (const HrWeightStorage *self,
           const HrTensor        *tensor)
{
  if (hr_dtype_get_bits (self->dtype) >= 32 || !hr_upcast_takes (self->upcast, tensor->role, tensor->pattern))
    return FALSE;

  for (guint i = 0; tensor->role == HR_TENSOR_ROLE_EMBEDDING && i < hr_model_get_n_tensors (self->model); i++)
    {
      const HrTensor *other = hr_model_get_tensor (self->model, i);

      if (g_strcmp0 (other->tied_to, tensor->pattern) == 0 &&
          !hr_upcast_takes (self->upcast, other->role, other->pattern))
        return FALSE;
    }

  return TRUE;
}

/*
 * hr_weight_storage_get_dtype:
 * @self: how tensors are stored
 * @index: which row of the model's tensors
 *
 * Gets what a tensor that is not quantized is loaded in: a few stay in fp32 (_keep_in_fp32_modules_strict in
 * transformers' models, and parameters that their modules make so; _keep_in_fp32_modules where that is float16).
 *
 * Returns: the dtype
 */
HrDtype
hr_weight_storage_get_dtype (const HrWeightStorage *self,
                             guint                  index)
{
  const HrTensor *tensor = hr_model_get_tensor (self->model, index);

  if (tensor->kept_from_float16 && self->dtype == HR_DTYPE_FLOAT16)
    return HR_DTYPE_FLOAT32;
  if (is_upcast (self, tensor))
    return HR_DTYPE_FLOAT32;

  return tensor->kept_fp32 && hr_dtype_get_bits (self->dtype) < 32 ? HR_DTYPE_FLOAT32 : self->dtype;
}

/*
 * hr_weight_storage_list_pieces:
 * @self: how tensors are stored
 * @index: which row of the model's tensors
 * @copy: which tensor of the row
 * @pieces: (out) (array length=HR_MATRIX_MAX_PIECES): the tensors that stand for it; of several matrices in one tensor
 *   those of one
 *
 * Lists what stands for a tensor that is quantized, as its config says.
 *
 * Returns: how many there are; 0 for a tensor that stays as it is, or is in a file of llama.cpp
 */
guint
hr_weight_storage_list_pieces (const HrWeightStorage *self,
                               guint                  index,
                               guint                  copy,
                               HrMatrixPiece         *pieces)
{
  const HrTensor *tensor = hr_model_get_tensor (self->model, index);
  const HrQuantizer *quantizer = hr_weight_storage_get_quantizer (self);
  const HrMatrixFormat *format = quantizer != NULL ? hr_quantizer_get_format (quantizer, tensor, index, copy) : NULL;
  guint64 n_matrices, out_features, in_features;

  if (format == NULL)
    return 0;

  hr_tensor_get_matrix (tensor, &n_matrices, &out_features, &in_features);

  return hr_matrix_format_list_pieces (format, self->dtype, out_features, in_features, pieces);
}

/*
 * hr_weight_storage_get_type:
 * @self: how tensors are stored
 * @index: which row of the model's tensors
 * @copy: which tensor of the row
 *
 * Gets what a tensor is stored as: the name of a dtype, of a format, or of a type of llama.cpp.
 *
 * Returns: (transfer none): the name
 */
const char *
hr_weight_storage_get_type (const HrWeightStorage *self,
                            guint                  index,
                            guint                  copy)
{
  const HrQuantizer *quantizer = hr_weight_storage_get_quantizer (self);
  const HrMatrixFormat *format;
  const char *type;
  guint64 bytes;

  if (self->mixture != NULL && self->is_as_read && hr_model_get_stored (self->model, index, copy, &type, NULL, NULL))
    return type;
  if (self->mixture != NULL)
    return hr_gguf_mixture_get_type (self->mixture, index, copy);

  if (!hr_weight_storage_get_bytes (self, index, copy, &bytes))
    return hr_dtype_get_name (self->dtype);

  format = quantizer != NULL
           ? hr_quantizer_get_format (quantizer, hr_model_get_tensor (self->model, index), index, copy) : NULL;

  return hr_quantization_get_name (format != NULL ? hr_matrix_format_find_quantization (format, self->quantization)
                                                  : self->quantization);
}

/*
 * hr_weight_storage_find_head:
 * @self: how tensors are stored
 * @index: (out): which row of the model's tensors
 *
 * Finds a head that is tied to the embeddings, and that a file of llama.cpp has nevertheless.
 *
 * Returns: whether there is one
 */
gboolean
hr_weight_storage_find_head (const HrWeightStorage *self,
                             guint                 *index)
{
  return self->mixture != NULL && !self->is_as_read && hr_gguf_mixture_find_head (self->mixture, index);
}

/*
 * hr_weight_storage_get_bytes:
 * @self: how tensors are stored
 * @index: which row of the model's tensors
 * @copy: which tensor of the row
 * @bytes: (out): what it takes
 *
 * Gets the size of a tensor. torch hands out an allocation for each of the tensors that stand for it; in a file of
 * llama.cpp tensors lie side by side.
 *
 * Returns: whether it is in the format of the quantization
 */
gboolean
hr_weight_storage_get_bytes (const HrWeightStorage *self,
                             guint                  index,
                             guint                  copy,
                             guint64               *bytes)
{
  const HrTensor *tensor = hr_model_get_tensor (self->model, index);

  if (self->mixture != NULL)
    {
      *bytes = hr_gguf_mixture_get_bytes (self->mixture, index, copy);
      if (self->is_as_read)
        hr_model_get_stored (self->model, index, copy, NULL, bytes, NULL);
      return TRUE;
    }
  if (is_quantized (self, tensor, index, copy, bytes))
    return TRUE;

  *bytes = hr_ledger_round (hr_dtype_get_bytes (hr_weight_storage_get_dtype (self, index), tensor->n_elements));

  return FALSE;
}

/*
 * hr_weight_storage_get_layer_bytes:
 * @self: how tensors are stored
 * @index: which row of the model's tensors
 * @nth: which of the layers that have it, 0 if it is in none
 *
 * Gets the size of the tensors of a row that one layer has, such as those of all experts.
 *
 * Returns: what they take
 */
guint64
hr_weight_storage_get_layer_bytes (const HrWeightStorage *self,
                                   guint                  index,
                                   guint                  nth)
{
  guint64 n_items = hr_tensor_get_copies_of_layer (hr_model_get_tensor (self->model, index));
  guint64 sum = 0, n_alike;

  for (guint64 i = 0; i < n_items; i += n_alike)
    {
      guint64 bytes;

      n_alike = hr_weight_storage_count_alike (self, index, nth * n_items + i, n_items - i);
      hr_weight_storage_get_bytes (self, index, nth * n_items + i, &bytes);
      sum += n_alike * bytes;
    }

  return sum;
}
