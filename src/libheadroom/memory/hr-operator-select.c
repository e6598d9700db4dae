/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-operator-select.h"

/*
 * As in hr-operator.c, derivatives are those of tools/autograd/derivatives.yaml and
 * torch/csrc/autograd/FunctionsManual.cpp.
 */

/* A part of a tensor's elements had a gradient: zeros like all of it, which it is written or added into in place. */
#define INTO_ZEROS "new_zeros"

/*
 * hr_op_topk:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 * @k: how many of each row of the last dimension
 * @indices: (out): where they were
 *
 * `torch.topk` (value_selecting_reduction_backward).
 *
 * Returns: the highest elements
 */
HrValue
hr_op_topk (HrReplay   *self,
            const char *name,
            HrValue     x,
            HrSymbol    k,
            HrValue    *indices)
{
  HrValue shape = x;
  HrValue result;

  shape.symbols[shape.n_symbols - 1] = k;
  result = hr_op_like (self, "topk", name, shape);
  shape.element = HR_ELEMENT_INT64;
  *indices = hr_op_like (self, "topk", "indices", shape);
  if (hr_op_record (self, &result, HR_GRADIENT_LIKE_INPUT, INTO_ZEROS, &x, 1))
    hr_autograd_save (self, result, *indices);

  return result;
}

/*
 * hr_op_max:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 *
 * `x.max (dim=-1).values`; where they were goes at once, but for what the derivative keeps.
 *
 * Returns: the highest element of each row of the last dimension
 */
HrValue
hr_op_max (HrReplay   *self,
           const char *name,
           HrValue     x)
{
  HrValue shape = x;
  HrValue result, indices;

  shape.n_symbols--;
  result = hr_op_like (self, "max", name, shape);
  shape.element = HR_ELEMENT_INT64;
  indices = hr_op_like (self, "max", "indices", shape);
  if (hr_op_record (self, &result, HR_GRADIENT_LIKE_INPUT, INTO_ZEROS, &x, 1))
    hr_autograd_save (self, result, indices);
  hr_replay_drop (self, indices);

  return result;
}

/* where (self == other, grad / 2, grad).masked_fill_ (self < other, 0) */
static void
backward_maximum (HrReplay     *self,
                  const HrNode *node,
                  HrValue       gradient,
                  HrValue      *gradients)
{
  HrValue shape = gradient;
  HrValue equal, half, less;

  shape.element = HR_ELEMENT_BOOL;
  equal = hr_op_make_gradient (self, "eq", shape);
  half = hr_op_make_gradient (self, "div", gradient);
  gradients[0] = hr_op_make_gradient (self, "where", gradient);
  hr_replay_drop (self, half);
  hr_replay_drop (self, equal);
  less = hr_op_make_gradient (self, "lt", shape);
  hr_replay_drop (self, less);
}

/*
 * hr_op_maximum:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 * @number: a tensor of one element
 *
 * `torch.max (x, number)`, and torch.min () likewise.
 *
 * Returns: the result
 */
HrValue
hr_op_maximum (HrReplay   *self,
               const char *name,
               HrValue     x,
               HrValue     number)
{
  HrValue result = hr_op_like (self, "maximum", name, x);

  if (hr_autograd_record (self, &result, backward_maximum, &x, 1))
    {
      hr_autograd_save (self, result, x);
      hr_autograd_save (self, result, number);
    }

  return result;
}

/*
 * hr_op_where:
 * @self: a tape
 * @name: the variable that the result is for
 * @condition: which of the two
 * @a: a tensor
 * @b: another of its shape
 *
 * `torch.where (condition, a, b)`.
 *
 * Returns: the result
 */
HrValue
hr_op_where (HrReplay   *self,
             const char *name,
             HrValue     condition,
             HrValue     a,
             HrValue     b)
{
  const HrValue inputs[] = { a, b };
  HrValue result = hr_op_like (self, "where", name, a);

  if (hr_op_record (self, &result, HR_GRADIENT_LIKE_RESULT, "where", inputs, G_N_ELEMENTS (inputs)))
    hr_autograd_save (self, result, condition);

  return result;
}

