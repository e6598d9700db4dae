/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-block.h"
#include "hr-scope.h"
#include "hr-shard.h"

G_BEGIN_DECLS

/*
 * What an architecture and a config make together: stacks of layers, a head, tensors, buffers.
 */
struct _HrModelParts
{
  GPtrArray *tensors;   /* of HrTensor */
  GPtrArray *stacks;    /* of HrStack */
  HrChain head;
  GArray *further_heads;  /* of HrChain: those of models inside of the model, which a call does not run */
  guint64 buffer_bytes;
  gboolean counted_only; /* what it makes while it runs is not known */
  GStrv served_by;       /* but of these engines; NULL: of none */
  GArray *cast_buffers;  /* of guint64: elements of each buffer in the dtype of the model */
};

void     hr_model_parts_init  (HrModelParts    *self);
gboolean hr_model_parts_build (HrModelParts    *self,
                               HrArchitecture  *architecture,
                               HrScope         *scope,
                               GError         **error);
void     hr_model_parts_clear (HrModelParts    *self);

G_END_DECLS
