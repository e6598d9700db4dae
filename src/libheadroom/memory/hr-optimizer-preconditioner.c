/* SPDX-License-Identifier: LGPL-3.0-or-later */

#include "hr-optimizer-private.h"

/* Optimizers that keep a square matrix for each dimension of a parameter, always in fp32. */

#define FLOAT sizeof (float)

/* soap.py: dimensions above max_precond_dim have none, and neither have vectors (precondition_1d). */
#define SOAP_MAX_DIMENSION 10000

static guint64
square (guint64 size)
{
  return hr_ledger_round (size * size * FLOAT);
}

static gboolean
has_soap_factor (const HrTrainable *parameter,
                 guint              dimension)
{
  return hr_trainable_is_matrix (parameter) && parameter->shape[dimension] <= SOAP_MAX_DIMENSION;
}

/* Two moments, and for each dimension the average of outer products and their eigenvectors. */
static guint64
count_soap (const HrOptimizerSettings *settings,
            const HrTrainable         *parameter)
{
  guint64 bytes = 2 * hr_trainable_get_bytes (parameter);

  for (guint i = 0; i < parameter->n_dimensions; i++)
    {
      if (has_soap_factor (parameter, i))
        bytes += 2 * square (parameter->shape[i]);
    }

  return bytes;
}

enum
{
  PROJECTED,
  DENOMINATOR,
  NORMALIZED,
  OLD_MOMENT,
  OLD_SECOND_MOMENT,
  LOCAL,
};

/* project and project_back: a product for each dimension that has eigenvectors; nothing for the others. */
static guint64
project (HrOptimizerTape   *tape,
         const HrTrainable *parameter,
         guint64            held)
{
  for (guint i = 0; i < parameter->n_dimensions; i++)
    {
      guint64 product;

      if (!has_soap_factor (parameter, i))
        continue;

      product = hr_tape_take (tape, hr_trainable_get_bytes (parameter));
      hr_tape_give (tape, held);
      held = product;
    }

  return held;
}

static void
average_outer_products (HrOptimizerTape   *tape,
                        const HrTrainable *parameter)
{
  guint64 held = 0;

  for (guint i = 0; i < parameter->n_dimensions; i++)
    {
      guint64 product;

      if (!has_soap_factor (parameter, i))
        continue;

      product = hr_tape_take (tape, parameter->shape[i] * parameter->shape[i] * FLOAT);
      hr_tape_give (tape, held);
      held = product;
    }
  tape->variables[LOCAL] = held;
}

typedef struct
{
  guint64 eigenvalues;
  guint64 order;
  guint64 sorted;
  guint64 iterated;
  guint64 factor;
  guint64 triangle;
} Decomposition;

/* A step of power iteration and a QR decomposition. The loop's variables keep what they had of the dimension before. */
static void
decompose (HrOptimizerTape   *tape,
           Decomposition     *held,
           guint64           *moment,
           const HrTrainable *parameter,
           guint64            size)
{
  guint64 matrix = size * size * FLOAT;
  guint64 left = hr_tape_take (tape, matrix);
  guint64 both = hr_tape_take (tape, matrix);
  guint64 value;

  hr_tape_give (tape, left);
  value = hr_tape_take (tape, size * FLOAT);
  hr_tape_give (tape, both + held->eigenvalues);
  held->eigenvalues = value;
  value = hr_tape_take (tape, size * FLOAT);
  hr_tape_give (tape, value);
  value = hr_tape_take (tape, size * sizeof (gint64));
  hr_tape_give (tape, held->order);
  held->order = value;
  value = hr_tape_take (tape, hr_trainable_get_bytes (parameter));
  hr_tape_give (tape, *moment);
  *moment = value;
  held->sorted += hr_tape_take (tape, matrix);
  value = hr_tape_take (tape, matrix);
  hr_tape_give (tape, held->iterated);
  held->iterated = value;
  held->factor += hr_tape_take (tape, matrix);
  value = hr_tape_take (tape, matrix);
  hr_tape_give (tape, held->triangle);
  held->triangle = value;
}

/*
 * get_orthogonal_matrix_QR. The eigenvectors that it makes replace those that were there; the second moment that it
 * sorts likewise, but the step's variable holds the one before.
 */
