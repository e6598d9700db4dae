/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-optimizer-private.h"

/* Optimizers that treat the matrices of hidden layers apart from all other parameters. */

#define FLOAT sizeof (float)
#define BFLOAT16 2

/*
 * hr_optimizer_muon_takes:
 * @settings: Muon
 * @parameter: a parameter
 *
 * Tells whether a parameter is orthogonalized.
 *
 * torch/optim/_muon.py takes matrices of two dimensions only, and leaves embeddings and the head to AdamW. So does
 * Megatron-LM (is_managed_by_layer_wise_optimizer of megatron/core/optimizer/layer_wise_optimizer.py), but for learned
 * positions, which it orthogonalizes; the matrices of its experts are parameters of their own.
 *
 * Returns: whether it is, and is not left to AdamW
 */
gboolean
hr_optimizer_muon_takes (const HrOptimizerSettings *settings,
                         const HrTrainable         *parameter)
{
  if (settings->is_megatron && (parameter->role == HR_TENSOR_ROLE_EXPERT || parameter->is_of_positions))
    return TRUE;

  return parameter->n_dimensions == 2 &&
         (parameter->role == HR_TENSOR_ROLE_LINEAR || parameter->role == HR_TENSOR_ROLE_ROUTER);
}

/* Experts of a layer, each of which is stepped by itself. */
static guint64
count_matrices (const HrTrainable *parameter)
{
  return parameter->n_dimensions == 3 ? parameter->shape[0] : 1;
}

static guint64
count_muon (const HrOptimizerSettings *settings,
            const HrTrainable         *parameter)
{
  return (hr_optimizer_muon_takes (settings, parameter) ? 1 : 2) * hr_trainable_get_bytes (parameter);
}

enum
{
  UPDATE,
  ORTHOGONAL,
  GRAM,
  GRAM_UPDATE,
};

#define NEWTON_SCHULZ_STEPS 5

static void
iterate_newton_schulz (HrOptimizerTape   *tape,
                       const HrTrainable *parameter)
{
  guint64 rank = MIN (parameter->shape[parameter->n_dimensions - 2], parameter->shape[parameter->n_dimensions - 1]);
  guint64 bytes = hr_trainable_get_bytes_as (parameter, BFLOAT16) / count_matrices (parameter);

  for (guint i = 0; i < NEWTON_SCHULZ_STEPS; i++)
    {
      hr_tape_assign (tape, GRAM, hr_tape_take (tape, rank * rank * BFLOAT16));
      hr_tape_assign (tape, GRAM_UPDATE, hr_tape_take (tape, rank * rank * BFLOAT16));
      hr_tape_assign (tape, ORTHOGONAL, hr_tape_take (tape, bytes));
    }
}

/* The argument of the iteration stays with the caller, which binds its variable to the result. */
static void
step_muon (HrOptimizerTape   *tape,
           const HrTrainable *parameter)
{
  guint64 n = count_matrices (parameter);
  guint64 orthogonal;

  hr_tape_assign (tape, UPDATE, hr_tape_take (tape, hr_trainable_get_bytes (parameter) / n));
  if (parameter->element != HR_ELEMENT_BFLOAT16)
    hr_tape_assign (tape, ORTHOGONAL, hr_tape_take (tape, hr_trainable_get_bytes_as (parameter, BFLOAT16) / n));
  iterate_newton_schulz (tape, parameter);
  orthogonal = tape->variables[ORTHOGONAL];
  tape->variables[ORTHOGONAL] = 0;
  hr_tape_assign (tape, GRAM, 0);
  hr_tape_assign (tape, GRAM_UPDATE, 0);
  hr_tape_assign (tape, UPDATE, orthogonal);
}

static void
step_muon_all (HrOptimizerTape    *tape,
               const HrTrainables *parameters)
{
  hr_tape_run (tape, parameters, hr_optimizer_muon_takes, TRUE, step_muon);
  hr_tape_clear (tape);
  hr_optimizer_adam_step_foreach (tape, parameters, hr_optimizer_muon_takes);
}

const HrOptimizerAlgorithm hr_optimizer_muon = {
  .count_states = count_muon, .step_all = step_muon_all, .operation = "addmm", .variable = "ortho_grad",
  .source = "torch/optim/_muon.py: _single_tensor_muon; torch/optim/adamw.py for embeddings, head and vectors",
};

