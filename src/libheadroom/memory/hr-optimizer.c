/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "hr-message.h"
#include "hr-optimizer-private.h"

static const HrOptimizerAlgorithm *
get_algorithm (const HrOptimizerSettings *settings)
{
  switch (settings->kind)
    {
    case HR_OPTIMIZER_KIND_ADAMW:
    case HR_OPTIMIZER_KIND_ADAM:
      return hr_optimizer_adam (settings->implementation);

    case HR_OPTIMIZER_KIND_SGD:
      return hr_optimizer_sgd (FALSE);

    case HR_OPTIMIZER_KIND_SGD_MOMENTUM:
      return hr_optimizer_sgd (TRUE);

    case HR_OPTIMIZER_KIND_ADAFACTOR:
      return &hr_optimizer_adafactor;

    case HR_OPTIMIZER_KIND_TORCH_ADAFACTOR:
      return hr_optimizer_torch_adafactor (settings->implementation);

    case HR_OPTIMIZER_KIND_ADAMW_8BIT:
      return &hr_optimizer_adamw_8bit;

    case HR_OPTIMIZER_KIND_PAGED_ADAMW_8BIT:
      return &hr_optimizer_paged_adamw_8bit;

    case HR_OPTIMIZER_KIND_PAGED_ADAMW:
      return &hr_optimizer_paged_adamw;

    case HR_OPTIMIZER_KIND_ADAMW_4BIT:
      return &hr_optimizer_adamw_4bit;

    case HR_OPTIMIZER_KIND_LION:
      return &hr_optimizer_lion;

    case HR_OPTIMIZER_KIND_LION_8BIT:
      return &hr_optimizer_lion_8bit;

    case HR_OPTIMIZER_KIND_SOPHIA:
      return &hr_optimizer_sophia;

    case HR_OPTIMIZER_KIND_MUON:
      return &hr_optimizer_muon;

    case HR_OPTIMIZER_KIND_GALORE:
      return &hr_optimizer_galore;

    case HR_OPTIMIZER_KIND_APOLLO:
      return &hr_optimizer_apollo;

    case HR_OPTIMIZER_KIND_LOMO:
      return &hr_optimizer_lomo;

    case HR_OPTIMIZER_KIND_ADALOMO:
      return &hr_optimizer_adalomo;

    case HR_OPTIMIZER_KIND_ADAM_MINI:
      return &hr_optimizer_adam_mini;

    case HR_OPTIMIZER_KIND_SHAMPOO:
      return &hr_optimizer_shampoo;

    case HR_OPTIMIZER_KIND_SOAP:
      return &hr_optimizer_soap;

    default:
      g_return_val_if_reached (hr_optimizer_sgd (FALSE));
    }
}

static void
run_step (const HrOptimizerAlgorithm *algorithm,
          HrOptimizerTape            *tape,
          const HrTrainables         *parameters)
{
  if (algorithm->step_all != NULL)
    {
      algorithm->step_all (tape, parameters);
      return;
    }

  if (algorithm->step == NULL)
    return;

  hr_tape_run (tape, parameters, algorithm->second, FALSE, algorithm->step);
  if (algorithm->second != NULL)
    hr_tape_run (tape, parameters, algorithm->second, TRUE, algorithm->step);
}

/*
 * hr_optimizer_init:
 * @self: (out): an optimizer
 * @settings: which one
 * @parameters: what is trained
 *
 * Counts what an optimizer keeps, and replays a step for the most that it makes.
 */
void
hr_optimizer_init (HrOptimizer               *self,
                   const HrOptimizerSettings *settings,
                   const HrTrainables        *parameters)
{
  const HrOptimizerAlgorithm *algorithm = get_algorithm (settings);
  HrOptimizerTape tape = { .settings = settings };

  *self = (HrOptimizer) {
    .settings = *settings, .parameters = parameters,
    .fused = algorithm->fused, .operation = algorithm->operation, .variable = algorithm->variable,
    .source = algorithm->source,
  };
  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);

      self->state_bytes += parameter->copies * algorithm->count_states (settings, parameter);
      if (algorithm->count_paged != NULL)
        self->paged_bytes += parameter->copies * algorithm->count_paged (settings, parameter);
    }
  if (algorithm->count_shared != NULL)
    self->state_bytes += algorithm->count_shared (parameters);

  run_step (algorithm, &tape, parameters);
  self->step_bytes = tape.peak;
}

