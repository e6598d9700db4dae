/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-operator.h"

#include "hr-float8.h"
#include "hr-fusion.h"
#include "hr-live-parameters.h"
#include "hr-quantization-format.h"
#include "hr-replay-adapter.h"
#include "hr-replay-collective.h"
#include "hr-replay-engine.h"
#include "hr-replay-float8.h"
#include "hr-replay-parallel.h"

/* embedding_dense_backward_cuda sorts more rows than these, and NROWS_PER_THREAD. */
#define EMBEDDING_FEW_ROWS        3072
#define EMBEDDING_ROWS_PER_THREAD 10

/*
 * What each operator makes, and what its derivative needs and makes, as tools/autograd/derivatives.yaml and
 * torch/csrc/autograd/FunctionsManual.cpp have it.
 */

/*
 * hr_op_make_gradient:
 * @self: a tape
 * @operation: the operator that makes it
 * @shape: its shape
 *
 * Makes a tensor in a derivative.
 *
 * Returns: the tensor
 */
HrValue
hr_op_make_gradient (HrReplay   *self,
                     const char *operation,
                     HrValue     shape)
{
  return hr_op_like (self, operation, "gradient", shape);
}

/*
 * hr_op_view_gradient:
 * @self: a tape
 * @gradient: a gradient
 * @shape: the shape to see it in
 *
 * Hands a gradient on through a view of it, which the engine does not add into.
 *
 * Returns: the view
 */
HrValue
hr_op_view_gradient (HrReplay *self,
                     HrValue   gradient,
                     HrValue   shape)
{
  HrValue view = hr_replay_hold (self, gradient);
  HrElement element = gradient.element;
  gint16 storage = view.storage;

  view = shape;
  view.storage = storage;
  view.element = element;
  view.node = HR_NO_NODE;
  view.is_view = TRUE;

  return view;
}

/* The engine sums up what was broadcast. */
static void
backward_held (HrReplay     *self,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  for (guint i = 0; i < node->n_inputs; i++)
    {
      if (hr_value_needs_gradient (node->inputs[i]))
        gradients[i] = hr_replay_hold (self, gradient);
    }
}

/* All inputs' gradients, before any is summed up over what was broadcast. */
static void
backward_like_result (HrReplay     *self,
                      const HrNode *node,
                      HrValue       gradient,
                      HrValue      *gradients)
{
  for (guint i = 0; i < node->n_inputs; i++)
    {
      if (hr_value_needs_gradient (node->inputs[i]))
        gradients[i] = hr_op_make_gradient (self, node->operation, gradient);
    }
}

static void
backward_like_input (HrReplay     *self,
                     const HrNode *node,
                     HrValue       gradient,
                     HrValue      *gradients)
{
  for (guint i = 0; i < node->n_inputs; i++)
    {
      HrValue shape = node->inputs[i];

      if (!hr_value_needs_gradient (shape))
        continue;
      shape.element = gradient.element;
      gradients[i] = hr_op_make_gradient (self, node->operation, shape);
    }
}

static void
backward_typed_as_input (HrReplay     *self,
                         const HrNode *node,
                         HrValue       gradient,
                         HrValue      *gradients)
{
  for (guint i = 0; i < node->n_inputs; i++)
    {
      if (hr_value_needs_gradient (node->inputs[i]))
        gradients[i] = hr_op_make_gradient (self, node->operation, node->inputs[i]);
    }
}

static void
backward_as_view (HrReplay     *self,
                  const HrNode *node,
                  HrValue       gradient,
                  HrValue      *gradients)
{
  gradients[0] = hr_op_view_gradient (self, gradient, node->inputs[0]);
}

static gboolean
record (HrReplay      *self,
        HrValue       *result,
        HrBackward     backward,
        const char    *operation,
        const HrValue *inputs,
        guint          n_inputs)
{
  if (!hr_autograd_record (self, result, backward, inputs, n_inputs))
    return FALSE;

  self->graph->nodes[result->node].operation = operation;

  return TRUE;
}

/*
 * hr_op_record:
 * @self: a tape
 * @result: (inout): what an operator made
 * @kind: what the gradients of its inputs are like
 * @operation: the operator that makes them, or %NULL where none does
 * @inputs: (array length=n_inputs): its inputs
 * @n_inputs: how many
 *
 * Records an operator whose derivative makes nothing but the gradient of each input.
 *
 * Returns: whether it was recorded, as hr_autograd_record() does
 */
gboolean
hr_op_record (HrReplay      *self,
              HrValue       *result,
              HrGradient     kind,
              const char    *operation,
              const HrValue *inputs,
              guint          n_inputs)
{
  static const HrBackward backwards[] = {
    [HR_GRADIENT_HELD] = backward_held,
    [HR_GRADIENT_LIKE_RESULT] = backward_like_result,
    [HR_GRADIENT_LIKE_INPUT] = backward_like_input,
    [HR_GRADIENT_TYPED_AS_INPUT] = backward_typed_as_input,
    [HR_GRADIENT_VIEW] = backward_as_view,
  };

  return record (self, result, backwards[kind], operation, inputs, n_inputs);
}

/* pow_backward: grad * (exponent * x.pow (exponent - 1)), one expression, whose temporaries go at its end. */
static void
backward_pow (HrReplay     *self,
              const HrNode *node,
              HrValue       gradient,
              HrValue      *gradients)
{
  HrValue power = hr_op_make_gradient (self, "pow", node->saved[0]);
  HrValue scaled = hr_op_make_gradient (self, "mul", node->saved[0]);

  gradients[0] = hr_op_make_gradient (self, "mul", gradient);
  hr_replay_drop (self, scaled);
  hr_replay_drop (self, power);
}

/* -0.5 * grad * result.pow (3). */
static void
backward_rsqrt (HrReplay     *self,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  HrValue half = hr_op_make_gradient (self, "mul", gradient);
  HrValue cube = hr_op_make_gradient (self, "pow", gradient);

  gradients[0] = hr_op_make_gradient (self, "mul", gradient);
  hr_replay_drop (self, cube);
  hr_replay_drop (self, half);
}

