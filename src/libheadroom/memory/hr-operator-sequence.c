/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-operator-sequence.h"

/*
 * As in hr-operator.c, derivatives are those of tools/autograd/derivatives.yaml and
 * torch/csrc/autograd/FunctionsManual.cpp.
 */

/*
 * hr_op_split:
 * @self: a tape
 * @x: a tensor
 * @shapes: (array length=n_parts): the shapes of its parts
 * @n_parts: how many parts
 * @parts: (out) (array length=n_parts): the parts, each to be let go of like any other tensor
 *
 * `x.split ([…], dim=…)`: parts of a tensor, seen in the same memory.
 */
void
hr_op_split (HrReplay      *self,
             HrValue        x,
             const HrValue *shapes,
             guint          n_parts,
             HrValue       *parts)
{
  HrValue whole = x;

  g_return_if_fail (n_parts <= HR_NODE_MAX_RESULTS);

  hr_autograd_record (self, &whole, hr_op_join_gradients, &x, 1);
  for (guint i = 0; i < n_parts; i++)
    {
      parts[i] = hr_op_view (self, whole, shapes[i]);
      parts[i].result = i;
    }
}

/*
 * hr_op_transpose:
 * @self: a tape
 * @x: a tensor
 * @shape: the shape to see it in, the same elements
 *
 * A view with another order of dimensions, whose gradient comes in that order, and is copied for what wants it in a
 * row.
 *
 * Returns: the view, to be let go of like any other tensor
 */
HrValue
hr_op_transpose (HrReplay *self,
                 HrValue   x,
                 HrValue   shape)
{
  HrValue view = hr_op_view (self, x, shape);

  hr_op_record (self, &view, HR_GRADIENT_LIKE_INPUT, "clone", &x, 1);

  return view;
}

/*
 * hr_op_convolution:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 * @weight: the kernels, from hr_autograd_parameter()
 * @bias: the bias, likewise, or none
 * @shape: the shape of the result
 *
 * `F.conv1d (x, weight, bias)`, whose derivative (convolution_backward) makes all gradients at once.
 *
 * Returns: the result
 */
HrValue
hr_op_convolution (HrReplay   *self,
                   const char *name,
                   HrValue     x,
                   HrValue     weight,
                   HrValue     bias,
                   HrValue     shape)
{
  HrValue inputs[3];
  gboolean is_recorded;
  HrValue result;

  /* As in hr_op_linear_by(). */
  inputs[2] = hr_op_cast_parameter (self, bias);
  inputs[1] = hr_op_cast_parameter (self, weight);
  inputs[0] = hr_op_cast_down (self, x);
  shape.element = inputs[0].element;
  result = hr_op_like (self, "convolution", name, shape);
  is_recorded = hr_op_record (self, &result, HR_GRADIENT_TYPED_AS_INPUT, "convolution_backward", inputs,
                              G_N_ELEMENTS (inputs));
  /* Whichever of the two needs a gradient: both are kept. */
  if (is_recorded)
    {
      hr_autograd_save (self, result, inputs[0]);
      hr_autograd_save (self, result, inputs[1]);
    }
  hr_op_drop_cast (self, bias, inputs[2], FALSE);
  hr_op_drop_cast (self, weight, inputs[1], is_recorded && !self->graph->only_counts);
  hr_replay_drop (self, inputs[0]);

  return result;
}

/*
 * hr_op_resize:
 * @self: a tape
 * @operation: the operator, which is that of its derivative as well
 * @name: the variable that the result is for
 * @x: a tensor
 * @shape: the shape of the result
 *
 * An operator that makes another number of the same elements, such as `F.pad (x, …)`, and whose derivative makes the
 * number that there was.
 *
 * Returns: the result
 */
HrValue
hr_op_resize (HrReplay   *self,
              const char *operation,
              const char *name,
              HrValue     x,
              HrValue     shape)
{
  HrValue result;

  shape.element = x.element;
  result = hr_op_like (self, operation, name, shape);
  hr_op_record (self, &result, HR_GRADIENT_LIKE_INPUT, operation, &x, 1);

  return result;
}

/* grad.flip (dim).cumsum (dim).flip (dim) */
static void
backward_cumsum (HrReplay     *self,
                 const HrNode *node,
                 HrValue       gradient,
                 HrValue      *gradients)
{
  HrValue flipped = hr_op_make_gradient (self, "flip", gradient);
  HrValue sums = hr_op_make_gradient (self, "cumsum", gradient);

  hr_replay_drop (self, flipped);
  gradients[0] = hr_op_make_gradient (self, "flip", gradient);
  hr_replay_drop (self, sums);
}

/*
 * hr_op_cumsum:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 *
 * `x.cumsum (dim=…)`, over a dimension with more than one element; autocast computes it in fp32.
 *
 * Returns: the result
 */
