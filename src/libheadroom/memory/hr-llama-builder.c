/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-llama-builder.h"

#include "hr-llama-placement.h"
#include "hr-llama-tensors.h"

/* What all layers of llama.cpp's graphs are built of: matrices and vectors in the file's types, at their places. */

/*
 * hr_llama_find_type:
 * @b: a graph that is built
 * @block: a block of the layer
 * @module: one of its modules
 *
 * Finds out how a file has a matrix of a block, which may be a part of one of the checkpoint's.
 *
 * Returns: its type, a number of enum ggml_type
 */
guint
hr_llama_find_type (const HrLlamaBuilder *b,
                    const HrBlock        *block,
                    HrModule              module)
{
  const HrLlamaTensors *tensors = b->plan->tensors;
  const HrLlamaTensor *tensor = hr_llama_tensors_find (tensors, b->layer, block, module);

  if (tensor == NULL && (module == HR_MODULE_GATE || module == HR_MODULE_UP))
    tensor = hr_llama_tensors_find (tensors, b->layer, block, HR_MODULE_GATE_UP);
  if (tensor == NULL && (module == HR_MODULE_EXPERT_GATE || module == HR_MODULE_EXPERT_UP))
    tensor = hr_llama_tensors_find (tensors, b->layer, block, HR_MODULE_EXPERT_GATE_UP);

  return tensor != NULL ? tensor->type : HR_GGML_F32;
}

/*
 * hr_llama_add_matrix:
 * @b: a graph that is built
 * @block: a block of the layer
 * @module: one of its modules
 * @in: how many elements what it is multiplied with has
 * @out: how many the product has
 *
 * Adds the matrix of a module, where that is.
 *
 * Returns: its index
 */
gint
hr_llama_add_matrix (HrLlamaBuilder *b,
                     const HrBlock  *block,
                     HrModule        module,
                     guint64         in,
                     guint64         out)
{
  gint place = hr_llama_placement_find_module (b->plan, b->layer, block, module, ".weight", b->place);

  return hr_ggml_graph_add_weight (b->graph, hr_llama_find_type (b, block, module), place, in, out, 1);
}

/* A vector of the model is added to every row, or every row is multiplied by it. */
static gint
add_vector_at (HrLlamaBuilder *b,
               HrGgmlOp        op,
               gint            input,
               guint64         size,
               gint            place)
{
  gint vector = hr_ggml_graph_add_weight (b->graph, HR_GGML_F32, place, size, 1, 1);

  return hr_ggml_graph_add_like (b->graph, op, input, vector, HR_GGML_NONE);
}

/*
 * hr_llama_add_vector:
 * @b: a graph that is built
 * @name: what a file calls the vector, without its layer
 * @op: what is done with it
 * @input: a tensor
 * @size: its elements
 *
 * Adds a vector of the model, which is added to every row of a tensor, or which every row is multiplied by.
 *
 * Returns: the index of what comes of it
 */
gint
hr_llama_add_vector (HrLlamaBuilder *b,
                     const char     *name,
                     HrGgmlOp        op,
                     gint            input,
                     guint64         size)
{
  return add_vector_at (b, op, input, size, hr_llama_placement_find (b->plan, b->layer, name, b->place));
}

/*
 * hr_llama_add_product:
 * @b: a graph that is built
 * @block: a block of the layer
 * @module: one of its modules
 * @input: a tensor
 * @in: how many elements its rows have
 * @out: how many those of the product have
 * @has_bias: whether a vector is added to them
 *
 * Adds a linear layer.
 *
 * Returns: the index of what comes of it
 */
gint
hr_llama_add_product (HrLlamaBuilder *b,
                      const HrBlock  *block,
                      HrModule        module,
                      gint            input,
                      guint64         in,
                      guint64         out,
                      gboolean        has_bias)
{
  gint result = hr_ggml_graph_add_product (b->graph, hr_llama_add_matrix (b, block, module, in, out), input);

  if (!has_bias)
    return result;

  return add_vector_at (b, HR_GGML_OP_ADD, result, out,
                        hr_llama_placement_find_module (b->plan, b->layer, block, module, ".bias", b->place));
}

/*
 * hr_llama_normalize:
 * @b: a graph that is built
 * @kind: which norm
 * @input: a tensor
 * @is_scaled: whether a vector of the model follows
 *
 * Adds a norm without its vectors.
 *
 * Returns: the index of what comes of it
 */
gint
hr_llama_normalize (HrLlamaBuilder *b,
                    HrNormKind      kind,
                    gint            input,
                    gboolean        is_scaled)
{
  gboolean is_layer_norm = kind == HR_NORM_LAYER || kind == HR_NORM_LAYER_1P || kind == HR_NORM_LAYER_FP32 ||
                           kind == HR_NORM_LAYER_COMPOSITE;
  gint result = hr_ggml_graph_add_like (b->graph, is_layer_norm ? HR_GGML_OP_NORM : HR_GGML_OP_RMS_NORM, input,
                                        HR_GGML_NONE, HR_GGML_NONE);

  if (b->pins_norms && is_scaled)
    g_array_index (b->graph->tensors, HrGgmlTensor, result).computed_at = b->place;

  return result;
}

/*
 * hr_llama_add_norm:
 * @b: a graph that is built
 * @name: what a file calls its vector, without its layer
 * @kind: which norm
 * @input: a tensor
 * @has_weight: whether its rows are multiplied by a vector
 * @has_bias: whether one is added to them
 *
 * Adds a norm.
 *
 * Returns: the index of what comes of it
 */
gint
hr_llama_add_norm (HrLlamaBuilder *b,
                   const char     *name,
                   HrNormKind      kind,
                   gint            input,
                   gboolean        has_weight,
                   gboolean        has_bias)
{
  guint64 size = hr_ggml_graph_get (b->graph, input)->ne[0];
  gint result = hr_llama_normalize (b, kind, input, has_weight || has_bias);

  if (has_weight)
    result = hr_llama_add_vector (b, name, HR_GGML_OP_MUL, result, size);

  return has_bias ? hr_llama_add_vector (b, name, HR_GGML_OP_ADD, result, size) : result;
}
