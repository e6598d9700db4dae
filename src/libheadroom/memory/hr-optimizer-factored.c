/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-optimizer-private.h"

/* Optimizers that keep the second moment of a matrix as a row and a column. */

#define FLOAT sizeof (float)

/* The root mean square of a parameter, which Adafactor leaves among its states as a tensor. */
#define RMS_BYTES FLOAT

static guint64
get_row_bytes (const HrTrainable *parameter)
{
  return hr_ledger_round (hr_trainable_get_n_rows (parameter) * FLOAT);
}

/* grad_shape[:-2] + grad_shape[-1:] */
static guint64
get_column_bytes (const HrTrainable *parameter)
{
  return hr_ledger_round (parameter->n_elements / MAX (parameter->shape[parameter->n_dimensions - 2], 1) * FLOAT);
}

static guint64
count_factors (const HrTrainable *parameter)
{
  return hr_trainable_is_matrix (parameter) ? get_row_bytes (parameter) + get_column_bytes (parameter)
                                            : hr_trainable_get_bytes_as (parameter, FLOAT);
}

static guint64
count_adafactor (const HrOptimizerSettings *settings,
                 const HrTrainable         *parameter)
{
  return count_factors (parameter) + hr_ledger_round (RMS_BYTES);
}

enum
{
  GRADIENT,
  PARAMETER,
  UPDATE,
};

/* `x = y.float ()`, which is `y` itself where that is in fp32. */
static void
bind_fp32 (HrOptimizerTape   *tape,
           guint              variable,
           const HrTrainable *parameter)
{
  gboolean converts = hr_element_get_bytes (parameter->element) < FLOAT;

  hr_tape_assign (tape, variable, 0);
  if (converts)
    hr_tape_assign (tape, variable, hr_tape_take (tape, hr_trainable_get_bytes_as (parameter, FLOAT)));
}

/* update = (grad ** 2) + eps, of which rows and columns are averaged. */
static void
square (HrOptimizerTape   *tape,
        const HrTrainable *parameter)
{
  guint64 bytes = hr_trainable_get_bytes_as (parameter, FLOAT);
  guint64 power = hr_tape_take (tape, bytes);

  hr_tape_assign (tape, UPDATE, hr_tape_take (tape, bytes));
  hr_tape_give (tape, power);
}

/* _approx_sq_grad: the product of a factor for each row and one for each column. */
static void
approximate (HrOptimizerTape   *tape,
             const HrTrainable *parameter)
{
  guint64 bytes = hr_trainable_get_bytes_as (parameter, FLOAT);
  guint64 rows, columns;

  if (!hr_trainable_is_matrix (parameter))
    {
      hr_tape_assign (tape, UPDATE, hr_tape_take (tape, bytes));
      return;
    }

  rows = hr_tape_take (tape, get_row_bytes (parameter));
  columns = hr_tape_take (tape, get_column_bytes (parameter));
  hr_tape_assign (tape, UPDATE, hr_tape_take (tape, bytes));
  hr_tape_give (tape, columns);
  hr_tape_give (tape, rows);
}

static void
step_adafactor (HrOptimizerTape   *tape,
                const HrTrainable *parameter)
{
  bind_fp32 (tape, GRADIENT, parameter);
  bind_fp32 (tape, PARAMETER, parameter);
  square (tape, parameter);
  approximate (tape, parameter);
  hr_tape_give (tape, hr_tape_take (tape, hr_trainable_get_bytes_as (parameter, FLOAT)));
}

const HrOptimizerAlgorithm hr_optimizer_adafactor = {
  .count_states = count_adafactor, .step = step_adafactor, .operation = "mul", .variable = "update",
  .source = "transformers/optimization.py: Adafactor.step",
};

/* AdaLomo keeps both factors in fp32, whatever the parameters are held in. */
static guint64
count_adalomo (const HrOptimizerSettings *settings,
               const HrTrainable         *parameter)
{
  return count_factors (parameter);
}

static guint64
count_none (const HrOptimizerSettings *settings,
            const HrTrainable         *parameter)
{
  return 0;
}

const HrOptimizerAlgorithm hr_optimizer_lomo = {
  .count_states = count_none, .fused = hr_optimizer_fuse_lomo, .source = "lomo_optim/lomo.py: Lomo.fuse_update",
};

const HrOptimizerAlgorithm hr_optimizer_adalomo = {
  .count_states = count_adalomo, .fused = hr_optimizer_fuse_adalomo,
  .source = "lomo_optim/adalomo.py: AdaLomo.fuse_update",
};

/* torch.optim.Adafactor: both factors in the dtype of the gradient, and the whole second moment of a vector. */
static guint64
get_own_row_bytes (const HrTrainable *parameter)
{
  return hr_ledger_round (hr_trainable_get_n_rows (parameter) * hr_element_get_bytes (parameter->element));
}