/*
 * hr_op_gather:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 * @indices: which elements of the last dimension
 *
 * `x.gather (-1, indices)` (gather_backward, which is given the tensor).
 *
 * Returns: the elements
 */
HrValue
hr_op_gather (HrReplay   *self,
              const char *name,
              HrValue     x,
              HrValue     indices)
{
  HrValue shape = indices;
  HrValue result;

  shape.element = x.element;
  result = hr_op_like (self, "gather", name, shape);
  if (hr_op_record (self, &result, HR_GRADIENT_LIKE_INPUT, INTO_ZEROS, &x, 1))
    {
      hr_autograd_save (self, result, x);
      hr_autograd_save (self, result, indices);
    }

  return result;
}

/*
 * hr_op_take:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 * @indices: which of its rows
 * @shape: the shape of what is picked
 *
 * `x[indices]`, by a tensor of indices (index_backward).
 *
 * Returns: the rows
 */
HrValue
hr_op_take (HrReplay   *self,
            const char *name,
            HrValue     x,
            HrValue     indices,
            HrValue     shape)
{
  HrValue result;

  shape.element = x.element;
  result = hr_op_like (self, "index", name, shape);
  if (hr_op_record (self, &result, HR_GRADIENT_LIKE_INPUT, INTO_ZEROS, &x, 1))
    hr_autograd_save (self, result, indices);

  return result;
}

/*
 * hr_op_sum:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 *
 * The sum of each row of the last dimension.
 *
 * Returns: the sums
 */
HrValue
hr_op_sum (HrReplay   *self,
           const char *name,
           HrValue     x)
{
  HrValue shape = x;
  HrValue result;

  shape.n_symbols--;
  result = hr_op_like (self, "sum", name, shape);
  hr_op_record (self, &result, HR_GRADIENT_VIEW, NULL, &x, 1);

  return result;
}

/*
 * hr_op_sum_view:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 * @shape: the shape of the result
 *
 * `x.view (…).sum (…)` over a dimension that the view makes.
 *
 * Returns: the sums
 */
HrValue
hr_op_sum_view (HrReplay   *self,
                const char *name,
                HrValue     x,
                HrValue     shape)
{
  HrValue result;

  shape.element = x.element;
  result = hr_op_like (self, "sum", name, shape);
  /* The expanded gradient cannot be seen in another shape: it is copied. */
  hr_op_record (self, &result, HR_GRADIENT_LIKE_INPUT, "clone", &x, 1);

  return result;
}

/*
 * hr_op_expand:
 * @self: a tape
 * @x: a tensor
 * @shape: the shape to see it in
 *
 * `x.expand (…)`: an element stands for many.
 *
 * Returns: the view, to be let go of like any other tensor
 */
HrValue
hr_op_expand (HrReplay *self,
              HrValue   x,
              HrValue   shape)
{
  HrValue view = hr_op_view (self, x, shape);

  hr_op_record (self, &view, HR_GRADIENT_HELD, NULL, &x, 1);

  return view;
}

/*
 * hr_op_repeat:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 * @shape: the shape of the result
 *
 * `x.repeat (…)`.
 *
 * Returns: the copies
 */
HrValue
hr_op_repeat (HrReplay   *self,
              const char *name,
              HrValue     x,
              HrValue     shape)
{
  HrValue result = hr_op_like (self, "repeat", name, shape);

  /* The gradient as a view with the repetitions in a dimension of their own, summed over it (repeat_backward). */
  hr_op_record (self, &result, HR_GRADIENT_LIKE_INPUT, "sum", &x, 1);

  return result;
}

/*
 * hr_op_fill:
 * @self: a tape
 * @x: (inout): a variable
 * @mask: where it is filled
 *
 * `x.masked_fill_ (mask, 0)`, in place.
 */
