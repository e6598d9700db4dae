/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-ggml-graph.h"

#include <string.h>

#include "hr-ggml-type.h"

/*
 * Graphs of ggml: shapes and strides of what its functions make (ggml/src/ggml.c at b11669), and the order in which
 * ggml_build_forward_expand comes to them.
 */

/* As many as there is room for at first. */
#define N_TENSORS 1024

HrGgmlGraph *
hr_ggml_graph_new (void)
{
  HrGgmlGraph *self = g_new0 (HrGgmlGraph, 1);

  self->tensors = g_array_sized_new (FALSE, FALSE, sizeof (HrGgmlTensor), N_TENSORS);
  self->nodes = g_array_sized_new (FALSE, FALSE, sizeof (gint), N_TENSORS);
  self->leafs = g_array_new (FALSE, FALSE, sizeof (gint));
  self->repeats = g_array_new (FALSE, FALSE, sizeof (HrGgmlMoment));
  self->has_weight_bytes = TRUE;

  return self;
}

void
hr_ggml_graph_free (HrGgmlGraph *self)
{
  g_array_unref (self->tensors);
  g_array_unref (self->nodes);
  g_array_unref (self->leafs);
  g_array_unref (self->repeats);
  g_free (self);
}

const HrGgmlTensor *
hr_ggml_graph_get (const HrGgmlGraph *self,
                   gint               index)
{
  return &g_array_index (self->tensors, HrGgmlTensor, index);
}

/* What a tensor takes from its first element to its last (ggml_nbytes). */
guint64
hr_ggml_graph_get_bytes (const HrGgmlGraph *self,
                         gint               index)
{
  const HrGgmlTensor *tensor = hr_ggml_graph_get (self, index);
  const HrGgmlType *type = hr_ggml_type_get (tensor->type);
  guint64 bytes;
  guint first = 0;

  if (type->block_size == 1)
    {
      bytes = type->block_bytes;
    }
  else
    {
      bytes = tensor->ne[0] * tensor->nb[0] / type->block_size;
      first = 1;
    }
  for (guint i = first; i < 4; i++)
    {
      if (tensor->ne[i] == 0)
        return 0;
      bytes += (tensor->ne[i] - 1) * tensor->nb[i];
    }

  return bytes;
}

static void
set_contiguous (HrGgmlTensor *tensor)
{
  const HrGgmlType *type = hr_ggml_type_get (tensor->type);

  tensor->nb[0] = type->block_bytes;
  tensor->nb[1] = type->block_bytes * (type->block_size == 1 ? tensor->ne[0] : tensor->ne[0] / type->block_size);
  tensor->nb[2] = tensor->nb[1] * tensor->ne[1];
  tensor->nb[3] = tensor->nb[2] * tensor->ne[2];
}

static gint
append (HrGgmlGraph        *self,
        const HrGgmlTensor *tensor)
{
  g_array_append_vals (self->tensors, tensor, 1);

  return self->tensors->len - 1;
}

static HrGgmlTensor
tensor_new (HrGgmlOp       op,
            guint          type,
            const guint64 *ne)
{
  HrGgmlTensor tensor = {
    .op = op,
    .type = type,
    .view = HR_GGML_NONE,
    .place = HR_GGML_NONE,
    .computed_at = HR_GGML_NONE,
  };

  memcpy (tensor.ne, ne, sizeof tensor.ne);
  for (guint i = 0; i < HR_GGML_MAX_SOURCES; i++)
    tensor.sources[i] = HR_GGML_NONE;
  set_contiguous (&tensor);

  return tensor;
}

/* A tensor that is nothing yet. */
gint
hr_ggml_graph_add (HrGgmlGraph *self,
                   guint        type,
                   guint64      ne0,
                   guint64      ne1,
                   guint64      ne2,
                   guint64      ne3)
{
  HrGgmlTensor tensor = tensor_new (HR_GGML_OP_NONE, type, (guint64[]) { ne0, ne1, ne2, ne3 });

  return append (self, &tensor);
}

