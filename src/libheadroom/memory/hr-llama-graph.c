/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-llama-graph.h"

#include "hr-ggml-type.h"
#include "hr-inference-cache.h"
#include "hr-llama-placement.h"
#include "hr-llama-states.h"
#include "hr-message.h"

/*
 * The graph that llama.cpp reserves memory for (src/llama-graph.cpp and src/models/ at b11669): build_inp_embd,
 * build_qkv, build_attn, build_ffn, build_moe_ffn, and the order in which a model's function calls them. Scales and
 * soft caps, which work in the place of what they read, are left out where nothing else reads that. At b4500 it is
 * src/llama.cpp: llm_build_inp_embd, llm_build_kv, llm_build_ffn, llm_build_moe_ffn.
 */

/* GGML_KQ_MASK_PAD of ggml.h. */
#define OLD_MASK_PADDING 32

/* llama_context::graph_get_cb: norms are where their layer is, for fewer tokens or where all layers are on GPUs. */
#define MIN_PROMPT 32

/* A mixture of vectors and text, for which b11669 has room beside each alone. */
static void
add_mixed_embeddings (HrLlamaBuilder *b,
                      gint            table,
                      guint64         hidden)
{
  gint mixed = hr_ggml_graph_add_rows (b->graph, table,
                                       hr_ggml_graph_add_input (b->graph, HR_GGML_I32, b->n_tokens, 1));
  gint slots = hr_ggml_graph_add_input (b->graph, HR_GGML_I64, b->n_tokens, 1);
  gint base = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_DUP,
                                      hr_ggml_graph_add_input (b->graph, HR_GGML_F32, hidden, b->n_tokens),
                                      HR_GGML_NONE, HR_GGML_NONE);

  hr_ggml_graph_expand (b->graph, hr_ggml_graph_add_set_rows (b->graph, base, mixed, slots));
}

/* Vectors of what is no text: they are not used, and there is room for them. */
static void
add_other_embeddings (HrLlamaBuilder *b,
                      gint            table,
                      guint64         hidden)
{
  hr_ggml_graph_expand (b->graph, hr_ggml_graph_add_input (b->graph, HR_GGML_F32, hidden, b->n_tokens));
  if (b->plan->release != HR_LLAMA_RELEASE_B10488)
    add_mixed_embeddings (b, table, hidden);
}

static gint
add_embeddings (HrLlamaBuilder *b,
                guint64         hidden)
{
  const HrBlock *block = &b->plan->pass->stack->embeddings.blocks[0];
  gint host = b->plan->n_devices;
  guint type = hr_llama_find_type (b, block, HR_MODULE_SELF);
  guint64 rows = block->token_embedding.vocab_size;
  gint table = hr_ggml_graph_add_weight (b->graph, type, host, hidden, rows, 1);
  gint tokens = hr_ggml_graph_add_rows (b->graph, table,
                                        hr_ggml_graph_add_input (b->graph, HR_GGML_I32, b->n_tokens, 1));

  hr_ggml_graph_expand (b->graph, tokens);
  if (!b->is_old)
    add_other_embeddings (b, table, hidden);

  return tokens;
}

/* Gemma 3 scales what stands for a token, and no vectors of something else: with an input for each row. */
static gint
scale_embeddings (HrLlamaBuilder *b,
                  gint            input)
{
  gboolean has_rows = g_str_has_prefix (hr_model_get_model_type (b->plan->pass->model), "gemma3") && !b->is_old;

  if (!has_rows)
    return hr_ggml_graph_add_like (b->graph, HR_GGML_OP_SCALE, input, HR_GGML_NONE, HR_GGML_NONE);

  return hr_ggml_graph_add_like (b->graph, HR_GGML_OP_MUL, input,
                                 hr_ggml_graph_add_input (b->graph, HR_GGML_F32, 1, b->n_tokens), HR_GGML_NONE);
}

/* Of Falcon-H1 what its parts are multiplied by is in the matrices of the file (convert_hf_to_gguf.py). */
static gboolean
has_scales (const HrLlamaBuilder *b)
{
  return !g_str_equal (hr_model_get_model_type (b->plan->pass->model), "falcon_h1");
}

/* Learned positions are looked up on the host and added; Gemma and Granite multiply by a constant. */
static gint
finish_embeddings (HrLlamaBuilder *b,
                   gint            input)
{
  const HrChain *chain = &b->plan->pass->stack->embeddings;

  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrBlock *block = &chain->blocks[i];

      if (block->kind == HR_BLOCK_TOKEN_EMBEDDING && has_scales (b) &&
          (block->token_embedding.scaled || block->token_embedding.scaled_outside))
        {
          input = scale_embeddings (b, input);
          hr_ggml_graph_expand (b->graph, input);
        }
      if (block->kind == HR_BLOCK_POSITION_EMBEDDING)
        {
          gint table = hr_ggml_graph_add_weight (b->graph, HR_GGML_F32, b->plan->n_devices,
                                                 block->position_embedding.hidden_size,
                                                 block->position_embedding.n_positions, 1);

          input = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_ADD, input,
                                          hr_ggml_graph_add_rows (b->graph, table, b->positions), HR_GGML_NONE);
        }
      if (block->kind == HR_BLOCK_NORM)
        input = hr_llama_add_norm (b, "token_embd_norm.weight", block->norm.kind, input, block->norm.has_weight,
                                   block->norm.has_bias);
    }

  return input;
}

/* What angles of Llama 3.1 are divided by: a weight of each device (rope_freqs, llama_model::get_rope_factors). */
static gint
get_rope_factors (HrLlamaBuilder    *b,
                  const HrAttention *attention)
{
  gint *factors = &b->rope_factors[b->place];
  guint64 has_factors = 0;

  hr_model_get_hyper_parameter (b->plan->pass->model, "rope_factors", &has_factors);
  if (has_factors > 0 && *factors == HR_GGML_NONE)
    *factors = hr_ggml_graph_add_weight (b->graph, HR_GGML_F32, b->place, attention->rotary_dim / 2, 1, 1);

  return *factors;
}

static gint
add_rotation (HrLlamaBuilder    *b,
              const HrAttention *attention,
              gint               input)
{
  if (attention->position == HR_POSITION_NONE || attention->position == HR_POSITION_LEARNED ||
      attention->position == HR_POSITION_ALIBI)
    return input;

  return hr_ggml_graph_add_like (b->graph, HR_GGML_OP_ROPE, input, b->positions, get_rope_factors (b, attention));
}

/* Queries of each head in front of what its output is multiplied by (Qwen3-Next). */
static gint
add_gated_queries (HrLlamaBuilder *b,
                   const HrBlock  *block,
                   gint            input,
                   gint           *gate)
{
  const HrAttention *a = &block->attention;
  const guint64 ne[] = { a->head_dim, a->num_attention_heads, b->n_tokens, 1 };
  gint both = hr_llama_add_product (b, block, HR_MODULE_QUERY, input, a->hidden_size,
                                    2 * a->head_dim * a->num_attention_heads, a->has_query_bias);
  HrGgmlTensor heads;

  both = hr_ggml_graph_add_reshape (b->graph, both, 2 * a->head_dim, a->num_attention_heads, b->n_tokens, 1);
  heads = *hr_ggml_graph_get (b->graph, both);
  *gate = hr_ggml_graph_add_view (b->graph, both, ne, heads.nb);

  return hr_ggml_graph_add_view (b->graph, both, ne, heads.nb);
}

static gint
add_output_gate (HrLlamaBuilder *b,
                 gint            input,
                 gint            gate)
{
  if (gate == HR_GGML_NONE)
    return input;

  gate = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_CONT, HR_GGML_F32, hr_ggml_graph_get (b->graph, input)->ne,
                                 (const gint[]) { gate }, 1);
  gate = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_UNARY, gate, HR_GGML_NONE, HR_GGML_NONE);

  return hr_ggml_graph_add_like (b->graph, HR_GGML_OP_MUL, input, gate, HR_GGML_NONE);
}