HrValue
hr_op_cumsum (HrReplay   *self,
              const char *name,
              HrValue     x)
{
  HrValue result = hr_op_like (self, "cumsum", name, x);

  hr_autograd_record (self, &result, backward_cumsum, &x, 1);

  return result;
}

/*
 * hr_op_triangle:
 * @self: a tape
 * @operation: `tril` or `triu`
 * @name: the variable that the result is for
 * @x: a tensor
 *
 * One of the triangles of the last two dimensions.
 *
 * Returns: the result
 */
HrValue
hr_op_triangle (HrReplay   *self,
                const char *operation,
                const char *name,
                HrValue     x)
{
  HrValue result = hr_op_like (self, operation, name, x);

  hr_op_record (self, &result, HR_GRADIENT_LIKE_RESULT, operation, &x, 1);

  return result;
}

/*
 * hr_op_sum_over:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 * @shape: the shape of the result
 *
 * `x.sum (dim=…)`.
 *
 * Returns: the sums
 */
HrValue
hr_op_sum_over (HrReplay   *self,
                const char *name,
                HrValue     x,
                HrValue     shape)
{
  HrValue result;

  /* In fp32 under autocast, of what is not: the kernel is told so, and nothing is cast (fp32_set_opt_dtype). */
  shape.element = self->autocast != HR_ELEMENT_NONE ? hr_element_widen (x.element) : x.element;
  result = hr_op_like (self, "sum", name, shape);
  hr_op_record (self, &result, HR_GRADIENT_VIEW, NULL, &x, 1);

  return result;
}

/*
 * hr_op_others:
 * @self: a tape
 * @x: what one step of a loop hands to the next
 * @kept: (array length=n_kept): what each step keeps for the backward pass
 * @n_kept: how many
 *
 * All steps that do as the one before did (%HR_SYMBOL_OTHERS), at once: each leaves as much as another, and what they
 * keep goes with the gradient that passes through them. The steps in which most is held, the last of the forward pass
 * and the first of the backward pass, are to be replayed by themselves.
 *
 * Returns: what they hand on
 */
HrValue
hr_op_others (HrReplay      *self,
              HrValue        x,
              const HrValue *kept,
              guint          n_kept)
{
  HrValue result = hr_replay_hold (self, x);

  if (!hr_op_record (self, &result, HR_GRADIENT_HELD, NULL, &x, 1))
    return result;

  for (guint i = 0; i < n_kept; i++)
    {
      HrValue like = kept[i];
      HrValue others;

      /* Where nothing is held for the backward pass, nothing is made. */
      if (self->graph->only_counts)
        like.count = 0;
      others = hr_replay_make_others (self, like);
      hr_autograd_save (self, result, others);
      hr_replay_drop (self, others);
    }

  return result;
}

/*
 * hr_op_keep:
 * @self: a tape
 * @x: what is handed on
 * @name: what is kept
 * @shape: its shape
 *
 * Operators that are not replayed one by one, of which only matters what they keep for the backward pass.
 *
 * Returns: what they hand on
 */
HrValue
hr_op_keep (HrReplay   *self,
            HrValue     x,
            const char *name,
            HrValue     shape)
{
  HrValue result = hr_replay_hold (self, x);
  HrValue kept;

  if (!hr_op_record (self, &result, HR_GRADIENT_HELD, NULL, &x, 1))
    return result;

  if (self->graph->only_counts)
    shape.count = 0;
  kept = hr_op_like (self, "loop", name, shape);
  hr_autograd_save (self, result, kept);
  hr_replay_drop (self, kept);

  return result;
}

/*
 * CopySlices (torch/csrc/autograd/functions/tensor.cpp): the gradient is copied, and of the part once more; where the
 * whole had a gradient before, that of the part is made zero in the copy.
 */
static void
backward_write (HrReplay     *self,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  HrValue whole = node->inputs[0];
  HrValue part = node->inputs[1];

  part.element = whole.element = gradient.element;
  whole = hr_op_make_gradient (self, "new_empty_strided", whole);
  gradients[1] = hr_op_make_gradient (self, "clone", part);
  if (!hr_value_needs_gradient (node->inputs[0]))
    {
      hr_replay_drop (self, whole);
      return;
    }

  hr_replay_drop (self, hr_op_make_gradient (self, "zeros_like", part));
  gradients[0] = whole;
}

/*
 * hr_op_write:
 * @self: a tape
 * @x: (inout): a variable
 * @part: what a part of it is set to
 *
 * `x[…] = part`, in place.
 */
void
hr_op_write (HrReplay *self,
             HrValue  *x,
             HrValue   part)
{
  const HrValue inputs[] = { *x, part };

  hr_autograd_record (self, x, backward_write, inputs, G_N_ELEMENTS (inputs));
}
