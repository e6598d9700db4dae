/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-operator.h"

G_BEGIN_DECLS

/*
 * torch's operators that work along the tokens of a sequence, or take a tensor apart and put it together, with what
 * their derivatives keep and make. Mixers that are no attention are written in them.
 */

void    hr_op_split       (HrReplay      *self,
                           HrValue        x,
                           const HrValue *shapes,
                           guint          n_parts,
                           HrValue       *parts);
HrValue hr_op_transpose   (HrReplay      *self,
                           HrValue        x,
                           HrValue        shape);
HrValue hr_op_convolution (HrReplay      *self,
                           const char    *name,
                           HrValue        x,
                           HrValue        weight,
                           HrValue        bias,
                           HrValue        shape);
HrValue hr_op_resize      (HrReplay      *self,
                           const char    *operation,
                           const char    *name,
                           HrValue        x,
                           HrValue        shape);
HrValue hr_op_cumsum      (HrReplay      *self,
                           const char    *name,
                           HrValue        x);
HrValue hr_op_triangle    (HrReplay      *self,
                           const char    *operation,
                           const char    *name,
                           HrValue        x);
HrValue hr_op_sum_over    (HrReplay      *self,
                           const char    *name,
                           HrValue        x,
                           HrValue        shape);
HrValue hr_op_others      (HrReplay      *self,
                           HrValue        x,
                           const HrValue *kept,
                           guint          n_kept);
HrValue hr_op_keep        (HrReplay      *self,
                           HrValue        x,
                           const char    *name,
                           HrValue        shape);
void    hr_op_write       (HrReplay      *self,
                           HrValue       *x,
                           HrValue        part);

G_END_DECLS
