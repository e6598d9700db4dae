/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-serving-run.h"

#include "hr-inference-cache.h"
#include "hr-pass.h"
#include "hr-serving-compressed.h"
#include "hr-serving-encoder.h"

/*
 * The trial run by which vLLM finds out what is left for its cache (GPUModelRunner.profile_run of
 * vllm/v1/worker/gpu_model_runner.py, GPUModelRunnerBase.profile_run of vllm/worker/model_runner.py): as many tokens as
 * are computed at once go through the layers, then the sampler draws a token for as many requests as there may be. Its
 * functions write in place where transformers' make a new tensor: norms add the residual into it and normalise what
 * they read (fused_add_rms_norm), rotations change queries and keys (rotary_embedding). Variables are those of the
 * models' functions (vllm/model_executor/models); what torch.compile has made of them holds its inputs until a piece
 * between two attentions has run.
 */

/* VLLM_FUSED_MOE_CHUNK_SIZE: tokens that go through the experts at once (fused_experts_impl). */
#define EXPERT_CHUNK 32768

/* How many of the longest requests an indexer gathers keys of at once (get_max_prefill_buffer_size). */
#define INDEX_REQUESTS 40

/* From how many rows on logits are masked by a kernel of Triton (apply_top_k_top_p). */
#define FEWEST_PIVOTED 8

#define T HR_SYMBOL_SEQUENCE
#define H HR_SYMBOL_HIDDEN
#define V HR_SYMBOL_VOCABULARY

/* Llama's MLP calls what its matrix makes like its input; LlamaForCausalLM runs others as well (registry.py). */
static gboolean
lets_gate_up_go (const HrModel *model)
{
  static const char * const types[] = { "llama", "mistral", "phi3", "aquila", "internlm3", NULL };

  return g_strv_contains (types, hr_model_get_model_type ((HrModel *) model));
}

static gboolean
knows_chain (const HrChain *chain)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrBlock *block = &chain->blocks[i];

      switch ((guint) block->kind)
        {
        case HR_BLOCK_NORM:
        case HR_BLOCK_PARAMETER:
        case HR_BLOCK_MLP:
        case HR_BLOCK_MAMBA:
        case HR_BLOCK_MAMBA2:
        case HR_BLOCK_GATED_DELTA:
        case HR_BLOCK_SHORT_CONVOLUTION:
          break;

        case HR_BLOCK_ATTENTION:
          if (block->attention.is_cross)
            return FALSE;
          break;

        case HR_BLOCK_MIXTURE:
          if (block->mixture.latent_size > 0)
            return FALSE;
          break;

        default:
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
knows_sublayer (const HrSublayer *sublayer)
{
  for (guint i = 0; i < sublayer->n_branches; i++)
    {
      if (!knows_chain (&sublayer->branches[i]))
        return FALSE;
    }

  return sublayer->n_branches <= (sublayer->routes_input ? 3 : 2) && knows_chain (&sublayer->shared) &&
         sublayer->after.n_blocks == 0;
}

/* A mixer and what feeds forward; a perceptron and experts may be beside each other (Gemma4DecoderLayer). */
static gboolean
knows_class (const HrLayerClass *klass)
{
  gboolean has_both = hr_layer_class_find_block (klass, HR_BLOCK_MLP) != NULL &&
                      hr_layer_class_find_block (klass, HR_BLOCK_MIXTURE) != NULL;

  if (klass->n_sublayers > (has_both ? 3 : 2) || klass->n_skipped_sublayers > 0)
    return FALSE;

  for (guint i = 0; i < klass->n_sublayers; i++)
    {
      if (!knows_sublayer (&klass->sublayers[i]))
        return FALSE;
    }

  return TRUE;
}

/*
 * hr_serving_run_knows:
 * @stack: a decoder
 *
 * Checks whether it is known how its layers run: an attention or another mixer of tokens, then a perceptron or experts,
 * each with a norm before, one of these alone, or two of them side by side after one norm; some of the layers attend.
 *
 * Returns: whether it is
 */
gboolean
hr_serving_run_knows (const HrStack *stack)
{
  gboolean attends = FALSE;

  if (hr_serving_compressed_is_all (stack))
    return TRUE;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrLayerClass *klass = &stack->layer_classes[i];

      attends = attends || hr_layer_class_get_attention (klass) != NULL;
      if (!knows_class (klass))
        return FALSE;
    }

  return attends;
}

/*
 * hr_serving_run_has_branches:
 * @stack: a decoder
 *
 * Checks whether parts of a layer read the same, side by side.
 *
 * Returns: whether they do
 */
gboolean
hr_serving_run_has_branches (const HrStack *stack)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      for (guint j = 0; j < stack->layer_classes[i].n_sublayers; j++)
        {
          const HrSublayer *sublayer = &stack->layer_classes[i].sublayers[j];

          if (sublayer->n_branches > 1 && !sublayer->routes_input)
            return TRUE;
        }
    }

  return FALSE;
}

/*
 * hr_serving_run_find_state:
 * @klass: layers
 *
 * Finds what keeps a state of each sequence.
 *
 * Returns: (nullable): a block, or %NULL if there is none
 */
const HrBlock *
hr_serving_run_find_state (const HrLayerClass *klass)
{
  static const HrBlockKind kinds[] = {
    HR_BLOCK_MAMBA, HR_BLOCK_MAMBA2, HR_BLOCK_GATED_DELTA, HR_BLOCK_SHORT_CONVOLUTION,
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      const HrBlock *block = hr_layer_class_find_block (klass, kinds[i]);

      if (block != NULL)
        return block;
    }

  return NULL;
}