/* grad * (result + 1) */
static void
backward_expm1 (HrReplay     *self,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  HrValue sum = hr_op_make_gradient (self, "add", node->saved[0]);

  gradients[0] = hr_op_make_gradient (self, "mul", gradient);
  hr_replay_drop (self, sum);
}

/* where (mask, grad, 0), the mask of a comparison, or of two that are joined in place (clamp_backward). */
static void
backward_clamp_one (HrReplay     *self,
                    const HrNode *node,
                    HrValue       gradient,
                    HrValue      *gradients)
{
  HrValue shape = gradient;
  HrValue mask;

  shape.element = HR_ELEMENT_BOOL;
  mask = hr_op_make_gradient (self, "lt", shape);
  gradients[0] = hr_op_make_gradient (self, "where", gradient);
  hr_replay_drop (self, mask);
}

static void
backward_clamp (HrReplay     *self,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  HrValue shape = gradient;
  HrValue mask;

  shape.element = HR_ELEMENT_BOOL;
  mask = hr_op_make_gradient (self, "gt", shape);
  backward_clamp_one (self, node, gradient, gradients);
  hr_replay_drop (self, mask);
}

typedef struct
{
  const char *operation;
  HrBackward backward;
  gboolean saves_input;
  gboolean saves_result;
  gboolean in_fp32;       /* under autocast (aten/src/ATen/autocast_mode.h) */
} Unary;

static const Unary unaries[HR_N_UNARY] = {
  [HR_UNARY_ADD] = { "add", backward_held, FALSE, FALSE },
  [HR_UNARY_MUL] = { "mul", backward_like_result, FALSE, FALSE },
  [HR_UNARY_DIV] = { "div", backward_like_result, FALSE, FALSE },
  [HR_UNARY_NEG] = { "neg", backward_like_result, FALSE, FALSE },
  [HR_UNARY_POW] = { "pow", backward_pow, TRUE, FALSE, TRUE },
  [HR_UNARY_RSQRT] = { "rsqrt", backward_rsqrt, FALSE, TRUE, TRUE },
  [HR_UNARY_TANH] = { "tanh", backward_like_result, FALSE, TRUE },
  [HR_UNARY_SIGMOID] = { "sigmoid", backward_like_result, FALSE, TRUE },
  [HR_UNARY_RELU] = { "relu", backward_like_result, FALSE, TRUE },
  [HR_UNARY_SILU] = { "silu", backward_like_result, TRUE, FALSE },
  [HR_UNARY_EXP] = { "exp", backward_like_result, FALSE, TRUE, TRUE },
  [HR_UNARY_EXPM1] = { "expm1", backward_expm1, FALSE, TRUE, TRUE },
  [HR_UNARY_WHERE] = { "where", backward_like_result, FALSE, FALSE },
  [HR_UNARY_SOFTPLUS] = { "softplus", backward_like_result, TRUE, FALSE, TRUE },
  [HR_UNARY_GELU] = { "gelu", backward_like_result, TRUE, FALSE },
  [HR_UNARY_CLAMP] = { "clamp", backward_clamp, TRUE, FALSE },
  [HR_UNARY_CLAMP_ONE] = { "clamp", backward_clamp_one, TRUE, FALSE },
};

/* What autocast does with the inputs of operators that it computes in fp32. */
static HrValue
cast_up (HrReplay *self,
         HrValue   x)
{
  return self->autocast != HR_ELEMENT_NONE && hr_element_get_bytes (x.element) < sizeof (float)
           ? hr_op_cast (self, x, HR_ELEMENT_FLOAT32)
           : hr_replay_hold (self, x);
}

/*
 * hr_op_get_product_element:
 * @self: a tape
 * @element: the type of a factor
 *
 * What autocast casts factors of products to: all floating types but double (is_eligible of
 * aten/src/ATen/autocast_mode.h), 16 bits of the other kind as well.
 *
 * Returns: the type that it is multiplied in
 */
HrElement
hr_op_get_product_element (HrReplay  *self,
                           HrElement  element)
{
  gboolean is_eligible = element == HR_ELEMENT_FLOAT16 || element == HR_ELEMENT_BFLOAT16 ||
                         element == HR_ELEMENT_FLOAT32;

  return self->autocast != HR_ELEMENT_NONE && is_eligible ? self->autocast : element;
}

/*
 * hr_op_cast_down:
 * @self: a tape
 * @x: a tensor
 *
 * What autocast does with the inputs of operators that it computes in the lower precision: products and attention.
 *
 * Returns: the result, which is @x itself without autocast
 */
HrValue
hr_op_cast_down (HrReplay *self,
                 HrValue   x)
{
  return hr_op_cast (self, x, hr_op_get_product_element (self, x.element));
}

/*
 * hr_op_cast_parameter:
 * @self: a tape
 * @parameter: a parameter, or none
 *
 * What autocast makes of a parameter for an operator that it computes in the lower precision.
 *
 * Returns: the result, to be let go of with hr_op_drop_cast()
 */
HrValue
hr_op_cast_parameter (HrReplay *self,
                      HrValue   parameter)
{
  HrValue *noted = self->shared_uses != NULL ? hr_shared_uses_find_cast (self->shared_uses, parameter) : NULL;
  HrValue copy;

  /* autocast's cache has it, whose memory is in the books already. */
  if (noted != NULL && noted->n_symbols > 0)
    return *noted;

  copy = hr_op_cast_down (self, parameter);
  copy.is_trained = parameter.is_trained;
  hr_replay_rename (self, copy, "weight.to(dtype)");
  if (noted != NULL && copy.storage >= 0)
    {
      *noted = copy;
      noted->storage = -1;
    }

  return copy;
}

/*
 * hr_op_drop_cast:
 * @self: a tape
 * @parameter: a parameter
 * @copy: what hr_op_cast_parameter() has made of it
 * @is_saved: whether the graph holds @copy
 *
 * Lets go of what autocast has made of a parameter. The copy of one of fp32 that is trained is held by the cache of
 * autocast until the forward pass ends, whether or not anything else holds it (cached_cast in
 * aten/src/ATen/autocast_mode.cpp).
 */
