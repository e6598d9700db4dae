/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "hr-exllama-run.h"

#include "hr-inference-cache.h"
#include "hr-pass.h"

/*
 * What a chunk of a prompt makes on its way through a layer (exllamav3/modules of 1.4.1: transformer.py, attn.py,
 * mlp.py, block_sparse_mlp.py, quant/exl3.py, attention_fn/triton_paged.py). Hidden states are fp32, what matrices read
 * is fp16. Variables are those of the functions; what a function's variable has of its input, the caller's has as well.
 */

#define T HR_SYMBOL_SEQUENCE
#define H HR_SYMBOL_HIDDEN
#define HALF HR_ELEMENT_FLOAT16
#define FLOAT HR_ELEMENT_FLOAT32

/* Elements that both sizes of a matrix are padded to. */
#define BLOCK 128

/* paged_attn_triton_prefill: tokens of a page, from how many tokens on keys are split, and for how much memory. */
#define PAGE 256
#define LEAST_SPLIT 8192
#define MOST_PARTIAL_BYTES (G_GUINT64_CONSTANT (128) << 20)

/* block_sparse_mlp.py: tokens of an expert that its kernel computes at once, and of batches that are recorded. */
#define FUSED_ROWS 128
#define GRAPH_ROWS 32
#define BATCH_ROWS 8

/* MOE_SMS_PER_EXPERT of exllamav3_ext/quant/exl3_moe_common.cuh. */
#define MULTIPROCESSORS_PER_EXPERT 8

static guint64
pad (guint64 size)
{
  return (size + BLOCK - 1) / BLOCK * BLOCK;
}

static gboolean
is_exl3 (const HrExllamaPlan *plan)
{
  return plan->pass->quantization == HR_QUANTIZATION_EXL3;
}

/*
 * LinearEXL3.forward: beyond a few rows the matrix is expanded for the product (reconstruct_hgemm), and the input
 * transformed unless the matrix is expanded in its own basis.
 */
static HrValue
replay_linear (const HrExllamaPlan *plan,
               HrReplay            *replay,
               const char          *name,
               HrValue              result,
               HrValue              input)
{
  const HrExllamaProfile *profile = plan->profile;
  guint64 rows = replay->symbols[input.symbols[0]];
  guint64 columns = pad (replay->symbols[result.symbols[result.n_symbols - 1]] * result.count);
  HrValue transformed = HR_NO_VALUE, matrix = HR_NO_VALUE;
  HrValue output = hr_op_like (replay, "linear", name, result);

  if (!is_exl3 (plan))
    return output;

  if (rows <= profile->most_products || profile->least_fused == 0 || rows < profile->least_fused)
    transformed = hr_op_like (replay, "had_r_128", "xh", input);
  if (rows > profile->most_products)
    {
      replay->symbols[HR_SYMBOL_LARGEST] = pad (replay->symbols[input.symbols[input.n_symbols - 1]]) *
                                           (profile->slice > 0 ? MIN (columns, profile->slice) : columns);
      matrix = hr_op_like (replay, "reconstruct", "w", HR_SHAPE (HALF, HR_SYMBOL_LARGEST));
    }
  hr_replay_drop (replay, matrix);
  hr_replay_drop (replay, transformed);

  return output;
}

/*
 * How many parts the keys are split into for a chunk, so that all multiprocessors have as much to do as each other
 * (paged_attn_triton_prefill).
 */
static guint64
count_splits (const HrExllamaPlan *plan,
              const HrAttention   *attention,
              guint64              tokens,
              guint64              context,
              guint64             *part_bytes)
{
  static const guint candidates[] = { 1, 2, 3, 4, 5, 6, 8 };
  guint64 rows = attention->head_dim <= 128 ? 128 : attention->head_dim <= 256 ? 64 : 32;
  guint64 programs = (tokens + rows - 1) / rows * attention->num_attention_heads;
  guint64 best = 1;
  double least = G_MAXDOUBLE;

  *part_bytes = programs * rows * attention->head_dim * sizeof (float);
  if (plan->multiprocessors == 0 || (context + PAGE - 1) / PAGE * PAGE + tokens < LEAST_SPLIT)
    return 1;

  for (guint i = 0; i < G_N_ELEMENTS (candidates); i++)
    {
      guint64 work = programs * candidates[i];
      guint64 waves = (work + plan->multiprocessors - 1) / plan->multiprocessors;
      double cost = (double) waves / candidates[i] + 0.03 * (candidates[i] - 1);

      if (cost >= least)
        continue;
      least = cost;
      best = candidates[i];
    }

  return MIN (best, MAX (1, MOST_PARTIAL_BYTES / *part_bytes));
}

