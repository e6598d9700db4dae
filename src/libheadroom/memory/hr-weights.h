/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-heap.h"
#include "hr-weight-storage.h"

G_BEGIN_DECLS

/**
 * HrWeights:
 * @bytes: what the allocator hands out for parameters and buffers
 * @quantized_elements: elements that are stored in the format of the quantization
 * @quantized_rows: rows of the matrices that these are in
 * @quantized_columns: columns of these
 * @quantized_matrices: how many of these there are
 * @other_elements: elements that are stored in the dtype
 * @kept_elements: elements that stay in fp32, whatever the dtype is
 * @buffer_bytes: what buffers take
 *
 * The weights of a model, or of a part of it.
 */
typedef struct
{
  guint64 bytes;
  guint64 quantized_elements;
  guint64 quantized_rows;
  guint64 quantized_columns;
  guint64 quantized_matrices;
  guint64 other_elements;
  guint64 kept_elements;
  guint64 buffer_bytes;
} HrWeights;

void hr_weights_add_tensor  (HrWeights             *self,
                             const HrWeightStorage *storage,
                             guint                  index,
                             guint                  first_copy,
                             guint                  n_copies);
void hr_weights_init_model  (HrWeights             *self,
                             const HrWeightStorage *storage);
void hr_weights_load        (const HrWeightStorage *storage,
                             HrHeap                *heap);

G_END_DECLS