/* Queries, keys and values, heads in a dimension of their own, and what the output is multiplied by. */
static void
add_heads (HrLlamaBuilder *b,
           const HrBlock  *block,
           gint            input,
           gint           *heads,
           gint           *gate)
{
  const HrAttention *a = &block->attention;
  guint64 value_dim = a->value_head_dim > 0 ? a->value_head_dim : a->head_dim;
  const guint64 n_heads[] = { a->num_attention_heads, a->num_key_value_heads, a->num_key_value_heads };
  const guint64 dims[] = { a->head_dim, a->head_dim, value_dim };
  const HrModule modules[] = { HR_MODULE_QUERY, HR_MODULE_KEY, HR_MODULE_VALUE };
  const gboolean biases[] = { a->has_query_bias, a->has_key_bias, a->has_value_bias };
  static const char * const norms[] = { "attn_q_norm.weight", "attn_k_norm.weight", NULL };
  gboolean is_fused = a->projection != HR_PROJECTION_SEPARATE;
  gint all = HR_GGML_NONE;

  *gate = HR_GGML_NONE;
  if (is_fused)
    all = hr_llama_add_product (b, block, HR_MODULE_QUERY_KEY_VALUE, input, a->hidden_size,
                                dims[0] * n_heads[0] + dims[1] * n_heads[1] + dims[2] * n_heads[2], a->has_query_bias);

  for (guint i = 0; i < 3; i++)
    {
      gboolean is_normed = a->qk_norm != HR_QK_NORM_NONE && i < 2;

      if (is_fused)
        {
          HrGgmlTensor row = *hr_ggml_graph_get (b->graph, all);
          const guint64 ne[] = { dims[i], n_heads[i], b->n_tokens, 1 };
          const guint64 nb[] = { row.nb[0], row.nb[0] * dims[i], row.nb[1], row.nb[2] };

          heads[i] = hr_ggml_graph_add_view (b->graph, all, ne, nb);
          if (b->is_old)
            heads[i] = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_CONT, HR_GGML_F32, ne, &heads[i], 1);
        }
      else if (i == 0 && a->output_gate == HR_OUTPUT_GATE_QUERY)
        {
          heads[i] = add_gated_queries (b, block, input, gate);
        }
      else
        {
          heads[i] = hr_llama_add_product (b, block, modules[i], input, a->hidden_size, dims[i] * n_heads[i],
                                           biases[i]);
          if (is_normed && a->qk_norm == HR_QK_NORM_FULL)
            heads[i] = hr_llama_add_norm (b, norms[i], a->qk_norm_kind, heads[i], TRUE, a->qk_norm_has_bias);
          heads[i] = hr_ggml_graph_add_reshape (b->graph, heads[i], dims[i], n_heads[i], b->n_tokens, 1);
        }

      if (is_normed && a->qk_norm != HR_QK_NORM_FULL && a->qk_norm_place != HR_QK_NORM_AFTER_ROTATION)
        heads[i] = hr_llama_add_norm (b, norms[i], a->qk_norm_kind, heads[i], TRUE, a->qk_norm_has_bias);
      if (i < 2)
        heads[i] = add_rotation (b, a, heads[i]);
      if (is_normed && a->qk_norm != HR_QK_NORM_FULL && a->qk_norm_place == HR_QK_NORM_AFTER_ROTATION)
        heads[i] = hr_llama_add_norm (b, norms[i], a->qk_norm_kind, heads[i], TRUE, a->qk_norm_has_bias);
    }
}

/* What is to be quantized is multiplied by a Hadamard matrix, part by part (llama_mul_mat_hadamard). */
static gint
add_hadamard (HrLlamaBuilder *b,
              gint            input,
              gint            matrix)
{
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, input);
  guint64 n_elements = tensor.ne[0] * tensor.ne[1] * tensor.ne[2] * tensor.ne[3];
  gboolean is_apart = tensor.nb[1] != tensor.ne[0] * tensor.nb[0] || tensor.nb[2] != tensor.ne[1] * tensor.nb[1];
  guint64 ne[] = { 0, 0, 1, 1 };

  if (matrix == HR_GGML_NONE)
    return input;

  ne[0] = hr_ggml_graph_get (b->graph, matrix)->ne[0];
  ne[1] = n_elements / ne[0];
  input = is_apart ? hr_ggml_graph_add_made (b->graph, HR_GGML_OP_CONT, HR_GGML_F32, ne, (const gint[]) { input }, 1)
                   : hr_ggml_graph_add_view (b->graph, input, ne, NULL);

  return hr_ggml_graph_add_view (b->graph, hr_ggml_graph_add_product (b->graph, matrix, input), tensor.ne, NULL);
}

/* Where the keys and values of the layer are kept. */
static gint
add_cache (HrLlamaBuilder *b,
           guint           type,
           guint64         width,
           guint64         cells)
{
  gint cache = hr_ggml_graph_add (b->graph, type, width, cells, b->plan->n_streams, 1);

  g_array_index (b->graph->tensors, HrGgmlTensor, cache).place = hr_llama_plan_get_cache_place (b->plan, b->layer);

  return cache;
}

/* llama_kv_cache::cpy_k and cpy_v. */
static void
write_cache (HrLlamaBuilder *b,
             gint            cache,
             gint            heads,
             gint            ids,
             gboolean        is_transposed)
{
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, cache);
  HrGgmlTensor rows = *hr_ggml_graph_get (b->graph, heads);
  gint target = cache, source;

  if (is_transposed)
    {
      guint64 n = tensor.ne[0] * b->n_tokens;

      source = hr_ggml_graph_add_view (b->graph, heads, (const guint64[]) { tensor.ne[0], b->n_tokens, 1, 1 },
                                       (const guint64[]) { rows.nb[0], rows.nb[2], rows.nb[2] * b->n_tokens,
                                                           rows.nb[2] * b->n_tokens });
      source = hr_ggml_graph_add_reshape (b->graph, source, 1, n, 1, 1);
      target = hr_ggml_graph_add_reshape (b->graph, cache, 1, tensor.ne[0] * tensor.ne[1] * tensor.ne[2], 1, 1);
    }
  else
    {
      source = hr_ggml_graph_add_view (b->graph, heads, (const guint64[]) { tensor.ne[0], b->n_tokens, 1, 1 },
                                       (const guint64[]) { rows.nb[0], rows.nb[2], rows.nb[2] * b->n_tokens,
                                                           rows.nb[2] * b->n_tokens });
      if (b->plan->n_streams > 1)
        target = hr_ggml_graph_add_reshape (b->graph, cache, tensor.ne[0], tensor.ne[1] * tensor.ne[2], 1, 1);
    }

  hr_ggml_graph_expand (b->graph, hr_ggml_graph_add_set_rows (b->graph, target, source, ids));
}

/* llama_kv_cache::get_k and get_v, then heads before tokens. */
static gint
read_cache (HrLlamaBuilder *b,
            gint            cache,
            guint64         head_dim,
            guint64         n_heads,
            gboolean        is_transposed)
{
  static const guint heads_first[] = { 0, 2, 1, 3 };
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, cache);
  const HrGgmlType *type = hr_ggml_type_get (tensor.type);
  guint64 head = head_dim / type->block_size * type->block_bytes;
  guint64 ne[] = { head_dim, n_heads, tensor.ne[1], tensor.ne[2] };
  guint64 nb[] = { tensor.nb[0], head, tensor.nb[1], tensor.nb[2] };

  if (is_transposed)
    {
      guint64 column = type->block_bytes * tensor.ne[1];

      return hr_ggml_graph_add_permutation (
        b->graph,
        hr_ggml_graph_add_view (b->graph, cache,
                                (const guint64[]) { tensor.ne[1], n_heads, head_dim, tensor.ne[2] },
                                (const guint64[]) { tensor.nb[0], column * head_dim, column, tensor.nb[2] }),
        heads_first);
    }

  return hr_ggml_graph_add_permutation (b->graph, hr_ggml_graph_add_view (b->graph, cache, ne, nb), heads_first);
}