/* What is kept for a parameter is as large as it is, if that divides it, or else one of two. */
static void
make_states_of (const HrOptimizer *self,
                const HrTrainable *parameter,
                HrHeap            *heap)
{
  guint64 states = get_algorithm (&self->settings)->count_states (&self->settings, parameter);
  guint64 like = hr_trainable_get_bytes (parameter);

  if (states < like)
    like = hr_ledger_round (states / 2);
  for (; states > 0; states -= MIN (like, states))
    hr_heap_take (heap, MIN (like, states));
}

typedef struct
{
  const HrOptimizer *optimizer;
  HrHeap *heap;
} States;

static void
make_states_of_next (const HrTrainable *parameter,
                     gpointer           user_data)
{
  States *states = user_data;

  make_states_of (states->optimizer, parameter, states->heap);
}

/*
 * hr_optimizer_make_states:
 * @self: an optimizer
 * @heap: a heap
 *
 * Makes the states of all parameters, one after the other.
 */
void
hr_optimizer_make_states (const HrOptimizer *self,
                          HrHeap            *heap)
{
  const HrOptimizerAlgorithm *algorithm = get_algorithm (&self->settings);
  States states = { self, heap };

  if (algorithm->count_shared != NULL)
    hr_heap_take (heap, algorithm->count_shared (self->parameters));
  hr_trainables_foreach (self->parameters, make_states_of_next, &states);
}

/*
 * hr_optimizer_step:
 * @self: an optimizer, which does not step in the backward pass
 * @heap: a heap
 *
 * Replays a step on the heap.
 */
void
hr_optimizer_step (const HrOptimizer *self,
                   HrHeap            *heap)
{
  g_autoptr (GArray) blocks = g_array_new (FALSE, FALSE, sizeof (HrTapeBlock));
  HrOptimizerTape tape = { .settings = &self->settings, .heap = heap, .blocks = blocks };

  run_step (get_algorithm (&self->settings), &tape, self->parameters);
  hr_tape_clear (&tape);
}

static gboolean
check_parameter (const HrOptimizerSettings *settings,
                 const HrTrainable         *parameter,
                 GError                   **error)
{
  gboolean one_matrix = parameter->n_dimensions <= 2;

  if (settings->kind == HR_OPTIMIZER_KIND_SOAP && parameter->element != HR_ELEMENT_FLOAT32)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("SOAP mixes its matrices, which are in fp32, with the gradients, and so trains "
                               "parameters in float32 only"));
      return FALSE;
    }

  if (!one_matrix && settings->kind == HR_OPTIMIZER_KIND_ADAM_MINI)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("Adam-mini trains vectors and matrices only, and the experts of this model are fused "
                               "into tensors of three dimensions"));
      return FALSE;
    }

  if (!one_matrix && settings->kind == HR_OPTIMIZER_KIND_ADALOMO)
    {
      hr_message_set_error (error, HR_ERROR_UNSUPPORTED,
                            N_("AdaLomo trains vectors and matrices only, and the experts of this model are fused into "
                               "tensors of three dimensions"));
      return FALSE;
    }

  return TRUE;
}

/*
 * hr_optimizer_check:
 * @settings: which optimizer
 * @parameters: what is trained
 * @error: return location for an error
 *
 * Tells whether the code of an optimizer takes such parameters.
 *
 * Returns: whether it does
 */
gboolean
hr_optimizer_check (const HrOptimizerSettings *settings,
                    const HrTrainables        *parameters,
                    GError                   **error)
{
  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      if (!check_parameter (settings, hr_trainables_get_item (parameters, i), error))
        return FALSE;
    }

  return TRUE;
}
