/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-flop-pass.h"

#include "hr-tower.h"

/* What each kind of block multiplies. */

static guint64
count_rows (const HrFlopWalk *self)
{
  guint64 rows;

  if (g_uint64_checked_mul (&rows, self->batch, self->sequence))
    return rows;

  self->count->is_too_large = TRUE;

  return G_MAXINT64;
}

/* Houlsby's adapters behind a block: down and up again, with an activation between (hr-replay-bottleneck). */
static gboolean
run_bottleneck (HrFlopWalk *self,
                guint64     width,
                gboolean    flow)
{
  const HrTuning *tuning = self->pass->tuning;
  HrSymbol symbol = hr_tuning_get_bottleneck (tuning);
  guint64 inner;

  if (!self->pass->trains || symbol == HR_SYMBOL_ONE || self->is_tower)
    return flow;

  inner = hr_tuning_get_size (tuning, symbol);
  for (guint i = 0; i < 2; i++)
    {
      HrFlops *flops = &self->count->parts[HR_FLOP_PART_ADAPTERS];
      guint64 n = hr_flop_walk_multiply (self, HR_FLOP_PART_ADAPTERS, count_rows (self), inner * width);

      hr_flop_count_sum (self->count, &flops->input_gradients, flow || i > 0 ? n : 0);
      hr_flop_count_sum (self->count, &flops->weight_gradients, n);
    }

  return TRUE;
}

static gboolean
run_mlp (HrFlopWalk    *self,
         const HrBlock *block,
         gboolean       flow)
{
  static const HrModule first[] = { HR_MODULE_GATE, HR_MODULE_UP, HR_MODULE_GATE_UP };
  guint64 rows = count_rows (self);
  gboolean inner = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (first); i++)
    inner |= hr_flop_walk_run_module (self, HR_FLOP_PART_MLP, block, first[i], rows, flow);
  hr_flop_walk_run_own_adapter (self, HR_FLOP_PART_MLP, block, block->mlp.adapter_rank, block->mlp.hidden_size,
                                2 * block->mlp.intermediate_size);
  inner |= block->mlp.has_inner_norm && hr_flop_walk_trains (self, block, HR_MODULE_SELF);
  inner = hr_flop_walk_run_module (self, HR_FLOP_PART_MLP, block, HR_MODULE_DOWN, rows, inner);
  self->saves_last |= block->mlp.has_output_dropout;

  return run_bottleneck (self, block->mlp.hidden_size, inner);
}

static gboolean
run_shared_experts (HrFlopWalk    *self,
                    const HrBlock *block,
                    guint64        rows,
                    gboolean       flow)
{
  static const HrModule first[] = { HR_MODULE_GATE, HR_MODULE_UP, HR_MODULE_GATE_UP };
  gboolean inner = FALSE, gate;

  for (guint i = 0; i < G_N_ELEMENTS (first); i++)
    inner |= hr_flop_walk_run_module (self, HR_FLOP_PART_MLP, block, first[i], rows, flow);
  inner = hr_flop_walk_run_module (self, HR_FLOP_PART_MLP, block, HR_MODULE_DOWN, rows, inner);
  gate = hr_flop_walk_run_module (self, HR_FLOP_PART_MLP, block, HR_MODULE_SHARED_GATE, rows, flow);
  self->saves_last |= block->mixture.has_shared_gate;

  return inner || gate;
}

static gboolean
run_mixture (HrFlopWalk    *self,
             const HrBlock *block,
             gboolean       flow)
{
  static const HrModule first[] = { HR_MODULE_EXPERT_GATE, HR_MODULE_EXPERT_UP, HR_MODULE_EXPERT_GATE_UP };
  const HrMixture *mixture = &block->mixture;
  gboolean has_shared = mixture->shared_intermediate_size > 0;
  guint64 rows = count_rows (self);
  gboolean shared = FALSE, routed, inner = FALSE, latent = flow;

  if (has_shared && mixture->shared_first)
    shared = run_shared_experts (self, block, rows, flow);
  routed = hr_flop_walk_run_module (self, HR_FLOP_PART_ROUTER, block, HR_MODULE_ROUTER, rows, flow);
  if (mixture->latent_size > 0)
    latent = hr_flop_walk_run_module (self, HR_FLOP_PART_MLP, block, HR_MODULE_LATENT_DOWN, rows, flow);
  for (guint i = 0; i < G_N_ELEMENTS (first); i++)
    inner |= hr_flop_walk_run_module (self, HR_FLOP_PART_EXPERTS, block, first[i], rows, latent);
  routed |= hr_flop_walk_run_module (self, HR_FLOP_PART_EXPERTS, block, HR_MODULE_EXPERT_DOWN, rows, inner);
  /* The results are multiplied by scores, for whose gradients they are needed. */
  self->saves_last = TRUE;
  if (mixture->latent_size > 0)
    routed = hr_flop_walk_run_module (self, HR_FLOP_PART_MLP, block, HR_MODULE_LATENT_UP, rows, routed);
  if (has_shared && !mixture->shared_first)
    shared = run_shared_experts (self, block, rows, flow);

  return run_bottleneck (self, mixture->hidden_size, routed || shared || inner);
}