/*
 * What the heads have found, one behind the other. Where the host keeps the cache, it computes what lies between the
 * cache and this.
 */
static gint
add_found (HrLlamaBuilder *b,
           gint            result,
           guint64         width)
{
  result = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_CONT, HR_GGML_F32,
                                   (const guint64[]) { width, b->n_tokens, 1, 1 }, (const gint[]) { result }, 1);
  if (b->plan->has_host_cache && !b->plan->flash)
    g_array_index (b->graph->tensors, HrGgmlTensor, result).computed_at = b->plan->n_devices;

  return result;
}

/* A copy with rows for columns. */
static gint
add_transposed (HrLlamaBuilder *b,
                gint            values)
{
  static const guint transposed[] = { 1, 0, 2, 3 };
  gint turned = hr_ggml_graph_add_permutation (b->graph, values, transposed);
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, turned);

  return hr_ggml_graph_add_made (b->graph, HR_GGML_OP_CONT, tensor.type, tensor.ne, (const gint[]) { turned }, 1);
}

/* build_attn_mha. */
static gint
add_scores (HrLlamaBuilder    *b,
            const HrAttention *a,
            gint               query,
            gint               keys,
            gint               values,
            gint               mask)
{
  static const guint heads_first[] = { 0, 2, 1, 3 };
  guint64 value_dim = a->value_head_dim > 0 ? a->value_head_dim : a->head_dim;
  guint64 per_stream = b->n_tokens / b->plan->n_streams;
  gint place = hr_llama_placement_find (b->plan, b->layer, "attn_sinks.weight", b->place);
  gint sinks = a->has_sinks ? hr_ggml_graph_add_weight (b->graph, HR_GGML_F32, place, a->num_attention_heads, 1, 1)
                            : HR_GGML_NONE;
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, query);
  gint q = hr_ggml_graph_add_view (b->graph, query,
                                   (const guint64[]) { tensor.ne[0], tensor.ne[1], per_stream, b->plan->n_streams },
                                   (const guint64[]) { tensor.nb[0], tensor.nb[1], tensor.nb[2],
                                                       tensor.nb[2] * per_stream });
  gint scores, result;

  q = hr_ggml_graph_add_permutation (b->graph, q, heads_first);
  if (b->plan->flash)
    {
      const guint64 ne[] = { value_dim, a->num_attention_heads, per_stream, b->plan->n_streams };

      result = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_FLASH_ATTENTION, HR_GGML_F32, ne,
                                       (const gint[]) { q, keys, values, mask, sinks }, 5);

      return hr_ggml_graph_add_reshape (b->graph, result, value_dim * a->num_attention_heads, b->n_tokens, 1, 1);
    }

  scores = hr_ggml_graph_add_product (b->graph, keys, q);
  scores = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_SOFT_MAX, HR_GGML_F32,
                                   hr_ggml_graph_get (b->graph, scores)->ne, (const gint[]) { scores, mask, sinks }, 3);
  if (!b->plan->has_transposed_values)
    values = add_transposed (b, values);
  result = hr_ggml_graph_add_permutation (b->graph, hr_ggml_graph_add_product (b->graph, values, scores), heads_first);

  return add_found (b, result, value_dim * a->num_attention_heads);
}

/* Rows of both, one behind the other (ggml_concat along the first dimension). */
static gint
add_join (HrLlamaBuilder *b,
          gint            first,
          gint            second)
{
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, first);

  tensor.ne[0] += hr_ggml_graph_get (b->graph, second)->ne[0];

  return hr_ggml_graph_add_made (b->graph, HR_GGML_OP_CONCAT, HR_GGML_F32, tensor.ne, (const gint[]) { first, second },
                                 2);
}

/* A part of each head. */
static gint
add_head_part (HrLlamaBuilder *b,
               gint            of,
               guint64         size,
               guint64         stride,
               guint64         n_heads)
{
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, of);
  const guint64 ne[] = { size, n_heads, b->n_tokens, 1 };
  const guint64 nb[] = { tensor.nb[0], tensor.nb[0] * stride, tensor.nb[1], tensor.nb[1] * b->n_tokens };

  return hr_ggml_graph_add_view (b->graph, of, ne, nb);
}

/* Queries in the space of the latent: what expands keys from it is applied to them instead. */
static gint
add_latent_queries (HrLlamaBuilder *b,
                    const HrBlock  *block,
                    gint            input)
{
  static const guint heads_last[] = { 0, 2, 1, 3 };
  const HrAttention *a = &block->attention;
  guint64 n_heads = a->num_attention_heads;
  guint64 plain = a->head_dim - a->rotary_dim;
  guint type = hr_llama_find_type (b, block, HR_MODULE_EXPANSION);
  guint64 from = a->hidden_size;
  gint query = input, absorbed, rotated, matrix;

  if (a->query_latent_size > 0)
    {
      query = hr_llama_add_product (b, block, HR_MODULE_QUERY_LATENT, input, a->hidden_size, a->query_latent_size,
                                    FALSE);
      query = hr_llama_add_norm (b, "attn_q_a_norm.weight", HR_NORM_RMS, query, TRUE, FALSE);
      from = a->query_latent_size;
    }
  query = hr_llama_add_product (b, block, a->query_latent_size > 0 ? HR_MODULE_QUERY_EXPANSION : HR_MODULE_QUERY, query,
                                from, n_heads * a->head_dim, FALSE);

  absorbed = hr_ggml_graph_add_permutation (b->graph, add_head_part (b, query, plain, a->head_dim, n_heads),
                                            heads_last);
  matrix = hr_ggml_graph_add_weight (b->graph, type,
                                     hr_llama_placement_find (b->plan, b->layer, "attn_k_b.weight", b->place), plain,
                                     a->latent_size, n_heads);
  absorbed = hr_ggml_graph_add_permutation (b->graph, hr_ggml_graph_add_product (b->graph, matrix, absorbed),
                                            heads_last);
  rotated = add_rotation (b, a, add_head_part (b, query, a->rotary_dim, a->head_dim, n_heads));

  return add_join (b, absorbed, rotated);
}

/* The latent, normalised, and the rotated key of all heads: what is kept of a token. */
static gint
add_latent_keys (HrLlamaBuilder *b,
                 const HrBlock  *block,
                 gint            input)
{
  const HrAttention *a = &block->attention;
  guint64 width = a->latent_size + a->rotary_dim;
  gint both = hr_llama_add_product (b, block, HR_MODULE_LATENT, input, a->hidden_size, width, FALSE);
  HrGgmlTensor row = *hr_ggml_graph_get (b->graph, both);
  gint latent = hr_ggml_graph_add_view (b->graph, both, (const guint64[]) { a->latent_size, b->n_tokens, 1, 1 },
                                        row.nb);

  latent = hr_llama_add_norm (b, "attn_kv_a_norm.weight", HR_NORM_RMS, latent, TRUE, FALSE);
  latent = hr_ggml_graph_add_reshape (b->graph, latent, a->latent_size, 1, b->n_tokens, 1);

  return add_join (b, latent, add_rotation (b, a, add_head_part (b, both, a->rotary_dim, width, 1)));
}

