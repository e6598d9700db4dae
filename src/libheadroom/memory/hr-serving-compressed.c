/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-serving-compressed.h"

#include "hr-inference-cache.h"
#include "hr-serving-run.h"

/*
 * The layers of DeepSeek-V4 as vLLM runs them in its trial run, operator by operator (vllm/models/deepseek_v4:
 * nvidia/model.py, attention.py, nvidia/flashmla.py, nvidia/ops/o_proj.py; vllm/model_executor/kernels/mhc):
 * several hidden states of a token go through the layers side by side, what an attention or a mixture makes is
 * mixed into them, and the next one reads a mixture of them. Variables are those of these functions.
 */

/* Heads of queries that the kernels of FlashMLA read at once (get_padded_num_q_heads). */
#define FEW_HEADS 64
#define MANY_HEADS 128

/* How many of the longest requests an indexer gathers keys of at once (get_max_prefill_buffer_size). */
#define INDEX_REQUESTS 40

/* What it tries out for the scores of all keys (VLLM_SPARSE_INDEXER_MAX_LOGITS_MB), and what choosing takes. */
#define INDEX_LOGIT_BYTES (G_GUINT64_CONSTANT (512) << 20)
#define INDEX_CHOICE_BYTES (G_GUINT64_CONSTANT (1) << 20)

/* Prompts whose keys are gathered at once (PREFILL_CHUNK_SIZE), in sixteen bits. */
#define GATHERED_PROMPTS 4

#define T HR_SYMBOL_SEQUENCE
#define H HR_SYMBOL_HIDDEN

/*
 * hr_serving_compressed_get:
 * @klass: layers
 *
 * Gets how layers attend that see a window, and what is compressed of the text before it.
 *
 * Returns: (nullable): how, or %NULL if they attend in another way
 */
const HrCompressedAttention *
hr_serving_compressed_get (const HrLayerClass *klass)
{
  const HrBlock *block = hr_layer_class_find_block (klass, HR_BLOCK_COMPRESSED_ATTENTION);

  return block != NULL ? &block->compressed : NULL;
}

/*
 * hr_serving_compressed_is_all:
 * @stack: a decoder
 *
 * Checks whether all of its layers attend so.
 *
 * Returns: whether they do
 */
gboolean
hr_serving_compressed_is_all (const HrStack *stack)
{
  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      if (hr_serving_compressed_get (&stack->layer_classes[i]) == NULL)
        return FALSE;
    }

  return stack->n_layer_classes > 0;
}

/*
 * hr_serving_compressed_find:
 * @plan: a plan
 *
 * Finds what all layers of a model that attends so have in common.
 *
 * Returns: (nullable): the attention of one of them, or %NULL if the model is another
 */
const HrCompressedAttention *
hr_serving_compressed_find (const HrServingPlan *plan)
{
  return hr_serving_compressed_get (&plan->pass->stack->layer_classes[0]);
}

static guint64
divide_up (guint64 a,
           guint64 b)
{
  return a / b + (a % b != 0);
}

/* What the products of all experts of a layer are written to, and what is between them. */
static guint64
get_expert_workspace (const HrServingPlan *plan,
                      const HrLayerClass  *klass)
{
  const HrBlock *block = hr_layer_class_find_block (klass, HR_BLOCK_MIXTURE);
  const HrMixture *mixture = &block->mixture;
  guint64 routed = plan->max_num_batched_tokens * plan->n_data * mixture->num_experts_per_tok;
  guint64 inner = mixture->intermediate_size;

  return routed * (MAX (2 * inner, mixture->hidden_size) + inner) * hr_element_get_bytes (plan->pass->element);
}

/*
 * hr_serving_compressed_get_workspace:
 * @plan: a plan
 *
 * Gets what the functions of all layers share to work in, which grows to what the largest of them asks for in the trial
 * run and stays (WorkspaceManager of vllm/v1/worker/workspace.py): the keys of the longest requests that an indexer
 * reads, in eight bits with a scale each, the keys of some prompts in sixteen bits (forward_mqa without metadata), or
 * the products of experts.
 *
 * Returns: the size in bytes
 */
guint64
hr_serving_compressed_get_workspace (const HrServingPlan *plan)
{
  const HrStack *stack = plan->pass->stack;
  guint64 most = 0;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrCompressedAttention *attention = hr_serving_compressed_get (&stack->layer_classes[i]);
      guint64 compressed = attention->rate > 0 ? divide_up (plan->max_model_len, attention->rate) : 0;
      guint64 seen = compressed + attention->sliding_window + plan->max_num_batched_tokens;

      most = MAX (most, GATHERED_PROMPTS * seen * attention->head_dim * hr_element_get_bytes (plan->pass->element));
      most = MAX (most, get_expert_workspace (plan, &stack->layer_classes[i]));
      if (attention->index_num_heads > 0)
        most = MAX (most, plan->max_model_len * INDEX_REQUESTS / attention->rate *
                          (attention->index_head_dim + sizeof (float)) + INDEX_CHOICE_BYTES);
    }

  return most;
}