/* What a mixer with a state reads, as its matrices make it, and what it makes. */
static void
set_state_symbols (HrReplay      *replay,
                   const HrBlock *block)
{
  const HrMamba2 *mamba2 = &block->mamba2;
  const HrGatedDelta *delta = &block->gated_delta;
  guint64 *symbols = replay->symbols;

  switch ((guint) block->kind)
    {
    case HR_BLOCK_MAMBA:
      symbols[HR_SYMBOL_MIXER] = block->mamba.intermediate_size;
      symbols[HR_SYMBOL_PROJECTED] = 2 * block->mamba.intermediate_size;
      break;

    case HR_BLOCK_MAMBA2:
      symbols[HR_SYMBOL_MIXER] = mamba2->intermediate_size;
      symbols[HR_SYMBOL_PROJECTED] = 2 * (mamba2->intermediate_size + mamba2->n_groups * mamba2->state_size) +
                                     mamba2->num_heads;
      break;

    case HR_BLOCK_GATED_DELTA:
      symbols[HR_SYMBOL_MIXER] = delta->num_value_heads * delta->value_head_dim;
      symbols[HR_SYMBOL_PROJECTED] = 2 * (delta->num_key_heads * delta->key_head_dim + symbols[HR_SYMBOL_MIXER] +
                                          delta->num_value_heads);
      break;

    case HR_BLOCK_SHORT_CONVOLUTION:
      symbols[HR_SYMBOL_MIXER] = block->short_convolution.hidden_size;
      symbols[HR_SYMBOL_PROJECTED] = 3 * block->short_convolution.hidden_size;
      break;

    default:
      break;
    }
}

static void
set_symbols (const HrServingPlan *plan,
             HrReplay            *replay,
             const HrLayerClass  *klass)
{
  const HrBlock *mlp = hr_layer_class_find_block (klass, HR_BLOCK_MLP);
  const HrBlock *mixture = hr_layer_class_find_block (klass, HR_BLOCK_MIXTURE);
  const HrBlock *state = hr_serving_run_find_state (klass);
  const HrAttention *attention = hr_layer_class_get_attention (klass);
  guint64 *symbols = replay->symbols;

  if (attention != NULL)
    hr_pass_set_attention_symbols (replay, attention);
  if (attention != NULL && attention->index_num_heads > 0)
    {
      symbols[HR_SYMBOL_TARGET] = plan->max_model_len * INDEX_REQUESTS;
      symbols[HR_SYMBOL_KEPT] = attention->index_head_dim + sizeof (float);
    }
  if (attention != NULL && attention->output_gate == HR_OUTPUT_GATE_QUERY)
    symbols[HR_SYMBOL_FUSED] += symbols[HR_SYMBOL_QUERY];
  if (state != NULL)
    set_state_symbols (replay, state);
  hr_pass_set_context (replay, plan->latent_chunk);
  if (mlp != NULL)
    symbols[HR_SYMBOL_INTERMEDIATE] = mlp->mlp.intermediate_size;
  if (mixture == NULL)
    return;

  symbols[HR_SYMBOL_EXPERTS] = mixture->mixture.num_experts;
  symbols[HR_SYMBOL_EXPERT] = mixture->mixture.intermediate_size;
  symbols[HR_SYMBOL_TOP_K] = mixture->mixture.num_experts_per_tok;
  if (mlp == NULL)
    symbols[HR_SYMBOL_INTERMEDIATE] = mixture->mixture.shared_intermediate_size;
  symbols[HR_SYMBOL_ROUTED] = MIN (symbols[HR_SYMBOL_GATHERED_TOKENS], EXPERT_CHUNK) * symbols[HR_SYMBOL_TOP_K];
}

/*
 * hr_serving_run_row_parallel:
 * @plan: a plan
 * @replay: a tape
 *
 * Replays RowParallelLinear: what a rank has made of its part of the input, and the sum of all ranks' (all_reduce).
 *
 * Returns: the sum; to be let go of with hr_replay_drop()
 */
HrValue
hr_serving_run_row_parallel (const HrServingPlan *plan,
                             HrReplay            *replay)
{
  HrValue own = hr_op_like (replay, "linear", "output", HR_SHAPE (replay->dtype, T, H));
  HrValue sum;

  if (plan->n_tensor == 1)
    return own;

  sum = hr_op_like (replay, "all_reduce", "output", HR_SHAPE (replay->dtype, T, H));
  hr_replay_drop (replay, own);

  return sum;
}

/* Queries, keys and values in one; norms of queries and keys make new ones, while the values are still part of it. */
static HrValue
replay_attention (const HrServingPlan *plan,
                  HrReplay            *replay,
                  const HrAttention   *attention)
{
  HrElement e = replay->dtype;
  HrValue qkv = hr_op_like (replay, "linear", "qkv", HR_SHAPE (e, T, HR_SYMBOL_FUSED));
  HrValue query = HR_NO_VALUE, key = HR_NO_VALUE;
  HrValue heads, output;

  if (attention->qk_norm != HR_QK_NORM_NONE)
    {
      query = hr_op_like (replay, "rms_norm", "q", HR_SHAPE (e, T, HR_SYMBOL_QUERY));
      key = hr_op_like (replay, "rms_norm", "k", HR_SHAPE (e, T, HR_SYMBOL_KEY));
    }
  heads = hr_op_like (replay, "unified_attention_with_output", "attn_output", HR_SHAPE (e, T, HR_SYMBOL_QUERY));
  output = hr_serving_run_row_parallel (plan, replay);
  hr_replay_drop (replay, heads);
  hr_replay_drop (replay, key);
  hr_replay_drop (replay, query);
  hr_replay_drop (replay, qkv);

  return output;
}