/* The positions that a convolution makes: those of the stack, and more where others behind it halve them again. */
static guint64
count_positions (const HrFlopWalk *self,
                 const HrBlock    *block)
{
  const HrChain *chain = &self->stack->embeddings;
  guint64 positions = self->sequence;
  gboolean is_behind = FALSE;

  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrBlock *other = &chain->blocks[i];

      if (is_behind && other->kind == HR_BLOCK_CONVOLUTION && other->convolution.stride.n_dimensions > 0)
        positions *= other->convolution.stride.sizes[0];
      is_behind |= other == block;
    }

  return positions;
}

/* Those of the whole batch. */
static guint64
count_convolved (const HrFlopWalk *self,
                 const HrBlock    *block)
{
  if (self->tower == NULL)
    return self->batch * count_positions (self, block);
  if (self->stack->tower == HR_TOWER_CONFORMER)
    return hr_tower_count_convolved (self->tower, block);

  return self->batch * self->tower->patches;
}

/* A matrix that stands by itself: mm_input_projection_weight of Gemma3MultiModalProjector. */
static gboolean
run_parameter (HrFlopWalk    *self,
               const HrBlock *block,
               gboolean       flow)
{
  const HrShape *shape = &block->parameter.shape;
  gboolean is_trained = hr_flop_walk_trains (self, block, HR_MODULE_SELF);
  HrFlopPart part = hr_flop_walk_get_part (self, HR_FLOP_PART_OTHER);
  guint64 n;

  if (self->stack->projector != HR_PROJECTOR_POOLING || shape->n_dimensions != 2)
    return flow || is_trained;

  n = hr_flop_walk_multiply (self, part, count_rows (self), shape->sizes[0] * shape->sizes[1]);
  hr_flop_count_sum (self->count, &self->count->parts[part].input_gradients, flow ? n : 0);
  hr_flop_count_sum (self->count, &self->count->parts[part].weight_gradients, is_trained ? n : 0);

  return flow || is_trained;
}

/* What the first convolution of a stack reads is no embedding, so that no gradient flows to it. */
static gboolean
reads_pixels (const HrFlopWalk *self,
              const HrBlock    *block)
{
  return self->layer < 0 && block == hr_chain_find_block (&self->stack->embeddings, HR_BLOCK_CONVOLUTION);
}

/* conv_flop_count of torch/utils/flop_counter.py: each position of the result reads a kernel of each channel. */
static gboolean
run_convolution (HrFlopWalk    *self,
                 const HrBlock *block,
                 gboolean       flow)
{
  const HrConvolution *convolution = &block->convolution;
  gboolean is_trained = hr_flop_walk_trains (self, block, HR_MODULE_SELF);
  guint64 size = convolution->out_channels * (convolution->in_channels / MAX (convolution->groups, 1));
  HrFlopPart part = hr_flop_walk_get_part (self, HR_FLOP_PART_OTHER);
  guint64 n;

  for (guint i = 0; i < convolution->kernel.n_dimensions; i++)
    size *= convolution->kernel.sizes[i];
  n = hr_flop_walk_multiply (self, part, count_convolved (self, block), size);
  hr_flop_count_sum (self->count, &self->count->parts[part].input_gradients,
                     flow && !reads_pixels (self, block) ? n : 0);
  hr_flop_count_sum (self->count, &self->count->parts[part].weight_gradients, is_trained ? n : 0);

  return flow || is_trained;
}

/* Blocks that layers share have an adapter for each of them, of which each layer runs its own (Zamba 2). */
static gboolean
is_own_adapter (const HrFlopWalk *self,
                const HrLinear   *linear)
{
  return self->layer >= 0 && self->own_rank > 0 &&
         (linear->in_features == self->own_rank || linear->out_features == self->own_rank);
}

