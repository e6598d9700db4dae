/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-block-factory-private.h"

#include <glib/gi18n-lib.h>

/*
 * The gated delta network, with the names of transformers' modules (transformers/models/qwen3_next, qwen3_5,
 * olmo_hybrid).
 */

static const HrChoice projections[] = {
  { "fused", HR_DELTA_PROJECTION_FUSED },
  { "joined", HR_DELTA_PROJECTION_JOINED },
  { "separate", HR_DELTA_PROJECTION_SEPARATE },
  { NULL }
};

static const HrParameter delta_parameters[] = {
  COUNT ("hidden-size", gated_delta.hidden_size),
  COUNT ("num-key-heads", gated_delta.num_key_heads),
  COUNT ("num-value-heads", gated_delta.num_value_heads),
  COUNT ("key-head-dim", gated_delta.key_head_dim),
  COUNT ("value-head-dim", gated_delta.value_head_dim),
  COUNT ("conv-kernel", gated_delta.conv_kernel),
  CHOICE ("projection", gated_delta.projection, projections),
  BOOLEAN ("negative-eigenvalues", gated_delta.negative_eigenvalues),
  BOOLEAN ("fp32-state", gated_delta.fp32_state),
  { NULL }
};

static const char * const no_names[] = { NULL };

static gboolean
add_linear (const HrBlockContext  *context,
            const HrBlock         *block,
            const char            *name,
            HrModule               kind,
            guint64                out_features,
            guint64                in_features,
            GError               **error)
{
  return hr_block_add_linear (context, block->path, name, kind, HR_PART_STATE_SPACE, out_features, in_features, FALSE,
                              FALSE, error);
}

static gboolean
add_heads (const HrBlockContext  *context,
           const HrBlock         *block,
           const char            *name,
           GError               **error)
{
  return hr_block_add_tensor (context, block->path, NULL, name, HR_PART_STATE_SPACE, HR_TENSOR_ROLE_PARAMETER,
                              block->gated_delta.num_value_heads, 0, error);
}

/* Queries, keys, values and the gate of the output; how much of the state is replaced, and how fast it decays. */
static gboolean
add_projections (const HrBlockContext  *context,
                 const HrBlock         *block,
                 guint64                keys,
                 guint64                values,
                 GError               **error)
{
  const HrGatedDelta *delta = &block->gated_delta;
  guint64 hidden = delta->hidden_size;
  guint64 heads = delta->num_value_heads;

  switch (delta->projection)
    {
    case HR_DELTA_PROJECTION_FUSED:
      return add_linear (context, block, "in_proj_qkvz", HR_MODULE_PROJECTION, 2 * keys + 2 * values, hidden, error) &&
             add_linear (context, block, "in_proj_ba", HR_MODULE_RATES, 2 * heads, hidden, error);

    case HR_DELTA_PROJECTION_JOINED:
      return add_linear (context, block, "in_proj_qkv", HR_MODULE_QUERY_KEY_VALUE, 2 * keys + values, hidden, error) &&
             add_linear (context, block, "in_proj_z", HR_MODULE_OUTPUT_GATE, values, hidden, error) &&
             add_linear (context, block, "in_proj_b", HR_MODULE_REPLACEMENT_RATE, heads, hidden, error) &&
             add_linear (context, block, "in_proj_a", HR_MODULE_DECAY_RATE, heads, hidden, error);

    case HR_DELTA_PROJECTION_SEPARATE:
    default:
      return add_linear (context, block, "q_proj", HR_MODULE_QUERY, keys, hidden, error) &&
             add_linear (context, block, "k_proj", HR_MODULE_KEY, keys, hidden, error) &&
             add_linear (context, block, "v_proj", HR_MODULE_VALUE, values, hidden, error) &&
             add_linear (context, block, "a_proj", HR_MODULE_DECAY_RATE, heads, hidden, error) &&
             add_linear (context, block, "b_proj", HR_MODULE_REPLACEMENT_RATE, heads, hidden, error) &&
             add_linear (context, block, "g_proj", HR_MODULE_OUTPUT_GATE, values, hidden, error);
    }
}

static gboolean
add_convolutions (const HrBlockContext  *context,
                  const HrBlock         *block,
                  guint64                keys,
                  guint64                values,
                  GError               **error)
{
  guint64 kernel = block->gated_delta.conv_kernel;

  if (block->gated_delta.projection != HR_DELTA_PROJECTION_SEPARATE)
    return hr_block_add_convolution (context, block, "conv1d", 2 * keys + values, kernel, FALSE, error);

  return hr_block_add_convolution (context, block, "q_conv1d", keys, kernel, FALSE, error) &&
         hr_block_add_convolution (context, block, "k_conv1d", keys, kernel, FALSE, error) &&
         hr_block_add_convolution (context, block, "v_conv1d", values, kernel, FALSE, error);
}

static gboolean
check_heads (const HrBlockContext  *context,
             const HrGatedDelta    *delta,
             GError               **error)
{
  g_autofree char *keys = NULL;
  g_autofree char *found = NULL;

  if (delta->num_value_heads % delta->num_key_heads == 0)
    return TRUE;

  keys = g_strdup_printf ("%" G_GUINT64_FORMAT, delta->num_key_heads);
  found = g_strdup_printf ("%" G_GUINT64_FORMAT, delta->num_value_heads);
  hr_scope_set_error (context->scope, error, HR_ERROR_VALUE,
                      _("linear_num_value_heads: expected a multiple of linear_num_key_heads, which is %s, found %s"),
                      keys, found);

  return FALSE;
}

static gboolean
build_gated_delta (const HrBlockContext  *context,
                   HrJson                *description,
                   HrBlock               *block,
                   GError               **error)
{
  const HrGatedDelta *delta = &block->gated_delta;
  gboolean is_separate = delta->projection == HR_DELTA_PROJECTION_SEPARATE;
  guint64 keys, values, channels, state;

  if (!check_heads (context, delta, error))
    return FALSE;
  if (!g_uint64_checked_mul (&keys, delta->num_key_heads, delta->key_head_dim) ||
      !g_uint64_checked_mul (&values, delta->num_value_heads, delta->value_head_dim) ||
      !g_uint64_checked_add (&channels, keys, values) || !g_uint64_checked_mul (&channels, channels, 2) ||
      !g_uint64_checked_mul (&state, channels, MAX (delta->key_head_dim, delta->conv_kernel)))
    return hr_block_set_too_large_error (context, block->path, error);

  return add_heads (context, block, "dt_bias", error) && add_heads (context, block, "A_log", error) &&
         add_convolutions (context, block, keys, values, error) &&
         add_projections (context, block, keys, values, error) &&
         hr_block_add_tensor (context, block->path, is_separate ? "o_norm" : "norm", "weight", HR_PART_NORM,
                              HR_TENSOR_ROLE_NORM, delta->value_head_dim, 0, error) &&
         add_linear (context, block, is_separate ? "o_proj" : "out_proj", HR_MODULE_OUTPUT, delta->hidden_size,
                     values, error);
}

const HrBlockClass hr_block_class_gated_delta = {
  "gated-delta", HR_BLOCK_GATED_DELTA, delta_parameters, no_names, build_gated_delta,
};
