/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-block-factory-private.h"

#include <glib/gi18n-lib.h>

/*
 * Multi-head latent attention (DeepSeek): keys and values of all heads are expanded from a latent; a rotated key for
 * all heads is projected beside it. transformers keeps the expanded heads; serving engines keep the latent.
 */

static const HrParameter latent_attention_parameters[] = {
  COUNT ("hidden-size", attention.hidden_size),
  COUNT ("num-attention-heads", attention.num_attention_heads),
  COUNT ("head-dim", attention.head_dim),
  COUNT ("rotary-dim", attention.rotary_dim),
  COUNT ("value-head-dim", attention.value_head_dim),
  COUNT ("latent-size", attention.latent_size),
  SIZE ("query-latent-size", attention.query_latent_size),
  CHOICE ("position", attention.position, hr_block_positions),
  BOOLEAN ("rotates-pairs", attention.rotates_pairs),
  CHOICE ("position-scale", attention.position_scale, hr_block_position_scales),
  SIZE ("index-num-heads", attention.index_num_heads),
  SIZE ("index-head-dim", attention.index_head_dim),
  SIZE ("index-topk", attention.index_topk),
  BOOLEAN ("shares-index", attention.shares_index),
  BOOLEAN ("bias", attention.has_output_bias),
  BOOLEAN ("dropout", attention.has_dropout),
  BOOLEAN ("output-dropout", attention.has_output_dropout),
  { NULL }
};

static const char * const latent_attention_names[] = {
  "query", "q_proj", "query-latent", "q_a_proj", "query-latent-norm", "q_a_layernorm", "query-expansion", "q_b_proj",
  "latent", "kv_a_proj_with_mqa", "latent-norm", "kv_a_layernorm", "expansion", "kv_b_proj", "output", "o_proj", NULL,
};

static gboolean
add_matrix (const HrBlockContext  *context,
            HrJson                *description,
            const HrBlock         *block,
            const char            *key,
            HrModule               kind,
            guint64                out_features,
            guint64                in_features,
            gboolean               has_bias,
            GError               **error)
{
  return hr_block_add_linear (context, block->path,
                              hr_block_get_module_name (description, latent_attention_names, key), kind,
                              HR_PART_ATTENTION, out_features, in_features, has_bias, FALSE, error);
}

static gboolean
add_norm (const HrBlockContext  *context,
          HrJson                *description,
          const HrBlock         *block,
          const char            *key,
          guint64                size,
          GError               **error)
{
  return hr_block_add_tensor (context, block->path,
                              hr_block_get_module_name (description, latent_attention_names, key), "weight",
                              HR_PART_NORM, HR_TENSOR_ROLE_NORM, size, 0, error);
}

static gboolean
add_query (const HrBlockContext  *context,
           HrJson                *description,
           const HrBlock         *block,
           guint64                query_size,
           GError               **error)
{
  const HrAttention *attention = &block->attention;
  guint64 rank = attention->query_latent_size;

  if (rank == 0)
    return add_matrix (context, description, block, "query", HR_MODULE_QUERY, query_size, attention->hidden_size,
                       FALSE, error);

  return add_matrix (context, description, block, "query-latent", HR_MODULE_QUERY_LATENT, rank, attention->hidden_size,
                     attention->has_output_bias, error) &&
         add_norm (context, description, block, "query-latent-norm", rank, error) &&
         add_matrix (context, description, block, "query-expansion", HR_MODULE_QUERY_EXPANSION, query_size, rank,
                     FALSE, error);
}