/*
 * An indexer (Indexer.forward of vllm/model_executor/models/deepseek_v2.py): its queries, in sixteen bits and in
 * eight, and keys of as many tokens as are ever gathered at once, which the trial run makes room for
 * (sparse_attn_indexer_fake).
 */
static void
replay_indexer (const HrServingPlan *plan,
                HrReplay            *replay,
                const HrAttention   *attention)
{
  HrElement e = replay->dtype;
  HrValue query, rotated, narrow, keys, gathered = HR_NO_VALUE;

  if (attention->index_num_heads == 0)
    return;

  query = hr_op_like (replay, "linear", "q", HR_SHAPE (e, T, HR_SYMBOL_INDEX));
  keys = hr_op_like (replay, "linear", "k", HR_SHAPE (e, T, HR_SYMBOL_INDEX_HEAD));
  rotated = hr_op_like (replay, "cat", "q", HR_SHAPE (e, T, HR_SYMBOL_INDEX));
  hr_replay_drop (replay, query);
  narrow = hr_op_like (replay, "per_token_group_quant_fp8", "q_fp8", HR_SHAPE (HR_ELEMENT_FLOAT8, T, HR_SYMBOL_INDEX));
  hr_replay_drop (replay, rotated);
  if (plan->profile->tries_run)
    gathered = hr_op_like (replay, "empty", "_flattened_kv",
                           HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_TARGET, HR_SYMBOL_KEPT));
  hr_replay_drop (replay, gathered);
  hr_replay_drop (replay, narrow);
  hr_replay_drop (replay, keys);
}

/* What the projections of latent attention make, and what of it attention reads. */
typedef struct
{
  HrValue latent;    /* of which the key that is rotated is a part */
  HrValue query;
  HrValue normed;
} Latent;

static Latent
replay_latent_projections (HrReplay          *replay,
                           const HrAttention *attention)
{
  HrElement e = replay->dtype;
  HrValue query_latent = HR_NO_VALUE;
  Latent self;

  if (attention->query_latent_size > 0)
    query_latent = hr_op_like (replay, "linear", "q_c", HR_SHAPE (e, T, HR_SYMBOL_QUERY_LATENT));
  self.latent = hr_op_like (replay, "linear", "kv_c", HR_SHAPE (e, T, HR_SYMBOL_LATENT_JOINED));
  if (attention->query_latent_size > 0)
    {
      HrValue normed = hr_op_like (replay, "rms_norm", "q_c", HR_SHAPE (e, T, HR_SYMBOL_QUERY_LATENT));

      hr_replay_drop (replay, query_latent);
      query_latent = normed;
    }
  self.query = hr_op_like (replay, "linear", "q", HR_SHAPE (e, T, HR_SYMBOL_QUERY));
  hr_replay_drop (replay, query_latent);
  self.normed = hr_op_like (replay, "rms_norm", "kv_c_normed", HR_SHAPE (e, T, HR_SYMBOL_LATENT));

  return self;
}

/* Room for as many expanded latents as there are ever at once (MLACommonImpl.forward). */
static void
try_latent (const HrServingPlan *plan,
            HrReplay            *replay)
{
  HrValue expanded;

  if (!plan->profile->tries_latent || plan->latent_chunk == 0)
    return;

  expanded = hr_op_like (replay, "empty", "kv_nope", HR_SHAPE (replay->dtype, HR_SYMBOL_CONTEXT, HR_SYMBOL_EXPANDED));
  hr_replay_drop (replay, expanded);
}

static void
drop_latent (HrReplay *replay,
             Latent   *latent)
{
  hr_replay_drop (replay, latent->normed);
  hr_replay_drop (replay, latent->query);
  hr_replay_drop (replay, latent->latent);
}

/*
 * MLACommonImpl._forward_prefill of 0.7, which has the tokens of the trial run attend to each other: keys and values
 * expanded, the keys joined with what is rotated, the values padded to their size.
 */
static void
replay_latent_prefill (HrReplay *replay)
{
  HrElement e = replay->dtype;
  HrValue expanded = hr_op_like (replay, "linear", "kv_nope", HR_SHAPE (e, T, HR_SYMBOL_EXPANDED));
  HrValue key = hr_op_like (replay, "cat", "k", HR_SHAPE (e, T, HR_SYMBOL_QUERY));
  HrValue value = hr_op_like (replay, "pad", "v_padded", HR_SHAPE (e, T, HR_SYMBOL_QUERY));
  HrValue heads = hr_op_like (replay, "flash_attn_varlen_func", "attn_output", HR_SHAPE (e, T, HR_SYMBOL_QUERY));
  HrValue flat = hr_op_like (replay, "reshape", "attn_output", HR_SHAPE (e, T, HR_SYMBOL_VALUE));

  hr_replay_drop (replay, flat);
  hr_replay_drop (replay, heads);
  hr_replay_drop (replay, value);
  hr_replay_drop (replay, key);
  hr_replay_drop (replay, expanded);
}