/*
 * hr_serving_compressed_get_rotary:
 * @plan: a plan
 *
 * Gets what the sines and cosines of all positions take, in fp32: layers that see what is compressed rotate with a base
 * of their own (build_deepseek_v4_rope, DeepseekV4ScalingRotaryEmbedding).
 *
 * Returns: the size in bytes
 */
guint64
hr_serving_compressed_get_rotary (const HrServingPlan *plan)
{
  const HrStack *stack = plan->pass->stack;
  gboolean has_plain = plan->n_guessed > 0, has_compressed = FALSE;
  guint64 positions, rotary_dim;

  if (!hr_model_get_hyper_parameter (plan->pass->model, "max_position_embeddings", &positions) ||
      !hr_model_get_hyper_parameter (plan->pass->model, "qk_rope_head_dim", &rotary_dim))
    return 0;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      gboolean is_compressed = hr_serving_compressed_get (&stack->layer_classes[i])->rate > 0;

      has_compressed = has_compressed || is_compressed;
      has_plain = has_plain || !is_compressed;
    }

  return ((guint64) has_plain + has_compressed) * positions * rotary_dim * sizeof (float);
}

static void
set_symbols (const HrServingPlan         *plan,
             HrReplay                    *replay,
             const HrCompressedAttention *attention,
             const HrMixture             *mixture)
{
  guint64 *symbols = replay->symbols;
  guint64 stretches = attention->overlaps ? 2 : 1;

  symbols[HR_SYMBOL_QUERY] = (attention->num_attention_heads <= FEW_HEADS ? FEW_HEADS : MANY_HEADS) *
                             attention->head_dim;
  symbols[HR_SYMBOL_VALUE] = attention->num_attention_heads * attention->head_dim;
  symbols[HR_SYMBOL_QUERY_LATENT] = attention->query_latent_size;
  symbols[HR_SYMBOL_KEY] = attention->head_dim;
  symbols[HR_SYMBOL_FUSED] = attention->query_latent_size + attention->head_dim;
  symbols[HR_SYMBOL_PROJECTED] = 2 * stretches * attention->head_dim;
  symbols[HR_SYMBOL_LATENT] = attention->output_groups * attention->output_latent_size;
  symbols[HR_SYMBOL_INDEX_HEADS] = attention->index_num_heads;
  symbols[HR_SYMBOL_INDEX_HEAD] = attention->index_head_dim;
  symbols[HR_SYMBOL_INDEX] = attention->index_num_heads * attention->index_head_dim;
  symbols[HR_SYMBOL_KEPT] = INDEX_LOGIT_BYTES;
  symbols[HR_SYMBOL_EXPERTS] = mixture->num_experts;
  symbols[HR_SYMBOL_TOP_K] = mixture->num_experts_per_tok;
  symbols[HR_SYMBOL_INTERMEDIATE] = mixture->shared_intermediate_size;
}

static HrValue
shape_streams (const HrReplay              *replay,
               const HrCompressedAttention *attention)
{
  HrValue shape = HR_SHAPE (replay->dtype, T, H);

  shape.count = attention->streams;

  return shape;
}

/* What a mixture of streams makes: the streams anew, how they are mixed next, and what a layer's part reads. */
typedef struct
{
  HrValue residual;
  HrValue post_mix;
  HrValue res_mix;
  HrValue x;
} Mixed;

static Mixed
replay_mix (HrReplay                    *replay,
            const HrCompressedAttention *attention)
{
  HrValue few = HR_SHAPE (HR_ELEMENT_FLOAT32, T);
  HrValue many = few, products = few;
  Mixed self;

  few.count = attention->streams;
  many.count = attention->streams * attention->streams;
  products.count = few.count * 2 + many.count + 1;
  products = hr_op_like (replay, "hc_prenorm_gemm", "gemm_out", products);
  self.residual = hr_op_like (replay, "mhc_post", "residual", shape_streams (replay, attention));
  self.post_mix = hr_op_like (replay, "mhc_fused_post_pre", "post_mix", few);
  self.res_mix = hr_op_like (replay, "mhc_fused_post_pre", "res_mix", many);
  self.x = hr_op_like (replay, "mhc_fused_post_pre", "x", HR_SHAPE (replay->dtype, T, H));
  hr_replay_drop (replay, products);

  return self;
}

