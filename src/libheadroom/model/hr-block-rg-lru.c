/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-block-factory-private.h"

#include <glib/gi18n-lib.h>

/* A gated linear recurrent unit, with the names of transformers' modules (transformers/models/recurrent_gemma). */

static const HrParameter rg_lru_parameters[] = {
  COUNT ("hidden-size", rg_lru.hidden_size),
  COUNT ("lru-width", rg_lru.lru_width),
  COUNT ("num-heads", rg_lru.num_heads),
  COUNT ("conv-kernel", rg_lru.conv_kernel),
  CHOICE ("activation", rg_lru.activation, hr_block_activations),
  { NULL }
};

static const char * const no_names[] = { NULL };

/* A gate: a square matrix and a row of biases for each head. */
static gboolean
add_gate (const HrBlockContext  *context,
          const HrBlock         *block,
          const char            *weight,
          const char            *bias,
          GError               **error)
{
  const HrRgLru *lru = &block->rg_lru;
  guint64 width = lru->lru_width / lru->num_heads;
  guint64 square;
  HrTensor *tensor;

  if (!g_uint64_checked_mul (&square, width, width))
    return hr_block_set_too_large_error (context, block->path, error);
  if (!hr_block_add_tensor (context, block->path, "rg_lru", weight, HR_PART_STATE_SPACE, HR_TENSOR_ROLE_PARAMETER,
                            lru->num_heads, square, error))
    return FALSE;

  tensor = g_ptr_array_index (context->tensors, context->tensors->len - 1);
  tensor->n_dimensions = 3;
  tensor->shape[1] = width;
  tensor->shape[2] = width;

  return hr_block_add_tensor (context, block->path, "rg_lru", bias, HR_PART_STATE_SPACE, HR_TENSOR_ROLE_BIAS,
                              lru->num_heads, width, error);
}

static gboolean
check_width (const HrBlockContext  *context,
             const HrRgLru         *lru,
             GError               **error)
{
  g_autofree char *heads = NULL;
  g_autofree char *found = NULL;

  if (lru->lru_width % lru->num_heads == 0)
    return TRUE;

  heads = g_strdup_printf ("%" G_GUINT64_FORMAT, lru->num_heads);
  found = g_strdup_printf ("%" G_GUINT64_FORMAT, lru->lru_width);
  hr_scope_set_error (context->scope, error, HR_ERROR_VALUE,
                      _("lru_width: expected a multiple of num_attention_heads, which is %s, found %s"), heads, found);

  return FALSE;
}

static gboolean
build_rg_lru (const HrBlockContext  *context,
              HrJson                *description,
              HrBlock               *block,
              GError               **error)
{
  const HrRgLru *lru = &block->rg_lru;
  guint64 width = lru->lru_width;
  guint64 state;

  if (!check_width (context, lru, error))
    return FALSE;
  if (!g_uint64_checked_mul (&state, MAX (width, lru->hidden_size), lru->conv_kernel))
    return hr_block_set_too_large_error (context, block->path, error);

  return hr_block_add_linear (context, block->path, "linear_y", HR_MODULE_OUTPUT_GATE, HR_PART_STATE_SPACE, width,
                              lru->hidden_size, TRUE, FALSE, error) &&
         hr_block_add_linear (context, block->path, "linear_x", HR_MODULE_PROJECTION, HR_PART_STATE_SPACE, width,
                              lru->hidden_size, TRUE, FALSE, error) &&
         hr_block_add_linear (context, block->path, "linear_out", HR_MODULE_OUTPUT, HR_PART_STATE_SPACE,
                              lru->hidden_size, width, TRUE, FALSE, error) &&
         hr_block_add_convolution (context, block, "conv_1d", width, lru->conv_kernel, TRUE, error) &&
         hr_block_add_tensor (context, block->path, "rg_lru", "recurrent_param", HR_PART_STATE_SPACE,
                              HR_TENSOR_ROLE_PARAMETER, width, 0, error) &&
         add_gate (context, block, "input_gate_weight", "input_gate_bias", error) &&
         add_gate (context, block, "recurrent_gate_weight", "recurrent_gate_bias", error);
}

const HrBlockClass hr_block_class_rg_lru = {
  "rg-lru", HR_BLOCK_RG_LRU, rg_lru_parameters, no_names, build_rg_lru,
};
