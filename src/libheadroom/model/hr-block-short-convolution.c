/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include "hr-block-factory-private.h"

/* A gated convolution over a few tokens, with the names of transformers' modules (transformers/models/lfm2). */

static const HrParameter short_convolution_parameters[] = {
  COUNT ("hidden-size", short_convolution.hidden_size),
  COUNT ("conv-kernel", short_convolution.conv_kernel),
  BOOLEAN ("bias", short_convolution.has_bias),
  { NULL }
};

static const char * const no_names[] = { NULL };

static gboolean
build_short_convolution (const HrBlockContext  *context,
                         HrJson                *description,
                         HrBlock               *block,
                         GError               **error)
{
  const HrShortConvolution *convolution = &block->short_convolution;
  guint64 hidden = convolution->hidden_size;
  guint64 state;

  if (!g_uint64_checked_mul (&state, hidden, MAX (convolution->conv_kernel, 3)))
    return hr_block_set_too_large_error (context, block->path, error);

  return hr_block_add_convolution (context, block, "conv", hidden, convolution->conv_kernel, convolution->has_bias,
                                   error) &&
         hr_block_add_linear (context, block->path, "in_proj", HR_MODULE_PROJECTION, HR_PART_STATE_SPACE, 3 * hidden,
                              hidden, convolution->has_bias, FALSE, error) &&
         hr_block_add_linear (context, block->path, "out_proj", HR_MODULE_OUTPUT, HR_PART_STATE_SPACE, hidden, hidden,
                              convolution->has_bias, FALSE, error);
}

const HrBlockClass hr_block_class_short_convolution = {
  "short-convolution", HR_BLOCK_SHORT_CONVOLUTION, short_convolution_parameters, no_names, build_short_convolution,
};
