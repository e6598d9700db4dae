/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-layer-wise.h"

#include "hr-optimizer-private.h"

/*
 * LayerWiseDistributedOptimizer of megatron/core/optimizer/layer_wise_optimizer.py: a matrix that is orthogonalized is
 * stepped whole by one of the ranks that have it. What the other optimizer steps is divided as ever.
 */

/* Parts of a buffer begin at multiples of so many elements (pad_param_start of param_layout.py). */
#define ALIGNMENT 64

/* A part has at most so much more than an equal one (_NUMEL_EPSILON). */
#define TOLERANCE 0.3

typedef struct
{
  HrTrainable parameter;
  double cost;
  guint order;
} Matrix;

typedef struct
{
  guint64 n_elements;
  double load;
  HrTrainables *parameters;
} Part;

static void
clear_part (gpointer data)
{
  Part *self = data;

  g_clear_pointer (&self->parameters, hr_trainables_free);
}

/* An iteration of Newton and Schulz multiplies the narrow side with itself along the wide one (_ns_compute_cost). */
static double
get_cost (const HrTrainable *matrix)
{
  double narrow = MIN (matrix->shape[0], matrix->shape[1]);

  return narrow * narrow * MAX (matrix->shape[0], matrix->shape[1]);
}

/* The dearest first, and of those that cost the same that which comes last in the model. */
static gint
compare_matrices (gconstpointer a,
                  gconstpointer b)
{
  const Matrix *first = a;
  const Matrix *second = b;

  if (first->cost != second->cost)
    return first->cost > second->cost ? -1 : 1;

  return first->order < second->order ? 1 : first->order > second->order ? -1 : 0;
}

/* Each expert has matrices of its own. */
static void
add_matrices (GArray            *matrices,
              const HrTrainable *parameter)
{
  Matrix matrix = { .parameter = *parameter };
  guint64 n = parameter->copies;

  matrix.parameter.copies = 1;
  if (parameter->n_dimensions == 3)
    {
      n *= parameter->shape[0];
      matrix.parameter.n_dimensions = 2;
      matrix.parameter.shape[0] = parameter->shape[1];
      matrix.parameter.shape[1] = parameter->shape[2];
      matrix.parameter.shape[2] = 0;
      matrix.parameter.n_elements /= parameter->shape[0];
    }
  matrix.cost = get_cost (&matrix.parameter);
  for (guint64 i = 0; i < n; i++)
    {
      matrix.order = matrices->len;
      g_array_append_val (matrices, matrix);
    }
}

static guint64
align (guint64 n_elements)
{
  return (n_elements + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/*
 * That which has the least to compute of those that have room (_emit_bucket); where none has, that which is the
 * shortest.
 */
static Part *
choose_part (GArray  *parts,
             guint64  n_elements,
             double   most)
{
  Part *chosen = NULL;
  Part *shortest = NULL;

  for (guint i = 0; i < parts->len; i++)
    {
      Part *part = &g_array_index (parts, Part, i);

      if (align (part->n_elements) + n_elements <= most && (chosen == NULL || part->load < chosen->load))
        chosen = part;
      if (shortest == NULL || part->n_elements < shortest->n_elements)
        shortest = part;
    }

  return chosen != NULL ? chosen : shortest;
}

static const HrTrainables *
get_longest (GArray *parts)
{
  const Part *longest = &g_array_index (parts, Part, 0);

  for (guint i = 1; i < parts->len; i++)
    {
      const Part *part = &g_array_index (parts, Part, i);

      if (part->n_elements > longest->n_elements)
        longest = part;
    }

  return longest->parameters;
}

/*
 * Without --overlap-grad-reduce the buffer is one bucket (DistributedDataParallel.__init__ of
 * megatron/core/distributed/distributed_data_parallel.py).
 */
static void
deal_out (GArray       *matrices,
          guint64       n_ranks,
          HrTrainables *list)
{
  g_autoptr (GArray) parts = g_array_new (FALSE, TRUE, sizeof (Part));
  const HrTrainables *longest;
  double n_elements = 0;

  g_array_set_clear_func (parts, clear_part);
  g_array_set_size (parts, MIN (n_ranks, MAX (matrices->len, 1)));
  for (guint i = 0; i < parts->len; i++)
    g_array_index (parts, Part, i).parameters = hr_trainables_new ();
  for (guint i = 0; i < matrices->len; i++)
    n_elements += g_array_index (matrices, Matrix, i).parameter.n_elements;

  g_array_sort (matrices, compare_matrices);
  for (guint i = 0; i < matrices->len; i++)
    {
      const Matrix *matrix = &g_array_index (matrices, Matrix, i);
      guint64 n = matrix->parameter.n_elements;
      Part *part = choose_part (parts, n, n_elements / n_ranks * (1 + TOLERANCE));

      hr_trainables_add (part->parameters, &matrix->parameter);
      part->n_elements = align (part->n_elements) + n;
      part->load += matrix->cost;
    }

  longest = get_longest (parts);
  for (guint i = 0; i < hr_trainables_get_n_items (longest); i++)
    hr_trainables_add (list, hr_trainables_get_item (longest, i));
}

/*
 * hr_layer_wise_list:
 * @settings: Muon as Megatron-LM has it
 * @parameters: what is stepped in all, or its copies in fp32
 * @n_ranks: how many ranks have the same parameters
 * @n_expert_ranks: how many have the same routed experts
 *
 * Lists what a rank steps to which most is dealt out, of experts and of other matrices, and its part of what is not
 * orthogonalized. By how much the buffers of parameters and gradients are longer, as their parts are as long as the
 * longest, is not told.
 *
 * Returns: (transfer full): the list
 */
HrTrainables *
hr_layer_wise_list (const HrOptimizerSettings *settings,
                    const HrTrainables        *parameters,
                    guint64                    n_ranks,
                    guint64                    n_expert_ranks)
{
  g_autoptr (GArray) matrices = g_array_new (FALSE, FALSE, sizeof (Matrix));
  g_autoptr (GArray) experts = g_array_new (FALSE, FALSE, sizeof (Matrix));
  HrTrainables *others = hr_trainables_new ();
  HrTrainables *list;

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);

      if (!hr_optimizer_muon_takes (settings, parameter))
        hr_trainables_add (others, parameter);
      else
        add_matrices (parameter->role == HR_TENSOR_ROLE_EXPERT ? experts : matrices, parameter);
    }

  list = hr_trainables_new_shared (others, n_ranks, n_expert_ranks);
  hr_trainables_free (others);
  deal_out (matrices, n_ranks, list);
  deal_out (experts, n_expert_ranks, list);

  return list;
}