/* torchrun_main.py of GaLore and of APOLLO: the linear layers of attention and perceptron. */
static gboolean
is_projected (const HrOptimizerSettings *settings,
              const HrTrainable         *parameter)
{
  return parameter->n_dimensions == 2 && parameter->role == HR_TENSOR_ROLE_LINEAR;
}

/* A tall matrix is projected from the right, a wide one from the left. */
static guint64
get_rank (const HrOptimizerSettings *settings,
          const HrTrainable         *parameter)
{
  return MIN (settings->rank, MIN (parameter->shape[0], parameter->shape[1]));
}

static guint64
get_projected_elements (const HrOptimizerSettings *settings,
                        const HrTrainable         *parameter)
{
  return get_rank (settings, parameter) * MAX (parameter->shape[0], parameter->shape[1]);
}

/* The narrow side, by which the rank is multiplied in a projector. */
static guint64
get_projector_elements (const HrOptimizerSettings *settings,
                        const HrTrainable         *parameter)
{
  return get_rank (settings, parameter) * MIN (parameter->shape[0], parameter->shape[1]);
}

static guint64
get_projected_bytes (const HrOptimizerSettings *settings,
                     const HrTrainable         *parameter)
{
  return hr_ledger_round (get_projected_elements (settings, parameter) * hr_element_get_bytes (parameter->element));
}

/*
 * GaLoreProjector.get_orthogonal_matrix: rows of Vh or columns of U. In fp32 they are a view, which keeps all of the
 * factor: a square on the narrow side.
 */
static guint64
get_galore_projector_bytes (const HrOptimizerSettings *settings,
                            const HrTrainable         *parameter)
{
  guint64 narrow = MIN (parameter->shape[0], parameter->shape[1]);

  if (parameter->element == HR_ELEMENT_FLOAT32)
    return hr_ledger_round (narrow * narrow * FLOAT);

  return hr_ledger_round (get_projector_elements (settings, parameter) * hr_element_get_bytes (parameter->element));
}

static guint64
count_galore (const HrOptimizerSettings *settings,
              const HrTrainable         *parameter)
{
  if (!is_projected (settings, parameter))
    return 2 * hr_trainable_get_bytes (parameter);

  return 2 * get_projected_bytes (settings, parameter) + get_galore_projector_bytes (settings, parameter);
}

enum
{
  GRADIENT,
  DENOMINATOR,
  NORMALIZED,
  SCALED,
  FACTOR,
};

/* denom = exp_avg_sq.sqrt ().add_ (eps); norm_grad = exp_avg / denom */
static void
normalize (HrOptimizerTape *tape,
           guint64          bytes)
{
  hr_tape_assign (tape, DENOMINATOR, hr_tape_take (tape, bytes));
  hr_tape_assign (tape, NORMALIZED, hr_tape_take (tape, bytes));
}

/* torch.linalg.svd (matrix.float (), full_matrices=False): U, s and Vh, of which a part is kept. */
static void
renew_galore_projector (HrOptimizerTape   *tape,
                        const HrTrainable *parameter)
{
  guint64 narrow = MIN (parameter->shape[0], parameter->shape[1]);
  guint64 matrix = 0, kept = 0, left, right, values;

  if (parameter->element != HR_ELEMENT_FLOAT32)
    matrix = hr_tape_take (tape, hr_trainable_get_bytes_as (parameter, FLOAT));
  left = hr_tape_take (tape, parameter->shape[0] * narrow * FLOAT);
  values = hr_tape_take (tape, narrow * FLOAT);
  right = hr_tape_take (tape, narrow * parameter->shape[1] * FLOAT);
  if (parameter->element != HR_ELEMENT_FLOAT32)
    kept = hr_tape_take (tape, get_galore_projector_bytes (tape->settings, parameter));
  hr_tape_give (tape, matrix + left + values + right + kept);
}

static void
step_galore (HrOptimizerTape   *tape,
             const HrTrainable *parameter)
{
  guint64 projected = get_projected_bytes (tape->settings, parameter);
  guint64 full, scaled;

  hr_tape_assign (tape, GRADIENT, 0);
  if (!is_projected (tape->settings, parameter))
    {
      normalize (tape, hr_trainable_get_bytes (parameter));
      return;
    }

  renew_galore_projector (tape, parameter);
  hr_tape_assign (tape, GRADIENT, hr_tape_take (tape, projected));
  normalize (tape, projected);
  full = hr_tape_take (tape, hr_trainable_get_bytes (parameter));
  scaled = hr_tape_take (tape, hr_trainable_get_bytes (parameter));
  hr_tape_give (tape, full);
  hr_tape_assign (tape, NORMALIZED, scaled);
}

