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
 * @outer_path: (nullable): the module that holds the architecture, where it is included in another one
 * @drops_base: whether @outer_path stands for the first name of the architecture's own paths, that of the model that
 *   its class with a head has inside
 * @root: (nullable): what stands for the first name of the stacks' paths in the class of a task
 * @part: the part that norms and linear layers of their own belong to
 * @role_part: the part that all tensors belong to; %HR_N_PARTS where each has its own
 * @stack: the index of the stack that is being built
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
  const char *outer_path;
  gboolean drops_base;
  const char *root;
  HrPart part;
  HrPart role_part;
  guint stack;
  const guint *layers;
  guint n_layers;
} HrBlockContext;

char    *hr_block_dup_place     (const HrBlockContext  *context,
                                 const char            *path) G_GNUC_WARN_UNUSED_RESULT;
gboolean hr_block_factory_build (const HrBlockContext  *context,
                                 HrJson                *description,
                                 HrBlock               *block,
                                 GError               **error);

G_END_DECLS