static void
renew_eigenvectors (HrOptimizerTape   *tape,
                    const HrTrainable *parameter)
{
  Decomposition held = { 0 };
  guint64 moment = 0, sorted = 0;

  for (guint i = 0; i < parameter->n_dimensions; i++)
    {
      if (!has_soap_factor (parameter, i))
        continue;

      hr_tape_give (tape, sorted);
      held.sorted = 0;
      decompose (tape, &held, &moment, parameter, parameter->shape[i]);
      sorted = held.sorted;
    }
  hr_tape_give (tape, held.eigenvalues + held.order + sorted + held.iterated + held.factor + held.triangle);
  hr_tape_assign (tape, OLD_SECOND_MOMENT, moment);
}

static void
step_soap (HrOptimizerTape   *tape,
           const HrTrainable *parameter)
{
  guint64 bytes = hr_trainable_get_bytes (parameter);
  guint64 moment;

  hr_tape_assign (tape, PROJECTED, project (tape, parameter, 0));
  hr_tape_assign (tape, OLD_MOMENT, 0);
  hr_tape_assign (tape, OLD_SECOND_MOMENT, 0);
  hr_tape_give (tape, hr_tape_take (tape, bytes));
  hr_tape_assign (tape, DENOMINATOR, hr_tape_take (tape, bytes));
  hr_tape_assign (tape, NORMALIZED, project (tape, parameter, hr_tape_take (tape, bytes)));

  moment = project (tape, parameter, 0);
  average_outer_products (tape, parameter);
  renew_eigenvectors (tape, parameter);
  moment = project (tape, parameter, moment);
  hr_tape_assign (tape, LOCAL, 0);
  hr_tape_assign (tape, OLD_MOMENT, moment);
}

const HrOptimizerAlgorithm hr_optimizer_soap = {
  .count_states = count_soap, .step = step_soap, .operation = "mm", .variable = "power_iter",
  .source = "soap.py: SOAP.step",
};

/* shampoo_types.py: parameters are cut into blocks no wider than max_preconditioner_dim. */
#define SHAMPOO_MAX_DIMENSION 1024

/* A symmetric matrix as its upper triangle (use_symmetric_packing). */
static guint64
count_triangle (guint64 size)
{
  return size * (size + 1) / 2;
}

typedef struct
{
  guint64 sizes[HR_TENSOR_MAX_DIMENSIONS];
  guint n;
} Shape;

/* merge_small_dims: neighbours are joined as long as the product is no wider than a block. */
static Shape
merge_dimensions (const HrTrainable *parameter)
{
  Shape shape = { .n = 0 };

  for (guint i = 0; i < parameter->n_dimensions; i++)
    {
      guint64 size = parameter->shape[i];

      if (size == 1 && parameter->n_elements > 1)
        continue;
      if (shape.n > 0 && shape.sizes[shape.n - 1] * size <= SHAMPOO_MAX_DIMENSION)
        shape.sizes[shape.n - 1] *= size;
      else
        shape.sizes[shape.n++] = size;
    }

  return shape;
}

/* The blocks that a parameter is cut into, one kind after the other: whole ones come before what is left. */
typedef void (*BlockFunction) (const Shape *block,
                               guint64      count,
                               gpointer     data);

static void
visit_blocks (const Shape   *shape,
              guint          dimension,
              Shape         *block,
              guint64        count,
              BlockFunction  function,
              gpointer       data)
{
  guint64 size, whole, rest;

  if (dimension == shape->n)
    {
      function (block, count, data);
      return;
    }

  size = shape->sizes[dimension];
  whole = size / SHAMPOO_MAX_DIMENSION;
  rest = size % SHAMPOO_MAX_DIMENSION;
  if (whole > 0)
    {
      block->sizes[dimension] = SHAMPOO_MAX_DIMENSION;
      visit_blocks (shape, dimension + 1, block, count * whole, function, data);
    }
  if (rest > 0)
    {
      block->sizes[dimension] = rest;
      visit_blocks (shape, dimension + 1, block, count, function, data);
    }
}

static void
visit_parameter (const HrTrainable *parameter,
                 BlockFunction      function,
                 gpointer           data)
{
  Shape shape = merge_dimensions (parameter);
  Shape block = shape;

  visit_blocks (&shape, 0, &block, 1, function, data);
}

static guint64
count_elements (const Shape *block)
{
  guint64 n = 1;

  for (guint i = 0; i < block->n; i++)
    n *= block->sizes[i];

  return n;
}

typedef struct
{
  guint64 bytes;
  guint size;
} States;

