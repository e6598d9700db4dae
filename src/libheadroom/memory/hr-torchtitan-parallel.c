/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-torchtitan-parallel.h"

#include "hr-operator.h"
#include "hr-replay-collective.h"

/*
 * Tensor parallelism of torchtitan (commit b5bcd76c, with spmd_types 0.2.3): parameters and what is computed are plain
 * tensors, of which each rank has its part, and collectives stand where modules begin and end
 * (torchtitan/models/common/decoder_sharding.py, spmd_redistribute_per_axis of torchtitan/distributed/spmd_types.py).
 */

/* convert (I → R) of spmd_types/_local.py, whose derivative adds up a copy of what each rank has. */
static void
use_on_each (HrReplay *replay,
             HrValue  *x)
{
  HrValue result = hr_op_view (replay, *x, hr_value_detach (*x));

  hr_op_record (replay, &result, HR_GRADIENT_LIKE_INPUT, "all_reduce", x, 1);
  hr_replay_assign (replay, x, result);
}

/*
 * hr_torchtitan_gather:
 * @replay: a tape
 * @x: (inout): what a rank has between the modules, of which its matrices read all tokens
 *
 * What goes into a module whose matrices are divided by their outputs: all tokens of all ranks, which autograd keeps.
 */
void
hr_torchtitan_gather (HrReplay *replay,
                      HrValue  *x)
{
  if (!replay->divides_layers)
    return;

  if (replay->divides_sequence)
    hr_collective_gather (replay, x);
  else
    use_on_each (replay, x);
}

/* _AllReduce of spmd_types/_collectives.py sums up a copy. */
static void
add_up (HrReplay *replay,
        HrValue  *x)
{
  HrValue result = hr_op_like (replay, "all_reduce", "output", *x);

  hr_op_record (replay, &result, HR_GRADIENT_HELD, "all_reduce", x, 1);
  hr_replay_assign (replay, x, result);
}

/*
 * hr_torchtitan_reduce:
 * @replay: a tape
 * @x: (inout): what a rank adds to what comes out of a module
 *
 * Adds up what the ranks have made; with sequence parallelism each keeps the tokens that are its own.
 */
void
hr_torchtitan_reduce (HrReplay *replay,
                      HrValue  *x)
{
  if (!replay->divides_layers)
    return;

  if (replay->divides_sequence)
    hr_collective_scatter (replay, x);
  else
    add_up (replay, x);
}

/* `x * mask`, of which the mask alone is kept. */
static void
mask_rows (HrReplay *replay,
           HrValue  *x,
           HrValue   mask)
{
  HrValue result = hr_op_like (replay, "mul", "out * mask", hr_value_detach (*x));

  if (hr_op_record (replay, &result, HR_GRADIENT_LIKE_INPUT, "mul", x, 1))
    hr_autograd_save (replay, result, mask);
  hr_replay_assign (replay, x, result);
}

/*
 * hr_torchtitan_embed:
 * @replay: a tape
 * @table: the rows of the table that the rank has
 * @shape: what the whole table makes of all tokens
 *
 * Embedding.forward of torchtitan/models/common/embedding.py: tokens whose rows other ranks have become zeros.
 *
 * Returns: the embeddings, in one piece with what other ranks have looked up
 */