void
hr_op_fill (HrReplay *self,
            HrValue  *x,
            HrValue   mask)
{
  HrValue before = *x;

  if (hr_op_record (self, x, HR_GRADIENT_LIKE_RESULT, "masked_fill", &before, 1))
    hr_autograd_save (self, *x, mask);
}

/*
 * hr_op_masked_fill:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 * @mask: where it is filled
 *
 * `x.masked_fill (mask, value)`.
 *
 * Returns: the result
 */
HrValue
hr_op_masked_fill (HrReplay   *self,
                   const char *name,
                   HrValue     x,
                   HrValue     mask)
{
  HrValue result = hr_op_like (self, "masked_fill", name, x);

  if (hr_op_record (self, &result, HR_GRADIENT_LIKE_RESULT, "masked_fill", &x, 1))
    hr_autograd_save (self, result, mask);

  return result;
}

/*
 * hr_op_scatter:
 * @self: a tape
 * @x: (inout): a variable, to which no gradient flows
 * @indices: which elements of its last dimension
 * @source: what they are set to
 *
 * `x.scatter_ (-1, indices, source)`, in place.
 */
void
hr_op_scatter (HrReplay *self,
               HrValue  *x,
               HrValue   indices,
               HrValue   source)
{
  if (hr_op_record (self, x, HR_GRADIENT_LIKE_INPUT, "gather", &source, 1))
    hr_autograd_save (self, *x, indices);
}

/*
 * CopySlices (torch/csrc/autograd/functions/tensor.cpp) around ScatterBackward: the gradient of the whole is copied,
 * and the row of it for the derivative of what was written, whose result goes into the copy.
 */
static void
backward_scatter_row (HrReplay     *self,
                      const HrNode *node,
                      HrValue       gradient,
                      HrValue      *gradients)
{
  HrValue whole = hr_value_detach (node->inputs[0]);
  HrValue row = node->inputs[2];
  HrValue copy, cleared = HR_NO_VALUE;

  row.element = whole.element = gradient.element;
  whole = hr_op_make_gradient (self, "new_empty_strided", whole);
  copy = hr_op_make_gradient (self, "clone", row);
  if (hr_value_needs_gradient (node->inputs[0]))
    cleared = hr_op_make_gradient (self, "scatter", row);
  if (hr_value_needs_gradient (node->inputs[1]))
    gradients[1] = hr_op_make_gradient (self, "gather", hr_value_detach (node->inputs[1]));
  hr_replay_drop (self, copy);
  hr_replay_drop (self, cleared);
  if (hr_value_needs_gradient (node->inputs[0]))
    gradients[0] = whole;
  else
    hr_replay_drop (self, whole);
}

/*
 * hr_op_scatter_row:
 * @self: a tape
 * @x: (inout): a variable
 * @row: the shape of a row of it
 * @indices: which elements of the row
 * @source: what they are set to
 *
 * `x[i].scatter_ (0, indices, source)`, in place.
 */
void
hr_op_scatter_row (HrReplay *self,
                   HrValue  *x,
                   HrValue   row,
                   HrValue   indices,
                   HrValue   source)
{
  const HrValue inputs[] = { *x, source, row };

  if (hr_autograd_record (self, x, backward_scatter_row, inputs, G_N_ELEMENTS (inputs)))
    hr_autograd_save (self, *x, indices);
}

/* grad.index_put (mask, zeros_like (rows)), grad[mask]. */
static void
backward_put (HrReplay     *self,
              const HrNode *node,
              HrValue       gradient,
              HrValue      *gradients)
{
  HrValue rows = hr_value_detach (node->inputs[1]);

  if (hr_value_needs_gradient (node->inputs[0]))
    {
      HrValue zeros = hr_op_make_gradient (self, "zeros", rows);

      gradients[0] = hr_op_make_gradient (self, "index_put", gradient);
      hr_replay_drop (self, zeros);
    }
  if (hr_value_needs_gradient (node->inputs[1]))
    gradients[1] = hr_op_make_gradient (self, "index", rows);
}

