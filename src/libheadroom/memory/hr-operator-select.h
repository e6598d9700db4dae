/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-operator.h"

G_BEGIN_DECLS

/*
 * torch's operators that pick, order, fill and sum up elements, with what their derivatives keep and make. Routers and
 * experts are written in them.
 */

HrValue hr_op_topk         (HrReplay   *self,
                            const char *name,
                            HrValue     x,
                            HrSymbol    k,
                            HrValue    *indices);
HrValue hr_op_max          (HrReplay   *self,
                            const char *name,
                            HrValue     x);
HrValue hr_op_maximum      (HrReplay   *self,
                            const char *name,
                            HrValue     x,
                            HrValue     number);
HrValue hr_op_where        (HrReplay   *self,
                            const char *name,
                            HrValue     condition,
                            HrValue     a,
                            HrValue     b);
HrValue hr_op_gather       (HrReplay   *self,
                            const char *name,
                            HrValue     x,
                            HrValue     indices);
HrValue hr_op_take         (HrReplay   *self,
                            const char *name,
                            HrValue     x,
                            HrValue     indices,
                            HrValue     shape);
HrValue hr_op_sum          (HrReplay   *self,
                            const char *name,
                            HrValue     x);
HrValue hr_op_sum_view     (HrReplay   *self,
                            const char *name,
                            HrValue     x,
                            HrValue     shape);
HrValue hr_op_repeat       (HrReplay   *self,
                            const char *name,
                            HrValue     x,
                            HrValue     shape);
HrValue hr_op_expand       (HrReplay   *self,
                            HrValue     x,
                            HrValue     shape);
void    hr_op_fill         (HrReplay   *self,
                            HrValue    *x,
                            HrValue     mask);
HrValue hr_op_masked_fill  (HrReplay   *self,
                            const char *name,
                            HrValue     x,
                            HrValue     mask);
void    hr_op_scatter      (HrReplay   *self,
                            HrValue    *x,
                            HrValue     indices,
                            HrValue     source);
void    hr_op_scatter_row  (HrReplay   *self,
                            HrValue    *x,
                            HrValue     row,
                            HrValue     indices,
                            HrValue     source);
void    hr_op_put          (HrReplay   *self,
                            HrValue    *x,
                            HrValue     mask,
                            HrValue     rows);
HrValue hr_op_index_add    (HrReplay   *self,
                            const char *name,
                            HrValue     zeros,
                            HrValue     indices,
                            HrValue     x);
HrValue hr_op_grouped_mm   (HrReplay   *self,
                            const char *name,
                            HrValue     x,
                            HrValue     weights,
                            HrValue     offsets,
                            HrValue     shape);

G_END_DECLS