static HrValue
replay_latent_attention (const HrServingPlan *plan,
                         HrReplay            *replay,
                         const HrAttention   *attention)
{
  Latent latent = replay_latent_projections (replay, attention);
  HrValue heads = HR_NO_VALUE, output;

  replay_indexer (plan, replay, attention);
  if (plan->profile->is_eager)
    replay_latent_prefill (replay);
  heads = hr_op_like (replay, "unified_attention_with_output", "attn_output",
                      HR_SHAPE (replay->dtype, T, HR_SYMBOL_VALUE));
  try_latent (plan, replay);
  output = hr_serving_run_row_parallel (plan, replay);
  hr_replay_drop (replay, heads);
  drop_latent (replay, &latent);

  return output;
}

/* gate_up_proj, SiluAndMul and down_proj, or the two matrices of a perceptron without a gate. */
static HrValue
replay_perceptron (const HrServingPlan *plan,
                   HrReplay            *replay,
                   gboolean             is_gated,
                   gboolean             lets_go)
{
  HrElement e = replay->dtype;
  HrValue shape = HR_SHAPE (e, T, HR_SYMBOL_INTERMEDIATE);
  HrValue wide = shape;
  HrValue first, act, output;

  wide.count = is_gated ? 2 : 1;
  first = hr_op_like (replay, "linear", is_gated ? "gate_up" : "up", wide);
  act = hr_op_like (replay, is_gated ? "silu_and_mul" : "act", "act(x)", shape);
  if (lets_go || !is_gated)
    hr_replay_drop (replay, first);
  output = hr_serving_run_row_parallel (plan, replay);
  hr_replay_drop (replay, act);
  if (!lets_go && is_gated)
    hr_replay_drop (replay, first);

  return output;
}

/*
 * fused_experts_impl: what the first and the second product of all experts make is one buffer, what is between them
 * another, and each product reads eight bits where the experts have these; the sum goes into what was read.
 */
static void
replay_products (const HrServingPlan *plan,
                 HrReplay            *replay,
                 const HrMixture     *mixture)
{
  HrElement e = replay->dtype;
  gboolean is_wide = 2 * mixture->intermediate_size >= mixture->hidden_size;
  HrValue inner = HR_SHAPE (e, HR_SYMBOL_ROUTED, HR_SYMBOL_EXPERT);
  HrValue products = is_wide ? inner : HR_SHAPE (e, HR_SYMBOL_ROUTED, H);
  HrValue first = HR_NO_VALUE, second = HR_NO_VALUE;
  HrValue result, between;

  if (is_wide)
    products.count = 2;
  result = hr_op_like (replay, "fused_moe", "cache13", products);
  between = hr_op_like (replay, "fused_moe", "cache2", inner);
  if (hr_serving_plan_has_fp8 (plan))
    {
      first = hr_op_like (replay, "moe_kernel_quantize_input", "qcurr_hidden_states",
                          HR_SHAPE (HR_ELEMENT_FLOAT8, HR_SYMBOL_GATHERED_TOKENS, H));
      second = hr_op_like (replay, "moe_kernel_quantize_input", "qintermediate_cache2",
                           HR_SHAPE (HR_ELEMENT_FLOAT8, HR_SYMBOL_ROUTED, HR_SYMBOL_EXPERT));
    }
  hr_replay_drop (replay, second);
  hr_replay_drop (replay, first);
  hr_replay_drop (replay, between);
  hr_replay_drop (replay, result);
}

/* Tokens and what the router says of them come from all ranks that answer requests of their own (naive_multicast). */
static HrValue
replay_experts (const HrServingPlan *plan,
                HrReplay            *replay,
                const HrMixture     *mixture)
{
  HrElement e = replay->dtype;
  HrSymbol tokens = plan->n_data > 1 ? HR_SYMBOL_GATHERED_TOKENS : T;
  HrValue shared = HR_NO_VALUE, gathered = HR_NO_VALUE;
  HrValue logits, weights, ids, result;

  if (mixture->shared_intermediate_size > 0)
    shared = replay_perceptron (plan, replay, TRUE, FALSE);
  if (plan->n_data > 1)
    gathered = hr_op_like (replay, "naive_multicast", "hidden_states", HR_SHAPE (e, tokens, H));
  logits = hr_op_like (replay, "linear", "router_logits", HR_SHAPE (e, tokens, HR_SYMBOL_EXPERTS));
  weights = hr_op_like (replay, "topk_softmax", "topk_weights", HR_SHAPE (HR_ELEMENT_FLOAT32, tokens, HR_SYMBOL_TOP_K));
  ids = hr_op_like (replay, "topk_softmax", "topk_ids", HR_SHAPE (HR_ELEMENT_INT32, tokens, HR_SYMBOL_TOP_K));
  replay_products (plan, replay, mixture);
  hr_replay_drop (replay, ids);
  hr_replay_drop (replay, weights);
  hr_replay_drop (replay, logits);
  hr_replay_drop (replay, gathered);
  result = hr_op_like (replay, "moe_sum", "final_hidden_states", HR_SHAPE (e, T, H));
  hr_replay_drop (replay, shared);

  return result;
}