/*
 * hr_op_put:
 * @self: a tape
 * @x: (inout): a variable
 * @mask: which of its rows
 * @rows: what they are set to
 *
 * `x[mask] = rows`, in place.
 */
void
hr_op_put (HrReplay *self,
           HrValue  *x,
           HrValue   mask,
           HrValue   rows)
{
  const HrValue inputs[] = { *x, rows };

  if (hr_autograd_record (self, x, backward_put, inputs, G_N_ELEMENTS (inputs)))
    hr_autograd_save (self, *x, mask);
}

/* grad.index_select (0, indices).expand_as (source), for which the source is kept. */
static void
backward_index_add (HrReplay     *self,
                    const HrNode *node,
                    HrValue       gradient,
                    HrValue      *gradients)
{
  HrValue shape = node->inputs[1];

  if (hr_value_needs_gradient (node->inputs[0]))
    gradients[0] = hr_replay_hold (self, gradient);
  if (!hr_value_needs_gradient (shape))
    return;

  shape.element = gradient.element;
  gradients[1] = hr_op_make_gradient (self, "index_select", shape);
}

/*
 * hr_op_index_add:
 * @self: a tape
 * @name: the variable that the result is for
 * @zeros: what is added to
 * @indices: the rows that are added to
 * @x: the rows that are added
 *
 * `zeros.index_add (0, indices, x)`.
 *
 * Returns: the result
 */
HrValue
hr_op_index_add (HrReplay   *self,
                 const char *name,
                 HrValue     zeros,
                 HrValue     indices,
                 HrValue     x)
{
  const HrValue inputs[] = { zeros, x };
  HrValue result = hr_op_like (self, "index_add", name, zeros);

  if (hr_autograd_record (self, &result, backward_index_add, inputs, G_N_ELEMENTS (inputs)))
    {
      hr_autograd_save (self, result, indices);
      hr_autograd_save (self, result, x);
    }

  return result;
}

/* _grouped_mm_mat1_backward, _grouped_mm_mat2_backward: a product each, laid out as what it is the gradient of. */
static void
backward_grouped_mm (HrReplay     *self,
                     const HrNode *node,
                     HrValue       gradient,
                     HrValue      *gradients)
{
  for (guint i = node->n_inputs; i-- > 0; )
    {
      HrValue shape = node->inputs[i];

      if (!hr_value_needs_gradient (shape))
        continue;
      shape.element = gradient.element;
      gradients[i] = hr_op_make_gradient (self, "_grouped_mm", shape);
    }
}

/*
 * hr_op_grouped_mm:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: rows, sorted by the matrix that they are multiplied by
 * @weights: the matrices, from hr_autograd_parameter()
 * @offsets: where the rows of each matrix end
 * @shape: the shape of the product
 *
 * `torch.nn.functional.grouped_mm`, which autocast does not know: transformers casts the rows as the matrices are
 * (_grouped_mm in transformers/integrations/moe.py).
 *
 * Returns: the product
 */
HrValue
hr_op_grouped_mm (HrReplay   *self,
                  const char *name,
                  HrValue     x,
                  HrValue     weights,
                  HrValue     offsets,
                  HrValue     shape)
{
  const HrValue inputs[] = { hr_op_cast (self, x, weights.element), weights };
  HrValue result;

  shape.element = weights.element;
  result = hr_op_like (self, "_grouped_mm", name, shape);
  if (hr_autograd_record (self, &result, backward_grouped_mm, inputs, G_N_ELEMENTS (inputs)))
    {
      hr_autograd_save (self, result, hr_value_needs_gradient (weights) ? inputs[0] : HR_NO_VALUE);
      hr_autograd_save (self, result, hr_value_needs_gradient (x) ? weights : HR_NO_VALUE);
      hr_autograd_save (self, result, offsets);
    }
  hr_replay_drop (self, inputs[0]);

  return result;
}