HrValue
hr_torchtitan_embed (HrReplay *replay,
                     HrValue   table,
                     HrValue   shape)
{
  HrValue row = HR_SHAPE (HR_ELEMENT_BOOL, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrValue numbers = HR_SHAPE (HR_ELEMENT_INT64, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE);
  HrValue above = hr_op_like (replay, "ge", "input >= offset", row);
  HrValue below = hr_op_like (replay, "lt", "input < offset + rows", row);
  HrValue mask = hr_op_like (replay, "bitwise_and", "mask", row);
  HrValue own, result, factors;

  hr_replay_drop (replay, below);
  hr_replay_drop (replay, above);
  own = hr_op_like (replay, "sub", "input - offset", numbers);
  hr_replay_assign (replay, &own, hr_op_like (replay, "clamp", "local_input", numbers));
  result = hr_op_embedding (replay, "out", own, table, shape);
  row.element = shape.element;
  factors = hr_op_like (replay, "_to_copy", "mask", row);
  mask_rows (replay, &result, factors);
  hr_replay_drop (replay, factors);
  hr_replay_drop (replay, own);
  hr_replay_drop (replay, mask);
  hr_torchtitan_reduce (replay, &result);

  return result;
}

/* A number of each token. */
static HrValue
make_row (HrReplay   *replay,
          const char *operation,
          const char *name,
          HrElement   element)
{
  return hr_op_like (replay, operation, name, HR_SHAPE (element, HR_SYMBOL_BATCH, HR_SYMBOL_SEQUENCE));
}

/* Which row of the rank's part is right, and which tokens have none there. */
typedef struct
{
  HrValue safe_labels;
  HrValue out_of_range;
  HrValue local_labels;
} Labels;

static Labels
find_labels (HrReplay *replay)
{
  Labels self;
  HrValue counts = make_row (replay, "ne", "labels != IGNORE_INDEX", HR_ELEMENT_BOOL);
  HrValue below, above;

  self.safe_labels = make_row (replay, "where", "safe_labels", HR_ELEMENT_INT64);
  hr_replay_drop (replay, counts);
  below = make_row (replay, "lt", "safe_labels < vocab_start", HR_ELEMENT_BOOL);
  above = make_row (replay, "ge", "safe_labels >= vocab_end", HR_ELEMENT_BOOL);
  self.out_of_range = make_row (replay, "bitwise_or", "out_of_range", HR_ELEMENT_BOOL);
  hr_replay_drop (replay, above);
  hr_replay_drop (replay, below);
  self.local_labels = make_row (replay, "sub", "local_labels", HR_ELEMENT_INT64);

  return self;
}

static void
drop_labels (HrReplay *replay,
             Labels   *self)
{
  hr_replay_drop (replay, self->local_labels);
  hr_replay_drop (replay, self->out_of_range);
  hr_replay_drop (replay, self->safe_labels);
}

/* _LossParallelCrossEntropy.backward: (zeros with -1 where the label is + exp (log_probs)) * grad_output. */
static void
backward_loss (HrReplay     *replay,
               const HrNode *node,
               HrValue       gradient,
               HrValue      *gradients)
{
  Labels labels = find_labels (replay);
  HrValue zeros = hr_op_make_gradient (replay, "zeros_like", node->inputs[0]);
  HrValue indices = make_row (replay, "arange", "row_idx", HR_ELEMENT_INT64);
  HrValue updates = make_row (replay, "sub", "grad_update", HR_ELEMENT_FLOAT32);
  HrValue counts = make_row (replay, "ne", "labels != IGNORE_INDEX", HR_ELEMENT_BOOL);
  HrValue factors = make_row (replay, "where", "grad_output", HR_ELEMENT_FLOAT32);
  HrValue softmax, sum;

  hr_replay_drop (replay, counts);
  softmax = hr_op_make_gradient (replay, "exp", node->inputs[0]);
  sum = hr_op_make_gradient (replay, "add", node->inputs[0]);
  hr_replay_drop (replay, softmax);
  gradients[0] = hr_op_make_gradient (replay, "mul", node->inputs[0]);
  hr_replay_drop (replay, sum);
  hr_replay_drop (replay, factors);
  hr_replay_drop (replay, updates);
  hr_replay_drop (replay, indices);
  hr_replay_drop (replay, zeros);
  drop_labels (replay, &labels);
}

/* A number of each token, and the sum or maximum of what the ranks have, which is another tensor. */
static HrValue
reduce_rows (HrReplay   *replay,
             const char *operation,
             const char *name)
{
  HrValue own = make_row (replay, operation, name, HR_ELEMENT_FLOAT32);
  HrValue all = make_row (replay, "all_reduce", name, HR_ELEMENT_FLOAT32);

  hr_replay_drop (replay, own);

  return all;
}

/* The logarithm of the probabilities of the rank's part, and rows that go when the loss is there. */
static HrValue
compute_probabilities (HrReplay *replay,
                       HrValue   logits,
                       HrValue  *shifted,
                       HrValue  *rows)
{
  HrValue shape = hr_value_detach (logits);
  HrValue exponentials, sums, logarithms, probabilities;

  rows[0] = reduce_rows (replay, "amax", "local_max");
  *shifted = hr_op_like (replay, "sub", "shifted", shape);
  exponentials = hr_op_like (replay, "exp", "exp(shifted)", shape);
  sums = make_row (replay, "sum", "shifted_sumexp", HR_ELEMENT_FLOAT32);
  hr_replay_drop (replay, exponentials);
  rows[1] = make_row (replay, "all_reduce", "shifted_sumexp", HR_ELEMENT_FLOAT32);
  hr_replay_drop (replay, sums);
  logarithms = make_row (replay, "log", "log(shifted_sumexp)", HR_ELEMENT_FLOAT32);
  probabilities = hr_op_like (replay, "sub", "log_probs", shape);
  hr_replay_drop (replay, logarithms);

  return probabilities;
}

/* _LossParallelCrossEntropy.forward */
static HrValue
compute_loss (HrReplay *replay,
              HrValue   logits)
{
  HrValue shifted, probabilities, own, result, counts, loss;
  HrValue rows[3];
  Labels labels;

  probabilities = compute_probabilities (replay, logits, &shifted, rows);
  labels = find_labels (replay);
  rows[2] = reduce_rows (replay, "gather", "local_result");
  own = make_row (replay, "neg", "result", HR_ELEMENT_FLOAT32);
  counts = make_row (replay, "ne", "labels != IGNORE_INDEX", HR_ELEMENT_BOOL);
  result = make_row (replay, "where", "result", HR_ELEMENT_FLOAT32);
  hr_replay_drop (replay, counts);
  hr_replay_drop (replay, own);
  loss = hr_op_like (replay, "sum", "loss", HR_SHAPE (HR_ELEMENT_FLOAT32));
  if (hr_autograd_record (replay, &loss, backward_loss, &logits, 1))
    hr_autograd_save (replay, loss, probabilities);
  hr_replay_drop (replay, result);
  for (guint i = G_N_ELEMENTS (rows); i-- > 0;)
    hr_replay_drop (replay, rows[i]);
  drop_labels (replay, &labels);
  hr_replay_drop (replay, probabilities);
  hr_replay_drop (replay, shifted);

  return loss;
}

/*
 * hr_torchtitan_loss:
 * @replay: a tape
 * @logits: the logits of the rows that the rank has, which the caller holds
 *
 * CrossEntropyLoss of torchtitan/components/loss.py where ranks share the vocabulary: _LossParallelCrossEntropy, whose
 * statements each make a tensor.
 *
 * Returns: the loss
 */
HrValue
hr_torchtitan_loss (HrReplay *replay,
                    HrValue   logits)
{
  HrStretch stretch;
  HrValue wide, loss;

  hr_replay_begin (replay, &stretch, "loss", -1);
  replay->component = HR_COMPONENT_LOGITS;
  replay->sentence = N_("in the loss, while the logits, their copy in fp32, what that is above its largest and its "
                        "log-softmax are alive");
  wide = hr_op_cast (replay, logits, HR_ELEMENT_FLOAT32);
  loss = compute_loss (replay, wide);
  hr_replay_drop (replay, wide);
  replay->component = HR_COMPONENT_ACTIVATIONS;
  hr_replay_end (replay);

  return loss;
}
