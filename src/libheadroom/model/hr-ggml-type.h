/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

#include "hr-dtype.h"

G_BEGIN_DECLS

/**
 * HrGgmlType:
 * @id: the number in a GGUF file
 * @name: what llama.cpp calls it, such as `Q4_K`
 * @block_size: elements of a block; rows hold whole blocks
 * @block_bytes: bytes of a block
 * @dtype: the same as a dtype, or %HR_DTYPE_AUTO if there is none
 *
 * How ggml stores the elements of a tensor.
 */
typedef struct
{
  guint32 id;
  const char *name;
  guint block_size;
  guint block_bytes;
  HrDtype dtype;
} HrGgmlType;

const HrGgmlType *hr_ggml_type_get           (guint32           id);
guint             hr_ggml_type_get_n_types   (void);
const HrGgmlType *hr_ggml_type_get_nth       (guint             index);
const char       *hr_ggml_type_get_withdrawn (guint32           id);
gboolean          hr_ggml_type_get_bytes     (const HrGgmlType *self,
                                              guint64           row_elements,
                                              guint64           n_elements,
                                              guint64          *n_bytes);

G_END_DECLS