void
hr_op_drop_cast (HrReplay *self,
                 HrValue   parameter,
                 HrValue   copy,
                 gboolean  is_saved)
{
  if (copy.storage >= 0 && parameter.is_trained && parameter.element == HR_ELEMENT_FLOAT32 && self->keeps_casts &&
      (!is_saved || self->offloads))
    {
      hr_replay_reassign_component (self, copy, HR_COMPONENT_TEMPORARY);
      hr_replay_leave (self, copy);
      return;
    }

  hr_replay_drop (self, copy);
}

/*
 * hr_op_unary:
 * @self: a tape
 * @kind: the operator
 * @name: the variable that its result is for
 * @x: its input
 *
 * An operator of one tensor, whose result has the same shape.
 *
 * Returns: the result
 */
HrValue
hr_op_unary (HrReplay   *self,
             HrUnary     kind,
             const char *name,
             HrValue     x)
{
  const Unary *unary = &unaries[kind];
  HrValue input = unary->in_fp32 ? cast_up (self, x) : hr_replay_hold (self, x);
  HrValue result = hr_op_like (self, unary->operation, name, input);

  if (record (self, &result, unary->backward, "backward", &input, 1))
    {
      hr_fusion_join (self, result);
      if (unary->saves_input)
        hr_autograd_save (self, result, input);
      hr_fusion_trace (self, result, &input, 1);
      if (unary->saves_result)
        hr_autograd_save (self, result, result);
    }
  hr_replay_drop (self, input);

  return result;
}

/*
 * hr_op_clamp_in_place:
 * @self: a tape
 * @x: (inout): a variable
 *
 * `x.clamp_ (min, max)`, in place: the derivative needs what @x was, which is copied before.
 */
void
hr_op_clamp_in_place (HrReplay *self,
                      HrValue  *x)
{
  HrValue before = *x;
  HrValue original;

  if (!hr_autograd_record (self, x, backward_clamp, &before, 1))
    return;

  original = hr_op_like (self, "clone", "original", before);
  hr_autograd_save (self, *x, original);
  hr_replay_drop (self, original);
}

static void
backward_sub (HrReplay     *self,
              const HrNode *node,
              HrValue       gradient,
              HrValue      *gradients)
{
  if (hr_value_needs_gradient (node->inputs[0]))
    gradients[0] = hr_replay_hold (self, gradient);
  if (hr_value_needs_gradient (node->inputs[1]))
    gradients[1] = hr_op_make_gradient (self, "neg", gradient);
}

/*
 * -grad * ((a / b) / b), whose temporaries go at its end, before grad / b (div_tensor_other_grad,
 * div_tensor_self_backward).
 */
static void
backward_div (HrReplay     *self,
              const HrNode *node,
              HrValue       gradient,
              HrValue      *gradients)
{
  if (hr_value_needs_gradient (node->inputs[1]))
    {
      HrValue quotient = hr_op_make_gradient (self, "div", gradient);
      HrValue quotients = hr_op_make_gradient (self, "div", gradient);
      HrValue negative = hr_op_make_gradient (self, "neg", gradient);

      gradients[1] = hr_op_make_gradient (self, "mul", gradient);
      hr_replay_drop (self, negative);
      hr_replay_drop (self, quotients);
      hr_replay_drop (self, quotient);
    }
  if (hr_value_needs_gradient (node->inputs[0]))
    gradients[0] = hr_op_make_gradient (self, "div", gradient);
}

typedef struct
{
  const char *operation;
  HrBackward backward;
} Binary;

static const Binary binaries[HR_N_BINARY] = {
  [HR_BINARY_ADD] = { "add", backward_held },
  [HR_BINARY_SUB] = { "sub", backward_sub },
  [HR_BINARY_MUL] = { "mul", backward_like_result },
  [HR_BINARY_DIV] = { "div", backward_div },
  [HR_BINARY_MIN] = { "minimum", backward_like_result },
};

/* The larger of two shapes that broadcast to each other, in the type that theirs become. */
static HrValue
broadcast (HrReplay *self,
           HrValue   a,
           HrValue   b)
{
  guint64 elements_a = hr_value_get_elements (a, self->symbols);
  guint64 elements_b = hr_value_get_elements (b, self->symbols);
  HrValue shape = elements_b > elements_a ? b : a;

  shape.element = hr_element_promote (a.element, b.element);

  return shape;
}

/*
 * hr_op_binary_as:
 * @self: a tape
 * @kind: the operator
 * @name: the variable that its result is for
 * @a: its first input
 * @b: its second input
 * @shape: the shape of the result, where it is that of neither of them
 *
 * An elementwise operator of two tensors.
 *
 * Returns: the result
 */
HrValue
hr_op_binary_as (HrReplay   *self,
                 HrBinary    kind,
                 const char *name,
                 HrValue     a,
                 HrValue     b,
                 HrValue     shape)
{
  HrValue result = hr_op_like (self, binaries[kind].operation, name, shape);
  const HrValue inputs[] = { a, b };

  if (!record (self, &result, binaries[kind].backward, binaries[kind].operation, inputs, 2))
    return result;

  hr_fusion_join (self, result);
  if (kind == HR_BINARY_MUL || kind == HR_BINARY_DIV)
    hr_autograd_save (self, result, hr_value_needs_gradient (b) ? a : HR_NO_VALUE);
  if (kind == HR_BINARY_MIN)
    hr_autograd_save (self, result, a);
  if (kind == HR_BINARY_DIV || kind == HR_BINARY_MIN || (kind == HR_BINARY_MUL && hr_value_needs_gradient (a)))
    hr_autograd_save (self, result, b);
  hr_fusion_trace (self, result, inputs, G_N_ELEMENTS (inputs));

  return result;
}

