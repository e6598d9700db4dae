/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-replay.h"

G_BEGIN_DECLS

/**
 * HrMultiplyFunc:
 * @self: a tape
 * @x: a tensor, its last dimension the input features
 * @name: the variable that the result is for
 * @weight: a matrix
 * @bias: a bias, or none
 * @shape: the shape of the result
 *
 * A product with the matrix of a linear layer.
 *
 * Returns: the result
 */
typedef HrValue (*HrMultiplyFunc) (HrReplay   *self,
                                   HrValue     x,
                                   const char *name,
                                   HrValue     weight,
                                   HrValue     bias,
                                   HrValue     shape);

HrValue hr_parallel_linear (HrReplay        *replay,
                            HrParallelStyle  style,
                            HrMultiplyFunc   multiply,
                            HrValue          x,
                            const char      *name,
                            HrValue          weight,
                            HrValue          bias,
                            HrValue          shape);

G_END_DECLS