static gboolean
run_linear (HrFlopWalk    *self,
            const HrBlock *block,
            gboolean       flow)
{
  guint64 rows = block->linear.pooled ? self->batch : count_rows (self);
  HrFlopPart part = block->linear.part == HR_PART_OUTPUT ? HR_FLOP_PART_HEAD : HR_FLOP_PART_OTHER;

  if (is_own_adapter (self, &block->linear))
    return flow;

  return hr_flop_walk_run_module (self, part, block, HR_MODULE_SELF, rows, flow);
}

/* A tied head multiplies by the table of tokens, and has no tensor of its own in some models. */
static gboolean
run_head (HrFlopWalk    *self,
          const HrBlock *block,
          gboolean       flow)
{
  guint64 rows = block->head.pooled ? self->batch : count_rows (self);
  gboolean is_trained = hr_flop_walk_trains (self, block, HR_MODULE_SELF);
  HrFlops *flops = &self->count->parts[HR_FLOP_PART_HEAD];
  guint64 n;

  if (g_hash_table_contains (self->tensors, block->path))
    return hr_flop_walk_run_module (self, HR_FLOP_PART_HEAD, block, HR_MODULE_SELF, rows, flow);

  n = hr_flop_walk_multiply (self, HR_FLOP_PART_HEAD, rows, block->head.hidden_size * block->head.vocab_size);
  hr_flop_count_sum (self->count, &flops->input_gradients, flow ? n : 0);
  hr_flop_count_sum (self->count, &flops->weight_gradients, is_trained ? n : 0);
  hr_flop_count_move (self->count, HR_FLOP_PART_HEAD, rows, block->head.hidden_size + block->head.vocab_size);

  return flow || is_trained;
}

static gboolean
run_norm (HrFlopWalk    *self,
          const HrBlock *block,
          gboolean       flow)
{
  gboolean is_trained = block->norm.has_weight && hr_flop_walk_trains (self, block, HR_MODULE_SELF);
  gboolean bias = block->norm.has_bias && hr_flop_walk_trains_biases (self, block);

  self->saves_last = TRUE;

  return flow || is_trained || bias;
}

/*
 * hr_flop_walk_run_block:
 * @self: a walk
 * @block: a block
 * @flow: whether a gradient flows to what it reads
 *
 * Runs a block.
 *
 * Returns: whether a gradient flows to what it makes
 */
gboolean
hr_flop_walk_run_block (HrFlopWalk    *self,
                        const HrBlock *block,
                        gboolean       flow)
{
  switch (block->kind)
    {
    case HR_BLOCK_TOKEN_EMBEDDING:
      return hr_flop_walk_run_embedding (self, block, flow || hr_flop_walk_trains (self, block, HR_MODULE_SELF));

    case HR_BLOCK_POSITION_EMBEDDING:
    case HR_BLOCK_TYPE_EMBEDDING:
      return flow || hr_flop_walk_trains (self, block, HR_MODULE_SELF);

    case HR_BLOCK_PARAMETER:
      return run_parameter (self, block, flow);

    case HR_BLOCK_CONVOLUTION:
      return run_convolution (self, block, flow);

    case HR_BLOCK_LINEAR:
      return run_linear (self, block, flow);

    case HR_BLOCK_NORM:
      return run_norm (self, block, flow);

    case HR_BLOCK_ATTENTION:
      flow = hr_flop_walk_run_attention (self, block, flow);
      self->saves_last |= block->attention.has_output_dropout;
      return block->attention.is_cross ? flow : run_bottleneck (self, block->attention.hidden_size, flow);

    case HR_BLOCK_MLP:
      return run_mlp (self, block, flow);

    case HR_BLOCK_MIXTURE:
      return run_mixture (self, block, flow);

    case HR_BLOCK_HEAD:
      return run_head (self, block, flow);

    case HR_BLOCK_MAMBA:
    case HR_BLOCK_MAMBA2:
    case HR_BLOCK_GATED_DELTA:
    case HR_BLOCK_LIGHTNING_ATTENTION:
    case HR_BLOCK_SHORT_CONVOLUTION:
    case HR_BLOCK_RG_LRU:
    case HR_BLOCK_STATE:
      return hr_flop_walk_run_mixer (self, block, flow);

    case HR_BLOCK_ACTIVATION:
    case HR_BLOCK_REGROUPING:
    case HR_BLOCK_COMPRESSED_ATTENTION:
    default:
      return flow;
    }
}