/* The attention of all heads to one key, and values from the latent of what they have found (build_attn_mha). */
static gint
add_latent_scores (HrLlamaBuilder *b,
                   const HrBlock  *block,
                   gint            query,
                   gint            cache)
{
  static const guint heads_first[] = { 0, 2, 1, 3 };
  const HrAttention *a = &block->attention;
  guint64 n_heads = a->num_attention_heads;
  guint64 per_stream = b->n_tokens / b->plan->n_streams;
  guint type = hr_llama_find_type (b, block, HR_MODULE_EXPANSION);
  gint keys = read_cache (b, cache, a->latent_size + a->rotary_dim, 1, FALSE);
  gint values = read_cache (b, cache, a->latent_size, 1, FALSE);
  gint place = hr_llama_placement_find (b->plan, b->layer, "attn_v_b.weight", b->place);
  gint matrix = hr_ggml_graph_add_weight (b->graph, type, place, a->latent_size, a->value_head_dim, n_heads);
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, query);
  gint q = hr_ggml_graph_add_view (b->graph, query,
                                   (const guint64[]) { tensor.ne[0], tensor.ne[1], per_stream, b->plan->n_streams },
                                   (const guint64[]) { tensor.nb[0], tensor.nb[1], tensor.nb[2],
                                                       tensor.nb[2] * per_stream });
  gint result;

  q = hr_ggml_graph_add_permutation (b->graph, q, heads_first);
  if (b->plan->flash)
    {
      const guint64 ne[] = { a->latent_size, n_heads, per_stream, b->plan->n_streams };

      result = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_FLASH_ATTENTION, HR_GGML_F32, ne,
                                       (const gint[]) { q, keys, values, b->masks[0] }, 4);
      result = hr_ggml_graph_add_permutation (b->graph, result, heads_first);
    }
  else
    {
      gint scores = hr_ggml_graph_add_product (b->graph, keys, q);

      scores = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_SOFT_MAX, scores, b->masks[0], HR_GGML_NONE);
      result = hr_ggml_graph_add_product (b->graph, add_transposed (b, values), scores);
    }

  result = hr_ggml_graph_add_permutation (b->graph, hr_ggml_graph_add_product (b->graph, matrix, result), heads_first);

  return add_found (b, result, a->value_head_dim * n_heads);
}

/* DeepSeek's attention, as llama.cpp computes it since April 2025 (src/models/deepseek2.cpp). */
static gint
add_latent_attention (HrLlamaBuilder *b,
                      const HrBlock  *block,
                      gint            input)
{
  const HrAttention *a = &block->attention;
  gint query = add_latent_queries (b, block, input);
  gint keys = add_latent_keys (b, block, input);
  gint cache, result;

  hr_ggml_graph_expand (b->graph, query);
  hr_ggml_graph_expand (b->graph, keys);
  cache = add_cache (b, b->plan->key_type, hr_llama_plan_get_key_width (a), b->plan->cells);
  write_cache (b, cache, keys, b->key_ids[0], FALSE);
  result = add_latent_scores (b, block, query, cache);
  hr_ggml_graph_expand (b->graph, result);

  return hr_llama_add_product (b, block, HR_MODULE_OUTPUT, result, a->value_head_dim * a->num_attention_heads,
                               a->hidden_size, a->has_output_bias);
}

static gint
add_attention (HrLlamaBuilder *b,
               const HrBlock  *block,
               gint            input)
{
  const HrAttention *a = &block->attention;
  gboolean is_sliding = a->sliding_window > 0 && b->plan->window > 0;
  gboolean is_transposed = b->plan->has_transposed_values;
  guint64 value_dim = a->value_head_dim > 0 ? a->value_head_dim : a->head_dim;
  guint64 cells = is_sliding ? b->plan->window_cells : b->plan->cells;
  guint64 inner = value_dim * a->num_attention_heads;
  gint heads[3], gate, keys, values, result;

  add_heads (b, block, input, heads, &gate);
  heads[0] = add_hadamard (b, heads[0], b->key_rotations[is_sliding]);
  heads[1] = add_hadamard (b, heads[1], b->key_rotations[is_sliding]);
  heads[2] = add_hadamard (b, heads[2], b->value_rotations[is_sliding]);
  hr_ggml_graph_expand (b->graph, heads[0]);
  /* Keys come last where there is one kind of cache, so that their rotation can write into it. */
  hr_ggml_graph_expand (b->graph, heads[b->plan->window > 0 || b->is_old ? 1 : 2]);
  hr_ggml_graph_expand (b->graph, heads[b->plan->window > 0 || b->is_old ? 2 : 1]);

  keys = add_cache (b, b->plan->key_type, a->head_dim * a->num_key_value_heads, cells);
  values = add_cache (b, b->plan->value_type, value_dim * a->num_key_value_heads, cells);
  write_cache (b, keys, heads[1], b->key_ids[is_sliding], FALSE);
  write_cache (b, values, heads[2], b->value_ids[is_sliding], is_transposed);

  result = add_scores (b, a, heads[0], read_cache (b, keys, a->head_dim, a->num_key_value_heads, FALSE),
                       read_cache (b, values, value_dim, a->num_key_value_heads, is_transposed), b->masks[is_sliding]);
  hr_ggml_graph_expand (b->graph, result);
  result = add_output_gate (b, add_hadamard (b, result, b->value_rotations[is_sliding]), gate);

  return hr_llama_add_product (b, block, HR_MODULE_OUTPUT, result, inner, a->hidden_size, a->has_output_bias);
}

/* At b4500 an activation and a product, both in the place of the gate. */
static gint
add_glu (HrLlamaBuilder *b,
         gint            gate,
         gint            up)
{
  if (b->is_old)
    return hr_ggml_graph_add_like (b->graph, HR_GGML_OP_MUL,
                                   hr_ggml_graph_add_like (b->graph, HR_GGML_OP_UNARY, gate, HR_GGML_NONE,
                                                           HR_GGML_NONE),
                                   up, HR_GGML_NONE);

  return hr_ggml_graph_add_like (b->graph, HR_GGML_OP_GLU, gate, up, HR_GGML_NONE);
}

/* Both halves are in one row: at b4500 each is copied first. */
static gint
add_fused_glu (HrLlamaBuilder *b,
               gint            input,
               guint64         inner)
{
  const guint64 ne[] = { inner, b->n_rows, 1, 1 };
  HrGgmlTensor row = *hr_ggml_graph_get (b->graph, input);
  gint halves[2];

  if (!b->is_old)
    return hr_ggml_graph_add_made (b->graph, HR_GGML_OP_GLU, HR_GGML_F32, ne, (const gint[]) { input }, 1);

  for (guint i = 0; i < 2; i++)
    {
      gint view = hr_ggml_graph_add_view (b->graph, input, ne, row.nb);

      halves[i] = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_CONT, HR_GGML_F32, ne, (const gint[]) { view }, 1);
    }

  return add_glu (b, halves[0], halves[1]);
}

/* Whether a file has gates and first matrices of perceptrons one by one, which the checkpoint has in one matrix. */
static gboolean
splits_gates (const HrLlamaBuilder *b)
{
  return g_str_has_prefix (hr_model_get_model_type (b->plan->pass->model), "granitemoe");
}

/* build_ffn. */
static gint
add_perceptron (HrLlamaBuilder *b,
                const HrBlock  *block,
                gint            input,
                guint64         hidden,
                guint64         inner,
                gboolean        gated,
                gboolean        fused,
                gboolean        has_bias,
                gboolean        has_down_bias)
{
  gint up = hr_llama_add_product (b, block, fused ? HR_MODULE_GATE_UP : HR_MODULE_UP, input, hidden,
                                  fused ? 2 * inner : inner, has_bias);
  gint result;

  if (fused)
    result = add_fused_glu (b, up, inner);
  else if (gated)
    result = add_glu (b, hr_llama_add_product (b, block, HR_MODULE_GATE, input, hidden, inner, has_bias), up);
  else
    result = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_UNARY, up, HR_GGML_NONE, HR_GGML_NONE);

  return hr_llama_add_product (b, block, HR_MODULE_DOWN, result, inner, hidden, has_down_bias);
}

