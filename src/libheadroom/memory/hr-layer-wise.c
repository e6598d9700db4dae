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

/* Queries, keys and values are one parameter (linear_qkv), of which each is orthogonalized by itself. */
#define MAX_PIECES 3

typedef struct
{
  HrTrainable pieces[MAX_PIECES];
  guint n_pieces;
  guint64 n_elements;
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
get_cost (const Matrix *matrix)
{
  guint64 n_columns = matrix->pieces[0].shape[1];
  guint64 n_rows = matrix->n_elements / n_columns;
  double narrow = MIN (n_rows, n_columns);

  return narrow * narrow * MAX (n_rows, n_columns);
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
take_expert (HrTrainable *matrix)
{
  guint64 n_experts = matrix->shape[0];

  matrix->copies *= n_experts;
  matrix->n_elements /= n_experts;
  matrix->n_dimensions = 2;
  matrix->shape[0] = matrix->shape[1];
  matrix->shape[1] = matrix->shape[2];
  matrix->shape[2] = 0;
}

/*
 * Whether Megatron-LM has two matrices in one: linear_qkv of megatron/core/transformer/attention.py and linear_fc1 of
 * megatron/core/transformer/mlp.py.
 */
static gboolean
are_joined (const HrTrainable *last,
            const HrTrainable *next)
{
  if (last->shape[1] != next->shape[1] || last->copies != next->copies || last->role != next->role)
    return FALSE;

  return (last->module == HR_MODULE_QUERY && next->module == HR_MODULE_KEY) ||
         (last->module == HR_MODULE_KEY && next->module == HR_MODULE_VALUE) ||
         (last->module == HR_MODULE_GATE && next->module == HR_MODULE_UP);
}

static void
join (Matrix            *self,
      const HrTrainable *next)
{
  HrTrainable *last = &self->pieces[self->n_pieces - 1];

  self->n_elements += next->n_elements;
  if (next->module != HR_MODULE_UP)
    {
      self->pieces[self->n_pieces++] = *next;
      return;
    }

  last->module = HR_MODULE_GATE_UP;
  last->shape[0] += next->shape[0];
  last->n_elements += next->n_elements;
}

static void
add_kind (GArray            *kinds,
          const HrTrainable *parameter)
{
  Matrix *last = kinds->len > 0 ? &g_array_index (kinds, Matrix, kinds->len - 1) : NULL;
  Matrix kind = { .pieces = { *parameter }, .n_pieces = 1 };

  if (last != NULL && are_joined (&last->pieces[last->n_pieces - 1], parameter))
    {
      join (last, parameter);
      return;
    }

  if (parameter->n_dimensions == 3)
    take_expert (&kind.pieces[0]);
  kind.n_elements = kind.pieces[0].n_elements;
  g_array_append_val (kinds, kind);
}

/* Lists each matrix by itself. */
static GArray *
list_matrices (GArray *kinds)
{
  GArray *matrices = g_array_new (FALSE, FALSE, sizeof (Matrix));

  for (guint i = 0; i < kinds->len; i++)
    {
      Matrix matrix = g_array_index (kinds, Matrix, i);
      guint64 n = matrix.pieces[0].copies;

      matrix.cost = get_cost (&matrix);
      for (guint j = 0; j < matrix.n_pieces; j++)
        matrix.pieces[j].copies = 1;
      for (guint64 j = 0; j < n; j++)
        {
          matrix.order = matrices->len;
          g_array_append_val (matrices, matrix);
        }
    }

  return matrices;
}

static guint64
round_up (guint64 n_elements,
          guint64 multiple)
{
  return (n_elements + multiple - 1) / multiple * multiple;
}

static guint64
get_common_multiple (guint64 a,
                     guint64 b)
{
  guint64 divisor = a;

  for (guint64 rest = b; rest != 0;)
    {
      guint64 next = divisor % rest;

      divisor = rest;
      rest = next;
    }

  return a / divisor * b;
}

/* What the length of a part is a multiple of (_shard_divisor, and bucket_end_divisor of param_layout.py). */
static guint64
get_part_multiple (guint64 n_ranks)
{
  return get_common_multiple (ALIGNMENT, get_common_multiple (n_ranks, 128) / n_ranks);
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

      if (round_up (part->n_elements, ALIGNMENT) + n_elements <= most && (chosen == NULL || part->load < chosen->load))
        chosen = part;
      if (shortest == NULL || part->n_elements < shortest->n_elements)
        shortest = part;
    }

  return chosen != NULL ? chosen : shortest;
}

static const Part *
get_longest (GArray *parts)
{
  const Part *longest = &g_array_index (parts, Part, 0);

  for (guint i = 1; i < parts->len; i++)
    {
      const Part *part = &g_array_index (parts, Part, i);

      if (part->n_elements > longest->n_elements)
        longest = part;
    }

  return longest;
}

/*
 * Without --overlap-grad-reduce the buffer is one bucket (DistributedDataParallel.__init__ of
 * megatron/core/distributed/distributed_data_parallel.py).
 */
static void
deal_out (GArray       *kinds,
          guint64       n_ranks,
          HrTrainables *list,
          guint64      *n_padding)
{
  g_autoptr (GArray) matrices = list_matrices (kinds);
  g_autoptr (GArray) parts = g_array_new (FALSE, TRUE, sizeof (Part));
  const Part *longest;
  guint64 n_elements = 0;

  g_array_set_clear_func (parts, clear_part);
  g_array_set_size (parts, MIN (n_ranks, MAX (matrices->len, 1)));
  for (guint i = 0; i < parts->len; i++)
    g_array_index (parts, Part, i).parameters = hr_trainables_new ();
  for (guint i = 0; i < matrices->len; i++)
    n_elements += g_array_index (matrices, Matrix, i).n_elements;

  g_array_sort (matrices, compare_matrices);
  for (guint i = 0; i < matrices->len; i++)
    {
      const Matrix *matrix = &g_array_index (matrices, Matrix, i);
      Part *part = choose_part (parts, matrix->n_elements, (double) n_elements / n_ranks * (1 + TOLERANCE));

      for (guint j = 0; j < matrix->n_pieces; j++)
        hr_trainables_add (part->parameters, &matrix->pieces[j]);
      part->n_elements = round_up (part->n_elements, ALIGNMENT) + matrix->n_elements;
      part->load += matrix->cost;
    }

  longest = get_longest (parts);
  for (guint i = 0; i < hr_trainables_get_n_items (longest->parameters); i++)
    hr_trainables_add (list, hr_trainables_get_item (longest->parameters, i));
  *n_padding += n_ranks * round_up (longest->n_elements, get_part_multiple (n_ranks)) - n_elements;
}

/*
 * hr_layer_wise_list:
 * @settings: Muon as Megatron-LM has it
 * @parameters: what is stepped in all, or its copies in fp32
 * @n_ranks: how many ranks have the same parameters
 * @n_expert_ranks: how many have the same routed experts
 * @n_padding: (out): by how many elements the buffers of parameters and of gradients are longer than what is in them,
 *   as all parts are as long as the longest
 *
 * Lists what a rank steps to which most is dealt out, of experts and of other matrices, and its part of what is not
 * orthogonalized.
 *
 * Returns: (transfer full): the list
 */
HrTrainables *
hr_layer_wise_list (const HrOptimizerSettings *settings,
                    const HrTrainables        *parameters,
                    guint64                    n_ranks,
                    guint64                    n_expert_ranks,
                    guint64                   *n_padding)
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
        add_kind (parameter->role == HR_TENSOR_ROLE_EXPERT ? experts : matrices, parameter);
    }

  list = hr_trainables_new_shared (others, n_ranks, n_expert_ranks);
  hr_trainables_free (others);
  *n_padding = 0;
  deal_out (matrices, n_ranks, list, n_padding);
  deal_out (experts, n_expert_ranks, list, n_padding);

  return list;
}
