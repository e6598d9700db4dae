/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-optimizer-private.h"

/* Optimizers that keep something for each element of a parameter. */

/* The count of steps, a scalar of fp32 on the device where the fused kernel reads it (torch/optim/adam.py). */
#define STEP_BYTES sizeof (float)

static guint64
count_none (const HrOptimizerSettings *settings,
            const HrTrainable         *parameter)
{
  return 0;
}

static guint64
count_one (const HrOptimizerSettings *settings,
           const HrTrainable         *parameter)
{
  return hr_trainable_get_bytes (parameter);
}

static guint64
count_two (const HrOptimizerSettings *settings,
           const HrTrainable         *parameter)
{
  return 2 * hr_trainable_get_bytes (parameter);
}

static guint64
count_fused (const HrOptimizerSettings *settings,
             const HrTrainable         *parameter)
{
  return 2 * hr_trainable_get_bytes (parameter) + hr_ledger_round (STEP_BYTES);
}

enum
{
  DENOMINATOR,
  UPDATE,
  MEAN,
  STEP_SIZE,
};

/* denom = (exp_avg_sq.sqrt () / bias_correction2_sqrt).add_ (eps) */
static void
step_adam (HrOptimizerTape   *tape,
           const HrTrainable *parameter)
{
  guint64 root = hr_tape_take (tape, hr_trainable_get_bytes (parameter));
  guint64 quotient = hr_tape_take (tape, hr_trainable_get_bytes (parameter));

  hr_tape_give (tape, root);
  hr_tape_assign (tape, DENOMINATOR, quotient);
}

/*
 * _multi_tensor_adam: the roots of all second moments of a dtype at once, while the variable still holds those of the
 * dtype before.
 */
void
hr_optimizer_adam_step_foreach (HrOptimizerTape    *tape,
                                const HrTrainables *parameters,
                                HrOptimizerFilter   filter)
{
  gboolean done[HR_ELEMENT_NONE] = { FALSE };

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      HrElement element = hr_trainables_get_item (parameters, i)->element;
      guint64 roots = 0;

      if (done[element])
        continue;

      done[element] = TRUE;
      for (guint j = i; j < hr_trainables_get_n_items (parameters); j++)
        {
          const HrTrainable *parameter = hr_trainables_get_item (parameters, j);

          if (parameter->element == element && (filter == NULL || !filter (tape->settings, parameter)))
            roots = hr_tape_take_list (tape, hr_trainable_get_bytes (parameter), parameter->copies, roots);
        }
      hr_tape_assign (tape, DENOMINATOR, roots);
    }
}

static void
step_adam_foreach (HrOptimizerTape    *tape,
                   const HrTrainables *parameters)
{
  hr_optimizer_adam_step_foreach (tape, parameters, NULL);
}

#define ADAM_SOURCE "torch/optim/adam.py: "

static const HrOptimizerAlgorithm adam_foreach = {
  .count_states = count_two, .step_all = step_adam_foreach, .operation = "_foreach_sqrt",
  .variable = "exp_avg_sq_sqrt", .source = ADAM_SOURCE "_multi_tensor_adam",
};

static const HrOptimizerAlgorithm adam_for_loop = {
  .count_states = count_two, .step = step_adam, .operation = "div", .variable = "denom",
  .source = ADAM_SOURCE "_single_tensor_adam",
};

static const HrOptimizerAlgorithm adam_fused = {
  .count_states = count_fused, .source = ADAM_SOURCE "_fused_adam",
};

/*
 * hr_optimizer_adam:
 * @implementation: which of torch's implementations
 *
 * Adam and AdamW keep two moments, each like its parameter. They differ in how weights decay, which takes nothing
 * where the decay is Adam's default of none.
 *
 * Returns: the algorithm
 */
const HrOptimizerAlgorithm *
hr_optimizer_adam (HrOptimizerImplementation implementation)
{
  switch (implementation)
    {
    case HR_OPTIMIZER_IMPLEMENTATION_FUSED:
      return &adam_fused;

    case HR_OPTIMIZER_IMPLEMENTATION_FOR_LOOP:
      return &adam_for_loop;

    case HR_OPTIMIZER_IMPLEMENTATION_AUTO:
    case HR_OPTIMIZER_IMPLEMENTATION_FOREACH:
    default:
      return &adam_foreach;
    }
}

/*
 * hr_optimizer_sgd:
 * @has_momentum: whether it has
 *
 * All of SGD's work is in place, in each of torch's implementations.
 *
 * Returns: the algorithm
 */
const HrOptimizerAlgorithm *
hr_optimizer_sgd (gboolean has_momentum)
{
  static const HrOptimizerAlgorithm plain = { .count_states = count_none, .source = "torch/optim/sgd.py" };
  static const HrOptimizerAlgorithm momentum = { .count_states = count_one, .source = "torch/optim/sgd.py" };

  return has_momentum ? &momentum : &plain;
}

/* update = exp_avg.clone ().mul_ (beta1).add (grad, …).sign_ (), in a function of its own */
static void
step_lion (HrOptimizerTape   *tape,
           const HrTrainable *parameter)
{
  guint64 clone = hr_tape_take (tape, hr_trainable_get_bytes (parameter));
  guint64 update = hr_tape_take (tape, hr_trainable_get_bytes (parameter));

  hr_tape_give (tape, clone);
  hr_tape_give (tape, update);
}