/*
 * hr_op_binary:
 * @self: a tape
 * @kind: the operator
 * @name: the variable that its result is for
 * @a: its first input
 * @b: its second input
 *
 * An elementwise operator of two tensors, one of which has the shape of the result.
 *
 * Returns: the result
 */
HrValue
hr_op_binary (HrReplay   *self,
              HrBinary    kind,
              const char *name,
              HrValue     a,
              HrValue     b)
{
  return hr_op_binary_as (self, kind, name, a, b, broadcast (self, a, b));
}

/*
 * hr_op_product:
 * @self: a tape
 * @name: the variable that its result is for
 * @a: its first input
 * @b: its second input
 * @shape: the shape of the result
 *
 * `a * b`, where both are spread out to the shape of the result; its type is the wider of theirs.
 *
 * Returns: the result
 */
HrValue
hr_op_product (HrReplay   *self,
               const char *name,
               HrValue     a,
               HrValue     b,
               HrValue     shape)
{
  shape.element = hr_element_promote (a.element, b.element);

  return hr_op_binary_as (self, HR_BINARY_MUL, name, a, b, shape);
}

/*
 * hr_op_add_to:
 * @self: a tape
 * @x: (inout): a tensor that is added to in place
 * @addend: what is added
 *
 * `x += addend`: the gradient of the sum is that of both.
 */
void
hr_op_add_to (HrReplay *self,
              HrValue  *x,
              HrValue   addend)
{
  const HrValue inputs[] = { *x, addend };

  hr_op_record (self, x, HR_GRADIENT_HELD, NULL, inputs, G_N_ELEMENTS (inputs));
}

/*
 * hr_op_divide_in_place:
 * @self: a tape
 * @x: (inout): a variable
 * @divisor: what it is divided by, or none for a number
 *
 * `x /= divisor`, in place: the derivative by a tensor needs what @x was, which is copied before.
 */
void
hr_op_divide_in_place (HrReplay *self,
                       HrValue  *x,
                       HrValue   divisor)
{
  const HrValue inputs[] = { *x, divisor };
  HrValue original;

  if (!hr_autograd_record (self, x, backward_div, inputs, G_N_ELEMENTS (inputs)) || divisor.storage < 0)
    return;

  original = hr_op_like (self, "clone", "original", inputs[0]);
  hr_autograd_save (self, *x, original);
  hr_autograd_save (self, *x, divisor);
  hr_replay_drop (self, original);
}

/* The engine casts back what comes in another type. */
static void
backward_cast (HrReplay     *self,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  HrValue shape = gradient;

  shape.element = node->inputs[0].element;
  gradients[0] = hr_op_make_gradient (self, "_to_copy", shape);
}

/*
 * hr_op_cast:
 * @self: a tape
 * @x: a tensor
 * @element: the type to convert to
 *
 * `x.to (dtype)`, which returns @x itself if it has that type.
 *
 * Returns: the result
 */
HrValue
hr_op_cast (HrReplay  *self,
            HrValue    x,
            HrElement  element)
{
  HrValue shape = x;
  HrValue result;

  if (x.element == element)
    return hr_replay_hold (self, x);

  shape.element = element;
  result = hr_op_like (self, "_to_copy", element == HR_ELEMENT_FLOAT32 ? "x.float()" : "x.to(dtype)", shape);
  if (hr_autograd_record (self, &result, backward_cast, &x, 1))
    hr_fusion_trace (self, result, &x, 1);

  return result;
}

/*
 * hr_op_mean:
 * @self: a tape
 * @name: the variable that its result is for
 * @x: a tensor
 *
 * The mean of each row of the last dimension.
 *
 * Returns: the result
 */
HrValue
hr_op_mean (HrReplay   *self,
            const char *name,
            HrValue     x)
{
  HrValue shape = x;
  HrValue result;

  shape.n_symbols--;
  hr_replay_note_reduced (self, x);
  result = hr_op_like (self, "mean", name, shape);
  /* grad.expand (…) / n */
  hr_op_record (self, &result, HR_GRADIENT_LIKE_INPUT, "div", &x, 1);

  return result;
}

static void
backward_view (HrReplay     *self,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  gboolean same = hr_value_get_elements (gradient, self->symbols) ==
                  hr_value_get_elements (node->inputs[0], self->symbols);

  /* What was repeated is summed up by the engine. */
  gradients[0] = same ? hr_op_view_gradient (self, gradient, node->inputs[0]) : hr_replay_hold (self, gradient);
}

/*
 * hr_op_contiguous:
 * @self: a tape
 * @x: a tensor whose heads are transposed by the caller
 *
 * `x.transpose (1, 2).contiguous ()`: a copy only if tokens do not come first in memory.
 *
 * Returns: the result, tokens first
 */
HrValue
hr_op_contiguous (HrReplay *self,
                  HrValue   x)
{
  HrValue shape = x;

  if (!x.heads_first)
    return hr_replay_hold (self, x);

  shape.heads_first = FALSE;

  return hr_op_copy (self, "attn_output", x, shape);
}

/*
 * hr_op_copy:
 * @self: a tape
 * @name: the variable that the copy is for
 * @x: a tensor
 * @shape: the shape of the copy, the same elements
 *
 * `x.clone ()`, or a reshape that cannot be a view.
 *
 * Returns: the copy
 */
HrValue
hr_op_copy (HrReplay   *self,
            const char *name,
            HrValue     x,
            HrValue     shape)
{
  HrValue result = hr_op_like (self, "clone", name, shape);

  hr_autograd_record (self, &result, backward_view, &x, 1);

  return result;
}

/*
 * hr_op_view:
 * @self: a tape
 * @x: a tensor
 * @shape: the shape to see it in, the same elements
 *
 * Another shape of the same memory.
 *
 * Returns: the view, to be let go of like any other tensor
 */
HrValue
hr_op_view (HrReplay *self,
            HrValue   x,
            HrValue   shape)
{
  HrValue view = shape;

  view.storage = hr_replay_hold (self, x).storage;
  view.element = x.element;
  view.node = x.node;

  return view;
}

