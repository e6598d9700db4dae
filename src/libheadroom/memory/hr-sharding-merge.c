/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-sharding-merge.h"

/*
 * merge_adapter of PEFT, where fully_shard divides parameters by rows: the product B·A of a module, and what it is
 * scaled to (LoraLayer.get_delta_weight of peft/tuners/lora/layer.py, 0.20), beside nothing else of the module. Both
 * matrices are DTensors of rows, so torch 2.14 chooses what to exchange before it multiplies them.
 */

/*
 * Constants of MeshTopoInfo.build_from_mesh of torch/distributed/tensor/_collective_utils.py, for ranks of one host,
 * and what _compute_placement_transition_cost puts on top where rows are exchanged for columns.
 */
#define GIGABYTES_A_SECOND 87.7
#define MICROSECONDS_OF_ALL_TO_ALL 1.0

/* The matrices of a module: A of rank × inputs, and B of outputs × rank. */
typedef struct
{
  guint64 n_outputs;
  guint64 n_inputs;
  guint64 rank;
} Pair;

static guint64
count_product (guint64 rows,
               guint64 columns,
               guint   bytes)
{
  return hr_ledger_round (rows * columns * bytes);
}

/*
 * redistribute_cost of _collective_utils.py: all ranks' A, after which each has its rows of the product, costs as much
 * as its bytes; columns of B for its rows cost those of a rank, and leave a sum of whole products to be reduced. The
 * latter is open only where each rank has a part of both (is_tensor_shardable of tensor/_ops/utils.py).
 */
static gboolean
sums_products (const HrSharding *self,
               const Pair       *pair,
               guint             bytes)
{
  double of_a = (double) pair->rank * pair->n_inputs * bytes;
  double of_b = (double) pair->n_outputs * pair->rank * bytes / self->n_ranks;
  double a_byte = 1e6 * (self->n_ranks - 1) / self->n_ranks / GIGABYTES_A_SECOND / (1 << 30);

  return pair->rank >= self->n_ranks && (of_a - of_b) * a_byte > MICROSECONDS_OF_ALL_TO_ALL;
}

/*
 * Shard._reduce_shard_tensor of tensor/placement_types.py: where rows are not a multiple of the ranks, what is short of
 * them is padded piece by piece, and all of it put together anew.
 */
static guint64
count_reduction (const HrSharding *self,
                 const Pair       *pair,
                 guint             bytes)
{
  guint64 rows = (pair->n_outputs + self->n_ranks - 1) / self->n_ranks;
  guint64 part_bytes = count_product (rows, pair->n_inputs, bytes);
  guint64 n_short = self->n_ranks - pair->n_outputs / rows;

  if (pair->n_outputs % self->n_ranks == 0)
    return part_bytes;

  return n_short * part_bytes + count_product (rows * self->n_ranks, pair->n_inputs, bytes) + part_bytes;
}

static guint64
count_pair (const HrSharding *self,
            const Pair       *pair)
{
  guint bytes = hr_element_get_bytes (self->element);
  guint64 rows = (pair->n_outputs + self->n_ranks - 1) / self->n_ranks;
  guint64 product_bytes = count_product (pair->n_outputs, pair->n_inputs, bytes);

  if (!sums_products (self, pair, bytes))
    return 2 * count_product (rows, pair->n_inputs, bytes);

  return product_bytes + MAX (product_bytes, count_reduction (self, pair, bytes));
}

/*
 * hr_sharding_count_merge:
 * @self: groups of parameters that fully_shard divides
 * @added: matrices that LoRA adds, those of a module one behind the other
 *
 * Returns: the most bytes that a rank takes while the matrices of one module are merged into it
 */
guint64
hr_sharding_count_merge (const HrSharding   *self,
                         const HrTrainables *added)
{
  guint64 most = 0;

  for (guint i = 0; i + 1 < hr_trainables_get_n_items (added); i += 2)
    {
      const HrTrainable *a = hr_trainables_get_item (added, i);
      const HrTrainable *b = hr_trainables_get_item (added, i + 1);
      Pair pair = { .n_outputs = b->shape[0], .n_inputs = a->shape[1], .rank = a->shape[0] };

      most = MAX (most, count_pair (self, &pair));
    }

  return most;
}