/* The indexer that chooses keys for each query: its queries come from the latent, its key is one for all its heads. */
static gboolean
add_indexer (const HrBlockContext  *context,
             const HrBlock         *block,
             GError               **error)
{
  const HrAttention *attention = &block->attention;
  guint64 size;

  if (attention->index_num_heads == 0)
    return TRUE;
  if (!g_uint64_checked_mul (&size, attention->index_num_heads, attention->index_head_dim))
    return hr_block_set_too_large_error (context, block->path, error);

  return hr_block_add_linear (context, block->path, "indexer.wq_b", HR_MODULE_INDEX_QUERY, HR_PART_ATTENTION, size,
                              attention->query_latent_size, FALSE, FALSE, error) &&
         hr_block_add_linear (context, block->path, "indexer.wk", HR_MODULE_INDEX_KEY, HR_PART_ATTENTION,
                              attention->index_head_dim, attention->hidden_size, FALSE, FALSE, error) &&
         hr_block_add_tensor (context, block->path, "indexer.k_norm", "weight", HR_PART_NORM, HR_TENSOR_ROLE_NORM,
                              attention->index_head_dim, 0, error) &&
         hr_block_add_tensor (context, block->path, "indexer.k_norm", "bias", HR_PART_NORM, HR_TENSOR_ROLE_NORM,
                              attention->index_head_dim, 0, error) &&
         hr_block_add_linear (context, block->path, "indexer.weights_proj", HR_MODULE_INDEX_WEIGHTS, HR_PART_ATTENTION,
                              attention->index_num_heads, attention->hidden_size, FALSE, FALSE, error);
}

/* An indexer rotates as much of its heads as the attention does, and starts from the latent of the queries. */
static gboolean
check_indexer (HrScope           *scope,
               const HrAttention *attention,
               GError           **error)
{
  if (attention->index_num_heads == 0 ||
      (attention->query_latent_size > 0 && attention->index_topk > 0 &&
       attention->index_head_dim > attention->rotary_dim))
    return TRUE;

  hr_scope_set_error (scope, error, HR_ERROR_VALUE,
                      _("the indexer of the attention: expected q_lora_rank and index_topk of at least 1, and an "
                        "index_head_dim above qk_rope_head_dim"));

  return FALSE;
}

static gboolean
check_rotary (HrScope           *scope,
              const HrAttention *attention,
              GError           **error)
{
  g_autofree char *rotary_dim = NULL;
  g_autofree char *head_dim = NULL;

  if (attention->rotary_dim < attention->head_dim && attention->rotary_dim % 2 == 0)
    return TRUE;

  rotary_dim = g_strdup_printf ("%" G_GUINT64_FORMAT, attention->rotary_dim);
  head_dim = g_strdup_printf ("%" G_GUINT64_FORMAT, attention->head_dim);
  hr_scope_set_error (scope, error, HR_ERROR_VALUE,
                      _("the rotary dimension: expected an even number up to head_dim, which is %s, found %s"),
                      head_dim, rotary_dim);

  return FALSE;
}

static gboolean
build_latent_attention (const HrBlockContext  *context,
                        HrJson                *description,
                        HrBlock               *block,
                        GError               **error)
{
  HrAttention *attention = &block->attention;
  guint64 query_size, value_size, expanded_size, latent_size;

  if (!check_rotary (context->scope, attention, error) || !check_indexer (context->scope, attention, error))
    return FALSE;
  if (!g_uint64_checked_mul (&query_size, attention->num_attention_heads, attention->head_dim) ||
      !g_uint64_checked_mul (&value_size, attention->num_attention_heads, attention->value_head_dim) ||
      !g_uint64_checked_add (&expanded_size, query_size, value_size) ||
      !g_uint64_checked_add (&latent_size, attention->latent_size, attention->rotary_dim))
    return hr_block_set_too_large_error (context, block->path, error);

  expanded_size -= attention->num_attention_heads * attention->rotary_dim;
  attention->num_key_value_heads = attention->num_attention_heads;
  attention->cached_heads = attention->num_attention_heads;

  return add_query (context, description, block, query_size, error) &&
         add_matrix (context, description, block, "latent", HR_MODULE_LATENT, latent_size, attention->hidden_size,
                     attention->has_output_bias, error) &&
         add_norm (context, description, block, "latent-norm", attention->latent_size, error) &&
         add_matrix (context, description, block, "expansion", HR_MODULE_EXPANSION, expanded_size,
                     attention->latent_size, FALSE, error) &&
         add_matrix (context, description, block, "output", HR_MODULE_OUTPUT, attention->hidden_size, value_size,
                     attention->has_output_bias, error) &&
         add_indexer (context, block, error);
}

const HrBlockClass hr_block_class_latent_attention = {
  "latent-attention", HR_BLOCK_ATTENTION, latent_attention_parameters, latent_attention_names, build_latent_attention,
};
