/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-division.h"
#include "hr-layout.h"

G_BEGIN_DECLS

/**
 * HrLayoutStep:
 * @layout: how the job is divided
 * @checkpointing: what is computed anew in the backward pass
 * @micro_batch: sequences of a micro-batch
 * @n_micro_batches: micro-batches of a step, of each copy of the model
 *
 * A layout with all that the memory and the time of a step depend on.
 */
typedef struct
{
  HrLayout layout;
  HrGradientCheckpointing checkpointing;
  guint64 micro_batch;
  guint64 n_micro_batches;
} HrLayoutStep;

/**
 * HrStageSizes:
 * @dense: parameters that all tokens pass, of a rank
 * @experts: parameters of the routed experts that a rank has
 *
 * The parameters of a rank.
 */
typedef struct
{
  double dense;
  double experts;
} HrStageSizes;

/**
 * HrLayerSizes:
 * @hidden: the width between layers
 * @norm_statistics: numbers in fp32 that a norm keeps of a token
 * @head_statistics: likewise, that norms of queries and keys keep of each head; 0: there are no such norms
 * @mask: bytes that dropout keeps of each number between layers: 1 or 0
 * @heads: heads of queries
 * @groups: heads of keys and values
 * @query: numbers of all queries of a token, before ranks share them
 * @key: of the keys
 * @value: of the values
 * @context: of what the heads make
 * @rotated: how much of a head positions rotate; 0: nothing
 * @window: how many tokens before it a token attends to; 0: all
 * @latent: of what queries, keys and values are expanded from, with the part of the keys that is rotated; 0: nothing
 * @inner: the width of the perceptron, or of the shared experts
 * @n_inner: how many matrices there are into it: 2 with a gate
 * @experts: how many routed experts there are; 0: none
 * @active: how many of them a token is sent to
 * @expert_inner: their width
 * @router: bytes that choosing experts, and the order of what is sent to them, keep of a token
 * @matrices: operations of a token's forward pass through matrices that all tokens pass
 * @expert_matrices: likewise, through those of the experts that it is sent to
 *
 * The sizes of a layer that memory and time depend on.
 */
typedef struct
{
  double hidden;
  double norm_statistics;
  double head_statistics;
  double mask;
  double heads;
  double groups;
  double query;
  double key;
  double value;
  double context;
  double rotated;
  double window;
  double latent;
  double inner;
  double n_inner;
  double experts;
  double active;
  double expert_inner;
  double router;
  double matrices;
  double expert_matrices;
} HrLayerSizes;

/**
 * HrModelSizes:
 * @vocabulary: rows of the output layer
 * @hidden: the width between layers
 * @element: bytes of a parameter and of an activation
 * @gradient: bytes of a parameter’s gradient
 *
 * The sizes outside of the layers.
 */
typedef struct
{
  guint64 vocabulary;
  guint64 hidden;
  guint element;
  guint gradient;
} HrModelSizes;

/**
 * HrLayoutParts:
 *
 * What a model and a job are made of, so that the memory of a layout is a sum.
 */
typedef struct _HrLayoutParts HrLayoutParts;

HrLayoutParts      *hr_layout_parts_new               (HrModel             *model,
                                                       HrTrainingJob       *job,
                                                       guint                max_tensor,
                                                       GError             **error) G_GNUC_WARN_UNUSED_RESULT;
void                hr_layout_parts_free              (HrLayoutParts       *self);
gboolean            hr_layout_parts_has_tensor        (const HrLayoutParts *self,
                                                       guint                tensor);
guint               hr_layout_parts_get_max_tensor    (const HrLayoutParts *self);
guint               hr_layout_parts_get_n_layers      (const HrLayoutParts *self);
guint               hr_layout_parts_get_n_classes     (const HrLayoutParts *self);
guint64             hr_layout_parts_get_n_experts     (const HrLayoutParts *self);
gboolean            hr_layout_parts_groups_products   (const HrLayoutParts *self);
gboolean            hr_layout_parts_can_exchange      (const HrLayoutParts *self,
                                                       const HrLayout      *layout);
guint64             hr_layout_parts_get_n_tokens      (const HrLayoutParts *self);
const HrLayerSizes *hr_layout_parts_get_layer         (const HrLayoutParts *self,
                                                       guint                klass);
const HrModelSizes *hr_layout_parts_get_model         (const HrLayoutParts *self);
double              hr_layout_parts_get_operations    (const HrLayoutParts *self);
double              hr_layout_parts_get_attention     (const HrLayoutParts *self,
                                                       const HrLayerSizes  *sizes);
HrDivision         *hr_layout_parts_divide            (const HrLayoutParts *self,
                                                       const HrLayout      *layout) G_GNUC_WARN_UNUSED_RESULT;
void                hr_layout_parts_get_parameters    (const HrLayoutParts *self,
                                                       const HrLayout      *layout,
                                                       const guint         *counts,
                                                       guint                stage,
                                                       HrStageSizes        *sizes);
double              hr_layout_parts_get_stepped_bytes (const HrLayoutParts *self,
                                                       const HrLayout      *layout,
                                                       const HrStageSizes  *sizes);
guint64             hr_layout_parts_get_peak          (const HrLayoutParts *self,
                                                       const HrLayoutStep  *step,
                                                       const HrDivision    *division,
                                                       guint               *stage);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrLayoutParts, hr_layout_parts_free)

G_END_DECLS