static void
drop_mix (HrReplay *replay,
          Mixed    *self)
{
  hr_replay_drop (replay, self->x);
  hr_replay_drop (replay, self->res_mix);
  hr_replay_drop (replay, self->post_mix);
  hr_replay_drop (replay, self->residual);
}

/* Queries of the indexer, in eight bits, and room for the scores of all keys (sparse_attn_indexer without metadata). */
static void
replay_indexer (HrReplay                    *replay,
                const HrCompressedAttention *attention)
{
  HrValue query, narrow, weights, scores;

  if (attention->index_num_heads == 0)
    return;

  query = hr_op_like (replay, "linear", "q", HR_SHAPE (replay->dtype, T, HR_SYMBOL_INDEX));
  weights = hr_op_like (replay, "fused_indexer_q_rope_quant", "weights",
                        HR_SHAPE (HR_ELEMENT_FLOAT32, T, HR_SYMBOL_INDEX_HEADS));
  narrow = hr_op_like (replay, "fused_indexer_q_rope_quant", "q_quant",
                       HR_SHAPE (HR_ELEMENT_FLOAT8, T, HR_SYMBOL_INDEX));
  hr_replay_drop (replay, query);
  scores = hr_op_like (replay, "empty", "logits", HR_SHAPE (HR_ELEMENT_INT8, HR_SYMBOL_KEPT));
  hr_replay_drop (replay, scores);
  hr_replay_drop (replay, narrow);
  hr_replay_drop (replay, weights);
}

/* Queries of a rank's heads, padded to those that the kernel reads (_fused_qnorm_rope_kv_insert). */
static HrValue
replay_queries (HrReplay *replay)
{
  HrValue query = hr_op_like (replay, "linear", "q", HR_SHAPE (replay->dtype, T, HR_SYMBOL_VALUE));
  HrValue padded;

  if (replay->symbols[HR_SYMBOL_VALUE] == replay->symbols[HR_SYMBOL_QUERY])
    return query;

  padded = hr_op_like (replay, "pad", "q", HR_SHAPE (replay->dtype, T, HR_SYMBOL_QUERY));
  hr_replay_drop (replay, query);

  return padded;
}

/* deep_gemm_fp8_o_proj: heads in eight bits, groups of them made smaller, and these joined. */
static HrValue
replay_output (const HrServingPlan *plan,
               HrReplay            *replay)
{
  HrValue narrow = hr_op_like (replay, "fused_inv_rope_fp8_quant", "o_fp8",
                               HR_SHAPE (HR_ELEMENT_FLOAT8, T, HR_SYMBOL_VALUE));
  HrValue z = hr_op_like (replay, "empty", "z", HR_SHAPE (replay->dtype, T, HR_SYMBOL_LATENT));
  HrValue output = hr_serving_run_row_parallel (plan, replay);

  hr_replay_drop (replay, z);
  hr_replay_drop (replay, narrow);

  return output;
}

/* What the compressor of a layer reads of each token, and that of its indexer, in fp32. */
typedef struct
{
  HrValue scores;
  HrValue index_scores;
  HrValue weights;
} Compressed;

static Compressed
replay_compressor (HrReplay                    *replay,
                   const HrCompressedAttention *attention)
{
  HrValue wide = HR_SHAPE (HR_ELEMENT_FLOAT32, T, HR_SYMBOL_INDEX_HEAD);
  Compressed self = { HR_NO_VALUE, HR_NO_VALUE, HR_NO_VALUE };

  if (attention->rate > 0)
    self.scores = hr_op_like (replay, "mm", "kv_score", HR_SHAPE (HR_ELEMENT_FLOAT32, T, HR_SYMBOL_PROJECTED));
  if (attention->index_num_heads == 0)
    return self;

  wide.count = attention->overlaps ? 4 : 2;
  self.index_scores = hr_op_like (replay, "mm", "indexer_kv_score", wide);
  self.weights = hr_op_like (replay, "linear", "indexer_weights", HR_SHAPE (replay->dtype, T, HR_SYMBOL_INDEX_HEADS));

  return self;
}