/* A mixer with a state, which the trial run does not compute: what it reads, what it would make, and its gate's. */
static HrValue
replay_state (const HrServingPlan *plan,
              HrReplay            *replay)
{
  HrElement e = replay->dtype;
  HrValue projected = hr_op_like (replay, "linear", "projected_states", HR_SHAPE (e, T, HR_SYMBOL_PROJECTED));
  HrValue mixed = hr_op_like (replay, "zeros", "core_attn_out", HR_SHAPE (e, T, HR_SYMBOL_MIXER));
  HrValue gated = hr_op_like (replay, "rms_norm_gated", "core_attn_out", HR_SHAPE (e, T, HR_SYMBOL_MIXER));
  HrValue output;

  hr_replay_drop (replay, mixed);
  output = hr_serving_run_row_parallel (plan, replay);
  hr_replay_drop (replay, gated);
  hr_replay_drop (replay, projected);

  return output;
}

/*
 * A layer's mixer of tokens; HR_NO_VALUE: it has none. Where there are two, what the attention has made waits for the
 * other (FalconH1ParallelHybrid).
 */
static HrValue
replay_mixer (const HrServingPlan *plan,
              HrReplay            *replay,
              const HrLayerClass  *klass)
{
  const HrAttention *attention = hr_layer_class_get_attention (klass);
  HrValue attended = HR_NO_VALUE, mixed;

  if (attention != NULL)
    attended = attention->latent_size > 0 ? replay_latent_attention (plan, replay, attention)
                                          : replay_attention (plan, replay, attention);
  if (hr_serving_run_find_state (klass) == NULL)
    return attended;

  mixed = replay_state (plan, replay);
  hr_replay_drop (replay, attended);

  return mixed;
}

static HrValue
replay_feed_forward (const HrServingPlan *plan,
                     HrReplay            *replay,
                     const HrLayerClass  *klass,
                     gboolean             lets_go)
{
  const HrBlock *mlp = hr_layer_class_find_block (klass, HR_BLOCK_MLP);
  const HrBlock *mixture = hr_layer_class_find_block (klass, HR_BLOCK_MIXTURE);

  if (mixture != NULL)
    {
      HrValue beside = mlp != NULL ? replay_perceptron (plan, replay, mlp->mlp.gated, lets_go) : HR_NO_VALUE;
      HrValue routed = replay_experts (plan, replay, &mixture->mixture);

      hr_replay_drop (replay, beside);
      return routed;
    }

  return mlp != NULL ? replay_perceptron (plan, replay, mlp->mlp.gated, lets_go) : HR_NO_VALUE;
}

/*
 * A layer by its function: what it has read is held by the model's function, the residual is changed in place, and so
 * is what the attention has made, which the perceptron reads.
 */
static void
replay_eager_layer (const HrServingPlan *plan,
                    HrReplay            *replay,
                    const HrLayerClass  *klass)
{
  HrValue hidden = hr_op_like (replay, "linear", "hidden_states", HR_SHAPE (replay->dtype, T, H));
  HrValue residual = hr_op_like (replay, "rms_norm", "residual", HR_SHAPE (replay->dtype, T, H));
  HrValue mixed = replay_mixer (plan, replay, klass);
  HrValue output = replay_feed_forward (plan, replay, klass, lets_gate_up_go (plan->pass->model));

  hr_replay_drop (replay, mixed);
  hr_replay_drop (replay, hidden);
  hr_replay_drop (replay, output);
  hr_replay_drop (replay, residual);
}

/* What the matrices before a mixer make of the tokens, which a compiled piece ends with. */
typedef struct
{
  HrValue joined;
  Latent latent;
} Inputs;

static Inputs
replay_inputs (HrReplay           *replay,
               const HrLayerClass *klass)
{
  const HrAttention *attention = hr_layer_class_get_attention (klass);
  HrElement e = replay->dtype;
  Inputs inputs = { HR_NO_VALUE, { HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE } };

  if (attention != NULL && attention->latent_size > 0)
    inputs.latent = replay_latent_projections (replay, attention);
  else if (attention != NULL)
    inputs.joined = hr_op_like (replay, "linear", "qkv", HR_SHAPE (e, T, HR_SYMBOL_FUSED));
  else if (hr_serving_run_find_state (klass) != NULL)
    inputs.joined = hr_op_like (replay, "linear", "projected_states", HR_SHAPE (e, T, HR_SYMBOL_PROJECTED));

  return inputs;
}

/* What an attention or another mixer writes to, the one that comes first in a layer or the one that comes last. */
static HrValue
make_mixed (HrReplay           *replay,
            const HrLayerClass *klass,
            gboolean            is_first)
{
  const HrAttention *attention = hr_layer_class_get_attention (klass);
  gboolean has_state = hr_serving_run_find_state (klass) != NULL;
  HrElement e = replay->dtype;

  if (attention != NULL && (is_first || !has_state))
    return hr_op_like (replay, "unified_attention_with_output", "attn_output",
                       HR_SHAPE (e, T, attention->latent_size > 0 ? HR_SYMBOL_VALUE : HR_SYMBOL_QUERY));

  return has_state ? hr_op_like (replay, "zeros", "core_attn_out", HR_SHAPE (e, T, HR_SYMBOL_MIXER)) : HR_NO_VALUE;
}

/*
 * The piece between an attention and a mixer beside it, which read the same: what the attention has made goes through
 * its last matrix, the mixer's first one runs, and the mixer.
 */
