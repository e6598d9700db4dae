/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * What bitsandbytes takes: the modules of transformers' own classes that its quantizer replaces, how many they are and
 * how many elements they have, against the tensors that ours takes. Those of parameters.json are looked at; a line for
 * a model that is not in it waits for its architecture.
 */

#include "hr-model-private.h"

#include "oracle.h"

typedef struct
{
  JsonObject *model;
  JsonObject *expected;
} Case;

static gint64
get_sum (JsonObject *object,
         guint       index)
{
  return json_array_get_int_element (json_object_get_array_member (object, "linear"), index) +
         json_array_get_int_element (json_object_get_array_member (object, "conv1d"), index);
}

static void
test_the_same_layers_are_quantized (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (HrModel) model =
    oracle_load_model_of (test->model, json_object_get_string_member (test->model, "id"));
  g_autoptr (HrQuantizer) quantizer = hr_quantizer_new (HR_QUANTIZATION_BNB_INT8);
  gint64 n_layers = 0;
  gint64 n_elements = 0;

  _hr_model_apply (model, quantizer);
  for (guint i = 0; i < hr_model_get_n_tensors (model); i++)
    {
      const HrTensor *tensor = hr_model_get_tensor (model, i);

      for (guint copy = 0; copy < hr_tensor_get_copies (tensor); copy++)
        {
          if (hr_quantizer_get_format (quantizer, tensor, i, copy) == NULL)
            continue;
          n_layers++;
          n_elements += tensor->n_elements;
        }
    }

  g_assert_cmpint (n_elements, ==, get_sum (test->expected, 1));
  g_assert_cmpint (n_layers, ==, get_sum (test->expected, 0));
}

static JsonObject *
find (JsonArray  *models,
      const char *id)
{
  for (guint i = 0; i < json_array_get_length (models); i++)
    {
      JsonObject *model = json_array_get_object_element (models, i);

      if (g_str_equal (json_object_get_string_member (model, "id"), id))
        return model;
    }

  return NULL;
}

int
main (int   argc,
      char *argv[])
{
  g_autoptr (JsonNode) parameters = NULL;
  g_autoptr (JsonNode) layers = NULL;
  JsonArray *models, *expected;
  guint n_cases = 0;

  g_test_init (&argc, &argv, NULL);

  parameters = oracle_load_file ("parameters.json");
  layers = oracle_load_file ("linear-layers.json");
  models = json_object_get_array_member (json_node_get_object (parameters), "models");
  expected = json_object_get_array_member (json_node_get_object (layers), "models");

  for (guint i = 0; i < json_array_get_length (expected); i++)
    {
      JsonObject *row = json_array_get_object_element (expected, i);
      const char *id = json_object_get_string_member (row, "id");
      JsonObject *model = find (models, id);
      g_autofree char *path = NULL;
      Case *test;

      if (model == NULL)
        continue;
      test = g_new (Case, 1);
      *test = (Case) { model, row };
      path = g_strconcat ("/oracle/the_same_layers_are_quantized/", id, NULL);
      g_strdelimit (path + strlen ("/oracle/the_same_layers_are_quantized/"), "/", '_');
      g_test_add_data_func_full (path, test, test_the_same_layers_are_quantized, g_free);
      n_cases++;
    }

  g_print ("# %u models\n", n_cases);
  g_assert_cmpuint (n_cases, >=, 100);

  return g_test_run ();
}