/*
 * hr_op_slice:
 * @self: a tape
 * @x: a tensor
 * @shape: the shape of a part of it
 *
 * A part of a tensor, seen in the same memory.
 *
 * Returns: the view, to be let go of like any other tensor
 */
HrValue
hr_op_slice (HrReplay *self,
             HrValue   x,
             HrValue   shape)
{
  HrValue view = hr_op_view (self, x, shape);

  /* Zeros of the whole, of which the part is overwritten. */
  hr_op_record (self, &view, HR_GRADIENT_LIKE_INPUT, "slice_backward", &x, 1);

  return view;
}

/*
 * hr_op_join_gradients:
 * @self: a tape
 * @node: the node of a tensor that was split
 * @gradient: the gradient of its first part
 * @gradients: (out): the gradient of the whole
 *
 * split_backward and split_with_sizes_backward: the gradients of all parts, joined.
 */
void
hr_op_join_gradients (HrReplay     *self,
                      const HrNode *node,
                      HrValue       gradient,
                      HrValue      *gradients)
{
  HrValue shape = node->inputs[0];

  for (guint i = 0; i < node->n_incoming; i++)
    {
      if (node->incoming[i].storage >= 0)
        shape.element = node->incoming[i].element;
    }
  gradients[0] = hr_op_make_gradient (self, "cat", shape);
}

/*
 * hr_op_chunk:
 * @self: a tape
 * @x: a tensor, its number of elements a multiple of @n_parts
 * @n_parts: how many parts, at most 3
 * @parts: (out) (array length=n_parts): the parts, each to be let go of like any other tensor
 *
 * `x.chunk (n_parts, dim=-1)`: parts of a tensor, seen in the same memory.
 */
void
hr_op_chunk (HrReplay *self,
             HrValue   x,
             guint     n_parts,
             HrValue  *parts)
{
  HrValue part = x;

  if (x.count % n_parts == 0)
    part.count /= n_parts;
  else
    part.divisor *= n_parts;
  hr_autograd_record (self, &part, hr_op_join_gradients, &x, 1);
  for (guint i = 0; i < n_parts; i++)
    {
      parts[i] = hr_replay_hold (self, part);
      parts[i].result = i;
    }
}

/* grad.narrow (…) for each part: views of one gradient. */
static void
backward_cat (HrReplay     *self,
              const HrNode *node,
              HrValue       gradient,
              HrValue      *gradients)
{
  for (guint i = 0; i < node->n_inputs; i++)
    {
      if (hr_value_needs_gradient (node->inputs[i]))
        gradients[i] = hr_op_view_gradient (self, gradient, node->inputs[i]);
    }
}

/*
 * hr_op_cat:
 * @self: a tape
 * @name: the variable that the result is for
 * @parts: (array length=n_parts): what is joined
 * @n_parts: how many
 * @shape: the shape of the result
 *
 * `torch.cat`.
 *
 * Returns: the result
 */
HrValue
hr_op_cat (HrReplay      *self,
           const char    *name,
           const HrValue *parts,
           guint          n_parts,
           HrValue        shape)
{
  HrValue result = hr_op_like (self, "cat", name, shape);

  hr_autograd_record (self, &result, backward_cat, parts, n_parts);

  return result;
}

/* From the result alone. */
#define SOFTMAX_BACKWARD "_softmax_backward_data"

/*
 * hr_op_softmax:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 * @element: the type of the result
 *
 * `torch.softmax (x, dtype)`, which is computed in fp32 under autocast: the input is cast first, but for fp16, of which
 * the kernel makes fp32 by itself (aten/src/ATen/native/SoftMax.cpp).
 *
 * Returns: the result
 */
HrValue
hr_op_softmax (HrReplay   *self,
               const char *name,
               HrValue     x,
               HrElement   element)
{
  HrElement computed = self->autocast == HR_ELEMENT_NONE ? element : hr_element_widen (x.element);
  gboolean is_widened = x.element == HR_ELEMENT_FLOAT16 && computed == HR_ELEMENT_FLOAT32;
  HrValue input = is_widened ? hr_replay_hold (self, x) : hr_op_cast (self, x, computed);
  HrValue shape = input;
  HrValue result;

  shape.element = computed;
  result = hr_op_like (self, "_softmax", name, shape);
  if (hr_op_record (self, &result, HR_GRADIENT_TYPED_AS_INPUT, SOFTMAX_BACKWARD, &input, 1))
    {
      hr_fusion_join (self, result);
      hr_fusion_trace (self, result, &input, 1);
      hr_autograd_save (self, result, result);
    }
  hr_replay_drop (self, input);

  return result;
}

/*
 * hr_op_softmax_typed:
 * @self: a tape
 * @name: the variable that the result is for
 * @x: a tensor
 *
 * `F.softmax (x, dtype=x.dtype)`: where a type is named, autocast leaves it alone (fp32_set_opt_dtype of
 * aten/src/ATen/autocast_mode.h).
 *
 * Returns: the result
 */
HrValue
hr_op_softmax_typed (HrReplay   *self,
                     const char *name,
                     HrValue     x)
{
  HrValue result = hr_op_like (self, "_softmax", name, x);

  if (hr_op_record (self, &result, HR_GRADIENT_TYPED_AS_INPUT, SOFTMAX_BACKWARD, &x, 1))
    hr_autograd_save (self, result, result);

  return result;
}

/*
 * hr_op_log_softmax:
 * @self: a tape
 * @x: a tensor
 *
 * aten::_log_softmax of F.cross_entropy, which names the type of its input, so that autocast leaves it alone
 * (fp32_set_opt_dtype of aten/src/ATen/autocast_mode.h).
 *
 * Returns: the result
 */
HrValue
hr_op_log_softmax (HrReplay *self,
                   HrValue   x)
{
  HrValue result = hr_op_like (self, "_log_softmax", "log_softmax(logits)", x);

  if (hr_op_record (self, &result, HR_GRADIENT_TYPED_AS_INPUT, SOFTMAX_BACKWARD, &x, 1))
    hr_autograd_save (self, result, result);

  return result;
}

