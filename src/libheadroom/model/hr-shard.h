/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#include "hr-parallel-plan.h"
#include "hr-tensor.h"

typedef struct _HrModelParts HrModelParts;

/**
 * HrShard:
 * @stack: which of the model’s stacks is the decoder; each rank has all layers of the others, and a share of each
 * @tensor: how many ranks share each layer
 * @expert: how many ranks share the experts of a layer; 0 or 1: each has all of them
 * @expert_tensor: how many share each expert, likewise
 * @expert_rank: which of the ranks that share experts it is; the first of them have one more where they do not come out
 *   even, if @divides_unevenly
 * @divides_unevenly: whether the number of experts need not be a multiple of the ranks that share them
 * @copies_towers: whether each rank has all of what sees and hears
 * @copies_shared: whether each rank has the shared experts whole
 * @vocabulary_multiple: what the rows of the tables of tokens are padded to a multiple of, those of all ranks together
 * @divides_groups: whether each rank has heads of keys and values of its own, so that there are no fewer than ranks
 * @first_layer: the first layer of the stage, of the decoder’s
 * @n_layers: how many layers it has
 * @layers: (nullable): which of the decoder’s these are, in the place of @first_layer and those behind it
 * @has_embedding: whether it looks tokens up
 * @has_head: whether it has the last norm and the head
 * @n_predictions: how many of the layers predict tokens further on, by Megatron-LM: each with norms and a matrix beside
 * @plan: (nullable): how transformers divides the modules of each layer, in the place of @tensor
 *
 * What one rank has of a model: the layers of its stage, of each of which as much as Megatron-LM divides among ranks,
 * or as transformers does.
 */
typedef struct
{
  guint stack;
  guint64 tensor;
  guint64 expert;
  guint64 expert_tensor;
  guint64 expert_rank;
  gboolean divides_unevenly;
  gboolean copies_towers;
  gboolean copies_shared;
  guint64 vocabulary_multiple;
  gboolean divides_groups;
  guint first_layer;
  guint n_layers;
  const guint *layers;
  gboolean has_embedding;
  gboolean has_head;
  guint n_predictions;
  const HrParallelPlan *plan;
} HrShard;

gboolean hr_shard_divide (const HrShard       *self,
                          const HrModelParts  *whole,
                          const char          *name,
                          HrModelParts        *parts,
                          GError             **error);
gboolean hr_shard_is_part     (const HrShard  *self,
                               const HrTensor *whole,
                               const HrTensor *part);
guint   *hr_shard_list_copies (const HrShard  *self,
                               const HrTensor *whole,
                               const HrTensor *part,
                               guint          *n_copies) G_GNUC_WARN_UNUSED_RESULT;
guint64  hr_shard_divide_vocabulary (const HrShard *self,
                                     guint64        vocab_size);

G_END_DECLS