/* What is written from outside (ggml_set_input). */
gint
hr_ggml_graph_add_input (HrGgmlGraph *self,
                         guint        type,
                         guint64      ne0,
                         guint64      ne1)
{
  gint index = hr_ggml_graph_add (self, type, ne0, ne1, 1, 1);

  g_array_index (self->tensors, HrGgmlTensor, index).is_input = TRUE;

  return index;
}

/* A tensor of the model, which a device holds. */
gint
hr_ggml_graph_add_weight (HrGgmlGraph *self,
                          guint        type,
                          gint         place,
                          guint64      ne0,
                          guint64      ne1,
                          guint64      ne2)
{
  gint index = hr_ggml_graph_add (self, type, ne0, ne1, ne2, 1);
  HrGgmlTensor *tensor = &g_array_index (self->tensors, HrGgmlTensor, index);

  tensor->place = place;
  tensor->is_weight = TRUE;

  return index;
}

/*
 * hr_ggml_graph_add_made:
 * @self: a graph
 * @op: an operation
 * @type: the type of what it makes
 * @ne: (array fixed-size=4): the shape of that
 * @sources: (array length=n_sources): what it reads
 * @n_sources: the length of @sources
 *
 * Adds what an operation makes.
 *
 * Returns: the index of the tensor
 */
gint
hr_ggml_graph_add_made (HrGgmlGraph   *self,
                        HrGgmlOp       op,
                        guint          type,
                        const guint64 *ne,
                        const gint    *sources,
                        guint          n_sources)
{
  HrGgmlTensor tensor = tensor_new (op, type, ne);

  g_assert (n_sources <= HR_GGML_MAX_SOURCES);
  memcpy (tensor.sources, sources, n_sources * sizeof (gint));

  return append (self, &tensor);
}

/* What has the shape and the type of the first source. */
gint
hr_ggml_graph_add_like (HrGgmlGraph *self,
                        HrGgmlOp     op,
                        gint         like,
                        gint         other,
                        gint         third)
{
  const HrGgmlTensor *tensor = hr_ggml_graph_get (self, like);

  return hr_ggml_graph_add_made (self, op, tensor->type, tensor->ne, (const gint[]) { like, other, third }, 3);
}

/* ggml_mul_mat: in fp32, whatever is multiplied. */
gint
hr_ggml_graph_add_product (HrGgmlGraph *self,
                           gint         matrix,
                           gint         input)
{
  const HrGgmlTensor *a = hr_ggml_graph_get (self, matrix);
  const HrGgmlTensor *b = hr_ggml_graph_get (self, input);
  const guint64 ne[] = { a->ne[1], b->ne[1], b->ne[2], b->ne[3] };

  return hr_ggml_graph_add_made (self, HR_GGML_OP_MUL_MAT, HR_GGML_F32, ne, (const gint[]) { matrix, input }, 2);
}

/* ggml_mul_mat_id: with the matrices of those experts that were chosen for each token. */
gint
hr_ggml_graph_add_product_id (HrGgmlGraph *self,
                              gint         matrices,
                              gint         input,
                              gint         ids)
{
  const HrGgmlTensor *a = hr_ggml_graph_get (self, matrices);
  const HrGgmlTensor *b = hr_ggml_graph_get (self, input);
  const guint64 ne[] = { a->ne[1], hr_ggml_graph_get (self, ids)->ne[0], b->ne[2], 1 };

  return hr_ggml_graph_add_made (self, HR_GGML_OP_MUL_MAT_ID, HR_GGML_F32, ne,
                                 (const gint[]) { matrices, input, ids }, 3);
}

/* ggml_get_rows: in fp32, unless it is integers. */
gint
hr_ggml_graph_add_rows (HrGgmlGraph *self,
                        gint         table,
                        gint         ids)
{
  const HrGgmlTensor *a = hr_ggml_graph_get (self, table);
  const HrGgmlTensor *b = hr_ggml_graph_get (self, ids);
  const guint64 ne[] = { a->ne[0], b->ne[0], b->ne[1], b->ne[2] };
  guint type = a->type == HR_GGML_I32 ? HR_GGML_I32 : HR_GGML_F32;

  return hr_ggml_graph_add_made (self, HR_GGML_OP_GET_ROWS, type, ne, (const gint[]) { table, ids }, 2);
}