/* What the router makes of each token: a number for each expert. */
static gint
add_expert_scores (HrLlamaBuilder  *b,
                   const HrMixture *m,
                   gint             input)
{
  gint place = hr_llama_placement_find (b->plan, b->layer, "ffn_gate_inp.weight", b->place);
  gint matrix = hr_ggml_graph_add_weight (b->graph, HR_GGML_F32, place, m->hidden_size, m->num_experts, 1);
  gint scores = hr_ggml_graph_add_product (b->graph, matrix, input);

  if (m->has_router_bias)
    scores = hr_llama_add_vector (b, "ffn_gate_inp.bias", HR_GGML_OP_ADD, scores, m->num_experts);
  if (m->softmax_after)
    return scores;

  return hr_ggml_graph_add_like (b->graph, m->scores == HR_ROUTER_SIGMOID ? HR_GGML_OP_UNARY : HR_GGML_OP_SOFT_MAX,
                                 scores, HR_GGML_NONE, HR_GGML_NONE);
}

/*
 * ggml_argsort_top_k: all experts of each token are sorted, and the first ones are seen. Where groups are chosen first,
 * what that takes, a few numbers for each expert, is left out: it is gone before the experts compute.
 */
static gint
add_choice (HrLlamaBuilder  *b,
            const HrMixture *m,
            gint             scores)
{
  gboolean is_biased = m->choice != HR_ROUTER_HIGHEST;
  gint selection = is_biased
                     ? hr_llama_add_vector (b, "exp_probs_b.bias", HR_GGML_OP_ADD, scores, m->num_experts) : scores;
  gint sorted = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_ARGSORT, HR_GGML_I32,
                                        hr_ggml_graph_get (b->graph, selection)->ne, (const gint[]) { selection }, 1);
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, sorted);

  tensor.ne[0] = m->num_experts_per_tok;

  return hr_ggml_graph_add_view (b->graph, sorted, tensor.ne, tensor.nb);
}

/* The weights of the chosen ones are divided by their sum, which is kept from being nothing. */
static gint
add_normalization (HrLlamaBuilder *b,
                   gint            weights,
                   guint64         k)
{
  HrGgmlTensor tensor;
  gint sum;

  weights = hr_ggml_graph_add_reshape (b->graph, weights, k, b->n_rows, 1, 1);
  sum = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_SUM_ROWS, HR_GGML_F32, (const guint64[]) { 1, b->n_rows, 1, 1 },
                                (const gint[]) { weights }, 1);
  tensor = *hr_ggml_graph_get (b->graph, sum);
  sum = hr_ggml_graph_add_view (b->graph, sum, tensor.ne, tensor.nb);
  g_array_index (b->graph->tensors, HrGgmlTensor, sum).op = HR_GGML_OP_CLAMP;
  weights = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_DIV, weights, sum, HR_GGML_NONE);

  return hr_ggml_graph_add_reshape (b->graph, weights, 1, k, b->n_rows, 1);
}

/* The weights of the experts that are chosen, and which these are. */
static gint
add_router (HrLlamaBuilder  *b,
            const HrMixture *m,
            gint             input,
            gint            *chosen)
{
  guint64 k = m->num_experts_per_tok;
  gint scores = add_expert_scores (b, m, input);
  gint weights;

  *chosen = add_choice (b, m, scores);
  weights = hr_ggml_graph_add_rows (b->graph,
                                    hr_ggml_graph_add_reshape (b->graph, scores, 1, m->num_experts, b->n_rows, 1),
                                    *chosen);
  if (m->softmax_after)
    {
      weights = hr_ggml_graph_add_reshape (b->graph, weights, k, b->n_rows, 1, 1);
      weights = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_SOFT_MAX, weights, HR_GGML_NONE, HR_GGML_NONE);
      weights = hr_ggml_graph_add_reshape (b->graph, weights, 1, k, b->n_rows, 1);
    }
  if (m->scores_norm != HR_ROUTER_NORM_NONE && !m->softmax_after)
    weights = add_normalization (b, weights, k);
  if (m->scores_scaled)
    weights = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_SCALE, weights, HR_GGML_NONE, HR_GGML_NONE);
  hr_ggml_graph_expand (b->graph, weights);

  return weights;
}

static gint
add_expert_matrices (HrLlamaBuilder  *b,
                     const HrBlock   *block,
                     const HrMixture *m,
                     HrModule         module,
                     guint64          in,
                     guint64          out)
{
  gint place = hr_llama_placement_find_module (b->plan, b->layer, block, module, ".weight", b->place);

  return hr_ggml_graph_add_weight (b->graph, hr_llama_find_type (b, block, module), place, in, out, m->num_experts);
}

static gint
add_expert_bias (HrLlamaBuilder *b,
                 const HrBlock  *block,
                 HrModule        module,
                 gint            input,
                 gint            chosen)
{
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, input);
  gint place = hr_llama_placement_find_module (b->plan, b->layer, block, module, ".bias", b->place);
  gint bias = hr_ggml_graph_add_weight (b->graph, HR_GGML_F32, place, tensor.ne[0], block->mixture.num_experts, 1);

  return hr_ggml_graph_add_like (b->graph, HR_GGML_OP_ADD_ID, input, bias, chosen);
}

static gint
add_expert_product (HrLlamaBuilder *b,
                    const HrBlock  *block,
                    HrModule        module,
                    gint            input,
                    guint64         in,
                    guint64         out,
                    gint            chosen)
{
  const HrMixture *m = &block->mixture;
  gint matrices = add_expert_matrices (b, block, m, module, in, out);
  gint result = hr_ggml_graph_add_product_id (b->graph, matrices, input, chosen);

  return m->has_bias ? add_expert_bias (b, block, module, result, chosen) : result;
}

/* The results of all experts of a token are one behind the other, and are added up in their order. */
static gint
add_expert_sum (HrLlamaBuilder *b,
                gint            results)
{
  HrGgmlTensor tensor = *hr_ggml_graph_get (b->graph, results);
  const guint64 ne[] = { tensor.ne[0], tensor.ne[2], 1, 1 };
  const guint64 nb[] = { tensor.nb[0], tensor.nb[2], tensor.nb[3], tensor.nb[3] };
  g_autofree gint *views = g_new (gint, tensor.ne[1]);
  gint sum;

  for (guint64 i = 0; i < tensor.ne[1]; i++)
    {
      views[i] = hr_ggml_graph_add_view (b->graph, results, ne, nb);
      hr_ggml_graph_expand (b->graph, views[i]);
    }

  sum = views[0];
  for (guint64 i = 1; i < tensor.ne[1]; i++)
    {
      sum = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_ADD, HR_GGML_F32, ne, (const gint[]) { sum, views[i] }, 2);
      hr_ggml_graph_expand (b->graph, sum);
    }
  if (tensor.ne[1] == 1)
    sum = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_CONT, HR_GGML_F32, ne, (const gint[]) { sum }, 1);

  return sum;
}

