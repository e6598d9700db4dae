/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * HrDtype:
 * @HR_DTYPE_AUTO: whatever the model's configuration states
 * @HR_DTYPE_FLOAT64: IEEE 754 double precision
 * @HR_DTYPE_FLOAT32: IEEE 754 single precision
 * @HR_DTYPE_FLOAT16: IEEE 754 half precision
 * @HR_DTYPE_BFLOAT16: the upper half of a single-precision number
 * @HR_DTYPE_FLOAT8: eight bits, E4M3 or E5M2
 * @HR_DTYPE_INT8: eight-bit integers
 * @HR_DTYPE_INT4: four-bit integers, two in a byte
 *
 * What an element of a tensor is stored as.
 */
typedef enum
{
  HR_DTYPE_AUTO,
  HR_DTYPE_FLOAT64,
  HR_DTYPE_FLOAT32,
  HR_DTYPE_FLOAT16,
  HR_DTYPE_BFLOAT16,
  HR_DTYPE_FLOAT8,
  HR_DTYPE_INT8,
  HR_DTYPE_INT4,
} HrDtype;

const char *hr_dtype_get_name   (HrDtype     dtype);
gboolean    hr_dtype_from_name  (const char *name,
                                 HrDtype    *dtype);
guint       hr_dtype_get_bits   (HrDtype     dtype);
guint64     hr_dtype_get_bytes  (HrDtype     dtype,
                                 guint64     n_elements);

G_END_DECLS
