/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-adapter.h"

#include "hr-operator.h"
#include "hr-tuning.h"

/* What methods of fine-tuning add to linear layers, as PEFT's layers compute it. */

/* @x, its last dimension replaced. */
static HrValue
get_shape (HrValue  x,
           HrValue  last,
           HrSymbol symbol)
{
  HrValue shape = x;

  shape.symbols[shape.n_symbols - 1] = symbol;
  shape.count = last.count;
  shape.divisor = last.divisor;
  shape.heads_first = FALSE;

  return shape;
}

/* A matrix that takes the last dimension of @x to that of @out. */
static HrValue
make_matrix (HrReplay *replay,
             HrValue   x,
             HrValue   out,
             gboolean  is_trained)
{
  HrValue shape = HR_SHAPE (hr_tuning_get_element (replay->tuning), x.symbols[x.n_symbols - 1],
                            out.symbols[out.n_symbols - 1]);

  shape.count = x.count * out.count;
  shape.divisor = x.divisor * out.divisor;

  return is_trained ? hr_autograd_added (replay, shape) : shape;
}

/* result + lora_B (lora_A (dropout (x))) * scaling: peft/tuners/lora/layer.py, Linear.forward. */
static void
replay_lora (HrReplay            *replay,
             const HrTunedModule *tuned,
             HrValue              x,
             HrValue             *result)
{
  HrElement element = result->element;
  HrValue inner_shape = get_shape (x, HR_SHAPE (element), tuned->rank);
  HrValue out_shape = *result;
  HrValue cast = hr_op_cast (replay, x, hr_tuning_get_element (replay->tuning));
  HrValue input = hr_replay_hold (replay, cast);
  HrValue factor, inner, product, scaled;

  hr_op_dropout (replay, &input, hr_tuning_has_dropout (replay->tuning));
  factor = make_matrix (replay, x, inner_shape, tuned->by != HR_TUNED_BY_LORA_FA);
  inner = hr_op_linear_by (replay, input, "lora_A(x)", factor, HR_NO_VALUE, inner_shape);
  hr_replay_drop (replay, input);
  factor = make_matrix (replay, inner, out_shape, TRUE);
  product = hr_op_linear_by (replay, inner, "lora_B(…)", factor, HR_NO_VALUE, out_shape);
  hr_replay_drop (replay, inner);
  scaled = hr_op_unary (replay, HR_UNARY_MUL, "lora_B(…)·scaling", product);
  hr_replay_drop (replay, product);
  hr_replay_assign (replay, result, hr_op_binary (replay, HR_BINARY_ADD, "result", *result, scaled));
  hr_replay_drop (replay, scaled);
  hr_replay_assign (replay, result, hr_op_cast (replay, *result, element));
  hr_replay_drop (replay, cast);
}

/*
 * hr_replay_adapter:
 * @replay: a tape
 * @x: the input of a linear layer, which the caller holds
 * @module: which module of the block that runs it is
 * @result: (inout): the variable that holds its output
 *
 * What the method of fine-tuning does to a linear layer, if anything.
 */
void
hr_replay_adapter (HrReplay *replay,
                   HrValue   x,
                   HrModule  module,
                   HrValue  *result)
{
  const HrTunedModule *tuned = hr_tuning_find (replay->tuning, replay->block, module, replay->layer);

  if (tuned == NULL)
    return;

  switch (tuned->by)
    {
    case HR_TUNED_BY_LORA:
    case HR_TUNED_BY_LORA_FA:
      replay_lora (replay, tuned, x, result);
      break;

    case HR_TUNED_WHOLE:
    default:
      break;
    }
}
