/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-gguf-names.h"

#include <string.h>

/* What files of llama.cpp call tensors: the names of src/llama-arch.cpp (LLM_TENSOR_NAMES). */

static const struct
{
  HrModule module;
  const char *names[HR_GGUF_MAX_NAMES];
} modules[] = {
  { HR_MODULE_QUERY, { "attn_q" } },
  { HR_MODULE_KEY, { "attn_k" } },
  { HR_MODULE_VALUE, { "attn_v" } },
  { HR_MODULE_QUERY_KEY_VALUE, { "attn_qkv" } },
  { HR_MODULE_OUTPUT, { "attn_output" } },
  { HR_MODULE_OUTPUT_GATE, { "attn_gate" } },
  { HR_MODULE_QUERY_LATENT, { "attn_q_a" } },
  { HR_MODULE_QUERY_EXPANSION, { "attn_q_b" } },
  { HR_MODULE_LATENT, { "attn_kv_a_mqa" } },
  { HR_MODULE_EXPANSION, { "attn_k_b", "attn_v_b" } },
  { HR_MODULE_GATE, { "ffn_gate" } },
  { HR_MODULE_UP, { "ffn_up" } },
  { HR_MODULE_GATE_UP, { "ffn_up" } },
  { HR_MODULE_DOWN, { "ffn_down" } },
  { HR_MODULE_ROUTER, { "ffn_gate_inp" } },
  { HR_MODULE_EXPERT_GATE, { "ffn_gate_exps" } },
  { HR_MODULE_EXPERT_UP, { "ffn_up_exps" } },
  { HR_MODULE_EXPERT_GATE_UP, { "ffn_gate_exps", "ffn_up_exps" } },
  { HR_MODULE_EXPERT_DOWN, { "ffn_down_exps" } },
  { HR_MODULE_SHARED_GATE, { "ffn_gate_inp_shexp" } },
  { HR_MODULE_LATENT_DOWN, { "ffn_latent_down" } },
  { HR_MODULE_LATENT_UP, { "ffn_latent_up" } },
  { HR_MODULE_PROJECTION, { "ssm_in" } },
  { HR_MODULE_RATES, { "ssm_ba" } },
  { HR_MODULE_REPLACEMENT_RATE, { "ssm_beta" } },
  { HR_MODULE_DECAY_RATE, { "ssm_alpha" } },
  { HR_MODULE_SELECTION, { "ssm_x" } },
  { HR_MODULE_TIME_STEP, { "ssm_dt" } },
};

/* The same where blocks call them otherwise; perceptrons of a mixture are its shared experts. */
static const struct
{
  HrBlockKind kind;
  HrModule module;
  const char *names[HR_GGUF_MAX_NAMES];
} own_modules[] = {
  { HR_BLOCK_MIXTURE, HR_MODULE_GATE, { "ffn_gate_shexp" } },
  { HR_BLOCK_MIXTURE, HR_MODULE_UP, { "ffn_up_shexp" } },
  { HR_BLOCK_MIXTURE, HR_MODULE_GATE_UP, { "ffn_gate_shexp", "ffn_up_shexp" } },
  { HR_BLOCK_MIXTURE, HR_MODULE_DOWN, { "ffn_down_shexp" } },
  { HR_BLOCK_SHORT_CONVOLUTION, HR_MODULE_PROJECTION, { "shortconv.in_proj" } },
  { HR_BLOCK_SHORT_CONVOLUTION, HR_MODULE_OUTPUT, { "shortconv.out_proj" } },
  { HR_BLOCK_MAMBA, HR_MODULE_OUTPUT, { "ssm_out" } },
  { HR_BLOCK_MAMBA2, HR_MODULE_OUTPUT, { "ssm_out" } },
  { HR_BLOCK_GATED_DELTA, HR_MODULE_OUTPUT, { "ssm_out" } },
  { HR_BLOCK_GATED_DELTA, HR_MODULE_PROJECTION, { "attn_qkv", "attn_gate" } },
};

/*
 * hr_gguf_names_find:
 * @block: a block of a layer
 * @module: one of its modules
 *
 * Finds what a file calls the tensors of a module, without the number of the layer and what the name ends with.
 *
 * Returns: (array length=HR_GGUF_MAX_NAMES): the names, the rest %NULL
 */
const char * const *
hr_gguf_names_find (const HrBlock *block,
                    HrModule       module)
{
  static const char * const unknown[HR_GGUF_MAX_NAMES] = { NULL };

  for (guint i = 0; i < G_N_ELEMENTS (own_modules); i++)
    {
      if (own_modules[i].kind == block->kind && own_modules[i].module == module)
        return own_modules[i].names;
    }
  for (guint i = 0; i < G_N_ELEMENTS (modules); i++)
    {
      if (modules[i].module == module)
        return modules[i].names;
    }

  return unknown;
}

static const HrBlock *
find_in_chain (const HrChain *chain,
               const char    *path)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].path == path)
        return &chain->blocks[i];
    }

  return NULL;
}

/*
 * hr_gguf_names_find_block:
 * @stack: a stack of a model
 * @tensor: a tensor of one of its layers
 * @layer: the layer
 * @sublayer: (out): the sublayer that it is in
 *
 * Finds the block that a tensor is of.
 *
 * Returns: (nullable): the block
 */
const HrBlock *
hr_gguf_names_find_block (const HrStack     *stack,
                          const HrTensor    *tensor,
                          guint              layer,
                          const HrSublayer **sublayer)
{
  const HrLayerClass *layer_class = &stack->layer_classes[stack->layer_class_of[layer]];
  const HrBlock *block = NULL;

  for (guint i = 0; block == NULL && i < layer_class->n_sublayers; i++)
    {
      *sublayer = &layer_class->sublayers[i];
      block = find_in_chain (&(*sublayer)->shared, tensor->block);
      for (guint j = 0; block == NULL && j < (*sublayer)->n_branches; j++)
        block = find_in_chain (&(*sublayer)->branches[j], tensor->block);
      block = block != NULL ? block : find_in_chain (&(*sublayer)->after, tensor->block);
    }

  return block;
}

/*
 * hr_gguf_names_find_outside:
 * @tensor: a tensor that is in no layer
 *
 * Finds what a file calls the matrix of a head, or a table of embeddings.
 *
 * Returns: (nullable): the name
 */
const char *
hr_gguf_names_find_outside (const HrTensor *tensor)
{
  if (tensor->role == HR_TENSOR_ROLE_OUTPUT)
    return "output.weight";
  if (tensor->role != HR_TENSOR_ROLE_EMBEDDING)
    return NULL;

  return strstr (tensor->pattern, "per_layer") != NULL ? "per_layer_token_embd.weight" : "token_embd.weight";
}