const HrOptimizerAlgorithm hr_optimizer_galore = {
  .count_states = count_galore, .step = step_galore, .second = is_projected, .operation = "svd",
  .variable = "U, s, Vh",
  .source = "galore_torch/adamw.py: AdamW.step; galore_torch/galore_projector.py",
};

static guint64
get_apollo_projector_bytes (const HrOptimizerSettings *settings,
                            const HrTrainable         *parameter,
                            guint                      size)
{
  return hr_ledger_round (get_projector_elements (settings, parameter) * size);
}

/* The projector, two moments, and the norm of the last scaled gradient. */
static guint64
count_apollo (const HrOptimizerSettings *settings,
              const HrTrainable         *parameter)
{
  guint size = hr_element_get_bytes (parameter->element);

  if (!is_projected (settings, parameter))
    return 2 * hr_trainable_get_bytes (parameter);

  return 2 * get_projected_bytes (settings, parameter) + get_apollo_projector_bytes (settings, parameter, size) +
         hr_ledger_round (size);
}

/* GradientProjector.get_orthogonal_matrix: torch.randn (…) / sqrt (rank), in fp32 beside the matrix in fp32. */
static void
renew_apollo_projector (HrOptimizerTape   *tape,
                        const HrTrainable *parameter)
{
  guint64 matrix = 0, kept = 0, drawn, quotient;

  if (parameter->element != HR_ELEMENT_FLOAT32)
    matrix = hr_tape_take (tape, hr_trainable_get_bytes_as (parameter, FLOAT));
  drawn = hr_tape_take (tape, get_apollo_projector_bytes (tape->settings, parameter, FLOAT));
  quotient = hr_tape_take (tape, get_apollo_projector_bytes (tape->settings, parameter, FLOAT));
  hr_tape_give (tape, drawn);
  if (parameter->element != HR_ELEMENT_FLOAT32)
    kept = hr_tape_take (tape, get_apollo_projector_bytes (tape->settings, parameter,
                                                           hr_element_get_bytes (parameter->element)));
  hr_tape_give (tape, matrix + quotient + kept);
}

/* A factor for each channel, from the norms over the rank. */
static void
scale_channels (HrOptimizerTape   *tape,
                const HrTrainable *parameter)
{
  guint64 channels = MAX (parameter->shape[0], parameter->shape[1]) * hr_element_get_bytes (parameter->element);
  guint64 update_norm = hr_tape_take (tape, channels);
  guint64 norm = hr_tape_take (tape, channels);
  guint64 shifted = hr_tape_take (tape, channels);

  hr_tape_give (tape, norm);
  hr_tape_assign (tape, FACTOR, hr_tape_take (tape, channels));
  hr_tape_give (tape, update_norm + shifted);
}

static void
step_apollo (HrOptimizerTape   *tape,
             const HrTrainable *parameter)
{
  guint64 projected = get_projected_bytes (tape->settings, parameter);
  guint64 bytes = hr_trainable_get_bytes (parameter);

  hr_tape_assign (tape, GRADIENT, 0);
  if (!is_projected (tape->settings, parameter))
    {
      normalize (tape, bytes);
      return;
    }

  renew_apollo_projector (tape, parameter);
  hr_tape_assign (tape, GRADIENT, hr_tape_take (tape, projected));
  normalize (tape, projected);
  scale_channels (tape, parameter);
  hr_tape_assign (tape, SCALED, hr_tape_take (tape, bytes));
  hr_tape_assign (tape, SCALED, hr_tape_take (tape, bytes));
  hr_tape_assign (tape, NORMALIZED, 0);
}

const HrOptimizerAlgorithm hr_optimizer_apollo = {
  .count_states = count_apollo, .step = step_apollo, .second = is_projected, .operation = "mul",
  .variable = "scaled_grad",
  .source = "apollo_torch/apollo.py: AdamW.step; apollo_torch/random_projector.py",
};