static void
replay_between (const HrServingPlan *plan,
                HrReplay            *replay,
                const HrLayerClass  *klass)
{
  HrValue attended, hidden, summed, projected, mixed;

  if (hr_layer_class_get_attention (klass) == NULL || hr_serving_run_find_state (klass) == NULL)
    return;

  attended = make_mixed (replay, klass, TRUE);
  hidden = hr_op_like (replay, "rms_norm", "hidden_states", HR_SHAPE (replay->dtype, T, H));
  summed = hr_serving_run_row_parallel (plan, replay);
  projected = hr_op_like (replay, "linear", "projected_states", HR_SHAPE (replay->dtype, T, HR_SYMBOL_PROJECTED));
  hr_replay_drop (replay, attended);
  mixed = make_mixed (replay, klass, FALSE);
  hr_replay_drop (replay, mixed);
  hr_replay_drop (replay, projected);
  hr_replay_drop (replay, summed);
  hr_replay_drop (replay, hidden);
}

/*
 * What a norm has made before a perceptron of plain matrices: Inductor does not give it back, as what the perceptron
 * makes is as large and takes its place (AllocateLine.plan of torch/_inductor/codegen/wrapper.py). Kernels of quantized
 * matrices, and those of experts, make tensors of their own. Beside an attention the perceptron reads what that has
 * read, which the caller holds (CohereDecoderLayer).
 */
static HrValue
keep_normed (const HrServingPlan *plan,
             HrReplay            *replay,
             const HrLayerClass  *klass)
{
  gboolean is_beside = klass->n_sublayers == 1 && klass->sublayers[0].n_branches > 1;

  if (!is_beside &&
      (plan->pass->quantization != HR_QUANTIZATION_NONE || hr_layer_class_find_block (klass, HR_BLOCK_MLP) == NULL ||
       hr_layer_class_find_block (klass, HR_BLOCK_MIXTURE) != NULL))
    return HR_NO_VALUE;

  return hr_op_like (replay, "rms_norm", "hidden_states", HR_SHAPE (replay->dtype, T, H));
}

/*
 * The piece of a compiled graph between two mixers: what it reads, what a mixer has made and the residual, is held by
 * the caller until it has run.
 */
static void
replay_compiled_layer (const HrServingPlan *plan,
                       HrReplay            *replay,
                       const HrLayerClass  *klass)
{
  const HrAttention *attention = hr_layer_class_get_attention (klass);
  HrValue mixed = make_mixed (replay, klass, FALSE);
  HrValue before = hr_op_like (replay, "add", "residual", HR_SHAPE (replay->dtype, T, H));
  HrValue residual = hr_op_like (replay, "linear", "residual", HR_SHAPE (replay->dtype, T, H));
  HrValue normed = keep_normed (plan, replay, klass);
  HrValue output = replay_feed_forward (plan, replay, klass, TRUE);
  Inputs inputs;

  hr_replay_drop (replay, normed);
  inputs = replay_inputs (replay, klass);
  if (attention != NULL)
    replay_indexer (plan, replay, attention);
  hr_replay_drop (replay, before);
  hr_replay_drop (replay, output);
  hr_replay_drop (replay, mixed);
  mixed = make_mixed (replay, klass, TRUE);
  if (attention != NULL && attention->latent_size > 0)
    try_latent (plan, replay);
  hr_replay_drop (replay, mixed);
  drop_latent (replay, &inputs.latent);
  hr_replay_drop (replay, inputs.joined);
  replay_between (plan, replay, klass);
  hr_replay_drop (replay, residual);
}

/*
 * torch.sort of rows of the vocabulary: values, indices, the order before it, and what cub holds of both to write to in
 * turns (launch_stable_sort_kernel of aten/src/ATen/native/cuda/Sort.cu, segmented_sort_pairs).
 */
static void
replay_sort (HrReplay *replay,
             HrValue  *values,
             HrValue  *indices)
{
  HrValue floats = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, V);
  HrValue numbers = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, V);
  HrValue order, other_values, other_indices;

  *values = hr_op_like (replay, "sort", "logits_sort", floats);
  *indices = hr_op_like (replay, "sort", "logits_idx", numbers);
  order = hr_op_like (replay, "sort", "indices", numbers);
  other_values = hr_op_like (replay, "sort", "keys", floats);
  other_indices = hr_op_like (replay, "sort", "values", numbers);
  hr_replay_drop (replay, other_indices);
  hr_replay_drop (replay, other_values);
  hr_replay_drop (replay, order);
}

/*
 * apply_top_k_top_p of 0.16 and random_sample (vllm/v1/sample/ops/topk_topp_sampler.py): logits are sorted, those that
 * are too improbable left out, probabilities drawn from.
 */
static void
replay_sorting (HrReplay *replay)
{
  HrValue floats = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, V);
  HrValue bools = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, V);
  HrValue values, indices, mask, other_mask, sum, drawn, noise;

  replay_sort (replay, &values, &indices);
  mask = hr_op_like (replay, "lt", "top_k_mask", bools);
  sum = hr_op_like (replay, "softmax", "probs_sort", floats);
  other_mask = hr_op_like (replay, "le", "top_p_mask", bools);
  drawn = hr_op_like (replay, "scatter", "logits", floats);
  hr_replay_drop (replay, other_mask);
  hr_replay_drop (replay, sum);
  hr_replay_drop (replay, mask);
  hr_replay_drop (replay, indices);
  hr_replay_drop (replay, values);
  sum = hr_op_like (replay, "softmax", "probs", floats);
  noise = hr_op_like (replay, "empty_like", "q", floats);
  hr_replay_drop (replay, noise);
  hr_replay_drop (replay, sum);
  hr_replay_drop (replay, drawn);
}

