/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-model.h"
#include "hr-replay.h"

G_BEGIN_DECLS

#define HR_QUANTIZATION_MAX_PARTS 5

/**
 * HrQuantizedMatrix:
 * @parts: the sizes of the tensors that stand for one matrix, in bytes: the payload first, then scales, zeros, tables
 * @n_parts: the length of @parts
 */
typedef struct
{
  guint64 parts[HR_QUANTIZATION_MAX_PARTS];
  guint n_parts;
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
