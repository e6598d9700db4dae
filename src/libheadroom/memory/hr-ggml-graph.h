/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Numbers of enum ggml_type, of what graphs compute with. */
#define HR_GGML_F32 0
#define HR_GGML_F16 1
#define HR_GGML_I32 26
#define HR_GGML_I64 27

#define HR_GGML_MAX_SOURCES 7

/* No tensor, and no place of its own. */
#define HR_GGML_NONE (-1)

/**
 * HrGgmlOp:
 * @HR_GGML_OP_NONE: nothing is computed: an input, weights, a cache
 * @HR_GGML_OP_VIEW: nothing is computed: views, reshapes, permutations
 * @HR_GGML_OP_SET_ROWS: writes rows into its last source, which it is a view of
 * @HR_GGML_OP_CLAMP: in the place of its source, which it is a view of
 * @HR_GGML_OP_SCALE: likewise, if it is a view
 *
 * What ggml computes, as far as its scheduler and its allocator tell operations apart.
 */
typedef enum
{
  HR_GGML_OP_NONE,
  HR_GGML_OP_VIEW,
  HR_GGML_OP_ADD,
  HR_GGML_OP_ADD_ID,
  HR_GGML_OP_ARGSORT,
  HR_GGML_OP_CLAMP,
  HR_GGML_OP_CONCAT,
  HR_GGML_OP_CONT,
  HR_GGML_OP_CPY,
  HR_GGML_OP_DIV,
  HR_GGML_OP_DUP,
  HR_GGML_OP_FLASH_ATTENTION,
  HR_GGML_OP_GATED_DELTA_NET,
  HR_GGML_OP_GET_ROWS,
  HR_GGML_OP_GLU,
  HR_GGML_OP_IM2COL,
  HR_GGML_OP_MUL,
  HR_GGML_OP_MUL_MAT,
  HR_GGML_OP_MUL_MAT_ID,
  HR_GGML_OP_NORM,
  HR_GGML_OP_PAD,
  HR_GGML_OP_POOL,
  HR_GGML_OP_REPEAT,
  HR_GGML_OP_RMS_NORM,
  HR_GGML_OP_ROPE,
  HR_GGML_OP_SCALE,
  HR_GGML_OP_SET_ROWS,
  HR_GGML_OP_SOFT_MAX,
  HR_GGML_OP_SQR,
  HR_GGML_OP_SSM_CONV,
  HR_GGML_OP_SSM_SCAN,
  HR_GGML_OP_SUM_ROWS,
  HR_GGML_OP_UNARY,
  HR_GGML_OP_UPSCALE,
} HrGgmlOp;

/**
 * HrGgmlTensor:
 * @op: what makes it
 * @type: its type, a number of enum ggml_type
 * @ne: how many elements it has in each dimension, the innermost first
 * @nb: the bytes between neighbours in each dimension
 * @sources: what it is made of, %HR_GGML_NONE where there is nothing
 * @view: the tensor whose memory it has, or %HR_GGML_NONE
 * @place: of weights and caches the device that holds them, or %HR_GGML_NONE
 * @computed_at: the device that has to compute it, or %HR_GGML_NONE
 * @is_weight: whether it belongs to the model
 * @is_input: whether it is written from outside before the graph runs
 * @is_listed: whether it is among the nodes or leafs of its graph
 *
 * A tensor of a graph.
 */
typedef struct
{
  HrGgmlOp op;
  guint8 type;
  guint64 ne[4];
  guint64 nb[4];
  gint sources[HR_GGML_MAX_SOURCES];
  gint view;
  gint place;
  gint computed_at;
  gboolean is_weight;
  gboolean is_input;
  gboolean is_listed;
} HrGgmlTensor;

/**
 * HrGgmlMoment:
 * @node: the first of the nodes that come then
 * @tensor: what these begin with
 *
 * A moment of a graph's run.
 */
typedef struct
{
  guint node;
  gint tensor;
} HrGgmlMoment;

/**
 * HrGgmlGraph:
 * @tensors: (element-type HrGgmlTensor): all tensors
 * @nodes: (element-type gint): those that are computed, in their order
 * @leafs: (element-type gint): those that are there before
 * @repeats: (element-type HrGgmlMoment): pairs of moments, at the second of which come more nodes of the kind that lies
 *   between both, which are left out
 * @has_weight_bytes: whether what the host holds of what is left out is as large as what is there
 *
 * What a context computes in one go.
 */
typedef struct
{
  GArray *tensors;
  GArray *nodes;
  GArray *leafs;
  GArray *repeats;
  gboolean has_weight_bytes;
} HrGgmlGraph;

HrGgmlGraph        *hr_ggml_graph_new             (void) G_GNUC_WARN_UNUSED_RESULT;
void                hr_ggml_graph_free            (HrGgmlGraph       *self);
const HrGgmlTensor *hr_ggml_graph_get             (const HrGgmlGraph *self,
                                                   gint               index);
guint64             hr_ggml_graph_get_bytes       (const HrGgmlGraph *self,
                                                   gint               index);
gint                hr_ggml_graph_add             (HrGgmlGraph       *self,
                                                   guint              type,
                                                   guint64            ne0,
                                                   guint64            ne1,
                                                   guint64            ne2,
                                                   guint64            ne3);
gint                hr_ggml_graph_add_input       (HrGgmlGraph       *self,
                                                   guint              type,
                                                   guint64            ne0,
                                                   guint64            ne1);
gint                hr_ggml_graph_add_weight      (HrGgmlGraph       *self,
                                                   guint              type,
                                                   gint               place,
                                                   guint64            ne0,
                                                   guint64            ne1,
                                                   guint64            ne2);
gint                hr_ggml_graph_add_like        (HrGgmlGraph       *self,
                                                   HrGgmlOp           op,
                                                   gint               like,
                                                   gint               other,
                                                   gint               third);
gint                hr_ggml_graph_add_product     (HrGgmlGraph       *self,
                                                   gint               matrix,
                                                   gint               input);
gint                hr_ggml_graph_add_product_id  (HrGgmlGraph       *self,
                                                   gint               matrices,
                                                   gint               input,
                                                   gint               ids);
gint                hr_ggml_graph_add_rows        (HrGgmlGraph       *self,
                                                   gint               table,
                                                   gint               ids);
gint                hr_ggml_graph_add_set_rows    (HrGgmlGraph       *self,
                                                   gint               table,
                                                   gint               rows,
                                                   gint               ids);
gint                hr_ggml_graph_add_made        (HrGgmlGraph       *self,
                                                   HrGgmlOp           op,
                                                   guint              type,
                                                   const guint64     *ne,
                                                   const gint        *sources,
                                                   guint              n_sources);
gint                hr_ggml_graph_add_view        (HrGgmlGraph       *self,
                                                   gint               of,
                                                   const guint64     *ne,
                                                   const guint64     *nb);
gint                hr_ggml_graph_add_reshape     (HrGgmlGraph       *self,
                                                   gint               of,
                                                   guint64            ne0,
                                                   guint64            ne1,
                                                   guint64            ne2,
                                                   guint64            ne3);
gint                hr_ggml_graph_add_permutation (HrGgmlGraph       *self,
                                                   gint               of,
                                                   const guint       *axes);
void                hr_ggml_graph_expand          (HrGgmlGraph       *self,
                                                   gint               index);
void                hr_ggml_graph_add_repeat      (HrGgmlGraph        *self,
                                                   const HrGgmlMoment *first,
                                                   const HrGgmlMoment *second);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrGgmlGraph, hr_ggml_graph_free)

G_END_DECLS
