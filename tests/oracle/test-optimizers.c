/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What real optimizers keep and make, over a list of parameters, against what is counted and replayed: to the byte.
 */

#include "hr-error.h"
#include "hr-job-enums.h"
#include "hr-optimizer.h"

#include "oracle.h"

static JsonObject *root;

static const struct
{
  const char *name;
  HrTensorRole role;
  HrModule module;
} kinds[] = {
  { "embedding", HR_TENSOR_ROLE_EMBEDDING, HR_MODULE_SELF },
  { "query", HR_TENSOR_ROLE_LINEAR, HR_MODULE_QUERY },
  { "key", HR_TENSOR_ROLE_LINEAR, HR_MODULE_KEY },
  { "linear", HR_TENSOR_ROLE_LINEAR, HR_MODULE_SELF },
  { "bias", HR_TENSOR_ROLE_BIAS, HR_MODULE_QUERY },
  { "norm", HR_TENSOR_ROLE_NORM, HR_MODULE_SELF },
  { "experts", HR_TENSOR_ROLE_EXPERT, HR_MODULE_EXPERT_GATE_UP },
  { "head", HR_TENSOR_ROLE_OUTPUT, HR_MODULE_SELF },
};

static void
set_kind (HrTrainable *parameter,
          const char  *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      if (!g_str_equal (kinds[i].name, name))
        continue;

      parameter->role = kinds[i].role;
      parameter->module = kinds[i].module;
      return;
    }

  g_assert_not_reached ();
}

static HrTrainables *
load_parameters (const char *name,
                 HrElement   element)
{
  JsonArray *rows = json_object_get_array_member (json_object_get_object_member (root, "parameters"), name);
  HrTrainables *parameters = hr_trainables_new ();

  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      JsonObject *row = json_array_get_object_element (rows, i);
      JsonArray *shape = json_object_get_array_member (row, "shape");
      HrTrainable parameter = {
        .n_dimensions = json_array_get_length (shape), .n_elements = 1, .element = element,
        .copies = json_object_get_int_member (row, "copies"),
      };

      for (guint j = 0; j < parameter.n_dimensions; j++)
        {
          parameter.shape[j] = json_array_get_int_element (shape, j);
          parameter.n_elements *= parameter.shape[j];
        }
      set_kind (&parameter, json_object_get_string_member (row, "kind"));
      hr_trainables_add (parameters, &parameter);
    }

  return parameters;
}

static void
compare (const char *id,
         const char *name,
         guint64     found,
         JsonObject *expected)
{
  gint64 right = json_object_get_int_member_with_default (expected, name, 0);

  if (found != (guint64) right)
    g_test_message ("%-50s %-7s %12" G_GUINT64_FORMAT " %12" G_GINT64_FORMAT, id, name, found, right);
  g_assert_cmpuint (found, ==, right);
}

static void
test_case (JsonObject *test)
{
  const char *parameters_name = json_object_get_string_member (test, "parameters");
  const char *dtype = json_object_get_string_member (test, "dtype");
  g_autoptr (HrTrainables) parameters =
    load_parameters (parameters_name, g_str_equal (dtype, "float32") ? HR_ELEMENT_FLOAT32 : HR_ELEMENT_BFLOAT16);
  const HrOptimizerSettings settings = {
    .kind = oracle_get_enum (test, "optimizer", HR_TYPE_OPTIMIZER_KIND),
    .implementation = oracle_get_enum (test, "implementation", HR_TYPE_OPTIMIZER_IMPLEMENTATION),
    .rank = 64, .n_heads = 8,
    .fp32_embeddings = json_object_get_boolean_member_with_default (test, "fp32-embeddings", FALSE),
  };
  g_autofree char *id = g_strdup_printf ("%s (%s), %s, %s", json_object_get_string_member (test, "optimizer"),
                                         json_object_get_string_member (test, "implementation"), dtype,
                                         parameters_name);
  HrOptimizer optimizer;

  hr_optimizer_init (&optimizer, &settings, parameters);
  compare (id, "states", optimizer.state_bytes, test);
  compare (id, "paged", optimizer.paged_bytes, test);
  if (json_object_has_member (test, "step"))
    compare (id, "step", optimizer.step_bytes, test);
}

static void
test_cases (void)
{
  JsonArray *cases = json_object_get_array_member (root, "cases");

  g_assert_cmpuint (json_array_get_length (cases), >, 0);
  for (guint i = 0; i < json_array_get_length (cases); i++)
    test_case (json_array_get_object_element (cases, i));
}

static void
test_refused (void)
{
  g_autoptr (HrTrainables) dense = load_parameters ("dense", HR_ELEMENT_BFLOAT16);
  g_autoptr (HrTrainables) experts = load_parameters ("experts", HR_ELEMENT_BFLOAT16);
  const HrOptimizerSettings soap = { .kind = HR_OPTIMIZER_KIND_SOAP };
  const HrOptimizerSettings mini = { .kind = HR_OPTIMIZER_KIND_ADAM_MINI };
  const HrOptimizerSettings adalomo = { .kind = HR_OPTIMIZER_KIND_ADALOMO };
  const HrOptimizerSettings muon = { .kind = HR_OPTIMIZER_KIND_MUON };
  g_autoptr (GError) soap_error = NULL;
  g_autoptr (GError) mini_error = NULL;
  g_autoptr (GError) adalomo_error = NULL;

  g_assert_false (hr_optimizer_check (&soap, dense, &soap_error));
  g_assert_error (soap_error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_true (hr_optimizer_check (&mini, dense, NULL));
  g_assert_false (hr_optimizer_check (&mini, experts, &mini_error));
  g_assert_error (mini_error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_false (hr_optimizer_check (&adalomo, experts, &adalomo_error));
  g_assert_error (adalomo_error, HR_ERROR, HR_ERROR_UNSUPPORTED);
  g_assert_true (hr_optimizer_check (&muon, experts, NULL));
}

int
main (int   argc,
      char *argv[])
{
  g_autoptr (JsonNode) file = NULL;

  g_test_init (&argc, &argv, NULL);
  file = oracle_load_file ("optimizers.json");
  root = json_node_get_object (file);

  g_test_add_func ("/oracle/optimizers_keep_and_make_what_their_code_does", test_cases);
  g_test_add_func ("/oracle/parameters_that_the_code_of_an_optimizer_cannot_train_are_refused", test_refused);

  return g_test_run ();
}
