/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "hr-layer-wise.h"

static void
add_module (HrTrainables *list,
            HrTensorRole  role,
            HrModule      module,
            guint64       copies,
            guint64       n_rows,
            guint64       n_columns)
{
  HrTrainable parameter = {
    .shape = { n_rows, n_columns }, .n_dimensions = n_columns > 1 ? 2 : 1, .n_elements = n_rows * n_columns,
    .copies = copies, .element = HR_ELEMENT_FLOAT32, .role = role, .module = module,
  };

  hr_trainables_add (list, &parameter);
}

static void
add (HrTrainables *list,
     HrTensorRole  role,
     guint64       copies,
     guint64       n_rows,
     guint64       n_columns)
{
  add_module (list, role, HR_MODULE_SELF, copies, n_rows, n_columns);
}

static void
add_experts (HrTrainables *list,
             guint64       copies,
             guint64       n_experts)
{
  HrTrainable parameter = {
    .shape = { n_experts, 64, 32 }, .n_dimensions = 3, .n_elements = n_experts * 64 * 32,
    .copies = copies, .element = HR_ELEMENT_FLOAT32, .role = HR_TENSOR_ROLE_EXPERT,
  };

  hr_trainables_add (list, &parameter);
}

/* What a rank steps as a matrix, or else as a part of a buffer. */
static guint64
count (const HrTrainables *parameters,
       guint64             n_ranks,
       guint64             n_expert_ranks,
       guint               n_dimensions)
{
  const HrOptimizerSettings settings = { .kind = HR_OPTIMIZER_KIND_MUON, .is_megatron = TRUE };
  guint64 n_padding;
  HrTrainables *list = hr_layer_wise_list (&settings, parameters, n_ranks, n_expert_ranks, &n_padding);
  guint64 n_elements = 0;

  for (guint i = 0; i < hr_trainables_get_n_items (list); i++)
    {
      const HrTrainable *parameter = hr_trainables_get_item (list, i);

      if (parameter->n_dimensions == n_dimensions)
        n_elements += parameter->n_elements * parameter->copies;
    }
  hr_trainables_free (list);

  return n_elements;
}

/*
 * By hand: eight matrices of queries, keys and values go to a rank each, and four to the first four. The widest of the
 * others goes to the fifth, those of outputs to those that have less to compute until all have as much, and the last
 * two to the first two ranks; gates to all but these.
 */
static void
the_dearest_matrices_are_dealt_out_first (void)
{
  HrTrainables *parameters = hr_trainables_new ();

  add (parameters, HR_TENSOR_ROLE_LINEAR, 1, 1024, 512);
  add (parameters, HR_TENSOR_ROLE_LINEAR, 12, 1536, 512);
  add (parameters, HR_TENSOR_ROLE_LINEAR, 12, 512, 512);
  add (parameters, HR_TENSOR_ROLE_ROUTER, 12, 8, 512);
  g_assert_cmpuint (count (parameters, 8, 1, 2), ==, (2 * 1536 + 512) * 512);
  hr_trainables_free (parameters);
}

static guint64
get_padding (const HrTrainables *parameters,
             guint64             n_ranks)
{
  const HrOptimizerSettings settings = { .kind = HR_OPTIMIZER_KIND_MUON, .is_megatron = TRUE };
  guint64 n_padding;

  hr_trainables_free (hr_layer_wise_list (&settings, parameters, n_ranks, 1, &n_padding));

  return n_padding;
}

/* Every rank has as long a part of the buffers as that which has most. */
static void
all_parts_are_as_long_as_the_longest (void)
{
  HrTrainables *parameters = hr_trainables_new ();

  add (parameters, HR_TENSOR_ROLE_LINEAR, 9, 128, 64);
  g_assert_cmpuint (get_padding (parameters, 9), ==, 0);
  g_assert_cmpuint (get_padding (parameters, 8), ==, (8 * 2 - 9) * 128 * 64);
  g_assert_cmpuint (get_padding (parameters, 32), ==, (32 - 9) * 128 * 64);
  hr_trainables_free (parameters);
}

/* Of a layer, two ranks have one matrix each: queries, keys and values are one, and so are gates and what they gate. */
static void
matrices_that_are_one_are_dealt_out_together (void)
{
  HrTrainables *parameters = hr_trainables_new ();

  add_module (parameters, HR_TENSOR_ROLE_LINEAR, HR_MODULE_QUERY, 1, 256, 64);
  add_module (parameters, HR_TENSOR_ROLE_LINEAR, HR_MODULE_KEY, 1, 64, 64);
  add_module (parameters, HR_TENSOR_ROLE_LINEAR, HR_MODULE_VALUE, 1, 64, 64);
  add_module (parameters, HR_TENSOR_ROLE_LINEAR, HR_MODULE_GATE, 1, 256, 64);
  add_module (parameters, HR_TENSOR_ROLE_LINEAR, HR_MODULE_UP, 1, 256, 64);
  g_assert_cmpuint (count (parameters, 2, 1, 2), ==, 2 * 256 * 64);
  g_assert_cmpuint (get_padding (parameters, 2), ==, (2 * 256 - (256 + 2 * 64)) * 64);
  hr_trainables_free (parameters);
}

/* What is not orthogonalized is divided as it lies in the buffer. */
static void
tables_and_vectors_are_divided (void)
{
  HrTrainables *parameters = hr_trainables_new ();

  add (parameters, HR_TENSOR_ROLE_EMBEDDING, 1, 1000, 64);
  add (parameters, HR_TENSOR_ROLE_NORM, 6, 64, 1);
  add (parameters, HR_TENSOR_ROLE_LINEAR, 2, 100, 64);
  g_assert_cmpuint (count (parameters, 4, 1, 1), ==, (1000 * 64 + 6 * 64) / 4);
  g_assert_cmpuint (count (parameters, 4, 1, 2), ==, 100 * 64);
  hr_trainables_free (parameters);
}

static void
experts_are_dealt_out_one_by_one_to_ranks_of_their_own (void)
{
  HrTrainables *parameters = hr_trainables_new ();

  add (parameters, HR_TENSOR_ROLE_LINEAR, 8, 100, 64);
  add_experts (parameters, 2, 4);
  g_assert_cmpuint (count (parameters, 8, 2, 2), ==, 100 * 64 + 4 * 64 * 32);
  g_assert_cmpuint (count (parameters, 8, 1, 2), ==, 100 * 64 + 8 * 64 * 32);
  hr_trainables_free (parameters);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name) g_test_add_func ("/layer-wise/" #name, name)
  ADD (the_dearest_matrices_are_dealt_out_first);
  ADD (all_parts_are_as_long_as_the_longest);
  ADD (matrices_that_are_one_are_dealt_out_together);
  ADD (tables_and_vectors_are_divided);
  ADD (experts_are_dealt_out_one_by_one_to_ranks_of_their_own);
#undef ADD

  return g_test_run ();
}