/* build_moe_ffn; the experts of Nemotron 3 Super compute in a smaller space (src/models/nemotron-h.cpp). */
static gint
add_experts (HrLlamaBuilder *b,
             const HrBlock  *block,
             gint            input)
{
  const HrMixture *m = &block->mixture;
  guint64 inner = m->intermediate_size;
  guint64 hidden = m->latent_size > 0 ? m->latent_size : m->hidden_size;
  gint chosen, weights, up, result;

  weights = add_router (b, m, input, &chosen);
  if (m->latent_size > 0)
    input = hr_llama_add_product (b, block, HR_MODULE_LATENT_DOWN, input, m->hidden_size, hidden, FALSE);
  input = hr_ggml_graph_add_reshape (b->graph, input, hidden, 1, b->n_rows, 1);
  up = add_expert_product (b, block, HR_MODULE_EXPERT_UP, input, hidden, inner, chosen);
  if (m->gate == HR_EXPERT_GATE_NONE)
    result = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_UNARY, up, HR_GGML_NONE, HR_GGML_NONE);
  else
    result = add_glu (b, add_expert_product (b, block, HR_MODULE_EXPERT_GATE, input, hidden, inner, chosen), up);

  result = add_expert_product (b, block, HR_MODULE_EXPERT_DOWN, result, inner, hidden, chosen);
  result = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_MUL, result, weights, HR_GGML_NONE);
  hr_ggml_graph_expand (b->graph, result);
  result = add_expert_sum (b, result);

  return m->latent_size > 0 ? hr_llama_add_product (b, block, HR_MODULE_LATENT_UP, result, hidden, m->hidden_size,
                                                    FALSE)
                            : result;
}

static gint
add_mixture (HrLlamaBuilder *b,
             const HrBlock  *block,
             gint            input)
{
  const HrMixture *m = &block->mixture;
  gint routed = add_experts (b, block, input);
  gint shared;

  if (m->shared_intermediate_size == 0)
    return routed;

  shared = add_perceptron (b, block, input, m->hidden_size, m->shared_intermediate_size, m->gate != HR_EXPERT_GATE_NONE,
                           FALSE, m->has_shared_bias, m->has_shared_bias);
  if (m->has_shared_gate)
    {
      gint gate = hr_llama_add_product (b, block, HR_MODULE_SHARED_GATE, input, m->hidden_size, 1, FALSE);

      gate = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_UNARY, gate, HR_GGML_NONE, HR_GGML_NONE);
      shared = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_MUL, shared, gate, HR_GGML_NONE);
    }

  return hr_ggml_graph_add_like (b->graph, HR_GGML_OP_ADD, routed, shared, HR_GGML_NONE);
}

/* In the last layer the tokens that logits are asked of go on. */
static gint
keep_outputs (HrLlamaBuilder *b,
              gint            input)
{
  return hr_ggml_graph_add_rows (b->graph, input, b->output_ids);
}

static const char *
name_norm (const HrLlamaBuilder *b,
           const HrBlock        *norm)
{
  return b->sublayer != NULL ? hr_llama_placement_name_norm (b->plan, b->sublayer, norm) : "output_norm.weight";
}

static gint
add_chain (HrLlamaBuilder *b,
           const HrChain  *chain,
           gint            input,
           gboolean        is_last,
           gboolean       *has_attention)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      const HrBlock *block = &chain->blocks[i];

      switch ((guint) block->kind)
        {
        case HR_BLOCK_NORM:
          input = hr_llama_add_norm (b, name_norm (b, block), block->norm.kind, input, block->norm.has_weight,
                                     block->norm.has_bias);
          break;

        case HR_BLOCK_ATTENTION:
          input = block->attention.latent_size > 0 ? add_latent_attention (b, block, input)
                                                   : add_attention (b, block, input);
          if (is_last)
            input = keep_outputs (b, input);
          *has_attention = TRUE;
          break;

        case HR_BLOCK_SHORT_CONVOLUTION:
        case HR_BLOCK_MAMBA:
        case HR_BLOCK_MAMBA2:
        case HR_BLOCK_GATED_DELTA:
          input = hr_llama_add_state (b, block, input);
          if (is_last)
            input = keep_outputs (b, input);
          *has_attention = TRUE;
          break;

        case HR_BLOCK_MLP:
          input = add_perceptron (b, block, input, block->mlp.hidden_size, block->mlp.intermediate_size,
                                  block->mlp.gated, block->mlp.fused_gate_up && !splits_gates (b), block->mlp.has_bias,
                                  block->mlp.has_bias || block->mlp.has_down_bias);
          if (is_last && b->is_alone)
            input = keep_outputs (b, input);
          *has_attention = *has_attention || b->is_alone;
          break;

        case HR_BLOCK_MIXTURE:
          input = add_mixture (b, block, input);
          if (is_last && b->is_alone)
            input = keep_outputs (b, input);
          *has_attention = *has_attention || b->is_alone;
          break;

        default:
          g_assert_not_reached ();
        }
    }

  return input;
}

/*
 * A sum goes into the place of what it reads first: of the residual behind a perceptron in src/models/phi3.cpp, and
 * everywhere in src/models/lfm2.cpp and jamba.cpp.
 */
static gboolean
adds_to_residual (const HrLlamaBuilder *b,
                  gboolean              has_attention)
{
  const char *type = hr_model_get_model_type (b->plan->pass->model);

  return g_str_has_prefix (type, "lfm2") || g_str_equal (type, "jamba") ||
         (!has_attention && g_str_equal (type, "phi3"));
}

/*
 * Attention and a state space side by side, each behind the norm, which is computed twice with one vector
 * (src/models/falcon-h1.cpp).
 */
static gint
add_parallel_mixers (HrLlamaBuilder   *b,
                     const HrSublayer *sublayer,
                     gint              input,
                     gboolean          is_last)
{
  guint64 size = hr_ggml_graph_get (b->graph, input)->ne[0];
  gint place = hr_llama_placement_find (b->plan, b->layer, "attn_norm.weight", b->place);
  gint vector = hr_ggml_graph_add_weight (b->graph, HR_GGML_F32, place, size, 1, 1);
  gint result = HR_GGML_NONE;

  for (guint i = sublayer->n_branches; i > 0; i--)
    {
      gboolean has_attention = FALSE;
      gint norm = hr_llama_normalize (b, sublayer->shared.blocks[0].norm.kind, input, TRUE);
      gint branch;

      norm = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_MUL, norm, vector, HR_GGML_NONE);
      branch = add_chain (b, &sublayer->branches[i - 1], norm, FALSE, &has_attention);
      result = result == HR_GGML_NONE
                 ? branch : hr_ggml_graph_add_like (b->graph, HR_GGML_OP_ADD, result, branch, HR_GGML_NONE);
    }
  result = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_ADD, result, input, HR_GGML_NONE);
  if (!is_last)
    return result;

  b->n_rows = b->n_outputs;

  return keep_outputs (b, result);
}

static gboolean
has_parallel_mixers (const HrSublayer *sublayer)
{
  return sublayer->n_branches == 2 && sublayer->branches[0].blocks[0].kind == HR_BLOCK_MAMBA2;
}

static gint
add_sublayer (HrLlamaBuilder   *b,
              const HrSublayer *sublayer,
              gint              input,
              gboolean          is_last)
{
  gboolean has_attention = FALSE;
  gint result = HR_GGML_NONE;
  gint shared;

  b->sublayer = sublayer;
  if (has_parallel_mixers (sublayer))
    return add_parallel_mixers (b, sublayer, input, is_last);

  shared = add_chain (b, &sublayer->shared, input, FALSE, &has_attention);
  for (guint i = 0; i < sublayer->n_branches; i++)
    {
      gint branch;

      if (has_attention && is_last)
        {
          b->n_rows = b->n_outputs;
          shared = keep_outputs (b, shared);
          input = keep_outputs (b, input);
        }
      branch = add_chain (b, &sublayer->branches[i], shared, is_last, &has_attention);
      result = result == HR_GGML_NONE
                 ? branch : hr_ggml_graph_add_like (b->graph, HR_GGML_OP_ADD, branch, result, HR_GGML_NONE);
    }
  if (has_attention && is_last && sublayer->n_branches == 1)
    {
      b->n_rows = b->n_outputs;
      input = keep_outputs (b, input);
    }
  if (sublayer->residual_scaled)
    result = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_SCALE, result, HR_GGML_NONE, HR_GGML_NONE);
  if (sublayer->residual && adds_to_residual (b, has_attention))
    result = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_ADD, input, result, HR_GGML_NONE);
  else if (sublayer->residual)
    result = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_ADD, result, input, HR_GGML_NONE);

  return add_chain (b, &sublayer->after, result, FALSE, &has_attention);
}