/* CacheLayer_quant.get_kv: the whole cache of the layer in fp16. */
static HrValue
expand_cache (const HrExllamaPlan *plan,
              HrReplay            *replay,
              const HrAttention   *attention)
{
  HrValue shape = HR_SHAPE (HALF, HR_SYMBOL_CONTEXT, HR_SYMBOL_KEY);

  if (!hr_exllama_plan_is_quantized (plan) || hr_exllama_plan_reads_quantized (plan, attention))
    return HR_NO_VALUE;

  replay->symbols[HR_SYMBOL_CONTEXT] = plan->cache_tokens;
  shape.count = 2;

  return hr_op_like (replay, "dequant_cache_paged", "k_cache, v_cache", shape);
}

static HrValue
replay_heads (const HrExllamaPlan *plan,
              HrReplay            *replay,
              const HrAttention   *attention,
              guint64              context)
{
  HrValue expanded = context > 0 ? expand_cache (plan, replay, attention) : HR_NO_VALUE;
  HrValue output = hr_op_like (replay, "paged_attn_triton_prefill", "out", HR_SHAPE (HALF, T, HR_SYMBOL_QUERY));
  guint64 part_bytes, splits = 1;

  if (plan->profile->reads_quantized)
    splits = count_splits (plan, attention, replay->symbols[T], context, &part_bytes);
  if (splits > 1)
    {
      replay->symbols[HR_SYMBOL_LARGEST] = splits * part_bytes / sizeof (float);
      hr_replay_drop (replay, hr_op_like (replay, "paged_attn_triton_prefill", "partial_o",
                                          HR_SHAPE (FLOAT, HR_SYMBOL_LARGEST)));
    }
  hr_replay_drop (replay, expanded);

  return output;
}

/* Attention.decode_flash_attn: rotations and norms of heads write in place, norms of all heads together do not. */
static HrValue
replay_attention (const HrExllamaPlan *plan,
                  HrReplay            *replay,
                  const HrAttention   *attention,
                  guint64              context)
{
  HrElement result = plan->klass->has_narrow_attention || plan->profile->is_narrow ? HALF : FLOAT;
  HrValue input = HR_SHAPE (HALF, T, H);
  HrValue query = HR_SHAPE (HALF, T, HR_SYMBOL_QUERY);
  HrValue gate = HR_NO_VALUE;
  HrValue keys, values, heads, output;

  if (attention->output_gate == HR_OUTPUT_GATE_QUERY)
    {
      HrValue both = query;

      both.count = 2;
      both = replay_linear (plan, replay, "qg", both, input);
      query = hr_op_like (replay, "deinterleave_qg", "q", query);
      gate = hr_op_like (replay, "deinterleave_qg", "g", HR_SHAPE (HALF, T, HR_SYMBOL_QUERY));
      hr_replay_drop (replay, both);
    }
  else
    query = replay_linear (plan, replay, "q", query, input);
  if (attention->output_gate == HR_OUTPUT_GATE_FULL)
    gate = replay_linear (plan, replay, "g", HR_SHAPE (HALF, T, HR_SYMBOL_QUERY), input);
  keys = replay_linear (plan, replay, "k", HR_SHAPE (HALF, T, HR_SYMBOL_KEY), input);
  values = replay_linear (plan, replay, "v", HR_SHAPE (HALF, T, HR_SYMBOL_KEY), input);
  if (attention->qk_norm == HR_QK_NORM_FULL)
    {
      HrValue normed = hr_op_like (replay, "rms_norm", "q", HR_SHAPE (HALF, T, HR_SYMBOL_QUERY));

      hr_replay_drop (replay, query);
      query = normed;
    }
  heads = replay_heads (plan, replay, attention, context);
  output = replay_linear (plan, replay, "o_proj", HR_SHAPE (result, T, H), HR_SHAPE (HALF, T, HR_SYMBOL_QUERY));
  hr_replay_drop (replay, heads);
  hr_replay_drop (replay, values);
  hr_replay_drop (replay, keys);
  hr_replay_drop (replay, gate);
  hr_replay_drop (replay, query);

  return output;
}

static HrExllamaInner
get_inner (const HrExllamaPlan *plan)
{
  return plan->profile->is_narrow ? HR_EXLLAMA_INNER_PLACE : plan->klass->inner;
}

