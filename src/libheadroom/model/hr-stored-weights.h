/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-checkpoint.h"
#include "hr-gguf-config.h"
#include "hr-quantizer.h"
#include "hr-tensor.h"

G_BEGIN_DECLS

/**
 * HrStoredWeight:
 * @type: what the elements are stored as: the name of a dtype, or else what the file calls it, such as `Q4_K`; %NULL if
 *   the tensor is not stored
 * @n_bytes: what the tensor takes in the files, with the scales and tables of a quantised one
 * @allocated_bytes: the same, with each of those rounded up as torch's allocator does
 *
 * How a tensor of a model is stored.
 */
typedef struct
{
  const char *type;
  guint64 n_bytes;
  guint64 allocated_bytes;
} HrStoredWeight;

/* Which tensors of a checkpoint are which of a model's. */
typedef struct _HrStoredWeights HrStoredWeights;

HrStoredWeights      *hr_stored_weights_new       (GPtrArray         *tensors,
                                                   HrCheckpoint      *checkpoint,
                                                   HrGgufConfig      *words,
                                                   const HrQuantizer *quantizer,
                                                   const char        *class_name,
                                                   GPtrArray         *warnings) G_GNUC_WARN_UNUSED_RESULT;
void                  hr_stored_weights_free      (HrStoredWeights  *self);
const HrStoredWeight *hr_stored_weights_get       (HrStoredWeights  *self,
                                                   guint             row,
                                                   guint             copy);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrStoredWeights, hr_stored_weights_free)

G_END_DECLS