/* Nemotron-H's layers are an attention, a state space or a perceptron each. */
static gboolean
is_alone (const HrLayerClass *layer_class)
{
  return layer_class->n_sublayers == 1 && layer_class->sublayers[0].n_branches == 1;
}

static gint
add_layer (HrLlamaBuilder *b,
           gint            input)
{
  const HrStack *stack = b->plan->pass->stack;
  const HrLayerClass *layer_class = &stack->layer_classes[stack->layer_class_of[b->layer]];

  b->place = b->plan->layer_places[b->layer];
  b->is_alone = is_alone (layer_class);
  for (guint i = 0; i < layer_class->n_sublayers; i++)
    input = add_sublayer (b, &layer_class->sublayers[i], input, b->layer == stack->n_layers - 1);

  return input;
}

/*
 * The matrix that keys or values are multiplied by, if all heads have one size that is a multiple of 64: of keys the
 * largest that fits into a head (llama_kv_cache::build_input_k_rot and build_input_v_rot).
 */
static gint
add_rotation_matrix (HrLlamaBuilder *b,
                     guint           type,
                     gboolean        is_of_keys)
{
  const HrStack *stack = b->plan->pass->stack;
  guint64 size = 64;
  guint64 dim = 0;

  for (guint i = 0; i < stack->n_layers; i++)
    {
      const HrAttention *a = hr_llama_plan_get_attention (b->plan, i);
      guint64 own;

      if (a == NULL)
        continue;
      own = is_of_keys || a->value_head_dim == 0 ? a->head_dim : a->value_head_dim;
      if ((dim > 0 && own != dim) || a->latent_size > 0)
        return HR_GGML_NONE;
      dim = own;
    }
  if (hr_ggml_type_get (type)->block_size == 1 || dim == 0 || dim % size != 0)
    return HR_GGML_NONE;

  while (is_of_keys && dim % (2 * size) == 0)
    size *= 2;

  return hr_ggml_graph_add_input (b->graph, HR_GGML_F32, size, size);
}

/* Where keys and values go is a view of the cache; flash attention has a copy of the mask in fp16. */
static void
finish_old_inputs (HrLlamaBuilder *b,
                   guint           i)
{
  b->key_ids[i] = b->value_ids[i] = HR_GGML_NONE;
  if (b->plan->flash)
    b->masks[i] = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_DUP, HR_GGML_F16,
                                          hr_ggml_graph_get (b->graph, b->masks[i])->ne,
                                          (const gint[]) { b->masks[i] }, 1);
}

/* llama_hparams::n_pos_per_embd: of each token time, height, width and one more where positions have axes. */
static guint64
count_positions (const HrLlamaPlan *plan)
{
  for (guint i = 0; i < plan->pass->stack->n_layers; i++)
    {
      const HrAttention *a = hr_llama_plan_get_attention (plan, i);

      if (a != NULL && (a->rotary_axes || a->position == HR_POSITION_ROTARY_SECTIONS))
        return 4;
    }

  return 1;
}

static void
add_inputs (HrLlamaBuilder *b)
{
  const HrLlamaPlan *plan = b->plan;
  guint64 per_stream = b->n_tokens / plan->n_streams;
  guint64 n_rows = b->is_old ? (per_stream + OLD_MASK_PADDING - 1) / OLD_MASK_PADDING * OLD_MASK_PADDING : per_stream;
  guint mask_type = plan->flash && !b->is_old ? HR_GGML_F16 : HR_GGML_F32;
  const guint64 cells[] = { plan->cells, plan->window_cells };

  b->positions = hr_ggml_graph_add_input (b->graph, HR_GGML_I32, b->n_tokens * count_positions (plan), 1);
  b->output_ids = hr_ggml_graph_add_input (b->graph, HR_GGML_I32, b->n_outputs, 1);
  b->state_ids = hr_ggml_graph_add_input (b->graph, HR_GGML_I32, plan->n_slots, 1);
  b->used_state_ids = hr_ggml_graph_add_reshape (b->graph, b->state_ids, plan->n_slots, 1, 1, 1);
  b->other_state_ids = hr_ggml_graph_add_reshape (b->graph, b->state_ids, plan->n_slots - 1, 1, 1, 1);
  for (guint i = 0; i < 2; i++)
    {
      guint64 width = 1;

      for (guint j = 0; plan->has_transposed_values && j < plan->pass->stack->n_layers; j++)
        {
          const HrAttention *a = hr_llama_plan_get_attention (plan, j);

          if (a != NULL)
            width = MAX (width, a->num_key_value_heads * (a->value_head_dim > 0 ? a->value_head_dim : a->head_dim));
        }
      b->key_ids[i] = hr_ggml_graph_add_input (b->graph, HR_GGML_I64, b->n_tokens, 1);
      b->value_ids[i] = hr_ggml_graph_add_input (b->graph, HR_GGML_I64, b->n_tokens * width, 1);
      b->masks[i] = hr_ggml_graph_add_made (b->graph, HR_GGML_OP_NONE, mask_type,
                                            (const guint64[]) { cells[i], n_rows, 1, plan->n_streams }, NULL, 0);
      g_array_index (b->graph->tensors, HrGgmlTensor, b->masks[i]).is_input = TRUE;
      if (b->is_old)
        finish_old_inputs (b, i);
      b->key_rotations[i] = b->is_old ? HR_GGML_NONE : add_rotation_matrix (b, plan->key_type, TRUE);
      b->value_rotations[i] = b->is_old ? HR_GGML_NONE : add_rotation_matrix (b, plan->value_type, FALSE);
    }
}

static const HrBlock *
find_head (HrModel *model)
{
  const HrChain *chain = hr_model_get_head (model);

  for (guint i = 0; chain != NULL && i < chain->n_blocks; i++)
    {
      if (chain->blocks[i].kind == HR_BLOCK_HEAD)
        return &chain->blocks[i];
    }

  return NULL;
}

static gint
add_head (HrLlamaBuilder *b,
          gint            input)
{
  const HrBlock *block = find_head (b->plan->pass->model);
  const HrHead *head = &block->head;
  gint result;

  b->place = hr_llama_plan_get_head_place (b->plan);
  result = hr_llama_add_product (b, block, HR_MODULE_SELF, input, head->hidden_size, head->vocab_size, head->has_bias);
  if ((head->scaled && has_scales (b)) || head->softcap)
    result = hr_ggml_graph_add_like (b->graph, HR_GGML_OP_SCALE, result, HR_GGML_NONE, HR_GGML_NONE);

  return result;
}

static gboolean
has_all_on_gpus (const HrLlamaPlan *plan)
{
  for (guint i = 0; i < plan->pass->stack->n_layers; i++)
    {
      if (plan->layer_places[i] == (gint) plan->n_devices)
        return FALSE;
    }

  return plan->output_place != (gint) plan->n_devices;
}

static void
add_layers (HrLlamaBuilder      *b,
            const HrLlamaLayers *layers,
            gint                *current)
{
  g_autofree HrGgmlMoment *moments = g_new (HrGgmlMoment, layers->layers->len);

  for (guint i = 0; i < layers->layers->len; i++)
    {
      moments[i] = (HrGgmlMoment) { b->graph->nodes->len, *current };
      b->layer = g_array_index (layers->layers, guint, i);
      *current = add_layer (b, *current);
    }
  for (guint i = 0; i < layers->repeats->len; i++)
    {
      const HrLlamaRepeat *repeat = &g_array_index (layers->repeats, HrLlamaRepeat, i);

      hr_ggml_graph_add_repeat (b->graph, &moments[repeat->first], &moments[repeat->second]);
    }
}