/* GatedMLP.forward and MLP.forward; what shared experts make is fp32, whatever the class says of perceptrons. */
static HrValue
replay_perceptron (const HrExllamaPlan *plan,
                   HrReplay            *replay,
                   gboolean             is_gated,
                   HrElement            result)
{
  HrExllamaInner inner = get_inner (plan);
  HrElement e = inner == HR_EXLLAMA_INNER_FLOAT ? FLOAT : HALF;
  HrValue input = HR_SHAPE (HALF, T, H);
  HrValue wide = HR_SHAPE (e, T, HR_SYMBOL_INTERMEDIATE);
  HrValue gate = is_gated ? replay_linear (plan, replay, "g", wide, input) : HR_NO_VALUE;
  HrValue up = replay_linear (plan, replay, "u", wide, input);
  HrValue activated = HR_NO_VALUE;
  HrValue output;

  if (inner != HR_EXLLAMA_INNER_PLACE || !is_gated)
    activated = hr_op_like (replay, "act_mul", "a", HR_SHAPE (HALF, T, HR_SYMBOL_INTERMEDIATE));
  output = replay_linear (plan, replay, "d", HR_SHAPE (result, T, H), HR_SHAPE (HALF, T, HR_SYMBOL_INTERMEDIATE));
  hr_replay_drop (replay, activated);
  hr_replay_drop (replay, up);
  hr_replay_drop (replay, gate);

  return output;
}

/* An expert that more tokens chose than a kernel computes at once has its matrices expanded (run_single_expert_dq). */
static void
replay_expert (HrReplay *replay)
{
  HrValue shape = HR_SHAPE (HALF, HR_SYMBOL_PER_EXPERT, HR_SYMBOL_EXPERT);
  HrValue both = HR_SHAPE (HALF, HR_SYMBOL_PER_EXPERT, H);
  HrValue state = hr_op_like (replay, "index_select", "current_state", HR_SHAPE (HALF, HR_SYMBOL_PER_EXPERT, H));
  HrValue output = hr_op_like (replay, "empty", "out_state", HR_SHAPE (FLOAT, HR_SYMBOL_PER_EXPERT, H));
  HrValue inner, transformed;

  shape.count = 2;
  both.count = 2;
  inner = hr_op_like (replay, "empty", "interm", shape);
  transformed = hr_op_like (replay, "empty", "yh", both);
  hr_replay_drop (replay, transformed);
  hr_replay_drop (replay, inner);
  hr_replay_drop (replay, output);
  hr_replay_drop (replay, state);
}

/* BlockSparseMLP.forward of a chunk: tokens are sorted by their experts, each of which is taken to have as many. */
static HrValue
replay_experts (const HrExllamaPlan *plan,
                HrReplay            *replay,
                const HrMixture     *mixture,
                gboolean             is_on_host)
{
  HrValue logits = hr_op_like (replay, "empty", "router_logits", HR_SHAPE (HALF, T, HR_SYMBOL_EXPERTS));
  HrValue weights = hr_op_like (replay, "empty", "routing_weights", HR_SHAPE (HALF, T, HR_SYMBOL_TOP_K));
  HrValue chosen = hr_op_like (replay, "empty", "selected_experts", HR_SHAPE (HR_ELEMENT_INT64, T, HR_SYMBOL_TOP_K));
  HrValue sum, order, sorted, sorted_weights, shared;

  hr_replay_drop (replay, logits);
  sum = hr_op_like (replay, "zeros_like", "final_hidden_states", HR_SHAPE (FLOAT, T, H));
  order = hr_op_like (replay, "argsort", "order", HR_SHAPE (HR_ELEMENT_INT64, T, HR_SYMBOL_TOP_K));
  sorted = hr_op_like (replay, "index", "token_sorted", HR_SHAPE (HR_ELEMENT_INT64, T, HR_SYMBOL_TOP_K));
  sorted_weights = hr_op_like (replay, "index", "weight_sorted", HR_SHAPE (HALF, T, HR_SYMBOL_TOP_K));
  if (!is_on_host && replay->symbols[HR_SYMBOL_PER_EXPERT] > FUSED_ROWS)
    replay_expert (replay);
  if (mixture->shared_intermediate_size > 0)
    {
      replay->symbols[HR_SYMBOL_INTERMEDIATE] = mixture->shared_intermediate_size;
      shared = replay_perceptron (plan, replay, TRUE, FLOAT);
      hr_replay_drop (replay, shared);
    }
  hr_replay_drop (replay, sorted_weights);
  hr_replay_drop (replay, sorted);
  hr_replay_drop (replay, order);
  hr_replay_drop (replay, chosen);
  hr_replay_drop (replay, weights);

  return sum;
}

