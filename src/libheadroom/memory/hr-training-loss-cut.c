/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-training-loss.h"

#include "hr-operator.h"

/*
 * Cut cross entropy (apple/ml-cross-entropy, cut_cross_entropy/cce.py, 25.6.4): no logits are ever made. What the
 * kernels make is counted for labels that are all valid, as each of a batch without padding is.
 */

/* Where the derivative finds what was kept. */
enum
{
  SAVED_HIDDEN,
  SAVED_WEIGHT,
  SAVED_SUMS,
  SAVED_VALIDS,
  SAVED_AVERAGES,
};

static HrValue
make (HrReplay   *replay,
      const char *operation,
      HrValue     shape)
{
  return hr_op_like (replay, operation, operation, shape);
}

/* The order of the vocabulary, by its average logits (sort_logit_avg): values, and indices that become int32. */
static HrValue
sort_averages (HrReplay *replay,
               HrValue   averages)
{
  HrValue shape = averages;
  HrValue values, indices, order;

  values = make (replay, "sort", shape);
  shape.element = HR_ELEMENT_INT64;
  indices = make (replay, "sort", shape);
  hr_replay_drop (replay, values);
  shape.element = HR_ELEMENT_INT32;
  order = make (replay, "_to_copy", shape);
  hr_replay_drop (replay, indices);

  return order;
}

/* What was kept is what autocast made, whose gradient is cast back. */
static void
cast_back (HrReplay *replay,
           HrValue  *gradient,
           HrValue   input)
{
  if (gradient->storage < 0 || gradient->element == input.element)
    return;

  hr_replay_assign (replay, gradient, hr_op_cast (replay, *gradient, input.element));
}

/*
 * cce_backward_kernel of cut_cross_entropy/cce_backward.py: both gradients and the locks of their blocks, until the
 * function ends.
 */
static void
backward_cut (HrReplay     *replay,
              const HrNode *node,
              HrValue       gradient,
              HrValue      *gradients)
{
  HrValue order = sort_averages (replay, hr_value_detach (node->saved[SAVED_AVERAGES]));
  HrValue input_locks = HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_TOKEN_BLOCKS, HR_SYMBOL_WIDTH_BLOCKS);
  HrValue weight_locks = HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_VOCABULARY_BLOCKS, HR_SYMBOL_WIDTH_BLOCKS);
  gboolean needs[2];

  (void) gradient;

  for (guint i = 0; i < G_N_ELEMENTS (needs); i++)
    {
      HrValue shape = node->inputs[i];

      needs[i] = hr_value_needs_gradient (node->inputs[i]);
      shape.element = node->saved[i].element;
      if (needs[i])
        gradients[i] = hr_op_make_gradient (replay, "zeros_like", shape);
    }
  input_locks = needs[SAVED_HIDDEN] ? make (replay, "new_zeros", input_locks) : HR_NO_VALUE;
  weight_locks = needs[SAVED_WEIGHT] ? make (replay, "new_zeros", weight_locks) : HR_NO_VALUE;
  for (guint i = G_N_ELEMENTS (needs); i-- > 0; )
    cast_back (replay, &gradients[i], node->inputs[i]);
  gradients[SAVED_HIDDEN].is_view = TRUE;
  hr_replay_drop (replay, weight_locks);
  hr_replay_drop (replay, input_locks);
  hr_replay_drop (replay, order);
}

/* _build_flat_valids of cut_cross_entropy/utils.py: which labels but the first of each sequence are not left out. */
static HrValue
find_valid (HrReplay *replay,
            HrValue   rows)
{
  HrValue pairs = rows;
  HrValue mask, places, narrow, valids;

  rows.element = HR_ELEMENT_BOOL;
  mask = make (replay, "ne", rows);
  pairs.element = HR_ELEMENT_INT64;
  pairs.count = 2;
  places = make (replay, "nonzero", pairs);
  hr_replay_drop (replay, mask);
  pairs.element = HR_ELEMENT_INT32;
  narrow = make (replay, "_to_copy", pairs);
  hr_replay_drop (replay, places);
  rows.element = HR_ELEMENT_INT64;
  valids = make (replay, "sum", rows);
  hr_replay_drop (replay, narrow);

  return valids;
}

