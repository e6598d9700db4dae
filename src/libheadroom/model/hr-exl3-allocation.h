/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-quantizer.h"

G_BEGIN_DECLS

/* What exllamav3/conversion/convert_model.py takes for the head where it is not told, and what is most common. */
#define HR_EXL3_HEAD_BITS 6
#define HR_EXL3_BITS 4.0
#define HR_EXL3_MAX_BITS 8

guint64 hr_exl3_split   (const HrTensor  *tensor,
                         guint64         *out_features,
                         guint64         *in_features);
void    hr_exl3_allocate (HrQuantizer    *quantizer,
                          GPtrArray      *tensors);

G_END_DECLS
