/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * HrKernels:
 * @n_kernels: how many kernels are started, products of matrices and attention among them
 * @bytes: what those read and write that multiply no matrices
 *
 * What a replay runs, operator by operator, where nothing fuses them.
 */
typedef struct
{
  guint64 n_kernels;
  double bytes;
} HrKernels;

void hr_kernels_note      (HrKernels       *self,
                           const char      *operation,
                           guint64          bytes,
                           gsize            element_bytes);
void hr_kernels_note_read (HrKernels       *self,
                           guint64          bytes);
void hr_kernels_repeat    (HrKernels       *self,
                           const HrKernels *before,
                           const HrKernels *after,
                           guint64          times);

G_END_DECLS
