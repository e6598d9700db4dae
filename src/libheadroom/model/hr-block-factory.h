/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-block.h"
#include "hr-scope.h"

G_BEGIN_DECLS

/*
 * HrBlockContext:
 * @scope: the values that expressions see
 * @tensors: (element-type HrTensor): where the rows of the blocks' tensors are added
 * @prefix: what the path of a block is relative to; may be empty
 * @part: the part that norms and linear layers of their own belong to
 * @layers: the layers that the block is in, or %NULL outside of them
 * @n_layers: the length of @layers
 *
 * Where a block is built.
 */
typedef struct
{
  HrScope *scope;
  GPtrArray *tensors;
  const char *prefix;
  HrPart part;
  const guint *layers;
  guint n_layers;
} HrBlockContext;

gboolean hr_block_factory_build (const HrBlockContext  *context,
                                 HrJson                *description,
                                 HrBlock               *block,
                                 GError               **error);

G_END_DECLS