/*
 * hr_ggml_graph_add_view:
 * @self: a graph
 * @of: a tensor
 * @ne: (array fixed-size=4): the shape of what is seen of it
 * @nb: (array fixed-size=4) (nullable): the bytes between neighbours, or %NULL if they are next to each other
 *
 * Adds another way to look at a tensor (ggml_view_4d).
 *
 * Returns: the index of the view
 */
gint
hr_ggml_graph_add_view (HrGgmlGraph   *self,
                        gint           of,
                        const guint64 *ne,
                        const guint64 *nb)
{
  const HrGgmlTensor *tensor = hr_ggml_graph_get (self, of);
  HrGgmlTensor view = tensor_new (HR_GGML_OP_VIEW, tensor->type, ne);

  if (nb != NULL)
    memcpy (view.nb, nb, sizeof view.nb);
  view.sources[0] = of;
  view.view = tensor->view != HR_GGML_NONE ? tensor->view : of;

  return append (self, &view);
}

/* ggml_set_rows: what is written into. */
gint
hr_ggml_graph_add_set_rows (HrGgmlGraph *self,
                            gint         table,
                            gint         rows,
                            gint         ids)
{
  HrGgmlTensor tensor = *hr_ggml_graph_get (self, table);
  gint index = hr_ggml_graph_add_view (self, table, tensor.ne, tensor.nb);
  HrGgmlTensor *result = &g_array_index (self->tensors, HrGgmlTensor, index);

  result->op = HR_GGML_OP_SET_ROWS;
  result->sources[0] = rows;
  result->sources[1] = ids;
  result->sources[2] = table;

  return index;
}

/* ggml_reshape_4d: of what is next to each other. */
gint
hr_ggml_graph_add_reshape (HrGgmlGraph *self,
                           gint         of,
                           guint64      ne0,
                           guint64      ne1,
                           guint64      ne2,
                           guint64      ne3)
{
  return hr_ggml_graph_add_view (self, of, (const guint64[]) { ne0, ne1, ne2, ne3 }, NULL);
}

/* ggml_permute: dimension i of @of becomes dimension @axes[i]. */
gint
hr_ggml_graph_add_permutation (HrGgmlGraph *self,
                               gint         of,
                               const guint *axes)
{
  HrGgmlTensor tensor = *hr_ggml_graph_get (self, of);
  guint64 ne[4], nb[4];

  for (guint i = 0; i < 4; i++)
    {
      ne[axes[i]] = tensor.ne[i];
      nb[axes[i]] = tensor.nb[i];
    }

  return hr_ggml_graph_add_view (self, of, ne, nb);
}

/*
 * hr_ggml_graph_expand:
 * @self: a graph
 * @index: a tensor
 *
 * Puts a tensor among the nodes, behind all that it is made of and that is not there yet.
 */
void
hr_ggml_graph_expand (HrGgmlGraph *self,
                      gint         index)
{
  HrGgmlTensor *tensor = index != HR_GGML_NONE ? &g_array_index (self->tensors, HrGgmlTensor, index) : NULL;

  if (tensor == NULL || tensor->is_listed)
    return;

  tensor->is_listed = TRUE;
  for (guint i = 0; i < HR_GGML_MAX_SOURCES; i++)
    {
      if (tensor->sources[i] != HR_GGML_NONE)
        hr_ggml_graph_expand (self, tensor->sources[i]);
    }

  g_array_append_val (tensor->op == HR_GGML_OP_NONE ? self->leafs : self->nodes, index);
}

/*
 * hr_ggml_graph_add_repeat:
 * @self: a graph
 * @first: a moment
 * @second: a later one, behind all that have been added
 *
 * Tells that nodes are left out: behind those between two moments come more of the kind.
 */
void
hr_ggml_graph_add_repeat (HrGgmlGraph        *self,
                          const HrGgmlMoment *first,
                          const HrGgmlMoment *second)
{
  g_array_append_vals (self->repeats, first, 1);
  g_array_append_vals (self->repeats, second, 1);
}