/* DeepseekV4Attention.forward. */
static HrValue
replay_attention (const HrServingPlan         *plan,
                  HrReplay                    *replay,
                  const HrCompressedAttention *attention)
{
  HrElement e = replay->dtype;
  HrValue heads = hr_op_like (replay, "empty", "o_padded", HR_SHAPE (e, T, HR_SYMBOL_QUERY));
  HrValue joined = hr_op_like (replay, "linear", "qr_kv", HR_SHAPE (e, T, HR_SYMBOL_FUSED));
  Compressed compressed = replay_compressor (replay, attention);
  HrValue latent = hr_op_like (replay, "fused_q_kv_rmsnorm", "qr", HR_SHAPE (e, T, HR_SYMBOL_QUERY_LATENT));
  HrValue key = hr_op_like (replay, "fused_q_kv_rmsnorm", "kv", HR_SHAPE (e, T, HR_SYMBOL_KEY));
  HrValue query = replay_queries (replay);
  HrValue output;

  replay_indexer (replay, attention);
  hr_replay_drop (replay, query);
  output = replay_output (plan, replay);
  hr_replay_drop (replay, key);
  hr_replay_drop (replay, latent);
  hr_replay_drop (replay, compressed.weights);
  hr_replay_drop (replay, compressed.index_scores);
  hr_replay_drop (replay, compressed.scores);
  hr_replay_drop (replay, joined);
  hr_replay_drop (replay, heads);

  return output;
}

static HrValue
replay_shared (HrReplay *replay)
{
  HrValue inner = HR_SHAPE (replay->dtype, T, HR_SYMBOL_INTERMEDIATE);
  HrValue wide = inner;
  HrValue gate_up, act, output;

  wide.count = 2;
  gate_up = hr_op_like (replay, "linear", "gate_up", wide);
  act = hr_op_like (replay, "silu_and_mul_with_clamp", "x", inner);
  output = hr_op_like (replay, "linear", "x", HR_SHAPE (replay->dtype, T, H));
  hr_replay_drop (replay, act);
  hr_replay_drop (replay, gate_up);

  return output;
}

/* DeepseekV4MoE.forward: experts work in what all functions share. */
static HrValue
replay_experts (const HrServingPlan *plan,
                HrReplay            *replay)
{
  HrSymbol tokens = plan->n_data > 1 ? HR_SYMBOL_GATHERED_TOKENS : T;
  HrValue gathered = HR_NO_VALUE, sum = HR_NO_VALUE;
  HrValue shared = replay_shared (replay);
  HrValue logits, weights, ids, result;

  if (plan->n_data > 1)
    gathered = hr_op_like (replay, "naive_multicast", "hidden_states", HR_SHAPE (replay->dtype, tokens, H));
  logits = hr_op_like (replay, "linear", "router_logits", HR_SHAPE (HR_ELEMENT_FLOAT32, tokens, HR_SYMBOL_EXPERTS));
  weights = hr_op_like (replay, "fused_topk_bias", "topk_weights",
                        HR_SHAPE (HR_ELEMENT_FLOAT32, tokens, HR_SYMBOL_TOP_K));
  ids = hr_op_like (replay, "fused_topk_bias", "topk_ids", HR_SHAPE (HR_ELEMENT_INT32, tokens, HR_SYMBOL_TOP_K));
  result = hr_op_like (replay, "moe_sum", "final_hidden_states", HR_SHAPE (replay->dtype, tokens, H));
  hr_replay_drop (replay, ids);
  hr_replay_drop (replay, weights);
  hr_replay_drop (replay, logits);
  hr_replay_drop (replay, gathered);
  if (plan->n_tensor > 1)
    sum = hr_op_like (replay, "all_reduce", "final_hidden_states", HR_SHAPE (replay->dtype, T, H));
  hr_replay_drop (replay, shared);
  if (plan->n_tensor == 1)
    return result;

  hr_replay_drop (replay, result);

  return sum;
}

/*
 * hr_serving_compressed_replay_layer:
 * @plan: a plan
 * @replay: a tape, on which all tokens that are computed at once go through a layer
 * @klass: the layer
 *
 * Replays DeepseekV4DecoderLayer.forward; the model's function holds what it has handed in until it returns.
 */
void
hr_serving_compressed_replay_layer (const HrServingPlan *plan,
                                    HrReplay            *replay,
                                    const HrLayerClass  *klass)
{
  const HrCompressedAttention *attention = hr_serving_compressed_get (klass);
  const HrBlock *mixture = hr_layer_class_find_block (klass, HR_BLOCK_MIXTURE);
  HrValue handed, before, made;
  Mixed first, second;

  set_symbols (plan, replay, attention, &mixture->mixture);
  handed = hr_op_like (replay, "mhc_post", "residual", shape_streams (replay, attention));
  before = hr_op_like (replay, "moe_sum", "hidden_states", HR_SHAPE (replay->dtype, T, H));
  first = replay_mix (replay, attention);
  made = replay_attention (plan, replay, attention);
  second = replay_mix (replay, attention);
  hr_replay_drop (replay, made);
  drop_mix (replay, &first);
  made = replay_experts (plan, replay);
  hr_replay_drop (replay, before);
  hr_replay_drop (replay, handed);
  hr_replay_drop (replay, made);
  drop_mix (replay, &second);
}
