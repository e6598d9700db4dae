/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-block-factory-private.h"

#include <glib/gi18n-lib.h>

/*
 * The mixers of Mamba and Mamba 2, with the names of transformers' modules
 * (transformers/models/mamba/modeling_mamba.py, mamba2/modeling_mamba2.py).
 */

static const HrChoice norms[] = {
  { "none", HR_MAMBA_NORM_NONE },
  { "plain", HR_MAMBA_NORM_PLAIN },
  { "weighted", HR_MAMBA_NORM_WEIGHTED },
  { NULL }
};

static const HrChoice mamba2_norms[] = {
  { "gated", HR_MAMBA2_NORM_GATED },
  { "grouped", HR_MAMBA2_NORM_GROUPED },
  { "falcon", HR_MAMBA2_NORM_FALCON },
  { "none", HR_MAMBA2_NORM_NONE },
  { NULL }
};

static const HrChoice paths[] = {
  { "mamba", HR_MAMBA_PATH_MAMBA },
  { "jamba", HR_MAMBA_PATH_JAMBA },
  { NULL }
};

static const HrChoice mamba2_paths[] = {
  { "mamba2", HR_MAMBA2_PATH_MAMBA2 },
  { "bamba", HR_MAMBA2_PATH_BAMBA },
  { "zamba2", HR_MAMBA2_PATH_ZAMBA2 },
  { NULL }
};

static const HrParameter mamba_parameters[] = {
  COUNT ("hidden-size", mamba.hidden_size),
  COUNT ("intermediate-size", mamba.intermediate_size),
  COUNT ("state-size", mamba.state_size),
  COUNT ("conv-kernel", mamba.conv_kernel),
  COUNT ("time-step-rank", mamba.time_step_rank),
  BOOLEAN ("bias", mamba.has_bias),
  BOOLEAN ("conv-bias", mamba.has_conv_bias),
  BOOLEAN ("drops-full-mask", mamba.drops_full_mask),
  CHOICE ("norm", mamba.norm, norms),
  CHOICE ("code-path", mamba.path, paths),
  { NULL }
};

static const HrParameter mamba2_parameters[] = {
  COUNT ("hidden-size", mamba2.hidden_size),
  COUNT ("intermediate-size", mamba2.intermediate_size),
  COUNT ("num-heads", mamba2.num_heads),
  COUNT ("head-dim", mamba2.head_dim),
  COUNT ("n-groups", mamba2.n_groups),
  COUNT ("state-size", mamba2.state_size),
  COUNT ("conv-kernel", mamba2.conv_kernel),
  COUNT ("chunk-size", mamba2.chunk_size),
  BOOLEAN ("bias", mamba2.has_bias),
  BOOLEAN ("conv-bias", mamba2.has_conv_bias),
  BOOLEAN ("drops-full-mask", mamba2.drops_full_mask),
  BOOLEAN ("scaled", mamba2.scaled),
  BOOLEAN ("fp32-state", mamba2.fp32_state),
  CHOICE ("norm", mamba2.norm, mamba2_norms),
  CHOICE ("code-path", mamba2.path, mamba2_paths),
  { NULL }
};

static gboolean
add_parameter (const HrBlockContext  *context,
               const HrBlock         *block,
               const char            *name,
               guint64                first_size,
               guint64                second_size,
               GError               **error)
{
  return hr_block_add_tensor (context, block->path, NULL, name, HR_PART_STATE_SPACE, HR_TENSOR_ROLE_PARAMETER,
                              first_size, second_size, error);
}

static gboolean
add_linear (const HrBlockContext  *context,
            const HrBlock         *block,
            const char            *name,
            HrModule               kind,
            guint64                out_features,
            guint64                in_features,
            gboolean               has_bias,
            GError               **error)
{
  return hr_block_add_linear (context, block->path, name, kind, HR_PART_STATE_SPACE, out_features, in_features,
                              has_bias, FALSE, error);
}

static gboolean
add_norm (const HrBlockContext  *context,
          const HrBlock         *block,
          const char            *name,
          guint64                size,
          GError               **error)
{
  return hr_block_add_tensor (context, block->path, name, "weight", HR_PART_NORM, HR_TENSOR_ROLE_NORM, size, 0, error);
}

/* The norms of the time step, B and C. */
static gboolean
add_selection_norms (const HrBlockContext  *context,
                     const HrBlock         *block,
                     GError               **error)
{
  const HrMamba *mamba = &block->mamba;

  return mamba->norm != HR_MAMBA_NORM_WEIGHTED ||
         (add_norm (context, block, "dt_layernorm", mamba->time_step_rank, error) &&
          add_norm (context, block, "b_layernorm", mamba->state_size, error) &&
          add_norm (context, block, "c_layernorm", mamba->state_size, error));
}

