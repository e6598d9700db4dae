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

/**
 * HrModule:
 * @HR_MODULE_SELF: the block itself: an embedding, a norm, a head, a linear layer of its own
 * @HR_MODULE_QUERY: the projection of the queries
 * @HR_MODULE_KEY: of the keys
 * @HR_MODULE_VALUE: of the values
 * @HR_MODULE_KEY_VALUE: of keys and values in one matrix
 * @HR_MODULE_QUERY_KEY_VALUE: of all three in one matrix
 * @HR_MODULE_POSITION_KEY: of the keys of positions (DeBERTa)
 * @HR_MODULE_POSITION_QUERY: of their queries
 * @HR_MODULE_OUTPUT: what an attention or another mixer of tokens ends with
 * @HR_MODULE_OUTPUT_GATE: what its output is multiplied by
 * @HR_MODULE_QUERY_LATENT: the latent that queries are expanded from
 * @HR_MODULE_QUERY_EXPANSION: the queries, from it
 * @HR_MODULE_LATENT: the latent that keys and values are expanded from
 * @HR_MODULE_EXPANSION: keys and values, from it
 * @HR_MODULE_INDEX_QUERY: the queries of an indexer
 * @HR_MODULE_INDEX_KEY: its keys
 * @HR_MODULE_INDEX_WEIGHTS: the weights of its heads
 * @HR_MODULE_GATE: the gate of a perceptron, or of shared experts
 * @HR_MODULE_UP: its first matrix
 * @HR_MODULE_GATE_UP: both in one matrix
 * @HR_MODULE_DOWN: its last matrix
 * @HR_MODULE_ROUTER: what chooses experts
 * @HR_MODULE_EXPERT_GATE: the gates of routed experts
 * @HR_MODULE_EXPERT_UP: their first matrices
 * @HR_MODULE_EXPERT_GATE_UP: both in one tensor
 * @HR_MODULE_EXPERT_DOWN: their last matrices
 * @HR_MODULE_SHARED_GATE: what the output of shared experts is multiplied by
 * @HR_MODULE_LATENT_DOWN: into the space that routed experts compute in
 * @HR_MODULE_LATENT_UP: out of it
 * @HR_MODULE_PROJECTION: what a state space or a convolution begins with
 * @HR_MODULE_RATES: the rates of a gated delta rule in one matrix
 * @HR_MODULE_REPLACEMENT_RATE: how much of a state is replaced
 * @HR_MODULE_DECAY_RATE: how fast it decays
 * @HR_MODULE_SELECTION: the time step, B and C of a state space
 * @HR_MODULE_TIME_STEP: the time step of each channel
 *
 * Which of the modules of its block a tensor belongs to, so that the code that computes with it and those who change
 * some modules (LoRA, freezing) speak of the same one.
 */
typedef enum
{
  HR_MODULE_SELF,
  HR_MODULE_QUERY,
  HR_MODULE_KEY,
  HR_MODULE_VALUE,
  HR_MODULE_KEY_VALUE,
  HR_MODULE_QUERY_KEY_VALUE,
  HR_MODULE_POSITION_KEY,
  HR_MODULE_POSITION_QUERY,
  HR_MODULE_OUTPUT,
  HR_MODULE_OUTPUT_GATE,
  HR_MODULE_QUERY_LATENT,
  HR_MODULE_QUERY_EXPANSION,
  HR_MODULE_LATENT,
  HR_MODULE_EXPANSION,
  HR_MODULE_INDEX_QUERY,
  HR_MODULE_INDEX_KEY,
  HR_MODULE_INDEX_WEIGHTS,
  HR_MODULE_GATE,
  HR_MODULE_UP,
  HR_MODULE_GATE_UP,
  HR_MODULE_DOWN,
  HR_MODULE_ROUTER,
  HR_MODULE_EXPERT_GATE,
  HR_MODULE_EXPERT_UP,
  HR_MODULE_EXPERT_GATE_UP,
  HR_MODULE_EXPERT_DOWN,
  HR_MODULE_SHARED_GATE,
  HR_MODULE_LATENT_DOWN,
  HR_MODULE_LATENT_UP,
  HR_MODULE_PROJECTION,
  HR_MODULE_RATES,
  HR_MODULE_REPLACEMENT_RATE,
  HR_MODULE_DECAY_RATE,
  HR_MODULE_SELECTION,
  HR_MODULE_TIME_STEP,
} HrModule;

#define HR_TENSOR_MAX_DIMENSIONS 6

/* What is behind all stacks: the head of the model. */
#define HR_TENSOR_NO_STACK G_MAXUINT

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
 * @stack: the index of the stack that the tensor is in; %HR_TENSOR_NO_STACK for those of the model's head
 * @part: the part of the model
 * @role: what the tensor is
 * @block: (nullable): the path of the block that it is of: the very string that the block has
 * @module: which of the block's modules it belongs to
 * @is_transposed: whether a matrix is [in, out], as transformers' Conv1D and some fused experts have it
 * @is_of_positions: whether it is a table of positions, not of tokens
 * @is_frozen: whether it needs no gradient, whatever is trained (`requires_grad=False`)
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
  const char *block;
  HrModule module;
  gboolean is_transposed;
  gboolean is_of_positions;
  gboolean is_frozen;
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
