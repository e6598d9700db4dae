/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-parallel.h"

#include "hr-autograd.h"
#include "hr-operator.h"

/*
 * What transformers’ tensor parallelism does around a linear layer (transformers/integrations/tensor_parallel.py). Sums
 * over ranks are made in place (all_reduce), and take nothing.
 */

/* As much as one of the ranks has. */
static HrValue
get_part (const HrReplay *replay,
          HrValue         whole)
{
  whole.divisor *= replay->plan->n_ranks;

  return whole;
}

/* _AllGather.backward copies the part of the rank out of the gradient. */
static void
backward_gather (HrReplay     *replay,
                 const HrNode *node,
                 HrValue       gradient,
                 HrValue      *gradients)
{
  HrValue shape = node->inputs[0];

  shape.element = gradient.element;
  gradients[0] = hr_op_make_gradient (replay, "chunks[rank].contiguous()", shape);
}

/*
 * _AllGather: an empty tensor for each rank but the own; NCCL receives into one tensor of all of them, from which they
 * are copied (ProcessGroupNCCL::allgather in torch/csrc/distributed/c10d/ProcessGroupNCCL.cpp).
 */
static HrValue
gather (HrReplay   *replay,
        HrValue     part,
        const char *name,
        HrValue     shape)
{
  HrValue rest = get_part (replay, shape);
  HrValue others, flat, result;

  shape.element = rest.element = part.element;
  rest.count *= replay->plan->n_ranks - 1;
  others = hr_op_like (replay, "empty_like", "tensor_list", rest);
  flat = hr_op_like (replay, "all_gather", "outputFlattened", shape);
  hr_replay_drop (replay, flat);
  result = hr_op_like (replay, "cat", name, shape);
  hr_autograd_record (replay, &result, backward_gather, &part, 1);
  hr_replay_drop (replay, others);
  hr_replay_drop (replay, part);

  return result;
}

/* _Split.backward puts the gradients of all ranks together, as _AllGather does. */
static void
backward_split (HrReplay     *replay,
                const HrNode *node,
                HrValue       gradient,
                HrValue      *gradients)
{
  HrValue whole = node->inputs[0];
  HrValue rest = get_part (replay, whole);
  HrValue others, flat;

  whole.element = rest.element = gradient.element;
  rest.count *= replay->plan->n_ranks - 1;
  others = hr_op_make_gradient (replay, "empty_like", rest);
  flat = hr_op_make_gradient (replay, "all_gather", whole);
  hr_replay_drop (replay, flat);
  gradients[0] = hr_op_make_gradient (replay, "cat", whole);
  hr_replay_drop (replay, others);
}

/* _Split: the part of the rank of what there is whole. */
static HrValue
split (HrReplay *replay,
       HrValue   x)
{
  HrValue part = hr_op_like (replay, "clone", "chunks[rank].contiguous()", hr_value_detach (get_part (replay, x)));

  hr_autograd_record (replay, &part, backward_split, &x, 1);

  return part;
}

/* RowwiseParallel: the bias is added to the sum of what all ranks have made. */
static HrValue
multiply_rows (HrReplay       *replay,
               HrMultiplyFunc  multiply,
               HrValue         x,
               const char     *name,
               HrValue         weight,
               HrValue         bias,
               HrValue         shape)
{
  HrValue result = multiply (replay, x, name, weight, HR_NO_VALUE, shape);

  if (bias.n_symbols > 0)
    hr_replay_assign (replay, &result, hr_op_binary (replay, HR_BINARY_ADD, "outputs", result, bias));

  return result;
}

/*
 * hr_parallel_linear:
 * @replay: a tape with a plan
 * @style: what the rank has of the matrix
 * @multiply: the product of the layer
 * @x: a tensor, its last dimension the input features
 * @name: the variable that the result is for
 * @weight: the matrix
 * @bias: the bias, or none
 * @shape: the shape of the result, as the layers’ functions see it
 *
 * A linear layer of which the rank has a part.
 *
 * Returns: the result
 */
HrValue
hr_parallel_linear (HrReplay        *replay,
                    HrParallelStyle  style,
                    HrMultiplyFunc   multiply,
                    HrValue          x,
                    const char      *name,
                    HrValue          weight,
                    HrValue          bias,
                    HrValue          shape)
{
  HrValue part, result;

  switch (style)
    {
    case HR_PARALLEL_COLUMNS_GATHERED:
      part = multiply (replay, x, name, weight, bias, get_part (replay, shape));
      return gather (replay, part, name, shape);

    case HR_PARALLEL_ROWS:
      return multiply_rows (replay, multiply, x, name, weight, bias, shape);

    case HR_PARALLEL_ROWS_SPLIT:
      part = split (replay, x);
      result = multiply_rows (replay, multiply, part, name, weight, bias, shape);
      hr_replay_drop (replay, part);
      return result;

    case HR_PARALLEL_WHOLE:
    case HR_PARALLEL_COLUMNS:
    case HR_PARALLEL_EXPERTS:
    default:
      return multiply (replay, x, name, weight, bias, shape);
    }
}