static guint64
get_own_column_bytes (const HrTrainable *parameter)
{
  return hr_ledger_round (parameter->n_elements / MAX (parameter->shape[parameter->n_dimensions - 2], 1) *
                          hr_element_get_bytes (parameter->element));
}

static guint64
count_torch (const HrOptimizerSettings *settings,
             const HrTrainable         *parameter)
{
  return hr_trainable_is_matrix (parameter) ? get_own_row_bytes (parameter) + get_own_column_bytes (parameter)
                                            : hr_trainable_get_bytes (parameter);
}

/* row_var.mean (dim=-2): one number for each matrix. */
static guint64
get_mean_bytes (const HrTrainable *parameter)
{
  guint64 n_matrices = hr_trainable_get_n_rows (parameter) / MAX (parameter->shape[parameter->n_dimensions - 2], 1);

  return hr_ledger_round (n_matrices * hr_element_get_bytes (parameter->element));
}

enum
{
  ESTIMATE,
  ROW_MEAN,
  COLUMN_MEAN,
  SQUARED,
};

static void
step_torch (HrOptimizerTape   *tape,
            const HrTrainable *parameter)
{
  guint64 bytes = hr_trainable_get_bytes (parameter);

  if (!hr_trainable_is_matrix (parameter))
    {
      hr_tape_assign (tape, SQUARED, hr_tape_take (tape, bytes));
      hr_tape_assign (tape, ESTIMATE, hr_tape_take (tape, bytes));
      return;
    }

  hr_tape_assign (tape, ROW_MEAN, hr_tape_take (tape, get_own_row_bytes (parameter)));
  hr_tape_assign (tape, COLUMN_MEAN, hr_tape_take (tape, get_own_column_bytes (parameter)));
  bytes = hr_tape_take (tape, bytes);
  hr_tape_give (tape, hr_tape_take (tape, get_mean_bytes (parameter)));
  hr_tape_assign (tape, ESTIMATE, bytes);
}

typedef guint64 (*GetBytes) (const HrTrainable *parameter);

/* A list with a tensor for each parameter of a group. */
static guint64
take_group (HrOptimizerTape    *tape,
            const HrTrainables *parameters,
            HrElement           element,
            gboolean            matrices,
            GetBytes            get_bytes)
{
  guint64 list = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);

      if (parameter->element == element && hr_trainable_is_matrix (parameter) == matrices)
        list = hr_tape_take_list (tape, get_bytes (parameter), parameter->copies, list);
    }

  return list;
}

/* All matrices of a dtype at once, then all vectors, while the variable still holds what was made of the others. */
static void
step_torch_group (HrOptimizerTape    *tape,
                  const HrTrainables *parameters,
                  HrElement           element,
                  gboolean            matrices)
{
  guint64 estimates;

  if (!matrices)
    {
      hr_tape_give (tape, take_group (tape, parameters, element, FALSE, hr_trainable_get_bytes));
      hr_tape_assign (tape, ESTIMATE, take_group (tape, parameters, element, FALSE, hr_trainable_get_bytes));
      return;
    }

  estimates = take_group (tape, parameters, element, TRUE, hr_trainable_get_bytes);
  hr_tape_assign (tape, ESTIMATE, 0);
  hr_tape_give (tape, take_group (tape, parameters, element, TRUE, get_mean_bytes));
  hr_tape_assign (tape, ESTIMATE, estimates);
}

static void
step_torch_foreach (HrOptimizerTape    *tape,
                    const HrTrainables *parameters)
{
  gboolean done[HR_ELEMENT_NONE][2] = { { FALSE } };

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);
      gboolean is_matrix = hr_trainable_is_matrix (parameter);

      if (done[parameter->element][is_matrix])
        continue;

      done[parameter->element][is_matrix] = TRUE;
      step_torch_group (tape, parameters, parameter->element, is_matrix);
    }
}

static const HrOptimizerAlgorithm torch_foreach = {
  .count_states = count_torch, .step_all = step_torch_foreach, .operation = "mm", .variable = "var_estimates",
  .source = "torch/optim/_adafactor.py: _multi_tensor_adafactor",
};

static const HrOptimizerAlgorithm torch_for_loop = {
  .count_states = count_torch, .step = step_torch, .operation = "mm", .variable = "var_estimate",
  .source = "torch/optim/_adafactor.py: _single_tensor_adafactor",
};

/*
 * hr_optimizer_torch_adafactor:
 * @implementation: which of torch's implementations; there is no fused one
 *
 * Returns: the algorithm
 */
const HrOptimizerAlgorithm *
hr_optimizer_torch_adafactor (HrOptimizerImplementation implementation)
{
  return implementation == HR_OPTIMIZER_IMPLEMENTATION_FOR_LOOP ? &torch_for_loop : &torch_foreach;
}
