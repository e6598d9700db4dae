/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

#include "hr-dtype.h"

G_BEGIN_DECLS

/**
 * HrPart:
 *
 * The part of a model that a tensor belongs to, as the split of the parameters names it.
 */
typedef enum
{
  HR_PART_EMBEDDING,
  HR_PART_ATTENTION,
  HR_PART_MLP,
  HR_PART_STATE_SPACE,
  HR_PART_NORM,
  HR_PART_OUTPUT,
  HR_PART_VISION,
  HR_PART_AUDIO,
  HR_PART_PROJECTOR,
  HR_PART_SPEECH,
  HR_PART_OTHER,
  HR_N_PARTS,
} HrPart;

/**
 * HrTensorRole:
 * @HR_TENSOR_ROLE_LINEAR: the matrix of a linear layer, [out, in] (or [in, out] for Conv1D)
 * @HR_TENSOR_ROLE_EMBEDDING: a look-up table
 * @HR_TENSOR_ROLE_OUTPUT: the matrix of the language-model head
 * @HR_TENSOR_ROLE_NORM: the scale or the shift of a norm
 * @HR_TENSOR_ROLE_BIAS: the bias of a linear layer
 * @HR_TENSOR_ROLE_CONVOLUTION: the kernel of a convolution
 * @HR_TENSOR_ROLE_EXPERT: matrices of experts, fused in one tensor
 * @HR_TENSOR_ROLE_ROUTER: the gate of a mixture of experts
 * @HR_TENSOR_ROLE_PARAMETER: any other parameter
 *
 * What a tensor is, for those who treat some of them differently: quantisers, LoRA, sharding.
 */
typedef enum
{
  HR_TENSOR_ROLE_LINEAR,
  HR_TENSOR_ROLE_EMBEDDING,
  HR_TENSOR_ROLE_OUTPUT,
  HR_TENSOR_ROLE_NORM,
  HR_TENSOR_ROLE_BIAS,
  HR_TENSOR_ROLE_CONVOLUTION,
  HR_TENSOR_ROLE_EXPERT,
  HR_TENSOR_ROLE_ROUTER,
  HR_TENSOR_ROLE_PARAMETER,
} HrTensorRole;

#define HR_TENSOR_MAX_DIMENSIONS 6

/**
 * HrTensor:
 * @pattern: the name, with `{}` where the index of the layer stands
 * @shape: the sizes
 * @n_dimensions: how many of @shape are used; 0 for a scalar
 * @n_elements: the product of @shape
 * @layers: (array length=n_layers) (nullable): the indices that `{}` stands for, or %NULL for a tensor outside the
 *   layers
 * @n_layers: the length of @layers; 0 for a tensor outside the layers
 * @n_items: how many tensors of a layer the row stands for, numbered where the second `{}` stands: experts that have
 *   matrices of their own; 0 for one
 * @n_experts: the routed experts that share the row; 0 for a tensor that every token passes
 * @n_active_experts: how many of them a token passes
 * @stack: the index of the stack that the tensor is in; for those of the head the number of stacks
 * @part: the part of the model
 * @role: what the tensor is
 * @is_transposed: whether a matrix is [in, out], as transformers' Conv1D and some fused experts have it
 * @kept_fp32: whether it is loaded in fp32, even where the model is loaded in a dtype of 16 bits
 * @kept_from_float16: whether it is loaded in fp32 where the model is loaded in float16
 * @tied_to: (nullable): the name of the tensor whose storage this one shares
 *
 * A row of a model: one tensor, or one tensor of each layer of a class, or those of each expert of each layer.
 */
typedef struct
{
  char *pattern;
  guint64 shape[HR_TENSOR_MAX_DIMENSIONS];
  guint n_dimensions;
  guint64 n_elements;
  guint *layers;
  guint n_layers;
  guint n_items;
  guint64 n_experts;
  guint64 n_active_experts;
  guint stack;
  HrPart part;
  HrTensorRole role;
  gboolean is_transposed;
  gboolean kept_fp32;
  gboolean kept_from_float16;
  char *tied_to;
} HrTensor;

const char *hr_part_get_id            (HrPart          part);
gboolean    hr_part_is_text           (HrPart          part);
guint64     hr_tensor_get_copies      (const HrTensor *self);
guint64     hr_tensor_get_copies_of_layer (const HrTensor *self);
char       *hr_tensor_get_name        (const HrTensor *self,
                                       guint           copy);
void        hr_tensor_get_matrix      (const HrTensor *self,
                                       guint64        *n_matrices,
                                       guint64        *out_features,
                                       guint64        *in_features);
void        hr_tensor_free            (HrTensor       *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrTensor, hr_tensor_free)

G_END_DECLS