const HrOptimizerAlgorithm hr_optimizer_lion = {
  .count_states = count_one, .step = step_lion, .operation = "add", .variable = "update",
  .source = "lion_pytorch/lion_pytorch.py: update_fn",
};

/* ratio = (exp_avg.abs () / (rho * bs * hess + 1e-15)).clamp (None, 1); param.addcmul_ (exp_avg.sign (), ratio, …) */
static void
step_sophia (HrOptimizerTape   *tape,
             const HrTrainable *parameter)
{
  guint64 bytes = hr_trainable_get_bytes (parameter);
  guint64 absolute = hr_tape_take (tape, bytes);
  guint64 scaled = hr_tape_take (tape, bytes);
  guint64 shifted = hr_tape_take (tape, bytes);
  guint64 quotient, ratio;

  hr_tape_give (tape, scaled);
  quotient = hr_tape_take (tape, bytes);
  hr_tape_give (tape, absolute);
  hr_tape_give (tape, shifted);
  ratio = hr_tape_take (tape, bytes);
  hr_tape_give (tape, quotient);
  hr_tape_assign (tape, UPDATE, ratio);
  hr_tape_give (tape, hr_tape_take (tape, bytes));
}

const HrOptimizerAlgorithm hr_optimizer_sophia = {
  .count_states = count_two, .step = step_sophia, .operation = "add", .variable = "rho * bs * hess",
  .source = "sophia.py: _single_tensor_sophiag",
};

/* Adam-mini tells blocks apart by the names of parameters. */
typedef enum
{
  BLOCK_ELEMENT,    /* biases: a rate for each element */
  BLOCK_HEAD,       /* queries and keys: for each head */
  BLOCK_ROW,        /* other matrices: for each row */
  BLOCK_TENSOR,     /* norms and what is left */
} AdamMiniBlock;

static AdamMiniBlock
get_block (const HrOptimizerSettings *settings,
           const HrTrainable         *parameter)
{
  if (parameter->role == HR_TENSOR_ROLE_BIAS)
    return BLOCK_ELEMENT;
  if (!hr_trainable_is_matrix (parameter))
    return BLOCK_TENSOR;

  return settings->n_heads > 0 && (parameter->module == HR_MODULE_QUERY || parameter->module == HR_MODULE_KEY)
           ? BLOCK_HEAD
           : BLOCK_ROW;
}

/* How many rates a block has. A head has dim * dim / n_heads elements, where dim is the width of the model. */
static guint64
count_rates (const HrOptimizerSettings *settings,
             const HrTrainable         *parameter)
{
  guint64 width = hr_trainable_get_n_columns (parameter);

  switch (get_block (settings, parameter))
    {
    case BLOCK_HEAD:
      return MAX (parameter->n_elements / MAX (width * width / settings->n_heads, 1), 1);

    case BLOCK_ROW:
      return hr_trainable_get_n_rows (parameter);

    case BLOCK_ELEMENT:
      return parameter->n_elements;

    case BLOCK_TENSOR:
    default:
      return 1;
    }
}

static guint64
count_adam_mini (const HrOptimizerSettings *settings,
                 const HrTrainable         *parameter)
{
  return hr_trainable_get_bytes (parameter) +
         hr_ledger_round (count_rates (settings, parameter) * hr_element_get_bytes (parameter->element));
}

/* (state["v"].sqrt () / bias_correction_2_sqrt).add_ (eps), for biases */
static void
step_adam_mini_bias (HrOptimizerTape   *tape,
                     const HrTrainable *parameter)
{
  guint64 root = hr_tape_take (tape, hr_trainable_get_bytes (parameter));

  hr_tape_assign (tape, DENOMINATOR, hr_tape_take (tape, hr_trainable_get_bytes (parameter)));
  hr_tape_give (tape, root);
}

static void
step_adam_mini (HrOptimizerTape   *tape,
                const HrTrainable *parameter)
{
  guint64 bytes = hr_trainable_get_bytes (parameter);
  guint64 rates = count_rates (tape->settings, parameter) * hr_element_get_bytes (parameter->element);
  guint64 temporary;

  if (get_block (tape->settings, parameter) == BLOCK_ELEMENT)
    {
      step_adam_mini_bias (tape, parameter);
      return;
    }

  temporary = hr_tape_take (tape, bytes);
  hr_tape_assign (tape, MEAN, hr_tape_take (tape, rates));
  hr_tape_give (tape, temporary);
  temporary = hr_tape_take (tape, rates);
  hr_tape_assign (tape, DENOMINATOR, hr_tape_take (tape, rates));
  hr_tape_give (tape, temporary);
  hr_tape_assign (tape, STEP_SIZE, hr_tape_take (tape, rates));
  hr_tape_assign (tape, UPDATE, hr_tape_take (tape, bytes));
  hr_tape_give (tape, hr_tape_take (tape, bytes));
}

const HrOptimizerAlgorithm hr_optimizer_adam_mini = {
  .count_states = count_adam_mini, .step = step_adam_mini, .operation = "neg", .variable = "update",
  .source = "adam_mini/adam_mini.py: Adam_mini.step",
};
