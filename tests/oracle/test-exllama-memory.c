/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What people have published of ExLlamaV3: what a GPU shows, and what the weights take. */

#include "hr-estimator.h"
#include "hr-gpu-catalogue.h"

#include "oracle.h"

#define MIB (1024.0 * 1024)
#define GIB (1024 * MIB)

/* The worst is of a GPU that its source does not name, so that its context may be another one's. */
#define MEDIAN_PERCENT 0.6
#define MAX_PERCENT 2

/* Of figures with one digit behind the point. */
#define MEDIAN_WEIGHTS_PERCENT 0.5
#define MAX_WEIGHTS_PERCENT 0.7

static void
compare (JsonObject *row,
         GArray     *devices,
         GArray     *weights)
{
  JsonObject *settings = json_object_get_object_member (row, "settings");
  g_autoptr (GError) error = NULL;
  g_autoptr (HrModel) model = oracle_load_model_of (row, json_object_get_string_member (row, "model"));
  g_autoptr (HrGpu) gpu = hr_gpu_catalogue_lookup (json_object_get_string_member (row, "gpu"), &error);
  g_autoptr (HrJob) job = oracle_make_job (HR_MODE_INFERENCE, settings);
  g_autoptr (HrEstimate) found = NULL;
  double expected;

  g_assert_no_error (error);
  hr_job_set_all_from_string (job, "engine=exllama quantization=exl3 prompt-length=1024 output-length=256", &error);
  g_assert_no_error (error);
  found = hr_estimator_run (model, job, gpu, 1, &error);
  g_assert_no_error (error);

  if (json_object_has_member (row, "device"))
    {
      expected = json_object_get_double_member (row, "device");
      oracle_note_figure (row, "device", hr_estimate_get_device_bytes (found, 0) / MIB, expected);
      oracle_errors_add (devices, oracle_get_percent (hr_estimate_get_device_bytes (found, 0), expected * MIB));
      return;
    }

  expected = json_object_get_double_member (row, "weights");
  oracle_note_figure (row, "weights", hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS) / GIB, expected);
  oracle_errors_add (weights, oracle_get_percent (hr_estimate_get_component_bytes (found, HR_COMPONENT_WEIGHTS),
                                                  expected * GIB));
}

static void
test_memory (void)
{
  g_autoptr (JsonNode) root = oracle_load_file ("exllama-memory.json");
  JsonArray *cases = json_object_get_array_member (json_node_get_object (root), "cases");
  g_autoptr (GArray) devices = oracle_errors_new ();
  g_autoptr (GArray) weights = oracle_errors_new ();

  for (guint i = 0; i < json_array_get_length (cases); i++)
    compare (json_array_get_object_element (cases, i), devices, weights);

  oracle_errors_judge (devices, "what a GPU shows with ExLlamaV3, percent", MEDIAN_PERCENT, MAX_PERCENT);
  oracle_errors_judge (weights, "weights of EXL3, percent", MEDIAN_WEIGHTS_PERCENT, MAX_WEIGHTS_PERCENT);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/oracle/what_exllama_takes_is_what_people_have_published", test_memory);

  return g_test_run ();
}
