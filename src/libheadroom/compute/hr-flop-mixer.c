/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-flop-pass.h"

/*
 * Mixers of tokens that keep a state. Their matrices are counted as all others; what they do to the state, and their
 * convolutions over a few tokens, as the recurrence that defines it: kernels that work on chunks of tokens compute more
 * than that, on faster units.
 */

/* Multiplications of a state for each token: to discretise it, to update it, to read it. */
static guint64
get_state_size (const HrBlock *block)
{
  switch ((guint) block->kind)
    {
    case HR_BLOCK_MAMBA:
      /* Δ·A and Δ·B·x together, A·h + …, C·h: Algorithm 2 of arXiv 2312.00752. */
      return 3 * block->mamba.intermediate_size * block->mamba.state_size;

    case HR_BLOCK_MAMBA2:
      /* A is a number: B·x + A·h, C·h (arXiv 2405.21060, section 2). */
      return 2 * block->mamba2.intermediate_size * block->mamba2.state_size;

    case HR_BLOCK_GATED_DELTA:
      /* S·k, S + β·(v − S·k)·kᵀ, S·q (arXiv 2412.06464, equation 10). */
      return 3 * block->gated_delta.num_value_heads * block->gated_delta.key_head_dim *
             block->gated_delta.value_head_dim;

    case HR_BLOCK_LIGHTNING_ATTENTION:
      /* λ·S + k·vᵀ, q·S (arXiv 2401.04658, equation 3). */
      return 2 * block->lightning_attention.num_attention_heads * block->lightning_attention.head_dim *
             block->lightning_attention.head_dim;

    case HR_BLOCK_RG_LRU:
      /* a·h + …, one number for each channel (arXiv 2402.19427, equation 4). */
      return block->rg_lru.lru_width;

    default:
      return 0;
    }
}

/* A convolution of each channel by itself. */
static guint64
get_convolution_size (const HrBlock *block)
{
  switch ((guint) block->kind)
    {
    case HR_BLOCK_MAMBA:
      return block->mamba.intermediate_size * block->mamba.conv_kernel;

    case HR_BLOCK_MAMBA2:
      return (block->mamba2.intermediate_size + 2 * block->mamba2.n_groups * block->mamba2.state_size) *
             block->mamba2.conv_kernel;

    case HR_BLOCK_GATED_DELTA:
      return (2 * block->gated_delta.num_key_heads * block->gated_delta.key_head_dim +
              block->gated_delta.num_value_heads * block->gated_delta.value_head_dim) * block->gated_delta.conv_kernel;

    case HR_BLOCK_RG_LRU:
      return block->rg_lru.lru_width * block->rg_lru.conv_kernel;

    case HR_BLOCK_SHORT_CONVOLUTION:
      return block->short_convolution.hidden_size * block->short_convolution.conv_kernel;

    default:
      return 0;
    }
}

/* Products whose derivatives are as much again, for what is read and for what is read with it. */
static void
run_state (HrFlopWalk *self,
           HrFlopPart  part,
           guint64     rows,
           guint64     size,
           gboolean    flow)
{
  HrFlops *flops = &self->count->parts[part];
  guint64 n = hr_flop_walk_multiply (self, part, rows, size);

  hr_flop_count_sum (self->count, &flops->input_gradients, flow ? n : 0);
  hr_flop_count_sum (self->count, &flops->weight_gradients, flow ? n : 0);
}

/*
 * hr_flop_walk_run_mixer:
 * @self: a walk
 * @block: a state space, or an attention that is linear
 * @flow: whether a gradient flows to what it reads
 *
 * Runs a mixer.
 *
 * Returns: whether a gradient flows to what it makes
 */
gboolean
hr_flop_walk_run_mixer (HrFlopWalk    *self,
                        const HrBlock *block,
                        gboolean       flow)
{
  static const HrModule first[] = {
    HR_MODULE_SELF, HR_MODULE_PROJECTION, HR_MODULE_QUERY_KEY_VALUE, HR_MODULE_QUERY, HR_MODULE_KEY, HR_MODULE_VALUE,
    HR_MODULE_KEY_VALUE, HR_MODULE_OUTPUT_GATE, HR_MODULE_RATES, HR_MODULE_REPLACEMENT_RATE, HR_MODULE_DECAY_RATE,
  };
  guint64 rows = self->batch * self->sequence;
  gboolean inner = flow || hr_flop_walk_trains (self, block, HR_MODULE_SELF);

  for (guint i = 0; i < G_N_ELEMENTS (first); i++)
    inner |= hr_flop_walk_run_module (self, HR_FLOP_PART_MIXER, block, first[i], rows, flow);
  run_state (self, HR_FLOP_PART_STATE, rows, get_convolution_size (block), inner);
  inner |= hr_flop_walk_run_module (self, HR_FLOP_PART_MIXER, block, HR_MODULE_SELECTION, rows, inner);
  inner |= hr_flop_walk_run_module (self, HR_FLOP_PART_MIXER, block, HR_MODULE_TIME_STEP, rows, inner);
  /* The gates' matrices consist of a block for each head (RecurrentGemmaRglru). */
  if (block->kind == HR_BLOCK_RG_LRU)
    run_state (self, HR_FLOP_PART_MIXER, rows,
               2 * block->rg_lru.lru_width * (block->rg_lru.lru_width / block->rg_lru.num_heads), inner);
  run_state (self, HR_FLOP_PART_STATE, rows, get_state_size (block), inner);

  return hr_flop_walk_run_module (self, HR_FLOP_PART_MIXER, block, HR_MODULE_OUTPUT, rows, inner);
}