/* For each dimension the sum of outer products and its inverse root; and the filtered gradient. */
static void
add_states (const Shape *block,
            guint64      count,
            gpointer     data)
{
  States *states = data;
  guint64 bytes = hr_ledger_round (count_elements (block) * states->size);

  for (guint i = 0; i < block->n; i++)
    bytes += 2 * hr_ledger_round (count_triangle (block->sizes[i]) * FLOAT);
  states->bytes += count * bytes;
}

static guint64
count_shampoo (const HrOptimizerSettings *settings,
               const HrTrainable         *parameter)
{
  States states = { .size = hr_element_get_bytes (parameter->element) };

  visit_parameter (parameter, add_states, &states);

  return states.bytes;
}

static void
mark_sizes (const Shape *block,
            guint64      count,
            gpointer     data)
{
  gboolean *seen = data;

  for (guint i = 0; i < block->n; i++)
    seen[block->sizes[i]] = TRUE;
}

/* The learning rate, and the two coefficients of an average of iterates, which wait on the device. */
#define SHAMPOO_SCALARS 3

/* _get_triu_indices: rows and columns of a triangle as int32, for each size that there is. */
static guint64
count_indices (const HrTrainables *parameters)
{
  gboolean seen[SHAMPOO_MAX_DIMENSION + 1] = { FALSE };
  guint64 bytes = SHAMPOO_SCALARS * hr_ledger_round (FLOAT);

  for (guint i = 0; i < hr_trainables_get_n_items (parameters); i++)
    visit_parameter (hr_trainables_get_item (parameters, i), mark_sizes, seen);
  for (guint64 i = 1; i <= SHAMPOO_MAX_DIMENSION; i++)
    {
      if (seen[i])
        bytes += hr_ledger_round (2 * count_triangle (i) * sizeof (gint32));
    }

  return bytes;
}

typedef struct
{
  HrOptimizerTape *tape;
  guint size;
} Search;

/*
 * The inverse roots are unpacked, and a product in fp32 follows for each; the last is the block's direction, in the
 * dtype of the parameter.
 */
static void
precondition_block (const Shape *block,
                    guint64      count,
                    gpointer     data)
{
  Search *search = data;
  guint64 direction = hr_ledger_round (count_elements (block) * search->size);
  guint64 bytes = count_elements (block) * FLOAT;
  guint64 roots = 0, held = 0;

  search->tape->live += (count - 1) * direction;
  for (guint i = 0; i < block->n; i++)
    roots += hr_tape_take (search->tape, block->sizes[i] * block->sizes[i] * FLOAT);
  if (search->size < FLOAT)
    held = hr_tape_take (search->tape, bytes);
  for (guint i = 0; i < block->n; i++)
    {
      guint64 product = hr_tape_take (search->tape, bytes);

      hr_tape_give (search->tape, held);
      held = product;
    }
  if (search->size < FLOAT)
    {
      hr_tape_take (search->tape, direction);
      hr_tape_give (search->tape, held);
    }
  hr_tape_give (search->tape, roots);
}

/* The directions of all parameters wait for each other, beside the gradients that were filtered and corrected. */
static void
step_shampoo (HrOptimizerTape    *tape,
              const HrTrainables *parameters)
{
  guint n = hr_trainables_get_n_items (parameters);

  tape->live = 2 * hr_trainables_get_bytes (parameters, FALSE);
  for (guint i = n; i-- > 0; )
    {
      const HrTrainable *parameter = hr_trainables_get_item (parameters, i);
      Search search = { .tape = tape, .size = hr_element_get_bytes (parameter->element) };

      tape->live -= hr_trainable_get_bytes (parameter);
      visit_parameter (parameter, precondition_block, &search);
      tape->live -= hr_trainable_get_bytes (parameter);
      if (i == 0 || hr_trainables_get_item (parameters, i - 1)->copies == parameter->copies)
        continue;
      tape->live -= (parameter->copies - 1) * hr_trainable_get_bytes (parameter);
    }
  tape->live = 0;
}

const HrOptimizerAlgorithm hr_optimizer_shampoo = {
  .count_states = count_shampoo, .count_shared = count_indices, .step_all = step_shampoo, .operation = "mm",
  .variable = "search_directions",
  .source = "distributed_shampoo/distributed_shampoo.py; distributed_shampoo/preconditioner/"
            "shampoo_preconditioner_list.py",
};
