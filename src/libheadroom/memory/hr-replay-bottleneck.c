/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-replay-bottleneck.h"

#include "hr-operator.h"
#include "hr-tuning.h"

/* The adapters of Houlsby et al., arXiv:1902.00751, as the library adapters of AdapterHub has them. */

/* A linear layer with a bias, both of which are trained. */
static HrValue
run_projection (HrReplay   *replay,
                const char *name,
                HrValue     x,
                HrSymbol    out_features)
{
  HrElement element = hr_tuning_get_element (replay->tuning);
  HrValue weight = hr_autograd_added (replay, HR_SHAPE (element, x.symbols[x.n_symbols - 1], out_features));
  HrValue bias = hr_autograd_added (replay, HR_SHAPE (element, out_features));
  HrValue out = hr_value_detach (x);

  out.symbols[out.n_symbols - 1] = out_features;

  return hr_op_linear_by (replay, x, name, weight, bias, out);
}

/*
 * hr_replay_bottleneck:
 * @replay: a tape
 * @x: (inout): the variable that holds what the last projection of an attention or of a perceptron has made
 *
 * What an adapter makes of it, where there is one: `x + scaling * up (act (down (x)))`, with a scale of 1 that is
 * multiplied with all the same (Adapter.forward of src/adapters/methods/modeling.py). It is hooked behind the
 * projection; the model adds the residual afterwards (init_bottleneck of src/adapters/methods/bottleneck.py).
 */
void
hr_replay_bottleneck (HrReplay *replay,
                      HrValue  *x)
{
  HrSymbol width = hr_tuning_get_bottleneck (replay->tuning);
  HrValue down, up;

  if (width == HR_SYMBOL_ONE)
    return;

  replay->sentence = NULL;
  down = run_projection (replay, "adapter_down(x)", *x, width);
  hr_replay_assign (replay, &down, hr_op_unary (replay, HR_UNARY_SILU, "act(adapter_down(x))", down));
  up = run_projection (replay, "adapter_up(…)", down, x->symbols[x->n_symbols - 1]);
  hr_replay_assign (replay, &up, hr_op_unary (replay, HR_UNARY_MUL, "adapter_up(…)·scaling", up));
  hr_replay_assign (replay, x, hr_op_binary (replay, HR_BINARY_ADD, "hidden_states", up, *x));
  hr_replay_drop (replay, up);
  hr_replay_drop (replay, down);
}