/*
 * apply_top_k_top_p_triton (vllm/v1/sample/ops/topk_topp_triton.py), which has a row of a buffer for each program, and
 * random_sample: probabilities, and numbers to draw with. Few rows are sorted.
 */
static void
replay_pivoting (const HrServingPlan *plan,
                 HrReplay            *replay)
{
  HrValue floats = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, V);
  guint64 n_rows = 1;
  HrValue buffer, sum, noise;

  if (replay->symbols[HR_SYMBOL_BATCH] < FEWEST_PIVOTED)
    {
      replay_sorting (replay);
      return;
    }

  while (n_rows < replay->symbols[HR_SYMBOL_BATCH])
    n_rows *= 2;
  if (plan->multiprocessors > 0)
    n_rows = MIN (n_rows, plan->multiprocessors);
  replay->symbols[HR_SYMBOL_KEPT] = n_rows;
  buffer = hr_op_like (replay, "new_empty", "buffer", HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_KEPT, V));
  sum = hr_op_like (replay, "softmax", "probs", floats);
  noise = hr_op_like (replay, "empty_like", "q", floats);
  hr_replay_drop (replay, noise);
  hr_replay_drop (replay, sum);
  hr_replay_drop (replay, buffer);
}

/* top_k_top_p_sampling_from_logits of flashinfer/sampling.py. */
static void
replay_masking (HrReplay *replay)
{
  HrValue floats = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, V);
  HrValue masked = hr_op_like (replay, "top_k_mask_logits", "masked_logits", floats);
  HrValue sum = hr_op_like (replay, "softmax", "probs", floats);

  hr_replay_drop (replay, sum);
  hr_replay_drop (replay, masked);
}

/* Tokens are drawn from logits, which become fp32 before. */
static void
replay_drawing (const HrServingPlan *plan,
                HrReplay            *replay)
{
  HrValue floats = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, V);
  HrValue wide = HR_NO_VALUE;

  if (replay->dtype != HR_ELEMENT_FLOAT32)
    wide = hr_op_like (replay, "to", "logits.float ()", floats);
  if (plan->profile->sampler == HR_SERVING_SAMPLER_SORT)
    replay_sorting (replay);
  if (plan->profile->sampler == HR_SERVING_SAMPLER_TRITON)
    replay_pivoting (plan, replay);
  if (plan->profile->sampler == HR_SERVING_SAMPLER_MASK)
    replay_masking (replay);
  if (plan->profile->sampler == HR_SERVING_SAMPLER_SOFTMAX)
    hr_replay_drop (replay, hr_op_like (replay, "softmax", "probs", floats));
  hr_replay_drop (replay, wide);
}

/*
 * RejectionSampler.forward (vllm/v1/sample/rejection_sampler.py), tried with a guess for each request, as
 * _dummy_sampler_run of gpu_model_runner.py does: up to 0.11 with logits of guesses beside those of the model, then
 * with those of guesses and next tokens in the place of these, of which either are picked.
 */
static void
replay_rejection (const HrServingPlan *plan,
                  HrReplay            *replay,
                  HrValue             *logits)
{
  HrValue shape = HR_SHAPE (replay->dtype, HR_SYMBOL_BATCH, V);
  HrValue drawn, picked = HR_NO_VALUE;

  if (!plan->checks_guesses || !plan->profile->draws_logits)
    return;

  shape.count = plan->profile->checks_both ? 2 : 1;
  drawn = hr_op_like (replay, "randn", "target_logits", shape);
  if (plan->profile->checks_both)
    {
      hr_replay_drop (replay, *logits);
      *logits = HR_NO_VALUE;
      shape.count = 1;
      picked = hr_op_like (replay, "index", "bonus_logits", shape);
    }
  replay_drawing (plan, replay);
  hr_replay_drop (replay, picked);
  hr_replay_drop (replay, drawn);
}

/* Sampler.forward (vllm/v1/sample/sampler.py, vllm/v1/worker/gpu/sample/sampler.py): logits in fp32, then a token. */
static void
replay_sampler (const HrServingPlan *plan,
                HrReplay            *replay)
{
  HrElement e = replay->dtype;
  HrValue hidden = hr_op_like (replay, "rms_norm", "hidden_states", HR_SHAPE (e, T, H));
  HrValue last = hr_op_like (replay, "index_select", "hidden_states", HR_SHAPE (e, HR_SYMBOL_BATCH, H));
  HrValue random = HR_NO_VALUE;
  HrValue logits;

  if (plan->profile->draws_logits)
    random = hr_op_like (replay, "rand_like", "hidden_states", HR_SHAPE (e, HR_SYMBOL_BATCH, H));
  replay->component = HR_COMPONENT_LOGITS;
  logits = hr_op_like (replay, "linear", "logits", HR_SHAPE (e, HR_SYMBOL_BATCH, V));
  replay_drawing (plan, replay);
  replay_rejection (plan, replay, &logits);
  hr_replay_drop (replay, logits);
  hr_replay_drop (replay, random);
  hr_replay_drop (replay, last);
  hr_replay_drop (replay, hidden);
}

static const char *
get_function (const HrServingPlan *plan)
{
  return plan->profile->tries_run ? "profile_run" : "forward";
}