static guint64
divide_up (guint64 n,
           guint64 by)
{
  return (n + by - 1) / by;
}

/* The blocks that have a lock each. */
static void
set_symbols (HrReplay *replay,
             HrValue   hidden,
             HrValue   rows)
{
  HrSymbol width = hidden.symbols[hidden.n_symbols - 1];

  replay->symbols[HR_SYMBOL_TOKEN_BLOCKS] = divide_up (hr_value_get_elements (rows, replay->symbols), 128);
  replay->symbols[HR_SYMBOL_VOCABULARY_BLOCKS] = divide_up (replay->symbols[HR_SYMBOL_VOCABULARY], 128);
  replay->symbols[HR_SYMBOL_WIDTH_BLOCKS] = divide_up (replay->symbols[width], 64);
}

/* In a function of its own autocast's cache holds nothing: `c.to (dtype)`. */
static HrValue
cast_down (HrReplay *replay,
           HrValue   x)
{
  return hr_op_cast_down (replay, hr_value_detach (x));
}

/*
 * hr_training_loss_cut:
 * @replay: a tape
 * @hidden: the last hidden states, which the caller holds
 * @weight: the matrix of the output head
 * @softcap: whether logits are capped
 *
 * LinearCrossEntropyFunction of cut_cross_entropy/cce.py, as apply_lce of cut_cross_entropy/transformers/utils.py calls
 * it: of each row the logarithm of the sum of exponentials is kept, and the average logit of each entry of the
 * vocabulary, by which the derivative leaves out what is small (filter_eps).
 *
 * Returns: the loss
 */
HrValue
hr_training_loss_cut (HrReplay *replay,
                      HrValue   hidden,
                      HrValue   weight,
                      gboolean  softcap)
{
  const HrValue inputs[] = { hidden, weight };
  HrValue rows = HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_BATCH, HR_SYMBOL_EARLIER);
  HrGraph *graph = g_steal_pointer (&replay->graph);
  HrValue valids, e, c, sums, locks, averages, products, loss;

  replay->symbols[HR_SYMBOL_EARLIER] = replay->symbols[HR_SYMBOL_SEQUENCE] - 1;
  set_symbols (replay, hidden, rows);
  valids = find_valid (replay, rows);
  e = cast_down (replay, hidden);
  c = cast_down (replay, weight);
  sums = make (replay, "new_full", rows);
  locks = make (replay, "new_full", HR_SHAPE (HR_ELEMENT_INT32, HR_SYMBOL_TOKEN_BLOCKS));
  averages = make (replay, "new_full", HR_SHAPE (HR_ELEMENT_FLOAT32, HR_SYMBOL_VOCABULARY));
  hr_replay_drop (replay, locks);
  products = make (replay, "new_zeros", rows);
  if (softcap)
    hr_replay_assign (replay, &products, make (replay, "mul", rows));
  loss = hr_op_like (replay, "mean", "loss", HR_SHAPE (HR_ELEMENT_FLOAT32));
  replay->graph = graph;
  if (hr_autograd_record (replay, &loss, backward_cut, inputs, G_N_ELEMENTS (inputs)))
    {
      const HrValue saved[] = { e, c, sums, valids, averages };

      for (guint i = 0; i < G_N_ELEMENTS (saved); i++)
        hr_autograd_save (replay, loss, saved[i]);
      /* The options of the function hold it as well (ctx.params). */
      hr_autograd_hold (replay, valids);
    }
  hr_replay_drop (replay, products);
  hr_replay_drop (replay, averages);
  hr_replay_drop (replay, sums);
  hr_replay_drop (replay, c);
  hr_replay_drop (replay, e);
  hr_replay_drop (replay, valids);

  return loss;
}
