/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-collective.h"

#include "hr-operator.h"

/*
 * Sequence parallelism of Megatron-LM (megatron/core/tensor_parallel/layers.py and mappings.py, and the same in
 * Transformer Engine, transformer_engine/pytorch/module/layernorm_linear.py): what stands between the matrices of a
 * layer is divided by tokens among those that share the layer.
 */

/* Tokens are the dimension behind the sequences. */
static HrValue
with_tokens (HrValue  x,
             HrSymbol tokens)
{
  x.symbols[1] = tokens;
  x.storage = -1;
  x.node = HR_NO_NODE;
  x.is_view = FALSE;

  return x;
}

/*
 * hr_collective_divides:
 * @x: hidden states
 *
 * Returns: whether a rank has only some of the tokens
 */
gboolean
hr_collective_divides (HrValue x)
{
  return x.n_symbols == 3 && x.symbols[1] == HR_SYMBOL_SEQUENCE_SHARE;
}

/*
 * The local specification gathers into a buffer that stays (get_global_memory_buffer ().get_tensor (…, "mpu")), that of
 * Transformer Engine into a tensor that goes.
 */
static HrValue
gather (HrReplay *replay,
        HrValue   x)
{
  if (replay->layer_code == HR_LAYER_CODE_MEGATRON_LOCAL)
    return HR_NO_VALUE;

  return hr_op_like (replay, "all_gather", "total_input", with_tokens (x, HR_SYMBOL_SEQUENCE));
}

/*
 * LinearWithGradAccumulationAndAsyncCommunication.backward: the input is gathered anew, its gradient is computed of all
 * tokens, and while that is reduced and scattered, the gradient of the matrix.
 */
static void
backward_column (HrReplay     *replay,
                 const HrNode *node,
                 HrValue       gradient,
                 HrValue      *gradients)
{
  HrValue input = with_tokens (node->inputs[0], HR_SYMBOL_SEQUENCE);
  HrValue total = HR_NO_VALUE;
  HrValue all = HR_NO_VALUE;

  input.element = gradient.element;
  if (hr_value_needs_gradient (node->inputs[1]))
    total = gather (replay, node->inputs[0]);
  if (hr_value_needs_gradient (node->inputs[0]))
    {
      all = hr_op_make_gradient (replay, "mm", input);
      gradients[0] = hr_op_make_gradient (replay, "reduce_scatter", with_tokens (input, HR_SYMBOL_SEQUENCE_SHARE));
    }
  for (guint i = 1; i < node->n_inputs; i++)
    {
      HrValue shape = node->inputs[i];

      if (!hr_value_needs_gradient (shape))
        continue;
      shape.element = gradient.element;
      gradients[i] = hr_op_make_gradient (replay, i == 1 ? "mm" : "sum", shape);
      gradients[i].is_view = TRUE;
    }
  hr_replay_drop (replay, all);
  hr_replay_drop (replay, total);
}

/*
 * hr_collective_linear:
 * @replay: a tape
 * @x: some of the tokens
 * @name: the variable that the result is for
 * @weight: the matrix, of which the rank has some of the outputs
 * @bias: the bias, or none
 * @shape: the shape of the result
 *
 * A ColumnParallelLinear of all tokens, which are gathered for it, and of which only those of the rank are kept.
 *
 * Returns: the result
 */
HrValue
hr_collective_linear (HrReplay   *replay,
                      HrValue     x,
                      const char *name,
                      HrValue     weight,
                      HrValue     bias,
                      HrValue     shape)
{
  const HrValue inputs[] = { x, weight, bias };
  HrValue total = gather (replay, x);
  HrValue result;

  shape.element = x.element;
  result = hr_op_like (replay, bias.n_symbols > 0 ? "addmm" : "mm", name, with_tokens (shape, HR_SYMBOL_SEQUENCE));
  if (hr_autograd_record (replay, &result, backward_column, inputs, G_N_ELEMENTS (inputs)))
    {
      hr_autograd_save (replay, result, hr_value_needs_gradient (weight) ? x : HR_NO_VALUE);
      hr_autograd_save (replay, result, hr_value_needs_gradient (x) ? weight : HR_NO_VALUE);
    }
  hr_replay_drop (replay, total);

  return result;
}

/*
 * hr_collective_gather:
 * @replay: a tape
 * @x: (inout): some of the tokens
 *
 * Puts the tokens of all ranks together; of gradients each gets the sum for its own
 * (_GatherFromSequenceParallelRegion).
 */
void
hr_collective_gather (HrReplay *replay,
                      HrValue  *x)
{
  HrValue result = hr_op_like (replay, "all_gather", "gathered", with_tokens (*x, HR_SYMBOL_SEQUENCE));

  hr_op_record (replay, &result, HR_GRADIENT_LIKE_INPUT, "reduce_scatter", x, 1);
  hr_replay_assign (replay, x, result);
}

/*
 * hr_collective_scatter:
 * @replay: a tape
 * @x: (inout): what a rank adds to the hidden states of all tokens
 *
 * Adds up what the ranks have and leaves each some of the tokens; gradients are gathered
 * (_ReduceScatterToSequenceParallelRegion).
 */
void
hr_collective_scatter (HrReplay *replay,
                       HrValue  *x)
{
  HrValue result = hr_op_like (replay, "reduce_scatter", "output", with_tokens (*x, HR_SYMBOL_SEQUENCE_SHARE));

  hr_op_record (replay, &result, HR_GRADIENT_LIKE_INPUT, "all_gather", x, 1);
  hr_replay_assign (replay, x, result);
}