static void
set_symbols (HrReplay           *replay,
             const HrLayerClass *klass,
             guint64             tokens)
{
  const HrAttention *attention = hr_layer_class_get_attention (klass);
  const HrBlock *mlp = hr_layer_class_find_block (klass, HR_BLOCK_MLP);
  const HrBlock *mixture = hr_layer_class_find_block (klass, HR_BLOCK_MIXTURE);
  guint64 *symbols = replay->symbols;

  symbols[T] = tokens;
  if (attention != NULL)
    hr_pass_set_attention_symbols (replay, attention);
  if (mlp != NULL)
    symbols[HR_SYMBOL_INTERMEDIATE] = pad (mlp->mlp.intermediate_size);
  if (mixture == NULL)
    return;

  symbols[HR_SYMBOL_EXPERTS] = mixture->mixture.num_experts;
  symbols[HR_SYMBOL_EXPERT] = pad (mixture->mixture.intermediate_size);
  symbols[HR_SYMBOL_TOP_K] = mixture->mixture.num_experts_per_tok;
  symbols[HR_SYMBOL_PER_EXPERT] = (tokens * mixture->mixture.num_experts_per_tok + mixture->mixture.num_experts - 1) /
                                  mixture->mixture.num_experts;
}

static HrValue
replay_feed_forward (const HrExllamaPlan *plan,
                     HrReplay            *replay,
                     const HrLayerClass  *klass,
                     gboolean             is_on_host)
{
  const HrBlock *mlp = hr_layer_class_find_block (klass, HR_BLOCK_MLP);
  const HrBlock *mixture = hr_layer_class_find_block (klass, HR_BLOCK_MIXTURE);
  HrElement result = plan->klass->has_narrow_perceptron || plan->profile->is_narrow ? HALF : FLOAT;

  if (mixture != NULL)
    return replay_experts (plan, replay, &mixture->mixture, is_on_host);

  return mlp != NULL ? replay_perceptron (plan, replay, mlp->mlp.gated, result) : HR_NO_VALUE;
}

static gboolean
is_parallel (const HrLayerClass *klass)
{
  return klass->n_sublayers == 1 && klass->sublayers[0].n_branches > 1;
}

/* Whether what attention makes is normalised before it is added. */
static gboolean
has_post_norm (const HrLayerClass *klass)
{
  const HrChain *chain = &klass->sublayers[0].branches[0];
  gboolean is_after = FALSE;

  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (is_after && chain->blocks[i].kind == HR_BLOCK_NORM)
        return TRUE;
      is_after = is_after || chain->blocks[i].kind == HR_BLOCK_ATTENTION;
    }

  return FALSE;
}

/* TransformerBlock.forward. */
static void
replay_sequence (const HrExllamaPlan *plan,
                 HrReplay            *replay,
                 const HrLayerClass  *klass,
                 guint64              context,
                 gboolean             is_on_host)
{
  const HrAttention *attention = hr_layer_class_get_attention (klass);
  HrValue added = HR_NO_VALUE;
  HrValue normed, output;

  if (attention != NULL)
    {
      normed = hr_op_like (replay, "rms_norm", "y", HR_SHAPE (HALF, T, H));
      added = replay_attention (plan, replay, attention, context);
      hr_replay_drop (replay, normed);
    }
  normed = hr_op_like (replay, "rms_norm", "y", HR_SHAPE (HALF, T, H));
  if (added.storage >= 0 && (!plan->profile->adds_in_norm || has_post_norm (klass)))
    {
      hr_replay_drop (replay, added);
      added = HR_NO_VALUE;
    }
  output = replay_feed_forward (plan, replay, klass, is_on_host);
  hr_replay_drop (replay, output);
  hr_replay_drop (replay, normed);
  hr_replay_drop (replay, added);
}

/* ParallelDecoderBlock.forward: both read what one norm makes. */
static void
replay_parallel (const HrExllamaPlan *plan,
                 HrReplay            *replay,
                 const HrLayerClass  *klass,
                 guint64              context)
{
  HrValue normed = hr_op_like (replay, "layer_norm", "y", HR_SHAPE (HALF, T, H));
  HrValue first = replay_attention (plan, replay, hr_layer_class_get_attention (klass), context);
  HrValue second = replay_feed_forward (plan, replay, klass, FALSE);

  hr_replay_drop (replay, second);
  hr_replay_drop (replay, first);
  hr_replay_drop (replay, normed);
}

/*
 * hr_exllama_run_layer:
 * @plan: a plan
 * @replay: a tape, on which nothing is alive
 * @klass: layers
 * @tokens: how many tokens are computed at once
 * @context: tokens of the request that they are of; 0: they pass the cache by
 * @is_on_host: whether the host has the experts
 *
 * Replays how a chunk of a prompt goes through a layer.
 */
