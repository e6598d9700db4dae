/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-block-factory-private.h"

/* Lightning attention, with the names of transformers' modules (transformers/models/minimax). */

static const HrParameter lightning_parameters[] = {
  COUNT ("hidden-size", lightning_attention.hidden_size),
  COUNT ("num-attention-heads", lightning_attention.num_attention_heads),
  COUNT ("head-dim", lightning_attention.head_dim),
  COUNT ("block-size", lightning_attention.block_size),
  { NULL }
};

static const char * const no_names[] = { NULL };

static gboolean
build_lightning_attention (const HrBlockContext  *context,
                           HrJson                *description,
                           HrBlock               *block,
                           GError               **error)
{
  const HrLightningAttention *lightning = &block->lightning_attention;
  guint64 hidden = lightning->hidden_size;
  guint64 width, fused, state;

  if (!g_uint64_checked_mul (&width, lightning->num_attention_heads, lightning->head_dim) ||
      !g_uint64_checked_mul (&fused, width, 3) || !g_uint64_checked_mul (&state, width, lightning->head_dim))
    return hr_block_set_too_large_error (context, block->path, error);

  return hr_block_add_tensor (context, block->path, "norm", "weight", HR_PART_NORM, HR_TENSOR_ROLE_NORM, width, 0,
                              error) &&
         hr_block_add_linear (context, block->path, "qkv_proj", HR_MODULE_QUERY_KEY_VALUE, HR_PART_ATTENTION, fused,
                              hidden, FALSE, FALSE, error) &&
         hr_block_add_linear (context, block->path, "out_proj", HR_MODULE_OUTPUT, HR_PART_ATTENTION, hidden, width,
                              FALSE, FALSE, error) &&
         hr_block_add_linear (context, block->path, "output_gate", HR_MODULE_OUTPUT_GATE, HR_PART_ATTENTION, width,
                              hidden, FALSE, FALSE, error);
}

const HrBlockClass hr_block_class_lightning_attention = {
  "lightning-attention", HR_BLOCK_LIGHTNING_ATTENTION, lightning_parameters, no_names, build_lightning_attention,
};