/* What the host has of a layer comes to the GPU while that runs (maybe_offload_to_cpu of the engine V0). */
static HrValue
fetch_layer (const HrServingPlan *plan,
             HrReplay            *replay)
{
  if (plan->fetched_bytes == 0)
    return HR_NO_VALUE;

  replay->symbols[HR_SYMBOL_KEPT] = plan->fetched_bytes;

  return hr_op_like (replay, "to", "device_state", HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
}

static void
replay_layers (const HrServingPlan *plan,
               HrReplay            *replay)
{
  const HrStack *stack = plan->pass->stack;
  gboolean is_compressed = hr_serving_compressed_find (plan) != NULL;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      HrStretch stretch;
      HrValue fetched;

      if (!is_compressed)
        set_symbols (plan, replay, &stack->layer_classes[i]);
      hr_replay_begin (replay, &stretch, get_function (plan), -1);
      replay->sentence = plan->profile->tries_run
        ? N_("while as many tokens as are computed at once go through a layer in the trial run")
        : N_("while as many tokens of prompts as are computed at once go through a layer");
      fetched = fetch_layer (plan, replay);
      if (is_compressed)
        hr_serving_compressed_replay_layer (plan, replay, &stack->layer_classes[i]);
      else if (plan->eager)
        replay_eager_layer (plan, replay, &stack->layer_classes[i]);
      else
        replay_compiled_layer (plan, replay, &stack->layer_classes[i]);
      hr_replay_drop (replay, fetched);
      hr_replay_end (replay);
    }
}

/* How many layers a head of EAGLE-3 reads hidden states of. */
#define EAGLE_LAYERS 3

/* What is there while the trial run goes on: of what guesses tokens ahead, and what functions share to work in. */
typedef struct
{
  HrValue buffer;
  HrValue aside;
  HrValue workspace;
} Guessing;

/* Functions of all layers that compress text work in one buffer, which stays. */
static void
begin_workspace (const HrServingPlan *plan,
                 HrReplay            *replay,
                 Guessing            *self)
{
  HrStretch stretch;

  if (hr_serving_compressed_find (plan) == NULL)
    return;

  replay->symbols[HR_SYMBOL_KEPT] = hr_serving_compressed_get_workspace (plan);
  hr_replay_begin (replay, &stretch, get_function (plan), -1);
  replay->sentence = N_("while as many tokens as are computed at once go through a layer in the trial run");
  self->workspace = hr_op_like (replay, "get_simultaneous", "workspace",
                                HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
  hr_replay_end (replay);
}

/*
 * What reads hidden states of the model has room for those of all tokens that are computed at once, and of EAGLE-3
 * those of three layers are handed on until it has run, which is tried after the layers (EagleProposer and
 * GPUModelRunner._dummy_run of vllm/v1). A whole model reads none.
 */
static void
begin_guessing (const HrServingPlan *plan,
                HrReplay            *replay,
                Guessing            *self)
{
  const HrCompressedAttention *compressed = hr_serving_compressed_find (plan);
  HrValue shape = HR_SHAPE (replay->dtype, T, H);
  HrStretch stretch;

  if (!plan->profile->tries_run || plan->n_guessed == 0 || plan->draft_kind == HR_DRAFT_MODEL || !plan->has_sampler)
    return;

  hr_replay_begin (replay, &stretch, get_function (plan), -1);
  replay->sentence = N_("while as many tokens as are computed at once go through a layer in the trial run");
  if (compressed != NULL)
    shape.count = compressed->streams;
  self->buffer = hr_op_like (replay, "zeros", "hidden_states", shape);
  shape.count = EAGLE_LAYERS;
  if (plan->draft_kind == HR_DRAFT_EAGLE3)
    self->aside = hr_op_like (replay, "forward", "aux_hidden_states", shape);
  hr_replay_end (replay);
}

/*
 * hr_serving_run_replay:
 * @plan: a plan
 * @replay: a tape, on which nothing has happened
 *
 * Replays the trial run.
 */
void
hr_serving_run_replay (const HrServingPlan *plan,
                       HrReplay            *replay)
{
  Guessing guessing = { HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE };
  HrServingSeen seen;
  HrStretch stretch;

  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_ledger_enter_phase (&replay->ledger, HR_PHASE_PREFILL);
  hr_serving_encoder_replay (plan, replay, &seen);
  hr_pass_set_model_symbols (&plan->pass->inference, replay);
  replay->symbols[V] = plan->vocabulary;
  replay->symbols[HR_SYMBOL_SEQUENCE] = plan->max_num_batched_tokens;
  replay->symbols[HR_SYMBOL_GATHERED_TOKENS] = plan->max_num_batched_tokens * plan->n_data;
  replay->symbols[HR_SYMBOL_BATCH] = MIN (plan->max_num_seqs, plan->max_num_batched_tokens);
  begin_workspace (plan, replay, &guessing);
  begin_guessing (plan, replay, &guessing);
  replay_layers (plan, replay);
  if (!plan->has_sampler)
    return;

  hr_replay_begin (replay, &stretch, get_function (plan), -1);
  replay->sentence = plan->profile->tries_run
    ? N_("while the sampler draws tokens of as many requests as there may be in the trial run")
    : N_("while the sampler draws tokens of as many requests as there may be");
  hr_replay_drop (replay, guessing.aside);
  replay_sampler (plan, replay);
  hr_replay_drop (replay, guessing.buffer);
  hr_replay_drop (replay, guessing.workspace);
  hr_serving_encoder_drop (replay, &seen);
  hr_replay_end (replay);
}
