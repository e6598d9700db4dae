/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-block.h"

/*
 * hr_block_get_state:
 * @self: a block
 * @state: (out): what it keeps of a sequence
 *
 * Gets the size of the state that transformers keeps for a block, whose convolution is as wide as its kernel.
 *
 * Returns: whether the block keeps a state
 */
gboolean
hr_block_get_state (const HrBlock *self,
                    HrBlockState  *state)
{
  const HrMamba2 *mamba2 = &self->mamba2;
  const HrGatedDelta *delta = &self->gated_delta;
  /* OLMo Hybrid has a cache of its own, which keeps what is given to it. */
  gboolean is_separate = self->kind == HR_BLOCK_GATED_DELTA && delta->projection == HR_DELTA_PROJECTION_SEPARATE;

  *state = (HrBlockState) { 0 };
  switch (self->kind)
    {
    case HR_BLOCK_MAMBA:
      state->conv = self->mamba.intermediate_size * self->mamba.conv_kernel;
      state->recurrent = self->mamba.intermediate_size * self->mamba.state_size;
      return TRUE;

    case HR_BLOCK_LIGHTNING_ATTENTION:
      state->recurrent = self->lightning_attention.num_attention_heads * self->lightning_attention.head_dim *
                         self->lightning_attention.head_dim;
      return TRUE;

    case HR_BLOCK_RG_LRU:
      state->conv = self->rg_lru.lru_width * (self->rg_lru.conv_kernel - 1);
      state->recurrent = self->rg_lru.lru_width;
      state->fp32 = TRUE;
      return TRUE;

    case HR_BLOCK_SHORT_CONVOLUTION:
      state->conv = self->short_convolution.hidden_size * self->short_convolution.conv_kernel;
      return TRUE;

    case HR_BLOCK_GATED_DELTA:
      state->conv = (2 * delta->num_key_heads * delta->key_head_dim + delta->num_value_heads * delta->value_head_dim) *
                    (delta->conv_kernel - is_separate);
      state->recurrent = delta->num_value_heads * delta->value_head_dim * delta->key_head_dim;
      state->fp32 = is_separate;
      return TRUE;

    case HR_BLOCK_MAMBA2:
      state->conv = (mamba2->intermediate_size + 2 * mamba2->n_groups * mamba2->state_size) * mamba2->conv_kernel;
      state->recurrent = mamba2->intermediate_size * mamba2->state_size;
      return TRUE;

    case HR_BLOCK_STATE:
      *state = self->state;
      return TRUE;

    case HR_BLOCK_TOKEN_EMBEDDING:
    case HR_BLOCK_POSITION_EMBEDDING:
    case HR_BLOCK_TYPE_EMBEDDING:
    case HR_BLOCK_PARAMETER:
    case HR_BLOCK_CONVOLUTION:
    case HR_BLOCK_ACTIVATION:
    case HR_BLOCK_REGROUPING:
    case HR_BLOCK_LINEAR:
    case HR_BLOCK_NORM:
    case HR_BLOCK_ATTENTION:
    case HR_BLOCK_MLP:
    case HR_BLOCK_MIXTURE:
    case HR_BLOCK_HEAD:
    case HR_BLOCK_COMPRESSED_ATTENTION:
    default:
      return FALSE;
    }
}

/* Frees what a chain holds, not the chain itself. */
void
hr_chain_clear (HrChain *self)
{
  g_return_if_fail (self != NULL);

  for (guint i = 0; i < self->n_blocks; i++)
    g_free (self->blocks[i].path);
  g_clear_pointer (&self->blocks, g_free);
  self->n_blocks = 0;
}

static const char * const role_names[HR_N_STACK_ROLES] = {
  "decoder", "encoder", "vision", "audio", "projector", "speech",
};

/* The role that the id of a stack in an architecture file stands for. */
gboolean
hr_stack_role_from_name (const char  *name,
                         HrStackRole *role)
{
  for (guint i = 0; i < HR_N_STACK_ROLES; i++)
    {
      if (g_str_equal (role_names[i], name))
        {
          *role = i;
          return TRUE;
        }
    }

  return FALSE;
}

/*
 * hr_attention_is_always_eager:
 * @self: an attention
 *
 * Checks whether the class computes the scores of every head, whatever is asked for.
 *
 * Returns: whether it does
 */
gboolean
hr_attention_is_always_eager (const HrAttention *self)
{
  switch (self->path)
    {
    case HR_ATTENTION_BLOOM:
    case HR_ATTENTION_MPT:
    case HR_ATTENTION_GPT_J:
    case HR_ATTENTION_CODEGEN:
    case HR_ATTENTION_GPT_NEO:
    case HR_ATTENTION_MVP:
    case HR_ATTENTION_XGLM:
    case HR_ATTENTION_CTRL:
    case HR_ATTENTION_BAICHUAN:
    case HR_ATTENTION_DISENTANGLED:
    case HR_ATTENTION_T5:
    case HR_ATTENTION_UMT5:
      return TRUE;

    case HR_ATTENTION_INTERFACE:
    case HR_ATTENTION_FALCON:
    case HR_ATTENTION_REPEATING:
    case HR_ATTENTION_VISION:
    case HR_ATTENTION_UNKNOWN:
    default:
      return FALSE;
    }
}

/* Whether biases for the distances between tokens are added to the scores (T5, UMT5). */
gboolean
hr_attention_is_relative (const HrAttention *self)
{
  return self->path == HR_ATTENTION_T5 || self->path == HR_ATTENTION_UMT5;
}

static void
clear_sublayer (HrSublayer *self)
{
  hr_chain_clear (&self->shared);
  hr_chain_clear (&self->after);
  for (guint i = 0; i < self->n_branches; i++)
    hr_chain_clear (&self->branches[i]);
  g_free (self->branches);
}

static void
clear_layer_class (HrLayerClass *self)
{
  for (guint i = 0; i < self->n_sublayers; i++)
    clear_sublayer (&self->sublayers[i]);
  for (guint i = 0; i < self->n_skipped_sublayers; i++)
    clear_sublayer (&self->skipped_sublayers[i]);
  g_free (self->sublayers);
  g_free (self->skipped_sublayers);
}

void
hr_stack_free (HrStack *self)
{
  g_return_if_fail (self != NULL);

  hr_chain_clear (&self->embeddings);
  for (guint i = 0; i < self->n_layer_classes; i++)
    clear_layer_class (&self->layer_classes[i]);
  g_free (self->layer_classes);
  g_free (self->layer_class_of);
  g_free (self->hands_on);
  hr_chain_clear (&self->final);
  g_free (self->id);
  g_free (self);
}
