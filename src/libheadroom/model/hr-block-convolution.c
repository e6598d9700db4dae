/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-block-factory-private.h"

#include <glib/gi18n-lib.h>

/* Convolutions: the embedding of patches, the front of an audio encoder. */

static const HrParameter convolution_parameters[] = {
  COUNT ("in-channels", convolution.in_channels),
  COUNT ("out-channels", convolution.out_channels),
  SIZE ("groups", convolution.groups),
  SHAPE ("kernel", convolution.kernel),
  SHAPE ("stride", convolution.stride),
  SIZE ("padding", convolution.padding),
  BOOLEAN ("bias", convolution.has_bias),
  BOOLEAN ("activated", convolution.activated),
  CHOICE ("activation", convolution.activation, hr_block_activations),
  { NULL }
};

static const char * const no_names[] = { NULL };

static gboolean
check_channels (const HrBlockContext  *context,
                HrBlock               *block,
                GError               **error)
{
  HrConvolution *convolution = &block->convolution;
  g_autofree char *groups = NULL;

  if (convolution->groups == 0)
    convolution->groups = 1;
  if (convolution->in_channels % convolution->groups == 0 && convolution->out_channels % convolution->groups == 0)
    return TRUE;

  groups = g_strdup_printf ("%" G_GUINT64_FORMAT, convolution->groups);
  /* Translators: the name of a part of a model, such as "audio_tower.conv1", and a number. */
  hr_scope_set_error (context->scope, error, HR_ERROR_VALUE,
                      _("%s: expected channels that can be divided into groups, of which there are %s"),
                      block->path, groups);

  return FALSE;
}

static gboolean
build_convolution (const HrBlockContext *context,
                   HrJson               *description,
                   HrBlock              *block,
                   GError              **error)
{
  const HrConvolution *convolution = &block->convolution;
  HrPart part = context->part == HR_PART_EMBEDDING ? HR_PART_EMBEDDING : HR_PART_OTHER;
  guint64 shape[HR_TENSOR_MAX_DIMENSIONS];
  HrJson *kernel = hr_json_require_member (description, "kernel", error);

  if (kernel == NULL || !check_channels (context, block, error))
    return FALSE;
  if (convolution->kernel.n_dimensions > HR_TENSOR_MAX_DIMENSIONS - 2)
    {
      hr_json_set_error (kernel, HR_ERROR_SCHEMA, _("fewer dimensions"), error);
      return FALSE;
    }

  shape[0] = convolution->out_channels;
  shape[1] = convolution->in_channels / convolution->groups;
  for (guint i = 0; i < convolution->kernel.n_dimensions; i++)
    shape[i + 2] = convolution->kernel.sizes[i];

  return hr_block_add_shape (context, block->path, "weight", part, HR_TENSOR_ROLE_CONVOLUTION, shape,
                             convolution->kernel.n_dimensions + 2, error) &&
         (!convolution->has_bias || hr_block_add_tensor (context, block->path, NULL, "bias", part, HR_TENSOR_ROLE_BIAS,
                                                         convolution->out_channels, 0, error));
}

const HrBlockClass hr_block_class_convolution = {
  "convolution", HR_BLOCK_CONVOLUTION, convolution_parameters, no_names, build_convolution,
};