/* grad · bᵀ and aᵀ · grad; that they come as views of a product keeps the engine from adding into them. */
static void
backward_matmul (HrReplay     *self,
                 const HrNode *node,
                 HrValue       gradient,
                 HrValue      *gradients)
{
  for (guint i = 0; i < 2; i++)
    {
      HrValue shape = node->inputs[i];

      if (!hr_value_needs_gradient (shape))
        continue;
      shape.element = gradient.element;
      gradients[i] = hr_op_make_gradient (self, "mm", shape);
      gradients[i].is_view = TRUE;
    }
}

static void
save_factors (HrReplay *self,
              HrValue   result,
              HrValue   a,
              HrValue   b)
{
  hr_autograd_save (self, result, hr_value_needs_gradient (b) ? a : HR_NO_VALUE);
  hr_autograd_save (self, result, hr_value_needs_gradient (a) ? b : HR_NO_VALUE);
}

/* Whether the graph holds one factor of a product that was recorded, as the gradient of the other needs it. */
static gboolean
keeps_factor (const HrReplay *self,
              HrValue         other)
{
  return hr_value_needs_gradient (other) && !self->graph->only_counts;
}

/*
 * hr_op_matmul:
 * @self: a tape
 * @name: the variable that the result is for
 * @a: the left factor
 * @b: the right factor, or a parameter
 * @shape: the shape of the product
 *
 * `torch.bmm`.
 *
 * Returns: the product
 */
HrValue
hr_op_matmul (HrReplay   *self,
              const char *name,
              HrValue     a,
              HrValue     b,
              HrValue     shape)
{
  gboolean is_parameter = b.storage < 0;
  HrValue inputs[2];
  gboolean is_recorded;
  HrValue result;

  inputs[1] = is_parameter ? hr_op_cast_parameter (self, b) : hr_op_cast_down (self, b);
  inputs[0] = hr_op_cast_down (self, a);
  shape.element = inputs[0].element;
  result = hr_op_like (self, "bmm", name, shape);
  is_recorded = hr_autograd_record (self, &result, backward_matmul, inputs, 2);
  if (is_recorded)
    save_factors (self, result, inputs[0], inputs[1]);
  hr_op_drop_cast (self, b, inputs[1], is_recorded && keeps_factor (self, inputs[0]));
  hr_replay_drop (self, inputs[0]);

  return result;
}

/* The gradients of input and weight are products, that of the bias is the sum over all tokens. */
static void
backward_linear (HrReplay     *self,
                 const HrNode *node,
                 HrValue       gradient,
                 HrValue      *gradients)
{
  backward_matmul (self, node, gradient, gradients);
  if (hr_value_needs_gradient (node->inputs[2]))
    {
      HrValue shape = node->inputs[2];

      shape.element = gradient.element;
      hr_replay_note_reduced (self, gradient);
      gradients[2] = hr_op_make_gradient (self, "sum", shape);
      gradients[2].is_view = TRUE;
    }
}

/*
 * hr_op_linear_by:
 * @self: a tape
 * @x: a tensor, its last dimension the input features; it may be a parameter too
 * @name: the variable that the result is for
 * @weight: the matrix, from hr_autograd_parameter()
 * @bias: the bias, likewise, or none; it goes into the product (addmm) and costs nothing in the forward pass
 * @shape: the shape of the result
 *
 * `F.linear (x, weight, bias)`.
 *
 * Returns: the result
 */
HrValue
hr_op_linear_by (HrReplay   *self,
                 HrValue     x,
                 const char *name,
                 HrValue     weight,
                 HrValue     bias,
                 HrValue     shape)
{
  HrValue inputs[3];
  gboolean is_recorded;
  HrValue result;

  /* The last argument is cast first (WrapFunction_ of aten/src/ATen/autocast_mode.h, as compiled by GCC). */
  inputs[2] = hr_op_cast_parameter (self, bias);
  inputs[1] = hr_op_cast_parameter (self, weight);
  inputs[0] = hr_op_cast_down (self, x);
  shape.element = inputs[0].element;
  result = hr_op_like (self, bias.n_symbols > 0 ? "addmm" : "mm", name, shape);
  is_recorded = hr_autograd_record (self, &result, backward_linear, inputs, G_N_ELEMENTS (inputs));
  /* LinearFunctionForZeroStage3 of deepspeed/runtime/zero/linear.py keeps its input, though no matrix needs it. */
  if (is_recorded && self->live != NULL && !hr_value_needs_gradient (inputs[1]))
    hr_autograd_save (self, result, inputs[0]);
  if (is_recorded)
    save_factors (self, result, inputs[0], inputs[1]);
  hr_op_drop_cast (self, bias, inputs[2], FALSE);
  hr_op_drop_cast (self, weight, inputs[1], is_recorded && keeps_factor (self, inputs[0]));
  hr_op_drop_cast (self, x, inputs[0], is_recorded && keeps_factor (self, inputs[1]));

  return result;
}

/*
 * x @ weight.T + bias, as a module of its own writes it (FalconLinear): the bias is added to the product, and autocast
 * does not cache the copy of a matrix that is a view (cached_cast in aten/src/ATen/autocast_mode.cpp).
 */
static HrValue
multiply_and_add (HrReplay   *self,
                  HrValue     x,
                  const char *name,
                  HrValue     weight,
                  HrValue     bias,
                  HrValue     shape)
{
  HrValue copy = hr_op_cast_parameter (self, weight);
  HrValue result;

  copy.is_trained = FALSE;
  result = hr_op_linear_by (self, x, name, copy, HR_NO_VALUE, shape);
  hr_replay_drop (self, copy);
  if (bias.n_symbols > 0)
    hr_replay_assign (self, &result, hr_op_binary (self, HR_BINARY_ADD, name, result, bias));

  return result;
}

/*
 * Of an input with gaps, which cannot be seen as rows: it is copied, and the bias is added to the product (linear of
 * aten/src/ATen/native/Linear.cpp). What autocast casts has none any more.
 */