static gboolean
build_mamba (const HrBlockContext  *context,
             HrJson                *description,
             HrBlock               *block,
             GError               **error)
{
  const HrMamba *mamba = &block->mamba;
  guint64 width = mamba->intermediate_size;
  guint64 state;

  if (!g_uint64_checked_mul (&state, width, MAX (mamba->state_size, mamba->conv_kernel)))
    return hr_block_set_too_large_error (context, block->path, error);

  return add_parameter (context, block, "A_log", width, mamba->state_size, error) &&
         add_parameter (context, block, "D", width, 0, error) &&
         hr_block_add_convolution (context, block, "conv1d", width, mamba->conv_kernel, mamba->has_conv_bias, error) &&
         add_linear (context, block, "in_proj", HR_MODULE_PROJECTION, 2 * width, mamba->hidden_size, mamba->has_bias,
                     error) &&
         add_linear (context, block, "x_proj", HR_MODULE_SELECTION, mamba->time_step_rank + 2 * mamba->state_size,
                     width, FALSE, error) &&
         add_linear (context, block, "dt_proj", HR_MODULE_TIME_STEP, width, mamba->time_step_rank, TRUE, error) &&
         add_linear (context, block, "out_proj", HR_MODULE_OUTPUT, mamba->hidden_size, width, mamba->has_bias, error) &&
         add_selection_norms (context, block, error);
}

static gboolean
check_heads (const HrBlockContext  *context,
             const HrMamba2        *mamba2,
             GError               **error)
{
  g_autofree char *found = NULL;
  g_autofree char *expected = NULL;
  guint64 width;

  if (g_uint64_checked_mul (&width, mamba2->num_heads, mamba2->head_dim) && width == mamba2->intermediate_size &&
      mamba2->num_heads % mamba2->n_groups == 0)
    return TRUE;

  found = g_strdup_printf ("%" G_GUINT64_FORMAT " · %" G_GUINT64_FORMAT " / %" G_GUINT64_FORMAT, mamba2->num_heads,
                           mamba2->head_dim, mamba2->n_groups);
  expected = g_strdup_printf ("%" G_GUINT64_FORMAT, mamba2->intermediate_size);
  hr_scope_set_error (context->scope, error, HR_ERROR_VALUE,
                      /* Translators: the places are sizes of a state-space layer: its width, and "heads · head size /
                       * groups". */
                      _("state-space heads: expected a multiple of the groups, and heads · head size = %s, found %s"),
                      expected, found);

  return FALSE;
}

static gboolean
build_mamba2 (const HrBlockContext  *context,
              HrJson                *description,
              HrBlock               *block,
              GError               **error)
{
  const HrMamba2 *mamba2 = &block->mamba2;
  guint64 width = mamba2->intermediate_size;
  guint64 groups, channels, state;

  if (!check_heads (context, mamba2, error))
    return FALSE;
  if (!g_uint64_checked_mul (&groups, 2 * mamba2->n_groups, mamba2->state_size) ||
      !g_uint64_checked_add (&channels, width, groups) ||
      !g_uint64_checked_mul (&state, channels, MAX (mamba2->state_size, mamba2->conv_kernel)))
    return hr_block_set_too_large_error (context, block->path, error);

  return add_parameter (context, block, "dt_bias", mamba2->num_heads, 0, error) &&
         add_parameter (context, block, "A_log", mamba2->num_heads, 0, error) &&
         add_parameter (context, block, "D", mamba2->num_heads, 0, error) &&
         hr_block_add_convolution (context, block, "conv1d", channels, mamba2->conv_kernel, mamba2->has_conv_bias,
                                   error) &&
         add_linear (context, block, "in_proj", HR_MODULE_PROJECTION, width + channels + mamba2->num_heads,
                     mamba2->hidden_size, mamba2->has_bias, error) &&
         (mamba2->norm == HR_MAMBA2_NORM_NONE || add_norm (context, block, "norm", width, error)) &&
         add_linear (context, block, "out_proj", HR_MODULE_OUTPUT, mamba2->hidden_size, width, mamba2->has_bias, error);
}

static const char * const no_names[] = { NULL };

const HrBlockClass hr_block_class_mamba = {
  "mamba", HR_BLOCK_MAMBA, mamba_parameters, no_names, build_mamba,
};

const HrBlockClass hr_block_class_mamba2 = {
  "mamba2", HR_BLOCK_MAMBA2, mamba2_parameters, no_names, build_mamba2,
};
