/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-job.h"
#include "hr-model.h"

G_BEGIN_DECLS

/**
 * HrServingLayout:
 * @tensor: how many ranks share each layer
 * @pipeline: how many stages the layers are divided into
 * @data: how many groups of these answer requests of their own
 * @expert: how many ranks share the experts of a layer one by one
 * @expert_tensor: how many share each expert
 * @n_ranks: how many ranks there are, each on a GPU of its own
 * @copies_towers: whether each rank has all of what sees
 * @shares_experts: whether groups that answer requests of their own share experts
 *
 * How an engine that serves requests divides a model among GPUs. Each is 1 where it is not.
 */
typedef struct
{
  guint64 tensor;
  guint64 pipeline;
  guint64 data;
  guint64 expert;
  guint64 expert_tensor;
  guint64 n_ranks;
  gboolean shares_experts;
  gboolean copies_towers;
} HrServingLayout;

/**
 * HrServingRank:
 * @stage: its stage of the pipeline
 * @expert_rank: which of those that share the experts of a layer it is, or the first of those that have as many
 * @n_alike: how many ranks have the same of the model
 *
 * Ranks that are alike.
 */
typedef struct
{
  guint stage;
  guint64 expert_rank;
  guint64 n_alike;
} HrServingRank;

gboolean hr_serving_layout_init         (HrServingLayout       *self,
                                         HrJob                 *job,
                                         guint                  n_gpus,
                                         GError               **error);
guint64  hr_serving_layout_count_layers (const HrServingLayout *self,
                                         guint64                n_layers,
                                         guint                  stage);
GArray  *hr_serving_layout_list_ranks   (const HrServingLayout *self,
                                         HrModel               *model) G_GNUC_WARN_UNUSED_RESULT;
HrModel *hr_serving_layout_divide_model (const HrServingLayout *self,
                                         HrModel               *model,
                                         const HrServingRank   *rank,
                                         GError               **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