static HrValue
multiply_copy (HrReplay   *self,
               HrValue     x,
               const char *name,
               HrValue     weight,
               HrValue     bias,
               HrValue     shape)
{
  HrValue copy, addend, result;

  if (hr_op_get_product_element (self, x.element) != x.element)
    return hr_op_linear_by (self, x, name, weight, bias, shape);

  addend = hr_op_cast_parameter (self, bias);
  copy = hr_op_copy (self, "x.contiguous()", x, hr_value_detach (x));
  result = hr_op_linear_by (self, copy, name, weight, HR_NO_VALUE, shape);
  hr_replay_drop (self, copy);
  if (bias.n_symbols > 0)
    hr_replay_assign (self, &result, hr_op_binary (self, HR_BINARY_ADD, name, result, addend));
  hr_op_drop_cast (self, bias, addend, FALSE);

  return result;
}

static HrValue
run_linear (HrReplay       *self,
            HrValue         x,
            HrModule        module,
            const char     *name,
            HrSymbol        out_features,
            guint           count,
            gboolean        has_bias,
            HrMultiplyFunc  multiply)
{
  const HrTunedModule *tuned = hr_tuning_find (self->tuning, self->block, module, self->layer);
  HrParallelStyle style = hr_parallel_plan_find (self->plan, self->block, module);
  HrValue out = x;
  HrValue weight = HR_SHAPE (self->parameter_dtype, x.symbols[x.n_symbols - 1], out_features);
  HrValue bias = HR_SHAPE (self->parameter_dtype, out_features);
  HrValue input, result;

  weight.count = x.count * count;
  weight.divisor = x.divisor;
  bias.count = count;
  if (style == HR_PARALLEL_COLUMNS_GATHERED || style == HR_PARALLEL_ROWS_SPLIT)
    weight.divisor *= self->plan->n_ranks;
  if (style == HR_PARALLEL_COLUMNS_GATHERED)
    bias.divisor *= self->plan->n_ranks;
  out.symbols[out.n_symbols - 1] = out_features;
  out.count = count;
  out.divisor = 1;
  out.heads_first = FALSE;

  if (self->shared_uses != NULL)
    hr_shared_uses_enter (self->shared_uses, module);
  if (self->quantization != HR_QUANTIZATION_NONE)
    {
      result = hr_quantization_format_replay_linear (self, x, name, out, has_bias);
      hr_replay_adapter (self, tuned, x, has_bias, TRUE, &result);
      return result;
    }

  weight = hr_replay_adapter_weight (self, tuned, weight);
  bias = has_bias ? hr_replay_adapter_bias (self, tuned, bias) : HR_NO_VALUE;
  input = hr_replay_adapter_input (self, tuned, x);
  if (hr_float8_converts (self->float8, self->block, module, self->layer))
    multiply = hr_float8_is_by_engine (self->float8) ? hr_replay_engine_linear : hr_replay_float8_linear;
  if (hr_collective_divides (input))
    multiply = hr_collective_linear;
  /* The layer that PEFT puts around this one is a module as well. */
  if (tuned != NULL)
    hr_live_parameters_call_around (self);
  hr_live_parameters_enter (self, &input, weight, bias);
  result = hr_parallel_linear (self, style, multiply, input, name, weight, bias, out);
  hr_live_parameters_leave (self, &result);
  hr_replay_drop (self, input);
  hr_replay_adapter (self, tuned, x, has_bias, FALSE, &result);
  if (tuned != NULL)
    hr_live_parameters_leave (self, &result);

  return result;
}

/*
 * hr_op_linear:
 * @self: a tape
 * @x: a tensor, its last dimension the input features
 * @module: which module of the block that runs it is
 * @name: the variable that the result is for
 * @out_features: the output features
 * @count: how many times as many
 * @has_bias: whether it has a bias
 *
 * A linear layer of the decoder, whose matrix may be quantized.
 *
 * Returns: the result
 */
HrValue
hr_op_linear (HrReplay   *self,
              HrValue     x,
              HrModule    module,
              const char *name,
              HrSymbol    out_features,
              guint       count,
              gboolean    has_bias)
{
  return run_linear (self, x, module, name, out_features, count, has_bias, hr_op_linear_by);
}

/*
 * hr_op_linear_apart:
 * @self: a tape
 * @x: a tensor, its last dimension the input features
 * @module: which module of the block that runs it is
 * @name: the variable that the result is for
 * @out_features: the output features
 * @has_bias: whether it has a bias
 *
 * A linear layer that adds its bias to a product of its own (FalconLinear).
 *
 * Returns: the result
 */
HrValue
hr_op_linear_apart (HrReplay   *self,
                    HrValue     x,
                    HrModule    module,
                    const char *name,
                    HrSymbol    out_features,
                    gboolean    has_bias)
{
  return run_linear (self, x, module, name, out_features, 1, has_bias, multiply_and_add);
}

/*
 * hr_op_linear_copied:
 * @self: a tape
 * @x: a tensor whose rows are not one after the other in memory
 * @module: which module of the block that runs it is
 * @name: the variable that the result is for
 * @out_features: the output features
 * @has_bias: whether it has a bias
 *
 * A linear layer of what has to be copied first.
 *
 * Returns: the result
 */
HrValue
hr_op_linear_copied (HrReplay   *self,
                     HrValue     x,
                     HrModule    module,
                     const char *name,
                     HrSymbol    out_features,
                     gboolean    has_bias)
{
  return run_linear (self, x, module, name, out_features, 1, has_bias, multiply_copy);
}

/*
 * hr_op_layer_norm_by:
 * @self: a tape
 * @x: a tensor
 * @weight: what it is scaled by, or none
 * @bias: what it is shifted by, or none
 *
 * aten::native_layer_norm: mean and reciprocal deviation in fp32 come with the result.
 *
 * Returns: the result
 */