/*
 * hr_llama_graph_new:
 * @plan: a plan
 * @layers: the layers that it is built of
 * @n_tokens: how many tokens are computed at once
 * @n_outputs: of how many of them logits are asked
 *
 * Builds the graph of one call of llama_decode, with caches that are full.
 *
 * Returns: (transfer full): a graph
 */
HrGgmlGraph *
hr_llama_graph_new (const HrLlamaPlan   *plan,
                    const HrLlamaLayers *layers,
                    guint64              n_tokens,
                    guint64              n_outputs)
{
  const HrStack *stack = plan->pass->stack;
  HrLlamaBuilder b = {
    .plan = plan,
    .graph = hr_ggml_graph_new (),
    .is_old = plan->release == HR_LLAMA_RELEASE_B4500,
    .n_tokens = n_tokens,
    .n_rows = n_tokens,
    .n_outputs = n_outputs,
    .layer = stack->n_layers,
    .place = plan->n_devices,
  };
  gboolean has_attention = FALSE;
  gint current;

  b.graph->has_weight_bytes = layers->likeness != HR_LLAMA_LIKENESS_PLACES;
  for (guint i = 0; i < HR_GGML_MAX_PLACES; i++)
    b.rope_factors[i] = HR_GGML_NONE;
  add_inputs (&b);
  current = add_embeddings (&b, stack->embeddings.blocks[0].token_embedding.hidden_size);
  current = finish_embeddings (&b, current);
  b.pins_norms = n_tokens < MIN_PROMPT || has_all_on_gpus (plan);
  add_layers (&b, layers, &current);
  b.pins_norms = FALSE;

  b.layer = stack->n_layers;
  b.sublayer = NULL;
  b.place = plan->output_place;
  current = add_chain (&b, &stack->final, current, FALSE, &has_attention);
  hr_ggml_graph_expand (b.graph, add_head (&b, current));

  return b.graph;
}

/* Sizes of heads that ggml-cuda has a kernel of the gated delta rule for (ggml_cuda_op_gated_delta_net). */
static gboolean
has_delta_kernel (guint64 dim)
{
  return dim == 16 || dim == 32 || dim == 64 || dim == 128;
}

/* Whether the graph has all operations of a block. */
static gboolean
knows_block (const HrBlock  *block,
             HrLlamaRelease  release)
{
  const HrAttention *a = &block->attention;
  const HrGatedDelta *d = &block->gated_delta;

  switch ((guint) block->kind)
    {
    case HR_BLOCK_NORM:
    case HR_BLOCK_MLP:
      return TRUE;

    case HR_BLOCK_SHORT_CONVOLUTION:
      return !block->short_convolution.has_bias && release != HR_LLAMA_RELEASE_B4500;

    case HR_BLOCK_MAMBA:
      return !block->mamba.has_bias && block->mamba.has_conv_bias && release != HR_LLAMA_RELEASE_B4500;

    case HR_BLOCK_MAMBA2:
      return !block->mamba2.has_bias && block->mamba2.has_conv_bias && release != HR_LLAMA_RELEASE_B4500;

    case HR_BLOCK_GATED_DELTA:
      return d->projection != HR_DELTA_PROJECTION_SEPARATE && d->key_head_dim == d->value_head_dim &&
             has_delta_kernel (d->value_head_dim) && release != HR_LLAMA_RELEASE_B4500;

    case HR_BLOCK_MIXTURE:
      return (block->mixture.latent_size == 0 || release != HR_LLAMA_RELEASE_B4500) &&
             block->mixture.num_zero_experts == 0;

    case HR_BLOCK_ATTENTION:
      return (a->latent_size == 0 || release != HR_LLAMA_RELEASE_B4500) && !a->is_cross && !a->joins_source &&
             !a->chunked && a->relative_span == 0 && a->relative_buckets == 0 &&
             (a->output_gate == HR_OUTPUT_GATE_NONE || a->output_gate == HR_OUTPUT_GATE_QUERY) &&
             a->index_num_heads == 0 && !a->reuses_cache &&
             !a->has_shared_key_value && !a->has_output_norm && !a->value_is_key && a->adapter_rank == 0 &&
             a->path == HR_ATTENTION_INTERFACE &&
             (a->projection == HR_PROJECTION_SEPARATE || a->projection == HR_PROJECTION_FUSED);

    default:
      return FALSE;
    }
}

static gboolean
knows_chain (const HrChain  *chain,
             HrLlamaRelease  release)
{
  for (guint i = 0; i < chain->n_blocks; i++)
    {
      if (!knows_block (&chain->blocks[i], release))
        return FALSE;
    }

  return TRUE;
}

static gboolean
knows_sublayer (const HrSublayer *sublayer,
                HrLlamaRelease    release)
{
  for (guint i = 0; i < sublayer->n_branches; i++)
    {
      if (!knows_chain (&sublayer->branches[i], release))
        return FALSE;
    }

  return !sublayer->joins_embeddings && knows_chain (&sublayer->shared, release) &&
         knows_chain (&sublayer->after, release);
}

/* The models with states whose functions in src/models are followed. */
static gboolean
knows_states (HrModel *model)
{
  static const char * const types[] = {
    "falcon_h1", "falcon_mamba", "granitemoehybrid", "jamba", "mamba", "mamba2", "nemotron_h", "qwen3_next", NULL,
  };
  const char *type = hr_model_get_model_type (model);

  return g_strv_contains (types, type) || g_str_has_prefix (type, "lfm2") || g_str_has_prefix (type, "qwen3_5");
}

/* A decoder that writes text, whose layers mix tokens if they are more than one block. */
static gboolean
knows_model (HrModel        *model,
             const HrStack  *stack,
             HrLlamaRelease  release)
{
  const HrBlock *head = find_head (model);

  if (stack->role != HR_STACK_DECODER || hr_model_find_stack (model, HR_STACK_ENCODER) != NULL || head == NULL ||
      head->head.pooled || stack->embeddings.n_blocks == 0 ||
      stack->embeddings.blocks[0].kind != HR_BLOCK_TOKEN_EMBEDDING || stack->n_repeats > 1)
    return FALSE;

  for (guint i = 0; i < stack->n_layer_classes; i++)
    {
      const HrLayerClass *layer_class = &stack->layer_classes[i];

      for (guint j = 0; j < layer_class->n_sublayers; j++)
        {
          if (!knows_sublayer (&layer_class->sublayers[j], release))
            return FALSE;
        }
      if (hr_llama_plan_find_state_block (layer_class) != NULL
            ? !knows_states (model)
            : hr_layer_class_get_attention (layer_class) == NULL && !is_alone (layer_class))
        return FALSE;
    }

  return knows_chain (&stack->final, release);
}

/*
 * hr_llama_graph_check:
 * @model: a model
 * @stack: its decoder
 * @release: the release of llama.cpp
 * @error: return location for an error
 *
 * Checks whether the graph of a model can be built.
 *
 * Returns: whether it can
 */
gboolean
hr_llama_graph_check (HrModel         *model,
                      const HrStack   *stack,
                      HrLlamaRelease   release,
                      GError         **error)
{
  if (knows_model (model, stack, release))
    return TRUE;

  hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                        /* Translators: the place is the name of a model. */
                        N_("engine: expected transformers, as it is not known here what llama.cpp reserves for layers "
                           "such as those of “%s”; found llama.cpp"),
                        hr_model_get_name (model));

  return FALSE;
}
