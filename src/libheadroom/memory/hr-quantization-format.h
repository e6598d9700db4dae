/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-model.h"
#include "hr-replay.h"

G_BEGIN_DECLS

/**
 * HrQuantizedMatrix:
 * @payload: the elements
 * @scales: the scales of blocks
 * @zeros: the zeros of blocks
 * @second_scales: the scales of the scales
 * @tables: code books and indices
 *
 * The tensors that stand for one matrix, their sizes in bytes.
 */
typedef struct
{
  guint64 payload;
  guint64 scales;
  guint64 zeros;
  guint64 second_scales;
  guint64 tables;
} HrQuantizedMatrix;

const char        *hr_quantization_format_get_source  (HrQuantization     quantization);
const char        *hr_quantization_format_get_formula (HrQuantization     quantization);
guint              hr_quantization_format_get_bits    (HrQuantization     quantization);
gboolean           hr_quantization_format_is_gguf     (HrQuantization     quantization);
gboolean           hr_quantization_format_applies     (HrQuantization     quantization,
                                                       HrTensorRole       role);
HrQuantizedMatrix  hr_quantization_format_get_matrix  (HrQuantization     quantization,
                                                       guint64            out_features,
                                                       guint64            in_features);
guint64            hr_quantized_matrix_get_bytes      (const HrQuantizedMatrix *self);
HrValue            hr_quantization_format_replay_linear (HrReplay        *replay,
                                                         HrValue          x,
                                                         const char      *name,
                                                         HrValue          out);

G_END_DECLS