HrValue
hr_op_layer_norm_by (HrReplay *self,
                     HrValue   x,
                     HrValue   weight,
                     HrValue   bias)
{
  const HrValue inputs[3] = { cast_up (self, x), cast_up (self, weight), cast_up (self, bias) };
  HrValue rows = inputs[0];
  HrValue result, mean, deviation;

  rows.n_symbols--;
  rows.element = hr_element_widen (rows.element);
  result = hr_op_like (self, "native_layer_norm", "hidden_states", inputs[0]);
  mean = hr_op_like (self, "native_layer_norm", "mean", rows);
  deviation = hr_op_like (self, "native_layer_norm", "rstd", rows);
  /* All three at once. */
  if (hr_op_record (self, &result, HR_GRADIENT_TYPED_AS_INPUT, "native_layer_norm_backward", inputs, 3))
    {
      hr_fusion_join (self, result);
      for (guint i = 0; i < G_N_ELEMENTS (inputs); i++)
        hr_autograd_save (self, result, inputs[i]);
      hr_autograd_save (self, result, mean);
      hr_autograd_save (self, result, deviation);
    }
  hr_replay_drop (self, mean);
  hr_replay_drop (self, deviation);
  for (guint i = 0; i < G_N_ELEMENTS (inputs); i++)
    hr_replay_drop (self, inputs[i]);

  return result;
}

/*
 * hr_op_layer_norm:
 * @self: a tape
 * @x: a tensor
 * @has_weight: whether it is scaled
 * @has_bias: whether it is shifted
 *
 * A layer norm with parameters of its own.
 *
 * Returns: the result
 */
HrValue
hr_op_layer_norm (HrReplay *self,
                  HrValue   x,
                  gboolean  has_weight,
                  gboolean  has_bias)
{
  HrValue row = HR_SHAPE (self->parameter_dtype, x.symbols[x.n_symbols - 1]);
  HrValue weight = has_weight ? hr_autograd_parameter (self, row) : HR_NO_VALUE;
  HrValue bias = has_bias ? hr_autograd_bias (self, row) : HR_NO_VALUE;

  return hr_op_layer_norm_by (self, x, weight, bias);
}

/*
 * embedding_dense_backward_cuda of aten/src/ATen/native/cuda/Embedding.cu: few rows are added up at once; many are
 * sorted, and summed up ten by ten (embedding_backward_cuda_kernel of EmbeddingBackwardKernel.cu).
 */
static void
backward_embedding (HrReplay     *self,
                    const HrNode *node,
                    HrValue       gradient,
                    HrValue      *gradients)
{
  HrValue table = node->inputs[0];
  HrSymbol width = table.symbols[table.n_symbols - 1];
  guint64 n_features = MAX (self->symbols[width], 1);
  guint64 n_rows = hr_value_get_elements (gradient, self->symbols) / n_features;
  guint64 n_segments = MIN (n_rows, hr_value_get_elements (table, self->symbols) / n_features);
  HrValue rows = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_LOOKED_UP);
  HrValue segments = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_SEGMENTS);
  HrValue parts[7];

  if (n_rows <= EMBEDDING_FEW_ROWS || self->sorts_no_rows)
    {
      gradients[0] = hr_op_make_gradient (self, node->operation, table);
      return;
    }

  self->symbols[HR_SYMBOL_LOOKED_UP] = n_rows;
  self->symbols[HR_SYMBOL_SEGMENTS] = n_segments;
  self->symbols[HR_SYMBOL_PARTIAL_SEGMENTS] = n_rows / EMBEDDING_ROWS_PER_THREAD + n_segments;
  parts[0] = hr_op_like (self, node->operation, "sorted_indices", rows);
  parts[1] = hr_op_like (self, node->operation, "orig_indices", rows);
  gradients[0] = hr_op_make_gradient (self, node->operation, table);
  parts[2] = hr_op_like (self, node->operation, "segment_offsets", rows);
  parts[3] = hr_op_like (self, node->operation, "partials_per_segment", segments);
  parts[4] = hr_op_like (self, node->operation, "partials_per_segment_offset", segments);
  parts[5] = hr_op_like (self, node->operation, "partial_segment_offset",
                         HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_PARTIAL_SEGMENTS));
  parts[6] = hr_op_like (self, node->operation, "grad_weight_per_segment",
                         HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_PARTIAL_SEGMENTS, width));
  for (guint i = G_N_ELEMENTS (parts); i-- > 0;)
    hr_replay_drop (self, parts[i]);
}

/*
 * hr_op_embedding:
 * @self: a tape
 * @name: the variable that the result is for
 * @ids: the rows to look up, or none where they stay anyway
 * @table: the table, from hr_autograd_parameter()
 * @shape: the shape of the result
 *
 * A look-up in a table.
 *
 * Returns: the result
 */
HrValue
hr_op_embedding (HrReplay   *self,
                 const char *name,
                 HrValue     ids,
                 HrValue     table,
                 HrValue     shape)
{
  HrValue result = hr_op_like (self, "embedding", name, shape);

  if (record (self, &result, backward_embedding, "embedding_dense_backward", &table, 1))
    hr_autograd_save (self, result, ids);

  return result;
}

/*
 * hr_op_dropout:
 * @self: a tape
 * @x: (inout): a variable, which the result is bound to
 * @drops: whether its probability is more than 0
 *
 * aten::native_dropout, in training: a mask comes with the result.
 */
void
hr_op_dropout (HrReplay *self,
               HrValue  *x,
               gboolean  drops)
{
  HrValue shape = *x;
  HrValue result, mask;

  if (!self->training || !drops || self->drops_nothing)
    return;

  result = hr_op_like (self, "native_dropout", "dropout(x)", shape);
  shape.element = HR_ELEMENT_BOOL;
  mask = hr_op_like (self, "native_dropout", "mask", shape);
  if (hr_op_record (self, &result, HR_GRADIENT_LIKE_RESULT, "backward", x, 1))
    hr_autograd_save (self, result, mask);
  hr_replay_drop (self, mask);
  hr_replay_assign (self, x, result);
}