void
hr_exllama_run_layer (const HrExllamaPlan *plan,
                      HrReplay            *replay,
                      const HrLayerClass  *klass,
                      guint64              tokens,
                      guint64              context,
                      gboolean             is_on_host)
{
  gboolean is_narrow = plan->profile->is_narrow && !plan->klass->is_wide_before;
  HrStretch stretch;
  HrValue hidden;

  hr_pass_set_model_symbols (&plan->pass->inference, replay);
  set_symbols (replay, klass, tokens);
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_replay_begin (replay, &stretch, "forward_ls", -1);
  replay->sentence = N_("while as many tokens of a prompt as are computed at once go through a layer");
  hidden = hr_op_like (replay, "to", "x", HR_SHAPE (is_narrow ? HALF : FLOAT, T, H));
  if (is_parallel (klass))
    replay_parallel (plan, replay, klass, context);
  else
    replay_sequence (plan, replay, klass, context, is_on_host);
  hr_replay_drop (replay, hidden);
  hr_replay_end (replay);
}

/*
 * hr_exllama_run_head:
 * @plan: a plan
 * @replay: a tape, on which nothing is alive
 * @rows: of how many tokens logits are computed
 *
 * Replays the head: of tokens that are generated, and of the few that are tried when a model is loaded.
 */
void
hr_exllama_run_head (const HrExllamaPlan *plan,
                     HrReplay            *replay,
                     guint64              rows)
{
  HrStretch stretch;
  HrValue hidden, normed, logits;

  hr_pass_set_model_symbols (&plan->pass->inference, replay);
  replay->symbols[T] = rows;
  replay->component = HR_COMPONENT_LOGITS;
  hr_replay_begin (replay, &stretch, "forward_ls", -1);
  replay->sentence = N_("while the head computes logits");
  hidden = hr_op_like (replay, "to", "x", HR_SHAPE (FLOAT, T, H));
  normed = hr_op_like (replay, "rms_norm", "x", HR_SHAPE (HALF, T, H));
  hr_replay_drop (replay, hidden);
  logits = replay_linear (plan, replay, "logits", HR_SHAPE (HALF, T, HR_SYMBOL_VOCABULARY), HR_SHAPE (HALF, T, H));
  hr_replay_drop (replay, logits);
  hr_replay_drop (replay, normed);
  hr_replay_end (replay);
}

static guint64
get_expert_buffers (const HrExllamaPlan *plan,
                    const HrMixture     *mixture)
{
  guint64 hidden = pad (mixture->hidden_size);
  guint64 inner = pad (mixture->intermediate_size);
  guint64 slots = BATCH_ROWS * mixture->num_experts_per_tok;
  guint64 rows = MAX (GRAPH_ROWS, slots);
  guint64 bytes = MAX (2 * GRAPH_ROWS, slots) * hidden * 2 + MAX (2 * GRAPH_ROWS, 2 * slots) * inner * 2 +
                  rows * inner * 2 + rows * hidden * 4 + slots * hidden * 2 + hidden * inner * 2;
  guint64 at_once = plan->multiprocessors / MULTIPROCESSORS_PER_EXPERT;

  if (plan->profile->has_moe_kernel)
    bytes += 2 * at_once * FUSED_ROWS * (mixture->hidden_size + inner) * 2;

  return bytes;
}

/*
 * hr_exllama_run_get_buffers:
 * @plan: a plan
 * @klass: layers
 *
 * Gets the buffers that layers keep for themselves, which all that are alike share (g_tensor_cache of
 * exllamav3/util/tensor.py: GatedMLP.load_local, BlockSparseMLP.load_local).
 *
 * Returns: bytes
 */
guint64
hr_exllama_run_get_buffers (const HrExllamaPlan *plan,
                            const HrLayerClass  *klass)
{
  const HrBlock *mlp = hr_layer_class_find_block (klass, HR_BLOCK_MLP);
  const HrBlock *mixture = hr_layer_class_find_block (klass, HR_BLOCK_MIXTURE);
  guint64 element = get_inner (plan) == HR_EXLLAMA_INNER_PLACE ? 2 : 4;
  guint64 inner;

  if (!is_exl3 (plan) || !plan->profile->reads_quantized)
    return 0;
  if (mixture != NULL)
    return get_expert_buffers (plan, &mixture->mixture);
  if (mlp == NULL || !mlp->mlp.gated)
    return 0;

  inner = pad (mlp->mlp.intermediate_size);

  return 2 * BATCH_ROWS * (mlp->mlp.hidden_size + inner) * element + 2 * BATCH_ROWS * inner * 2;
}
