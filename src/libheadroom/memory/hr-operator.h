/* SPDX-License-Identifier: LGPL-3.0-or-later */

#pragma once

#include "hr-autograd.h"
#include "hr-tensor.h"

G_BEGIN_DECLS

/*
 * torch's operators through which a gradient may flow: each makes its result, keeps what its derivative needs, and
 * knows what that derivative makes. The inputs stay with those who hold them.
 */

typedef enum
{
  HR_UNARY_ADD,      /* x + a number */
  HR_UNARY_MUL,      /* x · a number */
  HR_UNARY_DIV,      /* x / a number */
  HR_UNARY_NEG,
  HR_UNARY_POW,      /* x to the power of a number other than 1 */
  HR_UNARY_RSQRT,
  HR_UNARY_TANH,
  HR_UNARY_SIGMOID,
  HR_UNARY_RELU,
  HR_UNARY_SILU,
  HR_UNARY_GELU,
  HR_UNARY_SOFTPLUS,
  HR_UNARY_EXP,
  HR_UNARY_EXPM1,
  HR_UNARY_WHERE,     /* x where a buffer says so, a number elsewhere */
  HR_UNARY_CLAMP,     /* from below and above */
  HR_UNARY_CLAMP_ONE, /* from one side */
  HR_N_UNARY,
} HrUnary;

typedef enum
{
  HR_BINARY_ADD,
  HR_BINARY_SUB,
  HR_BINARY_MUL,
  HR_BINARY_DIV,
  HR_BINARY_MIN,
  HR_N_BINARY,
} HrBinary;

/* What the gradient of an input is like, where a derivative makes nothing else. */
typedef enum
{
  HR_GRADIENT_HELD,           /* it is that of the result */
  HR_GRADIENT_LIKE_RESULT,    /* as that of the result */
  HR_GRADIENT_LIKE_INPUT,     /* as the input, in the type of that of the result */
  HR_GRADIENT_TYPED_AS_INPUT, /* as the input */
  HR_GRADIENT_VIEW,           /* a view of that of the result, in the shape of the input */
} HrGradient;

HrValue hr_op_unary      (HrReplay      *self,
                          HrUnary        kind,
                          const char    *name,
                          HrValue        x);
HrValue hr_op_binary     (HrReplay      *self,
                          HrBinary       kind,
                          const char    *name,
                          HrValue        a,
                          HrValue        b);
HrValue hr_op_binary_as  (HrReplay      *self,
                          HrBinary       kind,
                          const char    *name,
                          HrValue        a,
                          HrValue        b,
                          HrValue        shape);
HrValue hr_op_product    (HrReplay      *self,
                          const char    *name,
                          HrValue        a,
                          HrValue        b,
                          HrValue        shape);
void    hr_op_add_to     (HrReplay      *self,
                          HrValue       *x,
                          HrValue        addend);
HrValue hr_op_cast       (HrReplay      *self,
                          HrValue        x,
                          HrElement      element);
HrValue hr_op_mean       (HrReplay      *self,
                          const char    *name,
                          HrValue        x);
HrValue hr_op_contiguous (HrReplay      *self,
                          HrValue        x);
HrValue hr_op_copy       (HrReplay      *self,
                          const char    *name,
                          HrValue        x,
                          HrValue        shape);
HrValue hr_op_view       (HrReplay      *self,
                          HrValue        x,
                          HrValue        shape);
HrValue hr_op_slice      (HrReplay      *self,
                          HrValue        x,
                          HrValue        shape);
void    hr_op_chunk      (HrReplay      *self,
                          HrValue        x,
                          guint          n_parts,
                          HrValue       *parts);
HrValue hr_op_cat        (HrReplay      *self,
                          const char    *name,
                          const HrValue *parts,
                          guint          n_parts,
                          HrValue        shape);
HrValue hr_op_softmax    (HrReplay      *self,
                          const char    *name,
                          HrValue        x,
                          HrElement      element);
HrValue hr_op_softmax_typed (HrReplay   *self,
                             const char *name,
                             HrValue     x);
HrValue hr_op_log_softmax (HrReplay     *self,
                          HrValue        x);
HrValue hr_op_matmul     (HrReplay      *self,
                          const char    *name,
                          HrValue        a,
                          HrValue        b,
                          HrValue        shape);
HrValue hr_op_linear     (HrReplay      *self,
                          HrValue        x,
                          HrModule       module,
                          const char    *name,
                          HrSymbol       out_features,
                          guint          count,
                          gboolean       has_bias);
HrValue hr_op_linear_apart (HrReplay    *self,
                            HrValue      x,
                            HrModule     module,
                            const char  *name,
                            HrSymbol     out_features,
                            gboolean     has_bias);
HrValue hr_op_linear_copied (HrReplay   *self,
                             HrValue     x,
                             HrModule    module,
                             const char *name,
                             HrSymbol    out_features,
                             gboolean    has_bias);
HrElement hr_op_get_product_element (HrReplay  *self,
                                     HrElement  element);
HrValue hr_op_cast_down  (HrReplay      *self,
                          HrValue        x);
HrValue hr_op_cast_parameter (HrReplay  *self,
                              HrValue    parameter);
void    hr_op_drop_cast  (HrReplay      *self,
                          HrValue        parameter,
                          HrValue        copy,
                          gboolean       is_saved);
HrValue hr_op_linear_by  (HrReplay      *self,
                          HrValue        x,
                          const char    *name,
                          HrValue        weight,
                          HrValue        bias,
                          HrValue        shape);
HrValue hr_op_layer_norm (HrReplay      *self,
                          HrValue        x,
                          gboolean       has_weight,
                          gboolean       has_bias);
HrValue hr_op_layer_norm_by (HrReplay   *self,
                             HrValue     x,
                             HrValue     weight,
                             HrValue     bias);
HrValue hr_op_embedding  (HrReplay      *self,
                          const char    *name,
                          HrValue        ids,
                          HrValue        table,
                          HrValue        shape);
void    hr_op_dropout    (HrReplay      *self,
                          HrValue       *x,
                          gboolean       drops);

void    hr_op_clamp_in_place  (HrReplay *self,
                               HrValue  *x);
void    hr_op_divide_in_place (HrReplay *self,
                               HrValue  *x,
                               HrValue   divisor);

gboolean hr_op_record        (HrReplay      *self,
                              HrValue       *result,
                              HrGradient     kind,
                              const char    *operation,
                              const HrValue *inputs,
                              guint          n_inputs);
HrValue  hr_op_make_gradient (HrReplay      *self,
                              const char    *operation,
                              HrValue        shape);
HrValue  hr_op_view_gradient (HrReplay      *self,
                              HrValue        gradient,
                              HrValue        shape);
void     hr_op_join_gradients (HrReplay     *self,
                               const HrNode *node,
                               HrValue       gradient,
                               HrValue      *gradients);

G_END_DECLS
