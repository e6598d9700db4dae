/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

#include "hr-dtype.h"
#include "hr-json.h"

G_BEGIN_DECLS

/* safetensors sets no limit; convolutions over time, height and width have five. */
#define HR_STORED_TENSOR_MAX_DIMENSIONS 8

/**
 * HrStoredTensor:
 * @name: the name in the file
 * @type: what the file calls the type of its elements: `BF16`, `Q4_K`
 * @dtype: the same as a dtype, or %HR_DTYPE_AUTO if there is none
 * @is_float: whether elements are numbers with a fraction, quantized or not
 * @shape: the sizes, the slowest first, as torch has them
 * @n_dimensions: how many of @shape are used
 * @n_elements: the product of @shape
 * @n_bytes: what the elements take in the file
 *
 * A tensor as a file of weights holds it.
 */
typedef struct
{
  char *name;
  const char *type;
  HrDtype dtype;
  gboolean is_float;
  guint64 shape[HR_STORED_TENSOR_MAX_DIMENSIONS];
  guint n_dimensions;
  guint64 n_elements;
  guint64 n_bytes;
} HrStoredTensor;

/**
 * HrCheckpoint:
 * @tensors: (element-type HrStoredTensor): the tensors of all files
 * @by_name: (element-type utf8 HrStoredTensor): the same by name
 * @warnings: (element-type utf8): what is odd about the files, as translated sentences
 * @n_bytes: what all tensors take
 * @has_names_only: whether neither types nor shapes of the tensors are known
 *
 * The weights of a model as they are stored, in one file or several.
 */
typedef struct
{
  GPtrArray *tensors;
  GHashTable *by_name;
  GPtrArray *warnings;
  guint64 n_bytes;
  gboolean has_names_only;
} HrCheckpoint;

char                 *hr_checkpoint_dup_shown (const char           *text) G_GNUC_WARN_UNUSED_RESULT;
void                  hr_stored_tensor_free (HrStoredTensor        *self);
char                 *hr_stored_tensor_dup_shape (const HrStoredTensor *self) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrStoredTensor, hr_stored_tensor_free)

HrCheckpoint         *hr_checkpoint_new     (void) G_GNUC_WARN_UNUSED_RESULT;
HrCheckpoint         *hr_checkpoint_new_from_index (HrJson          *index,
                                                    GError         **error) G_GNUC_WARN_UNUSED_RESULT;
void                  hr_checkpoint_free    (HrCheckpoint          *self);
gboolean              hr_checkpoint_add     (HrCheckpoint          *self,
                                             HrStoredTensor        *tensor);
const HrStoredTensor *hr_checkpoint_find    (HrCheckpoint          *self,
                                             const char            *name);
HrDtype               hr_checkpoint_get_dtype (HrCheckpoint        *self);
const char           *hr_checkpoint_get_main_type (HrCheckpoint    *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HrCheckpoint, hr_checkpoint_free)

G_END_DECLS
